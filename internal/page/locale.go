package page

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Locale writes numbers, money and dates as readers of a language do.
type Locale struct {
	Tag          string // of BCP 47: the page's lang
	group, point string
	percent      string // with %s for the number
	money        func(amount, currency string) string
	months       [12]string
	plural       func(n int) bool
}

// English writes 17,497, 97.7%, ₺10,759.90 and 1 January 2025.
var English = &Locale{
	Tag: "en", group: ",", point: ".", percent: "%s%%",
	money: func(amount, currency string) string {
		if s := symbols[currency]; s != "" {
			return s + amount
		}
		return currency + "\u00a0" + amount
	},
	months: [12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
	plural: func(n int) bool { return n != 1 && n != -1 },
}

// Turkish writes 17.497, %97,7, 10.759,90 ₺ and 1 Ocak 2025. Turkish counts with
// the singular: 1 müşteri, 5 müşteri.
var Turkish = &Locale{
	Tag: "tr", group: ".", point: ",", percent: "%%%s",
	money: func(amount, currency string) string {
		if s := symbols[currency]; s != "" {
			currency = s
		}
		return amount + "\u00a0" + currency
	},
	months: [12]string{"Ocak", "Şubat", "Mart", "Nisan", "Mayıs", "Haziran", "Temmuz", "Ağustos", "Eylül", "Ekim", "Kasım", "Aralık"},
	plural: func(int) bool { return false },
}

// For returns the locale of a language tag, English for one that is not known.
func For(tag string) *Locale {
	if language, _, _ := strings.Cut(strings.ToLower(tag), "-"); language == "tr" {
		return Turkish
	}
	return English
}

var symbols = map[string]string{"TRY": "₺", "EUR": "€", "USD": "$", "GBP": "£"}

// Int writes a whole number.
func (l *Locale) Int(n int) string { return l.digits(strconv.Itoa(n)) }

// Decimal writes a number with so many digits behind the point.
func (l *Locale) Decimal(v float64, decimals int) string {
	return l.digits(strconv.FormatFloat(v, 'f', decimals, 64))
}

// digits groups a plain number and gives it a real minus; nothing is less than 0.
func (l *Locale) digits(s string) string {
	s, negative := strings.CutPrefix(s, "-")
	whole, fraction, _ := strings.Cut(s, ".")
	var b strings.Builder
	if negative && strings.Trim(s, "0.") != "" {
		b.WriteString("−")
	}
	for i, r := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteString(l.group)
		}
		b.WriteRune(r)
	}
	if fraction != "" {
		b.WriteString(l.point + fraction)
	}
	return b.String()
}

// Percent writes a share, 0 to 1, with so many digits behind the point.
func (l *Locale) Percent(share float64, decimals int) string {
	return l.percentOf(l.Decimal(100*share, decimals))
}

func (l *Locale) percentOf(number string) string {
	sign := ""
	for _, s := range []string{"<", ">", "−"} {
		if rest, ok := strings.CutPrefix(number, s); ok {
			sign, number = s, rest
		}
	}
	return sign + strings.ReplaceAll(strings.Replace(l.percent, "%s", number, 1), "%%", "%")
}

// Part writes a share of n in whole percent; what is little is not nothing, and what
// is nearly all is not all.
func (l *Locale) Part(n, of int) string {
	switch {
	case of <= 0 || n <= 0:
		return l.percentOf("0")
	case 200*n < of:
		return l.percentOf("<1")
	case 200*(of-n) < of && n < of:
		return l.percentOf(">99")
	}
	return l.percentOf(strconv.Itoa((200*n + of) / (2 * of)))
}

// Probability writes a probability, so that a small one is not nothing.
func (l *Locale) Probability(p float64) string {
	switch {
	case p <= 0:
		return l.percentOf("0")
	case p < 0.0001:
		return l.percentOf("<" + l.Decimal(0.01, 2))
	case p < 0.01:
		return l.Percent(p, 2)
	case p > 0.9999 && p < 1:
		return l.percentOf(">" + l.Decimal(99.99, 2))
	}
	return l.Percent(p, 1)
}

// Money writes an amount of minor units, of which a unit has ten to the power of
// digits: 2 for TRY.
func (l *Locale) Money(minor int64, digits int, currency string) string {
	text := l.money(l.Decimal(math.Abs(float64(minor))/math.Pow10(digits), digits), currency)
	if minor < 0 {
		return "−" + text
	}
	return text
}

// Date writes a day: 1 January 2025, 1 Ocak 2025.
func (l *Locale) Date(t time.Time) string {
	return strconv.Itoa(t.Day()) + " " + l.months[t.Month()-1] + " " + strconv.Itoa(t.Year())
}

// Day writes a day without its year, with the month cut to three letters.
func (l *Locale) Day(t time.Time) string {
	return strconv.Itoa(t.Day()) + " " + string([]rune(l.months[t.Month()-1])[:3])
}

// Count writes a number with what is counted: 1 customer, 5 customers, 5 müşteri.
func (l *Locale) Count(n int, one, many string) string {
	if l.plural(n) {
		return l.Int(n) + " " + many
	}
	return l.Int(n) + " " + one
}
