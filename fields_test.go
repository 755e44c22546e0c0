package vefa_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/rules"
)

// values fills a field from a function of one subject.
func values(of func(s vefa.FieldSubject) any) func(context.Context, crm.Reader, time.Time, []vefa.FieldSubject) ([]any, error) {
	return func(_ context.Context, _ crm.Reader, _ time.Time, subjects []vefa.FieldSubject) ([]any, error) {
		out := make([]any, len(subjects))
		for i, s := range subjects {
			out[i] = of(s)
		}
		return out, nil
	}
}

// hostFields are a cart, a tier, the stock of an article and something that is read
// from the record.
func hostFields() []vefa.Field {
	return []vefa.Field{
		{Name: "Cart", Kind: rules.Rows, Fields: []vefa.Field{{Name: "SKU", Kind: rules.String}, {Name: "Hours", Kind: rules.Int}, {Name: "Amount", Kind: rules.Int, Scale: 2}},
			Fill: values(func(s vefa.FieldSubject) any {
				if s.Profiles[0].ID == "1" {
					return []map[string]any{{"SKU": "W-1", "Hours": 5, "Amount": 150050}}
				}
				return nil
			})},
		{Name: "Tier", Kind: rules.String, Fill: values(func(s vefa.FieldSubject) any {
			if s.Facts.Orders > 0 && s.Row == -1 {
				return "gold"
			}
			return nil
		})},
		{Name: "Stock", Rows: "Purchases", Kind: rules.Int, Fill: values(func(s vefa.FieldSubject) any {
			if s.Fact.ID == "o2" && s.Facts.Purchases[s.Row].Channel.V == "store" {
				return 7
			}
			return nil
		})},
		{Name: "WarrantyEnd", Rows: "Lines", Kind: rules.Time, Fill: values(func(s vefa.FieldSubject) any { return s.Facts.Lines[s.Row].At.AddDate(0, 0, 30) })},
		{Name: "Notes", Kind: rules.Int, Doc: "of the desk", Fill: func(ctx context.Context, r crm.Reader, _ time.Time, of []vefa.FieldSubject) ([]any, error) {
			out := make([]any, len(of))
			for i, s := range of {
				n := 0
				for f, err := range crm.FactsOf(ctx, r, []crm.Subject{crm.OfProfile(s.Profiles[0])}, crm.KindNote) {
					if err != nil {
						return nil, err
					}
					n += len(f.Key.ID)
				}
				out[i] = n
			}
			return out, nil
		}},
		{Name: "Unread", Kind: rules.Int, Fill: func(context.Context, crm.Reader, time.Time, []vefa.FieldSubject) ([]any, error) {
			return nil, errors.New("nothing reads it, so nothing asks")
		}},
	}
}

const hostRules = `
rules:
  - {name: cart, when: 'any(Cart, .Hours >= 3 and .Amount > 1500.25)', then: [{tag: cart}]}
  - {name: tier, when: 'Tier == "gold" and Orders == 1', then: [{tag: tier}]}
  - {name: stock, each: Purchases, when: 'row.Stock >= 5', guard: 'row.Stock >= 5 and Tier == "gold"', then: [{tag: stock}]}
  - {name: warranty, each: Lines, on: {date: row.WarrantyEnd, before: 30d}, guard: 'row.SKU == "B"', when: 'row.SKU != "A"', then: [{tag: warranty}]}
  - {name: notes, when: 'Notes > 0', then: [{tag: notes}]}
  - {name: member, when: '"everybody" in Segments and "buyers" not in Segments', then: [{tag: buyer}]}
  - {name: left, on: {event: left}, when: 'any(Cart, .SKU == "W-1")', then: [{message: hello}]}
  - {name: again, when: 'any(Sent, .Name == "message/hello" and .DaysAgo == 1 and .Channel == "phone")', then: [{tag: again}]}
`

