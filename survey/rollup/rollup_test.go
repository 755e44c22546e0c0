package rollup

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/survey"
)

var may = time.Date(2025, 5, 1, 0, 0, 0, 0, time.UTC)

func nps(v int) survey.Score { return survey.Score{Metric: survey.NPS, Answered: true, Value: v} }

func tree(t require.TestingT) *Tree {
	out, err := New(Definition{Name: "visit", Version: "1", Metric: survey.NPS, Levels: []string{"region", "store", "employee"}, From: may, Until: may.AddDate(0, 1, 0)})
	require.NoError(t, err)
	return out
}

// fill adds so many answers of a value.
func fill(t require.TestingT, tr *Tree, n, value int, path ...string) {
	for range n {
		require.NoError(t, tr.Add(may, nps(value), path...))
	}
}

// Case A40: each parent is the sum of its children, to the answer, in its counts; the figures
// are golden, each with its interval and its definition.
func TestParentIsSum(t *testing.T) {
	tr := tree(t)
	fill(t, tr, 6, 10, "Marmara", "Kadıköy", "Ayşe")
	fill(t, tr, 7, 3, "Marmara", "Kadıköy", "Burak")
	fill(t, tr, 9, 8, "Marmara", "Şişli", "Can")
	fill(t, tr, 5, 9, "Ege", "İzmir", "Deniz")
	fill(t, tr, 8, 0, "Ege", "İzmir") // the employee is not known
	fill(t, tr, 6, 10)                // nor where
	var got []string
	figures := tr.Figures(Audience{Name: "management"})
	for _, f := range figures {
		require.Equal(t, tr.Definition(), f.Definition)
		require.Equal(t, "management", f.Audience)
		require.Contains(t, f.Definition.Formula, "Rocks")
		got = append(got, fmt.Sprintf("%s %s n=%d %.1f [%.1f, %.1f]", f.Level, strings.Join(f.Path, ">"), f.Result.N, f.Result.Value, f.Result.Interval.Low, f.Result.Interval.High))
		var sum survey.Tally
		children := 0
		for _, c := range figures {
			if len(c.Path) == len(f.Path)+1 && slices.Equal(c.Path[:len(f.Path)], f.Path) {
				children++
				require.NoError(t, sum.Merge(c.Tally))
			}
		}
		if children > 0 {
			require.Equal(t, f.Tally, sum)
		}
	}
	require.Equal(t, []string{
		"  n=41 4.9 [-21.2, 30.3]",
		"region  n=6 100.0 [25.9, 100.0]",
		"store > n=6 100.0 [25.9, 100.0]",
		"employee >> n=6 100.0 [25.9, 100.0]",
		"region Ege n=13 -23.1 [-64.5, 27.0]",
		"store Ege>İzmir n=13 -23.1 [-64.5, 27.0]",
		"employee Ege>İzmir> n=8 -100.0 [-100.0, -38.5]",
		"employee Ege>İzmir>Deniz n=5 100.0 [17.5, 100.0]",
		"region Marmara n=22 -4.5 [-33.8, 25.8]",
		"store Marmara>Kadıköy n=13 -7.7 [-52.8, 40.3]",
		"employee Marmara>Kadıköy>Ayşe n=6 100.0 [25.9, 100.0]",
		"employee Marmara>Kadıköy>Burak n=7 -100.0 [-100.0, -32.8]",
		"store Marmara>Şişli n=9 0.0 [-20.0, 20.0]",
		"employee Marmara>Şişli>Can n=9 0.0 [-20.0, 20.0]",
	}, got)
	data, err := json.Marshal(figures)
	require.NoError(t, err)
	var back []Figure
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, len(figures), len(back))
	require.True(t, back[3].Definition.equal(figures[3].Definition))
}

