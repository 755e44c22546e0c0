package people

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// E12: years of birth in e-mail addresses.
func TestYear(t *testing.T) {
	for _, c := range []struct{ birth, emails, given, want string }{
		{"1982-04-05", "ali.kaya85@example.com", "ali", "1982"}, {"1982", "", "", "1982"},
		{"", "ali.kaya1982@example.com", "ali", "~1982"}, {"", "akaya82@example.com", "ali", "~82"}, {"", "a82kaya@example.com", "ali", "~82"},
		{"", "akaya@example.com\x1fali2004@example.com", "ali", "~2004"},
		{"", "vkaya1982@example.com", "ali", ""}, {"", "ali1882@example.com", "ali", ""}, {"", "ali198@example.com", "ali", ""},
		{"", "a1kaya82@example.com", "ali", ""}, {"", "ali82kaya34@example.com", "ali", ""}, {"", "ali1982@example.com", "", ""}, {"", "", "ali", ""}, {"", "@1982", "ali", ""},
	} {
		require.Equal(t, c.want, year(c.birth, c.emails, c.given), "%+v", c)
	}
	for _, c := range []struct {
		a, b string
		want float64
	}{{"1982", "~1982", 1}, {"1982", "~82", 0.8}, {"1982", "~34", 0.4}, {"1982", "~1985", 0}} {
		require.Equal(t, c.want, years{}.Compare(c.a, c.b))
		require.Equal(t, c.want, years{}.Compare(c.b, c.a))
	}
	require.True(t, math.IsNaN(years{}.Compare("1982", "1982")), "births are compared as dates")
	require.True(t, math.IsNaN(years{}.Compare("~82", "~82")), "addresses are compared as such")
}
