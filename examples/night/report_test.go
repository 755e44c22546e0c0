package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/examples/night/retailer"
	"github.com/vefacrm/vefa/segment/report"
	"github.com/vefacrm/vefa/survey"
)

// reportOf runs a small simulation and returns its page.
func reportOf(t *testing.T, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.html")
	err := run(context.Background(), append([]string{"-customers", "500", "-evenings", "13", "-seed", "2", "-report", path}, args...), io.Discard, io.Discard)
	require.NoError(t, err)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(data)
}

// english is the speaker that -lang has by default.
func english(t *testing.T) speaker {
	l, err := speak("en")
	require.NoError(t, err)
	return l
}

func TestReport(t *testing.T) {
	html := reportOf(t, "-db", "memory")
	checkPage(t, html)
	require.Less(t, len(html), 300_000)
	for _, want := range []string{
		`<html lang="en">`, `name="viewport"`, "prefers-color-scheme:dark", "The evenings", "How this was computed", "Campaign new-collection", "Held out", "descriptive only",
		"Difference to the held out", "From the plan to the provider", "Against the truth", "messages sent twice", "Clicks by verdict",
		"Whom segments select", "Audience of new-collection", "Most alike", "tag watch-buyer", "how recently they bought", "Where customers went",
		"<span>Sales</span>", "Campaigns brought in", "Customers won back", "Shops that need you", "They brought an estimated", "more than without them (95% interval", "it may as well be nothing", "The messages cost ", // Case B12
		"One customer", "Refused by", "checks passed", "alike in: ", "Seconds",
	} {
		require.Contains(t, html, want)
	}
	require.Equal(t, strings.Count(html, `role="img"`), strings.Count(html, "<desc"), "each chart is described")

	// Another run on another store differs in the store's name and in times.
	again := reportOf(t)
	require.Equal(t, lasting(html), strings.Replace(lasting(again), "kept in SQLite", "kept in memory", 1))
}

// lasting returns a page without the section on the run.
func lasting(html string) string {
	before, rest, _ := strings.Cut(html, `<section id="run"`)
	_, after, _ := strings.Cut(rest, "</section>")
	return before + after
}

func TestReportOfNothing(t *testing.T) {
	html, err := (&page{Tag: "en", Title: "Nothing"}).render(english(t))
	require.NoError(t, err)
	checkPage(t, string(html))
}

// TestReportEscapes puts hostile text into every field of a page.
func TestReportEscapes(t *testing.T) {
	for _, hostile := range []string{`"><script>alert(1)</script>`, `'onload='x`, "</svg></title><img src=x>", "\x00\u202e<!--", "javascript:alert(1)"} {
		var p page
		fill(reflect.ValueOf(&p).Elem(), hostile)
		html, err := p.render(english(t))
		require.NoError(t, err)
		text := string(html)
		require.NotContains(t, text, "<img")
		require.NotContains(t, text, "<!--")
		for _, tag := range tags.FindAllString(text, -1) {
			require.NotRegexp(t, `\son[a-z]+=`, regexp.MustCompile(`"[^"]*"`).ReplaceAllString(tag, `""`))
		}
		checkBalance(t, text)
		require.NotContains(t, text, "<script")
	}
}

// fill sets every text to a value and gives every list two entries.
func fill(v reflect.Value, text string) {
	if v.Type() == reflect.TypeFor[report.Picture]() {
		v.Set(reflect.ValueOf(report.Text(text, text)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Int, reflect.Int64:
		v.SetInt(2)
	case reflect.Float64:
		v.SetFloat(2)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), text)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), text)
		}
	}
}

var (
	tags    = regexp.MustCompile(`<(/?)([a-zA-Z][a-zA-Z0-9]*)((?:\s[^<>]*?)?)(/?)>`)
	ids     = regexp.MustCompile(`\sid="([^"]*)"`)
	labels  = regexp.MustCompile(`\saria-labelledby="([^"]*)"`)
	anchors = regexp.MustCompile(`\shref="([^"]*)"`)
	levels  = regexp.MustCompile(`<h([1-6])`)
)

