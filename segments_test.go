package vefa_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// Questions about segments see the tags and their polarity as they are now, not
// as they were when the engine was loaded.
func TestSegmentsSeeWhatIsCommitted(t *testing.T) {
	clock := new(crmtest.Clock)
	clock.Set(nighttest.Start)
	shop := nighttest.New(t, memstore.New(), clock, nil)
	_, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(5))})
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
	require.NoError(t, shop.Engine.Service().Tag(t.Context(), nighttest.Key(2), crm.TagChange{Tag: "staff"}))
	require.NoError(t, shop.Engine.SetPolarity(t.Context(), "staff", true, "ada", "they know already"))
	n, steps = ask()
	require.Equal(t, 4, n)
	require.Equal(t, []string{"tag staff is red"}, steps)
	require.NoError(t, shop.Engine.SetPolarity(t.Context(), "staff", false, "ada", ""))
	n, steps = ask()
	require.Equal(t, 5, n)
	require.Empty(t, steps)
}

// TestASegmentNamedLikeADraft: the audience that is considered for a campaign takes
// no name that a definition of the host's may have.
func TestASegmentNamedLikeADraft(t *testing.T) { // Case D2
	store := memstore.New()
	clock := &crmtest.Clock{}
	clock.Set(nighttest.Start)
	w := nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Segments = "segment spring-considered = everyone\nsegment spring = segment(spring-considered)"
		c.Campaigns[0].Segment = "spring"
	})
	rep, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(3))})
	require.NoError(t, err)
	require.Equal(t, 3, rep.Campaigns.Planned)
}
