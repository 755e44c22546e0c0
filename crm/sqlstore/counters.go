package sqlstore

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// Locks are taken in one order: reservations by key, then counters by key. What has
// expired of a counter that is locked is taken back only where no other transaction holds it.

// Counters implements crm.Reader.
func (r *reader) Counters(ctx context.Context, keys ...crm.CounterKey) ([]*crm.Counter, error) {
	found, err := r.counters(ctx, opGet, keys)
	if err != nil {
		return nil, err
	}
	out := make([]*crm.Counter, len(keys))
	for i, k := range keys {
		out[i] = found[k]
	}
	return out, nil
}

func (r *reader) counters(ctx context.Context, o op, keys []crm.CounterKey) (map[crm.CounterKey]*crm.Counter, error) {
	rows := newRows(3, len(keys))
	for _, k := range sortedCounters(keys) {
		rows.add(int64(k.Part()), seek(k.Kind), seek(k.ID))
	}
	found := make(map[crm.CounterKey]*crm.Counter, len(keys))
	return found, r.each(ctx, o, tabCounters, rows, func(rows resultRow) error {
		c, err := scanCounter(rows)
		found[c.CounterKey] = c
		return err
	})
}

func scanCounter(rows resultRow) (*crm.Counter, error) {
	c := new(crm.Counter)
	return c, rows.Scan(&c.Kind, &c.ID, &c.Limit, &c.Reserved, &c.Used)
}

// sortedCounters returns the keys in the order of the table's key, each once.
func sortedCounters(keys []crm.CounterKey) []crm.CounterKey {
	sorted := slices.Clone(keys)
	slices.SortFunc(sorted, func(a, b crm.CounterKey) int {
		if c := int(a.Part()) - int(b.Part()); c != 0 {
			return c
		}
		return a.Compare(b)
	})
	return slices.Compact(sorted)
}

// Reservations implements crm.Reader.
func (r *reader) Reservations(ctx context.Context, keys ...crm.ReservationKey) ([]*crm.Reservation, error) {
	found, err := r.reservations(ctx, opGet, keys)
	if err != nil {
		return nil, err
	}
	out := make([]*crm.Reservation, len(keys))
	for i, k := range keys {
		out[i] = found[k]
	}
	return out, nil
}

func (r *reader) reservations(ctx context.Context, o op, keys []crm.ReservationKey) (map[crm.ReservationKey]*crm.Reservation, error) {
	found := make(map[crm.ReservationKey]*crm.Reservation, len(keys))
	return found, r.each(ctx, o, tabReservations, reservationRows(keys), func(rows resultRow) error {
		x, err := scanReservation(rows)
		found[x.ReservationKey] = x
		return err
	})
}

func scanReservation(rows resultRow) (*crm.Reservation, error) {
	x := new(crm.Reservation)
	var lapses sql.NullInt64
	var changed int64
	err := rows.Scan(&x.Counter.Kind, &x.Counter.ID, &x.ID, &x.Amount, &x.Confirmed, &x.State, &lapses, &changed)
	if x.Changed = fromMicros(changed); lapses.Valid {
		x.Until = fromMicros(lapses.Int64)
	}
	return x, err
}

// reservationRows returns the keys in the order of the table's key, each once.
func reservationRows(keys []crm.ReservationKey) *rowset {
	rows := newRows(4, len(keys))
	for _, k := range sortedReservations(keys) {
		rows.add(int64(k.Counter.Part()), seek(k.Counter.Kind), seek(k.Counter.ID), seek(k.ID))
	}
	return rows
}

func sortedReservations(keys []crm.ReservationKey) []crm.ReservationKey {
	sorted := slices.Clone(keys)
	slices.SortFunc(sorted, func(a, b crm.ReservationKey) int {
		if c := int(a.Counter.Part()) - int(b.Counter.Part()); c != 0 {
			return c
		}
		return a.Compare(b)
	})
	return slices.Compact(sorted)
}

// ScanCounters implements crm.Reader.
func (r *reader) ScanCounters(ctx context.Context, parts crm.PartRange, after crm.CounterKey, limit int) ([]*crm.Counter, error) {
	args := []any{int64(parts.Bounds().Lo), "", ""}
	if p := after.Part(); after != (crm.CounterKey{}) && p >= parts.Bounds().Lo {
		args = []any{int64(p), seek(after.Kind), seek(after.ID)}
	}
	var out []*crm.Counter
	err := r.query(ctx, opScan, tabCounters, 1, append(args, int64(parts.Bounds().Hi), page(limit)), func(rows resultRow) error {
		c, err := scanCounter(rows)
		out = append(out, c)
		return err
	})
	return out, err
}

