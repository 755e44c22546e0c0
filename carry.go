package vefa

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/rules"
)

// CarryReport counts effects that were carried out in the record itself.
type CarryReport struct {
	Tags      int `json:"tags"`
	Tickets   int `json:"tickets"`
	Tasks     int `json:"tasks"`
	Cancelled int `json:"cancelled"`
	Withheld  int `json:"withheld"`
	Failed    int `json:"failed,omitempty"` // tasks that failed or that the host does not have, and what cannot be carried out
}

// count notes what became of one effect.
func (n *CarryReport) count(f *crm.Effect) {
	switch {
	case f.State == crm.Cancelled:
		n.Cancelled++
	case f.State == crm.Failed:
		n.Failed++
	case f.State != crm.Done:
		n.Withheld++
	case f.Kind == crm.EffectTag:
		n.Tags++
	case f.Kind == crm.EffectTicket:
		n.Tickets++
	case f.Kind == crm.EffectTask:
		n.Tasks++
	}
}

func (n *CarryReport) add(o CarryReport) {
	n.Tags += o.Tags
	n.Tickets += o.Tickets
	n.Tasks += o.Tasks
	n.Cancelled += o.Cancelled
	n.Withheld += o.Withheld
	n.Failed += o.Failed
}

// carry carries out tags, tickets and tasks that are due: each in the
// transaction that marks it done.
func (e *Engine) carry(ctx context.Context, now time.Time) (CarryReport, error) {
	set := e.rules.Active()
	p, err := e.concerned(ctx, set, now)
	if err != nil {
		return CarryReport{}, err
	}
	fill, err := e.newFiller(p, set, now, e.eveningSegments(now))
	if err != nil {
		return CarryReport{}, err
	}
	moments := map[*time.Location]*rules.Moment{}
	total, err := e.carryFacts(ctx, now, fill, moments)
	if err != nil {
		return total, err
	}
	tasks, err := e.carryTasks(ctx, now, fill, moments)
	total.add(tasks)
	return total, err
}

// carried are the kinds of effects that an evening carries out in the record itself.
var carried = []crm.EffectKind{crm.EffectTag, crm.EffectTicket, crm.EffectTask}

