package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/examples/internal/programtest"
	"github.com/vefacrm/vefa/examples/internal/record"
)

// Tests that kill run this binary again as the program.
const (
	asProgram = "VEFA_NIGHT_PROGRAM" // "1": be the program
	dieAt     = "VEFA_NIGHT_DIE"     // "throttled:3": be killed when the gateway answers so for the third time
)

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "" {
		os.Exit(m.Run())
	}
	program := run
	if os.Getenv(dieAt) != "" {
		program = dying
	}
	if err := program(context.Background(), os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "night:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// dying is run in a process that is killed while the gateway has the messages
// and the record does not know its answers yet.
func dying(ctx context.Context, args []string, out, errs io.Writer) error {
	o, err := parse(args, errs)
	if err != nil {
		return err
	}
	show := newDisplay(errs, o.say)
	store, where, shut, err := record.Open(ctx, o.db)
	if err != nil {
		return err
	}
	defer shut()
	s, stop, err := newSimulation(ctx, o, store, show)
	if err != nil {
		return err
	}
	defer stop()
	answer, number, _ := strings.Cut(os.Getenv(dieAt), ":")
	left, err := strconv.Atoi(number)
	if err != nil {
		return err
	}
	fate := s.gate.Fate
	s.gate.Fate = func(effect crm.EffectID, to crm.Address, at time.Time) (string, time.Time) {
		status, delivered := fate(effect, to, at)
		if status == answer {
			if left--; left == 0 {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {} // never answers
			}
		}
		return status, delivered
	}
	if err := s.run(ctx); err != nil {
		return err
	}
	return s.finish(ctx, out, where)
}

// long reports whether the tests have the size that the issue asks for; it
// takes an hour.
func long() bool { return os.Getenv("VEFA_LONG") == "1" }

// size returns the flags of a simulated world.
func size(people, evenings int) []string {
	return []string{"-customers", strconv.Itoa(people), "-evenings", strconv.Itoa(evenings)}
}

// deadline is a context that ends before the test's patience does.
func deadline(t testing.TB) context.Context {
	t.Helper()
	patience := 20 * time.Minute // the race detector makes a database in pure Go slow
	if long() {
		patience = 3 * time.Hour
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// printed is what one run printed.
type printed struct {
	summary
	effects int // of all kinds and states
	log     string
}

// night runs the program in this process and reads what it says with -json and
// -digest.
func night(t testing.TB, args ...string) printed {
	t.Helper()
	var out, errs bytes.Buffer
	err := run(deadline(t), append([]string{"-json", "-digest"}, args...), &out, &errs)
	require.NoError(t, err, "night %q\n%s", args, errs.String())
	return read(t, out.Bytes(), errs.String())
}

// read takes the output of -json -digest apart.
func read(t testing.TB, out []byte, log string) printed {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	o := printed{log: log}
	require.NoError(t, json.NewDecoder(bytes.NewReader(out)).Decode(&o.summary), "%s", out)
	require.Len(t, o.Digest, 64)
	require.Equal(t, o.Digest, lines[len(lines)-1], "the digest is the last line")
	for _, states := range o.Effects {
		for _, n := range states {
			o.effects += n
		}
	}
	return o
}

// database is one kind of store.
type database struct {
	name string
	open func(t testing.TB) string // the value of -db for an empty one
}

var (
	onSQLite   = database{"sqlite", func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "night.db") }}
	onPostgres = database{"postgres", programtest.EmptyPostgres}
	onMySQL    = database{"mysql", programtest.EmptyMySQL}
	onAll      = databases()
)

// databases are those of onAll: under the race detector one, as .ci/run has all of them
// without it.
func databases() []database {
	switch {
	case !raced:
		return []database{onSQLite, onPostgres, onMySQL}
	case os.Getenv("VEFA_TEST_POSTGRES") != "":
		return []database{onPostgres}
	}
	return []database{onSQLite}
}
