package ir

import (
	"strconv"
	"strings"
)

// Scaled reports whether the term is a decimal.
func (t *Term) Scaled() bool { return t.Kind == Int && t.Scale > 0 }

// ScaleOf returns the scale of a decimal, else 0.
func ScaleOf(t *Term) uint8 {
	if t.Scaled() {
		return t.Scale
	}
	return 0
}

// DecimalText spells an integer of a scale with all its digits.
func DecimalText(n int64, scale uint8) string {
	if scale == 0 {
		return strconv.FormatInt(n, 10)
	}
	sign, digits := "", strconv.FormatInt(n, 10)
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	if missing := int(scale) + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	point := len(digits) - int(scale)
	return sign + digits[:point] + "." + digits[point:]
}
