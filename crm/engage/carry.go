package engage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/rules"
)

// carried counts effects that were carried out in the record itself.
type carried struct {
	Tags      int `json:"tags"`
	Tickets   int `json:"tickets"`
	Tasks     int `json:"tasks"`
	Cancelled int `json:"cancelled"`
	Withheld  int `json:"withheld"`
}

// carry carries out tags, tickets and tasks that are due: each in the
// transaction that marks it done.
func (e *Engine) carry(ctx context.Context, now time.Time) (carried, error) {
	var total carried
	fill := newFiller(e.pop, e.vocab, now)
	moments := map[*time.Location]*rules.Moment{}
	for {
		var n carried
		var due int
		err := e.cfg.Store.Update(ctx, func(tx crm.Tx) error {
			n = carried{}
			effects, err := tx.DueEffects(ctx, crm.DueQuery{State: crm.Planned, Kinds: []crm.EffectKind{crm.EffectTag, crm.EffectTicket, crm.EffectTask},
				Before: now.Add(time.Microsecond), Limit: loadBatch})
			if err != nil {
				return err
			}
			due = len(effects)
			var facts []*crm.Fact
			for i, f := range effects {
				f = f.Clone()
				effects[i] = f
				f.Changed = now
				p, err := rules.DecodePayload(f)
				if err != nil {
					return err
				}
				if ok, err := e.recheck(f, fill, moments, now); err != nil {
					return err
				} else if !ok {
					if f.State == crm.Cancelled {
						n.Cancelled++
					} else {
						n.Withheld++
					}
					continue
				}
				f.State = crm.Done
				switch f.Kind {
				case crm.EffectTag:
					n.Tags++
					facts = append(facts, tagFact(f, p, now))
				case crm.EffectTicket:
					n.Tickets++
					facts = append(facts, ticketFact(f, p, now))
				case crm.EffectTask:
					do := e.cfg.Tasks[p.Name]
					if do == nil {
						f.State = crm.Failed
						f.Reasons = append(f.Reasons, crm.Reason{Guard: "task", Note: "the host has no task of this name"})
						continue
					}
					n.Tasks++
					if err := do(ctx, e.svc.In(tx), f); err != nil {
						return fmt.Errorf("engage: task %q: %w", p.Name, err)
					}
				}
			}
			if err := e.svc.In(tx).Record(ctx, facts...); err != nil {
				return err
			}
			return tx.UpdateEffects(ctx, effects...)
		})
		if errors.Is(err, crm.ErrConflict) {
			continue // another worker was first
		}
		if err != nil {
			return total, err
		}
		total.Tags += n.Tags
		total.Tickets += n.Tickets
		total.Tasks += n.Tasks
		total.Cancelled += n.Cancelled
		total.Withheld += n.Withheld
		if due == 0 {
			return total, nil
		}
		e.progress("carry", total.Tags+total.Tickets+total.Tasks, 0)
	}
}

// recheck asks the rule again whether its effect should still happen and notes
// the answer in it.
func (e *Engine) recheck(f *crm.Effect, fill *filler, moments map[*time.Location]*rules.Moment, now time.Time) (bool, error) {
	plain, err := bare(f)
	if err != nil {
		return false, err
	}
	x := e.pop.of(f.Subject.Profile)
	if x == nil {
		f.State = crm.Cancelled
		f.Reasons = []crm.Reason{{Guard: "customer", Note: "the source record is gone"}}
		return false, nil
	}
	zone := e.pop.zone(x)
	m := moments[zone]
	if m == nil {
		m = rules.NewMoment(now, zone)
		moments[zone] = m
	}
	facts := fill.fill(x)
	d, err := e.rules.Active().Recheck(plain, facts, e.rowOf(x, facts, rules.RowOf(plain)), m)
	if err != nil {
		return false, err
	}
	f.Reasons = d.Reasons
	if !d.Proceed {
		f.State = d.State
	}
	return d.Proceed, nil
}

// rowOf finds the row of a fact among a customer's facts, or -1.
func (e *Engine) rowOf(x *person, facts *Facts, k crm.FactKey) int {
	switch k.Kind {
	case crm.KindOrder:
		return slices.IndexFunc(facts.Purchases, func(r Purchase) bool { return e.pop.orderKey(&x.orders[r.index]) == k })
	case crm.KindVisit:
		return slices.IndexFunc(facts.Visits, func(r Visit) bool { return e.pop.visitKey(&x.visits[r.index]) == k })
	case crm.KindAnswer:
		return slices.IndexFunc(facts.Answers, func(r Answer) bool { return e.pop.answerKey(&x.answers[r.index]) == k })
	}
	return -1
}

func tagFact(f *crm.Effect, p rules.Payload, now time.Time) *crm.Fact {
	return &crm.Fact{
		Key: crm.FactKey{Kind: crm.KindTag, Source: "rule", ID: string(f.ID)}, Subject: f.Subject, At: now, Version: 1,
		Data: &crm.TagChange{Tag: p.Name, Off: p.Action == rules.DoUntag, By: f.Cause, Expires: p.Expires},
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
