package vefa

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/rules"
)

// group are the fields of one crm.Module, which are filled together.
type group struct {
	module *crm.Module
	lines  map[string]bool // fields for which Fill looks at lines
}

// fieldKinds are the types of modules' fields as rules call them.
var fieldKinds = map[crm.FieldType]rules.Kind{
	crm.FieldBool: rules.Bool, crm.FieldInt: rules.Int, crm.FieldFloat: rules.Float, crm.FieldString: rules.String, crm.FieldTime: rules.Time,
}

// takeModules adds what Config.Modules bring to what the host gave itself, with steps only where they are known,
// and reports every fault of a module.
func (c *Config) takeModules() error {
	var faults []error
	seen := map[string]bool{}
	c.Fields, c.Kinds, c.Events, c.Effects = slices.Clip(c.Fields), slices.Clip(c.Kinds), slices.Clip(c.Events), slices.Clip(c.Effects)
	for i := range c.Modules {
		m := &c.Modules[i]
		fault := func(err error) {
			faults = append(faults, fmt.Errorf("vefa: Config.Modules[%d] %q: %w", i, m.Name, err))
		}
		if seen[m.Name] {
			fault(errors.New("two modules have this name"))
			continue
		}
		seen[m.Name] = true
		if err := m.Validate(); err != nil {
			fault(err)
			continue
		}
		g := &group{module: m, lines: map[string]bool{}}
		for _, f := range m.Fields {
			if slices.ContainsFunc(c.Fields, func(o Field) bool { return o.Rows == "" && o.Name == f.Name }) {
				fault(fmt.Errorf("field %q: there is another one of this name", f.Name))
				continue
			}
			d := Field{Name: f.Name, Kind: fieldKinds[f.Type], Scale: f.Scale, Max: f.Max, Unit: f.Unit, Doc: f.Doc, group: g}
			if f.Lines {
				d.Reads, g.lines[f.Name] = []string{"Lines"}, true
			}
			c.Fields = append(c.Fields, d)
		}
		for _, k := range m.Kinds {
			if slices.ContainsFunc(c.Kinds, func(o crm.Kind) bool { return o.Name == k.Name }) {
				fault(fmt.Errorf("kind %q: there is another one of this name", k.Name))
				continue
			}
			c.Kinds = append(c.Kinds, k)
		}
		for _, h := range m.Effects {
			if slices.ContainsFunc(c.Effects, func(o Effect) bool { return o.Kind == h.Kind }) {
				fault(fmt.Errorf("effect %q: there is another one of this kind", h.Kind))
				continue
			}
			c.Effects = append(c.Effects, Effect{EffectHandler: h})
		}
		c.Events = append(c.Events, m.Events...)
		if c.Steps == nil { // of Schema, which does none
			continue
		}
		for _, s := range m.Steps {
			before := cmp.Or(s.Before, StepRules)
			at := slices.IndexFunc(c.Steps, func(o Step) bool { return o.Name == before })
			switch {
			case slices.ContainsFunc(c.Steps, func(o Step) bool { return o.Name == s.Name }):
				fault(fmt.Errorf("step %q: there is another one of this name", s.Name))
			case at < 0:
				fault(fmt.Errorf("step %q: Config.Steps have no step %q that it could come before", s.Name, before))
			default:
				c.Steps = slices.Insert(c.Steps, at, Step{Name: s.Name, Run: moduleStep(s)})
			}
		}
	}
	return errors.Join(faults...)
}

// moduleStep is a step of a module as one of the night: the process that leads does it, and then
// sees what it wrote.
func moduleStep(s crm.Step) func(context.Context, *Evening) error {
	return func(ctx context.Context, ev *Evening) error {
		if leads, err := ev.leads(ctx, nil); err != nil || !leads {
			return err
		}
		var places *crm.Places
		err := s.Run(ctx, &crm.Evening{Day: ev.Day, At: ev.At, Closed: ev.Closed, Service: ev.e.svc, Store: ev.e.cfg.Store, Count: ev.Count,
			Customers: func(ctx context.Context, r crm.Reader, at time.Time, lines bool, keys ...crm.ProfileKey) (_ []crm.FieldSubject, err error) {
				if places == nil {
					if places, err = crm.LoadPlaces(ctx, r, ev.e.cfg.Home); err != nil {
						return nil, err
					}
				}
				return ev.e.subjects(ctx, r, places, at, lines, keys)
			}})
		if err != nil || !ev.loaded {
			return err
		}
		_, err = ev.e.refresh(ctx)
		return err
	}
}

