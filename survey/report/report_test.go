package report

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/rollup"
	"github.com/vefacrm/vefa/survey/topic"
)

var update = flag.Bool("update", false, "write the golden files anew")

// cities name stores; some are long, one is written from the right.
var cities = []string{"İstanbul Kadıköy", "Iğdır", "Şişli Cevahir Alışveriş Merkezi zemin kat saat mağazası", "Muş", "Çanakkale", "خان الخليلي", "Gümüşhane", "Ağrı & Co <b>"}

// stores are the answers of so many stores: most alike, one worse, one better, some small.
func stores(n int) (groups *survey.Groups[string], name func(string) string) {
	r := rand.New(rand.NewPCG(7, 7))
	g := &survey.Groups[string]{}
	for i := range n {
		good, bad, answers := .5, .2, 20+r.IntN(180)
		switch {
		case i == 3:
			good, bad, answers = .2, .5, 160
		case i == 5:
			good, bad, answers = .85, .03, 150
		case i%40 == 9:
			answers = 1 + r.IntN(4)
		}
		for range answers {
			v := 7 + r.IntN(2)
			if x := r.Float64(); x < good {
				v = 9 + r.IntN(2)
			} else if x > 1-bad {
				v = r.IntN(7)
			}
			_ = g.Add(fmt.Sprintf("s%03d", i), survey.Score{Metric: survey.NPS, Answered: true, Value: v})
		}
	}
	return g, func(key string) string {
		var i int
		_, _ = fmt.Sscanf(key, "s%d", &i)
		return fmt.Sprintf("%s %d", cities[i%len(cities)], i)
	}
}

func months(n int) []Period {
	r := rand.New(rand.NewPCG(1, 2))
	var out []Period
	for i := range n {
		p := Period{Name: fmt.Sprintf("%02d.2025", i+1), Tally: survey.Tally{Metric: survey.NPS}}
		for range 150 + r.IntN(100) {
			v := 10
			if r.Float64() > .35+.03*float64(i) {
				v = r.IntN(9)
			}
			p.Tally.Counts[v]++
		}
		if i == 4 {
			p.Tally.Counts = [11]int64{9: 2}
		}
		out = append(out, p)
	}
	return out
}

func regions(t testing.TB) *rollup.Tree {
	may := time.Date(2025, 5, 1, 0, 0, 0, 0, time.UTC)
	tree, err := rollup.New(rollup.Definition{Name: "visit", Version: "1", Metric: survey.NPS, Levels: []string{"region", "store"}, From: may, Until: may.AddDate(0, 1, 0)})
	require.NoError(t, err)
	for i, path := range [][]string{{"Marmara", "Kadıköy"}, {"Marmara", "Şişli <b>"}, {"Marmara"}, {"Ege", "İzmir"}, {"Ege", "Muğla"}, {"Ege", "Aydın"}} {
		for j := range []int{40, 30, 12, 50, 3, 9}[i] {
			require.NoError(t, tree.Add(may, survey.Score{Metric: survey.NPS, Answered: true, Value: (i*7 + j*5) % 11}, path...))
		}
	}
	return tree
}

func comments(t testing.TB) []topic.Count {
	find, err := topic.New(topic.Retail(), topic.Options{})
	require.NoError(t, err)
	var counts topic.Counts
	for i := range 60 {
		counts.Add(find.Read([]string{"Kasada çok bekledim", "Personel çok ilgiliydi, teşekkürler", "Kargo geç geldi", "Fiyatlar yüksek ama personel iyi", "Saatin pili bitti"}[i%5]))
	}
	counts.Add(find.Read("İade etmek istedim, kabul etmediler"))
	return counts.Results(0)
}

