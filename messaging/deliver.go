package messaging

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// outcome is a claim and what the provider said about it.
type outcome struct {
	claim
	receipt Receipt
}

// deliver hands claimed messages to the sender, piece by piece, and records the
// answers. What is not this run's any more is left out; what does not leave is
// given back.
func (o *Outbox) deliver(ctx context.Context, claims []claim, stats Stats) (Stats, error) {
	// What the provider said must be kept even if the host is told to stop.
	keep := context.WithoutCancel(ctx)
	for len(claims) > 0 {
		if ctx.Err() != nil {
			return stats, errors.Join(ctx.Err(), o.giveBack(keep, claims, &stats))
		}
		if more := len(claims) - o.pace.claims(o.batch()); more > 0 { // slower than when they were claimed
			at := len(claims) - more
			if err := o.giveBack(keep, claims[at:], &stats); err != nil {
				return stats, err
			}
			claims = claims[:at]
		}
		held, start, err := o.hold(ctx, claims)
		if ctx.Err() != nil {
			continue
		}
		if err != nil {
			return stats, err
		}
		stats.Conflicts += len(claims) - len(held)
		n := min(o.pieceSize(), len(held))
		outcomes, fault := o.send(ctx, held[:n], &stats)
		claims = held[n:]
		end, err := o.record(keep, outcomes, &stats)
		if err != nil {
			return stats, errors.Join(err, fault)
		}
		if n > 0 {
			o.pace.measure(n, end.Sub(start), o.lease(), o.batch())
		}
		if ctx.Err() != nil && len(claims) == 0 {
			return stats, errors.Join(ctx.Err(), fault)
		}
	}
	return stats, nil
}

// pieceSize is how many messages to hand to the sender in one call.
func (o *Outbox) pieceSize() int {
	n := o.pace.piece()
	if l, ok := o.Sender.(BatchLimiter); ok && l.MaxBatch() > 0 {
		n = min(n, l.MaxBatch())
	}
	return n
}

// hold returns those claims that are still this run's, under a lease of which
// most is left, and the time of the leases' clock. Renewing is an update with
// the Rev that was read: it fails where another process has taken one over.
func (o *Outbox) hold(ctx context.Context, claims []claim) (held []claim, now time.Time, err error) {
	ids := make([]crm.EffectID, len(claims))
	for i := range claims {
		ids[i] = claims[i].effect.ID
	}
	for {
		short := false
		err = o.Store.View(ctx, func(r crm.Reader) error {
			held, short = make([]claim, 0, len(claims)), false
			stored, err := r.Effects(ctx, ids...)
			if err != nil {
				return err
			}
			if now, err = o.clock(ctx, r); err != nil {
				return err
			}
			for i, e := range stored {
				if e == nil || e.State != crm.Sent || e.Rev != claims[i].effect.Rev {
					continue
				}
				held = append(held, claims[i])
				short = short || e.Lease.Sub(now) < o.lease()*3/4
			}
			return nil
		})
		if err != nil {
			return nil, now, fmt.Errorf("messaging: look at claims: %w", err)
		}
		if !short {
			return held, now, nil
		}
		renewed := make([]*crm.Effect, len(held))
		err = o.Store.Update(ctx, func(tx crm.Tx) error {
			until, err := o.newLease(ctx, tx)
			if err != nil {
				return err
			}
			for i := range held {
				renewed[i] = held[i].effect.Clone()
				if renewed[i].Lease.Before(until) {
					renewed[i].Lease = until
				}
			}
			return tx.UpdateEffects(ctx, renewed...)
		})
		switch {
		case errors.Is(err, crm.ErrConflict):
		case err != nil:
			return nil, now, fmt.Errorf("messaging: renew leases: %w", err)
		default:
			for i := range held {
				held[i].effect = renewed[i]
			}
			return held, now, nil
		}
	}
}

// atOnce is the Receipt.After of a message that is due as it was before: it was
// never handed to the provider.
const atOnce time.Duration = -1

