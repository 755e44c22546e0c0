package dbtest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/sqlstore"
)

var people = flag.Int("people", 5000, "how many people the import benchmarks import, with 4 orders each")

var chunk = flag.Int("chunk", 2000, "how many records an import writes per transaction; 2,000 make some 10,000 rows, as many as the peers commit at once")

// contents are the rows of one table, in the order in which an import made them.
type contents struct {
	table   string // qualified
	columns []string
	rows    [][]any
}

// arrival orders each table's rows as they came in, which their keys do not.
var arrival = map[string]string{
	"profiles": "id", "contacts": "id, channel", "members": "id", "customers": "home_id", "links": "id", "orders": "id", "consents": "id",
	"addresses": "value", "anchors": "id", "refs": "subject_b, target, kind", "changes": "subject_b, fact_id", "part_seq": "part",
}

func readContents(t testing.TB, d database) []contents {
	t.Helper()
	var out []contents
	for _, name := range tables(t, d) {
		order, ok := arrival[strings.TrimPrefix(name, "vefa_")]
		if !ok {
			continue
		}
		c := contents{table: qualified(d, name)}
		rows, err := d.db.QueryContext(context.Background(), "SELECT * FROM "+c.table+" ORDER BY "+order)
		require.NoError(t, err)
		c.columns, err = rows.Columns()
		require.NoError(t, err)
		for rows.Next() {
			vals := make([]any, len(c.columns))
			into := make([]any, len(vals))
			for i := range vals {
				into[i] = &vals[i]
			}
			require.NoError(t, rows.Scan(into...))
			c.rows = append(c.rows, vals)
		}
		require.NoError(t, rows.Err())
		require.NoError(t, rows.Close())
		out = append(out, c)
	}
	return out
}

func qualified(d database, table string) string {
	switch d.dialect {
	case sqlstore.Postgres:
		return `"` + d.cfg.Schema + `"."` + table + `"`
	case sqlstore.MySQL:
		return "`" + d.cfg.Schema + "`.`" + table + "`"
	}
	return `"` + table + `"`
}

func count(all []contents) int {
	n := 0
	for _, c := range all {
		n += len(c.rows)
	}
	return n
}

// timeImport imports through the Service, by some workers at once, and returns
// how long it took.
func timeImport(t testing.TB, d database, workers int) cost {
	t.Helper()
	svc := crm.New(d.store(), crm.Config{ChunkSize: *chunk, Workers: workers})
	step := 5 * *chunk // records come by ten thousands, as Import asks for
	var sum cost
	for lo := 0; lo < *people; lo += step {
		b := batch(lo, min(lo+step, *people), 4)
		start := begin(t, d)
		rep, err := svc.Import(context.Background(), b)
		sum = sum.add(start.end(t))
		require.NoError(t, err)
		require.Empty(t, rep.Rejected)
		require.Equal(t, b.Len(), rep.Profiles+rep.Facts)
	}
	return sum
}

// timeBare writes the same rows by prepared statements of 50 rows, 10,000 rows
// per transaction.
func timeBare(t testing.TB, d database, all []contents) cost {
	t.Helper()
	ctx := context.Background()
	const per, perTx = 50, 10_000
	start := begin(t, d)
	for _, c := range all {
		row := "(?" + strings.Repeat(",?", len(c.columns)-1) + ")"
		insert := func(n int) string {
			return "INSERT INTO " + c.table + " (" + strings.Join(c.columns, ",") + ") VALUES " + row + strings.Repeat(","+row, n-1)
		}
		for lo := 0; lo < len(c.rows); lo += perTx {
			tx, err := d.db.BeginTx(ctx, nil)
			require.NoError(t, err)
			st, err := tx.PrepareContext(ctx, insert(per))
			require.NoError(t, err)
			part := c.rows[lo:min(lo+perTx, len(c.rows))]
			args := make([]any, 0, per*len(c.columns))
			for len(part) >= per {
				args = args[:0]
				for _, r := range part[:per] {
					args = append(args, r...)
				}
				_, err := st.ExecContext(ctx, args...)
				require.NoError(t, err)
				part = part[per:]
			}
			for _, r := range part {
				_, err := tx.ExecContext(ctx, insert(1), r...)
				require.NoError(t, err)
			}
			require.NoError(t, tx.Commit())
		}
	}
	return start.end(t)
}

// timeCopy drops the keys and indexes, writes the same rows by COPY and builds
// the keys and indexes, on some connections at once, the largest table first.
func timeCopy(t testing.TB, d database, all []contents, connections int) cost {
	t.Helper()
	ctx := context.Background()
	var undo, redo []string
	for _, q := range []string{
		`SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname), format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE contype = 'p' AND connamespace = $1::regnamespace AND conrelid::regclass::text NOT LIKE '%schema_versions'`,
		`SELECT format('DROP INDEX %I.%I', schemaname, indexname), indexdef FROM pg_indexes WHERE schemaname = $1 AND indexdef NOT LIKE 'CREATE UNIQUE%'`,
	} {
		rows, err := d.db.QueryContext(ctx, q, d.cfg.Schema)
		require.NoError(t, err)
		for rows.Next() {
			var a, b string
			require.NoError(t, rows.Scan(&a, &b))
			undo, redo = append(undo, a), append(redo, b)
		}
		require.NoError(t, rows.Err())
		require.NoError(t, rows.Close())
	}
	for i := len(undo) - 1; i >= 0; i-- {
		_, err := d.db.ExecContext(ctx, undo[i])
		require.NoError(t, err)
	}
	slices.SortStableFunc(all, func(a, b contents) int { return len(b.rows) - len(a.rows) })
	work := make([]func(*sql.Conn) error, 0, len(all)+len(redo))
	for _, c := range all {
		work = append(work, func(conn *sql.Conn) error { return copyContents(ctx, conn, c) })
	}
	for _, q := range redo {
		work = append(work, func(conn *sql.Conn) error {
			_, err := conn.ExecContext(ctx, q)
			return err
		})
	}
	conns := make([]*sql.Conn, connections)
	for i := range conns {
		conn, err := d.db.Conn(ctx)
		require.NoError(t, err)
		conns[i] = conn
	}
	start := begin(t, d)
	for _, step := range [][]func(*sql.Conn) error{work[:len(all)], work[len(all):]} {
		next := make(chan func(*sql.Conn) error, len(step))
		for _, do := range step {
			next <- do
		}
		close(next)
		errs := make(chan error, connections)
		for _, conn := range conns {
			go func() {
				var first error
				for do := range next {
					first = errors.Join(first, do(conn))
				}
				errs <- first
			}()
		}
		for range conns {
			require.NoError(t, <-errs)
		}
	}
	took := start.end(t)
	for _, conn := range conns {
		require.NoError(t, conn.Close())
	}
	return took
}

