package main

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// process runs the program in a process of its own, which is killed when ctx
// ends.
func process(ctx context.Context, t testing.TB, env []string, args ...string) (o printed, killed bool) {
	t.Helper()
	cmd := exec.CommandContext(ctx, os.Args[0], append([]string{"-json", "-digest"}, args...)...) // its Cancel is SIGKILL
	cmd.Env = append(append(os.Environ(), asProgram+"=1"), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if err == nil || cmd.ProcessState != nil && cmd.ProcessState.Success() { // the kill may come a moment too late
		return read(t, out.Bytes(), errs.String()), false
	}
	var exit *exec.ExitError
	require.True(t, errors.Is(err, context.DeadlineExceeded) || errors.As(err, &exit), "%v", err)
	if cmd.ProcessState != nil {
		status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
		require.True(t, ok && status.Signaled() && status.Signal() == syscall.SIGKILL, "%v\n%s", err, errs.String())
	}
	return printed{}, true
}

// TestKilledAtRandomMoments kills runs with SIGKILL, goes on with the same
// command and compares what comes out with a run that nobody disturbed.
func TestKilledAtRandomMoments(t *testing.T) {
	kills := 50
	if raced || testing.Short() { // the detector makes a run ten times as long; .ci/run has all 50 without it
		kills = 10
	}
	flags := size(250, 28)
	if long() {
		flags = size(20_000, 60)
	}
	for _, d := range onAll {
		t.Run(d.name, func(t *testing.T) {
			ctx := deadline(t)
			whole := append([]string{"-db", d.open(t)}, flags...)
			start := time.Now()
			want, killed := process(ctx, t, nil, whole...)
			require.False(t, killed)
			took := time.Since(start)
			seed := rand.Uint64()
			t.Logf("a run takes %.1f s; seed of the kills: %d", took.Seconds(), seed)
			random := rand.New(rand.NewPCG(seed, 0))
			for n := 0; n < kills; {
				args := append([]string{"-db", d.open(t)}, flags...)
				for done := false; !done; {
					// Short lives hit a run many times, long ones let it get on.
					limit := took / time.Duration(1+random.IntN(8))
					life, cancel := context.WithCancel(ctx)
					if n < kills {
						life, cancel = context.WithTimeout(ctx, time.Duration(random.Int64N(int64(limit))))
					}
					got, killed := process(life, t, nil, args...)
					cancel()
					require.NoError(t, ctx.Err())
					if killed {
						n++
						continue
					}
					done = true
					same(t, whole[1], args[1], want, got)
				}
			}
		})
	}
}

// TestKilledOverTheWholeRun kills runs that are large enough to have people who
// share phones, campaigns and throttled messages: first somewhere in the last two
// thirds of the run, then sooner, and compares what comes out. VEFA_KILLED_RUNS is
// how many runs SQLite and PostgreSQL have; .ci/run and .ci/long set it. Case A19.
func TestKilledOverTheWholeRun(t *testing.T) {
	runs, flags := 1, append(size(1500, 15), "-seed", "31")
	if n := os.Getenv("VEFA_KILLED_RUNS"); n != "" {
		var err error
		runs, err = strconv.Atoi(n)
		require.NoError(t, err)
	} else if long() {
		runs = 250
	} else if raced || testing.Short() {
		flags = append(size(250, 7), "-seed", "31")
	}
	for _, d := range onAll {
		t.Run(d.name, func(t *testing.T) {
			whole := append([]string{"-db", d.open(t)}, flags...)
			start := time.Now()
			want, killed := process(deadline(t), t, nil, whole...)
			require.False(t, killed)
			took := time.Since(start)
			seed := rand.Uint64()
			t.Logf("a run takes %.1f s; seed of the kills: %d", took.Seconds(), seed)
			runs := runs
			if d.name == "mysql" { // which takes three times as long as the others
				runs = (runs + 3) / 4
			}
			random := rand.New(rand.NewPCG(seed, 0))
			for n := range runs {
				kills := 0
				t.Run(strconv.Itoa(n), func(t *testing.T) {
					args := append([]string{"-db", d.open(t)}, flags...)
					share := 0.3 + 0.7*random.Float64()
					for {
						life, cancel := context.WithCancel(deadline(t))
						if kills < 4 {
							life, cancel = context.WithTimeout(life, time.Duration(share*float64(took)))
						}
						got, killed := process(life, t, nil, args...)
						cancel()
						if !killed {
							same(t, whole[1], args[1], want, got)
							break
						}
						kills++
						share = 0.05 + 0.45*random.Float64()
					}
					t.Logf("%d kills", kills)
				})
			}
		})
	}
}

// TestKilledWhileSending kills a run while the gateway has messages of which
// the record does not know what became: among them accepted ones, throttled
// ones, some whose number does not exist and some on which the line breaks.
func TestKilledWhileSending(t *testing.T) {
	worlds := map[string][]string{ // by the seeds of worlds that have such answers
		"50": {"accepted:40", "throttled:1", "throttled:4", "unknown:1"},
		"32": {"rejected:2", "throttled:3"},
	}
	if raced { // .ci/run has all without the detector
		worlds = map[string][]string{"50": {"throttled:4", "unknown:1"}}
	}
	for seed, moments := range worlds {
		flags := append(size(300, 14), "-seed", seed)
		db := onSQLite.open(t)
		want := night(t, append([]string{"-db", db}, flags...)...)
		for _, at := range moments {
			t.Run(at, func(t *testing.T) {
				args := append([]string{"-db", onSQLite.open(t)}, flags...)
				_, killed := process(deadline(t), t, []string{dieAt + "=" + at}, args...)
				require.True(t, killed, "the gateway gives this answer less often")
				same(t, db, args[1], want, night(t, args...))
			})
		}
		if raced {
			continue
		}
		t.Run("again and again in "+seed, func(t *testing.T) {
			args := append([]string{"-db", onSQLite.open(t)}, flags...)
			for n := 0; ; n++ {
				got, killed := process(deadline(t), t, []string{dieAt + "=accepted:" + strconv.Itoa(3+7*n)}, args...)
				if !killed {
					require.Greater(t, n, 3)
					same(t, db, args[1], want, got)
					return
				}
			}
		})
	}
}