// ScanReservations implements crm.Reader.
func (r *reader) ScanReservations(ctx context.Context, parts crm.PartRange, after crm.ReservationKey, limit int) ([]*crm.Reservation, error) {
	args := []any{int64(parts.Bounds().Lo), "", "", ""}
	if p := after.Counter.Part(); after != (crm.ReservationKey{}) && p >= parts.Bounds().Lo {
		args = []any{int64(p), seek(after.Counter.Kind), seek(after.Counter.ID), seek(after.ID)}
	}
	var out []*crm.Reservation
	err := r.query(ctx, opScan, tabReservations, 1, append(args, int64(parts.Bounds().Hi), page(limit)), func(rows resultRow) error {
		x, err := scanReservation(rows)
		out = append(out, x)
		return err
	})
	return out, err
}

// SetLimits implements crm.Tx.
func (t *tx) SetLimits(ctx context.Context, limits ...crm.Counter) error {
	keys, last := make([]crm.CounterKey, len(limits)), map[crm.CounterKey]int64{}
	for i, c := range limits {
		if err := check("set", "counter", c.String(), c.Validate()); err != nil {
			return err
		}
		keys[i], last[c.CounterKey] = c.CounterKey, c.Limit
	}
	rows := newRows(6, len(limits))
	for _, k := range sortedCounters(keys) {
		rows.add(int64(k.Part()), k.Kind, k.ID, last[k], int64(0), int64(0))
	}
	_, err := t.exec(ctx, opNewer, tabCounters, rows)
	return err
}

// Reserve implements crm.Tx. What is asked of one counter is one statement
// where the database has such, which adds the reservations and takes their sum if it is there.
func (t *tx) Reserve(ctx context.Context, takes ...crm.Take) ([]crm.ReservationState, error) {
	if len(takes) == 0 {
		return nil, nil
	}
	first := make(map[crm.ReservationKey]int, len(takes)) // the takes that count
	keys := make([]crm.ReservationKey, len(takes))
	one := t.s.g.chained
	for i := range takes {
		if err := check("reserve", "reservation", takes[i].String(), takes[i].Validate()); err != nil {
			return nil, err
		}
		keys[i] = takes[i].ReservationKey
		one = one && keys[i].Counter == keys[0].Counter
		if _, twice := first[keys[i]]; !twice {
			first[keys[i]] = i
		}
	}
	var err error
	var at time.Time
	var made map[crm.ReservationKey]bool
	taken := false
	if one {
		made, taken, err = t.takeAtOnce(ctx, takes, keys, first)
	} else {
		made, at, err = t.addReservations(ctx, takes, keys, first)
	}
	if err != nil {
		return nil, t.doom(err)
	}
	states := make(map[crm.ReservationKey]crm.ReservationState, len(first))
	if len(made) < len(first) {
		err = t.standing(ctx, takes, first, made, states)
	}
	if err == nil && len(made) > 0 && !taken {
		err = t.takeOneByOne(ctx, at, takes, keys, first, made, states)
	}
	if err != nil {
		return nil, t.doom(err)
	}
	out := make([]crm.ReservationState, len(takes))
	for i, k := range keys {
		st, told := states[k]
		switch {
		case takes[i].Amount != takes[first[k]].Amount:
			out[i] = crm.Mismatch
		case told:
			out[i] = st
		default:
			out[i] = crm.Reserved
		}
	}
	return out, nil
}

