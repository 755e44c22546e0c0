package value

import (
	"math"
	"sort"
)

// digamma returns the derivative of ln Γ for x > 0, and trigamma the second one: by recurrence
// to where the asymptotic series (Abramowitz and Stegun 6.3.18 and 6.4.12) is exact.
func digamma(x float64) float64 {
	var below float64
	for ; x < 10; x++ {
		below -= 1 / x
	}
	i := 1 / (x * x)
	return below + math.Log(x) - 1/(2*x) - i*(1./12-i*(1./120-i*(1./252-i*(1./240-i*(1./132-i*(691./32760-i/12))))))
}

func trigamma(x float64) float64 {
	var below float64
	for ; x < 10; x++ {
		below += 1 / (x * x)
	}
	i := 1 / (x * x)
	return below + 1/x + i/2 + i/x*(1./6-i*(1./30-i*(1./42-i*(1./30-i*(5./66-i*(691./2730-i*7/6))))))
}

// lnGamma returns ln Γ for x > 0.
func lnGamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}

// lnBeta returns ln B for a, b > 0, without the loss of differences of large values of ln Γ.
func lnBeta(a, b float64) float64 {
	if a > b {
		a, b = b, a
	}
	if a < 20 || b < 1e3 {
		return lnGamma(a) - lnGammaRatio(b, a)
	}
	return lnGamma(a) + lnGamma(b) - lnGamma(a+b)
}

// lnGammaRatio returns ln(Γ(x+d)/Γ(x)) for x > 0, d >= 0.
func lnGammaRatio(x, d float64) float64 {
	if x < 100 {
		return lnGamma(x+d) - lnGamma(x)
	}
	// Stirling, with the leading terms of the difference taken together.
	return d*math.Log(x+d) + (x-0.5)*math.Log1p(d/x) - d + stirling(x+d) - stirling(x)
}

// stirling returns ln Γ(x) − (x−½)·ln x + x − ½·ln 2π for x >= 100.
func stirling(x float64) float64 {
	i := 1 / (x * x)
	return (1./12 - i*(1./360-i*(1./1260))) / x
}

// betaRatio returns B(a+i, b+n)/B(a, b) for i of 0 or 1: a product over the integers.
func betaRatio(a, b float64, i, n int) float64 {
	v, c := 1.0, a+b
	if n <= 64 {
		for j := range n {
			v *= (b + float64(j)) / (c + float64(j))
		}
	} else {
		v = math.Exp(lnGammaRatio(b, float64(n)) - lnGammaRatio(c, float64(n)))
	}
	if i == 1 {
		v *= a / (c + float64(n))
	}
	return v
}

// series stops where terms are below this share of the sum.
const epsilon = 1e-17

// maxTerms bounds a series: those of this package need as many only within 1e-5 of z = 1.
const maxTerms = 4_000_000

// logF returns the logarithm of Gauss's F(a, b; c; z) for a, b >= 0, c > 0, 0 <= z < 1, all of whose
// terms are positive: where it falls quicker, by Euler's transformation.
func logF(a, b, c, z float64) float64 {
	if a == 0 || b == 0 || z == 0 {
		return 0
	}
	if a+b > c && c-a >= 0 && c-b >= 0 {
		return (c-a-b)*math.Log1p(-z) + logF(c-a, c-b, c, z)
	}
	sum, term, scale := 1.0, 1.0, 0.0
	for k := range maxTerms {
		n := float64(k)
		ratio := (a + n) * (b + n) / ((c + n) * (1 + n)) * z
		term *= ratio
		sum += term
		if sum > 1e250 {
			sum, term, scale = sum*1e-250, term*1e-250, scale+250*math.Ln10
		}
		if ratio < 1 && term < epsilon*sum*(1-ratio) {
			break
		}
	}
	return scale + math.Log(sum)
}

// oneMinusF returns 1 − (1−z)^e·F(f, e; c; z) for c > 0, 0 <= z < 1 and any e and f: the first
// terms of both cancel, so they are left out.
func oneMinusF(e, f, c, z float64) float64 {
	power := e * math.Log1p(-z)
	// F−1, whose terms keep their sign from where f+n and e+n are positive.
	var rest float64
	term := 1.0
	for k := range maxTerms {
		n := float64(k)
		term *= (f + n) * (e + n) / ((c + n) * (1 + n)) * z
		rest += term
		if term == 0 {
			break
		}
		if n > -f && n > -e {
			ratio := (f + n + 1) * (e + n + 1) / ((c + n + 1) * (2 + n)) * z
			if ratio < 1 && math.Abs(term)*ratio < epsilon*(math.Abs(rest)+math.Abs(power))*(1-max(ratio, z)) {
				break
			}
		}
	}
	return -math.Expm1(power) - math.Exp(power)*rest
}

