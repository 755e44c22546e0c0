package ir

import (
	"math"
)

// OpBetween exists only in simplified terms: lo <= kids[0] <= hi with integers.
// Every comparison of an integer with a constant but != becomes one, so that
// two on the same field become one and a contradiction shows.
const OpBetween Op = 200

// Between returns the term lo <= kid <= hi.
func Between(kid *Term, lo, hi int64, at int) *Term {
	return &Term{Op: OpBetween, Kind: Bool, Kids: []*Term{kid}, At: at, Num: lo, List: []*Term{{Num: hi}}, Nullable: false, Cost: kid.Cost + 1}
}

// High returns the upper end of a range; Num is the lower one.
func (t *Term) High() int64 { return t.List[0].Num }

// Bounds returns the values that an integer term can have at all.
func Bounds(t *Term) (least, most int64) {
	switch t.Op {
	case OpCount:
		return 0, int64(t.Field.Max)
	case OpLen:
		return 0, math.MaxInt64
	case OpAbs:
		return 0, math.MaxInt64
	case OpMonth:
		return 1, 12
	case OpMonthDay:
		return 1, 31
	case OpWeekday:
		return 1, 7
	case OpAnniversary:
		return 0, 366
	}
	return math.MinInt64, math.MaxInt64
}

// Canonical spells a simplified term; ranges have no spelling of their own.
func (t *Term) Canonical() string {
	if t.Op == OpBetween {
		return (&Term{Op: OpAnd, Kind: Bool, Kids: t.bounds()}).String()
	}
	return t.String()
}

// bounds spells a range as comparisons.
func (t *Term) bounds() []*Term {
	c := func(n int64) *Term {
		return &Term{Op: OpConst, Kind: t.Kids[0].Kind, Num: n, Scale: ScaleOf(t.Kids[0])}
	}
	lo, hi := t.Num, t.High()
	switch {
	case lo == hi:
		return []*Term{{Op: OpEq, Kind: Bool, Kids: []*Term{t.Kids[0], c(lo)}}}
	case lo == math.MinInt64:
		return []*Term{{Op: OpLe, Kind: Bool, Kids: []*Term{t.Kids[0], c(hi)}}}
	case hi == math.MaxInt64:
		return []*Term{{Op: OpGe, Kind: Bool, Kids: []*Term{t.Kids[0], c(lo)}}}
	}
	return []*Term{{Op: OpGe, Kind: Bool, Kids: []*Term{t.Kids[0], c(lo)}}, {Op: OpLe, Kind: Bool, Kids: []*Term{t.Kids[0], c(hi)}}}
}
