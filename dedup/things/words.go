package things

import (
	"cmp"
	"context"
	"iter"
	"math"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/metric"
)

// tuning holds the constants of doc.go, so that a test can move them.
type tuning struct {
	mostKeys  int     // words by which a record is looked for
	leastKeys int     // and that it is looked for by in any case
	common    float64 // texts that have such a word, by the root of their number
	rare      float64 // texts that have a word which teaches, by the logarithm of their number
	step      float64 // between two levels of a comparison by words
	equal     float64 // times what is assumed of equality among matches
	chance    float64 // times what is assumed of chance
	spelling  metric.Spelling
}

func usual() tuning {
	return tuning{mostKeys: 8, leastKeys: 2, common: 2, rare: 1, step: 0.1, equal: 1, chance: 1}
}

// mostWords is the number of words of a field that a model keeps, three times the values of
// a field that dedup does: what is rarer in so large a corpus weighs the most anyway.
const mostWords = 60_000

// countWords reads the records once and counts the words of each field.
func (l *Linker) countWords(ctx context.Context, records iter.Seq[Record]) (*words, int, error) {
	tell := l.opt.Progress
	if tell == nil {
		tell = func(dedup.Progress) {}
	}
	tell(dedup.Progress{Phase: "words"})
	c, n := newWords(), 0
	all := c.all()
	for r := range records {
		if n++; n%2048 == 0 {
			if err := ctx.Err(); err != nil {
				return nil, 0, err
			}
			tell(dedup.Progress{Phase: "words", Done: int64(n)})
		}
		x := l.opt.Kind.read(&r)
		for i, text := range []string{x.name, x.maker, x.text, x.category, x.authors, x.street, x.city} {
			(*all[i]).Add(text)
		}
	}
	for _, p := range all {
		(*p).Freeze(mostWords)
	}
	tell(dedup.Progress{Phase: "words", Done: int64(n), Total: int64(n)})
	return c, n, ctx.Err()
}

// weighed is a word of a text: in how many others it stands, and where.
type weighed struct {
	text string
	n    int
	at   int
}

// byRarity returns the distinct words of a text, the rarest first.
func byRarity(c *metric.Corpus, text string) []weighed {
	var out []weighed
	seen := map[string]bool{}
	for w := range strings.FieldsSeq(text) {
		if !seen[w] {
			seen[w] = true
			out = append(out, weighed{w, c.Count(w), len(out)})
		}
	}
	slices.SortFunc(out, func(a, b weighed) int { return cmp.Or(cmp.Compare(a.n, b.n), cmp.Compare(a.text, b.text)) })
	return out
}

// keys returns the words of a text by which it is looked for, and those of them that are
// rare enough to teach, as sets. Letters that stand alone are no keys.
func (t *tuning) keys(c *metric.Corpus, text string) (all, rare string) {
	if text == "" {
		return "", ""
	}
	found := slices.DeleteFunc(byRarity(c, text), func(w weighed) bool { return len(w.text) < 2 })
	texts := float64(c.Texts())
	n := 0
	for n < len(found) && n < t.mostKeys && (n < t.leastKeys || float64(found[n].n) <= t.common*math.Sqrt(texts)) {
		n++
	}
	found = found[:n]
	slices.SortFunc(found, func(a, b weighed) int { return cmp.Compare(a.text, b.text) })
	var few []string
	most := make([]string, len(found))
	for i, w := range found {
		most[i] = w.text
		if float64(w.n) <= max(t.rare*math.Log2(texts), 2) {
			few = append(few, w.text)
		}
	}
	return strings.Join(most, dedup.Sep), strings.Join(few, dedup.Sep)
}

// fit returns a text of as many bytes as dedup reads: of a longer one its rarest words, in
// their order, which say more than its beginning.
func fit(c *metric.Corpus, text string) string {
	if len(text) <= dedup.MaxValue {
		return text
	}
	used := 0
	kept := slices.DeleteFunc(byRarity(c, text), func(w weighed) bool {
		if used+len(w.text)+1 > dedup.MaxValue {
			return true
		}
		used += len(w.text) + 1
		return false
	})
	slices.SortFunc(kept, func(a, b weighed) int { return cmp.Compare(a.at, b.at) })
	out := make([]string, len(kept))
	for i, w := range kept {
		out[i] = w.text
	}
	return strings.Join(out, " ")
}
