package people

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// E3, E6, E7: a misspelt name is still a name, which is not that of the husband or the twin.
func TestDifferentNames(t *testing.T) {
	names := knownNames()
	for _, c := range []struct {
		a, b      string
		different bool
	}{
		{"ayse", "mehmet", true}, {"kemal", "cemal", true}, {"nuri", "nuriye", true},
		{"ahet", "gulsum", true}, {"ail", "ayse", true}, {"ftma", "mehmet", true}, {"serkn", "serdar", true},
		{"gulayy", "gul", true}, {"seiife", "sevim", true}, {"memhet ali", "hasan", true},
		{"ahet", "ahmet", false}, {"memhet", "mehmet", false}, {"serkann", "serkan", false}, {"serkn", "serkan", false},
		{"mehmet ali", "ali", false}, {"mehmet ai", "ali", false},
		{"ahet", "gulsm", false}, // either may be a name of its own
		{"jacquelyn", "mehmet", false}, {"guinevere", "gwendolyn", false}, {"ay", "mehmet", false}, {"al", "mehmet", false}, {"", "mehmet", false},
		{"abdurrahmangaziosmanpasa", "mehmet", false},
	} {
		require.Equal(t, c.different, names.different(c.a, c.b), "%q %q", c.a, c.b)
		require.Equal(t, c.different, names.different(c.b, c.a), "%q %q", c.b, c.a)
		if c.different {
			require.Zero(t, likeGiven{names}.Compare(c.a, c.b)*unlike{names}.Compare(c.a, c.b))
			require.Less(t, likeGiven{names}.Compare(c.a, c.b), leastLike)
		}
	}
}

// A typing error in the name of a street leaves the numbers of house and flat as they were.
func TestDoors(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want float64
	}{
		{"fatih blv no 46 d 6", "fatih bulrari no 46 d 6", 0.5}, {"mevlana sok no 39 d 14", "mevlna sok no 39 d 14", 1},
		{"fatih blv no 46 d 6", "fatih blv no 46 d 7", 0}, {"fatih blv no 46 d 6", "fatih blv no 46", 0},
		{"fatih blv", "fatih blv ek", 0}, {"chillagoe street", "chilagoe street", 1}, {"lale 11", "lale 12", 0}, {"lale 5", "gul 5", 0}, {"a b c d 5", "e f g h 5", 0},
	} {
		require.Equal(t, c.want, doors{}.Compare(c.a, c.b), "%q %q", c.a, c.b)
		require.Equal(t, c.want, doors{}.Compare(c.b, c.a), "%q %q", c.b, c.a)
	}
}
