package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

var counterTests = []test{
	{"Counters/Life", "a reservation is confirmed or released once; repeating a call changes nothing", testCounterLife},
	{"Counters/Expiry", "a reservation that has expired is given back, by the store's clock, when it is needed", testCounterExpiry},
	{"Counters/Own", "a call does not take back what it asks for itself, however soon that expires", testCounterOwn},
	{"Counters/Waited", "a call that waited for a counter longer than its reservation stands gets no more than there is", testCounterWaited},
	{"Counters/Batch", "what is asked in one call is granted in its order as far as it fits", testCounterBatch},
	{"Counters/Refused", "a faulty call changes nothing", testCounterRefused},
	{"Counters/Scan", "counters and reservations are read page by page, part by part", testCounterScan},
	{"Counters/Prune", "Prune forgets what is final and keeps what was used; the digest stays", testCounterPrune},
	{"Counters/Service", "all or nothing is reserved, and the error says why", testCounterService},
	{"Counters/Race", "of many that take at once none gets more than there is, and nothing is lost", testCounterRace},
	{"Counters/Machine", "after any sequence of calls counters hold what a plain model does", testCounterMachine},
}

// budget names the counters of the tests.
func budget(id int) crm.CounterKey { return crm.CounterKey{Kind: "budget", ID: fmt.Sprint(id)} }

// take asks a budget for an amount under the caller's id, without an end and without making the
// counter.
func take(counter int, id string, amount int64) crm.Take {
	return crm.Take{ReservationKey: crm.ReservationKey{Counter: budget(counter), ID: id}, Amount: amount}
}

// setLimit makes a counter or changes its limit. What it gives for the other columns must have
// no effect.
func (e *env) setLimit(counter int, limit int64) {
	e.Helper()
	e.update(func(tx crm.Tx) error {
		return tx.SetLimits(e.ctx, crm.Counter{CounterKey: budget(counter), Limit: limit, Reserved: 7, Used: 7})
	})
}

// reserve, confirm and release each make one call in a transaction of its own.
func (e *env) reserve(takes ...crm.Take) (out []crm.ReservationState) {
	e.Helper()
	e.update(func(tx crm.Tx) (err error) { out, err = tx.Reserve(e.ctx, takes...); return err })
	return out
}

func (e *env) confirm(takes ...crm.Take) (out []crm.ReservationState) {
	e.Helper()
	e.update(func(tx crm.Tx) (err error) { out, err = tx.Confirm(e.ctx, takes...); return err })
	return out
}

func (e *env) release(takes ...crm.Take) (out []crm.ReservationState) {
	e.Helper()
	var keys []crm.ReservationKey
	for _, t := range takes {
		keys = append(keys, t.ReservationKey)
	}
	e.update(func(tx crm.Tx) (err error) { out, err = tx.Release(e.ctx, keys...); return err })
	return out
}

// holds compares a counter.
func (e *env) holds(counter int, limit, reserved, used int64) {
	e.Helper()
	e.view(func(r crm.Reader) error {
		cs, err := r.Counters(e.ctx, budget(counter), budget(99))
		if err != nil {
			return err
		}
		require.Equal(e, []*crm.Counter{{CounterKey: budget(counter), Limit: limit, Reserved: reserved, Used: used}, nil}, cs)
		require.Equal(e, limit-reserved-used, cs[0].Free())
		return nil
	})
}

// reservation returns what is stored under an id, or nil.
func (e *env) reservation(t crm.Take) (out *crm.Reservation) {
	e.Helper()
	e.view(func(r crm.Reader) error {
		xs, err := r.Reservations(e.ctx, t.ReservationKey)
		if err == nil {
			require.Len(e, xs, 1)
			out = xs[0]
		}
		return err
	})
	return out
}

