package dbtest

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
)

// TestEightAnswer: eight webhooks take messages of the same senders at once, each its own and
// some that all take; eight desks give the same response. In a window each sender gets one
// answer of the program, and each response is one message, which leaves once.
func TestEightAnswer(t *testing.T) {
	const senders, rounds = 12, 3
	for _, open := range []func(testing.TB) database{openPostgres, openMySQL} {
		ctx := deadline(t)
		store := migrated(t, open(t))
		clock := &crmtest.Clock{}
		clock.Set(nighttest.Start)
		sender := messaging.NewMemorySender(nil)
		var engines []*vefa.Engine
		for range nighttest.Writers {
			engines = append(engines, nighttest.New(t, store, clock, func(c *vefa.Config) {
				c.Logger, c.Rules, c.Campaigns, c.Sender = slog.New(slog.DiscardHandler), nil, nil, sender
				c.AutoReplies = []vefa.AutoReply{{Content: messaging.Content{Channel: crm.Phone, Text: "Thanks"}, Every: time.Hour}}
			}).Engine)
		}
		_, err := engines[0].Service().Import(ctx, nighttest.People(senders/2)) // the others are unknown
		require.NoError(t, err)
		_, err = engines[0].Feedback(ctx, messaging.Feedback{Inbound: []messaging.Inbound{{ID: "all-0-0", From: nighttest.Phone(0), Text: "Hello", At: nighttest.Start}}})
		require.NoError(t, err)
		var cause crm.FactKey
		require.NoError(t, store.View(ctx, func(r crm.Reader) error {
			for f, err := range crm.FactsOf(ctx, r, []crm.Subject{crm.OfAddress(nighttest.Phone(0))}, crm.KindInteraction) {
				require.NoError(t, err)
				cause = f.Key
			}
			return nil
		}))
		ticket, err := engines[0].Service().OpenTicket(ctx, nighttest.Key(0), "desk", "1", crm.Ticket{Title: "Strap", Cause: cause})
		require.NoError(t, err)
		for round := range rounds {
			at := nighttest.Start.Add(time.Duration(round) * time.Hour)
			nighttest.AtOnce(t, func(w int) error {
				var in []messaging.Inbound
				for i := range senders {
					s := (i + w) % senders
					in = append(in, messaging.Inbound{ID: fmt.Sprintf("%d-%d-%d", w, round, s), From: nighttest.Phone(s), Text: "Hello", At: at},
						messaging.Inbound{ID: fmt.Sprintf("all-%d-%d", round, s), From: nighttest.Phone(s), Text: "Hello", At: at})
				}
				_, err := engines[w].Feedback(ctx, messaging.Feedback{Inbound: in})
				return err
			})
			nighttest.AtOnce(t, func(w int) error {
				_, err := engines[w].Respond(ctx, vefa.Response{ID: fmt.Sprint("r", round), Ticket: ticket, Actor: "ayse", Text: "On its way"})
				return err
			})
			for range 2 { // the desk's answer waits for the program's, which is planned and will be withheld
				nighttest.AtOnce(t, func(w int) error {
					_, err := engines[w].Deliver(ctx)
					return err
				})
				clock.Advance(2 * time.Minute)
			}
			clock.Advance(time.Hour)
		}
		got := map[string]int{}
		for _, m := range sender.Messages() {
			got[m.Cause+" "+m.To.Value]++
		}
		// Person 0 has an open ticket: nothing but the desk's answers goes there.
		for i := range senders {
			want := rounds
			if i == 0 {
				want = 0
			}
			require.Equal(t, want, got["reply/auto "+nighttest.Phone(i).Value], "sender %d", i)
		}
		require.Equal(t, rounds, got["reply/desk "+nighttest.Phone(0).Value])
		planned := map[string]int{}
		require.NoError(t, store.View(ctx, func(r crm.Reader) error {
			for f, err := range crm.AllEffects(context.WithoutCancel(ctx), r, crm.AllParts()) {
				if err != nil {
					return err
				}
				planned[f.Cause]++
			}
			return nil
		}))
		require.Equal(t, map[string]int{"reply/auto": senders * rounds, "reply/desk": rounds}, planned)
		audit, err := vefa.Audit(ctx, store, nighttest.Brand)
		require.NoError(t, err)
		require.True(t, audit.Clean(), "%+v", audit)
	}
}
