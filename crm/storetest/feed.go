package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

var feedTests = []test{
	{"Feed/OnePerRecord", "each record that changed has a change, in the transaction that changed it, numbered 1, 2, … per part without a gap", testFeedOnePerRecord},
	{"Feed/Resume", "a position can be kept and gone on from; pages of any size give the same changes; Head is after everything", testFeedResume},
	{"Feed/LateCommit", "a transaction that began earlier and commits later is not lost to a consumer that read in between", testFeedLateCommit},
	{"Feed/Writers", "with many writers at once nothing is lost or repeated", testFeedWriters},
	{"Feed/BadPosition", "a text that is no position is ErrInvalid", testFeedBadPosition},
	{"Feed/Prune", "PruneChanges takes old changes from the beginning of parts, up to a position; a position before them is ErrPruned; what comes later is numbered on", testFeedPrune},
	{"Cursor/Drop", "Cursors lists consumers by name; one that is dropped begins anew", testCursorDrop},
	{"Cursor/Keeps", "a consumer's position is kept with the transaction, each consumer its own", testCursorKeeps},
	{"Cursor/Held", "a cursor that another transaction holds is ErrBusy, or waits for it: no two transactions work from the same position", testCursorHeld},
}

// waitFor waits for c for a moment and puts back what it got. It is for what
// may or may not be possible: a store need not let two writers go at once.
func waitFor(c chan error) {
	t := time.NewTimer(200 * time.Millisecond)
	defer t.Stop()
	select {
	case err := <-c:
		c <- err
	case <-t.C:
	}
}

// requireDense checks the numbers of a feed read from the beginning.
func requireDense(t require.TestingT, cs []crm.Change) {
	next := map[crm.Part]uint64{}
	for i, c := range cs {
		if i > 0 {
			require.GreaterOrEqual(t, c.Part, cs[i-1].Part, "changes are sorted by part")
		}
		next[c.Part]++
		require.Equal(t, next[c.Part], c.Seq, "part %d is numbered 1, 2, … without a gap", c.Part)
		require.Equal(t, c.Subject.Part(), c.Part, "a change stands in the part of its subject")
		require.Equal(t, c.Kind == crm.ChangedFact, !c.Fact.IsZero(), "a changed fact, and nothing else, has a fact's key")
	}
}

// testFeedOnePerRecord writes with every verb; refs and effects have no changes, and a fact
// that says nothing new has none.
func testFeedOnePerRecord(e *env) {
	arrive(e, 1, 2)
	e.update(func(tx crm.Tx) error {
		_, err := tx.PutFacts(e.ctx, order(1, "a"), order(1, "b"), note(crm.OfAddress(phone(1)), "n", "x", 1))
		return err
	})
	e.update(func(tx crm.Tx) error {
		if _, err := tx.PutFacts(e.ctx, order(1, "a")); err != nil { // no news
			return err
		}
		if err := tx.PutRefs(e.ctx, crm.Ref{Kind: crm.RefOrder, Key: "a", Subject: crm.OfProfile(key(1))}); err != nil {
			return err
		}
		if _, err := tx.PutEffects(e.ctx, effect(1, "a")); err != nil {
			return err
		}
		return tx.AppendLinks(e.ctx, everyLink(key(2), crm.LinkMatched, customer(1)))
	})
	cs := e.changes(100)
	requireDense(e, cs)
	got := map[string]int{}
	for _, c := range cs {
		got[fmt.Sprintf("%s %s %s", c.Kind, c.Subject, c.Fact)]++
	}
	p1, p2 := crm.OfProfile(key(1)), crm.OfProfile(key(2))
	require.Equal(e, map[string]int{
		fmt.Sprintf("profile %s //", p1): 1, fmt.Sprintf("link %s //", p1): 1,
		fmt.Sprintf("profile %s //", p2): 1, fmt.Sprintf("link %s //", p2): 2,
		fmt.Sprintf("fact %s order/till/a", p1): 1, fmt.Sprintf("fact %s order/till/b", p1): 1,
		fmt.Sprintf("fact %s note/desk/n", crm.OfAddress(phone(1))): 1,
	}, got)
}

