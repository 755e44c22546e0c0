package messaging_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
)

func TestVariantsOfACampaign(t *testing.T) {
	c := spring()
	c.Variants = []messaging.Variant{{Name: "b", Share: 0.3, Text: "{name}: {link} RET 4609"}, {Name: "c", Share: 0.2, Text: "{amount} {link} {name} RET 4609"}}
	require.NoError(t, c.Validate())
	s, err := c.Script()
	require.NoError(t, err)
	values := messaging.Values{"name": "Ayşe", "amount": crm.Money{Amount: 100, Currency: "TRY"}, "until": noon, "link": "https://s.tc/x"}
	for name, want := range map[string]string{"": "Sayın Ayşe, 1,00 TL indiriminiz 03.03.2025 tarihine kadar: https://s.tc/x RET 4609", "b": "Ayşe: https://s.tc/x RET 4609", "c": "1,00 TL https://s.tc/x Ayşe RET 4609"} {
		m, err := s.Variant(name).Render(crm.Phone, values)
		require.NoError(t, err)
		require.Equal(t, want, m.Text)
	}
	require.Nil(t, s.Variant("d"))
	require.True(t, c.Shows("amount"))

	a, n := assigner(t), 40_000
	got, held := map[string]float64{}, map[string]float64{}
	for i := range n {
		unit := fmt.Sprint(i)
		v := c.Draw(a, unit)
		got[v]++
		if a.HeldOut(c.Cause(), unit, c.Holdout) {
			held[v]++
		}
		require.Equal(t, v, c.Draw(a, unit))
	}
	require.Len(t, got, 3)
	near := func(share, k, n float64) {
		require.InDelta(t, share, k/n, 5*math.Sqrt(share*(1-share)/n))
	}
	for name, share := range map[string]float64{"": 0.5, "b": 0.3, "c": 0.2} {
		near(share, got[name], float64(n))
		near(c.Holdout, held[name], got[name])
	}
	require.Equal(t, "", spring().Draw(a, "1"))
}

func TestVariantFaults(t *testing.T) {
	text := "{name} {amount} {until} {link}"
	two := func(a, b messaging.Variant) []messaging.Variant { return []messaging.Variant{a, b} }
	for want, variants := range map[string][]messaging.Variant{
		`variants "a b" is no name of letters, digits, -, _ and . only`: {{Name: "a b", Share: 0.5, Text: text}},
		`variants "" is no name`:                                                           {{Share: 0.5, Text: text}},
		`variants "b" is there twice`:                                                      two(messaging.Variant{Name: "b", Share: 0.1, Text: text}, messaging.Variant{Name: "b", Share: 0.1, Text: text}),
		`variants "b" has a share of 0, which`:                                             {{Name: "b", Text: text}},
		`variants "b" has a share of 1, which`:                                             {{Name: "b", Share: 1, Text: text}},
		`variants "b" has a share of NaN, which`:                                           {{Name: "b", Share: math.NaN(), Text: text}},
		`variants have a share of 1 together, which leaves nobody the campaign's own word`: two(messaging.Variant{Name: "b", Share: 0.5, Text: text}, messaging.Variant{Name: "c", Share: 0.5, Text: text}),
		`variant "b": messaging: campaign: text is empty`:                                  {{Name: "b", Share: 0.5}},
		`variants "b" has contents, and the campaign a text`:                               {{Name: "b", Share: 0.5, Contents: []messaging.Content{{Channel: crm.Phone, Text: text}}}},
		`variant "b": messaging: template`:                                                 {{Name: "b", Share: 0.5, Text: "{who}"}},
		`variant "b": messaging: campaign: in the worst case`:                              {{Name: "b", Share: 0.5, Text: text + strings.Repeat("x", 400)}},
	} {
		c := spring()
		c.Variants = variants
		require.ErrorContains(t, c.Validate(), want)
	}
	c := messaging.Campaign{Name: "x", Unmeasured: "a test", Contents: []messaging.Content{{Channel: crm.Phone, Text: "x"}}}
	c.Variants = []messaging.Variant{{Name: "b", Share: 0.5, Text: "y"}}
	require.ErrorContains(t, c.Validate(), `variants "b" has a text, and the campaign contents`)
	c.Variants = []messaging.Variant{{Name: "b", Share: 0.5, Contents: []messaging.Content{{Channel: "whatsapp", Text: "y"}}}}
	require.ErrorContains(t, c.Validate(), `variants "b" has not the channels of the campaign, in its order`)
	c.Variants[0].Contents[0].Channel = crm.Phone
	require.NoError(t, c.Validate())
	c.Budget.Money = crm.Money{Amount: 100, Currency: "TRY"}
	c.Contents[0].Price = crm.Money{Amount: 1, Currency: "TRY"}
	require.ErrorContains(t, c.Validate(), "budget.money", "the variant has no price")
}
