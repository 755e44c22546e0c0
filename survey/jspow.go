package survey

import "math"

// powJS is JavaScript's Math.pow: the algorithm of fdlibm's e_pow.c (Copyright (C) 2004 by Sun
// Microsystems, Inc., freely granted), which V8 uses. It agrees with V8 but for the last digit
// of one power in some hundred; Go's own differs more often, and has a value for 1 to an
// infinite power, where JavaScript has none.
func powJS(x, y float64) float64 {
	switch {
	case y == 0:
		return 1
	case math.IsNaN(x) || math.IsNaN(y) || math.Abs(x) == 1 && math.IsInf(y, 0):
		return math.NaN()
	case y == 1:
		return x
	case y == 2:
		return x * x
	case y == 0.5 && x >= 0 && !math.IsInf(x, 0):
		return math.Sqrt(x)
	case x == 0 || math.IsInf(x, 0) || math.IsInf(y, 0) || math.Abs(x) == 1:
		return math.Pow(x, y) // exact
	}
	odd, whole := false, y == math.Trunc(y)
	if whole && math.Abs(y) < 1<<53 {
		odd = math.Mod(math.Abs(y), 2) == 1
	}
	if x < 0 && !whole {
		return math.NaN()
	}
	sign := 1.0
	if x < 0 && odd {
		sign = -1
	}
	ax := math.Abs(x)
	var t1, t2 float64
	if math.Abs(y) > 0x1p31 { // over- or underflows unless x is close to 1
		hx := int32(math.Float64bits(ax) >> 32)
		switch {
		case hx < 0x3fefffff:
			return overflow(sign, y < 0)
		case hx > 0x3ff00000:
			return overflow(sign, y > 0)
		}
		t := ax - 1
		w := (t * t) * (0.5 - t*(0.3333333333333333333333-t*0.25))
		u := 1.44269502162933349609e+00 * t
		v := t*1.92596299112661746887e-08 - w*1.44269504088896338700e+00
		t1 = high(u + v)
		t2 = v - (t1 - u)
	} else {
		t1, t2 = log2Parts(ax)
	}
	// (y1 + y2) * (t1 + t2)
	y1 := high(y)
	pl := (y-y1)*t1 + y*t2
	ph := y1 * t1
	z := pl + ph
	j := int32(math.Float64bits(z) >> 32)
	switch {
	case j >= 0x40900000: // z >= 1024
		if z > 1024 || pl+8.0085662595372944372e-0017 > z-ph {
			return overflow(sign, true)
		}
	case j&0x7fffffff >= 0x4090cc00: // z <= -1075
		if z < -1075 || pl <= z-ph {
			return overflow(sign, false)
		}
	}
	return sign * exp2Parts(ph, pl)
}

// overflow is infinity or zero with a sign.
func overflow(sign float64, up bool) float64 {
	if up {
		return sign * math.Inf(1)
	}
	return sign * 0
}

// high is a number without the lower half of its bits.
func high(f float64) float64 { return math.Float64frombits(math.Float64bits(f) &^ 0xffffffff) }

// log2Parts is the logarithm of a positive number to base 2, as the sum of two.
func log2Parts(ax float64) (t1, t2 float64) {
	n := int32(0)
	if math.Float64bits(ax)>>52 == 0 {
		ax *= 0x1p53
		n -= 53
	}
	ix := int32(math.Float64bits(ax) >> 32)
	n += ix>>20 - 0x3ff
	j := ix & 0x000fffff
	ix = j | 0x3ff00000
	k := 0
	switch {
	case j <= 0x3988E:
	case j < 0xBB67A:
		k = 1
	default:
		n++
		ix -= 0x00100000
	}
	bp := [2]float64{1, 1.5}
	dpHigh := [2]float64{0, 5.84962487220764160156e-01}
	dpLow := [2]float64{0, 1.35003920212974897128e-08}
	ax = math.Float64frombits(math.Float64bits(ax)&0xffffffff | uint64(uint32(ix))<<32)
	u := ax - bp[k]
	v := 1 / (ax + bp[k])
	ss := u * v
	sh := high(ss)
	th := math.Float64frombits(uint64(uint32((ix>>1|0x20000000)+0x00080000+int32(k)<<18)) << 32)
	tl := ax - (th - bp[k])
	sl := v * ((u - sh*th) - sh*tl)
	s2 := ss * ss
	r := s2 * s2 * (5.99999999999994648725e-01 + s2*(4.28571428578550184252e-01+s2*(3.33333329818377432918e-01+
		s2*(2.72728123808534006489e-01+s2*(2.30660745775561754067e-01+s2*2.06975017800338417784e-01)))))
	r += sl * (sh + ss)
	s2 = sh * sh
	th = high(3 + s2 + r)
	tl = r - ((th - 3) - s2)
	u = sh * th
	v = sl*th + tl*ss
	ph := high(u + v)
	pl := v - (ph - u)
	zh := 9.61796700954437255859e-01 * ph
	zl := -7.02846165095275826516e-09*ph + pl*9.61796693925975554329e-01 + dpLow[k]
	t := float64(n)
	t1 = high(((zh + zl) + dpHigh[k]) + t)
	t2 = zl - (((t1 - t) - dpHigh[k]) - zh)
	return t1, t2
}

// exp2Parts is 2 to the power of the sum of two numbers.
func exp2Parts(ph, pl float64) float64 {
	z := ph + pl
	j := int32(math.Float64bits(z) >> 32)
	i := j & 0x7fffffff
	k := i>>20 - 0x3ff
	n := int32(0)
	if i > 0x3fe00000 {
		n = j + 0x00100000>>(k+1)
		k = (n&0x7fffffff)>>20 - 0x3ff
		t := math.Float64frombits(uint64(uint32(n&^(0x000fffff>>k))) << 32)
		n = n&0x000fffff | 0x00100000
		n >>= 20 - k
		if j < 0 {
			n = -n
		}
		ph -= t
	}
	t := high(pl + ph)
	u := t * 6.93147182464599609375e-01
	v := (pl-(t-ph))*6.93147180559945286227e-01 + t*-1.90465429995776804525e-09
	z = u + v
	w := v - (z - u)
	t = z * z
	t1 := z - t*(1.66666666666666019037e-01+t*(-2.77777777770155933842e-03+t*(6.61375632143793436117e-05+
		t*(-1.65339022054652515390e-06+t*4.13813679705723846039e-08))))
	r := (z*t1)/(t1-2) - (w + z*w)
	z = 1 - (r - z)
	if e := int32(math.Float64bits(z)>>32) + n<<20; e>>20 <= 0 {
		return math.Ldexp(z, int(n))
	}
	return math.Float64frombits(math.Float64bits(z) + uint64(int64(n))<<52)
}
