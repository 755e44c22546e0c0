package dbtest

import (
	"context"
	"flag"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

var scanRows = flag.Int("rows", 20_000, "how many profiles TestScanIsFlat and BenchmarkScan read; a million takes some minutes")

// fill writes n profiles.
func fill(t testing.TB, store crm.Store, n int) {
	t.Helper()
	const per = 2000
	for lo := 0; lo < n; lo += per {
		require.NoError(t, store.Update(context.Background(), func(tx crm.Tx) error {
			var all []*crm.Profile
			for i := lo; i < min(lo+per, n); i++ {
				all = append(all, person(i))
			}
			return tx.PutProfiles(context.Background(), all...)
		}))
	}
}

// heap is what is in use after a collection.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// scan reads all profiles page by page in one view and returns how many there
// were and by how much the heap grew at most.
func scan(t testing.TB, store crm.Store) (rows int, grown int64) {
	t.Helper()
	ctx := context.Background()
	base := heap()
	require.NoError(t, store.View(ctx, func(r crm.Reader) error {
		var after crm.ProfileKey
		for pages := 0; ; pages++ {
			page, err := r.ScanProfiles(ctx, crm.AllParts(), after, 1000)
			if err != nil || len(page) == 0 {
				return err
			}
			rows += len(page)
			after = page[len(page)-1].ProfileKey
			if pages%50 == 0 {
				grown = max(grown, heap()-base)
			}
		}
	}))
	return rows, grown
}

// TestScanIsFlat: a scan holds one page, however many rows there are.
func TestScanIsFlat(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		store := d.store()
		fill(t, store, *scanRows)
		rows, grown := scan(t, store)
		require.Equal(t, *scanRows, rows)
		require.Less(t, grown, int64(8<<20), "bytes of heap that a scan of %d rows held", rows)
	})
}

// BenchmarkScan reports rows per second and how far the heap grew.
func BenchmarkScan(b *testing.B) {
	for name, open := range openers {
		b.Run(name, func(b *testing.B) {
			d := open(b)
			migrate(b, d)
			store := d.store()
			fill(b, store, *scanRows)
			var rows int
			var grown int64
			for b.Loop() {
				rows, grown = scan(b, store)
			}
			b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64(grown)/(1<<20), "MiB-heap-growth")
		})
	}
}
