package things_test

import (
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/things"
)

// The files of shared/data and generated companies at library defaults, without labels (E8).
// The floors are a little below what is measured (BenchmarkLink) and above every peer.
func TestNumbers(t *testing.T) {
	for name, least := range map[string]float64{
		"abt_buy": 0.85, "dblp_acm": 0.985, "fodors_zagats": 0.99, "restaurants": 0.93, "restaurants_1_2": 0.98,
		"early_childhood": 0.90, "companies": 0.97, "company_names": 0.90,
	} {
		t.Run(name, func(t *testing.T) {
			if raced && !strings.HasSuffix(name, "zagats") {
				t.Log("takes minutes with the race detector: run without -race") // .ci/run runs it elsewhere, and skips nothing
				return
			}
			s := sets[name]
			records, truth := load(t, s)
			r, err := newLinker(t, s.opt).Link(ctx, slices.Values(records), nil)
			require.NoError(t, err)
			m := dedup.Evaluate(r.Clusters, lookup(truth))
			require.GreaterOrEqual(t, m.F1, least, "%+v", m)
			require.Empty(t, r.Stats.Warnings)
		})
	}
}

// Other companies, and files of other sizes, are linked as well; the more there are, the more
// share a surname and a trade.
func TestOtherCompanies(t *testing.T) {
	if raced {
		t.Log("takes minutes with the race detector: run without -race") // .ci/run runs it elsewhere, and skips nothing
		return
	}
	for seed, n := range map[uint64]int{11: 500, 12: 6000} {
		records, truth := generate(seed, n, false)
		r, err := newLinker(t, companies).Link(ctx, slices.Values(records), nil)
		require.NoError(t, err)
		m := dedup.Evaluate(r.Clusters, lookup(truth))
		require.GreaterOrEqual(t, m.F1, 0.86, "%d: %+v", n, m)
	}
}

// BenchmarkLink measures whole batches, counting words and training included. Peak memory is
// that of the process: name one file to see it alone.
func BenchmarkLink(b *testing.B) {
	for _, name := range slices.Sorted(maps.Keys(sets)) {
		b.Run(name, func(b *testing.B) {
			s := sets[name]
			records, truth := load(b, s)
			l := newLinker(b, s.opt)
			runtime.GC()
			var r *things.Result
			before := cpu()
			for b.Loop() {
				var err error
				r, err = l.Link(ctx, slices.Values(records), nil)
				require.NoError(b, err)
			}
			used := (cpu() - before) / float64(b.N)
			m := dedup.Evaluate(r.Clusters, lookup(truth))
			b.ReportMetric(used, "cpu-s/op")
			b.ReportMetric(float64(r.Stats.Pairs), "pairs")
			b.ReportMetric(m.Precision, "precision")
			b.ReportMetric(m.Recall, "recall")
			b.ReportMetric(m.F1, "F1")
			b.ReportMetric(m.BCubed, "B3")
			b.ReportMetric(peak(), "peak-MB")
		})
	}
}

func cpu() float64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

// peak is the largest resident size of this process in MB, 0 where the system does not say.
func peak() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1000
		}
	}
	return 0
}
