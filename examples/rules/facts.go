package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vefacrm/vefa/rules"
)

// The bounds of what a file may hold; facts are hostile like any input.
const (
	maxFileBytes = 256 << 20
	maxLines     = 1_000_000
	maxColumns   = 200
	maxRowsEach  = 256 // rows of one customer
	maxText      = 256 // bytes of one text, as the schema declares
)

// column is a typed column of a CSV file. A header says name:type, where type
// is text, int, float, money, bool, date, time or tags, with a ? behind it where
// a value may be missing. Without a type it is found by looking at the values.
type column struct {
	name     string
	kind     rules.Kind
	nullable bool
	money    bool // an amount with two digits behind the point, exact
	typed    bool
}

// sheet is a CSV file: its first column is the key of the customer.
type sheet struct {
	file    string
	columns []column
	lines   [][]string
	numbers []int // of the lines in the file
}

// record is one customer to the rules: all its fields are columns of the files.
type record struct{ rules.Extensible }

// facts are all customers with their rows.
type facts struct {
	schema    *rules.Extended[record]
	main      *sheet
	rows      []rowSheet
	index     map[string]int // customer's line by key
	zone      *time.Location
	customers []customer
}

// rowSheet is a file of child rows, such as purchases, under its field's name.
type rowSheet struct {
	name string
	*sheet
	key int // column of the row's own key, or -1
	at  int // column that says when it happened, or -1
	of  [][]int
}

type customer struct {
	key string
}

// readSheet reads and types a CSV file.
func readSheet(file string) (*sheet, error) {
	f, err := open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parseSheet(file, f)
}

func parseSheet(file string, r io.Reader) (*sheet, error) {
	in := &io.LimitedReader{R: r, N: maxFileBytes + 1}
	c := csv.NewReader(in)
	c.ReuseRecord = true
	header, err := c.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: the file is empty", file)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	s := &sheet{file: file}
	var faults []error
	for i, h := range header {
		col, err := parseHeader(strings.TrimPrefix(h, "\ufeff"), i == 0)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s:1: column %d: %w", file, i+1, err))
		}
		s.columns = append(s.columns, col)
	}
	if len(header) > maxColumns {
		faults = append(faults, fmt.Errorf("%s:1: %d columns, at most %d are allowed", file, len(header), maxColumns))
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	for {
		line, err := c.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if len(s.lines) == maxLines {
			return nil, fmt.Errorf("%s: more than %d lines", file, maxLines)
		}
		n, _ := c.FieldPos(0)
		s.lines = append(s.lines, append([]string(nil), line...))
		s.numbers = append(s.numbers, n)
	}
	if in.N <= 0 {
		return nil, fmt.Errorf("%s: more than %d bytes", file, maxFileBytes)
	}
	return s, s.types()
}

func parseHeader(h string, first bool) (column, error) {
	name, kind, typed := strings.Cut(h, ":")
	col := column{name: strings.TrimSpace(name), typed: typed}
	if first {
		col.kind, col.typed = rules.String, true
		return col, nil
	}
	if !typed {
		return col, nil
	}
	if col.nullable = strings.HasSuffix(kind, "?"); col.nullable {
		kind = strings.TrimSuffix(kind, "?")
	}
	switch kind {
	case "text":
		col.kind = rules.String
	case "int":
		col.kind = rules.Int
	case "float":
		col.kind = rules.Float
	case "bool":
		col.kind = rules.Bool
	case "date", "time":
		col.kind, col.nullable = rules.Time, true
	case "money":
		col.kind, col.money = rules.Int, true
	case "tags":
		col.kind = rules.Tags
	default:
		return col, fmt.Errorf("%s: type %q is not known: use text, int, float, money, bool, date, time or tags", name, kind)
	}
	return col, nil
}

