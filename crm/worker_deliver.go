package crm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// outcome is a claim and what the other side said about it.
type outcome struct {
	*Claim
	receipt Receipt
}

// deliver hands claims over, piece by piece, and records the answers. What is not
// this run's any more is left out; what does not leave is given back.
func (j *job) deliver(ctx context.Context, claims []*Claim, stats WorkStats) (WorkStats, error) {
	// What was answered must be kept even if the host is told to stop.
	keep := context.WithoutCancel(ctx)
	for len(claims) > 0 {
		if ctx.Err() != nil {
			return stats, errors.Join(ctx.Err(), j.giveBack(keep, claims, stopped, &stats))
		}
		if more := len(claims) - j.pace.claims(j.batch()); more > 0 { // slower than when they were claimed
			at := len(claims) - more
			if err := j.giveBack(keep, claims[at:], stopped, &stats); err != nil {
				return stats, err
			}
			claims = claims[:at]
		}
		held, recalled, start, err := j.hold(ctx, claims)
		if ctx.Err() != nil {
			continue
		}
		if err != nil {
			return stats, err
		}
		stats.Conflicts += len(claims) - len(held) - len(recalled)
		if len(recalled) > 0 {
			if err := j.giveBack(keep, recalled, "recalled before it was sent", &stats); err != nil {
				return stats, err
			}
		}
		n := min(j.pieceSize(), len(held))
		if err := j.leaves(keep, held[:n]); err != nil {
			if errors.Is(err, ErrConflict) { // some were taken over at this moment: look again
				claims = held
				continue
			}
			return stats, err
		}
		outcomes, fault := j.hand(ctx, held[:n], &stats)
		claims = held[n:]
		end, err := j.record(keep, outcomes, &stats)
		if err != nil {
			return stats, errors.Join(err, fault)
		}
		if n > 0 {
			j.pace.measure(n, end.Sub(start), j.lease(), j.batch())
		}
		if ctx.Err() != nil && len(claims) == 0 {
			return stats, errors.Join(ctx.Err(), fault)
		}
	}
	return stats, nil
}

// recordWaits is the GuardRead.Record of a claim that has not been handed over. It is written
// and taken away where the other side can neither be asked nor recognises ids: what bears it
// when its process has ended has certainly not left. An older version writes none, and leaves
// doubts.
const recordWaits = "not-handed-over"

// waits returns what a claim rests on, with recordWaits where that is kept.
func (j *job) waits(reads []GuardRead) []GuardRead {
	if len(j.doubtful()) > 1 {
		return reads
	}
	return append(slices.Clip(reads), GuardRead{Record: recordWaits, Version: 1})
}

// waitingClaim reports a claim that was not handed over.
func waitingClaim(e *Effect) bool {
	return slices.ContainsFunc(e.Guards, func(g GuardRead) bool { return g.Record == recordWaits })
}

// leaves takes recordWaits away, right before claims are handed over.
func (j *job) leaves(ctx context.Context, claims []*Claim) error {
	if !slices.ContainsFunc(claims, func(c *Claim) bool { return waitingClaim(c.Effect) }) {
		return nil
	}
	left := make([]*Effect, len(claims))
	for i, c := range claims {
		left[i] = c.Effect.Clone()
		left[i].Guards = slices.DeleteFunc(left[i].Guards, func(g GuardRead) bool { return g.Record == recordWaits })
	}
	err := j.Store.Update(ctx, func(tx Tx) error { return tx.UpdateEffects(ctx, left...) })
	if err != nil {
		if errors.Is(err, ErrConflict) {
			return err
		}
		return j.fault("hand over", err)
	}
	for i, c := range claims {
		c.Effect = left[i]
	}
	return nil
}

// pieceSize is how many claims to hand over in one call.
func (j *job) pieceSize() int {
	n := j.pace.piece()
	if j.MaxBatch > 0 {
		n = min(n, j.MaxBatch)
	}
	return n
}

// hold returns those claims that are still this run's, under a lease of which
// most is left, those of them that are recalled apart, and the time of the leases' clock.
// Renewing is an update with the Rev that was read: it fails where another process has
// taken one over.
func (j *job) hold(ctx context.Context, claims []*Claim) (held, recalled []*Claim, now time.Time, err error) {
	ids := make([]EffectID, len(claims))
	for i, c := range claims {
		ids[i] = c.Effect.ID
	}
	for {
		short := false
		err = j.Store.View(ctx, func(r Reader) error {
			held, recalled, short = make([]*Claim, 0, len(claims)), nil, false
			stored, err := r.Effects(ctx, ids...)
			if err != nil {
				return err
			}
			if now, err = j.clock(ctx, r); err != nil {
				return err
			}
			for i, e := range stored {
				if e == nil || e.State != Sent || e.Rev != claims[i].Effect.Rev {
					continue
				}
				held = append(held, claims[i])
				short = short || e.Lease.Sub(now) < j.lease()*3/4
			}
			held, recalled, err = j.recall(ctx, r, held)
			return err
		})
		if err != nil {
			return nil, nil, now, j.fault("look at claims", err)
		}
		if !short || len(held) == 0 {
			return held, recalled, now, nil
		}
		renewed := make([]*Effect, len(held))
		err = j.Store.Update(ctx, func(tx Tx) error {
			until, err := j.newLease(ctx, tx)
			if err != nil {
				return err
			}
			for i, c := range held {
				renewed[i] = c.Effect.Clone()
				if renewed[i].Lease.Before(until) {
					renewed[i].Lease = until
				}
			}
			return tx.UpdateEffects(ctx, renewed...)
		})
		switch {
		case errors.Is(err, ErrConflict):
		case err != nil:
			return nil, nil, now, j.fault("renew leases", err)
		default:
			for i, c := range held {
				c.Effect = renewed[i]
			}
			return held, recalled, now, nil
		}
	}
}

