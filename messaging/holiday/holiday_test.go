package holiday_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/messaging/holiday"
)

func until(t *testing.T, c holiday.Calendar, day string) int {
	at, err := time.Parse(time.DateOnly, day)
	require.NoError(t, err)
	return c.Until(at)
}

// The dates are those of the official calendars of the years.
func TestHolidays(t *testing.T) {
	for day, want := range map[string]int{"2025-03-29": 13, "2025-03-30": 0, "2025-04-01": 0, "2025-04-02": 24, "2025-06-05": 13, "2025-06-06": 0, "2025-06-09": 0, "2025-06-10": 24,
		"2026-03-19": 13, "2026-03-20": 0, "2026-05-30": 0, "2026-05-31": 24, "2025-10-28": 13, "2025-10-29": 0, "2016-07-15": 24, "2017-07-15": 0, "2031-01-23": 13, "2040-05-01": 0, "2040-05-02": 24} {
		require.Equal(t, want, until(t, holiday.Turkey(), day), day)
	}
	for day, want := range map[string]int{"2024-04-01": 0, "2024-05-09": 0, "2024-05-20": 0, "2025-04-21": 0, "2025-05-29": 0, "2025-06-09": 0, "2025-04-20": 24, "2026-04-06": 0, "2000-04-24": 0, "2038-04-26": 0,
		"2025-07-14": 0, "2025-12-26": 24, "1500-04-20": 24} {
		require.Equal(t, want, until(t, holiday.France(), day), day)
	}
	for country, want := range map[string]bool{"TR": true, "FR": true, "US": false, "": false} {
		c, ok := holiday.Of(country)
		require.Equal(t, want, ok)
		if ok {
			require.Equal(t, country, c.Country())
		}
	}
	require.True(t, holiday.Turkey().Covers(2032))
	require.False(t, holiday.Turkey().Covers(2033))
	require.Equal(t, 24, holiday.Calendar{}.Until(time.Unix(0, 0)))
}
