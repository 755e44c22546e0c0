package vefa_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// halfName is a profile of half a name.
var halfName = crm.ProfileKey{Source: "web", ID: "half"}

// doubtful is a record of some hundred people, many of them twice, after its first evening.
func doubtful(t *testing.T, trainAt int, more ...func(*crm.Batch)) (*vefa.Engine, *crmtest.Clock) {
	t.Helper()
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	shop := nighttest.New(t, store, clock, func(c *vefa.Config) { c.TrainAt, c.Campaigns = trainAt, nil })
	var b crm.Batch
	for all := range crmtest.Customers(400, crmtest.Options{Brand: nighttest.Brand.Brand, Twice: 0.5, Batch: 1 << 20, Until: nighttest.Start}) {
		b.Profiles = all.Profiles
	}
	b.Profiles = append(b.Profiles, nighttest.People(1).Profiles...)
	half := *b.Profiles[len(b.Profiles)-1]
	half.ProfileKey, half.Name = halfName, crm.Name{Given: "Ada"}
	b.Profiles = append(b.Profiles, &half)
	for _, add := range more {
		add(&b)
	}
	_, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
	require.NoError(t, err)
	return shop.Engine, clock
}

// TestQuestions: what is doubtful is asked once, the largest effect first; an answer that changes
// something takes the question away at once and for good, and asking changes nothing.
func TestQuestions(t *testing.T) {
	for name, trainAt := range map[string]int{"learnt": 20, "assumed": 10_000} {
		t.Run(name, func(t *testing.T) {
			eng, clock := doubtful(t, trainAt)
			svc, ctx := eng.Service(), t.Context()
			list, err := eng.Questions(ctx, 1<<30)
			require.NoError(t, err)
			require.NotEmpty(t, list)
			require.True(t, slices.IsSortedFunc(list, func(a, b vefa.Question) int {
				switch {
				case a.Effect > b.Effect:
					return -1
				case a.Effect < b.Effect:
					return 1
				}
				return 0
			}))
			if name == "assumed" {
				require.True(t, slices.ContainsFunc(list, func(q vefa.Question) bool { return q.A == halfName || q.B == halfName }), "half a name is a question")
			}
			first, err := eng.Questions(ctx, 1)
			require.NoError(t, err)
			require.Equal(t, list[:1], first)
			none, err := eng.Questions(ctx, 0)
			require.NoError(t, err)
			require.Empty(t, none)

			changed := map[[2]crm.ProfileKey]bool{}
			for _, q := range list[:min(len(list), 8)] {
				changed[[2]crm.ProfileKey{q.A, q.B}] = q.Together
				if q.Together {
					_, err = svc.Split(ctx, "desk", crm.Evidence{}, q.B)
				} else {
					_, err = svc.Merge(ctx, "desk", crm.Evidence{}, q.A, q.B)
				}
				require.NoError(t, err)
			}
			t.Logf("%d questions, %v", len(list), changed)
			gone := func() {
				t.Helper()
				again, err := eng.Questions(ctx, 1<<30)
				require.NoError(t, err)
				for _, q := range again {
					_, was := changed[[2]crm.ProfileKey{q.A, q.B}]
					require.False(t, was, "asked again: %v", q)
				}
				for p, together := range changed {
					a, err := svc.CustomerOf(ctx, p[0])
					require.NoError(t, err)
					b, err := svc.CustomerOf(ctx, p[1])
					require.NoError(t, err)
					require.Equal(t, !together, a.ID == b.ID, "%v", p)
				}
			}
			gone()
			for day := range 2 {
				clock.Set(nighttest.Start.AddDate(0, 0, day+1))
				if day == 1 {
					eng.Close() // another process
				}
				_, err = eng.Night(ctx, vefa.Night{})
				require.NoError(t, err)
				gone()
			}
		})
	}
}
