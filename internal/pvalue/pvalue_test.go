package pvalue

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Golden values of R's p.adjust.
func TestHolmAndDiscoveries(t *testing.T) {
	p := []float64{.04, .01, .03, .02, .05, .8}
	bh, holm := Discoveries(p), Holm(p)
	for i, want := range []float64{.06, .06, .06, .06, .06, .8} {
		require.InDelta(t, want, bh[i], 1e-12, i)
	}
	for i, want := range []float64{.12, .06, .12, .1, .12, .8} {
		require.InDelta(t, want, holm[i], 1e-12, i)
	}
	require.Empty(t, Discoveries(nil))
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SliceOfN(rapid.Float64Range(0, 1), 1, 30).Draw(t, "p")
		bh, holm := Discoveries(p), Holm(p)
		for i := range p {
			require.True(t, p[i] <= bh[i]+1e-12 && bh[i] <= holm[i]+1e-12 && holm[i] <= 1)
		}
	})
}