// pass lets the store's clock move on.
func (e *env) pass() {
	e.Helper()
	now := func() (t time.Time) {
		e.view(func(r crm.Reader) (err error) { t, err = r.Now(e.ctx); return err })
		return t
	}
	for from := now(); !now().After(from.Add(time.Microsecond)); {
	}
}

// answers are those of one call, an entry per question.
type answers = []crm.ReservationState

// testCounterLife goes through the table at Tx.Reserve, each call twice, because a caller
// repeats it when the answer was lost.
func testCounterLife(e *env) {
	require.Equal(e, answers{crm.Absent}, e.reserve(take(1, "a", 3)), "there is no such counter")
	require.Nil(e, e.reservation(take(1, "a", 3)))
	e.setLimit(1, 10)
	e.holds(1, 10, 0, 0)
	require.Equal(e, answers{crm.Absent}, e.confirm(take(1, "a", 3)))
	require.Equal(e, answers{crm.Absent}, e.release(take(1, "a", 3)))
	for range 2 {
		require.Equal(e, answers{crm.Reserved}, e.reserve(take(1, "a", 3)))
		e.holds(1, 10, 3, 0)
	}
	require.Equal(e, answers{crm.Mismatch}, e.reserve(take(1, "a", 4)))
	require.Equal(e, answers{crm.Mismatch}, e.confirm(take(1, "a", 4)), "more than was reserved")
	for range 2 {
		require.Equal(e, answers{crm.Confirmed}, e.confirm(take(1, "a", 2)))
		e.holds(1, 10, 0, 2)
		require.Equal(e, answers{crm.Confirmed}, e.reserve(take(1, "a", 3)))
		require.Equal(e, answers{crm.Mismatch}, e.confirm(take(1, "a", 3)))
		require.Equal(e, answers{crm.Confirmed}, e.release(take(1, "a", 3)))
	}
	require.Equal(e, answers{crm.Exhausted}, e.reserve(take(1, "b", 9)))
	require.Nil(e, e.reservation(take(1, "b", 9)), "nothing of it was kept")
	require.Equal(e, answers{crm.Reserved}, e.reserve(take(1, "b", 8)), "the id is free for another amount")
	require.Equal(e, answers{crm.Exhausted}, e.reserve(take(1, "c", 1)))
	for range 2 {
		require.Equal(e, answers{crm.Released}, e.release(take(1, "b", 8)))
		e.holds(1, 10, 0, 2)
		require.Equal(e, answers{crm.Released}, e.reserve(take(1, "b", 8)), "reserve anew, under another id")
		require.Equal(e, answers{crm.Released}, e.confirm(take(1, "b", 8)))
	}
	got := e.reservation(take(1, "a", 3))
	require.False(e, got.Changed.IsZero())
	got.Changed = time.Time{}
	same(e, &crm.Reservation{ReservationKey: take(1, "a", 3).ReservationKey, Amount: 3, Confirmed: 2, State: crm.Confirmed}, got)

	e.setLimit(1, 1)
	e.holds(1, 1, 0, 2)
	require.Equal(e, answers{crm.Exhausted}, e.reserve(take(1, "d", 1)), "the limit was lowered below what is gone")
	made := take(2, "a", 4)
	made.Limit = 5
	require.Equal(e, answers{crm.Reserved}, e.reserve(made))
	e.holds(2, 5, 4, 0)
	made = take(2, "b", 2)
	made.Limit = 50
	require.Equal(e, answers{crm.Exhausted}, e.reserve(made), "a counter that is there keeps its limit")
	made = take(3, "a", 6)
	made.Limit = 5
	require.Equal(e, answers{crm.Exhausted}, e.reserve(made))
	require.Equal(e, answers{crm.Reserved}, e.reserve(take(1+1, "same id", 1)), "an id is its counter's own")
}

