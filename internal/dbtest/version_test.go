package dbtest

import (
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
)

// Case B1: what is told without a version, by eight writers at once with clocks
// that differ and go back: everybody's last word is accepted, and one of them,
// with the highest version, is what stays.
func TestWritersWithoutVersions(t *testing.T) {
	const writers, rounds = 8, 12
	run := func(t *testing.T, store crm.Store) {
		setup := crm.New(store, crm.Config{})
		require.NoError(t, setup.PutProfile(deadline(t), person(1)))
		require.NoError(t, setup.PutProfile(deadline(t), person(2)))
		told := func(i int, text string) []*crm.Fact {
			o := order(1, 0)
			o.Version, o.Data.(*crm.Order).Employee = 0, text
			if i%2 == 0 {
				o.Subject = crm.OfProfile(person(2).ProfileKey) // changes hands each time
			}
			note := &crm.Fact{Key: crm.FactKey{Kind: crm.KindNote, Source: "desk", ID: "n"}, Subject: crm.OfProfile(person(1).ProfileKey), At: day, Data: &crm.Note{Text: text}}
			said := consent(1)
			said.Version, said.Data.(*crm.Consent).Proof = 0, text
			return []*crm.Fact{o, note, said}
		}
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				n := 0
				svc := crm.New(store, crm.Config{Retry: crm.Retry{Attempts: 200}, Now: func() time.Time {
					n++
					return day.Add(time.Duration(w-4)*time.Hour - time.Duration(n)*time.Second)
				}})
				for r := range rounds {
					text := fmt.Sprintf("%d-%d", w, r)
					for _, f := range told(w+r, text) {
						assert.NoError(t, svc.Record(deadline(t), f))
					}
					p := person(1)
					p.At, p.Name.Given = time.Time{}, text
					assert.NoError(t, svc.PutProfile(deadline(t), p))
				}
			})
		}
		wg.Wait()
		// What is said now counts, whatever the clock.
		last := crm.New(store, crm.Config{Now: func() time.Time { return day.AddDate(-1, 0, 0) }})
		for _, f := range told(1, "last") {
			require.NoError(t, last.Record(deadline(t), f))
		}
		p := person(1)
		p.At, p.Name.Given = time.Time{}, "last"
		require.NoError(t, last.PutProfile(deadline(t), p))
		require.NoError(t, store.View(deadline(t), func(r crm.Reader) error {
			var refs []crm.FactRef
			for _, f := range told(1, "") {
				refs = append(refs, f.Ref())
			}
			got, err := r.Facts(deadline(t), append(refs, told(0, "")[0].Ref())...)
			require.NoError(t, err)
			require.Equal(t, "last", got[0].Data.(*crm.Order).Employee)
			require.Equal(t, "last", got[1].Data.(*crm.Note).Text)
			require.Equal(t, "last", got[2].Data.(*crm.Consent).Proof)
			require.Nil(t, got[3], "the order exists once")
			require.GreaterOrEqual(t, got[1].Version, day.Add(-5*time.Hour).UnixMicro()+writers*rounds, "each change made a version")
			ps, err := r.Profiles(deadline(t), person(1).ProfileKey)
			require.NoError(t, err)
			require.Equal(t, "last", ps[0].Name.Given)
			return nil
		}))
	}
	t.Run("memory", func(t *testing.T) { run(t, memstore.New()) })
	onEach(t, func(t *testing.T, d database) { run(t, d.store()) })
}