// recall parts claims into those that may be handed over and those that may not any more.
func (j *job) recall(ctx context.Context, r Reader, claims []*Claim) (held, recalled []*Claim, err error) {
	if j.Recall == nil || len(claims) == 0 {
		return claims, nil, nil
	}
	defer Recover("recall", &err)
	back, err := j.Recall(ctx, r, slices.Clone(claims))
	if err == nil && back != nil && len(back) != len(claims) {
		err = fmt.Errorf("the handler said of %d of %d whether they are recalled", len(back), len(claims))
	}
	if err != nil || !slices.Contains(back, true) {
		return claims, nil, err
	}
	for i, c := range claims {
		if back[i] {
			recalled = append(recalled, c)
		} else {
			held = append(held, c)
		}
	}
	return held, recalled, nil
}

// atOnce is the Receipt.After of an effect that is due as it was before: it was
// never handed over.
const atOnce time.Duration = -1

// stopped is why claims are given back that a run has no time for.
const stopped = "stopped before it was sent"

// giveBack records that claims were not handed over: they are due as before, or as
// uncertain as they were.
func (j *job) giveBack(ctx context.Context, claims []*Claim, why string, stats *WorkStats) error {
	outcomes := make([]outcome, len(claims))
	for i, c := range claims {
		outcomes[i] = outcome{c, Receipt{ID: c.Effect.ID, Status: Throttled, Reason: why, After: atOnce}}
		if c.doubt != nil && c.doubt.Status == Uncertain {
			outcomes[i].receipt = *c.doubt
		}
	}
	_, err := j.record(ctx, outcomes, stats)
	return err
}

// hand makes one call to the handler. It returns one outcome per claim, Uncertain
// where the handler did not say what became of it. The error is the handler's.
// Half of a lease ends its context, long before the leases do.
func (j *job) hand(ctx context.Context, claims []*Claim, stats *WorkStats) ([]outcome, error) {
	if len(claims) == 0 {
		return nil, nil
	}
	call, cancel := context.WithTimeout(ctx, j.lease()/2)
	defer cancel()
	receipts, err := j.callDo(call, claims)
	if err == nil && len(receipts) != len(claims) {
		err = fmt.Errorf("crm: the handler of %s effects answered %d of %d", j.Kind, len(receipts), len(claims))
	}
	lost := "the answer is lost"
	if err != nil && ctx.Err() == nil {
		j.logger().Warn("crm: a handler failed; whether its effects left is not known", "kind", j.Kind, "effects", len(claims), "err", err)
		lost += ": " + Clip(err.Error(), maxWord)
	}
	outcomes := make([]outcome, len(claims))
	for i, c := range claims {
		r := Receipt{ID: c.Effect.ID, Status: Uncertain, Reason: lost}
		if err == nil && receipts[i].ID == c.Effect.ID {
			if r = receipts[i]; r.failed != nil && ctx.Err() == nil {
				j.logger().Warn("crm: a handler failed; whether its effect left is not known", "kind", j.Kind, "effect", r.ID, "err", r.failed)
			}
			r.failed = nil
			r.After = max(0, r.After)
		} else if err == nil {
			r.Reason = "the answer is about another effect"
		}
		if c.doubt != nil {
			if r.Status == Throttled && c.doubt.Status == Uncertain {
				r = *c.doubt // not taken this time, but the first attempt may have arrived
			} else {
				stats.Resent++
			}
		}
		outcomes[i] = outcome{c, r}
	}
	return outcomes, err
}

func (j *job) callDo(ctx context.Context, claims []*Claim) (receipts []Receipt, err error) {
	defer Recover("send", &err)
	return j.Do(ctx, claims)
}

// Each returns a Do that carries out claims one by one. The zero Receipt without an
// error means that it is done; an error or a panic leaves the fate of its own effect
// alone unknown. What has not begun when the context ends comes again later.
func Each(do func(ctx context.Context, c *Claim) (Receipt, error)) func(context.Context, []*Claim) ([]Receipt, error) {
	one := func(ctx context.Context, c *Claim) (r Receipt, err error) {
		defer Recover("carry out", &err)
		return do(ctx, c)
	}
	return func(ctx context.Context, claims []*Claim) ([]Receipt, error) {
		out := make([]Receipt, len(claims))
		for i, c := range claims {
			var err error
			if ctx.Err() != nil {
				out[i] = Receipt{Status: Throttled, Unreached: true, Reason: "no time was left for it"}
			} else if out[i], err = one(ctx, c); err != nil {
				out[i] = Receipt{Status: Uncertain, Reason: Clip(err.Error(), maxWord), failed: err}
			} else if out[i].Status == "" {
				out[i].Status = Accepted
			}
			out[i].ID = c.Effect.ID
		}
		return out, nil
	}
}
