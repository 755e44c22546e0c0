package world

import (
	"math"
	"math/bits"
)

// Every choice in the world is drawn from one of these streams, so that a new
// choice in one place does not shift the choices of another.
const (
	streamLife = iota + 1
	streamPerson
	streamProfile
	streamHousehold
	streamPast
	streamDay
	streamStory
	streamGoods
	streamTrouble
	streamDelivery
	streamConsent
	streamUpdate
	streamPhone
	streamReaction
	streamGateway
	streamKeys
)

const golden = 0x9e3779b97f4a7c15

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection on
// 64 bits in which each input bit changes half of the output bits.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// random is SplitMix64. It fits in a register, which matters where a million
// people are each made from a stream of their own.
type random struct{ state uint64 }

// random returns the stream of the world's seed, a purpose and two numbers.
func (w *World) random(stream, a, b uint64) random {
	return random{mix(mix(mix(w.seed+stream*golden)+a*0xd1342543de82ef95) + b*0xaf251af3b0f025b5)}
}

func (r *random) next() uint64 {
	r.state += golden
	return mix(r.state)
}

// below returns a number in [0, n).
func (r *random) below(n int) int {
	hi, _ := bits.Mul64(r.next(), uint64(n))
	return int(hi)
}

// between returns a number in [lo, hi].
func (r *random) between(lo, hi int) int { return lo + r.below(hi-lo+1) }

// unit returns a number in [0, 1).
func (r *random) unit() float64 { return float64(r.next()>>11) * (1.0 / (1 << 53)) }

// chance is true with probability p.
func (r *random) chance(p float64) bool { return r.unit() < p }

// table draws from a fixed distribution in one step: each value fills as many
// of the 2^14 slots as its share asks for.
type table []uint16

func newTable(weights ...float64) table {
	sum := 0.0
	for _, x := range weights {
		sum += x
	}
	t := make(table, 1<<14)
	upTo, value := weights[0]/sum, 0
	for i := range t {
		for float64(i) >= upTo*float64(len(t)) && value < len(weights)-1 {
			value++
			upTo += weights[value] / sum
		}
		t[i] = uint16(value)
	}
	return t
}

// newZipf gives the k-th of n values a share of 1/(k+3)^s.
func newZipf(n int, s float64) table {
	weights := make([]float64, n)
	for k := range weights {
		weights[k] = math.Pow(float64(k+3), -s)
	}
	return newTable(weights...)
}

// newWait is a geometric waiting time in days with the given mean, cut off at
// the 16,384th quantile.
func newWait(mean float64) table {
	t := make(table, 1<<14)
	for i := range t {
		u := (float64(i) + 0.5) / float64(len(t))
		t[i] = uint16(-mean * math.Log(1-u))
	}
	return t
}

func (t table) draw(r *random) int { return int(t[r.next()>>50]) }

// scramble is a bijection on numbers of an even count of bits, with its
// inverse. It turns (person, counter) into ids that look like any system's,
// and back again, so that nobody has to remember who is behind an id.
type scramble struct {
	half, mask, key  uint64
	mul, inv, second uint64
	secondInv        uint64
}

func newScramble(bitCount uint, key random) scramble {
	s := scramble{half: uint64(bitCount / 2), mask: 1<<bitCount - 1}
	s.key = key.next() & s.mask
	s.mul, s.second = key.next()|1, key.next()|1
	s.inv, s.secondInv = inverse(s.mul), inverse(s.second)
	return s
}

// inverse returns the inverse of an odd number modulo 2^64, by Newton.
func inverse(a uint64) uint64 {
	x := a
	for range 6 {
		x *= 2 - a*x
	}
	return x
}

func (s *scramble) do(x uint64) uint64 {
	x = (x ^ s.key) * s.mul & s.mask
	x ^= x >> s.half
	x = x * s.second & s.mask
	return x ^ x>>s.half
}

func (s *scramble) undo(x uint64) uint64 {
	x ^= x >> s.half
	x = x * s.secondInv & s.mask
	x ^= x >> s.half
	return x*s.inv&s.mask ^ s.key
}
