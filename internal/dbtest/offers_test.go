package dbtest

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// TestEightOffer: eight tills, and merges beside them.
func TestEightOffer(t *testing.T) {
	if raced {
		nighttest.Offers(t, migrated(t, openPostgres(t)), 4)
		return
	}
	for _, open := range []func(testing.TB) database{openPostgres, openMySQL} {
		nighttest.Offers(t, migrated(t, open(t)), 12)
	}
}

// TestCadenceOfMany: nine goroutines of three engines send six campaigns at once.
func TestCadenceOfMany(t *testing.T) {
	if raced {
		nighttest.Cadence(t, migrated(t, openPostgres(t)), 3, 9, 10, 3)
		return
	}
	for _, open := range []func(testing.TB) database{openPostgres, openMySQL} {
		nighttest.Cadence(t, migrated(t, open(t)), 3, 9, 30, 6)
	}
}

// BenchmarkOffer asks for an offer on PostgreSQL, for customers with an order and an offer of each
// day before, and reports how long nearly all wait for it at most.
func BenchmarkOffer(b *testing.B) {
	const people = 500
	store, clock := migrated(b, openPostgres(b)), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	shop := nighttest.Till(b, store, clock)
	_, err := shop.Engine.Service().Import(b.Context(), nighttest.People(people))
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
		_, err := nighttest.AtCounter(b.Context(), shop, ids[n%people])
		require.NoError(b, err)
		took = append(took, time.Since(from))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "us-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "us-p99")
}
