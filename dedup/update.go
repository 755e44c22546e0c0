package dedup

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// bulk is the number of records from which an empty index is filled as a batch.
const bulk = 1000

// work is what one change touches. It is kept from one to the next, as most touch little.
type work struct {
	marks    []mark      // by record
	dirty    []uint32    // records whose pairs must be scored again
	seeds    []uint32    // records whose component must be clustered again
	upserted []uint32    //
	joined   []string    // records that became copies
	seen     []uint32    // records whose component was clustered
	elements [][2]uint32 // identifier, element: those whose holders changed
	blocks   []uint64    // posting keys of blocks that crossed their cap
	records  []uint32    // of lists
	lists    [][2]uint32 // from, to: records whose pairs with each other must be looked at again
}

// mark says in which of the sets of work a record is.
type mark uint8

const (
	isDirty mark = 1 << iota
	isSeed
	isUpserted
	isSeen
)

// reset forgets the change before.
func (w *work) reset() {
	for _, set := range []*[]uint32{&w.dirty, &w.seeds, &w.upserted, &w.seen} {
		for _, i := range *set {
			w.marks[i] = 0
		}
		*set = (*set)[:0]
	}
	w.joined = w.joined[:0]
	w.elements, w.blocks, w.records, w.lists = w.elements[:0], w.blocks[:0], w.records[:0], w.lists[:0]
}

// put adds a record to the set that m stands for.
func (w *work) put(set *[]uint32, m mark, i uint32) {
	if w.marks[i]&m == 0 {
		w.marks[i] |= m
		*set = append(*set, i)
	}
}

// soil marks a record whose pairs are to be found anew.
func (w *work) soil(i uint32) { w.put(&w.dirty, isDirty, i) }

// seed marks a record whose component is to be clustered anew.
func (w *work) seed(i uint32) { w.put(&w.seeds, isSeed, i) }

// is reports whether a record is in a set.
func (w *work) is(i uint32, m mark) bool { return w.marks[i]&m != 0 }

// Apply removes records, inserts or replaces others and adds decisions, in this
// order, and clusters again what is affected. Removing an unknown id is no error;
// a decision may name records that are not there yet. An upserted record without id,
// twice in one call or of the wrong width is a [RecordError], and nothing is changed.
// A cancelled context is noticed before anything is changed.
func (x *Index) Apply(ctx context.Context, upserts []Record, removes []string, decisions ...Decision) (Change, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.change(ctx, upserts, removes, decisions)
}

// change is Apply for a holder of the lock.
func (x *Index) change(ctx context.Context, upserts []Record, removes []string, decisions []Decision) (Change, error) {
	if err := ctx.Err(); err != nil {
		return Change{}, err
	}
	if err := x.validate(upserts); err != nil {
		return Change{}, err
	}
	if x.t.len() == 0 && len(upserts) >= bulk {
		return x.fill(upserts, decisions)
	}
	var out Change
	w := &x.work
	w.reset()
	for _, id := range removes {
		if i, ok := x.slots[id]; ok {
			if !x.part(i, id, w) {
				x.remove(i, w)
			}
			out.Removed = append(out.Removed, id)
		}
	}
	for _, r := range upserts {
		x.upsert(r, w)
	}
	out.Removed = slices.DeleteFunc(out.Removed, func(id string) bool { _, back := x.slots[id]; return back })
	slices.Sort(out.Removed)
	for _, d := range decisions {
		x.decide(d)
		for _, id := range []string{d.A, d.B} {
			x.setApart(id, w)
			if i, ok := x.slots[id]; ok {
				w.seed(i)
			}
		}
	}
	x.scorer.frequencies(x.t)
	x.holders(w)
	for _, i := range w.dirty {
		if x.t.id(i) != "" {
			x.rescore(i, w)
		}
	}
	x.revisit(w)
	most := x.linker.opt.Component
	if most <= 0 {
		most = mostConnected
	}
	for i := range x.queued { // they may hang together differently now
		w.seed(i)
	}
	clear(x.queued)
	x.recluster(w, &out, most)
	return out, nil
}

// validate refuses a change before any of it is made.
func (x *Index) validate(upserts []Record) error {
	var seen map[string]bool
	if len(upserts) > 1 {
		seen = make(map[string]bool, len(upserts))
	}
	for i, r := range upserts {
		err := checkID(r.ID)
		switch {
		case err != nil:
		case len(r.Values) != len(x.t.dicts):
			err = errValues
		case seen[r.ID]:
			err = ErrDuplicateID
		}
		if err != nil {
			return &RecordError{ID: r.ID, Row: i + 1, Err: err}
		}
		if seen != nil {
			seen[r.ID] = true
		}
	}
	return nil
}

