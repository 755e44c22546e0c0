package value

import (
	"context"
	"math"
)

// A customer of the beta-geometric models buys at a rate that is gamma distributed (R, Alpha)
// and leaves after a purchase with a probability that is beta distributed (A, B).

// BGNBD is the beta-geometric/NBD model of Fader, Hardie and Lee, "Counting your customers the easy way",
// Marketing Science 24 (2005) 275-284: a customer may leave after each purchase but the first.
// Alpha is in the unit of time; all four are above 0.
type BGNBD struct {
	R     float64 `json:"r"`
	Alpha float64 `json:"alpha"`
	A     float64 `json:"a"`
	B     float64 `json:"b"`
}

// MBGNBD is the modified model of Batislam, Denizel and Filiztekin, "Empirical validation and
// comparison of models for customer base analysis", International Journal of Research in Marketing
// 24 (2007) 201-209: a customer may leave after each purchase, the first too. All parameters are
// above 0.
type MBGNBD struct {
	R     float64 `json:"r"`
	Alpha float64 `json:"alpha"`
	A     float64 `json:"a"`
	B     float64 `json:"b"`
}

// betaNames are the papers' names of the parameters.
var betaNames = []string{"r", "alpha", "a", "b"}

// FitBGNBD estimates the model by maximum likelihood. With a *BoundaryError the model is usable.
func FitBGNBD(ctx context.Context, s *Sample) (BGNBD, Fit, error) {
	at, fit, err := fitBetaGeometric(ctx, s, "BG/NBD", 0)
	return BGNBD{at[0], at[1], at[2], at[3]}, fit, err
}

// FitMBGNBD estimates the model by maximum likelihood. With a *BoundaryError the model is usable.
func FitMBGNBD(ctx context.Context, s *Sample) (MBGNBD, Fit, error) {
	at, fit, err := fitBetaGeometric(ctx, s, "MBG/NBD", 1)
	return MBGNBD{at[0], at[1], at[2], at[3]}, fit, err
}

// LogLikelihood returns that of a sample.
func (m BGNBD) LogLikelihood(s *Sample) float64 {
	return betaGeometric(s, 0)(&[maxParams]float64{m.R, m.Alpha, m.A, m.B}, &derivatives{})
}

// LogLikelihood returns that of a sample.
func (m MBGNBD) LogLikelihood(s *Sample) float64 {
	return betaGeometric(s, 1)(&[maxParams]float64{m.R, m.Alpha, m.A, m.B}, &derivatives{})
}

func fitBetaGeometric(ctx context.Context, s *Sample, model string, first int) (at [maxParams]float64, fit Fit, err error) {
	unit := s.unit()
	p := problem{model: model, names: betaNames, start: []float64{0.5, unit / 4, 1, 2}, scale: []float64{1, unit, 1, 1}}
	at, fit, err = p.fit(ctx, s, func(s *Sample) likelihood { return betaGeometric(s, first) })
	fit.Customers = s.Customers()
	return at, fit, err
}

