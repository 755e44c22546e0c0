//go:build unix

package segmentbench

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/vefacrm/vefa/segment"
	"github.com/vefacrm/vefa/segment/bitset"
)

func BenchmarkThousandSegments(b *testing.B) {
	const n = 1_000_000
	idx := indexOf(b, n)
	names, picks, tags := define1000(b, idx), segments1000(), benchTags(n)
	v := idx.View()
	theirs := func(i int) *roaring.Bitmap {
		p := picks[i]
		out := roaring.And(tags[p[0]].theirs, tags[p[1]].theirs)
		for _, t := range p[2:] {
			out.AndNot(tags[t].theirs)
		}
		return out
	}
	b.Run("set", func(b *testing.B) {
		var got []*bitset.Set
		versus(b, func() { got, _ = v.Audiences(day0, names...) }, func() {
			for i := range names {
				theirs(i)
			}
		})
		for i := range names {
			if want := theirs(i); uint64(got[i].Len()) != want.GetCardinality() {
				b.Fatalf("%s: %d members, roaring has %d", names[i], got[i].Len(), want.GetCardinality())
			}
		}
	})
	b.Run("count", func(b *testing.B) {
		versus(b, func() { v.Counts(day0, names...) }, func() {
			for i := range names {
				theirs(i).GetCardinality()
			}
		})
	})
}

// BenchmarkTagChange sets and clears random tags of random customers, while
// 1,000 segments are tracked, one write for each.
func BenchmarkTagChange(b *testing.B) {
	idx := indexOf(b, 1_000_000)
	if err := idx.Track(define1000(b, idx)...); err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	changes := make([]segment.TagChange, 20_000)
	for i := range changes {
		changes[i] = segment.TagChange{Customer: customer(rng.IntN(1_000_000)), Tag: tagName(rng.IntN(tagCount)), Clear: i%2 == 0}
	}
	events := 0
	lap := func() {
		for i := range changes {
			got, err := idx.Apply(day0, changes[i:i+1])
			if err != nil {
				b.Fatal(err)
			}
			events += got.Len()
			changes[i].Clear = !changes[i].Clear // the next lap undoes this one
		}
	}
	lap()
	least := math.Inf(1)
	for range 12 {
		events = 0
		least = min(least, perOp(lap, 1)/float64(len(changes)))
	}
	for b.Loop() {
	}
	b.ReportMetric(least/1000, "µs/change")
	b.ReportMetric(float64(events)/float64(len(changes)), "events/change")
	b.ReportMetric(testing.AllocsPerRun(3, lap)/float64(len(changes)), "allocs/change")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkTagTurnsRed turns a tag red that 5 % of ten million customers carry,
// while 100 segments are tracked: their members leave and the sets of those who
// left are reported.
func BenchmarkTagTurnsRed(b *testing.B) {
	const n, tag = 10_000_000, 42
	idx := indexOf(b, n)
	if err := idx.Track(define1000(b, idx)[:100]...); err != nil {
		b.Fatal(err)
	}
	red, neutral, events, left := math.Inf(1), math.Inf(1), 0, 0
	turn := func(p segment.Polarity) func() {
		return func() {
			got, err := idx.SetPolarity(day0, segment.PolarityRule{Tag: tagName(tag), Polarity: p})
			if err != nil {
				b.Fatal(err)
			}
			for s := range got.Sets() {
				events += s.IDs.Len()
			}
		}
	}
	for range 9 {
		events = 0
		red = min(red, perOp(turn(segment.Red), 1))
		left = events
		neutral = min(neutral, perOp(turn(segment.Neutral), 1))
	}
	for b.Loop() {
	}
	b.ReportMetric(float64(left), "left")
	b.ReportMetric(float64(benchTag(tag, n).size), "carriers")
	b.ReportMetric(red/1e6, "ms-red")
	b.ReportMetric(neutral/1e6, "ms-neutral-again")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkPreview counts every node of a tree over ten tags.
func BenchmarkPreviewEveryNode(b *testing.B) {
	for _, n := range []int{1_000_000, 10_000_000} {
		b.Run(fmt.Sprintf("%dM", n/1_000_000), func(b *testing.B) {
			idx := indexOf(b, n)
			var t []segment.Expr
			for i := range 10 {
				t = append(t, segment.Tag(tagName(10*i)))
			}
			e := segment.Without(segment.All(segment.Any(t[0], t[1]), segment.Any(t[2], t[3]), segment.AtLeast(2, t[4:7]...)), t[7:]...)
			if _, err := idx.Define(day0, segment.Definition{Name: "x", Expr: e}); err != nil {
				b.Fatal(err)
			}
			v := idx.View()
			alone(b, func() {
				if _, err := v.Preview("x", day0); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}
