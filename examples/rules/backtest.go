package main

import (
	"context"
	"fmt"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/examples/internal/terminal"
	"github.com/vefacrm/vefa/rules"
)

// replay runs evenings of the past one after the other, with the same code
// that plans and rechecks effects in production: what earlier evenings tagged
// and what was done once acts on later ones.
type replay struct {
	p       *program
	ids     *crm.EffectIDs
	journal crm.Store
	tags    []map[string]bool // by customer: what rules set and cleared
	counts  map[string]*tally
	breaker rules.Breaker
	past    rules.Populations
	trips   []tripped
}

// tally counts what became of a rule's actions.
type tally struct{ planned, done, withheld, cancelled, waiting int }

type tripped struct {
	day string
	rules.Trip
}

// backtest replays the evenings from -from to -to.
func (p *program) backtest(ctx context.Context) error {
	first, err := time.ParseInLocation(time.DateOnly, p.from, p.zone)
	if err != nil {
		return terminal.Usagef("-from: %q is no date", p.from)
	}
	last, err := time.ParseInLocation(time.DateOnly, p.to, p.zone)
	if err != nil {
		return terminal.Usagef("-to: %q is no date", p.to)
	}
	// A backtest keeps nothing, so its ids need no key of anybody's.
	ids, err := crm.NewEffectIDs(crm.NewSecret([]byte("vefa example rules: a backtest of the past")))
	if err != nil {
		return err
	}
	n := len(p.facts.customers)
	r := &replay{p: p, ids: ids, journal: memstore.New(), tags: make([]map[string]bool, n), counts: map[string]*tally{}, past: rules.Populations{}}
	for i := range r.tags {
		r.tags[i] = map[string]bool{}
	}
	local := p.moment.Now().In(p.zone)
	evenings := 0
	for day := first; !day.After(last); day = day.AddDate(0, 0, 1) {
		now := time.Date(day.Year(), day.Month(), day.Day(), local.Hour(), local.Minute(), 0, 0, p.zone)
		if err := r.evening(ctx, rules.NewMoment(now, p.zone)); err != nil {
			if ctx.Err() != nil {
				return &terminal.Stopped{Text: fmt.Sprintf("stopped after %d evenings, before that of %s", evenings, now.Format(time.DateOnly)), Err: err}
			}
			return fmt.Errorf("evening %s: %w", now.Format(time.DateOnly), err)
		}
		evenings++
	}
	var left []*crm.Effect
	if err := r.journal.View(ctx, func(tx crm.Reader) error {
		left, err = tx.ScanEffects(ctx, crm.PartRange{}, "", 1<<30)
		return err
	}); err != nil {
		return err
	}
	for _, e := range left {
		if e.State == crm.Planned {
			r.of(e).waiting++
		}
	}
	p.printf("%d evenings from %s to %s, %d customers\n", evenings, p.from, p.to, n)
	w := terminal.Table{Right: map[int]bool{0: true, 1: true, 2: true, 3: true, 4: true}}
	w.Row("planned", "done", "withheld", "cancelled", "waiting", "rule")
	for _, rule := range p.set.Rules() {
		if c := r.counts[rule.Name]; c != nil || p.rule == rule.Name {
			if c == nil {
				c = &tally{}
			}
			w.Row(fmt.Sprint(c.planned), fmt.Sprint(c.done), fmt.Sprint(c.withheld), fmt.Sprint(c.cancelled), fmt.Sprint(c.waiting), rule.Name)
		} else {
			w.Row("0", "0", "0", "0", "0", rule.Name+" (never)")
		}
	}
	if err := w.Write(p.out, p.width); err != nil {
		return err
	}
	for _, t := range r.trips {
		p.printf("breaker: %s: %s reaches %d customers, usual is at most %d\n", t.day, t.Rule, t.Matched, t.Usual)
	}
	return nil
}

func (r *replay) of(e *crm.Effect) *tally {
	name := e.Cause[len(rules.CausePrefix):]
	if r.counts[name] == nil {
		r.counts[name] = &tally{}
	}
	return r.counts[name]
}

