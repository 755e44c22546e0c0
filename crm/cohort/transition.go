package cohort

import (
	"cmp"
	"math"
	"slices"
)

// Transition is how often customers who bought in a category bought in another, or the same, next.
type Transition struct {
	From uint32 `json:"from"`
	To   uint32 `json:"to"`
	N    int    `json:"n"`
	Of   int    `json:"of"` // all that followed a purchase in From
	// Trend is the change of the share from one period to the next, by the straight line that fits best, and P the
	// probability of a trend as clear by chance (Cochran 1954, Armitage 1955), two-sided; 1 in one period. Many
	// transitions are looked at: adjust P for their number before believing one of them.
	Trend float64 `json:"trend"`
	P     float64 `json:"p"`
}

// Share returns the share of those who bought in From next time in To, with the interval of Wilson at 95 %.
func (t Transition) Share() (share, low, high float64) { return wilson(t.N, t.Of) }

// Transitions returns the matrix of transitions, by From and To; those that no customer made are left out. events are
// purchases, What their category. What a customer bought at one moment is one purchase: from each of its
// categories to each of the next purchase. A transition is in the period of the later purchase. The error is an ErrData.
func Transitions(events []Event, o Options) ([]Transition, error) {
	sorted, err := eventsBy(events)
	if err != nil {
		return nil, err
	}
	sales := make([]Sale, len(sorted))
	for i, e := range sorted {
		sales[i] = Sale{Customer: e.Customer, At: e.At}
	}
	cal, err := newCalendar(sales, o)
	if err != nil {
		return nil, err
	}
	type cell struct{ from, to uint32 }
	counts, of := map[cell][]int{}, map[uint32][]int{}
	periods := len(cal.begins)
	add := func(m []int, period int) []int {
		if m == nil {
			m = make([]int, periods)
		}
		m[period]++
		return m
	}
	each(sorted, func(all []Event) {
		var before []Event
		for from := 0; from < len(all); {
			to := from + 1
			for to < len(all) && all[to].At == all[from].At {
				to++
			}
			now := all[from:to]
			if len(before) > 0 {
				period := cal.of(now[0].At, 0)
				for _, a := range before {
					for _, b := range now {
						counts[cell{a.What, b.What}] = add(counts[cell{a.What, b.What}], period)
						of[a.What] = add(of[a.What], period)
					}
				}
			}
			before, from = now, to
		}
	})
	scores := make([]float64, periods)
	for i := range scores {
		scores[i] = float64(i)
	}
	var out []Transition
	for c, n := range counts {
		t := Transition{From: c.from, To: c.to}
		for i := range n {
			t.N, t.Of = t.N+n[i], t.Of+of[c.from][i]
		}
		t.Trend, t.P = armitage(n, of[c.from], scores)
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b Transition) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return out, nil
}

// armitage returns the slope of shares n/of along scores and the two-sided probability of the test of Cochran and Armitage.
func armitage(n, of []int, scores []float64) (slope, p float64) {
	var sum, whole, mean float64
	for i := range n {
		sum, whole, mean = sum+float64(n[i]), whole+float64(of[i]), mean+float64(of[i])*scores[i]
	}
	if whole == 0 {
		return 0, 1
	}
	share := sum / whole
	mean /= whole
	var up, spread float64
	for i := range n {
		d := scores[i] - mean
		up += (float64(n[i]) - float64(of[i])*share) * d
		spread += float64(of[i]) * d * d
	}
	if spread == 0 {
		return 0, 1
	}
	slope = up / spread
	if variance := share * (1 - share) * spread; variance > 0 {
		return slope, math.Erfc(math.Abs(up) / math.Sqrt(2*variance))
	}
	return slope, 1
}
