package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm/cohort"
)

// TestSummaryRefuses: numbers that are no counts are refused with their line, not cut off.
func TestSummaryRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"frequency,recency,periods,weights\n1,1,6,5\n1,1.9,6,5\n": "in.csv:3: recency: 1.9",
		"frequency,recency,periods,weights\n1,1,6.5,5\n":          "in.csv:2: periods: 6.5",
		"frequency,recency,periods,weights\n1,1,6,1.7\n":          "in.csv:2: weights: 1.7",
		"frequency,recency,periods,weights\n1,1,6,inf\n":          "in.csv:2: weights: +Inf",
		"frequency,recency,periods,weights\n1,1,nan,1\n":          "in.csv:2: periods: NaN",
		"frequency,recency,periods,weights\n1,1e300,6,1\n":        "in.csv:2: recency: 1e+300",
		"x,t_x,T\n1000000000,5,6\n":                               "in.csv:2: x: 1e+09",
		"x,t_x,T\nnan,5,6\n":                                      "in.csv:2: x: NaN",
	} {
		var out bytes.Buffer
		err := run(t.Context(), []string{"-summary", file(t, text)}, &out, &out)
		require.ErrorContains(t, err, want)
	}
}

// TestSalesRefused: files that are no sales, or whose sums no number holds, are refused with their line.
func TestSalesRefused(t *testing.T) {
	const head = "customer,time,amount,category\n"
	for text, want := range map[string]string{
		"":                                                  "no rows below the header",
		"\ufeff" + head:                                     "no rows below the header",
		head + "\"a,2026-01-01,5,x\n":                       "line 2",
		head + "a,2026-01-01,5,x\n\"b":                      "line 3",
		head + "a,0000-13-01,5,x\n":                         "in.csv:2: \"0000-13-01\" is no time",
		head + "a,0001-01-01,5,x\n":                         "years 1000 to 9999",
		head + "a,2026-01-01,\"1,5\",x\n":                   "in.csv:2: \"1,5\" is no amount",
		head + "\xff,2026-01-01,5,x\n":                      "in.csv:2: customer or category is no UTF-8",
		head + "a,2026-01-01,5,\xc3\x28\n":                  "in.csv:2: customer or category is no UTF-8",
		head + strings.Repeat("a,2026-01-01,1e13,x\n", 10):  "in.csv:11: the amounts until here are more than",
		head + strings.Repeat("a,2026-01-01,-1e13,x\n", 10): "in.csv:11: the amounts until here are more than",
	} {
		var out bytes.Buffer
		err := run(t.Context(), []string{"-in", file(t, text)}, &out, &out)
		require.ErrorContains(t, err, want, "%.60q", text)
	}
}

// TestStrangeSales: a line, a customer, returns alone and gifts alone have an answer, and names go out as what they are.
func TestStrangeSales(t *testing.T) {
	const head = "customer,time,amount,category\n"
	names := []string{"<script>alert(1)</script>", "=cmd|'/c calc'!A0", "\u202egnp", strings.Repeat("n", 10_000), "x\x1b[31m", "a\x00b"}
	var rows strings.Builder
	for i, n := range names {
		for month := 1; month < 8; month++ {
			fmt.Fprintf(&rows, "\"%s\",2026-%02d-%02d,%d,\"<b>%s\"\n", n, month, 1+i, 10+i*month, n)
		}
	}
	for _, text := range []string{
		head + "a,2026-01-01,5,x\n", head + "a,2026-01-01,5,x\na,2026-02-01,5,x\n", head + "a,2026-01-01,-5,x\nb,2026-02-01,-7,x\nb,2026-03-01,-7,x\n",
		head + "a,2026-01-01,0,x\na,2026-03-01,0,y\n", head + rows.String(),
	} {
		page := filepath.Join(t.TempDir(), "page.html")
		var out, errs bytes.Buffer
		require.NoError(t, run(t.Context(), []string{"-in", file(t, text), "-report", page, "-currency", "TRY", "-json"}, &out, &errs), "%.60q", text)
		var a answer
		require.NoError(t, json.Unmarshal(out.Bytes(), &a))
		html, err := os.ReadFile(page)
		require.NoError(t, err)
		require.True(t, utf8.Valid(html))
		for _, bad := range []string{"<script", "<b>", "\x1b", "\x00"} {
			require.NotContains(t, string(html), bad)
		}
	}
}

// TestLongAgo: between two purchases of the same customer are more years than a time.Duration has.
func TestLongAgo(t *testing.T) {
	var out, errs bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-in", file(t, "customer,time,amount\na,1700-01-01,5\na,2026-01-01,5\nb,2026-01-01,7\n"), "-json"}, &out, &errs))
	var a answer
	require.NoError(t, json.Unmarshal(out.Bytes(), &a))
	require.Len(t, a.Cohorts, 2, "months without a new customer are left out")
	o, err := parse([]string{"-in", file(t, "customer,time,amount\na,1700-01-01,5\na,2026-01-01,5\n")}, io.Discard)
	require.NoError(t, err)
	b, err := readSales(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, []int{-119069, 0}, b.people()[0].days)
}

// TestSkippedMidnight: a day whose first hour clocks skip ends when the next begins.
func TestSkippedMidnight(t *testing.T) {
	for zone, days := range map[string][3]string{"America/Havana": {"2026-03-07", "2026-03-08", "2026-03-09"}, "America/Sao_Paulo": {"2018-11-03", "2018-11-04", "2018-11-05"}} {
		o, err := parse([]string{"-in", file(t, "customer,time,amount\na,"+days[0]+" 23:30,5\na,"+days[1]+" 23:30,5\na,"+days[2]+" 00:30,5\n"), "-zone", zone, "-until", days[1]}, io.Discard)
		require.NoError(t, err)
		b, err := readSales(t.Context(), o)
		require.NoError(t, err)
		require.Len(t, b.sales, 2)
		require.Equal(t, days[1], b.until.Format(time.DateOnly))
		require.Equal(t, days[2], tomorrow(b.until).Format(time.DateOnly))
		require.Equal(t, days[1], tomorrow(b.sales[0].at).Format(time.DateOnly))
		require.Equal(t, []int{-1, 0}, b.people()[0].days)
		_, err = cohort.New([]cohort.Sale{{At: b.sales[0].at.Unix()}, {At: b.sales[1].at.Unix()}}, cohort.Options{Zone: o.zone, Until: tomorrow(b.until)})
		require.NoError(t, err)
	}
}
