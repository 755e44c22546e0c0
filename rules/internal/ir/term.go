// Package ir holds what the front end of rules hands to its back ends: typed
// terms, the layout of the facts, tags as numbers and days as numbers.
package ir

import (
	"strconv"
	"strings"
	"time"
)

// Term is one node of a checked, typed expression: what the front end hands to
// the back end, to Explain and to Lint. Terms are immutable once lowered.
type Term struct {
	Op       Op
	Kind     Kind
	Kids     []*Term
	At       int    // character offset in the source
	Base     Base   // of opField and of loops: where the field is read from
	Field    *Field // of opField and of loops
	Num      int64  // of constants: bool, int, day
	Flo      float64
	Str      string // of constants, opHas
	List     []*Term
	Names    *TagNames // of OpHasPrefix
	Nullable bool
	Scale    uint8 // of Int: digits behind the point; of opDiv: it only turns such a decimal into a float
	Cost     int64 // worst-case steps
}

// Base says which struct a field is read from.
type Base uint8

const (
	OfFacts Base = iota
	OfRow        // the child row that the rule fires for
	OfItem       // the element of the innermost any, all, count …
)

// Op says what a term does with its kids.
type Op uint8

const (
	OpConst Op = iota
	OpField
	OpAnd
	OpOr
	OpNot
	OpEq
	OpNe
	OpLt
	OpLe
	OpGt
	OpGe
	OpIn       // kids[0] in list
	OpHas      // tag str in kids[0]
	OpContains // strings
	OpStarts
	OpEnds
	OpAdd
	OpSub
	OpMul
	OpDiv
	OpMod
	OpNeg
	OpFloat // int to float
	OpLen
	OpAbs
	OpMin
	OpMax
	OpFold
	OpToday
	OpDay         // time to day
	OpAnniversary // day to days until the next anniversary
	OpYear        // of a day
	OpMonth
	OpMonthDay
	OpWeekday
	OpAny // loops: kids[0] is the predicate; opSum: kids[1] the value, kids[0] may be nil
	OpAll
	OpNone
	OpOne
	OpCount
	OpSum
	OpPick // one row, by Str and Num: kids[1] is the value in it, kids[0] may be nil
	OpIf
	OpElse // a ?? b
	OpIsNull
	OpHasPrefix // a tag in kids[0] that begins with str
)

// How an OpPick picks: the Num-th of the rows from the start or the end, or the one
// with the least or greatest value.
const (
	PickFirst = "first"
	PickLast  = "last"
	PickLeast = "min"
	PickMost  = "max"
)

var opNames = [...]string{
	OpAnd: "&&", OpOr: "||", OpNot: "not ", OpEq: "==", OpNe: "!=", OpLt: "<", OpLe: "<=",
	OpGt: ">", OpGe: ">=", OpIn: "in", OpHas: "in", OpContains: "contains", OpStarts: "startsWith",
	OpEnds: "endsWith", OpAdd: "+", OpSub: "-", OpMul: "*", OpDiv: "/", OpMod: "%", OpNeg: "-",
	OpLen: "len", OpAbs: "abs", OpMin: "min", OpMax: "max", OpFold: "fold", OpToday: "today",
	OpDay: "day", OpAnniversary: "daysToAnniversary", OpYear: "year", OpMonth: "month",
	OpMonthDay: "monthDay", OpWeekday: "weekday", OpAny: "any", OpAll: "all", OpNone: "none",
	OpOne: "one", OpCount: "count", OpSum: "sum", OpElse: "??",
}

// String returns the term in the language itself, in one canonical spelling.
func (t *Term) String() string {
	var b strings.Builder
	t.write(&b, 0)
	return b.String()
}