// betaGeometric returns the likelihood: first is 1 where a customer may leave after the first
// purchase, else 0.
//
// With x repeats, the last at u, until T, the logarithm for a customer is
//
//	Σ_{j<x} ln(r+j) − x·ln α − (r+x)·ln(1+T/α) − Σ_{j<x+first} ln(1+a/(b+j)) + ln(1+e^δ),
//	δ = ln a − ln(b+x+first−1) + (r+x)·ln(1+(T−u)/(α+u)),
//
// the last term only where x+first > 0. The sums over j are taken once for all customers, and logarithms once for all who
// have the same T or u. The
// paper's form is a difference of terms that grow with r and b, of which nothing is left where
// customers are all alike.
func betaGeometric(s *Sample, first int) likelihood {
	logs, inverses := make([]float64, len(s.times)), make([]float64, len(s.times)) // ln(1+t/α) and 1/(α+t) of each time
	return func(at *[maxParams]float64, d *derivatives) float64 {
		r, alpha, a, b := at[0], at[1], at[2], at[3]
		ia := 1 / alpha
		ll := -s.repeats * math.Log(alpha)
		gr, ga, hra, haa := 0.0, -s.repeats*ia, 0.0, s.repeats*ia*ia
		var g2, g3, hrr, h22, h32, h33 float64 // by a and b
		leave := func(from, to int, n float64) {
			sum := sumShares(a, b, from, to)
			ll -= n * sum.logs
			g2 -= n * sum.inverses
			g3 += n * sum.differences
			h22 += n * sum.squares
			h32 += n * sum.squares
			h33 -= n * sum.differences2
		}
		if first == 1 {
			leave(0, 1, s.n)
		}
		for _, run := range s.above {
			sum, inverse, square := sumPowers(r, run.from, run.to)
			ll += run.n * sum
			gr += run.n * inverse
			hrr -= run.n * square
			leave(run.from+first, run.to+first, run.n)
		}
		// What depends on the age alone.
		inBlocks(len(s.times), func(from, to int) (b betaBlock) {
			for i := from; i < to; i++ {
				m := &s.times[i]
				long, inverse := math.Log1p(m.at*ia), 1/(alpha+m.at)
				logs[i], inverses[i] = long, inverse
				n, rx, share := m.customers, r*m.customers+m.repeats, m.at*ia*inverse // share is T/(α(α+T))
				b.ll -= rx * long
				b.long -= n * long
				b.slope += rx * share
				b.longSlope += n * share
				b.slope2 -= rx * share * (ia + inverse)
			}
			return b
		}, func(b *betaBlock) {
			ll += b.ll
			gr += b.long
			ga += b.slope
			hra += b.longSlope
			haa += b.slope2
		})
		var left betaBlock
		inBlocks(len(s.cells), func(from, to int) betaBlock { return s.left(from, to, first, r, a, b, logs, inverses) }, left.add)
		i2 := 1 / a
		d.first = [maxParams]float64{gr + left.long, ga + left.slope, g2 + i2*left.p, g3 - left.pb}
		d.second[0][0] = hrr + left.long2
		d.second[1][0], d.second[1][1] = hra+left.longSlope, haa+left.slope2
		d.second[2][0], d.second[2][1], d.second[2][2] = i2*left.qLong, i2*left.qSlope, h22+i2*i2*(left.q-left.p)
		d.second[3][0], d.second[3][1], d.second[3][2], d.second[3][3] = -left.qbLong, -left.qbSlope, h32-i2*left.qb, h33+left.bb
		return ll + left.ll
	}
}

// betaBlock are sums over some customers of whom p have left, of the logarithm of their likelihood and of its derivatives: by r (long),
// by α (slope) and by b, which is that of ln(b+x+first−1) without its sign; q is p times the share that has not left.
type betaBlock struct {
	ll, p, q, pb, qb, bb                  float64
	long, slope, long2, longSlope, slope2 float64
	qLong, qSlope, qbLong, qbSlope        float64
}

// add adds another block.
func (b *betaBlock) add(o *betaBlock) {
	b.ll += o.ll
	b.p += o.p
	b.q += o.q
	b.pb += o.pb
	b.qb += o.qb
	b.bb += o.bb
	b.long += o.long
	b.slope += o.slope
	b.long2 += o.long2
	b.longSlope += o.longSlope
	b.slope2 += o.slope2
	b.qLong += o.qLong
	b.qSlope += o.qSlope
	b.qbLong += o.qbLong
	b.qbSlope += o.qbSlope
}

