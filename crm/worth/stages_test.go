package worth

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/lifecycle"
	"github.com/vefacrm/vefa/crm/value"
)

// TestStages: a stage is in what the customer began to buy, of whichever of its categories, until nothing was seen of it for as
// long as it was seen; of two stages the later is told.
func TestStages(t *testing.T) {
	store, at, _ := fittedStore(t)
	m := mustModule(t, Config{Stages: []Stage{{Name: "baby", Categories: []string{"nappies", "baby food"}}, {Name: "garden", Categories: []string{"plants"}}}})
	today := int(at.Unix() / 86400)
	line := func(category string, ago int) crm.Purchase {
		return crm.Purchase{Day: today - ago, At: at.AddDate(0, 0, -ago), Category: category, Amount: 100, Priced: true}
	}
	s := crm.FieldSubject{Purchases: bought(700, 2)}
	s.Lines = append(s.Lines, line("watch", 700), line("plants", 650))
	require.Nil(t, ask(t, store, m, at, s, "LifeStage"))
	for ago := 180; ago >= 0; ago -= 12 { // now the one category, now the other: neither by itself is as many
		s.Lines = append(s.Lines, line([]string{"nappies", "baby food"}[ago/12%2], ago))
	}
	require.Equal(t, "baby", ask(t, store, m, at, s, "LifeStage"))
	require.Greater(t, ask(t, store, m, at, s, "LifeStageConfidence"), 0.99)
	begin, until := ask(t, store, m, at, s, "LifeStageAt").(time.Time), ask(t, store, m, at, s, "LifeStageUntil").(time.Time)
	require.WithinRange(t, begin, at.AddDate(0, 0, -215), at.AddDate(0, 0, -150))
	require.WithinRange(t, until, at.AddDate(0, 4, 0), at.AddDate(0, 8, 0))
	require.Equal(t, "baby", ask(t, store, m, at.AddDate(0, 2, 0), s, "LifeStage"))
	require.Nil(t, ask(t, store, m, until.AddDate(0, 0, 1), s, "LifeStage"), "it is over")
	// A few purchases in two months are no stage any more in the third month after, though no fall can be told of so few.
	short := crm.FieldSubject{Purchases: s.Purchases}
	for _, ago := range []int{150, 140, 130, 120, 115, 110} {
		short.Lines = append(short.Lines, line("plants", ago))
	}
	seen := map[any]int{}
	for ago := 100; ago > -30; ago -= 10 {
		v := ask(t, store, m, at.AddDate(0, 0, -ago), short, "LifeStage")
		if seen[v]++; v == nil {
			require.GreaterOrEqual(t, seen["garden"], 2)
			require.Less(t, ago, 60)
		} else {
			require.Zero(t, seen[nil])
			require.False(t, ask(t, store, m, at.AddDate(0, 0, -ago), short, "LifeStageUntil").(time.Time).Before(at.AddDate(0, 0, -ago-1)))
		}
	}
	require.Positive(t, seen[nil])
	garden := s
	for ago := 60; ago >= 0; ago -= 4 {
		garden.Lines = append(garden.Lines, line("plants", ago))
	}
	require.Equal(t, "garden", ask(t, store, m, at, garden, "LifeStage"))
	for i := range s.Lines {
		s.Lines[i].Cancelled = true
	}
	require.Nil(t, ask(t, store, m, at, s, "LifeStage"))
}

// TestTiers: Tier is what package value says of the same customers, and a sample of many is cut alike; a customer who cost more than
// he brings is below zero.
func TestTiers(t *testing.T) {
	store, at, fit := fittedStore(t)
	m := mustModule(t, Config{Version: "t", Tiers: &value.TierDefinition{Top: 0.1}, Uplift: 0.8, PerMonth: 100})
	ev := eveningOf(store, at)
	require.NoError(t, m.refresh(t.Context(), ev))
	var tiers *Tiers
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
		fits, err := Fits(t.Context(), r)
		tiers = fits[len(fits)-1].Tiers
		return err
	}))
	require.Nil(t, fit.Tiers)
	require.NotNil(t, tiers)
	require.Equal(t, "t", tiers.Definition.Version)
	require.Equal(t, fit.Customers, tiers.N)
	all, err := m.read(t.Context(), store)
	require.NoError(t, err)
	today := int(at.Unix() / 86400)
	var customers []value.Valued
	for i := range all {
		spent, _ := all[i].spending()
		customers = append(customers, value.Valued{Purchases: all[i].purchases(today), Purchase: fit.Spending.Expect(spent), Contribution: float64(all[i].total)})
	}
	valued, err := value.Valuate(fit.Buying, customers, value.ValueOptions{Terms: m.terms, Uplift: value.Interval{Expected: 0.8, Low: 0.8, High: 0.8}})
	require.NoError(t, err)
	standings := make([]value.Standing, len(valued))
	for i := range valued {
		standings[i].Valuation = valued[i]
	}
	want, err := value.TierDefinition{Version: "t", Top: 0.1}.Tiers(standings)
	require.NoError(t, err)
	require.InDelta(t, *want[0].Valuable, *tiers.Valuable, 1e-6**want[0].Valuable)
	dear, cheap := bought(90, 60, 30, 1), bought(700, 690)
	for i := range dear {
		dear[i].Amount *= 1000
		cheap[i/2].Amount = 100
	}
	require.Equal(t, "most valuable", ask(t, store, m, at, crm.FieldSubject{Purchases: dear}, "Tier"))
	require.Equal(t, true, ask(t, store, m, at, crm.FieldSubject{Purchases: dear}, "TierCertain"))
	costly := mustModule(t, Config{Version: "t", Tiers: &value.TierDefinition{Top: 0.1}, Uplift: 0.8, PerPurchase: 20_000})
	require.Equal(t, "below zero", ask(t, store, costly, at, crm.FieldSubject{Purchases: bought(90, 60)}, "Tier"))
	require.Contains(t, []any{"migrating", "most growable"}, ask(t, store, m, at, crm.FieldSubject{Purchases: cheap}, "Tier"))
	require.Nil(t, ask(t, store, m, at, crm.FieldSubject{}, "Tier"))
	many := make([]summary, 0, 3*mostTiered)
	for len(many) < 3*mostTiered {
		many = append(many, all[len(many)%len(all)])
	}
	cut, err := m.tiers(&fit, many, today)
	require.NoError(t, err)
	require.InEpsilon(t, *tiers.Valuable, *cut.Valuable, 0.1)
	require.Less(t, cut.N, mostTiered+1)
}

