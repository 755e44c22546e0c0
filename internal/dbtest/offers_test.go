package dbtest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/rules"
)

// TestEightOffer: eight tills ask at once for two records of a person, whom somebody makes one
// customer meanwhile. Each record has one answer until then, and the customer one from then on:
// nobody who asks afterwards hears another one, and no third is made.
func TestEightOffer(t *testing.T) {
	const pairs, tills = 12, 8
	book, err := rules.ReadYAML("till.yaml", []byte("rules:\n  - name: counter\n    doc: at the counter\n    on: {event: counter}\n    when: Sources >= 1\n    then:\n      - offer: till\n"))
	require.NoError(t, err)
	for _, open := range []func(testing.TB) database{openPostgres, openMySQL} {
		ctx := deadline(t)
		store := migrated(t, open(t))
		clock := &crmtest.Clock{}
		clock.Set(nighttest.Start)
		shops := make([]*nighttest.Retailer, 2)
		for i := range shops {
			shops[i] = nighttest.New(t, store, clock, func(c *vefa.Config) {
				c.Rules, c.Surveys, c.TrainAt, c.Events = []*rules.Book{book}, nil, -1, []string{"counter"}
				c.Campaigns = []vefa.Campaign{{Live: true, Campaign: messaging.Campaign{Name: "till", Text: "A strap", Unmeasured: "a test", Window: time.Hour,
					Choice: messaging.Choice{Same: 0.1}, Variants: []messaging.Variant{{Name: "b", Text: "B"}, {Name: "c", Text: "C"}, {Name: "d", Text: "D"}}}}}
			})
		}
		svc := shops[0].Engine.Service()
		_, err := svc.Import(ctx, nighttest.People(2*pairs))
		require.NoError(t, err)
		for pair := range pairs {
			ids := make([]crm.CustomerID, 2)
			for k := range ids {
				c, err := svc.CustomerOf(ctx, nighttest.Key(2*pair+k))
				require.NoError(t, err)
				ids[k] = c.ID
			}
			ask := func(till, k int) (vefa.Occurred, error) {
				return shops[till%2].Engine.Occur(ctx, ids[k], rules.Trigger{Kind: rules.OnEvent, Event: "counter"}, crm.FactKey{})
			}
			var wg sync.WaitGroup
			errs := make([]error, tills+1)
			got := make([]vefa.Occurred, tills)
			for till := range tills {
				wg.Go(func() { got[till], errs[till] = ask(till, till/2%2) })
			}
			wg.Go(func() {
				_, errs[tills] = svc.Merge(ctx, "staff", crm.Evidence{}, nighttest.Key(2*pair), nighttest.Key(2*pair+1))
			})
			wg.Wait()
			require.NoError(t, errors.Join(errs...))
			made := map[crm.EffectID]bool{}
			planned := 0
			for _, o := range got {
				require.Len(t, o.Offers, 1)
				made[o.Offers[0].Effect] = true
				planned += o.Planned
			}
			require.LessOrEqual(t, planned, 2)
			require.Len(t, made, planned, "each that was made was heard of, and no other")
			var first vefa.Offered
			for n := range 4 {
				o, err := ask(n, n%2)
				require.NoError(t, err)
				require.Zero(t, o.Planned)
				require.Len(t, o.Offers, 1)
				if n == 0 {
					first = o.Offers[0]
					require.True(t, made[first.Effect])
				}
				require.Equal(t, first, o.Offers[0], fmt.Sprint("pair ", pair))
			}
		}
	}
}

// BenchmarkOffer asks for an offer on PostgreSQL, for customers with an order and an offer of each
// day before, and reports how long nearly all wait for it at most.
func BenchmarkOffer(b *testing.B) {
	const people = 500
	book, err := rules.ReadYAML("till.yaml", []byte("rules:\n  - name: counter\n    doc: at the counter\n    on: {event: counter}\n    once: day\n    when: Sources >= 1\n    then:\n      - offer: till\n"))
	require.NoError(b, err)
	store, clock := migrated(b, openPostgres(b)), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	shop := nighttest.New(b, store, clock, func(c *vefa.Config) {
		c.Rules, c.Surveys, c.TrainAt, c.Events = []*rules.Book{book}, nil, -1, []string{"counter"}
		c.Campaigns = []vefa.Campaign{{Live: true, Campaign: messaging.Campaign{Name: "till", Text: "A strap", Unmeasured: "a test", Window: time.Hour,
			Choice: messaging.Choice{Same: 0.1}, Variants: []messaging.Variant{{Name: "b", Text: "B"}}}}}
	})
	_, err = shop.Engine.Service().Import(b.Context(), nighttest.People(people))
	require.NoError(b, err)
	ids := make([]crm.CustomerID, people)
	for i := range ids {
		c, err := shop.Engine.Service().CustomerOf(b.Context(), nighttest.Key(i))
		require.NoError(b, err)
		ids[i] = c.ID
	}
	var took []time.Duration
	for b.Loop() {
		n := len(took)
		if n%people == 0 {
			clock.Advance(24 * time.Hour)
		}
		from := time.Now()
		_, err := shop.Engine.Occur(b.Context(), ids[n%people], rules.Trigger{Kind: rules.OnEvent, Event: "counter"}, crm.FactKey{})
		require.NoError(b, err)
		took = append(took, time.Since(from))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "us-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "us-p99")
}