// TestSuppressed: what is small is hidden with another, and nothing is shown below.
func TestSuppressed(t *testing.T) {
	tr := tree(t)
	fill(t, tr, 3, 1, "Marmara", "Kadıköy", "Ayşe")
	fill(t, tr, 20, 9, "Marmara", "Şişli", "Can")
	fill(t, tr, 30, 9, "Marmara", "Beşiktaş", "Ece")
	fill(t, tr, 40, 9, "Ege", "İzmir", "Deniz")
	shown := func(a Audience) string {
		var out []string
		for _, f := range tr.Figures(a) {
			n := fmt.Sprint(f.Result.N)
			if f.Suppressed {
				n = "?"
				require.Zero(t, f.Tally)
				require.Zero(t, f.Result)
			}
			out = append(out, strings.Join(append([]string{"all"}, f.Path...), ">")+"="+n)
		}
		return strings.Join(out, " ")
	}
	require.Equal(t, "all=93 all>Ege=40 all>Ege>İzmir=40 all>Ege>İzmir>Deniz=40 all>Marmara=53 all>Marmara>Beşiktaş=30 all>Marmara>Beşiktaş>Ece=30 all>Marmara>Kadıköy=? all>Marmara>Şişli=?", shown(Audience{}))
	require.Equal(t, "all=93 all>Ege=40 all>Marmara=53", shown(Audience{Depth: 1}))
	require.Equal(t, "all>Marmara=53 all>Marmara>Beşiktaş=30 all>Marmara>Kadıköy=? all>Marmara>Şişli=?", shown(Audience{Under: []string{"Marmara"}, Depth: 1}))
	require.Equal(t, "all>Marmara>Şişli=?", shown(Audience{Under: []string{"Marmara", "Şişli"}}), "his own store is hidden, because Kadıköy's would show")
	require.Equal(t, "all>Marmara>Kadıköy=3 all>Marmara>Kadıköy>Ayşe=3", shown(Audience{Under: []string{"Marmara", "Kadıköy"}, Least: 1}))
	require.Equal(t, "all=?", shown(Audience{Least: 94}))
	require.Empty(t, shown(Audience{Under: []string{"Akdeniz"}}))
	require.Empty(t, shown(Audience{Under: []string{"a", "b", "c", "d"}}))
}

// leaves are the answers of the nodes at the narrowest level, by their paths.
func (n *node) leaves(path string, out map[string]int64) {
	if len(n.below) == 0 {
		out[path] = n.tally.N()
		return
	}
	for name, x := range n.below {
		x.leaves(path+">"+name, out)
	}
}

// adversary knows the sum of each figure that it was shown and solves the system of all of them.
type adversary struct {
	column map[string]int // of each leaf
	rows   [][]*big.Rat   // in echelon form
}

// row is a figure as an equation: which leaves are in it.
func (a *adversary) row(path []string) []*big.Rat {
	out := make([]*big.Rat, len(a.column))
	prefix := strings.Join(append([]string{""}, path...), ">")
	for leaf, i := range a.column {
		out[i] = new(big.Rat)
		if leaf == prefix || strings.HasPrefix(leaf, prefix+">") {
			out[i].SetInt64(1)
		}
	}
	return out
}

// reduce takes from a row what is known.
func (a *adversary) reduce(r []*big.Rat) (rest []*big.Rat, lead int) {
	for _, known := range a.rows {
		lead := slices.IndexFunc(known, func(x *big.Rat) bool { return x.Sign() != 0 })
		if r[lead].Sign() == 0 {
			continue
		}
		f := new(big.Rat).Quo(r[lead], known[lead])
		for i := range r {
			r[i] = new(big.Rat).Sub(r[i], new(big.Rat).Mul(f, known[i]))
		}
	}
	return r, slices.IndexFunc(r, func(x *big.Rat) bool { return x.Sign() != 0 })
}

func (a *adversary) learn(path []string) {
	if r, lead := a.reduce(a.row(path)); lead >= 0 {
		a.rows = append(a.rows, r)
	}
}

// knows tells whether a figure follows from what it was shown.
func (a *adversary) knows(path []string) bool {
	_, lead := a.reduce(a.row(path))
	return lead < 0
}

