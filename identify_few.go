package vefa

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/people"
)

// certain is the weight, in bits, from which on two records are merged where no model was
// learnt: odds of 32 to 1. What is nearer to even odds is left to people.
const certain = 5

// identifyFew is record linkage where there are too few profiles to learn a
// model from: it merges by one that rests on assumptions ([people.Linker.Assumed]) those
// who are clearly one person, and keeps in the decisions what each comparison added. It
// splits no customer.
func (e *Engine) identifyFew(ctx context.Context) (LinkageReport, error) {
	out := LinkageReport{TrainAt: e.cfg.TrainAt}
	if e.cfg.TrainAt < 0 {
		return out, nil
	}
	x, records, clusters, err := e.linkFew(ctx, &e.remembered)
	if err != nil {
		return out, err
	}
	out.Records = records
	clusters = slices.DeleteFunc(clusters, func(c dedup.Cluster) bool { return len(c.Members) < 2 })
	out.Clusters = len(clusters)
	e.live.Store(x)
	return out, e.place(ctx, clusters, x.Index, &out)
}

// everyone is what linkage knew when it last ended.
type everyone struct {
	*people.Index
	assumed bool             // by a model that rests on assumptions
	crowded map[string]bool  // then: see crowds
	open    []dedup.Question // then: who are kept apart until a person says otherwise
}

// linkFew links everybody by the model for few records.
func (e *Engine) linkFew(ctx context.Context, h *remembered) (x *everyone, records int, clusters []dedup.Cluster, err error) {
	decisions, err := e.decisions(ctx, nil, h)
	if err != nil {
		return nil, 0, nil, err
	}
	var all []people.Record
	customers, of := map[crm.CustomerID][]string{}, map[string]*people.Record{}
	home := map[string]crm.CustomerID{}
	for p, err := range e.scanProfiles(ctx) {
		if err != nil {
			return nil, 0, nil, err
		}
		if linkable(p) {
			r := personRecord(p)
			all = append(all, r)
			of[r.ID], home[r.ID] = &r, p.Customer
			customers[p.Customer] = append(customers[p.Customer], r.ID)
		}
	}
	said := map[[2]string]bool{}
	for _, d := range decisions {
		said[[2]string{d.A, d.B}] = true
	}
	for _, id := range slices.Sorted(maps.Keys(customers)) { // what is together stays together
		list := customers[id]
		for _, other := range list[1:] {
			if p := [2]string{min(list[0], other), max(list[0], other)}; !said[p] {
				decisions = append(decisions, dedup.Decision{A: p[0], B: p[1], Same: true})
			}
		}
	}
	model, err := e.linker.Assumed(ctx, len(all))
	if err != nil {
		return nil, 0, nil, err
	}
	model.Calibration = &dedup.Calibration{Slope: 1, Shift: -certain}
	index, err := e.linker.NewIndex(model)
	if err != nil {
		return nil, 0, nil, err
	}
	crowded := crowds(of)
	everybody := slices.Sorted(maps.Keys(of))
	group := map[string]int{} // whom nothing attested holds together, whoever else is there, is never one
	for i, g := range joined(everybody, of, home, crowded) {
		group[everybody[i]] = g
	}
	var asked []dedup.Decision
	looked := map[string]bool{}
	for {
		if _, err = index.Apply(ctx, all, nil, decisions...); err != nil {
			return nil, 0, nil, err
		}
		clusters = slices.Collect(index.Clusters())
		all, decisions = nil, nil
		for _, c := range clusters {
			for _, d := range questionable(c.Members, of, home, crowded) {
				if p := [2]string{d.A, d.B}; !said[p] {
					said[p] = true
					decisions = append(decisions, d)
				}
			}
		}
		// Each would join one after the other of those who are like him, a turn of the loop
		// each: all of them are said at once.
		for _, d := range slices.Clone(decisions) {
			for _, id := range []string{d.A, d.B} {
				if looked[id] || group[d.A] == group[d.B] {
					continue
				}
				looked[id] = true
				matches, err := index.Find(ctx, *of[id])
				if err != nil {
					return nil, 0, nil, err
				}
				for _, m := range matches {
					other := customers[home[m.ID]][0]
					if p := [2]string{min(id, other), max(id, other)}; group[id] != group[other] && !said[p] {
						said[p] = true
						decisions = append(decisions, dedup.Decision{A: p[0], B: p[1]})
					}
				}
			}
		}
		asked = append(asked, decisions...)
		if len(decisions) == 0 {
			return &everyone{Index: index, assumed: true, crowded: crowded, open: unasked(index, asked)}, len(of), clusters, nil
		}
	}
}

// mostOpen bounds the questions that are kept of those whom linkage holds apart.
const mostOpen = 10_000

