package whatsapp_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/providertest"
	"github.com/vefacrm/vefa/messaging/whatsapp"
)

// A template goes to the simulator.
func Example() {
	sim := providertest.NewWhatsApp(providertest.Config{Seed: 1})
	server := httptest.NewServer(sim)
	defer server.Close()
	sender, err := whatsapp.New(whatsapp.Config{URL: server.URL, PhoneNumberID: sim.Username, Token: sim.Password})
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := sender.Send(context.Background(), []messaging.Message{{ID: "e1", To: crm.Address{Channel: crm.Phone, Value: "+905321234567"},
		Parts: map[string]string{whatsapp.Template: "order", "1": "42"}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(out[0].Status, sim.Arrivals()[0].Text)
	// Output:
	// accepted 42
}
