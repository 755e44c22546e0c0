package survey

import "math"

// adjustedWald is the confidence interval of (good - bad) / n on -1..1, for
// the net promoter score: three quarters of a promoter and of a detractor,
// and one and a half passives, are added before the Wald interval is taken
// (Rocks 2016, The American Statistician). Its exact coverage stays within
// .924 and .964 for n of 5 and more, where the plain Wald interval of five
// happy customers is "100 ± 0". The value itself is always inside, which for one
// or two answers the added ones would leave out. Counts below zero are read as
// zero; for n = 0 the interval is -1..1.
func adjustedWald(good, middle, bad int64, z float64) Interval {
	good, middle, bad = max(good, 0), max(middle, 0), max(bad, 0)
	n := float64(good + middle + bad)
	if n == 0 {
		return Interval{-1, 1}
	}
	p := (float64(good) + 0.75) / (n + 3)
	d := (float64(bad) + 0.75) / (n + 3)
	half := z * math.Sqrt((p+d-(p-d)*(p-d))/(n+3))
	value := float64(good-bad) / n
	return Interval{min(max(p-d-half, -1), value), max(min(p-d+half, 1), value)}
}

// wilson is the score interval of a share k/n on 0..1 (Wilson 1927). k is
// clamped to 0..n; for n = 0 the interval is 0..1.
func wilson(k, n int64, z float64) Interval {
	if n <= 0 {
		return Interval{0, 1}
	}
	k = min(max(k, 0), n)
	nf := float64(n)
	p := float64(k) / nf
	z2 := z * z
	centre := (p + z2/(2*nf)) / (1 + z2/nf)
	half := z / (1 + z2/nf) * math.Sqrt(p*(1-p)/nf+z2/(4*nf*nf))
	i := Interval{max(centre-half, 0), min(centre+half, 1)}
	// At the ends the formula gives exactly 0 and 1; rounding must not move it.
	if k == 0 {
		i.Low = 0
	}
	if k == n {
		i.High = 1
	}
	return i
}

// tQuantile975 is the 97.5 % point of Student's t with df degrees of freedom,
// by bisection of the distribution function.
func tQuantile975(df int64) float64 {
	if df > 1e7 {
		return z95
	}
	lo, hi := 1.9, 13.0 // t(1) is 12.706
	for range 60 {
		mid := (lo + hi) / 2
		if upperT(mid, float64(df)) > 0.025 {
			lo = mid
		} else {
			hi = mid
		}
	}
	return (lo + hi) / 2
}

// upperT is P(T > t) for t > 0: half the regularised incomplete beta function
// at df/(df+t²) with parameters df/2 and 1/2 (Abramowitz and Stegun 26.7.1).
func upperT(t, df float64) float64 {
	return incompleteBeta(df/(df+t*t), df/2, 0.5) / 2
}

// incompleteBeta is the regularised incomplete beta function, by its continued
// fraction (Abramowitz and Stegun 26.5.8) in the modified Lentz evaluation.
func incompleteBeta(x, a, b float64) float64 {
	if x <= 0 {
		return 0
	}
	if x >= 1 {
		return 1
	}
	if x > (a+1)/(a+b+2) {
		return 1 - incompleteBeta(1-x, b, a)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a
	const tiny = 1e-300
	away := func(v float64) float64 {
		if math.Abs(v) < tiny {
			return tiny
		}
		return v
	}
	c := 1.0
	d := 1 / away(1-(a+b)*x/(a+1))
	f := d
	for m := 1.0; m < 500; m++ {
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d = 1 / away(1+even*d)
		c = away(1 + even/c)
		f *= d * c
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d = 1 / away(1+odd*d)
		c = away(1 + odd/c)
		step := d * c
		f *= step
		if math.Abs(step-1) < 1e-15 {
			break
		}
	}
	return front * f
}
