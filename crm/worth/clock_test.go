package worth

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
)

// TestClockWasAhead: an evening that a wrong clock had far ahead does not keep the evenings that come from being fitted.
func TestClockWasAhead(t *testing.T) {
	store := memstore.New()
	b := shop(150, 4)
	_, err := eveningOf(store, evening).Service.Import(t.Context(), b)
	require.NoError(t, err)
	m := mustModule(t, Config{})
	days := func() (out []string) {
		require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
			fits, err := Fits(t.Context(), r)
			for _, f := range fits {
				out = append(out, f.Day)
			}
			return err
		}))
		return out
	}
	for _, at := range []int{0, 3650, 1, 1, 2} {
		require.NoError(t, m.refresh(t.Context(), eveningOf(store, evening.AddDate(0, 0, at))))
	}
	require.Equal(t, []string{"2025-03-03", "2025-03-04", "2025-03-05", "2035-03-01"}, days())
	for at := range 9 {
		require.NoError(t, m.refresh(t.Context(), eveningOf(store, evening.AddDate(0, 0, 3+at))))
	}
	require.Len(t, days(), keptFits)
	for at := range 12 { // a clock that is ahead for as many evenings as are kept, and more
		require.NoError(t, m.refresh(t.Context(), eveningOf(store, evening.AddDate(20, 0, at))))
	}
	require.NoError(t, m.refresh(t.Context(), eveningOf(store, evening.AddDate(0, 0, 11))))
	require.Len(t, days(), keptFits)
	var used *model
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) (err error) {
		used, err = m.model(t.Context(), r, evening.AddDate(0, 0, 11))
		return err
	}))
	require.Equal(t, "2025-03-14", used.Day)
}

// TestClockWasBehind: an evening of long ago counts what was bought until now; it fits nothing, and the next one does.
func TestClockWasBehind(t *testing.T) {
	store := memstore.New()
	_, err := eveningOf(store, evening).Service.Import(t.Context(), shop(150, 4))
	require.NoError(t, err)
	m := mustModule(t, Config{})
	require.NoError(t, m.refresh(t.Context(), eveningOf(store, time.Date(1901, 1, 1, 20, 0, 0, 0, time.UTC))))
	require.NoError(t, m.refresh(t.Context(), eveningOf(store, evening)))
	right := memstore.New()
	_, err = eveningOf(right, evening).Service.Import(t.Context(), shop(150, 4))
	require.NoError(t, err)
	require.NoError(t, m.refresh(t.Context(), eveningOf(right, evening)))
	require.Equal(t, kept(t, right), kept(t, store))
}
