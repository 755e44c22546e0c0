package main

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/dedup/people/columns"
	"github.com/vefacrm/vefa/examples/internal/output"
)

// roleOf returns the role that an attribute's name means.
func roleOf(name string) columns.Role {
	if name = strings.ToLower(name); name == "name" {
		return columns.Full
	}
	return columns.Role(name)
}

// parseMap reads -map: role=column with commas between. A role may stand more than once,
// and a column may be several with + between: phones and e-mails of one person, or parts
// of a street that are read one after the other.
func parseMap(text string) (map[columns.Role]string, error) {
	if text == "" {
		return nil, nil
	}
	out := map[columns.Role]string{}
	var faults []error
	for part := range strings.SplitSeq(text, ",") {
		name, column, ok := strings.Cut(part, "=")
		name, column = strings.TrimSpace(name), strings.TrimSpace(column)
		role := columns.Role(name)
		if name == "name" {
			role = columns.Full
		}
		attribute, extra := role.Extra()
		switch own := roleOf(attribute); {
		case !ok || name == "" || column == "":
			faults = append(faults, fmt.Errorf("-map: %q is not role=column", part))
		case !role.Valid():
			known := make([]string, 0, 16)
			for _, r := range columns.Roles() {
				known = append(known, string(r))
			}
			faults = append(faults, fmt.Errorf("-map: there is no role %q; there are %s and extra:NAME", role, strings.Join(known, ", ")))
		case extra && slices.Contains(columns.Roles(), own):
			faults = append(faults, fmt.Errorf("-map: %s: %s is a role of its own: write %s=%s", role, own, own, column))
		}
		if was := out[role]; was != "" {
			column = was + "+" + column
		}
		out[role] = column
	}
	return out, errors.Join(faults...)
}

// layout says which cells of a row mean what.
type layout struct {
	*columns.Layout
	thing   map[string][]int // columns of the fields of things.Record, in a file of things
	reading columns.Reading
	written bool // its mapping came from a file
	truth   int  // column of the true person, -1: none
	single  int  // column of the source, -1: none
}

// arrange finds the columns of a table: by the file of -mapping if there is one, by -map, or
// by what they are called and hold. A column of -map that only another file has, of which
// others are the columns, is nothing here: two files may call one thing by two names.
func (t *table) arrange(o options, mapping string, others []string) error {
	l := &layout{truth: -1, single: -1}
	t.layout = l
	at := map[string]int{}
	for i, h := range t.header {
		at[h] = i
	}
	var faults []error
	find := func(flag, name string) int {
		if i, ok := at[name]; ok {
			return i
		}
		faults = append(faults, fmt.Errorf("%s: there is no column %q; there are %s", flag, name, strings.Join(t.header, ", ")))
		return -1
	}
	if o.truth != "" {
		l.truth = find("-truth", o.truth)
	}
	if o.single != "" && (o.single != fileSource || len(o.in) < 2 || slices.Contains(t.header, fileSource)) {
		l.single = find("-one-per-source", o.single)
	}
	m, err := readMapping(mapping)
	switch {
	case err != nil:
		return err
	case m != nil && o.roles != nil:
		return fmt.Errorf("-map and %s both say what the columns are; leave one out", mapping)
	case m != nil:
		l.reading.Mapping, l.written = *m, true
	case o.roles != nil:
		for _, role := range slices.Sorted(maps.Keys(o.roles)) {
			for name := range strings.SplitSeq(o.roles[role], "+") {
				name = strings.TrimSpace(name)
				if _, here := at[name]; here || !slices.Contains(others, name) {
					find("-map", name)
					l.reading.Columns = append(l.reading.Columns, columns.Column{Name: name, Role: role})
				}
			}
		}
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	rows, failed := t.sample()
	if m == nil && o.roles == nil {
		names := slices.Clone(t.header)
		if l.truth >= 0 {
			names[l.truth] = "" // who somebody is says nothing of him
		}
		l.reading = columns.Recognise(names, rows)
	} else {
		l.reading.LearnDates(t.header, rows)
	}
	if *failed != nil {
		return *failed
	}
	if !slices.ContainsFunc(l.reading.Columns, func(c columns.Column) bool { return c.Role != columns.ID && c.Role != columns.Source }) {
		return fmt.Errorf("no column says anything about a person; name them with -map. There are %s", strings.Join(t.header, ", "))
	}
	return nil
}

// sampled is the number of rows by which columns are recognised.
const sampled = 10_000

// sample yields the first rows of the table; failed is what it ended with.
func (t *table) sample() (rows iter.Seq[[]string], failed *error) {
	failed = new(error)
	enough := errors.New("enough")
	return func(yield func([]string) bool) {
		err := t.rows(func(n int, row []string) error {
			if !yield(row) || n >= sampled {
				return enough
			}
			return nil
		}, func(int, *rowError) error { return nil })
		if !errors.Is(err, enough) {
			*failed = err
		}
	}, failed
}

// readMapping reads the file of -mapping; without an error and a mapping it is to be written.
func readMapping(path string) (*columns.Mapping, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, output.Check(path)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, err := columns.ReadMapping(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &m, nil
}

// describe tells how the columns are read, a line each.
func (t *table) describe() (lines []string) {
	for _, c := range t.layout.reading.Columns {
		line := fmt.Sprintf("  %-10s %s", c.Role, c.Name)
		if c.Dates == columns.MonthFirst {
			line += " (months before days)"
		}
		lines = append(lines, line)
	}
	for _, r := range t.layout.reading.Refused {
		lines = append(lines, fmt.Sprintf("  not read   %s, as %s: %s", r.Column, r.Role, r.Reason))
	}
	return lines
}