// write prints the term; outer is the binding strength of what surrounds it.
func (t *Term) write(b *strings.Builder, outer int) {
	if name, of := t.dayCount(); of != nil {
		b.WriteString(name + "(")
		of.write(b, 0)
		b.WriteByte(')')
		return
	}
	if t.Op == OpDiv && t.Scale > 0 {
		t.Kids[0].write(b, outer)
		return
	}
	own := t.strength()
	if own < outer && t.Op != OpBetween || t.Op == OpElse && outer > 0 { // expr wants ?? in parentheses
		b.WriteByte('(')
		defer b.WriteByte(')')
	}
	switch t.Op {
	case OpConst:
		t.writeConst(b)
	case OpField:
		b.WriteString(t.Base.prefix() + t.Field.Name)
	case OpAnd, OpOr:
		for i, k := range t.Kids {
			if i > 0 {
				b.WriteString(" " + opNames[t.Op] + " ")
			}
			if len(t.Kids) == 1 {
				k.write(b, outer)
			} else {
				k.write(b, own+1)
			}
		}
	case OpNot:
		switch k := t.Kids[0]; k.Op {
		case OpHas, OpIn, OpContains, OpStarts, OpEnds:
			k.writeTest(b, "not ")
			return
		}
		b.WriteString("not ")
		t.Kids[0].write(b, own+1)
	case OpNeg:
		b.WriteByte('-')
		t.Kids[0].write(b, own+1)
	case OpIn, OpHas, OpContains, OpStarts, OpEnds:
		t.writeTest(b, "")
	case OpFloat, OpDay:
		t.Kids[0].write(b, outer)
	case OpIf:
		t.Kids[0].write(b, 2)
		b.WriteString(" ? ")
		t.Kids[1].write(b, 2)
		b.WriteString(" : ")
		t.Kids[2].write(b, 2)
	case OpIsNull:
		t.Kids[0].write(b, own+1)
		b.WriteString(" == nil")
	case OpBetween:
		(&Term{Op: OpAnd, Kind: Bool, Kids: t.bounds()}).write(b, outer)
	case OpAny, OpAll, OpNone, OpOne, OpCount, OpSum, OpPick:
		t.writeLoop(b)
	case OpHasPrefix:
		b.WriteString("any(")
		t.Kids[0].write(b, 0)
		b.WriteString(", # startsWith " + strconv.Quote(t.Str) + ")")
	case OpLen, OpAbs, OpMin, OpMax, OpFold, OpToday, OpAnniversary, OpYear, OpMonth, OpMonthDay, OpWeekday:
		b.WriteString(opNames[t.Op] + "(")
		for i, k := range t.Kids {
			if i > 0 {
				b.WriteString(", ")
			}
			k.write(b, 0)
		}
		b.WriteByte(')')
	default:
		t.Kids[0].write(b, own)
		b.WriteString(" " + opNames[t.Op] + " ")
		t.Kids[1].write(b, own+1)
	}
}

// dayCount tells daysSince(of) and daysUntil(of), which are differences of days.
func (t *Term) dayCount() (name string, of *Term) {
	switch {
	case t.Op != OpSub || t.Kids[0].Kind != Day:
		return "", nil
	case t.Kids[0].Op == OpToday:
		return "daysSince", t.Kids[1]
	}
	return "daysUntil", t.Kids[0]
}

// writeTest prints in, contains and the like, with not before the operator.
func (t *Term) writeTest(b *strings.Builder, not string) {
	own := t.strength() + 1
	switch t.Op {
	case OpHas:
		b.WriteString(strconv.Quote(t.Str) + " " + not + "in ")
		t.Kids[0].write(b, own)
	case OpIn:
		t.Kids[0].write(b, own)
		b.WriteString(" " + not + "in [")
		for i, c := range t.List {
			if i > 0 {
				b.WriteString(", ")
			}
			c.writeConst(b)
		}
		b.WriteByte(']')
	default:
		t.Kids[0].write(b, own)
		b.WriteString(" " + not + opNames[t.Op] + " ")
		t.Kids[1].write(b, own)
	}
}

func (b Base) prefix() string {
	switch b {
	case OfRow:
		return "row."
	case OfItem:
		return "."
	}
	return ""
}

func (t *Term) writeLoop(b *strings.Builder) {
	rows := t.Base.prefix() + t.Field.Name
	if t.Op == OpPick {
		t.writePick(b, rows)
		return
	}
	b.WriteString(opNames[t.Op] + "(")
	switch {
	case t.Op != OpSum:
		b.WriteString(rows + ", ")
		t.Kids[0].write(b, 0)
	case t.Kids[0] == nil:
		b.WriteString(rows + ", ")
		t.Kids[1].write(b, 0)
	default:
		b.WriteString("filter(" + rows + ", ")
		t.Kids[0].write(b, 0)
		b.WriteString("), ")
		t.Kids[1].write(b, 0)
	}
	b.WriteByte(')')
}

