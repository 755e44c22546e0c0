package report

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/segment"

	"github.com/vefacrm/vefa/segment/rfm"
)

var day0 = time.Date(2025, 5, 1, 0, 0, 0, 0, time.UTC)

// everything draws one picture of each kind about customers, tags, segments and
// groups with the given name in theirs.
func everything(t require.TestingT, name string) Page {
	tag := func(s string) segment.Expr { return segment.Tag(s + name) }
	idx := segment.NewIndex(segment.Options{})
	city := map[string]string{}
	_, err := idx.Load(day0, func(yield func(string, []string) bool) {
		for i := range 120 {
			c := fmt.Sprint("c", i, name)
			city[c] = fmt.Sprint("city", i%5, name)
			if !yield(c, []string{fmt.Sprint("a", i%2, name), fmt.Sprint("b", i%3, name), fmt.Sprint("d", i%7, name)}) {
				return
			}
		}
	})
	require.NoError(t, err)
	_, err = idx.SetField(day0, "city", maps.All(city))
	require.NoError(t, err)
	_, err = idx.Define(day0,
		segment.Definition{Name: "one" + name, Expr: segment.Without(segment.Any(tag("a0"), tag("b1")), tag("d3"), tag("b2"))},
		segment.Definition{Name: "two" + name, Expr: segment.All(tag("a1"), segment.In("one"+name))},
		segment.Definition{Name: "nobody" + name, Expr: segment.Any()})
	require.NoError(t, err)
	_, err = idx.SetPolarity(day0, segment.PolarityRule{Tag: "d5" + name, Polarity: segment.Red, Owner: "owner" + name, Reason: "reason" + name})
	require.NoError(t, err)
	v := idx.View()
	fall, err := v.Waterfall("one"+name, day0)
	require.NoError(t, err)
	preview, err := v.Preview("two"+name, day0)
	require.NoError(t, err)
	both, err := v.Compare(day0, "one"+name, "two"+name, "nobody"+name)
	require.NoError(t, err)
	cities, err := v.FieldDimension("city")
	require.NoError(t, err)
	cities.Name += name
	micro, err := v.MicroSegments(day0, []segment.Dimension{cities, segment.TagDimension("t"+name, "a0"+name, "d3"+name)}, segment.MicroOptions{})
	require.NoError(t, err)
	var scores []rfm.Score
	for i := range 60 {
		scores = append(scores, rfm.Score{Row: rfm.Row{Customer: fmt.Sprint("c", i, name)}, R: 1 + i%5, F: 1 + i%4, M: 1 + i%3})
	}
	groups := []rfm.Group{{Name: "good" + name, Cells: []int{533, 543}}, {Name: "fair" + name, R: rfm.Range{Low: 2, High: 5}, F: rfm.Range{Low: 1, High: 5}, M: rfm.Range{Low: 1, High: 5}}}
	moves := rfm.Migrate(scores[:40], scores[20:], groups)
	moves = append(moves, rfm.Move{From: "stranger" + name, To: "good" + name, Customers: 3})
	return Page{Title: "Title" + name, Lead: "Lead" + name, Footer: "Footer" + name, Sections: []Section{
		{Title: "Segments" + name, Lead: "Some" + name, Pictures: []Picture{
			Waterfall("Waterfall"+name, fall), Counts("Counts"+name, preview), Overlap("Overlap"+name, both),
			MicroSegments("Micro"+name, micro, 5),
			Grid("Grid"+name, micro, func(down, across string) string { return "treat " + down + across }),
		}},
		{Title: "Value", Pictures: []Picture{
			RFM("RFM"+name, scores), Groups("Groups"+name, scores, groups), Migration("Migration"+name, moves, groups),
			Text("Text"+name, "words"+name),
		}},
	}}
}

func write(t require.TestingT, p Page) string {
	var b bytes.Buffer
	require.NoError(t, p.Write(&b))
	return b.String()
}

func TestPage(t *testing.T) {
	html := write(t, everything(t, ""))
	checkPage(t, html)
	for _, want := range []string{"Before exclusions", "−11", "alone 20, none but this 15", "tag d5 is red", "owner: reason", "Most alike", "1\u00a0one", "city / t", "treat city0a0", "M\u00a02",
		"R 5", "F 1", "no purchases", "stranger", "All moves as a table", "stayed", "prefers-color-scheme:dark", `name="viewport"`} {
		require.Contains(t, html, want)
	}
	require.Equal(t, html, write(t, everything(t, "")), "the same input gives the same bytes")
	require.Less(t, len(html), 60_000)
	if dir := os.Getenv("VEFA_REPORT_DIR"); dir != "" { // to look at
		require.NoError(t, os.WriteFile(filepath.Join(dir, "segment-report.html"), []byte(html), 0o644))
	}
}

