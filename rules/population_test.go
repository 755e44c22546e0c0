package rules_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/internal/rulespec"
	"github.com/vefacrm/vefa/rules"
)

// The population and the rules of the benchmark specification.
type (
	purchase = rulespec.Purchase
	customer = rulespec.Customer
)

var (
	drawn     = rulespec.Population
	tagName   = rulespec.TagName
	twenty    = rulespec.Twenty
	byHand    = rulespec.ByHand
	manyRules = rulespec.Many
)

var evening = rules.NewMoment(time.Date(2025, 3, 1, 20, 0, 0, 0, time.UTC), nil)

// twentyRules compiles the twenty expressions over a facts struct.
func twentyRules[F any](t testing.TB) *rules.Set[F] {
	t.Helper()
	schema, err := rules.NewSchema[F](rules.Options{})
	require.NoError(t, err)
	var book rules.Book
	for i, text := range twenty {
		book.Rules = append(book.Rules, rules.Rule{
			Name: fmt.Sprintf("r%02d", i+1), When: text,
			Then: []rules.Action{{Kind: "tag", Name: "x"}},
		})
	}
	set, err := schema.Compile(&book)
	require.NoError(t, err)
	return set
}

func TestTwentyRulesEqualHandWritten(t *testing.T) {
	people := drawn(20_000)
	set := twentyRules[customer](t)
	var firings []rules.Firing
	total := 0
	for i := range people {
		var err error
		firings, err = set.Evening(firings[:0], &people[i], evening)
		require.NoError(t, err)
		k := 0
		for r, rule := range byHand {
			if rule(&people[i]) {
				require.Greater(t, len(firings), k)
				require.Equal(t, fmt.Sprintf("r%02d", r+1), firings[k].Rule.Name)
				k++
			}
		}
		require.Len(t, firings, k)
		total += k
	}
	t.Logf("%d matches", total)
}

// tagged is what the twenty rules read, with tags as a TagSet.
type tagged struct {
	Email, Phone, City, StoreCode, Tier, LastChannel, LastService string
	SMSConsent, EmailConsent                                      bool
	DaysSincePurchase, DaysSinceService, DaysSinceSurvey          int `rule:",days=since"`
	DaysToBirthday                                                int `rule:",days=yearly"`
	DaysSinceSignup                                               int `rule:",days=since"`
	OpenComplaints, Orders, R, F, M, LastNPS                      int
	TotalSpend, Spend12m                                          float64
	Tags                                                          rules.TagSet
	Purchases                                                     []purchase `rule:",max=12"`
}

func tag(people []customer, v *rules.Vocabulary) []tagged {
	out := make([]tagged, len(people))
	for i := range people {
		c := &people[i]
		out[i] = tagged{c.Email, c.Phone, c.City, c.StoreCode, c.Tier, c.LastChannel, c.LastService, c.SMSConsent, c.EmailConsent,
			c.DaysSincePurchase, c.DaysSinceService, c.DaysSinceSurvey, c.DaysToBirthday, c.DaysSinceSignup, c.OpenComplaints, c.Orders,
			c.R, c.F, c.M, c.LastNPS, c.TotalSpend, c.Spend12m, v.Set(c.Tags...), c.Purchases}
	}
	return out
}

func TestTagSetsGiveTheSame(t *testing.T) {
	people := drawn(3000)
	a, b := twentyRules[customer](t), twentyRules[tagged](t)
	other := tag(people, b.Schema().Tags())
	for i := range people {
		x, err := a.Evening(nil, &people[i], evening)
		require.NoError(t, err)
		y, err := b.Evening(nil, &other[i], evening)
		require.NoError(t, err)
		require.Len(t, y, len(x))
		for k := range x {
			require.Equal(t, x[k].Rule.Name, y[k].Rule.Name)
		}
	}
}
