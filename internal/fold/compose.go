package fold

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Compose returns s in Unicode's normal form C: a letter and its accents as one
// character wherever there is one, in one order where there is none, so that two
// texts that look and mean the same are the same. Bytes that are not UTF-8 are
// kept as they are. Compose(Compose(s)) == Compose(s).
func Compose(s string) string {
	for _, r := range s {
		if r >= 0x300 && composes(r) {
			return compose(s)
		}
	}
	return s
}

// composes reports whether a text with the character may have another form. Most
// letters answer without a look into the tables.
func composes(r rune) bool {
	switch {
	case unicode.Is(unicode.M, r), r >= 0x1100 && r < 0x1200:
		return true
	case r < 0x400, r >= 0x900 && r < 0x1000, r >= 0x1f00 && r < 0x2200, r == 0x2329, r == 0x232a, r == 0x2adc,
		r >= 0xf900 && r < 0xfb50, r >= 0x1d100 && r < 0x1d200, r >= 0x2f800 && r < 0x2fa20:
		_, ok := entry(singles, string(r))
		return ok
	}
	return false
}

// entry returns what stands behind key in a table.
func entry(table, key string) (string, bool) {
	_, rest, ok := strings.Cut(table, " "+key)
	if !ok {
		return "", false
	}
	value, _, _ := strings.Cut(rest, " ")
	return value, true
}

// The syllables of Hangul, which are composed by their numbers.
const (
	hangul    = 0xac00
	lead      = 0x1100
	vowel     = 0x1161
	tail      = 0x11a7
	vowels    = 21
	tails     = 28
	leads     = 19
	syllables = leads * vowels * tails
)

func compose(s string) string {
	marks := make([]mark, 0, len(s))
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			flush(&b, marks)
			marks = marks[:0]
			b.WriteByte(s[i])
		} else {
			marks = decompose(marks, r)
		}
		i += n
	}
	flush(&b, marks)
	return b.String()
}

// mark is a character with its combining class; 0 is that of a letter.
type mark struct {
	r     rune
	class uint8
}

// decompose appends a character taken apart as far as it goes.
func decompose(to []mark, r rune) []mark {
	if r < 0xc0 {
		return append(to, mark{r: r})
	}
	if i := r - hangul; i >= 0 && i < syllables {
		to = append(to, mark{r: lead + i/(vowels*tails)}, mark{r: vowel + i%(vowels*tails)/tails})
		if i%tails > 0 {
			to = append(to, mark{r: tail + i%tails})
		}
		return to
	}
	if kept, ok := entry(singles, string(r)); ok {
		for _, k := range kept {
			to = decompose(to, k)
		}
		return to
	}
	if at := strings.Index(pairs, string(r)+" "); at >= 0 {
		a, n := utf8.DecodeRuneInString(pairs[strings.LastIndexByte(pairs[:at], ' ')+1:])
		b, _ := utf8.DecodeRuneInString(pairs[strings.LastIndexByte(pairs[:at], ' ')+1+n:])
		return decompose(decompose(to, a), b)
	}
	return append(to, mark{r, classOf(r)})
}

// classOf returns the combining class of a character.
func classOf(r rune) uint8 {
	if !unicode.Is(unicode.M, r) {
		return 0
	}
	for run := range strings.FieldsSeq(classes) {
		x := []rune(run)
		if r >= x[0] && r <= x[1] {
			return uint8(x[2] - 0x100)
		}
	}
	return 0
}

// flush orders marks and writes them, composed.
func flush(b *strings.Builder, marks []mark) {
	for i := 0; i < len(marks); {
		n := i + 1
		for marks[i].class > 0 && n < len(marks) && marks[n].class > 0 {
			n++
		}
		slices.SortStableFunc(marks[i:n], func(x, y mark) int { return int(x.class) - int(y.class) })
		i = n
	}
	out := marks[:0]
	letter := -1 // in out: what marks join
	for _, m := range marks {
		if letter >= 0 {
			last := out[len(out)-1]
			// Between the letter and its mark stands nothing of the mark's class or above.
			if near := len(out)-1 == letter; near || last.class > 0 && last.class < m.class {
				if c := joined(out[letter].r, m.r); c != 0 {
					out[letter].r = c
					continue
				}
			}
		}
		if m.class == 0 {
			letter = len(out)
		}
		out = append(out, m)
	}
	for _, m := range out {
		b.WriteRune(m.r)
	}
}

// joined returns the character that two compose to, or 0.
func joined(a, b rune) rune {
	switch {
	case a >= lead && a < lead+leads && b >= vowel && b < vowel+vowels:
		return hangul + ((a-lead)*vowels+b-vowel)*tails
	case a >= hangul && a < hangul+syllables && (a-hangul)%tails == 0 && b > tail && b < tail+tails:
		return a + b - tail
	}
	c, ok := entry(pairs, string(a)+string(b))
	if !ok {
		return 0
	}
	r, _ := utf8.DecodeRuneInString(c)
	return r
}
