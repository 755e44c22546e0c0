package crm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// EffectHandler says how effects of one kind are carried out. Kind and one of Apply
// and Do must be set.
type EffectHandler struct {
	Kind EffectKind

	// Check has the last word about effects that are due, in the transaction that
	// claims them or carries them out: it fills Decision, To and Work of each claim and
	// takes the locks that keep what it read as it is until the commit. It is asked
	// again about an effect that was claimed before and may be handed over once more.
	// An error stops the batch before anything was claimed. Nil lets everything go.
	Check func(ctx context.Context, tx Tx, claims []*Claim) error

	// Apply carries out effects within the record itself, in the transaction that
	// marks them done: exactly once. It returns one receipt per claim in their order;
	// a nil slice accepts all. An error or a panic takes back what was written and
	// fails its own effect alone: the others of its batch are tried one by one.
	Apply func(ctx context.Context, tx Tx, claims []*Claim) ([]Receipt, error)
	// Strict says that all errors of Apply are those of the store: they end the run and
	// leave the effects due as they were.
	Strict bool

	// Do carries out effects in the world, outside of any transaction, under the lease
	// of the claims: at least once, each under its own id. It returns one receipt per
	// claim in their order. An error or a panic leaves the fate of each claim of the
	// call unknown. It is called from several goroutines at once.
	Do func(ctx context.Context, claims []*Claim) ([]Receipt, error)
	// Recall reports which claims are not to be handed over after all: it is asked about all
	// of a run that have not left, before each call of Do, in the transaction that looks at
	// their leases. They are given back, due as they were, and Check decides about them
	// anew: it must say no then, or they come again at once. Nil recalls none.
	Recall func(ctx context.Context, r Reader, claims []*Claim) ([]bool, error)
	// Answered is called in each transaction that records what became of claims, with the
	// effects as they are recorded: Done, Failed, Unknown, or Planned of those that come
	// again. Its error takes the transaction back and ends the run. Nil does nothing. What a
	// person settles (Service.SettleEffect) does not come here.
	Answered func(ctx context.Context, tx Tx, effects []*Effect) error
	// Ask asks the other side what became of effects, and returns one receipt per
	// claim in their order. Throttled stands for one that it certainly never received.
	// Nil where it cannot be asked.
	Ask func(ctx context.Context, claims []*Claim) ([]Receipt, error)
	// Idempotent says that the other side recognises an id that it has seen. Only then
	// is an effect of unknown fate handed over again.
	Idempotent bool

	// MaxBatch is how many claims one call of Apply or Do may get; 0 leaves it to the
	// Worker.
	MaxBatch int
	// MaxAttempts is how often an effect may be throttled, or fail in Apply, before it
	// fails for good; 0 means 10, less means that it is never given up.
	MaxAttempts int
	// Backoff is how long to leave an effect alone that was throttled so many times;
	// nil means 30 seconds, twice as long each time, at most an hour.
	Backoff func(attempts int) time.Duration
	// Pace remembers how quick Do is; nil lets the Worker remember it. Give the same
	// one to Workers that are made anew for each run.
	Pace *Pace
}

// Claim is one effect on its way through a Worker.
type Claim struct {
	// Effect is a copy. Check may set its To and Via, the handlers may read it, no other code
	// keeps or changes it.
	Effect *Effect
	// At is the worker's time of this run.
	At time.Time
	// Decision is what Check says; the zero value lets the effect go.
	Decision Decision
	// Work is what Check has prepared for Apply or Do, such as the message.
	Work any

	// doubt, of an effect that was claimed before, is what the other side said about
	// it when it was asked; nil of one that was not.
	doubt *Receipt
}

// Decision is a last word about an effect.
type Decision struct {
	// State is what becomes of it: "" lets it go, Planned puts it off until
	// NotBefore, Withheld, HeldOut, Cancelled and Failed end it.
	State     EffectState
	NotBefore time.Time   // of Planned: must be after now
	Guard     string      // the first guard that refused, for the reason of what is not handed over again
	Reasons   []Reason    // replace those of the effect, if there are any
	Reads     []GuardRead // the versions of what the decision rests on
}

func (d *Decision) goes() bool { return d.State == "" }

