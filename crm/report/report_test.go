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
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm/basket"
	"github.com/vefacrm/vefa/crm/cohort"
	"github.com/vefacrm/vefa/crm/cube"
	"github.com/vefacrm/vefa/crm/lifecycle"
	"github.com/vefacrm/vefa/crm/value"
	"github.com/vefacrm/vefa/crm/warning"
)

var update = flag.Bool("update", false, "write the golden files anew")

var lira = Money{Currency: "TRY", Digits: 2}

// shop is what the pictures of the tests are drawn from: customers over 30 months.
type shop struct {
	table    *cohort.Table
	curve    *cohort.Curve
	shares   *cohort.Concentration
	moves    []lifecycle.Move
	rules    []basket.Rule
	controls []Control
	names    []string
	past     []Period
	ahead    []string
	bands    []Band
	accuracy warning.Accuracy
	parts    []cube.Part
	sums     [2]Sum
	groups   []value.Calibration
	tracked  []Tracked
	stages   []cohort.Stage
	paths    []cohort.Path
	next     []cohort.Transition
	research cohort.Research
}

func newShop(t require.TestingT, customers int) shop {
	r := rand.New(rand.NewPCG(1, 9))
	begin := time.Date(2023, 7, 1, 9, 0, 0, 0, time.UTC)
	until := time.Date(2025, 12, 16, 0, 0, 0, 0, time.UTC)
	var s shop
	var sales []cohort.Sale
	var lines []basket.Line
	spent := map[uint32]int64{}
	var events []cohort.Event
	var bought []cohort.Bought
	order := uint32(0)
	def := lifecycle.Definition{Version: "1"}
	var was, is []lifecycle.Why
	sold := [2]map[string]*cube.Sold{{}, {}}
	monthly := make([]float64, 30)
	for c := range uint32(customers) {
		at, gap := begin.Add(time.Duration(r.IntN(880*24))*time.Hour), 20+r.ExpFloat64()*80
		var days []int
		for at.Before(until) {
			amount := int64(5000 * math.Exp(r.NormFloat64()))
			sales = append(sales, cohort.Sale{Customer: c, Order: order, At: at.Unix(), Amount: amount})
			spent[c] += amount
			item := uint32(r.IntN(5))
			if r.Float64() < float64(len(sales)%100)/300 {
				item = 4
			}
			events = append(events, cohort.Event{Customer: c, What: item, At: at.Unix()})
			bought = append(bought, cohort.Bought{Customer: c, What: item, At: at.Unix() + 3600*int64(r.IntN(400)), Amount: amount})
			lines = append(lines, basket.Line{Basket: order, Item: item})
			if item < 2 && r.IntN(3) > 0 {
				lines = append(lines, basket.Line{Basket: order, Item: 1 - item})
			}
			days = append(days, int(at.Sub(until).Hours()/24))
			month := (at.Year()-2023)*12 + int(at.Month()) - 7
			monthly[month] += float64(amount)
			if half := (month - 18) / 6; month >= 18 && half < 2 {
				k := fmt.Sprintf("item %d", item)
				if sold[half][k] == nil {
					sold[half][k] = &cube.Sold{Key: []string{k}}
				}
				sold[half][k].Pieces++
				sold[half][k].Amount += amount
			}
			order++
			if r.Float64() < .25 {
				break
			}
			at = at.Add(time.Duration(gap*r.ExpFloat64()*24) * time.Hour)
		}
		for _, x := range []struct {
			at int
			to *[]lifecycle.Why
		}{{-180, &was}, {0, &is}} {
			w, err := def.State(lifecycle.Customer{Purchases: days, Open: c%3 == 0, LockedIn: c%6 == 0}, x.at)
			require.NoError(t, err)
			*x.to = append(*x.to, w)
		}
	}
	var err error
	o := cohort.Options{Until: until}
	s.table, err = cohort.New(sales, o)
	require.NoError(t, err)
	spans, err := cohort.Second(sales, o)
	require.NoError(t, err)
	s.curve, err = cohort.Survive(spans, .95)
	require.NoError(t, err)
	var amounts []int64
	for _, v := range spent {
		amounts = append(amounts, v)
	}
	s.shares, err = cohort.Concentrate(amounts)
	require.NoError(t, err)
	s.moves, err = lifecycle.Moves(was, is)
	require.NoError(t, err)
	b, err := basket.New(slices.Values(lines))
	require.NoError(t, err)
	s.rules, err = b.Pairs(basket.Options{Least: 5, FalseShare: .05, Lift: 1})
	require.NoError(t, err)
	s.stages, err = cohort.Funnel(events, []uint32{0, 1, 2, 4}, cohort.FunnelOptions{Within: 400 * 24 * time.Hour, Until: until.Unix()})
	require.NoError(t, err)
	journeys, err := cohort.Journeys(events, 120*24*time.Hour)
	require.NoError(t, err)
	s.paths, err = cohort.Paths(journeys, 15, 4)
	require.NoError(t, err)
	s.next, err = cohort.Transitions(events, o)
	require.NoError(t, err)
	s.research, err = cohort.Attribute(events, bought, cohort.ResearchOptions{Window: 7 * 24 * time.Hour})
	require.NoError(t, err)
	m, err := warning.NewMonitor(warning.Options{Learn: 40})
	require.NoError(t, err)
	for i := range 9 {
		values := make([]float64, 100)
		for j := range values {
			values[j] = 100 + 6*r.NormFloat64()
			if i%4 == 1 && j > 70 {
				values[j] *= .8
			}
		}
		if i == 8 {
			values = values[:20]
		}
		trace, err := m.Trace(values, nil)
		require.NoError(t, err)
		s.controls = append(s.controls, ControlOf(fmt.Sprintf("Mağaza %d", i), trace))
	}
	for i := range 100 {
		s.names = append(s.names, fmt.Sprintf("%d. hafta", i+1))
	}
	for i, v := range monthly[:29] {
		s.past = append(s.past, Period{fmt.Sprintf("%02d.%d", (i+6)%12+1, 2023+(i+6)/12), v})
	}
	for i := range 6 {
		s.ahead = append(s.ahead, fmt.Sprintf("%02d.%d", (i+11)%12+1, 2025+(i+11)/12))
	}
	for _, level := range []float64{.5, .8, .95} {
		points, accuracy, err := warning.Forecast(monthly[:29], 0, 6, level)
		require.NoError(t, err)
		s.bands, s.accuracy = append(s.bands, Band{level, points}), accuracy
	}
	var sides [2][]cube.Sold
	for i, m := range sold {
		s.sums[i].Name = []string{"H1 2025", "H2 2025"}[i]
		for _, x := range m {
			sides[i] = append(sides[i], *x)
			s.sums[i].Amount += x.Amount
			s.sums[i].Pieces += x.Pieces
		}
	}
	s.parts, err = cube.Decompose([]string{"category"}, sides[0], sides[1])
	require.NoError(t, err)
	for i := range 8 {
		s.groups = append(s.groups, value.Calibration{Repeats: i, Customers: 1000 >> i, Expected: .2 + .4*float64(i), Actual: .25 + .38*float64(i), Deviation: 1 + float64(i)/2})
		s.tracked = append(s.tracked, Tracked{fmt.Sprintf("%d. ay", i+1), float64(100 * (i + 1)), float64(96 * (i + 1))})
	}
	return s
}

