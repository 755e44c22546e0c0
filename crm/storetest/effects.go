package storetest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

var effectTests = []test{
	{"Effects/RoundTrip", "every field of an effect comes back, times as UTC microseconds", testEffectRoundTrip},
	{"Effects/Once", "PutEffects inserts what is new and says what was; an id that is there already changes nothing", testEffectOnce},
	{"Effects/Rev", "UpdateEffects replaces with the Rev as read, sets the new one and keeps nothing of a call with a stale one", testEffectRev},
	{"Effects/Of", "EffectsOf returns all effects on the subjects, sorted by subject and id", testEffectsOf},
	{"Effects/Subject", "an effect whose subject UpdateEffects changes is found by the new one alone, also beside others that stay", testEffectSubject},
	{"Effects/Due", "DueEffects finds what waits, by state, kind, time and parts, the longest due first", testDueEffects},
}

var documentTests = []test{
	{"Documents", "documents are inserted with Rev 0, replaced with the Rev as read, read by id and scanned by kind", testDocuments},
}

// testEffectRoundTrip also gives times of another zone and with nanoseconds, which must come
// back as UTC microseconds.
func testEffectRoundTrip(e *env) {
	want := everyEffect()
	e.update(func(tx crm.Tx) error {
		want = everyEffect()
		created, err := tx.PutEffects(e.ctx, want)
		assert.Equal(e, []bool{true}, created)
		return err
	})
	require.Positive(e, want.Rev, "PutEffects sets the Rev")
	same(e, want, e.effect(want.ID))
	plain := effect(1, "")
	e.update(func(tx crm.Tx) error {
		x := effect(1, "")
		x.Due, x.Created, x.Changed = oddTime(x.Due), oddTime(x.Created), oddTime(x.Changed)
		_, err := tx.PutEffects(e.ctx, x)
		plain.Rev = x.Rev
		return err
	})
	same(e, plain, e.effect(plain.ID), "times are kept as UTC microseconds")
	require.Nil(e, e.effect(effect(2, "never").ID))
}

// testEffectOnce plans the same id with another content. The first content stays: it may have
// been claimed already.
func testEffectOnce(e *env) {
	e.update(func(tx crm.Tx) error {
		created, err := tx.PutEffects(e.ctx, effect(1, "a"), effect(1, "b"), effect(1, "a"))
		assert.Equal(e, []bool{true, true, false}, created)
		return err
	})
	was := e.effect(effect(1, "a").ID)
	e.update(func(tx crm.Tx) error {
		again := effect(1, "a")
		again.Due, again.State = start.Add(time.Hour), crm.Cancelled
		created, err := tx.PutEffects(e.ctx, again, effect(1, "c"))
		assert.Equal(e, []bool{false, true}, created)
		return err
	})
	same(e, was, e.effect(was.ID), "planning the same thing again changed it")
}

// testEffectRev gives one fresh and one stale effect in a call, and an effect that was never
// put.
func testEffectRev(e *env) {
	e.update(func(tx crm.Tx) error {
		_, err := tx.PutEffects(e.ctx, effect(1, "a"), effect(1, "b"))
		return err
	})
	a, b := e.effect(effect(1, "a").ID).Clone(), e.effect(effect(1, "b").ID).Clone()
	first := a.Rev
	require.Positive(e, first)
	e.update(func(tx crm.Tx) error {
		a.Rev, a.State, a.Lease, a.Reasons = first, crm.Sent, start.Add(time.Minute), []crm.Reason{{Guard: "consent", Pass: true}}
		return tx.UpdateEffects(e.ctx, a)
	})
	require.Greater(e, a.Rev, first, "UpdateEffects sets the new Rev")
	same(e, a, e.effect(a.ID))

	stale := func(tx crm.Tx) error {
		x, y := b.Clone(), a.Clone()
		x.State, y.State, y.Rev = crm.Done, crm.Done, first
		return tx.UpdateEffects(e.ctx, x, y)
	}
	e.refused(crm.ErrConflict, "a stale Rev", stale)
	e.update(func(tx crm.Tx) error {
		assert.ErrorIs(e, stale(tx), crm.ErrConflict)
		return nil
	})
	same(e, a, e.effect(a.ID), "after the conflict")
	same(e, b, e.effect(b.ID), "part of a call that failed was kept")
	require.Error(e, e.store.Update(e.ctx, func(tx crm.Tx) error {
		return tx.UpdateEffects(e.ctx, effect(5, "never"))
	}), "an effect that is not there was updated")
}

