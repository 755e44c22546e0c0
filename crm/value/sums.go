package value

import "math"

// A sum over integers is added up term by term below exactly, and where it has few terms; the rest is its integral with the
// terms of Euler and Maclaurin that its ends have (Abramowitz and Stegun 3.6.28): the first that is left out has the fifth
// power of the number of an end, or a higher one, and is below 1e-18 of what a sum has there.
const exactly, few = 1024, 64

// split returns from where on the terms are not added up one by one.
func split(from, to int) int {
	if some := max(from, exactly); to-some > few {
		return some
	}
	return to
}

// sumPowers returns the sums of ln(r+j), 1/(r+j) and 1/(r+j)² over from <= j < to, for r above 0. The error is 1e-13 of the sum
// from 0 at most.
func sumPowers(r float64, from, to int) (logs, inverses, squares float64) {
	some := split(from, to)
	for j := from; j < some; j++ {
		y := r + float64(j)
		logs += math.Log(y)
		inverses += 1 / y
		squares += 1 / (y * y)
	}
	if some == to {
		return logs, inverses, squares
	}
	y, z, n := r+float64(some), r+float64(to), float64(to-some)
	ratio := math.Log1p(n / y)
	logs += n*math.Log(z) + y*ratio - n - ratio/2
	inverses += ratio
	squares += n / (y * z)
	for _, end := range [2]struct{ sign, i float64 }{{-1, 1 / y}, {1, 1 / z}} {
		i, i2 := end.i, end.i*end.i
		logs += end.sign * i * (1./12 - i2/360)
		inverses -= end.sign * i * (1./2 + i*(1./12-i2/120))
		squares -= end.sign * i2 * (1./2 + i*(1./6-i2/30))
	}
	return logs, inverses, squares
}

// shares are sums of ln(1+a/p), where p is b+j, and what its derivatives are made of.
type shares struct {
	logs         float64
	inverses     float64 // of 1/(a+p)
	differences  float64 // of 1/p − 1/(a+p)
	squares      float64 // of 1/(a+p)²
	differences2 float64 // of 1/p² − 1/(a+p)²
}

// sumShares returns them over from <= j < to, for a and b above 0. The error is 1e-13 of the sums from 0 at most.
func sumShares(a, b float64, from, to int) (s shares) {
	some := split(from, to)
	for j := from; j < some; j++ {
		ip, iq := 1/(b+float64(j)), 1/(a+b+float64(j))
		d := a * ip * iq
		s.logs += math.Log1p(a * ip)
		s.inverses += iq
		s.differences += d
		s.squares += iq * iq
		s.differences2 += d * (ip + iq)
	}
	if some == to {
		return s
	}
	p0, p1, n := b+float64(some), b+float64(to), float64(to-some)
	q0, q1 := a+p0, a+p1
	log0, log1, ratio := math.Log1p(a/p0), math.Log1p(a/p1), math.Log1p(n/q0)
	s.logs += p1*log1 - p0*log0 + a*ratio - (log1-log0)/2
	s.inverses += ratio
	s.differences += math.Log1p(n * a / p0 / q1)
	s.squares += n / q0 / q1
	s.differences2 += n * a * (p0 + q1) / p0 / p1 / q0 / q1
	for _, end := range [2]struct{ sign, p, q float64 }{{-1, p0, q0}, {1, p1, q1}} {
		ip, iq := 1/end.p, 1/end.q
		d, sum := end.sign*a*ip*iq, ip+iq // d is 1/p − 1/q
		cubes := ip*ip + ip*iq + iq*iq
		s.logs -= d * (1./12 - cubes/360)
		s.inverses -= end.sign * iq * (1./2 + iq*(1./12-iq*iq/120))
		s.differences -= d * (1./2 + sum/12 - sum*(ip*ip+iq*iq)/120)
		s.squares -= end.sign * iq * iq * (1./2 + iq*(1./6-iq*iq/30))
		s.differences2 -= d * (sum/2 + cubes/6 - (ip*ip*cubes+iq*iq*iq*sum)/30)
	}
	return s
}