func quiet(int64) {} // nobody is told of the progress

// fill loads an empty index with the means of a batch.
func (x *Index) fill(upserts []Record, decisions []Decision) (Change, error) {
	for i, r := range upserts {
		if err := x.t.add(r, i+1); err != nil {
			return Change{}, err
		}
	}
	if err := x.t.sort(); err != nil {
		return Change{}, err
	}
	for _, d := range decisions {
		x.decide(d)
	}
	x.t.fold(func(id string) bool { return len(x.decided[id]) > 0 })
	x.t.count()
	x.t.derive()
	x.scorer.adopt(x.t)
	// a background context: from here on the index changes and must be finished
	b, _, err := newBlocking(context.Background(), x.t, caps{x.scorer.m.SpecificCap, x.scorer.m.WideCap}, 0, x.linker.opt.Threads)
	if err != nil {
		return Change{}, err
	}
	scan := &scan{step: quiet}
	if err := b.compare(context.Background(), x.scorer, x.linker.opt.Threads, scan); err != nil {
		return Change{}, err
	}
	edges := scan.edges
	n := x.t.len()
	x.near, x.clusters, x.mark, x.work.marks = make([][]neighbour, n), make([]*Cluster, n), make([]uint32, n), make([]mark, n)
	for _, e := range edges {
		x.near[e.a] = append(x.near[e.a], neighbour{e.b, e.weight})
		x.near[e.b] = append(x.near[e.b], neighbour{e.a, e.weight})
	}
	for i := range x.t.len() {
		id := x.t.id(uint32(i))
		x.slots[id] = uint32(i)
		for _, id := range x.t.copies[uint32(i)] {
			x.slots[id] = uint32(i)
		}
	}
	x.load()
	must, cannot := resolve(x.settled(), x.slot)
	var out Change
	out.Clusters, out.Conflicts, err = newComponents(n, edges, must, cannot).partition(context.Background(), x.t, x.scorer, x.linker.opt.Threads, quiet)
	if err != nil {
		return Change{}, err
	}
	sortDecisions(out.Conflicts)
	for k := range out.Clusters {
		for _, id := range out.Clusters[k].Members {
			if i := x.slots[id]; x.t.id(i) == id { // a copy may be a cluster by itself
				x.clusters[i] = &out.Clusters[k]
			}
		}
	}
	out.Clusters = slices.Clone(out.Clusters)
	return out, nil
}

// sortDecisions sorts by the two ids, so that lists do not depend on maps.
func sortDecisions(d []Decision) {
	slices.SortFunc(d, func(a, b Decision) int { return cmp.Or(cmp.Compare(a.A, b.A), cmp.Compare(a.B, b.B)) })
}

func (x *Index) slot(id string) (uint32, bool) {
	i, ok := x.slots[id]
	return i, ok
}

// decide keeps a decision; the last word about a pair holds.
func (x *Index) decide(d Decision) {
	k := d.key()
	if _, known := x.decisions[k]; !known {
		x.decided[k[0]] = append(x.decided[k[0]], k[1])
		x.decided[k[1]] = append(x.decided[k[1]], k[0])
	}
	x.decisions[k] = d.Same
}

// load fills the postings with all records of the table.
func (x *Index) load() {
	p := x.t.plan
	var keys keyList
	var entries []keyed
	for r := range p.blocks {
		keys.fill(x.t, &p.blocks[r], true)
		entries = keys.sorted(entries)
		x.postings.load(r, entries)
	}
	var buf [1]uint32
	for q, f := range p.identifiers {
		keys.reset(x.t.len())
		for i := range uint32(x.t.len()) {
			for _, e := range x.t.dicts[f].parts(x.t.row(i)[f], &buf) {
				keys.add(elementKey(e), i)
			}
		}
		entries = keys.sorted(entries)
		x.postings.load(len(p.blocks)+q, entries)
	}
}

// elementKey spreads the numbers of elements as if they were hashes, each to its own.
func elementKey(e uint32) uint32 { return e * 2654435761 }

// keys yields the posting keys of a row: its block keys by rule, and after the rules the
// elements of identifiers, to find who holds them.
func (x *Index) keys(row []uint32, yield func(rule int, key uint32)) {
	p := x.t.plan
	for r := range p.blocks {
		x.t.eachKey(row, &p.blocks[r], true, func(k uint32) { yield(r, k) })
	}
	var buf [1]uint32
	for q, f := range p.identifiers {
		for _, e := range x.t.dicts[f].parts(row[f], &buf) {
			yield(len(p.blocks)+q, elementKey(e))
		}
	}
}

