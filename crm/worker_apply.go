package crm

import (
	"context"
	"fmt"
	"time"
)

// apply carries out one batch of effects within the record.
func (j *job) apply(ctx context.Context, now time.Time) (WorkStats, error) {
	if j.MaxBatch <= 0 || j.MaxBatch >= j.batch() {
		return j.applyAll(ctx, now, nil)
	}
	// Found once, for many small transactions.
	var due []*Effect
	err := j.Store.View(ctx, func(r Reader) (err error) {
		due, err = j.due(ctx, r, now, j.batch())
		return err
	})
	if err != nil {
		return WorkStats{}, j.fault("find", err)
	}
	var total WorkStats
	for len(due) > 0 {
		n := min(j.MaxBatch, len(due))
		s, err := j.applyAll(ctx, now, due[:n])
		total.Add(s)
		if err != nil {
			return total, err
		}
		due = due[n:]
	}
	return total, nil
}

// applyAll carries out effects in one transaction: those given as they were
// found, nil: a batch of what is due. Where the handler fails, each is tried alone.
func (j *job) applyAll(ctx context.Context, now time.Time, found []*Effect) (WorkStats, error) {
	var stats WorkStats
	var tried []*Effect
	var broke error // of the handler, not of the store
	err := j.Retry.Update(ctx, j.Store, func(tx Tx) error {
		stats, broke = WorkStats{}, nil
		var err error
		if tried, err = j.current(ctx, tx, now, found); err != nil {
			return err
		}
		stats.Due = max(len(tried), len(found))
		stats.Conflicts = stats.Due - len(tried)
		if len(tried) == 0 {
			return nil
		}
		claims, err := j.checked(ctx, tx, tried, now)
		if err != nil {
			return err
		}
		changed := make([]*Effect, len(claims))
		var going []*Claim
		for i, c := range claims {
			goes, err := decide(c, now, &stats)
			if err != nil {
				return err
			}
			if changed[i] = c.Effect; goes {
				going = append(going, c)
			}
		}
		if broke = j.applyThese(ctx, tx, going, now, &stats); broke != nil {
			return broke
		}
		return putAnswers(ctx, tx, changed)
	})
	switch {
	case err == nil:
		return stats, nil
	case broke == nil, j.Strict:
		return WorkStats{}, j.fault("carry out", err)
	case ctx.Err() != nil:
		return WorkStats{}, ctx.Err()
	case len(tried) == 1:
		return j.setBack(ctx, tried[0], broke, now)
	}
	var total WorkStats
	for i := range tried {
		s, err := j.applyAll(ctx, now, tried[i:i+1])
		total.Add(s)
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// current returns what is due, or of effects that were found those that no other worker has
// changed since.
func (j *job) current(ctx context.Context, tx Tx, now time.Time, found []*Effect) ([]*Effect, error) {
	if found == nil {
		return j.due(ctx, tx, now, j.batch())
	}
	ids := make([]EffectID, len(found))
	for i, e := range found {
		ids[i] = e.ID
	}
	stored, err := tx.Effects(ctx, ids...)
	if err != nil {
		return nil, err
	}
	var out []*Effect
	for i, e := range stored {
		if e != nil && e.Rev == found[i].Rev {
			out = append(out, e)
		}
	}
	return out, nil
}

// applyThese calls Apply and writes its answers into the effects.
func (j *job) applyThese(ctx context.Context, tx Tx, going []*Claim, now time.Time, stats *WorkStats) error {
	if len(going) == 0 {
		return nil
	}
	receipts, err := j.callApply(ctx, tx, going)
	if err != nil {
		return err
	}
	if receipts != nil && len(receipts) != len(going) {
		return fmt.Errorf("the handler answered %d of %d effects", len(receipts), len(going))
	}
	effects := make([]*Effect, len(going))
	for i, c := range going {
		effects[i] = c.Effect
		r := Receipt{Status: Accepted}
		if receipts != nil {
			r = receipts[i]
			r.After = max(0, r.After)
		}
		switch r.Status {
		case Accepted: // the record itself says what was done
			c.Effect.State, c.Effect.Lease, c.Effect.Provider = Done, time.Time{}, clipProvider(r.Provider)
		case Declined, Throttled:
			j.answer(c.Effect, r, now, now)
		default:
			return fmt.Errorf("the handler answered %q; what is done in a transaction cannot be uncertain", r.Status)
		}
	}
	stats.count(effects)
	return nil
}

func (j *job) callApply(ctx context.Context, tx Tx, claims []*Claim) (receipts []Receipt, err error) {
	defer Recover("apply", &err)
	return j.Apply(ctx, tx, claims)
}

// setBack records that an effect failed: it is tried again later, up to
// MaxAttempts.
func (j *job) setBack(ctx context.Context, failed *Effect, why error, now time.Time) (WorkStats, error) {
	j.logger().Warn("crm: an effect failed and is tried again later", "kind", j.Kind, "effect", failed.ID, "err", why)
	var stats WorkStats
	err := j.Retry.Update(ctx, j.Store, func(tx Tx) error {
		stats = WorkStats{Due: 1, Conflicts: 1}
		stored, err := j.current(ctx, tx, now, []*Effect{failed})
		if err != nil || len(stored) == 0 {
			return err
		}
		e := stored[0].Clone()
		e.Changed, e.Attempts = now, e.Attempts+1
		e.Due = Micros(now.Add(j.backoff(e.Attempts)))
		note := "it failed and is tried again: "
		if e.Attempts >= j.attempts() {
			e.State, note = Failed, fmt.Sprintf("given up after %d attempts: ", e.Attempts)
		}
		e.Reasons = []Reason{{Guard: string(j.Kind), Note: note + Clip(why.Error(), maxNote)}}
		stats.Conflicts = 0
		if e.State == Failed {
			stats.Failed = 1
		} else {
			stats.Throttled = 1
		}
		return tx.UpdateEffects(ctx, e)
	})
	if err != nil {
		return WorkStats{}, j.fault("record a failure", err)
	}
	return stats, nil
}
