package things_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/things"
)

// No constant was fitted to a file: half of each and twice it change the mean F1 of all sets
// by less than .025, and that of no set by more than .1. The most that one moves is that
// without abbreviations longer than a third of their words company names lose .07.
func TestConstantsMatterLittle(t *testing.T) {
	if raced || testing.Short() {
		t.Log("links four sets with every constant moved, a minute of CPU: run without -race and -short") // .ci/run runs it elsewhere, and skips nothing
		return
	}
	names := []string{"abt_buy", "fodors_zagats", "restaurants", "company_names"}
	type loaded struct {
		records []things.Record
		truth   map[string]string
		f1      float64
	}
	measure := func(s set, x loaded, move func(*things.Linker)) float64 {
		l := newLinker(t, s.opt)
		move(l)
		r, err := l.Link(ctx, slices.Values(x.records), nil)
		require.NoError(t, err)
		return dedup.Evaluate(r.Clusters, lookup(x.truth)).F1
	}
	all := map[string]loaded{}
	for _, name := range names {
		s := sets[name]
		if s.make != nil { // smaller, as it is linked two dozen times
			s.make = func() ([]things.Record, map[string]string) { return generate(21, 700, false) }
		}
		x := loaded{}
		x.records, x.truth = load(t, s)
		if name == "abt_buy" { // four tenths of the things, for the same reason
			x.records = slices.DeleteFunc(x.records, func(r things.Record) bool { e := x.truth[r.ID]; return e[len(e)-1] > '3' })
		}
		x.f1 = measure(s, x, func(*things.Linker) {})
		all[name] = x
	}
	constants := things.Constants()
	for _, constant := range slices.Sorted(maps.Keys(constants)) {
		for k, move := range constants[constant] {
			sum := 0.0
			for _, name := range names {
				f1 := measure(sets[name], all[name], move)
				sum += f1 - all[name].f1
				t.Logf("%-34s x%-3v %-14s %.3f (%+.3f)", constant, []string{"1/2", "2"}[k], name, f1, f1-all[name].f1)
				require.GreaterOrEqual(t, f1, all[name].f1-0.1, "%s, %s", constant, name)
			}
			require.InDelta(t, 0, sum/float64(len(names)), 0.025, "%s, mean of all sets", constant)
		}
	}
}
