package sqlstore_test

import (
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/sqlstore"
)

var dialects = []sqlstore.Dialect{sqlstore.SQLite, sqlstore.Postgres, sqlstore.MySQL}

// TestStatements: none uses what some database lacks or does otherwise, each
// names the part and the tenant, and parameters bind the same on every driver.
func TestStatements(t *testing.T) {
	forbidden := regexp.MustCompile(`(?i)\b(advisory|pg_advisory\w*|listen|notify|nextval|merge|savepoint|random|now|current_timestamp|offset|jsonb|select \*)\b`)
	table := regexp.MustCompile("[ (][\"`]?\\w*[\"`]?\\.?[\"`]vefa_?\\w*[\"`]")
	for _, d := range dialects {
		all, err := sqlstore.Statements(d, sqlstore.Config{Tenant: "acme", Prefix: "vefa_"})
		require.NoError(t, err)
		seen := map[string]bool{}
		for _, s := range all {
			require.False(t, seen[s.Name], s.Name)
			seen[s.Name] = true
			require.NotRegexp(t, forbidden, s.SQL, s.Name)
			if s.Name == "cursors/now" { // asks the server itself
				continue
			}
			require.Regexp(t, table, s.SQL, s.Name)
			require.Contains(t, s.SQL, "part", s.Name)
			require.NotContains(t, s.SQL, "acme", "the tenant is a parameter: %s", s.Name)
			if s.Name != "cursors/write-lock" {
				require.Contains(t, s.SQL, "tenant", s.Name)
			}
			switch d {
			case sqlstore.SQLite:
				require.NotContains(t, s.SQL, "$", s.Name)
				require.NotContains(t, s.SQL, "FOR UPDATE", s.Name)
			case sqlstore.MySQL: // what MySQL and MariaDB do not both have
				require.NotRegexp(t, `\$\d|\$T|RETURNING|LATERAL|ON CONFLICT|excluded|IGNORE|VALUES \(|"| OF t `, s.SQL, s.Name)
				require.Equal(t, s.Args, strings.Count(s.SQL, "?"), s.Name)
			default:
				require.NotContains(t, s.SQL, "?", s.Name)
				if strings.Contains(s.SQL, "unnest") {
					require.NotContains(t, s.SQL, "VALUES", s.Name)
				}
			}
		}
		require.Greater(t, len(all), 50)
	}
}

