package dbtest

import (
	"testing"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// TestEngage holds on real databases what an evening promises on every store.
func TestEngage(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) {
		nighttest.Run(t, func(t *testing.T) crm.Store { return migrated(t, openSQLite(t)) })
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		nighttest.Run(t, func(t *testing.T) crm.Store { return migrated(t, openPostgres(t)) })
	})
	t.Run("MySQL", func(t *testing.T) {
		nighttest.Run(t, func(t *testing.T) crm.Store { return migrated(t, openMySQL(t)) })
	})
}

// TestEightBesideEvenings holds on PostgreSQL what eight writers and engines do at once.
func TestEightBesideEvenings(t *testing.T) {
	nighttest.Eight(t, func(t *testing.T) crm.Store { return migrated(t, openPostgres(t)) })
}

func migrated(t testing.TB, d database) crm.Store {
	migrate(t, d)
	return d.store()
}

// TestEightAtTheDesk: eight people at the desk of campaigns while two engines send them.
func TestEightAtTheDesk(t *testing.T) {
	nighttest.Desk(t, func(t *testing.T) crm.Store { return migrated(t, openPostgres(t)) })
}