// takeAtOnce adds reservations of one counter and takes their sum, if it is left. It
// reports which reservations were added and whether their sum was taken.
func (t *tx) takeAtOnce(ctx context.Context, takes []crm.Take, keys []crm.ReservationKey, first map[crm.ReservationKey]int) (made map[crm.ReservationKey]bool, taken bool, _ error) {
	rows := newRows(6, len(first))
	limit := int64(0)
	for _, k := range sortedReservations(keys) {
		a := &takes[first[k]]
		limit = max(limit, a.Limit)
		rows.add(int64(k.Counter.Part()), k.Counter.Kind, k.Counter.ID, k.ID, a.Amount, lapse(a))
	}
	made = make(map[crm.ReservationKey]bool, len(first))
	if t.s.g.d.most(rows.len()) < rows.len() { // more than one statement takes
		made, _, err := t.addReservations(ctx, takes, keys, first)
		return made, false, err
	}
	scan := func(rows resultRow) error {
		k := crm.ReservationKey{Counter: keys[0].Counter}
		err := rows.Scan(&k.ID, &taken)
		made[k] = true
		return err
	}
	// One that is there already, because its answer was lost, ends a transaction of the
	// store's own, which is then run again with more care.
	hopeful := t.own && !t.again
	if rows.len() == 1 {
		o, a := opTakeOne, &takes[first[keys[0]]]
		if hopeful {
			o = opTakeOneNew
		}
		args := []any{int64(a.Counter.Part()), a.Counter.Kind, a.Counter.ID, a.ID, a.Amount, lapse(a)}
		err := t.queryText(ctx, t.s.sql(o, tabCounters, 1), args, scan)
		return made, taken, t.s.g.wrap(opNames[o], "counters", t.s.g.raced(o, err))
	}
	o := opTake
	if hopeful {
		o = opTakeNew
	}
	return made, taken, t.each(ctx, o, tabCounters, rows, scan, limit)
}

func lapse(a *crm.Take) any {
	if n := a.Lapse(); n > 0 {
		return n
	}
	return nil
}

// reserved adds the row of a reservation that is made at a time.
func reserved(rows *rowset, a *crm.Take, at time.Time) {
	var lapses any
	if n := a.Lapse(); n > 0 {
		lapses = micros(at) + n
	}
	rows.add(int64(a.Counter.Part()), a.Counter.Kind, a.Counter.ID, a.ID, a.Amount, int64(0), string(crm.Reserved), lapses, micros(at))
}

// addReservations adds those reservations that are not there, and reports which, and
// at what time of the store's.
func (t *tx) addReservations(ctx context.Context, takes []crm.Take, keys []crm.ReservationKey, first map[crm.ReservationKey]int) (map[crm.ReservationKey]bool, time.Time, error) {
	now, err := t.Now(ctx)
	if err != nil {
		return nil, now, err
	}
	rows := newRows(9, len(first))
	for _, k := range sortedReservations(keys) {
		reserved(rows, &takes[first[k]], now)
	}
	made := make(map[crm.ReservationKey]bool, len(first))
	return made, now, t.each(ctx, opInsert, tabReservations, rows, func(rows resultRow) error {
		var k crm.ReservationKey
		err := rows.Scan(&k.Counter.Kind, &k.Counter.ID, &k.ID)
		made[k] = true
		return err
	})
}

// standing says how reservations stand that were there before.
func (t *tx) standing(ctx context.Context, takes []crm.Take, first map[crm.ReservationKey]int, made map[crm.ReservationKey]bool, states map[crm.ReservationKey]crm.ReservationState) error {
	var old []crm.ReservationKey
	for k := range first {
		if !made[k] {
			old = append(old, k)
		}
	}
	found, err := t.reservations(ctx, opState, old)
	if err != nil {
		return err
	}
	now, err := t.Now(ctx)
	if err != nil {
		return err
	}
	ends := ending{now: now}
	for _, k := range sortedReservations(old) {
		x := found[k]
		switch {
		case x == nil:
			return errAgain // it was there and was forgotten meanwhile
		case x.Amount != takes[first[k]].Amount:
			states[k] = crm.Mismatch
			continue
		case x.Lapsed(now):
			ends.end(x, crm.Expired, 0)
		}
		states[k] = x.State
	}
	return ends.write(ctx, t)
}

// stamp lets reservations that were just added stand from now on, that is from when
// their counters were locked. It returns the time, or the zero one if none expires.
func (t *tx) stamp(ctx context.Context, takes []crm.Take, keys []crm.ReservationKey, first map[crm.ReservationKey]int, made map[crm.ReservationKey]bool) (now time.Time, err error) {
	rows := newRows(9, 0)
	for _, k := range sortedReservations(keys) {
		a := &takes[first[k]]
		if !made[k] || a.Lapse() == 0 {
			continue
		}
		if now.IsZero() {
			if now, err = t.Now(ctx); err != nil {
				return now, err
			}
		}
		reserved(rows, a, now)
	}
	_, err = t.exec(ctx, opUpdate, tabReservations, rows)
	return now, err
}

