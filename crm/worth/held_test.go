package worth

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
)

// pausing is a store on which a process is paused before one of its transactions, and killed some transactions later.
type pausing struct {
	crm.Store
	n, pause, kill int
	meanwhile      func()
}

var errKilled = errors.New("killed")

func (s *pausing) pass() error {
	switch s.n++; s.n {
	case s.pause:
		s.meanwhile()
	case s.kill:
		return errKilled
	}
	return nil
}

func (s *pausing) View(ctx context.Context, fn func(crm.Reader) error) error {
	if err := s.pass(); err != nil {
		return err
	}
	return s.Store.View(ctx, fn)
}

func (s *pausing) Update(ctx context.Context, fn func(crm.Tx) error) error {
	if err := s.pass(); err != nil {
		return err
	}
	return s.Store.Update(ctx, fn)
}

// TestTakenOver: a process is paused before any of its transactions; meanwhile the record changes and another process does
// the whole step, on which more changes follow. Then the first goes on, to its end or until it is killed. What is kept in the end is
// what one process keeps that looks at everybody.
func TestTakenOver(t *testing.T) {
	for _, first := range []bool{true, false} { // the first evening looks at everybody
		passed := 0
		for pause := 1; ; pause += 1 + pause/8 {
			for _, more := range []int{2, 1 << 30} {
				store := memstore.New()
				svc := eveningOf(store, evening).Service
				_, err := svc.Import(t.Context(), shop(20, 6))
				require.NoError(t, err)
				at := evening
				m := func() *module { return mustModule(t, Config{Least: 5}) }
				if !first {
					require.NoError(t, m().refresh(t.Context(), eveningOf(store, at)))
					at = at.AddDate(0, 0, 1)
					_, err = svc.Import(t.Context(), crm.Batch{Facts: []*crm.Fact{order(1, "a", evening, 3), order(2, "b", evening, 4)}})
					require.NoError(t, err)
				}
				var links []crm.Link
				paused := &pausing{Store: store, pause: pause, kill: pause + more}
				paused.meanwhile = func() {
					_, err := svc.Import(t.Context(), crm.Batch{Profiles: []*crm.Profile{profile(50)}, Facts: []*crm.Fact{order(1, "c", evening, 3), order(50, "d", evening, 4)}})
					require.NoError(t, err)
					_, err = svc.Merge(t.Context(), "desk", crm.Evidence{}, key(1), key(3))
					require.NoError(t, err)
					links, err = svc.Merge(t.Context(), "desk", crm.Evidence{}, key(4), key(5))
					require.NoError(t, err)
					require.NoError(t, m().refresh(t.Context(), eveningOf(store, at)))
					_, err = svc.Undo(t.Context(), "desk", links...)
					require.NoError(t, err)
					_, err = svc.Import(t.Context(), crm.Batch{Facts: []*crm.Fact{order(7, "e", evening, 4)}})
					require.NoError(t, err)
					require.NoError(t, svc.Update(t.Context(), func(tx crm.Tx) error {
						return tx.DeleteFacts(t.Context(), crm.FactRef{Key: order(2, "b", evening, 4).Key, Subject: crm.OfProfile(key(2))})
					}))
				}
				err = m().refresh(t.Context(), eveningOf(paused, at))
				if err != nil {
					require.ErrorIs(t, err, errKilled)
				}
				if paused.n < pause {
					passed = paused.n
					break
				}
				require.NoError(t, m().refresh(t.Context(), eveningOf(store, at.AddDate(0, 0, 1))))
				got := parted(t, store)
				require.NoError(t, svc.DropCursors(t.Context(), cursor))
				require.NoError(t, m().refresh(t.Context(), eveningOf(store, at.AddDate(0, 0, 1))))
				require.Equal(t, parted(t, store), got, "paused before %d, killed %d later", pause, more)
			}
			if passed > 0 {
				break
			}
		}
		require.Greater(t, passed, 5)
	}
}