// testCounterExpiry uses reservations that stand for a microsecond, and more of them than a
// store reads in a page.
func testCounterExpiry(e *env) {
	e.setLimit(1, 10)
	short := func(id string, n int64) crm.Take {
		t := take(1, id, n)
		t.For = time.Nanosecond // counts as a microsecond
		return t
	}
	long := take(1, "long", 2)
	long.For = time.Hour
	require.Equal(e, answers{crm.Reserved, crm.Reserved, crm.Reserved}, e.reserve(short("a", 3), short("b", 3), long))
	require.Equal(e, e.reservation(long).Changed.Add(time.Hour), e.reservation(long).Until)
	require.Equal(e, e.reservation(short("a", 3)).Changed.Add(time.Microsecond), e.reservation(short("a", 3)).Until)
	e.pass()
	e.holds(1, 10, 8, 0)
	require.Equal(e, answers{crm.Expired}, e.confirm(short("a", 3)))
	e.holds(1, 10, 5, 0)
	require.Equal(e, answers{crm.Expired}, e.reserve(short("a", 3)))
	require.Equal(e, answers{crm.Expired}, e.release(short("a", 3)))
	require.Equal(e, answers{crm.Reserved}, e.reserve(take(1, "c", 5)), "there is room without it")
	require.Equal(e, crm.Reserved, e.reservation(short("b", 3)).State)
	require.Equal(e, answers{crm.Reserved}, e.reserve(take(1, "d", 3)), "what has expired is taken back first")
	e.holds(1, 10, 10, 0)
	x := e.reservation(short("b", 3))
	require.Equal(e, crm.Expired, x.State)
	require.True(e, x.Until.IsZero())
	require.Equal(e, answers{crm.Exhausted}, e.reserve(take(1, "e", 1)))
	require.Equal(e, answers{crm.Confirmed}, e.confirm(long))
	e.holds(1, 10, 8, 2)

	// Many at once, more than a page.
	const n = 1200
	e.setLimit(2, n)
	var many []crm.Take
	for i := range n {
		t := take(2, fmt.Sprint(i), 1)
		t.For = time.Microsecond
		many = append(many, t)
	}
	e.reserve(many...)
	e.holds(2, n, n, 0)
	e.pass()
	require.Equal(e, answers{crm.Reserved}, e.reserve(take(2, "all", n)))
	e.holds(2, n, n, 0)
}

// testCounterOwn asks for what has expired before the call is over. A store that takes back
// whatever has expired, and not what had when the call began, grants the same piece twice.
func testCounterOwn(e *env) {
	short := func(counter int, id string, n int64) crm.Take {
		t := take(counter, id, n)
		t.For = time.Nanosecond
		return t
	}
	e.setLimit(1, 10)
	require.Equal(e, answers{crm.Exhausted}, e.reserve(short(1, "a", 20)), "alone")
	e.holds(1, 10, 0, 0)
	require.Equal(e, answers{crm.Exhausted, crm.Exhausted, crm.Reserved}, e.reserve(take(1, "b", 30), short(1, "a", 60), take(1, "c", 10)), "after one that did not fit")
	e.holds(1, 10, 10, 0)
	e.setLimit(2, 10)
	require.Equal(e, answers{crm.Exhausted, crm.Exhausted, crm.Exhausted, crm.Reserved}, e.reserve(short(2, "a", 11), short(1, "d", 1), short(2, "b", 12), short(2, "c", 9)), "of two counters")
	e.holds(1, 10, 10, 0)
	e.holds(2, 10, 9, 0)
	e.pass()
	require.Equal(e, answers{crm.Exhausted, crm.Reserved}, e.reserve(short(2, "d", 30), short(2, "e", 10)), "what had expired before is taken back")
	e.holds(2, 10, 10, 0)

	// What an earlier call of the same transaction reserved is counted.
	e.setLimit(3, 10)
	e.update(func(tx crm.Tx) error {
		for i, n := range []int64{10, 10, 10, 11} {
			_, err := tx.Reserve(e.ctx, short(3, fmt.Sprint(i), n), short(4, fmt.Sprint(i), 1))
			if err != nil {
				return err
			}
			for from, now := (time.Time{}), (time.Time{}); !now.After(from.Add(time.Microsecond)); {
				if now, err = tx.Now(e.ctx); err != nil {
					return err
				}
				if from.IsZero() {
					from = now
				}
			}
		}
		return nil
	})
	e.requireCounters(10)

	// More than one page of its own.
	e.setLimit(5, 10)
	many := make([]crm.Take, 1500)
	want := make(answers, len(many))
	for i := range many {
		many[i], want[i] = short(5, fmt.Sprint(i), 20), crm.Exhausted
	}
	require.Equal(e, want, e.reserve(many...))
	e.holds(5, 10, 0, 0)

	// Their sum does not fit an int64.
	e.setLimit(6, crm.MaxAmount)
	many, want = many[:1025], want[:1025]
	for i := range many {
		many[i] = take(6, fmt.Sprint(i), crm.MaxAmount)
	}
	want[0] = crm.Reserved
	require.Equal(e, want, e.reserve(many...))
	e.holds(6, crm.MaxAmount, crm.MaxAmount, 0)
	for i := range many {
		many[i].Counter, many[i].Limit = budget(7), crm.MaxAmount
	}
	require.Equal(e, want, e.reserve(many...), "nor where the counter is made")
	e.requireCounters(crm.MaxAmount)
}

