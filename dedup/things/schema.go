package things

import (
	"fmt"
	"hash/fnv"
	"math"
	"strings"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/metric"
)

// grades are the levels of a comparison by words: equal steps of one measure, so that the
// data say what each of them is worth. Assumed are a third of the matches on equality, half
// of what is left above four fifths, and chance that falls by two thirds from step to step.
func (t *tuning) grades(m metric.Metric) []dedup.Level {
	out := []dedup.Level{{Name: "equal", M: min(0.35*t.equal, 0.9), U: 1e-4 * t.chance}}
	left, chance := 1-out[0].M, 0.06*t.chance
	n := int(math.Round(1/t.step)) - 1
	for i := n; i > 0; i-- {
		least := t.step * float64(i)
		share := left * t.step * 3
		left -= share
		out = append(out, dedup.Level{Name: fmt.Sprintf("%.0f %%", 100*least), Metric: m, Min: least, M: share,
			U: max(chance*math.Pow(1.0/3, 10*least-1), 1e-4*t.chance)})
	}
	return out
}

// schema compares things whose words weigh as the corpora say.
func schema(k Kind, c *words, t *tuning) dedup.Schema {
	h := fnv.New64a()
	for _, p := range c.all() {
		fmt.Fprintf(h, "%x ", (*p).Sum())
	}
	fmt.Fprintf(h, "%+v", *t)
	soft := func(c *metric.Corpus) metric.Metric { return metric.SoftWords{Corpus: c, Spelling: t.spelling} }
	names := []string{"name", "start", "name words", "rare name words", "code", "measure", "form", "maker", "price", "text", "text words", "rare text words",
		"category", "year", "authors", "author words", "rare author words", "street", "street words", "rare street words", "city", "postcode", "phone"}
	s := dedup.Schema{Name: fmt.Sprintf("things/1%s+%016x", k, h.Sum64())}
	for _, name := range names {
		f := dedup.Field{Name: name, Set: strings.HasSuffix(name, " words")}
		switch name {
		case "code":
			f.Set = true
		case "phone":
			f.Set, f.Identifier, f.Holder = true, true, "start"
		}
		s.Fields = append(s.Fields, f)
	}
	s.Comparisons = []dedup.Comparison{
		{Name: "name", Field: "name", Graded: true, Levels: t.grades(soft(c.Name))},
		{Name: "code", Field: "code", Frequency: true, Levels: []dedup.Level{{Name: "equal", M: 0.6, U: 1e-4},
			{Name: "part", Metric: codes{}, Min: 0.9, M: 0.2, U: 1e-4}, {Name: "alike", Metric: codes{}, Min: 0.7, M: 0.05, U: 1e-3}}},
		{Name: "measure", Field: "measure", Levels: []dedup.Level{{Name: "equal", M: 0.6, U: 0.05},
			{Name: "agree", Metric: measures{}, Min: 1, M: 0.2, U: 0.05}, {Name: "other", Metric: measures{}, Min: 0.5, M: 0.1, U: 0.4}}},
		{Name: "form", Field: "form", Levels: []dedup.Level{{Name: "equal", M: 0.9, U: 0.5}}},
		{Name: "maker", Field: "maker", Frequency: true, Levels: []dedup.Level{{Name: "equal", M: 0.8, U: 0.02},
			{Name: "most", Metric: soft(c.Maker), Min: 0.6, M: 0.08, U: 0.005}, {Name: "some", Metric: soft(c.Maker), Min: 0.2, M: 0.05, U: 0.02}}},
		{Name: "price", Field: "price", Frequency: true, Levels: []dedup.Level{{Name: "equal", M: 0.4, U: 0.005},
			{Name: "5 %", Metric: ratio{}, Min: 0.95, M: 0.15, U: 0.03}, {Name: "20 %", Metric: ratio{}, Min: 0.8, M: 0.2, U: 0.1},
			{Name: "half", Metric: ratio{}, Min: 0.5, M: 0.15, U: 0.25}}},
		{Name: "text", Field: "text", Frequency: true, Graded: true, Levels: t.grades(metric.Words{Corpus: c.Text})},
		{Name: "category", Field: "category", Frequency: true, Levels: []dedup.Level{{Name: "equal", M: 0.5, U: 0.05},
			{Name: "most", Metric: soft(c.Category), Min: 0.6, M: 0.1, U: 0.01}, {Name: "some", Metric: soft(c.Category), Min: 0.2, M: 0.1, U: 0.05}}},
		{Name: "year", Field: "year", Frequency: true, Levels: []dedup.Level{{Name: "equal", M: 0.9, U: 0.1}, {Name: "next", Metric: years{}, Min: 1, M: 0.05, U: 0.15}}},
		{Name: "authors", Field: "authors", Frequency: true, Graded: true, Levels: t.grades(soft(c.Authors))},
		{Name: "street", Field: "street", Frequency: true, Levels: t.grades(streets{soft(c.Street)})},
		{Name: "city", Field: "city", Frequency: true, Levels: []dedup.Level{{Name: "equal", M: 0.75, U: 0.03},
			{Name: "most", Metric: soft(c.City), Min: 0.6, M: 0.1, U: 0.005}, {Name: "some", Metric: soft(c.City), Min: 0.2, M: 0.03, U: 0.02}}},
		{Name: "postcode", Field: "postcode", Frequency: true, Levels: []dedup.Level{{Name: "equal", M: 0.8, U: 0.005}, {Name: "typo", Metric: metric.Edits{Max: 1}, Min: 1, M: 0.08, U: 0.01}}},
		{Name: "phone", Field: "phone", Frequency: true, Levels: []dedup.Level{{Name: "equal", M: 0.8, U: 1e-4}, {Name: "typo", Metric: metric.Edits{Max: 1}, Min: 1, M: 0.04, U: 1e-4}}},
	}
	s.Relations = []dedup.Relation{
		{Name: "family", Shared: []string{"name", "maker", "category", "text", "price", "form", "authors"}},
		{Name: "neighbours", Shared: []string{"street", "city", "postcode", "phone", "category"}},
	}
	s.Blocks = []dedup.Block{
		rule("code", false, []string{"code"}, "code"),
		rule("phone", false, []string{"phone"}, "phone"),
		rule("rare name words", false, []string{"name"}, "rare name words"),
		rule("rare author words", false, []string{"authors"}, "rare author words"),
		rule("rare street words", false, []string{"street", "city", "postcode"}, "rare street words"),
		rule("rare text words", false, []string{"text"}, "rare text words"),
		rule("name words", true, nil, "name words"),
		rule("author words", true, nil, "author words"),
		rule("street words", true, nil, "street words"),
		rule("text words", true, nil, "text words"),
		{Name: "start", Parts: []dedup.Part{{Field: "start", Prefix: 6}}, Wide: true},
	}
	return s
}

