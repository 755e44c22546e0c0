package basket

import (
	"errors"
	"fmt"
	"iter"
	"slices"
)

// ErrData is what every error about input is.
var ErrData = errors.New("basket: bad data")

// Line is an item in a basket: an order, a visit, or all that a customer ever bought. Both are numbered by the
// caller from 0 on without large gaps; memory grows with the largest numbers. A line that comes
// again changes nothing.
type Line struct{ Basket, Item uint32 }

// maxNumber bounds the numbers of baskets and items.
const maxNumber = 1 << 30

// Baskets is which items were bought together. It is immutable.
type Baskets struct {
	n     int      // baskets with an item
	items []uint32 // of all baskets, each in ascending order
	from  []int    // where each basket begins in items, and where the last ends
	in    []uint32 // the baskets of all items, each in ascending order
	of    []int    // where each item begins in in, and where the last ends
}

// New reads lines. An error is an ErrData and names the line by its place from 0.
func New(lines iter.Seq[Line]) (*Baskets, error) {
	var all []Line
	baskets, items := 0, 0
	for l := range lines {
		if l.Basket >= maxNumber || l.Item >= maxNumber {
			return nil, fmt.Errorf("%w: line %d: basket %d and item %d are not both below %d", ErrData, len(all), l.Basket, l.Item, maxNumber)
		}
		all = append(all, l)
		baskets, items = max(baskets, int(l.Basket)+1), max(items, int(l.Item)+1)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: no lines", ErrData)
	}
	b := &Baskets{items: make([]uint32, len(all)), from: make([]int, baskets+1), of: make([]int, items+1)}
	for _, l := range all {
		b.from[l.Basket+1]++
	}
	for i := range baskets {
		b.from[i+1] += b.from[i]
	}
	at := slices.Clone(b.from)
	for _, l := range all {
		b.items[at[l.Basket]] = l.Item
		at[l.Basket]++
	}
	// Each sorted and without repetition, moved together.
	end := 0
	for i := range baskets {
		one := b.items[b.from[i]:b.from[i+1]]
		slices.Sort(one)
		one = slices.Compact(one)
		b.from[i] = end
		end += copy(b.items[end:], one)
		if len(one) > 0 {
			b.n++
		}
	}
	b.from[baskets] = end
	b.items = b.items[:end:end]
	for _, item := range b.items {
		b.of[item+1]++
	}
	for i := range items {
		b.of[i+1] += b.of[i]
	}
	b.in = make([]uint32, end)
	at = slices.Clone(b.of)
	for i := range baskets {
		for _, item := range b.basket(i) {
			b.in[at[item]] = uint32(i)
			at[item]++
		}
	}
	return b, nil
}

// N returns how many baskets there are, empty numbers left out.
func (b *Baskets) N() int { return b.n }

// Count returns in how many baskets an item is.
func (b *Baskets) Count(item uint32) int {
	if int(item) >= len(b.of)-1 {
		return 0
	}
	return b.of[item+1] - b.of[item]
}

func (b *Baskets) basket(i int) []uint32 { return b.items[b.from[i]:b.from[i+1]] }

func (b *Baskets) with(item uint32) []uint32 { return b.in[b.of[item]:b.of[item+1]] }

// together counts, for an item, in how many of its baskets each other item is that keep lets
// through, and calls f for each in ascending order. counts has an entry for every item, all 0, and has
// so again afterwards.
func (b *Baskets) together(item uint32, counts []int32, touched []uint32, keep func(uint32) bool, f func(other uint32, n int)) []uint32 {
	touched = touched[:0]
	for _, i := range b.with(item) {
		for _, other := range b.basket(int(i)) {
			if other == item || !keep(other) {
				continue
			}
			if counts[other] == 0 {
				touched = append(touched, other)
			}
			counts[other]++
		}
	}
	slices.Sort(touched)
	for _, other := range touched {
		f(other, int(counts[other]))
		counts[other] = 0
	}
	return touched
}
