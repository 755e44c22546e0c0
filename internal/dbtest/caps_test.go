package dbtest

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// TestCapsAreNeverExceeded: 64 goroutines over four engines send capped campaigns on
// PostgreSQL while the records of their recipients are merged; nobody gets more than the cap.
// With VEFA_CAPS set there are 1,000 goroutines for each of the engines (.ci/long caps).
func TestCapsAreNeverExceeded(t *testing.T) {
	d := openPostgres(t)
	migrate(t, d)
	storm := nighttest.CapStorm{Engines: 4, Goroutines: 64, Persons: 80}
	if os.Getenv("VEFA_CAPS") != "" {
		storm.Goroutines, storm.Persons = 4000, 2000
	}
	d.db.SetMaxOpenConns(40)
	t.Cleanup(func() { d.db.SetMaxOpenConns(0) })
	exceeded, sent := storm.Run(t, d.store())
	require.Zero(t, exceeded)
	t.Logf("%d goroutines over %d engines: %d messages to %d persons, %d above the cap", storm.Goroutines, storm.Engines, sent, storm.Persons, exceeded)
}

// careless is a store of which nothing locks customers.
type careless struct{ crm.Store }

type carelessTx struct{ crm.Tx }

func (s careless) Update(ctx context.Context, fn func(crm.Tx) error) error {
	return s.Store.Update(ctx, func(tx crm.Tx) error { return fn(carelessTx{tx}) })
}

func (carelessTx) LockCustomers(context.Context, ...crm.CustomerID) error { return nil }

// TestCapsBesideMergers: nobody gets more than the cap, wherever in the claim a merger comes;
// without the locks of customers somebody does, so that the test would tell.
func TestCapsBesideMergers(t *testing.T) {
	open := func(t *testing.T) crm.Store { return migrated(t, openPostgres(t)) }
	merged, exceeded := nighttest.Capped(t, open, nil)
	require.Greater(t, merged, 10)
	require.Zero(t, exceeded)
	merged, exceeded = nighttest.Capped(t, open, func(s crm.Store) crm.Store { return careless{s} })
	require.Positive(t, exceeded, "of %d", merged)
}

// TestBudgetsAreNeverExceeded: 32 goroutines over four engines send a campaign with a budget
// and a velocity on PostgreSQL.
func TestBudgetsAreNeverExceeded(t *testing.T) {
	d := openPostgres(t)
	migrate(t, d)
	d.db.SetMaxOpenConns(40)
	t.Cleanup(func() { d.db.SetMaxOpenConns(0) })
	nighttest.Budgets(t, d.store(), 4, 32, 160, true)
}

func TestBudgetBesideOthers(t *testing.T) {
	nighttest.BudgetBeside(t, func(t *testing.T) crm.Store { return migrated(t, openPostgres(t)) })
}
