package cohort

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/internal/retailtest"
)

// uciSales are the sales of UCI's Online Retail as the golden values have them. Amounts are in thousandths.
var uciSales = func() func(t testing.TB) []Sale {
	var once sync.Once
	var sales []Sale
	return func(t testing.TB) []Sale {
		lines, _ := retailtest.UCI(t)
		once.Do(func() {
			for _, l := range lines {
				sales = append(sales, Sale{Customer: l.Customer, Order: l.Order, At: l.At.Unix(), Amount: l.Amount})
			}
		})
		return sales
	}
}()

// TestUCI are the golden values of cohorts, retention, Pareto and waiting.
func TestUCI(t *testing.T) {
	sales := uciSales(t)
	require.Len(t, sales, 397_884)
	until := time.Date(2011, 12, 10, 0, 0, 0, 0, time.UTC)
	table, err := New(sales, Options{Until: until})
	require.NoError(t, err)
	for name, value := range map[string]func(Cell) float64{
		"customers": func(c Cell) float64 { return float64(c.Customers) },
		"revenue":   func(c Cell) float64 { return float64(c.Amount) / 1000 },
	} {
		rows, err := csv.NewReader(retailtest.Open(t, "golden/uci_cohort_"+name+".csv")).ReadAll()
		require.NoError(t, err)
		require.Len(t, table.Cohorts, len(rows)-1)
		for i, row := range rows[1:] {
			c := table.Cohorts[i]
			require.Equal(t, row[0], c.Begin.Format("2006-01"))
			require.Len(t, c.Cells, 13-i, "what has not happened is not there")
			for j, cell := range c.Cells {
				want, err := strconv.ParseFloat(row[1+j], 64)
				require.NoError(t, err)
				require.InDelta(t, want, value(cell), .006, "%s of %s after %d", name, row[0], j)
				require.Equal(t, i+j == 12, cell.Partial)
			}
		}
	}
	var want struct {
		Pareto struct {
			N    int     `json:"n"`
			Top  int     `json:"top20pct_customers"`
			Part float64 `json:"share"`
			For  int     `json:"customers_for_80pct"`
			Gini float64 `json:"gini"`
		} `json:"pareto"`
		Monthly map[string]struct {
			Active   int     `json:"active_prev"`
			Retained int     `json:"retained"`
			Logo     float64 `json:"logo_retention"`
			NRR, GRR float64
		} `json:"monthly_retention"`
		Repeat float64 `json:"repeat_purchase_rate"`
		Median float64 `json:"median_interpurchase_days"`
		Orders int     `json:"baskets"`
	}
	b, err := io.ReadAll(retailtest.Open(t, "golden/retail_analytics.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &want))
	require.Len(t, table.Flow, len(want.Monthly))
	for _, f := range table.Flow {
		m := want.Monthly[f.Begin.Format("2006-01")]
		require.Equal(t, []int{m.Active, m.Retained}, []int{f.Active, f.Retained}, f.Begin)
		logo, low, high := f.Logo()
		require.InDelta(t, m.Logo, logo, 1e-6)
		require.True(t, low < logo && logo < high)
		require.InDelta(t, m.NRR, f.Net(), 1e-6)
		require.InDelta(t, m.GRR, f.Gross(), 1e-6)
	}
	require.Equal(t, want.Orders, table.Orders)
	require.InDelta(t, want.Repeat, float64(table.Repeat)/float64(table.Customers), 1e-6)

	spent := map[uint32]int64{}
	for _, s := range sales {
		spent[s.Customer] += s.Amount
	}
	var amounts []int64
	for _, v := range spent {
		amounts = append(amounts, v)
	}
	c, err := Concentrate(amounts)
	require.NoError(t, err)
	n, share := c.Top(.2)
	require.Equal(t, []int{want.Pareto.N, want.Pareto.Top, want.Pareto.For}, []int{c.N(), n, c.For(.8)})
	require.InDelta(t, want.Pareto.Part, share, 1e-6)
	require.InDelta(t, want.Pareto.Gini, c.Gini(), 1e-5)
	curve := c.Lorenz(5)
	require.InDelta(t, 1-share, curve[4], 1e-3)
	require.Equal(t, []float64{0, 1}, []float64{curve[0], curve[5]})

	gaps, err := Gaps(sales)
	require.NoError(t, err)
	require.InDelta(t, want.Median, (gaps[len(gaps)/2-1]+gaps[len(gaps)/2])/2, 1e-6)
}

// naive counts as one would on paper.
func naive(sales []Sale, o Options) (cells map[[2]int]Cell, flows map[int]Flow) {
	zone := o.Zone
	if zone == nil {
		zone = time.UTC
	}
	first := o.Until
	for _, s := range sales {
		if at := time.Unix(s.At, 0); at.Before(first) {
			first = at
		}
	}
	month := func(at int64) int {
		a, b := time.Unix(at, 0).In(zone), first.In(zone)
		return (a.Year()-b.Year())*12 + int(a.Month()) - int(b.Month())
	}
	begun := map[uint32]int{}
	for _, s := range sales {
		if m, ok := begun[s.Customer]; !ok || month(s.At) < m {
			begun[s.Customer] = month(s.At)
		}
	}
	cells, flows = map[[2]int]Cell{}, map[int]Flow{}
	type in struct {
		customer uint32
		month    int
	}
	seen, ordered, spent := map[in]bool{}, map[uint32]bool{}, map[in]int64{}
	for _, s := range sales {
		m := month(s.At)
		k := [2]int{begun[s.Customer], m - begun[s.Customer]}
		c := cells[k]
		c.Amount += s.Amount
		if !ordered[s.Order] {
			ordered[s.Order] = true
			c.Orders++
		}
		if !seen[in{s.Customer, m}] {
			seen[in{s.Customer, m}] = true
			c.Customers++
		}
		cells[k] = c
		spent[in{s.Customer, m}] += s.Amount
	}
	for k, v := range spent {
		f := flows[k.month]
		f.Active++
		f.Base += v
		if w, ok := spent[in{k.customer, k.month + 1}]; ok {
			f.Retained++
			f.Next += w
			f.Kept += min(v, w)
		}
		flows[k.month] = f
	}
	return cells, flows
}

// TestAgainstPaper compares with a count as on paper, in a zone whose months are not those of UTC, in any order of
// the sales.
func TestAgainstPaper(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Istanbul")
	require.NoError(t, err)
	r := rand.New(rand.NewPCG(1, 1))
	o := Options{Zone: zone, Until: time.Date(2026, 3, 15, 0, 0, 0, 0, zone)}
	begin := time.Date(2025, 1, 31, 21, 30, 0, 0, time.UTC).Unix() // half past midnight of 1 February there
	for range 30 {
		var sales []Sale
		for range 400 {
			order := uint32(r.IntN(200))
			sales = append(sales, Sale{Customer: order % 60, Order: order, At: begin + r.Int64N(o.Until.Unix()-begin), Amount: r.Int64N(10_000) - 1000})
		}
		sales = append(sales, Sale{Customer: 61, Order: 300, At: begin, Amount: 1})
		table, err := New(sales, o)
		require.NoError(t, err)
		require.Equal(t, "2025-02-01", table.Cohorts[0].Begin.Format(time.DateOnly))
		// An order whose lines are of several months is counted in the month of one of them: only its number is compared.
		cells, flows := naive(sales, o)
		orders, wantOrders := 0, 0
		for i, c := range table.Cohorts {
			for j, cell := range c.Cells {
				want := cells[[2]int{i, j}]
				require.Equal(t, []int64{int64(want.Customers), want.Amount}, []int64{int64(cell.Customers), cell.Amount})
				orders += cell.Orders
				wantOrders += want.Orders
			}
		}
		require.Equal(t, wantOrders, orders)
		for i, f := range table.Flow {
			want := flows[i]
			want.Begin, want.Partial = f.Begin, f.Partial
			require.Equal(t, want, f)
		}
		sortedByTime := slices.Clone(sales)
		slices.SortFunc(sortedByTime, func(a, b Sale) int { return int(a.At - b.At) })
		again, err := New(sortedByTime, o)
		require.NoError(t, err)
		for i := range again.Cohorts { // but for the month of orders that are of several
			for j := range again.Cohorts[i].Cells {
				again.Cohorts[i].Cells[j].Orders = table.Cohorts[i].Cells[j].Orders
			}
		}
		require.Equal(t, table, again)
	}
}

func TestBadSales(t *testing.T) {
	for want, in := range map[string]struct {
		sales []Sale
		o     Options
	}{
		"no sales":                          {nil, Options{}},
		"Options.Unit is 9":                 {[]Sale{{}}, Options{Unit: 9}},
		"sale 1: At is 1700000000000,":      {[]Sale{{}, {At: 1_700_000_000_000}}, Options{}},
		"sale 0: At is -62135596800,":       {[]Sale{{At: time.Time{}.Unix()}}, Options{}},
		"sale 1 is at 1970-01-01T00:01:40Z": {[]Sale{{}, {At: 100}}, Options{Until: time.Unix(100, 0)}},
		"sale 0: the numbers 1073741824":    {[]Sale{{Customer: maxNumber}}, Options{}},
		"more than 4096 periods":            {[]Sale{{}, {At: 1 << 30}}, Options{Unit: Day}},
	} {
		_, err := New(in.sales, in.o)
		require.ErrorIs(t, err, ErrData)
		require.ErrorContains(t, err, want)
	}
	from, to := time.Date(2024, 12, 3, 5, 0, 0, 0, time.UTC), time.Date(2025, 1, 31, 23, 0, 0, 0, time.UTC)
	for unit, want := range map[Unit]int{Day: 60, Week: 9, Month: 2, Quarter: 2, Year: 2} {
		table, err := New([]Sale{{At: from.Unix()}, {At: to.Unix()}}, Options{Unit: unit})
		require.NoError(t, err)
		require.Len(t, table.Cohorts, want, "%d", unit)
	}
}

// BenchmarkCohorts is cohorts, retention and flow of ten million lines of 108,000 customers: UCI's
// again and again, each time as other customers and orders.
func BenchmarkCohorts(b *testing.B) {
	once := uciSales(b)
	var sales []Sale
	for i := range uint32(25) {
		for _, s := range once {
			s.Customer += i * 4338
			s.Order += i * 18532
			sales = append(sales, s)
		}
	}
	b.ReportMetric(float64(len(sales)), "lines")
	for b.Loop() {
		if _, err := New(sales, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
