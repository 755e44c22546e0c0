package segment

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/vefacrm/vefa/segment/bitset"
)

// plan says which tracked segments a change can affect; it is rebuilt after
// definitions, polarity or leaves change. All lists are in name order.
type plan struct {
	all    []*tracked
	byTag  []dependents
	byLeaf map[string][]*tracked
	preds  []*tracked
	memo   []memo // by tag: whether the customer in question carries it
}

// dependents are the tracked segments that a tag concerns.
//
// In most of them the tag stands once, as a condition of its own or as an
// exclusion. Whoever gains or loses such a tag enters or leaves exactly if all
// other conditions hold, whatever the segment's members are; so the members are
// looked at only when they change. rules holds those other conditions, one
// segment after the other in the words of rule.
type dependents struct {
	all   []*tracked
	rules []int32
	first []int32 // the tags that rules ask for first, each once
}

// A rule is, in this order: how many conditions and exclusions there are beside
// the tag, or -1 if the segment must be asked as a whole; whether the tag is an
// exclusion; the tags that must be carried, rarest first; and the tags that must
// not be, commonest first.
const ruleHead = 3

// memo is whether the customer at hand carries a tag; it is of this change if its stamp
// is.
type memo struct {
	stamp uint64
	holds bool
}

// forTag returns the tracked segments that depend on a tag, be it new or mentioned by
// none.
func (p *plan) forTag(tag int) []*tracked {
	if tag < len(p.byTag) {
		return p.byTag[tag].all
	}
	return nil
}

// planned returns the plan, building it if something invalidated it.
func (x *Index) planned() *plan {
	if x.plan != nil {
		return x.plan
	}
	p := &plan{byTag: make([]dependents, len(x.tags)), byLeaf: make(map[string][]*tracked), memo: make([]memo, len(x.tags))}
	x.plan = p
	if len(x.tracked) == 0 {
		return p
	}
	points := newCompiler(&x.state, x.clock)
	points.clock = func() time.Time { return x.clock }
	tagOf := make(map[*bitset.Set]int32, len(x.tags))
	sizes := make([]int, len(x.tags))
	for i, s := range x.tags {
		tagOf[s], sizes[i] = int32(i), s.Len()
	}
	for _, name := range slices.Sorted(maps.Keys(x.tracked)) {
		t := x.tracked[name]
		p.all = append(p.all, t)
		t.point, _ = points.audience(x.defs[name]) // references were checked by Define
		inc, exc, plain := x.plainTags(t.point, tagOf)
		slices.SortStableFunc(inc, func(a, b int32) int { return cmp.Compare(sizes[a], sizes[b]) })
		slices.SortStableFunc(exc, func(a, b int32) int { return cmp.Compare(sizes[b], sizes[a]) })
		for _, tag := range x.planReferences(p, t) {
			d := &p.byTag[tag]
			d.all = append(d.all, t)
			at := len(d.rules)
			d.rules = appendRule(d.rules, tag, inc, exc, plain)
			if r := d.rules[at:]; len(r) > ruleHead && !slices.Contains(d.first, r[ruleHead]) {
				d.first = append(d.first, r[ruleHead])
			}
		}
	}
	return p
}

// plainTags returns the tags of an audience that is a conjunction of tags, none
// both included and excluded, over the population.
func (x *Index) plainTags(root *bitset.Expr, tagOf map[*bitset.Set]int32) (inc, exc []int32, ok bool) {
	take := func(nodes []*bitset.Expr) (tags []int32, ok bool) {
		for _, n := range nodes {
			set := n.Leaf()
			if set == x.pop {
				continue
			}
			tag, isTag := tagOf[set]
			if !isTag || slices.Contains(inc, tag) {
				return nil, false
			}
			if !slices.Contains(tags, tag) {
				tags = append(tags, tag)
			}
		}
		return tags, true
	}
	all, none := root.Operands()
	if inc, ok = take(all); ok {
		exc, ok = take(none)
	}
	return inc, exc, ok
}

func appendRule(rules []int32, tag int32, inc, exc []int32, plain bool) []int32 {
	if !plain {
		return append(rules, -1, 0, 0)
	}
	excluded := int32(0)
	if slices.Contains(exc, tag) {
		excluded = 1
	}
	at := len(rules)
	rules = append(rules, 0, 0, excluded)
	for _, other := range inc {
		if other != tag {
			rules = append(rules, other)
			rules[at]++
		}
	}
	for _, other := range exc {
		if other != tag {
			rules = append(rules, other)
			rules[at+1]++
		}
	}
	return rules
}

// planReferences enters t under the leaves it rests on and returns the tags that
// concern it, each once.
func (x *Index) planReferences(p *plan, t *tracked) []int32 {
	below := make(map[string]bool)
	x.reach(t.name, below)
	leaves := make(map[string]bool)
	var tags []int32
	for _, r := range x.redsFor(x.defs[t.name], x.clock) {
		tags = append(tags, int32(r.at))
	}
	for name := range below {
		for _, tag := range x.defs[name].refs.Tags {
			tags = append(tags, int32(x.ord[tag]))
		}
		for _, leaf := range x.defs[name].refs.Leaves {
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
	slices.Sort(tags)
	return slices.Compact(tags)
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
	return Cause{Kind: causeDefinition, Name: found, Version: x.defs[found].version}, true
}

// settle brings one customer's membership in the given segments up to date.
func (x *Index) settle(id uint32, customer string, affected []*tracked, cause *Cause) {
	x.stamp++
	for _, t := range affected {
		x.settleOne(t, id, customer, cause)
	}
}

func (x *Index) settleOne(t *tracked, id uint32, customer string, cause *Cause) {
	in := t.point.Has(id, x.stamp)
	if in && t.members.Add(id) || !in && t.members.Remove(id) {
		x.recordOne(t, id, customer, in, cause)
	}
}

// settleTag is settle for a customer who just gained or lost a tag.
func (x *Index) settleTag(tag int, set bool, id uint32, customer string, cause *Cause) {
	p := x.planned()
	if tag >= len(p.byTag) {
		return // new since the plan was made: nothing mentions it
	}
	d := &p.byTag[tag]
	if len(d.all) == 0 || !x.pop.Contains(id) {
		return
	}
	x.stamp++
	// Most rules end with their first tag. Asked for in a row, the answers do not
	// wait for each other's way from memory.
	for _, first := range d.first {
		p.memo[first] = memo{x.stamp, x.tags[first].Contains(id)}
	}
	rules := d.rules
next:
	for _, t := range d.all {
		if rules[0] < 0 {
			rules = rules[ruleHead:]
			x.settleOne(t, id, customer, cause)
			continue
		}
		inc, exc, excluded := int(rules[0]), int(rules[1]), rules[2] != 0
		tags := rules[ruleHead : ruleHead+inc+exc]
		rules = rules[ruleHead+inc+exc:]
		for i, other := range tags {
			if x.carries(p, other, id) != (i < inc) {
				continue next
			}
		}
		if entered := set != excluded; entered {
			t.members.Add(id)
			x.recordOne(t, id, customer, true, cause)
		} else {
			t.members.Remove(id)
			x.recordOne(t, id, customer, false, cause)
		}
	}
}

func (x *Index) carries(p *plan, tag int32, id uint32) bool {
	m := &p.memo[tag]
	if m.stamp != x.stamp {
		m.stamp, m.holds = x.stamp, x.tags[tag].Contains(id)
	}
	return m.holds
}