// parted is what the parts hold, by profile.
func parted(t require.TestingT, store crm.Store) map[hashed]summary {
	out := map[hashed]summary{}
	require.NoError(t, store.View(context.Background(), func(r crm.Reader) error {
		states, err := statesOf(context.Background(), r, between(0, crm.Parts))
		if err != nil {
			return err
		}
		for _, s := range states {
			if s == nil {
				continue
			}
			_, rows, err := readPart(s.Data)
			if err != nil {
				return err
			}
			for _, r := range rows {
				out[r.profile] = r.summary
			}
		}
		return nil
	}))
	return out
}

// TestVersions: with another version everybody is counted anew, also where that was stopped and one of the version before went on;
// fits of the version before stay until there are as many of the new one.
func TestVersions(t *testing.T) {
	store := memstore.New()
	ev := eveningOf(store, evening)
	_, err := ev.Service.Import(t.Context(), shop(150, 4))
	require.NoError(t, err)
	one, two := mustModule(t, Config{Version: "one"}), mustModule(t, Config{Version: "two"})
	require.NoError(t, one.refresh(t.Context(), ev))
	want := parted(t, store)
	// Some parts, as two counts them where it is stopped.
	next := eveningOf(store, evening.AddDate(0, 0, 1))
	require.ErrorIs(t, two.refresh(t.Context(), eveningOf(&pausing{Store: store, kill: 6}, next.At)), errKilled)
	_, err = ev.Service.Import(t.Context(), crm.Batch{Facts: []*crm.Fact{order(0, "new", evening, 5)}})
	require.NoError(t, err)
	require.NoError(t, one.refresh(t.Context(), next))
	require.NoError(t, two.refresh(t.Context(), next))
	require.Len(t, parted(t, store), len(want))
	var states []*crm.State
	versions := func() (out []string) {
		require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
			fits, err := Fits(t.Context(), r)
			if err != nil {
				return err
			}
			for _, f := range fits {
				out = append(out, f.Version)
			}
			states, err = statesOf(t.Context(), r, between(0, crm.Parts))
			return err
		}))
		return out
	}
	require.Equal(t, []string{one.version, one.version, two.version}, versions())
	for _, s := range states {
		if s != nil {
			v, _, err := readPart(s.Data)
			require.NoError(t, err)
			require.Equal(t, markOf(two.version), v)
		}
	}
	for i := range keptFits {
		require.NoError(t, two.refresh(t.Context(), eveningOf(store, evening.AddDate(0, 0, 2+i))))
	}
	require.Len(t, versions(), keptFits)
	require.NotContains(t, versions(), one.version)
}

// TestForget: of a person who was forgotten nothing is left, and of the others all is; the next fit is without him, and the
// same as of a record in which he never bought.
func TestForget(t *testing.T) {
	store, without := memstore.New(), memstore.New()
	b := shop(150, 4)
	const gone = 17
	var of []crm.FactRef
	rest := crm.Batch{Profiles: b.Profiles}
	for _, f := range b.Facts {
		if f.Subject.Profile == key(gone) {
			of = append(of, crm.FactRef{Key: f.Key, Subject: f.Subject})
		} else {
			rest.Facts = append(rest.Facts, f)
		}
	}
	require.NotEmpty(t, of)
	m := mustModule(t, Config{})
	for s, batch := range map[crm.Store]crm.Batch{store: b, without: rest} {
		_, err := eveningOf(s, evening).Service.Import(t.Context(), batch)
		require.NoError(t, err)
		require.NoError(t, m.refresh(t.Context(), eveningOf(s, evening)))
	}
	was := parted(t, store)
	require.Contains(t, was, hashOf(key(gone)))
	svc := eveningOf(store, evening).Service
	require.NoError(t, svc.Update(t.Context(), func(tx crm.Tx) error {
		if err := tx.DeleteFacts(t.Context(), of...); err != nil {
			return err
		}
		return Forget(t.Context(), tx, key(gone), key(999))
	}))
	delete(was, hashOf(key(gone)))
	require.Equal(t, was, parted(t, store))
	next := evening.AddDate(0, 0, 1)
	var fits [2][]Fit
	for i, s := range []crm.Store{store, without} {
		require.NoError(t, m.refresh(t.Context(), eveningOf(s, next)))
		require.NoError(t, s.View(t.Context(), func(r crm.Reader) (err error) { fits[i], err = Fits(t.Context(), r); return err }))
	}
	require.Equal(t, was, parted(t, store))
	require.Equal(t, fits[1][1], fits[0][1])
	require.Equal(t, fits[0][0].Customers-1, fits[0][1].Customers)

	// What cannot be read may be of him: it is gone, and everybody is counted anew.
	require.NoError(t, svc.Update(t.Context(), func(tx crm.Tx) error {
		s, err := tx.States(t.Context(), partKey(key(3).Part()))
		if err != nil {
			return err
		}
		s[0].Data = []byte(`"AAAA"`)
		return tx.PutStates(t.Context(), s[0])
	}))
	require.NoError(t, svc.Update(t.Context(), func(tx crm.Tx) error { return Forget(t.Context(), tx, key(3)) }))
	require.NoError(t, m.refresh(t.Context(), eveningOf(store, next.AddDate(0, 0, 1))))
	require.Equal(t, was, parted(t, store))
}

