package link

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// Context is what a click's neighbours tell about it; Contexts computes it. The
// zero value knows nothing and costs nothing.
type Context struct {
	// Delivered is when the message arrived, zero if that is not known.
	Delivered time.Time
	// MinDelay is how long after delivery a person needs at least; 0 means 2 s.
	MinDelay time.Duration
	// Recipients is how many links other than this one the same IP hash asked
	// for around it.
	Recipients int
	// MaxRecipients is how many of them are fine whatever Crowd says, such as of
	// people in one shop's network; 0 means 8.
	MaxRecipients int
	// Crowd is how these links were asked for.
	Crowd Crowd
	// Companion is set when somebody probed the same link (HEAD, OPTIONS) at
	// nearly the same time, from wherever.
	Companion bool
	// Agents is how many other browsers' user agents asked for the same link
	// from the same IP hash at nearly the same time.
	Agents int
}

// Window is what Contexts counts as "around" and "at nearly the same time".
type Window struct {
	Spread    time.Duration // for Recipients and Crowd, to each side; 0 means 1 minute
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
	machine := make([]bool, len(clicks))
	for i := range clicks {
		if i%checkEvery == 0 && ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		machine[i] = machineAgent(clicks[i].Agent)
	}
	if err := spread(ctx, clicks, order, machine, w.Spread, out); err != nil {
		return nil, err
	}
	if err := companions(ctx, clicks, order, machine, w.Companion, out); err != nil {
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

// probe tells requests by other methods than a browser's apart.
type probe struct{ request, method string }

// companions looks, link by link, for probes and other browsers beside a click.
// A handset's own preview or prefetch just before its owner's click is neither.
func companions(ctx context.Context, clicks []Click, order []int, machine []bool, d time.Duration, out []Context) error {
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(clicks[a].ID, clicks[b].ID), clicks[a].At.Compare(clicks[b].At), cmp.Compare(clicks[a].RequestID, clicks[b].RequestID), cmp.Compare(a, b))
	})
	return groups(clicks, order, func(a, b *Click) bool { return a.ID == b.ID }, func(order []int) error {
		if len(order) == 1 {
			return nil // nothing is beside it
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
