package sms

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Profile is what one route to a provider can do and how it bills. The zero
// value is a plain route abroad: GSM-7 or UCS-2.
type Profile struct {
	Name string `json:"name,omitempty"`
	// Encodings are those the route takes, the preferred ones first: of two
	// with equally many segments the earlier one is chosen. Empty means GSM7,
	// UCS2.
	Encodings []Encoding `json:"encodings,omitempty"`
	// Suffix is text that the operator appends and bills, such as " B0xx" in
	// Turkey. It counts, but it is not part of what is encoded.
	Suffix string `json:"suffix,omitempty"`
	// Wide bills concatenation references of 16 bits; otherwise 8.
	Wide bool `json:"wide,omitempty"`
	// MaxSegments is the largest message that the route takes; 0 means 255.
	MaxSegments int `json:"max_segments,omitempty"`
	// Transliterate lets Plan send Turkish letters and typographic signs in
	// their plain form (ş as s, ’ as ') where that saves segments.
	Transliterate bool `json:"transliterate,omitempty"`
}

// Domestic is the profile of a Turkish route that encodes Turkish letters itself
// in the locking style (one septet each) and whose operators append " B0xx".
// Its numbers are the ones Verimor publishes for datacoding 0, 1 and 2. For a
// provider that bills a Turkish letter as two, replace TurkishLocking by
// TurkishSingle.
func Domestic() Profile {
	return Profile{Name: "tr-domestic", Encodings: []Encoding{GSM7, TurkishLocking, UCS2}, Suffix: " B000", MaxSegments: 7}
}

// Plan is the cheapest way to send a text over a route.
type Plan struct {
	Text     string // what is sent; differs from the text given if Changed
	Changed  bool   // Transliterate replaced characters
	Encoding Encoding
	Units    int // septets or UTF-16 units, the suffix included
	Segments int // billed
	Left     int // units still free in the last segment
	// Forced are the distinct characters that no 7-bit encoding of the route
	// has, in order of appearance; empty unless they force UCS-2.
	Forced []Character
	// Without is how many segments the text would take if each of Forced were
	// one plain letter; equal to Segments where nothing is forced.
	Without int
}

// Character is a character of a text that costs more than its place.
type Character struct {
	Rune  rune
	Index int // of its first appearance, in characters from 0
	Count int
}

// Plan chooses the encoding with the fewest billed segments. The error is
// ErrText, a *CharacterError where the route has no encoding for the text, or
// ErrTooLong together with the plan that is too long.
func (p Profile) Plan(text string) (Plan, error) {
	if !utf8.ValidString(text) {
		return Plan{}, ErrText
	}
	encodings := p.Encodings
	if len(encodings) == 0 {
		encodings = []Encoding{GSM7, UCS2}
	}
	best, err := p.cheapest(text, encodings)
	if p.Transliterate && (err != nil || best.Segments > 1) {
		if plain := transliterate(text); plain != text {
			if other, e := p.cheapest(plain, encodings); e == nil && (err != nil || other.Segments < best.Segments) {
				best, err = other, nil
				best.Changed = true
			}
		}
	}
	if err != nil {
		return Plan{}, err
	}
	best.Without = best.Segments
	if best.Encoding == UCS2 {
		best.Forced, best.Without = p.forced(best, encodings)
	}
	limit := p.MaxSegments
	if limit <= 0 || limit > 255 {
		limit = 255
	}
	if best.Segments > limit {
		return best, fmt.Errorf("%w: %d, at most %d are allowed", ErrTooLong, best.Segments, limit)
	}
	return best, nil
}

// cheapest counts the text in each encoding and keeps the one with the fewest segments; of
// equals the first. It fails, with the first character that does not fit, where no encoding has
// all of them.
func (p Profile) cheapest(text string, encodings []Encoding) (Plan, error) {
	var best Plan
	var first error
	billed := text + p.Suffix
	for _, e := range encodings {
		c, err := e.count(billed, p.Wide)
		if err != nil {
			var ce *CharacterError
			if !errors.As(err, &ce) {
				return Plan{}, err
			}
			if first == nil {
				first = err
			}
			continue
		}
		if best.Segments == 0 || c.Segments < best.Segments {
			best = Plan{Text: text, Encoding: e, Units: c.Units, Segments: c.Segments, Left: p.left(e, billed, c)}
		}
	}
	if best.Segments == 0 {
		return Plan{}, first
	}
	return best, nil
}

// left is what still fits into the last segment.
func (p Profile) left(e Encoding, billed string, c size) int {
	if c.Segments == 1 {
		return e.capacity(false, p.Wide) - c.Units
	}
	limit, used := e.capacity(true, p.Wide), 0
	for _, r := range billed {
		cost := e.cost(r)
		if used += cost; used > limit {
			used = cost
		}
	}
	return limit - used
}

// forced names the characters that no 7-bit encoding of the route has, and
// counts the segments without them.
func (p Profile) forced(plan Plan, encodings []Encoding) ([]Character, int) {
	var seven []Encoding
	for _, e := range encodings {
		if e != UCS2 {
			seven = append(seven, e)
		}
	}
	if len(seven) == 0 {
		return nil, plan.Segments
	}
	var out []Character
	n := -1
	replaced := strings.Map(func(r rune) rune {
		n++
		if slices.ContainsFunc(seven, func(e Encoding) bool { return e.cost(r) > 0 }) {
			return r
		}
		if i := slices.IndexFunc(out, func(c Character) bool { return c.Rune == r }); i >= 0 {
			out[i].Count++
		} else {
			out = append(out, Character{Rune: r, Index: n, Count: 1})
		}
		return 'x'
	}, plan.Text)
	without, err := p.cheapest(replaced, encodings)
	if err != nil {
		return out, plan.Segments
	}
	return out, without.Segments
}

// String explains the plan in one line, such as
// "U+2019 at 37 forces UCS-2: 3 segments instead of 1".
func (p Plan) String() string {
	if len(p.Forced) == 0 {
		return fmt.Sprintf("%s: %s, %d units free", p.Encoding, segments(p.Segments), p.Left)
	}
	c := p.Forced[0]
	s := fmt.Sprintf("%U at %d forces UCS-2: %s instead of %d", c.Rune, c.Index, segments(p.Segments), p.Without)
	if n := len(p.Forced) - 1; n > 0 {
		s += fmt.Sprintf(" (and %d more such characters)", n)
	}
	return s
}

func segments(n int) string {
	if n == 1 {
		return "1 segment"
	}
	return fmt.Sprintf("%d segments", n)
}
