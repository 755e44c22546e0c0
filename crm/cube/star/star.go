// Package star turns a cube into the tables of a star schema, for the programs that take over where one
// machine ends: DuckDB, ClickHouse, Spark.
//
//	s, err := star.Tables(c, star.Options{
//		Name:       "sales",
//		Definition: "sales 3", // version of what the figures mean
//		Columns: map[string]star.Column{
//			"amount": {Kind: star.Money, Currency: "TRY", Doc: "what was paid, with VAT"},
//			"pieces": {Unit: "piece"},
//		},
//		Times: map[string]string{"month": "2006-01"},
//	})
//	err = parquet.Write(dir, s) // sales.parquet, store.parquet, month.parquet
//
// There is a table of facts with a row for each row of the cube, and one for each dimension with its
// values and their levels. A table says of each column what it is, in what unit, and which table a key
// points at; files have that and the version of the definitions in their metadata. Money is in minor
// units and has one currency in a column; times are instants in UTC. Packages parquet and arrow below
// this one write the files, so that a host that does not need them does not compile their
// libraries.
package star

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm/cube"
)

// ErrData is what every error about tables and options is.
var ErrData = errors.New("star: bad data")

// Kind is what the cells of a column are.
type Kind string

// The kinds.
const (
	Text  Kind = "text"  // string
	Whole Kind = "whole" // int64
	Money Kind = "money" // int64, in minor units of Column.Currency, such as kuruş
	Time  Kind = "time"  // time.Time; files have microseconds since 1970, in UTC
)

// Column says what a column is.
type Column struct {
	Name string `json:"name"` // unique in its table
	Kind Kind   `json:"kind"` // empty means Whole where it is asked for a column of a cube
	Doc  string `json:"doc,omitempty"`
	// Unit is what is counted, such as "piece" or "minute"; that of Money is its currency.
	Unit string `json:"unit,omitempty"`
	// Currency is that of Money, by ISO 4217, such as "TRY"; others have none.
	Currency string `json:"currency,omitempty"`
	// Of is the table whose key it is; empty: it is no key.
	Of string `json:"of,omitempty"`
}

// Table is one of a star schema.
type Table struct {
	Name string `json:"name"`
	Doc  string `json:"doc,omitempty"`
	// Definition is the version of what its figures mean.
	Definition string   `json:"definition"`
	Columns    []Column `json:"columns"`

	rows iter.Seq[[]any]
}

// Rows returns the rows: a cell for each column, of the type that its Kind says. What a row holds is
// valid until the next.
func (t *Table) Rows() iter.Seq[[]any] { return t.rows }

// Options say what the tables of a cube are called and what is in them. Name and Definition are needed.
type Options struct {
	// Name is that of the table of facts.
	Name string
	Doc  string
	// Definition is the version of what the figures mean; it is in every file.
	Definition string
	// Columns say more of columns of the cube, by their names: Doc, Unit, and for measures Kind, Whole or
	// Money, and Currency. Their Name and Of are left empty.
	Columns map[string]Column
	// Times are the dimensions whose values are times, with their layout, as time.Parse takes it, in
	// UTC: their tables have a column more, their name and "_begin", with the instant.
	Times map[string]string
}

// Tables returns the tables of a cube, that of facts first and then the dimensions in the order of
// the schema. Keys are numbers from 0 on in the order of the values, called by the dimension's name
// and "_key". The error is an ErrData.
func Tables(c *cube.Cube, o Options) ([]*Table, error) {
	schema := c.Schema()
	if o.Definition == "" {
		return nil, fmt.Errorf("%w: no version of the definition", ErrData)
	}
	known := slices.Concat(schema.Dimensions, schema.Measures, schema.Distinct)
	levels := c.Levels()
	for _, l := range levels {
		known = append(known, l.Name)
	}
	for name, column := range o.Columns {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("%w: column %q is none of the cube", ErrData, name)
		}
		if column.Name != "" || column.Of != "" {
			return nil, fmt.Errorf("%w: column %q has a name or a table of its own", ErrData, name)
		}
		if !slices.Contains(schema.Measures, name) && (column.Kind != "" || column.Currency != "") {
			return nil, fmt.Errorf("%w: column %q is no measure: it has no kind and no currency", ErrData, name)
		}
	}
	for name := range o.Times {
		if !slices.Contains(schema.Dimensions, name) {
			return nil, fmt.Errorf("%w: %q of Times is no dimension", ErrData, name)
		}
	}
	facts := &Table{Name: o.Name, Doc: o.Doc, Definition: o.Definition, rows: rows(c)}
	tables := []*Table{facts}
	for _, d := range schema.Dimensions {
		facts.Columns = append(facts.Columns, Column{Name: d + "_key", Kind: Whole, Of: d})
		t, err := dimension(c, d, levels, o)
		if err != nil {
			return nil, err
		}
		tables = append(tables, t)
	}
	for _, m := range schema.Measures {
		column := o.Columns[m]
		if column.Name = m; column.Kind == "" {
			column.Kind = Whole
		}
		facts.Columns = append(facts.Columns, column)
	}
	for _, d := range schema.Distinct {
		column := o.Columns[d]
		column.Name, column.Kind = d, Whole
		facts.Columns = append(facts.Columns, column)
	}
	for i, t := range tables {
		if err := t.validate(); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(tables[:i], func(x *Table) bool { return strings.EqualFold(x.Name, t.Name) }) {
			return nil, fmt.Errorf("%w: table %q is there twice", ErrData, t.Name)
		}
	}
	return tables, nil
}

