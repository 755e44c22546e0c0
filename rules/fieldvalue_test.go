package rules_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/rules"
)

// TestValue reads what rules read, of a struct and of fields that were added.
func TestValue(t *testing.T) {
	type row struct{ N int }
	type subject struct {
		rules.Extensible
		Yes   bool
		Small uint8
		Spend rules.Maybe[int64] `rule:"Spend,scale=2"`
		Share float64
		City  *string
		When  time.Time
		Tags  rules.TagSet
		Rows  []row
	}
	x, err := rules.Extend[subject]([]rules.Field{{Name: "Points", Kind: rules.Int, Nullable: true}, {Name: "Since", Kind: rules.Time}, {Name: "Rows", Kind: rules.Rows, Fields: []rules.Field{{Name: "M", Kind: rules.Int}}}}, rules.Options{})
	require.NoError(t, err)
	f, day := x.New(), time.Date(2025, 3, 3, 0, 0, 0, 0, time.UTC)
	read := func(want map[string]any) {
		t.Helper()
		for name, v := range want {
			got, err := x.Value(f, name)
			require.NoError(t, err, name)
			require.Equal(t, v, got, name)
		}
	}
	read(map[string]any{"Yes": false, "Small": int64(0), "Spend": nil, "Share": 0.0, "City": nil, "When": nil, "Points": nil, "Since": nil})
	city := "İzmir"
	f.Yes, f.Small, f.Spend, f.Share, f.City, f.When = true, 7, rules.Some[int64](125050), 0.5, &city, day
	require.NoError(t, x.Clear(f))
	require.NoError(t, x.Set(f, "Points", 12))
	require.NoError(t, x.Set(f, "Since", day))
	read(map[string]any{"Yes": true, "Small": int64(7), "Spend": int64(125050), "Share": 0.5, "City": city, "When": day, "Points": int64(12), "Since": day})

	_, err = x.Value(f, "Pionts")
	require.ErrorContains(t, err, "Points")
	_, err = x.Value(f, "Tags")
	require.ErrorContains(t, err, "no single value")
	_, err = x.Value(f, "Rows")
	require.ErrorContains(t, err, "no single value")
	_, err = x.Value(&subject{}, "Yes")
	require.ErrorIs(t, err, rules.ErrForeign)
}
