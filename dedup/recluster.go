package dedup

import (
	"cmp"
	"slices"
)

// recluster clusters the components of all seeds, but for those of more than most records.
func (x *Index) recluster(w *work, out *Change, most int) {
	seen := map[uint32]bool{}
	for seed := range w.seeds {
		if seen[seed] || x.t.id(seed) == "" {
			continue
		}
		members := x.connected(seed, seen)
		var clusters []Cluster
		var conflicts []Decision
		if len(members) > most {
			for _, i := range members {
				if w.seeds[i] {
					x.queued[i] = true
				}
			}
			out.Waiting += len(members)
			clusters = x.leave(members)
		} else {
			clusters, conflicts = x.resolver.resolve(x.component(members))
		}
		out.Conflicts = append(out.Conflicts, conflicts...)
		for k := range clusters {
			c := &clusters[k]
			changed := false
			for _, id := range c.Members {
				i := x.slots[id]
				old := x.clusters[i]
				changed = changed || w.upserted[i] || old == nil || !slices.Equal(old.Members, c.Members)
				x.clusters[i] = c
			}
			if changed {
				out.Clusters = append(out.Clusters, *c)
			}
		}
	}
	slices.SortFunc(out.Clusters, func(a, b Cluster) int { return cmp.Compare(a.Members[0], b.Members[0]) })
	sortDecisions(out.Conflicts)
}

// leave keeps the clusters of connected records as they are, as far as their members are
// still there and connected; new records are clusters by themselves.
func (x *Index) leave(members []uint32) (out []Cluster) {
	at := map[*Cluster]int{}
	inside := make(map[string]bool, len(members))
	for _, i := range members {
		id := x.t.id(i)
		inside[id] = true
		c := x.clusters[i]
		k, known := at[c]
		if c == nil || !known {
			k = len(out)
			out = append(out, Cluster{})
			if c != nil {
				at[c] = k
				out[k].Edges = c.Edges
			}
		}
		out[k].Members = append(out[k].Members, id)
	}
	for k := range out {
		c := &out[k]
		c.Edges = slices.DeleteFunc(slices.Clone(c.Edges), func(e Edge) bool { return !inside[e.A] || !inside[e.B] })
		if len(c.Edges) == 0 {
			c.Edges = nil
		}
	}
	return out
}

// connected gathers what is connected with a record, in the order of ids.
func (x *Index) connected(seed uint32, seen map[uint32]bool) []uint32 {
	members := []uint32{seed}
	seen[seed] = true
	visit := func(i uint32) {
		if !seen[i] {
			seen[i] = true
			members = append(members, i)
		}
	}
	for k := 0; k < len(members); k++ {
		i := members[k]
		for _, n := range x.near[i] {
			visit(n.record)
		}
		for _, id := range x.decided[x.t.id(i)] {
			if j, ok := x.slots[id]; ok && x.decisions[Decision{A: x.t.id(i), B: id}.key()] {
				visit(j)
			}
		}
	}
	slices.SortFunc(members, func(a, b uint32) int { return cmp.Compare(x.t.id(a), x.t.id(b)) })
	return members
}

// component describes connected records.
func (x *Index) component(members []uint32) component {
	local := make(map[uint32]uint32, len(members))
	for k, i := range members {
		local[i] = uint32(k)
	}
	part := component{members: members}
	var decisions []Decision
	for k, i := range members {
		for _, n := range x.near[i] {
			if l := local[n.record]; uint32(k) < l {
				part.edges = append(part.edges, edge{uint32(k), l, n.weight})
			}
		}
		for _, id := range x.decided[x.t.id(i)] {
			if j, ok := x.slots[id]; ok && x.t.id(i) < id {
				if _, inside := local[j]; inside {
					d := Decision{A: x.t.id(i), B: id}
					d.Same = x.decisions[d.key()]
					decisions = append(decisions, d)
				}
			}
		}
	}
	slices.SortFunc(part.edges, func(a, b edge) int { return cmp.Or(cmp.Compare(a.a, b.a), cmp.Compare(a.b, b.b)) })
	part.must, part.cannot = resolve(decisions, func(id string) (uint32, bool) {
		i, ok := x.slots[id]
		return local[i], ok
	})
	return part
}
