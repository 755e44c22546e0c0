package vefa

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/segment"
)

// Effect is something of the host's own that rules may have done: booked in the ERP,
// told to a webhook, printed. It says what rules write, and how it is carried out.
//
// With Apply it is carried out by StepCarry of a night, in the transaction that marks
// it done. With Do it is carried out by StepDeliver and Engine.Deliver, outside of any
// transaction, under a lease; see crm.EffectHandler. Either way its rule is asked again
// first, and Check after that, about what still goes. rules.DecodePayload reads the
// name and the parameters that the rule gives. The host may plan effects of the kind
// itself, with a cause of its own and data of its own.
type Effect struct {
	crm.EffectHandler
	// Actions are what rules write to have it; their Effect is set. Nil: one action of
	// the handler's Kind, whose name and parameters may be any.
	Actions []rules.ActionType
}

// actions returns what rules of the configuration may do.
func (c *Config) actions() []rules.ActionType {
	out := append(rules.BuiltInActions(), rules.ActionType{Kind: actionOffer, Doc: "offers something of a campaign that is live to a customer who waits", Effect: EffectOffer, Params: []rules.ActionParam{}})
	for _, f := range c.Effects {
		types := slices.Clone(f.Actions)
		if f.Actions == nil {
			types = []rules.ActionType{{Kind: string(f.Kind)}}
		}
		for i := range types {
			types[i].Effect = f.Kind
		}
		out = append(out, types...)
	}
	return out
}

// collectEffects takes over what carries out effects: the library's own within the
// record, and the host's.
func (e *Engine) collectEffects() error {
	e.own = map[crm.EffectKind]bool{}
	e.within = []crm.EffectHandler{
		{Kind: crm.EffectTag, Check: e.facts(e.tagFact), Apply: e.recordFacts, Strict: true},
		{Kind: crm.EffectTicket, Check: e.facts(ticketFact), Apply: e.recordFacts, Strict: true},
		{Kind: crm.EffectTask, Check: e.knownTasks, Apply: e.performTask, MaxBatch: 1, MaxAttempts: -1, Backoff: func(int) time.Duration { return taskPause }},
	}
	var faults []error
	for i, f := range e.cfg.Effects {
		h := f.EffectHandler
		switch {
		case e.own[h.Kind]:
			faults = append(faults, fmt.Errorf("vefa: Config.Effects[%d]: two are of kind %q", i, h.Kind))
		case h.Kind == crm.EffectMessage || h.Kind == EffectOffer || slices.ContainsFunc(e.within, func(o crm.EffectHandler) bool { return o.Kind == h.Kind }):
			faults = append(faults, fmt.Errorf("vefa: Config.Effects[%d]: %q is a kind that the library carries out itself", i, h.Kind))
		}
		if err := h.Validate(); err != nil {
			faults = append(faults, fmt.Errorf("vefa: Config.Effects[%d]: %w", i, err))
		}
		e.own[h.Kind] = true
		if h.Pace == nil {
			h.Pace = new(crm.Pace)
		}
		if h.Apply != nil {
			e.within = append(e.within, h)
		} else {
			h.Check = e.rechecked(h, e.askFew)
			e.outside = append(e.outside, h)
		}
	}
	return errors.Join(faults...)
}

// worker returns a worker over the engine's store, without handlers.
func (e *Engine) worker(observe func(crm.EffectKind, crm.WorkStats)) *crm.Worker {
	return &crm.Worker{Store: e.cfg.Store, Now: e.cfg.Now, LeaseNow: e.cfg.LeaseNow, Lease: e.cfg.Lease, Batch: e.cfg.Batch,
		Retry: e.cfg.Retry, Logger: e.cfg.Logger, Observe: func(kind crm.EffectKind, did crm.WorkStats) {
			e.countEffects(kind, did)
			if observe != nil {
				observe(kind, did)
			}
		}}
}

// outward returns a worker for what leaves: messages and the host's effects.
func (e *Engine) outward(observe func(crm.EffectKind, crm.WorkStats)) *crm.Worker {
	w := e.worker(observe)
	messages := e.outbox.Handler()
	messages.Answered = e.settled
	if e.desk != nil {
		messages.Recall = e.recall
	}
	w.Handlers = append([]crm.EffectHandler{messages}, e.outside...)
	return w
}

