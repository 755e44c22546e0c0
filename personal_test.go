package vefa_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/rules"
)

// TestMessagesNameTheCustomer sends what is known of a customer, of the order and of
// the host's own fields, and the fallbacks of somebody of whom nothing is. Case B5.
func TestMessagesNameTheCustomer(t *testing.T) {
	for _, once := range []string{"row", "day"} { // of the second the row is in no id
		t.Run(once, func(t *testing.T) { namesTheCustomer(t, once) })
	}
}

func namesTheCustomer(t *testing.T, once string) {
	book, err := rules.ReadYAML("rules.yaml", []byte(`rules: [{name: thanks, each: Purchases, when: row.DaysAgo <= 1, once: `+once+`, then: [{message: thanks}]}]`))
	require.NoError(t, err)
	clock := &crmtest.Clock{}
	clock.Set(nighttest.Start)
	shop := nighttest.New(t, memstore.New(), clock, func(c *vefa.Config) {
		c.Rules, c.Campaigns, c.Surveys = []*rules.Book{book}, nil, nil
		c.Fields = []vefa.Field{{Name: "Points", Kind: rules.Int, Fill: values(func(s vefa.FieldSubject) any {
			if s.Profiles[0] == nighttest.Key(0) {
				return 1250
			}
			return nil
		})}}
		field := func(name string, typ messaging.FieldType) messaging.Field {
			return messaging.Field{Name: name, Type: typ, Fallback: "-"}
		}
		c.Messages = []messaging.Campaign{{Name: "thanks", Locale: "tr", Unmeasured: "test",
			Text: "{title}|{given}|{family}|{name}|{shop}|{order}|{amount}|{date}|{Points}|{TotalSpend}|{City}|{LastPurchase}",
			Fields: []messaging.Field{field("title", ""), field("given", ""), field("family", messaging.TextField), field("name", ""), field("shop", ""), field("order", ""),
				field("amount", messaging.MoneyField), field("date", messaging.DateField), field("Points", messaging.NumberField),
				field("TotalSpend", messaging.MoneyField), field("City", ""), field("LastPurchase", messaging.DateField)}}}
	})
	// 23:30 in Istanbul, where it is still the day before in UTC's evening.
	bought := time.Date(2025, 3, 2, 21, 30, 0, 0, time.UTC)
	b := nighttest.People(2)
	require.NoError(t, shop.Engine.Service().PutPlaces(t.Context(), &crm.Place{ID: "34", Kind: "store", Name: "Kadıköy", Zone: "Europe/Istanbul"}))
	p := b.Profiles[0]
	p.Name, p.Postal.City = crm.Name{Title: "Dr.", Given: "Işıl", Family: "Öz"}, "İzmir"
	order := b.Facts[1]
	order.Place, order.At = "34", bought
	order.Data = &crm.Order{Number: "TR-90", Total: crm.Money{Amount: 1234550, Currency: "TRY"}}
	b.Profiles[1].Name = crm.Name{}
	b.Facts[3].Data = &crm.Order{Number: "91", Total: crm.Money{Amount: 1234, Currency: "JPY"}}
	_, err = shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
	require.NoError(t, err)
	got := map[string]string{}
	for _, m := range shop.Sender.Messages() {
		got[m.To.Value] = m.Text
	}
	require.Equal(t, map[string]string{
		nighttest.Phone(0).Value: "Dr.|Işıl|Öz|Işıl Öz|Kadıköy|TR-90|12.345,50 TL|03.03.2025|1250|12.345,50 TL|İzmir|03.03.2025",
		nighttest.Phone(1).Value: "-|-|-|-|-|91|1.234 JPY|03.03.2025|-|-|-|03.03.2025",
	}, got)
}

// TestFieldsOfMessagesAreChecked refuses fields that nothing fills, or with something
// of another type. Case B5.
func TestFieldsOfMessagesAreChecked(t *testing.T) {
	for want, field := range map[string]messaging.Field{
		`field "nmae": there is none; a message shows amount, date`:                         {Name: "nmae", Fallback: "-"},
		`field "amount" is of type money, not ""`:                                           {Name: "amount", Fallback: "-"},
		`field "order" is of type text, not "number"`:                                       {Name: "order", Type: messaging.NumberField, Fallback: "-"},
		`field "Orders" is of type number, not "text"`:                                      {Name: "Orders", Type: messaging.TextField, Fallback: "-"},
		`field "Tags": a message cannot show a tags`:                                        {Name: "Tags", Fallback: "-"},
		`field "SMSConsent": a message cannot show a bool`:                                  {Name: "SMSConsent", Fallback: "-"},
		`field "given" has no value and no Fallback to stand in for it: give the field one`: {Name: "given"},
	} {
		_, err := vefa.New(vefa.Config{Store: memstore.New(), Sender: messaging.NewMemorySender(nil), BaseURL: "https://s.example", Keys: nighttest.Keys(),
			Messages: []messaging.Campaign{{Name: "a", Text: "{" + field.Name + "}", Fields: []messaging.Field{field}, Unmeasured: "test"}}})
		require.ErrorContains(t, err, want)
	}
}

// TestMessagesShowTheHomeCurrency: sums that rules read in hundredths are shown in the
// minor unit of the home currency, whatever that is.
func TestMessagesShowTheHomeCurrency(t *testing.T) {
	for currency, want := range map[string]string{"TRY": "1,234.50 TRY", "JPY": "123,450 JPY", "KWD": "123.450 KWD", "CLF": "12.3500 CLF"} {
		t.Run(currency, func(t *testing.T) {
			book, err := rules.ReadYAML("rules.yaml", []byte(`rules: [{name: thanks, when: Orders == 1, then: [{message: thanks}]}]`))
			require.NoError(t, err)
			clock := &crmtest.Clock{}
			clock.Set(nighttest.Start)
			shop := nighttest.New(t, memstore.New(), clock, func(c *vefa.Config) {
				c.Currency, c.Rules, c.Campaigns, c.Surveys = currency, []*rules.Book{book}, nil, nil
				c.Messages = []messaging.Campaign{{Name: "thanks", Unmeasured: "test", Text: "{TotalSpend}",
					Fields: []messaging.Field{{Name: "TotalSpend", Type: messaging.MoneyField, Fallback: "-"}}}}
			})
			b := nighttest.People(1)
			b.Facts[1].Data = &crm.Order{Number: "1", Total: crm.Money{Amount: 123450, Currency: currency}}
			_, err = shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
			require.NoError(t, err)
			require.Len(t, shop.Sender.Messages(), 1)
			require.Equal(t, want, shop.Sender.Messages()[0].Text)
		})
	}
}
