package nighttest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/rules"
)

// Till is a retailer who offers one of four things, once a day, to each customer at the counter.
func Till(t TB, store crm.Store, clock *crmtest.Clock) *Retailer {
	t.Helper()
	book, err := rules.ReadYAML("till.yaml", []byte("rules:\n  - name: counter\n    doc: at the counter\n    on: {event: counter}\n    once: day\n    when: Sources >= 1\n    then:\n      - offer: till\n"))
	require.NoError(t, err)
	return New(t, store, clock, func(c *vefa.Config) {
		c.Rules, c.Surveys, c.TrainAt, c.Events = []*rules.Book{book}, nil, -1, []string{"counter"}
		c.Campaigns = []vefa.Campaign{{Live: true, Campaign: messaging.Campaign{Name: "till", Text: "A strap", Unmeasured: "a test", Window: time.Hour,
			Choice: messaging.Choice{Same: 0.1}, Variants: []messaging.Variant{{Name: "b", Text: "B"}, {Name: "c", Text: "C"}, {Name: "d", Text: "D"}}}}}
	})
}

// AtCounter tells that a customer is at the counter of a Till.
func AtCounter(ctx context.Context, shop *Retailer, id crm.CustomerID) (vefa.Occurred, error) {
	return shop.Engine.Occur(ctx, id, rules.Trigger{Kind: rules.OnEvent, Event: "counter"}, crm.FactKey{})
}

// Offers has eight tills ask at once for two records of each of some persons, whom somebody makes one customer
// meanwhile. Each record has one answer until then, and the customer one from then on: nobody who
// asks afterwards hears another one, and no third is made.
func Offers(t *testing.T, store crm.Store, pairs int) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	const tills = 8
	clock := &crmtest.Clock{}
	clock.Set(Start)
	shops := make([]*Retailer, 2)
	for i := range shops {
		shops[i] = Till(t, store, clock)
	}
	svc := shops[0].Engine.Service()
	_, err := svc.Import(ctx, People(2*pairs))
	require.NoError(t, err)
	for pair := range pairs {
		ids := make([]crm.CustomerID, 2)
		for k := range ids {
			c, err := svc.CustomerOf(ctx, Key(2*pair+k))
			require.NoError(t, err)
			ids[k] = c.ID
		}
		ask := func(till, k int) (vefa.Occurred, error) {
			return AtCounter(ctx, shops[till%2], ids[k])
		}
		var wg sync.WaitGroup
		errs := make([]error, tills+1)
		got := make([]vefa.Occurred, tills)
		for till := range tills {
			wg.Go(func() { got[till], errs[till] = ask(till, till/2%2) })
		}
		wg.Go(func() {
			_, errs[tills] = svc.Merge(ctx, "staff", crm.Evidence{}, Key(2*pair), Key(2*pair+1))
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

// Cadence has many goroutines of several engines send campaigns that are all due at once, each of
// which must leave an hour after any other: each person gets one of them, and the others are
// withheld.
func Cadence(t *testing.T, store crm.Store, engines, goroutines, people, campaigns int) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	clock := &crmtest.Clock{}
	clock.Set(Start)
	shops := make([]*Retailer, engines)
	for i := range shops {
		shops[i] = New(t, store, clock, func(c *vefa.Config) {
			c.Rules, c.Surveys, c.Batch, c.TrainAt, c.Campaigns = nil, nil, 5, -1, nil
			c.Steps = vefa.DefaultSteps()[:7] // without delivering
			for n := range campaigns {
				c.Campaigns = append(c.Campaigns, vefa.Campaign{Segment: "everybody", On: []string{"2025-03-03"}, Campaign: messaging.Campaign{
					Name: fmt.Sprint("c", n), Text: fmt.Sprint("Message ", n), Unmeasured: "a test", Cadence: messaging.Cadence{Every: time.Hour}}})
			}
		})
	}
	_, err := shops[0].Engine.Night(ctx, vefa.Night{Source: Once(People(people))})
	require.NoError(t, err)
	var wg sync.WaitGroup
	errs := make([]error, goroutines)
	for g := range goroutines {
		wg.Go(func() { _, errs[g] = shops[g%engines].Engine.Deliver(ctx) })
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
	got := map[crm.Address]int{}
	for _, shop := range shops {
		for _, m := range shop.Sender.Messages() {
			got[m.To]++
		}
	}
	require.Len(t, got, people)
	for to, n := range got {
		require.Equal(t, 1, n, to)
	}
	res, err := shops[0].Engine.Results(ctx)
	require.NoError(t, err)
	require.Equal(t, []vefa.Count{{Name: messaging.GuardCadence, N: people * (campaigns - 1)}}, res.Withheld)
}
