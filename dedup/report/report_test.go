package report

import (
	"context"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/people"
	"github.com/vefacrm/vefa/internal/page"
)

const hostile = `<script>alert(1)</script>"'&` + "\x00\u202e"

// linked is a small result with everything in it.
func linked(t testing.TB) (*people.Linker, *dedup.Result, []people.Record) {
	t.Helper()
	var records []people.Record
	for i := range 120 {
		who := i / 3
		records = append(records, people.Record{ID: fmt.Sprint("r", i), Given: []string{"Ayşe", "Mehmet", "Fatma", "Ali", "Zeynep"}[who%5], Family: fmt.Sprint("Yıl", who*who, "maz"),
			Phones: []string{fmt.Sprintf("0532%07d", 1000*who+1)}, City: []string{"İzmir", "Bursa"}[who%2]})
	}
	l, err := people.New(people.Options{Review: 5})
	require.NoError(t, err)
	r, err := l.Link(context.Background(), slices.Values(records), nil)
	require.NoError(t, err)
	return l, r, records
}

func everything(t testing.TB, text string) Page {
	t.Helper()
	l, r, records := linked(t)
	name := func(id string) string { return id + text }
	e, err := l.Explain(r.Model, records[0], records[1])
	require.NoError(t, err)
	e.Reasons[0].A, e.Reasons[0].B = text, text+"x"
	e.Veto = text
	r.Stats.HotKeys = []dedup.HotKey{{Rule: text, Values: []string{text}, Records: 2000}}
	review := append(r.Review, dedup.Question{A: "a", B: "b", Weight: 0.5, Probability: 0.6, Fields: []string{text}, Pairs: 3})
	big := dedup.Cluster{}
	for i := range 60 {
		big.Members = append(big.Members, fmt.Sprintf("m%02d", i))
	}
	big.Edges = []dedup.Edge{{A: "m00", B: "m01", Weight: 3, Fields: []string{text}}, {A: "m01", B: "m59", Weight: 5}, {A: "m02", B: "m03", Decided: true}}
	return Page{Title: text, Lead: text, Footer: text, Sections: []Section{{Title: text, Lead: text, Pictures: []Picture{
		Facts(text, Fact{Name: text, Value: text, Note: text}),
		Waterfall(text, e), Questions(text, review, name), Questions(text, nil, nil),
		Levels(text, r.Model), Weights(text, []dedup.WeightCount{{Weight: -3, Pairs: 7}, {Weight: 0, Pairs: 2}, {Weight: 40, Pairs: 1}}), Weights(text, nil),
		SelfWeights(text, []float64{-1, 2, 3, 300, math.Inf(-1), math.NaN()}), PrecisionRecall(text, []dedup.WeightCount{{Weight: 0, Pairs: 5, Right: 3}, {Weight: 20, Pairs: 4, Right: 4}}, 8), PrecisionRecall(text, nil, 0),
		Learning(text, LearningPoint{Answers: 0, F1: 0.9}, LearningPoint{Answers: 25, F1: 0.93, Estimated: true}), Learning(text), Learning(text, LearningPoint{F1: math.NaN()}), Learning(text, LearningPoint{F1: 1}),
		Cluster(text, r.Clusters[0], name), Cluster(text, big, nil), Cluster(text, dedup.Cluster{Members: []string{"alone"}}, name),
		Sizes(text, r.Clusters), Blocks(text, r.Stats),
	}}}}
}

func written(t testing.TB, p Page) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, p.Write(&b))
	return b.String()
}

// TestHostile puts markup wherever text from outside can stand.
func TestHostile(t *testing.T) {
	html := strings.Replace(written(t, everything(t, hostile)), `<link rel="icon" href="data:,">`, "", 1)
	require.NotContains(t, html, "<script")
	require.NotContains(t, html, "alert(1)</")
	require.Contains(t, html, "&lt;script&gt;alert(1)")
	require.NotContains(t, html, "report: ", "a template failed")
	for _, external := range []string{"http://", "https://", "url(", "@import", "<link", "<img", "<iframe", "NaN", "Inf"} {
		require.NotContains(t, html, external)
	}
}

func TestSameBytes(t *testing.T) {
	require.Equal(t, written(t, everything(t, "x")), written(t, everything(t, "x")))
}

