package activity

import (
	"compress/gzip"
	"encoding/csv"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/segment"
)

// readCSV reads a gzipped CSV of the Complete Journey data without its header, or skips.
func readCSV(t *testing.T, name string) [][]string {
	t.Helper()
	root := os.Getenv("VEFA_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	f, err := os.Open(filepath.Join(root, "retail", "completejourney", name))
	if err != nil {
		t.Skipf("golden data not present (set VEFA_DATA): %v", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	rows, err := csv.NewReader(z).ReadAll()
	require.NoError(t, err)
	return rows[1:]
}

// Families that shopped regularly in the last two months, households that are
// about to lapse, and micro-segments of a grocery chain (84.51°, Complete
// Journey 2.0); the expected sizes are those of pandas.
func TestCompleteJourney(t *testing.T) {
	log := NewLog(time.UTC)
	households := map[string]bool{}
	first := map[[2]string]time.Time{} // of household and basket
	for _, row := range readCSV(t, "transactions_sample.csv.gz") {
		at, err := time.Parse(time.DateTime, row[10])
		require.NoError(t, err)
		key := [2]string{row[0], row[2]}
		if old, ok := first[key]; !ok || at.Before(old) {
			first[key] = at
		}
		households[row[0]] = true
	}
	for key, at := range first {
		require.NoError(t, log.Add(key[0], "purchase", at))
	}
	age, income, kids := map[string]string{}, map[string]string{}, map[string]string{}
	for _, row := range readCSV(t, "demographics.csv.gz") {
		age[row[0]], income[row[0]], kids[row[0]] = row[1], row[2], row[7]
		households[row[0]] = true
	}
	at := time.Date(2017, 12, 1, 20, 0, 0, 0, time.UTC)
	idx := segment.NewIndex(segment.Options{})
	for h := range households {
		_, err := idx.Join(at, h)
		require.NoError(t, err)
	}
	for field, rows := range map[string]map[string]string{"age": age, "income": income, "kids": kids} {
		_, err := idx.SetField(at, field, maps.All(rows))
		require.NoError(t, err)
	}
	defs, err := segment.ParseDefinitions(`
		segment families  = leaf(kids:1) or leaf(kids:2) or leaf("kids:3+")
		segment regular-3 = segment(families) and leaf("purchase in 3 of 8 weeks")
		segment regular-6 = segment(families) and leaf("purchase in 6 of 8 weeks")
		segment regulars  = leaf("purchase in 6 of 8 weeks")
		segment active    = leaf("purchase >= 2 in 90d")
		segment lapsing   = leaf("purchase >= 2 in 90d") and leaf("purchase = 0 in 30d")`, segment.Limits{})
	require.NoError(t, err)
	_, err = Supply(idx, log, at, defs...)
	require.NoError(t, err)
	_, err = idx.Define(at, defs...)
	require.NoError(t, err)
	v := idx.View()
	for name, want := range map[string]int{"families": 288, "regular-3": 202, "regular-6": 68, "regulars": 243, "active": 1676, "lapsing": 251} {
		got, err := v.Counts(at, name)
		require.NoError(t, err)
		require.Equal(t, []int{want}, got, name)
	}
	var dims []segment.Dimension
	for _, field := range []string{"age", "income", "kids"} {
		d, err := v.FieldDimension(field)
		require.NoError(t, err)
		dims = append(dims, d)
	}
	all, err := v.MicroSegments(at, dims, segment.MicroOptions{})
	require.NoError(t, err)
	require.Len(t, all.Segments, 164)
	require.Equal(t, "45-54 / 50-74K / 0", all.Segments[0].Definition.Name)
	require.Equal(t, 65, all.Segments[0].Size)
	large, err := v.MicroSegments(at, dims, segment.MicroOptions{MinSize: 5})
	require.NoError(t, err)
	require.Len(t, large.Segments, 52)
	require.Equal(t, 569, large.Covered)
}
