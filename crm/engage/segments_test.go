package engage_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/engage"
	"github.com/vefacrm/vefa/crm/engage/engagetest"
	"github.com/vefacrm/vefa/crm/memstore"
)

// Questions about segments see the tags and their polarity as they are now, not
// as they were when the engine was loaded.
func TestSegmentsSeeWhatIsCommitted(t *testing.T) {
	clock := new(engagetest.Clock)
	clock.Set(engagetest.Start)
	shop := engagetest.New(t, memstore.New(), clock, nil)
	_, err := shop.Engine.Night(t.Context(), engage.Night{Source: engagetest.Once(engagetest.People(5))})
	require.NoError(t, err)
	ask := func() (int, []string) {
		v, err := shop.Engine.Segments(t.Context())
		require.NoError(t, err)
		w, err := v.Waterfall("everybody", clock.Now())
		require.NoError(t, err)
		var steps []string
		for _, s := range w.Steps {
			steps = append(steps, s.Label)
		}
		return w.Members, steps
	}
	n, steps := ask()
	require.Equal(t, 5, n)
	require.Empty(t, steps)
	require.NoError(t, shop.Engine.Service().Tag(t.Context(), engagetest.Key(2), crm.TagChange{Tag: "staff"}))
	require.NoError(t, shop.Engine.SetPolarity(t.Context(), "staff", true, "ada", "they know already"))
	n, steps = ask()
	require.Equal(t, 4, n)
	require.Equal(t, []string{"tag staff is red"}, steps)
	require.NoError(t, shop.Engine.SetPolarity(t.Context(), "staff", false, "ada", ""))
	n, steps = ask()
	require.Equal(t, 5, n)
	require.Empty(t, steps)
}
