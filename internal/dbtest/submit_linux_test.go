package dbtest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// BenchmarkSubmit answers surveys through the pages on SQLite, each answer on the disk before its page,
// at rates that do not wait for the answers, and measures fdatasync of a page of 4 KiB beside it, on
// the same disk: the goal is a 99th percentile of 1.5 times that of fdatasync and 2 ms. VEFA_RATE is the
// answers a second, 1,000 by default.
func BenchmarkSubmit(b *testing.B) {
	rate := 1000
	if s := os.Getenv("VEFA_RATE"); s != "" {
		_, err := fmt.Sscan(s, &rate)
		require.NoError(b, err)
	}
	const seconds = 6
	for b.Loop() {
		b.StopTimer()
		dir := b.TempDir()
		d := openDurable(b, filepath.Join(dir, "vefa.db"))
		migrate(b, d)
		w := nighttest.Ask(b, b.Context(), d.store(), 1, rate*seconds, func(c *vefa.Config) { c.Surveys[0].Definition = nighttest.OnePage() })
		handler := w.Engines[0].Handler()
		alone := disk(b, dir, func() { time.Sleep(time.Second) })
		took := make([]time.Duration, len(w.Links))
		bad := make([]string, len(w.Links))
		b.StartTimer()
		beside := disk(b, dir, func() {
			var wg sync.WaitGroup
			begin := time.Now()
			for i, link := range w.Links {
				at := begin.Add(time.Duration(i) * time.Second / time.Duration(rate))
				time.Sleep(time.Until(at))
				wg.Go(func() {
					form := url.Values{"_key": {fmt.Sprint("k", i)}, "_on.nps": {"1"}, "_on.comment": {"1"}, "q.nps": {fmt.Sprint(10 - i%10/9*8)}}
					r := httptest.NewRequest(http.MethodPost, strings.TrimPrefix(link, "https://s.example"), strings.NewReader(form.Encode()))
					r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
					rec := httptest.NewRecorder()
					handler.ServeHTTP(rec, r)
					took[i] = time.Since(at)
					if rec.Code != http.StatusSeeOther {
						bad[i] = fmt.Sprintf("%d: %s", rec.Code, rec.Body)
					}
				})
			}
			wg.Wait()
		})
		b.StopTimer()
		for _, s := range bad {
			require.Empty(b, s)
		}
		require.Len(b, w.Stored(b, b.Context()), len(w.Links))
		goal := time.Duration(1.5*float64(at(beside, 99))) + 2*time.Millisecond
		b.Logf("%d answers at %d a second: p50 %v, p99 %v, max %v; fdatasync beside it p50 %v, p99 %v, alone p50 %v, p99 %v; goal %v",
			len(took), rate, at(took, 50), at(took, 99), at(took, 100), at(beside, 50), at(beside, 99), at(alone, 50), at(alone, 99), goal)
		ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
		b.ReportMetric(ms(at(took, 99)), "p99-ms")
		b.ReportMetric(ms(at(beside, 99)), "fdatasync-p99-ms")
		b.ReportMetric(ms(at(took, 99))/ms(goal), "of-goal")
		b.ReportMetric(0, "ns/op")
		b.StartTimer()
	}
}

// at returns a percentile; it sorts what it is given.
func at(d []time.Duration, percent int) time.Duration {
	slices.Sort(d)
	return d[min(len(d)-1, len(d)*percent/100)]
}

// disk writes and syncs a page of 4 KiB a hundred times a second while something is done, and returns how
// long each took.
func disk(t testing.TB, dir string, while func()) []time.Duration {
	f, err := os.Create(filepath.Join(dir, "disk"))
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	ctx, cancel := context.WithCancel(t.Context())
	var took []time.Duration
	var wg sync.WaitGroup
	wg.Go(func() {
		page := make([]byte, 4096)
		for tick := time.NewTicker(10 * time.Millisecond); ctx.Err() == nil; <-tick.C {
			begin := time.Now()
			if _, err := f.Write(page); err != nil {
				t.Error(err)
				return
			}
			if err := syscall.Fdatasync(int(f.Fd())); err != nil {
				t.Error(err)
				return
			}
			took = append(took, time.Since(begin))
		}
	})
	while()
	cancel()
	wg.Wait()
	return took
}