var wealth = Worth{Customers: 1500, Orders: 5321, Revenue: 123456789, Until: time.Date(2025, 12, 31, 0, 0, 0, 0, time.UTC), Weeks: 52, Level: .9,
	Alive: value.Interval{Expected: 801.4, Low: 770, High: 832}, Purchases: value.Interval{Expected: 2100, Low: 1990, High: 2210},
	Value: value.Interval{Expected: 98765432, Low: 90000000, High: 107000000}, Repeat: 900, Active: 600, Model: "MBG/NBD"}

// shops are those that were made, by their customers: forecasts take their time.
var shops = map[int]shop{}

// shopOf is a shop whose stores, months and periods have a name at their end, which may be hostile.
func shopOf(t require.TestingT, customers int, name string) shop {
	s, there := shops[customers]
	if !there {
		s = newShop(t, customers)
		shops[customers] = s
	}
	s.controls, s.past, s.parts = slices.Clone(s.controls), slices.Clone(s.past), slices.Clone(s.parts)
	for i := range s.controls {
		s.controls[i].Name += name
	}
	for i := range s.past {
		s.past[i].Name += name
	}
	for i := range s.parts {
		s.parts[i].Name += name
	}
	for i := range s.sums {
		s.sums[i].Name += name
	}
	return s
}

