package segment

import (
	"fmt"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// However a population grows, nobody's lot changes, and each stratum's share is
// right within one customer.
func TestPanelStaysAsThePopulationGrows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		idx := NewIndex(Options{})
		define(t, idx, "segment customers = everyone")
		p := Panel{Segment: "customers", Tag: "panel", Rest: "panel-rest", Salt: []byte("spring"), Strata: "city",
			Part: rapid.IntRange(0, 7).Draw(t, "part"), Whole: 7}
		if rapid.Bool().Draw(t, "red") { // as a hold-out from everything
			_, err := idx.SetPolarity(day0, PolarityRule{Tag: "panel", Polarity: Red})
			require.NoError(t, err)
		}
		city := map[string]string{}
		lot := map[string]bool{}
		for range rapid.IntRange(1, 6).Draw(t, "steps") {
			for range rapid.IntRange(0, 20).Draw(t, "newcomers") {
				c := fmt.Sprint("c", len(city))
				city[c] = rapid.SampledFrom([]string{"Bursa", "Van", "İzmir", ""}).Draw(t, "city")
				_, err := idx.Join(day0, c)
				require.NoError(t, err)
			}
			_, err := idx.SetField(day0, "city", maps.All(city), "Bursa")
			require.NoError(t, err)
			changes, err := idx.View().Draw(p, day0)
			require.NoError(t, err)
			for _, c := range changes {
				_, decided := lot[c.Customer]
				require.False(t, decided, "decided twice")
				lot[c.Customer] = c.Tag == "panel"
			}
			_, err = idx.Apply(day0, changes)
			require.NoError(t, err)
			again, err := idx.View().Draw(p, day0)
			require.NoError(t, err)
			require.Empty(t, again)
			size, drawn := map[string]int{}, map[string]int{}
			for c, in := range lot {
				size[city[c]]++
				if in {
					drawn[city[c]]++
				}
			}
			require.Len(t, lot, len(city))
			for s, n := range size {
				require.InDelta(t, float64(n*p.Part)/7, drawn[s], 1, "%d of %d in %q", drawn[s], n, s)
			}
		}
	})
}

// The first draw is lottery.stratified.
func TestPanelIsStratified(t *testing.T) {
	idx := NewIndex(Options{})
	define(t, idx, "segment customers = everyone")
	city := map[string]string{}
	for i := range 300 {
		c := fmt.Sprint("c", i)
		city[c] = fmt.Sprint("city", i%7)
		_, err := idx.Join(day0, c)
		require.NoError(t, err)
	}
	_, err := idx.SetField(day0, "city", maps.All(city))
	require.NoError(t, err)
	changes, err := idx.View().Draw(Panel{Segment: "customers", Tag: "in", Rest: "out", Salt: []byte("s"), Strata: "city", Part: 1, Whole: 3}, day0)
	require.NoError(t, err)
	require.Len(t, changes, 300)
	want := newLottery([]byte("s")).stratified(maps.All(city), 1, 3)
	drawn := map[string]bool{}
	for _, picked := range want {
		for _, c := range picked {
			drawn[c] = true
		}
	}
	for _, c := range changes {
		require.Equal(t, drawn[c.Customer], c.Tag == "in", c.Customer)
		require.Equal(t, "customers", c.By)
	}
}

func TestPanelRefuses(t *testing.T) {
	idx := shop(t)
	define(t, idx, "segment others = not in segment deep = segment(others) and vip")
	ok := Panel{Segment: "mail", Tag: "in", Rest: "out", Part: 1, Whole: 2}
	changes, err := idx.View().Draw(ok, day0)
	require.NoError(t, err)
	require.Len(t, changes, 2)
	var invalid *InvalidError
	var unknown *UnknownError
	for name, change := range map[string]func(*Panel){
		"part": func(p *Panel) { p.Part = 3 }, "whole": func(p *Panel) { p.Whole = 0 }, "negative": func(p *Panel) { p.Part = -1 },
		"same": func(p *Panel) { p.Rest = "in" }, "nameless": func(p *Panel) { p.Rest = "" },
		"itself": func(p *Panel) { p.Segment = "deep" },
	} {
		p := ok
		change(&p)
		require.ErrorAs(t, second(idx.View().Draw(p, day0)), &invalid, name)
	}
	for _, p := range []Panel{{Segment: "nope", Tag: "in", Rest: "out", Part: 1, Whole: 2}, {Segment: "mail", Tag: "in", Rest: "out", Part: 1, Whole: 2, Strata: "nope"}} {
		require.ErrorAs(t, second(idx.View().Draw(p, day0)), &unknown)
	}
}
