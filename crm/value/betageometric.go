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
// the last term only where x+first > 0. The sums over j are taken once for all customers. The
// paper's form is a difference of terms that grow with r and b, of which nothing is left where
// customers are all alike.
func betaGeometric(s *Sample, first int) likelihood {
	return func(at *[maxParams]float64, d *derivatives) float64 {
		r, alpha, a, b := at[0], at[1], at[2], at[3]
		logA, ia, i2 := math.Log(a), 1/alpha, 1/a
		ll := -s.repeats * math.Log(alpha)
		gr, ga, hra, haa := 0.0, -s.repeats*ia, 0.0, s.repeats*ia*ia
		var g2, g3, hrr, h22, h32, h33 float64 // by a and b
		var h20, h21, h30, h31 float64
		leave := func(j int, n float64) { // of −ln(1+a/(b+j))
			ib, iab := 1/(b+float64(j)), 1/(a+b+float64(j))
			ll -= n * math.Log1p(a*ib)
			g2 -= n * iab
			g3 += n * a * ib * iab
			h22 += n * iab * iab
			h32 += n * iab * iab
			h33 -= n * a * ib * iab * (ib + iab)
		}
		if first == 1 {
			leave(0, s.n)
		}
		for _, run := range s.above {
			for j := run.from; j < run.to; j++ {
				rj := r + float64(j)
				ll += run.n * math.Log(rj)
				gr += run.n / rj
				hrr -= run.n / (rj * rj)
				leave(j+first, run.n)
			}
		}
		for i := range s.cells {
			c := &s.cells[i]
			x, w := float64(c.Repeats), c.n
			rx, iT := r+x, 1/(alpha+c.Age)
			lT, share := math.Log1p(c.Age*ia), c.Age*ia*iT // share is T/(α(α+T))
			ll -= w * rx * lT
			gr -= w * lT
			ga += w * rx * share
			hra += w * share
			haa -= w * rx * share * (ia + iT)
			if c.Repeats+first == 0 {
				continue
			}
			iu, ibx := 1/(alpha+c.Last), 1/(b+x+float64(first-1))
			since := c.Age - c.Last
			long, slope := math.Log1p(since*iu), -since*iu*iT
			dr, da, d2, d3 := long, rx*slope, i2, -ibx
			delta := logA + math.Log(ibx) + rx*long
			// ln(1+e^δ) and the probability of having left.
			var gone float64
			if delta > 0 {
				e := math.Exp(-delta)
				gone = 1 / (1 + e)
				ll += w * (delta + math.Log1p(e))
			} else {
				e := math.Exp(delta)
				gone = e / (1 + e)
				ll += w * math.Log1p(e)
			}
			p, q := w*gone, w*gone*(1-gone)
			gr += p * dr
			ga += p * da
			g2 += p * d2
			g3 += p * d3
			hrr += q * dr * dr
			hra += q*dr*da + p*slope
			haa += q*da*da - p*rx*slope*(iT+iu)
			h20 += q * d2 * dr
			h21 += q * d2 * da
			h22 += q*d2*d2 - p*d2*d2
			h30 += q * d3 * dr
			h31 += q * d3 * da
			h32 += q * d3 * d2
			h33 += q*d3*d3 + p*ibx*ibx
		}
		d.first = [maxParams]float64{gr, ga, g2, g3}
		d.second[0][0] = hrr
		d.second[1][0], d.second[1][1] = hra, haa
		d.second[2][0], d.second[2][1], d.second[2][2] = h20, h21, h22
		d.second[3][0], d.second[3][1], d.second[3][2], d.second[3][3] = h30, h31, h32, h33
		return ll
	}
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