// checkPage checks what a page must be: whole, without anything from elsewhere,
// and accessible.
func checkPage(t *testing.T, html string) {
	t.Helper()
	checkBalance(t, html)
	for _, never := range []string{"<script", "http://", "https://", "url(", "@import", " src=", "style=\"", "ZgotmplZ", "<no value>", "NaN", "Inf"} {
		require.NotContains(t, html, never)
	}
	require.True(t, strings.HasPrefix(html, "<!DOCTYPE html>"))
	seen := map[string]bool{}
	for _, m := range ids.FindAllStringSubmatch(html, -1) {
		require.False(t, seen[m[1]], "id %q twice", m[1])
		require.NotContains(t, m[1], " ")
		seen[m[1]] = true
	}
	for _, m := range labels.FindAllStringSubmatch(html, -1) {
		for _, id := range strings.Fields(m[1]) {
			require.True(t, seen[id], "no element %q", id)
		}
	}
	for _, m := range anchors.FindAllStringSubmatch(html, -1) {
		require.True(t, m[1] == "data:," || seen[strings.TrimPrefix(m[1], "#")], "no anchor %q", m[1])
	}
	level := 0
	for _, m := range levels.FindAllStringSubmatch(html, -1) {
		n, err := strconv.Atoi(m[1])
		require.NoError(t, err)
		require.LessOrEqual(t, n, level+1, "a heading leaves a level out")
		level = n
	}
	for _, landmark := range []string{"<header>", "<nav ", "<main ", "<footer>"} {
		require.Equal(t, 1, strings.Count(html, landmark))
	}
	require.Equal(t, strings.Count(html, "<table>"), strings.Count(html, "<caption"))
}

// checkBalance checks that all elements are closed in order.
func checkBalance(t *testing.T, html string) {
	t.Helper()
	if before, rest, ok := strings.Cut(html, "<style>"); ok {
		_, after, _ := strings.Cut(rest, "</style>")
		html = before + after
	}
	var open []string
	for _, m := range tags.FindAllStringSubmatch(html, -1) {
		switch {
		case m[2] == "meta" || m[2] == "link" || m[4] == "/":
		case m[1] == "":
			open = append(open, m[2])
		default:
			require.NotEmpty(t, open, "%s closes nothing", m[0])
			require.Equal(t, open[len(open)-1], m[2], "%s in %v", m[0], open)
			open = open[:len(open)-1]
		}
	}
	require.Empty(t, open)
}

// TestReportContrast computes WCAG 2 contrast of all text colours on all
// grounds, by day and by night.
func TestReportContrast(t *testing.T) {
	palettes := regexp.MustCompile(`:root\{([^}]*)\}`).FindAllStringSubmatch(reportTemplate, -1)
	require.Len(t, palettes, 3)
	for _, p := range palettes {
		colours := map[string]float64{}
		for _, m := range regexp.MustCompile(`--(\w+):#([0-9a-f]+)`).FindAllStringSubmatch(p[1], -1) {
			hex := m[2]
			if len(hex) == 3 {
				hex = strings.Repeat(hex[:1], 2) + strings.Repeat(hex[1:2], 2) + strings.Repeat(hex[2:], 2)
			}
			var light float64
			for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
				n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
				require.NoError(t, err)
				c := float64(n) / 255
				if c <= 0.04045 {
					c /= 12.92
				} else {
					c = math.Pow((c+0.055)/1.055, 2.4)
				}
				light += weight * c
			}
			colours[m[1]] = light
		}
		for _, ink := range []string{"ink", "soft", "first", "second", "good", "bad"} {
			for _, ground := range []string{"paper", "card", "tint"} {
				if ground == "tint" && ink != "ink" {
					continue
				}
				a, b := colours[ink], colours[ground]
				require.GreaterOrEqual(t, (max(a, b)+0.05)/(min(a, b)+0.05), 4.5, "%s on %s in %s", ink, ground, p[1])
			}
		}
	}
}

