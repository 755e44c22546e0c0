package cohort

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestSkippedMidnight: where clocks go forward at midnight a day begins an hour later, and not in the day before.
func TestSkippedMidnight(t *testing.T) {
	for zone, gap := range map[string]string{
		"America/Havana":    "2026-03-08",
		"America/Sao_Paulo": "2018-11-04",
		"Europe/Istanbul":   "1978-04-02", // at one in the morning
		"Asia/Beirut":       "2026-03-29",
		"Pacific/Apia":      "2011-12-31", // the day before was left out
	} {
		where, err := time.LoadLocation(zone)
		require.NoError(t, err)
		noon, err := time.ParseInLocation("2006-01-02 15:04", gap+" 12:00", where)
		require.NoError(t, err)
		var sales []Sale
		for i, at := range []time.Time{noon.Add(-36 * time.Hour), noon.Add(-13*time.Hour - 45*time.Minute), noon, noon.Add(11*time.Hour + 45*time.Minute), noon.Add(24 * time.Hour)} {
			sales = append(sales, Sale{Customer: uint32(i), Order: uint32(i), At: at.Unix()})
		}
		table, err := New(sales, Options{Unit: Day, Zone: where})
		require.NoError(t, err, zone)
		want := map[string]int{}
		for _, s := range sales {
			want[time.Unix(s.At, 0).In(where).Format(time.DateOnly)]++
		}
		got := map[string]int{}
		for _, c := range table.Cohorts {
			if c.Size > 0 {
				got[c.Begin.Format(time.DateOnly)] = c.Size
			}
		}
		require.Equal(t, want, got, zone)
	}
}