// TestFieldsOfTheHost: rules, guards, occasions, dates and Why read them. Case D13.
func TestFieldsOfTheHost(t *testing.T) {
	for _, people := range []int{3, 600} { // more than are asked for at once
		b := nighttest.People(people)
		b.Facts = append(b.Facts, &crm.Fact{Key: crm.FactKey{Kind: crm.KindNote, Source: "desk", ID: "n"}, Subject: crm.OfProfile(nighttest.Key(0)), At: nighttest.Start, Version: 1, Data: &crm.Note{Text: "x"}})
		for _, f := range b.Facts {
			if o, ok := f.Data.(*crm.Order); ok && f.Key.ID == "o1" {
				o.Lines = []crm.OrderLine{{SKU: "A", Quantity: 1}, {SKU: "B", Quantity: 1}}
			}
		}
		store := memstore.New()
		w, clock := shop(t, store, hostRules, func(c *vefa.Config) {
			c.Fields, c.Segments = hostFields(), "segment everybody = everyone segment buyers = cart"
			c.Events = []string{"left"}
		})
		_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
		require.NoError(t, err)
		for rule, who := range map[string]string{"cart": "1", "stock": "2", "warranty": "1", "notes": "0"} {
			got := effectsOf(t, store, "rule/"+rule)
			require.Len(t, got, 1, rule)
			require.Equal(t, who, got[0].Subject.Profile.ID, rule)
			require.Equal(t, crm.Done, got[0].State, "%s: %v", rule, got[0].Reasons)
		}
		require.Len(t, effectsOf(t, store, "rule/tier"), people)
		require.Len(t, effectsOf(t, store, "rule/member"), people)

		var id crm.CustomerID
		require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
			got, err := r.Profiles(t.Context(), nighttest.Key(1))
			id = got[0].Customer
			return err
		}))
		why, err := w.Engine.Why(t.Context(), id, "rule/notes", vefa.WhyQuery{})
		require.NoError(t, err)
		require.Contains(t, why.Text, "Notes")
		got, err := w.Engine.Occur(t.Context(), id, rules.Trigger{Kind: rules.OnEvent, Event: "left"}, crm.FactKey{})
		require.NoError(t, err)
		require.Equal(t, 1, got.Planned)
		_, err = w.Engine.Deliver(t.Context())
		require.NoError(t, err)
		require.Equal(t, crm.Done, effectsOf(t, store, "rule/left")[0].State)
		clock.Advance(24 * time.Hour)
		_, err = w.Engine.Night(t.Context(), vefa.Night{})
		require.NoError(t, err)
		again := effectsOf(t, store, "rule/again")
		require.Len(t, again, 1)
		require.Equal(t, "1", again[0].Subject.Profile.ID)
	}
}

// TestFieldsAreListed: one list describes what the library and what the host fills.
func TestFieldsAreListed(t *testing.T) {
	schema, err := vefa.Schema(vefa.Config{Fields: hostFields()})
	require.NoError(t, err)
	byName := map[string]rules.Field{}
	for _, f := range schema.Fields() {
		byName[f.Name] = f
		for _, r := range f.Fields {
			byName[f.Name+"."+r.Name] = r
		}
	}
	require.Equal(t, rules.Field{Name: "DaysSincePurchase", Kind: rules.Int, Unit: "days", Nullable: true}, byName["DaysSincePurchase"])
	require.Equal(t, rules.Field{Name: "Notes", Kind: rules.Int, Doc: "of the desk", Nullable: true}, byName["Notes"])
	require.True(t, byName["Purchases.Stock"].Nullable)
	require.Equal(t, rules.Time, byName["Lines.WarrantyEnd"].Kind)
	require.NotContains(t, byName, "Extensible")
	// A book is checked against them. Case D12.
	book, err := rules.ReadYAML("evening.yaml", []byte(hostRules))
	require.NoError(t, err)
	_, err = schema.Compile(book)
	require.NoError(t, err)
	plain, err := vefa.Schema(vefa.Config{})
	require.NoError(t, err)
	_, err = plain.Compile(book)
	require.ErrorContains(t, err, "unknown name Cart")
	// The rows of a host are no records that a rule could be once for: New and Load say so.
	each, err := rules.ReadYAML("each.yaml", []byte("rules: [{name: each, each: Cart, when: 'row.Hours > 3', then: [{tag: x}]}]"))
	require.NoError(t, err)
	w, _ := shop(t, memstore.New(), hostRules, func(c *vefa.Config) {
		c.Fields, c.Events, c.Segments = hostFields(), []string{"left"}, "segment everybody = everyone segment buyers = cart"
	})
	before := w.Engine.Rules().Active()
	require.ErrorContains(t, w.Engine.Rules().Load(each), "each.yaml:1:28: each: each: the rows of Config.Fields are no records")
	require.Same(t, before, w.Engine.Rules().Active())
}

