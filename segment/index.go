package segment

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vefacrm/vefa/internal/fold"
	"github.com/vefacrm/vefa/segment/bitset"
)

// Options configure an Index. The zero value works.
type Options struct {
	Limits Limits // of definitions; zero fields have defaults
	// Strict refuses definitions that mention a tag that no customer ever carried and
	// no polarity rule names: a Neutral rule announces one that is still to come.
	Strict bool
	// History keeps every change of tracked segments, so that past members can be
	// asked for: MembersAt, MembersBetween, Since. Without it writes report their
	// changes and forget them.
	History bool
}

// Index holds a population, its tags with their polarity, outside leaves and
// definitions, and keeps the membership of tracked segments up to date.
//
// It is safe for concurrent use. Writers exclude each other; readers work on a
// View, a frozen and consistent state, and never see half a write. Every write
// carries its time, which must not run backwards (an
// *InvalidError otherwise; the zero time means "now as before"), takes effect at
// once and as a whole or not at all, and returns the membership changes it caused.
type Index struct {
	mu     sync.Mutex
	view   atomic.Pointer[View]
	strict bool

	state
	clock time.Time
	seq   uint64

	frozen   []*bitset.Set // per tag the clone of the last view, nil if the tag changed since
	popFresh *bitset.Set   // likewise the population
	shared   bool          // the maps of state are visible in a view

	tracked map[string]*tracked
	plan    *plan
	stamp   uint64
	found   []found  // scratch of apply
	out     []change // of the present write, at the end of slab while it has room
	slab    []change

	keep      bool // Options.History
	histories map[string]*history
}

// NewIndex returns an empty index.
func NewIndex(opt Options) *Index {
	return &Index{
		strict: opt.Strict, keep: opt.History,
		state: state{
			ids: new(customerIDs), limits: opt.Limits.orDefault(), pop: new(bitset.Set),
			ord: make(map[string]int), leaves: make(map[string]outside), defs: make(map[string]*defined),
		},
		tracked: make(map[string]*tracked),
	}
}

// ID returns the dense id that stands for a customer in the index's sets, or false for
// one whom the index never met or has forgotten. It waits for no write.
func (x *Index) ID(customer string) (uint32, bool) { return x.ids.Lookup(customer) }

