package dbtest

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/crm/sqlstore"
)

// hostTx is a transaction that a host began in a way of its own.
type hostTx struct {
	store            crm.Store // joined
	exec             func(q string) error
	commit, rollback func() error
}

// hostWays are how hosts begin transactions that a store can join. repeatable asks for
// one that sees one state and fails where another changed what it changes.
func hostWays(t *testing.T, d database) map[string]func(t *testing.T, repeatable bool) hostTx {
	ctx := deadline(t)
	store := d.store()
	conn := func(t *testing.T) *sql.Conn {
		c, err := d.db.Conn(ctx)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, c.Close()) })
		return c
	}
	// ended makes sure that a test that failed leaves no transaction, for which those who
	// clear the tables would wait.
	ended := func(t *testing.T, tx hostTx) hostTx {
		t.Cleanup(func() { _ = tx.rollback() })
		return tx
	}
	out := map[string]func(t *testing.T, repeatable bool) hostTx{
		"sql.Tx": func(t *testing.T, repeatable bool) hostTx {
			opts := sql.TxOptions{}
			if repeatable {
				opts.Isolation = sql.LevelRepeatableRead
			}
			tx, err := d.db.BeginTx(ctx, &opts)
			require.NoError(t, err)
			run := func(q string) error { _, err := tx.ExecContext(ctx, q); return err }
			return ended(t, hostTx{store.Join(tx), run, tx.Commit, tx.Rollback})
		},
		"sql.Conn": func(t *testing.T, repeatable bool) hostTx {
			c := conn(t)
			run := func(q string) error { _, err := c.ExecContext(ctx, q); return err }
			begin := map[sqlstore.Dialect]string{sqlstore.SQLite: "BEGIN IMMEDIATE"}[d.dialect]
			switch {
			case repeatable:
				begin = "BEGIN ISOLATION LEVEL REPEATABLE READ"
			case begin == "":
				begin = "BEGIN"
			}
			require.NoError(t, run(begin))
			return ended(t, hostTx{store.Join(c), run, func() error { return run("COMMIT") }, func() error { return run("ROLLBACK") }})
		},
	}
	if d.dialect != sqlstore.Postgres {
		return out
	}
	of := func(join crm.Store, tx pgx.Tx) hostTx {
		run := func(q string) error { _, err := tx.Exec(ctx, q); return err }
		return hostTx{join, run, func() error { return tx.Commit(ctx) }, func() error { return tx.Rollback(ctx) }}
	}
	level := func(repeatable bool) (o pgx.TxOptions) {
		if repeatable {
			o.IsoLevel = pgx.RepeatableRead
		}
		return o
	}
	pool, err := pgxpool.New(ctx, postgresDSN(t))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	out["pgx.Tx"] = func(t *testing.T, repeatable bool) hostTx {
		tx, err := pool.BeginTx(ctx, level(repeatable))
		require.NoError(t, err)
		return ended(t, of(sqlstore.JoinPgx(store, tx), tx))
	}
	// A host that has database/sql on its pool may also begin pgx's transaction inside of
	// a *sql.Conn and join that.
	out["pgx.Tx of a sql.Conn"] = func(t *testing.T, repeatable bool) hostTx {
		c := conn(t)
		raw := func(fn func(*pgx.Conn) error) error {
			return c.Raw(func(driver any) error { return fn(driver.(*stdlib.Conn).Conn()) })
		}
		var tx pgx.Tx
		require.NoError(t, raw(func(p *pgx.Conn) (err error) { tx, err = p.BeginTx(ctx, level(repeatable)); return err }))
		return ended(t, hostTx{
			store:    store.Join(c),
			exec:     func(q string) error { return raw(func(*pgx.Conn) error { _, err := tx.Exec(ctx, q); return err }) },
			commit:   func() error { return raw(func(*pgx.Conn) error { return tx.Commit(ctx) }) },
			rollback: func() error { return raw(func(*pgx.Conn) error { return tx.Rollback(ctx) }) },
		})
	}
	return out
}