// writePick prints max(Rows, .Field) and last(Rows, 2).Field.
func (t *Term) writePick(b *strings.Builder, rows string) {
	b.WriteString(t.Str + "(")
	if t.Kids[0] != nil {
		b.WriteString("filter(" + rows + ", ")
		t.Kids[0].write(b, 0)
		b.WriteByte(')')
	} else {
		b.WriteString(rows)
	}
	switch {
	case t.Str == PickLeast || t.Str == PickMost:
		b.WriteString(", ")
		t.Kids[1].write(b, 0)
	case t.Num != 1:
		b.WriteString(", " + strconv.FormatInt(t.Num, 10))
	}
	b.WriteByte(')')
	if t.Str == PickFirst || t.Str == PickLast {
		t.Kids[1].write(b, 0) // a field of the row: .Field
	}
}

func (t *Term) writeConst(b *strings.Builder) {
	switch t.Kind {
	case Bool:
		b.WriteString(strconv.FormatBool(t.Num != 0))
	case Int:
		b.WriteString(DecimalText(t.Num, t.Scale))
	case Float:
		s := strconv.FormatFloat(t.Flo, 'g', -1, 64)
		if !strings.ContainsAny(s, ".eIN") {
			s += ".0"
		}
		b.WriteString(s)
	case String:
		b.WriteString(strconv.Quote(t.Str))
	case Day:
		b.WriteString(`date("` + DayText(t.Num) + `")`)
	default:
		b.WriteString("nil")
	}
}

// strength is how strongly an operator binds; it mirrors expr's table.
func (t *Term) strength() int {
	switch t.Op {
	case OpIf:
		return 1
	case OpOr:
		return 10
	case OpAnd:
		return 15
	case OpEq, OpNe, OpLt, OpLe, OpGt, OpGe, OpIn, OpHas, OpContains, OpStarts, OpEnds, OpIsNull:
		return 20
	case OpAdd, OpSub:
		return 30
	case OpNot:
		switch t.Kids[0].Op {
		case OpHas, OpIn, OpContains, OpStarts, OpEnds:
			return 20
		}
		return 50
	case OpMul, OpDiv, OpMod:
		return 60
	case OpNeg:
		return 90
	case OpElse:
		return 500
	}
	return 1000
}

// DayText spells a day number (days since 1970-01-01) as a date.
func DayText(n int64) string {
	return time.Unix(n*86400, 0).UTC().Format(time.DateOnly)
}

// IsLoop reports whether the term goes over child rows.
func (t *Term) IsLoop() bool { return t.Op >= OpAny && t.Op <= OpPick }

// IsConst reports whether the term is a constant.
func (t *Term) IsConst() bool { return t.Op == OpConst }

// Walk calls fn for the term and everything below it.
func (t *Term) Walk(fn func(*Term)) {
	if t == nil {
		return
	}
	fn(t)
	for _, k := range t.Kids {
		k.Walk(fn)
	}
}

// BoolTerm returns a constant.
func BoolTerm(v bool, at int) *Term {
	t := &Term{Op: OpConst, Kind: Bool, At: at, Cost: 1}
	if v {
		t.Num = 1
	}
	return t
}

// Not returns the opposite of a term.
func Not(t *Term) *Term {
	return &Term{Op: OpNot, Kind: Bool, Kids: []*Term{t}, At: t.At, Cost: t.Cost}
}

// ReadsRow reports whether the term reads the row that a rule fires for.
func (t *Term) ReadsRow() bool {
	found := false
	t.Walk(func(k *Term) { found = found || (k.Op == OpField || k.IsLoop()) && k.Base == OfRow })
	return found
}

// OfTag reports whether an OpHas tests a tag of the facts, which rules may set.
func (t *Term) OfTag() bool { return t.Kids[0].Base == OfFacts && !t.Kids[0].Field.Names }
