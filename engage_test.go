package vefa_test

import (
	"testing"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
)

func TestMemory(t *testing.T) {
	nighttest.Run(t, func(*testing.T) crm.Store { return memstore.New() })
}

// TestNoOccasionIsLost: an evening that is caught up, or goes on late, leaves what is
// after it to the next, wherever either is cut.
func TestNoOccasionIsLost(t *testing.T) {
	nighttest.Ahead(t, func(*testing.T) crm.Store { return memstore.New() }, !raced) // .ci/run runs it without the race detector, too
}

func TestManyAtTheDesk(t *testing.T) {
	nighttest.Desk(t, func(*testing.T) crm.Store { return memstore.New() })
}

func TestBudgetsOfManySenders(t *testing.T) {
	for _, money := range []bool{false, true} {
		nighttest.Budgets(t, memstore.New(), 2, 8, 160, money)
	}
}

func TestClicksJudgedByMany(t *testing.T) { nighttest.JudgedByMany(t, memstore.New(), 4, 100) }

func TestBudgetRaisedBesideMany(t *testing.T) { nighttest.RaisedBeside(t, memstore.New(), 4, 160) }

func TestNotifiedByMany(t *testing.T) { nighttest.NotifiedByMany(t, memstore.New(), 4, 60) }