// unasked makes questions of the pairs that linkage keeps apart of its own.
func unasked(x *people.Index, list []dedup.Decision) (out []dedup.Question) {
	for _, d := range list[:min(len(list), mostOpen)] {
		e, err := x.Explain(d.A, d.B)
		if err != nil || e.Weight <= 0 { // not alike by themselves
			continue
		}
		a, _ := x.Cluster(d.A)
		b, _ := x.Cluster(d.B)
		q := dedup.Question{A: d.A, B: d.B, Weight: e.Weight, Probability: e.Probability, Pairs: len(a.Members) * len(b.Members)}
		for _, r := range e.Reasons {
			if r.Weight > 0 {
				q.Fields = append(q.Fields, r.Field+" "+r.Level)
			}
		}
		out = append(out, q)
	}
	return out
}

// household is what the records of one customer in a cluster say together. They are one by
// decision, so that one of them stands for all.
type household struct {
	first         string
	group         int // of those whom pairs that are attested hold together
	birth, gender string
	half          bool
}

// several is what is known of customers whose records contradict each other.
const several = "*"

// questionable returns the pairs of customers in a cluster that are a question and no match:
// those that nothing attested holds together, and those that are unclear. It looks at pairs of
// customers where records of the same sort are not one sort that has no quarrel with itself.
func questionable(members []string, of map[string]*people.Record, home map[string]crm.CustomerID, crowded map[string]bool) (out []dedup.Decision) {
	var all []household
	group, number := joined(members, of, home, crowded), map[crm.CustomerID]int{}
	for i, id := range members {
		k, known := number[home[id]]
		if !known {
			k = len(all)
			number[home[id]] = k
			all = append(all, household{first: id, group: group[i]})
		}
		h, r := &all[k], of[id]
		h.half = h.half || half(r)
		for _, v := range []struct {
			of *string
			is string
		}{{&h.birth, r.Birth}, {&h.gender, r.Gender}} {
			if *v.of == "" {
				*v.of = v.is
			} else if v.is != "" && v.is != *v.of {
				*v.of = several
			}
		}
	}
	// Sorts of customers, in the order of their first.
	sorts, place := [][]household{}, map[household]int{}
	for _, h := range all {
		key := h
		key.first = ""
		k, known := place[key]
		if !known {
			k = len(sorts)
			place[key] = k
			sorts = append(sorts, nil)
		}
		sorts[k] = append(sorts[k], h)
	}
	for i, x := range sorts {
		for k, y := range sorts[:i+1] {
			if x[0].group == y[0].group && !unclear(x[0], y[0]) {
				continue
			}
			for n, a := range x {
				for m, b := range y {
					if i != k || m < n {
						out = append(out, dedup.Decision{A: min(a.first, b.first), B: max(a.first, b.first)})
					}
				}
			}
		}
	}
	return out
}

// half reports whether a record has half a name.
func half(r *people.Record) bool {
	return (r.Given == "" || r.Family == "") && !strings.Contains(strings.TrimSpace(r.FullName), " ")
}

// unclear reports whether two customers who are alike are a question and not a match, where
// nothing was learnt of errors: dates of birth or genders differ, or one has half a name.
func unclear(a, b household) bool {
	differ := func(a, b string) bool { return a != "" && b != "" && (a != b || a == several) }
	return differ(a.birth, b.birth) || differ(a.gender, b.gender) || a.half || b.half
}

// mostNames is how many names may share a phone number, an e-mail address or a birthday
// before it holds together only who have one name as well.
const mostNames = 4

// crowds returns what more names share.
func crowds(of map[string]*people.Record) map[string]bool {
	names := map[string]map[string]bool{}
	for _, r := range of {
		for _, v := range held(r) {
			if names[v] == nil {
				names[v] = map[string]bool{}
			}
			names[v][named(r)] = true
		}
	}
	out := map[string]bool{}
	for v, n := range names {
		if len(n) > mostNames {
			out[v] = true
		}
	}
	return out
}

// named returns a record's name as it is, but for its letters' case.
func named(r *people.Record) string {
	return strings.ToLower(strings.Join(strings.Fields(r.Given+" "+r.Family+" "+r.FullName), " "))
}

// held lists what few others have of what a record says.
func held(r *people.Record) (out []string) {
	for _, p := range r.Phones {
		out = append(out, "p"+p)
	}
	for _, m := range r.Emails {
		out = append(out, "m"+m)
	}
	if len(r.Birth) > len("2006-01") {
		out = append(out, "b"+r.Birth)
	}
	return out
}

// joined numbers the groups into which a list falls by what few others have: of each, the
// place of its first. Records of one customer are one group.
func joined(list []string, of map[string]*people.Record, home map[string]crm.CustomerID, crowded map[string]bool) []int {
	group := make([]int, len(list))
	root := func(i int) int {
		for group[i] != i {
			group[i] = group[group[i]]
			i = group[i]
		}
		return i
	}
	first := map[string]int{}
	for i, id := range list {
		group[i] = i
		for _, v := range append(held(of[id]), "c"+string(home[id])) {
			if crowded[v] {
				v += "\x00" + named(of[id])
			}
			k, known := first[v]
			if !known {
				first[v] = i
				continue
			}
			a, b := root(k), root(i)
			group[max(a, b)] = min(a, b)
		}
	}
	for i := range group {
		group[i] = root(i)
	}
	return group
}