// askFew locks and reads the customers of effects, as for messages, and returns what
// asks their rules.
func (e *Engine) askFew(ctx context.Context, tx crm.Tx, effects []*crm.Effect) (*asker, error) {
	about := make([]crm.ProfileKey, 0, len(effects))
	for _, f := range effects {
		if strings.HasPrefix(f.Cause, rules.CausePrefix) {
			about = append(about, f.Subject.Profile)
		}
	}
	if len(about) == 0 {
		return nil, nil
	}
	p, err := e.lockAndRead(ctx, tx, about)
	if err != nil {
		return nil, err
	}
	now := e.svc.Now()
	fill, err := e.newFiller(p, p.set, now, e.segmentsAt(now, func() (*segment.Index, error) {
		defs, err := loadTags(ctx, tx)
		if err != nil {
			return nil, err
		}
		return e.index(ctx, tx, p, defs, now)
	}))
	if err != nil {
		return nil, err
	}
	fill.reader = tx
	return &asker{fill, map[*time.Location]*rules.Moment{}}, nil
}

// facts returns the Check of effects that come to a fact: one that cannot be recorded
// would take the others back, and fails by itself.
func (e *Engine) facts(of func(*crm.Effect, rules.Payload, time.Time) *crm.Fact) func(context.Context, crm.Tx, []*crm.Claim) error {
	return func(_ context.Context, _ crm.Tx, claims []*crm.Claim) error {
		for _, c := range claims {
			p, err := rules.DecodePayload(c.Effect)
			if err == nil {
				fact := of(c.Effect, p, c.At)
				c.Work, err = fact, fact.Validate()
			}
			if err != nil {
				c.Decision = e.failed(c.Effect, err)
			}
		}
		return nil
	}
}

// recordFacts records what facts has made.
func (e *Engine) recordFacts(ctx context.Context, tx crm.Tx, claims []*crm.Claim) ([]crm.Receipt, error) {
	facts := make([]*crm.Fact, len(claims))
	for i, c := range claims {
		facts[i] = c.Work.(*crm.Fact)
	}
	return nil, e.svc.In(tx).Record(ctx, facts...)
}

func (e *Engine) tagFact(f *crm.Effect, p rules.Payload, now time.Time) *crm.Fact {
	action, _ := e.schema.Action(p.Action)
	return &crm.Fact{
		Key: crm.FactKey{Kind: crm.KindTag, Source: "rule", ID: string(f.ID)}, Subject: f.Subject, At: now, Version: 1,
		Data: &crm.TagChange{Tag: p.Name, Off: action.ClearsTag, By: f.Cause, Expires: p.Expires},
	}
}

func ticketFact(f *crm.Effect, p rules.Payload, now time.Time) *crm.Fact {
	title := p.With["title"]
	if title == "" {
		title = strings.TrimPrefix(f.Cause, rules.CausePrefix)
	}
	return &crm.Fact{
		Key: crm.FactKey{Kind: crm.KindTicket, Source: "rule", ID: string(f.ID)}, Subject: f.Subject, At: now, Version: 1,
		Data: &crm.Ticket{Title: title, State: crm.TicketOpen, Reason: "rule", Cause: rules.RowOf(f), Assignee: p.Name, Opened: now},
	}
}

// taskPause is how long a task that failed is left alone: until the next
// evening, which may begin a little earlier than this one.
const taskPause = 12 * time.Hour

// knownTasks fails tasks that the host does not have.
func (e *Engine) knownTasks(_ context.Context, _ crm.Tx, claims []*crm.Claim) error {
	for _, c := range claims {
		p, err := rules.DecodePayload(c.Effect)
		if err != nil {
			c.Decision = e.failed(c.Effect, err)
		} else if e.cfg.Tasks[p.Name] == nil {
			c.Decision.State = crm.Failed
			c.Decision.Reasons = append(c.Decision.Reasons, crm.Reason{Guard: string(crm.EffectTask), Note: "the host has no task of this name"})
		}
		c.Work = e.cfg.Tasks[p.Name]
	}
	return nil
}

// performTask calls tasks of the host.
func (e *Engine) performTask(ctx context.Context, tx crm.Tx, claims []*crm.Claim) ([]crm.Receipt, error) {
	for _, c := range claims {
		if err := c.Work.(TaskFunc)(ctx, e.svc.In(tx), c.Effect); err != nil {
			return nil, err
		}
	}
	return nil, nil
}
