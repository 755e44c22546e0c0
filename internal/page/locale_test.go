package page

import (
	"regexp"
	"slices"
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
		{func(l *Locale) string { return l.Time(day) }, "1 Ocak 2025 12:00", "1 January 2025 12:00"},
		{func(l *Locale) string { return l.Signed(1234.5, 1) }, "+1.234,5", "+1,234.5"},
		{func(l *Locale) string { return l.Signed(0.04, 1) }, "0,0", "0.0"},
		{func(l *Locale) string { return l.Say("segment.smaller", 1) }, "Daha küçük 1 tanesi gösterilmiyor.", "1 smaller one is not shown."},
		{func(l *Locale) string { return l.Say("segment.smaller", 1500) }, "Daha küçük 1.500 tanesi gösterilmiyor.", "1,500 smaller ones are not shown."},
		{func(l *Locale) string { return l.Name("state", "done") + l.Name("state", "x") }, "yapıldıx", "donex"},
		{func(l *Locale) string { return l.Say("no.such") }, "no.such", "no.such"},
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

// Case GR1: what one language says, each other one says, too, in the plural forms that
// CLDR has for it and with the same parts.
func TestLanguagesAreWhole(t *testing.T) {
	require.Contains(t, languages, "tr")
	for tag, l := range languages {
		require.Len(t, l.Months, 12)
		var lacks []string // by name, for those who add a language
		for key := range English.words {
			if l.words[key] == nil {
				lacks = append(lacks, tag+" lacks "+key)
			}
		}
		for key := range l.words {
			if English.words[key] == nil {
				lacks = append(lacks, "en lacks "+key+" of "+tag)
			}
		}
		slices.Sort(lacks)
		require.Empty(t, lacks)
		for key, want := range English.words {
			for form, says := range l.words[key] {
				require.Equal(t, parts(want["other"]), parts(says), "%s, %s, in %s", key, form, tag)
			}
			if len(want) > 1 { // it counts
				for n := range 200 {
					require.NotEmpty(t, l.words[key][l.form(n)], "%s of %d in %s", key, n, tag)
				}
			}
		}
	}
}

// parts returns which parts a text has.
func parts(s string) []string {
	out := regexp.MustCompile(`\{\d\}`).FindAllString(s, -1)
	slices.Sort(out)
	return out
}

// A program's words stand beside those of the package; a file that is none is refused.
func TestWordsOfAProgram(t *testing.T) {
	l, err := Turkish.With([]byte(`{"words":{"night.evening":{"one":"{1} akşam","other":"{1} akşam"},"state.done":"bitti"},"formats":{"group":" "}}`))
	require.NoError(t, err)
	require.Equal(t, "1 200 akşam", l.Say("night.evening", 1200))
	require.Equal(t, "bitti", l.Name("state", "done"))
	require.Equal(t, "%1,5", l.Percent(0.015, 1))
	require.Equal(t, "yapıldı", Turkish.Name("state", "done"))
	_, err = English.With([]byte(`{"words":[]}`))
	require.ErrorContains(t, err, "language en: ")
}