// giveBack records that claims were not handed to the provider: they are due as
// before, or as uncertain as they were.
func (o *Outbox) giveBack(ctx context.Context, claims []claim, stats *Stats) error {
	outcomes := make([]outcome, len(claims))
	for i, c := range claims {
		outcomes[i] = outcome{c, Receipt{ID: c.effect.ID, Status: Throttled, Reason: "stopped before it was sent", After: atOnce}}
		if c.doubt != nil && c.doubt.Status == Unknown {
			outcomes[i].receipt = *c.doubt
		}
	}
	_, err := o.record(ctx, outcomes, stats)
	return err
}

// send makes one call to the sender. It returns one outcome per claim, Unknown
// where the sender returned an error or broke its contract. The call ends, as
// far as the sender heeds its context, long before the leases do.
func (o *Outbox) send(ctx context.Context, claims []claim, stats *Stats) ([]outcome, error) {
	if len(claims) == 0 {
		return nil, nil
	}
	messages := make([]Message, len(claims))
	for i := range claims {
		messages[i] = claims[i].message
	}
	call, cancel := context.WithTimeout(ctx, o.lease()/2)
	defer cancel()
	receipts, err := o.callSender(call, messages)
	if err == nil && len(receipts) != len(messages) {
		err = fmt.Errorf("messaging: the sender answered %d of %d messages", len(receipts), len(messages))
	}
	lost := "the sender's answer is lost"
	if err != nil && ctx.Err() == nil {
		o.logger().Warn("messaging: the sender failed; whether its messages left is not known", "messages", len(messages), "err", err)
		lost += ": " + short(err.Error())
	}
	outcomes := make([]outcome, len(claims))
	for i, c := range claims {
		r := Receipt{ID: c.effect.ID, Status: Unknown, Reason: lost}
		if err == nil && receipts[i].ID == c.effect.ID {
			r = receipts[i]
			r.After = max(0, r.After)
		} else if err == nil {
			r.Reason = "the sender answered about another message"
		}
		if c.doubt != nil {
			if r.Status == Throttled && c.doubt.Status == Unknown {
				r = *c.doubt // not taken this time, but the first attempt may have arrived
			} else {
				stats.Resent++
			}
		}
		outcomes[i] = outcome{c, r}
	}
	return outcomes, err
}

// record writes the provider's answers into claimed effects and returns the time
// of the leases' clock.
func (o *Outbox) record(ctx context.Context, outcomes []outcome, stats *Stats) (at time.Time, err error) {
	if len(outcomes) == 0 {
		return at, nil
	}
	now := o.now()
	effects := make([]*crm.Effect, len(outcomes))
	err = o.Store.Update(ctx, func(tx crm.Tx) error {
		if at, err = o.clock(ctx, tx); err != nil {
			return err
		}
		for i := range outcomes {
			effects[i] = outcomes[i].effect.Clone()
			o.answer(effects[i], outcomes[i].receipt, now, at)
		}
		return tx.UpdateEffects(ctx, effects...)
	})
	for errors.Is(err, crm.ErrConflict) {
		effects, at, err = o.recordChanged(ctx, outcomes, now)
	}
	if err != nil {
		return at, fmt.Errorf("messaging: record answers: %w", err)
	}
	stats.Conflicts += len(outcomes) - len(effects)
	stats.count(effects)
	return at, nil
}

// count counts what became of effects.
func (s *Stats) count(effects []*crm.Effect) {
	for _, e := range effects {
		switch e.State {
		case crm.Done:
			s.Done++
		case crm.Failed:
			s.Failed++
		case crm.Planned:
			s.Throttled++
		case crm.Unknown:
			s.Unknown++
		}
	}
}

