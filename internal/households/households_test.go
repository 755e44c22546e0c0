package households_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/internal/households"
)

// hamlet has few names, so that those of a family would be alike if they were not drawn apart.
type hamlet struct{ r *rand.Rand }

func (h hamlet) Given(woman bool) string { return fmt.Sprintf("%v%d", woman, h.r.IntN(9)) }
func (h hamlet) Family() string          { return fmt.Sprint("family ", h.r.IntN(5)) }
func (h hamlet) Phones() (phone, second string) {
	return fmt.Sprint(h.r.IntN(1e9)), ""
}
func (h hamlet) Email(given, family string, year int) string {
	return fmt.Sprint(given, "@", family, year)
}

func TestMake(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pairs, alone, maiden, children := map[households.Relation]int{}, 0, 0, 0
	const n, latest = 4000, 2012
	for range n {
		h := households.Make(r, hamlet{r}, "Demir", latest)
		related := map[[2]int]bool{}
		for _, k := range h.Kin {
			pairs[k.Relation]++
			a, b := h.Members[k.A], h.Members[k.B]
			switch k.Relation {
			case households.Couple:
				require.False(t, a.Woman)
				require.True(t, b.Woman)
			case households.Parent:
				require.GreaterOrEqual(t, b.Year-a.Year, 21)
			case households.Twins:
				require.Equal(t, [3]int{a.Year, a.Month, a.Day}, [3]int{b.Year, b.Month, b.Day})
				require.NotEqual(t, a.Given, b.Given)
			case households.Namesake:
				require.Equal(t, a.Given, b.Given)
				require.False(t, a.Woman || b.Woman)
				related[[2]int{k.A, k.B}] = true
			}
		}
		if len(h.Members) == 1 {
			alone++
		}
		for i, p := range h.Members {
			require.Equal(t, "Demir", p.Family)
			require.LessOrEqual(t, p.Year, latest)
			require.True(t, p.PhoneOf >= -1 && p.PhoneOf < len(h.Members) && p.PhoneOf != i)
			require.True(t, p.EmailOf >= -1 && p.EmailOf < len(h.Members) && p.EmailOf != i)
			require.Equal(t, fmt.Sprint(p.Given, "@", p.MailFamily, p.Year), p.Email)
			require.Contains(t, []string{p.Family, p.Maiden}, p.MailFamily)
			if p.Maiden != "" {
				maiden++
				require.True(t, p.Woman)
			}
			if p.Year > 2004 {
				children++
			}
			for k, q := range h.Members[:i] {
				if q.Given == p.Given && !related[[2]int{k, i}] {
					require.Failf(t, "one name", "%+v", h)
				}
			}
		}
	}
	require.InDelta(t, 0.35*n, alone, 0.03*n)
	require.Equal(t, n-alone, pairs[households.Couple])
	require.InDelta(t, 0.4, float64(maiden)/float64(pairs[households.Couple]), 0.04)
	require.Positive(t, children)
	for _, how := range households.Relations() {
		require.Greater(t, pairs[how], 20, how)
	}
}

func TestMerged(t *testing.T) {
	kin := []households.Kin{{households.Couple, 0, 1}, {households.Couple, 2, 3}, {households.Twins, 3, 4}, {households.Twins, 3, 5}}
	in := [][]string{{"a", "b"}, {"b"}, {"c"}, {"d", "e"}, {"e"}, nil}
	got := households.Merged(kin, func(p int) []string { return in[p] })
	require.Equal(t, map[households.Relation]households.Count{households.Couple: {2, 1}, households.Twins: {1, 1}}, got) // nothing is known of 5
	require.Equal(t, 0.5, got[households.Couple].Share())
	require.Zero(t, households.Count{}.Share())
}