// testEffectSubject updates effects whose subject stays, as that of nearly all does, and one that is another's
// from then on, in one call and each in its own.
func testEffectSubject(e *env) {
	was, is := crm.OfProfile(key(0)), crm.OfProfile(key(1))
	for i := 2; is.Part() != was.Part(); i++ { // the id of an effect has the part of its subject
		is = crm.OfProfile(key(i))
	}
	all := []*crm.Effect{effect(0, "a"), effect(0, "b"), effect(0, "c")}
	slices.SortFunc(all, func(a, b *crm.Effect) int { return strings.Compare(string(a.ID), string(b.ID)) })
	e.update(func(tx crm.Tx) error {
		_, err := tx.PutEffects(e.ctx, all...)
		return err
	})
	sent := 0
	for _, change := range [][]int{{0}, {0, 1, 2}, {2}} {
		var changed []*crm.Effect
		e.update(func(tx crm.Tx) error {
			changed = nil
			for _, i := range change {
				x := all[i].Clone()
				x.Attempts++
				x.State, x.Reasons, x.Lease = crm.Sent, []crm.Reason{{Guard: "consent", Pass: true}}, start.Add(time.Minute)
				if i == 2 {
					x.Subject = is
				}
				changed = append(changed, x)
			}
			return tx.UpdateEffects(e.ctx, changed...)
		})
		for n, i := range change {
			all[i] = changed[n]
		}
		sent = max(sent, len(change))
		e.view(func(r crm.Reader) error {
			of := map[crm.Subject][]*crm.Effect{was: nil, is: nil}
			for _, x := range all {
				of[x.Subject] = append(of[x.Subject], x)
			}
			for subject, want := range of {
				got, err := r.EffectsOf(e.ctx, subject)
				require.NoError(e, err)
				same(e, want, got)
			}
			due, err := r.DueEffects(e.ctx, crm.DueQuery{State: crm.Sent, Before: start.Add(time.Hour)})
			require.Len(e, due, sent)
			return err
		})
	}
}

// testEffectsOf asks for several subjects, unsorted, one of them twice and one unknown.
func testEffectsOf(e *env) {
	var all []*crm.Effect
	e.update(func(tx crm.Tx) error {
		all = all[:0]
		for i := range 12 {
			for j := range i % 4 {
				all = append(all, effect(i, fmt.Sprint(j)))
			}
		}
		all = append(all, everyEffect())
		_, err := tx.PutEffects(e.ctx, all...)
		return err
	})
	slices.SortFunc(all, func(a, b *crm.Effect) int {
		return cmp.Or(a.Subject.Compare(b.Subject), strings.Compare(string(a.ID), string(b.ID)))
	})
	for _, who := range [][]crm.Subject{
		nil,
		{crm.OfProfile(key(7))},
		{crm.OfProfile(key(11)), crm.OfAddress(phone(1)), crm.OfProfile(key(99)), crm.OfProfile(key(2)), crm.OfProfile(key(11))},
	} {
		var want []*crm.Effect
		for _, x := range all {
			if slices.Contains(who, x.Subject) {
				want = append(want, x)
			}
		}
		e.view(func(r crm.Reader) error {
			got, err := r.EffectsOf(e.ctx, who...)
			same(e, want, got)
			return err
		})
	}
}

