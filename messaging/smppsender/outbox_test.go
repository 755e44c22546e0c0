package smppsender_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/smpp"
	"github.com/vefacrm/vefa/messaging/smpp/smpptest"
	"github.com/vefacrm/vefa/messaging/smppsender"
)

// planned puts messages into a store, each to a number of its own; every seventh is long.
func planned(t *testing.T, store crm.Store, n int) {
	t.Helper()
	require.NoError(t, store.Update(t.Context(), func(tx crm.Tx) error {
		for i := range n {
			s := crm.OfAddress(crm.Address{Channel: crm.Phone, Value: fmt.Sprintf("+90532%07d", i)})
			_, err := tx.PutEffects(t.Context(), &crm.Effect{ID: crmtest.IDs().ID("campaign/spring", s, crm.FactKey{}, ""), Kind: crm.EffectMessage, Cause: "campaign/spring",
				Subject: s, Due: time.Now(), State: crm.Planned, Created: time.Now(), Changed: time.Now()})
			if err != nil {
				return err
			}
		}
		return nil
	}))
}

// box is one process that sends.
func box(store crm.Store, s messaging.Sender, lease time.Duration) *messaging.Outbox {
	return &messaging.Outbox{Store: store, Sender: s, Now: time.Now, LeaseNow: time.Now, Lease: lease, Logger: slog.New(slog.DiscardHandler),
		Guard: func(_ context.Context, _ crm.Tx, effects []*crm.Effect) ([]messaging.Verdict, error) {
			out := make([]messaging.Verdict, len(effects))
			for i := range out {
				out[i].Outcome = messaging.Send
			}
			return out, nil
		},
		Render: func(_ context.Context, _ crm.Tx, e *crm.Effect) (messaging.Message, error) {
			text := "Merhaba"
			if strings.HasSuffix(e.Subject.Address.Value, "7") {
				text = long
			}
			return messaging.Message{To: e.Subject.Address, From: "VEFA", Text: text}, nil
		}}
}

// TestSlowProvider: two processes with leases of a minute send through an SMSC of which some
// answers come after 40 seconds, when the call is over, some after more than a lease, some never or
// with a cut connection, and which throttles. Nothing is taken twice and nothing that was taken
// counts as not sent; what was answered late is settled by that answer, and what cannot be known is said to be
// unknown.
func TestSlowProvider(t *testing.T) {
	const messages, lease = 120, time.Minute
	for seed := range uint64(4) { // of which the odd ones cut connections
		synctest.Test(t, func(t *testing.T) {
			store := memstore.NewAt(time.Now)
			planned(t, store, messages)
			var mu sync.Mutex
			cuts := seed%2 == 1
			lost := map[string]bool{} // numbers of which an answer never came; a cut takes those of others with it
			smsc := smpptest.New(smpptest.Options{Answer: func(n int, m *smpp.Message) smpptest.Answer {
				mu.Lock()
				defer mu.Unlock()
				switch (uint64(n) + seed*5) % 16 {
				case 1, 9:
					return smpptest.Answer{Delay: 40 * time.Second}
				case 2:
					return smpptest.Answer{Delay: 80 * time.Second, Early: true}
				case 3, 7:
					return smpptest.Answer{Status: smpp.Throttled}
				case 4:
					lost[m.Destination.Addr] = true
					return smpptest.Answer{Lose: true, Silent: true}
				case 5:
					if cuts {
						return smpptest.Answer{Cut: true}
					}
					lost[m.Destination.Addr] = true
					return smpptest.Answer{Lose: true, Silent: true}
				case 6:
					return smpptest.Answer{Status: smpp.InvalidDestination, Delay: 45 * time.Second}
				}
				return smpptest.Answer{}
			}})
			var boxes []*messaging.Outbox
			fails := 0
			for range 2 {
				var b *messaging.Outbox
				s, err := smppsender.New(smppsender.Config{
					Client: smpp.ClientConfig{Session: smpp.Config{Bind: smpp.Bind{SystemID: "shop"}, ResponseTimeout: 2 * time.Minute}, Dial: smsc.Dial},
					Feedback: func(ctx context.Context, f messaging.Feedback) error {
						mu.Lock()
						fails++
						bad := fails%5 == 0
						mu.Unlock()
						if bad {
							return errors.New("the store is busy")
						}
						var receipts []crm.Receipt
						for _, r := range f.Reports {
							status := crm.Accepted
							if r.State == messaging.Rejected {
								status = crm.Declined
							}
							receipts = append(receipts, crm.Receipt{ID: r.ID, Provider: r.Provider, Status: status, Reason: r.Reason})
						}
						_, err := b.Receive(ctx, receipts...)
						return err
					}})
				require.NoError(t, err)
				defer func() { _ = s.Close(context.Background()) }()
				b = box(store, s, lease)
				boxes = append(boxes, b)
			}
			defer smsc.Close()
			var wg sync.WaitGroup
			for _, b := range boxes {
				wg.Go(func() {
					for range 40 {
						_, err := b.Drain(t.Context())
						require.NoError(t, err)
						time.Sleep(time.Minute)
					}
				})
			}
			wg.Wait()
			time.Sleep(10 * time.Minute)
			taken, parts, ids := map[string]map[int]int{}, map[string]int{}, map[string]bool{}
			for _, m := range smsc.Messages() {
				to := m.Message.Destination.Addr
				p, err := smpp.PartOf(m.Message)
				require.NoError(t, err)
				parts[to] = max(1, p.Of)
				if m.Status == smpp.OK {
					if taken[to] == nil {
						taken[to] = map[int]int{}
					}
					taken[to][p.Number]++
					ids[m.ID] = true
				}
			}
			states := map[crm.EffectState]int{}
			require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
				for e, err := range crm.AllEffects(t.Context(), r, crm.AllParts()) {
					require.NoError(t, err)
					to := strings.TrimPrefix(e.Subject.Address.Value, "+")
					for part, n := range taken[to] {
						require.Equal(t, 1, n, "part %d of %s was taken twice: %s", part, to, e.State)
					}
					switch states[e.State]++; e.State {
					case crm.Done:
						require.Len(t, taken[to], parts[to], "%s counts as sent: %v", to, e.Reasons)
						require.Len(t, strings.Fields(e.Provider), parts[to])
						for _, id := range strings.Fields(e.Provider) {
							require.True(t, ids[id], "%s: the provider gave no id %q", to, id)
						}
					case crm.Failed:
						require.Empty(t, taken[to], "%s counts as refused", to)
					case crm.Unknown:
						require.True(t, cuts || lost[to] || len(taken[to]) < parts[to], "%s: all of it was taken, and each answer came: %v", to, e.Reasons)
					default:
						t.Errorf("%s is %s", to, e.State)
					}
				}
				return nil
			}))
			require.Greater(t, states[crm.Done], messages/2, "%v", states)
			require.Positive(t, states[crm.Unknown])
			require.Positive(t, states[crm.Failed])
			t.Logf("%v", states)
		})
	}
}