// left returns the sums of ln(1+e^δ) over cells.
func (s *Sample) left(from, to, first int, r, a, b float64, logs, inverses []float64) (out betaBlock) {
	logA := math.Log(a)
	product := 1.0  // of 1+e^−|δ| of customers who are alone in a cell: one logarithm for many
	for from < to { // cells of one number of repeats
		repeats := s.cells[from].Repeats
		x := float64(repeats)
		rx, ibx := r+x, 1/(b+x+float64(first-1))
		base := logA + math.Log(ibx)
		var p, q, qLong, qSlope float64
		for ; from < to && s.cells[from].Repeats == repeats; from++ {
			if repeats+first == 0 {
				continue // alive for certain
			}
			c := &s.cells[from]
			iu, iT := inverses[c.last], inverses[c.age]
			long, slope := logs[c.age]-logs[c.last], (c.Last-c.Age)*iu*iT
			// ln(1+e^δ) and the probability of having left.
			delta := base + rx*long
			e := math.Exp(-math.Abs(delta))
			stays := 1 / (1 + e)
			gone := e * stays
			q1 := c.n * gone * stays
			if delta > 0 {
				out.ll += c.n * delta
				gone = stays
			}
			if c.n != 1 {
				out.ll += c.n * math.Log(1+e)
			} else if product *= 1 + e; product > 1e300 {
				out.ll += math.Log(product)
				product = 1
			}
			p1, da := c.n*gone, rx*slope
			p += p1
			q += q1
			qLong += q1 * long
			qSlope += q1 * da
			out.long += p1 * long
			out.slope += p1 * da
			out.long2 += q1 * long * long
			out.longSlope += q1*da*long + p1*slope
			out.slope2 += q1*da*da - p1*da*(iT+iu)
		}
		out.p += p
		out.q += q
		out.pb += p * ibx
		out.qb += q * ibx
		out.bb += (p + q) * ibx * ibx
		out.qLong += qLong
		out.qSlope += qSlope
		out.qbLong += qLong * ibx
		out.qbSlope += qSlope * ibx
	}
	out.ll += math.Log(product)
	return out
}

// Alive returns the probability that a customer still buys. Who has bought once is alive for
// certain: see MBGNBD. It is NaN of a history that Purchases.Validate refuses.
func (m BGNBD) Alive(p Purchases) float64 {
	if p.fault() != nil {
		return math.NaN()
	}
	if p.Repeats == 0 {
		return 1
	}
	return aliveAfterRepeats(m.R, m.Alpha, m.A, m.B-1, p)
}

// Alive returns the probability that a customer still buys. It is NaN of a history that
// Purchases.Validate refuses.
func (m MBGNBD) Alive(p Purchases) float64 {
	if p.fault() != nil {
		return math.NaN()
	}
	return aliveAfterRepeats(m.R, m.Alpha, m.A, m.B, p)
}

// aliveAfterRepeats returns 1/(1+e^δ), where b is that of δ without x.
func aliveAfterRepeats(r, alpha, a, b float64, p Purchases) float64 {
	x := float64(p.Repeats)
	return 1 / (1 + a/(b+x)*math.Exp((r+x)*math.Log1p((p.Age-p.Last)/(alpha+p.Last))))
}

// given returns the model of a customer with such a history who is alive.
func (m BGNBD) given(p Purchases) BGNBD {
	x := float64(p.Repeats)
	return BGNBD{m.R + x, m.Alpha + p.Age, m.A, m.B + x}
}

// given returns the model of a customer with such a history who is alive: he has survived his
// purchases, and may leave after the next.
func (m MBGNBD) given(p Purchases) BGNBD {
	x := float64(p.Repeats)
	return BGNBD{m.R + x, m.Alpha + p.Age, m.A, m.B + x + 1}
}

// ExpectAfter returns how many purchases a customer is expected to make in the next t.
func (m BGNBD) ExpectAfter(p Purchases, t float64) float64 { return m.Alive(p) * m.given(p).Expect(t) }

// ExpectAfter returns how many purchases a customer is expected to make in the next t.
func (m MBGNBD) ExpectAfter(p Purchases, t float64) float64 {
	return m.Alive(p) * m.given(p).Expect(t)
}

// AliveAfter returns the probability that a customer still buys when t more has gone by, whatever
// happens until then.
func (m BGNBD) AliveAfter(p Purchases, t float64) float64 {
	return m.Alive(p) * m.given(p).staying(t)
}

