//go:build unix

package segmentbench

import (
	"bytes"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/vefacrm/vefa/segment"
	"github.com/vefacrm/vefa/segment/bitset"
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
			if _, err := idx.Apply(day0, changes); err != nil {
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
	sets := make([]*bitset.Set, tagCount)
	theirs := make([][]byte, tagCount)
	for i, t := range tags {
		sets[i] = t.ours
		theirs[i], _ = t.theirs.ToBytes()
	}
	saved := make([][]byte, tagCount)
	save := func() {
		for i, s := range sets {
			var err error
			if saved[i], err = s.MarshalBinary(); err != nil {
				b.Fatal(err)
			}
		}
	}
	save()
	b.Run("save", func(b *testing.B) {
		versus(b, save, func() {
			for _, t := range tags {
				if _, err := t.theirs.ToBytes(); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
	b.Run("load", func(b *testing.B) {
		got := make([]bitset.Set, tagCount)
		versus(b, func() {
			for i, data := range saved {
				if err := got[i].UnmarshalBinary(data); err != nil {
					b.Fatal(err)
				}
			}
		}, func() {
			for _, data := range theirs {
				if _, err := roaring.New().ReadFrom(bytes.NewReader(data)); err != nil {
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
