package crm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// GuardProvider is the Guard of the reason that records what the other side
// answered.
const GuardProvider = "provider"

// GuardTwice is the Guard of the reason that a provider took an effect twice:
// what must not happen, but cannot be undone. The audit of a record looks for it.
const GuardTwice = "provider-twice"

// record writes answers into claimed effects and returns the time of the leases'
// clock.
func (j *job) record(ctx context.Context, outcomes []outcome, stats *WorkStats) (at time.Time, err error) {
	if len(outcomes) == 0 {
		return at, nil
	}
	now := j.now()
	effects := make([]*Effect, len(outcomes))
	err = j.Store.Update(ctx, func(tx Tx) error {
		if at, err = j.clock(ctx, tx); err != nil {
			return err
		}
		for i := range outcomes {
			effects[i] = outcomes[i].Effect.Clone()
			j.answer(effects[i], outcomes[i].receipt, now, at)
		}
		return j.putAnswers(ctx, tx, effects)
	})
	for errors.Is(err, ErrConflict) {
		effects, at, err = j.recordChanged(ctx, outcomes, now)
	}
	if err != nil {
		return at, j.fault("record answers", err)
	}
	stats.Conflicts += len(outcomes) - len(effects)
	stats.count(effects)
	return at, nil
}

// recordChanged is record for effects of which some were changed by others: it
// reads them again, writes those that still are the claim of this run, and of
// the others what is certain.
func (j *job) recordChanged(ctx context.Context, outcomes []outcome, now time.Time) (written []*Effect, at time.Time, err error) {
	ids := make([]EffectID, len(outcomes))
	for i := range outcomes {
		ids[i] = outcomes[i].Effect.ID
	}
	err = j.Store.Update(ctx, func(tx Tx) error {
		written = nil
		stored, err := tx.Effects(ctx, ids...)
		if err != nil {
			return err
		}
		if at, err = j.clock(ctx, tx); err != nil {
			return err
		}
		for i, e := range stored {
			mine := outcomes[i].Effect
			switch {
			case e == nil:
			case e.Rev == mine.Rev && e.State == Sent:
				c := e.Clone()
				j.answer(c, outcomes[i].receipt, now, at)
				written = append(written, c)
			default:
				if c := j.certain(e, mine, outcomes[i].receipt, now, at); c != nil {
					written = append(written, c)
				}
			}
		}
		return j.putAnswers(ctx, tx, written)
	})
	return written, at, err
}

// putAnswers writes effects that were answered, and by which ids the other side
// knows them, and tells their handlers.
func (w *Worker) putAnswers(ctx context.Context, tx Tx, effects []*Effect) (err error) {
	if err := putAnswers(ctx, tx, effects); err != nil {
		return err
	}
	defer Recover("record answers", &err)
	for i := range w.Handlers {
		h := &w.Handlers[i]
		if h.Answered == nil {
			continue
		}
		mine := slices.DeleteFunc(slices.Clone(effects), func(e *Effect) bool { return e.Kind != h.Kind })
		if len(mine) == 0 {
			continue
		}
		if err := h.Answered(ctx, tx, mine); err != nil {
			return err
		}
	}
	return nil
}

// putAnswers writes effects that were answered, and by which ids the other side
// knows them.
func putAnswers(ctx context.Context, tx Tx, effects []*Effect) error {
	if len(effects) == 0 {
		return nil
	}
	if err := tx.UpdateEffects(ctx, effects...); err != nil {
		return err
	}
	var refs []Ref
	for _, e := range effects {
		if e.Provider != "" {
			refs = append(refs, e.ProviderRefs()...)
		}
	}
	if len(refs) == 0 {
		return nil
	}
	return tx.PutRefs(ctx, refs...)
}

