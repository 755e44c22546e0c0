package rules

import (
	"strconv"
	"strings"
	"time"
)

// term is one node of a checked, typed expression: what the front end hands to
// the back end, to Explain and to Lint. Terms are immutable once lowered.
type term struct {
	op       op
	kind     Kind
	kids     []*term
	at       int    // character offset in the source
	base     base   // of opField and of loops: where the field is read from
	field    *field // of opField and of loops
	num      int64  // of constants: bool, int, day
	flo      float64
	str      string // of constants, opHas
	list     []*term
	nullable bool
	scale    uint8 // of Int: digits behind the point; of opDiv: it only turns such a decimal into a float
	cost     int64 // worst-case steps
}

// base says which struct a field is read from.
type base uint8

const (
	ofFacts base = iota
	ofRow        // the child row that the rule fires for
	ofItem       // the element of the innermost any, all, count …
)

type op uint8

const (
	opConst op = iota
	opField
	opAnd
	opOr
	opNot
	opEq
	opNe
	opLt
	opLe
	opGt
	opGe
	opIn       // kids[0] in list
	opHas      // tag str in kids[0]
	opContains // strings
	opStarts
	opEnds
	opAdd
	opSub
	opMul
	opDiv
	opMod
	opNeg
	opFloat // int to float
	opLen
	opAbs
	opMin
	opMax
	opFold
	opToday
	opDay         // time to day
	opAnniversary // day to days until the next anniversary
	opYear        // of a day
	opMonth
	opMonthDay
	opWeekday
	opAny // loops: kids[0] is the predicate; opSum: kids[1] the value, kids[0] may be nil
	opAll
	opNone
	opOne
	opCount
	opSum
	opIf
	opElse // a ?? b
	opIsNull
)

var opNames = [...]string{
	opAnd: "&&", opOr: "||", opNot: "not ", opEq: "==", opNe: "!=", opLt: "<", opLe: "<=",
	opGt: ">", opGe: ">=", opIn: "in", opHas: "in", opContains: "contains", opStarts: "startsWith",
	opEnds: "endsWith", opAdd: "+", opSub: "-", opMul: "*", opDiv: "/", opMod: "%", opNeg: "-",
	opLen: "len", opAbs: "abs", opMin: "min", opMax: "max", opFold: "fold", opToday: "today",
	opDay: "day", opAnniversary: "daysToAnniversary", opYear: "year", opMonth: "month",
	opMonthDay: "monthDay", opWeekday: "weekday", opAny: "any", opAll: "all", opNone: "none",
	opOne: "one", opCount: "count", opSum: "sum", opElse: "??",
}

// String returns the term in the language itself, in one canonical spelling.
func (t *term) String() string {
	var b strings.Builder
	t.write(&b, 0)
	return b.String()
}

// write prints the term; outer is the binding strength of what surrounds it.
func (t *term) write(b *strings.Builder, outer int) {
	if name, of := t.dayCount(); of != nil {
		b.WriteString(name + "(")
		of.write(b, 0)
		b.WriteByte(')')
		return
	}
	if t.op == opDiv && t.scale > 0 {
		t.kids[0].write(b, outer)
		return
	}
	own := t.strength()
	if own < outer && t.op != opBetween || t.op == opElse && outer > 0 { // expr wants ?? in parentheses
		b.WriteByte('(')
		defer b.WriteByte(')')
	}
	switch t.op {
	case opConst:
		t.writeConst(b)
	case opField:
		b.WriteString(t.base.prefix() + t.field.name)
	case opAnd, opOr:
		for i, k := range t.kids {
			if i > 0 {
				b.WriteString(" " + opNames[t.op] + " ")
			}
			if len(t.kids) == 1 {
				k.write(b, outer)
			} else {
				k.write(b, own+1)
			}
		}
	case opNot:
		switch k := t.kids[0]; k.op {
		case opHas, opIn, opContains, opStarts, opEnds:
			k.writeTest(b, "not ")
			return
		}
		b.WriteString("not ")
		t.kids[0].write(b, own+1)
	case opNeg:
		b.WriteByte('-')
		t.kids[0].write(b, own+1)
	case opIn, opHas, opContains, opStarts, opEnds:
		t.writeTest(b, "")
	case opFloat, opDay:
		t.kids[0].write(b, outer)
	case opIf:
		t.kids[0].write(b, 2)
		b.WriteString(" ? ")
		t.kids[1].write(b, 2)
		b.WriteString(" : ")
		t.kids[2].write(b, 2)
	case opIsNull:
		t.kids[0].write(b, own+1)
		b.WriteString(" == nil")
	case opBetween:
		(&term{op: opAnd, kind: Bool, kids: t.bounds()}).write(b, outer)
	case opAny, opAll, opNone, opOne, opCount, opSum:
		t.writeLoop(b)
	case opLen, opAbs, opMin, opMax, opFold, opToday, opAnniversary, opYear, opMonth, opMonthDay, opWeekday:
		b.WriteString(opNames[t.op] + "(")
		for i, k := range t.kids {
			if i > 0 {
				b.WriteString(", ")
			}
			k.write(b, 0)
		}
		b.WriteByte(')')
	default:
		t.kids[0].write(b, own)
		b.WriteString(" " + opNames[t.op] + " ")
		t.kids[1].write(b, own+1)
	}
}