// testDueEffects compares with a filter written out over all effects, after some have changed
// their state: an index by state must follow.
func testDueEffects(e *env) {
	states := []crm.EffectState{crm.Planned, crm.Sent, crm.Unknown, crm.Done, crm.Withheld, crm.HeldOut, crm.Cancelled, crm.Failed}
	kinds := []crm.EffectKind{crm.EffectMessage, crm.EffectTag, crm.EffectTask}
	var all []*crm.Effect
	e.update(func(tx crm.Tx) error {
		all = all[:0]
		for i := range 90 {
			x := effect(i%8, fmt.Sprint(i))
			x.State, x.Kind = states[i%len(states)], kinds[i%len(kinds)]
			x.Due = start.Add(time.Duration(i%5) * time.Hour)
			if x.State == crm.Sent || x.State == crm.Unknown {
				x.Lease = x.Due.Add(10 * time.Minute)
			}
			all = append(all, x)
		}
		if _, err := tx.PutEffects(e.ctx, all...); err != nil {
			return err
		}
		// Some move on: planned ones are done, sent ones wait again, some later.
		for i, x := range all {
			switch {
			case x.State == crm.Planned && i%3 == 0:
				x.State = crm.Done
			case x.State == crm.Planned && i%3 == 1:
				x.Due = x.Due.Add(90 * time.Minute)
			case x.State == crm.Sent && i%2 == 1:
				x.State, x.Lease = crm.Planned, time.Time{}
			default:
				continue
			}
			if err := tx.UpdateEffects(e.ctx, x); err != nil {
				return err
			}
		}
		return nil
	})
	slices.SortFunc(all, func(a, b *crm.Effect) int {
		return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID.Part(), b.ID.Part()), strings.Compare(string(a.ID), string(b.ID)))
	})
	ask := func(why string, q crm.DueQuery) {
		var want []*crm.Effect
		for _, x := range all {
			at := x.Due
			if q.State != crm.Planned {
				at = x.Lease
			}
			if x.State == q.State && at.Before(q.Before) && q.Parts.Contains(x.ID.Part()) && (len(q.Kinds) == 0 || slices.Contains(q.Kinds, x.Kind)) {
				want = append(want, x)
			}
		}
		if q.Limit > 0 && len(want) > q.Limit {
			want = want[:q.Limit]
		}
		e.view(func(r crm.Reader) error {
			got, err := r.DueEffects(e.ctx, q)
			same(e, want, got, "%s: %+v", why, q)
			return err
		})
	}
	far := start.AddDate(1, 0, 0)
	half := all[len(all)/2].ID.Part()
	for _, s := range states[:3] {
		ask("all", crm.DueQuery{State: s, Before: far})
		ask("two kinds", crm.DueQuery{State: s, Before: far, Kinds: kinds[:2]})
		ask("some", crm.DueQuery{State: s, Before: far, Limit: 3})
		ask("lower parts", crm.DueQuery{State: s, Before: far, Parts: crm.PartRange{Lo: 0, Hi: half}})
		ask("upper parts", crm.DueQuery{State: s, Before: far, Parts: crm.PartRange{Lo: half, Hi: crm.Parts}})
		ask("nothing yet", crm.DueQuery{State: s, Before: start})
		for h := range 6 {
			at := start.Add(time.Duration(h) * time.Hour)
			ask("due at this very instant is not before it", crm.DueQuery{State: s, Before: at})
			ask("a microsecond later it is", crm.DueQuery{State: s, Before: at.Add(time.Microsecond)})
		}
	}
}

// testDocuments has kinds that begin alike, because a store that scans by a prefix of its keys
// mixes them up.
func testDocuments(e *env) {
	doc := func(kind, id, data string) *crm.Document {
		return &crm.Document{Kind: kind, ID: id, Data: []byte(data)}
	}
	d := doc("place", "b", `{"name":"Kadıköy","n":12345678901234567}`)
	e.update(func(tx crm.Tx) error {
		d.Rev = 0
		return tx.PutDocuments(e.ctx, d, doc("place", "a", `[]`), doc("place", "c", `null`), doc("places", "a", `1`), doc("plac", "z", `2`))
	})
	require.Positive(e, d.Rev)
	same(e, d, e.document("place", "b"))
	require.Nil(e, e.document("place", "z"))
	e.refused(crm.ErrConflict, "inserting one that is there", func(tx crm.Tx) error { return tx.PutDocuments(e.ctx, doc("place", "b", `2`)) })
	first := d.Rev
	e.update(func(tx crm.Tx) error {
		d.Rev, d.Data = first, []byte(`{"x":1}`)
		return tx.PutDocuments(e.ctx, d)
	})
	require.Greater(e, d.Rev, first)
	e.update(func(tx crm.Tx) error {
		stale := doc("place", "b", `2`)
		stale.Rev = first
		assert.ErrorIs(e, tx.PutDocuments(e.ctx, doc("place", "new", `1`), stale), crm.ErrConflict)
		return nil
	})
	require.Nil(e, e.document("place", "new"), "part of a call that failed was kept")
	same(e, d, e.document("place", "b"))

	e.update(func(tx crm.Tx) error {
		if err := tx.PutDocuments(e.ctx, doc("place", "gone", `1`), doc("places", "gone", `1`)); err != nil {
			return err
		}
		return tx.DeleteDocuments(e.ctx, "place", "gone", "never")
	})
	require.Nil(e, e.document("place", "gone"))
	require.NotNil(e, e.document("places", "gone"), "one of another kind")
	for _, limit := range []int{1, 2, 100} {
		var ids []string
		e.view(func(r crm.Reader) error {
			for after := ""; ; {
				page, err := r.ScanDocuments(e.ctx, "place", after, limit)
				if err != nil || len(page) == 0 {
					return err
				}
				require.LessOrEqual(e, len(page), limit)
				for _, d := range page {
					ids = append(ids, d.ID)
					after = d.ID
				}
			}
		})
		require.Equal(e, []string{"a", "b", "c"}, ids, "by pages of %d", limit)
	}
	e.view(func(r crm.Reader) error {
		ds, err := r.Documents(e.ctx, "place", "c", "none", "a")
		require.Len(e, ds, 3)
		require.Equal(e, "c", ds[0].ID)
		require.Nil(e, ds[1])
		require.Equal(e, "a", ds[2].ID)
		return err
	})
}
