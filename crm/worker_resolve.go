package crm

import (
	"context"
	"errors"
	"slices"
	"time"
)

// resolve looks into claimed effects whose lease has ended, or all of them: the
// other side is asked where it can be, and an effect of unknown fate is handed over
// again under the same id where ids are recognised and Check still lets it go.
// Everything else is left Unknown.
func (j *job) resolve(ctx context.Context, now time.Time, all bool, states ...EffectState) (WorkStats, error) {
	var total WorkStats
	for _, state := range states {
		if some, err := j.waiting(ctx, state, all); err != nil || !some {
			if err != nil {
				return total, err
			}
			continue
		}
		claims, stats, err := j.reclaim(ctx, state, now, all)
		total.Add(stats)
		if err != nil || len(claims) == 0 {
			if err != nil {
				return total, err
			}
			continue
		}
		if err := j.ask(ctx, claims); err != nil {
			return total, err
		}
		if err := j.sendAgain(ctx, claims, &total); err != nil {
			return total, err
		}
	}
	return total, nil
}

// doubtful returns the states of effects whose fate can still be learned: of an
// unknown one only from a side that can be asked or recognises ids.
func (j *job) doubtful() []EffectState {
	if j.Ask != nil || j.Idempotent {
		return []EffectState{Sent, Unknown}
	}
	return []EffectState{Sent}
}

// lapsed returns claims whose lease has ended, or all claims.
func (j *job) lapsed(ctx context.Context, r Reader, state EffectState, all bool, limit int) ([]*Effect, time.Time, error) {
	now, err := j.clock(ctx, r)
	if err != nil {
		return nil, now, err
	}
	before := now
	if all {
		before = now.AddDate(1000, 0, 0)
	}
	due, err := r.DueEffects(ctx, DueQuery{Parts: j.Parts, State: state, Kinds: []EffectKind{j.Kind}, Before: before, Limit: limit})
	return due, now, err
}

// waiting reports, without a write transaction, whether there is anything to
// look into.
func (j *job) waiting(ctx context.Context, state EffectState, all bool) (some bool, err error) {
	err = j.Store.View(ctx, func(r Reader) error {
		due, _, err := j.lapsed(ctx, r, state, all, 1)
		some = len(due) > 0
		return err
	})
	if err != nil {
		err = j.fault("look for old claims", err)
	}
	return some, err
}

// reclaim takes expired claims under a new lease, so that no other process looks into
// them meanwhile. Where they might be handed over again, Check decides anew.
func (j *job) reclaim(ctx context.Context, state EffectState, now time.Time, all bool) ([]*Claim, WorkStats, error) {
	maySend := len(j.doubtful()) > 1
	var stats WorkStats
	var claims []*Claim
	err := j.Store.Update(ctx, func(tx Tx) error {
		stats, claims = WorkStats{}, nil
		due, at, err := j.lapsed(ctx, tx, state, all, j.pace.claims(j.batch()))
		if err != nil || len(due) == 0 {
			return err
		}
		stats.Due = len(due)
		if maySend {
			if claims, err = j.checked(ctx, tx, due, now); err != nil {
				return err
			}
			if at, err = j.clock(ctx, tx); err != nil { // locks may have taken a while
				return err
			}
		} else {
			claims = make([]*Claim, len(due))
			for i, e := range due {
				claims[i] = &Claim{Effect: e.Clone(), At: now}
			}
		}
		changed := make([]*Effect, len(claims))
		for i, c := range claims {
			e, d := c.Effect, &c.Decision
			elsewhere := e.To != due[i].To
			e.State, e.To, e.Changed = Sent, due[i].To, now
			e.Lease = Micros(at.Add(j.lease()))
			if d.goes() && elsewhere {
				d.State = Withheld
			} else if d.goes() && maySend {
				reads := slices.Clone(d.Reads)
				if since := unknownSince(e.Guards); !since.IsZero() {
					reads = append(reads, GuardRead{Record: recordUnknown, Version: since.UnixMicro()})
				}
				e.Guards = reads
				if d.Reasons != nil {
					e.Reasons = d.Reasons
				}
			}
			changed[i] = e
		}
		return tx.UpdateEffects(ctx, changed...)
	})
	if errors.Is(err, ErrConflict) {
		return nil, WorkStats{Due: stats.Due, Conflicts: stats.Due}, nil
	}
	if err != nil {
		return nil, WorkStats{}, j.fault("look into old claims", err)
	}
	return claims, stats, nil
}

// ask asks the other side about claims and sets their doubt; where it cannot be
// asked, all stay uncertain.
func (j *job) ask(ctx context.Context, claims []*Claim) error {
	for _, c := range claims {
		c.doubt = &Receipt{ID: c.Effect.ID, Status: Uncertain, Reason: "sent before; the answer was lost"}
		if waitingClaim(c.Effect) {
			c.doubt = &Receipt{ID: c.Effect.ID, Status: Throttled, Reason: "its process ended before it was handed over", After: atOnce}
		}
	}
	if j.Ask == nil {
		return nil
	}
	call, cancel := context.WithTimeout(ctx, j.lease()/2)
	defer cancel()
	answers, err := j.callAsk(call, claims)
	if err != nil {
		return ctx.Err() // it cannot tell now; the new lease decides when to ask again
	}
	for i := range answers {
		if i < len(claims) && answers[i].ID == claims[i].Effect.ID {
			answers[i].After = max(0, answers[i].After)
			claims[i].doubt = &answers[i]
		}
	}
	return nil
}

func (j *job) callAsk(ctx context.Context, claims []*Claim) (receipts []Receipt, err error) {
	defer Recover("reconcile", &err)
	return j.Ask(ctx, claims)
}

// sendAgain records what the other side knows and hands over what it never
// received, and what is still uncertain to one that recognises ids, if Check lets it
// go.
func (j *job) sendAgain(ctx context.Context, claims []*Claim, stats *WorkStats) error {
	var again []*Claim
	var settled []outcome
	for _, c := range claims {
		r := *c.doubt
		switch absent := r.Status == Throttled; {
		case r.After == atOnce: // never handed over: planned again
		case !absent && (r.Status != Uncertain || !j.Idempotent):
		case c.Decision.goes():
			again = append(again, c)
			continue
		case absent: // planned again: what Check says is written when it is claimed
			r.After = atOnce
		default:
			r.Reason += "; not sent again: " + c.Decision.refusal()
		}
		settled = append(settled, outcome{c, r})
	}
	if _, err := j.record(context.WithoutCancel(ctx), settled, stats); err != nil {
		return err
	}
	var err error
	*stats, err = j.deliver(ctx, again, *stats)
	if err == nil {
		err = ctx.Err()
	}
	return err
}

// refusal says in few words why an effect does not go now.
func (d *Decision) refusal() string {
	if d.Guard != "" {
		return d.Guard
	}
	if d.State == Withheld {
		return "it would go to another address"
	}
	return string(d.State)
}
