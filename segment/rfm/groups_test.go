package rfm

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Case B11: what a group is worth does not depend on where it stands in the list, which
// says only which group takes a score that several have.
func TestValues(t *testing.T) {
	named := Values(RPackageGroups())
	require.Greater(t, named["Champions"], named["Loyal Customers"])
	require.Greater(t, named["Loyal Customers"], named["Potential Loyalist"])
	require.Greater(t, named["At Risk"], named["Lost"])
	require.Len(t, named, 10)
	// Without values the scores decide, each of the first group that has it.
	own := []Group{
		{Name: "poor", R: Range{1, 2}, F: Range{1, 9}, M: Range{1, 9}},
		{Name: "best", Cells: []int{555}},
		{Name: "rest", R: Range{1, 5}, F: Range{1, 5}, M: Range{1, 5}},
		{Name: "never", Cells: []int{111}},
	}
	require.Equal(t, map[string]float64{"poor": 11.5, "best": 15, "rest": float64(3*25*10-15) / 74}, Values(own))
	own[1].Value = 3
	require.Equal(t, map[string]float64{"poor": 0, "best": 3, "rest": 0, "never": 0}, Values(own))
}
