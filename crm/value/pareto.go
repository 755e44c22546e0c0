package value

import (
	"context"
	"math"
)

// ParetoNBD is the Pareto/NBD model of Schmittlein, Morrison and Colombo, "Counting your customers:
// who are they and what will they do next?", Management Science 33 (1987) 1-24: a customer buys at a
// rate that is gamma distributed (R, Alpha) and leaves at a rate that is gamma distributed (S,
// Beta). Alpha and Beta are in the unit of time; all four are above 0.
type ParetoNBD struct {
	R     float64 `json:"r"`
	Alpha float64 `json:"alpha"`
	S     float64 `json:"s"`
	Beta  float64 `json:"beta"`
}

var _ Model = ParetoNBD{}

// FitParetoNBD estimates the model by maximum likelihood. With a *BoundaryError the model is usable.
func FitParetoNBD(ctx context.Context, s *Sample) (ParetoNBD, Fit, error) {
	unit := s.unit()
	p := problem{model: "Pareto/NBD", names: []string{"r", "alpha", "s", "beta"}, start: []float64{0.5, unit / 4, 0.5, unit / 4}, scale: []float64{1, unit, 1, unit}}
	at, fit, err := p.fit(ctx, s, paretoNBD)
	fit.Customers = s.Customers()
	return ParetoNBD{at[0], at[1], at[2], at[3]}, fit, err
}

// LogLikelihood returns that of a sample.
func (m ParetoNBD) LogLikelihood(s *Sample) float64 {
	return paretoNBD(s)(&[maxParams]float64{m.R, m.Alpha, m.S, m.Beta}, &derivatives{})
}

// paretoNBD returns the likelihood. That of a customer with x repeats, the last at u, until T is
//
//	Γ(r+x)/(Γ(r)·α^x)·{ (1+T/α)^−(r+x)·(1+T/β)^−s + ∫_u^T s/β·(1+t/α)^−(r+x)·(1+t/β)^−(s+1) dt },
//
// alive, or gone at some t since the last purchase. The papers write the integral as a
// difference of two hypergeometric functions, which overflow, cancel, and have no simple
// derivatives. Every term of the sum that the integral becomes here is positive, and its
// derivatives are those of powers.
func paretoNBD(s *Sample) likelihood {
	return func(at *[maxParams]float64, d *derivatives) float64 {
		r, alpha := at[0], at[1]
		ll := s.buying(r, alpha, d)
		for i := range s.cells {
			c := &s.cells[i]
			m := lost{r + float64(c.Repeats), alpha, at[2], at[3]}.derivatives(c.Last, c.Age)
			ll += c.n * (m.peak + math.Log(m.sum))
			m.derive(c.n, d)
		}
		return ll
	}
}

// lost is the part of the likelihood that depends on when a customer bought last.
type lost struct{ rx, alpha, s, beta float64 }

// mixture is the sum of the terms of lost with the derivatives of their logarithms.
type mixture struct {
	peak, sum float64 // e^peak·sum
	first     [4]float64
	second    [4][4]float64 // lower triangle
}

// term adds v with the derivatives of its logarithm, which is −rx·la − s·lb and has the
// logarithm of n/β too: la is ln(1+t/α), ia is t/(α(α+t)), ja is 1/α+1/(α+t), and so with β.
func (m *mixture) term(v, rx, la, ia, ja, s, lb, ib, jb, n, beta float64) {
	m.sum += v
	g0, g1, g2, g3 := -la, rx*ia, -lb, s*ib
	h22, h33 := 0.0, -s*ib*jb
	if n != 0 { // ln s − ln β
		g2 += 1 / n
		g3 -= 1 / beta
		h22 -= 1 / (n * n)
		h33 += 1 / (beta * beta)
	}
	f, h := &m.first, &m.second
	f[0] += v * g0
	f[1] += v * g1
	f[2] += v * g2
	f[3] += v * g3
	h[0][0] += v * g0 * g0
	h[1][0] += v * (g1*g0 + ia)
	h[1][1] += v * (g1*g1 - rx*ia*ja)
	h[2][0] += v * g2 * g0
	h[2][1] += v * g2 * g1
	h[2][2] += v * (g2*g2 + h22)
	h[3][0] += v * g3 * g0
	h[3][1] += v * g3 * g1
	h[3][2] += v * (g3*g2 + ib)
	h[3][3] += v * (g3*g3 + h33)
}

