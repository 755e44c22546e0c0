package dedup

import (
	"cmp"
	"context"
	"math/bits"
	"slices"
	"sync"
)

// blocking is the candidate pairs of a table, as runs of records that share a key.
type blocking struct {
	t     *table
	runs  []runs   // by rule
	live  []uint32 // by record: bit r says that it stands in a run of rule r
	many  []bool   // by rule: some record has several keys
	stats []BlockStats
	hots  []HotKey // the largest that were left out
	large []HotKey // and that were not

	dropped []dropped // by rule
}

// dropped are the blocks of a rule that are too large.
type dropped struct {
	hot     map[uint32]bool // their keys, where a record may have several
	largest []sized         // the ten largest
	kept    []sized         // and the ten largest that are compared
}

// sized is a block before its records are listed: its key, the first record that has it,
// and how many have.
type sized struct {
	key, first uint32
	n          int
}

// runs are the blocks of one rule, one behind the other in one list.
type runs struct {
	records []uint32
	bounds  []uint32 // run k is records[bounds[k]:bounds[k+1]]
	keys    []uint32 // by run
}

// caps are the largest blocks that are compared.
type caps struct{ specific, wide int }

// BlockStats says what a blocking rule brought. Matches are expected ones: the sum of the
// probabilities of the pairs with positive weight.
type BlockStats struct {
	Rule   string `json:"rule"`             // Block.Name
	Blocks int    `json:"blocks"`           // blocks of two records or more
	Pairs  int64  `json:"pairs"`            // pairs in them, before rules are compared with each other
	Capped int    `json:"capped,omitempty"` // blocks left out as too large

	New     int64   `json:"new"`     // pairs that no rule before it in the schema picked
	Matches float64 `json:"matches"` // that it picks
	Only    float64 `json:"only"`    // that no other rule picks: what dropping it would lose
}

// HotKey is a block of many records.
type HotKey struct {
	Rule    string   `json:"rule"`
	Values  []string `json:"values"`  // of the rule's fields, as the first record has them
	Records int      `json:"records"` // that have them
}

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
	if k == 0 {
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
func newBlocking(ctx context.Context, t *table, limit caps, budget int64, threads int) (*blocking, caps, error) {
	p := t.plan
	n := len(p.blocks)
	b := &blocking{t: t, runs: make([]runs, n), live: make([]uint32, t.len()), many: make([]bool, n), dropped: make([]dropped, n)}
	b.stats = make([]BlockStats, n)
	f := &fitting{budget: budget, fixed: limit}
	rules := make([]int, n) // specific ones first, as they decide what is left for the others
	for r := range rules {
		rules[r] = r
	}
	slices.SortStableFunc(rules, func(a, b int) int {
		switch {
		case p.blocks[a].wide == p.blocks[b].wide:
			return 0
		case p.blocks[b].wide:
			return -1
		}
		return 1
	})
	_, err := parallel(ctx, threads, n, func(k int, w *worker) error {
		r := rules[k]
		w.keys.fill(t, &p.blocks[r], false)
		b.many[r] = len(w.keys.more) > 0
		w.entries = w.keys.sorted(w.entries)
		b.gather(r, w.entries, f.add(w.entries, p.blocks[r].wide))
		return nil
	})
	if err != nil {
		return nil, caps{}, err
	}
	limit = f.caps()
	for r := range b.runs {
		most := limit.specific
		if p.blocks[r].wide {
			most = limit.wide
		}
		b.cap(r, most)
	}
	for r := range b.dropped {
		b.hots = append(b.hots, b.describe(r, b.dropped[r].largest)...)
		b.large = append(b.large, b.describe(r, b.dropped[r].kept)...)
	}
	b.hots, b.large = largest(b.hots), largest(b.large)
	return b, limit, nil
}

// runLength is the number of entries from the first that share its key.
func runLength(entries []keyed) int {
	n := 1
	for n < len(entries) && entries[n].key == entries[0].key {
		n++
	}
	return n
}

// gather keeps the runs of a rule that hold two records or more, up to most; the
// others are too large whatever follows.
func (b *blocking) gather(r int, entries []keyed, most int) {
	out := &b.runs[r]
	keys, records := 0, 0
	for at := 0; at < len(entries); {
		n := runLength(entries[at:])
		if n > 1 && n <= most {
			keys, records = keys+1, records+n
		}
		at += n
	}
	out.keys, out.bounds, out.records = make([]uint32, 0, keys), make([]uint32, 0, keys+1), make([]uint32, 0, records)
	for at := 0; at < len(entries); {
		n := runLength(entries[at:])
		run := entries[at : at+n]
		at += n
		if n == 1 {
			continue
		}
		if n > most {
			b.drop(r, run[0].key, run[0].record, n)
			continue
		}
		out.bounds = append(out.bounds, uint32(len(out.records)))
		out.keys = append(out.keys, run[0].key)
		for _, e := range run {
			out.records = append(out.records, e.record)
		}
	}
	out.bounds = append(out.bounds, uint32(len(out.records)))
}

// fitting chooses the caps: the largest for the specific rules, then the largest for the
// wide ones with what is left of the budget.
type fitting struct {
	mu     sync.Mutex
	budget int64
	fixed  caps // by a model; zero if they are to be chosen
	counts [2][maxShared + 1]int64
}

// add counts a rule's blocks and returns the cap as it is now.
func (f *fitting) add(entries []keyed, wide bool) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	counts := &f.counts[0]
	if wide {
		counts = &f.counts[1]
	}
	for at := 0; at < len(entries); {
		n := runLength(entries[at:])
		if n <= maxShared {
			counts[n]++
		}
		at += n
	}
	return f.most(wide)
}

// caps are the largest blocks that fit the budget, of specific and of wide rules.
func (f *fitting) caps() caps { return caps{f.most(false), f.most(true)} }

