package dbtest

import (
	"fmt"
	"testing"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/storetest"
)

// TestStore runs the conformance suite. Each of its stores is a tenant of its
// own in the same tables, so that a store that saw another's rows would fail.
func TestStore(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		tenants := 0
		// The race detector makes a database in pure Go slow.
		storetest.Options{Deadline: 10 * time.Minute}.Run(t, func(*testing.T) crm.Store {
			tenants++
			d.cfg.Tenant = fmt.Sprintf("t-%d", tenants)
			return d.store()
		})
	})
}
