package kannel_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/consent"
	"github.com/vefacrm/vefa/messaging/kannel"
	"github.com/vefacrm/vefa/messaging/providertest"
	"github.com/vefacrm/vefa/messaging/webhook"
)

// A message goes to the simulator, whose calls report its way.
func Example() {
	sim := providertest.NewKannel(providertest.Config{Seed: 1})
	server := httptest.NewServer(sim)
	defer server.Close()
	sender, err := kannel.New(kannel.Config{URL: server.URL, Username: sim.Username, Password: sim.Password, From: "VEFA",
		WebhookURL: "https://hooks.example.com/kannel", Guard: webhook.Guard{Secret: crm.NewSecret([]byte("a-path-that-nobody-guesses"))}})
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
	}), sender.InboundURL())
	receipts, err := sender.Send(context.Background(), []messaging.Message{{ID: "e1", To: crm.Address{Channel: crm.Phone, Value: "+905321234567"},
		Text: "Siparişiniz hazır", Class: consent.Transactional}})
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
