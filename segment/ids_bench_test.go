package segment

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
)

// BenchmarkIDs maps ten million UUIDs to dense ids.
func BenchmarkIDs(b *testing.B) {
	const n = 10_000_000
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	ids := new(customerIDs)
	for i := range n {
		if _, err := ids.Assign(uuidOf(i)); err != nil {
			b.Fatal(err)
		}
	}
	size := heap() - before
	rng := rand.New(rand.NewPCG(1, 6))
	asked, want := make([]string, 1<<17), make([]uint32, 1<<17)
	for i := range asked {
		want[i] = uint32(rng.IntN(n))
		asked[i] = uuidOf(int(want[i]))
	}
	least := leastTime(func() {
		for i, c := range asked {
			if id, ok := ids.Lookup(c); !ok || id != want[i] {
				b.Fatal("wrong id")
			}
		}
	})
	together := leastTime(func() {
		ids.lookupAll(len(asked), func(i int) string { return asked[i] }, func(i int, id uint32) {
			if id != want[i] {
				b.Fatal("wrong id")
			}
		})
	})
	for b.Loop() {
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(together/float64(len(asked)), "ns/look-up-together")
	b.ReportMetric(least/float64(len(asked)), "ns/look-up")
	b.ReportMetric(float64(size)/n, "B/customer")
	runtime.KeepAlive(ids)
}

// leastTime is the shortest of nine runs, in nanoseconds.
func leastTime(f func()) float64 {
	least := time.Duration(1<<63 - 1)
	for range 9 {
		start := time.Now()
		f()
		least = min(least, time.Since(start))
	}
	return float64(least)
}
