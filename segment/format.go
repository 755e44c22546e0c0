package segment

import (
	"strconv"
	"strings"
	"unicode"
)

// String returns the canonical text of the expression, which Parse reads back
// to an equal expression.
func (e Expr) String() string {
	var b strings.Builder
	writeExpr(&b, e, false)
	return b.String()
}

// infix reports whether e is written as operands joined by a word.
func (e Expr) infix() bool {
	switch e.Op {
	case OpAll, OpAny:
		return len(e.Args) > 1
	case OpXor, OpExcept:
		return true
	}
	return false
}

func writeExpr(b *strings.Builder, e Expr, operand bool) {
	switch e.Op {
	case OpTag:
		writeName(b, e.Name)
		return
	case OpLeaf, OpSegment:
		b.WriteString(e.Op.String())
		b.WriteByte('(')
		writeName(b, e.Name)
		b.WriteByte(')')
		return
	case OpNot:
		b.WriteString("not ")
		if len(e.Args) == 1 {
			writeExpr(b, e.Args[0], true)
		}
		return
	case OpAtLeast:
		b.WriteString("at least ")
		b.WriteString(strconv.Itoa(e.K))
		b.WriteString(" of (")
		writeList(b, e.Args)
		b.WriteByte(')')
		return
	}
	if !e.infix() {
		switch {
		case len(e.Args) == 1 && e.Op == OpAll:
			b.WriteString("all(")
		case len(e.Args) == 1:
			b.WriteString("any(")
		case e.Op == OpAll:
			b.WriteString("everyone")
		case e.Op == OpAny:
			b.WriteString("nobody")
		default:
			b.WriteString("invalid")
		}
		if len(e.Args) == 1 {
			writeExpr(b, e.Args[0], false)
			b.WriteByte(')')
		}
		return
	}
	if operand {
		b.WriteByte('(')
	}
	for i, a := range e.Args {
		if i > 0 {
			b.WriteByte(' ')
			b.WriteString(e.Op.String())
			b.WriteByte(' ')
		}
		// "a and b except c" excludes c from all that is before it.
		bare := e.Op == OpExcept && i == 0 && a.Op != OpExcept
		writeExpr(b, a, !bare)
	}
	if operand {
		b.WriteByte(')')
	}
}

func writeList(b *strings.Builder, args []Expr) {
	for i, a := range args {
		if i > 0 {
			b.WriteString(", ")
		}
		writeExpr(b, a, false)
	}
}

// writeName writes a name bare if the scanner reads it back as one word.
func writeName(b *strings.Builder, name string) {
	bare := name != "" && !isKeyword(name)
	for _, r := range name {
		bare = bare && isWordRune(r)
	}
	if bare {
		b.WriteString(name)
	} else {
		b.WriteString(strconv.Quote(name))
	}
}

func isWordRune(r rune) bool {
	switch r {
	case '_', '-', '.', ':', '/', '+':
		return true
	case unicode.ReplacementChar:
		return false
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}

// lowerASCII folds A-Z only: keywords are ASCII, and Turkish I is not i.
func lowerASCII(s string) string {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return s
		}
	}
	return strings.ToLower(s)
}

func isKeyword(word string) bool {
	switch lowerASCII(word) {
	case "and", "or", "xor", "not", "except", "all", "any", "at", "least", "of",
		"everyone", "nobody", "tag", "leaf", "segment", "ignoring", "red":
		return true
	}
	return false
}
