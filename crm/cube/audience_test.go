package cube

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/internal/suppress"
)

// branches are visits of people: store, month, and who.
func branches(t *testing.T, visits map[[2]string][]uint32) *Cube {
	b, err := NewBuilder(Schema{Dimensions: []string{"store", "month"}, Measures: []string{"amount"}, Distinct: []string{"customer"}})
	require.NoError(t, err)
	for _, k := range slices.SortedFunc(maps.Keys(visits), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		for _, who := range visits[k] {
			require.NoError(t, b.Add(k[:], []int64{100 + int64(who)}, []uint32{who}))
		}
	}
	c, err := b.Build(Level{Name: "region", Of: "store", Parent: map[string]string{"a": "west", "b": "west", "c": "east", "d": "east"}})
	require.NoError(t, err)
	return c
}

func people(from, to uint32) (out []uint32) {
	for ; from < to; from++ {
		out = append(out, from)
	}
	return out
}

// TestSubtraction: what is hidden cannot be had from a roll-up, from a slice, or from two questions that
// overlap.
func TestSubtraction(t *testing.T) {
	c := branches(t, map[[2]string][]uint32{
		{"a", "01"}: people(0, 9), {"a", "02"}: people(0, 3), {"a", "03"}: people(2, 8), {"a", "04"}: people(0, 20),
		{"b", "01"}: people(20, 22), {"b", "04"}: people(20, 22),
		{"c", "01"}: people(30, 50), {"d", "04"}: people(50, 60),
	})
	v, err := c.View(t.Context(), Audience{By: []string{"region", "store", "month"}, People: "customer", MinPeople: 5})
	require.NoError(t, err)
	shown := func(q Query) string {
		r, err := v.Query(t.Context(), q)
		require.NoError(t, err)
		exact, err := c.Query(t.Context(), q)
		require.NoError(t, err)
		require.Len(t, r.Groups, len(exact.Groups))
		out := ""
		for i, g := range r.Groups {
			if g.Hidden {
				require.Equal(t, Group{Key: exact.Groups[i].Key, Hidden: true}, g)
				out += fmt.Sprint(g.Key, " - ")
				continue
			}
			require.Equal(t, exact.Groups[i], g)
			out += fmt.Sprint(g.Key, " ", g.Rows, " ")
		}
		return out
	}
	// Two people bought in b: a is hidden with it, else the roll-up would tell.
	require.Equal(t, "[east] 30 [west] 42 ", shown(Query{By: []string{"region"}}))
	require.Equal(t, "[a] - [b] - [c] 20 [d] 10 ", shown(Query{By: []string{"store"}}))
	require.Equal(t, "[] 72 ", shown(Query{}))
	require.Equal(t, "[] - ", shown(Query{Where: map[string][]string{"store": {"a", "c", "d"}}}), "all but b")
	require.Equal(t, "[] 30 ", shown(Query{Where: map[string][]string{"store": {"c", "d"}}}))
	require.Equal(t, "[] - ", shown(Query{Where: map[string][]string{"month": {"01"}, "region": {"west"}}}), "a slice")
	require.Equal(t, "[01] - [02] - [03] - [04] - ", shown(Query{By: []string{"month"}}), "a and b are one part of all months")
	require.Equal(t, "[01] 20 [04] 10 ", shown(Query{By: []string{"month"}, Where: map[string][]string{"region": {"east"}}}))
	// By store alone, months of a large store: February is hidden, and March with it, of fewest of the others.
	c = branches(t, map[[2]string][]uint32{{"a", "01"}: people(0, 9), {"a", "02"}: people(0, 3), {"a", "03"}: people(2, 8), {"a", "04"}: people(0, 20), {"b", "01"}: people(20, 30)})
	v, err = c.View(t.Context(), Audience{By: []string{"store", "month"}, People: "customer", MinPeople: 5})
	require.NoError(t, err)
	require.Equal(t, "[a 01] 9 [a 02] - [a 03] - [a 04] 20 [b 01] 10 ", shown(Query{By: []string{"store", "month"}}))
	require.Equal(t, "[a] 38 [b] 10 ", shown(Query{By: []string{"store"}}))
	require.Equal(t, "[] - ", shown(Query{Where: map[string][]string{"month": {"01", "02", "04"}}}), "all but March")
	require.Equal(t, "[west] 48 ", shown(Query{By: []string{"region"}}), "a level of what may be asked about")
	// The same five in two months are no ten: three more are needed.
	c = branches(t, map[[2]string][]uint32{{"a", "01"}: people(0, 3), {"a", "02"}: people(0, 3), {"a", "03"}: people(2, 8), {"a", "04"}: people(0, 20)})
	v, err = c.View(t.Context(), Audience{By: []string{"store", "month"}, People: "customer", MinPeople: 5})
	require.NoError(t, err)
	require.Equal(t, "[01] - [02] - [03] - [04] 20 ", shown(Query{By: []string{"month"}}))
	// Fewer than that are not shown.
	c = branches(t, map[[2]string][]uint32{{"a", "01"}: people(0, 4), {"b", "02"}: people(0, 4)})
	v, err = c.View(t.Context(), Audience{By: []string{"store", "month"}, People: "customer", MinPeople: 5})
	require.NoError(t, err)
	require.Equal(t, "[] - ", shown(Query{}))
}