// Nothing to show is shown as nothing, without a fault.
func TestPageOfNothing(t *testing.T) {
	checkPage(t, write(t, Page{Title: "Nothing", Sections: []Section{{Title: "None", Pictures: []Picture{
		Waterfall("w", segment.Waterfall{}), Counts("c", segment.Preview{}), Overlap("o", segment.Comparison{}),
		MicroSegments("m", segment.Micros{}, 5), MicroSegments("m", segment.Micros{}, -5), Grid("g", segment.Micros{Dimensions: []string{"a", "b"}}, nil), Grid("g", segment.Micros{}, nil), RFM("r", nil), Groups("g", nil, nil),
		Migration("m", nil, nil), Migration("m", []rfm.Move{{Customers: -5}}, nil), Text("t", ""),
		RFM("out of range", []rfm.Score{{R: -1, F: 20}, {R: 9999, F: 3}}),
	}}}}))
	checkPage(t, write(t, Page{}))
}

// TestEscapes has hostile text wherever text from outside goes.
func TestEscapes(t *testing.T) {
	plain := counts(write(t, everything(t, "")))
	for _, hostile := range []string{`"><script>alert(1)</script>`, `'onload='x`, "</svg></title><img src=x>", "\u202e<!--", "javascript:alert(1)", "</style><b>", "{{.}}"} {
		html := write(t, everything(t, hostile))
		require.Equal(t, plain, counts(html), "the elements of %q", hostile)
		require.NotContains(t, html, "<!--")
		for _, tag := range tags.FindAllString(html, -1) {
			require.NotRegexp(t, `\s(on[a-z]+|style|src)=`, regexp.MustCompile(`"[^"]*"`).ReplaceAllString(tag, `""`))
		}
		checkPage(t, html)
	}
}

// counts counts the elements of a page by name.
func counts(html string) map[string]int {
	out := map[string]int{}
	for _, m := range tags.FindAllStringSubmatch(html, -1) {
		out[m[1]+m[2]]++
	}
	return out
}

var (
	tags   = regexp.MustCompile(`<(/?)([a-zA-Z][a-zA-Z0-9]*)((?:\s[^<>]*?)?)(/?)>`)
	ids    = regexp.MustCompile(`\sid="([^"]*)"`)
	refs   = regexp.MustCompile(`\s(?:aria-labelledby="|href="#)([^"]*)"`)
	levels = regexp.MustCompile(`<h([1-6])`)
)

