package crm

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

// CounterKey names a counter: what can run out, such as the budget of a campaign
// ("budget", "spring"), the pieces of an article in a shop, the uses of a voucher or
// the messages that one person may get in a week.
type CounterKey struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
}

// Part returns the part of the counter and of all its reservations.
func (k CounterKey) Part() Part { return PartOf(k.Kind, k.ID) }

// Compare orders keys by kind, then id.
func (k CounterKey) Compare(o CounterKey) int {
	if c := strings.Compare(k.Kind, o.Kind); c != 0 {
		return c
	}
	return strings.Compare(k.ID, o.ID)
}

// String writes kind/id. A slash or a percent sign in the kind is escaped.
func (k CounterKey) String() string { return escapeSource(k.Kind) + "/" + k.ID }

// validate reports every fault of the key.
func (k CounterKey) validate() error {
	return errors.Join(checkKeyText("kind", k.Kind, false), checkKeyText("id", k.ID, false))
}

// MaxAmount is the largest limit of a counter and the largest amount of a
// reservation: what every JSON reader still takes for a whole number.
const MaxAmount = 1<<53 - 1

// Counter is how much there is of something and how much is gone.
type Counter struct {
	CounterKey
	Limit    int64 `json:"limit"`    // how much there is, from 0 to MaxAmount
	Reserved int64 `json:"reserved"` // of it reserved: neither confirmed nor given back
	Used     int64 `json:"used"`     // of it confirmed
}

// String writes the key and how much there is, is reserved and is used.
func (c Counter) String() string {
	return fmt.Sprintf("%s: limit %d, reserved %d, used %d", c.CounterKey, c.Limit, c.Reserved, c.Used)
}

// Validate reports every fault of the key and the limit.
func (c *Counter) Validate() error {
	return errors.Join(c.CounterKey.validate(), checkLimit(c.Limit))
}

// Free returns how much can be reserved at least: reservations that expired give
// back when they are needed. It is negative where the limit was lowered below what
// is gone.
func (c *Counter) Free() int64 { return c.Limit - c.Reserved - c.Used }

// ReservationState is the state of a reservation, and the answer of a counter to a
// call about it.
type ReservationState string

// The states of a reservation. All but the first are final.
const (
	Reserved  ReservationState = "reserved"  // held back until it is confirmed, released or expires
	Confirmed ReservationState = "confirmed" // used
	Released  ReservationState = "released"  // given back
	Expired   ReservationState = "expired"   // given back because its time had passed
)

// The answers that are no state: nothing of the call was kept.
const (
	Absent    ReservationState = ""          // there is no such counter (Reserve), no such reservation (Confirm, Release)
	Exhausted ReservationState = "exhausted" // there is not enough left
	Mismatch  ReservationState = "mismatch"  // under this id something else was reserved or confirmed
)

// ReservationKey names a reservation: its counter and the caller's id. The same id
// may be used on several counters.
type ReservationKey struct {
	Counter CounterKey `json:"counter"`
	ID      string     `json:"id"`
}

// Compare orders keys by counter, then id.
func (k ReservationKey) Compare(o ReservationKey) int {
	if c := k.Counter.Compare(o.Counter); c != 0 {
		return c
	}
	return strings.Compare(k.ID, o.ID)
}

// String writes kind/counter/id, with a slash or a percent sign in the first two escaped.
func (k ReservationKey) String() string {
	return escapeSource(k.Counter.Kind) + "/" + escapeSource(k.Counter.ID) + "/" + k.ID
}

// Validate reports every fault of the key.
func (k ReservationKey) Validate() error {
	var faults []error
	if err := k.Counter.validate(); err != nil {
		faults = append(faults, fmt.Errorf("counter: %w", err))
	}
	return errors.Join(append(faults, checkKeyText("id", k.ID, false))...)
}

// Take asks a counter for something, or confirms it.
//
// The caller makes the id before it asks, and from what it asks for (an effect's id,
// an order's line), so that asking again after a lost answer gets the same answer and
// takes nothing twice. An id serves once: what was released, or has expired, is never
// reserved again under its id, so a new attempt needs a new one (the effect's id and the
// number of the attempt).
type Take struct {
	ReservationKey
	// Amount is how much, from 1 to MaxAmount. Confirm uses exactly this much: it takes
	// also less than was reserved, and gives back the rest. 0 is refused there as well,
	// because it would use nothing: Release gives all back.
	Amount int64
	// For is how long the reservation stands, by the store's clock, unless it is confirmed or
	// released. 0 is for ever; a fraction of a microsecond counts as one. A wait for the
	// counter may be part of it. Of a repeated call the first one's counts.
	For time.Duration
	// Limit is the limit that the counter is made with if it is not there. 0 makes
	// none: the answer is then Absent. Of one call's takes the largest counts. A
	// counter that is there keeps its own limit.
	Limit int64
}