// span is a set of rows of numbers, reduced modulo a prime that is larger than any determinant here.
type span [][]int64

const prime = 1_000_003

func (s span) rank(out func(column int) bool) (rank int) {
	rows := make(span, len(s))
	for i := range s {
		rows[i] = slices.Clone(s[i])
		for j := range rows[i] {
			if out(j) {
				rows[i][j] = 0
			}
		}
	}
	inverse := func(v int64) int64 { // by Fermat
		r := int64(1)
		for e := prime - 2; e > 0; e >>= 1 {
			if e&1 == 1 {
				r = r * v % prime
			}
			v = v * v % prime
		}
		return r
	}
	for col := 0; len(rows) > 0 && col < len(rows[0]); col++ {
		at := slices.IndexFunc(rows[rank:], func(r []int64) bool { return r[col] != 0 })
		if at < 0 {
			continue
		}
		rows[rank], rows[rank+at] = rows[rank+at], rows[rank]
		f := inverse(rows[rank][col])
		for i := rank + 1; i < len(rows); i++ {
			k := rows[i][col] * f % prime
			for j := col; j < len(rows[i]) && k != 0; j++ {
				rows[i][j] = ((rows[i][j]-k*rows[rank][j])%prime + prime) % prime
			}
		}
		if rank++; rank == len(rows) {
			break
		}
	}
	return rank
}

