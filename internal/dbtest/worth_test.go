package dbtest

import (
	"testing"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// TestWorth holds on real databases what rules and segments read of the worth of customers.
func TestWorth(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) {
		nighttest.Worth(t, func(t *testing.T) crm.Store { return migrated(t, openSQLite(t)) })
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		nighttest.Worth(t, func(t *testing.T) crm.Store { return migrated(t, openPostgres(t)) })
	})
	t.Run("MySQL", func(t *testing.T) {
		nighttest.Worth(t, func(t *testing.T) crm.Store { return migrated(t, openMySQL(t)) })
	})
}

// TestWorthBeside: eight writers and three processes that do the step at once, of which one is paused and one killed.
func TestWorthBeside(t *testing.T) {
	nighttest.WorthBeside(t, migrated(t, openPostgres(t)))
}
