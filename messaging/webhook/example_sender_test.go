package webhook_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/messagingtest"
	"github.com/vefacrm/vefa/messaging/webhook"
)

// A team is told at an endpoint of the configuration; the receiver checks the signature.
func ExampleSender() {
	secret := crm.NewSecret([]byte("shared with the team's own system"))
	v, err := webhook.New(webhook.Config{Form: webhook.Standard(), Secrets: []crm.Secret{secret}})
	if err != nil {
		fmt.Println(err)
		return
	}
	team := httptest.NewServer(v.Handler(func(_ context.Context, d webhook.Delivery) error {
		fmt.Println("told of", len(d.ID), "digits")
		return nil
	}))
	defer team.Close()
	s, err := webhook.NewSender(webhook.SenderConfig{Endpoints: map[string]webhook.Endpoint{"care": {URL: team.URL, Secrets: []crm.Secret{secret}}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	m := messagingtest.Message(1)
	m.To, m.Via, m.Text = crm.Address{Channel: webhook.Name, Value: "care"}, webhook.Name, "A customer is unhappy"
	receipts, err := s.Send(context.Background(), []messaging.Message{m})
	fmt.Println(receipts[0].Status, err)
	// Output:
	// told of 31 digits
	// accepted <nil>
}