// testFeedResume goes on from a position that was kept, as a consumer does after a restart.
func testFeedResume(e *env) {
	var ns []int
	for i := range 50 {
		ns = append(ns, i)
	}
	arrive(e, ns...)
	for round := range 5 { // several changes in one part
		e.update(func(tx crm.Tx) error {
			for i := range 3 {
				if _, err := tx.PutFacts(e.ctx, order(i, fmt.Sprint(round)), order(i, fmt.Sprint(round, "x"))); err != nil {
					return err
				}
			}
			return nil
		})
	}
	all := e.changes(1000)
	require.Len(e, all, 130)
	requireDense(e, all)
	for _, page := range []int{1, 3, 17, 500} {
		same(e, all, e.changes(page), "by pages of %d", page)
	}
	e.view(func(r crm.Reader) error {
		head, err := r.Head(e.ctx)
		if err != nil {
			return err
		}
		cs, next, err := r.Changes(e.ctx, head, 10)
		require.Empty(e, cs, "there is nothing after Head")
		require.Equal(e, head, next)
		return err
	})
	// What comes later comes after a position kept earlier, and nothing else.
	var head crm.Position
	e.view(func(r crm.Reader) (err error) { head, err = r.Head(e.ctx); return err })
	e.putFact(order(2, "later"))
	e.view(func(r crm.Reader) error {
		cs, next, err := r.Changes(e.ctx, head, 10)
		if err != nil {
			return err
		}
		require.Len(e, cs, 1)
		require.Equal(e, "later", cs[0].Fact.ID)
		cs, again, err := r.Changes(e.ctx, next, 10)
		require.Empty(e, cs)
		require.Equal(e, next, again, "a page that is empty leaves the position")
		return err
	})
}

// testFeedLateCommit is the trap of feeds that are numbered when a row is written: the number
// of the transaction that commits later is then behind a consumer that has read on.
func testFeedLateCommit(e *env) {
	if e.opt.NoConcurrentWriters {
		e.Log("the store runs one Update at a time: there is no late commit")
		return
	}
	var early, late crm.Position
	inside, second := make(chan struct{}, 100), make(chan error, 1)
	first := make(chan error, 1)
	released := make(chan struct{})
	go func() {
		first <- e.store.Update(e.ctx, func(tx crm.Tx) error {
			if _, err := tx.PutFacts(e.ctx, order(1, "early")); err != nil {
				return err
			}
			inside <- struct{}{}
			<-released
			return nil
		})
	}()
	select {
	case <-inside:
	case err := <-first:
		require.NoError(e, err)
	}
	go func() { // the same subject, hence the same part
		second <- e.store.Update(e.ctx, func(tx crm.Tx) error {
			_, err := tx.PutFacts(e.ctx, order(1, "late"))
			return err
		})
	}()
	waitFor(second) // it may have to wait for the first one; then there is nothing to lose
	var seen []crm.Change
	err := e.store.View(e.ctx, func(r crm.Reader) (err error) {
		seen, early, err = r.Changes(e.ctx, "", 10)
		return err
	})
	close(released)
	require.NoError(e, errors.Join(err, <-first, <-second))
	e.view(func(r crm.Reader) error {
		cs, next, err := r.Changes(e.ctx, early, 10)
		seen, late = append(seen, cs...), next
		return err
	})
	ids := map[string]int{}
	for _, c := range seen {
		ids[c.Fact.ID]++
	}
	require.Equal(e, map[string]int{"early": 1, "late": 1}, ids, "a consumer that read in between lost a change or saw one twice")
	e.view(func(r crm.Reader) error {
		head, err := r.Head(e.ctx)
		require.Equal(e, head, late)
		return err
	})
}

