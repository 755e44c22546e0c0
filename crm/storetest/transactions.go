package storetest

import (
	"context"
	"errors"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

// errMine is what a function fails with, to see that it comes back as it is.
var errMine = errors.New("an error of the function's own")

var transactionTests = []test{
	{"Transactions/Now", "Now is UTC in microseconds, never goes back within a transaction, and is one clock for views and updates", testNow},
	{"Transactions/Commit", "a transaction sees its own writes; after it everybody does", testCommit},
	{"Transactions/Error", "an Update whose function fails leaves nothing behind and returns that error", testRollbackError},
	{"Transactions/Panic", "an Update whose function panics leaves nothing behind, and the panic goes on", testRollbackPanic},
	{"Transactions/Cancel", "an Update whose context ends leaves nothing behind and returns an error", testRollbackCancel},
	{"Transactions/EndedContext", "with a context that has ended nothing is begun", testEndedContext},
	{"Transactions/ViewError", "a View returns its function's error", testViewError},
	{"Transactions/ViewConsistent", "a View sees one state: what is committed meanwhile does not show", testViewConsistent},
}

// everything writes one record of every sort.
func everything(ctx context.Context, tx crm.Tx) error {
	if err := tx.PutProfiles(ctx, someone(1)); err != nil {
		return err
	}
	if err := tx.AppendLinks(ctx, newLink(1)); err != nil {
		return err
	}
	if _, err := tx.PutFacts(ctx, order(1, "1001")); err != nil {
		return err
	}
	if _, err := tx.LockAddresses(ctx, phone(1)); err != nil {
		return err
	}
	if err := tx.PutAddresses(ctx, &crm.AddressState{Address: phone(1), Version: 1}); err != nil {
		return err
	}
	if err := tx.PutAnchors(ctx, crm.FactRef{Subject: crm.OfProfile(key(1)), Key: order(1, "1001").Key}); err != nil {
		return err
	}
	if err := tx.PutRefs(ctx, crm.Ref{Kind: crm.RefOrder, Key: "1001", Subject: crm.OfProfile(key(1)), Target: "x"}); err != nil {
		return err
	}
	if _, err := tx.PutEffects(ctx, effect(1, "a")); err != nil {
		return err
	}
	if err := tx.PutDocuments(ctx, &crm.Document{Kind: "place", ID: "1", Data: []byte(`{}`)}); err != nil {
		return err
	}
	if _, err := tx.Cursor(ctx, "reader"); err != nil {
		return err
	}
	head := crm.PartPositions{1: 1}
	return tx.SetCursor(ctx, "reader", head.Position())
}

// count returns how many records of each sort there are.
func count(ctx context.Context, r crm.Reader) (map[string]int, error) {
	out := map[string]int{}
	profiles, err1 := r.ScanProfiles(ctx, crm.AllParts(), crm.ProfileKey{}, 100)
	members, err2 := r.Members(ctx, customer(1))
	homes, err3 := r.HomeIDs(ctx, key(1))
	links, err4 := r.Links(ctx, key(1))
	anchors, err13 := r.Anchors(ctx, order(1, "1001").Key)
	facts, err5 := r.ScanFacts(ctx, crm.AllParts(), crm.KindOrder, crm.FactRef{}, 100)
	addrs, err6 := r.ScanAddresses(ctx, crm.AllParts(), crm.Address{}, 100)
	refs, err7 := r.Refs(ctx, crm.RefOrder, 100, "1001")
	effects, err8 := r.ScanEffects(ctx, crm.AllParts(), "", 100)
	due, err9 := r.DueEffects(ctx, crm.DueQuery{State: crm.Planned, Before: start.AddDate(1, 0, 0)})
	docs, err10 := r.ScanDocuments(ctx, "place", "", 100)
	changes, err11 := readFeed(ctx, r, "", 100)
	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7, err8, err9, err10, err11, err13); err != nil {
		return nil, err
	}
	out["profiles"], out["facts"], out["addresses"], out["effects"] = len(profiles), len(facts), len(addrs), len(effects)
	out["due"], out["documents"], out["changes"] = len(due), len(docs), len(changes)
	out["members"], out["links"], out["refs"] = len(members[0]), len(links[0]), len(refs[0])
	if anchors[0] != (crm.Subject{}) {
		out["anchors"] = 1
	}
	if homes[0] != "" {
		out["homes"] = 1
	}
	return out, nil
}

// one is what count returns after everything was written once.
var one = map[string]int{
	"profiles": 1, "members": 1, "homes": 1, "links": 1, "facts": 1, "addresses": 1, "anchors": 1, "refs": 1,
	"effects": 1, "due": 1, "documents": 1, "changes": 3,
}

// none is what count returns of an empty store.
var none = map[string]int{
	"profiles": 0, "members": 0, "links": 0, "facts": 0, "addresses": 0, "refs": 0, "effects": 0, "due": 0, "documents": 0, "changes": 0,
}

// requireCount compares how many records of each sort there are.
func (e *env) requireCount(want map[string]int, why string) {
	e.Helper()
	e.view(func(r crm.Reader) error {
		got, err := count(e.ctx, r)
		require.Equal(e, want, got, why)
		return err
	})
}

