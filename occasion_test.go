package vefa_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/survey/web/webtest"
)

// TestAnswersOfADailyRule asks once a day after a purchase, as the README does: the answer is about
// the purchase that the rule fired for and of its place, also where that hangs on another profile of the
// customer than the invitation. Until somebody answers, the results say that it was sent.
func TestAnswersOfADailyRule(t *testing.T) {
	for once, orders := range map[string]int{"day": 1, "row": 2} {
		t.Run(once, func(t *testing.T) {
			store := memstore.New()
			w, clock := shop(t, store, `rules: [{name: ask, each: Purchases, when: row.DaysAgo == 0, once: `+once+`, then: [{survey: visit}]}]`, nil)
			svc := w.Engine.Service()
			require.NoError(t, svc.PutPlaces(t.Context(), &crm.Place{ID: "34", Kind: "store", Name: "Kadıköy"}))
			b := nighttest.People(1)
			other := *b.Profiles[0]
			other.ProfileKey = crm.ProfileKey{Source: "web", ID: "1"}
			other.Since = other.Since.Add(time.Hour)
			b.Profiles = append(b.Profiles, &other)
			b.Facts[1].Place, b.Facts[1].Subject = "34", crm.OfProfile(other.ProfileKey)
			if orders == 2 { // each is asked about
				more := nighttest.Order(0, "o9", nighttest.Start.Add(-30*time.Minute))
				more.Place = "34"
				b.Facts = append(b.Facts, more)
			}
			_, err := svc.Import(t.Context(), b)
			require.NoError(t, err)
			_, err = svc.Merge(t.Context(), "desk", crm.Evidence{}, b.Profiles[0].ProfileKey, other.ProfileKey)
			require.NoError(t, err)
			_, err = w.Engine.Night(t.Context(), vefa.Night{})
			require.NoError(t, err)
			clock.Advance(time.Hour)
			res, err := w.Engine.Results(t.Context())
			require.NoError(t, err)
			require.Len(t, res.Surveys, 1)
			require.Equal(t, "visit", res.Surveys[0].Survey)
			require.Positive(t, res.Surveys[0].Sent)
			require.Zero(t, res.Surveys[0].N)
			require.Empty(t, res.Surveys[0].Places)

			asked := &nighttest.Asked{Engines: []*vefa.Engine{w.Engine}}
			for _, f := range effectsOf(t, store, "rule/ask") {
				if f.SentAt.IsZero() {
					continue
				}
				_, page, err := w.Engine.Links(f)
				require.NoError(t, err)
				out, err := webtest.Answer(t.Context(), asked.Client(0), page, map[string]any{"nps": 2})
				require.NoError(t, err)
				require.True(t, out.Thanked())
			}
			n := 0
			for a, err := range w.Engine.Answers(t.Context(), "visit") {
				require.NoError(t, err)
				require.Equal(t, "34", a.Place)
				require.Equal(t, crm.KindOrder, a.About.Kind)
				n++
			}
			require.Positive(t, n)
			for f, err := range svc.OpenTickets(t.Context(), crm.TicketQuery{}) {
				require.NoError(t, err)
				require.Equal(t, "34", f.Data.(*crm.Ticket).Assignee, "the desk of the shop")
			}
		})
	}
}
