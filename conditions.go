package vefa

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/segment"
	"github.com/vefacrm/vefa/segment/bitset"
)

// conditions are what Config.Segments ask of fields: a leaf, as in
// leaf("Tier == 'gold'"), is a condition in the language of rules. Its rule in set has its
// text for a name.
type conditions struct {
	set    *rules.Set[Facts]
	leaves []string
	// settled is the instant that the leaves of Engine.seg are as of; zero: of none, or
	// something was committed since
	settled time.Time
	once    bool // they were settled for some instant
}

// collectConditions compiles the leaves of the definitions.
func (e *Engine) collectConditions() error {
	var leaves []string
	for _, d := range e.defs {
		leaves = append(leaves, d.References().Leaves...)
	}
	if len(leaves) == 0 {
		return nil
	}
	slices.Sort(leaves)
	c := &conditions{leaves: slices.Compact(leaves)}
	book := &rules.Book{}
	var faults []error
	fault := func(leaf, format string, args ...any) {
		faults = append(faults, fmt.Errorf("vefa: segments: leaf %q: %w", leaf, fmt.Errorf(format, args...)))
	}
	for _, leaf := range c.leaves {
		r := rules.Rule{Name: leaf, When: leaf, Then: []rules.Action{{Kind: "tag", Name: "leaf"}}}
		set, err := e.schema.Compile(&rules.Book{Rules: []rules.Rule{r}})
		if err != nil {
			var f *rules.Fault
			if errors.As(err, &f) {
				err = fmt.Errorf("column %d: %s", f.Column, f.Msg)
			}
			fault(leaf, "%w", err)
			continue
		}
		for _, name := range []string{"Segments", "Sent"} { // of what a claim lets go only rules know
			if set.Reads(name) {
				fault(leaf, "%s is for rules and cannot be read by a segment", name)
			}
			for i := range e.cfg.Fields {
				if d := &e.cfg.Fields[i]; d.readBy(set) && slices.Contains(d.Reads, name) {
					fault(leaf, "%s reads %s, which is for rules and cannot be read by a segment", d.Name, name)
				}
			}
		}
		book.Rules = append(book.Rules, r)
	}
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	var err error
	if c.set, err = e.schema.Compile(book); err == nil {
		e.conditions = c
	}
	return err
}

// reads reports whether the leaves of segments read a field of Facts.
func (c *conditions) reads(name string) bool { return c != nil && c.set.Reads(name) }

// hit says that a condition holds for a customer.
type hit struct {
	name string // in the segment index
	leaf string
}

// hits returns which conditions hold for persons as of the instant of w.
func (w *evaluator) hits(ctx context.Context, persons []*person) (out []hit, err error) {
	n := 1
	if w.fill.loads() {
		n = fillChunk
	}
	for chunk := range slices.Chunk(persons, n) {
		facts, err := w.fill.fillAll(ctx, chunk)
		if err != nil {
			return nil, fmt.Errorf("vefa: segments: %w", err)
		}
		for i, x := range chunk {
			if w.firings, err = w.set.Evening(w.firings[:0], facts[i], w.moment(x)); err != nil && !w.tooMany(x, err) {
				return nil, err
			}
			for _, f := range w.firings {
				out = append(out, hit{segmentName(x.home), f.Rule.Name})
			}
		}
	}
	return out, nil
}

// newLeaves returns an evaluator of the conditions of segments, which reads through r if
// that is given.
func (e *Engine) newLeaves(r crm.Reader, p *population, at time.Time) (*evaluator, error) {
	w, err := e.evaluatorOf(p, e.conditions.set, rules.Trigger{}, at, nil)
	if err == nil {
		w.fill.reader = r
	}
	return w, err
}

// setLeaves puts into an index for whom the conditions hold.
func (e *Engine) setLeaves(idx *segment.Index, hits []hit) error {
	sets := map[string]*bitset.Set{}
	for _, leaf := range e.conditions.leaves {
		sets[leaf] = new(bitset.Set)
	}
	for _, h := range hits {
		if id, ok := idx.ID(h.name); ok {
			sets[h.leaf].Add(id)
		}
	}
	for _, leaf := range e.conditions.leaves {
		if _, err := idx.SetLeaf(time.Time{}, leaf, sets[leaf]); err != nil {
			return fmt.Errorf("vefa: segments: %w", err)
		}
	}
	return nil
}