// takeOneByOne decides about reservations that were just added while their counters
// are locked. They are not counted yet, so what has expired is taken back as of a time
// at which all of them stand: at, when they were added, where the transaction was the
// only writer since then, and a new one elsewhere.
func (t *tx) takeOneByOne(ctx context.Context, at time.Time, takes []crm.Take, keys []crm.ReservationKey, first map[crm.ReservationKey]int, made map[crm.ReservationKey]bool, states map[crm.ReservationKey]crm.ReservationState) error {
	var of []crm.CounterKey
	limits := map[crm.CounterKey]int64{}
	for i, k := range keys {
		if !made[k] || first[k] != i {
			continue
		}
		of = append(of, k.Counter)
		limits[k.Counter] = max(limits[k.Counter], takes[i].Limit)
	}
	of = sortedCounters(of)
	fresh := newRows(6, len(limits))
	for _, k := range of {
		if n := limits[k]; n > 0 {
			fresh.add(int64(k.Part()), k.Kind, k.ID, n, int64(0), int64(0))
		}
	}
	if _, err := t.exec(ctx, opInsert, tabCounters, fresh); err != nil {
		return err
	}
	counters, err := t.counters(ctx, opState, of)
	if err != nil {
		return err
	}
	if !t.s.g.oneWriter {
		if at, err = t.stamp(ctx, takes, keys, first, made); err != nil {
			return err
		}
	}
	var back []crm.ReservationKey
	deltas := map[crm.CounterKey]*delta{}
	swept := map[crm.CounterKey]bool{}
	for i, k := range keys {
		if !made[k] || first[k] != i {
			continue
		}
		c := counters[k.Counter]
		if c == nil {
			states[k] = crm.Absent
			back = append(back, k)
			continue
		}
		if c.Free() < takes[i].Amount && !swept[k.Counter] {
			swept[k.Counter] = true
			if at.IsZero() {
				if at, err = t.Now(ctx); err != nil {
					return err
				}
			}
			n, err := t.sweep(ctx, k.Counter, at)
			if err != nil {
				return err
			}
			c.Reserved -= n
			change(deltas, k.Counter).reserved -= n
		}
		if c.Free() < takes[i].Amount {
			states[k] = crm.Exhausted
			back = append(back, k)
			continue
		}
		c.Reserved += takes[i].Amount
		change(deltas, k.Counter).reserved += takes[i].Amount
	}
	if _, err := t.exec(ctx, opDeleteOf, tabReservations, reservationRows(back)); err != nil {
		return err
	}
	return t.adjust(ctx, deltas)
}

// sweep ends the reservations of a locked counter that have expired by now and returns
// what they held. All of them must be counted.
func (t *tx) sweep(ctx context.Context, k crm.CounterKey, now time.Time) (total int64, err error) {
	for {
		var old []*crm.Reservation
		err := t.query(ctx, opLapsed, tabReservations, 0, []any{int64(k.Part()), k.Kind, k.ID, micros(now), int64(1000)}, func(rows resultRow) error {
			x, err := scanReservation(rows)
			old = append(old, x)
			return err
		})
		if err != nil || len(old) == 0 {
			return total, err
		}
		ends := ending{now: now}
		for _, x := range old {
			total += x.Amount
			ends.end(x, crm.Expired, 0)
		}
		ends.deltas = nil // the caller's
		if err := ends.write(ctx, t); err != nil {
			return 0, err
		}
	}
}

// delta is what is added to a counter.
type delta struct{ reserved, used int64 }

func change(deltas map[crm.CounterKey]*delta, k crm.CounterKey) *delta {
	if deltas[k] == nil {
		deltas[k] = new(delta)
	}
	return deltas[k]
}

// adjust adds to counters that are there.
func (t *tx) adjust(ctx context.Context, deltas map[crm.CounterKey]*delta) error {
	keys := make([]crm.CounterKey, 0, len(deltas))
	for k := range deltas {
		keys = append(keys, k)
	}
	rows := newRows(6, len(keys))
	for _, k := range sortedCounters(keys) {
		rows.add(int64(k.Part()), k.Kind, k.ID, int64(0), deltas[k].reserved, deltas[k].used)
	}
	_, err := t.exec(ctx, opBump, tabCounters, rows)
	return err
}

// ending collects reservations that become final.
type ending struct {
	now    time.Time
	ended  []*crm.Reservation
	deltas map[crm.CounterKey]*delta
}

func (e *ending) end(x *crm.Reservation, state crm.ReservationState, confirmed int64) {
	if e.deltas == nil {
		e.deltas = map[crm.CounterKey]*delta{}
	}
	d := change(e.deltas, x.Counter)
	d.reserved, d.used = d.reserved-x.Amount, d.used+confirmed
	x.State, x.Confirmed = state, confirmed
	e.ended = append(e.ended, x)
}

