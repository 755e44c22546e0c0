// Package arrow writes star schemas as Arrow IPC files, for programs that map them into memory, such as
// pandas, Polars and DataFusion. It is a package of its own so that hosts that do not need it do
// not link github.com/apache/arrow-go.
package arrow

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/vefacrm/vefa/crm/cube/star"
)

// Metadata is the key of the metadata of a schema that holds what star.Table says of it, as JSON. Each
// field has its own column under the key too.
const Metadata = "vefa.table"

// Write writes each table into a folder, as its name and ".arrow". A file of that name is replaced when
// the new one is whole.
func Write(dir string, tables []*star.Table) error {
	for _, t := range tables {
		if err := write(filepath.Join(dir, t.Name+".arrow"), t); err != nil {
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

// batch is how many rows a record batch has.
const batch = 1 << 16

// WriteTable writes a table in the file format. Texts are utf8, whole numbers and money int64, times
// timestamp[us, UTC]; no cell is null. Columns come in the order of the table.
func WriteTable(w io.Writer, t *star.Table) (err error) {
	fields := make([]arrow.Field, len(t.Columns))
	for i, c := range t.Columns {
		about, err := json.Marshal(c)
		if err != nil {
			return err
		}
		fields[i] = arrow.Field{Name: c.Name, Type: typeOf(c.Kind), Metadata: arrow.NewMetadata([]string{Metadata}, []string{string(about)})}
	}
	about, err := json.Marshal(t)
	if err != nil {
		return err
	}
	meta := arrow.NewMetadata([]string{Metadata}, []string{string(about)})
	schema := arrow.NewSchema(fields, &meta)
	out, err := ipc.NewFileWriter(w, ipc.WithSchema(schema))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	n := 0
	flush := func() error {
		r := b.NewRecordBatch()
		defer r.Release()
		n = 0
		return out.Write(r)
	}
	for cells := range t.Rows() {
		for i, v := range cells {
			switch f := b.Field(i).(type) {
			case *array.StringBuilder:
				f.Append(v.(string))
			case *array.Int64Builder:
				f.Append(v.(int64))
			case *array.TimestampBuilder:
				f.Append(arrow.Timestamp(v.(time.Time).UnixMicro()))
			default:
				return fmt.Errorf("column %s is a %T", t.Columns[i].Name, f)
			}
		}
		if n++; n == batch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

func typeOf(k star.Kind) arrow.DataType {
	switch k {
	case star.Text:
		return arrow.BinaryTypes.String
	case star.Time:
		return arrow.FixedWidthTypes.Timestamp_us
	}
	return arrow.PrimitiveTypes.Int64
}
