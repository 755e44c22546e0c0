package nighttest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/messaging"
)

// InboxOfMany has a provider tell each message of some customers, one of whom nobody knows and two
// of whom share a number, eight times at once to several engines, while a desk changes their tickets:
// each message is in one ticket once, of each conversation there is one, and no change is lost.
func InboxOfMany(t *testing.T, store crm.Store, engines int) {
	const people, each = 4, 5
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	clock := &crmtest.Clock{}
	clock.Set(Start)
	shops := make([]*Retailer, engines)
	for i := range shops {
		shops[i] = New(t, store, clock, func(c *vefa.Config) { c.Inbox, c.TrainAt = &vefa.Inbox{}, -1 })
	}
	b := People(people - 1)
	for i, p := range b.Profiles { // addresses that many locks are taken for, in an order of their own
		p.Contacts = append(p.Contacts, crm.Contact{Address: Phone(100 + (i+1)%2)}, crm.Contact{Address: Phone(200 - i)})
	}
	_, err := shops[0].Engine.Service().Import(ctx, b)
	require.NoError(t, err)
	from := func(i int) crm.Address { return []crm.Address{Phone(0), Phone(100), Phone(101), Phone(999)}[i] }
	reports := make([]vefa.FeedbackReport, Writers)
	desk := 0
	AtOnce(t, func(w int) error {
		e := shops[w%engines].Engine
		if w == Writers-1 { // the desk
			for range 3 * each {
				for f, err := range e.Service().OpenTickets(ctx, crm.TicketQuery{}) {
					if err != nil {
						return err
					}
					if _, err := e.Service().ChangeTicket(ctx, f.Ref(), crm.TicketChange{Actor: "ayse", Note: "looked at", State: crm.TicketPending}); err != nil {
						return err
					}
					desk++
				}
			}
			return nil
		}
		for n := range each {
			for k := range people {
				i := (k + w) % people
				rep, err := e.Feedback(ctx, messaging.Feedback{Inbound: []messaging.Inbound{{ID: fmt.Sprintf("m%d-%d", i, n), From: from(i), Text: "Merhaba", At: Start.Add(time.Duration(n) * time.Minute)}}})
				if err != nil {
					return err
				}
				reports[w].Opened += rep.Opened
				reports[w].Appended += rep.Appended
			}
		}
		return nil
	})
	opened, appended := 0, 0
	for _, r := range reports {
		opened, appended = opened+r.Opened, appended+r.Appended
	}
	require.Equal(t, people, opened)
	require.Equal(t, people*(each-1), appended)
	in, looks := map[crm.FactRef]int{}, 0
	require.NoError(t, store.View(ctx, func(r crm.Reader) error {
		n := 0
		for f, err := range crm.FactsOfKind(ctx, r, crm.AllParts(), crm.KindTicket) {
			if err != nil {
				return err
			}
			n++
			tk := f.Data.(*crm.Ticket)
			require.Len(t, tk.Related, each)
			for _, ref := range tk.Related {
				in[ref]++
				require.Equal(t, tk.Related[0].Subject, ref.Subject, "of one conversation")
			}
			for _, l := range tk.Log {
				if l.Actor == "ayse" {
					looks++
				}
			}
		}
		require.Equal(t, people, n)
		return nil
	}))
	require.Len(t, in, people*each)
	require.Equal(t, desk, looks, "a change of the desk was lost")
}