// derive adds the derivatives of n times the logarithm of the sum.
func (m *mixture) derive(n float64, d *derivatives) {
	share := 1 / m.sum
	for i := range 4 {
		g := m.first[i] * share
		d.first[i] += n * g
		for j := range i + 1 {
			d.second[i][j] += n * (m.second[i][j]*share - g*m.first[j]*share)
		}
	}
}

// derivatives returns the mixture of a customer whose last purchase was at u, until T.
func (l lost) derivatives(u, until float64) (m mixture) {
	m.peak = l.terms(u, until, func(v, t, la, lb float64, gone bool) {
		ia, ib := 1/(l.alpha+t), 1/(l.beta+t)
		s, n := l.s, 0.0
		if gone {
			s, n = l.s+1, l.s
		}
		m.term(v, l.rx, la, t*ia/l.alpha, 1/l.alpha+ia, s, lb, t*ib/l.beta, 1/l.beta+ib, n, l.beta)
	})
	return m
}

// alive returns the share of the first term, the probability of being alive.
func (l lost) alive(u, until float64) float64 {
	var alive, all float64
	l.terms(u, until, func(v, _, _, _ float64, gone bool) {
		if all += v; !gone {
			alive = v
		}
	})
	return alive / all
}

// terms calls f for the terms of a customer whose last purchase was at u, until T: that of being alive, and
// those of having gone at t. Each is v·e^peak; la and lb are ln(1+t/α) and ln(1+t/β).
//
// The variable of the integral is y = ln(1+t/μ), where μ is the smaller of α and β: the
// integrand is then e^(ky) times a function without singularities within π of the real axis,
// whatever the parameters, so that few points are exact.
func (l lost) terms(u, until float64, f func(v, t, la, lb float64, gone bool)) (peak float64) {
	near, far, swapped := l.alpha, l.beta, false
	if l.beta < l.alpha {
		near, far, swapped = l.beta, l.alpha, true
	}
	lna, lnb := math.Log1p(until/l.alpha), math.Log1p(until/l.beta)
	last := -l.rx*lna - l.s*lnb
	peak = -l.rx*math.Log1p(u/l.alpha) - l.s*math.Log1p(u/l.beta) // the powers fall from u on
	alive := math.Exp(last - peak)
	f(alive, until, lna, lnb, false)
	long := math.Log1p((until - u) / (near + u))
	if long == 0 {
		return peak
	}
	from := math.Log1p(u / near)
	slow := (near + until) / (far + until)   // how much slower the other factor falls, at most
	slope := math.Abs(1-l.rx) + (l.s+1)*slow // bounds that of the logarithm
	if swapped {
		slope = l.s + l.rx*slow
	}
	parts, points := divide(long, slope)
	step, q := long/float64(parts), rules[points]
	ln := math.Log(l.s/l.beta*near*step) - peak
	sum := alive
	for part := range parts {
		before := sum
		for k, at := range q.at {
			y := from + (float64(part)+at)*step
			t := near * math.Expm1(y)
			la, lb := y, math.Log1p(t/far)
			if swapped {
				la, lb = lb, la
			}
			v := q.weight[k] * math.Exp(ln+y-l.rx*la-(l.s+1)*lb)
			sum += v
			f(v, t, la, lb, true)
		}
		// Past its maximum the integrand falls, and what follows is less than what was added.
		if part > 0 && sum-before < 1e-17*sum && l.rx > 1 {
			break
		}
	}
	return peak
}

// divide returns into how many equal parts of how many points an interval is cut, so that a
// function with this slope of its logarithm, smooth within π of the real axis, is integrated to
// rounding: the error of Gauss's n points for e^(−qy) over an interval of 1 is
// q^(2n)·n!⁴/((2n+1)·(2n)!³).
func divide(long, slope float64) (parts, points int) {
	switch q := long * slope; {
	case q <= 0.5 && long <= 0.5:
		return 1, 6
	case q <= 2.5 && long <= 1.2:
		return 1, 8
	case q <= 8 && long <= 2.5:
		return 1, 12
	}
	parts = int(math.Ceil(max(long*slope/16, long/3)))
	return min(max(parts, 1), 1<<20), 16
}

// Alive returns the probability that a customer still buys.
func (m ParetoNBD) Alive(p Purchases) float64 {
	if p.fault() != nil {
		return math.NaN()
	}
	return lost{m.R + float64(p.Repeats), m.Alpha, m.S, m.Beta}.alive(p.Last, p.Age)
}

