package value

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
)

// Chances is what the model for purchases at fixed opportunities needs to know of a customer.
type Chances struct {
	// Taken is at how many opportunities after the first purchase he bought (x), Last at which he
	// bought last (t_x, 0 for none), Offered how many there were until now (n).
	Taken, Last, Offered int
}

// maxOffered bounds Chances.Offered: the likelihood is a sum over opportunities.
const maxOffered = 10_000

func (c Chances) fault() *DataError {
	switch {
	case c.Offered < 1 || c.Offered > maxOffered:
		return &DataError{Field: "Offered", Reason: fmt.Sprintf("is %d, not from 1 to %d", c.Offered, maxOffered)}
	case c.Last < 0 || c.Last > c.Offered:
		return &DataError{Field: "Last", Reason: fmt.Sprintf("is %d, not from 0 to Offered, which is %d", c.Last, c.Offered)}
	case c.Taken < 0 || c.Taken > c.Last || c.Taken == 0 && c.Last > 0:
		return &DataError{Field: "Taken", Reason: fmt.Sprintf("is %d, which cannot be with the last at %d", c.Taken, c.Last)}
	}
	return nil
}

// BGBB is the beta-geometric/beta-binomial model of Fader, Hardie and Shang, "Customer-base
// analysis in a discrete-time noncontractual setting", Marketing Science 29 (2010) 1086-1108: a
// customer takes an opportunity with a probability that is beta distributed (Alpha, Beta) and
// leaves before each with one that is beta distributed (Gamma, Delta). All four are above 0.
type BGBB struct {
	Alpha float64 `json:"alpha"`
	Beta  float64 `json:"beta"`
	Gamma float64 `json:"gamma"`
	Delta float64 `json:"delta"`
}

// FitBGBB estimates the model by maximum likelihood from histories with how many customers have
// each. The error about one of them is a *DataError with its number. With a *BoundaryError the
// model is usable.
func FitBGBB(ctx context.Context, customers iter.Seq2[Chances, int]) (BGBB, Fit, error) {
	count := map[Chances]int{}
	row, total := 0, 0
	for c, n := range customers {
		fault := c.fault()
		if fault == nil && n < 0 {
			fault = &DataError{Field: "count", Reason: fmt.Sprintf("is %d", n)}
		}
		if fault != nil {
			fault.Row = row
			return BGBB{}, Fit{}, fault
		}
		count[c] += n
		total += n
		row++
	}
	if total == 0 {
		return BGBB{}, Fit{}, fmt.Errorf("%w: no customers", ErrData)
	}
	cells := make([]chancesCell, 0, len(count))
	for c, n := range count {
		cells = append(cells, chancesCell{c, float64(n)})
	}
	slices.SortFunc(cells, func(a, b chancesCell) int {
		return slices.Compare([]int{a.Offered, a.Last, a.Taken}, []int{b.Offered, b.Last, b.Taken})
	})
	p := problem{model: "BG/BB", names: []string{"alpha", "beta", "gamma", "delta"}, start: []float64{1, 1, 1, 2}, eval: bgbb(cells)}
	at, fit, err := p.maximise(ctx)
	fit.Customers = total
	return BGBB{at[0], at[1], at[2], at[3]}, fit, err
}

type chancesCell struct {
	Chances
	n float64
}

// logBeta is ln B(a+i, b+j) − ln B(a, b) with its derivatives: sums over the integers.
type logBeta struct {
	v, a, b, aa, ab, bb float64
}

// betaTable has logBeta for i and j up to their largest values.
type betaTable struct {
	one, two, both []logSum // of a, b and a+b
}

// logSum is Σ_{k<n} ln(v+k) with its derivatives.
type logSum struct{ v, first, second float64 }

func logSums(v float64, n int) []logSum {
	out := make([]logSum, n+1)
	for k := range n {
		at, s := v+float64(k), out[k]
		out[k+1] = logSum{s.v + math.Log(at), s.first + 1/at, s.second - 1/(at*at)}
	}
	return out
}

func newBetaTable(a, b float64, i, j int) betaTable {
	return betaTable{logSums(a, i), logSums(b, j), logSums(a+b, i+j)}
}

func (t *betaTable) at(i, j int) logBeta {
	a, b, c := t.one[i], t.two[j], t.both[i+j]
	return logBeta{a.v + b.v - c.v, a.first - c.first, b.first - c.first, a.second - c.second, -c.second, b.second - c.second}
}

