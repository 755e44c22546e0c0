package lifecycle

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestErrorsNameFields: who gave a wrong value reads which, also where the customer has not bought yet.
func TestErrorsNameFields(t *testing.T) {
	for want, d := range map[string]Definition{
		"Definition.Version is empty":        {},
		"Definition.Window is -3":            {Version: "1", Window: -3},
		"Definition.Acts is -1":              {Version: "1", Acts: -1},
		"Definition.Overdue is NaN":          {Version: "1", Overdue: math.NaN()},
		"Definition.Overdue is +Inf":         {Version: "1", Overdue: math.Inf(1)},
		"Definition.Prior.Gap is 0":          {Version: "1", Prior: Prior{Weight: 3}},
		"Definition.Prior.Gap is NaN":        {Version: "1", Prior: Prior{Gap: math.NaN(), Weight: 1}},
		"Definition.Prior.Weight is 0":       {Version: "1", Prior: Prior{Gap: 30}}, // one purchase yesterday was gone
		"Definition.Prior.Weight is -1":      {Version: "1", Prior: Prior{Gap: 30, Weight: -1}},
		"Definition.Prior.Weight is +Inf, n": {Version: "1", Prior: Prior{Gap: 30, Weight: math.Inf(1)}},
	} {
		for _, c := range []Customer{{}, {Purchases: []int{99}}} {
			_, err := d.State(c, 100)
			require.ErrorIs(t, err, ErrData)
			require.ErrorContains(t, err, want)
		}
	}
	_, err := Rate([]Why{{Version: "1", State: Active}}, 40)
	require.ErrorContains(t, err, "target is 40")
	_, err = Shifts([]int{1}, 0, .01)
	require.ErrorContains(t, err, "year is 0")
	_, err = Shifts([]int{1}, 12, 5)
	require.ErrorContains(t, err, "alpha is 5")
}