// TestHostsCommitAndRollBack: what the host and the library write in a transaction that
// the host began in its own way is there together or not at all.
func TestHostsCommitAndRollBack(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		ctx := deadline(t)
		sales := qualified(d, "host_sales")
		exec(t, d.db, "CREATE TABLE "+sales+" (number varchar(20) PRIMARY KEY)")
		store := d.store()
		svc := crm.New(store, crm.Config{})
		n := 0
		for name, begin := range hostWays(t, d) {
			t.Run(name, func(t *testing.T) {
				state := func() (hosts, orders, changes int) {
					require.NoError(t, d.db.QueryRowContext(ctx, "SELECT count(*) FROM "+sales).Scan(&hosts))
					require.NoError(t, store.View(ctx, func(r crm.Reader) error {
						facts, err := r.ScanFacts(ctx, crm.AllParts(), crm.KindOrder, crm.FactRef{}, 100)
						require.NoError(t, err)
						feed, _, err := r.Changes(ctx, "", 1000)
						orders, changes = len(facts), len(feed)
						return err
					}))
					return hosts, orders, changes
				}
				sell := func() hostTx {
					n++
					tx := begin(t, false)
					require.NoError(t, tx.exec("INSERT INTO "+sales+" VALUES ('S"+string(rune('a'+n))+"')"))
					joined := svc.On(tx.store)
					require.NoError(t, joined.PutProfile(ctx, person(n)))
					require.NoError(t, joined.Record(ctx, order(n, 0), consent(n)))
					require.NoError(t, tx.store.View(ctx, func(r crm.Reader) error {
						f, err := r.Facts(ctx, order(n, 0).Ref())
						require.NotNil(t, f[0], "it sees the order before the commit")
						return err
					}))
					require.NoError(t, tx.exec("INSERT INTO "+sales+" VALUES ('T"+string(rune('a'+n))+"')"), "the host goes on")
					return tx
				}
				hosts, orders, changes := state()
				require.NoError(t, sell().rollback())
				h, o, c := state()
				require.Equal(t, [3]int{hosts, orders, changes}, [3]int{h, o, c}, "after the host's rollback")
				require.NoError(t, sell().commit())
				h, o, c = state()
				require.Equal(t, [2]int{hosts + 2, orders + 1}, [2]int{h, o}, "after the host's commit")
				require.Greater(t, c, changes)
			})
		}
	})
}

// TestHostsImport: what an import writes and what is read of it are the same whatever
// carries the statements.
func TestHostsImport(t *testing.T) {
	var b crm.Batch
	for more := range crmtest.Customers(200, crmtest.Options{}) {
		b.Profiles, b.Facts = append(b.Profiles, more.Profiles...), append(b.Facts, more.Facts...)
	}
	digest := func(t *testing.T, store crm.Store) (sum [32]byte) {
		require.NoError(t, store.View(deadline(t), func(r crm.Reader) (err error) {
			sum, err = crm.Digest(deadline(t), r, day)
			return err
		}))
		return sum
	}
	memory := memstore.New()
	_, err := crm.New(memory, crm.Config{}).Import(deadline(t), b)
	require.NoError(t, err)
	want := digest(t, memory)
	onEach(t, func(t *testing.T, d database) {
		for name := range hostWays(t, d) {
			d.cfg.Tenant = strings.ReplaceAll(strings.ReplaceAll(name, ".", "_"), " ", "_")
			t.Run(name, func(t *testing.T) {
				tx := hostWays(t, d)[name](t, false)
				rep, err := crm.New(tx.store, crm.Config{ChunkSize: 300}).Import(deadline(t), b)
				require.NoError(t, err)
				require.Empty(t, rep.Rejected)
				require.Equal(t, want, digest(t, tx.store))
				require.NoError(t, tx.commit())
				require.Equal(t, want, digest(t, d.store()))
			})
		}
	})
}

