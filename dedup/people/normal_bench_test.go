package people

import (
	"compress/gzip"
	"encoding/csv"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkNormal makes records of the shared retail data comparable. It reports the
// processor's time: other programs may run beside it.
func BenchmarkNormal(b *testing.B) {
	dir := os.Getenv("VEFA_DATA")
	if dir == "" {
		dir = "../../../shared/data"
	}
	f, err := os.Open(filepath.Join(dir, "dedup", "retail_synth", "retail_tr_50k.csv.gz"))
	if err != nil {
		b.Skipf("no shared data: %v (set VEFA_DATA)", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(b, err)
	rows, err := csv.NewReader(z).ReadAll()
	require.NoError(b, err)
	records := make([]Record, 0, len(rows))
	for _, row := range rows[1:] {
		r := Record{ID: row[0], Given: row[2], Family: row[3], Gender: row[4], Birth: row[7], City: row[8], District: row[9]}
		if row[5] != "" {
			r.Phones = row[5:6]
		}
		if row[6] != "" {
			r.Emails = row[6:7]
		}
		records = append(records, r)
	}
	l, err := New(Options{})
	require.NoError(b, err)
	n := l.normalizer()
	used := func() float64 {
		var u syscall.Rusage
		require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
		return float64(u.Utime.Nano() + u.Stime.Nano())
	}
	from, made := used(), 0
	for b.Loop() {
		for i := range records {
			n.record(&records[i])
		}
		made += len(records)
	}
	b.ReportMetric((used()-from)/float64(made), "cpu-ns/record")
}