// attack asks everything about some dimensions and returns a set of fewer than least people of whom a sum
// follows, by any addition and subtraction, from the answers that are shown; nil if there is none.
func attack(t require.TestingT, lines []line, names []string, least int, ask func(Query) *Result) []string {
	// The smallest figures there are: cells by all dimensions.
	var cells []string
	who := map[string]map[uint32]bool{}
	cellOf := func(l line) string { return fmt.Sprint(l.dims) }
	for _, l := range lines {
		k := cellOf(l)
		if who[k] == nil {
			who[k] = map[uint32]bool{}
			cells = append(cells, k)
		}
		who[k][l.distinct[0]] = true
	}
	var known span
	seen := map[string]bool{}
	add := func(q Query) {
		for _, g := range ask(q).Groups {
			if g.Hidden {
				continue
			}
			row := make([]int64, len(cells))
			for _, l := range lines {
				in := true
				for i, name := range q.By {
					in = in && valueOf(l, name) == g.Key[i]
				}
				for name, values := range q.Where {
					in = in && slices.Contains(values, valueOf(l, name))
				}
				if in {
					row[slices.Index(cells, cellOf(l))] = 1
				}
			}
			if k := fmt.Sprint(row); !seen[k] {
				seen[k] = true
				known = append(known, row)
			}
		}
	}
	values := map[string][]string{}
	for _, l := range lines {
		for _, name := range names {
			if v := valueOf(l, name); !slices.Contains(values[name], v) {
				values[name] = append(values[name], v)
			}
		}
	}
	for _, by := range Sets(names...) {
		add(Query{By: by})
		for _, name := range names { // slices, and all but a slice
			for _, v := range values[name] {
				rest := slices.DeleteFunc(slices.Clone(values[name]), func(x string) bool { return x == v })
				add(Query{By: by, Where: map[string][]string{name: {v}}})
				add(Query{By: by, Where: map[string][]string{name: rest}})
				for _, other := range names {
					if other != name {
						for _, w := range values[other] {
							add(Query{By: by, Where: map[string][]string{name: rest, other: {w}}})
						}
					}
				}
			}
		}
	}
	// A sum over few people follows if answers are alike but for those cells.
	all := known.rank(func(int) bool { return false })
	for mask := 1; mask < 1<<len(cells); mask++ {
		few := map[uint32]bool{}
		var some []string
		for i, c := range cells {
			if mask>>i&1 == 1 {
				maps.Copy(few, who[c])
				some = append(some, c)
			}
		}
		if len(few) < least && known.rank(func(c int) bool { return mask>>c&1 == 1 }) < all {
			return some
		}
	}
	return nil
}

// someLines are visits in few cells.
func someLines(t *rapid.T) []line {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) line {
		return line{[]string{rapid.SampledFrom([]string{"s0", "s1", "s2"}).Draw(t, "store"), rapid.SampledFrom([]string{"2026-01", "2026-02"}).Draw(t, "month"), "b"},
			[]int64{rapid.Int64Range(1, 9).Draw(t, "amount"), 1}, []uint32{uint32(rapid.IntRange(0, 9).Draw(t, "customer")), 0}}
	}), 0, 25).Draw(t, "lines")
}

// TestNothingFollows: no question of a view, and no arithmetic on its answers, gives a figure of fewer people;
// and what is shown is true.
func TestNothingFollows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := someLines(t)
		least := rapid.IntRange(2, 5).Draw(t, "least")
		by := rapid.SampledFrom([][]string{{"store", "month"}, {"month", "store"}, {"region", "store", "month"}, {"month", "region", "store"}, {"region", "month"}}).Draw(t, "by")
		c := build(t, lines)
		v, err := c.View(t.Context(), Audience{By: by, People: "customer", MinPeople: least})
		require.NoError(t, err)
		names := by
		if slices.Contains(by, "store") && !slices.Contains(by, "region") {
			names = append([]string{"region"}, by...)
		}
		found := attack(t, lines, names, least, func(q Query) *Result {
			q.Count = []string{"customer"}
			r, err := v.Query(t.Context(), q)
			require.NoError(t, err)
			exact := naive(lines, q)
			require.Len(t, r.Groups, len(exact.Groups))
			for i, g := range r.Groups {
				if !g.Hidden {
					require.Equal(t, exact.Groups[i], g)
					require.GreaterOrEqual(t, g.Distinct[0], int64(least))
				}
			}
			return r
		})
		require.Empty(t, found, "a sum over these follows")
	})
}