// limit is the largest block of a rule that is looked at, as the model was learnt with it.
func (x *Index) limit(rule int) int {
	if x.t.plan.blocks[rule].wide {
		return x.scorer.m.WideCap
	}
	return x.scorer.m.SpecificCap
}

// listed is a posting key of a record.
type listed struct {
	rule int
	key  uint32
}

// replace makes next the values of a record, all unknown for one that goes: it is taken off
// the lists of keys that it has no more and put on those that are new, and its pairs
// are forgotten.
func (x *Index) replace(i uint32, next []uint32, w *work) {
	row := x.t.row(i)
	rules := len(x.t.plan.blocks)
	was, is := x.was[:0], x.is[:0]
	x.keys(row, func(rule int, key uint32) { was = append(was, listed{rule, key}) })
	x.keys(next, func(rule int, key uint32) { is = append(is, listed{rule, key}) })
	x.postings.touch(was)
	x.postings.touch(is)
	for _, k := range was {
		if slices.Contains(is, k) {
			continue
		}
		if left := x.postings.remove(k.rule, k.key, i); k.rule < rules && left == x.limit(k.rule) { // small enough again
			w.blocks = append(w.blocks, postingKey(k.rule, k.key))
		}
	}
	for _, k := range is {
		if len(was) > 0 && slices.Contains(was, k) {
			continue
		}
		if n := x.postings.add(k.rule, k.key, i); k.rule < rules && n == x.limit(k.rule)+1 { // too large now
			w.blocks = append(w.blocks, postingKey(k.rule, k.key))
		}
	}
	x.was, x.is = was, is
	x.eachIdentifier(row, w, func(d *dict, e uint32) { d.holders[e]-- })
	x.eachIdentifier(next, w, func(d *dict, e uint32) { d.holders[e]++ })
	copy(row, next)
	x.drop(i, w)
}

// remove takes a record out.
func (x *Index) remove(i uint32, w *work) {
	x.replace(i, make([]uint32, len(x.t.dicts)), w)
	id := x.t.id(i)
	for _, other := range x.decided[id] {
		if j, ok := x.slots[other]; ok {
			w.seed(j)
		}
	}
	delete(x.slots, id)
	x.t.name(i, "")
	x.clusters[i] = nil
	x.free = append(x.free, i)
}

// eachIdentifier calls do for every value of an identifying field, and notes it: how many
// records hold it decides what agreeing on it means.
func (x *Index) eachIdentifier(row []uint32, w *work, do func(d *dict, e uint32)) {
	var buf [1]uint32
	for q, f := range x.t.plan.identifiers {
		d := &x.t.dicts[f]
		for _, e := range d.parts(row[f], &buf) {
			do(d, e)
			w.elements = append(w.elements, [2]uint32{uint32(q), e})
		}
	}
}

// drop forgets the pairs of a record.
func (x *Index) drop(i uint32, w *work) {
	for _, n := range x.near[i] {
		w.seed(n.record)
		x.near[n.record] = slices.DeleteFunc(x.near[n.record], func(m neighbour) bool { return m.record == i })
	}
	x.near[i] = x.near[i][:0]
}

// moved reports whether a record comes from another source than before.
func (x *Index) moved(i uint32, source string) bool {
	if x.t.promises == nil {
		return false
	}
	was := x.t.sources[i]
	x.t.source(i, source)
	now := x.t.sources[i]
	x.t.sources[i] = was
	return was != now
}

// upsert inserts a record or replaces it; one that is as it was is only clustered again,
// for the report.
func (x *Index) upsert(r Record, w *work) {
	i, known := x.slots[r.ID]
	row := x.row
	x.t.numbers(row, r.Values, false)
	x.t.derive()
	if known {
		w.put(&w.upserted, isUpserted, i)
		if slices.Equal(row, x.t.row(i)) && !x.moved(i, r.Source) {
			w.seed(i)
			w.joined = append(w.joined, r.ID)
			return
		}
		known = !x.part(i, r.ID, w)
	}
	if j, ok := x.twin(row, r); ok {
		if known {
			x.remove(i, w)
		}
		x.join(j, r.ID, w)
		return
	}
	if !known {
		i = x.makeRow(r.ID)
	}
	x.t.source(i, r.Source)
	w.put(&w.upserted, isUpserted, i)
	w.soil(i)
	x.replace(i, row, w)
}

