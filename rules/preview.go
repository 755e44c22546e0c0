package rules

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
func (s *Set[F]) Preview(ctx context.Context, pop *Population[F], rule Rule, m *Moment, sample int) (*Preview, error) {
	one, err := s.schema.Compile(append(slices.Clone(s.books), &Book{Rules: []Rule{rule}})...)
	if err != nil {
		return nil, err
	}
	c := one.byName[rule.Name]
	if c == nil {
		return nil, fmt.Errorf("rules: there is no rule %q", rule.Name)
	}
	matches, err := s.evaluate(ctx, newVectorPlan(s.schema.s, []*compiled{c.bare()}), pop, m)
	if err != nil {
		return nil, err
	}
	f := &matches.found[0]
	p := &Preview{Population: pop.live(), Subjects: f.n, Firings: f.firings, Cost: c.cost}
	p.Sample = f.sample(func(b int) []uint64 { return f.subjects[b].words() }, f.n, sample)
	return p, nil
}

// bare returns the rule without what keeps a matching rule from firing.
func (out *compiled) bare() *compiled {
	c := *out
	c.from, c.to, c.group = farPast, farFuture, -1
	return &c
}

// live returns how many subjects there are.
func (p *Population[F]) live() int { return p.p.n - countBits(p.p.dead) }

// words returns the set as a bitmap of a block.
func (c *cell) words() []uint64 {
	if c.bits != nil {
		return c.bits
	}
	w := make([]uint64, blockRows/64)
	for _, i := range c.list {
		setBit(w, int(i))
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
		if in := countBits(w); seen+in <= next {
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
	Rule          string
	Old, New      *Rule // nil: the rule is not there
	Before, After int   // subjects
	Gain, Lose    int   // subjects that the rule fires for only after, only before
	Gained, Lost  []int // samples of them
}

// Compare evaluates two sets of one schema and returns, by name, the rules that
// differ between them, in their text or in whom they fire for: who gains, who
// loses. Rules of the evening are compared as they fire, groups and dates
// included; of rules with another trigger only the conditions are. A sample has
// at most so many subjects.
func (s *Set[F]) Compare(ctx context.Context, old *Set[F], pop *Population[F], m *Moment, sample int) ([]Change, error) {
	if old == nil || old.schema.s != s.schema.s {
		return nil, errors.New("rules: sets of two schemas cannot be compared")
	}
	before, err := old.evaluate(ctx, old.comparable(), pop, m)
	if err != nil {
		return nil, err
	}
	after, err := s.evaluate(ctx, s.comparable(), pop, m)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, r := range old.rules {
		names = append(names, r.rule.Name)
	}
	for _, r := range s.rules {
		names = append(names, r.rule.Name)
	}
	slices.Sort(names)
	var out []Change
	for _, name := range slices.Compact(names) {
		c := Change{Rule: name, Old: old.Rule(name), New: s.Rule(name)}
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
			c.Gain += countBits(only(b, a)(i))
			c.Lose += countBits(only(a, b)(i))
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
func (s *Set[F]) comparable() *vectorPlan {
	list := slices.Clone(s.evening)
	for _, r := range s.rules {
		if !r.rule.Disabled && !r.isEvening() {
			list = append(list, r.bare())
		}
	}
	return newVectorPlan(s.schema.s, list)
}
