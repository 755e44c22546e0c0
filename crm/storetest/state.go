package storetest

import (
	"fmt"
	"slices"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

var stateTests = []test{
	{"State/Put", "a stale Rev is ErrConflict and nothing of the call is kept; a state is its kind's and its subject's own", testStates},
	{"State/Scan", "the states of a kind are read page by page, part by part", testStateScan},
	{"State/Race", "of writers of one state each builds on the one before", testStateRace},
}

func state(kind string, about crm.Subject, data string) *crm.State {
	return &crm.State{StateKey: crm.StateKey{Kind: kind, Subject: about}, Data: []byte(data)}
}

func (e *env) state(k crm.StateKey) (out *crm.State) {
	e.Helper()
	e.view(func(r crm.Reader) error {
		ss, err := r.States(e.ctx, k)
		if err == nil {
			require.Len(e, ss, 1, "States returns one entry per key")
			out = ss[0]
		}
		return err
	})
	return out
}

func stateSubjects(n int) []crm.Subject {
	return []crm.Subject{crm.OfProfile(key(n)), crm.OfAddress(phone(n)), crm.OfRecord(crm.FactKey{Kind: crm.KindAnswer, Source: "a", ID: fmt.Sprint(n)})}
}

func testStates(e *env) {
	put := func(ss ...*crm.State) {
		e.Helper()
		e.update(func(tx crm.Tx) error { return tx.PutStates(e.ctx, ss...) })
	}
	for i, about := range stateSubjects(1) {
		k := crm.StateKey{Kind: "seen", Subject: about}
		require.Nil(e, e.state(k))
		s := state("seen", about, `{"n":12345678901234567}`)
		put(s, state("see", about, `1`), state("seen", stateSubjects(2)[i], `2`))
		require.Positive(e, s.Rev)
		same(e, s, e.state(k))
		e.refused(crm.ErrConflict, "inserting one that is there", func(tx crm.Tx) error { return tx.PutStates(e.ctx, state("seen", about, `3`)) })
		first := *s
		s.Data = []byte(`[]`)
		e.update(func(tx crm.Tx) error { s.Rev = first.Rev; return tx.PutStates(e.ctx, s) })
		require.Greater(e, s.Rev, first.Rev)
		e.update(func(tx crm.Tx) error {
			stale := first
			assert.ErrorIs(e, tx.PutStates(e.ctx, state("new", about, `1`), &stale), crm.ErrConflict)
			again := *s
			assert.ErrorIs(e, tx.PutStates(e.ctx, s, &again), crm.ErrConflict, "twice in one call")
			return nil
		})
		require.Nil(e, e.state(crm.StateKey{Kind: "new", Subject: about}), "part of a call that failed was kept")
		same(e, s, e.state(k))
		gone := crm.StateKey{Kind: "gone", Subject: about}
		e.refused(crm.ErrConflict, "replacing one that is not there", func(tx crm.Tx) error {
			x := state("gone", about, `1`)
			x.Rev = 1
			return tx.PutStates(e.ctx, x)
		})
		e.update(func(tx crm.Tx) error { return tx.DeleteStates(e.ctx, k, gone) })
		require.Nil(e, e.state(k))
		require.NotNil(e, e.state(crm.StateKey{Kind: "see", Subject: about}), "one of another kind")
		put(state("seen", about, `4`))
	}
	for _, bad := range []*crm.State{state("", stateSubjects(1)[0], `1`), state("x", crm.Subject{}, `1`), state("x", stateSubjects(1)[0], `{`), state("a\x00", stateSubjects(1)[0], `1`)} {
		e.refused(crm.ErrInvalid, "bad", func(tx crm.Tx) error { return tx.PutStates(e.ctx, bad) })
	}
}

func testStateScan(e *env) {
	var all []*crm.State
	for n := range 12 {
		for _, about := range stateSubjects(n) {
			all = append(all, state("seen", about, fmt.Sprint(n)), state("other", about, `0`))
		}
	}
	e.update(func(tx crm.Tx) error {
		for _, s := range all {
			s.Rev = 0
		}
		return tx.PutStates(e.ctx, all...)
	})
	all = slices.DeleteFunc(all, func(s *crm.State) bool { return s.Kind != "seen" })
	slices.SortFunc(all, func(a, b *crm.State) int {
		if c := int(a.Part()) - int(b.Part()); c != 0 {
			return c
		}
		return a.Subject.Compare(b.Subject)
	})
	mid := all[len(all)/2].Part()
	for _, parts := range []crm.PartRange{{}, {Lo: 0, Hi: mid}, {Lo: mid, Hi: crm.Parts}} {
		var want []*crm.State
		for _, s := range all {
			if parts.Contains(s.Part()) {
				want = append(want, s)
			}
		}
		for _, limit := range []int{1, 5, 1000} {
			var got []*crm.State
			e.view(func(r crm.Reader) error {
				for after := (crm.Subject{}); ; {
					page, err := r.ScanStates(e.ctx, parts, "seen", after, limit)
					if err != nil || len(page) == 0 {
						return err
					}
					require.LessOrEqual(e, len(page), limit)
					got, after = append(got, page...), page[len(page)-1].Subject
				}
			})
			same(e, want, got, "by pages of %d", limit)
		}
	}
}

func testStateRace(e *env) {
	const writers, rounds = 6, 12
	k := crm.StateKey{Kind: "n", Subject: stateSubjects(1)[0]}
	require.NoError(e, parallel(writers, func(int) error {
		for range rounds {
			if err := e.retry(func(tx crm.Tx) error {
				found, err := tx.States(e.ctx, k)
				if err != nil {
					return err
				}
				n := 0
				s := &crm.State{StateKey: k}
				if found[0] != nil {
					if err := found[0].Decode(&n); err != nil {
						return err
					}
					s.Rev = found[0].Rev
				}
				s.Data = fmt.Append(nil, n+1)
				return tx.PutStates(e.ctx, s)
			}); err != nil {
				return err
			}
		}
		return nil
	}))
	require.Equal(e, fmt.Sprint(writers*rounds), string(e.state(k).Data), "updates were lost")
}
