package page

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Case GR1: numbers, shares, money, dates and plurals as the reader's language
// writes them.
func TestLocales(t *testing.T) {
	day := time.Date(2025, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		write  func(*Locale) string
		tr, en string
	}{
		{func(l *Locale) string { return l.Int(17497) }, "17.497", "17,497"},
		{func(l *Locale) string { return l.Percent(0.977, 1) }, "%97,7", "97.7%"},
		{func(l *Locale) string { return l.Percent(-0.02, 1) }, "−%2,0", "−2.0%"},
		{func(l *Locale) string { return l.Money(1075990, 2, "TRY") }, "10.759,90\u00a0₺", "₺10,759.90"},
		{func(l *Locale) string { return l.Money(-5, 2, "CHF") }, "−0,05\u00a0CHF", "−CHF\u00a00.05"},
		{func(l *Locale) string { return l.Date(day) }, "1 Ocak 2025", "1 January 2025"},
		{func(l *Locale) string { return l.Day(day.AddDate(0, 7, 0)) }, "1 Ağu", "1 Aug"},
		{func(l *Locale) string { return l.Count(1, "müşteri", "customers") }, "1 müşteri", "1 müşteri"},
		{func(l *Locale) string { return l.Count(1500, "müşteri", "customers") }, "1.500 müşteri", "1,500 customers"},
		{func(l *Locale) string { return l.Decimal(-1234.5, 1) }, "−1.234,5", "−1,234.5"},
		{func(l *Locale) string { return l.Decimal(-0.04, 1) }, "0,0", "0.0"},
		{func(l *Locale) string { return l.Part(1, 1000) }, "<%1", "<1%"},
		{func(l *Locale) string { return l.Part(999, 1000) }, ">%99", ">99%"},
		{func(l *Locale) string { return l.Part(1, 2) }, "%50", "50%"},
		{func(l *Locale) string { return l.Part(0, 0) }, "%0", "0%"},
		{func(l *Locale) string { return l.Probability(0.00001) }, "<%0,01", "<0.01%"},
		{func(l *Locale) string { return l.Probability(0.99999) }, ">%99,99", ">99.99%"},
	} {
		require.Equal(t, c.tr, c.write(Turkish))
		require.Equal(t, c.en, c.write(English))
	}
	require.Same(t, Turkish, For("tr-TR"))
	require.Same(t, English, For("en"))
	require.Same(t, English, For(""))
}
