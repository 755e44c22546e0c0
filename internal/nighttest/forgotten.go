package nighttest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/survey/web/webtest"
)

// pruned has four writers forget what is over while four others go on with what visitors of a link began
// so long ago that it is: whoever is faster, what was typed is in the answer, and a draft that was kept
// again is not forgotten.
func pruned(t *testing.T, store crm.Store) {
	const visitors = 16
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	w := Ask(t, ctx, store, Writers, 0, func(c *vefa.Config) { c.Surveys[0].Links = []vefa.SurveyLink{{Code: "till"}} })
	open := make([]webtest.Outcome, visitors)
	for i := range open {
		o, err := Open(ctx, w.Client(0), "https://s.example/q/till")
		require.NoError(t, err)
		open[i], err = Next(ctx, w.Client(0), o, map[string]any{"nps": i % 11})
		require.NoError(t, err)
		require.Equal(t, 1, At(open[i]))
	}
	require.Equal(t, visitors, w.Drafts(t, ctx))
	w.Clock.Advance(31 * 24 * time.Hour)
	AtOnce(t, func(n int) error {
		if n%2 == 0 {
			for range 3 {
				if _, err := w.Engines[n].Prune(ctx, Start); err != nil {
					return err
				}
			}
			return nil
		}
		for i := n / 2; i < visitors; i += Writers / 2 {
			o, err := Next(ctx, w.Client(n), open[i], map[string]any{"why": fmt.Sprint("visitor ", i)})
			if err != nil || At(o) != 2 {
				return fmt.Errorf("status %d: %s: %w", o.Status, o.Page, err)
			}
			open[i] = o
		}
		return nil
	})
	kept := w.Drafts(t, ctx)
	_, err := w.Engines[0].Prune(ctx, Start)
	require.NoError(t, err)
	require.Equal(t, kept, w.Drafts(t, ctx))
	for i := range open {
		o, err := Next(ctx, w.Client(i%Writers), open[i], map[string]any{"age": i})
		require.NoError(t, err)
		require.Equal(t, 3, At(o), string(o.Page))
	}
	stored := w.Stored(t, ctx)
	require.Len(t, stored, visitors)
	for _, a := range stored {
		i := int(a.Values["age"].(float64))
		require.Equal(t, fmt.Sprint("visitor ", i), a.Values["why"])
		require.EqualValues(t, i%11, a.Values["nps"])
	}
	require.Zero(t, w.Drafts(t, ctx))
	t.Logf("%d of %d drafts were kept again", kept, visitors)
}
