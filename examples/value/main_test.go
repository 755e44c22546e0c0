package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/examples/internal/programtest"
)

// Cases GT2, GT3 and GT4: help, faults of the command line and an interrupt.
func TestCommandLine(t *testing.T) {
	programtest.CommandLine(t, "value", run, "-weeks 0", "-discount -1", "-margin 2", "-top -1", "-zone x", "-until x", "-in a -summary b", "-export x", "-currency TRY", "-lang de", "-summary b -report x", "-summary b -export x -currency TRY")
}

func file(t *testing.T, text string) string {
	path := filepath.Join(t.TempDir(), "in.csv")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func answerOf(t *testing.T, args ...string) (a answer) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), append(args, "-json"), &out, &out))
	require.NoError(t, json.Unmarshal(out.Bytes(), &a))
	return a
}

// TestSummary reads what the papers publish, and finds their parameters.
func TestSummary(t *testing.T) {
	dir := os.Getenv("VEFA_DATA")
	if dir == "" {
		dir = "../../../shared/data"
	}
	path := filepath.Join(dir, "retail/cdnow/cdnow_customers_summary_with_transactions.csv")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no retail data at %s (VEFA_DATA)", dir)
	}
	a := answerOf(t, "-summary", path)
	for _, x := range []struct {
		m    *model
		want map[string]float64
	}{
		{a.BGNBD, map[string]float64{"r": .2426, "alpha": 4.4135, "a": .7929, "b": 2.4258, "loglik": -9582.4256}},
		{a.MBGNBD, map[string]float64{"r": .5248, "alpha": 6.183, "a": .8914, "b": 1.614, "loglik": -9582.1327}},
		{a.ParetoNBD, map[string]float64{"r": .5533, "alpha": 10.5776, "s": .6062, "beta": 11.6679, "loglik": -9594.9739}},
		{a.GammaGamma, map[string]float64{"p": 6.2488, "q": 3.7446, "gamma": 15.4477, "loglik": -4055.9232}},
	} {
		for k, v := range x.want {
			require.InEpsilon(t, v, (*x.m)[k], 1e-4, k)
		}
	}
	require.InDelta(t, 1917.28, a.Alive, .01)
	donors := answerOf(t, "-summary", filepath.Join(dir, "retail/cdnow/donations.csv"))
	require.InEpsilon(t, -33225.58127, (*donors.BGBB)["loglik"], 1e-8)
	require.Nil(t, donors.BGNBD)
}

// TestSales: what is bought on one day is one purchase, what is later than -until is not known, the
// first purchase is left out of what purchases are worth.
func TestSales(t *testing.T) {
	path := file(t, `customer,time,amount,category
a,2025-01-01 09:00:00,10.00,watch
a,2025-01-01 18:00:00,5.00,strap
a,2025-02-05,20.00,watch
b,2025-01-10,7.50,strap
b,2025-01-24,9.50,watch
b,2025-03-01,99.00,watch
`)
	a := answerOf(t, "-in", path, "-until", "2025-02-28")
	require.Equal(t, 2, a.Customers)
	require.Equal(t, "2025-02-28", a.Until)
	require.InDelta(t, 52, a.Revenue, 1e-9)
	require.Equal(t, 1.0, a.RepeatRate)
	require.Equal(t, []int{2, 1}, []int{a.Cohorts[0].Cells[0].Customers, a.Cohorts[0].Cells[1].Customers})
	require.NotNil(t, a.GammaGamma)
	require.Len(t, a.Top, 2)
	for want, text := range map[string]string{
		"in.csv:3: \"soon\" is no time": "customer,time,amount\na,2025-01-01,1\nb,soon,1\n",
		"in.csv:2: \"x\" is no amount":  "customer,time,amount\na,2025-01-01,x\n",
		"in.csv:2: customer is empty":   "customer,time,amount\n,2025-01-01,1\n",
		"the header needs customer":     "who,time,amount\na,2025-01-01,1\n",
		"no rows below the header":      "customer,time,amount\n",
	} {
		var out bytes.Buffer
		require.ErrorContains(t, run(t.Context(), []string{"-in", file(t, text)}, &out, &out), want)
	}
	for want, text := range map[string]string{
		"in.csv:2: x: \"a\" is no number": "x,t_x,T\na,1,2\n",
		"Last is 3, not from 0 to Age":    "x,t_x,T\n1,3,2\n",
		"the header needs x, t_x and T":   "a,b\n1,2\n",
	} {
		var out bytes.Buffer
		require.ErrorContains(t, run(t.Context(), []string{"-summary", file(t, text)}, &out, &out), want)
	}
}

// TestSimulated: without flags there is a shop, the same each time.
func TestSimulated(t *testing.T) {
	var one, two bytes.Buffer
	require.NoError(t, run(t.Context(), nil, &one, &one))
	require.NoError(t, run(t.Context(), nil, &two, &two))
	require.Equal(t, one.String(), two.String())
	require.Contains(t, one.String(), "1,500 customers until 31 December 2025")
	require.Contains(t, one.String(), "BG/NBD")
}

// TestExport: DuckDB has the numbers of the report from the files.
func TestExport(t *testing.T) {
	dir := t.TempDir()
	a := answerOf(t, "-export", filepath.Join(dir, "star"), "-currency", "TRY")
	for _, name := range []string{"sales", "day", "category"} {
		b, err := os.ReadFile(filepath.Join(dir, "star", name+".parquet"))
		require.NoError(t, err)
		require.Equal(t, "PAR1", string(b[:4]))
	}
	var out bytes.Buffer
	require.ErrorContains(t, run(t.Context(), []string{"-export", dir, "-currency", "lira"}, &out, &out), `money of the currency "lira"`)
	python := os.Getenv("VEFA_PYTHON")
	if python == "" {
		if os.Getenv("VEFA_REQUIRE_ALL") == "1" {
			t.Fatal("VEFA_PYTHON names no Python with duckdb")
		}
		t.Skip("VEFA_PYTHON names no Python with duckdb: duckdb.sql was not tried")
	}
	sql, err := filepath.Abs("duckdb.sql")
	require.NoError(t, err)
	cmd := exec.Command(python, "-c", `import duckdb, json, sys
answers = [s.fetchall() for s in (duckdb.execute(x) for x in duckdb.extract_statements(open(sys.argv[1]).read()))]
print(json.dumps(answers))`, sql)
	cmd.Dir = filepath.Join(dir, "star")
	raw, err := cmd.CombinedOutput()
	require.NoError(t, err, string(raw))
	var got [][][]any
	require.NoError(t, json.Unmarshal(raw, &got))
	require.Contains(t, got[0][0][0], `"definition":"examples/value 1"`)
	require.Equal(t, []any{math.Round(a.Revenue * 100), float64(a.Customers)}, got[3][0])
	var want [][]any
	for _, c := range a.Cohorts {
		for i, cell := range c.Cells {
			if cell.Customers > 0 {
				month := c.Begin.AddDate(0, i, 0)
				want = append(want, []any{c.Begin.Format("2006-01"), month.Format("2006-01"), float64(cell.Customers)})
			}
		}
	}
	require.Equal(t, want, got[2])
}
