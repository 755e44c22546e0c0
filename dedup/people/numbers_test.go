package people_test

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/people"
)

// TestMain lets the test program serve as the process whose memory is measured.
func TestMain(m *testing.M) {
	if path := os.Getenv("VEFA_DEDUP_CHILD"); path != "" {
		if err := child(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// batch is what a process that links one file reports.
type batch struct {
	Records, Pairs, Edges, Clusters int64
	Phases                          map[string]float64 // CPU seconds
	Wall, CPU                       float64            // s, of linking with normalising, without reading the file
	ReadWall, ReadCPU               float64            // s, of reading and parsing the file alone
	RSS                             float64            // MB, peak of the process, reading included
	F1, BCubed                      float64
}

// phases times the phases of a batch.
type phases map[string]*phase

type phase struct {
	start time.Time
	wall  float64 // s
	cpu   float64 // s, of the process
	used  float64
}

func (p phases) tell(at dedup.Progress) {
	switch {
	case p[at.Phase] == nil || at.Done == 0:
		p[at.Phase] = &phase{start: time.Now(), used: cpu()}
	default:
		x := p[at.Phase]
		x.wall, x.cpu = time.Since(x.start).Seconds(), cpu()-x.used
	}
}

// retailFile reads a retail file row by row and keeps nothing.
func retailFile(path string, failed *error) iter.Seq2[people.Record, string] {
	return func(yield func(people.Record, string) bool) {
		f, err := os.Open(path)
		if err != nil {
			*failed = err
			return
		}
		defer f.Close()
		r := csv.NewReader(bufio.NewReaderSize(f, 1<<16))
		r.ReuseRecord = true
		if _, err := r.Read(); err != nil {
			*failed = err
			return
		}
		var phones, emails [1]string
		for {
			row, err := r.Read()
			if err == io.EOF {
				return
			}
			if err != nil {
				*failed = err
				return
			}
			rec := people.Record{ID: row[0], Source: row[1], Given: row[2], Family: row[3], Gender: row[4], Birth: row[7], City: row[8], District: row[9]}
			if phones[0] = row[5]; row[5] != "" {
				rec.Phones = phones[:]
			}
			if emails[0] = row[6]; row[6] != "" {
				rec.Emails = emails[:]
			}
			if !yield(rec, row[10]) {
				return
			}
		}
	}
}

func child(path string) error {
	var out batch
	var failed error
	// The truth is read by a pass of its own after linking, so that it costs no memory here.
	start, used := time.Now(), cpu()
	for range retailFile(path, &failed) {
		out.Records++
	}
	out.ReadWall, out.ReadCPU = time.Since(start).Seconds(), cpu()-used
	timer := phases{}
	l, err := people.New(people.Options{Threads: 2, Progress: timer.tell})
	if err != nil {
		return err
	}
	start, used = time.Now(), cpu()
	r, err := l.Link(ctx, func(yield func(people.Record) bool) {
		for rec := range retailFile(path, &failed) {
			if !yield(rec) {
				return
			}
		}
	}, nil)
	if err != nil || failed != nil {
		return fmt.Errorf("link %s: %w %w", path, err, failed)
	}
	out.Wall, out.CPU = time.Since(start).Seconds()-out.ReadWall, cpu()-used-out.ReadCPU
	out.RSS = peak()
	out.Phases = map[string]float64{}
	for name, p := range timer {
		out.Phases[name] = p.cpu
	}
	out.Pairs, out.Edges, out.Clusters = r.Stats.Pairs, int64(r.Stats.Edges), int64(r.Stats.Clusters)
	truth := map[string]string{}
	for rec, entity := range retailFile(path, &failed) {
		truth[strings.Clone(rec.ID)] = strings.Clone(entity)
	}
	m := dedup.Evaluate(r.Clusters, lookup(truth))
	out.F1, out.BCubed = m.F1, m.BCubed
	return json.NewEncoder(os.Stdout).Encode(out)
}

// peak is the largest resident size of this process in MB.
func peak() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err == nil {
		for line := range strings.Lines(string(status)) {
			if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
				kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
				return kb / 1000
			}
		}
	}
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Maxrss) / 1000
}