// A transaction holds the counters for longer than what the others ask for stands.
func testCounterWaited(e *env) {
	const stands = 5 * time.Millisecond
	e.setLimit(1, 10)
	e.setLimit(2, 10)
	asked := make(chan struct{})
	ask := sync.OnceFunc(func() { close(asked) })
	states := [4]answers{}
	err := parallel(len(states), func(i int) error {
		if i == 0 {
			defer ask()
			return e.retry(func(tx crm.Tx) (err error) {
				if states[0], err = tx.Reserve(e.ctx, take(1, "other", 1), take(2, "other", 1)); err != nil {
					return err
				}
				from, err := tx.Now(e.ctx)
				if err != nil {
					return err
				}
				ask()
				for now := from; err == nil && now.Before(from.Add(8*stands)); {
					now, err = tx.Now(e.ctx)
				}
				return err
			})
		}
		<-asked
		takes := [][]crm.Take{nil, {take(1, "a", 20)}, {take(1, "b", 20), take(1, "c", 30)}, {take(1, "d", 20), take(2, "e", 9)}}[i]
		for j := range takes {
			takes[j].For = stands
		}
		return e.retry(func(tx crm.Tx) (err error) { states[i], err = tx.Reserve(e.ctx, takes...); return err })
	})
	require.NoError(e, err)
	require.Equal(e, [...]answers{{crm.Reserved, crm.Reserved}, {crm.Exhausted}, {crm.Exhausted, crm.Exhausted}, {crm.Exhausted, crm.Reserved}}, states)
	e.holds(1, 10, 1, 0)
	e.holds(2, 10, 10, 0)
}