// given returns the model of a customer with such a history who is alive.
func (m ParetoNBD) given(p Purchases) ParetoNBD {
	return ParetoNBD{m.R + float64(p.Repeats), m.Alpha + p.Age, m.S, m.Beta + p.Age}
}

// AliveAfter returns the probability that a customer still buys when t more has gone by, whatever
// happens until then.
func (m ParetoNBD) AliveAfter(p Purchases, t float64) float64 {
	if !(t >= 0) {
		return math.NaN()
	}
	after := m.given(p)
	return m.Alive(p) * math.Exp(-after.S*math.Log1p(t/after.Beta))
}

// Expect returns how many repeats a new customer is expected to make until t after the first
// purchase.
func (m ParetoNBD) Expect(t float64) float64 {
	if !(t >= 0) {
		return math.NaN()
	}
	ratio := math.Log1p(t / m.Beta)
	grown := ratio // (1−e^(−(s−1)·ratio))/(s−1), also where s is 1
	if k := (m.S - 1) * ratio; k != 0 {
		grown *= -math.Expm1(-k) / k
	}
	return m.R * m.Beta / m.Alpha * grown
}

// ExpectAfter returns how many purchases a customer is expected to make in the next t.
func (m ParetoNBD) ExpectAfter(p Purchases, t float64) float64 {
	return m.Alive(p) * m.given(p).Expect(t)
}

// Probability returns the probability that a new customer makes n repeats until t after the
// first purchase: alive until then, or gone at some moment before.
func (m ParetoNBD) Probability(n int, t float64) float64 {
	if n < 0 || !(t >= 0) {
		return math.NaN()
	}
	at, _ := negativeBinomial(m.R, m.Alpha, n, t)
	out := at * math.Exp(-m.S*math.Log1p(t/m.Beta))
	if t == 0 {
		return out
	}
	// By y = ln(μ+τ) with the smaller of α and β, as in lost.add; about the moment by which n are
	// expected parts are short.
	near := min(m.Alpha, m.Beta)
	long := math.Log1p(t / near)
	parts, q := int(math.Ceil(long*math.Sqrt(float64(n)+1)+long*max(1, m.R, m.S)/4)), rules[16]
	parts = min(max(parts, 1), 1<<16)
	step := long / float64(parts)
	for part := range parts {
		for k, w := range q.at {
			y := (float64(part) + w) * step
			gone := near * math.Expm1(y)
			p, _ := negativeBinomialAt(m.R, m.Alpha, n, gone)
			out += q.weight[k] * step * p * m.S * (near + gone) / (m.Beta + gone) * math.Exp(-m.S*math.Log1p(gone/m.Beta))
		}
	}
	return min(1, out)
}

// ProbabilityAfter returns the probability that a customer makes n purchases in the next t.
func (m ParetoNBD) ProbabilityAfter(p Purchases, n int, t float64) float64 {
	return given(m.Alive(p), m.given(p).Probability(n, t), n)
}

// Residual returns the expected number of purchases of a customer from now on for ever (DERT),
// each discounted continuously at a rate per unit of time that is above 0: Fader, Hardie and Lee, "RFM
// and CLV: using iso-value curves for customer base analysis", Journal of Marketing Research 42
// (2005) 415-430, in the form P(alive)·(r+x)/(α+T)·(β+T)^s·d^(s−1)·e^z·Γ(1−s, z), z = d·(β+T).
func (m ParetoNBD) Residual(p Purchases, rate float64) float64 {
	if !(rate > 0) {
		return math.NaN()
	}
	after := m.given(p)
	// ∫_0^∞ e^(−dt)·(b/(b+t))^s dt, of a customer who leaves at a rate with the shape s.
	return m.Alive(p) * after.R / after.Alpha * staysDiscounted(after.S, after.Beta, rate)
}

// staysDiscounted is b·∫_0^∞ e^(−zv)·(1+v)^(−s) dv with z = d·b, by y = ln(1+v) until e^(−zv) is nothing.
func staysDiscounted(s, b, d float64) float64 {
	z := d * b
	long := math.Log1p(45 / z)
	parts := min(max(int(math.Ceil(long*max(1, s)/2)), 8), 1<<16)
	return b * integrate(0, long, parts, func(y float64) float64 { return math.Exp((1-s)*y - z*math.Expm1(y)) })
}
