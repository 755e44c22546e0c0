package basket

import (
	"encoding/csv"
	"iter"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/internal/retailtest"
)

// uci returns the sales of UCI's Online Retail as the golden values have them.
func uci(t testing.TB) (lines []Line, purchases []Purchase, items []string) {
	all, items := retailtest.UCI(t)
	for _, l := range all {
		lines = append(lines, Line{Basket: l.Order, Item: l.Item})
		purchases = append(purchases, Purchase{Customer: l.Customer, Item: l.Item, At: l.At.Unix()})
	}
	return lines, purchases, items
}

// TestUCIPairs are the 571 golden pairs.
func TestUCIPairs(t *testing.T) {
	lines, _, items := uci(t)
	b, err := New(slices.Values(lines))
	require.NoError(t, err)
	require.Equal(t, 18532, b.N())
	rules, err := b.Pairs(Options{Least: 150})
	require.NoError(t, err)
	byPair := map[[2]string]Rule{}
	for _, r := range rules {
		byPair[[2]string{items[r.A], items[r.B]}] = r
	}
	golden, err := csv.NewReader(retailtest.Open(t, "golden/uci_pair_rules.csv")).ReadAll()
	require.NoError(t, err)
	value := func(s string) float64 { v, err := strconv.ParseFloat(s, 64); require.NoError(t, err); return v }
	for _, g := range golden[1:] {
		r, ok := byPair[[2]string{g[0], g[1]}]
		if !ok { // the numbers of the two are the other way round
			r, ok = byPair[[2]string{g[1], g[0]}]
			r.A, r.B, r.NA, r.NB = r.B, r.A, r.NB, r.NA
		}
		require.True(t, ok, g)
		require.Equal(t, []string{g[2], g[3], g[4]}, []string{strconv.Itoa(r.NAB), strconv.Itoa(r.NA), strconv.Itoa(r.NB)})
		ofA, ofB := r.Confidence()
		for i, v := range []float64{r.Support(), ofA, ofB, r.Lift()} {
			require.InEpsilon(t, value(g[5+i]), v, 1e-8, g)
		}
		require.InDelta(t, r.Support()-float64(r.NA)*float64(r.NB)/18532/18532, r.Leverage(), 1e-15)
	}
	// The golden values are of items in 200 baskets or more: sixteen pairs of rarer ones are not among
	// them, which have the largest lift of all.
	others := 0
	for _, r := range rules {
		if min(r.NA, r.NB) < 200 {
			others++
		}
	}
	require.Equal(t, 571+others, len(rules))
	require.Equal(t, 16, others)
	require.Less(t, rules[15].NA, 200)
	require.InEpsilon(t, value(golden[1][8]), rules[14].Lift(), 1e-8, "the largest lift of the golden ones")
	// The other way of counting.
	sets, err := b.Sets(150, 3)
	require.NoError(t, err)
	pairs, triples := 0, 0
	for _, s := range sets {
		switch len(s.Items) {
		case 1:
			require.Equal(t, b.Count(s.Items[0]), s.N)
		case 2:
			pairs++
			n := byPair[[2]string{items[s.Items[0]], items[s.Items[1]]}].NAB
			require.Equal(t, n, s.N)
		default:
			triples++
		}
	}
	require.Equal(t, len(rules), pairs)
	require.Positive(t, triples)
}

// Values of scipy 1.
func TestFisher(t *testing.T) {
	for _, x := range []struct {
		k, na, nb, n int
		p            float64
	}{{5, 20, 30, 100, 0.7908367991741939}, {6, 20, 30, 100, 0.5990112067451474}, {0, 3, 4, 10, 1}, {3, 3, 9, 10, .7}, {1, 500, 700, 1_000_000, 0.2954598666}, {9, 10, 10, 12, 0.3181818181818182}, {8, 10, 10, 12, 1}, {11, 10, 20, 50, 0}} {
		require.InDelta(t, x.p, newFisher(x.n).tail(x.k, x.na, x.nb), 1e-9, "%+v", x)
	}
	for _, x := range []struct {
		k, n int
		p    float64
	}{{8, 10, 0.0546875}, {3, 10, 0.9453125}, {60, 100, 0.028443966820490444}, {0, 4, 1}, {1000, 1500, 5.5667152006221945e-39}} {
		require.InEpsilon(t, x.p, signTail(x.k, x.n), 1e-9, "%+v", x)
	}
}

