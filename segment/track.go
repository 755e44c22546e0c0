package segment

import (
	"maps"
	"slices"
	"time"
)

// CauseKind says what kind of event changed a membership.
type CauseKind uint8

// The kinds of causes.
const (
	CauseTagSet      CauseKind = iota + 1 // Name: tag
	CauseTagCleared                       // Name: tag
	CauseTagReplaced                      // Name: tag; SetTag
	CausePolarity                         // Name: tag; its polarity was decided or came into effect
	CauseLeaf                             // Name: leaf; SetLeaf, SetPredicate
	CausePredicate                        // time passed or the customer was touched
	CauseDefinition                       // Name: segment, Version: of its definition
	CauseJoined                           // the customer joined the population
	CauseLeft                             // the customer left the population
	CauseLoad                             // bulk load
)

// String returns the kind in words.
func (k CauseKind) String() string {
	words := [...]string{"unknown", "tag set", "tag cleared", "tag replaced", "polarity", "leaf",
		"predicate", "definition", "joined", "left", "load"}
	if int(k) >= len(words) {
		return words[0]
	}
	return words[k]
}

// Cause says why a membership changed.
type Cause struct {
	Kind    CauseKind
	Name    string // see CauseKind
	Version int    // of the definition, from 1
	By      string // TagChange.By
}

// MembershipChange says that a customer entered or left a tracked segment.
type MembershipChange struct {
	Seq      uint64 // 1, 2, 3 … in this index, without gaps
	Segment  string
	Customer string
	ID       uint32 // dense id
	Entered  bool   // false: left
	At       time.Time
	Cause    Cause
}

// tracked is a segment whose members are kept up to date.
type tracked struct {
	name    string
	members *Set
	point   *node // for single customers, over the living sets
}

// plan says which tracked segments a change can affect; it is rebuilt after
// definitions, polarity or leaves change. All lists are in name order.
type plan struct {
	all    []*tracked
	byTag  [][]*tracked
	byLeaf map[string][]*tracked
	preds  []*tracked
}

func (p *plan) forTag(tag int) []*tracked {
	if tag < len(p.byTag) {
		return p.byTag[tag]
	}
	return nil
}

// Track keeps the members of segments up to date from now on; each later write
// returns their changes. The present members are the starting point and cause
// no changes. Tracking a tracked segment does nothing.
func (x *Index) Track(names ...string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	fresh := make(map[string]*tracked)
	for _, name := range names {
		d, err := x.definition(name)
		if err != nil {
			return err
		}
		if x.tracked[name] != nil {
			continue
		}
		root, err := newCompiler(&x.state, x.clock).audience(d)
		if err != nil {
			return err
		}
		fresh[name] = &tracked{name: name, members: root.collect()}
	}
	maps.Copy(x.tracked, fresh)
	x.plan = nil
	return nil
}

// Untrack stops keeping segments up to date.
func (x *Index) Untrack(names ...string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, name := range names {
		delete(x.tracked, name)
	}
	x.plan = nil
}

// Tracked returns the present members of a tracked segment, false if it is not tracked.
func (x *Index) Tracked(name string) (*Set, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	t, ok := x.tracked[name]
	if !ok {
		return nil, false
	}
	return t.members.Clone(), true
}

// Advance moves the clock and returns what time alone changed: polarity that
// came into or went out of effect, each at its own moment and in order, then
// predicates, as of at.
func (x *Index) Advance(at time.Time) (changes []MembershipChange, err error) {
	x.mu.Lock()
	defer x.done()
	err = x.begin(at, &changes)
	return changes, err
}

// Touch asks the predicates again about customers whose facts changed.
func (x *Index) Touch(at time.Time, customers ...string) (changes []MembershipChange, err error) {
	x.mu.Lock()
	defer x.done()
	if err := x.begin(at, &changes); err != nil {
		return nil, err
	}
	for _, customer := range customers {
		if id, ok := x.ids.Lookup(customer); ok {
			x.settle(id, customer, x.planned().preds, Cause{Kind: CausePredicate}, &changes)
		}
	}
	return changes, nil
}