// types finds the types of columns that say none, from all their values.
func (s *sheet) types() error {
	for i := range s.columns {
		col := &s.columns[i]
		if col.typed {
			continue
		}
		kinds := []rules.Kind{rules.Bool, rules.Int, rules.Float, rules.Time}
		for _, line := range s.lines {
			v := line[i]
			if v == "" {
				col.nullable = true
				continue
			}
			fits := kinds[:0]
			for _, k := range kinds {
				if _, err := (&column{kind: k}).parse(v, time.UTC); err == nil {
					fits = append(fits, k)
				}
			}
			if kinds = fits; len(kinds) == 0 {
				break
			}
		}
		if len(kinds) == 0 || len(kinds) == 4 { // a text, or nothing at all
			col.kind, col.nullable = rules.String, false
		} else {
			col.kind = kinds[0]
		}
	}
	return nil
}

// parse reads a value of the column.
func (c *column) parse(v string, zone *time.Location) (any, error) {
	if v == "" && c.nullable {
		return nil, nil
	}
	var out any
	var err error
	switch c.kind {
	case rules.Bool:
		if v != "true" && v != "false" {
			return nil, fmt.Errorf("%q is neither true nor false", v)
		}
		return v == "true", nil
	case rules.Int:
		if c.money {
			whole, cents, _ := strings.Cut(v, ".")
			if len(cents) > 2 || strings.ContainsAny(cents, "+-") {
				return nil, fmt.Errorf("%q is no amount: write 1250.50", v)
			}
			v = whole + cents + "00"[len(cents):]
		}
		out, err = strconv.ParseInt(v, 10, 64)
	case rules.Float:
		out, err = strconv.ParseFloat(v, 64)
	case rules.Time:
		layout := time.DateOnly
		if len(v) > len(layout) {
			layout = time.RFC3339
		}
		out, err = time.ParseInLocation(layout, v, zone)
	case rules.Tags:
		return strings.FieldsFunc(v, func(r rune) bool { return r == '|' || r == ' ' }), nil
	default:
		if len(v) > maxText {
			return nil, fmt.Errorf("a text of %d bytes, at most %d are allowed", len(v), maxText)
		}
		if !utf8.ValidString(v) {
			return nil, fmt.Errorf("the text is not valid UTF-8")
		}
		return v, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%q is no %s", v, strings.ToLower(c.kind.String()))
	}
	return out, nil
}