// testFeedWriters reads on while others write; the consumer stops only when a read after the
// last write was empty.
func testFeedWriters(e *env) {
	const writers, rounds = 6, 25
	stop := make(chan struct{})
	type result struct {
		cs  []crm.Change
		err error
	}
	consumer := make(chan result, 1)
	go func() { // it reads while they write
		var out result
		var at crm.Position
		for last := false; ; {
			n := 0
			out.err = e.store.View(e.ctx, func(r crm.Reader) error {
				cs, next, err := r.Changes(e.ctx, at, 20)
				if err == nil {
					out.cs, at, n = append(out.cs, cs...), next, len(cs)
				}
				return err
			})
			if out.err != nil || (last && n == 0) {
				consumer <- out
				return
			}
			select {
			case <-stop:
				last = true
			default:
			}
		}
	}()
	err := parallel(writers, func(i int) error {
		for j := range rounds {
			err := e.retry(func(tx crm.Tx) error {
				// Everybody writes about the same few subjects.
				_, err := tx.PutFacts(e.ctx, order(j%3, fmt.Sprintf("%d-%d-a", i, j)), order((j+1)%3, fmt.Sprintf("%d-%d-b", i, j)))
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	close(stop)
	got := <-consumer
	require.NoError(e, errors.Join(err, got.err))
	seen := map[string]int{}
	last := map[crm.Part]uint64{}
	for _, c := range got.cs {
		seen[c.Fact.ID]++
		require.Equal(e, last[c.Part]+1, c.Seq, "the consumer missed a change of part %d or saw one twice", c.Part)
		last[c.Part] = c.Seq
	}
	require.Len(e, seen, writers*rounds*2, "changes were lost")
	for id, n := range seen {
		require.Equal(e, 1, n, "%s was seen more than once", id)
	}
	requireDense(e, e.changes(100))
}

// testFeedBadPosition gives texts that decode to nothing: a position is opaque, and a wrong one
// must not be taken for the beginning.
func testFeedBadPosition(e *env) {
	for _, bad := range []crm.Position{"!", "A", "AAAA", "____"} {
		require.ErrorIs(e, e.store.View(e.ctx, func(r crm.Reader) error {
			_, _, err := r.Changes(e.ctx, bad, 10)
			return err
		}), crm.ErrInvalid, "%q", bad)
	}
}

// testCursorKeeps rolls back once: a cursor that goes on without the work of its transaction
// loses changes.
func testCursorKeeps(e *env) {
	arrive(e, 1, 2, 3)
	var head crm.Position
	e.view(func(r crm.Reader) (err error) { head, err = r.Head(e.ctx); return err })
	read := func(consumer string) (at crm.Position) {
		e.update(func(tx crm.Tx) (err error) { at, err = tx.Cursor(e.ctx, consumer); return err })
		return at
	}
	require.Empty(e, read("a"), "a new consumer begins at the beginning")
	set := func(tx crm.Tx) error {
		if _, err := tx.Cursor(e.ctx, "a"); err != nil {
			return err
		}
		return tx.SetCursor(e.ctx, "a", head)
	}
	require.ErrorIs(e, e.store.Update(e.ctx, func(tx crm.Tx) error {
		if err := set(tx); err != nil {
			return err
		}
		return errMine
	}), errMine)
	require.Empty(e, read("a"), "the cursor went on although its transaction was rolled back")
	e.update(set)
	require.Equal(e, head, read("a"))
	require.Empty(e, read("b"), "each consumer has its own position")
}

// testCursorHeld lets two workers of one consumer go through the feed at once.
func testCursorHeld(e *env) {
	const n, workers = 60, 4
	e.update(func(tx crm.Tx) error {
		for i := range n {
			if _, err := tx.PutFacts(e.ctx, order(i%5, fmt.Sprint(i))); err != nil {
				return err
			}
		}
		return nil
	})
	err := parallel(workers, func(int) error {
		for {
			done := false
			err := e.retry(func(tx crm.Tx) error {
				at, err := tx.Cursor(e.ctx, "worker")
				if err != nil {
					return err
				}
				cs, next, err := tx.Changes(e.ctx, at, 7)
				if done = len(cs) == 0; err != nil || done {
					return err
				}
				for _, c := range cs {
					id := fmt.Sprintf("%s/%s", c.Subject, c.Fact.ID)
					// Inserting refuses to do the same work twice.
					if err := tx.PutDocuments(e.ctx, &crm.Document{Kind: "work", ID: id, Data: []byte(`1`)}); err != nil {
						return fmt.Errorf("work %s was done twice: %v", id, err)
					}
				}
				return tx.SetCursor(e.ctx, "worker", next)
			})
			if err != nil || done {
				return err
			}
		}
	})
	require.NoError(e, err)
	e.view(func(r crm.Reader) error {
		ds, err := r.ScanDocuments(e.ctx, "work", "", 1000)
		require.Len(e, ds, n, "work was left undone")
		return err
	})
}
