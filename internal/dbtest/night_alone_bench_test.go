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

// asNight is the environment variable that makes this binary a process with one evening.
const asNight = "VEFA_TEST_NIGHT"

type nightOfOne struct {
	Schema string
	Day    int
}

type nightDone struct {
	Seconds, MiB float64
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
	db, err := sql.Open("pgx", os.Getenv("VEFA_TEST_POSTGRES"))
	if err != nil {
		return err
	}
	defer db.Close()
	clock := &crmtest.Clock{}
	clock.Set(nighttest.Start.AddDate(0, 0, n.Day))
	t := &outOfTest{}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%v %s", v, t.said)
		}
	}()
	shop := nighttest.New(t, sqlstore.New(db, sqlstore.Postgres, sqlstore.Config{Schema: n.Schema, Copy: copyFrom}), clock, func(c *vefa.Config) {
		c.Resident = -1
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
	return json.NewEncoder(os.Stdout).Encode(nightDone{time.Since(start).Seconds(), float64(u.Maxrss) / 1024, rep.Rules.Planned + rep.Campaigns.Planned})
}

// outOfTest is a nighttest.TB of a process that is no test.
type outOfTest struct{ said string }

func (t *outOfTest) Helper()                           {}
func (t *outOfTest) Errorf(format string, args ...any) { t.said += fmt.Sprintf(format, args...) }
func (t *outOfTest) FailNow()                          { panic("failed") }
