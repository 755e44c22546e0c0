package metric

import (
	"math/bits"
	"unicode/utf8"
)

// JaroWinkler is the standard Jaro-Winkler similarity as a [Metric]: Jaro's
// similarity with a matching window of max(len)/2-1 characters, raised by a
// common prefix of up to four characters at 0.1 each when it is above 0.7
// (Winkler 1990). Transpositions are halved by integer division, as in Winkler's
// own program and in RapidFuzz. It reads characters, not bytes, and does not
// allocate for strings of up to 64 characters.
//
// The metric of the same name in github.com/adrg/strutil v0.3.1 is another one
// (its window is wider and it has no floor), so thresholds from the literature
// fit this one only.
type JaroWinkler struct{}

// Compare returns the similarity of a and b from 0 to 1; two empty strings are alike.
func (JaroWinkler) Compare(a, b string) float64 {
	if a == b {
		return 1
	}
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	if len(a) > 64 || len(b) > 64 || !isASCII(a) || !isASCII(b) {
		return jaroWinklerRunes(a, b)
	}
	var mask masks
	mask.set(a)
	return mask.jaroWinkler(a, b)
}

// jaroWinkler is the metric for up to 64 ASCII characters; the masks are a's.
func (mask *masks) jaroWinkler(a, b string) float64 {
	window := max(len(a), len(b))/2 - 1
	if window < 0 {
		window = 0
	}
	within := uint64(1)<<(window+1) - 1
	var inA, inB uint64
	for j := 0; j < len(b); j++ {
		if m := mask[b[j]&127] & within &^ inA; m != 0 {
			inA |= m & -m
			inB |= 1 << j
		}
		within <<= 1
		if j < window {
			within |= 1
		}
	}
	matches := bits.OnesCount64(inA)
	if matches == 0 {
		return 0
	}
	moved := 0
	for f, t := inA, inB; t != 0; t &= t - 1 {
		low := f & -f
		if mask[b[bits.TrailingZeros64(t)]&127]&low == 0 {
			moved++
		}
		f ^= low
	}
	prefix := 0
	for prefix < min(len(a), len(b), 4) && a[prefix] == b[prefix] {
		prefix++
	}
	return winkler(matches, moved, len(a), len(b), prefix)
}

func winkler(matches, moved, la, lb, prefix int) float64 {
	m := float64(matches)
	jaro := (m/float64(la) + m/float64(lb) + (m-float64(moved/2))/m) / 3
	if jaro > 0.7 {
		jaro += 0.1 * float64(prefix) * (1 - jaro)
	}
	return jaro
}

// jaroWinklerRunes is the same metric for long or non-ASCII text.
func jaroWinklerRunes(a, b string) float64 {
	var bufA, bufB [64]rune
	ra, rb := appendRunes(bufA[:0], a), appendRunes(bufB[:0], b)
	var flagA, flagB [64]bool
	inA, inB := flagA[:], flagB[:]
	if len(ra) > 64 {
		inA = make([]bool, len(ra))
	}
	if len(rb) > 64 {
		inB = make([]bool, len(rb))
	}
	window := max(max(len(ra), len(rb))/2-1, 0)
	matches := 0
	for j, c := range rb {
		for i := max(0, j-window); i < min(len(ra), j+window+1); i++ {
			if !inA[i] && ra[i] == c {
				inA[i], inB[j] = true, true
				matches++
				break
			}
		}
	}
	if matches == 0 {
		return 0
	}
	moved, i := 0, 0
	for j, c := range rb {
		if !inB[j] {
			continue
		}
		for !inA[i] {
			i++
		}
		if ra[i] != c {
			moved++
		}
		i++
	}
	prefix := 0
	for prefix < min(len(ra), len(rb), 4) && ra[prefix] == rb[prefix] {
		prefix++
	}
	return winkler(matches, moved, len(ra), len(rb), prefix)
}

func isASCII(s string) bool {
	var or byte
	for i := 0; i < len(s); i++ {
		or |= s[i]
	}
	return or < utf8.RuneSelf
}

func appendRunes(dst []rune, s string) []rune {
	for _, r := range s {
		dst = append(dst, r)
	}
	return dst
}