// aroundOne evaluates at a a function that divides by a−1: close to 1 by the cubic polynomial
// through four points beside it.
func aroundOne(a float64, f func(float64) float64) float64 {
	const h = 1e-3
	d := (a - 1) / h
	if math.Abs(d) > 0.1 {
		return f(a)
	}
	far0, near0, near1, far1 := f(1-2*h), f(1-h), f(1+h), f(1+2*h)
	// Lagrange at -2, -1, 1, 2.
	return far0*(d+1)*(d-1)*(d-2)/-12 + near0*(d+2)*(d-1)*(d-2)/6 + near1*(d+2)*(d+1)*(d-2)/-6 + far1*(d+2)*(d+1)*(d-1)/12
}

// negativeBinomialAt returns the probability of n events until t where the rate is gamma
// distributed, and t/(α+t).
func negativeBinomialAt(r, alpha float64, n int, t float64) (at, z float64) {
	z = t / (alpha + t)
	if n == 0 {
		return math.Exp(r * math.Log1p(-z)), z
	}
	if z == 0 {
		return 0, 0
	}
	x := float64(n)
	return math.Exp(r*math.Log1p(-z) + x*math.Log(z) + lnGammaRatio(r, x) - lnGamma(x+1)), z
}

// negativeBinomial returns the probabilities of n events, and of n or more, until t where the
// rate is gamma distributed.
func negativeBinomial(r, alpha float64, n int, t float64) (at, from float64) {
	at, z := negativeBinomialAt(r, alpha, n, t)
	x := float64(n)
	if n == 0 || z == 0 {
		return at, max(at, float64(1-min(n, 1)))
	}
	mean := r * t / alpha
	if x <= mean { // below the mean the rest is the larger part
		term, sum := at, 0.0
		for j := n; j > 0 && term > 0; j-- {
			term *= float64(j) / ((r + float64(j-1)) * z)
			if sum += term; term < epsilon*sum && float64(j) < x {
				break
			}
		}
		return at, max(0, 1-sum)
	}
	term, sum := at, at
	for j := n; j < n+maxTerms && term > epsilon*sum*(1-z); j++ {
		term *= (r + float64(j)) / (1 + float64(j)) * z
		sum += term
	}
	return at, min(1, sum)
}

// longSeries is the z from which series of powers of it are slower than betaMean.
const longSeries = 0.95

// betaMean returns the mean of a positive function of p that is beta distributed (a, b), by
// quadrature in ln p below ½ and in ln(1−p) above, down to where the function is the same as at
// the end: far below the knee, which is where it bends.
func betaMean(a, b, knee float64, f func(p float64) float64) float64 {
	norm := -lnBeta(a, b)
	half := func(a, b, lowest float64, f func(p float64) float64) (sum float64) {
		// Near 0 density and function are those of the end.
		from := math.Log(lowest)
		sum = f(0) * math.Exp(norm+a*from-math.Log(a))
		long := math.Ln2 + from // below 0
		// The density in ln p is as narrow as 1/√a at its peak.
		parts := int(math.Ceil(-long * max(1, math.Sqrt(a)/2, math.Sqrt(min(a, b))/2)))
		step, q := -long/float64(parts), rules[16]
		density := func(y float64) float64 { return norm + a*y + (b-1)*math.Log1p(-math.Exp(y)) }
		peak := math.Log(min(0.5, max(lowest, a/(a+b))))
		top := density(peak)
		// Of thousands of parts where a and b are large, some thirty are around the peak; the density grows up to it and falls after it.
		first := sort.Search(parts, func(i int) bool {
			y := from + float64(i)*step + step
			return y >= peak || density(y) >= top-60
		})
		end := first + sort.Search(parts-first, func(i int) bool {
			y := from + float64(first+i)*step
			return y > peak && density(y) < top-60
		})
		for i := first; i < end; i++ {
			y0 := from + float64(i)*step
			for k, at := range q.at {
				y := y0 + at*step
				p := math.Exp(y)
				sum += q.weight[k] * step * math.Exp(density(y)) * f(p)
			}
		}
		return sum
	}
	return half(a, b, min(knee, 0.1)*1e-17, f) + half(b, a, 1e-18, func(q float64) float64 { return f(1 - q) })
}