// String writes the key, the amount, and for how long and with what limit if they are set.
func (t Take) String() string {
	s := fmt.Sprintf("%s: amount %d", t.ReservationKey, t.Amount)
	if t.For != 0 {
		s += ", for " + t.For.String()
	}
	if t.Limit != 0 {
		s += fmt.Sprintf(", limit %d", t.Limit)
	}
	return s
}

// Validate reports every fault of what is asked for.
func (t Take) Validate() error {
	faults := []error{t.ReservationKey.Validate()}
	if t.Amount < 1 || t.Amount > MaxAmount {
		faults = append(faults, fieldError("amount", "must be between 1 and MaxAmount"))
	}
	if t.For < 0 {
		faults = append(faults, fieldError("for", "is negative"))
	}
	return errors.Join(append(faults, checkLimit(t.Limit))...)
}

// ValidateConfirm reports every fault of the amount that is confirmed.
func (t Take) ValidateConfirm() error {
	err := t.ReservationKey.Validate()
	switch {
	case t.Amount == 0:
		err = errors.Join(err, fieldError("amount", "is 0: say how much was used; Release gives all back"))
	case t.Amount < 0 || t.Amount > MaxAmount:
		err = errors.Join(err, fieldError("amount", "must be between 1 and MaxAmount"))
	}
	return err
}

// checkLimit holds a limit to what every JSON reader takes for a whole number.
func checkLimit(n int64) error {
	if n < 0 || n > MaxAmount {
		return fieldError("limit", "must be between 0 and MaxAmount")
	}
	return nil
}

// Lapse returns For in whole microseconds: at least one, or 0 for one that does not
// expire.
func (t Take) Lapse() int64 {
	if t.For <= 0 {
		return 0
	}
	return max(t.For.Microseconds(), 1)
}

// Reservation is what was reserved under an id.
type Reservation struct {
	ReservationKey
	// Amount is what was reserved; it does not change when less is confirmed.
	Amount    int64            `json:"amount"`
	Confirmed int64            `json:"confirmed"` // of the amount; 0 before
	State     ReservationState `json:"state"`
	Until     time.Time        `json:"until,omitzero"` // when it expires; zero never, and when it is final
	Changed   time.Time        `json:"changed"`        // when its state was last changed, by the store's clock
}

// Lapsed reports whether the reservation counts as expired at a time of the store's.
func (r *Reservation) Lapsed(now time.Time) bool {
	return r.State == Reserved && !r.Until.IsZero() && !r.Until.After(now)
}

// allCounters iterates over the counters of parts, page by page.
func allCounters(ctx context.Context, r Reader, parts PartRange) iter.Seq2[*Counter, error] {
	return pages(func(last *Counter) ([]*Counter, error) {
		var after CounterKey
		if last != nil {
			after = last.CounterKey
		}
		return r.ScanCounters(ctx, parts, after, scanSize)
	})
}

// allReservations iterates over the reservations of parts, page by page.
func allReservations(ctx context.Context, r Reader, parts PartRange) iter.Seq2[*Reservation, error] {
	return pages(func(last *Reservation) ([]*Reservation, error) {
		var after ReservationKey
		if last != nil {
			after = last.ReservationKey
		}
		return r.ScanReservations(ctx, parts, after, scanSize)
	})
}

// SetLimit makes a counter or sets its limit, from 0 to MaxAmount.
func (s *Service) SetLimit(ctx context.Context, k CounterKey, limit int64) error {
	return s.update(ctx, func(tx Tx) error { return tx.SetLimits(ctx, Counter{CounterKey: k, Limit: limit}) })
}

// Counter returns a counter as it is, or ErrNotFound.
func (s *Service) Counter(ctx context.Context, k CounterKey) (c *Counter, err error) {
	err = s.store.View(ctx, func(r Reader) error {
		found, err := r.Counters(ctx, k)
		if err != nil {
			return err
		}
		if c = found[0]; c == nil {
			return &Error{Op: "get", Entity: "counter", ID: k.String(), Kind: ErrNotFound}
		}
		return nil
	})
	return c, err
}

// Reserve reserves all that is asked for, or nothing: of several counters one that has
// not enough left is ErrExhausted, one that is not there ErrNotFound, an id that was
// used for another amount, or that was given back, ErrExists. Asking again for what is
// reserved or confirmed changes nothing and is no error. In a transaction of the
// caller's, roll back after an error.
func (s *Service) Reserve(ctx context.Context, takes ...Take) error {
	var failed error
	err := s.update(ctx, func(tx Tx) error {
		states, err := tx.Reserve(ctx, takes...)
		if err != nil {
			return err
		}
		held := false
		failed = nil
		for i, st := range states {
			switch st {
			case Reserved, Confirmed:
				held = true
			default:
				failed = errors.Join(failed, answered("reserve", takes[i].ReservationKey, st))
			}
		}
		if held {
			return failed
		}
		return nil // what had expired was taken back, once
	})
	if err != nil {
		return err
	}
	return failed
}

