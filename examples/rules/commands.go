package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/worth"
	"github.com/vefacrm/vefa/examples/internal/speak"
	"github.com/vefacrm/vefa/examples/internal/terminal"
	"github.com/vefacrm/vefa/rules"
)

func (p *program) printf(format string, args ...any) {
	fmt.Fprint(p.out, terminal.Printable(fmt.Sprintf(format, args...)))
}

// check says that all is well: what is not was reported when it was loaded.
func (p *program) check(context.Context) error {
	p.printf("%d rules, %d tables over %d customers: no mistake\n", len(p.set.Rules()), len(p.set.Tables()), len(p.facts.customers))
	w := terminal.Table{Right: map[int]bool{4: true}}
	w.Row("RULE", "ON", "EACH", "ONCE", "STEPS", "OWNER", "DOES")
	for _, r := range p.set.Rules() {
		state := ""
		if r.Disabled {
			state = " (disabled)"
		}
		w.Row(r.Name+state, r.On.String(), dash(r.Each), r.Once, fmt.Sprint(p.set.Cost(r.Name)), dash(r.Owner), deeds(r))
	}
	return w.Write(p.out, p.width)
}

// evening checks the rules against the facts of vefa's evening and the fields of package worth. Fields of
// a host's own are known to the host alone: it compiles its books with vefa.Schema.
func (p *program) evening() error {
	if len(p.rules) == 0 {
		return terminal.Usagef("-rules must be set: there is no sample of an evening")
	}
	books, err := read(p.rules)
	if err != nil {
		return err
	}
	module, err := worth.New(worth.Config{})
	if err != nil {
		return err
	}
	schema, err := vefa.Schema(vefa.Config{Modules: []crm.Module{module}})
	if err != nil {
		return err
	}
	set, err := schema.Compile(books...)
	if err != nil {
		return err
	}
	p.printf("%d rules over vefa.Facts: no mistake\n", len(set.Rules()))
	for _, f := range set.Lint(nil) {
		p.printf("%s\n", f)
	}
	return nil
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func deeds(r *rules.Rule) string {
	var out []string
	for _, a := range r.Then {
		s := a.Kind + " " + a.Name
		if a.After != "" {
			s += " after " + a.After
		}
		out = append(out, s)
	}
	return dash(strings.Join(out, ", "))
}

// lint prints findings; tags that customers have are known.
func (p *program) lint(context.Context) error {
	findings := p.set.Lint(p.knownTags())
	for _, f := range findings {
		p.printf("%s\n", f)
	}
	if len(findings) > 0 {
		return fmt.Errorf("%d findings", len(findings))
	}
	p.printf("0 findings\n")
	return nil
}

// reach is whom a rule reaches.
type reach map[string][]int // customers by rule, in the order of the file

// reach evaluates every rule, whatever its trigger, for all customers.
func (p *program) reach(ctx context.Context, set *rules.Set[record]) (reach, error) {
	out := reach{}
	for i := range p.facts.customers {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s, err := p.facts.at(i, p.moment.Now(), nil)
		if err != nil {
			return nil, err
		}
		firings, err := set.Evening(nil, s.record, p.moment)
		if err != nil {
			return nil, fmt.Errorf("customer %q: %w", p.facts.customers[i].key, err)
		}
		for _, r := range set.Rules() {
			if r.On.Kind != rules.OnEvening && r.On.Kind != rules.OnDate {
				x, err := set.Explain(r.Name, s.record, p.moment)
				if err != nil {
					return nil, err
				}
				if x.Fires {
					firings = append(firings, rules.Firing{Rule: r})
				}
			}
		}
		for _, f := range firings {
			if list := out[f.Rule.Name]; len(list) == 0 || list[len(list)-1] != i {
				out[f.Rule.Name] = append(list, i)
			}
		}
	}
	return out, nil
}

// preview counts whom each rule reaches, exactly, and names some.
func (p *program) preview(ctx context.Context) error {
	now, err := p.reach(ctx, p.set)
	if err != nil {
		return err
	}
	var before reach
	if p.written != nil {
		if before, err = p.reach(ctx, p.written); err != nil {
			return err
		}
	}
	if p.report != "" {
		l, err := speak.In("lang", p.lang, languages)
		if err == nil {
			err = p.writePreview(ctx, l, now, before)
		}
		if err != nil {
			return err
		}
		defer terminal.Wrote(p.errs, p.report)
	}
	p.printf("%d customers on %s\n", len(p.facts.customers), p.moment.Date())
	w := terminal.Table{Right: map[int]bool{1: true, 2: true}}
	if before == nil {
		w.Row("RULE", "CUSTOMERS", "SHARE", "EXAMPLES")
	} else {
		w.Right[3], w.Right[4] = true, true
		w.Row("RULE", "CUSTOMERS", "SHARE", "GAINS", "LOSES", "EXAMPLES")
	}
	names := map[string]bool{}
	for _, r := range p.set.Rules() {
		names[r.Name] = true
	}
	for name := range before {
		names[name] = true
	}
	for _, name := range sorted(names) {
		if p.rule != "" && p.rule != name {
			continue
		}
		list := now[name]
		cells := []string{name, fmt.Sprint(len(list)), fmt.Sprintf("%.1f%%", 100*float64(len(list))/float64(max(1, len(p.facts.customers))))}
		show := list
		if before != nil {
			gains, loses := minus(list, before[name]), minus(before[name], list)
			cells = append(cells, fmt.Sprint(len(gains)), fmt.Sprint(len(loses)))
			show = nil
			for _, i := range gains[:min(len(gains), p.examples)] {
				cells = append(cells, "+"+p.facts.customers[i].key)
			}
			for _, i := range loses[:min(len(loses), p.examples)] {
				cells = append(cells, "-"+p.facts.customers[i].key)
			}
		}
		var keys []string
		for _, i := range show[:min(len(show), p.examples)] {
			keys = append(keys, p.facts.customers[i].key)
		}
		if before != nil {
			keys = cells[5:]
			cells = cells[:5]
		}
		w.Row(append(cells, strings.Join(keys, " "))...)
	}
	return w.Write(p.out, p.width)
}

// minus returns what is in a and not in b; both are sorted.
func minus(a, b []int) []int {
	var out []int
	for _, x := range a {
		if _, found := slices.BinarySearch(b, x); !found {
			out = append(out, x)
		}
	}
	return out
}

func sorted[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// subject finds the customer of -customer.
func (p *program) subject() (*subject, error) {
	i, ok := p.facts.index[p.customer]
	if !ok {
		return nil, fmt.Errorf("there is no customer %q: say one with -customer", p.customer)
	}
	return p.facts.at(i, p.moment.Now(), nil)
}

// explain says why a rule fires for a customer or not; without -rule, one line
// for each.
func (p *program) explain(context.Context) error {
	s, err := p.subject()
	if err != nil {
		return err
	}
	if p.rule != "" {
		x, err := p.set.Explain(p.rule, s.record, p.moment)
		if err != nil {
			return err
		}
		p.printf("%s%s", x.Text(p.lang), x.FlipText(p.lang))
		return nil
	}
	for _, r := range p.set.Rules() {
		x, err := p.set.Explain(r.Name, s.record, p.moment)
		if err != nil {
			return err
		}
		first, _, _ := strings.Cut(x.Text(p.lang), "\n")
		p.printf("%s\n", first)
	}
	return nil
}

// decide asks a table about a customer.
func (p *program) decide(context.Context) error {
	s, err := p.subject()
	if err != nil {
		return err
	}
	if p.table == "" {
		return fmt.Errorf("say a table with -table: %s", strings.Join(p.set.Tables(), ", "))
	}
	hits, err := p.set.Decide(p.table, s.record, -1, p.moment)
	if err != nil {
		return err
	}
	for _, h := range hits {
		p.printf("%s: row %s\n", p.table, h.Row)
		for _, k := range sorted(h.Values) {
			p.printf("  %s = %s\n", k, h.Values[k])
		}
	}
	if len(hits) == 0 {
		p.printf("%s: no row is for this customer\n", p.table)
	}
	return nil
}

// diff prints what changed from -was to -rules.
func (p *program) diff(context.Context) error {
	if p.written == nil {
		return fmt.Errorf("say the rules of before with -was")
	}
	changes := rules.Diff(p.written, p.set)
	for _, c := range changes {
		p.printf("%s\n", c)
	}
	p.printf("%d changes\n", len(changes))
	return nil
}
