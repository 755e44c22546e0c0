package page

import (
	"cmp"
	"embed"
	"errors"
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"
	"time"
)

//go:embed languages/*.json
var files embed.FS

// languages are those that have a file, by their tag.
var languages = func() map[string]*Locale {
	out := map[string]*Locale{}
	names, err := fs.Glob(files, "languages/*.json")
	for _, name := range names {
		data, failed := files.ReadFile(name)
		l, bad := (&Locale{Tag: strings.TrimSuffix(path.Base(name), ".json")}).With(data)
		err, out[l.Tag] = errors.Join(err, failed, bad), l
	}
	if err != nil {
		panic(err) // the files are part of the program
	}
	return out
}()

// English writes 17,497, 97.7%, ₺10,759.90 and 1 January 2025; Turkish 17.497, %97,7,
// 10.759,90 ₺ and 1 Ocak 2025.
var English, Turkish = languages["en"], languages["tr"]

// For returns the locale of a language tag such as "tr" or "tr-TR", English for a language
// without a file.
func For(tag string) *Locale {
	language, _, _ := strings.Cut(strings.ToLower(tag), "-")
	return cmp.Or(languages[language], English)
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
			b.WriteString(l.Group)
		}
		b.WriteRune(r)
	}
	if fraction != "" {
		b.WriteString(l.Point + fraction)
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
	return sign + fill(l.formats.Percent, number)
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
	format, unit := l.formats.Money, symbols[currency]
	if unit == "" {
		format, unit = l.Code, currency
	}
	text := fill(format, l.Decimal(math.Abs(float64(minor))/math.Pow10(digits), digits), unit)
	if minor < 0 {
		return "−" + text
	}
	return text
}

// Signed writes a number with its sign, + or a real minus; nothing has none.
func (l *Locale) Signed(v float64, decimals int) string {
	s := l.Decimal(v, decimals)
	if v > 0 && strings.Trim(s, "0"+l.Point) != "" {
		return "+" + s
	}
	return s
}

// Date writes a day: 1 January 2025, 1 Ocak 2025.
func (l *Locale) Date(t time.Time) string {
	return fill(l.formats.Date, strconv.Itoa(t.Day()), l.Months[t.Month()-1], strconv.Itoa(t.Year()))
}

// Day writes a day without its year, with the month cut to three letters.
func (l *Locale) Day(t time.Time) string {
	return fill(l.formats.Day, strconv.Itoa(t.Day()), string([]rune(l.Months[t.Month()-1])[:3]))
}
