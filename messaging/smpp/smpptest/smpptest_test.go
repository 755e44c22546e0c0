package smpptest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/messaging/smpp"
	"github.com/vefacrm/vefa/messaging/smpp/smpptest"
)

func message() *smpp.Message {
	return &smpp.Message{Source: smpp.Address{Addr: "4609"}, Destination: smpp.Address{TON: 1, NPI: 1, Addr: "905320000000"}, RegisteredDelivery: 1, Text: []byte("x")}
}

// event is what a client saw, and when.
type event struct {
	at   time.Duration
	id   string
	what string
}

// run sends n messages, one after another, and returns what the client saw.
func run(t *testing.T, opt smpptest.Options, n int) (answers, receipts []event) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		smsc := smpptest.New(opt)
		c, err := smpp.NewClient(smpp.ClientConfig{Dial: smsc.Dial, Random: func() float64 { return 0 }, Session: smpp.Config{Bind: smpp.Bind{SystemID: "x"}, ResponseTimeout: 8 * time.Second,
			Handler: func(_ context.Context, p smpp.PDU) smpp.Status {
				r, ok := smpp.ReceiptForm{}.Parse(p.Body.(*smpp.Message))
				assert.True(t, ok)
				receipts = append(receipts, event{time.Since(begin), r.ID, r.State.String() + " " + r.Error})
				return smpp.OK
			}}})
		require.NoError(t, err)
		for range n {
			id, err := c.Submit(t.Context(), message())
			what := "taken"
			var status *smpp.StatusError
			if errors.As(err, &status) {
				what = "refused " + status.Status.String()
			} else if err != nil {
				require.ErrorIs(t, err, smpp.ErrUnknown)
				what = "unknown"
			}
			answers = append(answers, event{time.Since(begin), id, what})
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Minute)
		require.NoError(t, c.Close(t.Context()))
		smsc.Close()
		synctest.Wait()
	})
	return answers, receipts
}

// TestRandomIsDeterministic plays the same faults twice and gets the same, with another
// seed others, and every kind of fault among them.
func TestRandomIsDeterministic(t *testing.T) {
	faults := smpptest.Faults{Throttled: 0.05, Failed: 0.05, Lost: 0.05, Cut: 0.05, Early: 0.3, Twice: 0.2, Undelivered: 0.2, Delay: 50 * time.Millisecond, ReceiptDelay: time.Second}
	answers, receipts := run(t, smpptest.Options{Answer: smpptest.Random(1, faults)}, 200)
	again, receiptsAgain := run(t, smpptest.Options{Answer: smpptest.Random(1, faults)}, 200)
	assert.Equal(t, answers, again)
	assert.Equal(t, receipts, receiptsAgain)
	other, _ := run(t, smpptest.Options{Answer: smpptest.Random(2, faults)}, 200)
	assert.NotEqual(t, answers, other)

	count, taken := map[string]int{}, map[string]time.Duration{}
	for _, a := range answers {
		count[a.what]++
		taken[a.id] = a.at
	}
	seen := map[string]bool{}
	last := ""
	for _, r := range receipts {
		count[r.what]++
		if at, ok := taken[r.id]; ok && r.at < at {
			count["early"]++
		}
		if seen[r.id] {
			count["twice"]++
		}
		if len(r.id) < len(last) || len(r.id) == len(last) && r.id < last {
			count["out of order"]++
		}
		seen[r.id], last = true, r.id
	}
	for _, want := range []string{"taken", "unknown", "refused 0x58 ESME_RTHROTTLED", "refused 0x0b ESME_RINVDSTADR", "DELIVRD 000", "UNDELIV 027", "early", "twice", "out of order"} {
		assert.Positive(t, count[want], want)
	}
}

// TestScript states what each field of an Answer does.
func TestScript(t *testing.T) {
	script := []smpptest.Answer{{}, {Status: 0x400}, {Lose: true}, {Cut: true}, {Early: true, Delay: time.Second}, {Twice: true, ReceiptDelay: 2 * time.Second},
		{Silent: true}, {State: smpp.Expired, Error: "3", ReceiptDelay: time.Second}}
	for range 6 {
		script = append(script, smpptest.Answer{Silent: true})
	}
	script = append(script, smpptest.Answer{})
	answers, receipts := run(t, smpptest.Options{HexReceipts: true, TextOnly: true, Answer: func(n int, _ *smpp.Message) smpptest.Answer { return script[n] }}, len(script))
	var said []string
	for _, a := range answers[:8] {
		said = append(said, a.what+" "+a.id)
	}
	assert.Equal(t, []string{"taken 1", "refused 0x400 ", "unknown ", "unknown ", "taken 4", "taken 5", "taken 6", "taken 7"}, said)
	said = nil
	for _, r := range receipts {
		said = append(said, r.id+" "+r.what)
	}
	assert.Equal(t, []string{"1 DELIVRD 000", "2 DELIVRD 000", "3 DELIVRD 000", "4 DELIVRD 000", "E DELIVRD 000", "7 EXPIRED 3", "5 DELIVRD 000", "5 DELIVRD 000"}, said)
	assert.Equal(t, time.Second, answers[4].at-receipts[3].at, "before the answer")
}

func TestQueries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		smsc := smpptest.New(smpptest.Options{Answer: func(int, *smpp.Message) smpptest.Answer { return smpptest.Answer{ReceiptDelay: time.Second} }})
		defer smsc.Close()
		c, err := smpp.NewClient(smpp.ClientConfig{Dial: smsc.Dial, Session: smpp.Config{Bind: smpp.Bind{SystemID: "x"}}})
		require.NoError(t, err)
		id, err := c.Submit(t.Context(), message())
		require.NoError(t, err)
		state := func(id string) (smpp.State, error) {
			p, err := c.Do(t.Context(), smpp.QuerySM, &smpp.Query{ID: id})
			if err != nil {
				return 0, err
			}
			return p.Body.(*smpp.QueryResult).State, nil
		}
		got, err := state(id)
		require.NoError(t, err)
		assert.Equal(t, smpp.Enroute, got)
		time.Sleep(2 * time.Second)
		got, err = state(id)
		require.NoError(t, err)
		assert.Equal(t, smpp.Delivered, got)
		var status *smpp.StatusError
		_, err = state("99")
		require.ErrorAs(t, err, &status)
		assert.Equal(t, smpp.QueryFailed, status.Status)
		_, err = c.Do(t.Context(), smpp.CancelSM, &smpp.Cancel{ID: id})
		require.ErrorAs(t, err, &status)
		assert.Equal(t, smpp.CancelFailed, status.Status)
		require.NoError(t, c.Close(t.Context()))
		smsc.Close()
		_, err = smsc.Dial(t.Context())
		require.Error(t, err)
	})
}