// TestAtRisk: what open tickets put at risk is what package value says, for each ticket; without one nothing is.
func TestAtRisk(t *testing.T) {
	store, at, fit := fittedStore(t)
	gives := value.Interval{Expected: 0.2, Low: 0.1, High: 0.3}
	m := mustModule(t, Config{GivesUp: &gives})
	gives.High = 7 // the module has its own
	s := crm.FieldSubject{Purchases: bought(100, 70, 40, 10)}
	require.Nil(t, ask(t, store, m, at, s, "AtRisk"))
	s.OpenTickets = 2
	each := fit.Spending.Expect(value.Spending{Purchases: 3, Mean: 10000})
	r, err := value.AtRisk(fit.Buying, m.terms, value.Interval{Expected: 0.2, Low: 0.1, High: 0.3}, func(yield func(value.Complainant) bool) {
		yield(value.Complainant{Purchases: value.Purchases{Repeats: 3, Last: 90. / 7, Age: 100. / 7}, Purchase: each, Tickets: 2})
	})
	require.NoError(t, err)
	for name, want := range map[string]float64{"AtRisk": r.AtRisk.Expected, "AtRiskLow": r.AtRisk.Low, "AtRiskHigh": r.AtRisk.High,
		"AtRiskPerTicket": r.AtRisk.Expected / 2, "AvoidablePerTicket": r.Avoidable.Expected / 2} {
		require.InDelta(t, want, ask(t, store, m, at, s, name), 0.5001, name)
	}
}

// TestLoyaltyByAlive: who probably does not buy any more is passive, however his own gaps are.
func TestLoyaltyByAlive(t *testing.T) {
	store, at, _ := fittedStore(t)
	s := crm.FieldSubject{Purchases: bought(700, 400, 100), Reachable: true}
	alive := ask(t, store, mustModule(t, Config{}), at, s, "PAlive").(float64)
	for theta, want := range map[float64]string{alive - 0.01: "waiting", alive + 0.01: "passive"} {
		require.Equal(t, want, ask(t, store, mustModule(t, Config{Lifecycle: lifecycle.Definition{Alive: theta}}), at, s, "Loyalty"))
	}
}

// TestConfigOfMore: fields are there where they are defined; what is wrong is named.
func TestConfigOfMore(t *testing.T) {
	names := func(cfg Config) (out []string) {
		m, err := New(cfg)
		require.NoError(t, err)
		require.NoError(t, m.Validate())
		for _, f := range m.Fields {
			out = append(out, f.Name)
		}
		return out
	}
	plain := names(Config{})
	for _, name := range []string{"LifeStage", "Tier", "AtRisk"} {
		require.NotContains(t, plain, name)
	}
	all := names(Config{Stages: []Stage{{"a", []string{"b"}}}, Tiers: &value.TierDefinition{}, GivesUp: &value.Interval{}})
	require.Len(t, all, len(plain)+len(stageFields)+len(tierFields)+len(riskFields))
	for want, cfg := range map[string]Config{
		"Config.Stages: [0].Name is":                    {Stages: []Stage{{Categories: []string{"x"}}}},
		`Config.Stages: [1].Name: there is another "a"`: {Stages: []Stage{{"a", []string{"x"}}, {"a", []string{"y"}}}},
		`Categories of "a" is empty`:                    {Stages: []Stage{{Name: "a"}}},
		`"x" is empty, or is one of "a"`:                {Stages: []Stage{{"a", []string{"x"}}, {"b", []string{"x"}}}},
		"Config.Tiers: value: ":                         {Tiers: &value.TierDefinition{Top: 2}},
		"Config.Tiers: asks for Loyal":                  {Tiers: &value.TierDefinition{Loyal: true}},
		"Config.Uplift: is of no use":                   {Uplift: 0.5},
		"Config.Uplift: is 2, not":                      {Tiers: &value.TierDefinition{}, Uplift: 2},
		"Config.GivesUp: is 0.5, from 0.6 to 0.7, not":  {GivesUp: &value.Interval{Expected: 0.5, Low: 0.6, High: 0.7}},
		"Config.Lifecycle: lifecycle: bad data: Def":    {Lifecycle: lifecycle.Definition{Alive: 1}},
	} {
		_, err := New(cfg)
		require.ErrorContains(t, err, want)
	}
}
