package messaging

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// ErrUnrenderable marks a render error that will not go away: the effect fails
// for good and the others of its batch go on. Any other render error stops the
// batch before anything was claimed.
var ErrUnrenderable = errors.New("messaging: the effect cannot be turned into a message")

// GuardProvider is the Guard of the reason that records a provider's answer.
const GuardProvider = "provider"

// GuardRender is the Guard of the reason that an effect could not be turned
// into a message.
const GuardRender = "render"

// RecordAddress is the crm.GuardRead.Record of the version of the destination
// that a claim rests on.
const RecordAddress = "address"

// Decision is the answer of an Outbox's guard about one effect.
type Decision struct {
	Verdict
	// Reads are the versions of what the guard read besides the destination,
	// which the outbox records itself.
	Reads []crm.GuardRead
}

// Outbox carries planned message effects out: it claims, sends and records.
//
// One transaction locks the destinations, asks the guard again and moves the
// effects to crm.Sent with the versions that were read; that commit is what
// "sent" means. Only then, outside of any transaction, the messages are handed
// to the sender. Another transaction records the answers. An effect that leaves
// does so at least once under its own id: with a sender that recognises ids
// exactly once, with any other its fate may stay crm.Unknown.
//
// Several processes may run outboxes over the same store: the first to claim an
// effect has it until its lease ends. A claim is checked, and its lease renewed
// where need be, right before its message is handed over, and no more is claimed
// than leaves in a quarter of the lease at the pace of the sender, which is
// measured. Leases go by the store's clock, so that a process whose own clock is
// wrong takes nothing away from another.
//
// The fields must not be changed once RunOnce was called; RunOnce may be called
// concurrently.
type Outbox struct {
	Store  crm.Store
	Sender Sender
	// Prepare is called first in the claiming transaction, with all effects of the
	// batch, which it must neither keep nor change. It takes the locks that Render
	// and Guard need besides those of the destinations, such as the customers', and
	// may read for the whole batch what they need: the context that it returns is
	// theirs. Nil does nothing.
	Prepare func(ctx context.Context, tx crm.Tx, effects []*crm.Effect) (context.Context, error)
	// Guard decides about claimed effects in the claiming transaction, one
	// decision per effect in their order. To is set and the addresses are
	// locked, so that what it reads of them cannot change before the commit.
	// It must not keep or change the effects.
	Guard func(ctx context.Context, tx crm.Tx, effects []*crm.Effect) ([]Decision, error)
	// Render turns an effect into a message. The outbox overrules its ID,
	// Cause and At. It must give the same message for the same effect each
	// time, or a repeated message differs from the first.
	Render func(ctx context.Context, tx crm.Tx, e *crm.Effect) (Message, error)
	Now    func() time.Time // what is due, and when a message was sent; nil means time.Now
	// LeaseNow is the clock of leases, the same in all processes; nil means the
	// store's. Hosts that simulate time give it the simulated one.
	LeaseNow func() time.Time

	Batch int // at most so many effects per transaction; 0 means 500
	// Lease is how long a claimed message belongs to the process that claimed it;
	// 0 means 5 minutes. After it any process asks the provider what became of the
	// message, or tries again if the provider was not reached. One call to the
	// sender may take half of it, so give it at least 16 times what one message
	// takes.
	Lease       time.Duration
	MaxAttempts int           // how often the provider may throttle an effect before it fails; 0 means 10
	Parts       crm.PartRange // the zero value means all
	// Logger gets the errors of the sender, which are the fate of its messages and
	// not an error of the run. Defaults to slog.Default.
	Logger *slog.Logger

	pace pace
}

// Stats is what one run did. Where it says nothing else, it counts effects.
type Stats struct {
	Due       int `json:"due"`       // found, of any state
	Claimed   int `json:"claimed"`   // moved to sent
	Done      int `json:"done"`      // accepted by the provider
	Withheld  int `json:"withheld"`  // refused by a guard
	HeldOut   int `json:"heldout"`   // in the control group
	Deferred  int `json:"deferred"`  // due later, by a guard
	Failed    int `json:"failed"`    // rejected, or impossible to render
	Throttled int `json:"throttled"` // due later, by the provider
	Unknown   int `json:"unknown"`   // of unknown fate after this run
	Resent    int `json:"resent"`    // sent again under the same id
	Conflicts int `json:"conflicts"` // that somebody else was first with
}

// Add adds the counts of another run.
func (s *Stats) Add(o Stats) {
	s.Due += o.Due
	s.Claimed += o.Claimed
	s.Done += o.Done
	s.Withheld += o.Withheld
	s.HeldOut += o.HeldOut
	s.Deferred += o.Deferred
	s.Failed += o.Failed
	s.Throttled += o.Throttled
	s.Unknown += o.Unknown
	s.Resent += o.Resent
	s.Conflicts += o.Conflicts
}