// recordChanged is record for effects of which some were changed by others: it
// reads them again, writes those that still are the claim of this run, and of
// the others what is certain.
func (o *Outbox) recordChanged(ctx context.Context, outcomes []outcome, now time.Time) (written []*crm.Effect, at time.Time, err error) {
	ids := make([]crm.EffectID, len(outcomes))
	for i := range outcomes {
		ids[i] = outcomes[i].effect.ID
	}
	err = o.Store.Update(ctx, func(tx crm.Tx) error {
		written = nil
		stored, err := tx.Effects(ctx, ids...)
		if err != nil {
			return err
		}
		if at, err = o.clock(ctx, tx); err != nil {
			return err
		}
		for i, e := range stored {
			mine := outcomes[i].effect
			switch {
			case e == nil:
			case e.Rev == mine.Rev && e.State == crm.Sent:
				c := e.Clone()
				o.answer(c, outcomes[i].receipt, now, at)
				written = append(written, c)
			default:
				if c := o.certain(e, mine, outcomes[i].receipt, now, at); c != nil {
					written = append(written, c)
				}
			}
		}
		if len(written) == 0 {
			return nil
		}
		return tx.UpdateEffects(ctx, written...)
	})
	return written, at, err
}

// GuardTwice is the Guard of the reason that a provider took a message twice:
// what must not happen, but cannot be undone. The audit of a record looks for it.
const GuardTwice = "provider-twice"

// certain returns an effect that others have changed since it was claimed, or
// whose claim is not known, with a definite answer of the provider in it, or nil
// where the answer changes nothing. Accepted is what happened, whatever was made
// of the effect meanwhile; Rejected is taken for one of unknown fate.
func (o *Outbox) certain(e, mine *crm.Effect, r Receipt, now, at time.Time) *crm.Effect {
	c := e.Clone()
	switch {
	case r.Status == Accepted && e.State == crm.Done:
		first := slices.IndexFunc(e.Reasons, func(r crm.Reason) bool { return r.Guard == GuardProvider })
		if r.Provider == "" || first < 0 {
			return nil
		}
		if before, _, _ := strings.Cut(e.Reasons[first].Note, ": "); before == acceptance(r) || before == string(Accepted) {
			return nil
		}
		twice := crm.Reason{Guard: GuardTwice, Note: acceptance(r)}
		if slices.Contains(e.Reasons, twice) {
			return nil
		}
		c.Changed, c.Reasons = now, append(c.Reasons, twice)
		return c
	case r.Status == Accepted && e.State != crm.HeldOut:
		if c.SentAt.IsZero() {
			if mine == nil {
				return nil // it was never claimed
			}
			c.SentAt, c.To, c.Guards = mine.SentAt, mine.To, mine.Guards
		}
	case r.Status == Rejected && e.State == crm.Unknown:
	default:
		return nil
	}
	o.answer(c, r, now, at)
	return c
}

// acceptance is the note about a message that the provider took.
func acceptance(r Receipt) string {
	if r.Provider == "" {
		return string(Accepted)
	}
	return string(Accepted) + " as " + short(r.Provider)
}

// Receive records answers of the provider that come outside of Send, such as
// delivery reports: Accepted and Rejected settle what became of a message whose
// answer was lost. Other answers, and those about effects that are not there or
// are settled, change nothing; they count as Stats.Conflicts.
func (o *Outbox) Receive(ctx context.Context, receipts ...Receipt) (Stats, error) {
	if err := o.check(); err != nil {
		return Stats{}, err
	}
	var stats Stats
	for chunk := range slices.Chunk(receipts, o.batch()) {
		got, err := o.receive(ctx, chunk)
		stats.Add(got)
		if err != nil {
			return stats, err
		}
	}
	return stats, nil
}