// whole is a page with every picture, with so many cohorts at most.
func whole(t require.TestingT, locale, name string, customers, cohorts int) Page {
	s := shopOf(t, customers, name)
	table := *s.table
	table.Cohorts = table.Cohorts[max(0, len(table.Cohorts)-cohorts):]
	item := func(i uint32) string { return fmt.Sprintf("item %d%s", i, name) }
	return Page{Title: "Customers" + name, Lead: "All of them" + name, Locale: locale, Sections: []Section{
		{Title: "Worth" + name, Pictures: []Picture{Summary("", wealth, lira), Customers("", []Customer{{"c-1" + name, 9, .998, value.Interval{Expected: 11.2, Low: 5, High: 18}, 987654}, {"c-2", 0, 1, value.Interval{}, 0}}, .9, lira), Lorenz("", s.shares, lira)}},
		{Title: "Return", Pictures: []Picture{Cohorts("", &table), Survival("", s.curve), Flows("", [2]string{"1.7.2025" + name, "1.1.2026"}, s.moves)}},
		{Title: "Sold", Pictures: []Picture{Forecast("", s.past, s.ahead, s.bands, s.accuracy, lira), Waterfall("", s.sums[0], s.sums[1], s.parts, nil, lira), Pairs("", s.rules, item), Controls("", s.names, s.controls)}},
		{Title: "Ways", Pictures: []Picture{Funnel("", s.stages, item), Journeys("", s.paths, item), Transitions("", s.next, item), Researched("", s.research, lira)}},
		{Title: "Model", Pictures: []Picture{Calibration("", s.groups), Tracking("", s.tracked, 5)}},
	}}
}

func write(t require.TestingT, p Page) string {
	var b bytes.Buffer
	require.NoError(t, p.Write(&b))
	return b.String()
}

// shell is what package page gives: its rules, and the policy that names them by their hash.
var shell = regexp.MustCompile(`(?s)<meta http-equiv.*?</style>`)