// testCounterBatch mixes in one call what fits and what does not, known and unknown ids, and
// repeats: the answers must be those of single calls in the same order.
func testCounterBatch(e *env) {
	e.setLimit(1, 10)
	require.Equal(e, answers{crm.Reserved, crm.Exhausted, crm.Reserved, crm.Absent, crm.Reserved, crm.Mismatch, crm.Exhausted},
		e.reserve(take(1, "a", 6), take(1, "b", 5), take(1, "c", 4), take(2, "a", 1), take(1, "a", 6), take(1, "a", 5), take(1, "d", 1)))
	e.holds(1, 10, 10, 0)
	require.Equal(e, answers{crm.Confirmed, crm.Confirmed, crm.Mismatch, crm.Absent, crm.Mismatch},
		e.confirm(take(1, "a", 6), take(1, "a", 6), take(1, "a", 5), take(1, "b", 1), take(1, "c", 5)))
	require.Equal(e, answers{crm.Released, crm.Confirmed, crm.Released, crm.Absent}, e.release(take(1, "c", 0), take(1, "a", 0), take(1, "c", 0), take(1, "b", 0)))
	e.holds(1, 10, 0, 6)
	require.Empty(e, e.reserve())
	require.Empty(e, e.confirm())
	require.Empty(e, e.release())

	// Of several counters, some of which are made by the call.
	var takes []crm.Take
	var want answers
	for i := range 40 {
		t := take(10+i%20, fmt.Sprint("x", i/20), int64(1+i%3))
		if i >= 20 {
			t.Limit = 3
		}
		takes = append(takes, t)
		want = append(want, crm.Reserved)
		if i >= 20 && 2+(i-20)%3+i%3 > 3 {
			want[i] = crm.Exhausted
		}
	}
	require.Equal(e, want, e.reserve(takes...))
	slices.Reverse(takes)
	slices.Reverse(want)
	got := e.reserve(takes...)
	for i, st := range got {
		if want[i] == crm.Reserved {
			require.Equal(e, crm.Reserved, st, "asked again in another order")
		}
	}
}

// testCounterRefused puts a good entry before each bad one, to see that nothing of the call is
// kept.
func testCounterRefused(e *env) {
	e.setLimit(1, 10)
	good := take(1, "good", 1)
	for _, bad := range []crm.Take{
		{}, take(1, "", 1), take(1, "a", 0), take(1, "a", -1), take(1, "a", crm.MaxAmount+1),
		{ReservationKey: good.ReservationKey, Amount: 1, For: -1}, {ReservationKey: good.ReservationKey, Amount: 1, Limit: -1},
		{ReservationKey: crm.ReservationKey{Counter: crm.CounterKey{Kind: "a\x00", ID: "1"}, ID: "1"}, Amount: 1},
	} {
		e.refused(crm.ErrInvalid, "reserve", func(tx crm.Tx) error { _, err := tx.Reserve(e.ctx, good, bad); return err })
	}
	e.refused(crm.ErrInvalid, "confirm", func(tx crm.Tx) error { _, err := tx.Confirm(e.ctx, good, take(1, "a", -1)); return err })
	err := e.store.Update(e.ctx, func(tx crm.Tx) error { _, err := tx.Confirm(e.ctx, take(1, "a", 0)); return err })
	require.ErrorIs(e, err, crm.ErrInvalid, "Release gives all back")
	require.ErrorContains(e, err, "amount")
	require.ErrorContains(e, err, "Release")
	e.refused(crm.ErrInvalid, "release", func(tx crm.Tx) error {
		_, err := tx.Release(e.ctx, good.ReservationKey, crm.ReservationKey{})
		return err
	})
	for _, c := range []crm.Counter{{Limit: 1}, {CounterKey: budget(1), Limit: -1}, {CounterKey: budget(1), Limit: crm.MaxAmount + 1}} {
		e.refused(crm.ErrInvalid, "set", func(tx crm.Tx) error { return tx.SetLimits(e.ctx, crm.Counter{CounterKey: budget(2), Limit: 1}, c) })
	}
	e.refused(errMine, "rolled back", func(tx crm.Tx) error {
		if _, err := tx.Reserve(e.ctx, good); err != nil {
			return err
		}
		if _, err := tx.Confirm(e.ctx, good); err != nil {
			return err
		}
		return errMine
	})
	require.Nil(e, e.reservation(good))
	e.holds(1, 10, 0, 0)
	e.view(func(r crm.Reader) error {
		cs, err := r.Counters(e.ctx, crm.CounterKey{Kind: "a\x00b", ID: "\xff"})
		if err != nil {
			return err
		}
		require.Equal(e, []*crm.Counter{nil}, cs)
		xs, err := r.Reservations(e.ctx, crm.ReservationKey{Counter: crm.CounterKey{Kind: "a\x00b", ID: "\xff"}, ID: "\x00"})
		require.Equal(e, []*crm.Reservation{nil}, xs)
		return err
	})
}