// subjects reads the customers of profiles as modules know them.
func (e *Engine) subjects(ctx context.Context, r crm.Reader, places *crm.Places, at time.Time, lines bool, keys []crm.ProfileKey) ([]crm.FieldSubject, error) {
	ids, err := r.CustomersOf(ctx, keys...)
	if err != nil {
		return nil, err
	}
	ids = slices.DeleteFunc(ids, func(id crm.CustomerID) bool { return id == "" })
	slices.Sort(ids)
	p := newPopulation(&e.cfg, places)
	p.withLines = lines
	persons, err := p.read(ctx, r, slices.Compact(ids), []crm.FactKind{crm.KindOrder, crm.KindVisit, crm.KindTicket, crm.KindAnswer}, nil)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(persons, func(a, b *person) int { return a.home.Compare(b.home) })
	f := &filler{e: e, p: p, vocab: e.vocab, feasts: e.cfg.Feasts, now: at, at: at.UnixMicro(), shops: map[uint32]*shopClock{}, facts: new(Facts)}
	out := make([]crm.FieldSubject, len(persons))
	for i, x := range persons {
		f.fill(x)
		f.subject(x, f.facts, &out[i], lines)
	}
	return out, nil
}

// subject fills a subject of a module's from a person and the facts that were computed of it.
func (f *filler) subject(x *person, o *Facts, s *crm.FieldSubject, lines bool) {
	t := &f.p.texts
	*s = crm.FieldSubject{Customer: x.id, Home: x.home, Profiles: x.profiles, Zone: f.shop(x.place).loc, Today: f.shop(x.place).today,
		Purchases: s.Purchases[:0], Lines: s.Lines[:0], Contacts: s.Contacts[:0], OpenTickets: o.OpenTickets, Reachable: o.SMSConsent || o.EmailConsent}
	for i := range o.Purchases {
		row := &o.Purchases[i]
		r := &x.orders[row.index]
		s.Purchases = append(s.Purchases, crm.Purchase{At: row.At, Day: f.shop(r.place).today - row.DaysAgo, Amount: row.Amount.V, Priced: row.Amount.OK,
			Category: t.text(r.category), Brand: t.text(r.brand), Return: row.Return, Cancelled: row.Cancelled, Returned: row.Returned})
	}
	for i := range o.Lines {
		if !lines {
			break
		}
		row := &o.Lines[i]
		s.Lines = append(s.Lines, crm.Purchase{At: row.At, Day: f.shop(x.orders[row.index].place).today - row.DaysAgo, Amount: row.Amount.V, Priced: row.Amount.OK,
			Category: row.Category.V, Brand: row.Brand.V, Return: row.Return, Cancelled: row.Cancelled, Returned: row.Returned})
	}
	for i := range o.Visits {
		s.Contacts = append(s.Contacts, f.shop(x.visits[o.Visits[i].index].place).today-o.Visits[i].DaysAgo)
	}
	for i := range o.Answers {
		s.Contacts = append(s.Contacts, f.shop(x.place).today-o.Answers[i].DaysAgo)
	}
}

// askGroup fills fields of a module.
func (f *filler) askGroup(ctx context.Context, g *group, names []string, persons []*person, facts []*Facts) (err error) {
	defer crm.Recover("fill", &err)
	for len(f.subjects) < len(persons) {
		f.subjects = append(f.subjects, crm.FieldSubject{})
	}
	of, lines := f.subjects[:len(persons)], slices.ContainsFunc(names, func(n string) bool { return g.lines[n] })
	for i, x := range persons {
		f.subject(x, facts[i], &of[i], lines)
	}
	var rows [][]any
	err = f.read(ctx, func(r crm.Reader) (err error) {
		rows, err = g.module.Fill(ctx, r, f.now, of, names)
		return err
	})
	if err != nil {
		return err
	}
	if len(rows) != len(of) {
		return fmt.Errorf("%d rows for %d subjects", len(rows), len(of))
	}
	for i, row := range rows {
		if len(row) != len(names) {
			return fmt.Errorf("%d values for the %d fields %q", len(row), len(names), names)
		}
		for j, v := range row {
			if v == nil {
				continue // as Clear left it
			}
			if err := f.ext.Set(facts[i], names[j], v); err != nil {
				return fmt.Errorf("field %s: %w", names[j], err)
			}
		}
	}
	return nil
}
