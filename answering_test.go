package vefa_test

import (
	"testing"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
)

func TestAnswering(t *testing.T) {
	nighttest.Answering(t, func(*testing.T) crm.Store { return memstore.New() })
}
