package people

import (
	"strings"

	"github.com/vefacrm/vefa/dedup/metric"
)

// nickname is part for given names, of which a short form is one too: "bill" of "william".
type nickname struct{ names *shortNames }

func (n nickname) Compare(a, b string) float64 {
	if p := (part{}).Compare(a, b); p == 1 {
		return p
	}
	first := func(s string) string { s, _, _ = strings.Cut(s, " "); return s }
	if isShort(n.names.more, first(a), first(b)) {
		return 1
	}
	return 0
}

// part grades names of which one has words that the other lacks: 1 when every
// word of the shorter is one of the longer's, as "fatma" of "hatice fatma". One letter is
// a word that begins with it, beside a whole word: "m ali" of "mehmet ali".
type part struct{}

func (part) Compare(a, b string) float64 {
	if len(a) > len(b) {
		a, b = b, a
	}
	if strings.IndexByte(b, ' ') < 0 {
		return 0
	}
	whole, letters := false, false
	for w := range strings.SplitSeq(a, " ") {
		switch {
		case len(w) < 2:
			letters = true
		case hasWord(b, w):
			whole = true
		default:
			return 0
		}
	}
	if !whole || letters && !hasInitials(a, b) {
		return 0
	}
	return 1
}

// hasInitials reports whether each single letter of a begins a word of b that is none of
// a's, each another one.
func hasInitials(a, b string) bool {
	var used uint64
	for w := range strings.SplitSeq(a, " ") {
		if len(w) >= 2 {
			continue
		}
		found, i := false, 0
		for x := range strings.SplitSeq(b, " ") {
			if i < 64 && used>>i&1 == 0 && strings.HasPrefix(x, w) && (len(x) < 2 || !hasWord(a, x)) {
				used |= 1 << i
				found = true
				break
			}
			i++
		}
		if !found {
			return false
		}
	}
	return true
}

// likeWord is the best Jaro-Winkler similarity of the whole names or of a name of
// one word with a word of the other.
type likeWord struct{}

func (likeWord) Compare(a, b string) float64 {
	best := metric.JaroWinkler{}.Compare(a, b)
	if len(a) > len(b) {
		a, b = b, a
	}
	if strings.IndexByte(a, ' ') < 0 && strings.IndexByte(b, ' ') >= 0 {
		for w := range strings.SplitSeq(b, " ") {
			best = max(best, metric.JaroWinkler{}.Compare(min(a, w), max(a, w)))
		}
	}
	return best
}

// initial is 1 when names agree word by word as far as the shorter goes, where one letter
// agrees with every word that begins with it and there is one: "m" with "mehmet", "m a" with
// "mehmet ali". Two names that only begin alike are two names (E3).
type initial struct{}

func (initial) Compare(a, b string) float64 {
	abbreviated := false
	for a != "" && b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, " ")
		y, b, _ = strings.Cut(b, " ")
		switch {
		case x == y:
		case (len(x) == 1 || len(y) == 1) && x != "" && y != "" && x[0] == y[0]:
			abbreviated = true
		default:
			return 0
		}
	}
	if abbreviated {
		return 1
	}
	return 0
}

// overlap is the share of the words of the shorter value that the longer has.
type overlap struct{}

func (overlap) Compare(a, b string) float64 {
	n, m := strings.Count(a, " ")+1, strings.Count(b, " ")+1
	if n > m {
		a, b, n = b, a, m
	}
	found := 0
	for w := range strings.SplitSeq(a, " ") {
		if hasWord(b, w) {
			found++
		}
	}
	return float64(found) / float64(n)
}

// doors grades streets with the same numbers, as of house and flat: 1 for one typing error in
// the rest, 0.5 where more than half the words agree. Another number is another door, and the
// one next to it no typing error.
type doors struct{}

func (doors) Compare(a, b string) float64 {
	restA, restB, numbers := a, b, false
	for {
		var x, y string
		x, restA = nextNumber(restA)
		y, restB = nextNumber(restB)
		if x != y {
			return 0
		}
		if x == "" {
			break
		}
		numbers = true
	}
	switch {
	case (metric.Edits{Max: 1}).Compare(a, b) == 1:
		return 1
	case numbers && (overlap{}).Compare(a, b) > 0.5:
		return 0.5
	}
	return 0
}

// nextNumber cuts the first word that has a digit off a list of words.
func nextNumber(s string) (word, rest string) {
	for s != "" {
		word, s, _ = strings.Cut(s, " ")
		if strings.ContainsAny(word, "0123456789") {
			return word, s
		}
	}
	return "", ""
}

// dates grades dates of birth.
type dates struct{}

func (dates) Compare(a, b string) float64 {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(a) < len(b) { // a year, or a year and month
		switch {
		case strings.HasPrefix(b, a):
			return 0.8
		case a[:4] == b[:4]:
			return 0.4
		}
		return 0.2
	}
	switch {
	case (metric.Edits{Max: 1}).Compare(a, b) == 1:
		return 0.9
	case len(a) == 10 && a[:4] == b[:4] && (a[5:] == "01-01" || b[5:] == "01-01"):
		return 0.8 // the placeholder of those who know the year only
	case len(a) == 10 && a[:4] == b[:4] && a[5:7] == b[8:] && a[8:] == b[5:7]:
		return 0.7 // day and month exchanged
	case len(a) == 10 && a[4:] == b[4:]:
		return 0.6 // another year
	case a[:4] == b[:4]:
		return 0.4
	case len(a) == 10 && generationApart(a, b):
		return 0
	}
	return 0.2
}

// generationApart reports whether two dates are 20 years apart or more, as those of parents and
// children are: people do not mistake their age by that, though a digit of it.
func generationApart(a, b string) bool {
	year := func(s string) (n int) {
		for _, c := range []byte(s[:4]) {
			n = 10*n + int(c-'0')
		}
		return n
	}
	d := year(a) - year(b)
	return d >= generationYears || d <= -generationYears
}

var generationYears = 20

// phones is 1 for numbers one typing error apart.
type phones struct{}

func (phones) Compare(a, b string) float64 { return metric.Edits{Max: 1}.Compare(a, b) }

// mails grades e-mail addresses by what stands before the @, where the names are.
type mails struct{}

func (mails) Compare(a, b string) float64 {
	la, _, _ := strings.Cut(a, "@")
	lb, _, _ := strings.Cut(b, "@")
	if la == lb {
		return 1
	}
	if (metric.Edits{Max: 1}).Compare(a, b) == 1 {
		return 0.95
	}
	return 0.9 * metric.JaroWinkler{}.Compare(la, lb)
}

// places grades "city|district", of which either may be missing.
type places struct{}

func (places) Compare(a, b string) float64 {
	ca, da, _ := strings.Cut(a, "|")
	cb, db, _ := strings.Cut(b, "|")
	switch {
	case ca != "" && ca == cb && (da == "" || db == ""):
		return 0.9
	case ca != "" && ca == cb:
		return 0.8
	case ca != "" && cb != "" && metric.JaroWinkler{}.Compare(ca, cb) >= 0.9:
		return 0.7
	case da != "" && da == db:
		return 0.5
	}
	return 0
}

// postcodes is the share of leading characters that agree.
type postcodes struct{}

func (postcodes) Compare(a, b string) float64 {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return float64(n) / float64(max(len(a), len(b)))
}
