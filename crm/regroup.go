package crm

import (
	"fmt"
	"slices"
)

// decided says what an operation decides besides what moves.
type decided struct {
	named  map[ProfileKey]bool   // profiles that a person named: they get a decision where they stay, too
	undoes map[ProfileKey]string // the operation that is taken back
	one    bool                  // one operation, whatever its groups have in common
}

// regrouping is what regroup knows of the profiles concerned.
type regrouping struct {
	groups []Grouping   // those given, then what remains of the customers that they take from
	homes  []CustomerID // per group: the id of the customer that it becomes
	firsts []ProfileKey // per group: the earliest profile
	op     []int        // per group: the operation that it is part of, by the first group's number
	byKey  map[ProfileKey]*Profile
}

// regroup locks the customers concerned, then looks who they are, and appends the
// decisions that make each group one customer, sorted by profile.
func (w *writer) regroup(groups []Grouping, d decided) ([]*Link, error) {
	r, err := w.gather(groups)
	if err != nil {
		return nil, err
	}
	if err := w.stale(r, len(groups)); err != nil {
		return nil, err
	}
	if d.one {
		clear(r.op)
	}
	pinned, err := w.pinned(r, d)
	if err != nil {
		return nil, err
	}
	// An operation that parts people decides about everybody concerned.
	parts, busy := map[int]bool{}, map[int]bool{}
	for i, g := range r.groups {
		if g.Kind == LinkSplit || g.Kind == LinkUndo {
			parts[r.op[i]] = true
		}
		for _, k := range g.Profiles {
			if r.byKey[k].Customer != r.homes[i] || d.named[k] {
				busy[r.op[i]] = true
				break
			}
		}
	}
	var links []*Link
	size, ops := map[int]int{}, map[*Link]int{}
	for i, g := range r.groups {
		for _, k := range g.Profiles {
			p := r.byKey[k]
			stays := p.Customer == r.homes[i]
			if stays && !(parts[r.op[i]] && busy[r.op[i]]) && !pinned[k] {
				continue
			}
			if !stays {
				w.touched[p.Customer], w.touched[r.homes[i]] = true, true
			}
			ev := g.Evidence
			if e, ok := g.Each[k]; ok {
				ev = e
			}
			l := &Link{Profile: k, Customer: r.homes[i], Kind: g.Kind, Actor: g.Actor, At: w.now, Evidence: ev, Stays: stays, Undoes: d.undoes[k]}
			links = append(links, l)
			size[r.op[i]]++
			ops[l] = r.op[i]
		}
	}
	links = sortedLinks(links)
	ids := map[int]string{}
	for _, l := range links {
		op := ops[l]
		if ids[op] == "" {
			ids[op] = w.s.cfg.NewID()
		}
		l.Op, l.OpLen = ids[op], size[op]
	}
	return links, w.tx.AppendLinks(w.ctx, links...)
}

// sortedLinks sorts decisions by profile.
func sortedLinks(links []*Link) []*Link {
	slices.SortFunc(links, func(a, b *Link) int { return a.Profile.Compare(b.Profile) })
	return links
}

