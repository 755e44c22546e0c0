package vefa

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/people"
)

// placeBatch is how many groups of profiles are written per transaction.
const placeBatch = 1000

// place makes each cluster a customer, where it is none yet, and counts the
// profiles that moved. A cluster about whose profiles people decided meanwhile
// stays as they left it; linkage looks at it again on its next turn.
// What each comparison added is told by the index that they come from, if there is one.
func (e *Engine) place(ctx context.Context, clusters []dedup.Cluster, x *people.Index, out *LinkageReport) error {
	var groups []crm.Grouping
	err := ordered(ctx, threads(), func(_ context.Context, yield func([]dedup.Cluster) bool) error {
		for chunk := range slices.Chunk(clusters, 2*loadBatch) {
			if !yield(chunk) {
				break
			}
		}
		return nil
	}, func(ctx context.Context, _ int, chunk []dedup.Cluster) ([]crm.Grouping, error) {
		return e.misplaced(ctx, chunk, x)
	}, func(got []crm.Grouping) error {
		groups = append(groups, got...)
		return nil
	})
	if err != nil {
		return err
	}
	done := 0
	for chunk := range slices.Chunk(groups, placeBatch) {
		done += len(chunk)
		links, stale, err := e.regroup(ctx, chunk)
		if err != nil {
			return fmt.Errorf("vefa: place: %w", err)
		}
		for _, l := range links {
			if !l.Stays {
				out.Moved++
			}
		}
		out.Stale += len(stale)
		for _, g := range stale {
			for _, k := range g.Profiles {
				e.look(k)
				delete(e.looked, e.sawKey(k))
			}
		}
		e.progress("identify", done, len(groups))
	}
	return nil
}

// moved leaves out the clusters that were customers by themselves when everybody was read,
// most of them on most evenings: asking the store about each of them would be a second
// reading of the whole record. Who people moved since then is looked at on the next turn.
func (e *Engine) moved(clusters []dedup.Cluster, all map[uint64]saw) []dedup.Cluster {
	if all == nil {
		return clusters
	}
	profiles := make(map[uint64]int32, len(clusters)) // of each customer
	for _, s := range all {
		profiles[s.customer]++
	}
	return slices.DeleteFunc(clusters, func(c dedup.Cluster) bool {
		customer := all[e.sawKey(keyOf(c.Members[0]))].customer
		if customer == 0 || int(profiles[customer]) != len(c.Members) {
			return false
		}
		return !slices.ContainsFunc(c.Members[1:], func(id string) bool { return all[e.sawKey(keyOf(id))].customer != customer })
	})
}

// regroup writes groups and returns those that it left out as stale.
func (e *Engine) regroup(ctx context.Context, groups []crm.Grouping) (links []crm.Link, left []crm.Grouping, err error) {
	for {
		links, err = e.svc.Regroup(ctx, groups...)
		var stale *crm.StaleError
		if !errors.As(err, &stale) {
			return links, left, err
		}
		kept := make([]crm.Grouping, 0, len(groups))
		for i, g := range groups {
			if _, is := slices.BinarySearch(stale.Groups, i); is {
				left = append(left, g)
			} else {
				kept = append(kept, g)
			}
		}
		if groups = kept; len(groups) == 0 {
			return nil, left, nil
		}
	}
}

// misplaced returns a grouping for each cluster that is not a customer by
// itself. What linkage does not look at stays with whom it was put by hand.
func (e *Engine) misplaced(ctx context.Context, clusters []dedup.Cluster, x *people.Index) ([]crm.Grouping, error) {
	var groups []crm.Grouping
	err := e.cfg.Store.View(ctx, func(r crm.Reader) error {
		groups = groups[:0]
		var keys []crm.ProfileKey
		for _, c := range clusters {
			for _, id := range c.Members {
				keys = append(keys, keyOf(id))
			}
		}
		firsts := make([]crm.ProfileKey, len(clusters))
		for i, c := range clusters {
			firsts[i] = keyOf(c.Members[0])
		}
		ids, err := r.CustomersOf(ctx, firsts...)
		if err != nil {
			return err
		}
		if i := slices.Index(ids, ""); i >= 0 {
			return &crm.Error{Op: "place", Entity: "profile", ID: firsts[i].String(), Kind: crm.ErrNotFound}
		}
		members, err := r.Members(ctx, ids...)
		if err != nil {
			return err
		}
		for i, c := range clusters {
			mine := keys[:len(c.Members)]
			keys = keys[len(c.Members):]
			linked := make(map[crm.ProfileKey]bool, len(mine))
			for _, k := range mine {
				linked[k] = true
			}
			extra := slices.DeleteFunc(slices.Clone(members[i]), func(k crm.ProfileKey) bool { return linked[k] })
			same := len(members[i])-len(extra) == len(mine)
			if len(extra) > 0 {
				others, err := r.Profiles(ctx, extra...)
				if err != nil {
					return err
				}
				extra = extra[:0]
				for _, p := range others {
					if linkable(p) {
						same = false
					} else {
						extra = append(extra, p.ProfileKey)
					}
				}
			}
			if !same {
				g := grouping(c, slices.Concat(mine, extra), x)
				g.Known = e.remembered.known
				groups = append(groups, g)
			}
		}
		return nil
	})
	return groups, err
}

// grouping turns a cluster into a link decision with its evidence: for each
// profile the strongest edge that holds it.
func grouping(c dedup.Cluster, keys []crm.ProfileKey, x *people.Index) crm.Grouping {
	g := crm.Grouping{Profiles: keys, Kind: crm.LinkMatched, Actor: linkActor}
	if len(c.Members) == 1 {
		g.Kind = crm.LinkSplit
		g.Evidence.Note = "no longer like the others"
		return g
	}
	g.Each = make(map[crm.ProfileKey]crm.Evidence, len(c.Members))
	for _, edge := range c.Edges {
		for _, p := range [][2]string{{edge.A, edge.B}, {edge.B, edge.A}} {
			k := keyOf(p[0])
			if was, ok := g.Each[k]; !ok || edge.Weight > was.Weight {
				g.Each[k] = crm.Evidence{With: keyOf(p[1]), Weight: edge.Weight, Fields: edge.Fields}
			}
		}
	}
	if x != nil {
		for k, ev := range g.Each {
			ev.Steps = steps(x, recordID(k), recordID(ev.With))
			g.Each[k] = ev
		}
	}
	return g
}

// steps tells what the weight of a pair is made of.
func steps(x *people.Index, a, b string) (out []crm.EvidenceStep) {
	e, err := x.Explain(a, b)
	if err != nil { // a copy of a row that changed since
		return nil
	}
	add := func(what string, bits float64) {
		if bits = math.Round(bits*100) / 100; bits != 0 {
			out = append(out, crm.EvidenceStep{What: what, Bits: bits})
		}
	}
	add("prior", e.Prior)
	for _, r := range e.Reasons {
		add(r.Field+" "+r.Level, r.Weight)
	}
	add("relations", e.Relations)
	add("calibration", e.Calibration)
	if e.Veto != "" {
		add("veto "+e.Veto, e.Weight)
	}
	return out
}
