package worth

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestSorted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mask := rapid.SampledFrom([]uint64{math.MaxUint64, 0, 1, 1 << 63, 0x3FF003FF003FF, 7 << 9}).Draw(t, "bits")
		all := rapid.SliceOfN(rapid.Uint64(), 0, 60).Draw(t, "numbers")
		for i := range all {
			all[i] &= mask
		}
		want := slices.Sorted(slices.Values(all))
		require.True(t, slices.Equal(want, sorted(all)))
	})
}

// TestManyAreCounted: what is fitted to more customers than one goroutine counts is the same to the last bit in any order
// and on any number of cores, by the day and by the week.
func TestManyAreCounted(t *testing.T) {
	const today = 20150
	m := mustModule(t, Config{})
	all := crowd(byWeek, 3, today)
	all[5].last = today + 1 // is counted apart
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	for _, n := range []int{byWeek, 3 * chunk} {
		some := slices.Clone(all[:n])
		runtime.GOMAXPROCS(4)
		want, err := m.estimate(t.Context(), some, today)
		require.NoError(t, err)
		require.Equal(t, [2]int{n - 1, 1}, [2]int{want.Customers, want.Later})
		days, gaps := 0, 0
		for i, s := range some {
			if i != 5 {
				days, gaps = days+int(s.last-s.first), gaps+int(s.repeats)
			}
		}
		require.Equal(t, gaps, want.Gaps)
		require.Equal(t, float64(days)/float64(gaps), want.Gap)
		runtime.GOMAXPROCS(1)
		rand.New(rand.NewPCG(1, 1)).Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
		again, err := m.estimate(t.Context(), some, today)
		require.NoError(t, err)
		require.Equal(t, want, again)
	}
}

// BenchmarkEstimate fits the models to a million customers who are at hand.
func BenchmarkEstimate(b *testing.B) {
	const today = 20150
	all := crowd(1_000_000, 7, today)
	m := mustModule(b, Config{})
	for b.Loop() {
		if _, err := m.estimate(b.Context(), all, today); err != nil {
			b.Fatal(err)
		}
	}
}
