package segment

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestMicroSegmentsAgainstGrouping(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		idx, names := crowd(t, 1)
		if rapid.Bool().Draw(t, "careless") {
			d, _, err := idx.View().Definition(names[0])
			require.NoError(t, err)
			d.IgnoreRed = []string{"d"}
			_, err = idx.Define(day0, d)
			require.NoError(t, err)
		}
		city := map[string]string{}
		v := idx.View()
		for c := range v.Customers(v.Population()) {
			city[c] = rapid.SampledFrom([]string{"", "Bursa", "Van"}).Draw(t, "city")
		}
		_, err := idx.SetField(day0, "city", maps.All(city), "Bursa")
		require.NoError(t, err)
		v = idx.View()
		cities, err := v.FieldDimension("city")
		require.NoError(t, err)
		opt := MicroOptions{MinSize: rapid.IntRange(0, 3).Draw(t, "min")}
		if rapid.Bool().Draw(t, "within") {
			opt.Within = names[0]
		}
		within := opt.Within
		if within == "" {
			w, err := v.With(Definition{Name: "all", Expr: All()})
			require.NoError(t, err)
			v, within = w, "all"
		}
		got, err := v.MicroSegments(day0, []Dimension{cities, TagDimension("taste", "a", "b", "c")}, opt)
		require.NoError(t, err)
		want := map[string][]string{} // cell to members
		cells := map[string]int{}     // customer to its cells that are large enough
		whom := members(t, v, within, day0)
		for _, c := range whom {
			for _, tag := range v.TagsOf(c) {
				if city[c] != "" && tag != "d" {
					want[city[c]+" / "+tag] = append(want[city[c]+" / "+tag], c)
				}
			}
		}
		maps.DeleteFunc(want, func(_ string, m []string) bool { return len(m) < opt.MinSize })
		for _, m := range want {
			for _, c := range m {
				cells[c]++
			}
		}
		require.Len(t, got.Segments, len(want))
		require.Equal(t, len(whom), got.Population)
		require.Equal(t, len(cells), got.Covered)
		for i, s := range got.Segments {
			require.Equal(t, want[s.Definition.Name], slices.Collect(v.Customers(s.set)), s.Definition.Name)
			require.Equal(t, len(want[s.Definition.Name]), s.Size)
			shared := 0
			for _, c := range want[s.Definition.Name] {
				if cells[c] > 1 {
					shared++
				}
			}
			require.Equal(t, shared, s.Shared)
			require.True(t, i == 0 || got.Segments[i-1].Size >= s.Size)
			w, err := v.With(s.Definition)
			require.NoError(t, err)
			require.Equal(t, want[s.Definition.Name], members(t, w, s.Definition.Name, day0), "its definition selects its members")
		}
		pairs := got.Compare(len(got.Segments))
		for i := range pairs.Names {
			require.Equal(t, got.Segments[i].Size, pairs.Common[i][i])
		}
	})
}

func TestMicroSegmentsRefuse(t *testing.T) {
	v := shop(t).View()
	var invalid *InvalidError
	var unknown *UnknownError
	var limit *LimitError
	dim := TagDimension("t", "vip", "newsletter")
	require.ErrorAs(t, second(v.MicroSegments(day0, nil, MicroOptions{})), &invalid)
	require.ErrorAs(t, second(v.MicroSegments(day0, []Dimension{dim}, MicroOptions{Within: "nope"})), &unknown)
	require.ErrorAs(t, second(v.MicroSegments(day0, []Dimension{TagDimension("t", "")}, MicroOptions{})), &invalid)
	require.ErrorAs(t, second(v.MicroSegments(day0, []Dimension{dim}, MicroOptions{MaxCells: 1})), &limit)
	require.ErrorAs(t, second(v.MicroSegments(day0, []Dimension{{Cells: []Definition{{Name: "x", Expr: Leaf("nope")}}}}, MicroOptions{})), &unknown)
	require.ErrorAs(t, second(v.FieldDimension("nope")), &unknown)
}

// Many dimensions cost what the population has variety, not the product of cells.
func TestMicroSegmentsPrune(t *testing.T) {
	idx := NewIndex(Options{})
	_, err := idx.Join(day0, "a", "b", "c")
	require.NoError(t, err)
	var dims []Dimension
	for i := range 12 {
		field := fmt.Sprint("f", i)
		var none []string
		for j := range 30 {
			none = append(none, fmt.Sprint("v", j))
		}
		_, err := idx.SetField(day0, field, maps.All(map[string]string{"a": "v1", "b": "v1", "c": fmt.Sprint("v", i)}), none...)
		require.NoError(t, err)
		d, err := idx.View().FieldDimension(field)
		require.NoError(t, err)
		dims = append(dims, d)
	}
	got, err := idx.View().MicroSegments(day0, dims, MicroOptions{}) // of 30^12 cells
	require.NoError(t, err)
	require.Len(t, got.Segments, 2)
	require.Equal(t, 2, got.Segments[0].Size)
	require.Zero(t, got.Segments[0].Shared)
}
