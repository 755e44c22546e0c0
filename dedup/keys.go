package dedup

import (
	"cmp"
	"slices"
)

// keyed is a record under one of its keys.
type keyed struct{ key, record uint32 }

// keyList is the keys of all records under one rule. Nearly all have one at most, which is
// where the record is; so it takes half of what pairs would.
type keyList struct {
	first []uint32 // by record, 0 for none
	more  []keyed  // further ones of records with several, in order of records
}

// reset makes a list of n records without keys.
func (l *keyList) reset(n int) {
	if cap(l.first) < n {
		l.first = make([]uint32, n)
	}
	l.first, l.more = l.first[:n], l.more[:0]
	clear(l.first)
}

// add gives a record a key. Nearly all have one per rule, which needs no list.
func (l *keyList) add(key, record uint32) {
	if l.first[record] == 0 {
		l.first[record] = key
	} else {
		l.more = append(l.more, keyed{key, record})
	}
}

// fill takes the keys of all records under a rule, those of ignored identifiers only if all
// is set.
func (l *keyList) fill(t *table, rule *block, all bool) {
	l.reset(t.len())
	for i := range uint32(t.len()) {
		if rule.set < 0 {
			l.first[i] = t.key(t.row(i), rule, 0, all)
		} else {
			t.eachKey(t.row(i), rule, all, func(k uint32) { l.add(k, i) })
		}
	}
}

// sorted returns the keys in order, then records, using the room of out: one pass over the
// upper half of a key, which is a hash and so spreads evenly, then small insertion sorts.
func (l *keyList) sorted(out []keyed) []keyed {
	if len(l.first)+len(l.more) == 0 {
		return out[:0]
	}
	var start [1<<16 + 1]uint32
	for _, k := range l.first {
		if k != 0 {
			start[k>>16+1]++
		}
	}
	for _, e := range l.more {
		start[e.key>>16+1]++
	}
	for k := 1; k < len(start); k++ {
		start[k] += start[k-1]
	}
	bounds := start
	n := int(start[1<<16])
	if cap(out) < n {
		out = make([]keyed, n, max(n, len(l.first))) // for further rules, too
	}
	out = out[:n]
	more := l.more
	for i, k := range l.first {
		if k == 0 {
			continue
		}
		at := &start[k>>16]
		out[*at] = keyed{k, uint32(i)}
		*at++
		for ; len(more) > 0 && more[0].record == uint32(i); more = more[1:] {
			at := &start[more[0].key>>16]
			out[*at] = more[0]
			*at++
		}
	}
	for k := 0; k < 1<<16; k++ {
		part := out[bounds[k]:bounds[k+1]]
		if len(part) > 24 {
			slices.SortStableFunc(part, func(a, b keyed) int { return cmp.Compare(a.key, b.key) })
			continue
		}
		for i := 1; i < len(part); i++ {
			for j := i; j > 0 && part[j].key < part[j-1].key; j-- {
				part[j], part[j-1] = part[j-1], part[j]
			}
		}
	}
	return out
}