// TestFalseDiscoveries: of baskets filled by chance hardly ever a rule is kept.
func TestFalseDiscoveries(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	shops := 0
	for range 200 {
		var lines []Line
		for basket := range uint32(300) {
			for item := range uint32(40) {
				if r.Float64() < .02+.004*float64(item%20) {
					lines = append(lines, Line{basket, item})
				}
			}
		}
		b, err := New(slices.Values(lines))
		require.NoError(t, err)
		rules, err := b.Pairs(Options{FalseShare: .05})
		require.NoError(t, err)
		if len(rules) > 0 {
			shops++
		}
	}
	require.LessOrEqual(t, shops, 18, "5 %% of 200 shops, and chance")
}

// TestFalseSequences: of items that are bought in either order alike hardly ever a sequence is kept, also where Least is
// more than most come to, so that those that are found at all are those that went one way by chance.
func TestFalseSequences(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 9))
	shops := 0
	for range 20 {
		var all []Purchase
		for customer := range uint32(10_000) { // who buys two of 100 things: one customer buys each two in that order
			a, b := uint32(r.IntN(100)), uint32(r.IntN(100))
			all = append(all, Purchase{customer, a, 0}, Purchase{customer, b, 60})
		}
		got, err := Followed(all, time.Hour, Options{Least: 7, FalseShare: .05})
		require.NoError(t, err)
		if len(got) > 0 {
			shops++
		}
	}
	require.LessOrEqual(t, shops, 4, "5 %% of 20 shops, and chance")
}

// TestAgainstCounting compares with a count of every pair and set, whatever comes twice and in which order.
func TestAgainstCounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Line {
			return Line{uint32(rapid.IntRange(0, 12).Draw(t, "basket")), uint32(rapid.IntRange(0, 7).Draw(t, "item"))}
		}), 1, 80).Draw(t, "lines")
		b, err := New(slices.Values(lines))
		require.NoError(t, err)
		in := map[uint32]map[uint32]bool{}
		for _, l := range lines {
			if in[l.Basket] == nil {
				in[l.Basket] = map[uint32]bool{}
			}
			in[l.Basket][l.Item] = true
		}
		require.Equal(t, len(in), b.N())
		with := func(items ...uint32) (n int) {
			for _, basket := range in {
				if !slices.ContainsFunc(items, func(i uint32) bool { return !basket[i] }) {
					n++
				}
			}
			return n
		}
		rules, err := b.Pairs(Options{Least: 1})
		require.NoError(t, err)
		found := map[[2]uint32]bool{}
		for _, r := range rules {
			found[[2]uint32{r.A, r.B}] = true
			require.Equal(t, []int{with(r.A, r.B), with(r.A), with(r.B)}, []int{r.NAB, r.NA, r.NB})
			require.True(t, r.P >= 0 && r.P <= r.Q && r.Q <= 1)
		}
		for x := range uint32(8) {
			for y := x + 1; y < 8; y++ {
				require.Equal(t, with(x, y) > 0, found[[2]uint32{x, y}])
			}
		}
		sets, err := b.Sets(2, 4)
		require.NoError(t, err)
		seen := map[string]bool{}
		for _, s := range sets {
			require.Equal(t, with(s.Items...), s.N)
			seen[string(slices.Collect(func(yield func(byte) bool) {
				for _, i := range s.Items {
					yield(byte(i))
				}
			}))] = true
		}
		for mask := 1; mask < 256; mask++ {
			var items []uint32
			var key []byte
			for i := range uint32(8) {
				if mask>>i&1 == 1 {
					items, key = append(items, i), append(key, byte(i))
				}
			}
			if len(items) <= 4 {
				require.Equal(t, with(items...) >= 2, seen[string(key)], "%v", items)
			}
		}
		again := slices.Clone(lines)
		slices.Reverse(again)
		c, err := New(slices.Values(append(again, lines...)))
		require.NoError(t, err)
		require.Equal(t, b, c)
	})
}

func TestFollowed(t *testing.T) {
	const day = 86400
	got, err := Followed([]Purchase{
		{0, 1, 0}, {0, 2, 5 * day}, {0, 2, 6 * day}, {0, 1, 40 * day}, // 2 follows 1; 1 follows 2 too late
		{1, 1, 0}, {1, 2, 30 * day},
		{2, 2, 0}, {2, 1, 0}, // at the same moment
		{3, 2, 0}, {3, 1, day},
		{4, 1, 0}, {4, 2, 31 * day},
		{5, 1, 7}, {5, 2, 8}, {5, 1, 7},
	}, 30*24*time.Hour, Options{Least: 1})
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Equal(t, Sequence{First: 1, Then: 2, Customers: 6, Bought: 6, Followed: 3, Reversed: 1, P: got[0].P, Q: got[0].Q}, got[0])
	require.InDelta(t, 5./16, got[0].P, 1e-12)
	require.InDelta(t, .625, got[0].Q, 1e-12)
	require.Equal(t, Sequence{First: 2, Then: 1, Customers: 6, Bought: 6, Followed: 1, Reversed: 3, P: got[1].P, Q: got[1].Q}, got[1])
	require.InDelta(t, 15./16, got[1].Q, 1e-12)
	require.Equal(t, .5, got[0].Confidence())
	for _, bad := range []time.Duration{0, -1} {
		_, err := Followed(nil, bad, Options{})
		require.ErrorIs(t, err, ErrData)
	}
}