// Worker carries out effects that are due: it claims, leases, hands over, retries
// and records; handlers do what each kind needs. What fails, fails its own effect.
//
// For a handler with Do, one transaction asks Check and moves effects to Sent with
// the versions that were read; that commit is what "sent" means. Only then, outside
// of any transaction, they are handed over. Another transaction records the
// answers. An effect that leaves does so at least once under its own id: to a side
// that recognises ids exactly once, to any other its fate may stay Unknown.
//
// Several processes may run workers over the same store: the first to claim an
// effect has it until its lease ends. A claim is checked, and its lease renewed
// where need be, right before it is handed over, and no more is claimed than leaves
// in a quarter of the lease at the pace of the handler, which is measured. Where the other side
// can neither be asked nor recognises ids, one more transaction before each call notes which
// claims are handed over: of a process that was killed, those that were not are planned again, and only
// the others are of unknown fate. Leases go
// by the store's clock, so that a process whose own clock is wrong takes nothing
// away from another.
//
// The fields must not be changed once RunOnce was called; RunOnce may be called
// concurrently.
type Worker struct {
	Store    Store
	Handlers []EffectHandler
	Now      func() time.Time // what is due, and when it was claimed; nil means time.Now
	// LeaseNow is the clock of leases, the same in all processes; nil means the
	// store's. Hosts that simulate time give it the simulated one.
	LeaseNow func() time.Time
	Batch    int // at most so many effects per transaction; 0 means 500
	// Lease is how long a claimed effect belongs to the process that claimed it; 0
	// means 5 minutes. After it any process asks what became of the effect, or tries
	// again where it was not received. One call of Do may take half of it, so give it
	// at least 16 times what one effect takes.
	Lease time.Duration
	Parts PartRange // the zero value means all
	// Retry says how often a transaction of Apply that met another writer is run
	// again.
	Retry Retry
	// Logger gets the errors of Do, which are the fate of its effects and not an error
	// of the run. Defaults to slog.Default.
	Logger *slog.Logger
	// Observe, if set, is told what each run of a handler did.
	Observe func(kind EffectKind, did WorkStats)

	paces sync.Map // of handlers without one, by kind
}

// RunOnce does one batch of each handler: it looks into claims whose lease has
// ended, then claims and hands over what is due. Call it again until
// WorkStats.Due is 0. An error of one kind does not stop the others; it leaves the
// record consistent: what was claimed is looked into when its lease ends.
func (w *Worker) RunOnce(ctx context.Context) (WorkStats, error) {
	return w.each(ctx, func(j *job, now time.Time) (WorkStats, error) {
		if j.Apply != nil {
			return j.apply(ctx, now)
		}
		stats, err := j.resolve(ctx, now, false, j.doubtful()...)
		if err != nil {
			return stats, err
		}
		sent, err := j.sendDue(ctx, now)
		stats.Add(sent)
		return stats, err
	})
}

// Drain calls RunOnce until nothing is due.
func (w *Worker) Drain(ctx context.Context) (WorkStats, error) {
	var total WorkStats
	for {
		s, err := w.RunOnce(ctx)
		total.Add(s)
		if err != nil || s.Due == 0 {
			return total, err
		}
	}
}

// Resume looks at once into every claim that was never answered, whatever its
// lease. Call it when the host starts and knows that no other worker runs over
// these parts, so that a process that was killed goes on where it was. Where others
// run, do not: what they have just handed over looks as if it had been lost.
func (w *Worker) Resume(ctx context.Context) (WorkStats, error) {
	return w.each(ctx, func(j *job, now time.Time) (total WorkStats, err error) {
		for j.Do != nil {
			// Each effect found leaves the state Sent.
			s, err := j.resolve(ctx, now, true, Sent)
			total.Add(s)
			if err != nil || s.Due == s.Conflicts {
				return total, err
			}
		}
		return total, nil
	})
}

// job is a Worker with one of its handlers.
type job struct {
	*Worker
	*EffectHandler
	pace *Pace
}

// each calls a function for each handler and joins what went wrong.
func (w *Worker) each(ctx context.Context, do func(j *job, now time.Time) (WorkStats, error)) (WorkStats, error) {
	var total WorkStats
	if err := w.check(); err != nil {
		return total, err
	}
	var faults []error
	for i := range w.Handlers {
		if err := ctx.Err(); err != nil {
			faults = append(faults, err)
			break
		}
		j := w.job(&w.Handlers[i])
		s, err := do(j, w.now())
		if w.Observe != nil {
			w.Observe(j.Kind, s)
		}
		total.Add(s)
		if err != nil {
			faults = append(faults, err)
		}
	}
	if len(faults) == 1 {
		return total, faults[0]
	}
	return total, errors.Join(faults...)
}

func (w *Worker) job(h *EffectHandler) *job {
	j := &job{w, h, h.Pace}
	if j.pace == nil {
		p, _ := w.paces.LoadOrStore(h.Kind, new(Pace))
		j.pace = p.(*Pace)
	}
	return j
}

func (w *Worker) check() error {
	var faults []error
	if w.Store == nil {
		faults = append(faults, fieldError("store", "must be set"))
	}
	seen := map[EffectKind]bool{}
	for i := range w.Handlers {
		h := &w.Handlers[i]
		if err := h.Validate(); err != nil {
			faults = append(faults, err)
		}
		if seen[h.Kind] {
			faults = append(faults, fieldError(fmt.Sprintf("handlers[%d]", i), fmt.Sprintf("is the second one of kind %q", h.Kind)))
		}
		seen[h.Kind] = true
	}
	return invalid("configure", "worker", "", faults...)
}

