package rules

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/rules/internal/closure"
	"github.com/vefacrm/vefa/rules/internal/ir"
)

// Explanation says why a rule fires for a subject, or why it does not.
type Explanation struct {
	// Rule is the rule's name.
	Rule string
	// Fires says that a case passes and nothing blocks the rule.
	Fires bool
	// Blocked says what keeps the rule from firing whatever its condition: "disabled",
	// "not in effect" (its dates), or "group" (another rule of its group comes first).
	// Empty: nothing does.
	Blocked []string
	// Instead is the rule that fires in its place, if its group blocks it.
	Instead string
	// Past are effects of the subject, such as Journal.EffectsOf gives, which a host may
	// fill in: Text then says what became of this rule's actions and which guards stopped
	// them. Explain leaves it nil.
	Past []*crm.Effect
	// Cases holds one case for the subject as a whole (Row -1), or one per row
	// of a rule with Each; a subject without rows has none.
	Cases []Case
}

const (
	blockedDisabled = "disabled"
	blockedDates    = "not in effect"
	blockedGroup    = "group" // another rule of its group comes first
)

// Case is the condition of a rule for one row, or for the whole subject.
type Case struct {
	Row int // -1: the subject as a whole
	// Pass says that When holds and Unless, if there is one, does not.
	Pass bool
	// When is the condition, its parts below it.
	When   *Step
	Unless *Step // nil if the rule has none; a rule fires if this does not pass
	// Guard and CancelOn are what Recheck would find now: an action that is due
	// is withheld if Guard does not pass (nil: there is none) and cancelled if
	// any of CancelOn does.
	Guard    *Step
	CancelOn []*Step
}

// Step is a part of a condition with its outcome.
type Step struct {
	Name string // of CancelOn: the condition's; else empty
	Op   string // "leaf", "and", "or" or "not"
	Text string // in the rule language
	// Pass is the outcome for the subject or the row.
	Pass   bool
	Values []Value // of a leaf: what it read
	Steps  []*Step // of and, or, not

	from *step
}

const (
	stepLeaf = "leaf"
	stepAnd  = "and"
	stepOr   = "or"
	stepNot  = "not"
)

// Value is a value that a leaf read: a field, a count, a sum.
type Value struct {
	Text  string // in the rule language: a field, a count, "vip" in Tags, or a whole leaf
	Value string // as text; "null" if it is
	To    string // of a Flip: the nearest value that turns the outcome; else empty
}

// Explain evaluates every part of a rule's condition, without stopping at the
// first that decides, and returns what each part read and gave; whether another
// rule of its group comes first; and what its guard and cancel_on say now. It is
// meant for people and takes some microseconds.
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
		x.Blocked = append(x.Blocked, blockedDisabled)
	}
	if m.c.Today < c.From || m.c.Today > c.To {
		x.Blocked = append(x.Blocked, blockedDates)
	}
	if x.Instead = s.instead(c, e); x.Instead != "" {
		x.Blocked = append(x.Blocked, blockedGroup)
	}
	how := c.explainer()
	add := func(row int) {
		k := Case{Row: row, When: how.when.run(e)}
		k.Pass = k.When.Pass
		if how.unless != nil {
			k.Unless = how.unless.run(e)
			k.Pass = k.Pass && !k.Unless.Pass
		}
		if how.guard != nil {
			k.Guard = how.guard.run(e)
		}
		for i, n := range c.CancelOn {
			step := how.cancel[i].run(e)
			step.Name = n.Name
			k.CancelOn = append(k.CancelOn, step)
		}
		x.Cases = append(x.Cases, k)
		x.Fires = x.Fires || k.Pass && len(x.Blocked) == 0
	}
	if c.Each == nil {
		add(-1)
		return x, nil
	}
	for i := range rowsOf(e, c.Each) {
		e.Row, _ = closure.RowAt(e, c.Each, i)
		add(i)
	}
	return x, nil
}

