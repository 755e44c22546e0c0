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