// certain returns an effect that others have changed since it was claimed, or
// whose claim is not known, with a definite answer in it, or nil where the answer
// changes nothing. Accepted is what happened, whatever was made of the effect
// meanwhile; Declined is taken for one of unknown fate.
func (j *job) certain(e, mine *Effect, r Receipt, now, at time.Time) *Effect {
	c := e.Clone()
	switch {
	case r.Status == Accepted && e.State == Done:
		if r.Provider == "" || e.Provider == "" || e.bears(r.Provider) {
			return nil
		}
		twice := Reason{Guard: GuardTwice, Note: string(Accepted) + " as " + Clip(r.Provider, maxWord)}
		if slices.Contains(e.Reasons, twice) {
			return nil
		}
		c.Changed, c.Reasons = now, append(c.Reasons, twice)
		return c
	case r.Status == Accepted && e.State != HeldOut:
		if c.SentAt.IsZero() {
			if mine == nil {
				return nil // it was never claimed
			}
			c.SentAt, c.To, c.Via, c.Guards = mine.SentAt, mine.To, mine.Via, mine.Guards
		}
	case r.Status == Declined && e.State == Unknown:
	default:
		return nil
	}
	j.answer(c, r, now, at)
	return c
}

// Receive records answers that come outside of Do, such as delivery reports: Accepted
// and Declined settle what became of an effect whose answer was lost. A receipt
// without an ID is about the effect that bears its Provider. Receipts about settled
// effects change nothing and count as WorkStats.Conflicts, those about no known effect
// as Unmatched, and Throttled and Uncertain as Undecided. A Status that is none of the
// four is ErrInvalid: the error names each such receipt, and the others are recorded.
func (w *Worker) Receive(ctx context.Context, receipts ...Receipt) (WorkStats, error) {
	var total WorkStats
	if err := w.check(); err != nil {
		return total, err
	}
	var faults []error
	told := make([]Receipt, 0, len(receipts))
	for i, r := range receipts {
		if err := r.Status.Validate(); err != nil {
			faults = append(faults, invalid("receive", fmt.Sprintf("receipt %d", i), cmp.Or(string(r.ID), Clip(r.Provider, maxWord)), err))
			continue
		}
		told = append(told, r)
	}
	for chunk := range slices.Chunk(told, w.batch()) {
		got, err := w.receive(ctx, chunk)
		total.Add(got)
		if err != nil {
			return total, errors.Join(append(faults, err)...)
		}
	}
	return total, errors.Join(faults...)
}

func (w *Worker) receive(ctx context.Context, receipts []Receipt) (WorkStats, error) {
	now := w.now()
	var written []*Effect
	var stats WorkStats
	err := ErrConflict
	for errors.Is(err, ErrConflict) {
		err = w.Store.Update(ctx, func(tx Tx) error {
			written, stats = nil, WorkStats{}
			ids, err := w.named(ctx, tx, receipts)
			if err != nil {
				return err
			}
			stored, err := tx.Effects(ctx, ids...)
			if err != nil {
				return err
			}
			at, err := w.clock(ctx, tx)
			if err != nil {
				return err
			}
			seen := make(map[EffectID]bool, len(ids))
			for i, e := range stored {
				r, h := receipts[i], -1
				if e != nil {
					h = slices.IndexFunc(w.Handlers, func(h EffectHandler) bool { return h.Kind == e.Kind && h.Do != nil })
				}
				switch {
				case h < 0:
					stats.Unmatched++
					continue
				case r.Status == Throttled || r.Status == Uncertain:
					stats.Undecided++
					continue
				case seen[e.ID] || r.Status == Declined && e.State == Sent:
					continue // of a claim the own answer of Do is awaited
				}
				if c := w.job(&w.Handlers[h]).certain(e, nil, r, now, at); c != nil {
					seen[e.ID] = true
					written = append(written, c)
				}
			}
			return w.putAnswers(ctx, tx, written)
		})
	}
	if err != nil {
		return WorkStats{}, fmt.Errorf("crm: record receipts: %w", err)
	}
	stats.Conflicts = len(receipts) - len(written) - stats.Unmatched - stats.Undecided
	stats.count(written)
	return stats, nil
}

