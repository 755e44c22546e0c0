package dedup

import "slices"

// Records that say the same are one piece of evidence, however often they were exported: a
// customer with a thousand orders would fill every block that finds her, and the caps
// would take all of them for a placeholder. So equal records share one row, and join its
// cluster if the row is worth a link to itself. Only rows with an identifier and its holder
// are joined: equal names alone may well be two people, and how many have them says so.

// fold joins rows that are equal, once they are sorted by id: the first keeps the row, the
// others become its copies. Rows that are apart stay: those of records that people decided
// about, and those of sources that have every entity once.
func (t *table) fold(apart func(id string) bool) {
	n := uint32(t.len())
	size := uint32(16)
	for size < 2*n {
		size *= 2
	}
	heads := make([]uint32, size) // by hash: row + 1
	kept := uint32(0)
	for i := range n {
		row := t.row(i)
		if !t.foldable(row, i) || apart != nil && apart(t.id(i)) {
			t.shift(kept, i)
			kept++
			continue
		}
		at := hashRow(row) & (size - 1)
		for heads[at] != 0 && !slices.Equal(t.row(heads[at]-1), row) {
			at = (at + 1) & (size - 1)
		}
		if heads[at] != 0 {
			t.join(heads[at]-1, t.id(i))
			continue
		}
		t.shift(kept, i)
		heads[at] = kept + 1
		kept++
	}
	for i := kept; i < n; i++ { // rows to come begin empty
		clear(t.row(i))
	}
	t.ids.at = t.ids.at[:kept]
	t.pages = t.pages[:(kept+pageRows-1)/pageRows]
	if t.sources != nil && int(kept) < len(t.sources) {
		t.sources = t.sources[:kept]
	}
}

// foldable reports whether a row says enough, and comes from no source that has every
// entity once.
func (t *table) foldable(row []uint32, i uint32) bool {
	if t.sources != nil && int(i) < len(t.sources) && t.sources[i] != 0 {
		return false
	}
	return t.identified(row)
}

// identified reports whether a row has a value of an identifying field and says who holds it:
// a counter's phone number alone names no person, however many records have it.
func (t *table) identified(row []uint32) bool {
	return slices.ContainsFunc(t.plan.identifiers, func(f int) bool {
		h := t.plan.holder[f]
		return row[f] != 0 && (h < 0 || row[h] != 0)
	})
}

// shift moves a row to a place before it.
func (t *table) shift(to, from uint32) {
	if to == from {
		return
	}
	t.ids.at[to] = t.ids.at[from]
	copy(t.row(to), t.row(from))
	if t.sources != nil && int(from) < len(t.sources) {
		t.sources[to] = t.sources[from]
	}
}

// join makes a record a copy of row i; ids come in any order.
func (t *table) join(i uint32, id string) {
	if t.copies == nil {
		t.copies = map[uint32][]string{}
	}
	list := t.copies[i]
	at, _ := slices.BinarySearch(list, id)
	t.copies[i] = slices.Insert(list, at, id)
}

// leave takes a record off row i and reports whether others are left there. The row is
// called by the least id that has it.
func (t *table) leave(i uint32, id string) bool {
	list := t.copies[i]
	if len(list) == 0 {
		return false
	}
	if t.id(i) == id {
		t.name(i, list[0])
		list = list[1:]
	} else if at, ok := slices.BinarySearch(list, id); ok {
		list = slices.Delete(list, at, at+1)
	}
	if len(list) == 0 {
		delete(t.copies, i)
	} else {
		t.copies[i] = slices.Clip(list)
	}
	return true
}

// copied is the number of records that share a row with another that is counted.
func (t *table) copied() (n int) {
	for _, list := range t.copies {
		n += len(list)
	}
	return n
}

// doubled lists the rows that have copies.
func (t *table) doubled() []uint32 {
	out := make([]uint32, 0, len(t.copies))
	for i := range t.copies {
		out = append(out, i)
	}
	slices.Sort(out)
	return out
}

// firstKey is a key of a row under a rule, 0 if it has none.
func (t *table) firstKey(i uint32, rule int) (key uint32) {
	t.eachKey(t.row(i), &t.plan.blocks[rule], false, func(k uint32) {
		if key == 0 {
			key = k
		}
	})
	return key
}

// hashRow mixes the numbers of a row.
func hashRow(row []uint32) uint32 {
	h := uint64(0x9e3779b97f4a7c15)
	for _, v := range row {
		h = (h ^ uint64(v)) * 0xff51afd7ed558ccd
		h ^= h >> 32
	}
	return uint32(mix(h) >> 32)
}
