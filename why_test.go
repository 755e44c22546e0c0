package vefa_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/survey"
)

// TestWhyThisOrderThisEvening: a desk asks about one order, and about one evening, and
// reads the answer in its language and its zone. Case B2.
func TestWhyThisOrderThisEvening(t *testing.T) {
	store := memstore.New()
	istanbul, err := time.LoadLocation("Europe/Istanbul")
	require.NoError(t, err)
	w, clock := shop(t, store, `
rules:
  - {name: ask, each: Purchases, when: row.DaysAgo <= 1 and row.Delivered, then: [{survey: visit}]}
  - {name: daily, when: DaysSincePurchase <= 0, once: day, then: [{message: hello}]}
  - {name: fails, when: 'LastPurchase != nil', then: [{task: call}]}
`, func(c *vefa.Config) {
		c.Home = istanbul
		c.Surveys = []vefa.Survey{{Name: "visit", Definition: survey.Recommendation(), Invitation: messaging.Campaign{Name: "visit", Text: "?", Unmeasured: "a test"}}}
		c.Tasks = map[string]vefa.TaskFunc{"call": func(context.Context, *crm.Service, *crm.Effect) error { return errors.New("no line") }}
	})
	b := nighttest.People(1)
	waiting := nighttest.Order(0, "late", nighttest.Start.Add(-2*time.Hour))
	waiting.Data.(*crm.Order).Status = crm.OrderPlaced
	b.Facts = append(b.Facts, waiting)
	_, err = w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
	require.NoError(t, err)
	clock.Advance(24 * time.Hour)
	_, err = w.Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	clock.Advance(24 * time.Hour)
	c, err := w.Engine.Service().CustomerOf(t.Context(), nighttest.Key(0))
	require.NoError(t, err)
	why := func(cause string, q vefa.WhyQuery) vefa.Why {
		t.Helper()
		y, err := w.Engine.Why(t.Context(), c.ID, cause, q)
		require.NoError(t, err)
		return y
	}
	order := func(id string) crm.FactKey { return crm.FactKey{Kind: crm.KindOrder, Source: "pos", ID: id} }

	// This order: its survey, or why there is none; not the other's.
	y := why("survey/visit", vefa.WhyQuery{About: order("o0")})
	require.Len(t, y.Effects, 1)
	require.Empty(t, y.Text)
	require.Contains(t, y.String(), "rule/ask: done on 3 March 2025 15:00 (order o0)")
	y = why("survey/visit", vefa.WhyQuery{About: order("late")})
	require.Empty(t, y.Effects)
	require.Contains(t, y.Text, "row.Delivered")
	require.NotContains(t, y.Text, "row 2", "the other order")
	y = why("rule/ask", vefa.WhyQuery{About: order("o9"), Locale: "tr"})
	require.Equal(t, "Müşterinin böyle bir kaydı yok: sipariş o9.\n", y.String())

	// This evening: what it did, and what the rule said then.
	y = why("rule/daily", vefa.WhyQuery{Day: "2025-03-04"})
	require.Empty(t, y.Effects)
	require.Contains(t, y.Text, "As of 4 March 2025 15:00, from what is known now:")
	require.Contains(t, y.Text, "Rule daily does not fire")
	require.Contains(t, y.Text, "DaysSincePurchase is 1")
	y = why("rule/daily", vefa.WhyQuery{Day: "2025-03-03"})
	require.Len(t, y.Effects, 1)
	require.Contains(t, y.Text, "Rule daily fires")
	_, err = w.Engine.Why(t.Context(), c.ID, "rule/daily", vefa.WhyQuery{Day: "2025-04-01"})
	require.ErrorIs(t, err, crm.ErrInvalid)

	// The reader's words, dates and zone, of tasks too.
	require.Contains(t, why("rule/fails", vefa.WhyQuery{}).String(), "rule/fails: planned for 5 March 2025 03:00")
	text := why("rule/daily", vefa.WhyQuery{Locale: "tr", Zone: time.UTC}).String()
	for _, want := range []string{"rule/daily: yapıldı, 3 Mart 2025 12:00", "izin: geçti", "daily kuralı çalışmaz"} {
		require.Contains(t, text, want)
	}
	text = why("rule/fails", vefa.WhyQuery{Locale: "tr", Day: "2025-03-04"}).String()
	for _, want := range []string{"rule/fails: bekliyor, zamanı 5 Mart 2025 03:00", "görev: durdurdu (başarısız oldu, yeniden denenecek: no line)", "4 Mart 2025 15:00 itibarıyla", "fails kuralı çalışır", "(LastPurchase = 03.03.2025 14:00)"} {
		require.Contains(t, text, want)
	}
}

// TestWhyOfACampaignInWords: the audience of a campaign, in Turkish. Case B2.
func TestWhyOfACampaignInWords(t *testing.T) {
	w, _ := shop(t, memstore.New(), `rules: [{name: r, when: Orders > 9, then: [{tag: t}]}]`, func(c *vefa.Config) {
		c.Segments = "segment keen = at least 2 of (vip, buyer, friend) except left"
		c.Campaigns = []vefa.Campaign{{Segment: "keen", On: []string{"2025-03-03"}, Campaign: messaging.Campaign{Name: "spring", Text: "Spring", Unmeasured: "a test"}}}
	})
	b := nighttest.People(1)
	b.Facts = append(b.Facts, tagOf(0, "v", "vip", false, nighttest.Start.Add(-time.Hour), time.Time{}))
	_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
	require.NoError(t, err)
	c, err := w.Engine.Service().CustomerOf(t.Context(), nighttest.Key(0))
	require.NoError(t, err)
	y, err := w.Engine.Why(t.Context(), c.ID, "campaign/spring", vefa.WhyQuery{Locale: "tr"})
	require.NoError(t, err)
	for _, want := range []string{"keen segmentinde değil", "birincisinde olup ötekilerin hiçbirinde olmayan", "en az 2 tanesi (1 tanesi tutuyor): hayır", "etiket vip: evet", "etiket buyer: hayır"} {
		require.Contains(t, y.String(), want)
	}
}