// TestOffers holds the offers to what customers bought later: UCI's first nine months, and then three more.
func TestOffers(t *testing.T) {
	_, purchases, _ := uci(t)
	cut := time.Date(2011, 9, 1, 0, 0, 0, 0, time.UTC).Unix()
	var lines []Line
	before, after := map[uint32][]uint32{}, map[uint32][]uint32{}
	for _, p := range purchases {
		if p.At < cut {
			lines = append(lines, Line{p.Customer, p.Item}) // all that a customer bought is one basket
			before[p.Customer] = append(before[p.Customer], p.Item)
		} else {
			after[p.Customer] = append(after[p.Customer], p.Item)
		}
	}
	b, err := New(slices.Values(lines))
	require.NoError(t, err)
	near, err := b.Neighbours(Options{Least: 5}, 50)
	require.NoError(t, err)
	both := func() iter.Seq2[[]uint32, []uint32] {
		return func(yield func([]uint32, []uint32) bool) {
			for _, c := range slices.Sorted(maps.Keys(before)) {
				if !yield(before[c], after[c]) {
					return
				}
			}
		}
	}
	h := near.HitRate(b, both(), 10)
	t.Logf("of %d customers %d bought one of ten offers, %d one of the ten that sell best", h.Asked, h.Hit, h.Popular)
	require.Greater(t, h.Asked, 1000)
	require.Greater(t, h.Hit, h.Popular+h.Asked/20, "better than what sells best, by 5 points")
	for owned := range both() {
		offers := near.Offer(owned, 5, func(item uint32) bool { return item%2 == 0 })
		for _, c := range offers {
			require.NotContains(t, owned, c.Item)
			require.Zero(t, c.Item%2)
			require.Contains(t, owned, c.Because)
		}
		mixed := append(slices.Clone(owned), owned...)
		slices.Reverse(mixed)
		require.Equal(t, offers, near.Offer(mixed, 5, func(item uint32) bool { return item%2 == 0 }))
		break
	}
	require.Empty(t, near.Offer([]uint32{1 << 29}, 5))
	require.Empty(t, near.Of(1<<29))
}

func TestAffinities(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	day := func(n int) time.Time { return now.AddDate(0, 0, -n) }
	got, err := Affinities([]Spent{
		{"Casio", day(0), 100}, {"Seiko", day(100), 400}, {"Fossil", day(10), 50}, {"Fossil", day(5), -60}, {"Casio", day(-1), 1_000_000},
	}, now, 100*24*time.Hour)
	require.NoError(t, err)
	require.Len(t, got, 3)
	require.Equal(t, []string{"Seiko", "Casio", "Fossil"}, []string{got[0].Brand, got[1].Brand, got[2].Brand})
	require.InDelta(t, 200./300, got[0].Share, 1e-12, "400, one half-life ago")
	require.InDelta(t, 100./300, got[1].Share, 1e-12)
	require.Equal(t, Affinity{Brand: "Fossil", Amount: -10, Last: day(10)}, got[2])
	_, err = Affinities(nil, now, 0)
	require.ErrorIs(t, err, ErrData)
}

func TestBadLines(t *testing.T) {
	_, err := New(slices.Values([]Line{{}, {Basket: maxNumber}}))
	require.ErrorContains(t, err, "line 1")
	require.ErrorIs(t, err, ErrData)
	_, err = New(slices.Values([]Line(nil)))
	require.ErrorIs(t, err, ErrData)
	b, err := New(slices.Values([]Line{{}}))
	require.NoError(t, err)
	for _, bad := range []Options{{Least: -1}, {Lift: math.NaN()}, {FalseShare: 2}} {
		_, err := b.Pairs(bad)
		require.ErrorIs(t, err, ErrData)
		_, err = b.Neighbours(bad, 1)
		require.ErrorIs(t, err, ErrData)
	}
	for _, bad := range [][2]int{{0, 2}, {1, 0}, {1, 11}} {
		_, err := b.Sets(bad[0], bad[1])
		require.ErrorIs(t, err, ErrData)
	}
}

// BenchmarkPairs is the golden pairs of UCI from its 397,884 lines on.
func BenchmarkPairs(b *testing.B) {
	lines, _, _ := uci(b)
	for b.Loop() {
		baskets, err := New(slices.Values(lines))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := baskets.Pairs(Options{Least: 150}); err != nil {
			b.Fatal(err)
		}
	}
}
