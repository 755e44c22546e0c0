package vefa_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/campaigns"
	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/survey"
)

// An evening: a delivery comes, a rule asks those who bought today, the invitation
// goes out, the audit looks at the record, and Why explains one decision.
func Example() {
	ctx := context.Background()
	clock := time.Date(2025, 3, 3, 19, 0, 0, 0, time.UTC)
	book, err := rules.ReadYAML("evening.yaml", []byte(`
rules:
  - name: ask
    each: Purchases
    when: row.DaysAgo <= 1 and row.Delivered and SMSConsent and OpenTickets == 0
    then: [{survey: visit}]
`))
	if err != nil {
		fmt.Println(err) // with file, line, column and a caret
		return
	}
	sender, store := messaging.NewMemorySender(nil), memstore.New()
	brand := crm.ConsentKey{Brand: "saat"}
	// Drawn once and kept, in yours: crm.ParseSecret of what openssl rand -hex 32 printed.
	keys := vefa.Keys{Tenant: "saat", Sign: []vefa.Key{{ID: 1, Secret: drawSecret()}}, ID: drawSecret()}
	eng, err := vefa.New(vefa.Config{
		Store: store, Sender: sender, Now: func() time.Time { return clock },
		BaseURL: "https://s.example", Keys: keys,
		Rules: []*rules.Book{book}, Consent: brand,
		Surveys: []vefa.Survey{{Name: "visit", Definition: survey.Recommendation(), Invitation: messaging.Campaign{
			Name: "visit", Text: "How was it? {link}", Fields: []messaging.Field{{Name: "link", Type: messaging.LinkField, Max: 60}},
			Unmeasured: "asked after each visit",
		}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	ada, bob := crm.ProfileKey{Source: "till", ID: "1"}, crm.ProfileKey{Source: "till", ID: "2"}
	phone := func(s string) crm.Address { return crm.Address{Channel: crm.Phone, Value: s} }
	sale := func(who crm.ProfileKey) *crm.Fact {
		return &crm.Fact{Key: crm.FactKey{Kind: crm.KindOrder, Source: "till", ID: "order-" + who.ID}, Subject: crm.OfProfile(who), At: clock.Add(-2 * time.Hour),
			Data: &crm.Order{Number: who.ID, Channel: "store", Total: crm.Money{Amount: 129900, Currency: "TRY"}}}
	}
	delivery := crm.Batch{
		Profiles: []*crm.Profile{
			{ProfileKey: ada, Name: crm.Name{Given: "Ada"}, Contacts: []crm.Contact{{Address: phone("+905321234567")}}},
			{ProfileKey: bob, Name: crm.Name{Given: "Bob"}, Contacts: []crm.Contact{{Address: phone("+905427654321")}}},
		},
		Facts: []*crm.Fact{sale(ada), sale(bob), {
			Key: crm.FactKey{Kind: crm.KindConsent, Source: "till", ID: "1"}, Subject: crm.OfAddress(phone("+905321234567")), At: clock.Add(-2 * time.Hour),
			Data: &crm.Consent{ConsentKey: brand, Status: crm.Granted}, // Bob has not agreed
		}},
	}
	tonight := vefa.Night{Source: func(context.Context) iter.Seq2[crm.Batch, error] {
		return func(yield func(crm.Batch, error) bool) { yield(delivery, nil) }
	}}
	for range 2 { // twice does nothing twice
		if _, err := eng.Night(ctx, tonight); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println(len(sender.Messages()), "message to", sender.Messages()[0].To.Value)

	audit, err := vefa.Audit(ctx, store, brand)
	fmt.Println("clean:", audit.Clean(), err)

	customer, err := eng.Service().CustomerOf(ctx, bob)
	if err != nil {
		fmt.Println(err)
		return
	}
	why, err := eng.Why(ctx, customer.ID, "rule/ask", vefa.WhyQuery{})
	fmt.Println(strings.Contains(why.String(), "SMSConsent"), err)
	// Output:
	// 1 message to +905321234567
	// clean: true <nil>
	// true <nil>
}

// A campaign that people make while the engine runs: written by one, approved by another,
// drawn when its time has come, within its budget.
func ExampleEngine_Desk() {
	ctx := context.Background()
	clock := time.Date(2025, 3, 3, 10, 0, 0, 0, time.UTC)
	brand, sender := crm.ConsentKey{Brand: "saat"}, messaging.NewMemorySender(nil)
	// Drawn once and kept, in yours: crm.ParseSecret of what openssl rand -hex 32 printed.
	keys := vefa.Keys{Tenant: "saat", Sign: []vefa.Key{{ID: 1, Secret: drawSecret()}}, ID: drawSecret()}
	eng, err := vefa.New(vefa.Config{
		Store: memstore.New(), Sender: sender, Now: func() time.Time { return clock },
		BaseURL: "https://s.example", Keys: keys,
		Consent: brand, Segments: "segment everybody = everyone", Desk: &campaigns.Config{},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	var b crm.Batch
	for i := range 5 {
		phone := crm.Address{Channel: crm.Phone, Value: fmt.Sprintf("+90532123456%d", i)}
		b.Profiles = append(b.Profiles, &crm.Profile{ProfileKey: crm.ProfileKey{Source: "till", ID: fmt.Sprint(i)}, Contacts: []crm.Contact{{Address: phone}}})
		b.Facts = append(b.Facts, &crm.Fact{Key: crm.FactKey{Kind: crm.KindConsent, Source: "till", ID: fmt.Sprint(i)}, Subject: crm.OfAddress(phone), At: clock,
			Data: &crm.Consent{ConsentKey: brand, Status: crm.Granted}})
	}
	if _, err := eng.Service().Import(ctx, b); err != nil {
		fmt.Println(err)
		return
	}
	desk := eng.Desk()
	life, err := desk.Draft(ctx, "ayse", "everybody", messaging.Campaign{
		Name: "spring", Text: "Spring is here.", Unmeasured: "an example", Budget: messaging.Budget{Messages: 3}})
	if err == nil {
		_, err = desk.Tested(ctx, "spring", "ayse", life.Seal, "on my own phone")
	}
	if err == nil {
		_, err = desk.Approve(ctx, "spring", "mehmet", life.Seal)
	}
	if err == nil {
		_, err = desk.Schedule(ctx, "spring", "ayse", clock.Add(time.Hour))
	}
	clock = clock.Add(2 * time.Hour)
	if err == nil {
		_, err = eng.DrawDue(ctx) // the evening does it, too
	}
	if err == nil {
		_, err = eng.Deliver(ctx)
	}
	p, err2 := eng.Progress(ctx, "spring")
	if err != nil || err2 != nil {
		fmt.Println(err, err2)
		return
	}
	fmt.Println(p.Life.State, p.Sent, "sent;", p.Withheld[0].Name, p.Withheld[0].N)
	// Output: closed 3 sent; budget 2
}

// drawSecret returns 32 random bytes.
func drawSecret() crm.Secret {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return crm.NewSecret(b)
}
