package dbtest

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	osexec "os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/sqlstore"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// BenchmarkNightAlone does two evenings of VEFA_CUSTOMERS customers (5,000) on
// PostgreSQL, each in a process of its own that keeps no customers in memory: the first links
// everybody, the second finds them linked. It measures how long they take and the largest
// resident size of the processes.
func BenchmarkNightAlone(b *testing.B) {
	d := openCopying(b)
	besides(b, d)
	for b.Loop() {
		for evening := range 2 {
			got := runNight(b, nightOfOne{Schema: d.cfg.Schema, Day: evening})
			b.ReportMetric(got.Seconds, fmt.Sprintf("s/evening%d", evening+1))
			b.ReportMetric(got.MiB, fmt.Sprintf("MiB/evening%d", evening+1))
			b.ReportMetric(float64(got.Planned), fmt.Sprintf("planned/evening%d", evening+1))
		}
	}
}

// BenchmarkNightShared does evenings of VEFA_CUSTOMERS customers (5,000) on PostgreSQL in one
// process and in two that share them, in turns after a first one that links everybody. It
// measures how many times as long one takes, and the seconds of the processors that the
// processes and their backends use.
func BenchmarkNightShared(b *testing.B) {
	d := openCopying(b)
	besides(b, d)
	day := 0
	evening := func(processes int) (out []nightDone) {
		out = make([]nightDone, processes)
		var wg sync.WaitGroup
		for i := range out {
			wg.Go(func() { out[i] = runNight(b, nightOfOne{Schema: d.cfg.Schema, Day: day}) })
		}
		wg.Wait()
		day++
		return out
	}
	evening(1)
	for b.Loop() {
		alone, two := evening(1)[0], evening(2)
		seconds := max(two[0].Seconds, two[1].Seconds)
		b.ReportMetric(alone.Seconds/seconds, "times")
		b.ReportMetric(alone.Seconds, "s/alone")
		b.ReportMetric(seconds, "s/two")
		b.ReportMetric(alone.CPU, "cpu-s/alone")
		b.ReportMetric(max(two[0].CPU, two[1].CPU), "cpu-s/first-of-two")
		b.ReportMetric(min(two[0].CPU, two[1].CPU), "cpu-s/second-of-two")
		b.ReportMetric(alone.Backends, "cpu-s/backends-alone")
		b.ReportMetric(two[0].Backends+two[1].Backends, "cpu-s/backends-two")
	}
}

// asNight is the environment variable that makes this binary a process with one evening.
const asNight = "VEFA_TEST_NIGHT"

type nightOfOne struct {
	Schema string
	Day    int
}

type nightDone struct {
	Seconds, MiB float64
	CPU          float64 // seconds of the process
	Backends     float64 // seconds of its backends, where they are of this machine
	Planned      int
}

func runNight(b *testing.B, n nightOfOne) (out nightDone) {
	b.Helper()
	job, err := json.Marshal(n)
	require.NoError(b, err)
	cmd := osexec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asNight+"="+string(job))
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	require.NoError(b, json.NewDecoder(bufio.NewReader(pipe)).Decode(&out))
	require.NoError(b, cmd.Wait())
	return out
}

// nightMain is such a process.
func nightMain(job string) (err error) {
	var n nightOfOne
	if err := json.Unmarshal([]byte(job), &n); err != nil {
		return err
	}
	debug.SetMemoryLimit(800 << 20) // what a host in a container of 1 GiB would set
	name := fmt.Sprint("vefa-night-", os.Getpid())
	db, err := sql.Open("pgx", os.Getenv("VEFA_TEST_POSTGRES")+" application_name="+name)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxIdleConns(16) // so that none ends before it is asked for its seconds
	clock := &crmtest.Clock{}
	clock.Set(nighttest.Start.AddDate(0, 0, n.Day))
	t := &outOfTest{}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%v %s", v, t.said)
		}
	}()
	shop := nighttest.New(t, sqlstore.New(db, sqlstore.Postgres, sqlstore.Config{Schema: n.Schema, Copy: copyFrom}), clock, func(c *vefa.Config) {
		c.Resident, c.LeaseNow = -1, nil
		nighttest.Ordinary(t, c)
	})
	start := time.Now()
	rep, err := shop.Engine.Night(context.Background(), vefa.Night{})
	if err != nil {
		return err
	}
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return err
	}
	for _, s := range rep.Steps {
		fmt.Fprintf(os.Stderr, "%s %.1f s; ", s.Name, s.Seconds)
	}
	fmt.Fprintln(os.Stderr)
	out := nightDone{Seconds: time.Since(start).Seconds(), MiB: float64(u.Maxrss) / 1024, Planned: rep.Rules.Planned + rep.Campaigns.Planned,
		CPU: time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()}
	if out.Backends, err = backendSeconds(db, name); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

// backendSeconds sums the processor seconds of the backends of an application.
func backendSeconds(db *sql.DB, application string) (sum float64, err error) {
	rows, err := db.Query("SELECT pid FROM pg_stat_activity WHERE application_name = $1", application)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var pid int
		if err := rows.Scan(&pid); err != nil {
			return 0, err
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue // of another machine
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		f := strings.Fields(rest)
		for _, ticks := range f[11:13] { // utime and stime, in hundredths
			n, err := strconv.Atoi(ticks)
			if err != nil {
				return 0, err
			}
			sum += float64(n) / 100
		}
	}
	return sum, rows.Err()
}

// outOfTest is a nighttest.TB of a process that is no test.
type outOfTest struct{ said string }

func (t *outOfTest) Helper()                           {}
func (t *outOfTest) Errorf(format string, args ...any) { t.said += fmt.Sprintf(format, args...) }
func (t *outOfTest) FailNow()                          { panic("failed") }