// evening plans what the rules say about everybody and carries out what is due.
func (r *replay) evening(ctx context.Context, m *rules.Moment) error {
	tonight := map[string]int{}
	for _, rule := range r.p.set.Rules() {
		if rule.On.Kind == rules.OnEvening || rule.On.Kind == rules.OnDate {
			tonight[rule.Name] = 0
		}
	}
	var firings []rules.Firing
	var intents []rules.Intent
	for i := range r.p.facts.customers {
		if err := ctx.Err(); err != nil {
			return err
		}
		s, err := r.p.facts.at(i, m.Now(), r.tags[i])
		if err != nil {
			return err
		}
		if firings, err = r.p.set.Evening(firings[:0], s.record, m); err != nil {
			return fmt.Errorf("customer %q: %w", r.p.facts.customers[i].key, err)
		}
		if len(firings) == 0 {
			continue
		}
		in := rules.Intent{Members: []crm.Subject{r.p.facts.member(i)}}
		seen := map[string]bool{}
		for _, f := range firings {
			if !seen[f.Rule.Name] {
				seen[f.Rule.Name] = true
				tonight[f.Rule.Name]++
			}
			target := rules.Target{Subject: in.Members[0]}
			if f.Row >= 0 {
				target.About = r.p.facts.about(f.Rule.Each, s.rows[f.Rule.Each][f.Row])
			}
			if in.Effects, err = r.p.set.Plan(r.ids, in.Effects, f, target, m); err != nil {
				return err
			}
		}
		intents = append(intents, in)
	}
	var news []*crm.Effect
	if err := r.journal.Update(ctx, func(tx crm.Tx) (err error) {
		news, err = rules.Record(ctx, tx, intents...)
		return err
	}); err != nil {
		return err
	}
	for _, e := range news {
		r.of(e).planned++
	}
	trips := r.breaker.Check(r.past, tonight)
	for _, t := range trips {
		r.trips = append(r.trips, tripped{m.Date(), t})
	}
	r.past = r.breaker.Learn(r.past, tonight, nil)
	return r.carry(ctx, m)
}

// carry does what is due, after asking the rule again.
func (r *replay) carry(ctx context.Context, m *rules.Moment) error {
	for left := true; left; {
		if err := r.journal.Update(ctx, func(tx crm.Tx) error {
			due, err := tx.DueEffects(ctx, crm.DueQuery{State: crm.Planned, Before: m.Now().Add(time.Microsecond)})
			if left = len(due) > 0; err != nil || !left {
				return err
			}
			for _, e := range due {
				if err := r.carryOne(e, m); err != nil {
					return err
				}
			}
			return tx.UpdateEffects(ctx, due...)
		}); err != nil {
			return err
		}
	}
	return nil
}

func (r *replay) carryOne(e *crm.Effect, m *rules.Moment) error {
	i := r.p.facts.index[e.Subject.Profile.ID]
	s, err := r.p.facts.at(i, m.Now(), r.tags[i])
	if err != nil {
		return err
	}
	payload, err := rules.DecodePayload(e)
	if err != nil {
		return err
	}
	row := -1
	if k := rules.RowOf(e); !k.IsZero() {
		for at, line := range s.rows[k.Source] {
			if r.p.facts.about(k.Source, line) == k {
				row = at
			}
		}
	}
	d, err := r.p.set.Recheck(e, s.record, row, m)
	if err != nil {
		return err
	}
	e.Reasons, e.Changed = d.Reasons, crm.Micros(m.Now())
	switch {
	case d.Proceed:
		e.State = crm.Done
		r.of(e).done++
		if payload.Action == "tag" || payload.Action == "untag" {
			r.tags[i][payload.Name] = payload.Action == "tag"
		}
	case d.State == crm.Withheld:
		e.State = crm.Withheld
		r.of(e).withheld++
	default:
		e.State = crm.Cancelled
		r.of(e).cancelled++
	}
	return nil
}

// member names a customer in the journal.
func (f *facts) member(i int) crm.Subject {
	return crm.OfProfile(crm.ProfileKey{Source: "csv", ID: f.customers[i].key})
}

// about names a row in the journal: the rows' field and the row's key.
func (f *facts) about(field string, line int) crm.FactKey {
	return crm.FactKey{Kind: crm.KindOrder, Source: field, ID: f.sheetOf(field).rowKey(line)}
}
