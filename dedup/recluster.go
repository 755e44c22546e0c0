package dedup

import (
	"cmp"
	"slices"
)

// recluster clusters the components of all seeds, but for those of more than most records.
func (x *Index) recluster(w *work, out *Change, most int) {
	x.resolver.alone = x.resolver.alone[:0] // w.joined has those that are to be told
	for _, seed := range w.seeds {
		if w.is(seed, isSeen) || x.t.id(seed) == "" {
			continue
		}
		members := x.connected(seed, w)
		if len(members) > most {
			for _, i := range members {
				if w.is(i, isSeed) {
					x.queued[i] = true
				}
			}
			out.Waiting += len(members)
			clusters, rows := x.leave(members)
			for k := range clusters {
				x.place(&clusters[k], rows[k], out)
			}
			continue
		}
		clusters, conflicts := x.resolver.resolve(x.component(members), nil)
		out.Conflicts = append(out.Conflicts, conflicts...)
		for k, group := range x.resolver.groups {
			x.rows = x.rows[:0]
			for _, m := range group {
				x.rows = append(x.rows, members[m])
			}
			x.place(&clusters[k], x.rows, out)
		}
	}
	slices.Sort(w.joined)
	for _, id := range slices.Compact(w.joined) { // copies that are clusters by themselves
		if i, ok := x.slots[id]; ok && !x.clusters[i].has(id) {
			out.Clusters = append(out.Clusters, Cluster{Members: []string{id}})
		}
	}
	slices.SortFunc(out.Clusters, func(a, b Cluster) int { return cmp.Compare(a.Members[0], b.Members[0]) })
	sortDecisions(out.Conflicts)
}

// has reports whether a record is in the cluster.
func (c *Cluster) has(id string) bool {
	_, found := slices.BinarySearch(c.Members, id)
	return found
}

// place makes a cluster that of its rows, and reports it if it is another than before or an
// upserted record is in it.
func (x *Index) place(c *Cluster, rows []uint32, out *Change) {
	changed := false
	for _, i := range rows {
		old := x.clusters[i]
		for _, id := range x.t.copies[i] {
			if old != nil && old.has(id) && !c.has(id) { // it says too little now
				x.work.joined = append(x.work.joined, id)
			}
		}
		changed = changed || x.work.is(i, isUpserted) || old == nil || !slices.Equal(old.Members, c.Members)
		x.clusters[i] = c
	}
	if changed {
		out.Clusters = append(out.Clusters, *c)
	}
}

// leave keeps the clusters of connected records as they are, as far as their members are
// still there and connected; new records are clusters by themselves.
func (x *Index) leave(members []uint32) (out []Cluster, rows [][]uint32) {
	at := map[*Cluster]int{}
	inside := make(map[string]bool, len(members))
	for _, i := range members {
		id := x.t.id(i)
		inside[id] = true
		c := x.clusters[i]
		k, known := at[c]
		if c == nil || !known {
			k = len(out)
			out, rows = append(out, Cluster{}), append(rows, nil)
			if c != nil {
				at[c] = k
				out[k].Edges = c.Edges
			}
		}
		out[k].Members, rows[k] = append(out[k].Members, id), append(rows[k], i)
	}
	for k := range out {
		c := &out[k]
		x.resolver.copied(c, rows[k]) // those that were there have their edges twice
		for _, id := range c.Members {
			inside[id] = true
		}
		c.Edges = slices.DeleteFunc(slices.Clone(c.Edges), func(e Edge) bool { return !inside[e.A] || !inside[e.B] })
		slices.SortStableFunc(c.Edges, func(a, b Edge) int { return cmp.Or(cmp.Compare(a.A, b.A), cmp.Compare(a.B, b.B)) })
		c.Edges = slices.CompactFunc(c.Edges, func(a, b Edge) bool { return a.A == b.A && a.B == b.B })
		if len(c.Edges) == 0 {
			c.Edges = nil
		}
	}
	return out, rows
}

// connected gathers what is connected with a record, in the order of ids. The list is good
// until the next call.
func (x *Index) connected(seed uint32, w *work) []uint32 {
	from := len(w.seen)
	w.put(&w.seen, isSeen, seed)
	for k := from; k < len(w.seen); k++ {
		i := w.seen[k]
		for _, n := range x.near[i] {
			w.put(&w.seen, isSeen, n.record)
		}
		if len(x.decided) == 0 {
			continue
		}
		for _, id := range x.decided[x.t.id(i)] {
			if j, ok := x.slots[id]; ok && x.decisions[Decision{A: x.t.id(i), B: id}.key()] {
				w.put(&w.seen, isSeen, j)
			}
		}
	}
	x.members = append(x.members[:0], w.seen[from:]...)
	if len(x.members) > 1 {
		slices.SortFunc(x.members, func(a, b uint32) int { return cmp.Compare(x.t.id(a), x.t.id(b)) })
	}
	return x.members
}

// fewMembers is the number of records among which one is found by looking at all.
const fewMembers = 16

// component describes connected records.
func (x *Index) component(members []uint32) component {
	var local func(i uint32) (uint32, bool)
	if len(members) <= fewMembers {
		local = func(i uint32) (uint32, bool) {
			k := slices.Index(members, i)
			return uint32(k), k >= 0
		}
	} else {
		places := make(map[uint32]uint32, len(members))
		for k, i := range members {
			places[i] = uint32(k)
		}
		local = func(i uint32) (uint32, bool) {
			k, ok := places[i]
			return k, ok
		}
	}
	part := component{members: members, edges: x.edges[:0]}
	var decisions []Decision
	for k, i := range members {
		for _, n := range x.near[i] {
			if l, _ := local(n.record); uint32(k) < l {
				part.edges = append(part.edges, edge{uint32(k), l, n.weight})
			}
		}
		if len(x.decided) == 0 {
			continue
		}
		for _, id := range x.decided[x.t.id(i)] {
			if j, ok := x.slots[id]; ok && x.t.id(i) < id {
				if _, inside := local(j); inside {
					d := Decision{A: x.t.id(i), B: id}
					d.Same = x.decisions[d.key()]
					decisions = append(decisions, d)
				}
			}
		}
	}
	x.edges = part.edges
	slices.SortFunc(part.edges, func(a, b edge) int { return cmp.Or(cmp.Compare(a.a, b.a), cmp.Compare(a.b, b.b)) })
	if len(decisions) > 0 {
		part.must, part.cannot = resolve(decisions, func(id string) (uint32, bool) { return local(x.slots[id]) })
	}
	return part
}
