package dbtest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// Case A15: 400 evenings with pruning keep the tables that hold no record of what
// happened at one size, and end as 400 evenings without it.
func TestPrunedEvenings(t *testing.T) {
	days := map[string]int{"sqlite": 400, "postgres": 150, "mysql": 150}
	if testing.Short() || raced { // .ci/run has all without the race detector
		days = map[string]int{"sqlite": 120, "postgres": 120, "mysql": 120}
	}
	for name, open := range openers {
		t.Run(name, func(t *testing.T) {
			d := open(t)
			migrate(t, d)
			count := func(what string) (n int) {
				require.NoError(t, d.db.QueryRowContext(t.Context(), "SELECT "+what).Scan(&n), what)
				return n
			}
			table := func(s string) string {
				return qualified(d, map[string]string{"sqlite": "vefa_", "mysql": "vefa_"}[name]+s)
			}
			sizes := map[int]map[string]int{}
			plain := nighttest.Evenings(t, func(now func() time.Time) crm.Store { return memstore.NewAt(now) }, days[name], false, nil)
			pruned := nighttest.Evenings(t, func(now func() time.Time) crm.Store { d.cfg.Now = now; return d.store() }, days[name], true, func(day int) {
				if day%10 != 9 {
					return
				}
				sizes[day+1] = map[string]int{
					"changes":      count("count(*) FROM " + table("changes")),
					"documents":    count("count(*) FROM " + table("documents")),
					"links":        count("count(*) FROM " + table("refs") + " WHERE kind = '" + "link" + "'"),
					"bytes before": count("coalesce(max(length(data)), 0) FROM " + table("effects") + fmt.Sprintf(" WHERE waiting IS NULL AND changed < %d", nighttest.Start.AddDate(0, 0, day).Add(-nighttest.Kept).UnixMicro())),
				}
			})
			require.Equal(t, plain.Digest, pruned.Digest)
			require.Equal(t, plain.Audit, pruned.Audit)
			require.True(t, pruned.Audit.Clean(), "%+v", pruned.Audit)
			require.Equal(t, plain.Results, pruned.Results)
			require.ErrorIs(t, pruned.FirstNight, crm.ErrPruned)
			t.Logf("%+v\nafter 100 evenings %v\nafter %d %v", pruned.Pruned, sizes[100], days[name], sizes[days[name]])
			for day, s := range sizes {
				if day <= 100 {
					continue
				}
				for what, n := range s {
					require.LessOrEqual(t, n, sizes[100][what]+sizes[100][what]/5+5, "%s after %d evenings", what, day)
				}
			}
		})
	}
}
