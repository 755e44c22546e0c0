package metric

import (
	"math"
	"slices"
)

// QGramCosine is a [Metric]: the cosine of the counts of substrings of Q characters, 3 if Q
// is 0 and 4 at most. Blanks are left out, so that words that one writes together and
// another apart are alike.
type QGramCosine struct{ Q int }

// Compare returns the cosine, from 0 to 1; two empty strings are alike.
func (g QGramCosine) Compare(a, b string) float64 {
	q := min(g.Q, 4)
	if q <= 0 {
		q = 3
	}
	if a == b {
		return 1
	}
	var roomA, roomB [128]rune
	x, y := squeeze(roomA[:0], a), squeeze(roomB[:0], b)
	if slices.Equal(x, y) {
		return 1
	}
	if len(x) < q || len(y) < q {
		return 0
	}
	var gramsA, gramsB [128][4]rune
	p, r := countGrams(gramsA[:0], x, q), countGrams(gramsB[:0], y, q)
	both, normA, normB := 0.0, 0.0, 0.0
	for i, j := 0, 0; i < len(p) || j < len(r); {
		c := -1
		switch {
		case i == len(p):
			c = 1
		case j < len(r):
			c = slices.Compare(p[i][:], r[j][:])
		}
		n, m := 0, 0
		if c <= 0 {
			n = same(p[i:])
			i += n
		}
		if c >= 0 {
			m = same(r[j:])
			j += m
		}
		both += float64(n * m)
		normA += float64(n * n)
		normB += float64(m * m)
	}
	return min(both/math.Sqrt(normA*normB), 1)
}

// same is how many of the first elements are equal.
func same(grams [][4]rune) int {
	n := 1
	for n < len(grams) && grams[n] == grams[0] {
		n++
	}
	return n
}

func squeeze(dst []rune, s string) []rune {
	for _, r := range s {
		if r != ' ' {
			dst = append(dst, r)
		}
	}
	return dst
}

// countGrams appends the substrings of q characters in order.
func countGrams(dst [][4]rune, s []rune, q int) [][4]rune {
	for i := 0; i+q <= len(s); i++ {
		var g [4]rune
		copy(g[:], s[i:i+q])
		dst = append(dst, g)
	}
	slices.SortFunc(dst, func(a, b [4]rune) int { return slices.Compare(a[:], b[:]) })
	return dst
}
