package cube

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// line is a row of the tests.
type line struct {
	dims     []string
	measures []int64
	distinct []uint32
}

var schema = Schema{Dimensions: []string{"store", "month", "brand"}, Measures: []string{"amount", "pieces"}, Distinct: []string{"customer", "order"}}

var regions = Level{Name: "region", Of: "store", Parent: map[string]string{"s0": "west", "s1": "east", "s2": "west", "s3": "east", "s4": "east"}}
var countries = Level{Name: "country", Of: "region", Parent: map[string]string{"west": "TR", "east": "TR"}}

func lineOf(t *rapid.T) line {
	one := func(prefix string, n int) string { return fmt.Sprint(prefix, rapid.IntRange(0, n).Draw(t, prefix)) }
	return line{[]string{one("s", 6), one("2026-0", 4), one("b", 3)}, []int64{rapid.Int64Range(-100, 1000).Draw(t, "amount"), rapid.Int64Range(0, 3).Draw(t, "pieces")},
		[]uint32{uint32(rapid.IntRange(0, 9).Draw(t, "customer")), uint32(rapid.IntRange(0, 20).Draw(t, "order"))}}
}

func build(t require.TestingT, lines []line) *Cube {
	b, err := NewBuilder(schema)
	require.NoError(t, err)
	for _, l := range lines {
		require.NoError(t, b.Add(l.dims, l.measures, l.distinct))
	}
	c, err := b.Build(regions, countries)
	require.NoError(t, err)
	require.Equal(t, len(lines), c.Rows())
	return c
}

// valueOf returns what a line has of a dimension or level.
func valueOf(l line, name string) string {
	switch name {
	case "region":
		return regions.Parent[l.dims[0]]
	case "country":
		return countries.Parent[regions.Parent[l.dims[0]]]
	}
	return l.dims[slices.Index(schema.Dimensions, name)]
}

// naive answers by looking at every line for every group.
func naive(lines []line, q Query) *Result {
	r := &Result{By: slices.Clone(q.By), Measures: schema.Measures, Count: slices.Clone(q.Count), Groups: []Group{}}
	type of struct {
		group int
		what  string
		n     uint32
	}
	seen := map[of]bool{}
	var keys []string
	for _, l := range lines {
		out := false
		for name, values := range q.Where {
			out = out || !slices.Contains(values, valueOf(l, name))
		}
		if out {
			continue
		}
		key := []string{}
		for _, name := range q.By {
			key = append(key, valueOf(l, name))
		}
		i := slices.Index(keys, strings.Join(key, "\x00"))
		if i < 0 {
			i = len(keys)
			keys = append(keys, strings.Join(key, "\x00"))
			r.Groups = append(r.Groups, Group{Key: key, Sums: make([]int64, 2)})
			if len(q.Count) > 0 {
				r.Groups[i].Distinct = make([]int64, len(q.Count))
			}
		}
		g := &r.Groups[i]
		g.Rows++
		for m, v := range l.measures {
			g.Sums[m] += v
		}
		for j, what := range q.Count {
			if k := (of{i, what, l.distinct[slices.Index(schema.Distinct, what)]}); !seen[k] {
				seen[k] = true
				g.Distinct[j]++
			}
		}
	}
	slices.SortFunc(r.Groups, func(a, b Group) int { return slices.Compare(a.Key, b.Key) })
	return r
}

// TestAgainstNaive: every question has the answer of a look at every line, whatever the order of
// the lines.
func TestAgainstNaive(t *testing.T) {
	names := []string{"store", "month", "brand", "region", "country"}
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.Custom(lineOf), 0, 60).Draw(t, "lines")
		var q Query
		for _, n := range rapid.Permutation(names).Draw(t, "names") {
			switch rapid.IntRange(0, 4).Draw(t, n) {
			case 0, 1:
				q.By = append(q.By, n)
			case 2:
				if q.Where == nil {
					q.Where = map[string][]string{}
				}
				q.Where[n] = rapid.SliceOfN(rapid.SampledFrom([]string{"s0", "s1", "2026-01", "b1", "b2", "west", "TR", ""}), 0, 4).Draw(t, "values")
			}
		}
		for _, n := range schema.Distinct {
			if rapid.Bool().Draw(t, n) {
				q.Count = append(q.Count, n)
			}
		}
		want := naive(lines, q)
		got, err := build(t, lines).Query(context.Background(), q)
		require.NoError(t, err)
		require.Equal(t, want, got)
		back := slices.Clone(lines)
		slices.Reverse(back)
		again, err := build(t, back).Query(context.Background(), q)
		require.NoError(t, err)
		require.Equal(t, want, again)
		for _, g := range got.Groups {
			require.Equal(t, g, got.Find(g.Key...))
		}
	})
}

// many returns a cube of some size: several cores take part, dimensions need 8, 16 and 32 bits.
func many(t testing.TB, rows int) (*Cube, []line) {
	r := rand.New(rand.NewPCG(1, 7))
	b, err := NewBuilder(schema)
	require.NoError(t, err)
	var lines []line
	for range rows {
		l := line{[]string{fmt.Sprint("s", r.IntN(1000)), fmt.Sprintf("2026-%02d", 1+r.IntN(12)), fmt.Sprint("b", r.IntN(70_000))}, []int64{r.Int64N(1000), 1}, []uint32{uint32(r.IntN(5000)), uint32(r.IntN(1 << 20))}}
		lines = append(lines, l)
		require.NoError(t, b.Add(l.dims, l.measures, l.distinct))
	}
	c, err := b.Build(regions, countries)
	require.NoError(t, err)
	return c, lines
}

