package importer

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
)

func isCurrency(s string) bool {
	return len(s) == 3 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// number is how a file writes numbers.
type number struct {
	decimal byte // '.' or ','; 0 means '.'
	round   bool // half away from zero, where there are too many decimals
	plain   bool // errors suggest nothing
}

// parseAmount reads an amount of a currency into its minor unit, without ever
// making a float of it: "1.234,50" with the decimal sign ',' is 123450 kuruş. A sign, blanks, the
// currency's code or sign and grouping by threes are understood. More decimals
// than the currency has are an error, unless they are zeros.
func parseAmount(s, currency string, decimal byte) (int64, error) {
	if decimal != ',' {
		decimal = '.'
	}
	return number{decimal: decimal}.amount(s, currency)
}

func (n number) amount(s, currency string) (int64, error) {
	t := strings.TrimSpace(s)
	for _, sign := range [...]string{currency, "₺", "TL", "€", "$", "£"} {
		if sign == "" {
			continue
		}
		if rest, ok := strings.CutPrefix(t, sign); ok {
			t = strings.TrimSpace(rest)
			break
		}
		if rest, ok := strings.CutSuffix(t, sign); ok {
			t = strings.TrimSpace(rest)
			break
		}
	}
	return n.parse(s, t, crm.Decimals(currency))
}

// whole reads an integer.
func (n number) whole(s string) (int64, error) {
	n.round = false
	return n.parse(s, strings.TrimSpace(s), 0)
}

func (n number) parse(s, t string, exp int) (int64, error) {
	if n.decimal == 0 {
		n.decimal = '.'
	}
	bad := func(why string) error { return fmt.Errorf("%s %s", quote(s), why) }
	neg := false
	switch {
	case strings.HasPrefix(t, "-"):
		neg, t = true, t[1:]
	case strings.HasPrefix(t, "−"):
		neg, t = true, t[len("−"):]
	case strings.HasPrefix(t, "+"):
		t = t[1:]
	}
	whole, frac, dotted := strings.Cut(t, string(n.decimal))
	if dotted && frac == "" {
		return 0, bad("is no number")
	}
	digits, ok := ungroup(whole, n.decimal)
	if !ok || digits == "" && frac == "" || strings.Trim(frac, "0123456789") != "" {
		if n.plain {
			return 0, bad("is no number")
		}
		other := number{decimal: '.' + ',' - n.decimal, round: true, plain: true}
		if _, err := other.parse(s, t, exp); err == nil {
			return 0, bad(fmt.Sprintf("is no number with the decimal sign %q; is it %q? Then set decimal: %q in %s", n.decimal, other.decimal, string(other.decimal), mappingFile))
		}
		return 0, bad("is no number")
	}
	up := false
	if len(frac) > exp {
		rest := frac[exp:]
		if frac = frac[:exp]; strings.Trim(rest, "0") != "" {
			if !n.round {
				return 0, bad(fmt.Sprintf("has more than %d decimals; set round: true in %s to round them", exp, mappingFile))
			}
			up = rest[0] >= '5'
		}
	}
	var v int64
	for _, part := range [...]string{digits, frac, strings.Repeat("0", exp-len(frac))} {
		for _, c := range []byte(part) {
			d := int64(c - '0')
			if v > (math.MaxInt64-d-1)/10 {
				return 0, bad("is too large")
			}
			v = v*10 + d
		}
	}
	if up {
		v++
	}
	if neg {
		v = -v
	}
	return v, nil
}

// ungroup returns the digits of a whole number that may be grouped by threes:
// with blanks, apostrophes or whichever of comma and dot is not the decimal
// sign, always the same one.
func ungroup(s string, decimal byte) (string, bool) {
	if strings.Trim(s, "0123456789") == "" {
		return s, true
	}
	sep := ""
	for _, c := range [...]string{".", ",", " ", "\u00a0", "\u202f", "'", "’"} {
		if c != string(decimal) && strings.Contains(s, c) {
			sep = c
			break
		}
	}
	if sep == "" {
		return "", false
	}
	var b strings.Builder
	for i, g := range strings.Split(s, sep) {
		if strings.Trim(g, "0123456789") != "" || i > 0 && len(g) != 3 || i == 0 && (g == "" || len(g) > 3) {
			return "", false
		}
		b.WriteString(g)
	}
	return b.String(), true
}

// defaultLayouts are the ways to write a time that need no declaration. They
// cannot be mistaken for one another.
var defaultLayouts = []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02"}

// checkLayout reports what is wrong with a layout of package time.
func checkLayout(layout string) error {
	if layout == "unix" {
		return nil
	}
	if strings.Contains(layout, "MST") {
		return fmt.Errorf("%s has a zone's abbreviation, of which several zones may have the same; an offset, -0700, says which", quote(layout))
	}
	for _, probe := range [...]time.Time{
		time.Date(2023, 11, 25, 21, 38, 47, 0, time.UTC), time.Date(2019, 2, 8, 3, 4, 5, 0, time.UTC),
	} {
		got, err := time.Parse(layout, probe.Format(layout))
		if err != nil || got.Year() != probe.Year() || got.YearDay() != probe.YearDay() {
			return fmt.Errorf("%s does not say which day; write the moment 2006-01-02 15:04:05 the way the file does, such as 02.01.2006 15:04, or unix", quote(layout))
		}
	}
	return nil
}

// clock is how a file writes times.
type clock struct {
	layouts []string // empty: defaultLayouts
	zone    *time.Location
}

func (c clock) ways() []string {
	if len(c.layouts) == 0 {
		return defaultLayouts
	}
	return c.layouts
}

func (c clock) time(s string) (time.Time, error) {
	zone := c.zone
	if zone == nil {
		zone = time.UTC
	}
	for _, layout := range c.ways() {
		t, err := time.Time{}, error(nil)
		if layout == "unix" {
			var sec int64
			if sec, err = (number{}).whole(s); err == nil && sec > -1<<36 && sec < 1<<36 {
				t = time.Unix(sec, 0)
			}
		} else {
			t, err = time.ParseInLocation(layout, s, zone)
		}
		if err != nil {
			continue
		}
		if y := t.UTC().Year(); y < 1900 || y > 2200 {
			return time.Time{}, fmt.Errorf("%s is not between the years 1900 and 2200", quote(s))
		}
		return t.UTC().Truncate(time.Microsecond), nil
	}
	return time.Time{}, fmt.Errorf("%s is no time of the layouts %s", quote(s), strings.Join(c.ways(), " | "))
}

// birth returns a date of birth as ISO 8601: a day, a month or a year.
func (c clock) birth(s string) (string, error) {
	for _, layout := range [...]string{"2006", "2006-01"} {
		if _, err := time.Parse(layout, s); err == nil {
			return s, nil
		}
	}
	c.zone = time.UTC
	t, err := c.time(s)
	if err != nil {
		return "", err
	}
	return t.Format(time.DateOnly), nil
}