// checkPage checks that a page is whole, loads nothing and is accessible.
func checkPage(t *testing.T, html string) {
	t.Helper()
	require.True(t, strings.HasPrefix(html, "<!DOCTYPE html>"))
	body := html
	if before, rest, ok := strings.Cut(html, "<style>"); ok {
		style, after, _ := strings.Cut(rest, "</style>")
		require.NotContains(t, style, "url(")
		require.NotContains(t, style, "@import")
		body = before + after
	}
	for _, never := range []string{"<script", "http://", "https://", "ZgotmplZ", "<no value>", "NaN", "Inf"} {
		require.NotContains(t, body, never)
	}
	var open []string
	for _, m := range tags.FindAllStringSubmatch(body, -1) {
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
	seen := map[string]bool{}
	for _, m := range ids.FindAllStringSubmatch(body, -1) {
		require.False(t, seen[m[1]], "id %q twice", m[1])
		seen[m[1]] = true
	}
	for _, m := range refs.FindAllStringSubmatch(body, -1) {
		require.True(t, seen[m[1]], "no element %q", m[1])
	}
	level := 0
	for _, m := range levels.FindAllStringSubmatch(body, -1) {
		n, err := strconv.Atoi(m[1])
		require.NoError(t, err)
		require.LessOrEqual(t, n, level+1, "a heading leaves a level out")
		level = n
	}
	require.Equal(t, strings.Count(body, "<table"), strings.Count(body, "<caption"))
	require.Equal(t, strings.Count(body, "<figure"), strings.Count(body, "<figcaption>"))
}

// Bands of a migration fill the bars that they come from and go to, and all
// stays inside the drawing.
func TestMigrationGeometry(t *testing.T) {
	rect := regexp.MustCompile(`<rect x="([\d.]+)" y="([\d.]+)" width="7" height="([\d.]+)">`)
	band := regexp.MustCompile(`d="M116 ([\d.]+)C180 [\d.]+ 180 [\d.]+ 244 ([\d.]+)v([\d.]+)C`)
	box := regexp.MustCompile(`viewBox="0 0 360 ([\d.]+)"`)
	number := func(s string) float64 {
		f, err := strconv.ParseFloat(s, 64)
		require.NoError(t, err)
		return f
	}
	rapid.Check(t, func(t *rapid.T) {
		var moves []rfm.Move
		seen := map[[2]string]bool{}
		for range rapid.IntRange(1, 60).Draw(t, "moves") {
			name := func(label string) string {
				if n := rapid.IntRange(0, 40).Draw(t, label); n > 0 {
					return fmt.Sprint("g", n)
				}
				return ""
			}
			m := rfm.Move{From: name("from"), To: name("to"), Customers: rapid.IntRange(1, 10_000).Draw(t, "n")}
			if !seen[[2]string{m.From, m.To}] {
				seen[[2]string{m.From, m.To}] = true
				moves = append(moves, m)
			}
		}
		html := string(Migration("m", moves, []rfm.Group{{Name: "g3"}, {Name: "g1"}}).HTML(""))
		height := number(box.FindStringSubmatch(html)[1])
		bars, all := 0.0, 0.0
		for _, m := range rect.FindAllStringSubmatch(html, -1) {
			require.LessOrEqual(t, number(m[2])+number(m[3]), height)
			bars += number(m[3])
		}
		bands := band.FindAllStringSubmatch(html, -1)
		require.NotEmpty(t, bands)
		for _, m := range bands {
			require.LessOrEqual(t, max(number(m[1]), number(m[2]))+number(m[3]), height)
			all += number(m[3])
		}
		// 300 units for everybody, on each side; what is tiny is drawn a little larger.
		slack := 0.3*float64(len(bands)) + 1
		require.InDelta(t, 300, all, slack)
		require.InDelta(t, 600, bars, 0.7*float64(len(rect.FindAllString(html, -1)))+1)
		again := slices.Clone(moves)
		slices.Reverse(again)
		require.Equal(t, html, string(Migration("m", again, []rfm.Group{{Name: "g3"}, {Name: "g1"}}).HTML("")))
	})
}

// A host with thousands of segments still gets a page.
func TestOverlapOfMany(t *testing.T) {
	var c segment.Comparison
	for i := range 300 {
		c.Names = append(c.Names, fmt.Sprint("s", i))
		row := make([]int, 300)
		for j := range row {
			row[j] = min(i, j)
		}
		c.Common = append(c.Common, row)
	}
	html := string(Overlap("many", c).HTML(""))
	require.Contains(t, html, "The 40 largest of 300 segments.")
	require.Equal(t, 40*40, strings.Count(html, `<td class="seg-h`))
	require.Contains(t, html, "1\u00a0s299")
}

// TestContrast computes WCAG 2 contrast of the text on all grounds, by day, by
// night and on paper.
func TestContrast(t *testing.T) {
	html := write(t, Page{Sections: []Section{{Pictures: []Picture{Text("t", "")}}}})
	style, _, _ := strings.Cut(html, "</style>")
	palettes := regexp.MustCompile(`:root\{([^}]*)\}`).FindAllStringSubmatch(style, -1)
	require.Len(t, palettes, 6, "page and pictures, by day, by night and on paper")
	for scheme := range 3 {
		colours := map[string][3]float64{}
		for _, p := range []string{palettes[scheme][1], palettes[3+scheme][1]} {
			for _, m := range regexp.MustCompile(`--(\w+):#([0-9a-f]+)`).FindAllStringSubmatch(p, -1) {
				hex := m[2]
				if len(hex) == 3 {
					hex = strings.Repeat(hex[:1], 2) + strings.Repeat(hex[1:2], 2) + strings.Repeat(hex[2:], 2)
				}
				var rgb [3]float64
				for i := range rgb {
					n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
					require.NoError(t, err)
					rgb[i] = float64(n) / 255
				}
				colours[m[1]] = rgb
			}
		}
		check := func(ink string, ground [3]float64, name string) {
			a, b := luminance(colours[ink]), luminance(ground)
			require.GreaterOrEqual(t, (max(a, b)+0.05)/(min(a, b)+0.05), 4.5, "%s on %s in scheme %d", ink, name, scheme)
		}
		for _, ink := range []string{"ink", "soft", "first"} {
			check(ink, colours["paper"], "paper")
			check(ink, colours["card"], "card")
		}
		for shade := 1; shade <= 10; shade++ {
			var mix [3]float64
			for i := range mix {
				part := float64(shade) / 10
				mix[i] = part*colours["heat"][i] + (1-part)*colours["card"][i]
			}
			check("ink", mix, fmt.Sprint("shade ", shade))
		}
	}
}

func luminance(rgb [3]float64) (light float64) {
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		c := rgb[i]
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		light += weight * c
	}
	return light
}