// TestLarge: the ways of many rows, of more groups than an array holds, and of numbers that are a set.
func TestLarge(t *testing.T) {
	c, lines := many(t, 200_000)
	for _, q := range []Query{{By: []string{"month"}, Count: []string{"customer", "order"}}, {By: []string{"month", "brand", "store"}, Count: []string{"customer"}, Where: map[string][]string{"month": {"2026-03"}}}, {By: []string{"brand", "month"}, Count: []string{"order"}, Where: map[string][]string{"region": {"west"}}}} {
		got, err := c.Query(t.Context(), q)
		require.NoError(t, err)
		count := map[string]*Group{}
		seen := map[string]bool{}
		for _, l := range lines {
			pass, key := true, []string{}
			for name, values := range q.Where {
				pass = pass && slices.Contains(values, valueOf(l, name))
			}
			if !pass {
				continue
			}
			for _, name := range q.By {
				key = append(key, valueOf(l, name))
			}
			k := strings.Join(key, "\x00")
			g := count[k]
			if g == nil {
				g = &Group{Key: key, Sums: make([]int64, 2), Distinct: make([]int64, len(q.Count))}
				count[k] = g
			}
			g.Rows++
			g.Sums[0] += l.measures[0]
			g.Sums[1] += l.measures[1]
			for j, what := range q.Count {
				if id := fmt.Sprint(k, what, l.distinct[slices.Index(schema.Distinct, what)]); !seen[id] {
					seen[id] = true
					g.Distinct[j]++
				}
			}
		}
		require.Len(t, got.Groups, len(count))
		for _, g := range got.Groups {
			require.Equal(t, *count[strings.Join(g.Key, "\x00")], g)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Query(ctx, Query{})
	require.ErrorIs(t, err, context.Canceled)
}

func TestBad(t *testing.T) {
	for _, s := range []Schema{{}, {Dimensions: []string{"a", "a"}}, {Dimensions: []string{"a"}, Measures: []string{"a"}}, {Dimensions: []string{""}}, {Dimensions: make([]string, 65)}} {
		_, err := NewBuilder(s)
		require.ErrorIs(t, err, ErrData)
	}
	b, err := NewBuilder(Schema{Dimensions: []string{"a"}, Measures: []string{"m"}, Distinct: []string{"d"}})
	require.NoError(t, err)
	require.NoError(t, b.Add([]string{"x"}, []int64{1}, []uint32{0}))
	require.ErrorContains(t, b.Add([]string{"x"}, nil, []uint32{0}), "row 1: 1 dimensions, 0 measures")
	require.ErrorContains(t, b.Add([]string{"x"}, []int64{1}, []uint32{maxNumber}), "row 1: d is 1073741824")
	for _, l := range []Level{{Name: "l", Of: "b"}, {Name: "m", Of: "a"}, {Name: "", Of: "a"}, {Name: "a", Of: "a"}} {
		_, err := b.Build(l)
		require.ErrorIs(t, err, ErrData)
	}
	c, err := b.Build()
	require.NoError(t, err)
	require.Equal(t, 1, c.Rows())
	require.Equal(t, []string{"x"}, c.Values("a"))
	require.Nil(t, c.Values("m"))
	for _, q := range []Query{{By: []string{"m"}}, {By: []string{"a", "a"}}, {Where: map[string][]string{"d": nil}}, {Count: []string{"a"}}, {Count: []string{"d", "d"}}} {
		_, err := c.Query(t.Context(), q)
		require.ErrorIs(t, err, ErrData)
	}
	require.Equal(t, [][]string{{"a", "b"}, {"a"}, {}}, RollUp("a", "b"))
	require.Equal(t, [][]string{{"a", "b"}, {"a"}, {"b"}, {}}, Sets("a", "b"))
	require.Nil(t, Sets(make([]string, 13)...))
}

// BenchmarkQuery is questions about 10 million rows.
func BenchmarkQuery(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 7))
	builder, err := NewBuilder(schema)
	if err != nil {
		b.Fatal(err)
	}
	var stores, months, brands []string
	for i := range 800 {
		stores, brands = append(stores, fmt.Sprint("s", i)), append(brands, fmt.Sprint("b", i%40))
		months = append(months, fmt.Sprintf("20%02d-%02d", 20+i/12%5, 1+i%12))
	}
	for range 10_000_000 {
		i := r.IntN(800)
		if err := builder.Add([]string{stores[i], months[r.IntN(60)], brands[r.IntN(40)]}, []int64{r.Int64N(100_000), 1}, []uint32{uint32(r.IntN(1_000_000)), uint32(r.IntN(3_000_000))}); err != nil {
			b.Fatal(err)
		}
	}
	c, err := builder.Build(regions)
	if err != nil {
		b.Fatal(err)
	}
	for name, q := range map[string]Query{
		"month":                {By: []string{"month"}},
		"store,month":          {By: []string{"store", "month"}},
		"store,month,brand":    {By: []string{"store", "month", "brand"}},
		"month where brand":    {By: []string{"month"}, Where: map[string][]string{"brand": {"b3"}}},
		"exact customer":       {By: []string{"store", "month"}, Count: []string{"customer"}},
		"estimate customer":    {By: []string{"store", "month"}, Count: []string{"customer"}, Estimate: true},
		"month count customer": {By: []string{"month"}, Count: []string{"customer"}},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := c.Query(b.Context(), q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("view", func(b *testing.B) {
		for b.Loop() {
			if _, err := c.View(b.Context(), Audience{By: []string{"region", "store", "month"}, People: "customer", MinPeople: 5}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