func copyContents(ctx context.Context, conn *sql.Conn, c contents) error {
	return conn.Raw(func(raw any) error {
		name := pgx.Identifier(strings.Split(strings.ReplaceAll(c.table, `"`, ""), "."))
		for part := range slices.Chunk(c.rows, 10_000) {
			if _, err := raw.(*stdlib.Conn).Conn().CopyFrom(ctx, name, c.columns, pgx.CopyFromRows(part)); err != nil {
				return err
			}
		}
		return nil
	})
}

// cost is what something took: by the clock, and of all processors together,
// the database server's included, which a busy machine changes less.
type cost struct{ wall, cpu, self time.Duration }

func (c cost) add(o cost) cost { return cost{c.wall + o.wall, c.cpu + o.cpu, c.self + o.self} }

type stopwatch struct {
	d         database
	wall      time.Time
	cpu, self time.Duration
}

func begin(t testing.TB, d database) stopwatch {
	return stopwatch{d, time.Now(), cpuTime(t, d), selfTime(t)}
}

func (s stopwatch) end(t testing.TB) cost {
	return cost{time.Since(s.wall), cpuTime(t, s.d) - s.cpu, selfTime(t) - s.self}
}

// cpuTime adds the time of this process to that of the server's processes, as
// far as /proc shows them.
func cpuTime(t testing.TB, d database) time.Duration {
	t.Helper()
	sum := selfTime(t)
	if d.dialect != sqlstore.Postgres {
		return sum
	}
	rows, err := d.db.QueryContext(context.Background(), "SELECT pid FROM pg_stat_activity WHERE application_name <> 'psql'")
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	for rows.Next() {
		var pid int
		require.NoError(t, rows.Scan(&pid))
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue // on another machine, or gone
		}
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		for _, f := range fields[11:13] { // utime, stime, in hundredths
			n, err := strconv.Atoi(f)
			require.NoError(t, err)
			sum += time.Duration(n) * 10 * time.Millisecond
		}
	}
	require.NoError(t, rows.Err())
	return sum
}

// selfTime is the time of this process alone.
func selfTime(t testing.TB) time.Duration {
	t.Helper()
	var self syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &self))
	return time.Duration(self.Utime.Nano() + self.Stime.Nano())
}

func report(b *testing.B, rows int, ours, theirs cost, peer string) {
	b.ReportMetric(float64(rows)/ours.wall.Seconds(), "import-rows/s")
	b.ReportMetric(float64(rows)/theirs.wall.Seconds(), peer+"-rows/s")
	b.ReportMetric(theirs.wall.Seconds()/ours.wall.Seconds(), "of-"+peer)
	b.ReportMetric(theirs.cpu.Seconds()/ours.cpu.Seconds(), "of-"+peer+"-cpu")
	b.ReportMetric(ours.self.Seconds(), "import-client-cpu-s")
	b.ReportMetric(ours.cpu.Seconds()-ours.self.Seconds(), "import-server-cpu-s")
	b.ReportMetric(theirs.self.Seconds(), peer+"-client-cpu-s")
	b.ReportMetric(theirs.cpu.Seconds()-theirs.self.Seconds(), peer+"-server-cpu-s")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkImportSQLite compares an import through the Service with a bare
// prepared multi-row insert of the rows that it makes into the same tables.
func BenchmarkImportSQLite(b *testing.B) {
	for range b.N {
		d := openSQLite(b)
		migrate(b, d)
		ours := timeImport(b, d, 1)
		all := readContents(b, d)
		bare := openSQLite(b)
		migrate(b, bare)
		theirs := timeBare(b, bare, all)
		report(b, count(all), ours, theirs, "bare")
	}
}

// BenchmarkImportPostgres compares an import through the Service, by one worker
// and by two, with COPY of the rows that it makes into the same tables, with the
// index build, on one connection (of-copy) and on two (of-copy2).
func BenchmarkImportPostgres(b *testing.B) {
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			for range b.N {
				d := openCopying(b)
				migrate(b, d)
				ours := timeImport(b, d, workers)
				all := readContents(b, d)
				schema, peers := d.cfg.Schema, [3]cost{}
				for connections := 1; connections <= 2; connections++ {
					peer := openPostgres(b)
					migrate(b, peer)
					for i := range all {
						all[i].table = strings.ReplaceAll(all[i].table, schema, peer.cfg.Schema)
					}
					schema = peer.cfg.Schema
					peers[connections] = timeCopy(b, peer, all, connections)
				}
				report(b, count(all), ours, peers[1], "copy")
				b.ReportMetric(peers[2].wall.Seconds()/ours.wall.Seconds(), "of-copy2")
			}
		})
	}
}
