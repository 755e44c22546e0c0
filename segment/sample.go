package segment

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
)

// lottery gives every customer a number that depends on the salt and the
// customer id alone: the first 64 bits of HMAC-SHA256(salt, customer). Samples,
// hold-outs and splits drawn by it never change for a customer as the population
// grows, and two lotteries with different salts are independent. It is safe for
// concurrent use.
type lottery struct {
	inner, outer [sha256.BlockSize]byte
}

// newLottery returns the lottery of a salt, e.g. the campaign's id. The salt need
// not be secret, but who knows it can tell who will be drawn.
func newLottery(salt []byte) *lottery {
	l := new(lottery)
	if len(salt) > sha256.BlockSize { // RFC 2104
		sum := sha256.Sum256(salt)
		salt = sum[:]
	}
	copy(l.inner[:], salt)
	copy(l.outer[:], salt)
	for i := range l.inner {
		l.inner[i] ^= 0x36
		l.outer[i] ^= 0x5c
	}
	return l
}

// number returns the customer's number, uniform over all 64-bit values.
func (l *lottery) number(customer string) uint64 {
	var space [sha256.BlockSize + 128]byte
	inner := sha256.Sum256(append(append(space[:0], l.inner[:]...), customer...))
	outer := sha256.Sum256(append(append(space[:0], l.outer[:]...), inner[:]...))
	return binary.BigEndian.Uint64(outer[:8])
}

// share returns n·part/whole to the nearest whole number, within 0 … n.
func share(n, part, whole int) int {
	if part <= 0 || whole <= 0 {
		return 0
	}
	if part >= whole {
		return n
	}
	hi, lo := bits.Mul64(uint64(n), uint64(part))
	quo, rem := bits.Div64(hi, lo, uint64(whole))
	if rem >= uint64(whole)-rem {
		quo++
	}
	return int(quo)
}