// AliveAfter returns the probability that a customer still buys when t more has gone by, whatever
// happens until then.
func (m MBGNBD) AliveAfter(p Purchases, t float64) float64 {
	return m.Alive(p) * m.given(p).staying(t)
}

// staying returns the probability that a customer who is alive at the beginning is after t: the
// mean of (α/(α+pt))^r over p, (1−z)^r·F(r, b; a+b; z) with z = t/(α+t).
func (m BGNBD) staying(t float64) float64 {
	if !(t >= 0) {
		return math.NaN()
	}
	z := t / (m.Alpha + t)
	if z > longSeries {
		return betaMean(m.A, m.B, m.Alpha/t, func(p float64) float64 { return math.Exp(-m.R * math.Log1p(p*t/m.Alpha)) })
	}
	return min(1, math.Exp(m.R*math.Log1p(-z)+logF(m.R, m.B, m.A+m.B, z)))
}

// Expect returns how many repeats a new customer is expected to make until t after the first
// purchase.
func (m BGNBD) Expect(t float64) float64 {
	if !(t >= 0) {
		return math.NaN()
	}
	z := t / (m.Alpha + t)
	// The series has many terms where z is close to 1, and loses digits where r is larger than
	// a+b or the power of 1−z is small.
	if z > longSeries || m.A+m.B < 1.1 || m.R > m.A+m.B+9 || (1-m.A)*math.Log1p(-z) > 20 {
		return betaMean(m.A, m.B, m.Alpha/t, func(p float64) float64 {
			if p < 1e-300 {
				return m.R * t / m.Alpha
			}
			return -math.Expm1(-m.R*math.Log1p(p*t/m.Alpha)) / p
		})
	}
	return aroundOne(m.A, func(a float64) float64 {
		// By Euler's transformation (1−z)^r·F(r,b;c;z) is (1−z)^(a−1)·F(c−r, a−1; c; z).
		c := a + m.B - 1
		return c / (a - 1) * oneMinusF(a-1, c-m.R, c, z)
	})
}

// Expect returns how many repeats a new customer is expected to make until t after the first
// purchase.
func (m MBGNBD) Expect(t float64) float64 {
	// Who does not leave after the first purchase, B/(A+B) of them, is as BGNBD says, with one purchase survived.
	return m.B / (m.A + m.B) * BGNBD{m.R, m.Alpha, m.A, m.B + 1}.Expect(t)
}

// Probability returns the probability that a new customer makes n repeats until t after the
// first purchase.
func (m BGNBD) Probability(n int, t float64) float64 {
	if n < 0 || !(t >= 0) {
		return math.NaN()
	}
	at, from := negativeBinomial(m.R, m.Alpha, n, t)
	p := betaRatio(m.A, m.B, 0, n) * at
	if n > 0 {
		p += betaRatio(m.A, m.B, 1, n-1) * from
	}
	return p
}

// Probability returns the probability that a new customer makes n repeats until t after the
// first purchase.
func (m MBGNBD) Probability(n int, t float64) float64 {
	if n < 0 || !(t >= 0) {
		return math.NaN()
	}
	at, from := negativeBinomial(m.R, m.Alpha, n, t)
	return betaRatio(m.A, m.B, 0, n+1)*at + betaRatio(m.A, m.B, 1, n)*from
}

// ProbabilityAfter returns the probability that a customer makes n purchases in the next t.
func (m BGNBD) ProbabilityAfter(p Purchases, n int, t float64) float64 {
	return given(m.Alive(p), m.given(p).Probability(n, t), n)
}

// ProbabilityAfter returns the probability that a customer makes n purchases in the next t.
func (m MBGNBD) ProbabilityAfter(p Purchases, n int, t float64) float64 {
	return given(m.Alive(p), m.given(p).Probability(n, t), n)
}

// given mixes who is alive with who is not and makes no purchase.
func given(alive, p float64, n int) float64 {
	if p *= alive; n == 0 {
		p += 1 - alive
	}
	return p
}
