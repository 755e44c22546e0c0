package warning

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestProblemsByHand: of courses that are all over the probability is a share of those that took longer.
func TestProblemsByHand(t *testing.T) {
	var past []Course
	for i, d := range []float64{1, 2, 2, 3, 3, 4, 5, 6, 8, 9} {
		past = append(past, Course{[]string{"slow", "quick"}[i%2], d, true})
	}
	o, err := NewOutlook(slices.Values(past), 3)
	require.NoError(t, err)
	got, err := o.Problems(slices.Values([]Running{
		{ID: "fresh", Limit: 5},
		{ID: "old", Elapsed: 4, Limit: 5},
		{ID: "late", Elapsed: 7, Limit: 5},
		{ID: "slow", Group: "slow", Elapsed: 1, Limit: 4},
		{ID: "few", Group: "slow", Elapsed: 3, Limit: 5},
		{ID: "never seen", Elapsed: 9, Limit: 20},
		{ID: "repair", Elapsed: 2, Limit: 4, Bad: true},
		{ID: "guarantee is over", Elapsed: 5, Limit: 4, Bad: true},
	}), .3)
	require.NoError(t, err)
	type told struct {
		id    string
		p     float64
		n     int
		group string
	}
	var all []told
	for _, p := range got {
		all = append(all, told{p.ID, math.Round(1e6*p.Probability) / 1e6, p.N, p.Group})
		require.True(t, p.Low <= p.Probability && p.Probability <= p.High, "%+v", p)
	}
	require.Equal(t, []told{
		{"late", 1, 0, ""},
		{"old", .75, 4, ""},     // 5, 6, 8 and 9: three beyond 5
		{"few", .6, 5, ""},      // of the slow ones two took longer than 3: all do
		{"slow", .5, 4, "slow"}, // 2, 3, 5 and 8: two beyond 4
		{"repair", .428571, 7, ""},
		{"fresh", .3, 10, ""},
	}, all)
	require.True(t, got[0].Already)

	// At its limit a thing is late, and a guarantee over; a group of as many as it must have is one.
	got, err = o.Problems(slices.Values([]Running{{ID: "late", Elapsed: 5, Limit: 5}, {ID: "over", Elapsed: 5, Limit: 5, Bad: true}, {ID: "three", Group: "slow", Elapsed: 2.5, Limit: 4}}), 0)
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.True(t, got[0].Already)
	require.Equal(t, []any{"slow", 3}, []any{got[1].Group, got[1].N})

	got, err = o.Problems(slices.Values([]Running{{ID: "a", Elapsed: 8.5, Limit: 8.6}, {ID: "b", Elapsed: 8.5, Limit: 9}}), 0)
	require.NoError(t, err)
	require.Equal(t, 1.0, got[0].Probability)
	require.InDelta(t, 1/(1+1.959963984540054*1.959963984540054), got[0].Low, 1e-12, "one has gone on until 9: that is little")
	require.Equal(t, 0.0, got[1].Probability)
	require.Greater(t, got[1].High, .5)
}

// TestProblemsCensored: the estimate by hand: 5 of 8 go on after 6, and of 4 who are left 3 after 7.
func TestProblemsCensored(t *testing.T) {
	past := []Course{{"", 6, true}, {"", 6, true}, {"", 6, true}, {"", 6, false}, {"", 7, true}, {"", 9, false}, {"", 10, true}, {"", 10, false}}
	o, err := NewOutlook(slices.Values(past), 1)
	require.NoError(t, err)
	got, err := o.Problems(slices.Values([]Running{{ID: "7", Limit: 7}, {ID: "6", Limit: 6}, {ID: "11", Limit: 11}}), 0)
	require.NoError(t, err)
	require.Len(t, got, 2, "nothing is known of 11: one had gone on for 10")
	require.Equal(t, "6", got[0].ID)
	require.InDelta(t, .625, got[0].Probability, 1e-12)
	require.InDelta(t, .4687500, got[1].Probability, 1e-7)
	// Greenwood's sum is 3/(8·5) + 1/(4·3).
	theta := 1.959963984540054 * math.Sqrt(3./40+1./12) / math.Log(.46875)
	require.InDelta(t, math.Pow(.46875, math.Exp(-theta)), got[1].Low, 1e-12)
	require.InDelta(t, math.Pow(.46875, math.Exp(theta)), got[1].High, 1e-12)
}

