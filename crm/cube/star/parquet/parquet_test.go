package parquet_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	pq "github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm/cube"
	"github.com/vefacrm/vefa/crm/cube/star"
	"github.com/vefacrm/vefa/crm/cube/star/parquet"
)

// TestRoundTrip: what is written is read, with what is said of it, over several batches.
func TestRoundTrip(t *testing.T) {
	b, err := cube.NewBuilder(cube.Schema{Dimensions: []string{"store", "month"}, Measures: []string{"amount"}, Distinct: []string{"customer"}})
	require.NoError(t, err)
	for i := range 3000 {
		require.NoError(t, b.Add([]string{fmt.Sprint("ş", i%300), "2026-03"}, []int64{int64(-i) << 40}, []uint32{uint32(i)}))
	}
	c, err := b.Build(cube.Level{Name: "city", Of: "store", Parent: map[string]string{"ş1": "İstanbul", "ş2": "İzmir"}})
	require.NoError(t, err)
	tables, err := star.Tables(c, star.Options{Name: "sales", Definition: "sales 3", Columns: map[string]star.Column{"amount": {Kind: star.Money, Currency: "TRY"}}, Times: map[string]string{"month": "2006-01"}})
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, parquet.Write(dir, tables))
	require.NoError(t, parquet.Write(dir, tables), "replaced")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 3)
	for _, table := range tables {
		f, err := os.Open(filepath.Join(dir, table.Name+".parquet"))
		require.NoError(t, err)
		size, err := f.Stat()
		require.NoError(t, err)
		in, err := pq.OpenFile(f, size.Size())
		require.NoError(t, err)
		about, ok := in.Lookup(parquet.Metadata)
		require.True(t, ok)
		var said star.Table
		require.NoError(t, json.Unmarshal([]byte(about), &said))
		require.Equal(t, table.Columns, said.Columns)
		require.Equal(t, "sales 3", said.Definition)
		var want, got [][]any
		for cells := range table.Rows() {
			want = append(want, slices.Clone(cells))
		}
		r := pq.NewReader(in)
		columns := in.Schema().Columns()
		buffer := make([]pq.Row, 100)
		for len(got) < len(want) {
			n, err := r.ReadRows(buffer)
			require.True(t, n > 0, err)
			for _, row := range buffer[:n] {
				cells := make([]any, len(row))
				for k, v := range row {
					i := slices.IndexFunc(table.Columns, func(c star.Column) bool { return c.Name == columns[k][0] })
					switch table.Columns[i].Kind {
					case star.Text:
						cells[i] = string(v.ByteArray())
					case star.Time:
						cells[i] = time.UnixMicro(v.Int64()).UTC()
					default:
						cells[i] = v.Int64()
					}
				}
				got = append(got, cells)
			}
		}
		require.Equal(t, want, got)
		require.Equal(t, int64(len(want)), in.NumRows())
		require.NoError(t, r.Close())
		require.NoError(t, f.Close())
	}
	require.Error(t, parquet.Write(filepath.Join(dir, "none"), tables))
}
