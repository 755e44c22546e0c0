package survey

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/vefacrm/vefa/internal/suppress"
)

// Groups counts the answers of one metric by a key such as a store, and rolls
// them up to regions and countries. The zero value is ready to use. It is not
// safe for concurrent use; give each goroutine its own and Merge them.
type Groups[K cmp.Ordered] struct {
	m map[K]*Tally
}

// Add counts a score under a key. The error is ErrMixedMetrics.
func (g *Groups[K]) Add(key K, s Score) error {
	return g.within(key, s.Metric, func(t *Tally) error { return t.Add(s) })
}

// addTally counts a tally under a key. The error is ErrMixedMetrics.
func (g *Groups[K]) addTally(key K, o Tally) error {
	if o.Metric == "" {
		return nil
	}
	return g.within(key, o.Metric, func(t *Tally) error { return t.Merge(o) })
}

// within calls fn with the tally of a key, which it makes if it must, once it is sure that the
// metrics agree.
func (g *Groups[K]) within(key K, m Metric, fn func(*Tally) error) error {
	if g.m == nil {
		g.m = map[K]*Tally{}
	}
	for _, other := range g.m {
		if other.Metric != m {
			return fmt.Errorf("%w: %s and %s", ErrMixedMetrics, other.Metric, m)
		}
		break
	}
	t := g.m[key]
	if t == nil {
		t = &Tally{}
		g.m[key] = t
	}
	return fn(t)
}

// Merge adds another set of groups, key by key. The error is ErrMixedMetrics.
func (g *Groups[K]) Merge(o *Groups[K]) error {
	for k, t := range o.All() {
		if err := g.addTally(k, t); err != nil {
			return err
		}
	}
	return nil
}

// All goes through the groups in the order of their keys.
func (g *Groups[K]) All() iter.Seq2[K, Tally] {
	return func(yield func(K, Tally) bool) {
		for _, k := range slices.Sorted(maps.Keys(g.m)) {
			if !yield(k, *g.m[k]) {
				return
			}
		}
	}
}

// Total adds up all groups.
func (g *Groups[K]) Total() Tally {
	var t Tally
	for _, o := range g.m {
		_ = t.Merge(*o) // of one metric, by within
	}
	return t
}

// RollUp adds groups up under wider keys: stores to their regions, regions to
// their countries.
func RollUp[K, W cmp.Ordered](g *Groups[K], wider func(K) W) *Groups[W] {
	out := &Groups[W]{}
	for k, t := range g.All() {
		_ = out.addTally(wider(k), t) // of one metric, by within
	}
	return out
}

// GroupResult is the result of one group. When Suppressed, only Key is set:
// so few answers could be traced to the people who gave them.
type GroupResult[K cmp.Ordered] struct {
	Key K
	// Suppressed hides the result, because of its size or because of another's.
	Suppressed bool
	Result     Result // zero when Suppressed
}

// Results gives the result of each group in the order of their keys. Groups with fewer
// than least answers are suppressed; 0 means 5, and 1 or less than 0 shows all. When that
// hides one group only, or groups with fewer than least answers together, the next
// smallest are suppressed with them: what is hidden could be had by subtracting what is
// shown from the total.
func (g *Groups[K]) Results(least int64) []GroupResult[K] {
	if least == 0 {
		least = 5
	}
	var keys []K
	var counts []int64
	for k, t := range g.All() {
		keys, counts = append(keys, k), append(counts, t.N())
	}
	out := make([]GroupResult[K], 0, len(keys))
	for i, hidden := range suppress.Small(counts, least) {
		r := GroupResult[K]{Key: keys[i], Suppressed: hidden}
		if !hidden {
			r.Result = g.m[keys[i]].Result()
		}
		out = append(out, r)
	}
	return out
}
