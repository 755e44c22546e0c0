package value

import (
	"context"
	"math"
)

// GGomNBD is the gamma-Gompertz/NBD model of Bemmaor and Glady, "Modeling purchasing behavior with
// sudden death", Management Science 58 (2012) 1012-1021: a customer buys at a rate that is gamma
// distributed (R, Alpha) and leaves at one that grows, or hardly, as e^(B·t), with a level that
// is gamma distributed (S, Beta). Alpha and 1/B are in the unit of time; all five are above 0. As B
// goes to 0 with Beta/B it becomes ParetoNBD, which is what it does on data of people who leave
// at a steady rate: the fit is then a *BoundaryError.
type GGomNBD struct {
	R     float64 `json:"r"`
	Alpha float64 `json:"alpha"`
	B     float64 `json:"b"`
	S     float64 `json:"s"`
	Beta  float64 `json:"beta"`
}

var _ Model = GGomNBD{}

// FitGGomNBD estimates the model by maximum likelihood. With a *BoundaryError the model is usable.
func FitGGomNBD(ctx context.Context, s *Sample) (GGomNBD, Fit, error) {
	unit := s.unit()
	p := problem{model: "GGom/NBD", names: []string{"r", "alpha", "b", "s", "beta"}, start: []float64{0.5, unit / 4, 1 / unit, 0.5, 0.5}, scale: []float64{1, unit, 1 / unit, 1, 1}}
	at, fit, err := p.fit(ctx, s, ggomNBD)
	fit.Customers = s.Customers()
	return GGomNBD{at[0], at[1], at[2], at[3], at[4]}, fit, err
}

// LogLikelihood returns that of a sample.
func (m GGomNBD) LogLikelihood(s *Sample) float64 {
	return ggomNBD(s)(&[maxParams]float64{m.R, m.Alpha, m.B, m.S, m.Beta}, &derivatives{})
}

// ggomParams is how many parameters the model has.
const ggomParams = 5

