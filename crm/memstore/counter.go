package memstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// appendCounter appends the key of a counter: part, kind, 0, id.
func appendCounter(b []byte, k crm.CounterKey) []byte {
	return append(appendText(appendPart(b, k.Part()), k.Kind), k.ID...)
}

// appendReservation appends the key of a reservation; without an id that of all of
// its counter.
func appendReservation(b []byte, k crm.ReservationKey) []byte {
	return append(appendText(appendCounter(b, k.Counter), ""), k.ID...)
}

// appendLapse appends what lapses are sorted by: the counter, when, which.
func appendLapse(b []byte, k crm.ReservationKey, until int64) []byte {
	b = appendText(appendCounter(b, k.Counter), "")
	return append(binary.BigEndian.AppendUint64(b, uint64(until)^1<<63), k.ID...)
}

// counterOf decodes an entry of the tree of counters.
func counterOf(key, val string) *crm.Counter {
	kind, id := cutText(key[2:])
	d := decoder{s: val}
	return &crm.Counter{CounterKey: crm.CounterKey{Kind: kind, ID: id}, Limit: d.int(), Reserved: d.int(), Used: d.int()}
}

// reservationStates gives the states the bytes they are stored as: only ever append to it.
var reservationStates = [...]crm.ReservationState{crm.Reserved, crm.Confirmed, crm.Released, crm.Expired}

// reservationOf decodes an entry of the tree of reservations.
func reservationOf(key, val string) *crm.Reservation {
	kind, rest := cutText(key[2:])
	counter, id := cutText(rest)
	r := &crm.Reservation{ReservationKey: crm.ReservationKey{Counter: crm.CounterKey{Kind: kind, ID: counter}, ID: id}}
	d := decoder{s: val}
	r.Amount, r.Confirmed = d.int(), d.int()
	r.State = reservationStates[int(d.byte())%len(reservationStates)]
	r.Until, r.Changed = d.time(), d.time()
	return r
}

// Counters returns one entry per key.
func (r *reader) Counters(ctx context.Context, keys ...crm.CounterKey) ([]*crm.Counter, error) {
	if err := r.usable(ctx); err != nil {
		return nil, err
	}
	out := make([]*crm.Counter, len(keys))
	var key []byte
	return out, each(ctx, len(keys), func(i int) error {
		if !storable(keys[i].Kind) {
			return nil
		}
		key = appendCounter(key[:0], keys[i])
		if val, ok := r.st.counters.get(key); ok {
			out[i] = counterOf(string(key), val)
		}
		return nil
	})
}

// Reservations returns one entry per key.
func (r *reader) Reservations(ctx context.Context, keys ...crm.ReservationKey) ([]*crm.Reservation, error) {
	if err := r.usable(ctx); err != nil {
		return nil, err
	}
	out := make([]*crm.Reservation, len(keys))
	var key []byte
	return out, each(ctx, len(keys), func(i int) error {
		if !storable(keys[i].Counter.Kind, keys[i].Counter.ID) {
			return nil
		}
		key = appendReservation(key[:0], keys[i])
		if val, ok := r.st.reservations.get(key); ok {
			out[i] = reservationOf(string(key), val)
		}
		return nil
	})
}

// ScanCounters returns a page of the counters of parts.
func (r *reader) ScanCounters(ctx context.Context, parts crm.PartRange, after crm.CounterKey, limit int) ([]*crm.Counter, error) {
	if err := r.usable(ctx); err != nil {
		return nil, err
	}
	from := appendPart(nil, parts.Bounds().Lo)
	if after != (crm.CounterKey{}) && after.Part() >= parts.Bounds().Lo {
		from = append(appendCounter(nil, after), 0)
	}
	var out []*crm.Counter
	err := scanParts(ctx, &r.st.counters, parts, from, limit, func(key, val string) { out = append(out, counterOf(key, val)) })
	return out, err
}

// ScanReservations returns a page of the reservations of parts.
func (r *reader) ScanReservations(ctx context.Context, parts crm.PartRange, after crm.ReservationKey, limit int) ([]*crm.Reservation, error) {
	if err := r.usable(ctx); err != nil {
		return nil, err
	}
	from := appendPart(nil, parts.Bounds().Lo)
	if after != (crm.ReservationKey{}) && after.Counter.Part() >= parts.Bounds().Lo {
		from = append(appendReservation(nil, after), 0)
	}
	var out []*crm.Reservation
	err := scanParts(ctx, &r.st.reservations, parts, from, limit, func(key, val string) { out = append(out, reservationOf(key, val)) })
	return out, err
}

