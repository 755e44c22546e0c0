package engagetest

import (
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/engage"
)

// Keys are keys for tests: well known, and the same each time.
func Keys() engage.Keys {
	return engage.Keys{Tenant: "test", Sign: []engage.Key{{ID: 1, Secret: crmtest.Secret("sign 1")}}, ID: crmtest.Secret("id")}
}
