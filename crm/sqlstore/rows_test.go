package sqlstore

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

// A parameter of a type that is not expected would be NULL in the database.
func TestParametersHaveATypeThatIsKept(t *testing.T) {
	s := New(nil, SQLite, Config{})
	s.err = nil
	one := s.session(nil, true)
	for _, bad := range []any{1, true, crm.Phone, []byte("x"), 1.5} {
		rows := s.rows(2, 1)
		rows.add("text", bad)
		_, err := one.exec(t.Context(), opInsert, tabCursors, rows)
		require.ErrorContains(t, err, "a parameter has the type", "%T", bad)
		require.ErrorContains(t, one.each(t.Context(), opGet, tabCursors, rows, nil), "a parameter has the type", "%T", bad)
		s.free(rows)
	}
	rows := s.rows(3, 1)
	rows.add("text", int64(1), nil)
	require.NoError(t, rows.err)
	require.Len(t, rows.vals, 3)
}

// An import has millions of parameters: none is an allocation of its own.
func TestParametersStayOffTheHeap(t *testing.T) {
	rows := newRows(2, 100)
	text, number := t.Name(), int64(1<<40)
	require.Zero(t, testing.AllocsPerRun(10, func() {
		rows.vals = rows.vals[:0]
		for range 100 {
			rows.add(text, number)
		}
	}))
}

// Whatever is not about the whole database is bound to the tenant.
func TestStatementsTakeTheTenant(t *testing.T) {
	for d := SQLite; d.speaker(nil) != nil; d++ {
		cfg, err := Config{}.resolve(d)
		require.NoError(t, err)
		g := newGrammar(d, cfg)
		for i := range g.tables {
			for o := range numOps {
				switch q := g.text(statementID{op: o, tab: tableID(i)}, 2); {
				case q == "", o == opCopy, o == opNow, o == opWriteLock: // COPY has it in its rows
				default:
					require.Contains(t, q, tenantMark, "%s %s", opNames[o], g.tables[i].name)
				}
			}
		}
	}
}