// TestLateAnswers: what an answer says that came after the context of Send had ended reaches
// the host, also if its first attempts to keep it fail, and once.
func TestLateAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		answer func(n int) smpptest.Answer
		want   []messaging.Report
	}{
		"taken": {"Merhaba", func(int) smpptest.Answer { return smpptest.Answer{Delay: 20 * time.Second, Silent: true} }, []messaging.Report{{State: messaging.Enroute, Provider: "1"}}},
		"refused": {"Merhaba", func(int) smpptest.Answer {
			return smpptest.Answer{Delay: 20 * time.Second, Status: smpp.InvalidDestination}
		}, []messaging.Report{{State: messaging.Rejected, Reason: "SMPP 0x0b"}}},
		"throttled": {"Merhaba", func(int) smpptest.Answer { return smpptest.Answer{Delay: 20 * time.Second, Status: smpp.Throttled} }, nil},
		"lost":      {"Merhaba", func(int) smpptest.Answer { return smpptest.Answer{Lose: true, Silent: true} }, nil},
		"the last of 3 parts": {long, func(n int) smpptest.Answer {
			return smpptest.Answer{Delay: time.Duration(n) * 10 * time.Second, Silent: true}
		}, []messaging.Report{{State: messaging.Enroute, Provider: "1 2 3"}}},
		"one of 3 was refused": {long, func(n int) smpptest.Answer {
			return smpptest.Answer{Delay: 20 * time.Second, Silent: true, Status: map[int]smpp.Status{1: smpp.InvalidDestination}[n]}
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				tries := 0
				var got []messaging.Report
				s, smsc := fixture(t, smpptest.Options{Answer: func(n int, _ *smpp.Message) smpptest.Answer { return c.answer(n) }}, func(cfg *smppsender.Config) {
					cfg.Feedback = func(_ context.Context, f messaging.Feedback) error {
						mu.Lock()
						defer mu.Unlock()
						if tries++; tries <= 2 {
							return errors.New("the store is busy")
						}
						got = append(got, f.Reports...)
						return nil
					}
				})
				ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
				defer cancel()
				out, err := s.Send(ctx, []messaging.Message{message(1, c.text)})
				require.NoError(t, err)
				require.Equal(t, crm.Uncertain, out[0].Status)
				time.Sleep(5 * time.Minute)
				mu.Lock()
				defer mu.Unlock()
				for i := range c.want {
					c.want[i].ID = out[0].ID
				}
				require.Equal(t, c.want, got)
				came, _ := smsc.Count()
				require.LessOrEqual(t, came, 3, "nothing is sent again")
			})
		})
	}
}
