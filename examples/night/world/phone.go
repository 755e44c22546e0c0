package world

// Numbers are 10 digits in the Turkish mobile ranges 50x, 53x, 54x and 55x.
const (
	numberSpace = 400_000_000
	half        = 20_000 // the square root of numberSpace
	perPerson   = 16     // numbers that a person may come to have
	placeholder = "5555555555"
)

// number returns the n-th number of a person, n < 16. Different persons have
// different numbers: it is a Feistel network over the pairs of remainders.
func (w *World) number(person, n int) [10]byte {
	x := w.shuffleNumber(uint64(person*perPerson + n))
	if x == 355_555_555 { // what tills type where there is no number
		x = w.shuffleNumber(numberSpace - 1)
	}
	var b [10]byte
	block := x / 10_000_000
	b[0], b[1], b[2] = '5', "0345"[block/10], byte('0'+block%10)
	for i, rest := 9, x%10_000_000; i > 2; i, rest = i-1, rest/10 {
		b[i] = byte('0' + rest%10)
	}
	return b
}

func (w *World) shuffleNumber(x uint64) uint64 {
	a, b := x/half, x%half
	for round := range uint64(4) {
		a, b = b, (a+mix(w.numberKey+round+b<<8))%half
	}
	return a*half + b
}

// writeNumber writes 10 digits in one of the eight ways of the sources.
func writeNumber(b []byte, style int, p []byte) []byte {
	part := func(sep string, cuts ...int) []byte {
		at := 0
		for i, c := range cuts {
			if i > 0 {
				b = append(b, sep...)
			}
			b = append(b, p[at:c]...)
			at = c
		}
		return b
	}
	switch style {
	case 0:
		b = append(b, "+90"...)
	case 1:
		b = append(b, '0')
	case 2:
		b = append(b, "+90 "...)
		return part(" ", 3, 6, 8, 10)
	case 3:
		b = append(append(append(b, "0("...), p[:3]...), ") "...)
		b = append(append(append(b, p[3:6]...), ' '), p[6:8]...)
		return append(append(b, ' '), p[8:]...)
	case 4:
		b = append(b, "0090"...)
	case 5:
		b = append(b, "0 "...)
		return part(" ", 3, 6, 10)
	case 6:
		return part("-", 3, 6, 10)
	}
	return append(b, p...)
}

// readNumber is the importer's side: it takes what a source wrote and returns
// E.164, or "" where that is no Turkish mobile number.
func readNumber(raw []byte) string {
	var digits [16]byte
	n := 0
	for _, c := range raw {
		if c >= '0' && c <= '9' {
			if n == len(digits) {
				return ""
			}
			digits[n] = c
			n++
		}
	}
	if n < 10 || digits[n-10] != '5' {
		return ""
	}
	switch string(digits[:n-10]) {
	case "", "0", "90", "090", "0090":
	default:
		return ""
	}
	e164 := [13]byte{'+', '9', '0'}
	copy(e164[3:], digits[n-10:n])
	return string(e164[:])
}
