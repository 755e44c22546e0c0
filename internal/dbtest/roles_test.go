package dbtest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/sqlstore"
)

// newRole makes a role of the test server that is dropped after the test.
func newRole(t testing.TB, name string) string {
	t.Helper()
	postgresDSN(t)
	db, err := server()
	require.NoError(t, err)
	role := fmt.Sprintf("t_%s_%d_%d", name, os.Getpid(), time.Now().UnixNano()%1e9)
	exec(t, db, `CREATE ROLE "`+role+`"`)
	t.Cleanup(func() {
		for _, q := range []string{`DROP OWNED BY "` + role + `" CASCADE`, `DROP ROLE "` + role + `"`} {
			_, err := db.ExecContext(context.Background(), q)
			require.NoError(t, err)
		}
	})
	return role
}

func exec(t testing.TB, db *sql.DB, statements ...string) {
	t.Helper()
	for _, q := range statements {
		_, err := db.ExecContext(deadline(t), q)
		require.NoError(t, err, q)
	}
}

// asRole connects with a role and other settings of the session.
func asRole(t testing.TB, role string, settings ...string) *sql.DB {
	t.Helper()
	cfg, err := pgx.ParseConfig(postgresDSN(t))
	require.NoError(t, err)
	cfg.RuntimeParams["role"] = role
	for i := 0; i+1 < len(settings); i += 2 {
		cfg.RuntimeParams[settings[i]] = settings[i+1]
	}
	db := stdlib.OpenDB(*cfg)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// asApplication returns a function that turns a migrated database into one that
// the application's role uses.
func asApplication(t testing.TB) func(database) database {
	role := newRole(t, "app")
	db := asRole(t, role)
	return func(d database) database {
		grants, err := sqlstore.Grants(d.cfg, role)
		require.NoError(t, err)
		exec(t, d.db, grants...)
		d.db = db
		return d
	}
}

// TestRoles migrates as the owner and works as the application, which finds its
// migration done, cannot migrate itself and says so, and can neither change the
// tables nor rewrite decisions.
func TestRoles(t *testing.T) { // Case H9
	owner, app := newRole(t, "owner"), newRole(t, "app")
	d := openPostgres(t)
	admin := d.db
	exec(t, admin, `CREATE SCHEMA "`+d.cfg.Schema+`" AUTHORIZATION "`+owner+`"`)
	asOwner, asApp := d, d
	asOwner.db, asApp.db = asRole(t, owner), asRole(t, app)

	err := sqlstore.Migrate(deadline(t), asApp.db, d.dialect, d.cfg)
	require.ErrorContains(t, err, "owner", "nothing is there yet, and it may not make it")
	migrate(t, asOwner)
	grants, err := sqlstore.Grants(d.cfg, app)
	require.NoError(t, err)
	err = sqlstore.Migrate(deadline(t), asApp.db, d.dialect, d.cfg)
	require.ErrorContains(t, err, "sqlstore.Grants", "it may not even look")
	exec(t, asOwner.db, grants...)
	exec(t, asOwner.db, grants...)
	migrate(t, asApp)
	used(t, asApp)
	svc := service(asApp.store())
	_, err = svc.Merge(deadline(t), "desk", crm.Evidence{}, person(0).ProfileKey, person(1).ProfileKey)
	require.NoError(t, err)

	for _, q := range []string{
		"CREATE TABLE {s}more (n int)", "DROP TABLE {s}orders", "ALTER TABLE {s}orders ADD COLUMN n int", "TRUNCATE {s}orders",
		"UPDATE {s}links SET actor = 'x'", "DELETE FROM {s}links", "UPDATE {s}changes SET at = 0", "DELETE FROM {s}profiles", "DELETE FROM {s}schema_versions", "INSERT INTO {s}schema_versions VALUES (999, 'x', 0)",
	} {
		_, err := asApp.db.ExecContext(deadline(t), strings.ReplaceAll(q, "{s}", `"`+d.cfg.Schema+`".`))
		require.Error(t, err, q)
	}
	exec(t, asOwner.db, `DELETE FROM "`+d.cfg.Schema+`".schema_versions WHERE version > 0`)
	err = sqlstore.Migrate(deadline(t), asApp.db, d.dialect, d.cfg)
	require.ErrorContains(t, err, "owner", "there is something to do, and it may not")
}

// TestSearchPath puts a schema with operators and functions of another role on
// the path of the sessions: none of them is called.
func TestSearchPath(t *testing.T) { // Case H10
	evil, app := newRole(t, "evil"), newRole(t, "app")
	d := openPostgres(t)
	migrate(t, d)
	grants, err := sqlstore.Grants(d.cfg, app)
	require.NoError(t, err)
	exec(t, d.db, grants...)
	trap, admin := d.cfg.Schema+"_evil", d.db
	t.Cleanup(func() {
		_, err := admin.ExecContext(context.Background(), `DROP SCHEMA IF EXISTS "`+trap+`" CASCADE`)
		require.NoError(t, err)
	})
	exec(t, d.db, `CREATE SCHEMA "`+trap+`" AUTHORIZATION "`+evil+`"`, `GRANT USAGE ON SCHEMA "`+trap+`" TO PUBLIC`)
	bad := asRole(t, evil, "search_path", trap)
	for _, typ := range []string{"smallint", "integer", "bigint", "text"} {
		exec(t, bad, fmt.Sprintf(`CREATE FUNCTION "%s".taken(%s, %s) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'taken over'; END $$`, trap, typ, typ))
		for _, op := range []string{"=", "<", ">", "<=", ">="} {
			exec(t, bad, fmt.Sprintf(`CREATE OPERATOR "%s".%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = "%s".taken)`, trap, op, typ, typ, trap))
		}
		for _, fn := range []string{"min", "max", "count", "unnest"} {
			exec(t, bad, fmt.Sprintf(`CREATE FUNCTION "%s".%s(%s) RETURNS %s LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'taken over'; END $$`, trap, fn, typ, typ))
		}
	}
	exec(t, bad, `CREATE TABLE "`+trap+`".orders (n int)`, `CREATE TABLE "`+trap+`".schema_versions (version int)`)
	d.db = asRole(t, app, "search_path", trap+", public")
	migrate(t, d)
	svc := service(d.store())
	for range 2 {
		_, err = svc.Import(deadline(t), batch(0, 50, 2))
		require.NoError(t, err)
	}
	_, err = svc.Merge(deadline(t), "desk", crm.Evidence{}, person(0).ProfileKey, person(1).ProfileKey)
	require.NoError(t, err)
}
