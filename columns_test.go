package vefa_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/rules"
)

// TestColumnsOfEverybody: a preview counts whom the evening's rule would fire for, whatever it
// reads: built-in facts, fields of the host's and their rows, articles, messages and segments
// that no rule in force reads; in every zone; while a night runs. Issue 9.6.
func TestColumnsOfEverybody(t *testing.T) {
	conditions := []string{`any(Cart, .Hours >= 3 and .Amount > 1500.25)`, `Tier == "gold" and Orders == 1`, `Tier == nil`, `any(Purchases, .Stock >= 5)`, `any(Purchases, .Stock == nil)`,
		`any(Lines, daysUntil(.WarrantyEnd) < 31 and .SKU == "B")`, `Notes > 0`, `"odd" in Segments`, `"buyers" in Segments`, `Sources == 1`, `Hour < 12`, `LastPurchase != nil and Notes == 0`,
		`any(Sent, .Channel == "phone")`, `daysSince(LastPurchase) == 1`}
	for _, people := range []int{0, 3, 1300} {
		b := nighttest.People(people)
		for i, f := range b.Facts {
			if o, ok := f.Data.(*crm.Order); ok {
				if f.Key.ID == "o1" {
					o.Lines = []crm.OrderLine{{SKU: "A", Quantity: 1}, {SKU: "B", Quantity: 1}}
				}
				if i%3 == 0 {
					f.Place = "fiji"
				}
			}
		}
		text := "rules:\n"
		for i, c := range conditions {
			text += fmt.Sprintf("  - {name: r%d, when: '%s', then: [{task: call}]}\n", i, c)
		}
		fields := hostFields()
		fields = fields[:len(fields)-1]
		night := func(text string) (*vefa.Engine, crm.Store) {
			store := memstore.New()
			w, _ := shop(t, store, text, func(c *vefa.Config) {
				c.Fields, c.Segments = fields, "segment odd = leaf(\"Tier == 'gold' and any(Purchases, .Stock == 7)\") segment buyers = cart"
				c.Tasks = map[string]vefa.TaskFunc{"call": func(context.Context, *crm.Service, *crm.Effect) error { return nil }}
			})
			require.NoError(t, w.Engine.Service().PutPlaces(t.Context(), &crm.Place{ID: "fiji", Kind: "store", Name: "Fiji", Zone: "Pacific/Fiji"}))
			if people > 0 {
				b.Facts = append(b.Facts, &crm.Fact{Key: crm.FactKey{Kind: crm.KindNote, Source: "desk", ID: "n"}, Subject: crm.OfProfile(nighttest.Key(0)), At: nighttest.Start, Version: 1, Data: &crm.Note{Text: "x"}})
			}
			_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
			require.NoError(t, err)
			return w.Engine, store
		}
		_, store := night(text)
		e, _ := night("rules: [{name: none, when: 'Sources > 99', then: [{task: call}]}]")
		c, err := e.Columns(t.Context())
		require.NoError(t, err)
		for i, when := range conditions {
			got, err := c.Preview(t.Context(), rules.Rule{Name: "new", When: when, Then: []rules.Action{{Kind: "task", Name: "call"}}}, 10)
			require.NoError(t, err)
			planned := effectsOf(t, store, fmt.Sprintf("rule/r%d", i))
			require.Equal(t, people, got.Customers)
			require.Equal(t, len(planned), got.Matched, "%d people: %s", people, when)
			require.Len(t, got.Sample, min(10, got.Matched))
			seen := map[crm.CustomerID]bool{}
			for _, id := range got.Sample {
				require.False(t, seen[id])
				seen[id] = true
			}
		}
		_, err = c.Preview(t.Context(), rules.Rule{Name: "new", When: "Tirr == 1"}, 10)
		var faulty *rules.CompileError
		require.ErrorAs(t, err, &faulty)
	}
}

// TestColumnsThatFail: an error of a field is that of Columns, and names it.
func TestColumnsThatFail(t *testing.T) {
	w, clock := shop(t, memstore.New(), "rules: [{name: none, when: 'Sources > 99', then: [{tag: x}]}]", func(c *vefa.Config) {
		c.Fields = hostFields() // of which nobody reads the last
	})
	_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(2))})
	require.NoError(t, err)
	clock.Advance(time.Hour)
	_, err = w.Engine.Columns(t.Context())
	require.ErrorContains(t, err, "field Unread: nothing reads it")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = w.Engine.Columns(ctx)
	require.True(t, errors.Is(err, context.Canceled))
}
