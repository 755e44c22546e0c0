package link

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// Window is what Contexts counts as "around" and "at nearly the same time".
type Window struct {
	Spread    time.Duration // for Recipients, to each side; 0 means 1 minute
	Companion time.Duration // for Companion and Agents, to each side; 0 means 15 seconds
}

// Contexts returns the Context of each click, computed from all of them, in
// their order. It fails only with the error of ctx, once that has ended.
// Delivered gives the time at which a link's message arrived, the zero time
// where it is not known; nil knows nothing. The order of the clicks and
// repeated deliveries of one click do not matter to the result. Besides the
// sorting its time grows with the number of clicks alone, however many of them
// are of one link or of one address.
func Contexts(ctx context.Context, clicks []Click, delivered func(id uint64) time.Time, w Window) ([]Context, error) {
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
	if err := spread(ctx, clicks, order, w.Spread, out); err != nil {
		return nil, err
	}
	if err := companions(ctx, clicks, order, w.Companion, out); err != nil {
		return nil, err
	}
	return out, nil
}

// checkEvery is after how many clicks the context is asked again.
const checkEvery = 4096

// around slides a window of d to each side over clicks that are in the order of
// time: add and remove tell which of them come in and go out, at that all in
// reach of click k are in.
func around(ctx context.Context, clicks []Click, order []int, d time.Duration, add, remove, at func(i int)) error {
	lo, hi := 0, 0
	for k, i := range order {
		if k%checkEvery == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		for hi < len(order) && !clicks[order[hi]].At.After(clicks[i].At.Add(d)) {
			add(order[hi])
			hi++
		}
		for clicks[order[lo]].At.Before(clicks[i].At.Add(-d)) {
			remove(order[lo])
			lo++
		}
		at(i)
	}
	return nil
}

// groups calls each with every run of clicks that same finds alike.
func groups(clicks []Click, order []int, same func(a, b *Click) bool, each func(order []int) error) error {
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && same(&clicks[order[to]], &clicks[order[from]]) {
			to++
		}
		if err := each(order[from:to]); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// spread counts, network by network, how many other links it asked for around
// each click.
func spread(ctx context.Context, clicks []Click, order []int, d time.Duration, out []Context) error {
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(clicks[a].IP, clicks[b].IP), clicks[a].At.Compare(clicks[b].At), cmp.Compare(a, b))
	})
	return groups(clicks, order, func(a, b *Click) bool { return a.IP == b.IP }, func(order []int) error {
		if clicks[order[0]].IP == 0 {
			return ctx.Err()
		}
		seen := map[uint64]int{}
		return around(ctx, clicks, order, d,
			func(i int) { seen[clicks[i].ID]++ },
			func(i int) { drop(seen, clicks[i].ID) },
			func(i int) { out[i].Recipients = len(seen) - 1 })
	})
}

// probe tells requests by other methods than a browser's apart.
type probe struct{ request, method string }

// companions looks, link by link, for probes and other browsers beside a click.
// A handset's own preview or prefetch just before its owner's click is neither.
func companions(ctx context.Context, clicks []Click, order []int, d time.Duration, out []Context) error {
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(clicks[a].ID, clicks[b].ID), clicks[a].At.Compare(clicks[b].At), cmp.Compare(clicks[a].RequestID, clicks[b].RequestID), cmp.Compare(a, b))
	})
	machine := make([]bool, len(clicks))
	return groups(clicks, order, func(a, b *Click) bool { return a.ID == b.ID }, func(order []int) error {
		if len(order) == 1 {
			return nil // nothing is beside it
		}
		for k, i := range order {
			if k%checkEvery == 0 && ctx.Err() != nil {
				return context.Cause(ctx)
			}
			machine[i] = machineAgent(strings.ToLower(clicks[i].Agent))
		}
		probes := map[probe]int{}
		all := 0                                // of the probes, repeats too
		browsers := map[uint64]map[string]int{} // network → agent → clicks
		return around(ctx, clicks, order, d, func(i int) {
			c := &clicks[i]
			if !ordinary(c.Method) {
				probes[probe{c.RequestID, c.Method}]++
				all++
			}
			if c.IP != 0 && !machine[i] {
				if browsers[c.IP] == nil {
					browsers[c.IP] = map[string]int{}
				}
				browsers[c.IP][c.Agent]++
			}
		}, func(i int) {
			c := &clicks[i]
			if !ordinary(c.Method) {
				drop(probes, probe{c.RequestID, c.Method})
				all--
			}
			if c.IP != 0 && !machine[i] {
				if drop(browsers[c.IP], c.Agent); len(browsers[c.IP]) == 0 {
					delete(browsers, c.IP)
				}
			}
		}, func(i int) {
			c := &clicks[i]
			out[i].Companion = all > probes[probe{c.RequestID, c.Method}]
			if c.IP != 0 {
				out[i].Agents = len(browsers[c.IP])
				if !machine[i] {
					out[i].Agents-- // its own
				}
			}
		})
	})
}

// drop takes one from a count and forgets it at zero.
func drop[K comparable](counts map[K]int, k K) {
	if counts[k]--; counts[k] == 0 {
		delete(counts, k)
	}
}
