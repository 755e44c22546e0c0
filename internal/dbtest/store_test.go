package dbtest

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/storetest"
	"github.com/vefacrm/vefa/internal/dbtest/shipment"
	consents "github.com/vefacrm/vefa/messaging/consent"
)

// TestStore runs the conformance suite. The stores of one of its tests are
// tenants in the same tables, so that a store that saw another's rows would
// fail. On PostgreSQL the bulk path is lent, what is small goes without it; and
// the stores work as the application's role, which may do no more than
// sqlstore.Grants gives it.
func TestStore(t *testing.T) {
	for name, open := range map[string]func(testing.TB) database{"sqlite": openSQLite, "postgres": openCopying, "mysql": openMySQL} {
		t.Run(name, func(t *testing.T) {
			var of *testing.T
			var d database
			tenants := 0
			as := func(d database) database { return d }
			if name == "postgres" {
				as = asApplication(t)
			}
			// The race detector makes a database in pure Go slow, and who asks for
			// many rounds of races waits for them.
			deadline := 10 * time.Minute
			if os.Getenv("VEFA_ROUNDS") != "" {
				deadline = 4 * time.Hour
			}
			storetest.Options{Deadline: deadline, WritersMeet: name != "sqlite", Kinds: []crm.Kind{shipment.Kind(), consents.Kind()}}.Run(t, func(t *testing.T) crm.Store {
				if t != of {
					of, d, tenants = t, withShipments(open(t)), 0
					migrate(t, d)
					d = as(d)
				}
				tenants++
				d.cfg.Tenant = fmt.Sprintf("t-%d", tenants)
				return d.store()
			})
		})
	}
}
