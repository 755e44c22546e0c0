package vefa_test

import (
	"context"
	"fmt"
	"time"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/messaging"
)

// What customers write reaches the desk: one conversation is one ticket, and the answer goes back
// the way the question came. The provider calls the webhook twice.
func ExampleInbox() {
	ctx := context.Background()
	clock := time.Date(2025, 3, 3, 10, 0, 0, 0, time.UTC)
	sender := messaging.NewMemorySender(nil)
	// Drawn once and kept, in yours: crm.ParseSecret of what openssl rand -hex 32 printed.
	keys := vefa.Keys{Tenant: "saat", Sign: []vefa.Key{{ID: 1, Secret: drawSecret()}}, ID: drawSecret()}
	eng, err := vefa.New(vefa.Config{
		Store: memstore.New(), Sender: sender, Now: func() time.Time { return clock },
		BaseURL: "https://s.example", Keys: keys,
		Consent: crm.ConsentKey{Brand: "saat"}, Inbox: &vefa.Inbox{Assignee: "care"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ada := crm.Address{Channel: crm.Phone, Value: "+905321234567"}
	for i, text := range []string{"My watch has stopped", "My watch has stopped", "Can you help?", "STOP"} {
		id := []string{"m1", "m1", "m2", "m3"}[i]
		rep, err := eng.Feedback(ctx, messaging.Feedback{Inbound: []messaging.Inbound{{ID: id, From: ada, Text: text, At: clock}}})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(id, "opened", rep.Opened, "appended", rep.Appended)
	}
	for f, err := range eng.Service().OpenTickets(ctx, crm.TicketQuery{}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		t := f.Data.(*crm.Ticket)
		fmt.Println(t.Title, "for", t.Assignee, "with", len(t.Related), "messages")
		if _, err := eng.Respond(ctx, vefa.Response{ID: "r1", Ticket: f.Ref(), Actor: "ayse", Text: "Bring it to any of our shops."}); err != nil {
			fmt.Println(err)
		}
	}
	if _, err := eng.Deliver(ctx); err != nil {
		fmt.Println(err)
	}
	fmt.Println(len(sender.Messages()), "answer by", sender.Messages()[0].To.Channel)
	// Output:
	// m1 opened 1 appended 0
	// m1 opened 0 appended 0
	// m2 opened 0 appended 1
	// m3 opened 0 appended 0
	// A message by phone for care with 2 messages
	// 1 answer by phone
}
