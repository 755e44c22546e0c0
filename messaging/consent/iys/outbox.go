package iys

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/consent"
)

// EffectPush is the kind of the effects that enter a consent at the registry.
const EffectPush crm.EffectKind = "iys-push"

// pushCause is the cause of all of them.
const pushCause = "iys/push"

// OutboxConfig configures an Outbox. Client and IDs are needed.
type OutboxConfig struct {
	Client *Client
	IDs    *crm.EffectIDs // of the installation
	// Brand is crm.ConsentKey.Brand of the consents that Client's brand is about.
	Brand string
	Rules Rules
	// Source is entered where the ledger's source is none that the registry knows; empty
	// means HS_EORTAM.
	Source Source
	// Bulk is from how many consents on they are handed over in one request that the
	// registry works on later; 0 means 20.
	Bulk int
	Now  func() time.Time // nil means time.Now
}

// Outbox keeps what must be entered at the registry. It is safe for concurrent use.
type Outbox struct{ cfg OutboxConfig }

// NewOutbox returns an outbox, or crm.ErrInvalid.
func NewOutbox(cfg OutboxConfig) (*Outbox, error) {
	err := unset("Client", cfg.Client == nil, "IDs", cfg.IDs == nil)
	if cfg.Source == "" {
		cfg.Source = Electronic
	}
	if !slices.Contains(sources, cfg.Source) {
		err = errors.Join(err, &crm.FieldError{Field: "Source", Msg: "is none of the registry's"})
	}
	if err != nil {
		return nil, &crm.Error{Op: "configure", Entity: "iys", Kind: crm.ErrInvalid, Err: err}
	}
	if cfg.Bulk <= 0 {
		cfg.Bulk = 20
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Outbox{cfg}, nil
}

// push is what an effect holds; the recipient is its subject.
type push struct {
	Date    time.Time `json:"date"`
	Source  Source    `json:"source"`
	As      Recipient `json:"as"`
	Status  Status    `json:"status"`
	Channel Channel   `json:"channel"`
}

// consentOf returns what an effect enters.
func consentOf(e *crm.Effect) (Consent, error) {
	var p push
	if err := json.Unmarshal(e.Data, &p); err != nil {
		return Consent{}, fmt.Errorf("iys: effect %s: %w", e.ID, err)
	}
	return Consent{Date: p.Date, Source: p.Source, Recipient: e.Subject.Address.Value, As: p.As, Status: p.Status, Channel: p.Channel}, nil
}

// of returns what a row of the ledger comes to at the registry; ok is false for what does
// not belong there: another brand, another purpose, a channel or a country that the registry
// does not know, what came from there, and what was withdrawn.
func (o *Outbox) of(a crm.Address, r *consent.Row) (p push, ok bool) {
	channel, known := channelOf(a, r.Purpose)
	if !known || r.Brand != o.cfg.Brand || channel != Emails && !turkish(a.Value) || slices.Contains(incoming, Source(r.Source)) {
		return p, false
	}
	p = push{Date: seconds(r.Said), Source: Source(r.Source), As: Consumer, Channel: channel, Status: Granted}
	switch r.Status {
	case crm.Granted:
	case crm.Refused:
		p.Status = Refused
	default:
		return p, false
	}
	if r.Recipient == consent.Merchant {
		p.As = Merchant
	}
	if !slices.Contains(sources, p.Source) {
		p.Source = o.cfg.Source
	}
	return p, true
}

// Handle plans what the registry must be told of new entries of the ledger: it is the
// Handler of a crm.Feed.
func (o *Outbox) Handle(ctx context.Context, tx crm.Tx, changes []crm.Change) error {
	var refs []crm.FactRef
	for _, c := range changes {
		if c.Kind == crm.ChangedFact && c.Fact.Kind == consent.KindRow {
			refs = append(refs, crm.FactRef{Subject: c.Subject, Key: c.Fact})
		}
	}
	if len(refs) == 0 {
		return nil
	}
	facts, err := tx.Facts(ctx, refs...)
	if err != nil {
		return err
	}
	now := crm.Micros(o.cfg.Now())
	var effects []*crm.Effect
	for _, f := range facts {
		if f == nil { // erased meanwhile
			continue
		}
		r, isRow := f.Data.(*consent.Row)
		if !isRow {
			continue
		}
		p, ok := o.of(f.Subject.Address, r)
		if !ok {
			continue
		}
		data, err := json.Marshal(p)
		if err != nil {
			return err
		}
		occurrence := r.Entry.Hash.String()
		effects = append(effects, &crm.Effect{ID: o.cfg.IDs.ID(pushCause, f.Subject, crm.FactKey{}, occurrence), Kind: EffectPush, Cause: pushCause, Subject: f.Subject,
			Occurrence: occurrence, Due: now, State: crm.Planned, Created: now, Changed: now, Data: data})
	}
	_, err = tx.PutEffects(ctx, effects...)
	return err
}

// Handler carries out the outbox's effects, for crm.Worker.Handlers.
func (o *Outbox) Handler() crm.EffectHandler {
	return crm.EffectHandler{Kind: EffectPush, Check: o.check, Do: o.do, Ask: o.ask, Idempotent: true, MaxAttempts: -1, MaxBatch: MaxBatch}
}

// check keeps the order of what is said about one key, because the registry takes nothing
// that is older than what it has, and gives up what it cannot take at all.
func (o *Outbox) check(ctx context.Context, tx crm.Tx, claims []*crm.Claim) error {
	var addrs []crm.Address
	for _, c := range claims {
		addrs = append(addrs, c.Effect.Subject.Address)
	}
	slices.SortFunc(addrs, crm.Address.Compare)
	addrs = slices.Compact(addrs)
	if _, err := tx.LockAddresses(ctx, addrs...); err != nil {
		return err
	}
	subjects := make([]crm.Subject, len(addrs))
	for i, a := range addrs {
		subjects[i] = crm.OfAddress(a)
	}
	all, err := tx.EffectsOf(ctx, subjects...)
	if err != nil {
		return err
	}
	for _, c := range claims {
		mine, err := consentOf(c.Effect)
		if err != nil {
			c.Decision = crm.Decision{State: crm.Failed, Guard: "iys", Reasons: []crm.Reason{{Guard: "iys", Note: "what it holds cannot be read"}}}
			continue
		}
		c.Work = mine
		var reasons []crm.Reason
		for _, r := range o.cfg.Rules.Check(mine, nil, c.At) {
			switch r.Rule { // what depends on the registry's own record it says itself; it may think otherwise of days
			case RuleFirst, RuleRepeated, RuleLater, RuleOld, RuleFuture:
			default:
				reasons = append(reasons, crm.Reason{Guard: "iys-" + string(r.Rule), Note: r.Note})
			}
		}
		if reasons != nil {
			c.Decision = crm.Decision{State: crm.Failed, Guard: reasons[0].Guard, Reasons: reasons}
			continue
		}
		for _, e := range all {
			if e.Kind != EffectPush || e.ID == c.Effect.ID || e.State.Final() || e.Subject != c.Effect.Subject {
				continue
			}
			if other, err := consentOf(e); err == nil && other.Key() == mine.Key() && before(e, other, c.Effect, mine) {
				c.Decision = crm.Decision{State: crm.Planned, NotBefore: c.At.Add(time.Minute), Guard: "iys-order", Reasons: []crm.Reason{{Guard: "iys-order", Note: "an earlier one is not entered yet"}}}
				break
			}
		}
	}
	return nil
}

// before reports whether effect a comes before b: the earlier date, at the same one the one
// that Later says does not count.
func before(a *crm.Effect, x Consent, b *crm.Effect, y Consent) bool {
	switch {
	case Later(y, x):
		return true
	case Later(x, y):
		return false
	}
	return a.ID < b.ID
}

// do hands consents over.
func (o *Outbox) do(ctx context.Context, claims []*crm.Claim) ([]crm.Receipt, error) {
	if len(claims) >= o.cfg.Bulk {
		return o.many(ctx, claims)
	}
	out := make([]crm.Receipt, len(claims))
	for i, c := range claims {
		x, ok := c.Work.(Consent)
		if !ok {
			return nil, errors.New("iys: a claim was not checked")
		}
		r, err := o.cfg.Client.Add(ctx, x)
		out[i] = o.receipt(ctx, c, x, r, err)
	}
	return out, nil
}

// receipt says what an answer to Add means.
func (o *Outbox) receipt(ctx context.Context, c *crm.Claim, x Consent, r Receipt, err error) crm.Receipt {
	out := crm.Receipt{ID: c.Effect.ID, Status: crm.Accepted, Provider: r.Transaction}
	var later *ThrottledError
	var refused *RefusedError
	switch {
	case err == nil:
	case errors.As(err, &later):
		out.Status, out.After, out.Reason = crm.Throttled, later.RetryAfter, later.Limit
	case errors.As(err, &refused):
		return o.refused(ctx, c, x, refused.Errors)
	case errors.Is(err, errNotSent), errors.Is(err, ErrDenied):
		out.Status, out.Unreached, out.Reason = crm.Throttled, true, "not handed over: "+reason(err)
	default:
		out.Status, out.Reason = crm.Uncertain, reason(err)
	}
	return out
}

// reason is an error without what it came from, which may name hosts and ports.
func reason(err error) string {
	for _, known := range []error{ErrDenied, ErrUncertain, ErrAnswer} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return "an error on this side"
}

// refused says what a refusal means: that of a consent that the registry has, because an
// earlier answer was lost, is none.
func (o *Outbox) refused(ctx context.Context, c *crm.Claim, x Consent, why []Refusal) crm.Receipt {
	out := crm.Receipt{ID: c.Effect.ID, Status: crm.Declined}
	if there := o.there(ctx, c, x); there.Status == crm.Accepted || there.Status == crm.Uncertain {
		return there
	}
	for _, r := range why {
		out.Reason += r.Code + " " + r.Field + " "
	}
	return out
}

// there asks the registry for what it has about a consent's key.
func (o *Outbox) there(ctx context.Context, c *crm.Claim, x Consent) crm.Receipt {
	out := crm.Receipt{ID: c.Effect.ID}
	now, err := o.cfg.Client.Status(ctx, x.Key())
	switch {
	case err != nil:
		out.Status, out.Reason = crm.Uncertain, reason(err)
	case now != nil && now.Status == x.Status && seconds(now.Date).Equal(seconds(x.Date)):
		out.Status = crm.Accepted
	case now != nil && Later(*now, x):
		out.Status, out.Reason = crm.Declined, "the registry has a later one"
	default:
		out.Status, out.Reason = crm.Throttled, "the registry does not have it"
	}
	return out
}

// ask asks the registry about consents of which the answer was lost.
func (o *Outbox) ask(ctx context.Context, claims []*crm.Claim) ([]crm.Receipt, error) {
	out := make([]crm.Receipt, len(claims))
	for i, c := range claims {
		x, err := consentOf(c.Effect)
		if err != nil {
			out[i] = crm.Receipt{ID: c.Effect.ID, Status: crm.Declined, Reason: "what it holds cannot be read"}
			continue
		}
		out[i] = o.there(ctx, c, x)
	}
	return out, nil
}

// many hands consents over in one request. What the registry has not entered when it is
// asked at once stays uncertain until its lease ends, and is asked about then.
func (o *Outbox) many(ctx context.Context, claims []*crm.Claim) ([]crm.Receipt, error) {
	list := make([]Consent, len(claims))
	out := make([]crm.Receipt, len(claims))
	for i, c := range claims {
		x, ok := c.Work.(Consent)
		if !ok {
			return nil, errors.New("iys: a claim was not checked")
		}
		list[i] = x
	}
	request, err := o.cfg.Client.AddMany(ctx, list)
	if err != nil {
		for i, c := range claims {
			var refused *RefusedError
			if errors.As(err, &refused) { // of the request as a whole: each by itself
				r, err := o.cfg.Client.Add(ctx, list[i])
				out[i] = o.receipt(ctx, c, list[i], r, err)
				continue
			}
			out[i] = o.receipt(ctx, c, list[i], Receipt{}, err)
		}
		return out, nil
	}
	for i, c := range claims {
		out[i] = crm.Receipt{ID: c.Effect.ID, Status: crm.Uncertain, Provider: fmt.Sprintf("%s/%d", crm.Clip(request, 150), i), Reason: "the registry is working on it"}
	}
	done, err := o.cfg.Client.Outcomes(ctx, request)
	if err != nil {
		return out, nil // asked again when the leases end
	}
	for _, d := range done {
		switch {
		case d.Waiting || d.Index >= len(claims):
		case d.Refusal != nil:
			out[d.Index] = o.refused(ctx, claims[d.Index], list[d.Index], []Refusal{*d.Refusal})
		default:
			out[d.Index] = crm.Receipt{ID: claims[d.Index].Effect.ID, Status: crm.Accepted, Provider: d.Receipt.Transaction}
		}
	}
	return out, nil
}

// Level says how urgent something is that waits.
type Level string

// The levels, each above the one before.
const (
	Waiting   Level = "waiting"  // for less than a day
	DayOld    Level = "day-old"  // for 24 hours or more
	TwoDays   Level = "two-days" // for 48 hours or more
	Overdue   Level = "overdue"  // beyond its deadline
	RefusedBy Level = "refused"  // by the registry, for good: a person must look
)

// Alarm is one consent that is not at the registry.
type Alarm struct {
	Effect   crm.EffectID
	Level    Level
	Since    time.Time // when it was planned
	Deadline time.Time // see Calendar.Deadline
	// Guess says that the calendar does not know the feasts of the deadline's year.
	Guess bool
	Note  string // why it waits or was refused, without the recipient
}

// Late returns what has been waiting for a day or more, or is beyond its deadline, the
// earliest deadline first; with all, everything that waits.
func (o *Outbox) Late(ctx context.Context, r crm.Reader, all bool) ([]Alarm, error) {
	now := o.cfg.Now()
	var out []Alarm
	const step = 64
	for lo := 0; lo < crm.Parts; lo += step {
		for _, state := range []crm.EffectState{crm.Planned, crm.Sent, crm.Unknown} {
			effects, err := r.DueEffects(ctx, crm.DueQuery{Parts: crm.PartRange{Lo: crm.Part(lo), Hi: crm.Part(lo + step)}, State: state,
				Kinds: []crm.EffectKind{EffectPush}, Before: now.AddDate(100, 0, 0), Limit: 1_000_000})
			if err != nil {
				return nil, err
			}
			for _, e := range effects {
				if a := o.alarm(e, now); all || a.Level != Waiting {
					out = append(out, a)
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b Alarm) int {
		if c := a.Deadline.Compare(b.Deadline); c != 0 {
			return c
		}
		return compareIDs(a.Effect, b.Effect)
	})
	return out, nil
}

// Refused returns what the registry refused for good after an instant. It reads all effects.
func (o *Outbox) Refused(ctx context.Context, r crm.Reader, after time.Time) ([]Alarm, error) {
	var out []Alarm
	for e, err := range crm.AllEffects(ctx, r, crm.AllParts()) {
		if err != nil {
			return nil, err
		}
		if e.Kind == EffectPush && e.State == crm.Failed && e.Changed.After(after) {
			a := o.alarm(e, o.cfg.Now())
			a.Level = RefusedBy
			out = append(out, a)
		}
	}
	return out, nil
}

func compareIDs(a, b crm.EffectID) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (o *Outbox) alarm(e *crm.Effect, now time.Time) Alarm {
	a := Alarm{Effect: e.ID, Level: Waiting, Since: e.Created, Deadline: e.Created}
	if c, err := consentOf(e); err == nil {
		a.Deadline = o.cfg.Rules.Calendar.Deadline(c.Date)
		a.Guess = !o.cfg.Rules.Calendar.Covers(a.Deadline)
	}
	switch age := now.Sub(e.Created); {
	case now.After(a.Deadline):
		a.Level = Overdue
	case age >= 48*time.Hour:
		a.Level = TwoDays
	case age >= 24*time.Hour:
		a.Level = DayOld
	}
	if n := len(e.Reasons); n > 0 {
		a.Note = e.Reasons[n-1].Note
	}
	return a
}
