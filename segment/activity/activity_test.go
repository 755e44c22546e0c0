package activity

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/segment"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]condition{
		"purchase >= 2 in 90d":            {Kind: "purchase", Min: 2, Max: unbounded, From: 90},
		"purchase = 0 in 30d":             {Kind: "purchase", From: 30},
		"alışveriş <= 5 in 7d":            {Kind: "alışveriş", Max: 5, From: 7},
		"  service  >= 1 in 1095d..730d ": {Kind: "service", Min: 1, Max: unbounded, From: 1095, To: 730},
		"purchase in 6 of 8 weeks":        {Kind: "purchase", Min: 6, Max: unbounded, Weeks: 8},
	} {
		got, err := parseCondition(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		require.Equal(t, strings.Join(strings.Fields(text), " "), got.String())
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "column 1: expected a kind of activity of at most 100 bytes",
		"a,b >= 1 in 3d":                  "column 1: a kind of activity is one word of letters, digits, -, _ and .",
		"alışveriş > 1 in 3d":             `column 11: expected >=, <=, = or "in"`,
		"a >= x in 3d":                    "column 6: expected a number from 0 to 1000000",
		"a >= 01 in 3d":                   "column 6: expected a number from 0 to 1000000",
		"a >= 1":                          `column 7: expected "in"`,
		"a >= 1 in 3":                     "column 11: expected days such as 90d, at most 36600d",
		"a >= 1 in 3d..9d":                "column 11: the earlier day, which is more days ago, comes first",
		"a >= 1 in 3d extra":              "column 14: expected the end",
		"a in 9 of 8 weeks":               "column 11: needs from 1 to all of at least one week",
		"a in 9 of 9":                     `column 12: expected "weeks"`,
		"a in 9":                          `column 7: expected "of"`,
		"a in x of 9 weeks":               "column 6: expected a number from 0 to 5228",
		"a >= 99999999999999999999 in 1d": "column 6: expected a number from 0 to 1000000",
	} {
		_, err := parseCondition(text)
		var at *segment.InvalidError
		require.ErrorAs(t, err, &at, text)
		require.Equal(t, fmt.Sprintf("segment: condition %q: %s", text, want), err.Error())
	}
	_, err := parseCondition(strings.Repeat("x", 10<<20))
	require.Less(t, len(err.Error()), 400)
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"purchase >= 2 in 90d", "service >= 1 in 1095d..730d", "a in 6 of 8 weeks", "a = 0 in 0d", "\xff <= 1 in"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseCondition(text)
		if err != nil {
			var at *segment.InvalidError
			if !errors.As(err, &at) {
				t.Fatalf("untyped %v", err)
			}
			return
		}
		if back, err := parseCondition(c.String()); err != nil || back != c {
			t.Fatalf("%q -> %q: %v", text, c, err)
		}
	})
}

// genCondition draws a condition that can be written.
func genCondition(days int) *rapid.Generator[condition] {
	return rapid.Custom(func(t *rapid.T) condition {
		c := condition{Kind: rapid.SampledFrom([]string{"buy", "visit"}).Draw(t, "kind"), Max: unbounded}
		if rapid.Bool().Draw(t, "weeks") {
			c.Weeks = rapid.IntRange(1, 6).Draw(t, "of")
			c.Min = rapid.IntRange(1, c.Weeks).Draw(t, "min")
			return c
		}
		n := rapid.IntRange(0, 3).Draw(t, "n")
		switch rapid.IntRange(0, 2).Draw(t, "relation") {
		case 0:
			c.Min = n
		case 1:
			c.Max = n
		default:
			c.Min, c.Max = n, n
		}
		c.From = rapid.IntRange(0, days).Draw(t, "from")
		c.To = rapid.IntRange(0, c.From).Draw(t, "to")
		return c
	})
}

