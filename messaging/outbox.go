package messaging

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/consent"
)

// ErrUnrenderable marks a render error that will not go away: the effect fails
// for good and the others of its batch go on. Any other render error stops the
// batch before anything was claimed.
var ErrUnrenderable = errors.New("messaging: the effect cannot be turned into a message")

// GuardRender is the Guard of the reason that an effect could not be turned
// into a message.
const GuardRender = "render"

// RecordAddress is the crm.GuardRead.Record of the version of the destination
// that a claim rests on.
const RecordAddress = "address"

// Outbox carries planned message effects out: it is a crm.Worker whose handler
// locks the destinations, asks the guard again and hands messages to the sender.
// What crm.Worker promises about leases, claims and unknown fates holds for it.
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
	// verdict per effect in their order; one without an Outcome fails the batch. To is set and the addresses are
	// locked, so that what it reads of them cannot change before the commit.
	// It must not keep or change the effects.
	Guard func(ctx context.Context, tx crm.Tx, effects []*crm.Effect) ([]Verdict, error)
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

	pace crm.Pace
}

// RunOnce looks into claims whose lease has ended, then claims and sends one
// batch of what is due. Call it again until WorkStats.Due is 0. An error leaves the
// record consistent: what was claimed is looked into when its lease ends.
func (o *Outbox) RunOnce(ctx context.Context) (crm.WorkStats, error) {
	w, err := o.worker(ctx)
	if err != nil {
		return crm.WorkStats{}, err
	}
	return w.RunOnce(ctx)
}

// Drain calls RunOnce until nothing is due.
func (o *Outbox) Drain(ctx context.Context) (crm.WorkStats, error) {
	w, err := o.worker(ctx)
	if err != nil {
		return crm.WorkStats{}, err
	}
	return w.Drain(ctx)
}

// Resume looks at once into every claim that was never answered, whatever its
// lease; see crm.Worker.Resume.
func (o *Outbox) Resume(ctx context.Context) (crm.WorkStats, error) {
	w, err := o.worker(ctx)
	if err != nil {
		return crm.WorkStats{}, err
	}
	return w.Resume(ctx)
}

// Receive records answers of the provider that come outside of Send, such as
// delivery reports, by the effect's id or, where the receipt has none, by the
// provider's; see crm.Worker.Receive.
func (o *Outbox) Receive(ctx context.Context, receipts ...crm.Receipt) (crm.WorkStats, error) {
	w, err := o.worker(ctx)
	if err != nil {
		return crm.WorkStats{}, err
	}
	return w.Receive(ctx, receipts...)
}

// worker returns the worker that the outbox is.
func (o *Outbox) worker(ctx context.Context) (*crm.Worker, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	return &crm.Worker{Store: o.Store, Handlers: []crm.EffectHandler{o.Handler()}, Now: o.Now, LeaseNow: o.LeaseNow,
		Batch: o.Batch, Lease: o.Lease, Parts: o.Parts, Logger: o.Logger}, ctx.Err()
}

func (o *Outbox) check() error {
	var faults []error
	for name, missing := range map[string]bool{"Store": o.Store == nil, "Sender": o.Sender == nil, "Guard": o.Guard == nil, "Render": o.Render == nil} {
		if missing {
			faults = append(faults, fmt.Errorf("messaging: Outbox.%s must be set", name))
		}
	}
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(faults...)
}

// Handler returns the handler of messages, for a crm.Worker that carries out other
// kinds of effects, too. Sender, Guard and Render must be set; Store, clocks, Batch
// and Lease are then the worker's.
func (o *Outbox) Handler() crm.EffectHandler {
	h := crm.EffectHandler{Kind: crm.EffectMessage, Check: o.decide, Do: o.send, Idempotent: isIdempotent(o.Sender), MaxAttempts: o.MaxAttempts, Pace: &o.pace}
	if l, ok := o.Sender.(BatchLimiter); ok {
		h.MaxBatch = l.MaxBatch()
	}
	switch r := o.Sender.(type) {
	case ByChannel:
		if r.asks() {
			h.Ask = r.ask
		}
	case Reconciler:
		h.Ask = func(ctx context.Context, claims []*crm.Claim) ([]crm.Receipt, error) {
			ids := make([]crm.EffectID, len(claims))
			for i, c := range claims {
				ids[i] = c.Effect.ID
			}
			return r.Reconcile(ctx, ids)
		}
	}
	return h
}

