package messaging

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// outcome is a claim and what the provider said about it.
type outcome struct {
	claim
	receipt Receipt
}

// deliver hands claimed messages to the sender and records the answers.
func (o *Outbox) deliver(ctx context.Context, claims []claim, stats Stats) (Stats, error) {
	if len(claims) == 0 {
		return stats, nil
	}
	messages := make([]Message, len(claims))
	for i := range claims {
		messages[i] = claims[i].message
	}
	receipts, sendErr := sendAll(ctx, o.Sender, messages)
	outcomes := make([]outcome, len(claims))
	for i := range claims {
		outcomes[i] = outcome{claims[i], receipts[i]}
	}
	// What the provider said must be kept even if the host is told to stop.
	err := o.record(context.WithoutCancel(ctx), outcomes, &stats)
	if err == nil && ctx.Err() != nil {
		err = errors.Join(ctx.Err(), sendErr)
	}
	return stats, err
}

// atOnce is the Receipt.After of a message that is due as it was before: it was
// never handed to the provider.
const atOnce time.Duration = -1

// sendAll sends in batches that the sender takes. It returns one receipt per
// message, Unknown where the sender returned an error or broke its contract,
// and Throttled for batches that were not begun because ctx had ended.
func sendAll(ctx context.Context, s Sender, messages []Message) ([]Receipt, error) {
	limit := len(messages)
	if l, ok := s.(BatchLimiter); ok && l.MaxBatch() > 0 {
		limit = min(limit, l.MaxBatch())
	}
	var faults []error
	out := make([]Receipt, 0, len(messages))
	for len(messages) > 0 {
		n := min(limit, len(messages))
		part := messages[:n]
		messages = messages[n:]
		if ctx.Err() != nil {
			for _, m := range part {
				out = append(out, Receipt{ID: m.ID, Status: Throttled, Reason: "stopped before it was sent", After: atOnce})
			}
			continue
		}
		receipts, err := s.Send(ctx, part)
		if err == nil && len(receipts) != len(part) {
			err = fmt.Errorf("messaging: the sender answered %d of %d messages", len(receipts), len(part))
		}
		if err != nil {
			faults = append(faults, err)
		}
		for i, m := range part {
			r := Receipt{ID: m.ID, Status: Unknown, Reason: "the sender's answer is lost"}
			if err == nil && receipts[i].ID == m.ID {
				r = receipts[i]
				r.After = max(0, r.After)
			} else if err == nil {
				r.Reason = "the sender answered about another message"
			}
			out = append(out, r)
		}
	}
	return out, errors.Join(faults...)
}

// record writes the provider's answers into claimed effects. Where somebody
// else has changed one meanwhile, only the untouched ones are written.
func (o *Outbox) record(ctx context.Context, outcomes []outcome, stats *Stats) error {
	now := o.now()
	effects := make([]*crm.Effect, len(outcomes))
	leases := make([]time.Time, len(outcomes)) // which tell this claim from a later one
	for i := range outcomes {
		effects[i], leases[i] = outcomes[i].effect, outcomes[i].effect.Lease
		o.answer(effects[i], outcomes[i].receipt, now)
	}
	err := o.Store.Update(ctx, func(tx crm.Tx) error { return tx.UpdateEffects(ctx, effects...) })
	if errors.Is(err, crm.ErrConflict) {
		effects, err = o.recordUntouched(ctx, outcomes, leases, now)
	}
	if err != nil {
		return fmt.Errorf("messaging: record answers: %w", err)
	}
	stats.Conflicts += len(outcomes) - len(effects)
	for _, e := range effects {
		switch e.State {
		case crm.Done:
			stats.Done++
		case crm.Failed:
			stats.Failed++
		case crm.Planned:
			stats.Throttled++
		case crm.Unknown:
			stats.Unknown++
		}
	}
	return nil
}

// recordUntouched is record for effects of which some were changed by others:
// it reads them again and writes those that still are the claim of this run.
func (o *Outbox) recordUntouched(ctx context.Context, outcomes []outcome, leases []time.Time, now time.Time) (written []*crm.Effect, err error) {
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
		for i, e := range stored {
			if e == nil || e.State != crm.Sent || !e.Lease.Equal(leases[i]) {
				continue
			}
			c := e.Clone()
			o.answer(c, outcomes[i].receipt, now)
			written = append(written, c)
		}
		if len(written) == 0 {
			return nil
		}
		return tx.UpdateEffects(ctx, written...)
	})
	return written, err
}

// answer writes one receipt into an effect that is crm.Sent. Attempts counts
// how often the provider said "not now": neither claims nor lost answers use
// up an effect's attempts, however often a process is killed.
func (o *Outbox) answer(e *crm.Effect, r Receipt, now time.Time) {
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
		e.State, e.Lease = crm.Planned, time.Time{}
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
		e.State, e.Lease = crm.Unknown, crm.Micros(now.Add(o.patience(now.Sub(e.SentAt))))
	}
	// The guard may share its reasons. Of the provider's answers the last one
	// counts, however often it was asked.
	e.Reasons = append(slices.DeleteFunc(slices.Clone(e.Reasons), func(r crm.Reason) bool { return r.Guard == GuardProvider }), why)
}

// backoff is how long to leave a throttling provider alone: 30 s, 1, 2, 4 …
// minutes, at most an hour.
func backoff(attempts int) time.Duration {
	return min(time.Hour, 30*time.Second<<min(max(attempts-1, 0), 8))
}

// patience is how long an unknown fate is left alone: the lease, and twice as
// long each time it was looked into, up to a day or the lease, whichever is
// longer. Age is how long ago the message was claimed.
func (o *Outbox) patience(age time.Duration) time.Duration {
	l := o.lease()
	return max(l, min(24*time.Hour, l+age))
}