func (x *Index) advance(at time.Time, out *[]MembershipChange) {
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
				x.flip(r.at, true, out)
			}
		}
		for _, r := range before {
			if !holdsTag(after, r.at) {
				x.flip(r.at, false, out)
			}
		}
	}
	x.clock = at
	if preds := x.planned().preds; len(preds) > 0 {
		x.recompute(preds, Cause{Kind: CausePredicate}, out)
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

func (x *Index) redNow(tag int) bool {
	rule, ok := polarityAt(x.polarity[tag], x.clock)
	return ok && rule.Polarity == Red
}

// flip applies that a tag became red or stopped being so.
func (x *Index) flip(tag int, red bool, out *[]MembershipChange) {
	cause := Cause{Kind: CausePolarity, Name: x.names[tag]}
	x.plan = nil
	for _, t := range x.planned().all {
		if _, ignored := slices.BinarySearch(x.defs[t.name].IgnoreRed, x.names[tag]); ignored {
			continue
		}
		if red { // the carriers leave and nothing else can happen
			x.expel(t, x.tags[tag], cause, out)
		} else {
			x.recompute([]*tracked{t}, cause, out)
		}
	}
}

// planned returns the plan, building it if something invalidated it.
func (x *Index) planned() *plan {
	if x.plan != nil {
		return x.plan
	}
	p := &plan{byTag: make([][]*tracked, len(x.tags)), byLeaf: make(map[string][]*tracked)}
	x.plan = p
	if len(x.tracked) == 0 {
		return p
	}
	points := newCompiler(&x.state, x.clock)
	points.clock = func() time.Time { return x.clock }
	seen := make([]int, len(x.tags)) // index of the tracked segment that marked the tag last
	for i, name := range slices.Sorted(maps.Keys(x.tracked)) {
		t, d := x.tracked[name], x.defs[name]
		p.all = append(p.all, t)
		t.point, _ = points.audience(d) // references were checked by Define
		mark := func(tag int) {
			if seen[tag] != i+1 {
				seen[tag] = i + 1
				p.byTag[tag] = append(p.byTag[tag], t)
			}
		}
		for _, r := range x.redsFor(d, x.clock) {
			mark(r.at)
		}
		x.planReferences(p, t, mark)
	}
	return p
}

func (x *Index) planReferences(p *plan, t *tracked, mark func(tag int)) {
	below := make(map[string]bool)
	x.reach(t.name, below)
	leaves := make(map[string]bool)
	for name := range below {
		for _, tag := range x.defs[name].refs.tags {
			mark(x.ord[tag])
		}
		for _, leaf := range x.defs[name].refs.leaves {
			leaves[leaf] = true
		}
	}
	pred := false
	for leaf := range leaves {
		p.byLeaf[leaf] = append(p.byLeaf[leaf], t)
		pred = pred || x.leaves[leaf].pred != nil
	}
	if pred {
		p.preds = append(p.preds, t)
	}
}

// changedBelow finds the changed definition, first by name, that t rests on;
// its own comes before all others.
func (x *Index) changedBelow(name string, changed map[string]bool) (Cause, bool) {
	below := make(map[string]bool)
	x.reach(name, below)
	found := ""
	for other := range below {
		if changed[other] && (found == "" || other == name || found != name && other < found) {
			found = other
		}
	}
	if found == "" {
		return Cause{}, false
	}
	return Cause{Kind: CauseDefinition, Name: found, Version: x.defs[found].version}, true
}

// settle brings one customer's membership in the given segments up to date.
func (x *Index) settle(id uint32, customer string, affected []*tracked, cause Cause, out *[]MembershipChange) {
	x.stamp++
	for _, t := range affected {
		in := t.point.has(id, x.stamp)
		if in && t.members.Add(id) || !in && t.members.Remove(id) {
			x.report(t, id, customer, in, cause, out)
		}
	}
}

func (x *Index) report(t *tracked, id uint32, customer string, entered bool, cause Cause, out *[]MembershipChange) {
	x.seq++
	*out = append(*out, MembershipChange{
		Seq: x.seq, Segment: t.name, Customer: customer, ID: id, Entered: entered, At: x.clock, Cause: cause,
	})
}

// recompute evaluates segments anew and reports the differences.
func (x *Index) recompute(affected []*tracked, cause Cause, out *[]MembershipChange) {
	c := newCompiler(&x.state, x.clock)
	for _, t := range affected {
		root, err := c.audience(x.defs[t.name])
		if err != nil {
			continue // cannot happen: references were checked by Define
		}
		x.emit(t, root.collect(), cause, out)
	}
}

// emit replaces the members of t and reports who left and who entered, by id.
func (x *Index) emit(t *tracked, members *Set, cause Cause, out *[]MembershipChange) {
	diff := Xor(t.members, members)
	t.members = members
	for id := range diff.All() {
		customer, _ := x.ids.Name(id)
		x.report(t, id, customer, members.Contains(id), cause, out)
	}
}

// expel removes the given ids from t and reports those who were in.
func (x *Index) expel(t *tracked, ids *Set, cause Cause, out *[]MembershipChange) {
	gone := Intersect(t.members, ids)
	if gone.IsEmpty() {
		return
	}
	t.members = Except(t.members, gone)
	*out = slices.Grow(*out, gone.Len())
	for id := range gone.All() {
		customer, _ := x.ids.Name(id)
		x.report(t, id, customer, false, cause, out)
	}
}
