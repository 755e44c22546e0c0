//go:build unix

package segment

import (
	"fmt"
	"syscall"
	"testing"
)

// cpu reports the CPU time per operation beside the wall time, which on a shared
// machine says little: defer cpu(b)().
func cpu(b *testing.B) func() {
	now := func() int64 {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return u.Utime.Nano() + u.Stime.Nano()
	}
	start := now()
	return func() { b.ReportMetric(float64(now()-start)/float64(b.N), "cpu-ns/op") }
}

func benchName(t int) string { return fmt.Sprintf("tag-%03d", t) }

func BenchmarkLoad1M(b *testing.B) {
	const n = 1_000_000
	customers := make([]string, n)
	for i := range customers {
		customers[i] = fmt.Sprintf("c%08d", i)
	}
	tags := []string{benchName(0), benchName(1), benchName(2), benchName(3), benchName(4), benchName(5), benchName(6), benchName(7)}
	defer cpu(b)()
	for b.Loop() {
		idx := NewIndex(Options{})
		if _, err := idx.Load(day0, func(yield func(string, []string) bool) {
			for i, c := range customers {
				if !yield(c, tags[i%8:]) {
					return
				}
			}
		}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLottery(b *testing.B) {
	l := newLottery([]byte("summer"))
	b.ReportAllocs()
	defer cpu(b)()
	for b.Loop() {
		l.number("c00000007")
	}
}
