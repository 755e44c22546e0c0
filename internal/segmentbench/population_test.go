package segmentbench

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/vefacrm/vefa/segment"
	"github.com/vefacrm/vefa/segment/bitset"
)

// The population of the comparison: 200 tags with densities log-uniform from
// 50 % to 0.001 %, every eighth in runs of 2,000 on average, about 9.5 tags per
// customer.
const tagCount = 200

// tagIDs draws the carriers of tag t among n customers.
func tagIDs(t, n int) []uint32 {
	rng := rand.New(rand.NewPCG(uint64(t), 99))
	d := 0.5 * math.Pow(0.00002, float64(t)/199)
	ids := make([]uint32, 0, int(d*float64(n)))
	switch {
	case t%8 == 7:
		for id := 0; id < n; {
			run := 1 + int(2000*rng.ExpFloat64())
			id += 1 + int(2000*(1/d-1)*rng.ExpFloat64())
			for ; run > 0 && id < n; run-- {
				ids = append(ids, uint32(id))
				id++
			}
		}
	case d > 0.05:
		for id := range n {
			if rng.Float64() < d {
				ids = append(ids, uint32(id))
			}
		}
	default:
		for id := -1; ; {
			if id += 1 + int(rng.ExpFloat64()/d); id >= n {
				break
			}
			ids = append(ids, uint32(id))
		}
	}
	return ids
}

// tag is one tag as both libraries hold it after a bulk load.
type tag struct {
	ours   *bitset.Set
	theirs *roaring.Bitmap
	size   int
}

func newTag(ids []uint32) tag {
	t := tag{ours: new(bitset.Set), theirs: roaring.New(), size: len(ids)}
	for _, id := range ids {
		t.ours.Add(id)
	}
	t.ours.Compact()
	t.theirs.AddMany(ids)
	t.theirs.RunOptimize()
	return t
}

// population keeps the tags that benchmarks share; drawing them takes longer
// than measuring.
var population = struct {
	sync.Mutex
	tags map[[2]int]tag
}{tags: make(map[[2]int]tag)}

func benchTag(t, n int) tag {
	population.Lock()
	defer population.Unlock()
	got, ok := population.tags[[2]int{t, n}]
	if !ok {
		got = newTag(tagIDs(t, n))
		population.tags[[2]int{t, n}] = got
	}
	return got
}

func benchTags(n int) []tag {
	tags := make([]tag, tagCount)
	for t := range tags {
		tags[t] = benchTag(t, n)
	}
	return tags
}

// indexOf holds n customers with the 200 tags.
func indexOf(b *testing.B, n int) *segment.Index {
	b.Helper()
	idx := segment.NewIndex(segment.Options{})
	if _, err := idx.Load(day0, func(yield func(string, []string) bool) {
		for i := range n {
			if !yield(customer(i), nil) {
				return
			}
		}
	}); err != nil {
		b.Fatal(err)
	}
	for t := range tagCount {
		if _, err := idx.SetTag(day0, tagName(t), benchTag(t, n).ours); err != nil {
			b.Fatal(err)
		}
	}
	return idx
}

var day0 = time.Date(2025, 5, 1, 0, 0, 0, 0, time.UTC)

func customer(i int) string { return fmt.Sprintf("c%08d", i) }
func tagName(t int) string  { return fmt.Sprintf("tag-%03d", t) }

// segments1000 draws the 1,000 segments: two included tags, three excluded.
func segments1000() (picks [1000][5]int) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range picks {
		picks[i] = [5]int{rng.IntN(100), rng.IntN(150), rng.IntN(200), rng.IntN(200), rng.IntN(200)}
	}
	return picks
}

func define1000(b testing.TB, idx *segment.Index) []string {
	b.Helper()
	var defs []segment.Definition
	var names []string
	for i, p := range segments1000() {
		t := func(at int) segment.Expr { return segment.Tag(tagName(p[at])) }
		name := fmt.Sprintf("s%04d", i)
		names = append(names, name)
		defs = append(defs, segment.Definition{Name: name,
			Expr: segment.Without(segment.All(t(0), t(1)), t(2), t(3), t(4))})
	}
	if _, err := idx.Define(day0, defs...); err != nil {
		b.Fatal(err)
	}
	return names
}
