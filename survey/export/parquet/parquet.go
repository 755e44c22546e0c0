// Package parquet writes survey responses as Apache Parquet, for DuckDB, Spark and pandas.
// It is a package of its own so that hosts that do not need it do not link
// github.com/parquet-go/parquet-go.
package parquet

import (
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/vefacrm/vefa/survey/export"
)

// Write writes a table. Each column is optional and called by its name; they come in the
// order of their names, as parquet-go orders them. Texts are strings, numbers DOUBLE, times
// TIMESTAMP in milliseconds of UTC. A number or truth value of another kind than its column's
// is left out; export.CSV has it. It returns how many rows were written, also with an error,
// which names the row when it is one of rows.
func Write(w io.Writer, t *export.Table, rows iter.Seq2[export.Row, error]) (n int, err error) {
	group := parquet.Group{}
	for _, c := range t.Columns {
		group[c.Name] = parquet.Compressed(parquet.Optional(leaf(c.Kind)), &parquet.Zstd)
	}
	schema := parquet.NewSchema("responses", group)
	place := map[string]int{}
	for i, path := range schema.Columns() {
		place[path[0]] = i
	}
	out := parquet.NewGenericWriter[any](w, schema)
	defer func() {
		if cerr := out.Close(); err == nil {
			err = cerr
		}
	}()
	row := make(parquet.Row, len(t.Columns))
	for r, err := range rows {
		if err != nil {
			return n, fmt.Errorf("row %d: %w", n+1, err)
		}
		for i, v := range t.Cells(r) {
			c := t.Columns[i]
			k := place[c.Name]
			if value, ok := valueOf(c.Kind, v); ok {
				row[k] = value.Level(0, 1, k)
			} else {
				row[k] = parquet.NullValue().Level(0, 0, k)
			}
		}
		if _, err := out.WriteRows([]parquet.Row{row}); err != nil {
			return n, fmt.Errorf("row %d: %w", n+1, err)
		}
		n++
	}
	return n, nil
}

func leaf(k export.Kind) parquet.Node {
	switch k {
	case export.Number:
		return parquet.Leaf(parquet.DoubleType)
	case export.Bool:
		return parquet.Leaf(parquet.BooleanType)
	case export.Time:
		return parquet.Timestamp(parquet.Millisecond)
	}
	return parquet.String()
}

func valueOf(k export.Kind, v any) (parquet.Value, bool) {
	switch v := v.(type) {
	case string:
		return parquet.ByteArrayValue([]byte(v)), k == export.Text
	case float64:
		return parquet.DoubleValue(v), k == export.Number
	case bool:
		return parquet.BooleanValue(v), k == export.Bool
	case time.Time:
		return parquet.Int64Value(v.UnixMilli()), k == export.Time
	}
	return parquet.Value{}, false
}
