package peers

import (
	"encoding/csv"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm/basket"
	"github.com/vefacrm/vefa/crm/cohort"
	"github.com/vefacrm/vefa/crm/cube"
	"github.com/vefacrm/vefa/crm/cube/star"
	"github.com/vefacrm/vefa/crm/cube/star/parquet"
	"github.com/vefacrm/vefa/crm/value"
)

// line is one of testdata/sales.csv.
type line struct {
	customer, order uint32
	at              time.Time
	store, product  string
	pieces, amount  int64
}

// sales reads testdata/sales.csv.
func sales(t *testing.T) []line {
	f, err := os.Open("testdata/sales.csv")
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	number := func(s string) int64 { n, err := strconv.ParseInt(s, 10, 64); require.NoError(t, err); return n }
	out := make([]line, 0, len(rows)-1)
	for _, r := range rows[1:] {
		at, err := time.Parse(time.DateTime, r[2])
		require.NoError(t, err)
		out = append(out, line{uint32(number(r[0])), uint32(number(r[1])), at, r[3], r[4], number(r[5]), number(r[6])})
	}
	return out
}

// end is the first instant of which nothing is known.
var end = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// answers returns what this project says, by the names of peers.py.
func answers(t *testing.T) map[string][]float64 {
	lines := sales(t)
	out := map[string][]float64{}
	models(t, lines, out)
	returning(t, lines, out)
	together(t, lines, out)
	questions(t, lines, out)
	return out
}

// models fills in what is said of customers.
func models(t *testing.T, lines []line, out map[string][]float64) {
	days := make([]map[int]int64, 300) // by customer: day before the end → amount
	for _, l := range lines {
		if days[l.customer] == nil {
			days[l.customer] = map[int]int64{}
		}
		days[l.customer][int(end.Sub(l.at.Truncate(24*time.Hour)).Hours())/24] += l.amount
	}
	var all []value.Purchases
	var means []float64
	var spending []value.Spending
	for _, on := range days {
		first, last, sum := 0, math.MaxInt, int64(0)
		for d := range on {
			first, last = max(first, d), min(last, d)
		}
		for d, v := range on {
			if d != first {
				sum += v
			}
		}
		p := value.Purchases{Repeats: len(on) - 1, Last: float64(first-last) / 7, Age: float64(first) / 7}
		mean := 0.0
		if p.Repeats > 0 {
			mean = float64(sum) / 100 / float64(p.Repeats)
			spending = append(spending, value.Spending{Purchases: p.Repeats, Mean: mean})
		}
		all, means = append(all, p), append(means, mean)
		out["duckdb/purchases"] = append(out["duckdb/purchases"], float64(p.Repeats), p.Last, p.Age, mean)
	}
	s, err := value.Condense(slices.Values(all))
	require.NoError(t, err)
	fitted := func(name string, f value.Fit, err error) {
		require.NoError(t, err)
		var list []float64
		for _, p := range f.Params {
			list = append(list, p.Value)
		}
		out["lifetimes/"+name+"/fit"] = append(list, f.LogLikelihood)
	}
	_, f, err := value.FitBGNBD(t.Context(), s)
	fitted("bgnbd", f, err)
	_, f, err = value.FitMBGNBD(t.Context(), s)
	fitted("mbgnbd", f, err)
	_, f, err = value.FitParetoNBD(t.Context(), s)
	fitted("paretonbd", f, err)
	_, f, err = value.FitGammaGamma(t.Context(), slices.Values(spending))
	fitted("gammagamma", f, err)
	c, err := value.CondenseCovariates([]string{"app"}, func(yield func(value.Purchases, []float64) bool) {
		for i, p := range all {
			if !yield(p, []float64{map[bool]float64{true: 1}[i%3 == 0]}) {
				return
			}
		}
	})
	require.NoError(t, err)
	_, f, err = value.FitParetoNBDEffects(t.Context(), c)
	fitted("paretonbd/covariate", f, err)
	_, f, err = value.FitBGNBDEffects(t.Context(), c)
	fitted("bgnbd/covariate", f, err)
	said := func(name string, m interface {
		value.Model
		Expect(t float64) float64
	}) {
		name = "lifetimes/" + name
		for _, p := range all {
			out[name+"/alive"] = append(out[name+"/alive"], m.Alive(p))
			out[name+"/expect_after"] = append(out[name+"/expect_after"], m.ExpectAfter(p, 26))
		}
		for _, w := range []float64{1, 4, 13, 52} {
			out[name+"/expect"] = append(out[name+"/expect"], m.Expect(w))
		}
	}
	bg := value.BGNBD{R: 0.8, Alpha: 5.5, A: 0.9, B: 2.5}
	said("bgnbd", bg)
	said("mbgnbd", value.MBGNBD(bg))
	said("paretonbd", value.ParetoNBD{R: 0.8, Alpha: 5.5, S: 0.6, Beta: 12})
	for n := range 9 {
		out["lifetimes/bgnbd/probability"] = append(out["lifetimes/bgnbd/probability"], bg.Probability(n, 26))
	}
	gg := value.GammaGamma{P: 6, Q: 4, Gamma: 900}
	for i, p := range all {
		var known value.Spending
		if p.Repeats > 0 {
			known = value.Spending{Purchases: p.Repeats, Mean: means[i]}
		}
		out["lifetimes/gammagamma/expect"] = append(out["lifetimes/gammagamma/expect"], gg.Expect(known))
	}
}