// RunOnce looks into claims whose lease has ended, then claims and sends one
// batch of what is due. Call it again until Stats.Due is 0. An error leaves the
// record consistent: what was claimed is looked into when its lease ends.
func (o *Outbox) RunOnce(ctx context.Context) (Stats, error) {
	if err := o.check(); err != nil {
		return Stats{}, err
	}
	if err := ctx.Err(); err != nil {
		return Stats{}, err
	}
	now := o.now()
	stats, err := o.resolve(ctx, now, false, o.doubtful()...)
	if err != nil {
		return stats, err
	}
	sent, err := o.sendDue(ctx, now)
	stats.Add(sent)
	return stats, err
}

// Drain calls RunOnce until nothing is due.
func (o *Outbox) Drain(ctx context.Context) (Stats, error) {
	var total Stats
	for {
		s, err := o.RunOnce(ctx)
		total.Add(s)
		if err != nil || s.Due == 0 {
			return total, err
		}
	}
}

// Resume looks at once into every claim that was never answered, whatever its
// lease. Call it when the host starts and knows that no other outbox runs over
// these parts, so that a process that was killed while sending goes on where it
// was. Where others run, do not: what they have just handed to the provider
// looks as if it had been lost.
func (o *Outbox) Resume(ctx context.Context) (Stats, error) {
	if err := o.check(); err != nil {
		return Stats{}, err
	}
	var total Stats
	now := o.now()
	for {
		// Each effect found leaves the state Sent.
		s, err := o.resolve(ctx, now, true, crm.Sent)
		total.Add(s)
		if err != nil || s.Due == s.Conflicts {
			return total, err
		}
	}
}

func (o *Outbox) check() error {
	var faults []error
	for name, missing := range map[string]bool{"Store": o.Store == nil, "Sender": o.Sender == nil, "Guard": o.Guard == nil, "Render": o.Render == nil} {
		if missing {
			faults = append(faults, fmt.Errorf("messaging: Outbox.%s must be set", name))
		}
	}
	slices.SortFunc(faults, func(a, b error) int { return compareText(a.Error(), b.Error()) })
	return errors.Join(faults...)
}

func (o *Outbox) now() time.Time {
	if o.Now == nil {
		return crm.Micros(time.Now())
	}
	return crm.Micros(o.Now())
}

func (o *Outbox) logger() *slog.Logger {
	if o.Logger == nil {
		return slog.Default()
	}
	return o.Logger
}

func (o *Outbox) batch() int {
	if o.Batch <= 0 {
		return 500
	}
	return o.Batch
}

func (o *Outbox) lease() time.Duration {
	if o.Lease <= 0 {
		return 5 * time.Minute
	}
	return o.Lease
}

func (o *Outbox) attempts() int {
	if o.MaxAttempts <= 0 {
		return 10
	}
	return o.MaxAttempts
}

// clock returns the time that leases go by.
func (o *Outbox) clock(ctx context.Context, c crm.Clock) (time.Time, error) {
	if o.LeaseNow != nil {
		return crm.Micros(o.LeaseNow()), nil
	}
	return c.Now(ctx)
}

// claim is one effect on its way through a run.
type claim struct {
	effect  *crm.Effect
	message Message
	verdict Decision
	// doubt, of an effect that was claimed before, is what the provider said
	// about it when it was asked; nil of one that was not.
	doubt *Receipt
}

// sendDue claims one batch of planned effects and sends it.
func (o *Outbox) sendDue(ctx context.Context, now time.Time) (Stats, error) {
	var stats Stats
	var claims []claim
	err := o.Store.Update(ctx, func(tx crm.Tx) error {
		stats, claims = Stats{}, nil // the store may run this again
		due, err := tx.DueEffects(ctx, crm.DueQuery{Parts: o.Parts, State: crm.Planned,
			Kinds: []crm.EffectKind{crm.EffectMessage}, Before: now.Add(time.Microsecond), Limit: o.pace.claims(o.batch())})
		if err != nil || len(due) == 0 {
			return err
		}
		stats.Due = len(due)
		all, err := o.prepare(ctx, tx, due)
		if err != nil {
			return err
		}
		until, err := o.newLease(ctx, tx)
		if err != nil {
			return err
		}
		changed := make([]*crm.Effect, len(all))
		for i := range all {
			c := &all[i]
			if err := o.decide(c, now, until, &stats); err != nil {
				return err
			}
			changed[i] = c.effect
			if c.effect.State == crm.Sent {
				claims = append(claims, *c)
			}
		}
		return tx.UpdateEffects(ctx, changed...)
	})
	if errors.Is(err, crm.ErrConflict) {
		return Stats{Due: stats.Due, Conflicts: stats.Due}, nil
	}
	if err != nil {
		return Stats{}, fmt.Errorf("messaging: claim: %w", err)
	}
	return o.deliver(ctx, claims, stats)
}

