package dbtest

import (
	"testing"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// TestKiosks: eight writers deliver the same answers of a kiosk, on each database.
func TestKiosks(t *testing.T) {
	for name, open := range openers {
		t.Run(name, func(t *testing.T) {
			nighttest.Kiosks(t, func(t *testing.T) crm.Store { return migrated(t, open(t)) })
		})
	}
}