// returning fills in who comes back, and when.
func returning(t *testing.T, lines []line, out map[string][]float64) {
	var all, app []cohort.Sale
	thirds := make([][]cohort.Sale, 3)
	for _, l := range lines {
		s := cohort.Sale{Customer: l.customer, Order: l.order, At: l.at.Unix(), Amount: l.amount}
		all = append(all, s)
		thirds[l.customer%3] = append(thirds[l.customer%3], s)
		if l.customer%3 != 0 {
			app = append(app, s)
		}
	}
	o := cohort.Options{Until: end}
	second := func(sales []cohort.Sale) []cohort.Span {
		spans, err := cohort.Second(sales, o)
		require.NoError(t, err)
		return spans
	}
	for name, sales := range map[string][]cohort.Sale{"all": all, "third": thirds[0]} {
		curve, err := cohort.Survive(second(sales), 0.95)
		require.NoError(t, err)
		name = "lifelines/" + name + "/curve"
		for _, s := range curve.Steps {
			out[name] = append(out[name], float64(s.Events), float64(s.AtRisk), s.Survival, s.Low, s.High)
		}
	}
	chi2, p, err := cohort.LogRank(second(thirds[0]), second(thirds[1]), second(thirds[2]))
	require.NoError(t, err)
	out["lifelines/logrank/thirds"] = []float64{chi2, p}
	chi2, p, err = cohort.LogRank(second(thirds[0]), second(app))
	require.NoError(t, err)
	out["lifelines/logrank/app"] = []float64{chi2, p}

	table, err := cohort.New(all, cohort.Options{})
	require.NoError(t, err)
	for _, f := range table.Flow {
		if f.Begin.After(time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC)) {
			continue // of days of January
		}
		_, low, high := f.Logo()
		out["duckdb/flow"] = append(out["duckdb/flow"], float64(f.Active), float64(f.Retained), float64(f.Base), float64(f.Next), float64(f.Kept))
		out["statsmodels/retention"] = append(out["statsmodels/retention"], low, high)
	}
	for _, c := range table.Cohorts {
		for _, cell := range c.Cells {
			if cell.Customers > 0 {
				out["duckdb/cohorts"] = append(out["duckdb/cohorts"], float64(cell.Customers), float64(cell.Orders), float64(cell.Amount))
			}
		}
	}
}

// together fills in what is bought together.
func together(t *testing.T, lines []line, out map[string][]float64) {
	var names []string
	for _, l := range lines {
		names = append(names, l.product)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	var items []basket.Line
	for _, l := range lines {
		items = append(items, basket.Line{Basket: l.order, Item: uint32(slices.Index(names, l.product))})
	}
	b, err := basket.New(slices.Values(items))
	require.NoError(t, err)
	rules, err := b.Pairs(basket.Options{Least: 1})
	require.NoError(t, err)
	slices.SortFunc(rules, func(x, y basket.Rule) int { return slices.Compare([]uint32{x.A, x.B}, []uint32{y.A, y.B}) })
	for _, r := range rules {
		ofA, ofB := r.Confidence()
		out["mlxtend/rules"] = append(out["mlxtend/rules"], r.Support(), ofA, r.Lift(), r.Leverage(), ofB)
		out["scipy/fisher"] = append(out["scipy/fisher"], r.P)
		out["statsmodels/discoveries"] = append(out["statsmodels/discoveries"], r.Q)
	}
}

// regions are those of the stores.
var regions = cube.Level{Name: "region", Of: "store", Parent: map[string]string{"s0": "west", "s1": "west", "s2": "east", "s3": "east", "s4": "east"}}

// cubeOf returns the sales as a cube.
func cubeOf(t *testing.T, lines []line) *cube.Cube {
	b, err := cube.NewBuilder(cube.Schema{Dimensions: []string{"store", "month", "product"}, Measures: []string{"amount", "pieces"}, Distinct: []string{"customer", "order"}})
	require.NoError(t, err)
	for _, l := range lines {
		require.NoError(t, b.Add([]string{l.store, l.at.Format("2006-01"), l.product}, []int64{l.amount, l.pieces}, []uint32{l.customer, l.order}))
	}
	c, err := b.Build(regions)
	require.NoError(t, err)
	return c
}

// questions fills in what the cube answers.
func questions(t *testing.T, lines []line, out map[string][]float64) {
	c := cubeOf(t, lines)
	for name, q := range map[string]cube.Query{
		"all":                     {},
		"month":                   {By: []string{"month"}},
		"store,product":           {By: []string{"store", "product"}},
		"region,month of watches": {By: []string{"region", "month"}, Where: map[string][]string{"product": {"watch"}}},
	} {
		q.Count = []string{"customer", "order"}
		r, err := c.Query(t.Context(), q)
		require.NoError(t, err)
		for _, g := range r.Groups {
			for _, of := range []string{"duckdb/cube/", "duckdb/star/"} {
				out[of+name] = append(out[of+name], float64(g.Rows), float64(g.Sums[0]), float64(g.Sums[1]), float64(g.Distinct[0]), float64(g.Distinct[1]))
			}
		}
	}
	out["duckdb/star/first month"] = []float64{float64(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).Unix())}
}

// exported writes the sales as a star schema and returns the folder.
func exported(t *testing.T) string {
	tables, err := star.Tables(cubeOf(t, sales(t)), star.Options{
		Name: "facts", Definition: "peers 1", Columns: map[string]star.Column{"amount": {Kind: star.Money, Currency: "TRY"}}, Times: map[string]string{"month": "2006-01"},
	})
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, parquet.Write(dir, tables))
	return dir
}