// concerned returns a population that has the customers of what is due, as they are before
// any of it is carried out: everybody, where they are kept.
func (e *Engine) concerned(ctx context.Context, set *rules.Set[Facts], now time.Time) (*population, error) {
	if e.pop != nil {
		return e.pop, nil
	}
	p := e.newPopulation(set.Reads("Lines"))
	const step = crm.Parts / 64
	for lo := crm.Part(0); lo < crm.Parts; lo += step {
		err := e.cfg.Store.View(ctx, func(r crm.Reader) error {
			due, err := r.DueEffects(ctx, crm.DueQuery{Parts: crm.PartRange{Lo: lo, Hi: lo + step}, State: crm.Planned, Kinds: carried, Before: now.Add(time.Microsecond), Limit: 100_000})
			if err != nil {
				return err
			}
			return e.meet(ctx, r, p, due)
		})
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

// meet reads the customers of effects that a population of some does not have.
func (e *Engine) meet(ctx context.Context, r crm.Reader, p *population, effects []*crm.Effect) error {
	if p == e.pop {
		return nil
	}
	var keys []crm.ProfileKey
	for _, f := range effects {
		if k := f.Subject.Profile; !k.IsZero() && p.of(k) == nil {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, crm.ProfileKey.Compare)
	for chunk := range slices.Chunk(slices.Compact(keys), loadBatch) {
		ids, err := r.CustomersOf(ctx, chunk...)
		if err != nil {
			return err
		}
		slices.Sort(ids)
		persons, err := p.read(ctx, r, slices.DeleteFunc(slices.Compact(ids), func(id crm.CustomerID) bool { return id == "" }), kinds, nil)
		if err != nil {
			return err
		}
		for _, x := range persons {
			p.keep(x)
		}
	}
	return nil
}

// carryFacts carries out tags and tickets, many per transaction.
func (e *Engine) carryFacts(ctx context.Context, now time.Time, fill *filler, moments map[*time.Location]*rules.Moment) (CarryReport, error) {
	var total CarryReport
	for {
		var n CarryReport
		var due int
		err := e.svc.Update(ctx, func(tx crm.Tx) error {
			n, fill.reader = CarryReport{}, tx
			effects, err := tx.DueEffects(ctx, crm.DueQuery{State: crm.Planned, Kinds: []crm.EffectKind{crm.EffectTag, crm.EffectTicket},
				Before: now.Add(time.Microsecond), Limit: loadBatch})
			if err != nil {
				return err
			}
			due = len(effects)
			if err := e.meet(ctx, tx, fill.p, effects); err != nil {
				return err
			}
			var facts []*crm.Fact
			for i, f := range effects {
				f = f.Clone()
				effects[i] = f
				f.Changed = now
				p, err := rules.DecodePayload(f)
				if err != nil {
					e.fail(f, err)
				} else if ok, err := e.recheck(ctx, f, fill, moments); err != nil {
					return err
				} else if ok {
					f.State = crm.Done
					fact := tagFact(f, p, now)
					if f.Kind == crm.EffectTicket {
						fact = ticketFact(f, p, now)
					}
					// One that cannot be recorded would take the others back.
					if err := fact.Validate(); err != nil {
						e.fail(f, err)
					} else {
						facts = append(facts, fact)
					}
				}
				n.count(f)
			}
			if err := e.svc.In(tx).Record(ctx, facts...); err != nil {
				return err
			}
			return tx.UpdateEffects(ctx, effects...)
		})
		if err != nil {
			return total, err
		}
		total.add(n)
		if due == 0 {
			return total, nil
		}
		e.progress("carry", total.Tags+total.Tickets, 0)
	}
}

// taskPause is how long a task that failed is left alone: until the next
// evening, which may begin a little earlier than this one.
const taskPause = 12 * time.Hour

// carryTasks carries out the host's tasks, each in a transaction of its own:
// one that fails takes back what it wrote, and stops no other.
func (e *Engine) carryTasks(ctx context.Context, now time.Time, fill *filler, moments map[*time.Location]*rules.Moment) (CarryReport, error) {
	var total CarryReport
	for {
		var due []*crm.Effect
		err := e.cfg.Store.View(ctx, func(r crm.Reader) (err error) {
			due, err = r.DueEffects(ctx, crm.DueQuery{State: crm.Planned, Kinds: []crm.EffectKind{crm.EffectTask}, Before: now.Add(time.Microsecond), Limit: loadBatch})
			return err
		})
		if err != nil || len(due) == 0 {
			return total, err
		}
		for _, f := range due {
			n, err := e.carryTask(ctx, f, now, fill, moments)
			if err != nil {
				return total, err
			}
			total.add(n)
		}
		e.progress("tasks", total.Tasks, 0)
	}
}

// perform calls a task of the host. A panic fails the task, as an error does.
func perform(ctx context.Context, do TaskFunc, svc *crm.Service, f *crm.Effect) (err error) {
	defer crm.Recover("task", &err)
	return do(ctx, svc, f)
}

func (e *Engine) carryTask(ctx context.Context, due *crm.Effect, now time.Time, fill *filler, moments map[*time.Location]*rules.Moment) (CarryReport, error) {
	var n CarryReport
	var failed error // of the task, not of the store
	finish := func(do func(tx crm.Tx, f *crm.Effect) error) error {
		return e.svc.Update(ctx, func(tx crm.Tx) error {
			n, failed, fill.reader = CarryReport{}, nil, tx
			found, err := tx.Effects(ctx, due.ID)
			if err != nil {
				return err
			}
			if found[0] == nil || found[0].Rev != due.Rev {
				return nil // another worker was first
			}
			if err := e.meet(ctx, tx, fill.p, found); err != nil {
				return err
			}
			f := found[0].Clone()
			f.Changed = now
			if err := do(tx, f); err != nil {
				return err
			}
			return tx.UpdateEffects(ctx, f)
		})
	}
	p, unreadable := rules.DecodePayload(due)
	err := finish(func(tx crm.Tx, f *crm.Effect) error {
		if unreadable != nil {
			e.fail(f, unreadable)
		} else if ok, err := e.recheck(ctx, f, fill, moments); err != nil {
			return err
		} else if ok {
			f.State = crm.Done
			if do := e.cfg.Tasks[p.Name]; do == nil {
				f.State = crm.Failed
				f.Reasons = append(f.Reasons, crm.Reason{Guard: "task", Note: "the host has no task of this name"})
			} else if err := perform(ctx, do, e.svc.In(tx), f); err != nil {
				failed = err
				return err
			}
		}
		n.count(f)
		return nil
	})
	if err == nil || failed == nil {
		return n, err
	}
	if ctx.Err() != nil {
		return CarryReport{}, ctx.Err()
	}
	why := failed
	e.cfg.Logger.Warn("vefa: a task failed and is left to the next evening", "task", p.Name, "effect", due.ID, "err", why)
	err = finish(func(_ crm.Tx, f *crm.Effect) error {
		f.Due = crm.Micros(now.Add(taskPause))
		f.Reasons = []crm.Reason{{Guard: "task", Note: "it failed and is tried again on the next evening: " + clip(why.Error(), maxNote)}}
		n.Failed++
		return nil
	})
	return n, err
}

// maxNote is how many bytes of a host's error are stored with an effect; all of
// it goes to the log.
const maxNote = 500

// clip returns at most n bytes of what a host wrote, as printable UTF-8.
func clip(s string, n int) string {
	for n = min(n, len(s)); n > 0 && n < len(s) && !utf8.RuneStart(s[n]); n-- {
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, s[:n])
}

// GuardData is the Guard of the reason of an effect that failed because its Data
// cannot be read, such as a host's own data under a kind of this package. The
// Note says what was wrong with it.
const GuardData = "data"

// fail ends an effect that cannot be carried out and never will be.
func (e *Engine) fail(f *crm.Effect, err error) {
	f.State, f.Reasons = crm.Failed, []crm.Reason{{Guard: GuardData, Note: clip(err.Error(), maxNote)}}
	e.cfg.Logger.Warn("vefa: an effect cannot be carried out", "effect", f.ID, "kind", f.Kind, "cause", f.Cause, "err", err)
}

// recheck asks the rule again whether its effect should still happen and notes
// the answer in it, from what fill knows. An effect that the rule cannot be asked about has failed; an
// error is one of the store or of a field of the host's.
func (e *Engine) recheck(ctx context.Context, f *crm.Effect, fill *filler, moments map[*time.Location]*rules.Moment) (bool, error) {
	plain, err := bare(f)
	if err != nil {
		e.fail(f, err)
		return false, nil
	}
	x := fill.p.of(f.Subject.Profile)
	if x == nil {
		f.State = crm.Cancelled
		f.Reasons = []crm.Reason{{Guard: "customer", Note: "the source record is gone"}}
		return false, nil
	}
	zone := fill.p.zone(x)
	m := moments[zone]
	if m == nil {
		m = rules.NewMoment(fill.now, zone)
		moments[zone] = m
	}
	facts, err := fill.one(ctx, x)
	if err != nil {
		return false, err
	}
	d, err := fill.set.Recheck(plain, facts, fill.p.rowOf(x, facts, plain, fill.set, m), m)
	if err != nil {
		e.fail(f, err)
		return false, nil
	}
	f.Reasons = d.Reasons
	if !d.Proceed {
		f.State = d.State
	}
	return d.Proceed, nil
}

// rowOf finds the row that an effect is about among a customer's facts, or -1. Of
// the articles of an order it is the first that the rule fires for, as it was when
// the effect was planned, else the first.
func (p *population) rowOf(x *person, facts *Facts, f *crm.Effect, set *rules.Set[Facts], m *rules.Moment) int {
	k := rules.RowOf(f)
	if r := set.Rule(strings.TrimPrefix(f.Cause, rules.CausePrefix)); r != nil && r.Each == "Lines" {
		own := func(l Line) bool { return p.orderKey(&x.orders[l.index]) == k }
		if firings, err := set.Manual(nil, r.Name, facts, m); err == nil {
			for _, g := range firings {
				if own(facts.Lines[g.Row]) {
					return g.Row
				}
			}
		}
		return slices.IndexFunc(facts.Lines, own)
	}
	switch k.Kind {
	case crm.KindOrder:
		return slices.IndexFunc(facts.Purchases, func(r Purchase) bool { return p.orderKey(&x.orders[r.index]) == k })
	case crm.KindVisit:
		return slices.IndexFunc(facts.Visits, func(r Visit) bool { return p.visitKey(&x.visits[r.index]) == k })
	case crm.KindAnswer:
		return slices.IndexFunc(facts.Answers, func(r Answer) bool { return p.answerKey(&x.answers[r.index]) == k })
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
