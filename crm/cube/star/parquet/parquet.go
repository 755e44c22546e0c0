// Package parquet writes star schemas as Apache Parquet, for DuckDB, ClickHouse and Spark. It is a
// package of its own so that hosts that do not need it do not link github.com/parquet-go/parquet-go.
package parquet

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/vefacrm/vefa/crm/cube/star"
)

// Metadata is the key of the metadata of a file that holds what star.Table says of it, as JSON.
const Metadata = "vefa.table"

// Write writes each table into a folder, as its name and ".parquet". A file of that name is
// replaced when the new one is whole.
func Write(dir string, tables []*star.Table) error {
	for _, t := range tables {
		if err := write(filepath.Join(dir, t.Name+".parquet"), t); err != nil {
			return err
		}
	}
	return nil
}

func write(path string, t *star.Table) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+t.Name+"-*")
	if err != nil {
		return err
	}
	err = errors.Join(WriteTable(f, t), f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}

// WriteTable writes a table. Texts are strings, whole numbers and money INT64, times TIMESTAMP in
// microseconds of UTC; no cell is null. Columns come in the order of their names, as parquet-go orders
// them.
func WriteTable(w io.Writer, t *star.Table) (err error) {
	about, err := json.Marshal(t)
	if err != nil {
		return err
	}
	group := parquet.Group{}
	for _, c := range t.Columns {
		group[c.Name] = parquet.Compressed(leaf(c.Kind), &parquet.Zstd)
	}
	schema := parquet.NewSchema(t.Name, group)
	place := map[string]int{}
	for i, path := range schema.Columns() {
		place[path[0]] = i
	}
	out := parquet.NewGenericWriter[any](w, schema, parquet.KeyValueMetadata(Metadata, string(about)))
	defer func() { err = errors.Join(err, out.Close()) }()
	const batch = 1024
	rows := make([]parquet.Row, 0, batch)
	flush := func() error {
		_, err := out.WriteRows(rows)
		rows = rows[:0]
		return err
	}
	for cells := range t.Rows() {
		row := make(parquet.Row, len(cells))
		if n := len(rows); n < cap(rows) && cap(rows[:n+1][n]) >= len(cells) {
			row = rows[:n+1][n][:len(cells)] // that of a batch before
		}
		for i, v := range cells {
			k := place[t.Columns[i].Name]
			row[k] = valueOf(v).Level(0, 0, k)
		}
		if rows = append(rows, row); len(rows) == batch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

func leaf(k star.Kind) parquet.Node {
	switch k {
	case star.Text:
		return parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
	case star.Time:
		return parquet.Timestamp(parquet.Microsecond)
	}
	return parquet.Int(64)
}

func valueOf(v any) parquet.Value {
	switch v := v.(type) {
	case string:
		return parquet.ByteArrayValue([]byte(v))
	case time.Time:
		return parquet.Int64Value(v.UnixMicro())
	case int64:
		return parquet.Int64Value(v)
	}
	return parquet.NullValue() // no cell of a star is one
}
