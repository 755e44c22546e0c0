package storetest

import (
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

var profileTests = []test{
	{"Profiles/RoundTrip", "every field of a profile comes back, times as UTC microseconds", testProfileRoundTrip},
	{"Profiles/Rev", "PutProfiles inserts with Rev 0, replaces with the Rev as read and sets the new one; anything else is ErrConflict", testProfileRev},
	{"Profiles/ConflictKeepsNothing", "a stale Rev is ErrConflict and nothing of the call is kept, even if the transaction goes on", testProfileConflict},
	{"Profiles/Missing", "Profiles returns one entry per key in the order asked, nil where there is none", testProfileMissing},
	{"Profiles/CustomerStays", "PutProfiles leaves Customer alone", testProfileCustomer},
	{"Profiles/CallerKeepsTheirs", "values given to a Tx belong to the caller again when the method returns", testProfileAliasing},
}

// testProfileRoundTrip writes a profile with every field, one with none, and one with times
// that are finer than what is kept.
func testProfileRoundTrip(e *env) {
	want := everyProfile()
	plain := &crm.Profile{ProfileKey: crm.ProfileKey{Source: "till", ID: "1"}}
	e.update(func(tx crm.Tx) error {
		want, plain = everyProfile(), &crm.Profile{ProfileKey: plain.ProfileKey}
		return tx.PutProfiles(e.ctx, want, plain)
	})
	require.Positive(e, want.Rev, "PutProfiles sets the new Rev")
	same(e, want, e.profile(want.ProfileKey), "a profile with everything")
	same(e, plain, e.profile(plain.ProfileKey), "a profile with nothing")

	// Zones and nanoseconds.
	coarse := someone(1)
	e.update(func(tx crm.Tx) error {
		fine := someone(1)
		fine.At, fine.Since = oddTime(start), oddTime(start.AddDate(-70, 0, 0))
		return tx.PutProfiles(e.ctx, fine)
	})
	got := e.profile(key(1))
	coarse.Since, coarse.Rev = start.AddDate(-70, 0, 0), got.Rev
	same(e, coarse, got, "times are kept as UTC microseconds")
}

// testProfileRev tries every wrong revision: of what is not there, of what is, an old one and
// one yet to come.
func testProfileRev(e *env) {
	put := func(p *crm.Profile) func(crm.Tx) error {
		return func(tx crm.Tx) error { return tx.PutProfiles(e.ctx, p) }
	}
	p := someone(1)
	p.Rev = 1
	e.refused(crm.ErrConflict, "replacing a profile that is not there", put(p))
	e.update(func(tx crm.Tx) error { p.Rev = 0; return tx.PutProfiles(e.ctx, p) })
	first := p.Rev
	require.Positive(e, first)
	e.refused(crm.ErrConflict, "inserting a profile that is there", put(someone(1)))

	p.Name.Given = "Ayşe"
	e.update(func(tx crm.Tx) error { p.Rev = first; return tx.PutProfiles(e.ctx, p) })
	require.Greater(e, p.Rev, first)
	same(e, p, e.profile(key(1)))
	second := p.Rev

	stale := someone(1)
	stale.Rev = first
	e.refused(crm.ErrConflict, "replacing an old version", put(stale))
	stale.Rev = second + 1
	e.refused(crm.ErrConflict, "replacing a version yet to come", put(stale))
	same(e, p, e.profile(key(1)), "after the conflicts")

	// Within one transaction.
	e.update(func(tx crm.Tx) error {
		p.Rev = second
		if err := tx.PutProfiles(e.ctx, p); err != nil {
			return err
		}
		return tx.PutProfiles(e.ctx, p)
	})
	same(e, p, e.profile(key(1)), "after two writes in one transaction")
	require.ErrorIs(e, e.store.Update(e.ctx, func(tx crm.Tx) error {
		return tx.PutProfiles(e.ctx, someone(7), someone(7))
	}), crm.ErrConflict, "the same new profile twice in one call")
}

// testProfileConflict goes on after the conflict and commits: a store that checks row by row
// has written the rows before.
func testProfileConflict(e *env) {
	e.update(func(tx crm.Tx) error { return tx.PutProfiles(e.ctx, someone(1), someone(2)) })
	was := e.profile(key(1))
	e.update(func(tx crm.Tx) error {
		good := was.Clone()
		good.Name.Given = "Ayşe"
		stale := someone(2) // Rev 0
		err := tx.PutProfiles(e.ctx, someone(3), good, stale)
		assert.ErrorIs(e, err, crm.ErrConflict)
		return nil
	})
	same(e, was, e.profile(key(1)), "part of a call that failed was kept")
	require.Nil(e, e.profile(key(3)), "part of a call that failed was kept")
	require.Len(e, e.changes(100), 2, "the feed tells of a change that was not made")
}

// testProfileMissing asks for keys out of order, absent and twice.
func testProfileMissing(e *env) {
	e.update(func(tx crm.Tx) error { return tx.PutProfiles(e.ctx, someone(1), someone(2)) })
	e.view(func(r crm.Reader) error {
		ps, err := r.Profiles(e.ctx, key(2), key(9), key(1), key(2))
		if err != nil {
			return err
		}
		require.Len(e, ps, 4)
		require.Equal(e, key(2), ps[0].ProfileKey)
		require.Nil(e, ps[1])
		require.Equal(e, key(1), ps[2].ProfileKey)
		require.Equal(e, key(2), ps[3].ProfileKey, "a key that is asked for twice is answered twice")
		ps, err = r.Profiles(e.ctx)
		require.Empty(e, ps)
		return err
	})
}

// testProfileCustomer writes a profile with another Customer, which only AppendLinks may
// change.
func testProfileCustomer(e *env) {
	e.update(func(tx crm.Tx) error {
		if err := tx.PutProfiles(e.ctx, someone(1)); err != nil {
			return err
		}
		return tx.AppendLinks(e.ctx, newLink(1))
	})
	p := e.profile(key(1)).Clone()
	require.Equal(e, customer(1), p.Customer, "AppendLinks moves the profile")
	e.update(func(tx crm.Tx) error {
		q := p.Clone()
		q.Customer, q.Name.Given = "somebody else", "Ayşe"
		return tx.PutProfiles(e.ctx, q)
	})
	got := e.profile(key(1))
	require.Equal(e, customer(1), got.Customer)
	require.Equal(e, "Ayşe", got.Name.Given)
}

// testProfileAliasing changes what it gave to the store before the transaction ends. A store
// that keeps the caller's pointers holds the change.
func testProfileAliasing(e *env) {
	e.update(func(tx crm.Tx) error {
		p, f := everyProfile(), order(1, "1001")
		if err := tx.PutProfiles(e.ctx, p); err != nil {
			return err
		}
		if _, err := tx.PutFacts(e.ctx, f); err != nil {
			return err
		}
		p.Contacts[0].Value, p.Attributes["size"], p.Disowned[0].Value = "changed", "changed", "changed"
		f.Data.(*crm.Order).Lines[0].SKU = "changed"
		return nil
	})
	want := everyProfile()
	got := e.profile(want.ProfileKey)
	want.Rev = got.Rev
	same(e, want, got, "the caller's later changes show in the store")
	same(e, order(1, "1001"), e.fact(order(1, "1001").Ref()), "the caller's later changes show in the store")
}
