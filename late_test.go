package vefa_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// TestLateIsNew: an evening that is run again counts as late what it would plan anew,
// and not what is on record.
func TestLateIsNew(t *testing.T) {
	eachWay(t, func(t *testing.T, way func(*vefa.Config)) {
		w, clock := shop(t, memstore.New(), "rules: [{name: bought, each: Purchases, when: 'true', then: [{tag: x}]}]", way)
		_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(3))})
		require.NoError(t, err)
		rep, err := w.Engine.Night(t.Context(), vefa.Night{})
		require.NoError(t, err)
		require.Zero(t, rep.Rules.Late)
		require.NoError(t, w.Engine.Service().Record(t.Context(), nighttest.Order(0, "late", clock.Now().Add(-time.Minute))))
		rep, err = w.Engine.Night(t.Context(), vefa.Night{})
		require.NoError(t, err)
		require.Equal(t, 1, rep.Rules.Late)
	})
}
