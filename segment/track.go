package segment

import (
	"maps"
	"slices"
	"time"

	"github.com/vefacrm/vefa/internal/fold"
	"github.com/vefacrm/vefa/segment/bitset"
)

// tracked is a segment whose members are kept up to date.
type tracked struct {
	name    string
	members *bitset.Set
	point   *bitset.Expr // for single customers, over the living sets
	history *history     // nil without Options.History
}

// Track keeps the members of segments up to date from now on; each later write
// returns their changes. The present members are the starting point and cause
// no changes. Tracking a tracked segment does nothing.
func (x *Index) Track(names ...string) error {
	names = composed(names)
	x.mu.Lock()
	defer x.mu.Unlock()
	var fresh []*tracked
	c, b := newCompiler(&x.state, x.clock), new(bitset.Batch)
	for _, name := range names {
		d, err := x.definition(name)
		if err != nil {
			return err
		}
		if x.tracked[name] != nil {
			continue
		}
		root, err := c.audience(d)
		if err != nil {
			return err
		}
		b.Add(root)
		fresh = append(fresh, &tracked{name: name})
	}
	members := b.Sets(x.pop)
	for i, t := range fresh {
		t.members = members[i]
		x.tracked[t.name] = t
		x.remember(t)
	}
	x.plan = nil
	return nil
}

// Untrack stops keeping segments up to date.
func (x *Index) Untrack(names ...string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, name := range composed(names) {
		if t, ok := x.tracked[name]; ok {
			x.untrack(t)
		}
	}
	x.plan = nil
}

// untrack stops keeping a segment up to date; its history ends at the present clock.
func (x *Index) untrack(t *tracked) {
	delete(x.tracked, t.name)
	if t.history != nil {
		t.history.close(x.clock)
	}
}

// Tracked returns the present members of a tracked segment, false if it is not tracked.
func (x *Index) Tracked(name string) (*bitset.Set, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	t, ok := x.tracked[fold.Compose(name)]
	if !ok {
		return nil, false
	}
	return t.members.Clone(), true
}

// Advance moves the clock and returns what time alone changed: polarity that
// came into or went out of effect, each at its own moment and in order, then
// predicates, as of at.
func (x *Index) Advance(at time.Time) (Changes, error) {
	x.mu.Lock()
	defer x.done()
	err := x.begin(at)
	return x.report(), err
}

// Touch asks the predicates again about customers whose facts changed.
func (x *Index) Touch(at time.Time, customers ...string) (Changes, error) {
	x.mu.Lock()
	defer x.done()
	if err := x.begin(at); err != nil {
		return Changes{}, err
	}
	for _, customer := range customers {
		if id, ok := x.ids.Lookup(customer); ok {
			x.settle(id, customer, x.planned().preds, &Cause{Kind: causePredicate})
		}
	}
	return x.report(), nil
}

// advance moves the clock over every moment at which a polarity begins or ends, so that
// each change has its own time and cause. Without tracked segments it could not be told, and
// the clock jumps.
func (x *Index) advance(at time.Time) {
	from := x.clock
	if !at.After(from) {
		return
	}
	if len(x.tracked) == 0 {
		x.clock, x.plan = at, nil
		return
	}
	for _, t := range x.boundaries(from, at) {
		before := x.reds(x.clock)
		x.clock = t
		after := x.reds(t)
		// New reds first: who leaves for one of them must not be laid to the
		// charge of a tag that stopped being red at the same moment.
		for _, r := range after {
			if !holdsTag(before, r.at) {
				x.flip(r.at, true)
			}
		}
		for _, r := range before {
			if !holdsTag(after, r.at) {
				x.flip(r.at, false)
			}
		}
	}
	x.clock = at
	if preds := x.planned().preds; len(preds) > 0 {
		x.recompute(preds, Cause{Kind: causePredicate})
	}
}

func holdsTag(reds []redTag, tag int) bool {
	return slices.ContainsFunc(reds, func(r redTag) bool { return r.at == tag })
}

