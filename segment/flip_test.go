package segment

import (
	"fmt"
	"math/bits"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// What Flips says would do does it, and nothing smaller would.
func TestFlipsAreFewest(t *testing.T) {
	tags := []string{"a", "b", "c", "d", "and", "two words", "ışık"}
	rapid.Check(t, func(t *rapid.T) {
		e := withoutLeaves(genExpr(3, nil).Draw(t, "expr"))
		d := Definition{Name: "s", Expr: e}
		if rapid.Bool().Draw(t, "careless") {
			d.IgnoreRed = []string{"b"}
		}
		// One customer for every combination of tags: membership as a truth table.
		idx := NewIndex(Options{})
		_, err := idx.Load(day0, func(yield func(string, []string) bool) {
			for mask := range 1 << len(tags) {
				var carried []string
				for i, tag := range tags {
					if mask>>i&1 != 0 {
						carried = append(carried, tag)
					}
				}
				if !yield(fmt.Sprint("c", mask), carried) {
					return
				}
			}
		})
		require.NoError(t, err)
		_, err = idx.Define(day0, d)
		require.NoError(t, err)
		if rapid.Bool().Draw(t, "red") {
			_, err = idx.SetPolarity(day0, PolarityRule{Tag: "b", Polarity: Red})
			require.NoError(t, err)
		}
		v := idx.View()
		in := make([]bool, 1<<len(tags))
		for mask := range in {
			in[mask], err = v.Contains("s", fmt.Sprint("c", mask), day0)
			require.NoError(t, err)
		}
		for _, mask := range []int{0, len(in) - 1, rapid.IntRange(0, len(in)-1).Draw(t, "customer")} {
			fewest := 99
			for other := range in {
				if in[other] != in[mask] {
					fewest = min(fewest, bits.OnesCount(uint(other^mask)))
				}
			}
			flips, err := v.Flips("s", fmt.Sprint("c", mask), day0)
			require.NoError(t, err)
			if fewest == 99 {
				require.Empty(t, flips)
				continue
			}
			require.Len(t, flips, fewest)
			changed := mask
			for _, f := range flips {
				for i, tag := range tags {
					if f.Leaf.equal(Tag(tag)) {
						require.Equal(t, mask>>i&1 == 0, f.Hold)
						changed ^= 1 << i
					}
				}
			}
			require.NotEqual(t, in[mask], in[changed], "%s: %v", e, flips)
		}
	})
}

func TestFlipsInWords(t *testing.T) {
	idx := shop(t)
	_, err := idx.SetPolarity(day0, PolarityRule{Tag: "service-only", Polarity: Red})
	require.NoError(t, err)
	_, err = idx.Leave(day0, "emre")
	require.NoError(t, err)
	v := idx.View()
	for customer, want := range map[string]string{
		"ayşe": "[without tag newsletter]", "burak": "[without tag staff]", "çiğdem": "[without tag service-only]",
		"deniz": "[with tag newsletter without tag service-only]",
	} {
		got, err := v.Flips("mail", customer, day0)
		require.NoError(t, err)
		require.Equal(t, want, fmt.Sprint(got), customer)
	}
	var unknown *UnknownError
	for _, customer := range []string{"emre", "nobody"} {
		_, err := v.Flips("mail", customer, day0)
		require.ErrorAs(t, err, &unknown)
	}
	_, err = v.Flips("nope", "ayşe", day0)
	require.ErrorAs(t, err, &unknown)
	_, err = idx.Define(day0, Definition{Name: "bad", Expr: intricate()})
	require.NoError(t, err)
	_, err = idx.View().Flips("bad", "ayşe", day0)
	var limit *LimitError
	require.ErrorAs(t, err, &limit)
}
