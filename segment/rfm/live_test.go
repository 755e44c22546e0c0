package rfm

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// After every order each customer has the scores of a batch over all orders so
// far, under every convention.
func TestLiveEqualsBatch(t *testing.T) {
	names := []string{"rpackage-5", "ntile-5", "qcut-4", "qcut-5", "fixed"}
	istanbul := time.FixedZone("TRT", 3*60*60)
	rapid.Check(t, func(t *rapid.T) {
		config := conventions[rapid.SampledFrom(names).Draw(t, "convention")]
		live, err := NewLive(config, istanbul)
		require.NoError(t, err)
		var orders []Order
		start := time.Date(2025, 1, 1, 21, 30, 0, 0, time.UTC)
		at := start
		spread := rapid.SampledFrom([]int{3, 40, 100_000}).Draw(t, "spread")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 5))
		for range rapid.IntRange(1, 40).Draw(t, "orders") {
			o := Order{Customer: fmt.Sprint("c", rng.IntN(15)), At: start.Add(time.Duration(rng.IntN(20*24)) * time.Hour),
				Amount: int64(rng.IntN(spread) - spread/8)}
			require.NoError(t, live.Add(o))
			orders = append(orders, o)
			if o.At.After(at) {
				at = o.At
			}
			asked := at.Add(time.Duration(rng.IntN(100)) * time.Hour)
			rows, err := Summarise(slices.Values(orders), asked, istanbul)
			require.NoError(t, err)
			batch, err := config.Score(rows)
			require.NoError(t, err)
			require.Equal(t, len(batch.Scores), live.values[0].n)
			for _, want := range batch.Scores {
				got, ok, err := live.Score(want.Customer, asked)
				require.NoError(t, err)
				require.True(t, ok)
				require.Equal(t, want, got, "%+v", config)
			}
		}
		_, ok, err := live.Score("nobody", at)
		require.NoError(t, err)
		require.False(t, ok)
		_, _, err = live.Score("c1", start.AddDate(0, 0, -30))
		var invalid *InvalidError
		require.ErrorAs(t, err, &invalid)
	})
}

// The same over enough customers that blocks split, empty and go away.
func TestLiveEqualsBatchOnCDNOW(t *testing.T) {
	orders := cdnowOrders(t)
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(orders), func(i, j int) { orders[i], orders[j] = orders[j], orders[i] })
	at := time.Date(1998, 6, 30, 0, 0, 0, 0, time.UTC)
	for name, config := range conventions {
		if config.Nested {
			continue
		}
		live, err := NewLive(config, nil)
		require.NoError(t, err)
		for _, o := range orders {
			require.NoError(t, live.Add(o))
		}
		batch, err := config.Score(cdnowRows(t))
		require.NoError(t, err)
		for _, want := range batch.Scores {
			got, ok, err := live.Score(want.Customer, at)
			require.NoError(t, err)
			if !ok || want != got {
				require.Equal(t, want, got, name)
			}
		}
	}
}

func TestLiveRefuses(t *testing.T) {
	var invalid *InvalidError
	for _, c := range []Config{{Nested: true, Convention: ntile}, {Bins: 1}} {
		_, err := NewLive(c, nil)
		require.ErrorAs(t, err, &invalid)
	}
	live, err := NewLive(Config{}, nil)
	require.NoError(t, err)
	require.ErrorAs(t, live.Add(Order{}), &invalid)
	require.NoError(t, live.Add(Order{Customer: "a", At: time.Unix(1, 0), Amount: -5}))
	_, ok, err := live.Score("a", time.Unix(1, 0))
	require.NoError(t, err)
	require.False(t, ok, "a return alone makes no row")
}

func BenchmarkLive(b *testing.B) {
	const n = 1_000_000
	live, err := NewLive(Config{}, nil)
	if err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(42, 7))
	day0 := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	customers := make([]string, n)
	order := func(i int) Order {
		return Order{Customer: customers[i], At: day0.AddDate(0, 0, rng.IntN(700)), Amount: int64(100_000 * rng.ExpFloat64())}
	}
	for i := range customers {
		customers[i] = fmt.Sprintf("%07d", i)
		if err := live.Add(order(i)); err != nil {
			b.Fatal(err)
		}
	}
	at := day0.AddDate(2, 0, 0)
	orders := make([]Order, 1<<16)
	for i := range orders {
		orders[i] = order(rng.IntN(n))
	}
	b.Run("order", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			if err := live.Add(orders[i%len(orders)]); err != nil {
				b.Fatal(err)
			}
			i++
		}
	})
	b.Run("order and score", func(b *testing.B) {
		i := 0
		for b.Loop() {
			o := orders[i%len(orders)]
			if err := live.Add(o); err != nil {
				b.Fatal(err)
			}
			if _, _, err := live.Score(o.Customer, at); err != nil {
				b.Fatal(err)
			}
			i++
		}
	})
}
