package people_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/people"
)

// TestPresetConstants moves each constant of the preset by half and twice: what is found of
// families, where names and births tell people apart, hardly changes. Those of the model for few
// records are moved on few records.
func TestPresetConstants(t *testing.T) {
	h := newHouseholds(3)
	if !raced { // .ci/run runs it without the race detector, too
		h.fill(3000)
	}
	learnt := func() float64 {
		r, err := newLinker(t, people.Options{}).Link(ctx, slices.Values(h.records), nil)
		require.NoError(t, err)
		return dedup.Evaluate(r.Clusters, lookup(h.truth)).F1
	}
	few := newHouseholds(4)
	few.fill(200)
	assumed := func() float64 {
		l := newLinker(t, people.Options{})
		m, err := l.Assumed(ctx, len(few.records))
		require.NoError(t, err)
		x, err := l.NewIndex(m)
		require.NoError(t, err)
		_, err = x.Apply(ctx, few.records, nil)
		require.NoError(t, err)
		return dedup.Evaluate(slices.Collect(x.Clusters()), lookup(few.truth)).F1
	}
	check := func(name string, factor float64, f1 func() float64, move, back func()) {
		was := f1()
		require.Greater(t, was, 0.9)
		move()
		defer back()
		is := f1()
		t.Logf("%-18s x %.1f: %.4f, %+.4f", name, factor, is, is-was)
		require.InDelta(t, was, is, 0.02, "%s x %v", name, factor)
	}
	for _, factor := range []float64{0.5, 2} {
		for name, at := range people.Constants() {
			f1, before := assumed, *at
			if name == "leastLike" {
				if f1 = learnt; raced {
					continue
				}
			}
			check(name, factor, f1, func() {
				if *at *= factor; name == "leastLike" {
					*at = min(*at, 0.9) // a similarity
				}
			}, func() { *at = before })
		}
		if raced {
			continue
		}
		years := people.GenerationYears()
		before := *years
		check("generationYears", factor, learnt, func() { *years = int(float64(before) * factor) }, func() { *years = before })
	}
}
