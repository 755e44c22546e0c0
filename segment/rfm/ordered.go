package rfm

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// ordered is a sorted list that finds values by rank and ranks by value while it
// changes: blocks of at most maxBlock entries, so that a change moves little and
// a walk over the blocks is short.
type ordered struct {
	blocks [][]entry
	lasts  []entry // the last of each block, side by side
	n      int
}

// entry is a value and whose it is. Equal values are in the order of tie, then
// of customers.
type entry struct {
	value    int64
	tie      uint64
	customer string
}

func (a entry) compare(b entry) int {
	switch {
	case a.value != b.value:
		return cmp.Compare(a.value, b.value)
	case a.tie != b.tie:
		return cmp.Compare(a.tie, b.tie)
	}
	return cmp.Compare(a.customer, b.customer)
}

// byCustomer returns the entry that stands among equal values where the customer
// does. Most customers are told apart by the beginning of their ids, which
// spares a look at the rest.
func byCustomer(value int64, customer string) entry {
	var head [8]byte
	copy(head[:], customer)
	return entry{value, binary.BigEndian.Uint64(head[:]), customer}
}

const maxBlock = 256

// find returns where e is or would be.
func (o *ordered) find(e entry) (block, at int, found bool) {
	block, _ = slices.BinarySearchFunc(o.lasts, e, entry.compare)
	if block == len(o.blocks) {
		return block, 0, false
	}
	at, found = slices.BinarySearchFunc(o.blocks[block], e, entry.compare)
	return block, at, found
}

func (o *ordered) insert(e entry) {
	o.n++
	block, at, _ := o.find(e)
	if block == len(o.blocks) {
		if block == 0 {
			o.blocks, o.lasts = append(o.blocks, []entry{e}), append(o.lasts, e)
			return
		}
		block--
		at = len(o.blocks[block])
	}
	b := slices.Insert(o.blocks[block], at, e)
	o.blocks[block], o.lasts[block] = b, b[len(b)-1]
	if len(b) > maxBlock {
		half := len(b) / 2
		o.blocks[block], o.lasts[block] = b[:half:half], b[half-1]
		o.blocks = slices.Insert(o.blocks, block+1, slices.Clone(b[half:]))
		o.lasts = slices.Insert(o.lasts, block+1, b[len(b)-1])
	}
}

func (o *ordered) remove(e entry) {
	block, at, found := o.find(e)
	if !found {
		return
	}
	o.n--
	b := slices.Delete(o.blocks[block], at, at+1)
	if len(b) == 0 {
		o.blocks, o.lasts = slices.Delete(o.blocks, block, block+1), slices.Delete(o.lasts, block, block+1)
		return
	}
	o.blocks[block], o.lasts[block] = b, b[len(b)-1]
}

// rank returns how many entries stand before e.
func (o *ordered) rank(e entry) int {
	block, at, _ := o.find(e)
	for _, b := range o.blocks[:block] {
		at += len(b)
	}
	return at
}

// statistics returns the values at ascending ranks from 0.
func (o *ordered) statistics(ranks []int) []int64 {
	out := make([]int64, 0, len(ranks))
	before := 0
	for _, b := range o.blocks {
		for len(out) < len(ranks) && ranks[len(out)] < before+len(b) {
			out = append(out, b[ranks[len(out)]-before].value)
		}
		before += len(b)
	}
	return out
}
