// Package program holds compiled rules as what evaluates them sees them:
// without books, texts and the type of the facts.
package program

import (
	"unsafe"

	"github.com/vefacrm/vefa/rules/internal/closure"
	"github.com/vefacrm/vefa/rules/internal/ir"
)

// Rule is a rule as what evaluates it sees it.
type Rule struct {
	Index   int       // in the order of the set
	Each    *ir.Field // nil: it fires for the subject as a whole
	From    int64     // days; rules fire on from <= today <= to
	To      int64
	Actions []Action

	// The test of the facts: the head range, if there is one, is tried in line
	// before the closure is called; perRow is nil without each.
	hasHead  bool
	headOff  uintptr
	headLo   int64
	headSpan uint64
	test     closure.BoolFunc
	PerRow   closure.BoolFunc

	Group   int  // index of the group, or -1
	Limited bool // the first rule of the group that fires is the only one
	Single  bool // and fires once for one row

	Guard     closure.BoolFunc
	GuardTerm *ir.Term // simplified
	CancelOn  []CancelTest

	Simple *ir.Term // when and not unless, simplified
	Cost   int64    // worst-case steps
}

const (
	FarPast   = int64(-1 << 40)
	FarFuture = int64(1 << 40)
)

// CancelTest is a condition that takes back what was planned.
type CancelTest struct {
	Name string
	Test closure.BoolFunc
	Term *ir.Term // simplified
	Text *ir.Term // as written
}

// Action says when an action is due and what it does to a tag.
type Action struct {
	Delay  delay
	Clock  int // minutes of the day, or -1
	Tag    TagChange
	AtOnce bool // of a tag: the same evening
	Last   delay
	Lasts  bool
}

// TagChange says what an action does to a tag.
type TagChange uint8

// What an action may do to a tag.
const (
	NoTag     TagChange = iota
	SetsTag             // of its name
	ClearsTag           // of its name
)

// Program is a set of rules without the type of the facts.
type Program struct {
	Layout  *ir.Layout
	Rules   []*Rule // in the order of the set
	Evening []*Rule // those that are enabled and run in the evening
}

// Link makes the closures of a simplified condition.
func (r *Rule) Link(simple *ir.Term) {
	r.Simple = simple
	var facts, rows []*ir.Term
	for _, k := range r.Conjuncts() {
		if k.ReadsRow() {
			rows = append(rows, k)
		} else {
			facts = append(facts, k)
		}
	}
	if len(facts) > 0 {
		if h := facts[0]; h.Op == ir.OpBetween && h.Kids[0].Op == ir.OpField && h.Kids[0].Base == ir.OfFacts && h.Kids[0].Kind == ir.Int && closure.IsWide(h.Kids[0].Field) {
			r.hasHead, r.headOff = true, h.Kids[0].Field.Offset
			r.headLo, r.headSpan = h.Num, uint64(h.High())-uint64(h.Num)
			facts = facts[1:]
		}
	}
	if len(facts) > 0 {
		r.test = closure.Conjunction(closure.All(facts))
	}
	if len(rows) > 0 {
		r.PerRow = closure.Conjunction(closure.All(rows))
	}
}

// Conjuncts returns what must all hold for the rule.
func (r *Rule) Conjuncts() []*ir.Term {
	if r.Simple.Op == ir.OpAnd {
		return r.Simple.Kids
	}
	return []*ir.Term{r.Simple}
}

// Alone returns the rule without what keeps a matching rule from firing.
func (r *Rule) Alone() *Rule {
	c := *r
	c.From, c.To, c.Group, c.Limited, c.Single = FarPast, FarFuture, -1, false, false
	return &c
}

// Matches tests the facts alone.
func (r *Rule) Matches(e closure.Env) bool {
	if r.hasHead && uint64(*(*int64)(unsafe.Add(e.Facts, r.headOff)))-uint64(r.headLo) > r.headSpan {
		return false
	}
	return r.test == nil || r.test(e)
}

// Fire appends the firings of a rule whose facts match, which bear of: one for each row
// for which it fires, -1 for the subject as a whole. decided holds the groups of which a
// rule has fired. Rows that keep refuses are left out; nil keeps all.
func Fire[F ~struct {
	Rule *R
	Row  int
}, R any](dst []F, of *R, r *Rule, e closure.Env, decided *uint64, keep func(row int) bool) []F {
	if e.M.Today < r.From || e.M.Today > r.To || r.Limited && *decided&(1<<r.Group) != 0 {
		return dst
	}
	before := len(dst)
	if r.Each == nil {
		dst = append(dst, F{of, -1})
	} else {
		s := (*closure.SliceHeader)(unsafe.Add(e.Facts, r.Each.Offset))
		for i := range s.Len {
			if keep != nil && !keep(i) {
				continue
			}
			e.Row = unsafe.Add(s.Data, uintptr(i)*r.Each.Row.Size)
			if r.PerRow == nil || r.PerRow(e) {
				dst = append(dst, F{of, i})
				if r.Single {
					break
				}
			}
		}
	}
	if r.Limited && len(dst) > before {
		*decided |= 1 << r.Group
	}
	return dst
}