// TestProblemsLostSight: where all or none went on, what was lost sight of before makes it no surer.
func TestProblemsLostSight(t *testing.T) {
	young := slices.Repeat([]Course{{Length: 2}}, 1000)
	_, one, _ := wilson(1, 1)
	_, _, none := wilson(0, 2)
	for _, x := range []struct {
		known     []Course
		low, high float64
	}{
		{[]Course{{Length: 30, Over: true}}, one, 1},
		{[]Course{{Length: 20}}, one, 1},
		{[]Course{{Length: 20, Over: true}, {Length: 3, Over: true}}, 0, none},
	} {
		o, err := NewOutlook(slices.Values(slices.Concat(young, x.known)), 1)
		require.NoError(t, err)
		got, err := o.Problems(slices.Values([]Running{{Elapsed: 1, Limit: 20}}), 0)
		require.NoError(t, err)
		require.Len(t, got, 1)
		require.Equal(t, []float64{x.low, x.high}, []float64{got[0].Low, got[0].High}, "%+v", x)
	}
}

// TestProblemsCover: of shipments that are late at a known rate the intervals hold it as often as they say.
func TestProblemsCover(t *testing.T) {
	r := rand.New(rand.NewPCG(18, 1))
	within, all := 0, 400
	for range all {
		past := make([]Course, 80)
		for i := range past {
			d, seen := r.ExpFloat64()*3, r.Float64()*20
			past[i] = Course{Length: min(d, seen), Over: d <= seen}
		}
		o, err := NewOutlook(slices.Values(past), 10)
		require.NoError(t, err)
		got, err := o.Problems(slices.Values([]Running{{Elapsed: 1, Limit: 4}}), 0)
		require.NoError(t, err)
		if truth := math.Exp(-1); got[0].Low <= truth && truth <= got[0].High { // 3 more at a mean of 3
			within++
		}
	}
	require.InDelta(t, .95, float64(within)/float64(all), .035)
}

func TestProblemsRefuse(t *testing.T) {
	_, err := NewOutlook(slices.Values([]Course{{Length: 1}, {Length: -1}}), 1)
	require.ErrorContains(t, err, "row 1: Length is -1")
	_, err = NewOutlook(slices.Values([]Course{}), 1)
	require.ErrorContains(t, err, "nothing has happened")
	_, err = NewOutlook(slices.Values([]Course{{}}), 0)
	require.ErrorContains(t, err, "least is 0")
	o, err := NewOutlook(slices.Values([]Course{{Length: 1}}), 1)
	require.NoError(t, err)
	for want, r := range map[string]Running{"row 0: Elapsed is NaN": {Elapsed: math.NaN(), Limit: 1}, "row 0: Limit is 0": {}} {
		_, err = o.Problems(slices.Values([]Running{r}), 0)
		require.ErrorIs(t, err, ErrData)
		require.ErrorContains(t, err, want)
	}
	_, err = o.Problems(slices.Values([]Running{}), 2)
	require.ErrorContains(t, err, "least is 2")
}

func TestFresh(t *testing.T) {
	held := []Held{{"phone", true, 10}, {"phone", true, 365}, {"phone", true, 366}, {"phone", false, 0}, {"size", true, 3}}
	got, err := Fresh(slices.Values(held), map[string]float64{"phone": 365, "size": 90, "mail": 180})
	require.NoError(t, err)
	require.Equal(t, []string{"mail", "phone", "size"}, []string{got[0].Attribute, got[1].Attribute, got[2].Attribute})
	require.Equal(t, Freshness{Attribute: "mail", Limit: 180, High: 1}, got[0], "of nobody nothing is known")
	p := got[1]
	require.Equal(t, []int{4, 3, 2}, []int{p.N, p.Known, p.Fresh})
	require.Equal(t, .5, p.Share)
	require.InDelta(t, .1500, p.Low, 1e-4) // Wilson of 2 of 4
	require.InDelta(t, .8500, p.High, 1e-4)
	require.Equal(t, []float64{365, 366}, []float64{*p.Median, *p.Ninth})
	// Of four a half is two, of ten nine tenths are nine.
	var ten []Held
	for age := range 10 {
		ten = append(ten, Held{[]string{"phone", "size"}[age/6], true, float64(age)}, Held{"mail", true, float64(age)})
	}
	got, err = Fresh(slices.Values(ten), map[string]float64{"phone": 9, "size": 9, "mail": 9})
	require.NoError(t, err)
	require.Equal(t, []float64{4, 8, 2, 5, 7, 9}, []float64{*got[0].Median, *got[0].Ninth, *got[1].Median, *got[1].Ninth, *got[2].Median, *got[2].Ninth})
	for want, bad := range map[string]Held{`Attribute is "fax"`: {"fax", true, 1}, `row 0: Age of "phone" is -1`: {"phone", true, -1}} {
		_, err := Fresh(slices.Values([]Held{bad}), map[string]float64{"phone": 1})
		require.ErrorIs(t, err, ErrData)
		require.ErrorContains(t, err, want)
	}
	_, err = Fresh(slices.Values(held), map[string]float64{"phone": 0})
	require.ErrorContains(t, err, `limit of "phone" is 0`)
}

