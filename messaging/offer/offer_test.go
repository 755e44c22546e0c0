package offer

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestBetaHasItsMoments(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, of := range [][2]float64{{0.4, 19.6}, {0.05, 0.1}, {1, 1}, {13, 7}, {2000, 98000}} {
		a, b := of[0], of[1]
		const n = 100_000
		var sum, squares float64
		for range n {
			x := beta(r, a, b)
			require.True(t, x >= 0 && x <= 1, x)
			sum += x
			squares += x * x
		}
		mean, variance := a/(a+b), a*b/((a+b)*(a+b)*(a+b+1))
		require.InDelta(t, mean, sum/n, 5*math.Sqrt(variance/n))
		require.InEpsilon(t, variance, squares/n-sum/n*sum/n, 0.05)
	}
}

func TestAffinityAndGroup(t *testing.T) {
	offers := []Offer{{Name: ""}, {Name: "straps", Categories: []string{"strap", "buckle", "strap"}}, {Name: "rings", Categories: []string{"ring"}}}
	bought := map[string]float64{"strap": 0.25, "buckle": 0.25, "ring": 0.25, "watch": 0.25}
	p := Person{Bought: bought}
	require.Equal(t, []float64{0, 0.5, 0.25}, []float64{Affinity(p, offers[0]), Affinity(p, offers[1]), Affinity(p, offers[2])})
	require.Equal(t, "buckle", Group(bought, offers), "of several the first by name")
	require.Equal(t, "ring", Group(map[string]float64{"ring": 0.2, "watch": 0.8}, offers), "of the offers' categories alone")
	require.Equal(t, "", Group(map[string]float64{"watch": 1}, offers))
}

// Before anything is known, affinity decides mostly, and nothing is left out.
func TestChoiceBeforeAnythingIsKnown(t *testing.T) {
	offers := []Offer{{Name: ""}, {Name: "straps", Categories: []string{"strap"}}, {Name: "rings", Categories: []string{"ring"}}}
	var n [3]int
	for i := range 3000 {
		at, err := Thompson{}.Choose(t.Context(), Question{Person: Person{Bought: map[string]float64{"ring": 1}, Group: "ring"}, Offers: offers, Random: rand.New(rand.NewPCG(uint64(i), 1))})
		require.NoError(t, err)
		n[at]++
	}
	require.Greater(t, n[2], 2400)
	require.Greater(t, n[0], 50)
	require.Greater(t, n[1], 50)
	n = [3]int{}
	for i := range 3000 { // and without purchases nothing does
		at, err := Thompson{Affinity: 1}.Choose(t.Context(), Question{Person: Person{Bought: map[string]float64{"ring": 1}}, Offers: offers, Random: rand.New(rand.NewPCG(uint64(i), 1))})
		require.NoError(t, err)
		n[at]++
	}
	for _, k := range n {
		require.InDelta(t, 1000, k, 150)
	}
}

// market is persons of two groups whose true rates are known.
func market(t *testing.T, chooser Chooser, rates map[string][]float64, days, perDay int, seed uint64) (chosen, same float64) {
	t.Helper()
	world := rand.New(rand.NewPCG(seed, 7))
	offers := []Offer{{Name: "", Categories: nil}, {Name: "a", Categories: []string{"a"}}, {Name: "b", Categories: []string{"b"}}}
	got := map[string]map[string]*Count{}
	count := func(offer, group string) *Count {
		if got[offer] == nil {
			got[offer] = map[string]*Count{}
		}
		if got[offer][group] == nil {
			got[offer][group] = &Count{}
		}
		return got[offer][group]
	}
	for day := range days {
		// What is known is what was known in the morning.
		var known = map[string][]Offer{}
		for group := range rates {
			list := append([]Offer(nil), offers...)
			for i := range list {
				for g, c := range got[list[i].Name] {
					list[i].Results.All.Tried += c.Tried
					list[i].Results.All.Bought += c.Bought
					if g == group {
						list[i].Results.Group = *c
					}
				}
			}
			known[group] = list
		}
		for n := range perDay {
			group := []string{"a", "b"}[world.IntN(2)]
			p := Person{Unit: fmt.Sprint(day, n), Bought: map[string]float64{group: 1}, Group: group}
			at, err := chooser.Choose(t.Context(), Question{Person: p, Offers: known[group], Random: rand.New(rand.NewPCG(seed, uint64(day*perDay+n)))})
			require.NoError(t, err)
			c := count(offers[at].Name, group)
			c.Tried++
			if world.Float64() < rates[group][at] {
				c.Bought++
			}
			chosen += rates[group][at]
			same += rates[group][0]
		}
	}
	n := float64(days * perDay)
	return chosen / n, same / n
}