func TestReportAxis(t *testing.T) {
	for _, c := range []struct {
		most        float64
		whole       bool
		limit, step float64
	}{
		{0, true, 1, 1}, {1, true, 1, 1}, {3, true, 3, 1}, {7, true, 8, 2}, {42, true, 60, 20}, {839, true, 1000, 250}, {1000, true, 1000, 500},
		{9999, true, 10000, 2500}, {0.3, false, 0.3, 0.1}, {1.2, false, 1.5, 0.5},
	} {
		limit, step := axis(c.most, c.whole)
		require.InDelta(t, c.limit, limit, 1e-9, "%v", c.most)
		require.InDelta(t, c.step, step, 1e-9, "%v", c.most)
	}
}

func TestReportSeries(t *testing.T) {
	l := english(t)
	var s series
	for i := range 365 {
		s.dates = append(s.dates, fmt.Sprintf("2025-%02d-%02d", 1+i/31, 1+i%28))
		s.first = append(s.first, i%7)
	}
	s.first[0] = 5000
	c := s.draw(l, "orders")
	require.LessOrEqual(t, len(c.Bars), maxBars)
	require.True(t, c.Bars[0].Cut)
	require.Contains(t, c.Notes[0], "1 Jan: 5,006")
	require.Contains(t, c.Notes[1], "Each bar is 4 evenings")
	for _, b := range c.Bars {
		require.GreaterOrEqual(t, b.Y, plotTop)
		require.LessOrEqual(t, b.X+b.Width, plotRight+0.1)
	}
	require.Empty(t, series{}.draw(l, "orders").Bars)
	require.Empty(t, series{dates: []string{"2025-01-01"}, first: []int{0}}.draw(l, "orders").Bars)
	level := series{dates: s.dates, first: slices.Repeat([]int{3}, 365), level: true}.draw(l, "orders")
	require.Equal(t, level.Bars[0].Height, level.Bars[50].Height)
}

func TestReportWords(t *testing.T) {
	l := english(t)
	require.Equal(t, "+90532 ••• •• 67", l.hidden(crm.Address{Channel: crm.Phone, Value: "+905321234567"}))
	require.Equal(t, "ş…@example.com", l.hidden(crm.Address{Channel: crm.Email, Value: "şule@example.com"}))
	require.Equal(t, "phone", l.hidden(crm.Address{Channel: crm.Phone, Value: "155"}))
	require.Equal(t, "₺6,939.90", l.money(crm.Money{Amount: 693990, Currency: "TRY"}))
	require.Equal(t, "−₺0.50", l.money(crm.Money{Amount: -50, Currency: "TRY"}))
	require.Equal(t, "JPY\u00a05", l.money(crm.Money{Amount: 5, Currency: "JPY"}))
	require.Equal(t, "a-b_2f_20_130", slug("a-b/ İ"))
	require.Equal(t, "Survey after-purchase", l.named("message", "survey/after-purchase"))
	require.Equal(t, "Not “goods returned” meanwhile", l.guard("check", "cancel_on returned"))
	require.Equal(t, "A host's guard", l.guard("check", "A host's guard"))
	require.Contains(t, l.weight(13), "8,200 times")
}

// TestStoryOfEveryDecision: every kind of link decision has a line of its own.
func TestStoryOfEveryDecision(t *testing.T) {
	for _, kind := range []crm.LinkKind{crm.LinkNew, crm.LinkMatched, crm.LinkManual, crm.LinkSplit, crm.LinkUndo, crm.LinkNotMe} {
		var m moment
		m.link(english(t), &crm.Link{Kind: kind, Profile: crm.ProfileKey{Source: "pos", ID: "7"}, Actor: "desk", Address: crm.Address{Channel: crm.Phone, Value: "+905551112233"}})
		require.NotEqual(t, string(kind), m.Head)
		require.NotContains(t, m.Head, "+905551112233")
	}
}