func TestBadFields(t *testing.T) {
	fill := values(func(vefa.FieldSubject) any { return nil })
	for want, fields := range map[string][]vefa.Field{
		"Fill must be set":  {{Name: "X", Kind: rules.Int}},
		"are no rows":       {{Name: "X", Kind: rules.Int, Rows: "Orders", Fill: fill}},
		"a row cannot hold": {{Name: "X", Kind: rules.Rows, Rows: "Visits", Fill: fill}},
		"field City: the facts have a field of this name already": {{Name: "City", Kind: rules.String, Fill: fill}},
		"is no name":            {{Name: "a b", Kind: rules.String, Fill: fill}},
		"taken by the language": {{Name: "count", Kind: rules.Int, Fill: fill}},
		"field Channel of Purchases: the rows have a field of this name already": {{Name: "Channel", Rows: "Purchases", Kind: rules.String, Fill: fill}},
	} {
		_, err := vefa.New(vefa.Config{Fields: fields})
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "Config.Store") // and all else
	}
}

// TestAFieldThatFails: the evening ends with an error that names the field, and may
// be run again.
func TestAFieldThatFails(t *testing.T) {
	for i, fill := range []func(context.Context, crm.Reader, time.Time, []vefa.FieldSubject) ([]any, error){
		func(context.Context, crm.Reader, time.Time, []vefa.FieldSubject) ([]any, error) {
			return nil, errors.New("the shop is down")
		},
		func(context.Context, crm.Reader, time.Time, []vefa.FieldSubject) ([]any, error) {
			panic("the shop is down")
		},
		func(_ context.Context, _ crm.Reader, _ time.Time, of []vefa.FieldSubject) ([]any, error) {
			return make([]any, len(of)+1), nil
		},
		values(func(vefa.FieldSubject) any { return "five" }),
	} {
		bad := true
		store := memstore.New()
		w, _ := shop(t, store, "rules: [{name: r, when: X == 5, then: [{tag: t}]}]", func(c *vefa.Config) {
			c.Fields = []vefa.Field{{Name: "X", Kind: rules.Int, Fill: func(ctx context.Context, r crm.Reader, at time.Time, of []vefa.FieldSubject) ([]any, error) {
				if bad {
					return fill(ctx, r, at, of)
				}
				return values(func(vefa.FieldSubject) any { return 5 })(ctx, r, at, of)
			}}}
		})
		_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(3))})
		require.ErrorContains(t, err, "field X", fmt.Sprint(i))
		bad = false
		_, err = w.Engine.Night(t.Context(), vefa.Night{})
		require.NoError(t, err)
		require.Len(t, effectsOf(t, store, "rule/r"), 3)
	}
}

// TestFieldsReadWhatTheyName: articles, messages and segments are there for a field of the
// host's that names them, whatever rules read; otherwise they are there while a rule does.
func TestFieldsReadWhatTheyName(t *testing.T) {
	night := func(t *testing.T, resident int, more string, reads ...string) int {
		w, _ := shop(t, memstore.New(), `rules: [{name: due, when: Worn >= 1, then: [{task: call}]}`+more+`]`, func(c *vefa.Config) {
			c.Resident = resident
			c.Fields = []vefa.Field{{Name: "Worn", Kind: rules.Int, Reads: reads, Fill: values(func(s vefa.FieldSubject) any { return len(s.Facts.Lines) })}}
		})
		b := nighttest.People(3)
		for _, f := range b.Facts {
			if o, is := f.Data.(*crm.Order); is {
				o.Lines = []crm.OrderLine{{SKU: "LENS", Quantity: 1, Amount: o.Total}}
			}
		}
		rep, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
		require.NoError(t, err)
		return rep.Rules.Planned
	}
	for _, resident := range []int{0, -1} {
		require.Equal(t, 3, night(t, resident, "", "Lines"))
		require.Equal(t, 0, night(t, resident, ""))
		require.Equal(t, 3, night(t, resident, `, {name: other, when: 'len(Lines) > 300', then: [{tag: none}]}`))
	}
	_, err := vefa.Schema(vefa.Config{Fields: []vefa.Field{{Name: "Worn", Kind: rules.Int, Reads: []string{"Purchases"}, Fill: values(func(vefa.FieldSubject) any { return nil })}}})
	require.ErrorContains(t, err, `Reads names "Purchases"`)
}

