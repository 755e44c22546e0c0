package nighttest

import (
	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm/crmtest"
)

// Keys are keys for tests: well known, and the same each time.
func Keys() vefa.Keys {
	return vefa.Keys{Tenant: "test", Sign: []vefa.Key{{ID: 1, Secret: crmtest.Secret("sign 1")}}, ID: crmtest.Secret("id")}
}
