package worth

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
)

func TestSorted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mask := rapid.SampledFrom([]uint64{math.MaxUint64, 0, 1, 1 << 63, 0x3FF003FF003FF, 7 << 9}).Draw(t, "bits")
		all := rapid.SliceOfN(rapid.Uint64(), 0, 60).Draw(t, "numbers")
		for i := range all {
			all[i] &= mask
		}
		want := slices.Sorted(slices.Values(all))
		require.True(t, slices.Equal(want, sorted(all)))
	})
}

// TestManyAreCounted: what is fitted to more customers than one goroutine counts is the same to the last bit in any order
// and on any number of cores, by the day and by the week.
func TestManyAreCounted(t *testing.T) {
	const today = 20150
	m := mustModule(t, Config{})
	all := crowd(byWeek, 3, today)
	all[5].last = today + 1 // is counted apart
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	for _, n := range []int{byWeek, 3 * chunk} {
		some := slices.Clone(all[:n])
		runtime.GOMAXPROCS(4)
		want, err := m.estimate(t.Context(), some, today)
		require.NoError(t, err)
		require.Equal(t, [2]int{n - 1, 1}, [2]int{want.Customers, want.Later})
		days, gaps := 0, 0
		for i, s := range some {
			if i != 5 {
				days, gaps = days+int(s.last-s.first), gaps+int(s.repeats)
			}
		}
		require.Equal(t, gaps, want.Gaps)
		require.Equal(t, float64(days)/float64(gaps), want.Gap)
		runtime.GOMAXPROCS(1)
		rand.New(rand.NewPCG(1, 1)).Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
		again, err := m.estimate(t.Context(), some, today)
		require.NoError(t, err)
		require.Equal(t, want, again)
	}
}

// BenchmarkEstimate fits the models to a million customers who are at hand.
func BenchmarkEstimate(b *testing.B) {
	const today = 20150
	all := crowd(1_000_000, 7, today)
	m := mustModule(b, Config{})
	for b.Loop() {
		if _, err := m.estimate(b.Context(), all, today); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStep is the step of a night of a million customers of whom every fiftieth bought, on a store in memory: the
// change feed, what is kept of those who changed, that of everybody, and the fit. The purchases of those who changed come from where
// an evening has them.
func BenchmarkStep(b *testing.B) {
	const n, changed = 1_000_000, 20_000
	at := evening
	today := int(at.Unix() / 86400)
	store := memstore.New()
	m := mustModule(b, Config{})
	parts := make([]*held, crm.Parts)
	for i := range parts {
		parts[i] = &held{part: crm.Part(i), version: markOf(m.version), touched: true}
	}
	var keys []crm.ProfileKey
	for i, s := range crowd(n, 7, today) {
		k := key(i)
		h := parts[k.Part()]
		h.rows = append(h.rows, row{hashOf(k), s})
		if i < changed {
			keys = append(keys, k)
		}
	}
	var batch crm.Batch
	for i := range keys {
		batch.Profiles = append(batch.Profiles, profile(i))
	}
	_, err := eveningOf(store, at).Service.Import(b.Context(), batch)
	require.NoError(b, err)
	require.NoError(b, store.Update(b.Context(), func(tx crm.Tx) error {
		for _, h := range parts {
			slices.SortFunc(h.rows, func(a, b row) int { return cmp.Compare(a.profile, b.profile) })
		}
		if err := put(b.Context(), tx, parts); err != nil {
			return err
		}
		head, err := tx.Head(b.Context())
		if err != nil {
			return err
		}
		return tx.SetCursor(b.Context(), cursor, head)
	}))
	for night := 0; b.Loop(); night++ {
		b.StopTimer()
		var batch crm.Batch
		for i := range keys {
			batch.Facts = append(batch.Facts, order(i, fmt.Sprint(i, "-", night), at, 50))
		}
		ev := eveningOf(store, at)
		_, err := ev.Service.Import(b.Context(), batch)
		require.NoError(b, err)
		day := int(at.Unix() / 86400)
		ev.Customers = func(_ context.Context, _ crm.Reader, _ time.Time, _ bool, keys ...crm.ProfileKey) (out []crm.FieldSubject, err error) {
			for i, k := range keys {
				s := crm.FieldSubject{Home: k, Profiles: []crm.ProfileKey{k}, Today: day, Zone: time.UTC}
				for ago := 90; ago >= 0; ago -= 30 {
					s.Purchases = append(s.Purchases, crm.Purchase{At: at, Day: day - ago, Amount: int64(5000 + i), Priced: true})
				}
				out = append(out, s)
			}
			return out, nil
		}
		fitted := 0
		ev.Count = func(name string, n int) {
			if name == "fitted" {
				fitted = n
			}
		}
		b.StartTimer()
		require.NoError(b, m.refresh(b.Context(), ev))
		require.Equal(b, n, fitted)
		at = at.AddDate(0, 0, 1)
	}
}
