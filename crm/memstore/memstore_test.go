package memstore_test

import (
	"testing"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/crm/storetest"
)

func TestStore(t *testing.T) {
	storetest.Options{NoConcurrentWriters: true}.Run(t, func(*testing.T) crm.Store { return memstore.New() })
}
