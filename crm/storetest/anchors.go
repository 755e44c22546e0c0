package storetest

import (
	"fmt"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

var anchorTests = []test{
	{"Anchors/Put", "Anchors returns the subject that was put last, and the zero subject for a fact that has none", testAnchors},
	{"Anchors/Race", "of those who put the first anchor of a fact each sees the one before or starts again", testAnchorRace},
}

func orderKey(i int) crm.FactKey {
	return crm.FactKey{Kind: crm.KindOrder, Source: "erp", ID: fmt.Sprint("o", i)}
}

func (e *env) anchors(keys ...crm.FactKey) (out []crm.Subject) {
	e.Helper()
	e.view(func(r crm.Reader) (err error) {
		out, err = r.Anchors(e.ctx, keys...)
		return err
	})
	return out
}

// testAnchors mixes keys that are there, absent and repeated, within the transaction that puts
// them and after it.
func testAnchors(e *env) {
	a, b, c := orderKey(1), orderKey(2), crm.FactKey{Kind: crm.KindVisit, Source: "erp", ID: "o1"}
	here, there, phone := crm.OfProfile(key(1)), crm.OfProfile(key(2)), crm.OfAddress(phone(1))
	e.update(func(tx crm.Tx) error {
		got, err := tx.LockAnchors(e.ctx, b, a, b)
		if err != nil {
			return err
		}
		require.Equal(e, make([]crm.Subject, 3), got)
		if err := tx.PutAnchors(e.ctx, crm.FactRef{Subject: here, Key: a}, crm.FactRef{Subject: phone, Key: b}); err != nil {
			return err
		}
		got, err = tx.LockAnchors(e.ctx, b, c, a)
		require.Equal(e, []crm.Subject{phone, {}, here}, got, "a transaction sees its own anchors")
		return err
	})
	require.Equal(e, []crm.Subject{here, phone, {}, here}, e.anchors(a, b, c, a))
	// Without a lock of its own, and again in the same transaction.
	e.update(func(tx crm.Tx) error {
		if err := tx.PutAnchors(e.ctx, crm.FactRef{Subject: there, Key: a}, crm.FactRef{Subject: there, Key: c}); err != nil {
			return err
		}
		return tx.PutAnchors(e.ctx, crm.FactRef{Subject: here, Key: c})
	})
	require.Equal(e, []crm.Subject{there, phone, here}, e.anchors(a, b, c))
	e.update(func(tx crm.Tx) error {
		assert.ErrorIs(e, tx.PutAnchors(e.ctx, crm.FactRef{Subject: here, Key: a}, crm.FactRef{Subject: there, Key: a}), crm.ErrConflict)
		return nil
	})
	e.refused(crm.ErrInvalid, "an anchor without a subject", func(tx crm.Tx) error { return tx.PutAnchors(e.ctx, crm.FactRef{Key: a}) })
	require.Empty(e, e.anchors())
	require.Equal(e, []crm.Subject{there}, e.anchors(a))
}

// testAnchorRace counts in a fact beside the anchors: where two writers both believe to be the
// first, one of their counts is lost.
func testAnchorRace(e *env) {
	const writers, facts = 8, 12
	err := parallel(writers, func(i int) error {
		for n := range facts {
			keys := []crm.FactKey{orderKey(n), orderKey(n + 1)}
			if i%2 == 1 {
				keys[0], keys[1] = keys[1], keys[0]
			}
			err := e.retry(func(tx crm.Tx) error {
				was, err := tx.LockAnchors(e.ctx, keys...)
				if err != nil {
					return err
				}
				var puts []crm.FactRef
				for j, k := range keys {
					about := note(crm.OfProfile(key(0)), k.ID, "0", 1)
					if was[j] != (crm.Subject{}) {
						facts, err := tx.Facts(e.ctx, about.Ref())
						if err != nil {
							return err
						}
						if facts[0] == nil {
							return fmt.Errorf("an anchor shows, and what was written with it does not")
						}
						about.Version = facts[0].Version + 1
					}
					if _, err := tx.PutFacts(e.ctx, about); err != nil {
						return err
					}
					puts = append(puts, crm.FactRef{Subject: crm.OfProfile(key(i)), Key: k})
				}
				return tx.PutAnchors(e.ctx, puts...)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(e, err)
	for n := range facts + 1 {
		want := 2 * writers
		if n == 0 || n == facts {
			want = writers
		}
		require.EqualValues(e, want, e.fact(note(crm.OfProfile(key(0)), orderKey(n).ID, "", 1).Ref()).Version, "updates were lost")
	}
}
