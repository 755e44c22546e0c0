package people

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/dedup/metric"
)

var sketchers = map[string]metric.Sketcher{
	"nickname": nickname{newShortNames(map[string]string{"joska": "jozsef"})}, "part": part{}, "likeWord": likeWord{}, "initial": initial{},
	"phones": phones{}, "mails": mails{}, "dates": dates{}, "places": places{},
}

// No bound is below what the strings say.
func checkBounds(t testing.TB, a, b string) {
	if a == b || a == "" || b == "" { // equal and unknown values are not graded
		return
	}
	for name, m := range sketchers {
		x, y := m.Sketch(a), m.Sketch(b)
		if x == 0 || y == 0 {
			continue
		}
		bound, is := m.Bound(x, y), m.Compare(min(a, b), max(a, b))
		require.GreaterOrEqual(t, bound, is, "%s of %q and %q", name, a, b)
		require.Equal(t, bound, m.Bound(y, x), "%s of %q and %q, turned round", name, a, b)
		if name == "dates" {
			require.Equal(t, is, bound, "of %q and %q a sketch says all", a, b)
		}
	}
}

func FuzzBounds(f *testing.F) {
	for _, p := range [][2]string{{"ayse", "ayşe"}, {"mehmet", "mehemt"}, {"1980-05-12", "1980-12-05"}, {"1980-05-12", "1980"}, {"1980-05", "1980-05-12"},
		{"1980-01-01", "1980-05-12"}, {"1979-05-12", "1980-05-12"}, {"1980-15-12", "1980-51-12"}, {"istanbul|kadikoy", "istanbul|"}, {"istanbul", "istambul|kadikoy"},
		{"|kadikoy", "ankara|kadikoy"}, {"a@b.c", "ab@c"}, {"ayse.kaya@x.com", "ayse.kya@y.com"}, {"+905321234567", "+905321234576"}, {"fatma nur", "nur"}, {"q", "w"}} {
		f.Add(p[0], p[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) { checkBounds(t, a, b) })
}

// Names and their short forms stay within bounds, and dates of all kinds are told exactly.
func TestBounds(t *testing.T) {
	words := map[string]bool{"joska": true, "jozsef": true}
	for short, names := range nicknames {
		words[short] = true
		for n := range strings.FieldsSeq(names) {
			words[n] = true
		}
	}
	low := 0
	for a := range words {
		for b := range words {
			checkBounds(t, a, b)
			m := sketchers["nickname"]
			if m.Bound(m.Sketch(a), m.Sketch(b)) == 0 {
				low++
			}
		}
	}
	require.Greater(t, low, len(words)*len(words)/2, "bounds that forbid nothing are no use")
	var days []string
	for _, year := range []string{"1980", "1981", "1908", "1990", "9180"} {
		days = append(days, year)
		for _, month := range []string{"01", "10", "12", "21"} {
			days = append(days, year+"-"+month)
			for _, day := range []string{"01", "10", "11", "12", "21"} {
				days = append(days, year+"-"+month+"-"+day)
			}
		}
	}
	for _, a := range days {
		for _, b := range days {
			checkBounds(t, a, b)
		}
	}
}