// Validate reports every fault of the handler.
func (h *EffectHandler) Validate() error {
	err := checkKeyText("kind", string(h.Kind), false)
	switch {
	case (h.Apply == nil) == (h.Do == nil):
		err = errors.Join(err, fieldError("handler "+string(h.Kind), "needs one of Apply and Do"))
	case h.Do == nil && (h.Ask != nil || h.Idempotent || h.Recall != nil || h.Answered != nil):
		err = errors.Join(err, fieldError("handler "+string(h.Kind), "has Ask, Answered, Idempotent or Recall, which belong to Do"))
	case h.Apply == nil && h.Strict:
		err = errors.Join(err, fieldError("handler "+string(h.Kind), "is Strict, which belongs to Apply"))
	}
	return err
}

func (w *Worker) now() time.Time {
	if w.Now == nil {
		return Micros(time.Now())
	}
	return Micros(w.Now())
}

func (w *Worker) logger() *slog.Logger {
	if w.Logger == nil {
		return slog.Default()
	}
	return w.Logger
}

func (w *Worker) batch() int {
	if w.Batch <= 0 {
		return 500
	}
	return w.Batch
}

func (w *Worker) lease() time.Duration {
	if w.Lease <= 0 {
		return 5 * time.Minute
	}
	return w.Lease
}

// clock returns the time that leases go by.
func (w *Worker) clock(ctx context.Context, r Reader) (time.Time, error) {
	if w.LeaseNow != nil {
		return Micros(w.LeaseNow()), nil
	}
	return r.Now(ctx)
}

// newLease returns when a lease that begins now ends.
func (w *Worker) newLease(ctx context.Context, r Reader) (time.Time, error) {
	now, err := w.clock(ctx, r)
	return Micros(now.Add(w.lease())), err
}

// fault wraps an error of the store or of Check.
func (j *job) fault(op string, err error) error {
	return fmt.Errorf("crm: %s effects: %s: %w", j.Kind, op, err)
}

// due asks for effects of the kind that are planned for now.
func (j *job) due(ctx context.Context, r EffectReader, now time.Time, limit int) ([]*Effect, error) {
	return r.DueEffects(ctx, DueQuery{Parts: j.Parts, State: Planned, Kinds: []EffectKind{j.Kind}, Before: now.Add(time.Microsecond), Limit: limit})
}

// checked returns claims of effects with the last word about each.
func (j *job) checked(ctx context.Context, tx Tx, due []*Effect, now time.Time) (claims []*Claim, err error) {
	claims = make([]*Claim, len(due))
	for i, e := range due {
		claims[i] = &Claim{Effect: e.Clone(), At: now}
	}
	if j.Check == nil {
		return claims, nil
	}
	defer Recover("check", &err)
	return claims, j.Check(ctx, tx, slices.Clone(claims))
}

// decide writes a decision into its effect and reports whether it may go.
func decide(c *Claim, now time.Time, stats *WorkStats) (bool, error) {
	e, d := c.Effect, &c.Decision
	e.Changed = now
	if d.Reasons != nil {
		e.Reasons = d.Reasons
	}
	switch d.State {
	case "":
		return true, nil
	case Planned:
		if !Micros(d.NotBefore).After(now) {
			return false, fmt.Errorf("effect %s: the guard deferred it to %s, which is not after now", e.ID, d.NotBefore)
		}
		e.Due = Micros(d.NotBefore)
		stats.Deferred++
		return false, nil
	case Withheld:
		stats.Withheld++
	case HeldOut:
		stats.HeldOut++
	case Cancelled:
		stats.Cancelled++
	case Failed:
		stats.Failed++
	default:
		return false, fmt.Errorf("effect %s: a decision cannot make it %q", e.ID, d.State)
	}
	e.State = d.State
	return false, nil
}

// sendDue claims one batch of planned effects and hands it over.
func (j *job) sendDue(ctx context.Context, now time.Time) (WorkStats, error) {
	var stats WorkStats
	var claims []*Claim
	err := j.Store.Update(ctx, func(tx Tx) error {
		stats, claims = WorkStats{}, nil // the store may run this again
		due, err := j.due(ctx, tx, now, j.pace.claims(j.batch()))
		if err != nil || len(due) == 0 {
			return err
		}
		stats.Due = len(due)
		all, err := j.checked(ctx, tx, due, now)
		if err != nil {
			return err
		}
		until, err := j.newLease(ctx, tx)
		if err != nil {
			return err
		}
		changed := make([]*Effect, len(all))
		for i, c := range all {
			goes, err := decide(c, now, &stats)
			if err != nil {
				return err
			}
			if changed[i] = c.Effect; goes {
				c.Effect.State, c.Effect.SentAt, c.Effect.Lease, c.Effect.Guards = Sent, now, until, j.waits(c.Decision.Reads)
				claims = append(claims, c)
				stats.Claimed++
			}
		}
		return tx.UpdateEffects(ctx, changed...)
	})
	if errors.Is(err, ErrConflict) {
		return WorkStats{Due: stats.Due, Conflicts: stats.Due}, nil
	}
	if err != nil {
		return WorkStats{}, j.fault("claim", err)
	}
	return j.deliver(ctx, claims, stats)
}