// TestGolden: the same answers give the same bytes, in both languages, but for the rules.
func TestGolden(t *testing.T) {
	for _, locale := range []string{"en", "tr"} {
		got := shell.ReplaceAllString(write(t, whole(t, locale, "", 400, 12)), "")
		file := filepath.Join("testdata", locale+".html")
		if *update {
			require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		require.True(t, string(want) == got, "%s changed: go test ./crm/report -update, and look at it", file)
		for _, bad := range []string{"NaN", "Inf", "<script", "ZgotmplZ", ">worth.", "\"worth.", "{1}", "{2}"} {
			require.False(t, strings.Contains(got, bad), bad)
		}
		require.Equal(t, strings.Count(got, "<table"), strings.Count(got, "<caption"))
	}
}

var tags = regexp.MustCompile(`<(/?)([a-zA-Z][a-zA-Z0-9]*)((?:\s[^<>]*?)?)(/?)>`)

// TestEscapes has hostile text wherever text from outside goes.
func TestEscapes(t *testing.T) {
	count := func(html string) map[string]int {
		out := map[string]int{}
		for _, m := range tags.FindAllStringSubmatch(html, -1) {
			if m[2] != "title" { // a text that is cut has one
				out[m[1]+m[2]]++
			}
		}
		// texts below an axis, where there is room for them
		delete(out, "text")
		delete(out, "/text")
		return out
	}
	plain := count(write(t, whole(t, "en", "x", 400, 9)))
	for _, hostile := range []string{`"><script>alert(1)</script>`, `'onload='x`, "</svg></title><img src=x>", "\u202e<!--", "</style><b>", "{{.}}"} {
		html := write(t, whole(t, "en", hostile, 400, 9))
		require.Equal(t, plain, count(html), "the elements of %q", hostile)
		require.NotContains(t, html, "<!--")
		for _, tag := range tags.FindAllString(html, -1) {
			require.NotRegexp(t, `\s(on[a-z]+|style|src)=`, regexp.MustCompile(`"[^"]*"`).ReplaceAllString(tag, `""`))
		}
	}
}

// TestNothing: nothing to show is shown as nothing, without a fault.
func TestNothing(t *testing.T) {
	page := write(t, Page{Sections: []Section{{Title: "s", Pictures: []Picture{
		Summary("", Worth{}, Money{}), Customers("", nil, .9, Money{}), Lorenz("", nil, Money{}), Cohorts("", nil), Cohorts("", &cohort.Table{}), Survival("", nil), Survival("", &cohort.Curve{N: 1}),
		Flows("", [2]string{}, nil), Flows("", [2]string{}, []lifecycle.Move{{N: -1}}), Forecast("", nil, nil, nil, warning.Accuracy{}, Money{}), Waterfall("", Sum{}, Sum{}, nil, nil, Money{}), Pairs("", nil, nil), Controls("", nil, nil),
		Calibration("", nil), Tracking("", nil, 0), Funnel("", nil, nil), Journeys("", nil, nil), Journeys("", []cohort.Path{{}}, nil), Transitions("", nil, nil), Researched("", cohort.Research{}, lira),
	}}}})
	require.Equal(t, 18, strings.Count(page, "Too little is known for this picture."))
	require.NotContains(t, page, "<svg")
	bad := math.NaN()
	page = write(t, Page{Sections: []Section{{Title: "s", Pictures: []Picture{
		Summary("", Worth{Customers: 1, Value: value.Interval{Expected: bad, Low: math.Inf(-1), High: math.Inf(1)}}, Money{"", 99}),
		Customers("", []Customer{{}}, .9, Money{}),
		Forecast("", []Period{{"a", bad}}, []string{"b"}, []Band{{.9, []warning.Point{{Value: bad, Low: bad, High: bad}}}}, warning.Accuracy{}, lira),
		Waterfall("", Sum{Amount: -5}, Sum{Amount: 5}, []cube.Part{{Name: "?", Amount: 4}}, nil, lira),
		Controls("", nil, []Control{{Name: "a", High: 3, Low: bad, Values: []float64{bad, 1}, Alarms: []warning.Alarm{{At: 7}, {At: 0}, {At: 1}}}, {Name: "b", High: 3}}),
		Flows("", [2]string{}, []lifecycle.Move{{From: "?", To: lifecycle.New, N: 3}}),
		Calibration("", []value.Calibration{{}}), Tracking("", []Tracked{{}, {}}, 9),
		Funnel("", []cohort.Stage{{Reached: 1, Hours: [3]float64{bad, bad, bad}}, {Hours: [3]float64{bad, bad, bad}}}, func(uint32) string { return "" }),
		Journeys("", []cohort.Path{{Steps: []uint32{1}, N: 1, Of: 1}}, func(uint32) string { return "" }),
		Transitions("", []cohort.Transition{{N: 1, Of: 1, P: bad, Trend: bad}}, func(uint32) string { return "" }), Researched("", cohort.Research{Purchases: 1, Hours: bad}, lira),
		Pairs("", []basket.Rule{{N: 5, NA: 1, NB: 1}, {N: 5, NA: 1, NB: 1, NAB: 2}}, func(uint32) string { return "" }),
	}}}})
	for _, never := range []string{"NaN\"", "NaN ", "Inf "} {
		require.NotContains(t, page, never)
	}
	require.Contains(t, page, "<td>₺0.06</td>", "what the parts leave is shown")
}

// TestMost: of more cohorts and charts than are shown the latest are, and those with the latest alarm; the rest is counted.
func TestMost(t *testing.T) {
	table := cohort.Table{Customers: 100}
	for i := range mostPeriods + 4 {
		table.Cohorts = append(table.Cohorts, cohort.Cohort{Begin: time.Date(2020, time.Month(1+i), 1, 0, 0, 0, 0, time.UTC), Size: 2, Cells: make([]cohort.Cell, mostPeriods+4-i)})
	}
	var charts []Control
	for i := range mostCharts + 3 {
		c := Control{Name: fmt.Sprintf("store-%02d", i), Values: []float64{1, 2}, High: 3, Low: math.NaN()}
		if i > mostCharts {
			c.Alarms = []warning.Alarm{{At: 1, Change: -.2}}
		}
		charts = append(charts, c)
	}
	page := write(t, Page{Sections: []Section{{Title: "s", Pictures: []Picture{Cohorts("", &table), Controls("", nil, charts)}}}})
	for text, there := range map[string]bool{"Apr 2020": false, "May 2020": true, "Apr 2023": true, "store-42": true, "store-37": true, "store-38": false} {
		require.Equal(t, there, strings.Contains(page, text), text)
	}
}

// TestFromNothing: a change from nothing is no share of what was.
func TestFromNothing(t *testing.T) {
	for _, before := range []int64{0, -500} {
		page := write(t, Page{Sections: []Section{{Title: "s", Pictures: []Picture{Waterfall("", Sum{Name: "a", Amount: before}, Sum{Name: "b", Amount: 700}, []cube.Part{{Name: "price", Amount: 700 - before}}, nil, lira)}}}})
		require.NotContains(t, page, "%<")
		require.NotContains(t, page, "Inf")
		require.Contains(t, page, "–")
	}
}
