package cube

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEstimateError: the error is what Query.Estimate says, for few and many.
func TestEstimateError(t *testing.T) {
	const groups = 80
	for _, n := range []int{1, 50, 1000, 5000, 20_000, 40_000} {
		s := newSketches(groups)
		var squares float64
		within := 0
		for g := range groups {
			// Numbers that follow each other, as a caller gives them.
			for i := range n {
				s.add(uint64(g), uint32(g*n+i))
				if i%7 == 0 {
					s.add(uint64(g), uint32(g*n+i/2)) // again
				}
			}
			off := float64(s.of(uint64(g)).Estimate())/float64(n) - 1
			squares += off * off
			if math.Abs(off) <= 2*estimateError {
				within++
			}
		}
		rms := math.Sqrt(squares / groups)
		t.Logf("%d: error %.4f, %d of %d within two standard errors", n, rms, within, groups)
		require.LessOrEqual(t, rms, 1.2*estimateError, n)
		require.GreaterOrEqual(t, within, groups*9/10, n)
		switch {
		case n <= 50:
			require.Zero(t, rms)
		case n >= 20_000:
			require.Greater(t, rms, estimateError/2, "it is no estimate")
		}
	}
}

// TestEstimateIsOne: the same rows have the same estimate, in any order and on any number of cores,
// and it is near the exact count.
func TestEstimateIsOne(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	var lines []line
	for range 60_000 {
		lines = append(lines, line{[]string{fmt.Sprint("s", r.IntN(3)), "2026-01", "b"}, []int64{1, 1}, []uint32{uint32(r.IntN(40_000)), uint32(r.IntN(500))}})
	}
	ask := func(q Query) *Result {
		q.By, q.Count = []string{"store"}, []string{"customer", "order"}
		res, err := build(t, lines).Query(t.Context(), q)
		require.NoError(t, err)
		return res
	}
	exact, guess := ask(Query{}), ask(Query{Estimate: true})
	require.Zero(t, exact.Error)
	require.Equal(t, 1.04/128, guess.Error)
	for i, g := range exact.Groups {
		require.Equal(t, g.Sums, guess.Groups[i].Sums)
		for j, n := range g.Distinct {
			require.InEpsilon(t, n, guess.Groups[i].Distinct[j], 4*estimateError)
		}
	}
	require.NotEqual(t, exact.Groups, guess.Groups)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8))
	slices.Reverse(lines)
	require.Equal(t, guess, ask(Query{Estimate: true}))
	runtime.GOMAXPROCS(1)
	require.Equal(t, guess, ask(Query{Estimate: true}))
	r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	require.Equal(t, guess, ask(Query{Estimate: true}))
}

// TestEstimateOfManyGroups: more groups than an array holds.
func TestEstimateOfManyGroups(t *testing.T) {
	c, _ := many(t, 20_000)
	q := Query{By: []string{"month", "brand", "store"}, Count: []string{"customer"}}
	exact, err := c.Query(t.Context(), q)
	require.NoError(t, err)
	q.Estimate = true
	guess, err := c.Query(t.Context(), q)
	require.NoError(t, err)
	require.Equal(t, exact.Groups, guess.Groups, "of few numbers it is exact")
	_, err = c.Query(t.Context(), Query{Estimate: true})
	require.ErrorIs(t, err, ErrData)
}
