package columns

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// sampled is the number of rows whose cells are looked at.
const sampled = 1000

// cellsOf counts what stands in the cells of a column.
type cellsOf struct {
	filled                                                int
	phones, emails, dates, names, texts, numbered, shorts int
	distinct                                              map[string]struct{} // the first few
	votes                                                 dateVotes
}

// mostDistinct bounds the values of a column that are told apart.
const mostDistinct = 64

func (c *cellsOf) look(s string) {
	s = strings.TrimSpace(s)
	letters, digits, masks, at := 0, 0, 0, false
	for i := 0; i < len(s) && i < 512; {
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r == '@':
			at = true
		case r == '*' || r == '#':
			masks++
		case unicode.IsLetter(r):
			letters++
		}
	}
	if letters+digits == 0 {
		return // "", "-", "?"
	}
	c.filled++
	one := func(n *int, yes bool) {
		if yes {
			*n++
		}
	}
	one(&c.emails, at)
	one(&c.phones, !at && digits+masks >= 7 && (letters <= digits || strings.Contains(strings.ToUpper(s), "E+")))
	one(&c.names, !at && letters > digits && len(s) <= 120)
	one(&c.texts, !at && letters > 0)
	one(&c.numbered, digits > 0)
	one(&c.shorts, len(s) <= 20)
	one(&c.dates, isDate(s))
	if c.distinct == nil {
		c.distinct = map[string]struct{}{}
	}
	if len(c.distinct) < mostDistinct {
		c.distinct[strings.Clone(s)] = struct{}{}
	}
}

// isDate reports whether a cell is a date of birth, or the year of one.
func isDate(s string) bool {
	iso := DayFirst.iso(s, 2000)
	if len(iso) >= 10 && (iso[4] == '-' || iso[4] == '/') {
		iso = iso[:4]
	}
	if len(iso) == 8 && digits(iso) || len(iso) == 7 && iso[4] == '-' {
		iso = iso[:4]
	}
	return len(iso) == 4 && digits(iso) && iso >= "1000" && iso <= "2199" || iso == "0000"
}

// doubt returns why cells are not what the name of their column says, "" where they are or
// where there are none. Half of them must be.
func (c *cellsOf) doubt(m meaning) string {
	if c == nil || c.filled == 0 {
		return ""
	}
	many := func(n int, what string) string {
		if 2*n >= c.filled {
			return ""
		}
		return fmt.Sprintf("%d of %d cells are no %s", c.filled-n, c.filled, what)
	}
	switch m {
	case mPhone:
		return many(c.phones, "phone numbers")
	case mEmail:
		return many(c.emails, "e-mail addresses")
	case mBirth:
		return many(c.dates, "dates")
	case mYear, mMonth, mDay:
		return many(c.numbered, "numbers")
	case mGender:
		if len(c.distinct) > 12 || 2*c.shorts < c.filled {
			return fmt.Sprintf("it has %d different values", len(c.distinct))
		}
	case mGiven, mFamily, mName, mFull, mTitle:
		if why := many(c.names, "names"); why != "" {
			return why
		}
		if c.filled >= 50 && len(c.distinct) <= 3 {
			return fmt.Sprintf("it has %d different values only", len(c.distinct))
		}
	case mCity, mTown, mDistrict:
		return many(c.filled-c.emails-c.phones, "places")
	case mPostcode:
		if why := many(c.numbered, "postcodes"); why != "" {
			return why
		}
		return many(c.shorts, "postcodes")
	case mStreet, mWay, mAddress:
		return many(c.texts, "addresses")
	case mHouse:
		return many(c.shorts, "numbers of houses")
	}
	return ""
}
