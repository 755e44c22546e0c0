package dedup

import (
	"cmp"
	"slices"
)

// many is the key of a record that has several keys of a rule.
const many = ^uint32(0)

// blocking is the candidate pairs of a table, as runs of records that share a key.
type blocking struct {
	t     *table
	rules int
	keys  []uint32 // record × rule: key, 0 none or capped, or many
	runs  []runs   // by rule
	hot   map[uint64]bool
	stats []BlockStats
	hots  []HotKey
}

type runs struct {
	records []uint32
	bounds  []uint32 // run k is records[bounds[k]:bounds[k+1]]
	keys    []uint32 // by run
}

// caps are the largest blocks that are compared.
type caps struct{ specific, wide int }

// BlockStats says what a blocking rule brought.
type BlockStats struct {
	Rule   string `json:"rule"`
	Blocks int    `json:"blocks"`           // blocks of two records or more
	Pairs  int64  `json:"pairs"`            // pairs in them, before rules are compared with each other
	Capped int    `json:"capped,omitempty"` // blocks left out as too large
}

// HotKey is a block that was too large to be compared.
type HotKey struct {
	Rule    string   `json:"rule"`
	Values  []string `json:"values"` // of the rule's fields, as the first record has them
	Records int      `json:"records"`
}

type keyed struct{ key, record uint32 }

// key returns the block key of a row under a rule, 0 if a part is unknown. For a rule
// with a set, element stands for the set's value. Ignored identifiers have no key
// unless all is set.
func (t *table) key(row []uint32, b *block, element uint32, all bool) uint32 {
	h := uint64(0x6a09e667f3bcc909)
	for i, q := range b.parts {
		id := row[q.field]
		if i == b.set {
			id = element
		}
		d := &t.dicts[q.field]
		if id == 0 || !all && d.ignored != nil && d.ignored[id] {
			return 0
		}
		h = mix(h ^ uint64(d.keys[q.spec][id]))
	}
	k := uint32(h >> 32)
	if k == 0 || k == many {
		k = 1
	}
	return k
}

// eachKey calls yield for every distinct key of a row under a rule.
func (t *table) eachKey(row []uint32, b *block, all bool, yield func(uint32)) {
	if b.set < 0 {
		if k := t.key(row, b, 0, all); k != 0 {
			yield(k)
		}
		return
	}
	f := b.parts[b.set].field
	var buf [1]uint32
	var seen []uint32
	elements := t.dicts[f].parts(row[f], &buf)
	for _, e := range elements {
		k := t.key(row, b, e, all)
		if k == 0 || len(elements) > 1 && slices.Contains(seen, k) {
			continue
		}
		if len(elements) > 1 {
			seen = append(seen, k)
		}
		yield(k)
	}
}

// newBlocking groups the table's records by every rule's key. Blocks above the
// caps are left out; caps of zero are chosen so that the budget of pairs is kept.
func newBlocking(t *table, limit caps, budget int64) (*blocking, caps) {
	p := t.plan
	b := &blocking{t: t, rules: len(p.blocks), hot: map[uint64]bool{}}
	b.keys = make([]uint32, len(t.ids)*b.rules)
	b.runs = make([]runs, b.rules)
	b.stats = make([]BlockStats, b.rules)
	entries, scratch := make([]keyed, 0, len(t.ids)), make([]keyed, 0)
	for r := range p.blocks {
		rule := &p.blocks[r]
		entries = entries[:0]
		for i := range t.ids {
			n, last := 0, uint32(0)
			t.eachKey(t.row(uint32(i)), rule, false, func(k uint32) {
				entries = append(entries, keyed{k, uint32(i)})
				n, last = n+1, k
			})
			if n > 1 {
				last = many
			}
			b.keys[i*b.rules+r] = last
		}
		entries, scratch = sortKeyed(entries, scratch)
		out := &b.runs[r]
		for i := 0; i < len(entries); {
			j := i + 1
			for j < len(entries) && entries[j].key == entries[i].key {
				j++
			}
			if j-i > 1 {
				out.bounds = append(out.bounds, uint32(len(out.records)))
				out.keys = append(out.keys, entries[i].key)
				for _, e := range entries[i:j] {
					out.records = append(out.records, e.record)
				}
			}
			i = j
		}
		out.bounds = append(out.bounds, uint32(len(out.records)))
	}
	if limit.specific == 0 {
		limit = b.fit(budget)
	}
	for r := range b.runs {
		most := limit.specific
		if p.blocks[r].wide {
			most = limit.wide
		}
		b.cap(r, most)
	}
	slices.SortFunc(b.hots, func(a, c HotKey) int {
		return cmp.Or(cmp.Compare(c.Records, a.Records), cmp.Compare(a.Rule, c.Rule), slices.Compare(a.Values, c.Values))
	})
	if len(b.hots) > 10 {
		b.hots = b.hots[:10]
	}
	return b, limit
}

