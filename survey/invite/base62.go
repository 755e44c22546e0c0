package invite

import "math/bits"

// TokenSize is the number of characters of every token. 62^22 is 7.95 times
// 2^128: beside id and tag there is room for a key id of 0 to 6.
const TokenSize = 22

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// encode writes the number key·2^128 + id·2^64 + tag in base 62.
func encode(key, id, tag uint64) string {
	var out [TokenSize]byte
	for i := TokenSize - 1; i >= 0; i-- {
		var rem uint64
		key, rem = key/62, key%62
		id, rem = bits.Div64(rem, id, 62)
		tag, rem = bits.Div64(rem, tag, 62)
		out[i] = alphabet[rem]
	}
	return string(out[:])
}

// decode reads what encode wrote. Every number has one spelling, so a token
// cannot be altered and still name the same invitation.
func decode(s string) (key, id, tag uint64, ok bool) {
	if len(s) != TokenSize {
		return 0, 0, 0, false
	}
	for i := range len(s) {
		d, valid := digit(s[i])
		if !valid {
			return 0, 0, 0, false
		}
		var carry, over uint64
		tag, carry = mulAdd(tag, d)
		id, over = mulAdd(id, carry)
		key = key*62 + over // below 8: the whole number is below 62^22
	}
	return key, id, tag, true
}

func mulAdd(x, add uint64) (lo, hi uint64) {
	hi, lo = bits.Mul64(x, 62)
	lo, c := bits.Add64(lo, add, 0)
	return lo, hi + c
}

func digit(c byte) (uint64, bool) {
	switch {
	case c >= '0' && c <= '9':
		return uint64(c - '0'), true
	case c >= 'A' && c <= 'Z':
		return uint64(c-'A') + 10, true
	case c >= 'a' && c <= 'z':
		return uint64(c-'a') + 36, true
	}
	return 0, false
}