// instead returns the rule of c's group that fires in its place, or "".
func (s *Set[F]) instead(c *compiled, e closure.Env) string {
	if c.Group < 0 || c.mode != groupFirst && c.mode != groupExclusive {
		return ""
	}
	for _, o := range s.rules {
		if o == c {
			break
		}
		same := o.rule.On.occasion() == c.rule.On.occasion() || o.isEvening() && c.isEvening()
		if o.Group != c.Group || o.rule.Disabled || !same || !o.Matches(e) {
			continue
		}
		var none uint64
		if len(o.fire(nil, e, &none, nil)) > 0 {
			return o.rule.Name
		}
	}
	return ""
}

// isEvening reports whether the rule is looked at every evening. Rules of one group
// compete only with those that are looked at together.
func (c *compiled) isEvening() bool { return c.rule.On.Kind == OnEvening || c.rule.On.Kind == OnDate }

// read appends the terms of a leaf whose values tell most: fields and loops.
func read(t *ir.Term, out []*ir.Term) []*ir.Term {
	switch {
	case t.Op == ir.OpField && t.Kind != ir.Tags, t.IsLoop(), t.Op == ir.OpLen, t.Op == ir.OpSub && t.Kids[0].Kind == ir.Day, t.Op == ir.OpAnniversary:
		return append(out, t)
	}
	for _, k := range t.Kids {
		out = read(k, out)
	}
	return out
}

// valueFn makes the closure that reads a value and spells it.
func valueFn(t *ir.Term) func(closure.Env) string {
	get := spellFn(t)
	isNull := closure.Null(t)
	if isNull == nil {
		return get
	}
	return func(e closure.Env) string {
		if isNull(e) {
			return "null"
		}
		return get(e)
	}
}

// spellFn makes the closure that spells a value that is not null: of any, all, none and
// one how many rows hold of how many, of others the value as the language writes it.
func spellFn(t *ir.Term) func(closure.Env) string {
	switch t.Op {
	case ir.OpAny, ir.OpAll, ir.OpNone, ir.OpOne:
		count, off, b := closure.Count(t), t.Field.Offset, t.Base
		return func(e closure.Env) string {
			rows := (*closure.SliceHeader)(e.At(b, off)).Len
			return strconv.FormatInt(count(e), 10) + "/" + strconv.Itoa(rows)
		}
	}
	switch t.Kind {
	case ir.Bool:
		get := closure.Bool(t)
		return func(e closure.Env) string { return strconv.FormatBool(get(e)) }
	case ir.Int:
		get, scale := closure.Int(t), t.Scale
		return func(e closure.Env) string { return ir.DecimalText(get(e), scale) }
	case ir.Float:
		get := closure.Float(t)
		return func(e closure.Env) string { return floatText(get(e)) }
	case ir.String:
		get := closure.String(t)
		return func(e closure.Env) string { return strconv.Quote(get(e)) }
	case ir.Day:
		get := closure.Int(t)
		return func(e closure.Env) string { return ir.DayText(get(e)) }
	case ir.Time:
		get := closure.TimeField(t)
		return func(e closure.Env) string { return get(e).In(e.M.Zone).Format(time.RFC3339) }
	}
	return func(closure.Env) string { return "" }
}

// floatText spells a float as people write it, without an exponent where it is whole.
func floatText(f float64) string {
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return strconv.FormatFloat(f, 'f', 0, 64)
	}
	return strconv.FormatFloat(f, 'g', 10, 64)
}

// parseDay reads a date, or the date of a time, as a day number.
func parseDay(s string) (int64, bool) {
	d, err := time.Parse(time.DateOnly, s[:min(len(s), len(time.DateOnly))])
	return ir.FloorDiv(d.Unix(), 86400), err == nil
}

// missing returns the steps that keep the nearest case from passing: the
// leaves that fail, or that hold and must not. It is empty if a case passes.
func (x *Explanation) missing() []*Step {
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
	case stepLeaf:
		return append(out, s)
	case stepNot:
		return blame(s.Steps[0], !want, out)
	}
	for _, k := range s.Steps {
		out = blame(k, want, out)
	}
	return out
}