// askEverybody puts into an index of everybody for whom the conditions hold as of an
// instant. It costs a look at all facts that they read.
func (e *Engine) askEverybody(ctx context.Context, idx *segment.Index, at time.Time) error {
	var all []hit
	take := func(got []hit) error {
		all = append(all, got...)
		return nil
	}
	var err error
	if e.pop == nil {
		set := e.conditions.set
		err = eachPage(ctx, e, wholly(everyPart()[0]), e.asked(set), func() *population { return e.newPopulation(e.reads(set, "Lines")) },
			func(ctx context.Context, pg sheet) ([]hit, error) {
				w, err := e.newLeaves(nil, pg.p, at)
				if err != nil {
					return nil, err
				}
				return w.hits(ctx, pg.persons)
			}, take)
	} else {
		workers := make([]*evaluator, threads())
		for i := range workers {
			if workers[i], err = e.newLeaves(nil, e.pop, at); err != nil {
				return err
			}
		}
		err = ordered(ctx, len(workers), func(_ context.Context, yield func([]*person) bool) error {
			for chunk := range slices.Chunk(e.pop.sorted(), 4096) {
				if !yield(chunk) {
					break
				}
			}
			return nil
		}, func(ctx context.Context, thread int, chunk []*person) ([]hit, error) {
			return workers[thread].hits(ctx, chunk)
		}, take)
	}
	if err != nil {
		return err
	}
	return e.setLeaves(idx, all)
}

// settle brings the leaves of everybody's segments to an instant. A caller that reads e.seg
// calls it before, and outside of a transaction.
func (e *Engine) settle(ctx context.Context, at time.Time) error {
	c := e.conditions
	if c == nil || c.settled.Equal(at) && !at.IsZero() {
		return nil
	}
	if err := e.askEverybody(ctx, e.seg, at); err != nil {
		return err
	}
	c.settled, c.once = at, true
	e.show()
	return nil
}

// show lets those who do not wait see the segments as they are.
func (e *Engine) show() {
	if e.conditions == nil || e.conditions.once {
		e.view.Store(e.seg.View())
	}
}

// unsettle takes note that something was committed, or of what is forgotten.
func (e *Engine) unsettle(forgotten bool) {
	if c := e.conditions; c != nil {
		c.settled, c.once = time.Time{}, c.once && !forgotten
	}
}

// of returns the conditions that a segment asks for, by way of others too.
func (c *conditions) of(defs []segment.Definition, name string) []string {
	leaves, seen := map[string]bool{}, map[string]bool{}
	var walk func(string)
	walk = func(name string) {
		i := slices.IndexFunc(defs, func(d segment.Definition) bool { return d.Name == name })
		if i < 0 || seen[name] {
			return
		}
		seen[name] = true
		r := defs[i].References()
		for _, leaf := range r.Leaves {
			leaves[leaf] = true
		}
		for _, s := range r.Segments {
			walk(s)
		}
	}
	walk(name)
	return slices.DeleteFunc(slices.Clone(c.leaves), func(leaf string) bool { return !leaves[leaf] })
}

// whyLeaves explains the conditions that a segment asks for, as rules are explained.
func (e *Engine) whyLeaves(ctx context.Context, p *population, x *person, at time.Time, name, locale string) (text string, err error) {
	if e.conditions == nil {
		return "", nil
	}
	w, err := e.newLeaves(nil, p, at)
	if err != nil {
		return "", err
	}
	facts, err := w.fill.one(ctx, x)
	if err != nil {
		return "", err
	}
	for _, leaf := range e.conditions.of(e.defs, name) {
		ex, err := w.set.Explain(leaf, facts, w.moment(x))
		if err != nil {
			return "", err
		}
		text += ex.Text(locale) + ex.FlipText(locale)
	}
	return text, nil
}