// testCounterScan cuts the parts in two. Reservations stand in the part of their counter, not
// of their own id, so that one lock covers both.
func testCounterScan(e *env) {
	var limits []crm.Counter
	var takes []crm.Take
	for i := range 30 {
		limits = append(limits, crm.Counter{CounterKey: budget(i), Limit: 100})
		for _, id := range []string{"a", "b", "İ"} {
			takes = append(takes, take(i, id, 1))
		}
	}
	e.update(func(tx crm.Tx) error { return tx.SetLimits(e.ctx, limits...) })
	e.reserve(takes...)
	slices.SortFunc(limits, func(a, b crm.Counter) int {
		if c := int(a.Part()) - int(b.Part()); c != 0 {
			return c
		}
		return a.CounterKey.Compare(b.CounterKey)
	})
	mid := limits[len(limits)/2].Part()
	for _, parts := range []crm.PartRange{{}, {Lo: 0, Hi: mid}, {Lo: mid, Hi: crm.Parts}} {
		var want, got []crm.CounterKey
		var keys []crm.ReservationKey
		for _, c := range limits {
			if parts.Contains(c.Part()) {
				want = append(want, c.CounterKey)
			}
		}
		e.view(func(r crm.Reader) error {
			for after := (crm.CounterKey{}); ; {
				page, err := r.ScanCounters(e.ctx, parts, after, 7)
				if err != nil || len(page) == 0 {
					return err
				}
				require.LessOrEqual(e, len(page), 7)
				for _, c := range page {
					require.EqualValues(e, 3, c.Reserved)
					got, after = append(got, c.CounterKey), c.CounterKey
				}
			}
		})
		require.Equal(e, want, got)
		e.view(func(r crm.Reader) error {
			for after := (crm.ReservationKey{}); ; {
				page, err := r.ScanReservations(e.ctx, parts, after, 7)
				if err != nil || len(page) == 0 {
					return err
				}
				require.LessOrEqual(e, len(page), 7)
				for _, x := range page {
					keys, after = append(keys, x.ReservationKey), x.ReservationKey
				}
			}
		})
		require.Len(e, keys, 3*len(want))
		for i, k := range keys {
			require.Equal(e, crm.ReservationKey{Counter: want[i/3], ID: []string{"a", "b", "İ"}[i%3]}, k)
		}
	}
}

// testCounterPrune runs with a service whose clock is an hour ahead of the store's, by which
// alone reservations expire.
func testCounterPrune(e *env) {
	svc := e.service()
	e.setLimit(1, 100)
	lapsed := take(1, "lapsed", 4)
	lapsed.For = time.Microsecond
	soon := take(1, "soon", 5)
	soon.For = 10 * time.Minute
	e.reserve(take(1, "open", 1), take(1, "used", 2), take(1, "back", 3), lapsed, soon)
	e.confirm(take(1, "used", 2))
	e.release(take(1, "back", 3))
	e.pass()
	digest := func() (d [32]byte) {
		e.view(func(r crm.Reader) (err error) { d, err = crm.Digest(e.ctx, r, start); return err })
		return d
	}
	before := digest()
	e.update(func(tx crm.Tx) error {
		return tx.DeleteReservations(e.ctx, take(1, "open", 1).ReservationKey, take(1, "no", 1).ReservationKey)
	})
	require.NotNil(e, e.reservation(take(1, "open", 1)), "it is not final")
	n, err := svc.Prune(e.ctx, time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC))
	require.NoError(e, err)
	require.Zero(e, n.Reservations, "all of them are younger")
	// The service's clock is ahead of the store's: what stands by the store's is not
	// taken back.
	svc = crm.New(e.store, crm.Config{Now: func() time.Time { return time.Now().Add(time.Hour) }})
	n, err = svc.Prune(e.ctx, time.Now().Add(time.Hour/2))
	require.NoError(e, err)
	require.Equal(e, 3, n.Reservations)
	e.holds(1, 100, 6, 2)
	for id, there := range map[string]bool{"open": true, "soon": true, "used": false, "back": false, "lapsed": false} {
		require.Equal(e, there, e.reservation(take(1, id, 1)) != nil, id)
	}
	require.Equal(e, before, digest())
	forget := func() {
		e.update(func(tx crm.Tx) error { return tx.DeleteCounters(e.ctx, budget(2), budget(1), budget(1), budget(9)) })
	}
	e.setLimit(2, 7)
	forget()
	e.holds(1, 100, 6, 2) // of which something is reserved
	e.release(take(1, "open", 1))
	require.NotEqual(e, before, digest(), "what is reserved is in the digest")
	e.release(soon)
	forget()
	for _, id := range []int{1, 2} {
		_, err = svc.Counter(e.ctx, budget(id))
		require.ErrorIs(e, err, crm.ErrNotFound)
	}
	require.Equal(e, []crm.ReservationState{crm.Absent}, e.reserve(take(1, "new", 1)), "it is not there")
	again := take(1, "new", 1)
	again.Limit = 3
	e.reserve(again)
	e.holds(1, 3, 1, 0)
}