// boundaries lists the moments in (from, to] at which some polarity rule begins or ends.
func (x *Index) boundaries(from, to time.Time) []time.Time {
	var out []time.Time
	for _, rules := range x.polarity {
		for _, r := range rules {
			for _, t := range []time.Time{r.From.UTC(), r.Until.UTC()} {
				if t.After(from) && !t.After(to) {
					out = append(out, t)
				}
			}
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return slices.CompactFunc(out, time.Time.Equal)
}

// redNow reports whether a tag is red at the present clock.
func (x *Index) redNow(tag int) bool {
	rule, ok := polarityAt(x.polarity[tag], x.clock)
	return ok && rule.Polarity == Red
}

// flip applies that a tag became red or stopped being so.
func (x *Index) flip(tag int, red bool) {
	cause := Cause{Kind: causePolarity, Name: x.names[tag]}
	concerned := make([]*tracked, 0, len(x.tracked))
	for _, name := range slices.Sorted(maps.Keys(x.tracked)) {
		if _, ignored := slices.BinarySearch(x.defs[name].IgnoreRed, x.names[tag]); !ignored {
			concerned = append(concerned, x.tracked[name])
		}
	}
	x.plan = nil
	if !red {
		x.recompute(concerned, cause)
		return
	}
	for _, t := range concerned { // the carriers leave and nothing else can happen
		if gone := bitset.Intersect(t.members, x.tags[tag]); !gone.IsEmpty() {
			t.members = bitset.Except(t.members, gone)
			x.recordSet(t, gone, false, cause)
		}
	}
}

// recompute evaluates segments anew and reports the differences.
func (x *Index) recompute(affected []*tracked, cause Cause) {
	if len(affected) == 0 {
		return
	}
	c, b := newCompiler(&x.state, x.clock), new(bitset.Batch)
	for _, t := range affected {
		root, err := c.audience(x.defs[t.name])
		if err != nil {
			root = bitset.AnyOf() // cannot happen: references were checked by Define
		}
		b.Add(root)
	}
	members := b.Sets(x.pop)
	for i, t := range affected {
		x.emit(t, members[i], cause)
	}
}

// emit replaces the members of t and reports who left and who entered.
func (x *Index) emit(t *tracked, members *bitset.Set, cause Cause) {
	left, entered := bitset.Except(t.members, members), bitset.Except(members, t.members)
	t.members = members
	x.recordSet(t, left, false, cause)
	x.recordSet(t, entered, true, cause)
}

// recordSet records that several customers entered or left; an empty set is no change and
// takes no number.
func (x *Index) recordSet(t *tracked, ids *bitset.Set, entered bool, cause Cause) {
	n := ids.Len()
	if n == 0 {
		return
	}
	x.record(t, change{seq: x.seq + 1, segment: t.name, at: x.clock, cause: cause, ids: ids, entered: entered})
	x.seq += uint64(n)
}

// recordOne is recordSet for one customer, without a set.
func (x *Index) recordOne(t *tracked, id uint32, customer string, entered bool, cause *Cause) {
	x.seq++
	x.record(t, change{seq: x.seq, segment: t.name, customer: customer, at: x.clock, cause: *cause, id: id, entered: entered})
}

// record appends a change to the report of the present write and, if it is kept, to the
// history.
func (x *Index) record(t *tracked, c change) {
	x.out = append(x.out, c)
	if t.history != nil {
		t.history.add(t.members, c)
	}
}

// Changes are recorded in slabs that writes share, one after the other.
const slabLen = 512

// openReport makes room for the changes of a write behind those of the writes before, so
// that a write of one tag allocates nothing.
func (x *Index) openReport() {
	if cap(x.slab)-len(x.slab) < slabLen/4 {
		x.slab = make([]change, 0, slabLen)
	}
	x.out = x.slab[len(x.slab):len(x.slab):cap(x.slab)]
}

// report returns what the write recorded.
func (x *Index) report() Changes {
	n := len(x.out)
	if n <= cap(x.slab)-len(x.slab) { // else append moved it elsewhere
		x.slab = x.slab[:len(x.slab)+n]
	}
	c := Changes{list: x.out[:n:n], ids: x.ids}
	x.out = nil
	return c
}
