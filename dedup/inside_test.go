package dedup

import (
	"cmp"
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

// drawLarge is a component of any shape with decisions, rivals and copies.
func drawLarge(t *rapid.T) clusterer {
	n := rapid.IntRange(2, 90).Draw(t, "members")
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	near, picked := r.Float64(), r.Float64()
	whole := rapid.Bool().Draw(t, "whole numbers") // with ties
	groups := 1 + r.IntN(n)
	weights := make([]float64, n*n)
	c := clusterer{prior: -12}
	for i := range n {
		c.members = append(c.members, uint32(i))
		for j := i + 1; j < n; j++ {
			w := -8 * r.Float64()
			if i%groups == j%groups || r.Float64() < near/4 {
				w = 24 * r.Float64()
			}
			if whole {
				w = math.Round(w)
			}
			weights[i*n+j] = clamp(w)
			if w > 0 && r.Float64() < picked {
				c.edges = append(c.edges, edge{uint32(i), uint32(j), float32(w)})
			}
		}
	}
	pairs := func(label string) (out [][2]uint32) {
		for range rapid.IntRange(0, n).Draw(t, label) {
			if a, b := r.IntN(n), r.IntN(n); a != b {
				out = append(out, [2]uint32{uint32(min(a, b)), uint32(max(a, b))})
			}
		}
		return out
	}
	if rapid.Bool().Draw(t, "decisions") {
		c.must, c.cannot = pairs("must"), pairs("cannot")
	}
	if rapid.Bool().Draw(t, "copies") {
		for range n {
			c.many = append(c.many, 1+r.IntN(4))
		}
	}
	if rapid.Bool().Draw(t, "rivals") {
		sources := 1 + r.IntN(n)
		c.rivals = func(a, b uint32) bool { return a%uint32(sources) == b%uint32(sources) && a%3 > 0 && b%3 > 0 }
	}
	c.score = func(a, b uint32) float64 { return weights[int(min(a, b))*n+int(max(a, b))] }
	return c
}

// What components are clustered on changes no bit of what comes of them.
func TestWideClustersLikeLarge(t *testing.T) {
	var merged, parted int
	reused := &clusterer{} // as a resolver does
	rapid.Check(t, func(t *rapid.T) {
		large := drawLarge(t)
		wide := large
		wide.matrix = reused.matrix
		want := large.large()
		require.Equal(t, want, wide.wide())
		require.Equal(t, large.conflicts, wide.conflicts)
		reused.matrix = wide.matrix
		merged += len(large.members) - len(want)
		parted += len(large.conflicts)
	})
	require.Positive(t, merged)
	require.Positive(t, parted)
}

func TestWideClustersLikeSmall(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part, score := drawComponent(t)
		small, wide := &clusterer{component: part, score: score, prior: -12}, &clusterer{component: part, score: score, prior: -12}
		require.Equal(t, wide.wide(), small.small())
	})
}

// A cluster is held together by the same edges whether it looks at its own or at all.
func TestTreeOfItsOwnEdges(t *testing.T) {
	seen := 0
	rapid.Check(t, func(t *rapid.T) {
		c := drawLarge(t)
		c.conflicts = nil
		groups := c.cluster()
		all := c
		all.starts, all.roots, all.spare, all.chosen = nil, nil, nil, nil
		for _, g := range groups {
			want := slices.Clone(all.tree(g))
			require.Equal(t, want, slices.Clone(c.tree(g)))
			require.Equal(t, slices.Clone(all.inside), slices.Clone(c.inside))
			if len(c.members) > mostDense {
				seen += len(want)
			}
		}
	})
	require.Positive(t, seen)
}

// alikes is a component of n records in families of ten, which nearly all are alike.
func alikes(n int) *clusterer {
	c := &clusterer{prior: -12}
	weight := func(a, b uint32) float64 {
		x := uint64(min(a, b))<<32 | uint64(max(a, b))
		x = (x ^ x>>31) * 0x9e3779b97f4a7c15
		noise := float64(x>>40) / (1 << 24)
		if a/10 == b/10 {
			return 8 + 8*noise
		}
		return 6*noise - 5
	}
	for i := range uint32(n) {
		c.members = append(c.members, i)
		for j := range i {
			if w := weight(i, j); w > 0 {
				c.edges = append(c.edges, edge{j, i, float32(w)})
			}
		}
	}
	slices.SortFunc(c.edges, func(a, b edge) int { return cmp.Or(cmp.Compare(a.a, b.a), cmp.Compare(a.b, b.b)) })
	c.score = weight
	return c
}

// Of a component in which everybody is alike an entry of the matrix is looked at a few times.
func TestAlikesTakeFewSteps(t *testing.T) {
	for _, n := range []int{250, 500, 1000} {
		c := alikes(n)
		require.True(t, c.fits())
		groups := c.cluster()
		t.Logf("%d records, %d edges, %d clusters: %d steps, %.1f by entry", n, len(c.edges), len(groups), c.matrix.steps, float64(c.matrix.steps)/float64(n*n))
		require.Less(t, c.matrix.steps, 5*n*n)
		require.Less(t, len(groups), n/5)
	}
}

func BenchmarkAlikes(b *testing.B) {
	for name, run := range map[string]func(*clusterer) [][]uint32{"matrix": (*clusterer).wide, "maps": (*clusterer).large} {
		b.Run(name, func(b *testing.B) {
			c := alikes(1000)
			b.ReportAllocs()
			for b.Loop() {
				run(c)
			}
			b.ReportMetric(float64(len(c.edges)), "edges")
		})
	}
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
