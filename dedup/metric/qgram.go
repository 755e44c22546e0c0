package metric

import (
	"slices"
)

// QGrams is a [Metric]: the Jaccard similarity of the sets of substrings of Q
// characters (Ukkonen 1992), 2 if Q is 0 and 4 at most. A shorter string is its own
// only substring. It does not allocate for up to 64 ASCII characters.
type QGrams struct{ Q int }

// Compare returns the number of substrings in both by that in either, from 0 to 1; two
// empty strings are alike.
func (g QGrams) Compare(a, b string) float64 {
	q := min(g.Q, 4)
	if q <= 0 {
		q = 2
	}
	if a == b {
		return 1
	}
	if runes(a) < q || runes(b) < q { // its only substring is too short to be one of the other's
		return 0
	}
	if short(a) && short(b) {
		var bufA, bufB [64]uint32
		return jaccard(asciiGrams(bufA[:0], a, q), asciiGrams(bufB[:0], b, q))
	}
	return jaccard(runeGrams(a, q), runeGrams(b, q))
}

func asciiGrams(dst []uint32, s string, q int) []uint32 {
	gram := uint32(0)
	for i := 0; i < len(s); i++ {
		gram = gram<<8 | uint32(s[i])
		if q < 4 {
			gram &= 1<<(8*q) - 1
		}
		if i >= q-1 {
			dst = append(dst, gram)
		}
	}
	return dst
}

func runeGrams(s string, q int) [][4]rune {
	r := []rune(s)
	var out [][4]rune
	for i := 0; i+q <= len(r); i++ {
		var gram [4]rune
		copy(gram[:], r[i:i+q])
		out = append(out, gram)
	}
	return out
}

// jaccard compares two lists as sets, and changes their order.
func jaccard[T interface{ uint32 | [4]rune }](a, b []T) float64 {
	a, b = set(a), set(b)
	both := 0
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch c := compare(a[i], b[j]); {
		case c == 0:
			both++
			i++
			j++
		case c < 0:
			i++
		default:
			j++
		}
	}
	return float64(both) / float64(len(a)+len(b)-both)
}

func set[T interface{ uint32 | [4]rune }](list []T) []T {
	slices.SortFunc(list, compare[T])
	return slices.Compact(list)
}

func compare[T interface{ uint32 | [4]rune }](a, b T) int {
	switch a := any(a).(type) {
	case uint32:
		b := any(b).(uint32)
		if a < b {
			return -1
		} else if a > b {
			return 1
		}
		return 0
	case [4]rune:
		b := any(b).([4]rune)
		return slices.Compare(a[:], b[:])
	}
	return 0
}
