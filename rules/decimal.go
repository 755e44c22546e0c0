package rules

import (
	"math"
	"strconv"
	"strings"
)

// A decimal is an integer field with a scale: `rule:",scale=2"` holds hundredths
// and rules read and write it as 1250.50. It is compared, added and summed as
// the integer that it is, exactly; multiplied with an integer it stays one.
// Only division, and what mixes it with floats or other integers, is done in
// floats, in whole units.

// maxScale is the most digits behind the point.
const maxScale = 9

// scaled reports whether the term is a decimal.
func (t *term) scaled() bool { return t.kind == Int && t.scale > 0 }

// scaleOf returns the scale of a decimal, else 0.
func scaleOf(t *term) uint8 {
	if t.scaled() {
		return t.scale
	}
	return 0
}

// alignScale brings two numbers to one scale if one of them is a decimal: a
// constant takes the scale of the other; else both become floats.
func alignScale(a, b *term) (*term, *term) {
	switch {
	case !a.scaled() && !b.scaled() || a.scaled() && b.scaled() && a.scale == b.scale:
		return a, b
	case a.scaled():
		if c, ok := rescale(b, a.scale); ok {
			return a, c
		}
	default:
		if c, ok := rescale(a, b.scale); ok {
			return c, b
		}
	}
	if a.kind == Int && b.kind == Int {
		return toFloat(a), toFloat(b)
	}
	return a, b // if one is a float, numeric makes the other one too
}

// rescale gives a constant number a scale, if it has no more digits than that.
func rescale(t *term, scale uint8) (*term, bool) {
	t = constant(t)
	if !t.isConst() || t.scaled() {
		return nil, false
	}
	var text string
	switch t.kind {
	case Int:
		text = strconv.FormatInt(t.num, 10)
	case Float:
		text = strconv.FormatFloat(t.flo, 'f', -1, 64)
	default:
		return nil, false
	}
	n, ok := parseDecimal(text, scale)
	return &term{op: opConst, kind: Int, num: n, scale: scale, at: t.at, cost: 1}, ok
}

// alignList brings a decimal and the values of a list to one scale.
func alignList(a *term, items []*term) (*term, []*term) {
	out := make([]*term, len(items))
	for i, c := range items {
		if c.kind != Int && c.kind != Float {
			return a, items
		}
		var ok bool
		if out[i], ok = rescale(c, a.scale); !ok {
			return toFloat(a), items
		}
	}
	return a, out
}

// sameScale reports whether all terms are of one scale.
func sameScale(terms []*term) bool {
	for _, t := range terms {
		if t.kind == Int && t.scale != terms[0].scale {
			return false
		}
	}
	return true
}

// wholeUnits makes a float of a decimal.
func wholeUnits(t *term) *term {
	unit := math.Pow10(int(t.scale))
	if t.isConst() {
		return &term{op: opConst, kind: Float, flo: float64(t.num) / unit, at: t.at, cost: 1}
	}
	f := &term{op: opFloat, kind: Float, kids: []*term{t}, at: t.at, nullable: t.nullable, cost: t.cost}
	return &term{op: opDiv, kind: Float, at: t.at, nullable: t.nullable, cost: t.cost + 1, scale: t.scale,
		kids: []*term{f, {op: opConst, kind: Float, flo: unit, at: t.at, cost: 1}}}
}

// scaledArithmetic does what is particular to decimals. It returns the result,
// or the operands with which arithmetic goes on.
func scaledArithmetic(o op, a, b *term, at int) (result, x, y *term) {
	switch {
	case !a.scaled() && !b.scaled() || o != opMul && o != opDiv:
		return nil, a, b
	case o == opMul && a.kind == Int && b.kind == Int && a.scaled() != b.scaled():
		return &term{op: opMul, kind: Int, kids: []*term{a, b}, at: at, nullable: a.nullable || b.nullable,
			cost: addCost(a.cost, b.cost) + 1, scale: a.scale + b.scale}, nil, nil
	}
	for _, t := range []**term{&a, &b} {
		if (*t).kind == Int {
			*t = toFloat(*t)
		}
	}
	return nil, a, b
}

// parseDecimal reads a decimal such as -1250.5 as an integer of a scale.
func parseDecimal(s string, scale uint8) (int64, bool) {
	whole, fraction, _ := strings.Cut(s, ".")
	if len(fraction) > int(scale) || strings.ContainsAny(fraction, "+-") || whole == "" || whole == "-" {
		return 0, false
	}
	n, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", int(scale)-len(fraction)), 10, 64)
	return n, err == nil
}

// decimalText spells an integer of a scale with all its digits.
func decimalText(n int64, scale uint8) string {
	if scale == 0 {
		return strconv.FormatInt(n, 10)
	}
	sign, digits := "", strconv.FormatInt(n, 10)
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	if missing := int(scale) + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	point := len(digits) - int(scale)
	return sign + digits[:point] + "." + digits[point:]
}
