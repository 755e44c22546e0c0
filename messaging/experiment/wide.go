package experiment

import (
	"math/big"
	"math/bits"
)

// wide is a sum of products of amounts, a whole number of 128 bits in two's complement:
// what floating point would round differently in another order.
type wide struct{ hi, lo uint64 }

// add adds x*y.
func (w *wide) add(x, y int64) {
	hi, lo := bits.Mul64(magnitude(x), magnitude(y))
	if (x < 0) != (y < 0) {
		var carry uint64
		lo, carry = bits.Add64(^lo, 1, 0)
		hi, _ = bits.Add64(^hi, 0, carry)
	}
	var carry uint64
	w.lo, carry = bits.Add64(w.lo, lo, 0)
	w.hi, _ = bits.Add64(w.hi, hi, carry)
}

func magnitude(x int64) uint64 {
	if x < 0 {
		return -uint64(x)
	}
	return uint64(x)
}

func (w wide) big() *big.Int {
	out := new(big.Int).SetUint64(w.hi)
	if int64(w.hi) < 0 {
		out.SetInt64(int64(w.hi))
	}
	return out.Lsh(out, 64).Add(out, new(big.Int).SetUint64(w.lo))
}

// central returns the sum of products of differences from the means of n pairs: that of
// their products less the product of their sums over n, rounded once.
func central(n int64, products wide, x, y int64) float64 {
	if n == 0 {
		return 0
	}
	num := products.big()
	num.Mul(num, big.NewInt(n))
	num.Sub(num, new(big.Int).Mul(big.NewInt(x), big.NewInt(y)))
	f, _ := new(big.Rat).SetFrac(num, big.NewInt(n)).Float64()
	return f
}
