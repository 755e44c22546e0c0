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
	return out, e.place(ctx, clusters, x, &out)
}

// linkFew links everybody by the model for few records.
func (e *Engine) linkFew(ctx context.Context, h *remembered) (x *people.Index, records int, clusters []dedup.Cluster, err error) {
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
	if x, err = e.linker.NewIndex(model); err != nil {
		return nil, 0, nil, err
	}
	for {
		if _, err = x.Apply(ctx, all, nil, decisions...); err != nil {
			return nil, 0, nil, err
		}
		clusters = slices.Collect(x.Clusters())
		all, decisions = nil, nil
		for _, c := range clusters {
			by := joined(c.Members, func(a, b string) bool {
				return home[a] == home[b] || attested(of[a], of[b])
			})
			for i, a := range c.Members {
				for k, b := range c.Members[:i] {
					p := [2]string{b, a}
					if !said[p] && home[a] != home[b] && (by[i] != by[k] || unclear(of[a], of[b])) {
						said[p] = true
						decisions = append(decisions, dedup.Decision{A: b, B: a})
					}
				}
			}
		}
		if len(decisions) == 0 {
			return x, len(of), clusters, nil
		}
	}
}

// unclear reports whether two records that are alike are a question and not a match, where
// nothing was learnt of errors: dates of birth or genders differ, or one has half a name.
func unclear(a, b *people.Record) bool {
	differ := func(a, b string) bool { return a != "" && b != "" && a != b }
	half := func(r *people.Record) bool {
		return (r.Given == "" || r.Family == "") && !strings.Contains(strings.TrimSpace(r.FullName), " ")
	}
	return differ(a.Birth, b.Birth) || differ(a.Gender, b.Gender) || half(a) || half(b)
}

// attested reports whether two records agree on something that few others have.
func attested(a, b *people.Record) bool {
	share := func(a, b []string) bool {
		return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
	}
	return share(a.Phones, b.Phones) || share(a.Emails, b.Emails) || len(a.Birth) > len("2006-01") && a.Birth == b.Birth
}

// joined numbers the groups into which pairs join a list: of each, the place of its first.
func joined(list []string, pair func(a, b string) bool) []int {
	of := make([]int, len(list))
	for i := range list {
		of[i] = i
		for k := range i {
			if was, is := of[i], of[k]; was != is && pair(list[i], list[k]) {
				for j := range i + 1 {
					if of[j] == max(was, is) {
						of[j] = min(was, is)
					}
				}
			}
		}
	}
	return of
}
