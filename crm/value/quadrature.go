package value

import "math"

// rule is Gauss-Legendre quadrature on [0, 1].
type rule struct{ at, weight []float64 }

// rules are those in use, by the number of their points.
var rules = map[int]rule{6: legendre(6), 8: legendre(8), 12: legendre(12), 16: legendre(16)}

// legendre returns the rule of n points: roots of the Legendre polynomial by Newton's method
// (Press et al., Numerical Recipes, gauleg).
func legendre(n int) rule {
	q := rule{make([]float64, n), make([]float64, n)}
	for i := range n {
		x := math.Cos(math.Pi * (float64(i) + 0.75) / (float64(n) + 0.5))
		var slope float64
		for range 50 {
			p, before := 1.0, 0.0
			for j := range n {
				p, before = ((2*float64(j)+1)*x*p-float64(j)*before)/float64(j+1), p
			}
			slope = float64(n) * (x*p - before) / (x*x - 1)
			step := p / slope
			x -= step
			if math.Abs(step) < 1e-16 {
				break
			}
		}
		q.at[n-1-i], q.weight[n-1-i] = (1+x)/2, 1/((1-x*x)*slope*slope)
	}
	return q
}

// integrate sums a smooth function from a to b over so many equal parts of 16 points.
func integrate(a, b float64, parts int, f func(float64) float64) float64 {
	var sum float64
	long, q := (b-a)/float64(parts), rules[16]
	for i := range parts {
		for k, at := range q.at {
			sum += q.weight[k] * f(a+(float64(i)+at)*long)
		}
	}
	return sum * long
}