// newLease returns when a lease that begins now ends.
func (o *Outbox) newLease(ctx context.Context, c crm.Clock) (time.Time, error) {
	now, err := o.clock(ctx, c)
	return crm.Micros(now.Add(o.lease())), err
}

// prepare reads for effects what is needed, renders them, locks where they go and asks the guard about those
// that can be rendered. It works on clones.
func (o *Outbox) prepare(ctx context.Context, tx crm.Tx, due []*crm.Effect) ([]claim, error) {
	if o.Prepare != nil {
		var err error
		if ctx, err = o.callPrepare(ctx, tx, due); err != nil {
			return nil, fmt.Errorf("prepare: %w", err)
		}
	}
	all := make([]claim, len(due))
	addrs := make([]crm.Address, 0, len(due))
	for i, e := range due {
		c := &all[i]
		c.effect = e.Clone()
		m, err := o.callRender(ctx, tx, c.effect)
		switch {
		case err == nil:
		case errors.Is(err, ErrUnrenderable):
			c.verdict = failedRender(err)
			continue
		default:
			return nil, fmt.Errorf("effect %s: %w", e.ID, err)
		}
		if fault := AddressFault(m.To); fault != "" {
			c.verdict.Verdict = Verdict{Outcome: Withhold, Guard: GuardAddress, Reasons: []crm.Reason{{Guard: GuardAddress, Note: fault}}}
			continue
		}
		c.message, c.effect.To = m, m.To
		addrs = append(addrs, m.To)
	}
	if len(addrs) == 0 {
		return all, nil
	}
	ask := make([]*crm.Effect, 0, len(all))
	for i := range all {
		if !all[i].message.To.IsZero() {
			ask = append(ask, all[i].effect)
		}
	}
	slices.SortFunc(addrs, crm.Address.Compare)
	addrs = slices.Compact(addrs)
	states, err := tx.LockAddresses(ctx, addrs...)
	if err != nil {
		return nil, err
	}
	if len(states) != len(addrs) {
		return nil, fmt.Errorf("the store answered %d of %d addresses", len(states), len(addrs))
	}
	answers, err := o.callGuard(ctx, tx, ask)
	if err != nil {
		return nil, fmt.Errorf("guard: %w", err)
	}
	if len(answers) != len(ask) {
		return nil, fmt.Errorf("the guard answered %d of %d effects", len(answers), len(ask))
	}
	n := 0
	for i := range all {
		c := &all[i]
		if c.message.To.IsZero() {
			continue
		}
		c.verdict = answers[n]
		n++
		at, found := slices.BinarySearchFunc(addrs, c.message.To, crm.Address.Compare)
		if !found {
			return nil, fmt.Errorf("effect %s: its destination was not locked", c.effect.ID)
		}
		reads := make([]crm.GuardRead, 0, 1+len(c.verdict.Reads))
		c.verdict.Reads = append(append(reads, crm.GuardRead{Record: RecordAddress, Version: states[at].Version}), c.verdict.Reads...)
	}
	return all, nil
}

func failedRender(err error) Decision {
	return Decision{Verdict: Verdict{Outcome: Withhold, Guard: GuardRender, Reasons: []crm.Reason{{Guard: GuardRender, Note: clip(err.Error(), 500)}}}}
}

// decide writes a decision about a planned effect into it.
func (o *Outbox) decide(c *claim, now, until time.Time, stats *Stats) error {
	e := c.effect
	e.Changed, e.Reasons = now, c.verdict.Reasons
	switch c.verdict.Outcome {
	case Send:
		e.State, e.SentAt, e.Lease = crm.Sent, now, until
		e.Guards = c.verdict.Reads
		o.address(c)
		stats.Claimed++
	case Withhold:
		e.State = crm.Withheld
		if c.verdict.Guard == GuardRender {
			e.State = crm.Failed
			stats.Failed++
			return nil
		}
		stats.Withheld++
	case HoldOut:
		e.State = crm.HeldOut
		stats.HeldOut++
	case Defer:
		if !c.verdict.NotBefore.After(now) {
			return fmt.Errorf("effect %s: the guard deferred it to %s, which is not after now", e.ID, c.verdict.NotBefore)
		}
		e.Due = crm.Micros(c.verdict.NotBefore)
		stats.Deferred++
	default:
		return fmt.Errorf("effect %s: the guard's outcome %q is not known", e.ID, c.verdict.Outcome)
	}
	return nil
}

// address fills what the outbox itself says about a message.
func (o *Outbox) address(c *claim) {
	c.message.ID, c.message.Cause, c.message.At = c.effect.ID, c.effect.Cause, c.effect.SentAt
	if c.message.Class == "" {
		c.message.Class = Commercial
	}
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