// testCounterService looks at the kind of each error: a caller tries again after ErrExhausted
// and must not after ErrExists.
func testCounterService(e *env) {
	svc := e.service()
	_, err := svc.Counter(e.ctx, budget(1))
	require.ErrorIs(e, err, crm.ErrNotFound)
	require.NoError(e, svc.SetLimit(e.ctx, budget(1), 5))
	require.NoError(e, svc.SetLimit(e.ctx, budget(2), 1))
	require.NoError(e, svc.Reserve(e.ctx, take(1, "a", 2), take(2, "a", 1)))
	require.NoError(e, svc.Reserve(e.ctx, take(1, "a", 2)), "again")
	err = svc.Reserve(e.ctx, take(1, "b", 2), take(2, "b", 1))
	require.ErrorIs(e, err, crm.ErrExhausted)
	require.ErrorContains(e, err, "budget/2/b")
	e.holds(1, 5, 2, 0)
	require.ErrorIs(e, svc.Reserve(e.ctx, take(3, "a", 1)), crm.ErrNotFound, "a budget that is missing is not one of zero")
	require.ErrorIs(e, svc.Reserve(e.ctx, take(1, "a", 3)), crm.ErrExists)
	require.ErrorIs(e, svc.Confirm(e.ctx, take(1, "a", 1), take(2, "a", 2)), crm.ErrExists)
	require.ErrorIs(e, svc.Confirm(e.ctx, take(1, "a", 0)), crm.ErrInvalid, "not by forgetting the amount")
	e.holds(1, 5, 2, 0)
	require.NoError(e, svc.Confirm(e.ctx, take(1, "a", 1), take(2, "a", 1)))
	require.NoError(e, svc.Confirm(e.ctx, take(1, "a", 1)))
	require.ErrorIs(e, svc.Confirm(e.ctx, take(1, "x", 1)), crm.ErrNotFound)
	require.ErrorIs(e, svc.Release(e.ctx, take(1, "a", 1).ReservationKey), crm.ErrExists)
	require.ErrorIs(e, svc.Release(e.ctx, take(1, "x", 1).ReservationKey), crm.ErrNotFound)
	require.NoError(e, svc.Reserve(e.ctx, take(1, "c", 4)))
	require.NoError(e, svc.Release(e.ctx, take(1, "c", 4).ReservationKey))
	require.NoError(e, svc.Release(e.ctx, take(1, "c", 4).ReservationKey))
	require.ErrorIs(e, svc.Reserve(e.ctx, take(1, "c", 4)), crm.ErrExists, "an id serves once")
	c, err := svc.Counter(e.ctx, budget(1))
	require.NoError(e, err)
	require.Equal(e, &crm.Counter{CounterKey: budget(1), Limit: 5, Used: 1}, c)
	short := take(1, "short", 4)
	short.For = time.Microsecond
	require.NoError(e, svc.Reserve(e.ctx, short))
	e.pass()
	require.ErrorIs(e, svc.Reserve(e.ctx, take(1, "d", 5)), crm.ErrExhausted)
	e.holds(1, 5, 0, 1)
}

