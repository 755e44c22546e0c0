package vefa_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
)

// BenchmarkProgress asks how far a campaign of 1,000 people is, in a record with the effects of other
// campaigns beside it, and how far one is that was never drawn.
func BenchmarkProgress(b *testing.B) {
	for _, others := range []int{0, 10_000, 100_000} {
		store, clock := memstore.New(), &crmtest.Clock{}
		clock.Set(nighttest.Start)
		shop := nighttest.New(b, store, clock, func(c *vefa.Config) {
			c.Rules, c.Surveys, c.TrainAt = nil, nil, -1
			c.Campaigns = append(c.Campaigns, vefa.Campaign{Campaign: messaging.Campaign{Name: "never", Text: "x", Unmeasured: "a test"}, Segment: "everybody"})
		})
		_, err := shop.Engine.Night(b.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(1000))})
		require.NoError(b, err)
		for from := 0; from < others; from += 1000 {
			var effects []*crm.Effect
			for i := from; i < from+1000; i++ {
				on := crm.OfAddress(nighttest.Phone(i))
				effects = append(effects, &crm.Effect{ID: crmtest.IDs().ID("campaign/other", on, crm.FactKey{}, fmt.Sprint(i)), Kind: crm.EffectMessage, Cause: "campaign/other", Occurrence: fmt.Sprint(i),
					Subject: on, Due: nighttest.Start, State: crm.Done, Created: nighttest.Start, Changed: nighttest.Start, Data: []byte(`{"name":"campaign/other"}`)})
			}
			require.NoError(b, store.Update(b.Context(), func(tx crm.Tx) error { _, err := tx.PutEffects(b.Context(), effects...); return err }))
		}
		for _, campaign := range []string{"spring", "never"} {
			b.Run(fmt.Sprintf("%s/others=%d", campaign, others), func(b *testing.B) {
				for b.Loop() {
					p, err := shop.Engine.Progress(b.Context(), campaign)
					require.NoError(b, err)
					require.Equal(b, map[string]int{"spring": 1000}[campaign], p.Planned)
				}
			})
		}
	}
}
