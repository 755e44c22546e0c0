package vefa_test

import (
	"testing"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// TestWorth: what customers are worth, as rules and segments read it.
func TestWorth(t *testing.T) {
	nighttest.Worth(t, func(*testing.T) crm.Store { return memstore.New() })
}
