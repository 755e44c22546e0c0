//go:build unix

package segmentbench

import (
	"fmt"
	"math"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/vefacrm/vefa/segment/bitset"
)

// queries are the five density cases of (A and B) without (C or D).
var queries = []struct {
	name       string
	a, b, c, d int
}{
	{"dense", 0, 4, 40, 80},
	{"medium", 40, 50, 80, 102},
	{"sparse", 102, 0, 40, 130},
	{"tiny", 158, 130, 0, 40},
	{"runs", 7, 15, 47, 79},
}

// theirSet is how roaring computes it best: And first, then AndNot in place.
func theirSet(a, b, c, d *roaring.Bitmap) *roaring.Bitmap {
	out := roaring.And(a, b)
	out.AndNot(c)
	out.AndNot(d)
	return out
}

// theirCount is the cardinality without the last set: the three smaller ones are
// materialised, |X \ D| = |X| - |X and D|.
func theirCount(a, b, c, d *roaring.Bitmap) uint64 {
	out := roaring.And(a, b)
	out.AndNot(c)
	return out.GetCardinality() - out.AndCardinality(d)
}

func BenchmarkSelect(b *testing.B) {
	for _, n := range []int{1_000_000, 10_000_000} {
		benchTags(n) // a process that holds the whole population, so that the collector has something to do
		var sets, counts float64
		for _, q := range queries {
			ta, tb, tc, td := benchTag(q.a, n), benchTag(q.b, n), benchTag(q.c, n), benchTag(q.d, n)
			sel := bitset.Select{Include: []*bitset.Set{ta.ours, tb.ours}, Exclude: []*bitset.Set{tc.ours, td.ours}}
			want := int(theirSet(ta.theirs, tb.theirs, tc.theirs, td.theirs).GetCardinality())
			b.Run(fmt.Sprintf("%dM/%s/set", n/1_000_000, q.name), func(b *testing.B) {
				got := 0
				ratio := versus(b, func() { got = sel.Set().Len() },
					func() { theirSet(ta.theirs, tb.theirs, tc.theirs, td.theirs).GetCardinality() })
				if got != want {
					b.Fatalf("%d members, roaring has %d", got, want)
				}
				sets += math.Log(ratio)
			})
			b.Run(fmt.Sprintf("%dM/%s/count", n/1_000_000, q.name), func(b *testing.B) {
				got := 0
				ratio := versus(b, func() { got = sel.Count() },
					func() { theirCount(ta.theirs, tb.theirs, tc.theirs, td.theirs) })
				if got != want {
					b.Fatalf("%d members, roaring has %d", got, want)
				}
				counts += math.Log(ratio)
			})
		}
		b.Run(fmt.Sprintf("%dM/geomean", n/1_000_000), func(b *testing.B) {
			for b.Loop() {
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(math.Exp(sets/5), "x-faster-set")
			b.ReportMetric(math.Exp(counts/5), "x-faster-count")
			b.ReportMetric(math.Exp((sets+counts)/10), "x-faster")
		})
	}
}

func BenchmarkOverlap200x200(b *testing.B) {
	tags := benchTags(1_000_000)
	sets := make([]*bitset.Set, len(tags))
	for i, t := range tags {
		sets[i] = t.ours
	}
	versus(b, func() { bitset.Overlaps(sets...) }, func() {
		for i := range tags {
			for j := range i {
				tags[i].theirs.AndCardinality(tags[j].theirs)
			}
		}
	})
}

func BenchmarkMemory(b *testing.B) {
	for _, n := range []int{1_000_000, 10_000_000} {
		b.Run(fmt.Sprintf("%dM", n/1_000_000), func(b *testing.B) {
			ours, theirs, pairs := 0, uint64(0), 0
			for _, t := range benchTags(n) {
				ours, theirs, pairs = ours+t.ours.Bytes(), theirs+t.theirs.GetSizeInBytes(), pairs+t.size
			}
			for b.Loop() {
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(8*float64(ours)/float64(pairs), "bits/pair-ours")
			b.ReportMetric(8*float64(theirs)/float64(pairs), "bits/pair-roaring")
		})
	}
}
