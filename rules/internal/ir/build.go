package ir

import (
	"math"
)

// Span is a range of integers, both ends included.
type Span struct{ Lo, Hi int64 }

// Mirrored is the comparison with its sides changed.
var Mirrored = map[Op]Op{OpEq: OpEq, OpNe: OpNe, OpLt: OpGt, OpLe: OpGe, OpGt: OpLt, OpGe: OpLe}

// Flat returns the operands of a chain of one operator.
func Flat(t *Term, o Op) []*Term {
	return flat(nil, t, o)
}

func flat(out []*Term, t *Term, o Op) []*Term {
	if t.Op != o {
		return append(out, t)
	}
	for _, k := range t.Kids {
		out = flat(out, k, o)
	}
	return out
}

// FieldTerm returns the term that reads a field.
func FieldTerm(f *Field, b Base, at int) *Term {
	return &Term{Op: OpField, Kind: f.Kind, Field: f, Base: b, At: at, Nullable: f.Nullable, Scale: f.Scale, Cost: 1}
}

// Scalar reports whether values of the kind can be compared one with one.
func Scalar(k Kind) bool { return k == Bool || k == Int || k == Float || k == String || k == Day }

// ToDay returns the local day of a time; a day is returned as it is.
func ToDay(t *Term) *Term {
	if t.Kind == Day {
		return t
	}
	return &Term{Op: OpDay, Kind: Day, Kids: []*Term{t}, At: t.At, Nullable: t.Nullable, Cost: t.Cost + 4}
}

// MaxCost is where costs stop growing, so that they cannot wrap around.
const MaxCost = math.MaxInt64 / 4

// AddCost adds costs without wrapping around.
func AddCost(a, b int64) int64 { return min(a+b, MaxCost) }

// Both returns a and b; a may be nil.
func Both(a, b *Term) *Term {
	if a == nil {
		return b
	}
	return &Term{Op: OpAnd, Kind: Bool, Kids: []*Term{a, b}, At: a.At, Cost: AddCost(a.Cost, b.Cost)}
}
