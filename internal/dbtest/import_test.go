package dbtest

import (
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
)

// service is a Service whose ids and times are the same in every run.
func service(store crm.Store) *crm.Service {
	var n atomic.Int64
	return crm.New(store, crm.Config{
		Now:   func() time.Time { return day.Add(48 * time.Hour) },
		NewID: func() string { return "id-" + strconv.FormatInt(n.Add(1), 10) },
	})
}

// TestImport: an import leaves what it leaves in memory, and a repeated one
// changes nothing.
func TestImport(t *testing.T) {
	t.Run("copying", func(t *testing.T) {
		d := openCopying(t)
		migrate(t, d)
		testImport(t, d)
	})
	onEach(t, testImport)
}

func testImport(t *testing.T, d database) {
	{
		ctx := deadline(t)
		store, memory := d.store(), memstore.New()
		got, want := service(store), service(memory)
		for _, s := range []*crm.Service{got, want} {
			rep, err := s.Import(ctx, batch(0, 300, 3))
			require.NoError(t, err)
			require.Empty(t, rep.Rejected)
			require.Equal(t, 300, rep.Profiles)
			require.Equal(t, 1200, rep.Facts)
			rep, err = s.Import(ctx, batch(100, 200, 3))
			require.NoError(t, err)
			require.Zero(t, rep.Profiles+rep.Facts)
			require.Equal(t, 500, rep.Repeated)
		}
		var a, b []any
		read := func(into *[]any) func(crm.Reader) error {
			return func(r crm.Reader) error {
				profiles, err := r.ScanProfiles(ctx, crm.AllParts(), crm.ProfileKey{}, 1000)
				require.NoError(t, err)
				*into = append(*into, profiles)
				for _, kind := range []crm.FactKind{crm.KindOrder, crm.KindConsent} {
					facts, err := r.ScanFacts(ctx, crm.AllParts(), kind, crm.FactRef{}, 1000)
					require.NoError(t, err)
					*into = append(*into, facts)
				}
				states, err := r.ScanAddresses(ctx, crm.AllParts(), crm.Address{}, 1000)
				require.NoError(t, err)
				*into = append(*into, states)
				changes, _, err := r.Changes(ctx, "", 10_000)
				require.NoError(t, err)
				*into = append(*into, len(changes))
				return nil
			}
		}
		require.NoError(t, store.View(ctx, read(&a)))
		require.NoError(t, memory.View(ctx, read(&b)))
		require.Equal(t, b, a)
	}
}