func (o *Outbox) receive(ctx context.Context, receipts []Receipt) (Stats, error) {
	ids := make([]crm.EffectID, len(receipts))
	for i := range receipts {
		ids[i] = receipts[i].ID
	}
	now := o.now()
	var written []*crm.Effect
	err := crm.ErrConflict
	for errors.Is(err, crm.ErrConflict) {
		err = o.Store.Update(ctx, func(tx crm.Tx) error {
			written = nil
			stored, err := tx.Effects(ctx, ids...)
			if err != nil {
				return err
			}
			at, err := o.clock(ctx, tx)
			if err != nil {
				return err
			}
			seen := make(map[crm.EffectID]bool, len(ids))
			for i, e := range stored {
				r := receipts[i]
				if e == nil || seen[e.ID] || r.Status == Rejected && e.State == crm.Sent {
					continue // of a claim the sender's own answer is awaited
				}
				if c := o.certain(e, nil, r, now, at); c != nil {
					seen[e.ID] = true
					written = append(written, c)
				}
			}
			if len(written) == 0 {
				return nil
			}
			return tx.UpdateEffects(ctx, written...)
		})
	}
	if err != nil {
		return Stats{}, fmt.Errorf("messaging: record receipts: %w", err)
	}
	stats := Stats{Conflicts: len(receipts) - len(written)}
	stats.count(written)
	return stats, nil
}

// answer writes one receipt into an effect that is crm.Sent. Attempts counts
// how often the provider said "not now": neither claims nor lost answers use
// up an effect's attempts, however often a process is killed. An effect that the
// provider has not taken was not sent: it bears no time of sending any more.
func (o *Outbox) answer(e *crm.Effect, r Receipt, now, at time.Time) {
	e.Changed = now
	why := crm.Reason{Guard: GuardProvider, Note: string(r.Status)}
	if r.Provider != "" {
		why.Note += " as " + short(r.Provider)
	}
	if r.Reason != "" {
		why.Note += ": " + short(r.Reason)
	}
	switch r.Status {
	case Accepted:
		e.State, e.Lease, why.Pass = crm.Done, time.Time{}, true
	case Rejected:
		e.State, e.Lease = crm.Failed, time.Time{}
	case Throttled:
		e.State, e.Lease, e.SentAt, e.Guards = crm.Planned, time.Time{}, time.Time{}, nil
		if r.After == atOnce {
			break
		}
		if r.Unreached {
			e.Due = crm.Micros(now.Add(max(r.After, o.lease())))
			break
		}
		e.Attempts++
		if e.Due = crm.Micros(now.Add(r.After)); r.After == 0 {
			e.Due = crm.Micros(now.Add(backoff(e.Attempts)))
		}
		if e.Attempts >= o.attempts() {
			e.State = crm.Failed
			why.Note += fmt.Sprintf("; given up after %d attempts", e.Attempts)
		}
	default:
		since := unknownSince(e.Guards)
		if since.IsZero() {
			since = at
			e.Guards = append(e.Guards, crm.GuardRead{Record: recordUnknown, Version: at.UnixMicro()})
		}
		e.State, e.Lease = crm.Unknown, crm.Micros(at.Add(o.patience(at.Sub(since))))
	}
	// The guard may share its reasons. Of the provider's answers the last one
	// counts, however often it was asked.
	e.Reasons = append(slices.DeleteFunc(slices.Clone(e.Reasons), func(r crm.Reason) bool { return r.Guard == GuardProvider }), why)
}

// recordUnknown is the GuardRead.Record of when the fate of a message was found to
// be unknown, in microseconds of the leases' clock: SentAt is of a process's own.
const recordUnknown = "unknown-since"

func unknownSince(guards []crm.GuardRead) time.Time {
	for _, g := range guards {
		if g.Record == recordUnknown {
			return time.UnixMicro(g.Version)
		}
	}
	return time.Time{}
}

// backoff is how long to leave a throttling provider alone: 30 s, 1, 2, 4 …
// minutes, at most an hour.
func backoff(attempts int) time.Duration {
	return min(time.Hour, 30*time.Second<<min(max(attempts-1, 0), 8))
}

// patience is how long an unknown fate is left alone: the lease, and twice as
// long each time it was looked into, up to a day or the lease, whichever is
// longer. Age is how long it has been unknown.
func (o *Outbox) patience(age time.Duration) time.Duration {
	l := o.lease()
	return max(l, min(24*time.Hour, l+age))
}
