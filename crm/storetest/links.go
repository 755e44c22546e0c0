package storetest

import (
	"fmt"
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

var linkTests = []test{
	{"Links/RoundTrip", "every field of a link decision comes back, numbered 1, 2, … per profile in the order taken", testLinkRoundTrip},
	{"Links/Moves", "a decision moves the profile between members; homes stay for ever, so a merged id remains an alias", testLinkMoves},
	{"Links/NotMe", "a not-me decision is kept and moves nothing", testLinkNotMe},
	{"Links/FirstIsNew", "the first decision about a profile must be LinkNew", testLinkFirst},
	{"Links/Lock", "of those who lock a customer and read afterwards each builds on the one before, in whatever order they name several", testCustomerLock},
	{"Links/Members", "members are sorted, whatever their parts", testLinkMembers},
}

// arrive inserts profiles as customers of their own.
func arrive(e *env, ns ...int) {
	e.Helper()
	e.update(func(tx crm.Tx) error {
		for _, n := range ns {
			if err := tx.PutProfiles(e.ctx, someone(n)); err != nil {
				return err
			}
			if err := tx.AppendLinks(e.ctx, newLink(n)); err != nil {
				return err
			}
		}
		return nil
	})
}

// links returns the decisions about one profile.
func (e *env) links(k crm.ProfileKey) (out []crm.Link) {
	e.Helper()
	e.view(func(r crm.Reader) error {
		ls, err := r.Links(e.ctx, k)
		if err == nil {
			require.Len(e, ls, 1)
			out = ls[0]
		}
		return err
	})
	return out
}

// members returns the profiles that a customer has now.
func (e *env) members(id crm.CustomerID) (out []crm.ProfileKey) {
	e.Helper()
	e.view(func(r crm.Reader) error {
		ms, err := r.Members(e.ctx, id)
		if err == nil {
			require.Len(e, ms, 1)
			out = ms[0]
		}
		return err
	})
	return out
}

// testLinkRoundTrip gives every kind of decision, alone and several in one call, whose numbers
// must follow one another.
func testLinkRoundTrip(e *env) {
	arrive(e, 1, 2)
	kinds := []crm.LinkKind{crm.LinkMatched, crm.LinkManual, crm.LinkSplit, crm.LinkApart, crm.LinkUndo, crm.LinkNotMe}
	want := []crm.Link{*newLink(1)}
	want[0].Seq = 1
	for i, kind := range kinds {
		var l *crm.Link
		e.update(func(tx crm.Tx) error {
			l = everyLink(key(1), kind, customer(1+i%2))
			return tx.AppendLinks(e.ctx, l)
		})
		require.EqualValues(e, i+2, l.Seq, "AppendLinks gives decisions their Seq")
		want = append(want, *l)
	}
	e.update(func(tx crm.Tx) error {
		l := newLink(1)
		l.Kind, l.At = crm.LinkManual, oddTime(start)
		return tx.AppendLinks(e.ctx, l)
	})
	last := *newLink(1)
	last.Kind, last.Seq = crm.LinkManual, int64(len(want))+1
	want = append(want, last)
	same(e, want, e.links(key(1)))
	require.Len(e, e.links(key(2)), 1)
	require.Empty(e, e.links(key(3)))

	// Several in one call.
	e.update(func(tx crm.Tx) error {
		if err := tx.PutProfiles(e.ctx, someone(4)); err != nil {
			return err
		}
		return tx.AppendLinks(e.ctx, newLink(4), everyLink(key(4), crm.LinkMatched, customer(1)), everyLink(key(4), crm.LinkSplit, customer(4)))
	})
	got := e.links(key(4))
	require.Len(e, got, 3)
	for i, l := range got {
		require.EqualValues(e, i+1, l.Seq)
	}
	require.Equal(e, customer(4), e.profile(key(4)).Customer)
}

// testLinkMoves merges, splits and moves a profile to where it is already. Homes must not
// change with any of it: an id is promised to stay valid.
func testLinkMoves(e *env) {
	arrive(e, 1, 2, 3)
	rev := e.profile(key(2)).Rev
	e.update(func(tx crm.Tx) error {
		return tx.AppendLinks(e.ctx, everyLink(key(2), crm.LinkMatched, customer(1)), everyLink(key(3), crm.LinkManual, customer(1)))
	})
	require.Equal(e, []crm.ProfileKey{key(1), key(2), key(3)}, e.members(customer(1)))
	require.Empty(e, e.members(customer(2)), "a merged customer has no members")
	require.Equal(e, customer(1), e.profile(key(2)).Customer)
	e.update(func(tx crm.Tx) error {
		p := someone(2)
		p.Rev = rev
		return tx.PutProfiles(e.ctx, p)
	})

	e.view(func(r crm.Reader) error {
		homes, err := r.Homes(e.ctx, customer(2), "nobody", customer(1), "")
		if err != nil {
			return err
		}
		require.Equal(e, []crm.ProfileKey{key(2), {}, key(1), {}}, homes, "an id stays an alias after a merge; an id that never was has no home")
		ids, err := r.HomeIDs(e.ctx, key(3), key(9), key(1))
		require.NoError(e, err)
		require.Equal(e, []crm.CustomerID{customer(3), "", customer(1)}, ids)
		ids, err = r.CustomersOf(e.ctx, key(3), key(9), key(1), key(3))
		require.Equal(e, []crm.CustomerID{customer(1), "", customer(1), customer(1)}, ids, "where profiles are now")
		return err
	})
	e.update(func(tx crm.Tx) error { return tx.AppendLinks(e.ctx, everyLink(key(2), crm.LinkSplit, customer(2))) })
	require.Equal(e, []crm.ProfileKey{key(1), key(3)}, e.members(customer(1)))
	require.Equal(e, []crm.ProfileKey{key(2)}, e.members(customer(2)))
	// To where it is already: it stays there once.
	e.update(func(tx crm.Tx) error { return tx.AppendLinks(e.ctx, everyLink(key(2), crm.LinkManual, customer(2))) })
	require.Equal(e, []crm.ProfileKey{key(2)}, e.members(customer(2)))
}

// testLinkNotMe checks that the decision is about an address and leaves the profile where it
// is.
func testLinkNotMe(e *env) {
	arrive(e, 1, 2)
	e.update(func(tx crm.Tx) error { return tx.AppendLinks(e.ctx, everyLink(key(1), crm.LinkNotMe, customer(2))) })
	require.Equal(e, customer(1), e.profile(key(1)).Customer)
	require.Equal(e, []crm.ProfileKey{key(1)}, e.members(customer(1)))
	require.Len(e, e.links(key(1)), 2)
}

// testLinkFirst refuses any other first decision, and a second home under one id, which would
// make two people one.
func testLinkFirst(e *env) {
	e.update(func(tx crm.Tx) error { return tx.PutProfiles(e.ctx, someone(1)) })
	for _, kind := range []crm.LinkKind{crm.LinkMatched, crm.LinkManual, crm.LinkSplit, crm.LinkApart, crm.LinkNotMe} {
		err := e.store.Update(e.ctx, func(tx crm.Tx) error { return tx.AppendLinks(e.ctx, everyLink(key(1), kind, customer(1))) })
		require.Error(e, err, "the first decision was %q", kind)
	}
	require.Empty(e, e.links(key(1)))
	require.Empty(e, e.members(customer(1)))
	arrive(e, 2)
	require.Error(e, e.store.Update(e.ctx, func(tx crm.Tx) error {
		l := newLink(1)
		l.Customer = customer(2)
		return tx.AppendLinks(e.ctx, l)
	}), "a second profile got the same customer id as its home")
	e.view(func(r crm.Reader) error {
		homes, err := r.Homes(e.ctx, customer(2))
		require.Equal(e, []crm.ProfileKey{key(2)}, homes)
		return err
	})
}

// testLinkMembers has more members than a store reads at a time, in parts of their own.
func testLinkMembers(e *env) {
	arrive(e, 100)
	want := []crm.ProfileKey{key(100)}
	e.update(func(tx crm.Tx) error {
		want = want[:1]
		for i := range 60 {
			p := &crm.Profile{ProfileKey: crm.ProfileKey{Source: "u", ID: fmt.Sprintf("%03d", i)}}
			if err := tx.PutProfiles(e.ctx, p); err != nil {
				return err
			}
			id := crm.CustomerID("u-" + p.ID)
			first := &crm.Link{Profile: p.ProfileKey, Customer: id, Kind: crm.LinkNew, At: start}
			if err := tx.AppendLinks(e.ctx, first, everyLink(p.ProfileKey, crm.LinkMatched, customer(100))); err != nil {
				return err
			}
			want = append(want, p.ProfileKey)
		}
		return nil
	})
	require.Equal(e, want, e.members(customer(100)))
}

// testCustomerLock is the lost-update test, with a fact that nothing but the lock
// of the customers guards: each writer reads it and writes the next version.
func testCustomerLock(e *env) {
	const writers, rounds = 8, 10
	arrive(e, 1, 2)
	about := note(crm.OfProfile(key(1)), "count", "0", 1)
	e.update(func(tx crm.Tx) error {
		if err := tx.LockCustomers(e.ctx); err != nil {
			return err
		}
		if err := tx.LockCustomers(e.ctx, "never made"); err != nil {
			return err
		}
		_, err := tx.PutFacts(e.ctx, about)
		return err
	})
	err := parallel(writers, func(i int) error {
		ids := []crm.CustomerID{customer(1), customer(2), customer(1), "never made"}
		if i%2 == 1 {
			slices.Reverse(ids)
		}
		for range rounds {
			err := e.retry(func(tx crm.Tx) error {
				if err := tx.LockCustomers(e.ctx, ids...); err != nil {
					return err
				}
				facts, err := tx.Facts(e.ctx, about.Ref())
				if err != nil {
					return err
				}
				v := facts[0].Version
				_, err = tx.PutFacts(e.ctx, note(crm.OfProfile(key(1)), "count", fmt.Sprint(v), v+1))
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(e, err)
	require.EqualValues(e, 1+writers*rounds, e.fact(about.Ref()).Version, "updates were lost")
}