// TestAttackFinds: the attack is one. Each answer's small groups alone are hidden here, with the next
// larger one, as for a table that stands alone.
func TestAttackFinds(t *testing.T) {
	var lines []line
	for i, n := range []int{9, 2, 7, 8, 9, 6} {
		for who := range n {
			lines = append(lines, line{[]string{fmt.Sprint("s", i%3), fmt.Sprint("2026-0", 1+i/3), "b"}, []int64{1, 1}, []uint32{uint32(10*i + who), 0}})
		}
	}
	c := build(t, lines)
	alone := func(q Query) *Result {
		q.Count = []string{"customer"}
		r, err := c.Query(t.Context(), q)
		require.NoError(t, err)
		var counts []int64
		for _, g := range r.Groups {
			counts = append(counts, g.Distinct[0])
		}
		for i, hidden := range suppress.Small(counts, 5) {
			r.Groups[i].Hidden = hidden
		}
		return r
	}
	require.NotEmpty(t, attack(t, lines, []string{"store", "month"}, 5, alone))
	v, err := c.View(t.Context(), Audience{By: []string{"store", "month"}, People: "customer", MinPeople: 5})
	require.NoError(t, err)
	require.Empty(t, attack(t, lines, []string{"store", "month"}, 5, func(q Query) *Result {
		r, err := v.Query(t.Context(), q)
		require.NoError(t, err)
		return r
	}))
}

func TestBadAudience(t *testing.T) {
	c := build(t, []line{{[]string{"s0", "2026-01", "b"}, []int64{1, 1}, []uint32{0, 0}}})
	for _, a := range []Audience{{}, {By: []string{"store"}, People: "customer", MinPeople: 1}, {People: "customer", MinPeople: 5}, {By: []string{"store"}, People: "month", MinPeople: 5}, {By: []string{"store", "store"}, People: "customer", MinPeople: 5}, {By: []string{"x"}, People: "customer", MinPeople: 5}} {
		_, err := c.View(t.Context(), a)
		require.ErrorIs(t, err, ErrData, a)
	}
	v, err := c.View(t.Context(), Audience{By: []string{"region", "month"}, People: "customer", MinPeople: 2})
	require.NoError(t, err)
	for _, q := range []Query{{By: []string{"store"}}, {Where: map[string][]string{"brand": {"b"}}}, {By: []string{"x"}}, {Count: []string{"x"}}} {
		_, err := v.Query(t.Context(), q)
		require.ErrorIs(t, err, ErrData, q)
	}
	r, err := v.Query(t.Context(), Query{By: []string{"country"}})
	require.NoError(t, err)
	require.Equal(t, []Group{{Key: []string{"TR"}, Hidden: true}}, r.Groups)
	// Of as many as there must be all is shown.
	two := build(t, []line{{[]string{"s0", "2026-01", "b"}, []int64{1, 1}, []uint32{0, 0}}, {[]string{"s0", "2026-01", "b"}, []int64{1, 1}, []uint32{1, 1}}})
	v, err = two.View(t.Context(), Audience{By: []string{"store"}, People: "customer", MinPeople: 2})
	require.NoError(t, err)
	r, err = v.Query(t.Context(), Query{})
	require.NoError(t, err)
	require.Equal(t, []Group{{Key: []string{}, Rows: 2, Sums: []int64{2, 2}}}, r.Groups)
	// No rows, no figures.
	v, err = build(t, nil).View(t.Context(), Audience{By: []string{"store"}, People: "customer", MinPeople: 2})
	require.NoError(t, err)
	r, err = v.Query(t.Context(), Query{})
	require.NoError(t, err)
	require.Empty(t, r.Groups)
}

// TestPeopleOfSeveralSmallGroups: three people of a and two of b are five by their counts and four where one is in
// both. They are too few to be a part, so c is hidden with them.
func TestPeopleOfSeveralSmallGroups(t *testing.T) {
	for _, c := range []struct {
		b      []uint32
		hidden bool
	}{{people(2, 4), true}, {people(3, 5), false}} {
		v, err := branches(t, map[[2]string][]uint32{{"a", "01"}: people(0, 3), {"b", "01"}: c.b, {"c", "01"}: people(10, 20)}).
			View(t.Context(), Audience{By: []string{"store"}, People: "customer", MinPeople: 5})
		require.NoError(t, err)
		r, err := v.Query(t.Context(), Query{Where: map[string][]string{"store": {"c"}}})
		require.NoError(t, err)
		require.Equal(t, c.hidden, r.Groups[0].Hidden, "%v in b", c.b)
	}
}
