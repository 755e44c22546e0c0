package people

import (
	"math"
	"strings"

	"github.com/vefacrm/vefa/dedup"
)

// Many put the year of their birth into the e-mail address that they choose. Where one record
// has a birth date and another has none, that is what is left to compare (E12).

// written marks a year that stands in an e-mail address.
const written = "~"

// year returns the year of a birth date; without one, what looks like a year of birth in an
// e-mail address that begins as the given name does, as one's own address mostly does.
func year(birth, emails, given string) string {
	if len(birth) >= 4 {
		return birth[:4]
	}
	if given == "" {
		return ""
	}
	for e := range strings.SplitSeq(emails, dedup.Sep) {
		if local, _, ok := strings.Cut(e, "@"); ok && local[:min(len(local), 1)] == given[:1] {
			if digits := yearIn(local); digits != "" {
				return written + digits
			}
		}
	}
	return ""
}

// yearIn returns the digits of a word that has some in one place, if they are two, or four
// that begin as years do.
func yearIn(local string) string {
	i := strings.IndexAny(local, "0123456789")
	if i < 0 {
		return ""
	}
	digits := local[i:]
	if k := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); k >= 0 {
		if strings.ContainsAny(digits[k:], "0123456789") {
			return ""
		}
		digits = digits[:k]
	}
	if len(digits) == 2 || len(digits) == 4 && (strings.HasPrefix(digits, "19") || strings.HasPrefix(digits, "20")) {
		return digits
	}
	return ""
}

// years compares a year of birth with one that stands in an e-mail address: 1 for the same, 0.8
// for its last two digits, 0.4 for two other digits, which may be those of a town as well, and 0
// for another year. Two of a kind are not compared: the dates and the addresses are.
type years struct{}

func (years) Compare(a, b string) float64 {
	x, inA := strings.CutPrefix(a, written)
	y, inB := strings.CutPrefix(b, written)
	if inA == inB {
		return math.NaN()
	}
	if inA {
		x, y = y, x
	}
	switch {
	case x == y:
		return 1
	case len(y) == 2 && strings.HasSuffix(x, y):
		return 0.8
	case len(y) == 2:
		return 0.4
	}
	return 0
}