// fit chooses the caps: the largest for the specific rules, then the largest for
// the wide ones with what is left of the budget.
func (b *blocking) fit(budget int64) caps {
	var counts [2][maxShared + 1]int64
	for r, run := range b.runs {
		w := 0
		if b.t.plan.blocks[r].wide {
			w = 1
		}
		for k := range run.keys {
			if n := run.bounds[k+1] - run.bounds[k]; n <= maxShared {
				counts[w][n]++
			}
		}
	}
	choose := func(counts *[maxShared + 1]int64, least int, budget int64) (int, int64) {
		var pairs int64
		for n := 2; n <= maxShared; n++ {
			add := counts[n] * int64(n) * int64(n-1) / 2
			if pairs+add > budget && n > least {
				return n - 1, pairs
			}
			pairs += add
		}
		return maxShared, pairs
	}
	var c caps
	var used int64
	c.specific, used = choose(&counts[0], 20, budget)
	c.wide, _ = choose(&counts[1], 2, max(budget-used, budget/4))
	return c
}

// cap drops the runs of rule r with more than most records.
func (b *blocking) cap(r, most int) {
	run, stats := &b.runs[r], &b.stats[r]
	stats.Rule = b.t.plan.schema.Blocks[r].Name
	var kept runs
	kept.records = run.records[:0]
	for k, key := range run.keys {
		records := run.records[run.bounds[k]:run.bounds[k+1]]
		n := len(records)
		if n > most {
			stats.Capped++
			b.hot[uint64(r)<<32|uint64(key)] = true
			b.report(r, records)
			for _, i := range records {
				if at := &b.keys[int(i)*b.rules+r]; *at == key {
					*at = 0
				}
			}
			continue
		}
		stats.Blocks++
		stats.Pairs += int64(n) * int64(n-1) / 2
		kept.bounds = append(kept.bounds, uint32(len(kept.records)))
		kept.keys = append(kept.keys, key)
		kept.records = append(kept.records, records...)
	}
	kept.bounds = append(kept.bounds, uint32(len(kept.records)))
	*run = kept
}

func (b *blocking) report(r int, records []uint32) {
	if len(b.hots) >= 10 { // keep the ten largest
		least := 0
		for i := range b.hots {
			if b.hots[i].Records < b.hots[least].Records {
				least = i
			}
		}
		if b.hots[least].Records >= len(records) {
			return
		}
		b.hots = slices.Delete(b.hots, least, least+1)
	}
	h := HotKey{Rule: b.stats[r].Rule, Records: len(records)}
	row := b.t.row(records[0])
	for _, q := range b.t.plan.blocks[r].parts {
		h.Values = append(h.Values, b.t.dicts[q.field].text(row[q.field]))
	}
	b.hots = append(b.hots, h)
}

// fresh reports whether rule r is the first that picks the pair i, j, found under key.
func (b *blocking) fresh(r int, key, i, j uint32) bool {
	ki := b.keys[int(i)*b.rules : int(i)*b.rules+r+1]
	kj := b.keys[int(j)*b.rules : int(j)*b.rules+r+1]
	for q := 0; q < r; q++ {
		if ki[q] == kj[q] && ki[q] != 0 && ki[q] != many {
			return false
		}
		if (ki[q] == many || kj[q] == many) && b.common(q, i, j) != 0 {
			return false
		}
	}
	if ki[r] == many && kj[r] == many {
		return b.common(r, i, j) == key
	}
	return true
}

// common returns the least key that two records share under a rule with a set.
func (b *blocking) common(r int, i, j uint32) uint32 {
	rule := &b.t.plan.blocks[r]
	least := uint32(0)
	b.t.eachKey(b.t.row(i), rule, false, func(k uint32) {
		if least != 0 && k >= least || b.hot[uint64(r)<<32|uint64(k)] {
			return
		}
		b.t.eachKey(b.t.row(j), rule, false, func(l uint32) {
			if k == l {
				least = k
			}
		})
	})
	return least
}

// sortKeyed sorts by key, then record: one pass over the upper half of the key,
// which is a hash and so spreads evenly, then small insertion sorts. Records
// arrive in rising order.
func sortKeyed(in, out []keyed) (sorted, scratch []keyed) {
	var start [1<<16 + 1]uint32
	for _, e := range in {
		start[e.key>>16+1]++
	}
	for k := 1; k < len(start); k++ {
		start[k] += start[k-1]
	}
	bounds := start
	out = slices.Grow(out[:0], len(in))[:len(in)]
	for _, e := range in {
		k := e.key >> 16
		out[start[k]] = e
		start[k]++
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
	return out, in
}
