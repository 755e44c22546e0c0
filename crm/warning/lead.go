package warning

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Incident is something that went wrong with a series, as it turned out: from which period on, and when a person told of
// it, such as the employee or the manager.
type Incident struct {
	Series int // which of the series
	Began  int // period
	Told   int // period, Began or later; not read without ByPeople
	// ByPeople says that a person told of it; else it was not told of until the end.
	ByPeople bool
}

// Lead is how much earlier alarms are than people.
type Lead struct {
	Incidents int `json:"incidents"`
	// Found are those with an alarm from Began on, before the next incident of the series. First are those that the alarm
	// told of before a person did, with its share of Incidents and the interval of Wilson at 95 %.
	Found int     `json:"found"`
	First int     `json:"first"`
	Share float64 `json:"share"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	// False are the alarms that belong to no incident, and PerYear how many that is in a year of a series, with the
	// interval of Byar at 95 % (Breslow and Day 1987).
	False       int     `json:"false"`
	PerYear     float64 `json:"per_year"`
	PerYearLow  float64 `json:"per_year_low"`
	PerYearHigh float64 `json:"per_year_high"`
	// Delay is how many periods an alarm came after the beginning, in the middle of all incidents; Ahead how many it came
	// before a person told, below 0 where after. Both have the interval at 95 % of the ranks of a binomial. They
	// are nil where the middle one is not known: it was not found.
	Delay *Middle `json:"delay,omitempty"`
	Ahead *Middle `json:"ahead,omitempty"`
}

// Middle is a median. A bound is nil where it lies among those that are not known.
type Middle struct {
	Median float64  `json:"median"`
	Low    *float64 `json:"low,omitempty"`
	High   *float64 `json:"high,omitempty"`
}

// LeadTime compares the alarms of series, such as Monitor.Watch returns, with what is known to have happened. periods is how
// many periods of each series were watched, those of Options.Learn left out, and year how many a year has. An incident that
// no person told of counts as told at the end, so that Ahead is at least as long as it says; one without an alarm is one
// that was never found, not one that is left out. The error is an ErrData that names the incident.
func LeadTime(alarms [][]Alarm, incidents []Incident, periods, end, year int) (Lead, error) {
	switch {
	case periods < 1 || periods > 1<<30:
		return Lead{}, fmt.Errorf("%w: periods is %d, not 1 or more", ErrData, periods)
	case year < 1:
		return Lead{}, fmt.Errorf("%w: year is %d, not 1 period or more", ErrData, year)
	}
	all := slices.Clone(incidents)
	slices.SortFunc(all, func(a, b Incident) int { return cmp.Or(cmp.Compare(a.Series, b.Series), cmp.Compare(a.Began, b.Began)) })
	for i, in := range incidents {
		fault := func(field string, v any, want string) (Lead, error) {
			return Lead{}, fmt.Errorf("%w: incident %d: %s is %v, not %s", ErrData, i, field, v, want)
		}
		switch {
		case in.Series < 0 || in.Series >= len(alarms):
			return fault("Series", in.Series, fmt.Sprintf("below %d", len(alarms)))
		case in.Began < 0 || in.Began >= end:
			return fault("Began", in.Began, fmt.Sprintf("before the end, %d", end))
		case in.ByPeople && (in.Told < in.Began || in.Told >= end):
			return fault("Told", in.Told, fmt.Sprintf("from Began to before the end, %d", end))
		}
	}
	out := Lead{Incidents: len(all)}
	mine := 0
	delays, leads := make([]float64, len(all)), make([]float64, len(all))
	for i, in := range all {
		until := end
		if i+1 < len(all) && all[i+1].Series == in.Series {
			until = all[i+1].Began
		}
		delays[i], leads[i] = math.Inf(1), math.Inf(-1)
		for _, a := range alarms[in.Series] {
			if a.At < in.Began || a.At >= until {
				continue
			}
			mine++
			if !math.IsInf(delays[i], 1) {
				continue // the same again
			}
			told := end
			if in.ByPeople {
				told = in.Told
			}
			out.Found++
			delays[i], leads[i] = float64(a.At-in.Began), float64(told-a.At)
			if a.At < told {
				out.First++
			}
		}
	}
	out.Share, out.Low, out.High = wilson(out.First, out.Incidents)
	for _, a := range alarms {
		out.False += len(a)
	}
	out.False -= mine
	years := float64(len(alarms)) * float64(periods) / float64(year)
	if years > 0 {
		n := float64(out.False)
		byar := func(n, z float64) float64 {
			if n == 0 {
				return 0
			}
			c := 1 - 1/(9*n) + z/(3*math.Sqrt(n))
			return n * c * c * c
		}
		const z = 1.959963984540054
		out.PerYear, out.PerYearLow, out.PerYearHigh = n/years, byar(n, -z)/years, byar(n+1, z)/years
	}
	out.Delay, out.Ahead = middle(delays), middle(leads)
	return out, nil
}

// middle returns the median; nil where it is infinite, or of nothing.
func middle(values []float64) *Middle {
	if len(values) == 0 {
		return nil
	}
	slices.Sort(values)
	n := float64(len(values))
	m := &Middle{Median: (values[(len(values)-1)/2] + values[len(values)/2]) / 2}
	if math.IsInf(m.Median, 0) {
		return nil
	}
	half := 1.959963984540054 * math.Sqrt(n) / 2
	bound := func(rank float64) *float64 {
		v := values[int(min(max(rank, 1), n))-1]
		if math.IsInf(v, 0) {
			return nil
		}
		return &v
	}
	m.Low, m.High = bound(math.Floor(n/2-half)), bound(math.Ceil(n/2+half)+1)
	return m
}