// ggomNBD returns the likelihood. That of a customer with x repeats, the last at u, until T is, with
// g(t) = 1+(e^(bt)−1)/β,
//
//	Γ(r+x)/(Γ(r)·α^x)·{ (1+T/α)^−(r+x)·g(T)^−s + ∫_u^T s·b/β·e^(bt)·(1+t/α)^−(r+x)·g(t)^−(s+1) dt }.
func ggomNBD(s *Sample) likelihood {
	return func(at *[maxParams]float64, d *derivatives) float64 {
		r, alpha := at[0], at[1]
		ll := s.buying(r, alpha, d)
		for i := range s.cells {
			c := &s.cells[i]
			x := ageing{r + float64(c.Repeats), alpha, at[2], at[3], at[4]}
			var sum float64
			var first [ggomParams]float64
			var second [ggomParams][ggomParams]float64
			peak := x.terms(c.Last, c.Age, func(v, t, la, lg float64, gone bool) {
				g, h := x.derivatives(t, la, lg, gone)
				sum += v
				for i := range ggomParams {
					first[i] += v * g[i]
					for j := range i + 1 {
						second[i][j] += v * (h[i][j] + g[i]*g[j])
					}
				}
			})
			ll += c.n * (peak + math.Log(sum))
			for i := range ggomParams {
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

// ageing is the part of the likelihood that depends on when a customer bought last.
type ageing struct{ rx, alpha, b, s, beta float64 }

// lnG returns ln g(t).
func (x ageing) lnG(t float64) float64 {
	if bt := x.b * t; bt > 30 { // e^bt may overflow
		return bt - math.Log(x.beta) + math.Log1p((x.beta-1)*math.Exp(-bt))
	}
	return math.Log1p(math.Expm1(x.b*t) / x.beta)
}

// derivatives returns those of the logarithm of a term.
func (x ageing) derivatives(t, la, lg float64, gone bool) (d [ggomParams]float64, h [ggomParams][ggomParams]float64) {
	ia := 1 / (x.alpha + t)
	share := t * ia / x.alpha
	d[0], d[1] = -la, x.rx*share
	h[1][0], h[1][1] = share, -x.rx*share*(1/x.alpha+ia)
	// Of ln g by b: t·w with w = e^(bt)/(β+e^(bt)−1); by β: q−1/β with q = 1/(β+e^(bt)−1).
	q := math.Exp(-lg) / x.beta
	w := 1 - (x.beta-1)*q
	gb, gbeta := t*w, q-1/x.beta
	gbb, gbbeta, gbetabeta := t*t*w*(1-w), -t*w*q, 1/(x.beta*x.beta)-q*q
	n := x.s
	if gone { // s+1, and ln s + ln b − ln β + bt
		n++
		d[2] += 1/x.b + t
		d[3] += 1 / x.s
		d[4] -= 1 / x.beta
		h[2][2] -= 1 / (x.b * x.b)
		h[3][3] -= 1 / (x.s * x.s)
		h[4][4] += 1 / (x.beta * x.beta)
	}
	d[2] -= n * gb
	d[3] -= lg
	d[4] -= n * gbeta
	h[2][2] -= n * gbb
	h[3][2] -= gb
	h[4][2] -= n * gbbeta
	h[4][3] -= gbeta
	h[4][4] -= n * gbetabeta
	return d, h
}

// terms calls f for the terms of a customer whose last purchase was at u, until T, as lost.terms
// does. The variable of the integral is ln(1+t/μ), where μ is α or how far the singularity of g is,
// if that is nearer.
func (x ageing) terms(u, until float64, f func(v, t, la, lg float64, gone bool)) (peak float64) {
	near := x.alpha
	if x.beta < 1 {
		near = min(near, -math.Log1p(-x.beta)/x.b)
	}
	lna, lng := math.Log1p(until/x.alpha), x.lnG(until)
	last := -x.rx*lna - x.s*lng
	peak = -x.rx*math.Log1p(u/x.alpha) - x.s*x.lnG(u)
	alive := math.Exp(last - peak)
	f(alive, until, lna, lng, false)
	until = u + x.nobodyAfter(u, until-u)
	long := math.Log1p((until - u) / (near + u))
	if long == 0 {
		return peak
	}
	from := math.Log1p(u / near)
	grown := x.b * (near + until) // the slope of bt
	slope := 1 + x.rx*(near+until)/(x.alpha+until) + (x.s+2)*max(1, grown)
	parts, points := divide(long*max(1, grown/2), slope/max(1, grown/2))
	step, q := long/float64(parts), rules[points]
	ln := math.Log(x.s*x.b/x.beta*near*step) - peak
	for part := range parts {
		for k, at := range q.at {
			y := from + (float64(part)+at)*step
			t := near * math.Expm1(y)
			la, lg := math.Log1p(t/x.alpha), x.lnG(t)
			f(q.weight[k]*math.Exp(ln+y+x.b*t-x.rx*la-(x.s+1)*lg), t, la, lg, true)
		}
	}
	return peak
}

// nobodyAfter returns t, or how long after an age less than 1e-19 of those are left who were alive then.
func (x ageing) nobodyAfter(age, t float64) float64 {
	const none = 44
	from := x.lnG(age)
	left := func(t float64) bool { return x.s*(x.lnG(age+t)-from) < none }
	if left(t) {
		return t
	}
	low, high := 0.0, t
	for range 60 {
		if mid := (low + high) / 2; left(mid) {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}

// Alive returns the probability that a customer still buys.
func (m GGomNBD) Alive(p Purchases) float64 {
	if p.fault() != nil {
		return math.NaN()
	}
	var alive, all float64
	ageing{m.R + float64(p.Repeats), m.Alpha, m.B, m.S, m.Beta}.terms(p.Last, p.Age, func(v, _, _, _ float64, gone bool) {
		if all += v; !gone {
			alive = v
		}
	})
	return alive / all
}

// staying returns the probability that who is alive at an age still is t later.
func (m GGomNBD) staying(age, t float64) float64 {
	x := ageing{0, m.Alpha, m.B, m.S, m.Beta}
	return math.Exp(-m.S * (x.lnG(age+t) - x.lnG(age)))
}

// AliveAfter returns the probability that a customer still buys when t more has gone by, whatever
// happens until then.
func (m GGomNBD) AliveAfter(p Purchases, t float64) float64 {
	if !(t >= 0) {
		return math.NaN()
	}
	return m.Alive(p) * m.staying(p.Age, t)
}

// years integrates over the next t a function that falls as staying does from an age on; of staying itself it returns how long
// who is alive stays. steep is how much steeper the function is otherwise, by the logarithm of time.
func (m GGomNBD) years(age, t, steep float64, f func(gone float64) float64) float64 {
	near := m.Alpha
	if m.Beta < 1 {
		near = min(near, -math.Log1p(-m.Beta)/m.B)
	}
	near += age
	t = ageing{0, m.Alpha, m.B, m.S, m.Beta}.nobodyAfter(age, t)
	long := math.Log1p(t / near)
	grown := m.B * (near + t)
	parts := min(max(1, int(math.Ceil(long*(1+m.S*max(1, grown))/4+long*steep))), 1<<16)
	return integrate(0, long, parts, func(y float64) float64 {
		gone := near * math.Expm1(y)
		return f(gone) * (near + gone)
	})
}

// Expect returns how many repeats a new customer is expected to make until t after the first
// purchase.
func (m GGomNBD) Expect(t float64) float64 { return m.expect(Purchases{}, t) }

// ExpectAfter returns how many purchases a customer is expected to make in the next t.
func (m GGomNBD) ExpectAfter(p Purchases, t float64) float64 { return m.Alive(p) * m.expect(p, t) }

func (m GGomNBD) expect(p Purchases, t float64) float64 {
	if !(t >= 0) {
		return math.NaN()
	}
	stays := m.years(p.Age, t, 0, func(gone float64) float64 { return m.staying(p.Age, gone) })
	return (m.R + float64(p.Repeats)) / (m.Alpha + p.Age) * stays
}

// Probability returns the probability that a new customer makes n repeats until t after the
// first purchase.
func (m GGomNBD) Probability(n int, t float64) float64 { return m.probability(Purchases{}, n, t) }

// ProbabilityAfter returns the probability that a customer makes n purchases in the next t.
func (m GGomNBD) ProbabilityAfter(p Purchases, n int, t float64) float64 {
	return given(m.Alive(p), m.probability(p, n, t), n)
}

// probability is that of a customer who is alive: until t, or gone at some moment before.
func (m GGomNBD) probability(p Purchases, n int, t float64) float64 {
	if n < 0 || !(t >= 0) {
		return math.NaN()
	}
	r, alpha := m.R+float64(p.Repeats), m.Alpha+p.Age
	at, _ := negativeBinomialAt(r, alpha, n, t)
	x := ageing{0, m.Alpha, m.B, m.S, m.Beta}
	whole := x.lnG(p.Age)
	// As in ParetoNBD.Probability: about the moment by which n are expected parts are short.
	leaves := m.years(p.Age, t, math.Sqrt(float64(n)+1)+r/4, func(gone float64) float64 {
		q, _ := negativeBinomialAt(r, alpha, n, gone)
		lg := x.lnG(p.Age + gone)
		return q * m.S * m.B / m.Beta * math.Exp(m.B*(p.Age+gone)-lg-m.S*(lg-whole))
	})
	return min(1, at*m.staying(p.Age, t)+leaves)
}

func (m GGomNBD) params() []float64      { return []float64{m.R, m.Alpha, m.B, m.S, m.Beta} }
func (m GGomNBD) with(p []float64) Model { return GGomNBD{p[0], p[1], p[2], p[3], p[4]} }