// Eight writers take from few counters, several at a time and in any order, confirm
// some, release some and ask again.
func testCounterRace(e *env) {
	const writers, rounds, counters, limit = 8, 25, 3, 60
	for c := range counters {
		e.setLimit(c, limit)
	}
	used := [writers][counters]int64{}
	err := parallel(writers, func(w int) error {
		r := rand.New(rand.NewPCG(1, uint64(w)))
		for n := range rounds {
			var takes []crm.Take
			for _, c := range r.Perm(counters)[:1+r.IntN(2)] {
				t := take(c, fmt.Sprint(w, ".", n), int64(1+r.IntN(3)))
				if r.IntN(3) == 0 {
					t.For = time.Microsecond
				}
				takes = append(takes, t)
			}
			var got answers
			for range 2 { // the second time as after a lost answer
				var again answers
				err := e.retry(func(tx crm.Tx) (err error) { again, err = tx.Reserve(e.ctx, takes...); return err })
				if err != nil {
					return err
				}
				for i, st := range got {
					if st == crm.Reserved && again[i] != crm.Reserved && again[i] != crm.Expired {
						return fmt.Errorf("%v became %v", got, again)
					}
				}
				got = again
			}
			for i, st := range got {
				if st != crm.Reserved {
					continue
				}
				verb := func(tx crm.Tx) (err error) { got, err = tx.Confirm(e.ctx, takes[i]); return err }
				if r.IntN(3) == 0 {
					verb = func(tx crm.Tx) (err error) { got, err = tx.Release(e.ctx, takes[i].ReservationKey); return err }
				}
				if err := e.retry(verb); err != nil {
					return err
				}
				if len(got) == 1 && got[0] == crm.Confirmed {
					used[w][slices.Index([]string{"0", "1", "2"}, takes[i].Counter.ID)] += takes[i].Amount
				}
				break // the others stay open
			}
		}
		return nil
	})
	require.NoError(e, err)
	e.requireCounters(limit)
	for c := range counters {
		total := int64(0)
		for w := range writers {
			total += used[w][c]
		}
		e.view(func(r crm.Reader) error {
			cs, err := r.Counters(e.ctx, budget(c))
			require.Equal(e, total, cs[0].Used, "what was confirmed is used")
			return err
		})
	}
}

// requireCounters compares every counter with its reservations.
func (e *env) requireCounters(most int64) {
	e.Helper()
	e.view(func(r crm.Reader) error {
		open, used := map[crm.CounterKey]int64{}, map[crm.CounterKey]int64{}
		reservations, err := r.ScanReservations(e.ctx, crm.AllParts(), crm.ReservationKey{}, 1<<20)
		if err != nil {
			return err
		}
		for _, x := range reservations {
			if x.State == crm.Reserved {
				open[x.Counter] += x.Amount
			}
			used[x.Counter] += x.Confirmed
		}
		counters, err := r.ScanCounters(e.ctx, crm.AllParts(), crm.CounterKey{}, 1<<20)
		if err != nil {
			return err
		}
		for _, c := range counters {
			require.Equal(e, open[c.CounterKey], c.Reserved, "%s", c.CounterKey)
			require.Equal(e, used[c.CounterKey], c.Used, "%s", c.CounterKey)
			require.LessOrEqual(e, c.Reserved+c.Used, most)
		}
		return nil
	})
}