// TestNamesAreQualified: nothing relies on a search path, and prefix and schema
// of the host's choice reach every table.
func TestNamesAreQualified(t *testing.T) {
	names := regexp.MustCompile(`(?:INTO|FROM|JOIN|UPDATE|TABLE|ON) (?:IF NOT EXISTS )?("?[\w".]+)`)
	cte := map[string]bool{"v": true, "p": true, "unnest": true, "LATERAL": true, "LEFT": true, "SKIP": true, "ALL": true, "SELECT": true, "CONFLICT": true, "t": true, "true": true, "SET": true, "OF": true, "STDIN": true, "r": true, "s": true, "u": true}
	all, err := sqlstore.Statements(sqlstore.Postgres, sqlstore.Config{Schema: "Their Data"[:5], Prefix: "x_"})
	require.NoError(t, err)
	for _, s := range all {
		for _, m := range names.FindAllStringSubmatch(s.SQL, -1) {
			name := m[1]
			if cte[name] || strings.HasPrefix(name, "t.") {
				continue
			}
			require.True(t, strings.HasPrefix(name, `"Their"."x_`), "%s: %s", s.Name, name)
		}
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []struct {
		name string
		d    sqlstore.Dialect
		cfg  sqlstore.Config
		bad  string
	}{
		{"zero", sqlstore.SQLite, sqlstore.Config{}, ""},
		{"zero", sqlstore.Postgres, sqlstore.Config{}, ""},
		{"dialect", 0, sqlstore.Config{}, "dialect"},
		{"quote in the schema", sqlstore.Postgres, sqlstore.Config{Schema: `a"; DROP TABLE x; --`}, "schema"},
		{"schema is ignored", sqlstore.SQLite, sqlstore.Config{Schema: `a"`}, ""},
		{"space in the prefix", sqlstore.SQLite, sqlstore.Config{Prefix: "a b"}, "prefix"},
		{"long prefix", sqlstore.SQLite, sqlstore.Config{Prefix: strings.Repeat("a", 25)}, "prefix"},
		{"no prefix", sqlstore.SQLite, sqlstore.Config{Prefix: "-"}, ""},
		{"quote in the tenant", sqlstore.Postgres, sqlstore.Config{Tenant: "o'hara"}, "tenant"},
		{"tenant", sqlstore.Postgres, sqlstore.Config{Tenant: "saat-42"}, ""},
		{"a kind without a name", sqlstore.SQLite, sqlstore.Config{Kinds: []crm.Kind{{}}}, "name"},
		{"nobody's steps", sqlstore.SQLite, sqlstore.Config{Migrations: []sqlstore.Steps{{Files: fstest.MapFS{}}}}, "migrations[0]"},
		{"quote in an owner", sqlstore.SQLite, sqlstore.Config{Migrations: []sqlstore.Steps{{Owner: "o'hara", Files: fstest.MapFS{}}}}, "migrations[0]"},
		{"no files", sqlstore.SQLite, sqlstore.Config{Migrations: []sqlstore.Steps{{Owner: "acme"}}}, "migrations[0]"},
		{"an owner twice", sqlstore.SQLite, sqlstore.Config{Migrations: []sqlstore.Steps{{Owner: "acme", Files: fstest.MapFS{}}, {Owner: "acme", Files: fstest.MapFS{}}}}, "migrations[1]"},
	} {
		t.Run(c.d.String()+" "+c.name, func(t *testing.T) {
			_, err := sqlstore.Statements(c.d, c.cfg)
			if c.bad == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, crm.ErrInvalid)
			require.ErrorContains(t, err, c.bad)
			require.ErrorIs(t, sqlstore.New(nil, c.d, c.cfg).View(t.Context(), nil), crm.ErrInvalid)
			require.ErrorIs(t, sqlstore.New(nil, c.d, c.cfg).Update(t.Context(), nil), crm.ErrInvalid)
		})
	}
}

// TestSteps: migrations of a host's are numbered from 1 and follow the library's.
func TestSteps(t *testing.T) {
	file := &fstest.MapFile{Data: []byte("CREATE TABLE {p}parcels ({fact}, PRIMARY KEY ({fact_key})){end};\nCREATE INDEX {i}parcels_at ON {p}parcels (part, at);\n")}
	for _, d := range dialects {
		steps := func(files ...string) ([]sqlstore.Migration, error) {
			fsys := fstest.MapFS{"README": &fstest.MapFile{}}
			for _, f := range files {
				fsys[f] = file
			}
			return sqlstore.Migrations(d, sqlstore.Config{Migrations: []sqlstore.Steps{{Owner: "acme", Files: fsys}}})
		}
		all, err := steps("001_parcels.sql", "002_more.sql")
		require.NoError(t, err)
		last := all[len(all)-1]
		require.Equal(t, []any{"acme", 2, "002_more", 2}, []any{last.Owner, last.Version, last.Name, len(last.Statements)})
		require.Regexp(t, "^CREATE TABLE .*parcels[\"`] \\(part smallint NOT NULL, tenant (text|varbinary\\(64\\)).* NOT NULL, subject_kind (text|varbinary\\(64\\)).*, data (long)?text NOT NULL, PRIMARY"+` KEY \(part, tenant, subject_kind, subject_a, subject_b, source, id\)\)`, last.Statements[0])
		for _, bad := range [][]string{{}, {"002_parcels.sql"}, {"parcels.sql"}, {"001_a.sql", "001_b.sql"}, {"001_a.sql", "003_b.sql"}} {
			_, err := steps(bad...)
			require.Error(t, err, bad)
		}
	}
}