// TestAdversary: an adversary who puts the figures of several audiences together and solves the system of
// equations finds none that is hidden from all of them, and no sum of a few people.
func TestAdversary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := tree(t)
		name := rapid.SampledFrom([]string{"a", "b", "c", ""})
		for range rapid.IntRange(1, 14).Draw(t, "paths") {
			path := []string{name.Draw(t, "region"), name.Draw(t, "store"), name.Draw(t, "employee")}
			if _, err := tr.full(path); err != nil {
				path = path[:1]
			}
			fill(t, tr, rapid.IntRange(1, 9).Draw(t, "n"), 9, path...)
		}
		leaves := map[string]int64{}
		tr.root.leaves("", leaves)
		spy := adversary{column: map[string]int{}}
		for leaf := range leaves {
			spy.column[leaf] = len(spy.column)
		}
		audiences := []Audience{{}}
		for range rapid.IntRange(0, 3).Draw(t, "audiences") {
			audiences = append(audiences, Audience{Under: []string{name.Draw(t, "under")}, Depth: rapid.IntRange(0, 2).Draw(t, "depth"), Least: rapid.Int64Range(5, 9).Draw(t, "least")})
		}
		seen := map[string]bool{}
		for _, a := range audiences {
			for _, f := range tr.Figures(a) {
				if !f.Suppressed {
					require.GreaterOrEqual(t, f.Result.N, int64(5))
					spy.learn(f.Path)
					seen[fmt.Sprintf("%q", f.Path)] = true
				}
			}
		}
		var walk func(n *node, path []string)
		walk = func(n *node, path []string) {
			shown := seen[fmt.Sprintf("%q", path)]
			if n.tally.N() > 0 && !shown {
				require.False(t, spy.knows(path), "%q with %d answers can be had by subtraction", path, n.tally.N())
			}
			var together int64
			for name, x := range n.below {
				below := append(slices.Clone(path), name)
				if !seen[fmt.Sprintf("%q", below)] {
					together += x.tally.N()
				}
				walk(x, below)
			}
			if shown {
				require.True(t, together == 0 || together >= 5, "the rest of %q has %d answers", path, together)
			}
		}
		walk(&tr.root, nil)
	})
}

// TestLeagueBeside: a league by itself gives away what the tree hides, and Keep mends that: the
// adversary who has both knows no more than the tree shows.
func TestLeagueBeside(t *testing.T) {
	tr := tree(t)
	var groups survey.Groups[string]
	for store, n := range map[string]int{"a": 3, "b": 8, "c": 20, "d": 4, "e": 9, "f": 30} {
		region := "one"
		if store > "c" {
			region = "two"
		}
		fill(t, tr, n, 9, region, store)
		for range n {
			require.NoError(t, groups.Add(store, nps(9)))
		}
	}
	figures, league := tr.Figures(Audience{Depth: 2}), survey.League(&groups, 0)
	names := func(league []survey.Standing[string]) (out []string) {
		for _, s := range league {
			if !s.Suppressed {
				out = append(out, s.Key)
			}
		}
		slices.Sort(out)
		return out
	}
	require.Equal(t, []string{"b", "c", "e", "f"}, names(league), "with the sum of region one, 31, it tells that a has 3")
	kept := Keep(league, figures, "store")
	require.Equal(t, []string{"c", "f"}, names(kept))
	require.Len(t, kept, 6)
	for _, s := range kept[2:] {
		require.Equal(t, survey.Standing[string]{Key: s.Key, Suppressed: true}, s)
	}
	require.Empty(t, names(Keep(league, figures, "employee")))
	// A name at two places is shown when both are.
	fill(t, tr, 2, 9, "two", "c")
	require.Equal(t, []string{"e", "f"}, names(Keep(league, tr.Figures(Audience{Depth: 2}), "store")))
}