// TestEmptyRecord: of a record that has nothing, nothing is kept.
func TestEmptyRecord(t *testing.T) {
	store := memstore.New()
	for day := range 2 {
		require.NoError(t, mustModule(t, Config{}).refresh(t.Context(), eveningOf(store, evening.AddDate(0, 0, day))))
	}
	require.Equal(t, "null", kept(t, store))
}

// TestRemove: a host that has taken the module out removes all of it; given again, the module looks at everybody.
func TestRemove(t *testing.T) {
	store := memstore.New()
	ev := eveningOf(store, evening)
	_, err := ev.Service.Import(t.Context(), shop(150, 4))
	require.NoError(t, err)
	m := mustModule(t, Config{})
	require.NoError(t, m.refresh(t.Context(), ev))
	want := kept(t, store)
	require.NoError(t, Remove(t.Context(), ev.Service))
	require.Equal(t, "null", kept(t, store))
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
		all, err := r.Cursors(t.Context())
		require.Empty(t, all)
		return err
	}))
	require.NoError(t, Remove(t.Context(), ev.Service))
	require.NoError(t, m.refresh(t.Context(), ev))
	require.Equal(t, want, kept(t, store))
}

// TestSumsDoNotWrap: a sum of amounts is right, or the amounts of the customer are not known.
func TestSumsDoNotWrap(t *testing.T) {
	amount := rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{math.MaxInt64, math.MinInt64, 0, 1, -1, math.MaxInt64 / 2}))
	rapid.Check(t, func(t *rapid.T) {
		var all []crm.Purchase
		total, spent, back := new(big.Int), new(big.Int), new(big.Int)
		for i, a := range rapid.SliceOfN(amount, 1, 6).Draw(t, "amounts") {
			p := crm.Purchase{Day: i, Amount: a, Priced: true, Return: rapid.Bool().Draw(t, fmt.Sprint("return", i))}
			all = append(all, p)
			n := big.NewInt(a)
			total.Add(total, n)
			if p.Return {
				back.Add(back, n)
			}
		}
		s := summarise(all)
		first := true
		for i := range all {
			if all[i].Return {
				continue
			}
			if !first {
				spent.Add(spent, big.NewInt(all[i].Amount))
			}
			first = false
		}
		if back.Sign() < 0 {
			spent.Add(spent, back)
		}
		if s.priced {
			require.Equal(t, total.String(), fmt.Sprint(s.total))
			require.Equal(t, spent.String(), fmt.Sprint(s.spent))
		}
	})
	s := summarise([]crm.Purchase{{Amount: math.MaxInt64, Priced: true}, {Amount: 1, Priced: true, Day: 3}})
	require.False(t, s.priced)
	require.True(t, summarise([]crm.Purchase{{Amount: math.MaxInt64, Priced: true}, {Amount: -1, Priced: true, Return: true}}).priced)
}
