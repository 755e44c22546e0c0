package metric

import (
	"math/bits"
)

// A Sketcher is a [Metric] that knows from 64 bits of two values how alike they can be at
// most. Most pairs are far from a match, and a sketch of each value, made once, says so
// without a look at the strings. It changes no result. What is no Sketcher is asked with
// the strings.
type Sketcher interface {
	Metric
	// Sketch returns what is to be known of a value, 0 if that is nothing. It is called
	// once for each value. Metrics of one field share the sketches that the first of them
	// makes; one that would make others is asked with the strings.
	Sketch(value string) uint64
	// Bound returns a number that Compare does not exceed for two different values with
	// these sketches, which are not 0.
	Bound(a, b uint64) float64
}

// Outline is the sketch that the metrics of this package use: which characters a string of
// up to 63 ASCII characters has once and twice, its length and its first character. It is 0
// for any other string.
//
//	bits 0 to 23   characters that it has, by class
//	bits 24 to 47  characters that it has twice or more
//	bits 48 to 53  length
//	bits 54 to 60  first character
//	bit 61         it has a blank
//	bit 62         1
func Outline(s string) uint64 {
	if len(s) == 0 || len(s) > 63 {
		return 0
	}
	var once, twice, blank uint64
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 128 {
			return 0
		}
		if c == ' ' {
			blank = 1
		}
		class := uint64(1) << characters[c]
		twice |= once & class
		once |= class
	}
	return once | twice<<24 | uint64(len(s))<<48 | uint64(s[0])<<54 | blank<<61 | 1<<62
}

const outlineBag = 1<<48 - 1

func outlineLen(a uint64) int { return int(a >> 48 & 63) }

func outlineFirst(a uint64) byte { return byte(a >> 54 & 127) }

// characters are the classes of an outline. Digits have one each, among the letters, as few
// strings have both; q and w, which few names have, stand with k and v.
var characters = func() (out [128]uint8) {
	const letters = "abcdefghijklmnoprstuvxyz"
	for i := range out {
		out[i] = uint8(i % len(letters))
	}
	for i := range len(letters) {
		out[letters[i]], out[letters[i]-'a'+'A'] = uint8(i), uint8(i)
	}
	out['q'], out['Q'], out['w'], out['W'] = out['k'], out['k'], out['v'], out['v']
	for i := range byte(10) {
		out['0'+i] = 2 * i
	}
	return out
}()

// surplus is the least number of characters of each string that the other lacks.
func surplus(a, b uint64) (x, y int) {
	return bits.OnesCount64(a &^ b & outlineBag), bits.OnesCount64(b &^ a & outlineBag)
}

// slack is more than what rounding may take off a bound.
const slack = 1e-9

// Sketch implements [Sketcher].
func (JaroWinkler) Sketch(s string) uint64 { return Outline(s) }

// Bound implements [Sketcher].
func (JaroWinkler) Bound(a, b uint64) float64 {
	x, y := surplus(a, b)
	la, lb := outlineLen(a), outlineLen(b)
	matches := min(la-x, lb-y)
	if matches <= 0 {
		return slack
	}
	prefix := 0
	if outlineFirst(a) == outlineFirst(b) {
		prefix = min(la, lb, 4)
	}
	return winkler(matches, 0, la, lb, prefix) + slack
}

// Sketch implements [Sketcher].
func (Edits) Sketch(s string) uint64 { return Outline(s) }

// Bound implements [Sketcher].
func (e Edits) Bound(a, b uint64) float64 {
	if leastEdits(a, b) > e.Max {
		return 0
	}
	return 1
}

// Sketch implements [Sketcher].
func (Similarity) Sketch(s string) uint64 { return Outline(s) }

// Bound implements [Sketcher].
func (Similarity) Bound(a, b uint64) float64 {
	return 1 - float64(leastEdits(a, b))/float64(max(outlineLen(a), outlineLen(b))) + slack
}

// leastEdits is the least number of edits between two strings: one removes or adds a
// character or both.
func leastEdits(a, b uint64) int {
	x, y := surplus(a, b)
	d := outlineLen(a) - outlineLen(b)
	return max(x, y, d, -d)
}

// Agree reports whether two metrics make the same sketches of a few values. Those of one
// field are kept once only.
func Agree(a, b Sketcher) bool {
	for _, s := range []string{"a", "ayse nur", "1980-05-12", "1980", "+905321234567", "ayse@example.com", "istanbul|kadikoy", "34710"} {
		if a.Sketch(s) != b.Sketch(s) {
			return false
		}
	}
	return true
}