// View returns the present state, frozen. It costs little: sets are shared and
// copied in pieces when they next change.
func (x *Index) View() *View {
	if v := x.view.Load(); v != nil {
		return v
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if v := x.view.Load(); v != nil {
		return v
	}
	if x.popFresh == nil {
		x.popFresh = x.pop.Clone()
	}
	x.frozen = append(x.frozen, make([]*bitset.Set, len(x.tags)-len(x.frozen))...)
	for i, s := range x.frozen {
		if s == nil {
			x.frozen[i] = x.tags[i].Clone()
		}
	}
	v := &View{state: x.state, clock: x.clock}
	v.pop = x.popFresh
	v.tags = slices.Clone(x.frozen)
	v.names = slices.Clip(x.names)
	v.polarity = slices.Clone(x.polarity)
	x.shared = true
	x.view.Store(v)
	return v
}

// begin moves the clock to at, emitting what that changes, before a write.
func (x *Index) begin(at time.Time) error {
	if !at.IsZero() && at.Before(x.clock) {
		return &InvalidError{Field: "time", Msg: fmt.Sprintf("%s is before the index's clock %s", at.Format(time.RFC3339), x.clock.Format(time.RFC3339))}
	}
	x.openReport()
	if !at.IsZero() {
		x.advance(at.UTC())
	}
	return nil
}

// done ends a write. Until here readers had the view from before it.
func (x *Index) done() {
	x.view.Store(nil)
	x.mu.Unlock()
}

// touchMaps makes the maps private before they change.
func (x *Index) touchMaps() {
	if x.shared {
		x.ord, x.leaves, x.defs = maps.Clone(x.ord), maps.Clone(x.leaves), maps.Clone(x.defs)
		x.shared = false
	}
}

// internTag returns the place of a tag and makes one for a new tag, after the maps have
// become private to the writer.
func (x *Index) internTag(tag string) int {
	if at, ok := x.place(tag); ok {
		return at
	}
	x.touchMaps()
	return x.intern(tag)
}

// dirty says that a tag's set changed since the last view.
func (x *Index) dirty(tag int) {
	if tag < len(x.frozen) {
		x.frozen[tag] = nil
	}
}

// Load adds customers to the population, each with tags that are added to those
// it has. It is the way to fill an index: one pass, no limit on rows. An
// *InvalidError names a bad customer or tag; rows before it stay loaded.
func (x *Index) Load(at time.Time, rows iter.Seq2[string, []string]) (Changes, error) {
	x.mu.Lock()
	defer x.done()
	if err := x.begin(at); err != nil {
		return Changes{}, err
	}
	x.popFresh = nil
	var err error
	for customer, tags := range rows {
		var id uint32
		if id, err = x.ids.Assign(customer); err != nil {
			break
		}
		x.pop.Add(id)
		for _, tag := range tags {
			i, ok := x.place(tag)
			if !ok {
				if err = checkName("tag", tag); err != nil {
					break
				}
				i = x.internTag(tag)
			}
			x.dirty(i)
			x.tags[i].Add(id)
		}
		if err != nil {
			break
		}
	}
	x.pop.Compact()
	for i, s := range x.tags {
		if i >= len(x.frozen) || x.frozen[i] == nil {
			s.Compact()
		}
	}
	x.recompute(x.planned().all, Cause{Kind: causeLoad})
	return x.report(), err
}

// Join adds customers to the live population.
func (x *Index) Join(at time.Time, customers ...string) (Changes, error) {
	x.mu.Lock()
	defer x.done()
	if slices.Contains(customers, "") {
		return Changes{}, &InvalidError{Field: "customer", Msg: "must not be empty"}
	}
	if err := x.begin(at); err != nil {
		return Changes{}, err
	}
	x.popFresh = nil
	for _, customer := range customers {
		id, err := x.ids.Assign(customer)
		if err != nil {
			return x.report(), err
		}
		if x.pop.Add(id) {
			x.settle(id, customer, x.planned().all, &Cause{Kind: causeJoined})
		}
	}
	return x.report(), nil
}

// Leave takes customers out of the live population; their tags stay, should
// they come back. Unknown customers are ignored.
func (x *Index) Leave(at time.Time, customers ...string) (Changes, error) {
	return x.leave(at, customers, false)
}

// Forget erases customers: population, tags and the id itself. Outside leaves
// keep the retired dense id, which names nobody. Unknown customers are ignored.
func (x *Index) Forget(at time.Time, customers ...string) (Changes, error) {
	return x.leave(at, customers, true)
}

// leave takes customers out of the population and, to forget them, out of every tag and of
// the ids.
func (x *Index) leave(at time.Time, customers []string, forget bool) (Changes, error) {
	x.mu.Lock()
	defer x.done()
	if err := x.begin(at); err != nil {
		return Changes{}, err
	}
	x.popFresh = nil
	for _, customer := range customers {
		id, ok := x.ids.Lookup(customer)
		if !ok {
			continue
		}
		if x.pop.Remove(id) {
			x.settle(id, customer, x.planned().all, &Cause{Kind: causeLeft})
		}
		if !forget {
			continue
		}
		for i, s := range x.tags {
			if s.Remove(id) {
				x.dirty(i)
			}
		}
		x.ids.Forget(customer)
	}
	return x.report(), nil
}

// TagChange sets or clears one tag of one customer.
type TagChange struct {
	Customer string // must be known to the index
	Tag      string // need not be
	Clear    bool   // take the tag away instead
	By       string // who or what did it, e.g. a rule id; goes into Cause.By
}

// Apply makes tag changes one by one, in order. Changes that change nothing
// cause nothing. A customer never loaded or joined is an *UnknownError, a bad
// tag name an *InvalidError; then no change is made.
func (x *Index) Apply(at time.Time, changes []TagChange) (Changes, error) {
	x.mu.Lock()
	defer x.done()
	// Everything is looked up first: if something is wrong, nothing happens.
	all := x.found[:0]
	if len(changes) == 1 { // the usual write
		id, ok := x.ids.Lookup(changes[0].Customer)
		if !ok {
			id = noID
		}
		all = append(all, found{id: id})
	} else {
		x.ids.lookupAll(len(changes), func(i int) string { return changes[i].Customer },
			func(_ int, id uint32) { all = append(all, found{id: id}) })
	}
	for i := range changes {
		if all[i].id == noID {
			return Changes{}, &UnknownError{Kind: "customer", Name: changes[i].Customer}
		}
		tag, ok := x.place(changes[i].Tag)
		if !ok {
			if err := checkName("tag", changes[i].Tag); err != nil {
				return Changes{}, err
			}
			tag = -1
		}
		all[i].tag = tag
	}
	x.found = all[:0]
	if err := x.begin(at); err != nil {
		return Changes{}, err
	}
	for i := range changes {
		c, id, tag := &changes[i], all[i].id, all[i].tag
		if tag < 0 {
			tag = x.internTag(c.Tag)
		}
		cause := Cause{Kind: causeTagSet, Name: x.names[tag], By: c.By}
		if c.Clear {
			if !x.tags[tag].Remove(id) {
				continue
			}
			cause.Kind = causeTagCleared
		} else if !x.tags[tag].Add(id) {
			continue
		}
		x.dirty(tag)
		if len(x.tracked) > 0 {
			x.settleTag(tag, !c.Clear, id, c.Customer, &cause)
		}
	}
	return x.report(), nil
}

// found is what Apply has looked up of one change before it makes any.
type found struct {
	id  uint32
	tag int // -1: new
}

// SetTag replaces all carriers of a tag in one step.
func (x *Index) SetTag(at time.Time, tag string, carriers *bitset.Set) (Changes, error) {
	tag = fold.Compose(tag)
	if err := checkName("tag", tag); err != nil {
		return Changes{}, err
	}
	x.mu.Lock()
	defer x.done()
	if err := x.begin(at); err != nil {
		return Changes{}, err
	}
	i := x.internTag(tag)
	affected := slices.Clone(x.planned().forTag(i))
	x.tags[i] = carriers.Clone()
	x.dirty(i)
	x.plan = nil
	x.recompute(affected, Cause{Kind: causeTagReplaced, Name: tag})
	return x.report(), nil
}

// SetPolarity decides about tags, in order. Where rules overlap in time the one
// decided last holds. The effect on everything that depends on the tags is one
// step for readers.
func (x *Index) SetPolarity(at time.Time, rules ...PolarityRule) (Changes, error) {
	for _, r := range rules {
		if err := r.validate(); err != nil {
			return Changes{}, err
		}
	}
	x.mu.Lock()
	defer x.done()
	if err := x.begin(at); err != nil {
		return Changes{}, err
	}
	for _, r := range rules {
		r.Tag = fold.Compose(r.Tag)
		i := x.internTag(r.Tag)
		before := x.redNow(i)
		x.polarity[i] = append(slices.Clip(x.polarity[i]), r)
		if red := x.redNow(i); red != before {
			x.flip(i, red)
		}
	}
	return x.report(), nil
}

// SetLeaf supplies or replaces an outside leaf as a set of dense ids.
func (x *Index) SetLeaf(at time.Time, name string, members *bitset.Set) (Changes, error) {
	return x.setLeaf(at, name, outside{set: members.Clone()})
}

// SetPredicate supplies or replaces an outside leaf as a function of customer
// and time, which must be pure, quick and safe for concurrent use, and must not
// call the index. Tracked segments see new answers at Advance and Touch.
func (x *Index) SetPredicate(at time.Time, name string, holds func(customer string, at time.Time) bool) (Changes, error) {
	if holds == nil {
		return Changes{}, &InvalidError{Field: "leaf", Msg: "the predicate is nil"}
	}
	return x.setLeaf(at, name, outside{pred: holds})
}

// setLeaf replaces a leaf and evaluates anew the tracked segments that depend on it.
func (x *Index) setLeaf(at time.Time, name string, o outside) (Changes, error) {
	name = fold.Compose(name)
	if err := checkName("leaf", name); err != nil {
		return Changes{}, err
	}
	x.mu.Lock()
	defer x.done()
	if err := x.begin(at); err != nil {
		return Changes{}, err
	}
	x.touchMaps()
	x.leaves[name] = o
	x.plan = nil
	x.recompute(x.planned().byLeaf[name], Cause{Kind: causeLeaf, Name: name})
	return x.report(), nil
}

// Define registers definitions, replacing those of the same name. They may
// refer to each other in any order. Nothing is registered when one is faulty:
// *InvalidError, which names a circle with its path, *LimitError or *UnknownError.
func (x *Index) Define(at time.Time, defs ...Definition) (Changes, error) {
	x.mu.Lock()
	defer x.done()
	next, err := x.state.define(defs, x.strict)
	if err != nil {
		return Changes{}, err
	}
	if err := x.begin(at); err != nil {
		return Changes{}, err
	}
	x.touchMaps()
	changed := make(map[string]bool)
	for _, d := range defs {
		d.Name = fold.Compose(d.Name)
		if x.defs[d.Name] != next[d.Name] {
			changed[d.Name] = true
		}
		for _, tag := range slices.Concat(next[d.Name].refs.Tags, next[d.Name].IgnoreRed) {
			x.internTag(tag)
		}
	}
	x.defs = next
	x.plan = nil
	for _, t := range x.planned().all {
		if cause, ok := x.changedBelow(t.name, changed); ok {
			x.recompute([]*tracked{t}, cause)
		}
	}
	return x.report(), nil
}