// named returns the effect that each receipt is about, "" where that is not known.
func (w *Worker) named(ctx context.Context, r Reader, receipts []Receipt) ([]EffectID, error) {
	ids := make([]EffectID, len(receipts))
	var keys []string
	var of []int
	for i, x := range receipts {
		if ids[i] = x.ID; x.ID != "" || x.Provider == "" {
			continue
		}
		for _, h := range w.Handlers {
			id, _, _ := strings.Cut(x.Provider, " ")
			keys, of = append(keys, ProviderKey(h.Kind, id)), append(of, i)
		}
	}
	if len(keys) == 0 {
		return ids, nil
	}
	found, err := r.Refs(ctx, RefProvider, 2, keys...)
	if err != nil {
		return nil, err
	}
	many := make([]int, len(receipts))
	for n, refs := range found {
		i := of[n]
		if many[i] += len(refs); len(refs) > 0 {
			ids[i] = EffectID(refs[0].Target)
		}
	}
	for i, n := range many {
		if n > 1 {
			ids[i] = ""
		}
	}
	return ids, nil
}

// answer writes one receipt into an effect that is Sent. Attempts counts how often
// the answer was "not now": neither claims nor lost answers use up an effect's
// attempts, however often a process is killed. An effect that was not taken was not
// sent: it bears no time of sending any more.
func (j *job) answer(e *Effect, r Receipt, now, at time.Time) {
	e.Changed = now
	why := Reason{Guard: GuardProvider, Note: string(r.Status)}
	if j.Do == nil {
		why.Guard = string(j.Kind)
	}
	if r.Reason != "" {
		why.Note += ": " + Clip(r.Reason, maxWord)
	}
	if r.Provider != "" && r.Status != Throttled {
		e.Provider = clipProvider(r.Provider)
	}
	switch r.Status {
	case Accepted:
		e.State, e.Lease, why.Pass = Done, time.Time{}, true
	case Declined:
		e.State, e.Lease = Failed, time.Time{}
	case Throttled:
		e.State, e.Lease, e.SentAt, e.Guards = Planned, time.Time{}, time.Time{}, nil
		if r.After == atOnce {
			break
		}
		if r.Unreached {
			e.Due = Micros(now.Add(max(r.After, j.lease())))
			break
		}
		e.Attempts++
		wait := max(time.Microsecond, r.After) // what is due at this instant would come again in the same run
		if r.After == 0 {
			wait = j.backoff(e.Attempts)
		}
		e.Due = Micros(now.Add(wait))
		if e.Attempts >= j.attempts() {
			e.State = Failed
			why.Note += fmt.Sprintf("; given up after %d attempts", e.Attempts)
		}
	default:
		since := unknownSince(e.Guards)
		if since.IsZero() {
			since = at
			e.Guards = append(e.Guards, GuardRead{Record: recordUnknown, Version: at.UnixMicro()})
		}
		e.State, e.Lease = Unknown, Micros(at.Add(j.patience(at.Sub(since))))
	}
	// The guard may share its reasons. Of the answers the last one counts, however
	// often it was asked.
	e.Reasons = append(slices.DeleteFunc(slices.Clone(e.Reasons), func(r Reason) bool { return r.Guard == why.Guard }), why)
}

// recordUnknown is the GuardRead.Record of when the fate of an effect was found to
// be unknown, in microseconds of the leases' clock: SentAt is of a process's own.
const recordUnknown = "unknown-since"

func unknownSince(guards []GuardRead) time.Time {
	for _, g := range guards {
		if g.Record == recordUnknown {
			return time.UnixMicro(g.Version)
		}
	}
	return time.Time{}
}

func (j *job) attempts() int {
	switch {
	case j.MaxAttempts < 0:
		return int(^uint(0) >> 1)
	case j.MaxAttempts == 0:
		return 10
	}
	return j.MaxAttempts
}

// backoff is how long to leave an effect alone: 30 s, 1, 2, 4 … minutes, at most an
// hour, or what the handler says, at least a microsecond.
func (j *job) backoff(attempts int) time.Duration {
	if j.Backoff != nil {
		return max(time.Microsecond, j.Backoff(attempts))
	}
	return min(time.Hour, 30*time.Second<<min(max(attempts-1, 0), 8))
}

// patience is how long an unknown fate is left alone: the lease, and twice as
// long each time it was looked into, up to a day or the lease, whichever is
// longer. Age is how long it has been unknown.
func (j *job) patience(age time.Duration) time.Duration {
	l := j.lease()
	return max(l, min(24*time.Hour, l+age))
}
