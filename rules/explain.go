package rules

import (
	"fmt"
	"math"
	"strconv"
	"time"
	"unsafe"
)

// Explanation says why a rule fires for a subject, or why it does not.
type Explanation struct {
	Rule  string
	Fires bool
	// Blocked says what keeps the rule from firing whatever its condition:
	// BlockedDisabled, BlockedDates or both.
	Blocked []Blocked
	// Cases holds one case for the subject as a whole (Row -1), or one per row
	// of a rule with Each; a subject without rows has none.
	Cases []Case
}

// Blocked names something that keeps a rule from firing.
type Blocked string

// The blocks.
const (
	BlockedDisabled Blocked = "disabled"
	BlockedDates    Blocked = "not in effect"
)

// Case is the condition of a rule for one row, or for the whole subject.
type Case struct {
	Row    int // -1: the subject as a whole
	Pass   bool
	When   *Step
	Unless *Step // nil if the rule has none; a rule fires if this does not pass
}

// Step is a part of a condition with its outcome.
type Step struct {
	Op     StepOp
	Text   string // in the rule language
	Pass   bool
	Values []Value // of a leaf: what it read
	Steps  []*Step // of and, or, not
}

// StepOp names what a step is.
type StepOp string

// The kinds of steps.
const (
	StepLeaf StepOp = "leaf"
	StepAnd  StepOp = "and"
	StepOr   StepOp = "or"
	StepNot  StepOp = "not"
)

// Value is a value that a leaf read: a field, a count, a sum.
type Value struct {
	Text  string // in the rule language
	Value string // as text; "null" if it is
}

// Explain evaluates every part of a rule's condition, without stopping at the
// first that decides, and returns what each part read and gave. Groups are not
// part of it: they depend on the other rules. It is meant for people and takes
// some microseconds per leaf.
func (s *Set[F]) Explain(rule string, facts *F, m *Moment) (*Explanation, error) {
	c := s.byName[rule]
	if c == nil {
		return nil, fmt.Errorf("rules: there is no rule %q", rule)
	}
	e, err := s.env(facts, m)
	if err != nil {
		return nil, err
	}
	x := &Explanation{Rule: rule}
	if c.rule.Disabled {
		x.Blocked = append(x.Blocked, BlockedDisabled)
	}
	if m.today < c.from || m.today > c.to {
		x.Blocked = append(x.Blocked, BlockedDates)
	}
	add := func(row int) {
		k := Case{Row: row, When: explain(c.when, e)}
		k.Pass = k.When.Pass
		if c.unless != nil {
			k.Unless = explain(c.unless, e)
			k.Pass = k.Pass && !k.Unless.Pass
		}
		x.Cases = append(x.Cases, k)
		x.Fires = x.Fires || k.Pass && len(x.Blocked) == 0
	}
	if c.each == nil {
		add(-1)
		return x, nil
	}
	rows := (*sliceHeader)(unsafe.Add(e.facts, c.each.offset)).len
	for i := range rows {
		e.row, _ = rowAt(e, c.each, i)
		add(i)
	}
	return x, nil
}

func explain(t *term, e env) *Step {
	switch t.op {
	case opAnd, opOr:
		s := &Step{Op: StepAnd, Text: t.String(), Pass: t.op == opAnd}
		if t.op == opOr {
			s.Op = StepOr
		}
		for _, k := range flat(t, t.op) {
			step := explain(k, e)
			s.Steps = append(s.Steps, step)
			if t.op == opAnd {
				s.Pass = s.Pass && step.Pass
			} else {
				s.Pass = s.Pass || step.Pass
			}
		}
		return s
	case opNot:
		if k := t.kids[0]; k.op == opAnd || k.op == opOr || k.op == opNot {
			inner := explain(k, e)
			return &Step{Op: StepNot, Text: t.String(), Pass: !inner.Pass, Steps: []*Step{inner}}
		}
	}
	s := &Step{Op: StepLeaf, Text: t.String(), Pass: compileBool(t)(e)}
	seen := map[string]bool{}
	for _, v := range read(t, nil) {
		if text := v.String(); !seen[text] {
			seen[text] = true
			s.Values = append(s.Values, Value{text, valueText(v, e)})
		}
	}
	return s
}

// flat returns the operands of a chain of one operator.
func flat(t *term, o op) []*term {
	if t.op != o {
		return []*term{t}
	}
	var out []*term
	for _, k := range t.kids {
		out = append(out, flat(k, o)...)
	}
	return out
}

// read appends the terms of a leaf whose values tell most: fields and loops.
func read(t *term, out []*term) []*term {
	switch {
	case t.op == opField && t.kind != Tags, t.isLoop(), t.op == opLen, t.op == opSub && t.kids[0].kind == day, t.op == opAnniversary:
		return append(out, t)
	}
	for _, k := range t.kids {
		out = read(k, out)
	}
	return out
}

func valueText(t *term, e env) string {
	if isNull := nullFn(t); isNull != nil && isNull(e) {
		return "null"
	}
	switch t.op {
	case opAny, opAll, opNone, opOne:
		rows := (*sliceHeader)(e.at(t.base, t.field.offset)).len
		return fmt.Sprintf("%d/%d", countFn(t)(e), rows)
	}
	switch t.kind {
	case Bool:
		return strconv.FormatBool(compileBool(t)(e))
	case Int:
		return strconv.FormatInt(compileInt(t)(e), 10)
	case Float:
		f := compileFloat(t)(e)
		if f == math.Trunc(f) && math.Abs(f) < 1e15 {
			return strconv.FormatFloat(f, 'f', 0, 64)
		}
		return strconv.FormatFloat(f, 'g', 10, 64)
	case String:
		return strconv.Quote(compileString(t)(e))
	case day:
		return dayText(compileInt(t)(e))
	case Time:
		return timeField(t)(e).In(e.m.zone).Format(time.RFC3339)
	}
	return ""
}

// Missing returns the steps that keep the nearest case from passing: the
// leaves that fail, or that hold and must not. It is empty if a case passes.
func (x *Explanation) Missing() []*Step {
	var best []*Step
	for i := range x.Cases {
		k := &x.Cases[i]
		if k.Pass {
			return nil
		}
		missing := blame(k.When, true, nil)
		if k.Unless != nil {
			missing = blame(k.Unless, false, missing)
		}
		if best == nil || len(missing) < len(best) {
			best = missing
		}
	}
	return best
}

// blame appends the leaves because of which s is not what was wanted.
func blame(s *Step, want bool, out []*Step) []*Step {
	if s.Pass == want {
		return out
	}
	switch s.Op {
	case StepLeaf:
		return append(out, s)
	case StepNot:
		return blame(s.Steps[0], !want, out)
	}
	for _, k := range s.Steps {
		out = blame(k, want, out)
	}
	return out
}