// twin returns the row that a record may share: one that says the same, and is not apart.
func (x *Index) twin(row []uint32, r Record) (twin uint32, found bool) {
	if x.t.promised(r.Source) || len(x.decided[r.ID]) > 0 || !x.t.identified(row) {
		return 0, false
	}
	var shortest list
	missing, some := false, false
	for rule := range x.t.plan.blocks {
		x.t.eachKey(row, &x.t.plan.blocks[rule], true, func(k uint32) {
			if missing || some && shortest.n <= fewMembers {
				return
			}
			l := x.postings.find(rule, k)
			missing = l.n == 0 // a row that says the same has all keys
			if !some || l.n < shortest.n {
				shortest, some = l, true
			}
		})
	}
	if missing || !some {
		return 0, false
	}
	x.postings.each(shortest, func(i uint32) {
		if !found && slices.Equal(x.t.row(i), row) && len(x.decided[x.t.id(i)]) == 0 && (x.t.sources == nil || x.t.sources[i] == 0) {
			twin, found = i, true
		}
	})
	return twin, found
}

// join makes a record a copy of a row, or the row's first.
func (x *Index) join(i uint32, id string, w *work) {
	id = strings.Clone(id)
	if old := x.t.id(i); id < old {
		x.t.name(i, id)
		x.t.join(i, old)
	} else {
		x.t.join(i, id)
	}
	x.slots[id] = i
	w.joined = append(w.joined, id)
	w.put(&w.upserted, isUpserted, i)
	w.seed(i)
}

// part takes a record off the row that it shares with others, false if it shares none.
func (x *Index) part(i uint32, id string, w *work) bool {
	if !x.t.leave(i, id) {
		return false
	}
	delete(x.slots, id)
	w.seed(i)
	return true
}

// setApart gives a record that people decided about a row of its own.
func (x *Index) setApart(id string, w *work) {
	i, ok := x.slots[id]
	if !ok {
		return
	}
	row := slices.Clone(x.t.row(i))
	if !x.part(i, id, w) {
		return
	}
	j := x.makeRow(id)
	x.t.source(j, "") // no promise, or it would have had a row of its own
	x.replace(j, row, w)
	w.soil(j)
}

// makeRow returns a row for a record that has none.
func (x *Index) makeRow(id string) (i uint32) {
	if n := len(x.free); n > 0 {
		i, x.free = x.free[n-1], x.free[:n-1]
	} else {
		i = x.t.extend()
		x.near, x.clusters, x.mark, x.work.marks = append(x.near, nil), append(x.clusters, nil), append(x.mark, 0), append(x.work.marks, 0)
	}
	x.t.name(i, id)
	x.slots[x.t.id(i)] = i
	return i
}

