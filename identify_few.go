package vefa

import (
	"context"
	"maps"
	"slices"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/internal/fold"
)

// mostAlike is how many records with one name and one number still are taken for
// one person where there is no model to tell: more are a shop's own number.
const mostAlike = 10

// identifyFew is record linkage where there are too few profiles to learn a
// model from: it merges those who have the same full name and the same phone
// number or e-mail address, unless birth or gender differ or a person said that
// they are apart. It splits no customer.
func (e *Engine) identifyFew(ctx context.Context) (LinkageReport, error) {
	out := LinkageReport{TrainAt: e.cfg.TrainAt}
	if e.cfg.TrainAt < 0 {
		return out, nil
	}
	decisions, err := e.decisions(ctx, nil)
	if err != nil {
		return out, err
	}
	g := groups{of: map[string]string{}, members: map[string][]string{}}
	alike := map[[2]string][]string{} // name and contact
	customers := map[crm.CustomerID][]string{}
	births, genders := map[string]string{}, map[string]string{}
	for p, err := range e.scanProfiles(ctx) {
		if err != nil {
			return out, err
		}
		if !linkable(p) {
			continue
		}
		out.Records++
		r := personRecord(p)
		g.add(r.ID)
		customers[p.Customer] = append(customers[p.Customer], r.ID)
		births[r.ID], genders[r.ID] = r.Birth, r.Gender
		name := fold.Key(r.Given + " " + r.Family)
		if r.Given == "" || r.Family == "" {
			if name = fold.Key(r.FullName); !slices.Contains([]byte(name), ' ') {
				continue // half a name
			}
		}
		for _, contact := range slices.Concat(r.Phones, r.Emails) {
			k := [2]string{name, contact}
			alike[k] = append(alike[k], r.ID)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(customers)) { // what is together stays together
		list := customers[id]
		for _, other := range list[1:] {
			g.join(list[0], other)
		}
	}
	apart := map[[2]string]bool{}
	for _, d := range decisions {
		if !d.Same {
			apart[[2]string{d.A, d.B}] = true
		}
	}
	var edges []dedup.Edge
	keys := slices.SortedFunc(maps.Keys(alike), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	for _, k := range keys {
		list := alike[k]
		slices.Sort(list)
		if list = slices.Compact(list); len(list) < 2 || len(list) > mostAlike || differ(list, births) || differ(list, genders) {
			continue
		}
		for _, id := range list[1:] {
			if g.mayJoin(list[0], id, apart) {
				g.join(list[0], id)
				edges = append(edges, dedup.Edge{A: list[0], B: id, Fields: []string{"name: same", "contact: same"}})
			}
		}
	}
	var clusters []dedup.Cluster
	for _, first := range slices.Sorted(maps.Keys(g.members)) {
		if members := g.members[first]; len(members) > 1 {
			c := dedup.Cluster{Members: slices.Sorted(slices.Values(members))}
			for _, x := range edges {
				if g.of[x.A] == first {
					c.Edges = append(c.Edges, x)
				}
			}
			clusters = append(clusters, c)
		}
	}
	out.Clusters = len(clusters)
	return out, e.place(ctx, clusters, &out)
}

// differ reports whether two of the records have different known values.
func differ(list []string, values map[string]string) bool {
	known := ""
	for _, id := range list {
		if v := values[id]; v != "" {
			if known != "" && v != known {
				return true
			}
			known = v
		}
	}
	return false
}

// groups are disjoint sets of records, each under the id of one of them.
type groups struct {
	of      map[string]string
	members map[string][]string
}

func (g *groups) add(id string) { g.of[id], g.members[id] = id, []string{id} }

func (g *groups) join(a, b string) {
	a, b = g.of[a], g.of[b]
	if a == b {
		return
	}
	for _, id := range g.members[b] {
		g.of[id] = a
	}
	g.members[a] = append(g.members[a], g.members[b]...)
	delete(g.members, b)
}

// mayJoin reports whether no decision says that members of two groups are apart.
func (g *groups) mayJoin(a, b string, apart map[[2]string]bool) bool {
	for _, x := range g.members[g.of[a]] {
		for _, y := range g.members[g.of[b]] {
			if apart[[2]string{min(x, y), max(x, y)}] {
				return false
			}
		}
	}
	return true
}