// requireNothing checks that a rollback left nothing, also of the cursor, which count does not
// see.
func (e *env) requireNothing(why string) {
	e.Helper()
	e.requireCount(none, why)
	// A server may take a moment until it gives back what a connection that was
	// broken off had locked.
	err := error(crm.ErrBusy)
	for tries := 0; errors.Is(err, crm.ErrBusy) && tries < 10_000 && e.ctx.Err() == nil; tries++ {
		err = e.store.Update(e.ctx, func(tx crm.Tx) error {
			at, err := tx.Cursor(e.ctx, "reader")
			require.Empty(e, at, "the cursor stayed behind")
			return err
		})
	}
	require.NoError(e, err)
}

// testCommit counts within the transaction and after it.
func testCommit(e *env) {
	e.update(func(tx crm.Tx) error {
		if err := everything(e.ctx, tx); err != nil {
			return err
		}
		got, err := count(e.ctx, tx)
		if err != nil {
			return err
		}
		delete(got, "changes") // their numbers may be given at the commit
		want := map[string]int{}
		for k, n := range one {
			if k != "changes" {
				want[k] = n
			}
		}
		assert.Equal(e, want, got, "a transaction does not see its own writes")
		return nil
	})
	e.requireCount(one, "after the commit")
}

// testRollbackError writes the same again afterwards: what stayed behind invisibly, such as a
// lock or a home, would refuse it.
func testRollbackError(e *env) {
	err := e.store.Update(e.ctx, func(tx crm.Tx) error {
		if err := everything(e.ctx, tx); err != nil {
			return err
		}
		return errMine
	})
	require.ErrorIs(e, err, errMine)
	e.requireNothing("after an error")
	e.update(func(tx crm.Tx) error { return everything(e.ctx, tx) })
	e.requireCount(one, "the same writes again after the rollback")
}

// testRollbackPanic is testRollbackError with a panic, which must reach the caller as it is.
func testRollbackPanic(e *env) {
	require.PanicsWithValue(e, "a panic of the function's own", func() {
		_ = e.store.Update(e.ctx, func(tx crm.Tx) error {
			if err := everything(e.ctx, tx); err != nil {
				return err
			}
			panic("a panic of the function's own")
		})
	})
	e.requireNothing("after a panic")
	e.update(func(tx crm.Tx) error { return everything(e.ctx, tx) })
	e.requireCount(one, "the same writes again after the panic")
}

// testRollbackCancel ends the context at two moments: when all is written, and before the first
// verb.
func testRollbackCancel(e *env) {
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	err := e.store.Update(ctx, func(tx crm.Tx) error {
		if err := everything(ctx, tx); err != nil {
			return err
		}
		cancel()
		return nil
	})
	require.Error(e, err, "an Update succeeded although its context had ended")
	e.requireNothing("after the context ended")

	ctx, cancel = context.WithCancel(e.ctx)
	defer cancel()
	err = e.store.Update(ctx, func(tx crm.Tx) error {
		cancel()
		return everything(ctx, tx)
	})
	require.ErrorIs(e, err, context.Canceled, "a verb did not look at its context")
	e.requireNothing("after the context ended early")
}

// testEndedContext checks that the function is not called at all.
func testEndedContext(e *env) {
	ctx, cancel := context.WithCancel(e.ctx)
	cancel()
	require.ErrorIs(e, e.store.Update(ctx, func(crm.Tx) error { e.Error("called"); return nil }), context.Canceled)
	require.ErrorIs(e, e.store.View(ctx, func(crm.Reader) error { e.Error("called"); return nil }), context.Canceled)
}

// testViewError writes after the view that failed: one that stays open would keep the writer
// waiting.
func testViewError(e *env) {
	require.ErrorIs(e, e.store.View(e.ctx, func(crm.Reader) error { return errMine }), errMine)
	require.PanicsWithValue(e, "mine", func() { _ = e.store.View(e.ctx, func(crm.Reader) error { panic("mine") }) })
	e.update(func(tx crm.Tx) error { return everything(e.ctx, tx) })
}

// testViewConsistent commits from another goroutine while the view is open.
func testViewConsistent(e *env) {
	e.update(func(tx crm.Tx) error { return tx.PutProfiles(e.ctx, someone(1)) })
	committed := make(chan error, 1)
	e.view(func(r crm.Reader) error {
		before, err := r.ScanProfiles(e.ctx, crm.AllParts(), crm.ProfileKey{}, 100)
		if err != nil {
			return err
		}
		go func() {
			committed <- e.store.Update(e.ctx, func(tx crm.Tx) error { return tx.PutProfiles(e.ctx, someone(2), someone(3)) })
		}()
		if !e.opt.NoConcurrentWriters { // there a view may keep writers waiting
			waitFor(committed)
		}
		for range 3 {
			after, err := r.ScanProfiles(e.ctx, crm.AllParts(), crm.ProfileKey{}, 100)
			if err != nil {
				return err
			}
			assert.Len(e, after, len(before), "a View saw what was committed after it began")
		}
		return nil
	})
	require.NoError(e, <-committed)
	e.requireCount(map[string]int{
		"profiles": 3, "members": 0, "links": 0, "facts": 0, "addresses": 0, "refs": 0, "effects": 0, "due": 0, "documents": 0, "changes": 3,
	}, "after both")
}