// gather locks and reads the customers that the groups take from and completes
// the groups by what remains of them.
func (w *writer) gather(groups []Grouping) (*regrouping, error) {
	r := &regrouping{groups: slices.Clone(groups), byKey: map[ProfileKey]*Profile{}}
	var keys []ProfileKey
	in := map[ProfileKey]int{} // group
	for i, g := range groups {
		if len(g.Profiles) == 0 {
			return nil, invalid("regroup", "group", "", fieldError(fmt.Sprintf("groups[%d].profiles", i), "must not be empty"))
		}
		for _, k := range g.Profiles {
			if _, twice := in[k]; twice {
				return nil, invalid("regroup", "profile", k.String(), fieldError("profiles", "is in two groups"))
			}
			in[k] = i
			keys = append(keys, k)
		}
	}
	profiles, err := w.lockKnown("regroup", keys)
	if err != nil {
		return nil, err
	}
	for _, p := range profiles {
		r.byKey[p.ProfileKey] = p
	}
	ids := customersOf(profiles)
	members, err := w.tx.Members(w.ctx, ids...)
	if err != nil {
		return nil, err
	}
	r.op = make([]int, len(groups))
	for i := range r.op {
		r.op[i] = i
	}
	root := func(i int) int {
		for r.op[i] != i {
			r.op[i] = r.op[r.op[i]]
			i = r.op[i]
		}
		return i
	}
	var remains []ProfileKey
	for _, m := range members {
		taker := -1 // the group that took from this customer
		var rest []ProfileKey
		for _, k := range m {
			g, ok := in[k]
			switch {
			case !ok:
				rest = append(rest, k)
			case taker < 0:
				taker = g
			default:
				a, b := root(taker), root(g)
				r.op[max(a, b)] = min(a, b)
			}
		}
		if taker < 0 {
			return nil, movedAway(m[0]) // the store contradicts itself: members are not where profiles are
		}
		if len(rest) > 0 {
			left := groups[taker]
			kind := LinkSplit
			if left.Kind == LinkUndo {
				kind = LinkUndo
			}
			r.groups = append(r.groups, Grouping{Profiles: rest, Kind: kind, Actor: left.Actor, Evidence: Evidence{With: left.Profiles[0], Note: "what remains"}, Known: left.Known})
			r.op = append(r.op, taker)
			remains = append(remains, rest...)
		}
	}
	for i := range r.op {
		r.op[i] = root(i)
	}
	more, err := w.tx.Profiles(w.ctx, remains...)
	if err != nil {
		return nil, err
	}
	for i, p := range more {
		if p == nil {
			return nil, movedAway(remains[i])
		}
		r.byKey[p.ProfileKey] = p
	}
	return r, w.settleIn(r)
}

// stale fails with a StaleError if the first n groups, those that were given,
// rest on decisions that are no longer the last. An operation is stale as a whole.
func (w *writer) stale(r *regrouping, n int) error {
	var keys []ProfileKey
	var of []int // group
	for i, g := range r.groups {
		if g.Known == nil {
			continue
		}
		for _, k := range g.Profiles {
			keys, of = append(keys, k), append(of, i)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	logs, err := w.tx.Links(w.ctx, keys...)
	if err != nil {
		return err
	}
	changed := map[int]bool{} // operations
	for i, log := range logs {
		g := r.groups[of[i]]
		known, ok := g.Known[keys[i]]
		if !ok {
			known = 1
		}
		for _, l := range log {
			if l.Actor != g.Actor && l.Seq > known {
				changed[r.op[of[i]]] = true
			}
		}
	}
	e := &StaleError{}
	for i := range n {
		if changed[r.op[i]] {
			e.Groups = append(e.Groups, i)
		}
	}
	if len(e.Groups) == 0 {
		return nil
	}
	return &Error{Op: "regroup", Entity: "profile", ID: r.groups[e.Groups[0]].Profiles[0].String(), Err: e}
}

// settleIn finds out which customer each group becomes: the one that was made for
// its earliest profile.
func (w *writer) settleIn(r *regrouping) error {
	r.firsts = make([]ProfileKey, len(r.groups))
	for i, g := range r.groups {
		var first *Profile
		for _, k := range g.Profiles {
			if p := r.byKey[k]; first == nil || CompareSeniority(p, first) < 0 {
				first = p
			}
		}
		if first != nil {
			r.firsts[i] = first.ProfileKey
		}
	}
	var err error
	r.homes, err = w.tx.HomeIDs(w.ctx, r.firsts...)
	return err
}

// pinned returns the profiles that a person named, that stay, and about which this
// is news: that linkage found them alike is not yet a person's word.
func (w *writer) pinned(r *regrouping, d decided) (map[ProfileKey]bool, error) {
	var ask []ProfileKey
	out := map[ProfileKey]bool{}
	for i, g := range r.groups {
		for _, k := range g.Profiles {
			switch {
			case !d.named[k] || r.byKey[k].Customer != r.homes[i]:
			case g.Kind != LinkManual:
				out[k] = true
			case k != r.firsts[i]:
				ask = append(ask, k)
			}
		}
	}
	logs, err := w.tx.Links(w.ctx, ask...)
	if err != nil {
		return nil, err
	}
	for i, log := range logs {
		last := Link{}
		for _, l := range log {
			if l.Kind != LinkNotMe {
				last = l
			}
		}
		out[ask[i]] = last.Kind != LinkManual
	}
	return out, nil
}
