package storetest

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

// Case A15: the feed does not grow for ever.
func testFeedPrune(e *env) {
	const rounds = 60 // enough for several blocks of a store that has such
	for round := range rounds {
		e.update(func(tx crm.Tx) error {
			_, err := tx.PutFacts(e.ctx, order(1, fmt.Sprint(round, "-", longText)), order(2, fmt.Sprint(round)))
			return err
		})
	}
	all := e.changes(1000)
	require.Len(e, all, 2*rounds)
	var middle, head crm.Position
	e.view(func(r crm.Reader) (err error) {
		if _, middle, err = r.Changes(e.ctx, "", 2*rounds-20); err != nil {
			return err
		}
		head, err = r.Head(e.ctx)
		return err
	})
	prune := func(upTo crm.Position, before time.Time, limit int) (n int) {
		e.update(func(tx crm.Tx) (err error) {
			n, err = tx.PruneChanges(e.ctx, upTo, before, limit)
			return err
		})
		return n
	}
	oldest, later := all[0].At, all[0].At.Add(24*time.Hour)
	require.Zero(e, prune(head, oldest, 1000), "none is older than the first")
	require.Zero(e, prune("", later, 1000), "none is before the beginning")
	require.Len(e, e.changes(1000), 2*rounds)
	// One that is rolled back took nothing.
	require.ErrorIs(e, e.store.Update(e.ctx, func(tx crm.Tx) error {
		n, err := tx.PruneChanges(e.ctx, head, later, 1000)
		require.Equal(e, 2*rounds, n)
		if err != nil {
			return err
		}
		return errMine
	}), errMine)
	require.Len(e, e.changes(1000), 2*rounds)
	// Up to a position, some at a time.
	total := 0
	for {
		n := prune(middle, later, 7)
		require.LessOrEqual(e, n, 7)
		if total += n; n == 0 {
			break
		}
	}
	require.Equal(e, 2*rounds-20, total)
	read := func(at crm.Position) (cs []crm.Change, err error) {
		err = e.store.View(e.ctx, func(r crm.Reader) (err error) { cs, _, err = r.Changes(e.ctx, at, 1000); return err })
		return cs, err
	}
	_, err := read("")
	require.ErrorIs(e, err, crm.ErrPruned, "what is left must not look like all there is")
	cs, err := read(middle)
	require.NoError(e, err)
	same(e, all[2*rounds-20:], cs)
	// All of it; numbers go on.
	require.Equal(e, 20, prune(head, later, 1000))
	_, err = read(middle)
	require.ErrorIs(e, err, crm.ErrPruned)
	cs, err = read(head)
	require.NoError(e, err)
	require.Empty(e, cs)
	e.putFact(order(1, "after"))
	cs, err = read(head)
	require.NoError(e, err)
	require.Len(e, cs, 1)
	require.Equal(e, "after", cs[0].Fact.ID)
	require.Equal(e, uint64(rounds+1), cs[0].Seq)
	require.Zero(e, prune(head, later, 1000), "the second time there is nothing to do")
	e.refused(crm.ErrInvalid, "a text that is no position", func(tx crm.Tx) error {
		_, err := tx.PruneChanges(e.ctx, "!", later, 10)
		return err
	})
}

// longText makes keys long enough for a store that packs its feed to begin several blocks.
const longText = "a key of some length, so that a store which keeps its feed in blocks has several of them"

// testCursorDrop drops one of three consumers and a consumer that never was.
func testCursorDrop(e *env) {
	arrive(e, 1)
	var head crm.Position
	e.view(func(r crm.Reader) (err error) { head, err = r.Head(e.ctx); return err })
	cursors := func() (out []crm.Cursor) {
		e.view(func(r crm.Reader) (err error) { out, err = r.Cursors(e.ctx); return err })
		return out
	}
	require.Empty(e, cursors())
	e.update(func(tx crm.Tx) error {
		for _, c := range []string{"b", "a", "c"} {
			if err := tx.SetCursor(e.ctx, c, head); err != nil {
				return err
			}
		}
		return nil
	})
	require.Equal(e, []crm.Cursor{{Consumer: "a", At: head}, {Consumer: "b", At: head}, {Consumer: "c", At: head}}, cursors())
	e.update(func(tx crm.Tx) error { return tx.DropCursors(e.ctx, "b", "nobody") })
	require.Equal(e, []crm.Cursor{{Consumer: "a", At: head}, {Consumer: "c", At: head}}, cursors())
	e.update(func(tx crm.Tx) error {
		at, err := tx.Cursor(e.ctx, "b")
		require.Empty(e, at)
		return err
	})
}
