package segment

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/segment/bitset"
)

// crowd is an index of customers with random tags and random definitions s0, s1 … over them.
func crowd(t *rapid.T, definitions int) (*Index, []string) {
	idx := NewIndex(Options{})
	tags := []string{"a", "b", "c", "d"}
	n := rapid.IntRange(0, 30).Draw(t, "customers")
	carried := rapid.SliceOfN(rapid.SliceOfDistinct(rapid.SampledFrom(tags), rapid.ID[string]), n, n).Draw(t, "tags")
	_, err := idx.Load(day0, func(yield func(string, []string) bool) {
		for i, tags := range carried {
			if !yield(fmt.Sprintf("c%02d", i), tags) {
				return
			}
		}
	})
	require.NoError(t, err)
	announce(t, idx, tags...)
	_, err = idx.SetLeaf(day0, "set", bitset.Of(1, 4, 5, 17))
	require.NoError(t, err)
	_, err = idx.SetPredicate(day0, "pred", predicate)
	require.NoError(t, err)
	var names []string
	for i := range definitions {
		d := Definition{Name: fmt.Sprint("s", i), Expr: genExpr(2, names).Draw(t, "expr")}
		_, err := idx.Define(day0, d)
		require.NoError(t, err)
		names = append(names, d.Name)
	}
	if rapid.Bool().Draw(t, "red") {
		_, err := idx.SetPolarity(day0, PolarityRule{Tag: "d", Polarity: Red})
		require.NoError(t, err)
	}
	return idx, names
}

func TestCompareAgainstCounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		idx, names := crowd(t, 4)
		v := idx.View()
		got, err := v.Compare(day0, names...)
		require.NoError(t, err)
		for i, a := range names {
			in := map[string]bool{}
			for _, c := range members(t, v, a, day0) {
				in[c] = true
			}
			for j, b := range names {
				both, other := 0, members(t, v, b, day0)
				for _, c := range other {
					if in[c] {
						both++
					}
				}
				require.Equal(t, both, got.Common[i][j])
				either := len(in) + len(other) - both
				require.InDelta(t, float64(both), got.Jaccard(i, j)*float64(either), 1e-9)
				require.InDelta(t, float64(both), got.share(i, j)*float64(len(in)), 1e-9)
			}
			near, err := v.Nearest(a, 10, day0)
			require.NoError(t, err)
			require.True(t, slices.IsSortedFunc(near, func(x, y Neighbour) int {
				switch {
				case x.Jaccard > y.Jaccard+1e-12 || x.Jaccard > y.Jaccard-1e-12 && x.Segment < y.Segment:
					return -1
				default:
					return 1
				}
			}))
			for _, n := range near {
				j := slices.Index(names, n.Segment)
				require.NotEqual(t, i, j)
				require.Equal(t, got.Common[i][j], n.Common)
				require.Positive(t, n.Common)
			}
		}
	})
}

func TestCompareRefuses(t *testing.T) {
	v := shop(t).View()
	_, err := v.Compare(day0, "mail", "nope")
	var unknown *UnknownError
	require.ErrorAs(t, err, &unknown)
	_, err = v.Compare(day0, make([]string, 2001)...)
	var limit *LimitError
	require.ErrorAs(t, err, &limit)
	_, err = v.Nearest("nope", 1, day0)
	require.ErrorAs(t, err, &unknown)
	near, err := v.Nearest("mail", 1, day0)
	require.NoError(t, err)
	require.Equal(t, []Neighbour{{Segment: "both", Size: 1, Common: 1, Jaccard: 0.5}}, near)
	c, err := v.Compare(day0, "mail", "both")
	require.NoError(t, err)
	require.Equal(t, Comparison{Names: []string{"mail", "both"}, Common: [][]int{{2, 1}, {1, 1}}}, c)
	require.Equal(t, 0.5, c.Jaccard(0, 1))
	require.Equal(t, 0.5, c.Jaccard(1, 0))
}

// What a step of a waterfall excludes alone and only is what definitions with
// that step alone, and without it, say.
func TestWaterfallAgainstOtherDefinitions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		idx, names := crowd(t, 2)
		base := genExpr(1, names).Draw(t, "base")
		if base.op == isExcept || base.op == isNot || base.op == isAll {
			base = Any(base) // its own exclusions would be steps, too
		}
		steps := rapid.SliceOfN(genExpr(1, names), 1, 4).Draw(t, "steps")
		count := func(steps []Expr, ignore ...string) int {
			d := Definition{Name: "x", Expr: base, IgnoreRed: ignore}
			if len(steps) > 0 {
				d.Expr = Without(base, steps...)
			}
			v, err := idx.View().With(d)
			require.NoError(t, err)
			n, err := v.count("x", day0)
			require.NoError(t, err)
			return n
		}
		_, err := idx.Define(day0, Definition{Name: "x", Expr: Without(base, steps...)})
		require.NoError(t, err)
		w, err := idx.View().Waterfall("x", day0)
		require.NoError(t, err)
		require.Equal(t, count(nil, "d"), w.Base)
		left := w.Base
		for i, s := range w.Steps {
			left -= s.Removed
			require.Equal(t, left, s.Left)
			if s.Red.Tag != "" {
				require.Equal(t, w.Base-count(nil), s.Alone)
				require.Equal(t, count(steps, "d")-w.Members, s.Only)
				continue
			}
			require.Equal(t, w.Base-count(steps[i:i+1], "d"), s.Alone)
			without := slices.Delete(slices.Clone(steps), i, i+1)
			require.Equal(t, count(without)-w.Members, s.Only)
		}
		require.Equal(t, left, w.Members)
	})
}
