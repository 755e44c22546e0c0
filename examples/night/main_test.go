package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
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
	onPostgres = database{"postgres", emptyPostgres}
	onMySQL    = database{"mysql", emptyMySQL}
	onAll      = databases()
)

// server returns the DSN of a test server, or skips.
func server(t testing.TB, variable, name string) string {
	t.Helper()
	dsn := os.Getenv(variable)
	if dsn == "" {
		msg := variable + " is not set: nothing was tested on " + name
		if os.Getenv("VEFA_REQUIRE_ALL") == "1" {
			t.Fatal(msg)
		}
		t.Skip(msg)
	}
	return dsn
}

// emptyMySQL makes a database on the test server, or skips.
func emptyMySQL(t testing.TB) string {
	t.Helper()
	cfg, err := mysql.ParseDSN(server(t, "VEFA_TEST_MYSQL", "MySQL"))
	require.NoError(t, err)
	name := "night_" + strings.ToLower(rand.Text())
	administer(t, "mysql", "CREATE DATABASE "+name)
	t.Cleanup(func() { administer(t, "mysql", "DROP DATABASE "+name) })
	cfg.DBName = name
	return "mysql:" + cfg.FormatDSN()
}

// emptyPostgres makes a database on the test server, or skips.
func emptyPostgres(t testing.TB) string {
	t.Helper()
	server := server(t, "VEFA_TEST_POSTGRES", "PostgreSQL")
	name := "night_" + strings.ToLower(rand.Text())
	administer(t, "pgx", `CREATE DATABASE `+name)
	t.Cleanup(func() { administer(t, "pgx", `DROP DATABASE `+name+` WITH (FORCE)`) })
	if u, err := url.Parse(server); err == nil && u.Scheme != "" {
		u.Path = "/" + name
		return "postgres:" + u.String()
	}
	return "postgres:" + server + " dbname=" + name // the last one counts
}

// administer runs a statement on the test server of a driver.
func administer(t testing.TB, driver, statement string, args ...any) {
	t.Helper()
	db, err := sql.Open(driver, os.Getenv(map[string]string{"pgx": "VEFA_TEST_POSTGRES", "mysql": "VEFA_TEST_MYSQL"}[driver]))
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	_, err = db.ExecContext(ctx, statement, args...)
	require.NoError(t, err, statement)
}

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