func TestLeadTime(t *testing.T) {
	alarms := [][]Alarm{{{At: 12}, {At: 14}, {At: 60}}, {{At: 5}}, {{At: 40}}, nil}
	incidents := []Incident{
		{0, 10, 18, true}, // 2 late, 6 before a complaint
		{0, 50, 55, true}, // 10 late, 5 after
		{2, 38, 0, false}, // no complaint until 104
		{3, 20, 30, true}, // not found
		{1, 6, 9, true},   // the alarm was before it: false
	}
	got, err := LeadTime(alarms, incidents, 52, 104, 52)
	require.NoError(t, err)
	require.Equal(t, []int{5, 3, 2, 1}, []int{got.Incidents, got.Found, got.First, got.False})
	require.Equal(t, .4, got.Share)
	require.Equal(t, .25, got.PerYear) // one in four series over a year each
	// Exact limits of Poisson for 1 are .0253 and 5.572; Byar's are near.
	require.InDelta(t, .0253/4, got.PerYearLow, .01)
	require.InDelta(t, 5.572/4, got.PerYearHigh, .01)
	require.Equal(t, 10.0, got.Delay.Median) // 2, 2, 10, never, never
	require.Equal(t, 2.0, *got.Delay.Low)
	require.Nil(t, got.Delay.High)
	require.Equal(t, -5.0, got.Ahead.Median) // never, never, -5, 6, 64
	require.Nil(t, got.Ahead.Low)
	require.Equal(t, 64.0, *got.Ahead.High)
	got, err = LeadTime(alarms, incidents[3:4], 52, 104, 52)
	require.NoError(t, err)
	require.Nil(t, got.Delay)
	require.Nil(t, got.Ahead)
	require.Equal(t, 5, got.False)
	// An alarm in the period in which it began finds it, one in that of the next incident finds that; who told in the
	// same period was as early. Of 25 the bounds are the 7th and the 19th.
	got, err = LeadTime([][]Alarm{{{At: 3}, {At: 7}}}, []Incident{{0, 3, 3, true}, {0, 7, 9, true}}, 52, 104, 52)
	require.NoError(t, err)
	require.Equal(t, []int{2, 1, 0}, []int{got.Found, got.First, got.False})
	require.Equal(t, 0.0, got.Delay.Median)
	var many [][]Alarm
	var began []Incident
	for i := range 25 {
		many, began = append(many, []Alarm{{At: i}}), append(began, Incident{Series: i})
	}
	got, err = LeadTime(many, began, 52, 104, 52)
	require.NoError(t, err)
	require.Equal(t, []float64{12, 6, 18}, []float64{got.Delay.Median, *got.Delay.Low, *got.Delay.High})
	for want, bad := range map[string]Incident{
		"incident 0: Series is 4":    {Series: 4},
		"incident 0: Began is 104":   {Began: 104},
		"incident 0: Told is 3, not": {Began: 4, Told: 3, ByPeople: true},
	} {
		_, err := LeadTime(alarms, []Incident{bad}, 52, 104, 52)
		require.ErrorIs(t, err, ErrData)
		require.ErrorContains(t, err, want)
	}
	_, err = LeadTime(alarms, nil, 0, 104, 52)
	require.ErrorContains(t, err, "periods is 0")
	_, err = LeadTime(alarms, nil, 1, 104, 0)
	require.ErrorContains(t, err, "year is 0")
}

