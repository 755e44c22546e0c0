package dbtest

import (
	"testing"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// TestReminders: eight engines remind the same people at once, and one that is killed goes on, on
// each database.
func TestReminders(t *testing.T) {
	for name, open := range openers {
		t.Run(name, func(t *testing.T) {
			nighttest.Reminded(t, func(t *testing.T) crm.Store { return migrated(t, open(t)) }, true)
		})
	}
}
