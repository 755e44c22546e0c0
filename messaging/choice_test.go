package messaging_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/messaging"
)

func choosing() messaging.Campaign {
	return messaging.Campaign{Name: "till", Text: "A", Holdout: 0.1, Window: time.Hour, Margin: 0.4, Categories: []string{"watch"}, Choice: messaging.Choice{Same: 0.3},
		Variants: []messaging.Variant{{Name: "b", Text: "B", Categories: []string{"ring"}, Margin: 0.2}, {Name: "c", Text: "C"}}}
}

func TestChoiceOfACampaign(t *testing.T) {
	c := choosing()
	require.NoError(t, c.Validate())
	require.Equal(t, [][]string{{"watch"}, {"ring"}, {"watch"}}, [][]string{c.About(""), c.About("b"), c.About("c")})
	for name, want := range map[string]float64{"": 0.4, "b": 0.2, "c": 0.4} {
		m, ok := c.MarginOf(name)
		require.True(t, ok)
		require.Equal(t, want, m)
	}
	a, n := assigner(t), 40_000
	same, both, held := 0.0, 0.0, 0.0
	for i := range n {
		unit := fmt.Sprint(i)
		require.Empty(t, c.Draw(a, unit), "nobody draws what is chosen")
		h := a.HeldOut(c.Cause(), unit, c.Holdout)
		if h {
			held++
		}
		if c.SameForAll(a, unit) {
			if same++; h {
				both++
			}
		}
	}
	require.InDelta(t, 0.3, same/float64(n), 5*math.Sqrt(0.3*0.7/float64(n)))
	require.InDelta(t, 0.3, both/held, 5*math.Sqrt(0.3*0.7/held), "the holdout has as many of them")
	require.NotEqual(t, a.Seed(c.Cause(), "1"), a.Seed(c.Cause(), "2"))
	require.Equal(t, a.Seed(c.Cause(), "1"), a.Seed(c.Cause(), "1"))
}

func TestChoiceFaults(t *testing.T) {
	for want, change := range map[string]func(*messaging.Campaign){
		`choice gives 0 of the people`:                func(c *messaging.Campaign) { c.Choice = messaging.Choice{By: "x"} },
		`choice gives 1 of the people`:                func(c *messaging.Campaign) { c.Choice.Same = 1 },
		`choice gives NaN of the people`:              func(c *messaging.Campaign) { c.Choice.Same = math.NaN() },
		`choice needs variants`:                       func(c *messaging.Campaign) { c.Variants = nil },
		`choice needs a window`:                       func(c *messaging.Campaign) { c.Window = 0 },
		`variants "b" has a share, and choice`:        func(c *messaging.Campaign) { c.Variants[0].Share = 0.1 },
		`variants "b" has a share of 0`:               func(c *messaging.Campaign) { c.Choice = messaging.Choice{} },
		`margin has a margin of 1.1`:                  func(c *messaging.Campaign) { c.Margin = 1.1 },
		`variants has a margin of -1`:                 func(c *messaging.Campaign) { c.Variants[1].Margin = -1 },
		`margin must be set, for variant "b" has one`: func(c *messaging.Campaign) { c.Margin = 0 },
		`variants has a category without a name`:      func(c *messaging.Campaign) { c.Variants[0].Categories = []string{""} },
	} {
		c := choosing()
		change(&c)
		require.ErrorContains(t, c.Validate(), want)
	}
}