// scanParts gives a page of a tree whose keys begin with their part.
func scanParts(ctx context.Context, t *tree, parts crm.PartRange, from []byte, limit int, one func(key, val string)) error {
	c, n := cursor{t: t}, 0
	for c.seek(from); c.ok && n < pageLimit(limit) && partOf(c.key) < parts.Bounds().Hi; c.step() {
		one(string(c.key), c.val)
		if n++; n%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// putCounter writes a counter as it is given.
func (t *tx) putCounter(c *crm.Counter) {
	e := t.encode()
	e.int(c.Limit)
	e.int(c.Reserved)
	e.int(c.Used)
	t.key = appendCounter(t.key[:0], c.CounterKey)
	t.keep(&t.st.counters, t.key)
}

// putReservation writes a reservation; of one that was there before, was says when it
// would have lapsed.
func (t *tx) putReservation(r *crm.Reservation, was time.Time) {
	e := t.encode()
	e.int(r.Amount)
	e.int(r.Confirmed)
	state := byte(0)
	for i, s := range reservationStates {
		if s == r.State {
			state = byte(i)
		}
	}
	e.byte(state)
	e.time(r.Until)
	e.time(r.Changed)
	t.key = appendReservation(t.key[:0], r.ReservationKey)
	t.keep(&t.st.reservations, t.key)
	if was.Equal(r.Until) {
		return
	}
	if !was.IsZero() {
		t.key = appendLapse(t.key[:0], r.ReservationKey, was.UnixMicro())
		t.st.lapses.remove(&t.writer, t.key)
	}
	if !r.Until.IsZero() {
		t.key = appendLapse(t.key[:0], r.ReservationKey, r.Until.UnixMicro())
		t.encode()
		t.keep(&t.st.lapses, t.key)
	}
}

// SetLimits makes counters or sets their limits.
func (t *tx) SetLimits(ctx context.Context, limits ...crm.Counter) error {
	if err := t.usable(ctx); err != nil {
		return err
	}
	for _, c := range limits {
		if err := c.Validate(); err != nil {
			return refuse("set", "counter", c.String(), err)
		}
	}
	return each(ctx, len(limits), func(i int) error {
		c := crm.Counter{CounterKey: limits[i].CounterKey}
		if old := t.counter(c.CounterKey); old != nil {
			c = *old
		}
		c.Limit = limits[i].Limit
		t.putCounter(&c)
		return nil
	})
}

// counter returns a counter of the transaction's own state, or nil.
func (t *tx) counter(k crm.CounterKey) *crm.Counter {
	t.key = appendCounter(t.key[:0], k)
	if val, ok := t.st.counters.get(t.key); ok {
		return counterOf(string(t.key), val)
	}
	return nil
}

// reservation returns a reservation of the transaction's own state, or nil, whether or not it
// has expired.
func (t *tx) reservation(k crm.ReservationKey) *crm.Reservation {
	t.key = appendReservation(t.key[:0], k)
	if val, ok := t.st.reservations.get(t.key); ok {
		return reservationOf(string(t.key), val)
	}
	return nil
}

// end makes a reservation final and says what the counter gets of it.
func (t *tx) end(r *crm.Reservation, state crm.ReservationState, confirmed int64, now time.Time) {
	c := t.counter(r.Counter)
	c.Reserved, c.Used = c.Reserved-r.Amount, c.Used+confirmed
	t.putCounter(c)
	was := r.Until
	r.State, r.Confirmed, r.Until, r.Changed = state, confirmed, time.Time{}, now
	t.putReservation(r, was)
}

// sweep gives back what has expired of a counter.
func (t *tx) sweep(ctx context.Context, k crm.CounterKey, now time.Time) error {
	prefix := appendText(appendCounter(nil, k), "")
	for {
		var old []crm.ReservationKey
		c := cursor{t: &t.st.lapses}
		for c.seek(prefix); c.ok && bytes.HasPrefix(c.key, prefix) && len(old) < 1000; c.step() {
			rest := c.key[len(prefix):]
			if int64(binary.BigEndian.Uint64(rest)^1<<63) > now.UnixMicro() {
				break
			}
			old = append(old, crm.ReservationKey{Counter: k, ID: string(rest[8:])})
		}
		if len(old) == 0 {
			return ctx.Err()
		}
		for _, key := range old {
			t.end(t.reservation(key), crm.Expired, 0, now)
		}
	}
}

// Reserve takes from counters.
func (t *tx) Reserve(ctx context.Context, takes ...crm.Take) ([]crm.ReservationState, error) {
	if err := t.usable(ctx); err != nil {
		return nil, err
	}
	for i := range takes {
		if err := takes[i].Validate(); err != nil {
			return nil, refuse("reserve", "reservation", takes[i].String(), err)
		}
	}
	now := crm.Micros(t.now())
	if len(takes) == 1 {
		state, err := t.reserve(ctx, &takes[0], takes[0].Limit, now)
		return []crm.ReservationState{state}, err
	}
	first := make(map[crm.ReservationKey]int, len(takes))
	limits := map[crm.CounterKey]int64{}
	for i := range takes {
		if _, twice := first[takes[i].ReservationKey]; !twice {
			first[takes[i].ReservationKey] = i
			if takes[i].Limit > 0 {
				limits[takes[i].Counter] = max(limits[takes[i].Counter], takes[i].Limit)
			}
		}
	}
	out := make([]crm.ReservationState, len(takes))
	return out, each(ctx, len(takes), func(i int) (err error) {
		switch f := first[takes[i].ReservationKey]; {
		case f < i && takes[f].Amount != takes[i].Amount:
			out[i] = crm.Mismatch
		case f < i:
			out[i] = out[f]
		default:
			out[i], err = t.reserve(ctx, &takes[i], limits[takes[i].Counter], now)
		}
		return err
	})
}

// reserve takes from a counter, which is made with the limit if it is not there.
func (t *tx) reserve(ctx context.Context, a *crm.Take, limit int64, now time.Time) (crm.ReservationState, error) {
	if old := t.reservation(a.ReservationKey); old != nil {
		switch {
		case old.Amount != a.Amount:
			return crm.Mismatch, nil
		case old.Lapsed(now):
			t.end(old, crm.Expired, 0, now)
		}
		return old.State, nil
	}
	c := t.counter(a.Counter)
	switch {
	case c == nil && limit == 0:
		return crm.Absent, nil
	case c == nil:
		c = &crm.Counter{CounterKey: a.Counter, Limit: limit}
		t.putCounter(c)
	}
	if c.Free() < a.Amount {
		if err := t.sweep(ctx, a.Counter, now); err != nil {
			return "", err
		}
		if c = t.counter(a.Counter); c.Free() < a.Amount {
			return crm.Exhausted, nil
		}
	}
	c.Reserved += a.Amount
	t.putCounter(c)
	r := &crm.Reservation{ReservationKey: a.ReservationKey, Amount: a.Amount, State: crm.Reserved, Changed: now}
	if d := a.Lapse(); d > 0 {
		r.Until = time.UnixMicro(now.UnixMicro() + d).UTC()
	}
	t.putReservation(r, time.Time{})
	return crm.Reserved, nil
}

// Confirm makes reservations final.
func (t *tx) Confirm(ctx context.Context, takes ...crm.Take) ([]crm.ReservationState, error) {
	if err := t.usable(ctx); err != nil {
		return nil, err
	}
	for i := range takes {
		if err := takes[i].ValidateConfirm(); err != nil {
			return nil, refuse("confirm", "reservation", takes[i].String(), err)
		}
	}
	now := crm.Micros(t.now())
	out := make([]crm.ReservationState, len(takes))
	return out, each(ctx, len(takes), func(i int) error {
		r := t.reservation(takes[i].ReservationKey)
		switch {
		case r == nil:
			return nil
		case r.Lapsed(now):
			t.end(r, crm.Expired, 0, now)
		case r.State == crm.Reserved && takes[i].Amount <= r.Amount:
			t.end(r, crm.Confirmed, takes[i].Amount, now)
		case r.State == crm.Reserved, r.State == crm.Confirmed && r.Confirmed != takes[i].Amount:
			out[i] = crm.Mismatch
			return nil
		}
		out[i] = r.State
		return nil
	})
}

// Release gives reservations back.
func (t *tx) Release(ctx context.Context, keys ...crm.ReservationKey) ([]crm.ReservationState, error) {
	if err := t.usable(ctx); err != nil {
		return nil, err
	}
	for _, k := range keys {
		if err := k.Validate(); err != nil {
			return nil, refuse("release", "reservation", k.String(), err)
		}
	}
	now := crm.Micros(t.now())
	out := make([]crm.ReservationState, len(keys))
	return out, each(ctx, len(keys), func(i int) error {
		r := t.reservation(keys[i])
		switch {
		case r == nil:
			return nil
		case r.Lapsed(now):
			t.end(r, crm.Expired, 0, now)
		case r.State == crm.Reserved:
			t.end(r, crm.Released, 0, now)
		}
		out[i] = r.State
		return nil
	})
}

// DeleteReservations forgets reservations that are final.
func (t *tx) DeleteReservations(ctx context.Context, keys ...crm.ReservationKey) error {
	if err := t.usable(ctx); err != nil {
		return err
	}
	return each(ctx, len(keys), func(i int) error {
		if !storable(keys[i].Counter.Kind, keys[i].Counter.ID) {
			return nil
		}
		if r := t.reservation(keys[i]); r != nil && r.State != crm.Reserved {
			t.key = appendReservation(t.key[:0], keys[i])
			t.st.reservations.remove(&t.writer, t.key)
		}
		return nil
	})
}

// DeleteCounters forgets counters of which nothing is reserved.
func (t *tx) DeleteCounters(ctx context.Context, keys ...crm.CounterKey) error {
	if err := t.usable(ctx); err != nil {
		return err
	}
	return each(ctx, len(keys), func(i int) error {
		if !storable(keys[i].Kind, keys[i].ID) {
			return nil
		}
		if c := t.counter(keys[i]); c != nil && c.Reserved == 0 {
			t.key = appendCounter(t.key[:0], keys[i])
			t.st.counters.remove(&t.writer, t.key)
		}
		return nil
	})
}
