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
