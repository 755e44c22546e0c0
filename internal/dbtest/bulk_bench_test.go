package dbtest

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/sqlstore"
)

// BenchmarkBulk compares the ways in which sqlstore adds rows (bulk.go), 2,000 orders
// or entries of an index in a transaction, none of which is there: the insert that may
// meet its row, the plain one, the one after a look, and COPY. The figures are
// microseconds a row, the median of alternate rounds; one iteration is a round of all.
func BenchmarkBulk(b *testing.B) {
	for name, open := range map[string]func(testing.TB) database{"postgres": openCopying, "mysql": openMySQL} {
		b.Run(name, func(b *testing.B) {
			d := open(b)
			migrate(b, d)
			texts := map[string]string{}
			all, err := sqlstore.Statements(d.dialect, d.cfg)
			require.NoError(b, err)
			for _, s := range all {
				texts[s.Name] = s.SQL
			}
			took, next := map[string][]float64{}, 0
			for range b.N {
				for _, table := range []string{"orders", "refs"} {
					for _, way := range bulkWays[name][table] {
						rows := bulkRows(table, next, 2000)
						next += len(rows)
						start := time.Now()
						conn, err := d.db.Conn(context.Background())
						require.NoError(b, err)
						tx, err := conn.BeginTx(context.Background(), nil)
						require.NoError(b, err)
						for _, s := range way {
							if s == "copy" {
								copyBulk(b, d, conn, texts[table+"/copy"], rows)
							} else {
								runBulk(b, d, tx, texts[table+"/"+s], s, rows)
							}
						}
						require.NoError(b, tx.Commit())
						require.NoError(b, conn.Close())
						key := table + "-" + strings.Join(way, "+")
						took[key] = append(took[key], time.Since(start).Seconds()*1e6/float64(len(rows)))
					}
				}
			}
			for key, t := range took {
				slices.Sort(t)
				b.ReportMetric(t[len(t)/2], key+"-µs/row")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// bulkWays are the statements that each way sends, by their names.
var bulkWays = map[string]map[string][][]string{
	"postgres": {"orders": {{"newer"}, {"peek", "add"}, {"add"}, {"peek", "copy"}, {"copy"}}, "refs": {{"insert"}, {"merge"}, {"add"}, {"copy"}}},
	"mysql":    {"orders": {{"newer", "add"}, {"add"}}, "refs": {{"insert", "add"}, {"merge"}, {"add"}}},
}

// bulkRows returns rows as their table has them, the parts in order.
func bulkRows(table string, from, n int) [][]any {
	out := make([][]any, n)
	for i := range out {
		p := person(from + i)
		id, part := fmt.Sprintf("O%07d", from+i), int64(p.Part())
		if table == "refs" {
			part, hash := crm.PartHash("phone", p.Contacts[0].Value)
			out[i] = []any{int64(part), hash, int64(0), "p", p.Source, p.ID, "", "phone", p.Contacts[0].Value}
			continue
		}
		data, _ := json.Marshal(order(from+i, 0).Data) // text and numbers
		out[i] = []any{part, "p", p.Source, p.ID, "erp", id, int64(1), int64(1), int64(from + i), int64(1), "store", string(data), id, "", "store", int64(100), "TRY"}
	}
	slices.SortFunc(out, func(a, b []any) int { return int(a[0].(int64) - b[0].(int64)) })
	return out
}

// runBulk runs a statement over rows, whose columns it takes as the database does.
func runBulk(t testing.TB, d database, tx *sql.Tx, q, name string, rows [][]any) {
	t.Helper()
	require.NotEmpty(t, q, name)
	width := len(rows[0])
	switch {
	case name == "peek":
		width = 6 // the key
	case name == "newer" && d.dialect == sqlstore.MySQL:
		rows = pickColumns(rows, 0, 1, 2, 3, 4, 5, 7) // the key and the version
		width = 7
	case name == "insert" && d.dialect == sqlstore.MySQL:
		width = 7
	}
	var args []any
	if d.dialect == sqlstore.MySQL {
		data, err := json.Marshal(pickColumns(rows, upTo(width)...))
		require.NoError(t, err)
		args = []any{"", string(data)}
		if strings.Index(q, "JSON_TABLE(?") < strings.Index(q, "?") {
			slices.Reverse(args)
		}
	} else {
		for c := range width {
			var b strings.Builder
			for i, r := range rows {
				b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
				data, err := json.Marshal(r[c]) // an array literal quotes alike
				require.NoError(t, err)
				b.Write(data)
			}
			args = append(args, b.String()+"}")
		}
		args = append(args, "")
	}
	res, err := tx.QueryContext(context.Background(), q, args...)
	require.NoError(t, err, q)
	for res.Next() {
	}
	require.NoError(t, res.Err())
	require.NoError(t, res.Close())
}

// copyBulk copies rows as text.
func copyBulk(t testing.TB, d database, conn *sql.Conn, q string, rows [][]any) {
	t.Helper()
	var b strings.Builder
	for _, r := range rows {
		for _, v := range r {
			b.WriteString("\t" + strings.ReplaceAll(fmt.Sprint(v), `\`, `\\`)) // behind the tenant, which is empty
		}
		b.WriteByte('\n')
	}
	require.NoError(t, d.cfg.Copy(context.Background(), conn, strings.Replace(q, "(FORMAT binary)", "", 1), strings.NewReader(b.String())))
}

func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func pickColumns(rows [][]any, columns ...int) [][]any {
	out := make([][]any, len(rows))
	for i, r := range rows {
		for _, c := range columns {
			out[i] = append(out[i], r[c])
		}
	}
	return out
}
