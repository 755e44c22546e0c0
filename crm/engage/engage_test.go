package engage_test

import (
	"testing"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/engage/engagetest"
	"github.com/vefacrm/vefa/crm/memstore"
)

func TestMemory(t *testing.T) {
	engagetest.Run(t, func(*testing.T) crm.Store { return memstore.New() })
}