// bgbb returns the likelihood: alive at the last opportunity, or gone after any since the last
// purchase.
func bgbb(cells []chancesCell) likelihood {
	taken, offered := 0, 0
	for _, c := range cells {
		taken, offered = max(taken, c.Taken), max(offered, c.Offered)
	}
	return func(at *[maxParams]float64, d *derivatives) float64 {
		buy, stay := newBetaTable(at[0], at[1], taken, offered), newBetaTable(at[2], at[3], 1, offered)
		var ll float64
		for _, c := range cells {
			var sum float64
			var first [4]float64
			var second [4][4]float64
			peak := buy.at(c.Taken, c.Last-c.Taken).v
			term := func(b, s logBeta) {
				v := math.Exp(b.v + s.v - peak)
				g := [4]float64{b.a, b.b, s.a, s.b}
				sum += v
				for i := range 4 {
					first[i] += v * g[i]
					for j := range i + 1 {
						second[i][j] += v * g[i] * g[j]
					}
				}
				second[0][0] += v * b.aa
				second[1][0] += v * b.ab
				second[1][1] += v * b.bb
				second[2][2] += v * s.aa
				second[3][2] += v * s.ab
				second[3][3] += v * s.bb
			}
			term(buy.at(c.Taken, c.Offered-c.Taken), stay.at(0, c.Offered))
			for i := c.Last; i < c.Offered; i++ {
				term(buy.at(c.Taken, i-c.Taken), stay.at(1, i))
			}
			ll += c.n * (peak + math.Log(sum))
			for i := range 4 {
				g := first[i] / sum
				d.first[i] += c.n * g
				for j := range i + 1 {
					d.second[i][j] += c.n * (second[i][j]/sum - g*first[j]/sum)
				}
			}
		}
		return ll
	}
}

// Alive returns the probability that a customer is alive at the next opportunity.
func (m BGBB) Alive(c Chances) float64 {
	if c.fault() != nil {
		return math.NaN()
	}
	alive, gone := m.terms(c)
	stays := (m.Delta + float64(c.Offered)) / (m.Gamma + m.Delta + float64(c.Offered))
	return alive * stays / (alive + gone)
}

// terms returns the likelihood of a customer's history with his being alive at the last
// opportunity and without, both over the same positive number.
func (m BGBB) terms(c Chances) (alive, gone float64) {
	// Relative to B(α+x, β+u−x)·B(γ, δ+u): what happened until the last purchase.
	a, b, g, d := m.Alpha+float64(c.Taken), m.Beta+float64(c.Last-c.Taken), m.Gamma, m.Delta+float64(c.Last)
	none := 1.0 // the chance that nothing was bought at the opportunities since then
	stays := 1.0
	for range c.Offered - c.Last {
		gone += none * stays * g / (g + d)
		none *= b / (a + b)
		stays *= d / (g + d)
		b++
		d++
	}
	return none * stays, gone
}

// ExpectAfter returns at how many of the next n opportunities a customer is expected to buy. It
// is NaN of a bad history and of n below 0.
func (m BGBB) ExpectAfter(c Chances, n int) float64 {
	if c.fault() != nil || n < 0 {
		return math.NaN()
	}
	alive, gone := m.terms(c)
	// He is alive now; at the opportunity k from here with the product of staying k times.
	a, b := m.Alpha+float64(c.Taken), m.Beta+float64(c.Offered-c.Taken)
	d := m.Delta + float64(c.Offered)
	var out float64
	stays := 1.0
	for range n {
		stays *= d / (m.Gamma + d)
		out += stays
		d++
	}
	return alive / (alive + gone) * a / (a + b) * out
}

// Probability returns the probability that a new customer buys at k of n opportunities.
func (m BGBB) Probability(k, n int) float64 {
	if k < 0 || n < 0 || k > n || n > maxOffered {
		return math.NaN()
	}
	buy, stay := newBetaTable(m.Alpha, m.Beta, k, n), newBetaTable(m.Gamma, m.Delta, 1, n)
	choose := func(t int) float64 { return lnGamma(float64(t+1)) - lnGamma(float64(k+1)) - lnGamma(float64(t-k+1)) }
	p := math.Exp(choose(n) + buy.at(k, n-k).v + stay.at(0, n).v)
	for t := k; t < n; t++ {
		p += math.Exp(choose(t) + buy.at(k, t-k).v + stay.at(1, t).v)
	}
	return p
}
