package netgsm_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/consent"
	"github.com/vefacrm/vefa/messaging/netgsm"
	"github.com/vefacrm/vefa/messaging/providertest"
)

// A message goes to the simulator, and Poll learns what became of it and what the customer
// answered.
func Example() {
	sim := providertest.NewNetgsm(providertest.Config{Seed: 1})
	server := httptest.NewServer(sim)
	defer server.Close()
	sender, err := netgsm.New(netgsm.Config{URL: server.URL, Username: sim.Username, Password: sim.Password, Header: "VEFA"})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	receipts, err := sender.Send(ctx, []messaging.Message{{ID: "e1", To: crm.Address{Channel: crm.Phone, Value: "+905321234567"},
		Text: "Siparişiniz hazır", Class: consent.Transactional}})
	if err != nil {
		fmt.Println(err)
		return
	}
	sim.Deliver()
	sim.Reply("5321234567", "teşekkürler")
	feedback, _, err := sender.Poll(ctx, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range feedback.Reports {
		fmt.Println(r.Provider == receipts[0].Provider, r.State)
	}
	for _, m := range feedback.Inbound {
		fmt.Println(m.From.Value, "wrote", m.Text)
	}
	// Output:
	// true delivered
	// +905321234567 wrote teşekkürler
}
