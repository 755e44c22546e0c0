package storetest

import (
	"fmt"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

var concurrencyTests = []test{
	{"Concurrency/Disjoint", "writers of different records do not lose each other's work", testDisjointWriters},
	{"Concurrency/SameRecord", "of writers of one record each either gets ErrConflict or builds on the one before", testSameRecord},
	{"Concurrency/Readers", "readers see whole transactions while others write", testReaders},
	{"Concurrency/Versions", "of several that write versions of one fact at once the highest stays, whoever comes last", testVersions},
	{"Concurrency/OnceOnly", "of several that plan one effect at once exactly one creates it", testOnceOnly},
}

// testDisjointWriters keeps to records of its own per writer, so that whatever is missing in
// the end was lost by the store and not by a conflict.
func testDisjointWriters(e *env) {
	const writers, rounds = 8, 15
	err := parallel(writers, func(i int) error {
		for j := range rounds {
			n := i*1000 + j
			if err := e.retry(func(tx crm.Tx) error {
				if err := tx.PutProfiles(e.ctx, someone(n)); err != nil {
					return err
				}
				if err := tx.AppendLinks(e.ctx, newLink(n)); err != nil {
					return err
				}
				_, err := tx.PutFacts(e.ctx, order(n, "1"), order(n, "2"))
				return err
			}); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(e, err)
	e.view(func(r crm.Reader) error {
		ps, err := r.ScanProfiles(e.ctx, crm.AllParts(), crm.ProfileKey{}, 10_000)
		if err != nil {
			return err
		}
		require.Len(e, ps, writers*rounds)
		fs, err := r.ScanFacts(e.ctx, crm.AllParts(), crm.KindOrder, crm.FactRef{}, 10_000)
		require.Len(e, fs, writers*rounds*2)
		return err
	})
	cs := e.changes(1000)
	require.Len(e, cs, writers*rounds*4)
	requireDense(e, cs)
}

// testSameRecord appends one letter per success to one profile: its length is the number of
// updates that were kept.
func testSameRecord(e *env) {
	const writers, rounds = 6, 12
	e.update(func(tx crm.Tx) error { return tx.PutProfiles(e.ctx, someone(1)) })
	first := e.profile(key(1)).Rev
	err := parallel(writers, func(i int) error {
		for range rounds {
			if err := e.retry(func(tx crm.Tx) error {
				ps, err := tx.Profiles(e.ctx, key(1))
				if err != nil {
					return err
				}
				p := ps[0].Clone()
				p.Attributes = map[string]string{"n": p.Attributes["n"] + "x"}
				return tx.PutProfiles(e.ctx, p)
			}); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(e, err)
	p := e.profile(key(1))
	require.Len(e, p.Attributes["n"], writers*rounds, "updates were lost")
	require.EqualValues(e, first+writers*rounds, p.Rev)
}

// testReaders writes facts in pairs. An odd number, or two numbers in one view, is a
// transaction that was seen half.
func testReaders(e *env) {
	const rounds = 60
	done := make(chan struct{})
	pair := func(tx crm.Tx, n int) error {
		for _, id := range []string{"a", "b"} {
			if _, err := tx.PutFacts(e.ctx, note(crm.OfProfile(key(n)), id, fmt.Sprint(n), int64(n))); err != nil {
				return err
			}
		}
		return nil
	}
	err := parallel(4, func(i int) error {
		if i == 0 {
			defer close(done)
			for n := range rounds {
				if err := e.retry(func(tx crm.Tx) error { return pair(tx, n) }); err != nil {
					return err
				}
			}
			return nil
		}
		for {
			err := e.store.View(e.ctx, func(r crm.Reader) error {
				count := func() (int, error) {
					fs, err := r.ScanFacts(e.ctx, crm.AllParts(), crm.KindNote, crm.FactRef{}, 10*rounds)
					return len(fs), err
				}
				n, err := count()
				if err != nil {
					return err
				}
				again, err := count()
				if err != nil {
					return err
				}
				if n%2 != 0 || n != again {
					return fmt.Errorf("a view saw half a transaction: %d facts, then %d", n, again)
				}
				return nil
			})
			if err != nil {
				return err
			}
			select {
			case <-done:
				return nil
			default:
			}
		}
	})
	require.NoError(e, err)
}

// testOnceOnly sums what each planner was told. An outbox sends what it created, so two who are
// told so send twice.
func testOnceOnly(e *env) {
	const planners, effects = 6, 10
	won := make([]int, planners)
	err := parallel(planners, func(i int) error {
		for n := range effects {
			var created []bool
			if err := e.retry(func(tx crm.Tx) (err error) {
				created, err = tx.PutEffects(e.ctx, effect(n, "once"))
				return err
			}); err != nil {
				return err
			}
			if created[0] {
				won[i]++
			}
		}
		return nil
	})
	require.NoError(e, err)
	total := 0
	for _, n := range won {
		total += n
	}
	require.Equal(e, effects, total, "an effect was created more than once, or never")
}

// testVersions lets each writer bring another version in another order, also the highest first,
// and asks what it was told.
func testVersions(e *env) {
	const writers, facts = 6, 3
	for round := range int64(e.rounds(25)) {
		told := make([]int64, writers)
		err := parallel(writers, func(i int) error {
			version := 1 + round*writers + (int64(i)*5+round)%writers
			var fs []*crm.Fact
			for n := range facts {
				fs = append(fs, note(crm.OfProfile(key(1)), fmt.Sprint(n), fmt.Sprint(version), version))
			}
			return e.retry(func(tx crm.Tx) error {
				puts, err := tx.PutFacts(e.ctx, fs...)
				if err == nil && puts[0].Changed() {
					told[i] = version
				}
				return err
			})
		})
		require.NoError(e, err)
		highest := (round + 1) * writers
		require.Contains(e, told, highest, "whoever wrote the highest version is told so")
		for n := range facts {
			f := e.fact(note(crm.OfProfile(key(1)), fmt.Sprint(n), "", 0).Ref())
			require.Equal(e, highest, f.Version)
			require.Equal(e, fmt.Sprint(highest), f.Data.(*crm.Note).Text)
		}
	}
}
