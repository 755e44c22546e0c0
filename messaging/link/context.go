package link

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Window is what Contexts counts as "around" and "at nearly the same time".
type Window struct {
	Spread    time.Duration // for Recipients, to each side; 0 means 1 minute
	Companion time.Duration // for Companion and Agents, to each side; 0 means 15 seconds
}

// Contexts computes the Context of each click from all of them, in their
// order. Delivered gives the time at which a link's message arrived, the zero
// time where nobody knows; nil knows nothing. The order of the clicks and
// repeated deliveries of one click do not matter to the result.
func Contexts(clicks []Click, delivered func(id uint64) time.Time, w Window) []Context {
	if w.Spread <= 0 {
		w.Spread = time.Minute
	}
	if w.Companion <= 0 {
		w.Companion = 15 * time.Second
	}
	out := make([]Context, len(clicks))
	if delivered != nil {
		for i, c := range clicks {
			out[i].Delivered = delivered(c.ID)
		}
	}
	order := make([]int, len(clicks))
	for i := range order {
		order[i] = i
	}
	spread(clicks, order, w.Spread, out)
	companions(clicks, order, w.Companion, out)
	return out
}

// spread counts, by a sliding window over each network's clicks, how many
// other links it asked for around each.
func spread(clicks []Click, order []int, d time.Duration, out []Context) {
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(clicks[a].IP, clicks[b].IP), clicks[a].At.Compare(clicks[b].At), cmp.Compare(a, b))
	})
	for from := 0; from < len(order); {
		to := from
		for to < len(order) && clicks[order[to]].IP == clicks[order[from]].IP {
			to++
		}
		if clicks[order[from]].IP != 0 {
			seen := map[uint64]int{}
			lo, hi := from, from
			for k := from; k < to; k++ {
				at := clicks[order[k]].At
				for hi < to && !clicks[order[hi]].At.After(at.Add(d)) {
					seen[clicks[order[hi]].ID]++
					hi++
				}
				for clicks[order[lo]].At.Before(at.Add(-d)) {
					id := clicks[order[lo]].ID
					if seen[id]--; seen[id] == 0 {
						delete(seen, id)
					}
					lo++
				}
				out[order[k]].Recipients = len(seen) - 1
			}
		}
		from = to
	}
}

// companions looks, link by link, for probes and other browsers beside a click.
// A handset's own preview or prefetch just before its owner's click is neither.
// One link's clicks within the window are bounded: beyond maxBeside neighbours
// nothing new can be learned.
func companions(clicks []Click, order []int, d time.Duration, out []Context) {
	const maxBeside = 256
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(clicks[a].ID, clicks[b].ID), clicks[a].At.Compare(clicks[b].At), cmp.Compare(clicks[a].RequestID, clicks[b].RequestID))
	})
	for k, i := range order {
		c, x := &clicks[i], &out[i]
		agents := map[string]bool{}
		beside := func(j int) bool {
			o := &clicks[order[j]]
			if o.ID != c.ID || o.At.Sub(c.At).Abs() > d {
				return false
			}
			if (o.RequestID != c.RequestID || o.Method != c.Method) && !ordinary(o.Method) {
				x.Companion = true
			}
			if o.IP == c.IP && o.IP != 0 && o.Agent != c.Agent && !machineAgent(strings.ToLower(o.Agent)) {
				agents[o.Agent] = true
			}
			return true
		}
		for j := k - 1; j >= 0 && k-j <= maxBeside && beside(j); j-- {
		}
		for j := k + 1; j < len(order) && j-k <= maxBeside && beside(j); j++ {
		}
		x.Agents = len(agents)
	}
}
