package dbtest

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm/sqlstore"
)

// fullScans are the statements that read a whole table, because it is small.
var fullScans = map[string]bool{"part_seq/all": true, "cursors/all": true}

// TestPlansUseIndexes: whatever the store sends finds its rows by an index.
func TestPlansUseIndexes(t *testing.T) {
	d := openSQLite(t)
	migrate(t, d)
	all, err := sqlstore.Statements(d.dialect, d.cfg)
	require.NoError(t, err)
	require.Greater(t, len(all), 50)
	scan := regexp.MustCompile(`^SCAN (t|vefa_\w+)\b`)
	for _, s := range all {
		args := make([]any, s.Args)
		for i := range args {
			args[i] = 1
		}
		rows, err := d.db.QueryContext(deadline(t), "EXPLAIN QUERY PLAN "+s.SQL, args...)
		require.NoError(t, err, s.Name)
		var plan []string
		for rows.Next() {
			var id, parent, unused int
			var detail string
			require.NoError(t, rows.Scan(&id, &parent, &unused, &detail))
			plan = append(plan, detail)
			if !fullScans[s.Name] {
				require.NotRegexp(t, scan, detail, "%s\n%s", s.Name, s.SQL)
				require.NotContains(t, detail, "AUTOMATIC", "%s\n%s", s.Name, s.SQL)
			}
			if strings.HasSuffix(s.Name, "/scan") {
				require.NotContains(t, detail, "TEMP B-TREE", "a page must not sort its part: %s\n%s", s.Name, s.SQL)
			}
		}
		require.NoError(t, rows.Err())
		require.NoError(t, rows.Close())
		t.Logf("%-24s %s", s.Name, strings.Join(plan, " / "))
	}
}

// TestStatementsRun: PostgreSQL and SQLite accept every statement.
func TestStatementsRun(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		d = withShipments(d)
		migrate(t, d)
		all, err := sqlstore.Statements(d.dialect, d.cfg)
		require.NoError(t, err)
		for _, s := range all {
			if strings.HasSuffix(s.Name, "/copy") {
				continue // cannot be prepared; TestImport runs them
			}
			st, err := d.db.PrepareContext(deadline(t), s.SQL)
			require.NoError(t, err, "%s\n%s", s.Name, s.SQL)
			require.NoError(t, st.Close())
		}
	})
}
