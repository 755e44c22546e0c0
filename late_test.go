package vefa_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// TestLateIsNew: an evening that is run again counts as late what it would plan anew,
// and not what is on record.
func TestLateIsNew(t *testing.T) {
	eachWay(t, func(t *testing.T, way func(*vefa.Config)) {
		w, clock := shop(t, memstore.New(), "rules: [{name: bought, each: Purchases, when: 'true', then: [{tag: x}]}, {name: buyer, when: Orders > 0, then: [{tag: y}]}]", way)
		_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(3))})
		require.NoError(t, err)
		rep, err := w.Engine.Night(t.Context(), vefa.Night{})
		require.NoError(t, err)
		require.Zero(t, rep.Rules.Late)
		// By an earlier profile of the same customer the effect would have another id.
		older := nighttest.People(5).Profiles[4]
		older.Since = nighttest.Start.AddDate(-1, 0, 0)
		require.NoError(t, w.Engine.Service().PutProfile(t.Context(), older))
		_, err = w.Engine.Service().Merge(t.Context(), "desk", crm.Evidence{}, nighttest.Key(0), older.ProfileKey)
		require.NoError(t, err)
		rep, err = w.Engine.Night(t.Context(), vefa.Night{})
		require.NoError(t, err)
		require.Zero(t, rep.Rules.Late, "it was done to the customer")
		require.NoError(t, w.Engine.Service().Record(t.Context(), nighttest.Order(0, "late", clock.Now().Add(-time.Minute))))
		rep, err = w.Engine.Night(t.Context(), vefa.Night{})
		require.NoError(t, err)
		require.Equal(t, 1, rep.Rules.Late)
	})
}
