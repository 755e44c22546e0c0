//go:build unix

package segmentbench

import (
	"math"
	"syscall"
	"testing"
	"time"
)

// cpuNow returns the CPU time of the process so far. On a shared machine the
// wall time says little.
func cpuNow() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// perOp runs f often enough to be measurable and returns CPU nanoseconds per call.
func perOp(f func(), calls int) float64 {
	start := cpuNow()
	for range calls {
		f()
	}
	return float64(cpuNow()-start) / float64(calls)
}

// callsFor returns how many calls of f take a good moment.
func callsFor(f func()) int {
	for calls := 1; ; calls *= 4 {
		if start := cpuNow(); true {
			for range calls {
				f()
			}
			if took := cpuNow() - start; took > 3*time.Millisecond {
				return max(1, int(float64(calls)*float64(8*time.Millisecond)/float64(took)))
			}
		}
	}
}

// best returns the least CPU nanoseconds per call of f.
func best(f func()) float64 {
	calls, least := callsFor(f), math.Inf(1)
	for range 9 {
		least = min(least, perOp(f, calls))
	}
	return least
}

// versus measures both in turns, so that both meet the same weather, and reports
// the minimum of each and the ratio: how many times faster ours is.
func versus(b *testing.B, ours, theirs func()) (ratio float64) {
	b.Helper()
	m, n := callsFor(ours), callsFor(theirs)
	a, t := math.Inf(1), math.Inf(1)
	for range 15 {
		a, t = min(a, perOp(ours, m)), min(t, perOp(theirs, n))
	}
	for b.Loop() {
		ours()
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(a/1000, "µs-ours")
	b.ReportMetric(t/1000, "µs-roaring")
	b.ReportMetric(t/a, "x-faster")
	return t / a
}

// alone measures ours only.
func alone(b *testing.B, f func()) {
	b.Helper()
	least := best(f)
	for b.Loop() {
		f()
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(least/1000, "µs-ours")
}
