package rules

import (
	"sync"
	"unsafe"
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

func (c *compiled) explainer() *explainer {
	c.explain.once.Do(func() {
		x := &explainer{when: newStep(c.when)}
		if c.unless != nil {
			x.unless = newStep(c.unless)
		}
		if c.guardTerm != nil {
			x.guard = newStep(c.guardText)
		}
		for _, k := range c.cancelOn {
			x.cancel = append(x.cancel, newStep(k.text))
		}
		c.explain.x = x
	})
	return c.explain.x
}

// step is a Step before it is evaluated.
type step struct {
	op     StepOp
	term   *term
	text   string
	test   boolFn // of a leaf
	values []*reading
	steps  []*step
}

// reading is a value that a leaf reads.
type reading struct {
	text string
	get  func(env) string
}

func newStep(t *term) *step {
	switch t.op {
	case opAnd, opOr:
		s := &step{op: StepAnd, term: t, text: t.String()}
		if t.op == opOr {
			s.op = StepOr
		}
		for _, k := range flat(t, t.op) {
			s.steps = append(s.steps, newStep(k))
		}
		return s
	case opNot:
		if k := t.kids[0]; k.op == opAnd || k.op == opOr || k.op == opNot {
			return &step{op: StepNot, term: t, text: t.String(), steps: []*step{newStep(k)}}
		}
	}
	s := &step{op: StepLeaf, term: t, text: t.String(), test: compileBool(t)}
	seen := map[string]bool{}
	for _, v := range read(t, nil) {
		if text := v.String(); !seen[text] {
			seen[text] = true
			s.values = append(s.values, &reading{text, valueFn(v)})
		}
	}
	return s
}

func (s *step) run(e env) *Step {
	out := &Step{Op: s.op, Text: s.text, from: s}
	switch s.op {
	case StepAnd, StepOr:
		out.Pass = s.op == StepAnd
		out.Steps = make([]*Step, len(s.steps))
		for i, k := range s.steps {
			out.Steps[i] = k.run(e)
			if s.op == StepAnd {
				out.Pass = out.Pass && out.Steps[i].Pass
			} else {
				out.Pass = out.Pass || out.Steps[i].Pass
			}
		}
	case StepNot:
		inner := s.steps[0].run(e)
		out.Pass, out.Steps = !inner.Pass, []*Step{inner}
	default:
		out.Pass = s.test(e)
		if len(s.values) > 0 {
			out.Values = make([]Value, len(s.values))
			for i, v := range s.values {
				out.Values[i] = Value{v.text, v.get(e)}
			}
		}
	}
	return out
}

// rowsOf returns how many rows a field has.
func rowsOf(e env, f *field) int { return (*sliceHeader)(unsafe.Add(e.facts, f.offset)).len }
