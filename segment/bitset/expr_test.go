package bitset

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// genExpr draws an expression over the sets, some of its operands shared, with a function
// that says of one id whether it is selected.
func genExpr(t *rapid.T, models []model, sets []*Set) (*Expr, func(uint32) bool) {
	type pair struct {
		e     *Expr
		holds func(uint32) bool
	}
	var pool []pair
	for i := range sets {
		pool = append(pool, pair{Leaf(sets[i]), func(id uint32) bool { return models[i][id] }})
	}
	for range rapid.IntRange(1, 6).Draw(t, "operations") {
		draw := func(label string, least int) (es []*Expr, holds []func(uint32) bool) {
			for range rapid.IntRange(least, 3).Draw(t, label) {
				p := rapid.SampledFrom(pool).Draw(t, "operand")
				es, holds = append(es, p.e), append(holds, p.holds)
			}
			return es, holds
		}
		count := func(holds []func(uint32) bool, id uint32) (n int) {
			for _, h := range holds {
				if h(id) {
					n++
				}
			}
			return n
		}
		inc, in := draw("inc", 1)
		switch rapid.IntRange(0, 3).Draw(t, "operation") {
		case 0:
			exc, out := draw("exc", 0)
			pool = append(pool, pair{AllOf(inc, exc), func(id uint32) bool { return count(in, id) == len(in) && count(out, id) == 0 }})
		case 1:
			pool = append(pool, pair{AnyOf(inc...), func(id uint32) bool { return count(in, id) > 0 }})
		case 2:
			pool = append(pool, pair{OddOf(inc...), func(id uint32) bool { return count(in, id)%2 == 1 }})
		default:
			k := rapid.IntRange(1, 3).Draw(t, "k")
			pool = append(pool, pair{AtLeastOf(k, inc...), func(id uint32) bool { return count(in, id) >= k }})
		}
	}
	last := pool[len(pool)-1]
	return last.e, last.holds
}

// An expression selects what its operations say, however it is asked: as a set, as a
// number, for one id, in a batch, within others and step by step.
func TestExprAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var models []model
		var sets []*Set
		all := new(Set)
		for range rapid.IntRange(2, 4).Draw(t, "sets") {
			m, s := genSet(t, "set")
			models, sets = append(models, m), append(sets, s)
			all = Union(all, s)
		}
		one, holds := genExpr(t, models, sets)
		two, alsoHolds := genExpr(t, models, sets)
		want, both := model{}, 0
		stamp := uint64(0)
		for id := range all.All() {
			stamp++
			require.Equal(t, holds(id), one.Has(id, stamp), "%d", id)
			if holds(id) {
				want[id] = true
				if alsoHolds(id) {
					both++
				}
			}
		}
		requireSame(t, want, one.Set())
		require.Equal(t, len(want), one.Count())
		var batch Batch
		batch.Add(one)
		batch.Add(two)
		require.Equal(t, []int{one.Count(), two.Count()}, batch.Counts(all))
		got := batch.Sets(all)
		requireSame(t, want, got[0])
		require.Equal(t, both, CountIn(got[1], one)[0])
		require.Equal(t, both == len(want), got[0].Within(got[1]))

		size, steps := Steps(one, two, Leaf(sets[0]))
		require.Equal(t, len(want), size)
		require.Equal(t, both, steps[0].Alone)
		require.Equal(t, both, steps[0].Removed)
		require.Equal(t, size-both, steps[0].Left)
		left := Except(got[0], got[1], sets[0])
		require.Equal(t, left.Len(), steps[1].Left)
		require.Equal(t, Except(Intersect(got[0], sets[0]), got[1]).Len(), steps[1].Only)
		require.Equal(t, steps[0].Left-steps[1].Left, steps[1].Removed)
	})
}

func TestLeavesAndOperands(t *testing.T) {
	s := Of(1, 2, 70_000)
	leaf := Leaf(s)
	require.Same(t, s, leaf.Leaf())
	inc, exc := leaf.Operands()
	require.Empty(t, append(inc, exc...))
	e := AllOf([]*Expr{leaf}, []*Expr{AnyOf()})
	require.Nil(t, e.Leaf())
	inc, exc = e.Operands()
	require.Equal(t, []*Expr{leaf}, inc)
	require.Len(t, exc, 1)
	require.Equal(t, 3, e.Count())
	require.Zero(t, AllOf(nil, nil).Count())

	even := AllOf([]*Expr{leaf, Test(func(id uint32) bool { return id%2 == 0 })}, nil)
	require.False(t, even.Has(1, 1))
	require.True(t, even.Has(2, 2))
	require.Zero(t, even.Count(), "a function is asked for single ids only")
	s.Remove(2)
	require.True(t, even.Has(2, 2), "the same question")
	require.False(t, even.Has(2, 3))
}
