package vefa

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/rules"
)

// CarryReport counts effects that were carried out in the record itself.
type CarryReport struct {
	// Done counts those that were carried out, by kind: tags that were set or taken
	// away, tickets that were opened, tasks, and what Config.Effects has with Apply.
	Done      map[crm.EffectKind]int `json:"done,omitempty"`
	Cancelled int                    `json:"cancelled"`
	Withheld  int                    `json:"withheld"`
	// Failed counts what cannot be carried out, tasks that the host does not have, and
	// what failed and is tried again.
	Failed int `json:"failed,omitempty"`
}

// count notes what a run did with effects of a kind.
func (n *CarryReport) count(kind crm.EffectKind, s crm.WorkStats) {
	n.add(CarryReport{Done: map[crm.EffectKind]int{kind: s.Done}, Cancelled: s.Cancelled, Withheld: s.Withheld, Failed: s.Failed + s.Throttled})
}

func (n *CarryReport) add(o CarryReport) {
	done := maps.Clone(n.Done) // a report that was copied has the same map
	for kind, k := range o.Done {
		if done == nil {
			done = map[crm.EffectKind]int{}
		}
		if k > 0 {
			done[kind] += k
		}
	}
	n.Done = done
	n.Cancelled += o.Cancelled
	n.Withheld += o.Withheld
	n.Failed += o.Failed
}

// carry carries out tags, tickets, tasks and the host's effects within the record
// that are due: each in the transaction that marks it done.
func (e *Engine) carry(ctx context.Context, now time.Time) (CarryReport, error) {
	set := e.rules.Active()
	p, err := e.concerned(ctx, set, now)
	if err != nil {
		return CarryReport{}, err
	}
	segments, err := e.eveningSegments(ctx, set, now)
	if err != nil {
		return CarryReport{}, err
	}
	fill, err := e.newFiller(p, set, now, segments)
	if err != nil {
		return CarryReport{}, err
	}
	a := &asker{fill, map[*time.Location]*rules.Moment{}}
	meet := func(ctx context.Context, tx crm.Tx, effects []*crm.Effect) (*asker, error) {
		fill.reader = tx
		return a, e.meet(ctx, tx, p, effects)
	}
	var total CarryReport
	w := e.worker(func(kind crm.EffectKind, s crm.WorkStats) {
		total.count(kind, s)
		if s.Due > 0 {
			e.progress("carry", total.all(), 0)
		}
	})
	w.Now, w.Batch = func() time.Time { return now }, loadBatch
	for _, h := range e.within {
		h.Check = e.rechecked(h, meet)
		w.Handlers = append(w.Handlers, h)
	}
	_, err = w.Drain(ctx)
	return total, err
}

// all counts what was carried out.
func (n *CarryReport) all() (k int) {
	for _, d := range n.Done {
		k += d
	}
	return k
}

// concerned returns a population that has the customers of what is due, as they are before
// any of it is carried out: everybody, where they are kept.
func (e *Engine) concerned(ctx context.Context, set *rules.Set[Facts], now time.Time) (*population, error) {
	if e.pop != nil {
		return e.pop, nil
	}
	p := e.newPopulation(e.reads(set, "Lines"))
	withinKinds := make([]crm.EffectKind, len(e.within))
	for i := range e.within {
		withinKinds[i] = e.within[i].Kind
	}
	const step = crm.Parts / 64
	for lo := crm.Part(0); lo < crm.Parts; lo += step {
		err := e.cfg.Store.View(ctx, func(r crm.Reader) error {
			due, err := r.DueEffects(ctx, crm.DueQuery{Parts: crm.PartRange{Lo: lo, Hi: lo + step}, State: crm.Planned, Kinds: withinKinds, Before: now.Add(time.Microsecond), Limit: 100_000})
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

// asker asks rules again about effects that they planned.
type asker struct {
	fill    *filler
	moments map[*time.Location]*rules.Moment
}

// rechecked returns the Check of a handler of effects that rules plan: the rule is
// asked again, and then the handler's own Check about what still goes. What the host
// has planned itself, with a kind and a cause of its own, is no rule's to stop.
func (e *Engine) rechecked(h crm.EffectHandler, prepare func(context.Context, crm.Tx, []*crm.Effect) (*asker, error)) func(context.Context, crm.Tx, []*crm.Claim) error {
	return func(ctx context.Context, tx crm.Tx, claims []*crm.Claim) error {
		effects := make([]*crm.Effect, len(claims))
		for i, c := range claims {
			effects[i] = c.Effect
		}
		a, err := prepare(ctx, tx, effects)
		if err != nil {
			return err
		}
		var going []*crm.Claim
		for _, c := range claims {
			if e.own[h.Kind] && !strings.HasPrefix(c.Effect.Cause, rules.CausePrefix) {
				going = append(going, c)
				continue
			}
			if _, err := rules.DecodePayload(c.Effect); err != nil {
				c.Decision = e.failed(c.Effect, err)
			} else if c.Decision, err = e.recheck(ctx, c.Effect, a); err != nil {
				return err
			}
			if c.Decision.State == "" {
				going = append(going, c)
			}
		}
		if h.Check == nil || len(going) == 0 {
			return nil
		}
		return h.Check(ctx, tx, going)
	}
}

// maxNote is how many bytes of a host's error are stored with an effect; all of
// it goes to the log.
const maxNote = 500

// GuardData is the Guard of the reason of an effect that failed because its Data
// cannot be read, such as a host's own data under a kind of this package. The
// Note says what was wrong with it.
const GuardData = "data"

// failed ends an effect that cannot be carried out and never will be.
func (e *Engine) failed(f *crm.Effect, err error) crm.Decision {
	e.cfg.Logger.Warn("vefa: an effect cannot be carried out", "effect", f.ID, "kind", f.Kind, "cause", f.Cause, "err", err)
	return ended(crm.Failed, GuardData, crm.Clip(err.Error(), maxNote))
}

func ended(state crm.EffectState, guard, note string) crm.Decision {
	return crm.Decision{State: state, Guard: guard, Reasons: []crm.Reason{{Guard: guard, Note: note}}}
}

// recheck asks the rule again whether its effect should still happen, from what the
// asker knows. An effect that the rule cannot be asked about has failed; an error is
// one of the store or of a field of the host's.
func (e *Engine) recheck(ctx context.Context, f *crm.Effect, a *asker) (crm.Decision, error) {
	plain, err := bare(f)
	if err != nil {
		return e.failed(f, err), nil
	}
	fill := a.fill
	x := fill.p.of(f.Subject.Profile)
	if x == nil {
		return ended(crm.Cancelled, "customer", "the source record is gone"), nil
	}
	zone := fill.p.zone(x)
	m := a.moments[zone]
	if m == nil {
		m = rules.NewMoment(fill.now, zone)
		a.moments[zone] = m
	}
	facts, err := fill.one(ctx, x)
	if err != nil {
		return crm.Decision{}, err
	}
	d, err := fill.set.Recheck(plain, facts, fill.p.rowOf(x, facts, plain, fill.set, m), m)
	if err != nil {
		return e.failed(f, err), nil
	}
	out := crm.Decision{Reasons: d.Reasons}
	if !d.Proceed {
		out.State, out.Guard = d.State, "rule"
	}
	return out, nil
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