// Every answer is the one that looking at each day of a calendar gives, in a
// zone whose days are not all 24 hours long.
func TestHoldsAgainstCalendar(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		log := NewLog(paris)
		base := time.Date(2025, 3, 20, 0, 0, 0, 0, time.UTC) // summer time begins on 30 March
		did := map[string][]time.Time{}
		days := rapid.SampledFrom([]int{3, 20, 60}).Draw(t, "days")
		for range rapid.IntRange(0, 25).Draw(t, "n") {
			at := base.Add(time.Duration(rapid.IntRange(0, days*24).Draw(t, "hour")) * time.Hour)
			kind := rapid.SampledFrom([]string{"buy", "visit"}).Draw(t, "kind")
			require.NoError(t, log.Add("ayşe", kind, at))
			did[kind] = append(did[kind], at)
		}
		date := func(t time.Time, back int) string {
			y, m, d := t.In(paris).Date()
			return time.Date(y, m, d-back, 12, 0, 0, 0, time.UTC).Format(time.DateOnly)
		}
		ask := func(c condition, at time.Time) bool {
			onDay := func(back int) (n int) {
				for _, d := range did[c.Kind] {
					if !d.After(at) && date(d, 0) == date(at, back) {
						n++
					}
				}
				return n
			}
			n := 0
			if c.Weeks == 0 {
				for d := c.To; d <= c.From; d++ {
					n += onDay(d)
				}
				return n >= c.Min && n <= c.Max
			}
			for w := range c.Weeks {
				for d := range 7 {
					if onDay(7*w+d) > 0 {
						n++
						break
					}
				}
			}
			return n >= c.Min
		}
		for range 20 {
			c := genCondition(days).Draw(t, "condition")
			at := base.Add(time.Duration(rapid.IntRange(0, (days+7)*24).Draw(t, "at")) * time.Hour)
			holds := log.holds(c)
			require.Equal(t, ask(c, at), holds("ayşe", at), "%s at %s of %v", c, at, did[c.Kind])
			require.Equal(t, c.Min == 0, holds("burak", at))
			back, err := parseCondition(c.String())
			require.NoError(t, err)
			require.Equal(t, c, back)
		}
		log.Forget("ayşe")
		holds := log.holds(condition{Kind: "buy", Min: 1, Max: unbounded, From: 100})
		require.False(t, holds("ayşe", base.AddDate(0, 0, 60)))
	})
}

func TestAddRefuses(t *testing.T) {
	log := NewLog(nil)
	at := time.Unix(1, 0)
	var bad *segment.InvalidError
	require.ErrorAs(t, log.Add("", "buy", at), &bad)
	require.ErrorAs(t, log.Add("a", "two words", at), &bad)
	require.ErrorAs(t, log.Add("a", "buy", time.Time{}), &bad)
}

// "Two purchases in 90 days but none in the last 30", as time and purchases pass.
func TestSupply(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2025, 1, 1, 20, 0, 0, 0, time.UTC).AddDate(0, 0, n) }
	log := NewLog(nil)
	for _, n := range []int{0, 10} {
		require.NoError(t, log.Add("ayşe", "purchase", day(n)))
	}
	require.NoError(t, log.Add("burak", "purchase", day(5)))
	defs, err := segment.ParseDefinitions(`
		segment lapsing = leaf("purchase >= 2 in 90d") except leaf("purchase >= 1 in 30d")
		segment regular = leaf("purchase in 2 of 3 weeks") and baby`, segment.Limits{})
	require.NoError(t, err)
	idx := segment.NewIndex(segment.Options{})
	_, err = idx.Join(day(10), "ayşe", "burak")
	require.NoError(t, err)
	_, err = Supply(idx, log, day(10), defs...)
	require.NoError(t, err)
	_, err = idx.Define(day(10), defs...)
	require.NoError(t, err)
	require.NoError(t, idx.Track("lapsing"))
	var moves []string
	note := func(changes segment.Changes, err error) {
		require.NoError(t, err)
		for c := range changes.All() {
			moves = append(moves, fmt.Sprint(c.At.YearDay()-1, " ", c.Customer, " ", c.Entered))
		}
	}
	for n := 11; n < 45; n++ {
		note(idx.Advance(day(n)))
	}
	require.NoError(t, log.Add("ayşe", "purchase", day(45)))
	note(idx.Touch(day(45), "ayşe"))
	require.Equal(t, []string{"41 ayşe true", "45 ayşe false"}, moves)
	seq, err := idx.View().Members("lapsing", day(44))
	require.NoError(t, err)
	require.Equal(t, []string{"ayşe"}, slices.Collect(seq), "the question about the past is answered as then")

	defs, err = segment.ParseDefinitions(`segment x = leaf("purchase > 2 in 90d")`, segment.Limits{})
	require.NoError(t, err)
	_, err = Supply(idx, log, day(45), defs...)
	require.EqualError(t, err, `segment: condition "purchase > 2 in 90d": column 10: expected >=, <=, = or "in"`)
}
