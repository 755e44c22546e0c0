package messaging

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// resolve looks into claimed effects whose lease has ended, or all of them: the
// provider is asked where it can be, and a message of unknown fate is sent
// again under the same id where the provider recognises ids and the guard still
// lets it go. Everything else is left Unknown.
func (o *Outbox) resolve(ctx context.Context, now time.Time, all bool, states ...crm.EffectState) (Stats, error) {
	reconciler, _ := o.Sender.(Reconciler)
	var total Stats
	for _, state := range states {
		if some, err := o.waiting(ctx, state, all); err != nil || !some {
			if err != nil {
				return total, err
			}
			continue
		}
		claims, stats, err := o.reclaim(ctx, state, now, all)
		total.Add(stats)
		if err != nil || len(claims) == 0 {
			if err != nil {
				return total, err
			}
			continue
		}
		if err := o.ask(ctx, reconciler, claims); err != nil {
			return total, err
		}
		if err := o.sendAgain(ctx, claims, &total); err != nil {
			return total, err
		}
	}
	return total, nil
}

// doubtful returns the states of effects whose fate can still be learned: of an
// unknown one only from a provider that can be asked or recognises ids.
func (o *Outbox) doubtful() []crm.EffectState {
	if _, asks := o.Sender.(Reconciler); asks || isIdempotent(o.Sender) {
		return []crm.EffectState{crm.Sent, crm.Unknown}
	}
	return []crm.EffectState{crm.Sent}
}

// lapsed returns claims whose lease has ended, or all claims.
func (o *Outbox) lapsed(ctx context.Context, r crm.Reader, state crm.EffectState, all bool, limit int) ([]*crm.Effect, time.Time, error) {
	now, err := o.clock(ctx, r)
	if err != nil {
		return nil, now, err
	}
	before := now
	if all {
		before = now.AddDate(1000, 0, 0)
	}
	due, err := r.DueEffects(ctx, crm.DueQuery{Parts: o.Parts, State: state, Kinds: []crm.EffectKind{crm.EffectMessage}, Before: before, Limit: limit})
	return due, now, err
}

// waiting reports, without a write transaction, whether there is anything to
// look into.
func (o *Outbox) waiting(ctx context.Context, state crm.EffectState, all bool) (some bool, err error) {
	err = o.Store.View(ctx, func(r crm.Reader) error {
		due, _, err := o.lapsed(ctx, r, state, all, 1)
		some = len(due) > 0
		return err
	})
	if err != nil {
		err = fmt.Errorf("messaging: look for old claims: %w", err)
	}
	return some, err
}

// reclaim takes expired claims under a new lease, so that no other process looks into
// them meanwhile. Where they might be sent again, their destinations are locked
// and the guard decides anew.
func (o *Outbox) reclaim(ctx context.Context, state crm.EffectState, now time.Time, all bool) ([]claim, Stats, error) {
	maySend := len(o.doubtful()) > 1
	var stats Stats
	var claims []claim
	err := o.Store.Update(ctx, func(tx crm.Tx) error {
		stats, claims = Stats{}, nil
		due, at, err := o.lapsed(ctx, tx, state, all, o.pace.claims(o.batch()))
		if err != nil || len(due) == 0 {
			return err
		}
		stats.Due = len(due)
		if maySend {
			if claims, err = o.prepare(ctx, tx, due); err != nil {
				return err
			}
			if at, err = o.clock(ctx, tx); err != nil { // locks may have taken a while
				return err
			}
		} else {
			claims = make([]claim, len(due))
			for i, e := range due {
				claims[i].effect = e.Clone()
			}
		}
		changed := make([]*crm.Effect, len(claims))
		for i := range claims {
			c := &claims[i]
			e := c.effect
			e.State, e.To, e.Changed = crm.Sent, due[i].To, now
			e.Lease = crm.Micros(at.Add(o.lease()))
			if c.verdict.Outcome == Send && c.message.To == due[i].To {
				reads := slices.Clone(c.verdict.Reads)
				if since := unknownSince(e.Guards); !since.IsZero() {
					reads = append(reads, crm.GuardRead{Record: recordUnknown, Version: since.UnixMicro()})
				}
				e.Guards, e.Reasons = reads, c.verdict.Reasons
				o.address(c)
			} else if c.verdict.Outcome == Send { // it would go elsewhere now
				c.verdict.Outcome = Withhold
			}
			changed[i] = e
		}
		return tx.UpdateEffects(ctx, changed...)
	})
	if errors.Is(err, crm.ErrConflict) {
		return nil, Stats{Due: stats.Due, Conflicts: stats.Due}, nil
	}
	if err != nil {
		return nil, Stats{}, fmt.Errorf("messaging: look into old claims: %w", err)
	}
	return claims, stats, nil
}

// ask asks the provider about claims and sets their doubt; without a reconciler,
// all stay uncertain.
func (o *Outbox) ask(ctx context.Context, r Reconciler, claims []claim) error {
	ids := make([]crm.EffectID, len(claims))
	for i := range claims {
		ids[i] = claims[i].effect.ID
		claims[i].doubt = &Receipt{ID: ids[i], Status: Unknown, Reason: "sent before; the answer was lost"}
	}
	if r == nil {
		return nil
	}
	call, cancel := context.WithTimeout(ctx, o.lease()/2)
	defer cancel()
	answers, err := callReconciler(call, r, ids)
	if err != nil {
		return ctx.Err() // the provider cannot tell now; the new lease decides when to ask again
	}
	for i := range answers {
		if i < len(claims) && answers[i].ID == ids[i] {
			answers[i].After = max(0, answers[i].After)
			claims[i].doubt = &answers[i]
		}
	}
	return nil
}

// sendAgain records what the provider knows and sends what it never received,
// and what is still uncertain to one that recognises ids, if the guard lets it
// go.
func (o *Outbox) sendAgain(ctx context.Context, claims []claim, stats *Stats) error {
	idem := isIdempotent(o.Sender)
	var again []claim
	var settled []outcome
	for _, c := range claims {
		r := *c.doubt
		switch absent := r.Status == Throttled; {
		case !absent && (r.Status != Unknown || !idem):
		case c.verdict.Outcome == Send:
			again = append(again, c)
			continue
		case absent: // planned again: the guard's answer is written when it is claimed
			r.After = atOnce
		default:
			r.Reason += "; not sent again: " + refusal(c.verdict)
		}
		settled = append(settled, outcome{c, r})
	}
	if _, err := o.record(context.WithoutCancel(ctx), settled, stats); err != nil {
		return err
	}
	var err error
	*stats, err = o.deliver(ctx, again, *stats)
	if err == nil {
		err = ctx.Err()
	}
	return err
}

// refusal says in few words why a guard does not let an effect go now.
func refusal(d Decision) string {
	if d.Guard != "" {
		return d.Guard
	}
	if d.Outcome == Withhold {
		return "it would go to another address"
	}
	return string(d.Outcome)
}
