package warning

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNewProductDrag(t *testing.T) {
	var all []Uptake
	for i := range 40 {
		all = append(all, Uptake{fmt.Sprintf("%02d", i), float64(100 + i), 1000})
	}
	all[0].New, all[39].Else = 40, 2000 // far behind; and a share of 139/2000
	got, err := NewProductDrag(all)
	require.NoError(t, err)
	worst := got[0]
	require.Equal(t, "39", worst.ID)
	require.InDelta(t, 2000*(.119-.0695), worst.Missing, 1e-9) // of 39 others the twentieth
	require.False(t, worst.Behind, "one is worse")
	second := got[1]
	require.Equal(t, "00", second.ID)
	require.Equal(t, 39, second.N)
	require.InDelta(t, 119-40, second.Missing, 1e-9)
	require.InDelta(t, 69.5-40, second.Low, 1e-9) // the least of the others
	require.InDelta(t, 138-40, second.High, 1e-9)
	require.True(t, second.Behind)
	require.Less(t, got[39].Missing, 0.0)
	got, err = NewProductDrag(slices.Repeat([]Uptake{{"", 1, 10}}, 50))
	require.NoError(t, err)
	require.Equal(t, Drag{Share: .1, Others: .1, N: 49}, got[0], "who sells as much as the least of the others is not behind")

	_, err = NewProductDrag(all[1:])
	require.ErrorContains(t, err, "39 are compared, not 40")
	for want, bad := range map[string]Uptake{"row 40: New is -1": {"", -1, 1}, "row 40: Else is 0": {"", 1, 0}} {
		_, err = NewProductDrag(append(slices.Clone(all), bad))
		require.ErrorIs(t, err, ErrData)
		require.ErrorContains(t, err, want)
	}
}

// TestNewProductDragBudget: of those who are as the others one in forty is called behind, and most of those who sell half are.
func TestNewProductDragBudget(t *testing.T) {
	r := rand.New(rand.NewPCG(20, 4))
	falsely, found := 0, 0
	for range 100 {
		all := make([]Uptake, 200)
		for i := range all {
			all[i] = Uptake{fmt.Sprint(i), 0, 1000 + 9000*r.Float64()}
			all[i].New = all[i].Else * max(0, .1+.02*r.NormFloat64())
		}
		all[7].New *= .4
		got, err := NewProductDrag(all)
		require.NoError(t, err)
		for _, d := range got {
			switch {
			case d.Behind && d.ID == "7":
				found++
			case d.Behind:
				falsely++
			}
		}
	}
	require.InDelta(t, .025, float64(falsely)/100/199, .006)
	require.Greater(t, found, 85)
}