// most is the cap as far as rules have been counted; further ones can only lower it.
func (f *fitting) most(wide bool) int {
	if f.fixed.specific != 0 {
		if wide {
			return f.fixed.wide
		}
		return f.fixed.specific
	}
	specific, used := choose(&f.counts[0], 20, f.budget)
	if !wide {
		return specific
	}
	n, _ := choose(&f.counts[1], 2, max(f.budget-used, f.budget/4))
	return n
}

// choose returns the largest block size with which the pairs of all blocks up to it stay
// within the budget, but at least the given one, and how many pairs those are. counts is
// by size.
func choose(counts *[maxShared + 1]int64, least int, budget int64) (most int, pairs int64) {
	for n := 2; n <= maxShared; n++ {
		add := counts[n] * int64(n) * int64(n-1) / 2
		if pairs+add > budget && n > least {
			return n - 1, pairs
		}
		pairs += add
	}
	return maxShared, pairs
}

// cap drops the runs of rule r with more than most records and notes who is in the others.
func (b *blocking) cap(r, most int) {
	run, stats := &b.runs[r], &b.stats[r]
	stats.Rule = b.t.plan.schema.Blocks[r].Name
	keys, bounds, records := run.keys[:0], run.bounds[:0], run.records[:0]
	from := uint32(0)
	for k, key := range run.keys {
		members := run.records[from:run.bounds[k+1]]
		from = run.bounds[k+1]
		n := len(members)
		if n > most {
			b.drop(r, key, members[0], n)
			continue
		}
		stats.Blocks++
		stats.Pairs += int64(n) * int64(n-1) / 2
		keepLargest(&b.dropped[r].kept, sized{key, members[0], n})
		bounds = append(bounds, uint32(len(records)))
		keys = append(keys, key)
		records = append(records, members...)
		for _, i := range members {
			b.live[i] |= 1 << r
		}
	}
	bounds = append(bounds, uint32(len(records)))
	if 2*len(records) < cap(run.records) { // most of it was dropped
		keys, bounds, records = slices.Clone(keys), slices.Clone(bounds), slices.Clone(records)
	}
	*run = runs{records, bounds, keys}
}

// mostHot is the number of too large blocks that are reported.
const mostHot = 10

// drop notes a block that is too large.
func (b *blocking) drop(r int, key, first uint32, n int) {
	b.stats[r].Capped++
	d := &b.dropped[r]
	if b.many[r] {
		if d.hot == nil {
			d.hot = map[uint32]bool{}
		}
		d.hot[key] = true
	}
	keepLargest(&d.largest, sized{key, first, n})
}

// keepLargest keeps the ten largest blocks in order.
func keepLargest(list *[]sized, x sized) {
	if n := len(*list); n == mostHot && (*list)[n-1].n > x.n {
		return
	}
	at, _ := slices.BinarySearchFunc(*list, x, func(a, b sized) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.key, b.key)) })
	*list = slices.Insert(*list, at, x)
	*list = (*list)[:min(len(*list), mostHot)]
}

// largest sorts keys by their records and returns the first few, ties by rule and values,
// so that a report does not depend on the order of blocks.
func largest(keys []HotKey) []HotKey {
	slices.SortFunc(keys, func(a, c HotKey) int {
		return cmp.Or(cmp.Compare(c.Records, a.Records), cmp.Compare(a.Rule, c.Rule), slices.Compare(a.Values, c.Values))
	})
	return keys[:min(len(keys), mostHot)]
}

// describe names blocks of rule r.
func (b *blocking) describe(r int, blocks []sized) (out []HotKey) {
	rule := &b.t.plan.blocks[r]
	for _, x := range blocks {
		h := HotKey{Rule: b.stats[r].Rule, Records: x.n}
		row := b.t.row(x.first)
		for i, q := range rule.parts {
			d := &b.t.dicts[q.field]
			id := row[q.field]
			if i == rule.set { // the element that made the key
				var buf [1]uint32
				for _, e := range d.parts(id, &buf) {
					if b.t.key(row, rule, e, false) == x.key {
						id = e
					}
				}
			}
			h.Values = append(h.Values, b.t.plan.schema.Blocks[r].Parts[i].cut(d.text(id)))
		}
		out = append(out, h)
	}
	return out
}

// fresh reports whether rule r is the first that picks two records, found under key; x and
// y are their rows, and both are the rules before r in whose runs both records stand.
func (b *blocking) fresh(r int, key uint32, both uint32, x, y []uint32) bool {
	for ; both != 0; both &= both - 1 {
		if q := bits.TrailingZeros32(both); b.shares(q, x, y) {
			return false
		}
	}
	if b.many[r] {
		if least := b.common(r, x, y); least != 0 && least != key {
			return false
		}
	}
	return true
}

// shares reports whether two records, both in runs of rule r, are in one of them.
func (b *blocking) shares(r int, x, y []uint32) bool {
	if b.many[r] {
		return b.common(r, x, y) != 0
	}
	for _, q := range b.t.plan.blocks[r].parts {
		if v, w := x[q.field], y[q.field]; v != w {
			if keys := b.t.dicts[q.field].keys[q.spec]; keys[v] != keys[w] {
				return false
			}
		}
	}
	return true
}

// common returns the least key that two records share under a rule with a set.
func (b *blocking) common(r int, x, y []uint32) uint32 {
	rule := &b.t.plan.blocks[r]
	least := uint32(0)
	b.t.eachKey(x, rule, false, func(k uint32) {
		if least != 0 && k >= least || b.dropped[r].hot[k] {
			return
		}
		b.t.eachKey(y, rule, false, func(l uint32) {
			if k == l {
				least = k
			}
		})
	})
	return least
}