// TestLeadTimeOfMonitor: what LeadTime says of stores that fell agrees with what they were simulated with.
func TestLeadTimeOfMonitor(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 3))
	const stores, weeks, learn = 40, 208, 104
	sales, all := chain(r, stores, weeks, .1, -.15, func(i int) int {
		if i%5 == 0 {
			return 150
		}
		return math.MaxInt
	})
	m, err := NewMonitor(Options{Learn: learn, FalseAlarms: 1})
	require.NoError(t, err)
	var alarms [][]Alarm
	var incidents []Incident
	for i, s := range sales {
		a, err := m.Watch(s, all)
		require.NoError(t, err)
		alarms = append(alarms, a)
		if i%5 == 0 {
			incidents = append(incidents, Incident{i, 150, 163, true}) // at the end of the quarter
		}
	}
	got, err := LeadTime(alarms, incidents, weeks-learn, weeks, 52)
	require.NoError(t, err)
	require.LessOrEqual(t, got.Delay.Median, 6.0, "of eight stores; TestPromise has the promise")
	require.Equal(t, 13-got.Delay.Median, got.Ahead.Median)
	require.Greater(t, got.Share, .7)
	require.Less(t, got.PerYearLow, 1.0)
}

func TestBlinds(t *testing.T) {
	records := []Kept{
		{"customer", "store", true, 1}, {"customer", "web", true, 1}, // one person, seen by both
		{"customer", "store", true, 2}, {"order", "store", true, 2}, {"order", "store", true, 2}, // by one
		{"order", "web", true, 1}, {"order", "web", false, 7}, // of no person
		{"order", "service", true, 3},
	}
	got, err := Blinds(slices.Values(records))
	require.NoError(t, err)
	require.Equal(t, "blindness-1", got.Version)
	require.Equal(t, []int{3, 0, 1, 2}, []int{got.Kinds[0].N, got.Kinds[0].Nobody, got.Kinds[0].Apart, got.Kinds[0].Sources})
	require.Equal(t, []int{5, 1, 3, 3}, []int{got.Kinds[1].N, got.Kinds[1].Nobody, got.Kinds[1].Apart, got.Kinds[1].Sources})
	require.InDelta(t, (1./3+4./5)/2, got.Index, 1e-12)
	require.Equal(t, []int{3, 2}, []int{got.Silo.Persons, got.Silo.Alone})
	require.Equal(t, "service", got.Silos[0].Source)
	require.Equal(t, []float64{1, .5, 0}, []float64{got.Silos[0].Share, got.Silos[1].Share, got.Silos[2].Share})
	_, err = Blinds(slices.Values(records[:1]))
	require.ErrorContains(t, err, "records of 1 sources")
	for want, k := range map[string]Kept{"record 0: Kind is empty": {Source: "a"}, "record 0: Source is empty": {Kind: "a"}} {
		_, err = Blinds(slices.Values([]Kept{k}))
		require.ErrorIs(t, err, ErrData)
		require.ErrorContains(t, err, want)
	}
}

// TestBlindsLinking: the order of records does not matter, and to learn that two persons are one never makes a firm blinder.
func TestBlindsLinking(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Kept {
			return Kept{rapid.SampledFrom([]string{"a", "b"}).Draw(t, "kind"), rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, "source"), rapid.Bool().Draw(t, "linked"), rapid.Uint32Range(0, 5).Draw(t, "person")}
		}), 0, 20).Draw(t, "records")
		records = append(records, Kept{"a", "x", false, 0}, Kept{"a", "y", false, 0})
		before, err := Blinds(slices.Values(records))
		require.NoError(t, err)
		slices.Reverse(records)
		again, err := Blinds(slices.Values(records))
		require.NoError(t, err)
		require.Equal(t, before, again)
		for i := range records {
			if records[i].Person == 1 {
				records[i].Person = 0
			}
		}
		after, err := Blinds(slices.Values(records))
		require.NoError(t, err)
		require.LessOrEqual(t, after.Index, before.Index+1e-12)
	})
}
