package segment

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"iter"
	"math/bits"
	"slices"
)

// Lottery gives every customer a number that depends on the salt and the
// customer id alone: the first 64 bits of HMAC-SHA256(salt, customer). Samples,
// hold-outs and splits drawn by it never change for a customer as the population
// grows, and two lotteries with different salts are independent. It is safe for
// concurrent use.
type Lottery struct {
	inner, outer [sha256.BlockSize]byte
}

// NewLottery returns the lottery of a salt, e.g. the campaign's id. The salt need
// not be secret, but who knows it can tell who will be drawn.
func NewLottery(salt []byte) *Lottery {
	l := new(Lottery)
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

// Number returns the customer's number, uniform over all 64-bit values.
func (l *Lottery) Number(customer string) uint64 {
	var space [sha256.BlockSize + 128]byte
	inner := sha256.Sum256(append(append(space[:0], l.inner[:]...), customer...))
	outer := sha256.Sum256(append(append(space[:0], l.outer[:]...), inner[:]...))
	return binary.BigEndian.Uint64(outer[:8])
}

// Sample reports whether the customer is in a sample of part out of whole, e.g.
// 5 of 100. A larger sample of the same lottery contains every smaller one. It
// is false for part <= 0 and true for part >= whole > 0.
func (l *Lottery) Sample(customer string, part, whole int) bool {
	return part > 0 && whole > 0 && (part >= whole || l.place(customer, whole) < part)
}

// Split puts the customer in one of the arms, by weight: Split(c, 10, 45, 45) is
// 0 for a tenth of all customers. It is -1 if no weight is positive or their sum
// overflows; negative weights count as 0.
func (l *Lottery) Split(customer string, weights ...int) int {
	total := 0
	for _, w := range weights {
		if total += max(w, 0); total < 0 {
			return -1
		}
	}
	if total == 0 {
		return -1
	}
	at := l.place(customer, total)
	for arm, w := range weights {
		if at -= max(w, 0); at < 0 {
			return arm
		}
	}
	return -1
}

// place maps the customer's number evenly to 0 … n-1.
func (l *Lottery) place(customer string, n int) int {
	hi, _ := bits.Mul64(l.Number(customer), uint64(n))
	return int(hi)
}

// Stratified draws, from each stratum by itself, the nearest whole number to
// part out of whole of its customers (halves up): those with the lowest numbers. Rows are
// (customer, stratum), in any order; the result is by stratum and customer. A
// customer named twice in a stratum counts once.
func (l *Lottery) Stratified(rows iter.Seq2[string, string], part, whole int) map[string][]string {
	type ticket struct {
		number   uint64
		customer string
	}
	strata := make(map[string][]ticket)
	for customer, stratum := range rows {
		strata[stratum] = append(strata[stratum], ticket{l.Number(customer), customer})
	}
	out := make(map[string][]string, len(strata))
	for stratum, tickets := range strata {
		slices.SortFunc(tickets, func(a, b ticket) int {
			return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.customer, b.customer))
		})
		tickets = slices.Compact(tickets)
		tickets = tickets[:share(len(tickets), part, whole)]
		picked := make([]string, len(tickets))
		for i, t := range tickets {
			picked[i] = t.customer
		}
		slices.Sort(picked)
		out[stratum] = picked
	}
	return out
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
