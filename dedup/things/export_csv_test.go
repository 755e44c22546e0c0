package things_test

import (
	"encoding/csv"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/dedup/things"
)

// TestWriteSets writes the sets as CSV files to the folder VEFA_THINGS_CSV, for
// .ci/splink_things.py, which measures the yardstick on the same rows.
func TestWriteSets(t *testing.T) {
	dir := os.Getenv("VEFA_THINGS_CSV")
	if dir == "" {
		t.Log("VEFA_THINGS_CSV names no folder to write to")
		return
	}
	for _, name := range slices.Sorted(maps.Keys(sets)) {
		records, truth := load(t, sets[name])
		f, err := os.Create(filepath.Join(dir, name+".csv"))
		require.NoError(t, err)
		w := csv.NewWriter(f)
		require.NoError(t, w.Write(append(things.Columns(), "entity")))
		for _, r := range records {
			require.NoError(t, w.Write([]string{r.ID, r.Source, r.Name, r.Maker, r.Code, r.Price, r.Text, r.Category, r.Year, r.Authors, r.Street, r.City, r.Postcode, r.Phone, truth[r.ID]}))
		}
		w.Flush()
		require.NoError(t, w.Error())
		require.NoError(t, f.Close())
	}
}