// whole is a page with every picture.
func whole(t testing.TB, locale string, n int) Page {
	g, name := stores(n)
	league := survey.League(g, 0)
	trend, err := Trend("Trend", months(12))
	require.NoError(t, err)
	return Page{Title: "What customers said", Locale: locale, Sections: []Section{
		{Title: "Stores", Pictures: []Picture{Funnel("Funnel", g.Total(), league, name), League("League", g.Total(), league, name)}},
		{Title: "More", Pictures: []Picture{Tree("Regions", regions(t).Figures(rollup.Audience{}), nil), trend, Distribution("Answers", g.Total()), Choices("What did you see?", 40, []Choice{{"Kasa & <vitrin>", 31}, {"Raf", 9}, {"Hiçbiri", 0}}), Topics("Comments", comments(t), nil)}},
	}}
}

func write(t testing.TB, p Page) string {
	var b bytes.Buffer
	require.NoError(t, p.Write(&b))
	return b.String()
}

// TestGolden: the same answers give the same bytes, in both languages.
func TestGolden(t *testing.T) {
	for _, locale := range []string{"en", "tr"} {
		got := write(t, whole(t, locale, 12))
		file := filepath.Join("testdata", locale+".html")
		if *update {
			require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		require.True(t, string(want) == got, "%s changed: go test ./survey/report -update, and look at it", file)
		require.True(t, strings.Contains(got, "Ağrı &amp; Co &lt;b&gt;"))
		for _, bad := range []string{"Ağrı & Co <b>", "NaN", "Inf", "<script", "ZgotmplZ", "score."} {
			require.False(t, strings.Contains(got, bad), bad)
		}
	}
}

// TestSize: a page of 165 stores is below 100 KB, and one of 1,000 is cut.
func TestSize(t *testing.T) {
	got := write(t, whole(t, "tr", 165))
	t.Log(len(got))
	require.LessOrEqual(t, len(got), 100<<10)
	if dir := os.Getenv("VEFA_PAGES"); dir != "" {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "tr165.html"), []byte(got), 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "en12.html"), []byte(write(t, whole(t, "en", 12))), 0o600))
	}
	g, name := stores(1000)
	long := write(t, Page{Sections: []Section{{Pictures: []Picture{League("L", g.Total(), survey.League(g, 0), name)}}}})
	require.Equal(t, mostRows, strings.Count(long, `class="a"`))
	require.True(t, strings.Contains(long, "in the middle are left out"))
}

// TestFew: no answers, one group, groups that are all alike.
func TestFew(t *testing.T) {
	none := &survey.Groups[string]{}
	trend, err := Trend("T", nil)
	require.NoError(t, err)
	page := write(t, Page{Sections: []Section{{Pictures: []Picture{
		League("L", none.Total(), survey.League(none, 0), nil), Funnel("F", none.Total(), survey.League(none, 0), nil), trend,
		Distribution("D", survey.Tally{Metric: survey.NPS, Counts: [11]int64{9: 4}}), Topics("C", nil, nil), Tree("R", nil, nil), Choices("W", 4, []Choice{{"a", 4}}),
	}}}})
	require.Equal(t, 7, strings.Count(page, "Fewer than 5 answers"))
	require.False(t, strings.Contains(page, "<svg"))
	for _, m := range []survey.Metric{survey.NPS, survey.CSAT, survey.CES} {
		one := &survey.Groups[string]{}
		for range 30 {
			require.NoError(t, one.Add("only", survey.Score{Metric: m, Answered: true, Value: 5}))
		}
		p, err := Trend("T", []Period{{"1", one.Total()}, {"2", survey.Tally{}}, {"3", one.Total()}, {"4", one.Total()}})
		require.NoError(t, err)
		page := write(t, Page{Sections: []Section{{Pictures: []Picture{
			League("L", one.Total(), survey.League(one, 0), nil), Funnel("F", one.Total(), survey.League(one, 0), nil), Distribution("D", one.Total()), p,
		}}}})
		require.False(t, strings.Contains(page, "NaN"))
		require.True(t, strings.Contains(page, "only"))
	}
	_, err = Trend("T", []Period{{"1", survey.Tally{Metric: survey.NPS, Counts: [11]int64{5: 9}}}, {"2", survey.Tally{Metric: survey.CES, Counts: [11]int64{5: 9}}}})
	require.ErrorIs(t, err, survey.ErrMixedMetrics)
}

