package dedup

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// components of integer weights, so that sums do not depend on their order.
func drawComponent(t *rapid.T) (component, func(a, b uint32) float64) {
	n := rapid.IntRange(3, mostDense).Draw(t, "members")
	var part component
	weights := make([][]float64, n)
	for i := range weights {
		weights[i] = make([]float64, n)
		part.members = append(part.members, uint32(i))
	}
	for i := range n {
		for j := i + 1; j < n; j++ {
			w := float64(rapid.IntRange(-9, 9).Draw(t, "weight"))
			weights[i][j], weights[j][i] = w, w
			if w > 0 && rapid.IntRange(0, 3).Draw(t, "picked") > 0 {
				part.edges = append(part.edges, edge{uint32(i), uint32(j), float32(w)})
			}
		}
	}
	return part, func(a, b uint32) float64 { return weights[a][b] }
}

// Clustering on a matrix finds what clustering on maps finds.
func TestSmallClustersLikeLarge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part, score := drawComponent(t)
		small, large := &clusterer{component: part, score: score, prior: -12}, &clusterer{component: part, score: score, prior: -12}
		require.Equal(t, large.large(), small.small())
	})
}

func TestBridges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part, _ := drawComponent(t)
		n := len(part.members)
		pieces := func(without int) int {
			c := newComponents(n, slices.Delete(slices.Clone(part.edges), without, min(without+1, len(part.edges))), nil, nil)
			alone := 0
			for _, k := range c.of {
				if k == 0 {
					alone++
				}
			}
			return alone + len(c.bounds) - 1
		}
		want, whole := 0, pieces(len(part.edges))
		near := make([][]int, n)
		for i, e := range part.edges {
			near[e.a], near[e.b] = append(near[e.a], int(e.b)), append(near[e.b], int(e.a))
			if pieces(i) > whole {
				want++
			}
		}
		require.Equal(t, want, (&measurer{near: near}).bridges(nil))
	})
}

// Labels drawn from odds that the weights exaggerate are told from the weights.
func TestCalibrate(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var weights []float64
	var same []bool
	for range 4000 {
		w := r.NormFloat64() * 8
		weights = append(weights, w)
		same = append(same, r.Float64() < Probability(0.5*w-2))
	}
	c := calibrate(weights, same)
	require.InDelta(t, 0.5, c.Slope, 0.05)
	require.InDelta(t, -2, c.Shift, 0.4)
	c = calibrate([]float64{3, -3}, []bool{true, false})
	require.InDelta(t, 1, c.Slope, 0.2, "two labels prove nothing")
	c = calibrate([]float64{math.Inf(1), math.Inf(-1), 5}, []bool{false, true, false})
	require.Greater(t, c.Slope, 0.0, "whatever a person says, more evidence is more evidence")
}

// Strings in chunks come back as they went in, however long.
func TestTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var n names
		n.add("")
		want := []string{""}
		for range rapid.IntRange(0, 300).Draw(t, "strings") {
			s := string(make([]byte, rapid.IntRange(0, MaxValue).Draw(t, "length"))) + rapid.String().Draw(t, "text")
			if n.lookup(s, hash(s)) == 0 && s != "" {
				n.enter(n.add(s), hash(s))
				want = append(want, s)
			}
		}
		for id, s := range want {
			require.Equal(t, s, n.text(uint32(id)))
			if s != "" {
				require.Equal(t, uint32(id), n.lookup(s, hash(s)))
			}
		}
	})
}

// What namesakes share together is compared with what each level makes expect: thirty pairs
// more on both sides keep a few coincidences from counting.
func TestJointly(t *testing.T) {
	p, err := compile(Schema{Name: "x/1", Fields: []Field{{Name: "a"}, {Name: "b"}},
		Comparisons: []Comparison{{Name: "a", Field: "a", Levels: []Level{{Name: "equal"}}}, {Name: "b", Field: "b", Levels: []Level{{Name: "equal"}}}},
		Blocks:      []Block{{Name: "a", Parts: []Part{{Field: "a"}}}}, Relations: []Relation{{Name: "r", Shared: []string{"a", "b"}}}})
	require.NoError(t, err)
	l := &learner{p: p}
	l.r[0] = [][]float64{{0.5, 0.5}, {0.5, 0.5}}
	for range 1000 {
		l.drawn = append(l.drawn, drawn{p: 0x00}, drawn{p: 0x11}) // both equal, or neither
	}
	l.drawn = append(l.drawn, drawn{p: 0x10})
	m := &Model{Relations: []RelationModel{{Name: "r", Share: 0.1}},
		Comparisons: []ComparisonModel{{Name: "a", Levels: []LevelModel{{Name: "equal"}, {Name: none}}}, {Name: "b", Levels: []LevelModel{{Name: "equal"}, {Name: none}}}}}
	j := l.jointly(m)
	j.start()
	for i := range l.drawn {
		j.count(0, i, 1)
	}
	j.end()
	l.write(j, m)
	require.Equal(t, []TogetherModel{
		{Levels: map[string]string{"a": "equal", "b": "equal"}, Bits: round(math.Log2((1000 + 30) / (2001*0.25 + 30)))},
		{Levels: map[string]string{"a": "equal", "b": none}, Bits: round(math.Log2((1 + 30) / (2001*0.25 + 30)))},
		{Levels: map[string]string{"a": none, "b": none}, Bits: round(math.Log2((1000 + 30) / (2001*0.25 + 30)))},
	}, m.Relations[0].Together)
	at, ok := p.together(0, m.Relations[0].Together[1])
	require.True(t, ok)
	require.Equal(t, pattern(0x10), at&0xff)
	_, ok = p.together(0, TogetherModel{Levels: map[string]string{"c": "equal"}})
	require.False(t, ok)
}

// Who asks an index that is busy waits no longer than the context lasts.
func TestFindLeavesABusyIndex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := &Index{mu: make(lock, 1)}
		x.mu.Lock()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 2)
		go func() { _, err := x.Find(ctx, Record{}); done <- err }()
		go func() { _, err := x.Join(ctx, Record{}); done <- err }()
		synctest.Wait()
		require.Empty(t, done, "they wait")
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
		require.ErrorIs(t, <-done, context.Canceled)
	})
}