// TestFieldsThatOnlyMessagesRead: what a field says that it looks at is there for it, too, where
// no rule reads the field but a message shows it.
func TestFieldsThatOnlyMessagesRead(t *testing.T) {
	for _, resident := range []int{0, -1} {
		w, clock := shop(t, memstore.New(), `rules: [{name: r, when: 'Orders == 1', once: day, then: [{message: worn}]}]`, func(c *vefa.Config) {
			c.Resident, c.Segments = resident, "segment everybody = everyone"
			number := func(name, reads string, of func(*vefa.Facts) int) messaging.Field {
				c.Fields = append(c.Fields, vefa.Field{Name: name, Kind: rules.Int, Reads: []string{reads}, Fill: values(func(s vefa.FieldSubject) any { return of(s.Facts) })})
				return messaging.Field{Name: name, Type: messaging.NumberField, Fallback: "-"}
			}
			fields := []messaging.Field{number("Worn", "Lines", func(f *vefa.Facts) int { return len(f.Lines) }), number("Told", "Sent", func(f *vefa.Facts) int { return len(f.Sent) }),
				number("In", "Segments", func(f *vefa.Facts) int { return strings.Count(f.String(), `Segments: ["everybody"]`) })}
			c.Messages = []messaging.Campaign{{Name: "worn", Unmeasured: "a test", Text: "Worn {Worn}, told {Told}, in {In}", Fields: fields}}
		})
		b := nighttest.People(1)
		for _, f := range b.Facts {
			if o, is := f.Data.(*crm.Order); is {
				o.Lines = []crm.OrderLine{{SKU: "LENS", Quantity: 1, Amount: o.Total}, {SKU: "CASE", Quantity: 1}}
			}
		}
		_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
		require.NoError(t, err)
		clock.Advance(24 * time.Hour)
		_, err = w.Engine.Night(t.Context(), vefa.Night{})
		require.NoError(t, err)
		sent := w.Sender.Messages()
		require.Len(t, sent, 2)
		require.Equal(t, "Worn 2, told 1, in 1", sent[1].Text)
	}
}

// TestRulesOverArticles: what a retailer asks of articles is no rule too costly.
func TestRulesOverArticles(t *testing.T) {
	schema, err := vefa.Schema(vefa.Config{})
	require.NoError(t, err)
	for _, when := range []string{`any(Lines, .SKU == "AIR-6")`, `any(Lines, .SKU startsWith "AIR")`, `any(Lines, fold(.Brand) == "alcon")`, `any(Purchases, fold(.Brand) == "alcon" and .DaysAgo < 30)`} {
		book, err := rules.ReadYAML("rules.yaml", fmt.Appendf(nil, "rules: [{name: a, when: '%s', then: [{tag: x}]}]", when))
		require.NoError(t, err)
		_, err = schema.Compile(book)
		require.NoError(t, err, when)
	}
}

// TestNegativeTotal: an order whose total is negative is a return, also where it does not
// say of which order.
func TestNegativeTotal(t *testing.T) {
	store := memstore.New()
	w, _ := shop(t, store, `rules: [{name: back, when: 'any(Purchases, .Return)', then: [{tag: a}]}, {name: had, when: 'any(Purchases, .Delivered)', then: [{tag: b}]}]`, func(*vefa.Config) {})
	b := nighttest.People(1)
	for _, f := range b.Facts {
		if o, is := f.Data.(*crm.Order); is {
			o.Total.Amount = -100
			_, delivered := o.DeliveredAt(f.At)
			require.False(t, delivered)
		}
	}
	_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
	require.NoError(t, err)
	require.Len(t, effectsOf(t, store, "rule/back"), 1)
	require.Empty(t, effectsOf(t, store, "rule/had"))
}
