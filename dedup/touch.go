package dedup

// A table of a million records is larger than the caches, and most of the time of a
// question about one record goes into waiting for memory. What is going to be read is known
// beforehand, so it is touched before: reads that do not depend on each other wait
// together. The sums are kept so that the compiler cannot leave the reads out.

// touchValues reads where the values of a record, hashed already, are looked up.
func (t *table) touchValues(values []string) {
	sum := t.touched
	for f, v := range values {
		if slots := t.dicts[f].slots; v != "" && len(slots) > 0 {
			sum += slots[t.hashes[f]&uint32(len(slots)-1)].id
		}
	}
	for f, v := range values {
		d := &t.dicts[f]
		if slots := d.slots; v != "" && len(slots) > 0 {
			if x := slots[t.hashes[f]&uint32(len(slots)-1)]; x.hash == t.hashes[f] && int(x.id) < len(d.at) {
				at := d.at[x.id]
				sum += uint32(d.chunks[at>>chunkBits][at&(1<<chunkBits-1)*4])
			}
		}
	}
	t.touched = sum
}

// touchRows reads rows, and the sketches of their values in large dictionaries.
func (t *table) touchRows(rows []uint32) {
	sum := t.touched
	for _, i := range rows {
		row := t.row(i)
		sum += row[0] + row[len(row)-1]
	}
	for f := range t.dicts {
		if d := &t.dicts[f]; len(d.sketches) >= manyValues {
			for _, i := range rows {
				sum += uint32(d.sketches[t.row(i)[f]])
			}
		}
	}
	t.touched = sum
}

// pending is a pair of one row with another that may be above a weight.
type pending struct {
	ceiling
	place int // of the other
}

// promising returns those of n rows whose pair with a may be above a weight, and touches
// the strings in which they differ.
func (s *scorer) promising(t *table, out []pending, a []uint32, n int, row func(k int) []uint32, least float64) []pending {
	bound := s.bound(least)
	for k := range n {
		if len(out) == cap(out) {
			out = append(out, pending{})
		} else {
			out = out[:len(out)+1]
		}
		q := &out[len(out)-1]
		q.place = k
		if s.ceiling(t, a, row(k), &q.ceiling); q.most <= bound {
			out = out[:len(out)-1]
		}
	}
	for i := range out {
		t.touchTexts(a, row(out[i].place))
	}
	return out
}

// touchTexts reads the strings of b that are others than a's.
func (t *table) touchTexts(a, b []uint32) {
	sum := t.touched
	for _, k := range t.plan.comparisons {
		va, vb := a[k.field], b[k.field]
		if d := &t.dicts[k.field]; va != 0 && va != vb && vb != 0 && int(vb) < len(d.at) && len(d.at) >= manyValues {
			at := d.at[vb]
			sum += uint32(d.chunks[at>>chunkBits][at&(1<<chunkBits-1)*4])
		}
	}
	t.touched = sum
}

// touch reads the lists of keys.
func (p *postings) touch(keys []listed) {
	sum := p.touched
	for _, k := range keys {
		if k.rule < len(p.base) {
			if r := &p.base[k.rule]; len(r.keys) > 0 {
				sum += r.starts[k.key>>r.shift]
			}
		}
		if len(p.entries) > 0 {
			sum += p.entries[mix(postingKey(k.rule, k.key))&uint64(len(p.entries)-1)].head
		}
	}
	for _, k := range keys {
		if k.rule < len(p.base) {
			if r := &p.base[k.rule]; len(r.keys) > 0 {
				sum += r.keys[r.starts[k.key>>r.shift]].from
			}
		}
	}
	for _, k := range keys {
		if k.rule < len(p.base) {
			if list := p.base[k.rule].find(k.key); len(list) > 0 {
				sum += list[0]
			}
		}
	}
	p.touched = sum
}