func rule(name string, wide bool, learn []string, fields ...string) dedup.Block {
	b := dedup.Block{Name: name, Wide: wide, Learn: learn}
	for _, f := range fields {
		b.Parts = append(b.Parts, dedup.Part{Field: f})
	}
	return b
}

// codes is a metric of model codes: 0.9 where one begins with the other, as a colour or a
// country behind it makes it another article, 0.7 where one letter differs.
type codes struct{}

// Compare grades two codes.
func (codes) Compare(a, b string) float64 {
	if len(a) > len(b) {
		a, b = b, a
	}
	switch {
	case a == b:
		return 1
	case len(a) >= 4 && strings.HasPrefix(b, a) || len(a) >= 5 && strings.HasSuffix(b, a):
		return 0.9
	case len(a) >= 5 && metric.OSA(a, b) <= 1:
		return 0.7
	}
	return 0
}

// streets is a metric of addresses: that of their words, halved where the house numbers
// differ, as neighbours share all the words.
type streets struct{ words metric.Metric }

// Compare grades two addresses.
func (m streets) Compare(a, b string) float64 {
	s := m.words.Compare(a, b)
	if x, y := house(a), house(b); x != "" && y != "" && x != y {
		return s / 2
	}
	return s
}

// house returns the house number of a folded address: its first number.
func house(s string) string {
	for w := range strings.FieldsSeq(s) {
		if w[0] >= '0' && w[0] <= '9' && (isDigits(w) || isDigits(w[:len(w)-1])) {
			return w
		}
	}
	return ""
}

// years is a metric: 1 for years that follow each other, as a proceedings' and its
// conference's do.
type years struct{}

// Compare grades two years.
func (years) Compare(a, b string) float64 {
	if len(a) != 4 || len(b) != 4 {
		return 0
	}
	d := 0
	for i := range 4 {
		d = 10*d + int(a[i]) - int(b[i])
	}
	if d >= -1 && d <= 1 {
		return 1
	}
	return 0
}
