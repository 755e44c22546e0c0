package token

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

// Number is a whole number of 192 bits, the highest word first.
type Number [3]uint64

// Put writes the number as digits to the base of 62, as many as text is long. Higher
// digits are lost.
func (n Number) Put(text []byte) {
	for i := len(text) - 1; i >= 0; i-- {
		var rest uint64
		n[0], rest = n[0]/62, n[0]%62
		n[1], rest = bits.Div64(rest, n[1], 62)
		n[2], rest = bits.Div64(rest, n[2], 62)
		text[i] = alphabet[rest]
	}
}

// Parse reads digits to the base of 62, or reports another character. The number must
// have room for them, 32 digits. Every number has one spelling of a length, so that no
// token can be altered and still say the same.
func Parse(text string) (n Number, ok bool) {
	for len(text) > 0 {
		part := text[:min(len(text), perWord)]
		text = text[len(part):]
		add, times := uint64(0), uint64(1)
		for i := range len(part) {
			d := digits[part[i]]
			if d == noDigit {
				return n, false
			}
			add, times = add*62+uint64(d), times*62
		}
		n[2], add = mulAdd(n[2], times, add)
		n[1], add = mulAdd(n[1], times, add)
		n[0] = n[0]*times + add
	}
	return n, true
}

// perWord is how many digits 64 bits have room for.
const perWord = 10

func mulAdd(x, times, add uint64) (lo, hi uint64) {
	hi, lo = bits.Mul64(x, times)
	lo, carry := bits.Add64(lo, add, 0)
	return lo, hi + carry
}
