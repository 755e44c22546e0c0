package rules

import (
	"math"
	"strconv"
	"strings"

	"github.com/vefacrm/vefa/rules/internal/ir"
)

// A decimal is an integer field with a scale: `rule:",scale=2"` holds hundredths
// and rules read and write it as 1250.50. It is compared, added and summed as
// the integer that it is, exactly; multiplied with an integer it stays one.
// Only division, and what mixes it with floats or other integers, is done in
// floats, in whole units.

// maxScale is the most digits behind the point.
const maxScale = 9

// alignScale brings two numbers to one scale if one of them is a decimal: a
// constant takes the scale of the other; else both become floats.
func alignScale(a, b *ir.Term) (*ir.Term, *ir.Term) {
	switch {
	case !a.Scaled() && !b.Scaled() || a.Scaled() && b.Scaled() && a.Scale == b.Scale:
		return a, b
	case a.Scaled():
		if c, ok := rescale(b, a.Scale); ok {
			return a, c
		}
	default:
		if c, ok := rescale(a, b.Scale); ok {
			return c, b
		}
	}
	if a.Kind == ir.Int && b.Kind == ir.Int {
		return toFloat(a), toFloat(b)
	}
	return a, b // if one is a float, numeric makes the other one too
}

// rescale gives a constant number a scale, if it has no more digits than that.
func rescale(t *ir.Term, scale uint8) (*ir.Term, bool) {
	t = constant(t)
	if !t.IsConst() || t.Scaled() {
		return nil, false
	}
	var text string
	switch t.Kind {
	case ir.Int:
		text = strconv.FormatInt(t.Num, 10)
	case ir.Float:
		if text = t.Str; text == "" {
			text = strconv.FormatFloat(t.Flo, 'f', -1, 64)
		}
	default:
		return nil, false
	}
	n, ok := parseDecimal(text, scale)
	return &ir.Term{Op: ir.OpConst, Kind: ir.Int, Num: n, Scale: scale, At: t.At, Cost: 1}, ok
}

// alignList brings a decimal and the values of a list to one scale.
func alignList(a *ir.Term, items []*ir.Term) (*ir.Term, []*ir.Term) {
	out := make([]*ir.Term, len(items))
	for i, c := range items {
		if c.Kind != ir.Int && c.Kind != ir.Float {
			return a, items
		}
		var ok bool
		if out[i], ok = rescale(c, a.Scale); !ok {
			return toFloat(a), items
		}
	}
	return a, out
}

// sameScale reports whether all terms are of one scale.
func sameScale(terms []*ir.Term) bool {
	for _, t := range terms {
		if t.Kind == ir.Int && t.Scale != terms[0].Scale {
			return false
		}
	}
	return true
}

// wholeUnits makes a float of a decimal.
func wholeUnits(t *ir.Term) *ir.Term {
	unit := math.Pow10(int(t.Scale))
	if t.IsConst() {
		return &ir.Term{Op: ir.OpConst, Kind: ir.Float, Flo: float64(t.Num) / unit, At: t.At, Cost: 1}
	}
	f := &ir.Term{Op: ir.OpFloat, Kind: ir.Float, Kids: []*ir.Term{t}, At: t.At, Nullable: t.Nullable, Cost: t.Cost}
	return &ir.Term{Op: ir.OpDiv, Kind: ir.Float, At: t.At, Nullable: t.Nullable, Cost: t.Cost + 1, Scale: t.Scale,
		Kids: []*ir.Term{f, {Op: ir.OpConst, Kind: ir.Float, Flo: unit, At: t.At, Cost: 1}}}
}

// scaledArithmetic does what is particular to decimals. It returns the result,
// or the operands with which arithmetic goes on.
func scaledArithmetic(o ir.Op, a, b *ir.Term, at int) (result, x, y *ir.Term) {
	switch {
	case !a.Scaled() && !b.Scaled() || o != ir.OpMul && o != ir.OpDiv:
		return nil, a, b
	case o == ir.OpMul && a.Kind == ir.Int && b.Kind == ir.Int && a.Scaled() != b.Scaled():
		return &ir.Term{Op: ir.OpMul, Kind: ir.Int, Kids: []*ir.Term{a, b}, At: at, Nullable: a.Nullable || b.Nullable,
			Cost: ir.AddCost(a.Cost, b.Cost) + 1, Scale: a.Scale + b.Scale}, nil, nil
	}
	for _, t := range []**ir.Term{&a, &b} {
		if (*t).Kind == ir.Int {
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
