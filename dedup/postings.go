package dedup

import (
	"cmp"
	"math/bits"
	"slices"
)

// postings maps block keys to the records that have them. What a batch brings is held as
// sorted lists, what came and went since in an open hash table over them.
type postings struct {
	base    []ranks // by rule
	entries []posting
	nodes   []node
	free    uint32 // head of the list of unused nodes; 0 is none
	used    int    // entries that hold a key
	touched uint32 // see touch.go
}

// ranks are the lists of one rule, ordered by key, with an index over the upper bits of
// the keys, which are hashes.
type ranks struct {
	shift   int
	starts  []uint32 // by upper bits: first place in keys
	keys    []rank   // and one more, for the end
	records []uint32
}

// rank is a key of the sorted list and where its records begin.
type rank struct{ key, from uint32 }

// gone marks a record of a sorted list that was removed.
const gone = 1 << 31

// posting is what came to a key, and went, since the list was sorted.
type posting struct {
	key     uint64 // 0 is empty
	head    uint32 // node, 0 is none
	n       uint32 // nodes
	removed uint32 // records gone from the sorted list
}

// node is a record of a posting and the next one; 0 ends the chain.
type node struct{ record, next uint32 }

// list is the records of one key.
type list struct {
	base []uint32
	head uint32
	n    int
}

// postingKey joins rule and key; it is never 0, which marks an empty entry.
func postingKey(rule int, key uint32) uint64 { return uint64(rule+1)<<32 | uint64(key) }

// load makes entries, sorted by key, the lists of a rule.
func (p *postings) load(rule int, entries []keyed) {
	for len(p.base) <= rule {
		p.base = append(p.base, ranks{})
	}
	distinct := 0
	for at := 0; at < len(entries); at += runLength(entries[at:]) {
		distinct++
	}
	if distinct == 0 {
		return
	}
	width := bits.Len(uint(distinct / 4))
	r := ranks{shift: 32 - width, starts: make([]uint32, 1<<width+1), keys: make([]rank, 0, distinct+1), records: make([]uint32, len(entries))}
	for at := 0; at < len(entries); {
		key := entries[at].key
		r.starts[key>>r.shift+1]++
		r.keys = append(r.keys, rank{key, uint32(at)})
		for n := runLength(entries[at:]); n > 0; n-- {
			r.records[at] = entries[at].record
			at++
		}
	}
	r.keys = append(r.keys, rank{0, uint32(len(entries))})
	for k := 1; k < len(r.starts); k++ {
		r.starts[k] += r.starts[k-1]
	}
	p.base[rule] = r
}

// find returns the records of a key. The upper bits of the key say where to look, since
// keys are hashes and spread evenly.
func (r *ranks) find(key uint32) []uint32 {
	if len(r.keys) == 0 {
		return nil
	}
	for k, end := r.starts[key>>r.shift], r.starts[key>>r.shift+1]; k < end; k++ {
		if r.keys[k].key == key {
			return r.records[r.keys[k].from:r.keys[k+1].from]
		}
	}
	return nil
}

// find returns the list of a key.
func (p *postings) find(rule int, key uint32) list {
	var l list
	if rule < len(p.base) {
		l.base = p.base[rule].find(key)
	}
	l.n = len(l.base)
	if e := p.entry(postingKey(rule, key)); e != nil {
		l.head = e.head
		l.n += int(e.n) - int(e.removed)
	}
	return l
}

// entry returns the entry of a key or the empty one where it would be, by linear probing.
func (p *postings) entry(key uint64) *posting {
	if len(p.entries) == 0 {
		return nil
	}
	m := uint64(len(p.entries) - 1)
	for i := mix(key) & m; ; i = (i + 1) & m {
		e := &p.entries[i]
		if e.key == key {
			return e
		}
		if e.key == 0 {
			return nil
		}
	}
}

// ensure returns the entry of a key, which it makes if there is none.
func (p *postings) ensure(key uint64) *posting {
	if e := p.entry(key); e != nil {
		return e
	}
	if 4*(p.used+1) > 3*len(p.entries) {
		p.grow()
	}
	m := uint64(len(p.entries) - 1)
	i := mix(key) & m
	for p.entries[i].key != 0 {
		i = (i + 1) & m
	}
	p.entries[i].key = key
	p.used++
	return &p.entries[i]
}

// add puts a record on a key's list and returns the list's length.
func (p *postings) add(rule int, key, record uint32) int {
	e := p.ensure(postingKey(rule, key))
	if len(p.nodes) == 0 {
		p.nodes = append(p.nodes, node{})
	}
	at := p.free
	if at != 0 {
		p.free = p.nodes[at].next
		p.nodes[at] = node{record, e.head}
	} else {
		at = uint32(len(p.nodes))
		p.nodes = append(p.nodes, node{record, e.head})
	}
	e.head = at
	e.n++
	n := int(e.n) - int(e.removed)
	if rule < len(p.base) {
		n += len(p.base[rule].find(key))
	}
	return n
}

// remove takes a record off a key's list and returns what is left of it, or -1 if it
// was not there. Emptied keys stay until the table grows.
func (p *postings) remove(rule int, key, record uint32) int {
	if rule < len(p.base) {
		base := p.base[rule].find(key)
		i, found := slices.BinarySearchFunc(base, record, func(have, record uint32) int { return cmp.Compare(have&^gone, record) })
		if found && base[i] == record {
			base[i] |= gone
			p.ensure(postingKey(rule, key)).removed++
			return p.find(rule, key).n
		}
	}
	e := p.entry(postingKey(rule, key))
	if e == nil {
		return -1
	}
	for at := &e.head; *at != 0; at = &p.nodes[*at].next {
		k := *at
		if p.nodes[k].record == record {
			*at = p.nodes[k].next
			p.nodes[k] = node{0, p.free}
			p.free = k
			e.n--
			return p.find(rule, key).n
		}
	}
	return -1
}

// each yields the records of a list.
func (p *postings) each(l list, yield func(uint32)) {
	for _, i := range l.base {
		if i&gone == 0 {
			yield(i)
		}
	}
	for at := l.head; at != 0; at = p.nodes[at].next {
		yield(p.nodes[at].record)
	}
}

// appendTo appends the records of a list.
func (p *postings) appendTo(out []uint32, l list) []uint32 {
	p.each(l, func(i uint32) { out = append(out, i) })
	return out
}

// grow makes the table larger and leaves out entries that have become empty.
func (p *postings) grow() {
	old := p.entries
	live := 0
	for _, e := range old {
		if e.n > 0 || e.removed > 0 {
			live++
		}
	}
	size := 64
	for size < 2*live+2 {
		size *= 2
	}
	p.entries, p.used = make([]posting, size), live
	m := uint64(size - 1)
	for _, e := range old {
		if e.n == 0 && e.removed == 0 {
			continue
		}
		i := mix(e.key) & m
		for p.entries[i].key != 0 {
			i = (i + 1) & m
		}
		p.entries[i] = e
	}
}