// TestHostsMeetAnother: the database refuses a transaction of the host's in which the
// library writes what another changed. Nothing is run again in it, and the host is told
// what to do by crm.ErrBusy and by the driver's own error.
func TestHostsMeetAnother(t *testing.T) {
	d := openPostgres(t)
	migrate(t, d)
	ctx := deadline(t)
	svc := crm.New(d.store(), crm.Config{})
	require.NoError(t, svc.PutProfile(ctx, person(1)))
	version := person(1).SourceVersion
	rename := func(svc *crm.Service, name string) error {
		p := person(1)
		version++
		p.SourceVersion, p.Name.Given = version, name
		return svc.PutProfile(ctx, p)
	}
	for name, begin := range hostWays(t, d) {
		t.Run(name, func(t *testing.T) {
			tx := begin(t, true)
			look := func(r crm.Reader) error { _, err := r.Profiles(ctx, person(1).ProfileKey); return err }
			require.NoError(t, tx.store.View(ctx, look), "from now on it sees this state")
			require.NoError(t, rename(svc, "Other"))
			runs := 0
			joined := svc.On(tx.store)
			err := joined.Update(ctx, func(tx crm.Tx) error { runs++; return rename(joined.In(tx), "Host") })
			require.ErrorIs(t, err, crm.ErrBusy)
			var e *crm.Error
			require.ErrorAs(t, err, &e)
			var state *pgconn.PgError
			require.ErrorAs(t, err, &state)
			require.Equal(t, "40001", state.Code, "%v", err)
			require.Equal(t, 1, runs)
			require.ErrorContains(t, tx.exec("SELECT 1"), "25P02", "the transaction is the host's to end")
			require.NoError(t, tx.rollback())

			again := begin(t, true)
			require.NoError(t, rename(svc.On(again.store), name))
			require.NoError(t, again.commit())
			p, err := svc.Profile(ctx, person(1).ProfileKey)
			require.NoError(t, err)
			require.Equal(t, name, p.Name.Given)
		})
	}
}

// TestJoinRefuses what is no transaction, before anything is written.
func TestJoinRefuses(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		ctx := deadline(t)
		store := d.store()
		conn, err := d.db.Conn(ctx)
		require.NoError(t, err)
		defer func() { require.NoError(t, conn.Close()) }()
		for name, join := range map[string]crm.Store{
			"nothing":       store.Join(nil),
			"no sql.Tx":     store.Join((*sql.Tx)(nil)),
			"no sql.Conn":   store.Join((*sql.Conn)(nil)),
			"a pool":        store.Join(d.db),
			"an idle conn":  store.Join(conn),
			"no pgx.Tx":     sqlstore.JoinPgx(store, pgx.Tx(nil)),
			"another's pgx": sqlstore.JoinPgx(sqlstore.New(d.db, sqlstore.SQLite, sqlstore.Config{}), pgx.Tx(&pgxpool.Tx{})),
		} {
			t.Run(name, func(t *testing.T) {
				err := crm.New(join, crm.Config{}).Record(ctx, order(1, 0))
				require.ErrorIs(t, err, crm.ErrInvalid)
				var field *crm.FieldError
				require.ErrorAs(t, err, &field)
				require.Equal(t, "tx", field.Field)
				if name == "a pool" {
					require.ErrorContains(t, err, "is a pool")
				}
			})
		}
		_, err = conn.ExecContext(ctx, "BEGIN")
		require.NoError(t, err, "what was asked of the connection left no transaction")
		require.NoError(t, crm.New(store.Join(conn), crm.Config{}).Record(ctx, order(1, 0)))
		_, err = conn.ExecContext(ctx, "ROLLBACK")
		require.NoError(t, err)
		require.NoError(t, store.View(ctx, func(r crm.Reader) error {
			facts, err := r.ScanFacts(ctx, crm.AllParts(), crm.KindOrder, crm.FactRef{}, 10)
			require.Empty(t, facts)
			return err
		}))
	})
}

// cutAfter is a connection of the host's whose context ends right after a statement.
type cutAfter struct {
	*sql.Conn
	after string
	stop  func()
}

func (c cutAfter) ExecContext(ctx context.Context, q string, args ...any) (sql.Result, error) {
	res, err := c.Conn.ExecContext(ctx, q, args...)
	if q == c.after {
		c.stop()
	}
	return res, err
}

// A connection without a transaction is as it was after it was refused, also where the
// context ends meanwhile.
func TestJoinLeavesNothingOpen(t *testing.T) {
	d := openSQLite(t)
	migrate(t, d)
	d.db.SetMaxOpenConns(1)
	store := d.store()
	svc := crm.New(store, crm.Config{})
	conn, err := d.db.Conn(t.Context())
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	require.Error(t, svc.On(store.Join(cutAfter{conn, "BEGIN", stop})).PutProfile(ctx, person(1)))
	require.NoError(t, conn.Close())
	require.NoError(t, svc.PutProfile(t.Context(), person(2)))
}
