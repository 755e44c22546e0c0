package metric

// Levenshtein returns the least number of insertions, deletions and
// substitutions of characters that turn a into b (Myers 1999 in Hyyrö's form for
// up to 64 ASCII characters, the plain recurrence beyond; 0 allocations for the former).
func Levenshtein(a, b string) int { return edits(a, b, false) }

// OSA returns the optimal string alignment distance: Levenshtein plus the
// exchange of two neighbouring characters, no substring being edited twice
// (Hyyrö 2002). It is a distance of typing errors, not a metric in the strict sense.
func OSA(a, b string) int { return edits(a, b, true) }

// Edits is a [Metric] that answers 1 when the optimal string alignment distance
// is at most Max, and 0 otherwise.
type Edits struct{ Max int }

// Compare implements [Metric].
func (e Edits) Compare(a, b string) float64 {
	if e.Max == 1 && isASCII(a) && isASCII(b) {
		if oneEdit(a, b) {
			return 1
		}
		return 0
	}
	if OSA(a, b) <= e.Max {
		return 1
	}
	return 0
}

// oneEdit reports whether the optimal string alignment distance of two ASCII strings is
// at most 1, by looking at what common ends leave over.
func oneEdit(a, b string) bool {
	if d := len(a) - len(b); d > 1 || d < -1 {
		return false
	}
	n, i := min(len(a), len(b)), 0
	for i < n && a[i] == b[i] {
		i++
	}
	a, b = a[i:], b[i:]
	n -= i
	for i = 0; i < n && a[len(a)-1-i] == b[len(b)-1-i]; {
		i++
	}
	a, b = a[:len(a)-i], b[:len(b)-i]
	switch {
	case len(a) <= 1 && len(b) <= 1:
		return true
	case len(a) == 2 && len(b) == 2:
		return a[0] == b[1] && a[1] == b[0]
	}
	return false
}

// Similarity is a [Metric]: 1 minus the optimal string alignment distance
// divided by the length of the longer string in characters.
type Similarity struct{}

// Compare implements [Metric].
func (Similarity) Compare(a, b string) float64 {
	n := max(runes(a), runes(b))
	if n == 0 {
		return 1
	}
	return 1 - float64(OSA(a, b))/float64(n)
}

func runes(s string) (n int) {
	for range s {
		n++
	}
	return n
}

func edits(a, b string, swaps bool) int {
	if a == b {
		return 0
	}
	if len(a) > 64 || len(b) > 64 || !isASCII(a) || !isASCII(b) {
		return editsRunes(a, b, swaps)
	}
	if len(a) == 0 || len(b) == 0 {
		return len(a) + len(b)
	}
	var mask masks
	mask.set(a)
	return mask.edits(a, b, swaps)
}

// edits is the distance for 1 to 64 ASCII characters; the masks are a's.
func (mask *masks) edits(a, b string, swaps bool) int {
	up, down := ^uint64(0), uint64(0) // vertical differences +1 and -1
	var diagonal, last uint64
	top, distance := uint64(1)<<(len(a)-1), len(a)
	for j := 0; j < len(b); j++ {
		m := mask[b[j]&127]
		var exchanged uint64
		if swaps {
			exchanged = (^diagonal & m) << 1 & last
		}
		diagonal = ((m&up + up) ^ up) | m | down | exchanged
		right, left := down|^(diagonal|up), diagonal&up
		if right&top != 0 {
			distance++
		}
		if left&top != 0 {
			distance--
		}
		right, left = right<<1|1, left<<1
		up, down = left|^(diagonal|right), right&diagonal
		last = m
	}
	return distance
}

// editsRunes is the plain recurrence on three rows.
func editsRunes(a, b string, swaps bool) int {
	var bufA, bufB [64]rune
	ra, rb := appendRunes(bufA[:0], a), appendRunes(bufB[:0], b)
	rows := make([]int, 3*(len(rb)+1))
	before, above, row := rows[:len(rb)+1], rows[len(rb)+1:2*len(rb)+2], rows[2*len(rb)+2:]
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(ra); i++ {
		row[0] = i
		for j := 1; j <= len(rb); j++ {
			cost := 1
			if ra[i-1] == rb[j-1] {
				cost = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+cost)
			if swaps && i > 1 && j > 1 && ra[i-1] == rb[j-2] && ra[i-2] == rb[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(rb)]
}
