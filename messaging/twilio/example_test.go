package twilio_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/consent"
	"github.com/vefacrm/vefa/messaging/providertest"
	"github.com/vefacrm/vefa/messaging/twilio"
)

// A message goes to the simulator, whose signed callbacks report its way.
func Example() {
	sim := providertest.NewTwilio(providertest.Config{Seed: 1})
	server := httptest.NewServer(sim)
	defer server.Close()
	const address = "https://hooks.example.com/twilio"
	sender, err := twilio.New(twilio.Config{URL: server.URL, AccountSID: sim.Username, AuthToken: sim.Password, From: "VEFA", WebhookURL: address})
	if err != nil {
		fmt.Println(err)
		return
	}
	sim.PushTo(sender.Webhook(func(_ context.Context, f messaging.Feedback) error {
		for _, r := range f.Reports {
			if r.State.Final() {
				fmt.Println(r.ID, "is", r.State)
			}
		}
		return nil
	}), address)
	receipts, err := sender.Send(context.Background(), []messaging.Message{{ID: "e1", To: crm.Address{Channel: crm.Phone, Value: "+4915112345678"},
		Text: "Your order is ready", Class: consent.Transactional}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(receipts[0].ID, "is", receipts[0].Status)
	sim.Deliver()
	// Output:
	// e1 is accepted
	// e1 is delivered
}
