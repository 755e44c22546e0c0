package dbtest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

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

// TestAnsweringMeanwhile: what one writer does commits between any two reads of another one who keeps a draft,
// answers, says "not me" or writes more, where writers need not wait for each other.
func TestAnsweringMeanwhile(t *testing.T) {
	for _, name := range []string{"postgres", "mysql"} {
		open := openers[name]
		require.NotNil(t, open, name)
		for first := range nighttest.Deeds {
			for second := range nighttest.Deeds {
				t.Run(fmt.Sprintf("%s/%s while %s", name, second, first), func(t *testing.T) {
					nighttest.Meanwhile(t, migrated(t, open(t)), first, second)
				})
			}
		}
	}
}
