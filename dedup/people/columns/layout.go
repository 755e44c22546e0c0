package columns

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/dedup/people"
)

// Layout fills records from the rows of one table. It is for one goroutine.
type Layout struct {
	// Year is the present one. A year of birth of two digits is the last one up to it; where
	// it is 0, such dates are not read.
	Year int

	order Order
	at    map[Role][]int
	// What at says, for each row.
	given, family, full, gender, births, phones, emails, city, district, postcode, street []int
	extras                                                                                [][]int
}

// Bind finds the columns of the mapping in a header. Extras are the attributes that records
// are to have, in the order of people.Options.Extra, also those that this table has not; nil
// means the mapping's own. It fails with a [MappingError] for every column that is not there
// or stands twice.
func (m Mapping) Bind(header []string, extras []string) (*Layout, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	if extras == nil {
		extras = m.Extras()
	}
	l := &Layout{at: map[Role][]int{}, order: DayFirst}
	var faults []error
	for _, c := range m.Columns {
		i := slices.Index(header, c.Name)
		switch {
		case i < 0:
			faults = append(faults, &MappingError{c.Name, "there is no such column; there are " + strings.Join(header, ", ")})
		case slices.Contains(header[i+1:], c.Name):
			faults = append(faults, &MappingError{c.Name, "stands twice in the header"})
		}
		if name, ok := c.Role.Extra(); ok && !slices.Contains(extras, name) {
			faults = append(faults, &MappingError{c.Name, fmt.Sprintf("the attribute %q is none of the records'", name)})
		}
		l.at[c.Role] = append(l.at[c.Role], i)
		if c.Dates != "" {
			l.order = c.Dates
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	l.given, l.family, l.full, l.gender, l.births, l.phones, l.emails = l.at[Given], l.at[Family], l.at[Full], l.at[Gender], l.at[Birth], l.at[Phone], l.at[Email]
	l.city, l.district, l.postcode, l.street = l.at[City], l.at[District], l.at[Postcode], l.at[Street]
	for _, name := range extras {
		l.extras = append(l.extras, l.at[Extra(name)])
	}
	return l, nil
}

// Columns returns where the columns of a role are.
func (l *Layout) Columns(r Role) []int { return l.at[r] }

// Record fills a record from a row, but for its ID, its Source and what no column has: for
// those see Columns. The slices in the record are overwritten, so that records which are kept
// must be several values, not copies of one. A row that is shorter than the header has empty
// cells.
func (l *Layout) Record(row []string, rec *people.Record) {
	rec.Given, rec.Family, rec.FullName, rec.Gender = joined(row, l.given), joined(row, l.family), joined(row, l.full), joined(row, l.gender)
	rec.Birth = l.birth(row)
	rec.Phones, rec.Emails = several(rec.Phones, row, l.phones), several(rec.Emails, row, l.emails)
	rec.City, rec.District, rec.Postcode, rec.Street = joined(row, l.city), joined(row, l.district), joined(row, l.postcode), joined(row, l.street)
	rec.Extra = rec.Extra[:0]
	for _, cols := range l.extras {
		rec.Extra = append(rec.Extra, joined(row, cols))
	}
}

func cell(row []string, i int) string {
	if i < len(row) {
		return row[i]
	}
	return ""
}

// joined returns cells with blanks between.
func joined(row []string, cols []int) string {
	switch len(cols) {
	case 0:
		return ""
	case 1:
		return cell(row, cols[0])
	}
	parts := make([]string, 0, len(cols))
	for _, c := range cols {
		if s := cell(row, c); s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, " ")
}

func several(into, row []string, cols []int) []string {
	into = into[:0]
	for _, c := range cols {
		if s := cell(row, c); s != "" {
			into = append(into, s)
		}
	}
	return into
}

// birth returns the date of birth of one column, or of those of its parts.
func (l *Layout) birth(row []string) string {
	cols := l.births
	switch len(cols) {
	case 0:
		return ""
	case 1:
		return l.order.iso(cell(row, cols[0]), l.Year)
	}
	// A part that is missing leaves the year, and the month if that is known.
	year, rest := "", make([]string, 0, 2)
	yearFirst := false
	for i, c := range cols {
		s, _, _ := strings.Cut(cell(row, c), ".") // "1953.0"
		switch {
		case digits(s) && len(s) == 4 && year == "":
			year, yearFirst = s, i == 0
		case s != "" && len(s) <= 16:
			rest = append(rest, s)
		}
	}
	switch {
	case year == "" && len(rest) == 3 && digits(rest[0]) && len(rest[0]) == 2 && number(rest[0]) > 31: // 53, 12, 13
		return DayFirst.iso(rest[2]+"/"+rest[1]+"/"+rest[0], l.Year)
	case year == "" && len(rest) == 3: // the year has two digits, or this is no date
		return l.order.iso(strings.Join(rest, "/"), l.Year)
	case year == "":
		return ""
	case len(rest) < 2 || len(cols) < 3:
		if len(cols) == 2 && len(rest) == 1 && digits(rest[0]) && len(rest[0]) <= 2 {
			return year + "-" + two(number(rest[0]))
		}
		return year
	}
	month, day := rest[0], rest[1]
	if !yearFirst && l.order != MonthFirst {
		month, day = day, month
	}
	if !digits(month) || !digits(day) { // a month in words
		return l.order.iso(day+" "+month+" "+year, l.Year)
	}
	if len(month) > 2 || len(day) > 2 {
		return year
	}
	m, d := number(month), number(day)
	if m > 12 && d <= 12 {
		m, d = d, m
	}
	return year + "-" + two(m) + "-" + two(d)
}
