package messaging

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// resolve looks into claimed effects whose lease ended before an instant: the
// provider is asked where it can be, and a message of unknown fate is sent
// again under the same id where the provider recognises ids and the guard still
// lets it go. Everything else is left Unknown.
func (o *Outbox) resolve(ctx context.Context, now, before time.Time, states ...crm.EffectState) (Stats, error) {
	reconciler, _ := o.Sender.(Reconciler)
	var total Stats
	for _, state := range states {
		if some, err := o.waiting(ctx, state, before); err != nil || !some {
			if err != nil {
				return total, err
			}
			continue
		}
		claims, stats, err := o.reclaim(ctx, state, now, before)
		total.Add(stats)
		if err != nil || len(claims) == 0 {
			if err != nil {
				return total, err
			}
			continue
		}
		receipts, err := o.ask(ctx, reconciler, claims)
		if err != nil {
			return total, err
		}
		if err := o.sendAgain(ctx, claims, receipts, &total); err != nil {
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

// waiting reports, without a write transaction, whether there is anything to
// look into.
func (o *Outbox) waiting(ctx context.Context, state crm.EffectState, before time.Time) (some bool, err error) {
	err = o.Store.View(ctx, func(r crm.Reader) error {
		due, err := r.DueEffects(ctx, crm.DueQuery{Parts: o.Parts, State: state, Kinds: []crm.EffectKind{crm.EffectMessage}, Before: before, Limit: 1})
		some = len(due) > 0
		return err
	})
	if err != nil {
		err = fmt.Errorf("messaging: look for old claims: %w", err)
	}
	return some, err
}

// reclaim takes up to a batch of expired claims under a new lease, so that
// nobody else looks into them meanwhile. Where they might be sent again, their
// destinations are locked and the guard decides anew.
func (o *Outbox) reclaim(ctx context.Context, state crm.EffectState, now, before time.Time) ([]claim, Stats, error) {
	maySend := len(o.doubtful()) > 1
	var stats Stats
	var claims []claim
	err := o.Store.Update(ctx, func(tx crm.Tx) error {
		stats, claims = Stats{}, nil
		due, err := tx.DueEffects(ctx, crm.DueQuery{Parts: o.Parts, State: state,
			Kinds: []crm.EffectKind{crm.EffectMessage}, Before: before, Limit: o.batch()})
		if err != nil || len(due) == 0 {
			return err
		}
		stats.Due = len(due)
		if maySend {
			if claims, err = o.prepare(ctx, tx, due, now); err != nil {
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
			c.again = true
			e := c.effect
			e.State, e.To, e.Changed = crm.Sent, due[i].To, now
			e.Lease = crm.Micros(now.Add(o.patience(now.Sub(e.SentAt))))
			if c.verdict.Outcome == Send && c.message.To == due[i].To {
				e.Guards, e.Reasons = c.verdict.Reads, c.verdict.Reasons
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

// ask asks the provider about claims, in batches; without a reconciler, all
// stay uncertain.
func (o *Outbox) ask(ctx context.Context, r Reconciler, claims []claim) ([]Receipt, error) {
	out := make([]Receipt, len(claims))
	ids := make([]crm.EffectID, len(claims))
	for i := range claims {
		ids[i] = claims[i].effect.ID
		out[i] = Receipt{ID: ids[i], Status: Unknown, Reason: "sent before; the answer was lost"}
	}
	if r == nil {
		return out, nil
	}
	answers, err := r.Reconcile(ctx, ids)
	if err != nil {
		return out, ctx.Err() // the provider cannot tell now; the new lease decides when to ask again
	}
	for i := range answers {
		if i < len(out) && answers[i].ID == ids[i] {
			out[i] = answers[i]
			out[i].After = max(0, out[i].After)
		}
	}
	return out, nil
}

// sendAgain sends what the provider never received, and what is still uncertain
// to one that recognises ids, if the guard lets it go; then it records all
// answers.
func (o *Outbox) sendAgain(ctx context.Context, claims []claim, receipts []Receipt, stats *Stats) error {
	idem := isIdempotent(o.Sender)
	var messages []Message
	var which []int
	for i := range claims {
		r := &receipts[i]
		switch absent := r.Status == Throttled; {
		case !absent && (r.Status != Unknown || !idem):
		case claims[i].verdict.Outcome == Send:
			messages, which = append(messages, claims[i].message), append(which, i)
		case absent: // planned again: the guard's answer is written when it is claimed
			r.After = atOnce
		default:
			r.Reason += "; not sent again: " + refusal(claims[i].verdict)
		}
	}
	if len(messages) > 0 {
		again, _ := sendAll(ctx, o.Sender, messages) // an error is an uncertain receipt
		for k, i := range which {
			if again[k].Status == Throttled && receipts[i].Status == Unknown {
				continue // not taken this time, but the first attempt may have arrived
			}
			receipts[i] = again[k]
			stats.Resent++
		}
	}
	outcomes := make([]outcome, len(claims))
	for i := range claims {
		outcomes[i] = outcome{claims[i], receipts[i]}
	}
	if err := o.record(context.WithoutCancel(ctx), outcomes, stats); err != nil {
		return err
	}
	return ctx.Err()
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