// dayCount tells daysSince(of) and daysUntil(of), which are differences of days.
func (t *term) dayCount() (name string, of *term) {
	switch {
	case t.op != opSub || t.kids[0].kind != day:
		return "", nil
	case t.kids[0].op == opToday:
		return "daysSince", t.kids[1]
	}
	return "daysUntil", t.kids[0]
}

// writeTest prints in, contains and the like, with not before the operator.
func (t *term) writeTest(b *strings.Builder, not string) {
	own := t.strength() + 1
	switch t.op {
	case opHas:
		b.WriteString(strconv.Quote(t.str) + " " + not + "in ")
		t.kids[0].write(b, own)
	case opIn:
		t.kids[0].write(b, own)
		b.WriteString(" " + not + "in [")
		for i, c := range t.list {
			if i > 0 {
				b.WriteString(", ")
			}
			c.writeConst(b)
		}
		b.WriteByte(']')
	default:
		t.kids[0].write(b, own)
		b.WriteString(" " + not + opNames[t.op] + " ")
		t.kids[1].write(b, own)
	}
}

func (b base) prefix() string {
	switch b {
	case ofRow:
		return "row."
	case ofItem:
		return "."
	}
	return ""
}

func (t *term) writeLoop(b *strings.Builder) {
	rows := t.base.prefix() + t.field.name
	b.WriteString(opNames[t.op] + "(")
	switch {
	case t.op != opSum:
		b.WriteString(rows + ", ")
		t.kids[0].write(b, 0)
	case t.kids[0] == nil:
		b.WriteString(rows + ", ")
		t.kids[1].write(b, 0)
	default:
		b.WriteString("filter(" + rows + ", ")
		t.kids[0].write(b, 0)
		b.WriteString("), ")
		t.kids[1].write(b, 0)
	}
	b.WriteByte(')')
}

func (t *term) writeConst(b *strings.Builder) {
	switch t.kind {
	case Bool:
		b.WriteString(strconv.FormatBool(t.num != 0))
	case Int:
		b.WriteString(decimalText(t.num, t.scale))
	case Float:
		s := strconv.FormatFloat(t.flo, 'g', -1, 64)
		if !strings.ContainsAny(s, ".eIN") {
			s += ".0"
		}
		b.WriteString(s)
	case String:
		b.WriteString(strconv.Quote(t.str))
	case day:
		b.WriteString(`date("` + dayText(t.num) + `")`)
	default:
		b.WriteString("nil")
	}
}

// strength is how strongly an operator binds; it mirrors expr's table.
func (t *term) strength() int {
	switch t.op {
	case opIf:
		return 1
	case opOr:
		return 10
	case opAnd:
		return 15
	case opEq, opNe, opLt, opLe, opGt, opGe, opIn, opHas, opContains, opStarts, opEnds, opIsNull:
		return 20
	case opAdd, opSub:
		return 30
	case opNot:
		switch t.kids[0].op {
		case opHas, opIn, opContains, opStarts, opEnds:
			return 20
		}
		return 50
	case opMul, opDiv, opMod:
		return 60
	case opNeg:
		return 90
	case opElse:
		return 500
	}
	return 1000
}

// dayText spells a day number (days since 1970-01-01) as a date.
func dayText(n int64) string {
	return time.Unix(n*86400, 0).UTC().Format(time.DateOnly)
}

// isLoop reports whether the term goes over child rows.
func (t *term) isLoop() bool { return t.op >= opAny && t.op <= opSum }

// isConst reports whether the term is a constant.
func (t *term) isConst() bool { return t.op == opConst }

// walk calls fn for the term and everything below it.
func (t *term) walk(fn func(*term)) {
	if t == nil {
		return
	}
	fn(t)
	for _, k := range t.kids {
		k.walk(fn)
	}
}

func boolTerm(v bool, at int) *term {
	t := &term{op: opConst, kind: Bool, at: at, cost: 1}
	if v {
		t.num = 1
	}
	return t
}

func not(t *term) *term {
	return &term{op: opNot, kind: Bool, kids: []*term{t}, at: t.at, cost: t.cost}
}
