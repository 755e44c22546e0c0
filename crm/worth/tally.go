package worth

import (
	"iter"
	"math"
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/value"
)

// tally is what those customers add up to who had bought by a day. All of it is whole numbers whose order does not matter, so
// that what is fitted to it is the same in whatever order and by however many goroutines customers were counted.
type tally struct {
	bought []uint64               // of each, in coarse days: repeats in the upper bits, Last and Age in 20 each
	paid   map[uint64]int         // of many customers: purchases in the upper 32 bits, hundredths of the logarithm of their mean
	spent  map[value.Spending]int // of few
	cells  [3][]int64             // of each: days since the last purchase, orders, total
	span   int64                  // days between first and last purchases
	gaps   int                    // how many gaps that is
}

// chunk is how many customers are counted at a time.
const chunk = 1 << 13

// count counts customers as of a day, those alone who had bought by then, by coarse days.
func count(all []summary, today, coarse int) (*tally, error) {
	chunks := (len(all) + chunk - 1) / chunk
	parts := make([]*tally, max(1, min(runtime.GOMAXPROCS(0), chunks)))
	faults := make([]error, len(parts))
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range parts {
		wg.Go(func() {
			defer crm.Recover("worth", &faults[w])
			t := newTally(len(all) / len(parts))
			for i := int(next.Add(1)) - 1; i < chunks; i = int(next.Add(1)) - 1 {
				for j := i * chunk; j < min((i+1)*chunk, len(all)); j++ {
					if int(all[j].last) <= today {
						t.add(&all[j], today, coarse)
					}
				}
			}
			parts[w] = t
		})
	}
	wg.Wait()
	for _, err := range faults {
		if err != nil {
			return nil, err
		}
	}
	for _, t := range parts[1:] {
		parts[0].merge(t)
	}
	return parts[0], nil
}

func newTally(n int) *tally {
	t := &tally{bought: make([]uint64, 0, n+n/8), paid: map[uint64]int{}, spent: map[value.Spending]int{}}
	for i := range t.cells {
		t.cells[i] = make([]int64, 0, n+n/8)
	}
	return t
}

func (t *tally) add(s *summary, today, coarse int) {
	whole := func(days int32) uint64 { return uint64((min(int(days), longest) + coarse/2) / coarse) }
	t.bought = append(t.bought, uint64(s.repeats)<<40|whole(s.last-s.first)<<20|whole(int32(today)-s.first))
	t.span += int64(s.last - s.first)
	t.gaps += int(s.repeats)
	if !s.priced {
		return
	}
	if s.total > -mostSpent && s.total < mostSpent {
		for i, v := range [3]int64{int64(today - int(s.last)), int64(s.orders), s.total} {
			t.cells[i] = append(t.cells[i], v)
		}
	}
	switch sp, ok := s.spending(); {
	case !ok || sp.Purchases == 0:
	case coarse == 1:
		t.spent[sp]++
	default:
		t.paid[uint64(sp.Purchases)<<32|uint64(bucketZero+int(math.Round(math.Log(sp.Mean)*100)))]++
	}
}

func (t *tally) merge(o *tally) {
	t.bought = append(t.bought, o.bought...)
	for k, n := range o.paid {
		t.paid[k] += n
	}
	for k, n := range o.spent {
		t.spent[k] += n
	}
	for i := range t.cells {
		t.cells[i] = append(t.cells[i], o.cells[i]...)
	}
	t.span, t.gaps = t.span+o.span, t.gaps+o.gaps
}

// histories returns what customers bought with how many of them there are, in ascending order.
func (t *tally) histories(coarse int) iter.Seq2[value.Purchases, int] {
	return func(yield func(value.Purchases, int) bool) {
		span := func(n uint64) float64 { return weeks(int(n&(1<<20-1)) * coarse) }
		all := sorted(t.bought)
		for i := 0; i < len(all); {
			k, from := all[i], i
			for i < len(all) && all[i] == k {
				i++
			}
			if !yield(value.Purchases{Repeats: int(k >> 40), Last: span(k >> 20), Age: span(k)}, i-from) {
				return
			}
		}
	}
}

// sorted returns numbers in ascending order, and uses where they were. It goes by digits, from the lowest of those in which they
// differ, which is four times as quick as comparing a million that differ in some 30 bits.
func sorted(all []uint64) []uint64 {
	const digit = 11
	var differ uint64
	for _, v := range all {
		differ |= v ^ all[0]
	}
	spare := make([]uint64, len(all))
	for differ != 0 {
		shift := bits.TrailingZeros64(differ)
		var at [1 << digit]int
		for _, v := range all {
			at[v>>shift%(1<<digit)]++
		}
		sum := 0
		for i, n := range at {
			at[i], sum = sum, sum+n
		}
		for _, v := range all {
			k := v >> shift % (1 << digit)
			spare[at[k]] = v
			at[k]++
		}
		all, spare = spare, all
		differ &^= (1<<digit - 1) << shift
	}
	return all
}