// rows returns the rows of facts.
func rows(c *cube.Cube) iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		var row []any
		for l := range c.Lines() {
			row = row[:0]
			for _, v := range l.Values {
				row = append(row, int64(v))
			}
			for _, v := range l.Measures {
				row = append(row, v)
			}
			for _, v := range l.Distinct {
				row = append(row, int64(v))
			}
			if !yield(row) {
				return
			}
		}
	}
}

// dimension returns the table of a dimension.
func dimension(c *cube.Cube, name string, levels []cube.Level, o Options) (*Table, error) {
	t := &Table{Name: name, Definition: o.Definition, Columns: []Column{{Name: name + "_key", Kind: Whole}, {Name: name, Kind: Text, Doc: o.Columns[name].Doc, Unit: o.Columns[name].Unit}}}
	values := c.Values(name)
	var cells [][]any
	for i, v := range values {
		cells = append(cells, []any{int64(i), v})
	}
	place := map[string]int{name: 1} // columns that a level can be of
	for _, l := range levels {
		of, ok := place[l.Of]
		if !ok {
			continue // of another dimension
		}
		place[l.Name] = len(t.Columns)
		t.Columns = append(t.Columns, Column{Name: l.Name, Kind: Text, Doc: o.Columns[l.Name].Doc, Unit: o.Columns[l.Name].Unit})
		for i, row := range cells {
			cells[i] = append(row, l.Parent[row[of].(string)])
		}
	}
	if layout, ok := o.Times[name]; ok {
		t.Columns = append(t.Columns, Column{Name: name + "_begin", Kind: Time, Doc: "the first instant, in UTC"})
		for i, v := range values {
			at, err := time.Parse(layout, v)
			if err != nil {
				return nil, fmt.Errorf("%w: %s: %w", ErrData, name, err)
			}
			cells[i] = append(cells[i], at.UTC())
		}
	}
	t.rows = slices.Values(cells)
	return t, nil
}

// validate reports what is wrong with names, kinds and currencies.
func (t *Table) validate() error {
	fault := func(what, name, why string) error {
		return fmt.Errorf("%w: %s %q of table %q %s", ErrData, what, name, t.Name, why)
	}
	// The name is that of a file.
	if t.Name == "" || strings.ContainsFunc(t.Name, func(r rune) bool { return r < ' ' || strings.ContainsRune(`/\:*?"<>|`, r) }) || strings.HasPrefix(t.Name, ".") {
		return fmt.Errorf("%w: table %q: the name is empty or no name of a file", ErrData, t.Name)
	}
	for i, c := range t.Columns {
		currency := len(c.Currency) == 3 && strings.Trim(c.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
		switch {
		case c.Name == "" || slices.ContainsFunc(t.Columns[:i], func(o Column) bool { return strings.EqualFold(o.Name, c.Name) }):
			return fault("column", c.Name, "is empty or there twice")
		case c.Kind != Text && c.Kind != Whole && c.Kind != Money && c.Kind != Time:
			return fault("column", c.Name, fmt.Sprintf("is of no kind %q", c.Kind))
		case c.Kind == Money && !currency:
			return fault("column", c.Name, fmt.Sprintf("is money of the currency %q, not of three capital letters", c.Currency))
		case c.Kind != Money && c.Currency != "":
			return fault("column", c.Name, "has a currency and is no money")
		}
	}
	return nil
}
