package link

import "math/bits"

const (
	alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	noDigit  = 0xff
)

// digits is the inverse of alphabet.
var digits = func() (t [256]byte) {
	for i := range t {
		t[i] = noDigit
	}
	for i := range len(alphabet) {
		t[alphabet[i]] = byte(i)
	}
	return t
}()

// divmod62 divides a 128-bit number by 62.
func divmod62(hi, lo uint64) (qhi, qlo, r uint64) {
	qhi, r = hi/62, hi%62
	qlo, r = bits.Div64(r, lo, 62)
	return qhi, qlo, r
}

// muladd62 returns 62 times a number plus d. Fourteen digits cannot overflow it.
func muladd62(hi, lo, d uint64) (uint64, uint64) {
	over, low := bits.Mul64(lo, 62)
	low, carry := bits.Add64(low, d, 0)
	return hi*62 + over + carry, low
}