// Cases GR2 and GR4 for the pictures.
func TestPicturesOnPaperAndInForcedColours(t *testing.T) {
	style := string(Style())
	for _, rule := range []string{"@media print", "overflow:visible", "table-layout:fixed", "@media(forced-colors:active)", "position:sticky"} {
		require.Contains(t, style, rule)
	}
	for _, s := range regexp.MustCompile(`text\{font:([0-9.]+px)`).FindAllStringSubmatch(style, -1) {
		require.Equal(t, "12px", s[1])
	}
}

// Case B11: the flow of groups is coloured by what they are worth, and not by the order
// of their list.
func TestMigrationByValue(t *testing.T) {
	moves := []rfm.Move{
		{From: "Potential Loyalist", To: "Loyal Customers", Customers: 7}, {From: "Loyal Customers", To: "Potential Loyalist", Customers: 5},
		{From: "Need Attention", To: rfm.Other, Customers: 3}, {From: "Lost", To: "Lost", Customers: 2},
	}
	html := string(Migration("m", moves, rfm.RPackageGroups()).HTML(""))
	require.Regexp(t, `class="seg-up" d="[^"]*"><title>Potential Loyalist to Loyal Customers: 7`, html)
	require.Regexp(t, `class="seg-down" d="[^"]*"><title>Loyal Customers to Potential Loyalist: 5`, html)
	require.Regexp(t, `class="seg-new" d="[^"]*"><title>Need Attention to Other: 3`, html)
	require.Contains(t, html, "2 stayed, 7 rose, 5 fell.")
	require.Contains(t, html, "3 changed between groups of which neither is worth more.")
	require.Less(t, strings.Index(html, "Loyal Customers"), strings.Index(html, "Potential Loyalist"), "the best stands first")
	groups := string(Groups("g", nil, rfm.RPackageGroups()).HTML(""))
	require.Less(t, strings.Index(groups, "Loyal Customers"), strings.Index(groups, "Potential Loyalist"))
}

// Case GR1: a page in Turkish says nothing in English but the names that it was given.
func TestPageInTurkish(t *testing.T) {
	english := everything(t, "")
	turkish := everything(t, "")
	turkish.Locale = "tr"
	texts := func(p Page) (out []string) {
		for _, m := range regexp.MustCompile(`>([^<>]+)<|\s(?:title|aria-label)="([^"]*)"`).FindAllStringSubmatch(regexp.MustCompile(`(?s)<style>.*?</style>`).ReplaceAllString(write(t, p), ""), -1) {
			if text := strings.TrimSpace(m[1] + m[2]); regexp.MustCompile(`\p{L}`).MatchString(text) {
				out = append(out, text)
			}
		}
		return out
	}
	en, tr := texts(english), texts(turkish)
	require.Equal(t, len(en), len(tr))
	names := regexp.MustCompile(`^(\d+\x{a0})?(Title|Lead|Footer|Segments|Some|Value|Waterfall|Counts|Overlap|Micro|Grid|RFM|Groups|Migration|Text|words|one|two|nobody|good|fair|stranger|city / t|city|t|city\d|[abd]\d|treat city\d[abd]\d|city\d( /|,) .*|t .*)$`)
	for i := range en {
		if en[i] == tr[i] && !names.MatchString(en[i]) {
			t.Errorf("%q stands in both", en[i])
		}
	}
	require.Contains(t, write(t, turkish), `<html lang="tr">`)
}
