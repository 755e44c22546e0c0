package rules

import (
	"sync"
	"unsafe"

	"github.com/vefacrm/vefa/rules/internal/closure"
	"github.com/vefacrm/vefa/rules/internal/ir"
)

// explainer is a rule's condition made ready to be explained: the texts are
// spelled and the closures made once, so that an explanation only reads.
type explainer struct {
	when   *step
	unless *step
	guard  *step
	cancel []*step
}

// lazyExplainer makes the explainer when it is first asked for.
type lazyExplainer struct {
	once sync.Once
	x    *explainer
}

// explainer returns the rule made ready, which most rules of a large set never need: it is
// made by the first who asks, and kept.
func (c *compiled) explainer() *explainer {
	c.explain.once.Do(func() {
		x := &explainer{when: newStep(c.when)}
		if c.unless != nil {
			x.unless = newStep(c.unless)
		}
		if c.GuardTerm != nil {
			x.guard = newStep(c.guardText)
		}
		for _, k := range c.CancelOn {
			x.cancel = append(x.cancel, newStep(k.Text))
		}
		c.explain.x = x
	})
	return c.explain.x
}

// step is a Step before it is evaluated.
type step struct {
	op     string
	term   *ir.Term
	text   string
	test   closure.BoolFunc // of a leaf
	values []*reading
	steps  []*step
}

// reading is a value that a leaf reads.
type reading struct {
	text string
	get  func(closure.Env) string
}

// newStep makes a step of a condition as it was written, not of its simplified form:
// people look for their own words. Nested ands, and ors, are one list.
func newStep(t *ir.Term) *step {
	switch t.Op {
	case ir.OpAnd, ir.OpOr:
		s := &step{op: stepAnd, term: t, text: t.String()}
		if t.Op == ir.OpOr {
			s.op = stepOr
		}
		for _, k := range ir.Flat(t, t.Op) {
			s.steps = append(s.steps, newStep(k))
		}
		return s
	case ir.OpNot:
		if k := t.Kids[0]; k.Op == ir.OpAnd || k.Op == ir.OpOr || k.Op == ir.OpNot {
			return &step{op: stepNot, term: t, text: t.String(), steps: []*step{newStep(k)}}
		}
	}
	s := &step{op: stepLeaf, term: t, text: t.String(), test: closure.Bool(t)}
	seen := map[string]bool{}
	for _, v := range read(t, nil) {
		if text := v.String(); !seen[text] {
			seen[text] = true
			s.values = append(s.values, &reading{text, valueFn(v)})
		}
	}
	return s
}

// run evaluates every part, also those that decide nothing any more: what a part read is
// the answer to "why".
func (s *step) run(e closure.Env) *Step {
	out := &Step{Op: s.op, Text: s.text, from: s}
	switch s.op {
	case stepAnd, stepOr:
		out.Pass = s.op == stepAnd
		out.Steps = make([]*Step, len(s.steps))
		for i, k := range s.steps {
			out.Steps[i] = k.run(e)
			if s.op == stepAnd {
				out.Pass = out.Pass && out.Steps[i].Pass
			} else {
				out.Pass = out.Pass || out.Steps[i].Pass
			}
		}
	case stepNot:
		inner := s.steps[0].run(e)
		out.Pass, out.Steps = !inner.Pass, []*Step{inner}
	default:
		out.Pass = s.test(e)
		if len(s.values) > 0 {
			out.Values = make([]Value, len(s.values))
			for i, v := range s.values {
				out.Values[i] = Value{Text: v.text, Value: v.get(e)}
			}
		}
	}
	return out
}

// rowsOf returns how many rows a field has.
func rowsOf(e closure.Env, f *ir.Field) int {
	return (*closure.SliceHeader)(unsafe.Add(e.Facts, f.Offset)).Len
}
