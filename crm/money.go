package crm

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Money is an amount in the currency's minor unit (kuruş, cent). It is never a
// float.
type Money struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"` // ISO 4217, such as "TRY"
}

// Add returns m+o. Different currencies and overflow are errors; a zero Money
// takes the other's currency.
func (m Money) Add(o Money) (Money, error) {
	if m == (Money{}) {
		return o, nil
	}
	if o == (Money{}) {
		return m, nil
	}
	if m.Currency != o.Currency {
		return m, fieldError("currency", fmt.Sprintf("%s and %s cannot be added", m.Currency, o.Currency))
	}
	if (o.Amount > 0 && m.Amount > math.MaxInt64-o.Amount) || (o.Amount < 0 && m.Amount < math.MinInt64-o.Amount) {
		return m, fieldError("amount", "overflows")
	}
	return Money{m.Amount + o.Amount, m.Currency}, nil
}

// String writes the amount with as many decimals as the currency has; it is for
// people, not for parsing.
func (m Money) String() string {
	sign, a := "", uint64(m.Amount)
	if m.Amount < 0 {
		sign, a = "-", uint64(-m.Amount)
	}
	text, decimals := strconv.FormatUint(a, 10), Decimals(m.Currency)
	if decimals > 0 {
		if n := decimals + 1 - len(text); n > 0 {
			text = strings.Repeat("0", n) + text
		}
		text = text[:len(text)-decimals] + "." + text[len(text)-decimals:]
	}
	return strings.TrimSpace(sign + text + " " + m.Currency)
}

// Decimals returns how many digits the minor unit of an ISO 4217 currency stands
// behind the point: 2 for TRY, 0 for JPY, 3 for KWD. It is 2 for a code that it does
// not know.
func Decimals(currency string) int {
	switch currency {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	case "CLF", "UYW":
		return 4
	}
	return 2
}

func (m Money) validate(field string) error {
	if m == (Money{}) {
		return nil
	}
	if len(m.Currency) != 3 || strings.Trim(m.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return fieldError(field+".currency", "is not an ISO 4217 code")
	}
	return nil
}