// The highest versions that a source may give: what is told without a version is
// still newer, and higher ones are refused.
func TestHighestVersions(t *testing.T) {
	run := func(t *testing.T, store crm.Store) {
		svc := crm.New(store, crm.Config{Now: func() time.Time { return day }})
		told := func(text string, version int64) []*crm.Fact {
			o := order(1, 0)
			o.Data.(*crm.Order).Employee = text
			note := &crm.Fact{Key: crm.FactKey{Kind: crm.KindNote, Source: "desk", ID: "n"}, Subject: crm.OfProfile(person(1).ProfileKey), At: day, Data: &crm.Note{Text: text}}
			said := consent(1)
			said.Data.(*crm.Consent).Proof = text
			for _, f := range []*crm.Fact{o, note, said} {
				f.Version = version
			}
			return []*crm.Fact{o, note, said}
		}
		end := time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
		p := person(1)
		for _, at := range []time.Time{end, end.Add(24*time.Hour - time.Microsecond)} {
			p.At = at
			require.ErrorIs(t, svc.PutProfile(deadline(t), p), crm.ErrInvalid)
		}
		p.At, p.SourceVersion = end.Add(-time.Microsecond), math.MaxInt64
		require.NoError(t, svc.PutProfile(deadline(t), p))
		for _, f := range append(told("above", crm.MaxVersion+1), told("above", math.MaxInt64)...) {
			require.ErrorIs(t, svc.Record(deadline(t), f), crm.ErrInvalid)
		}
		require.NoError(t, svc.Record(deadline(t), told("highest", crm.MaxVersion)...))
		for _, text := range []string{"one", "two", "three"} {
			require.NoError(t, svc.Record(deadline(t), told(text, 0)...))
			p.At, p.SourceVersion, p.Name.Given = time.Time{}, 0, text
			require.NoError(t, svc.PutProfile(deadline(t), p))
			require.ErrorIs(t, svc.Record(deadline(t), told("highest", crm.MaxVersion)...), crm.ErrExists, "is older now")
		}
		require.NoError(t, store.View(deadline(t), func(r crm.Reader) error {
			f := told("", 0)
			got, err := r.Facts(deadline(t), f[0].Ref(), f[1].Ref(), f[2].Ref())
			require.NoError(t, err)
			require.Equal(t, "three", got[0].Data.(*crm.Order).Employee)
			require.Equal(t, "three", got[1].Data.(*crm.Note).Text)
			require.Equal(t, "three", got[2].Data.(*crm.Consent).Proof)
			for _, f := range got {
				require.Equal(t, crm.MaxVersion+3, f.Version)
			}
			ps, err := r.Profiles(deadline(t), p.ProfileKey)
			require.NoError(t, err)
			require.Equal(t, "three", ps[0].Name.Given)
			return nil
		}))
	}
	t.Run("memory", func(t *testing.T) { run(t, memstore.New()) })
	onEach(t, func(t *testing.T, d database) { run(t, d.store()) })
}

// Case B1: placed, shipped, delivered, cancelled without versions end as
// cancelled, one by one, in one call and in one import; what is repeated and what
// conflicts is told alike on all stores.
func TestLastWordOnEveryStore(t *testing.T) {
	run := func(t *testing.T, store crm.Store) {
		svc := crm.New(store, crm.Config{Now: func() time.Time { return day }})
		told := func(id string, s crm.OrderStatus) *crm.Fact {
			f := order(1, 0)
			f.Key.ID, f.Version, f.Data.(*crm.Order).Status = id, 0, s
			return f
		}
		for i := range 20 {
			one, two, three := fmt.Sprint("a", i), fmt.Sprint("b", i), fmt.Sprint("c", i)
			var call, batch []*crm.Fact
			for _, s := range []crm.OrderStatus{crm.OrderPlaced, crm.OrderShipped, crm.OrderDelivered, crm.OrderCancelled} {
				require.NoError(t, svc.Record(deadline(t), told(one, s)))
				call, batch = append(call, told(two, s)), append(batch, told(three, s))
			}
			require.NoError(t, svc.Record(deadline(t), call...))
			rep, err := svc.Import(deadline(t), crm.Batch{Facts: batch})
			require.NoError(t, err)
			require.Equal(t, crm.ImportReport{Facts: 1, Repeated: 3}, rep)
			require.NoError(t, store.View(deadline(t), func(r crm.Reader) error {
				got, err := r.Facts(deadline(t), told(one, "").Ref(), told(two, "").Ref(), told(three, "").Ref())
				for _, f := range got {
					require.Equal(t, crm.OrderCancelled, f.Data.(*crm.Order).Status)
				}
				return err
			}))
		}
		first, other := told("v", crm.OrderPlaced), told("v", crm.OrderCancelled)
		first.Version, other.Version = 5, 5
		old := told("v", crm.OrderShipped)
		old.Version = 4
		require.NoError(t, svc.Record(deadline(t), first))
		require.ErrorIs(t, svc.Record(deadline(t), other), crm.ErrExists)
		require.ErrorIs(t, svc.Record(deadline(t), old), crm.ErrExists)
		rep, err := svc.Import(deadline(t), crm.Batch{Facts: []*crm.Fact{other}})
		require.NoError(t, err)
		require.Len(t, rep.Conflicting, 1)
		require.Equal(t, rep.Facts == 1, rep.Conflicting[0].Stored)
		rep, err = svc.Import(deadline(t), crm.Batch{Facts: []*crm.Fact{old}})
		require.NoError(t, err)
		require.Equal(t, crm.ImportReport{Repeated: 1, Older: 1}, rep)
	}
	t.Run("memory", func(t *testing.T) { run(t, memstore.New()) })
	onEach(t, func(t *testing.T, d database) { run(t, d.store()) })
}
