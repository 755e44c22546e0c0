package vefa_test

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/rules"
)

// A series of messages ends where its goal is reached: it is one rule with delays, whose guard
// is asked again in the transaction that sends. Ada buys on the fourth day, Bob never.
func Example_series() {
	ctx := context.Background()
	clock := time.Date(2025, 3, 3, 19, 0, 0, 0, time.UTC)
	book, err := rules.ReadYAML("welcome.yaml", []byte(`
rules:
  - name: welcome
    doc: Customers without an order get three messages.
    when: Orders == 0 and SMSConsent
    guard: Orders == 0
    then:
      - message: hello
      - {message: advice, after: 2d}
      - {message: voucher, after: 7d}
`))
	if err != nil {
		fmt.Println(err) // with file, line, column and a caret
		return
	}
	message := func(name, text string) messaging.Campaign {
		return messaging.Campaign{Name: name, Text: text, Unmeasured: "part of a series"}
	}
	brand, sender := crm.ConsentKey{Brand: "saat"}, messaging.NewMemorySender(nil)
	// Drawn once and kept, in yours: crm.ParseSecret of what openssl rand -hex 32 printed.
	keys := vefa.Keys{Tenant: "saat", Sign: []vefa.Key{{ID: 1, Secret: drawSecret()}}, ID: drawSecret()}
	eng, err := vefa.New(vefa.Config{
		Store: memstore.New(), Sender: sender, Now: func() time.Time { return clock },
		BaseURL: "https://s.example", Keys: keys,
		Rules: []*rules.Book{book}, Consent: brand,
		Messages: []messaging.Campaign{message("hello", "Welcome!"), message("advice", "How to choose a watch"), message("voucher", "A tenth off your first one")},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	names := map[string]string{"+905321234567": "Ada", "+905427654321": "Bob"}
	for day := range 9 {
		var today crm.Batch
		switch day {
		case 0:
			for phone, name := range names {
				a := crm.Address{Channel: crm.Phone, Value: phone}
				today.Profiles = append(today.Profiles, &crm.Profile{ProfileKey: crm.ProfileKey{Source: "web", ID: name}, Name: crm.Name{Given: name}, Contacts: []crm.Contact{{Address: a}}})
				today.Facts = append(today.Facts, &crm.Fact{Key: crm.FactKey{Kind: crm.KindConsent, Source: "web", ID: name}, Subject: crm.OfAddress(a), At: clock,
					Data: &crm.Consent{ConsentKey: brand, Status: crm.Granted}})
			}
		case 3:
			today.Facts = append(today.Facts, &crm.Fact{Key: crm.FactKey{Kind: crm.KindOrder, Source: "web", ID: "1"}, Subject: crm.OfProfile(crm.ProfileKey{Source: "web", ID: "Ada"}), At: clock,
				Data: &crm.Order{Number: "1", Total: crm.Money{Amount: 129900, Currency: "TRY"}}})
		}
		before := len(sender.Messages())
		if _, err := eng.Night(ctx, vefa.Night{Source: func(context.Context) iter.Seq2[crm.Batch, error] {
			return func(yield func(crm.Batch, error) bool) { yield(today, nil) }
		}}); err != nil {
			fmt.Println(err)
			return
		}
		heard := map[string]string{}
		for _, m := range sender.Messages()[before:] {
			heard[names[m.To.Value]] = m.Text
		}
		if len(heard) > 0 {
			fmt.Println("day", day+1, heard)
		}
		clock = clock.AddDate(0, 0, 1)
	}
	// Output:
	// day 1 map[Ada:Welcome! Bob:Welcome!]
	// day 3 map[Ada:How to choose a watch Bob:How to choose a watch]
	// day 8 map[Bob:A tenth off your first one]
}