// TestTrendHides: one month of a few answers is hidden with the next smallest, by which and a total it
// could be had.
func TestTrendHides(t *testing.T) {
	month := func(name string, n int64) Period {
		return Period{name, survey.Tally{Metric: survey.NPS, Counts: [11]int64{9: n}}}
	}
	shown := func(periods ...Period) string {
		p, err := Trend("T", periods)
		require.NoError(t, err)
		var out []string
		for _, m := range regexp.MustCompile(`<bdi>([^<]*)</bdi></th><td>([^<]*)<`).FindAllStringSubmatch(string(p.HTML("en")), -1) {
			out = append(out, m[1]+" "+m[2])
		}
		return strings.Join(out, ", ")
	}
	require.Equal(t, "a 100, b –, c –, d 100", shown(month("a", 40), month("b", 2), month("c", 30), month("d", 50)))
	require.Equal(t, "a –, b –, c 100", shown(month("a", 2), month("b", 3), month("c", 30)))
	require.Equal(t, "a 100, b –, c 100", shown(month("a", 9), month("b", 0), month("c", 30)))
}

// TestFunnelMarks: a store is marked as outside by the limits that package survey gives, and
// no name covers another.
func TestFunnelMarks(t *testing.T) {
	total := survey.Tally{Metric: survey.NPS, Counts: [11]int64{0: 200, 7: 300, 10: 500}}
	at := func(value float64, n int64) survey.Result {
		return survey.Result{Metric: survey.NPS, N: n, Value: value}
	}
	half95 := (total.Limits(100, .95).High - total.Limits(100, .95).Low) / 2
	half998 := (total.Limits(100, .998).High - total.Limits(100, .998).Low) / 2
	require.InDelta(t, 1.96*78.1/10, half95, .1)
	require.InDelta(t, 3.09*78.1/10, half998, .1)
	for d, want := range map[float64]int{0: 0, half95 - 1: 0, half95 + 1: 1, half998 - 1: 1, half998 + 1: 2} {
		require.Equal(t, want, outside(total, at(30+d, 100)))
		require.Equal(t, -want, outside(total, at(30-d, 100)))
	}
	require.Equal(t, 0, outside(total, at(30+half998+1, 5)), "few answers may be anywhere")
	require.Equal(t, survey.Interval{Low: -100, High: 100}, total.Limits(0, .95))
	require.Equal(t, survey.Interval{Low: -100, High: 100}, total.Limits(9, math.NaN()))
}

// BenchmarkPage writes a page of 165 stores with all pictures.
func BenchmarkPage(b *testing.B) {
	page := whole(b, "tr", 165)
	for b.Loop() {
		if len(write(b, page)) == 0 {
			b.Fatal("nothing")
		}
	}
}

// TestTrendTellsNothingOfHidden: whatever the answers of hidden periods were, the picture is the same, so that nobody who
// knows the others works them out from its line.
func TestTrendTellsNothingOfHidden(t *testing.T) {
	draw := func(few, next int) string {
		periods := []Period{{"a", survey.Tally{Metric: survey.NPS, Counts: [11]int64{9: 20, 3: 20}}}, {Name: "b"}, {"c", survey.Tally{Metric: survey.NPS, Counts: [11]int64{9: 40, 3: 2}}},
			{Name: "d"}, {"e", survey.Tally{Metric: survey.NPS, Counts: [11]int64{10: 40}}}}
		periods[1].Tally, periods[3].Tally = survey.Tally{Metric: survey.NPS}, survey.Tally{Metric: survey.NPS}
		periods[1].Tally.Counts[few], periods[3].Tally.Counts[next] = 3, 30
		p, err := Trend("T", periods)
		require.NoError(t, err)
		return string(p.HTML("en"))
	}
	first := draw(0, 0)
	require.Contains(t, first, "ch-dash")
	for _, few := range []int{0, 8, 10} {
		for _, next := range []int{0, 8, 10} {
			require.Equal(t, first, draw(few, next), "%d %d", few, next)
		}
	}
}
