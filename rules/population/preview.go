package population

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/rules/internal/planes"
)

// Preview says whom a rule would be about, before anybody saves it.
type Preview struct {
	Population int // subjects looked at
	Subjects   int // for whom the condition holds
	Firings    int // more than Subjects if the rule fires for each row
	// Sample holds some of the subjects, spread evenly over all of them.
	Sample []int
	// Cost is the worst-case number of steps for one subject.
	Cost int64
}

// Preview compiles a rule, new or edited, together with the conditions and
// groups of the set and counts exactly whom it matches at the moment, with a
// sample of at most so many subjects. Only the condition counts: trigger,
// group, dates and whether it is disabled do not. A faulty rule is a
// *CompileError; the set does not change.
func (p *Population[F]) Preview(ctx context.Context, set *rules.Set[F], rule rules.Rule, m *rules.Moment, sample int) (*Preview, error) {
	one, err := set.Schema().Compile(append(slices.Clone(set.Books()), &rules.Book{Rules: []rules.Rule{rule}})...)
	if err != nil {
		return nil, err
	}
	r := one.Rule(rule.Name)
	if r == nil {
		return nil, fmt.Errorf("population: there is no rule %q", rule.Name)
	}
	prog := one.Program()
	list := withSources(one, prog.Rules)
	i := slices.IndexFunc(list, func(s listed) bool { return s.rule == r })
	list[i].Rule = list[i].Alone()
	matches, err := p.evaluate(ctx, newVectorPlan(prog.Layout, list[i:i+1]), m)
	if err != nil {
		return nil, err
	}
	f := &matches.found[0]
	out := &Preview{Population: p.live(), Subjects: f.n, Firings: f.firings, Cost: one.Cost(rule.Name)}
	out.Sample = f.sample(func(b int) []uint64 { return f.subjects[b].words() }, f.n, sample)
	return out, nil
}

// live returns how many subjects there are.
func (p *Population[F]) live() int { return p.p.n - planes.CountBits(p.p.dead) }

// words returns the set as a bitmap of a block.
func (c *cell) words() []uint64 {
	if c.bits != nil {
		return c.bits
	}
	w := make([]uint64, blockRows/64)
	for _, i := range c.list {
		planes.SetBit(w, int(i))
	}
	return w
}

// sample returns at most k of the n members, evenly spread.
func (f *found) sample(of func(b int) []uint64, n, k int) []int {
	k = min(k, n)
	if k <= 0 {
		return nil
	}
	out, seen, next := make([]int, 0, k), 0, 0
	for b := range f.subjects {
		w := of(b)
		c := cell{bits: w}
		if in := planes.CountBits(w); seen+in <= next {
			seen += in
			continue
		}
		c.each(func(i int) bool {
			if seen == next {
				out = append(out, b*blockRows+i)
				next = len(out) * n / k
			}
			seen++
			return len(out) < k
		})
		if len(out) == k {
			break
		}
	}
	return out
}

// Change says what becomes different for whom when one set takes the place of
// another.
type Change struct {
	// Rule is the name in both sets.
	Rule          string
	Old, New      *rules.Rule // nil: the rule is not there
	Before, After int         // subjects
	Gain, Lose    int         // subjects that the rule fires for only after, only before
	Gained, Lost  []int       // samples of them
}

// Compare evaluates two sets of one schema and returns, by name, the rules that
// differ between them, in their text or in whom they fire for: who gains, who
// loses. Rules of the evening are compared as they fire, groups and dates
// included; of rules with another trigger only the conditions are. A sample has
// at most so many subjects.
func (p *Population[F]) Compare(ctx context.Context, old, set *rules.Set[F], m *rules.Moment, sample int) ([]Change, error) {
	if old == nil || set == nil || old.Schema().Layout() != set.Schema().Layout() {
		return nil, errors.New("population: sets of two schemas cannot be compared")
	}
	before, err := p.evaluate(ctx, comparable(old), m)
	if err != nil {
		return nil, err
	}
	after, err := p.evaluate(ctx, comparable(set), m)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, r := range old.Rules() {
		names = append(names, r.Name)
	}
	for _, r := range set.Rules() {
		names = append(names, r.Name)
	}
	slices.Sort(names)
	var out []Change
	for _, name := range slices.Compact(names) {
		c := Change{Rule: name, Old: old.Rule(name), New: set.Rule(name)}
		a, b := before.of1(name), after.of1(name)
		c.Before, c.After = a.n, b.n
		only := func(x, y *found) func(int) []uint64 {
			return func(block int) []uint64 {
				w := slices.Clone(x.subjects[block].words())
				other := y.subjects[block].words()
				for i := range min(len(w), len(other)) {
					w[i] &^= other[i]
				}
				return w
			}
		}
		for i := range b.subjects {
			c.Gain += planes.CountBits(only(b, a)(i))
			c.Lose += planes.CountBits(only(a, b)(i))
		}
		c.Gained = b.sample(only(b, a), c.Gain, sample)
		c.Lost = a.sample(only(a, b), c.Lose, sample)
		same := c.Old != nil && c.New != nil && c.Old.Version == c.New.Version && c.Old.Disabled == c.New.Disabled
		if !same || c.Gain+c.Lose > 0 || a.firings != b.firings {
			out = append(out, c)
		}
	}
	return out, nil
}

// of1 returns what a rule matches, nothing if it is not there.
func (m *Matches) of1(rule string) *found {
	if i, ok := m.byName[rule]; ok {
		return &m.found[i]
	}
	return &found{subjects: make([]cell, (m.n+blockRows-1)/blockRows)}
}

// comparable returns the plan of all enabled rules.
func comparable[F any](set *rules.Set[F]) *vectorPlan {
	prog := set.Program()
	list := withSources(set, prog.Evening)
	for _, r := range withSources(set, prog.Rules) {
		if on := r.rule.On.Kind; !r.rule.Disabled && on != rules.OnEvening && on != rules.OnDate {
			r.Rule = r.Alone()
			list = append(list, r)
		}
	}
	return newVectorPlan(prog.Layout, list)
}
