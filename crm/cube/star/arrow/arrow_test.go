package arrow_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm/cube"
	"github.com/vefacrm/vefa/crm/cube/star"
	"github.com/vefacrm/vefa/crm/cube/star/arrow"
)

// TestRoundTrip: what is written is read, with what is said of it, over several batches.
func TestRoundTrip(t *testing.T) {
	b, err := cube.NewBuilder(cube.Schema{Dimensions: []string{"store", "month"}, Measures: []string{"amount"}, Distinct: []string{"customer"}})
	require.NoError(t, err)
	const n = 70_000
	for i := range n {
		require.NoError(t, b.Add([]string{[]string{"moda", "konak"}[i%2], "2026-03"}, []int64{int64(-i)}, []uint32{uint32(i)}))
	}
	c, err := b.Build(cube.Level{Name: "city", Of: "store", Parent: map[string]string{"moda": "İstanbul", "konak": "İzmir"}})
	require.NoError(t, err)
	tables, err := star.Tables(c, star.Options{Name: "sales", Definition: "sales 3", Columns: map[string]star.Column{"amount": {Kind: star.Money, Currency: "TRY"}}, Times: map[string]string{"month": "2006-01"}})
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, arrow.Write(dir, tables))
	require.NoError(t, arrow.Write(dir, tables), "replaced")
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 3)
	for _, table := range tables {
		raw, err := os.ReadFile(filepath.Join(dir, table.Name+".arrow"))
		require.NoError(t, err)
		in, err := ipc.NewFileReader(bytes.NewReader(raw))
		require.NoError(t, err)
		meta := in.Schema().Metadata()
		about, ok := meta.GetValue(arrow.Metadata)
		require.True(t, ok)
		var said star.Table
		require.NoError(t, json.Unmarshal([]byte(about), &said))
		require.Equal(t, table.Columns, said.Columns)
		require.Equal(t, "sales 3", said.Definition)
		var got [][]any
		for i := range in.NumRecords() {
			r, err := in.RecordBatch(i)
			require.NoError(t, err)
			for row := range int(r.NumRows()) {
				var cells []any
				for k, col := range r.Columns() {
					require.Equal(t, table.Columns[k].Name, in.Schema().Field(k).Name)
					switch col := col.(type) {
					case *array.Int64:
						cells = append(cells, col.Value(row))
					case *array.String:
						cells = append(cells, col.Value(row))
					case *array.Timestamp:
						cells = append(cells, col.Value(row).ToTime(2).UTC()) // 2: microseconds
					default:
						t.Fatalf("%T", col)
					}
				}
				got = append(got, cells)
			}
		}
		i := 0
		for cells := range table.Rows() {
			require.Equal(t, cells, got[i])
			i++
		}
		require.Len(t, got, i)
	}
	require.Error(t, arrow.Write(filepath.Join(dir, "none"), tables))
}
