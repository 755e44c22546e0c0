//go:build unix

package segmentbench

import (
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/vefacrm/vefa/segment"
)

// BenchmarkSnapshot freezes ten million customers with 200 tags, after a write to
// every tag and after a write to one; and compares saving and loading.
func BenchmarkSnapshot(b *testing.B) {
	const n = 10_000_000
	idx, tags := indexOf(b, n), benchTags(n)
	all := make([]segment.TagChange, tagCount)
	for t := range all {
		all[t] = segment.TagChange{Customer: customer(7), Tag: tagName(t)}
	}
	write := func(changes []segment.TagChange) func() {
		return func() {
			for i := range changes {
				changes[i].Clear = !changes[i].Clear
			}
			if _, err := idx.Bulk().Apply(day0, changes); err != nil {
				b.Fatal(err)
			}
		}
	}
	for name, changes := range map[string][]segment.TagChange{"every-tag": all, "one-tag": all[:1]} {
		b.Run("view-after-a-write-to-"+name, func(b *testing.B) {
			before, least := write(changes), 1e18
			for range 15 {
				before()
				least = min(least, perOp(func() { idx.View() }, 1))
			}
			for b.Loop() {
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(least/1000, "µs-ours")
		})
	}
	sets := make([]*segment.Set, tagCount)
	theirs := make([][]byte, tagCount)
	for i, t := range tags {
		sets[i] = t.ours
		theirs[i], _ = t.theirs.ToBytes()
	}
	image := segment.AppendImage(nil, sets...)
	b.Run("save", func(b *testing.B) {
		versus(b, func() { segment.AppendImage(image[:0], sets...) }, func() {
			for _, t := range tags {
				if _, err := t.theirs.ToBytes(); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
	b.Run("load", func(b *testing.B) {
		var got []*segment.Set
		versus(b, func() {
			var err error
			if got, err = segment.OpenImage(image); err != nil {
				b.Fatal(err)
			}
		}, func() {
			for _, data := range theirs {
				if _, err := roaring.New().FromBuffer(data); err != nil {
					b.Fatal(err)
				}
			}
		})
		for i, t := range tags {
			if got[i].Len() != t.size {
				b.Fatalf("tag %d has %d members, not %d", i, got[i].Len(), t.size)
			}
		}
	})
}

// uuidOf is the i-th customer as a UUID, which look as random as they are usual.
func uuidOf(i int) string {
	rng := rand.NewPCG(uint64(i), 5)
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:], rng.Uint64())
	binary.BigEndian.PutUint64(raw[8:], rng.Uint64())
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 36)
	for i, c := range raw {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			out = append(out, '-')
		}
		out = append(out, digits[c>>4], digits[c&15])
	}
	return string(out)
}

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
	ids := new(segment.IDs)
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
	least := best(func() {
		for i, c := range asked {
			if id, ok := ids.Lookup(c); !ok || id != want[i] {
				b.Fatal("wrong id")
			}
		}
	})
	got := make([]uint32, len(asked))
	together := best(func() {
		ids.LookupAll(asked, got)
		if !slices.Equal(got, want) {
			b.Fatal("wrong ids")
		}
	})
	for b.Loop() {
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(together/float64(len(asked)), "ns/look-up-together")
	b.ReportMetric(least/float64(len(asked)), "ns/look-up")
	b.ReportMetric(float64(size)/n, "B/customer")
	runtime.KeepAlive(ids)
}
