package verimor_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/consent"
	"github.com/vefacrm/vefa/messaging/providertest"
	"github.com/vefacrm/vefa/messaging/verimor"
	"github.com/vefacrm/vefa/messaging/webhook"
)

// A message goes to the simulator, which reports its delivery to the webhook.
func Example() {
	sim := providertest.NewVerimor(providertest.Config{Seed: 1})
	server := httptest.NewServer(sim)
	defer server.Close()
	path := crm.NewSecret([]byte("a-path-that-nobody-guesses"))
	sender, err := verimor.New(verimor.Config{URL: server.URL, Username: sim.Username, Password: sim.Password, Header: "VEFA", Guard: webhook.Guard{Secret: path}})
	if err != nil {
		fmt.Println(err)
		return
	}
	sim.PushTo(sender.Webhook(func(_ context.Context, f messaging.Feedback) error {
		for _, r := range f.Reports {
			fmt.Println(r.ID, "is", r.State)
		}
		return nil
	}), "/sms/"+string(path.Reveal()))

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