// holders decides again which identifiers are nobody's, and notes the records whose
// pairs weigh something else because of it, or because an identifier became more common.
func (x *Index) holders(w *work) {
	slices.SortFunc(w.elements, func(a, b [2]uint32) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	w.elements = slices.Compact(w.elements)
	for _, at := range w.elements {
		q, e := int(at[0]), at[1]
		f := x.t.plan.identifiers[q]
		d, h := &x.t.dicts[f], x.t.plan.holder[f]
		was, n := d.ignored[e], d.holders[e]
		d.ignored[e] = n > maxShared
		if len(x.t.copies) > 0 { // a row weighs something else against its copies
			x.postings.each(x.postings.find(len(x.t.plan.blocks)+q, elementKey(e)), func(i uint32) {
				if len(x.t.copies[i]) > 0 {
					w.seed(i)
				}
			})
		}
		if n <= 1 && !was && !d.ignored[e] { // nobody else's
			continue
		}
		list := x.postings.find(len(x.t.plan.blocks)+q, elementKey(e))
		if n > maxHolders && n <= maxShared && h >= 0 {
			var names []uint32
			x.postings.each(list, func(i uint32) {
				if v := x.t.row(i)[h]; v != 0 {
					names = append(names, x.t.holderKey(h, v))
				}
			})
			d.ignored[e] = distinct(names) > int(maxHolders)
		}
		if was && d.ignored[e] || n == 0 {
			continue
		}
		if was != d.ignored[e] { // it says something else about every pair
			x.postings.each(list, w.soil)
		} else if list.n > 1 {
			from := uint32(len(w.records))
			w.records = x.postings.appendTo(w.records, list)
			w.lists = append(w.lists, [2]uint32{from, uint32(len(w.records))})
		}
	}
}

// revisit looks again at the pairs of records that share an identifier which became more
// or less common, and at those of blocks that crossed their cap.
func (x *Index) revisit(w *work) {
	for _, l := range w.lists {
		x.visit(w.records[l[0]:l[1]], false, w)
	}
	slices.Sort(w.blocks)
	for _, at := range slices.Compact(w.blocks) {
		rule, key := int(at>>32)-1, uint32(at)
		l := x.postings.find(rule, key)
		records := x.postings.appendTo(nil, l)
		if l.n <= x.limit(rule) && len(records) > 0 && x.holds(records[0], rule, key) {
			x.visit(records, true, w)
			continue
		}
		inside := make(map[uint32]bool, len(records)) // too large: its pairs may be nobody's now
		for _, i := range records {
			inside[i] = true
		}
		for _, i := range records {
			for _, n := range slices.Clone(x.near[i]) {
				if i < n.record && inside[n.record] {
					x.pair(i, n.record, false, w)
				}
			}
		}
	}
}

// visit looks again at all pairs of a list; picked says that a rule picks them.
func (x *Index) visit(list []uint32, picked bool, w *work) {
	for k, i := range list {
		for _, j := range list[k+1:] {
			if !w.is(i, isDirty) && !w.is(j, isDirty) {
				x.pair(i, j, picked, w)
			}
		}
	}
}

// pair brings what is known about two records up to date.
func (x *Index) pair(i, j uint32, picked bool, w *work) {
	if x.t.rivals(i, j) {
		return
	}
	v, ok := x.scorer.link(x.x, x.t.row(i), x.t.row(j))
	ok = ok && (picked || x.picked(i, j))
	at := slices.IndexFunc(x.near[i], func(n neighbour) bool { return n.record == j })
	back := slices.IndexFunc(x.near[j], func(n neighbour) bool { return n.record == i })
	switch {
	case !ok && at < 0 || ok && at >= 0 && x.near[i][at].weight == float32(v):
		return
	}
	w.seed(i)
	w.seed(j)
	switch {
	case !ok:
		x.near[i], x.near[j] = slices.Delete(x.near[i], at, at+1), slices.Delete(x.near[j], back, back+1)
	case at >= 0:
		x.near[i][at].weight, x.near[j][back].weight = float32(v), float32(v)
	default:
		x.near[i], x.near[j] = append(x.near[i], neighbour{j, float32(v)}), append(x.near[j], neighbour{i, float32(v)})
	}
}

// picked reports whether a rule picks two records.
func (x *Index) picked(i, j uint32) bool {
	for r := range x.t.plan.blocks {
		found := false
		x.t.eachKey(x.t.row(i), &x.t.plan.blocks[r], false, func(k uint32) {
			found = found || x.holds(j, r, k) && x.postings.find(r, k).n <= x.limit(r)
		})
		if found {
			return true
		}
	}
	return false
}

// holds reports whether a record has a key of a rule that is no ignored identifier's.
func (x *Index) holds(i uint32, rule int, key uint32) (found bool) {
	x.t.eachKey(x.t.row(i), &x.t.plan.blocks[rule], false, func(k uint32) { found = found || k == key })
	return found
}

// candidates returns every record that a rule pairs with the row, once. The list is good
// until the next call.
func (x *Index) candidates(row []uint32, self uint32) []uint32 {
	if x.round++; x.round == 0 {
		clear(x.mark)
		x.round = 1
	}
	p := x.t.plan
	keys, met := x.is[:0], x.met[:0]
	for r := range p.blocks {
		x.t.eachKey(row, &p.blocks[r], false, func(k uint32) { keys = append(keys, listed{r, k}) })
	}
	x.postings.touch(keys)
	for _, k := range keys {
		l := x.postings.find(k.rule, k.key)
		if l.n > x.limit(k.rule) {
			continue
		}
		x.postings.each(l, func(i uint32) {
			if i != self && x.mark[i] != x.round {
				x.mark[i] = x.round
				met = append(met, i)
			}
		})
	}
	x.is, x.met = keys, met
	x.t.touchRows(met)
	return met
}

// promising returns the records that may be above a weight with a row. The list is good
// until the next call.
func (x *Index) promising(row []uint32, met []uint32, least float64) []pending {
	x.pending = x.scorer.promising(x.t, x.pending[:0], row, len(met), func(k int) []uint32 { return x.t.row(met[k]) }, least)
	return x.pending
}

// rescore finds the pairs of a record anew.
func (x *Index) rescore(i uint32, w *work) {
	x.drop(i, w)
	w.seed(i)
	row := x.t.row(i)
	met := x.candidates(row, i)
	for _, q := range x.promising(row, met, threshold) {
		j := met[q.place]
		if x.t.rivals(i, j) {
			continue
		}
		if _, v, ok := x.scorer.settle(x.x, row, x.t.row(j), threshold, &q.ceiling); ok {
			x.near[i] = append(x.near[i], neighbour{j, float32(v)})
			x.near[j] = append(x.near[j], neighbour{i, float32(v)})
			w.seed(j)
		}
	}
}