// TestWaterfall holds that what is drawn is what was explained.
func TestWaterfall(t *testing.T) {
	l, r, records := linked(t)
	e, err := l.Explain(r.Model, records[0], records[1])
	require.NoError(t, err)
	html := string(Waterfall("a pair", e).HTML(""))
	for _, want := range []string{"two records at random", "first name", "phone number", "these two", fmt.Sprintf("%.1f", e.Weight), "Neither record says anything about: ", "bits of evidence", ">+20<", "ch-dash"} {
		require.Contains(t, html, want)
	}
	require.Contains(t, html, "dd-total")

	// What each step weighs adds up to what stands beside it, and at the end to the whole.
	v := waterfall(words{page.English}, "a pair", e)
	at := 0.0
	for _, s := range v.Steps[:len(v.Steps)-1] {
		require.InDelta(t, at, s.from, 1e-9, s.Name)
		at = s.to
		require.Equal(t, words{page.English}.bits(at), s.Sum, s.Name)
	}
	require.InDelta(t, e.Weight, at, 1e-9)
	require.Equal(t, len(v.Steps), strings.Count(string(v.Drawing), "<rect"), "a bar each")
}

// Case GR7: every edge of a group is drawn and stands in its table, with its weight.
func TestEveryEdge(t *testing.T) {
	c := dedup.Cluster{Members: []string{"a", "b", "c", "d", "e"}}
	for i, a := range c.Members {
		for j := i + 1; j < len(c.Members); j++ {
			c.Edges = append(c.Edges, dedup.Edge{A: a, B: c.Members[j], Weight: float64(3*i + j), Fields: []string{"given alike"}})
		}
	}
	html := string(Cluster("five", c, nil).HTML("tr"))
	require.Equal(t, 10, strings.Count(html, "<line "))
	require.Equal(t, 10, strings.Count(html, "<td>ad (neredeyse aynı)</td>"))
	require.Equal(t, 4, strings.Count(html, "&#43;1,0"), "its tip, its mark, its row and the note on the weakest")
	for i := range 40 {
		c.Edges = append(c.Edges, dedup.Edge{A: "a", B: "b", Weight: float64(i)})
	}
	require.NotContains(t, string(Cluster("many", c, nil).HTML("tr")), `text-anchor="middle">&#43;`, "weights would lie over one another")
}

func TestErrorIsTheWriters(t *testing.T) {
	require.ErrorIs(t, Page{Title: "x"}.Write(broken{}), io.ErrClosedPipe)
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// Case GR3: what no record of the file has is not shown as learnt.
func TestAssumedIsLeftOut(t *testing.T) {
	learnt := dedup.ComparisonModel{Name: "name", Levels: []dedup.LevelModel{{Name: "equal", M: 0.9, U: 0.01}, {Name: "else", M: 0.1, U: 0.99}}}
	assumed := dedup.ComparisonModel{Name: "phone", Assumed: true, Levels: []dedup.LevelModel{{Name: "same", M: 0.8, U: 0.001}, {Name: "else", M: 0.2, U: 0.999}}}
	html := string(Levels("Learnt", &dedup.Model{Match: 0.001, Records: 567, Comparisons: []dedup.ComparisonModel{learnt, assumed}}).HTML(""))
	require.Contains(t, html, "nothing was learnt: phone number.")
	require.NotContains(t, html, "0.10%")
	require.Contains(t, html, "90.0%")
	linker, err := people.New(people.Options{})
	require.NoError(t, err)
	result, err := linker.Link(t.Context(), func(yield func(people.Record) bool) {
		for i := range 40 {
			if !yield(people.Record{ID: strconv.Itoa(i), Given: "Ayşe", Family: "Yılmaz" + strconv.Itoa(i/2)}) {
				return
			}
		}
	}, nil)
	require.NoError(t, err)
	is := map[string]bool{}
	for _, c := range result.Model.Comparisons {
		is[c.Name] = c.Assumed
	}
	for name, want := range map[string]bool{"given": false, "family": false, "birth": true, "phone": true, "email": true, "street": true} {
		require.Equal(t, want, is[name], name)
	}
}

// Cases GR2 and GR4 for the pictures.
func TestPicturesOnPaperAndInForcedColours(t *testing.T) {
	style := string(kit.Style())
	for _, rule := range []string{"@media print", "overflow:visible", "@media(forced-colors:active)", "position:sticky"} {
		require.Contains(t, style, rule)
	}
	sizes := regexp.MustCompile(`text\{font:([0-9.]+px)`).FindAllStringSubmatch(style, -1)
	require.NotEmpty(t, sizes)
	for _, s := range sizes {
		require.Equal(t, "12px", s[1])
	}
}