// loadFacts reads customers and their rows and makes the schema of both. Every
// value is checked; all faults are reported, up to a hundred.
func loadFacts(file string, rowFiles []rowFile, zone *time.Location) (*facts, error) {
	main, err := readSheet(file)
	if err != nil {
		return nil, err
	}
	f := &facts{main: main, zone: zone, index: map[string]int{}}
	fields := main.fields(1)
	var faults []error
	for i, line := range main.lines {
		if _, twice := f.index[line[0]]; twice || line[0] == "" {
			faults = append(faults, fmt.Errorf("%s:%d: %s: %q is empty or there twice", file, main.numbers[i], main.columns[0].name, line[0]))
		}
		f.index[line[0]] = i
		f.customers = append(f.customers, customer{key: line[0]})
	}
	for _, rf := range rowFiles {
		s, err := readSheet(rf.file)
		if err != nil {
			return nil, err
		}
		r := rowSheet{name: rf.name, sheet: s, key: -1, at: -1, of: make([][]int, len(main.lines))}
		for i, c := range s.columns {
			if c.name == "id" && i > 0 {
				r.key = i
			}
			if c.kind == rules.Time && r.at < 0 {
				r.at = i
			}
		}
		for i, line := range s.lines {
			at, ok := f.index[line[0]]
			if !ok {
				faults = append(faults, fmt.Errorf("%s:%d: there is no customer %q", rf.file, s.numbers[i], line[0]))
				continue
			}
			r.of[at] = append(r.of[at], i)
		}
		fields = append(fields, rules.Field{Name: rf.name, Kind: rules.Rows, Max: maxRowsEach, Fields: s.fields(1)})
		f.rows = append(f.rows, r)
		faults = append(faults, s.check(zone)...)
	}
	faults = append(faults, main.check(zone)...)
	for i := range f.customers {
		for _, r := range f.rows {
			if n := len(r.of[i]); n > maxRowsEach {
				faults = append(faults, fmt.Errorf("%s: customer %q has %d rows, at most %d are allowed", r.file, f.customers[i].key, n, maxRowsEach))
			}
		}
	}
	if len(faults) > 100 {
		faults = append(faults[:100], fmt.Errorf("and %d more", len(faults)-100))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if f.schema, err = rules.Extend[record](fields, rules.Options{}); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return f, nil
}

// fields describes the columns from the first on.
func (s *sheet) fields(first int) []rules.Field {
	var out []rules.Field
	for _, c := range s.columns[first:] {
		f := rules.Field{Name: c.name, Kind: c.kind, Nullable: c.nullable}
		if c.money {
			f.Scale = 2
		}
		out = append(out, f)
	}
	return out
}

// check reads every value once, to name all that are wrong.
func (s *sheet) check(zone *time.Location) []error {
	var faults []error
	for i, line := range s.lines {
		for k := range s.columns {
			if _, err := s.columns[k].parse(line[k], zone); err != nil && len(faults) <= 200 {
				faults = append(faults, fmt.Errorf("%s:%d: %s: %w", s.file, s.numbers[i], s.columns[k].name, err))
			}
		}
	}
	return faults
}

// values returns a line as values by name, without the first column.
func (s *sheet) values(line int, zone *time.Location) (map[string]any, error) {
	out := make(map[string]any, len(s.columns))
	for k := 1; k < len(s.columns); k++ {
		v, err := s.columns[k].parse(s.lines[line][k], zone)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %s: %w", s.file, s.numbers[line], s.columns[k].name, err)
		}
		if v == nil && s.columns[k].kind == rules.Time {
			continue
		}
		out[s.columns[k].name] = v
	}
	return out, nil
}

// subject is a customer as rules see it at one moment.
type subject struct {
	record *record
	rows   map[string][]int // by field: the lines that its rows are
}

// at makes the subject of a customer as of a moment: rows that happened later
// are not there yet, and tags were changed as given.
func (f *facts) at(i int, now time.Time, tags map[string]bool) (*subject, error) {
	s := &subject{record: f.schema.New(), rows: map[string][]int{}}
	values, err := f.main.values(i, f.zone)
	if err != nil {
		return nil, err
	}
	for name, v := range values {
		if list, ok := v.([]string); ok {
			v = change(list, tags)
		}
		if err := f.schema.Set(s.record, name, v); err != nil {
			return nil, err
		}
	}
	for _, r := range f.rows {
		var rows []map[string]any
		for _, line := range r.of[i] {
			m, err := r.values(line, f.zone)
			if err != nil {
				return nil, err
			}
			if r.at >= 0 {
				if t, ok := m[r.columns[r.at].name].(time.Time); ok && t.After(now) {
					continue
				}
			}
			rows = append(rows, m)
			s.rows[r.name] = append(s.rows[r.name], line)
		}
		if err := f.schema.Set(s.record, r.name, rows); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// change applies what was set and cleared to a list of tags.
func change(list []string, tags map[string]bool) []string {
	var out []string
	for _, t := range list {
		if on, known := tags[t]; !known || on {
			out = append(out, t)
		}
	}
	for t, on := range tags {
		if on {
			out = append(out, t)
		}
	}
	return out
}

// rowKey names a row: its own id, or its line.
func (r *rowSheet) rowKey(line int) string {
	if r.key >= 0 && r.lines[line][r.key] != "" {
		return r.lines[line][r.key]
	}
	return strconv.Itoa(r.numbers[line])
}

// sheetOf returns the rows of a field.
func (f *facts) sheetOf(name string) *rowSheet {
	for i := range f.rows {
		if f.rows[i].name == name {
			return &f.rows[i]
		}
	}
	return nil
}
