package dbtest

import (
	"fmt"
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

// TestImportAtOnce: chunks written at once, over rows that are partly there,
// leave what one after the other does, and the changes have no gap.
func TestImportAtOnce(t *testing.T) {
	d := openCopying(t)
	migrate(t, d)
	ctx := deadline(t)
	memory := memstore.New()
	clock := func() time.Time { return day.Add(48 * time.Hour) }
	all := batch(0, 400, 3)
	for i := range 40 { // gifts are found by the recipient's name as well
		gift := order(i, 9)
		gift.Data.(*crm.Order).Recipient = person(399 - i).ProfileKey
		all.Facts = append(all.Facts, gift)
		moved := order(i, 0) // a newer version under another customer
		moved.Subject, moved.Version = crm.OfProfile(person(200+i).ProfileKey), moved.Version+1
		all.Facts = append(all.Facts, moved)
	}
	for store, cfg := range map[crm.Store]crm.Config{
		d.store(): {Now: clock, ChunkSize: 150, Workers: 4},
		memory:    {Now: clock, ChunkSize: 70},
	} {
		svc := crm.New(store, cfg)
		_, err := svc.Import(ctx, batch(150, 250, 1))
		require.NoError(t, err)
		rep, err := svc.Import(ctx, all)
		require.NoError(t, err)
		require.Empty(t, rep.Rejected)
		require.Equal(t, all.Len(), rep.Profiles+rep.Facts+rep.Repeated)
		rep, err = svc.Import(ctx, all)
		require.NoError(t, err)
		require.Zero(t, rep.Profiles+rep.Facts)
	}
	read := func(store crm.Store) (out []string) {
		require.NoError(t, store.View(ctx, func(r crm.Reader) error {
			profiles, err := r.ScanProfiles(ctx, crm.AllParts(), crm.ProfileKey{}, 1000)
			require.NoError(t, err)
			require.Len(t, profiles, 400)
			facts, err := r.ScanFacts(ctx, crm.AllParts(), crm.KindOrder, crm.FactRef{}, 10_000)
			require.NoError(t, err)
			for _, f := range facts {
				out = append(out, fmt.Sprint(f.Ref(), f.Version))
			}
			return nil
		}))
		for i := range 40 {
			hits := 0
			for h, err := range crm.New(store, crm.Config{}).Find(ctx, crm.Query{Suffix: fmt.Sprintf("%02d9", i), Surname: person(399 - i).Name.Family}) {
				require.NoError(t, err)
				if h.Fact == order(i, 9).Key {
					hits++
				}
			}
			require.Equal(t, 1, hits, "gift %d is found by its recipient's surname", i)
		}
		return out
	}
	require.Equal(t, read(memory), read(d.store()))
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