// decide reads for effects what is needed, renders them, locks where they go and
// asks the guard about those that can be rendered.
func (o *Outbox) decide(ctx context.Context, tx crm.Tx, claims []*crm.Claim) error {
	if o.Prepare != nil {
		effects := make([]*crm.Effect, len(claims))
		for i, c := range claims {
			effects[i] = c.Effect
		}
		var err error
		if ctx, err = o.callPrepare(ctx, tx, effects); err != nil {
			return fmt.Errorf("prepare: %w", err)
		}
	}
	ask := make([]*crm.Claim, 0, len(claims))
	effects := make([]*crm.Effect, 0, len(claims))
	addrs := make([]crm.Address, 0, len(claims))
	for _, c := range claims {
		m, err := o.callRender(ctx, tx, c.Effect)
		switch {
		case err == nil:
		case errors.Is(err, ErrUnrenderable):
			refuse(c, crm.Failed, GuardRender, clip(err.Error(), 500))
			continue
		default:
			return fmt.Errorf("effect %s: %w", c.Effect.ID, err)
		}
		if fault := addressFault(m.To); fault != "" {
			refuse(c, crm.Withheld, GuardAddress, fault)
			continue
		}
		c.Work, c.Effect.To, c.Effect.Via = &m, m.To, m.Via
		if m.Via == m.To.Channel {
			c.Effect.Via = ""
		}
		ask, effects, addrs = append(ask, c), append(effects, c.Effect), append(addrs, m.To)
	}
	if len(ask) == 0 {
		return nil
	}
	slices.SortFunc(addrs, crm.Address.Compare)
	addrs = slices.Compact(addrs)
	states, err := tx.LockAddresses(ctx, addrs...)
	if err != nil {
		return err
	}
	if len(states) != len(addrs) {
		return fmt.Errorf("the store answered %d of %d addresses", len(states), len(addrs))
	}
	answers, err := o.callGuard(ctx, tx, effects)
	if err != nil {
		return fmt.Errorf("guard: %w", err)
	}
	if len(answers) != len(ask) {
		return fmt.Errorf("the guard answered %d of %d effects", len(answers), len(ask))
	}
	for i, c := range ask {
		at, found := slices.BinarySearchFunc(addrs, c.Work.(*Message).To, crm.Address.Compare)
		if !found {
			return fmt.Errorf("effect %s: its destination was not locked", c.Effect.ID)
		}
		if c.Decision, err = answers[i].decision(); err != nil {
			return fmt.Errorf("effect %s: %w", c.Effect.ID, err)
		}
		reads := make([]crm.GuardRead, 0, 1+len(c.Decision.Reads))
		c.Decision.Reads = append(append(reads, crm.GuardRead{Record: RecordAddress, Version: states[at].Version}), c.Decision.Reads...)
	}
	return nil
}

// refuse ends an effect before the guard is asked.
func refuse(c *crm.Claim, state crm.EffectState, guard, note string) {
	c.Decision = crm.Decision{State: state, Guard: guard, Reasons: []crm.Reason{{Guard: guard, Note: note}}}
}

// decision says it in the words of crm.
func (v Verdict) decision() (crm.Decision, error) {
	out := crm.Decision{NotBefore: v.NotBefore, Guard: v.Guard, Reasons: v.Reasons, Reads: v.Reads}
	switch v.Outcome {
	case Send:
	case Withhold:
		out.State = crm.Withheld
	case HoldOut:
		out.State = crm.HeldOut
	case Defer:
		out.State = crm.Planned
	default:
		return out, fmt.Errorf("the guard's outcome %q is not known", v.Outcome)
	}
	return out, nil
}

// send hands claimed messages to the sender, with what the outbox itself says about
// them.
func (o *Outbox) send(ctx context.Context, claims []*crm.Claim) ([]crm.Receipt, error) {
	messages := make([]Message, len(claims))
	for i, c := range claims {
		m := *c.Work.(*Message)
		m.ID, m.Cause, m.At = c.Effect.ID, c.Effect.Cause, c.Effect.SentAt
		if m.Class == "" {
			m.Class = consent.Commercial
		}
		messages[i] = m
	}
	return o.Sender.Send(ctx, messages)
}
