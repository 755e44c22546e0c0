package main

import (
	"bytes"
	"io"
	"testing"
	"time"

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