// TestWorstShopsFirst: places stand by how bad they surely are, regions are the sum of theirs, and
// what the manager of one sees has no place with a few answers, nor one beside it by which those
// could be had. Case B12.
func TestWorstShopsFirst(t *testing.T) {
	places, err := crm.NewPlaces(nil, &crm.Place{ID: "tr", Kind: "country", Name: "Türkiye"}, &crm.Place{ID: "ege", Parent: "tr", Kind: crm.Region, Name: "Ege"},
		&crm.Place{ID: "good", Parent: "ege", Kind: "store", Name: "İyi"}, &crm.Place{ID: "bad", Parent: "ege", Kind: "store", Name: "Kötü"},
		&crm.Place{ID: "few", Parent: "ege", Kind: "store", Name: "Az"}, &crm.Place{ID: "few2", Parent: "ege", Kind: "store", Name: "Birkaç"}, &crm.Place{ID: "web", Parent: "tr", Kind: "web", Name: "Sanal"})
	require.NoError(t, err)
	g := &gathered{places: places, home: time.UTC, replies: map[string][]reply{}}
	for _, c := range []struct {
		place    string
		n, value int
	}{{"good", 60, 10}, {"bad", 90, 2}, {"few", 3, 0}, {"few2", 4, 8}, {"web", 50, 9}, {"", 6, 8}} {
		for range c.n {
			g.reply(&crm.Fact{At: time.Date(2025, 1, 5, 9, 0, 0, 0, time.UTC), Place: c.place}, &crm.Answer{Survey: "visit", Metric: "nps", Score: c.value})
		}
	}
	g.reply(&crm.Fact{}, &crm.Answer{Survey: "visit"}) // it measures nothing
	v, err := english(t).surveys([]vefa.SurveyResult{{Survey: "visit", N: 213, Result: survey.Result{Metric: survey.NPS}}, {Survey: "unanswered"}}, g)
	require.NoError(t, err)
	require.Len(t, v, 2)
	require.Empty(t, v[1].Pictures)
	require.Len(t, v[0].Pictures, 4)
	html := func(i int) string { return string(v[0].Pictures[i].HTML("en")) }
	rows := func(i int) (out []string) {
		for _, m := range regexp.MustCompile(`<bdi>([^<]*)</bdi><small>[^<]*</small></th><td class="sv-num">([^<]*)<|<bdi>([^<]*)</bdi><small>[^<]*<b>`).FindAllStringSubmatch(html(i), -1) {
			out = append(out, m[1]+m[2]+m[3])
		}
		return out
	}
	require.Contains(t, html(0), "4 groups: 1 below and 2 above the 99.8% limits")
	league := html(1)
	require.Less(t, strings.Index(league, "Kötü"), strings.Index(league, "Sanal"))
	require.Contains(t, league, "below the others")
	require.NotContains(t, league, "Az<")
	require.Equal(t, []string{"All8", "without a place0", "Ege−21", "Türkiye100"}, rows(2))
	require.Equal(t, []string{"Ege−21", "Kötü−100", "Az–", "Birkaç–", "İyi100"}, rows(3))
	require.Contains(t, html(3), "visit, version 1: Net Promoter Score")
	require.NoError(t, retailer.Theme.Validate())
	require.NotEmpty(t, retailer.Theme.Accent)
}

// TestStoryHasWordsForKinds: a fact of any kind is told in words, and one of a host's own
// under its id.
func TestStoryHasWordsForKinds(t *testing.T) {
	for tag, want := range map[string][2]string{"en": {"Misdirected", "A message for this customer reached somebody else"}, "tr": {"Yanlış adres", "Bu müşteriye yazılan bir mesaj başkasına ulaştı"}} {
		l, err := speak(tag)
		require.NoError(t, err)
		var m moment
		m.fact(&gathered{}, l, &crm.Fact{Key: crm.FactKey{Kind: "incident", Source: "not-me", ID: "375bdb"}}, nil)
		require.Equal(t, want, [2]string{m.Label, m.Head})
		m.fact(&gathered{}, l, &crm.Fact{Key: crm.FactKey{Kind: "shipment", Source: "wms", ID: "9"}}, nil)
		require.Equal(t, [2]string{"shipment", "9"}, [2]string{m.Label, m.Head})
	}
}