func (e *ending) write(ctx context.Context, t *tx) error {
	keys, by := make([]crm.ReservationKey, len(e.ended)), make(map[crm.ReservationKey]*crm.Reservation, len(e.ended))
	for i, x := range e.ended {
		keys[i], by[x.ReservationKey] = x.ReservationKey, x
	}
	rows := newRows(9, len(keys))
	for _, k := range sortedReservations(keys) {
		x := by[k]
		rows.add(int64(k.Counter.Part()), k.Counter.Kind, k.Counter.ID, k.ID, x.Amount, x.Confirmed, string(x.State), nil, micros(e.now))
	}
	if _, err := t.exec(ctx, opUpdate, tabReservations, rows); err != nil {
		return err
	}
	return t.adjust(ctx, e.deltas)
}

// Confirm implements crm.Tx. One that goes well is one statement where the
// database has such.
func (t *tx) Confirm(ctx context.Context, takes ...crm.Take) ([]crm.ReservationState, error) {
	keys := make([]crm.ReservationKey, len(takes))
	for i := range takes {
		if err := check("confirm", "reservation", takes[i].String(), takes[i].ValidateConfirm()); err != nil {
			return nil, err
		}
		keys[i] = takes[i].ReservationKey
	}
	if len(takes) == 1 && t.s.g.chained {
		k, done := keys[0], false
		err := t.query(ctx, opConfirm, tabCounters, 1, []any{int64(k.Counter.Part()), k.Counter.Kind, k.Counter.ID, k.ID, takes[0].Amount}, func(rows resultRow) error {
			done = true
			var id string
			return rows.Scan(&id)
		})
		if err != nil || done {
			return []crm.ReservationState{crm.Confirmed}, err
		}
	}
	return t.resolve(ctx, keys, func(i int, x *crm.Reservation, ends *ending) crm.ReservationState {
		switch {
		case x.State == crm.Reserved && takes[i].Amount <= x.Amount:
			ends.end(x, crm.Confirmed, takes[i].Amount)
		case x.State == crm.Reserved, x.State == crm.Confirmed && x.Confirmed != takes[i].Amount:
			return crm.Mismatch
		}
		return x.State
	})
}

// Release implements crm.Tx.
func (t *tx) Release(ctx context.Context, keys ...crm.ReservationKey) ([]crm.ReservationState, error) {
	for _, k := range keys {
		if err := check("release", "reservation", k.String(), k.Validate()); err != nil {
			return nil, err
		}
	}
	return t.resolve(ctx, keys, func(_ int, x *crm.Reservation, ends *ending) crm.ReservationState {
		if x.State == crm.Reserved {
			ends.end(x, crm.Released, 0)
		}
		return x.State
	})
}

// resolve locks reservations and lets decide end those that have not expired.
func (t *tx) resolve(ctx context.Context, keys []crm.ReservationKey, decide func(i int, x *crm.Reservation, ends *ending) crm.ReservationState) ([]crm.ReservationState, error) {
	out := make([]crm.ReservationState, len(keys))
	if len(keys) == 0 {
		return out, nil
	}
	found, err := t.reservations(ctx, opState, keys)
	if err != nil {
		return nil, err
	}
	now, err := t.Now(ctx)
	if err != nil {
		return nil, err
	}
	ends := ending{now: now}
	for i, k := range keys {
		x := found[k]
		switch {
		case x == nil:
		case x.Lapsed(now):
			ends.end(x, crm.Expired, 0)
			out[i] = x.State
		default:
			out[i] = decide(i, x, &ends)
		}
	}
	if err := ends.write(ctx, t); err != nil {
		return nil, t.doom(err)
	}
	return out, nil
}

// DeleteReservations implements crm.Tx.
func (t *tx) DeleteReservations(ctx context.Context, keys ...crm.ReservationKey) error {
	_, err := t.exec(ctx, opDelete, tabReservations, reservationRows(keys))
	return err
}

// DeleteCounters implements crm.Tx.
func (t *tx) DeleteCounters(ctx context.Context, keys ...crm.CounterKey) error {
	rows := newRows(3, len(keys))
	for _, k := range sortedCounters(keys) {
		rows.add(int64(k.Part()), seek(k.Kind), seek(k.ID))
	}
	_, err := t.exec(ctx, opDelete, tabCounters, rows)
	return err
}