// Where what persons buy says what they like, choosing finds it from the first day; where it
// says the contrary, results correct it; where all offers are alike, nothing is lost.
func TestThompsonLearns(t *testing.T) {
	for name, c := range map[string]struct {
		rates map[string][]float64
		least float64 // of the expected rate
	}{
		"as they buy":      {map[string][]float64{"a": {0.04, 0.08, 0.02}, "b": {0.04, 0.02, 0.08}}, 0.072},
		"the contrary":     {map[string][]float64{"a": {0.04, 0.02, 0.08}, "b": {0.04, 0.08, 0.02}}, 0.065},
		"the same is best": {map[string][]float64{"a": {0.08, 0.02, 0.02}, "b": {0.08, 0.02, 0.02}}, 0.068},
		"all alike":        {map[string][]float64{"a": {0.04, 0.04, 0.04}, "b": {0.04, 0.04, 0.04}}, 0.0399},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := market(t, Thompson{}, c.rates, 30, 1000, 3)
			require.Greater(t, got, c.least)
			drawn, _ := market(t, Thompson{Explore: 1}, c.rates, 2, 1000, 3)
			if name != "all alike" {
				require.Greater(t, got, drawn+0.01, "better than drawing")
			}
		})
	}
}

func TestSameQuestionSameChoice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := func(label string) Count {
			n := rapid.Int64Range(0, 1000).Draw(t, label)
			return Count{n, rapid.Int64Range(0, n).Draw(t, label+" bought")}
		}
		var offers []Offer
		for i := range rapid.IntRange(1, 5).Draw(t, "offers") {
			group, rest := count("group"), count("rest")
			offers = append(offers, Offer{Name: fmt.Sprint(i), Categories: []string{fmt.Sprint("c", i)}, Results: Results{All: Count{group.Tried + rest.Tried, group.Bought + rest.Bought}, Group: group}})
		}
		seed := rapid.Uint64().Draw(t, "seed")
		q := Question{Person: Person{Bought: map[string]float64{"c0": 0.5}}, Offers: offers}
		q.Random = rand.New(rand.NewPCG(seed, 1))
		a, err := Thompson{Explore: 0.1}.Choose(t.Context(), q)
		require.NoError(t, err)
		q.Random = rand.New(rand.NewPCG(seed, 1))
		b, err := Thompson{Explore: 0.1}.Choose(t.Context(), q)
		require.NoError(t, err)
		require.Equal(t, a, b)
		require.True(t, a >= 0 && a < len(offers))
	})
}

func TestFaults(t *testing.T) {
	q := Question{Offers: []Offer{{}}, Random: rand.New(rand.NewPCG(1, 1))}
	for _, bad := range []Thompson{{Prior: -1}, {Prior: math.NaN()}, {Affinity: -1}, {Affinity: math.Inf(1)}, {Explore: 1.1}, {Explore: math.NaN()}} {
		_, err := bad.Choose(t.Context(), q)
		require.ErrorIs(t, err, ErrInput)
	}
	_, err := Thompson{}.Choose(t.Context(), Question{Random: q.Random})
	require.ErrorIs(t, err, ErrInput)
	for _, r := range []Results{{All: Count{1, 2}}, {All: Count{5, 1}, Group: Count{6, 1}}, {All: Count{5, 1}, Group: Count{3, 2}}, {All: Count{-1, -1}}} {
		_, err := Thompson{}.Choose(t.Context(), Question{Offers: []Offer{{Results: r}}, Random: q.Random})
		require.ErrorIs(t, err, ErrInput, "%+v", r)
	}
}

func BenchmarkThompson(b *testing.B) {
	offers := make([]Offer, 5)
	for i := range offers {
		offers[i] = Offer{Name: fmt.Sprint(i), Categories: []string{fmt.Sprint("c", i)}, Results: Results{All: Count{10_000, 300}, Group: Count{2_000, 60}}}
	}
	r := rand.New(rand.NewPCG(1, 1))
	for b.Loop() {
		if _, err := (Thompson{}).Choose(b.Context(), Question{Offers: offers, Random: r, Person: Person{Bought: map[string]float64{"c1": 1}}}); err != nil {
			b.Fatal(err)
		}
	}
}