// Confirm makes reservations final, all or none: how much of each is used, the rest is
// given back. Repeating it changes nothing. An amount of 0 is ErrInvalid: it would use
// nothing, which is Release. A reservation that is not there is ErrNotFound; one that
// expired, was released or was confirmed with another amount, and more than was
// reserved, are ErrExists.
func (s *Service) Confirm(ctx context.Context, takes ...Take) error {
	return s.update(ctx, func(tx Tx) error {
		states, err := tx.Confirm(ctx, takes...)
		for i, st := range states {
			if st != Confirmed {
				err = errors.Join(err, answered("confirm", takes[i].ReservationKey, st))
			}
		}
		return err
	})
}

// Release gives reservations back, all or none. Repeating it changes nothing, nor does
// releasing one that has expired. One that is not there is ErrNotFound, one that was
// confirmed ErrExists.
func (s *Service) Release(ctx context.Context, keys ...ReservationKey) error {
	return s.update(ctx, func(tx Tx) error {
		states, err := tx.Release(ctx, keys...)
		for i, st := range states {
			if st != Released && st != Expired {
				err = errors.Join(err, answered("release", keys[i], st))
			}
		}
		return err
	})
}

// answered turns a counter's answer that was not hoped for into an error.
func answered(op string, k ReservationKey, st ReservationState) error {
	e := &Error{Op: op, Entity: "reservation", ID: k.String(), Kind: ErrExists}
	switch st {
	case Absent:
		e.Kind = ErrNotFound
	case Exhausted:
		e.Kind = ErrExhausted
	case Mismatch:
		e.Err = errors.New("its id was used for another amount")
	default:
		e.Err = fmt.Errorf("it is %s", st)
	}
	return e
}

// counters writes the rows of the digest about counters. Reservations that have
// expired are left out, whether or not they were taken back already.
func (d *digester) counters(ctx context.Context, r Reader, _ time.Time) error {
	for c, err := range allCounters(ctx, r, AllParts()) {
		if err != nil {
			return err
		}
		d.row("counter", c.Kind, c.ID, fmt.Sprint(c.Limit), fmt.Sprint(c.Used))
	}
	now, err := r.Now(ctx)
	if err != nil {
		return err
	}
	for x, err := range allReservations(ctx, r, AllParts()) {
		if err != nil {
			return err
		}
		if x.State == Reserved && !x.Lapsed(now) {
			d.row("reserved", x.Counter.Kind, x.Counter.ID, x.ID, fmt.Sprint(x.Amount))
		}
	}
	return nil
}

// pruneReservations forgets reservations that were final, or had expired, before an
// instant. One that stands by the store's clock stays, also where the service's clock,
// which the instant is of, is ahead.
func (s *Service) pruneReservations(ctx context.Context, before time.Time, total *Pruned) error {
	for after := (ReservationKey{}); ; {
		var page []*Reservation
		err := s.store.View(ctx, func(r Reader) (err error) {
			page, err = r.ScanReservations(ctx, AllParts(), after, pruneEffects)
			return err
		})
		if err != nil {
			return err
		}
		n := 0
		if slices.ContainsFunc(page, func(x *Reservation) bool { return ended(x, before) }) {
			err = s.Update(ctx, func(tx Tx) error {
				now, err := tx.Now(ctx)
				if err != nil {
					return err
				}
				var old, lapsed []ReservationKey
				for _, x := range page {
					if x.State == Reserved && x.Lapsed(now) && x.Lapsed(before) {
						lapsed = append(lapsed, x.ReservationKey)
					} else if x.State == Reserved || !ended(x, before) {
						continue
					}
					old = append(old, x.ReservationKey)
				}
				if n = len(old); n == 0 {
					return nil
				}
				if _, err := tx.Release(ctx, lapsed...); err != nil {
					return err
				}
				return tx.DeleteReservations(ctx, old...)
			})
		}
		if err != nil {
			return err
		}
		total.Reservations += n
		if len(page) < pruneEffects {
			return nil
		}
		after = page[len(page)-1].ReservationKey
	}
}

// ended reports whether a reservation was final, or had expired, before an instant.
func ended(x *Reservation, before time.Time) bool {
	return x.Lapsed(before) || x.State != Reserved && x.Changed.Before(before)
}
