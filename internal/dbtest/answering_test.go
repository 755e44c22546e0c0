package dbtest

import (
	"testing"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// TestAnswering: eight writers in each other's way answer surveys, on each database.
func TestAnswering(t *testing.T) {
	for name, open := range openers {
		t.Run(name, func(t *testing.T) {
			nighttest.Answering(t, func(t *testing.T) crm.Store { return migrated(t, open(t)) })
		})
	}
}