// TestMerge: parts that are counted apart are the whole, in any order.
func TestMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole, parts := tree(t), []*Tree{tree(t), tree(t)}
		for range rapid.IntRange(0, 30).Draw(t, "answers") {
			path := []string{rapid.SampledFrom([]string{"a", "b"}).Draw(t, "region"), rapid.SampledFrom([]string{"c", ""}).Draw(t, "store")}
			v := rapid.IntRange(0, 10).Draw(t, "value")
			fill(t, whole, 1, v, path...)
			fill(t, parts[rapid.IntRange(0, 1).Draw(t, "part")], 1, v, path...)
		}
		require.NoError(t, parts[1].Merge(parts[0]))
		require.Equal(t, whole.Figures(Audience{}), parts[1].Figures(Audience{}))
	})
}

func TestRefused(t *testing.T) {
	tr := tree(t)
	require.ErrorIs(t, tr.Add(may, nps(1), "a", "b", "c", "d"), ErrPath)
	require.ErrorIs(t, tr.Add(may, nps(1), "", "b"), ErrPath)
	require.ErrorIs(t, tr.Add(may.Add(-1), nps(1), "a"), ErrWindow)
	require.ErrorIs(t, tr.Add(may.AddDate(0, 1, 0), nps(1), "a"), ErrWindow)
	require.ErrorIs(t, tr.Add(may, survey.Score{Metric: survey.CES, Answered: true, Value: 3}, "a"), survey.ErrMixedMetrics)
	require.Zero(t, tr.root.tally)
	other, err := New(Definition{Name: "visit", Version: "2", Metric: survey.NPS, Levels: []string{"region"}})
	require.NoError(t, err)
	require.ErrorIs(t, tr.Merge(other), ErrDefinition)
	_, err = New(Definition{Metric: "x", Levels: []string{"a", "a"}, From: may, Until: may})
	for _, want := range []string{"Name", "Version", "Metric", "Levels[1]", "Until"} {
		require.ErrorContains(t, err, want)
	}
	require.ErrorIs(t, err, ErrDefinition)
	_, err = New(Definition{Name: "n", Version: "1", Metric: survey.CSAT})
	require.ErrorContains(t, err, "Levels is empty")
	for _, m := range []survey.Metric{survey.NPS, survey.CSAT, survey.CES} {
		require.NotEmpty(t, Formula(m))
	}
}

// BenchmarkAdd counts an answer in a tree of 10 regions, 165 stores and 1,650 employees.
func BenchmarkAdd(b *testing.B) {
	tr := tree(b)
	var paths [][]string
	for i := range 1650 {
		paths = append(paths, []string{fmt.Sprint("r", i%10), fmt.Sprint("s", i%165), fmt.Sprint("e", i)})
	}
	for i := 0; b.Loop(); i++ {
		if err := tr.Add(may, nps(i%11), paths[i%len(paths)]...); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFigures decides what of that tree is shown.
func BenchmarkFigures(b *testing.B) {
	tr := tree(b)
	for i := range 20_000 {
		fill(b, tr, 1, i%11, fmt.Sprint("r", i%10), fmt.Sprint("s", i%165), fmt.Sprint("e", i%1650))
	}
	for b.Loop() {
		if len(tr.Figures(Audience{})) == 0 {
			b.Fatal("nothing")
		}
	}
}

// Who sees one store only sees nothing of it where its region is hidden: its figure would be the region's.
func TestHiddenParentHidesWhatIsBelow(t *testing.T) {
	tr := tree(t)
	fill(t, tr, 3, 1, "Ege", "İzmir", "Deniz")
	fill(t, tr, 9, 9, "Marmara", "Şişli", "Can")
	fill(t, tr, 40, 9, "Akdeniz", "Adana", "Ece")
	for _, under := range [][]string{{"Marmara"}, {"Marmara", "Şişli"}, {"Marmara", "Şişli", "Can"}} {
		figures := tr.Figures(Audience{Under: under})
		require.Len(t, figures, 1)
		require.True(t, figures[0].Suppressed, "%v", under)
	}
	require.False(t, tr.Figures(Audience{Under: []string{"Akdeniz", "Adana"}})[0].Suppressed)
}
