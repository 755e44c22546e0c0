package value

import "math"

// Forecast answers the same question about many customers: what the purchases of each within
// Terms are worth. It is exact to 1e-12 of Terms.Worth, at a fraction of the time, because what a
// customer who is alive buys is a smooth function of his age, of which Forecast keeps polynomials. What it says of a
// customer does not depend on whom it was asked about before.
//
// A Forecast is not safe for use by several goroutines at once; each can have its own.
type Forecast struct {
	terms  Terms
	model  Model
	future future // nil of a model of another package
	pieces map[pieceOf]*piece
	last   pieceOf
	at     *piece // of last
}

// future is implemented by the models of this package.
type future interface {
	Model
	// sums returns what a customer of that age with so many repeats who is alive buys, and in how
	// many periods he is alive at the end, discounted.
	sums(repeats int, age float64, t Terms) (bought, kept float64)
	// unit returns the parameter that ages are added to.
	unit() float64
}

// pieceOf names a piece: so many repeats, and ages of which v = ln(1+age/α)·2^(level+1) is from
// number to number+1.
type pieceOf struct{ repeats, level, number int }

// pieceDegree is that of the polynomials. The functions are analytic within π of the real axis of
// ln(α+age), so that over a piece of ½ the error falls by 25 with each degree; but for those who
// buy very often, whose pieces are halved until it does.
const pieceDegree, maxLevel = 13, 8

// pieceError is the largest relative error of a polynomial between the ages that it was made of.
const pieceError = 2e-13

// piece are coefficients of Chebyshev polynomials, or the news that there are finer pieces.
type piece struct {
	bought, kept [pieceDegree + 1]float64
	finer        bool
}

// NewForecast returns a forecast by a model. The error is that of Terms.Validate.
func NewForecast(m Model, t Terms) (*Forecast, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	f := &Forecast{terms: t, model: m, pieces: map[pieceOf]*piece{}}
	f.future, _ = m.(future)
	return f, nil
}

// Expect returns the probability that a customer is alive, and the discounted number of purchases
// that he is expected to make; both are NaN of a history that Purchases.Validate refuses.
func (f *Forecast) Expect(p Purchases) (alive, purchases float64) {
	alive, bought, _ := f.sums(p)
	return alive, alive * bought
}

// Worth returns what Terms.Worth does.
func (f *Forecast) Worth(p Purchases, purchase float64) float64 {
	alive, bought, kept := f.sums(p)
	return alive * (bought*(purchase*(1-f.terms.Costs)-f.terms.PerPurchase) - kept*f.terms.PerPeriod)
}

func (f *Forecast) sums(p Purchases) (alive, bought, kept float64) {
	alive = f.model.Alive(p)
	switch {
	case math.IsNaN(alive):
		return alive, alive, alive
	case f.future == nil && alive > 0:
		bought, kept = sumTerms(f.terms, func(t float64) (float64, float64) {
			return f.model.ExpectAfter(p, t) / alive, f.model.AliveAfter(p, t) / alive
		})
		return alive, bought, kept
	case f.future == nil:
		return 0, 0, 0
	}
	v := 2 * math.Log1p(p.Age/f.future.unit())
	at := f.at
	if k := f.last; at == nil || k.repeats != p.Repeats || math.Floor(math.Ldexp(v, k.level)) != float64(k.number) {
		k = pieceOf{repeats: p.Repeats, level: -1}
		for at = nil; at == nil || at.finer; {
			if k.level++; k.level > maxLevel {
				bought, kept = f.future.sums(p.Repeats, p.Age, f.terms)
				return alive, bought, kept
			}
			k.number = int(math.Ldexp(v, k.level))
			if at = f.pieces[k]; at == nil {
				at = f.fill(k)
				f.pieces[k] = at
			}
		}
		f.last, f.at = k, at
	}
	x := 2*(math.Ldexp(v, f.last.level)-float64(f.last.number)) - 1
	bought = chebyshev(&at.bought, x)
	if f.terms.PerPeriod > 0 {
		kept = chebyshev(&at.kept, x)
	}
	return alive, bought, kept
}

// fill interpolates a piece at the roots of the next Chebyshev polynomial, and looks between them.
func (f *Forecast) fill(k pieceOf) *piece {
	const n = pieceDegree + 1
	out := &piece{}
	sums := func(x float64) (bought, kept float64) { // x is in [-1, 1]
		v := math.Ldexp(float64(k.number)+(x+1)/2, -k.level)
		return f.future.sums(k.repeats, f.future.unit()*math.Expm1(v/2), f.terms)
	}
	for i := range n {
		angle := math.Pi * (float64(i) + 0.5) / n
		bought, kept := sums(math.Cos(angle))
		for j := range n {
			w := math.Cos(float64(j)*angle) * 2 / n
			if j == 0 {
				w = 1. / n
			}
			out.bought[j] += w * bought
			out.kept[j] += w * kept
		}
	}
	for _, i := range []float64{1, n / 2, n - 1} {
		x := math.Cos(math.Pi * i / n)
		bought, kept := sums(x)
		if math.Abs(chebyshev(&out.bought, x)-bought) > pieceError*bought || math.Abs(chebyshev(&out.kept, x)-kept) > pieceError*kept {
			out.finer = true
		}
	}
	return out
}

// chebyshev evaluates a sum of the polynomials at x in [-1, 1] (Clenshaw).
func chebyshev(c *[pieceDegree + 1]float64, x float64) float64 {
	var b1, b2 float64
	for i := pieceDegree; i > 0; i-- {
		b1, b2 = c[i]+2*x*b1-b2, b1
	}
	return c[0] + x*b1 - b2
}

// sumTerms discounts what f says about a customer who is alive: how much he has bought until t, and the
// probability that he is alive then. The latter is asked for only where it costs.
func sumTerms(t Terms, f func(t float64) (bought, alive float64)) (bought, kept float64) {
	before, share := 0.0, 1.0
	for i := 1; i <= t.Periods; i++ {
		until, alive := f(float64(i) * t.Length)
		share /= 1 + t.Discount
		bought += (until - before) * share
		kept += alive * share
		before = until
	}
	return bought, kept
}

func (m BGNBD) unit() float64     { return m.Alpha }
func (m MBGNBD) unit() float64    { return m.Alpha }
func (m ParetoNBD) unit() float64 { return min(m.Alpha, m.Beta) }

func (m BGNBD) sums(repeats int, age float64, t Terms) (bought, kept float64) {
	return m.given(Purchases{Repeats: repeats, Age: age}).future(t)
}

func (m MBGNBD) sums(repeats int, age float64, t Terms) (bought, kept float64) {
	return m.given(Purchases{Repeats: repeats, Age: age}).future(t)
}

// future sums what a customer of the model buys who is alive.
func (m BGNBD) future(t Terms) (bought, kept float64) {
	return sumTerms(t, func(at float64) (bought, alive float64) {
		if t.PerPeriod > 0 {
			alive = m.staying(at)
		}
		return m.Expect(at), alive
	})
}

func (m ParetoNBD) sums(repeats int, age float64, t Terms) (bought, kept float64) {
	after := m.given(Purchases{Repeats: repeats, Age: age})
	return sumTerms(t, func(at float64) (bought, alive float64) {
		return after.Expect(at), math.Exp(-after.S * math.Log1p(at/after.Beta))
	})
}