// BenchmarkAsk asks an index of a million records for single ones, and adds single ones to
// it, clusters brought up to date: "who is this?" at the till. VEFA_RETAIL_1M names the
// file; without it the 50,000 of the shared data are used.
func BenchmarkAsk(b *testing.B) {
	path := os.Getenv("VEFA_RETAIL_1M")
	var records []people.Record
	if path == "" {
		s := sets["retail_50k"]
		records, _ = load(b, s, data(b, s.file))
	} else {
		var failed error
		for r := range retailFile(path, &failed) {
			r.Phones, r.Emails = slices.Clone(r.Phones), slices.Clone(r.Emails)
			records = append(records, r)
		}
		require.NoError(b, failed)
	}
	l := newLinker(b, people.Options{Threads: 2})
	model, err := l.Train(ctx, slices.Values(records))
	require.NoError(b, err)
	x, err := l.NewIndex(model)
	require.NoError(b, err)
	last := len(records) - len(records)/50
	used := cpu()
	_, err = x.Apply(ctx, records[:last], nil)
	require.NoError(b, err)
	built := cpu() - used
	var heap runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&heap)
	report := func(b *testing.B, took []time.Duration, cpu float64) {
		b.ReportMetric(1e6*cpu/float64(len(took)), "cpu-us") // on average: no other program's work
		slices.Sort(took)
		at := func(q float64) float64 { return float64(took[int(q*float64(len(took)-1))].Nanoseconds()) / 1000 }
		b.ReportMetric(at(0.5), "p50-us")
		b.ReportMetric(at(0.99), "p99-us")
		b.ReportMetric(at(1), "max-us")
		b.ReportMetric(float64(last), "records")
	}
	b.Run("find", func(b *testing.B) {
		var took []time.Duration
		for b.Loop() {
			took = took[:0]
			from := cpu()
			for _, r := range records[last:] {
				start := time.Now()
				_, err := x.Find(ctx, r)
				took = append(took, time.Since(start))
				require.NoError(b, err)
			}
			used = cpu() - from
		}
		report(b, took, used)
		b.ReportMetric(built, "fill-cpu-s")
		b.ReportMetric(float64(heap.HeapAlloc)/1e6, "heap-MB")
	})
	b.Run("add", func(b *testing.B) {
		var took []time.Duration
		for b.Loop() {
			took = took[:0]
			from := cpu()
			for _, r := range records[last:] {
				start := time.Now()
				_, err := x.Apply(ctx, []people.Record{r}, nil)
				took = append(took, time.Since(start))
				require.NoError(b, err)
			}
			used = cpu() - from
			b.StopTimer()
			for _, r := range records[last:] {
				_, err := x.Apply(ctx, nil, []string{r.ID})
				require.NoError(b, err)
			}
			b.StartTimer()
		}
		report(b, took, used)
	})
}

// BenchmarkMillion links files in a process of their own and reports its time, without
// reading the file, and its peak memory, with it. VEFA_RETAIL_1M and VEFA_RETAIL_4M
// name them; shared/data/dedup/README.md says how to make them (-n 640000, -n 2560000).
func BenchmarkMillion(b *testing.B) {
	walls := map[string]float64{}
	for _, name := range []string{"VEFA_RETAIL_1M", "VEFA_RETAIL_4M"} {
		b.Run(name, func(b *testing.B) {
			path := os.Getenv(name)
			if path == "" {
				b.Skip(name + " names no file")
			}
			var best batch
			for b.Loop() {
				cmd := exec.CommandContext(b.Context(), os.Args[0])
				cmd.Env = append(os.Environ(), "VEFA_DEDUP_CHILD="+path)
				cmd.Stderr = os.Stderr
				said, err := cmd.Output()
				require.NoError(b, err)
				var got batch
				require.NoError(b, json.Unmarshal(said, &got))
				if best.CPU == 0 || got.CPU < best.CPU {
					best = got
				}
			}
			walls[name] = best.CPU
			b.ReportMetric(best.Wall, "wall-s")
			b.ReportMetric(best.CPU, "cpu-s")
			b.ReportMetric(best.RSS, "peak-MB")
			b.ReportMetric(best.F1, "F1")
			b.ReportMetric(float64(best.Pairs)/best.Phases["compare"], "pairs/cpu-s")
			if one := walls["VEFA_RETAIL_1M"]; one > 0 && name != "VEFA_RETAIL_1M" {
				b.ReportMetric(best.CPU/one, "times-1M")
			}
		})
	}
}
