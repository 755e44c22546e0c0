package value

import (
	"context"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestCondense: a sample has each history once, sorted, with as many customers as came, whatever order they came in and
// however many different times they have.
func TestCondense(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		n := rapid.SampledFrom([]int{1, 40, 3000}).Draw(t, "n")
		days := rapid.SampledFrom([]int{1, 30, 3000}).Draw(t, "days")
		var all []Purchases
		want := map[Purchases]int{}
		for range n {
			age := r.IntN(days)
			p := Purchases{Age: float64(age) / 7}
			if r.IntN(2) == 0 {
				p.Repeats, p.Last = 1+int(r.ExpFloat64()*3), float64(r.IntN(age+1))/7
			}
			if r.IntN(50) == 0 {
				p.Repeats, p.Last = maxRepeats-r.IntN(2), p.Age
			}
			all = append(all, p)
			want[p]++
		}
		requireCells(t, want, all)
	})
}

// TestCondenseManyTimes: customers of whom none has the age of another are counted all the same, those who came before there were
// too many times and those after.
func TestCondenseManyTimes(t *testing.T) {
	var all []Purchases
	want := map[Purchases]int{}
	for i := range mostTimes + 5000 {
		p := Purchases{Repeats: i % 3, Age: float64(i)}
		if p.Repeats > 0 {
			p.Last = p.Age / 2
		}
		all = append(all, p)
		want[p] += 2
	}
	all = append(all, all...)
	requireCells(t, want, all)
}

func requireCells(t require.TestingT, want map[Purchases]int, all []Purchases) {
	s, err := Condense(slices.Values(all))
	require.NoError(t, err)
	require.Equal(t, len(all), s.Customers())
	got := map[Purchases]int{}
	for p, n := range s.All() {
		got[p] = n
	}
	require.Equal(t, want, got)
	require.True(t, slices.IsSortedFunc(s.cells, func(a, b cell) int { return a.compare(b.Purchases) }))
	repeats := map[float64]float64{}
	for _, m := range s.times {
		repeats[m.at] += m.repeats
	}
	for _, c := range s.cells {
		if c.Last != s.times[c.last].at || c.Age != s.times[c.age].at {
			require.Fail(t, "a cell has other times", "%+v", c)
		}
		repeats[c.Age] -= c.n * float64(c.Repeats)
	}
	for at, left := range repeats {
		if left != 0 {
			require.Fail(t, "repeats of an age", "%v: %v more than the cells have", at, left)
		}
	}
}

// TestManyBlocks: the fit of more customers than are added up at once is the same to the last bit in any order and on any
// number of cores, and whether times are numbered or not.
func TestManyBlocks(t *testing.T) {
	all := simulated(rand.New(rand.NewPCG(7, 8)), 3*blockSize, .5, 5, .8, 2, 60, false)
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	m, fit, err := FitMBGNBD(t.Context(), condensed(t, all))
	require.NoError(t, err)
	runtime.GOMAXPROCS(4)
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	again, fitAgain, err := FitMBGNBD(t.Context(), condensed(t, all))
	require.NoError(t, err)
	require.Equal(t, m, again)
	require.Equal(t, fit, fitAgain)

	count := map[[3]uint64]int{}
	for _, p := range all {
		count[[3]uint64{uint64(p.Repeats), math.Float64bits(p.Last), math.Float64bits(p.Age)}]++
	}
	s, err := sampleOf(count).sum()
	require.NoError(t, err)
	require.InEpsilon(t, fit.LogLikelihood, m.LogLikelihood(s), 1e-12)
	again, _, err = FitMBGNBD(t.Context(), s)
	require.NoError(t, err)
	for i, v := range again.params() {
		require.InEpsilon(t, m.params()[i], v, 1e-9)
	}
}

// TestVeryManyRepeats: what takes as many steps as the largest number of repeats takes few, and says the same.
func TestVeryManyRepeats(t *testing.T) {
	sample := func(often int) *Sample {
		return condensed(t, []Purchases{{0, 0, 30}, {1, 8, 30}, {2, 20, 40}, {often, 39, 40}, {often / 3, 20, 40}})
	}
	for _, often := range []int{100_000, maxRepeats} {
		for name, fit := range map[string]func(context.Context, *Sample) (Fit, error){
			"BG/NBD":  func(ctx context.Context, s *Sample) (Fit, error) { _, f, err := FitBGNBD(ctx, s); return f, err },
			"MBG/NBD": func(ctx context.Context, s *Sample) (Fit, error) { _, f, err := FitMBGNBD(ctx, s); return f, err },
		} {
			f, err := fit(t.Context(), sample(often))
			var bound *BoundaryError
			if err != nil {
				require.ErrorAs(t, err, &bound, name)
			}
			require.False(t, math.IsNaN(f.LogLikelihood) || math.IsInf(f.LogLikelihood, 0), name)
		}
	}
}
