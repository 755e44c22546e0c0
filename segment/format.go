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
	switch e.op {
	case isAll, isAny:
		return len(e.args) > 1
	case isXor, isExcept:
		return true
	}
	return false
}

// writeExpr writes an expression; operand says that it stands within another and needs
// parentheses unless it is a single word. The text reads back as the same expression, not
// only as an equal one.
func writeExpr(b *strings.Builder, e Expr, operand bool) {
	switch e.op {
	case isTag:
		writeName(b, e.name)
		return
	case isLeaf, isSegment:
		b.WriteString(e.op.String())
		b.WriteByte('(')
		writeName(b, e.name)
		b.WriteByte(')')
		return
	case isNot:
		b.WriteString("not ")
		if len(e.args) == 1 {
			writeExpr(b, e.args[0], true)
		}
		return
	case isAtLeast:
		b.WriteString("at least ")
		b.WriteString(strconv.Itoa(e.k))
		b.WriteString(" of (")
		writeList(b, e.args)
		b.WriteByte(')')
		return
	}
	if !e.infix() {
		switch {
		case len(e.args) == 1 && e.op == isAll:
			b.WriteString("all(")
		case len(e.args) == 1:
			b.WriteString("any(")
		case e.op == isAll:
			b.WriteString("everyone")
		case e.op == isAny:
			b.WriteString("nobody")
		default:
			b.WriteString("invalid")
		}
		if len(e.args) == 1 {
			writeExpr(b, e.args[0], false)
			b.WriteByte(')')
		}
		return
	}
	if operand {
		b.WriteByte('(')
	}
	for i, a := range e.args {
		if i > 0 {
			b.WriteByte(' ')
			b.WriteString(e.op.String())
			b.WriteByte(' ')
		}
		// "a and b except c" excludes c from all that is before it.
		bare := e.op == isExcept && i == 0 && a.op != isExcept
		writeExpr(b, a, !bare)
	}
	if operand {
		b.WriteByte(')')
	}
}

// writeList writes operands that a comma divides, which need no parentheses.
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

// isWordRune reports whether a name may hold the character without quotes.
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

// isKeyword reports whether a bare word would be read as part of the syntax.
func isKeyword(word string) bool {
	switch lowerASCII(word) {
	case "and", "or", "xor", "not", "except", "all", "any", "at", "least", "of",
		"everyone", "nobody", "tag", "leaf", "segment", "ignoring", "red":
		return true
	}
	return false
}
