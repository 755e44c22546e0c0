package segment

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/segment/bitset"
)

func TestSetField(t *testing.T) {
	idx := shop(t)
	cities := map[string]string{"ayşe": "Bursa", "burak": "İzmir", "deniz": "Bursa", "emre": "", "nobody": "Adana"}
	_, err := idx.SetField(day0, "city", maps.All(cities), "Van")
	require.NoError(t, err)
	define(t, idx, `segment bursa = leaf("city:Bursa") segment van = leaf(city:Van) segment izmir-mail = leaf("city:İzmir") and newsletter`)
	require.NoError(t, idx.Track("bursa", "van", "izmir-mail"))
	v := idx.View()
	require.Equal(t, []string{"ayşe", "deniz"}, members(t, v, "bursa", day0))
	require.Empty(t, members(t, v, "van", day0))
	cities = map[string]string{"deniz": "Van", "çiğdem": "İzmir", "burak": "İzmir"}
	got, err := listed(idx.SetField(day(1), "city", maps.All(cities)))
	require.NoError(t, err)
	require.Equal(t, []string{"bursa ayşe false", "bursa deniz false", "izmir-mail çiğdem true", "van deniz true"}, lines(got))
	require.Equal(t, Cause{Kind: causeLeaf, Name: "city"}, got[0].Cause)
	require.Equal(t, []string{"ayşe", "deniz"}, members(t, v, "bursa", day0), "a view is frozen")
	d, err := idx.View().FieldDimension("city")
	require.NoError(t, err)
	require.Equal(t, []string{"Bursa", "Van", "İzmir"}, []string{d.Cells[0].Name, d.Cells[1].Name, d.Cells[2].Name})

	var invalid *InvalidError
	twice := func(yield func(string, string) bool) { _ = yield("ayşe", "Bursa") && yield("ayşe", "Van") }
	require.ErrorAs(t, second(idx.SetField(day(2), "city", twice)), &invalid)
	require.ErrorAs(t, second(idx.SetField(day(2), "", maps.All(cities))), &invalid)
	require.ErrorAs(t, second(idx.SetField(day(2), "a:b", maps.All(cities))), &invalid)
	require.ErrorAs(t, second(idx.SetField(day(2), "city", maps.All(cities), "\x00")), &invalid)
	require.ErrorAs(t, second(idx.SetField(day(2), strings.Repeat("x", 255), maps.All(cities))), &invalid)
	require.ErrorAs(t, second(idx.SetField(day0, "city", maps.All(cities))), &invalid)
	require.Equal(t, InvalidError{Field: "time", Msg: "2025-05-01T00:00:00Z is before the index's clock 2025-05-02T00:00:00Z"}, *invalid)
	require.Equal(t, []string{"deniz"}, members(t, idx.View(), "van", day(2)), "a refused write changes nothing")
}

func TestRemove(t *testing.T) {
	idx := shop(t)
	_, err := idx.SetLeaf(day0, "used", bitset.Of(1))
	require.NoError(t, err)
	_, err = idx.SetLeaf(day0, "idle", bitset.Of(1))
	require.NoError(t, err)
	define(t, idx, "segment leafy = leaf(used) segment careless = everyone ignoring red forgiven")
	_, err = idx.Apply(day0, []TagChange{{Customer: "emre", Tag: "old"}, {Customer: "emre", Tag: "red-soon"}})
	require.NoError(t, err)
	_, err = idx.SetPolarity(day0, PolarityRule{Tag: "red-soon", Polarity: Red, From: day(3), Until: day(4)})
	require.NoError(t, err)
	before := idx.View()

	for want, what := range map[string]References{
		`segment: leaf: "used" is used by leafy`:               {Leaves: []string{"idle", "used"}},
		`segment: tag: "service-only" is used by service`:      {Tags: []string{"old", "service-only"}},
		`segment: tag: "forgiven" is used by careless`:         {Tags: []string{"forgiven"}},
		`segment: tag: "red-soon" is used by its red polarity`: {Tags: []string{"red-soon"}},
		`segment: segment: "mail" is used by both`:             {Leaves: []string{"idle"}, Segments: []string{"mail"}},
	} {
		var invalid *InvalidError
		require.ErrorAs(t, second(idx.Remove(day(1), what)), &invalid)
		require.EqualError(t, invalid, want)
	}
	require.Equal(t, []string{"old", "red-soon"}, idx.View().TagsOf("emre"))

	_, err = idx.Remove(day(1), References{Tags: []string{"old", "never-seen"}, Leaves: []string{"idle", "never-seen"}})
	require.NoError(t, err)
	_, err = idx.Remove(day(1), References{Tags: []string{"forgiven"}, Segments: []string{"careless"}})
	require.NoError(t, err, "what mentions it goes, too")
	_, err = idx.Remove(day(5), References{Tags: []string{"red-soon"}})
	require.NoError(t, err)
	require.Empty(t, idx.View().TagsOf("emre"))
	require.NotContains(t, slices.Collect(idx.View().Tags()), "old")
	require.Equal(t, []string{"old", "red-soon"}, before.TagsOf("emre"), "a view is frozen")
	require.Error(t, second(idx.Define(day(5), Definition{Name: "x", Expr: Leaf("idle")})))
	_, err = idx.Apply(day(5), []TagChange{{Customer: "burak", Tag: "old"}})
	require.NoError(t, err)
	require.Equal(t, 1, idx.View().Tag("old").Len(), "the name is free again")
}

func TestDefinitionMentions(t *testing.T) {
	defs, err := ParseDefinitions(`segment x = b or a except leaf(l) except segment(s) except a ignoring red r`, Limits{})
	require.NoError(t, err)
	require.Equal(t, References{Tags: []string{"a", "b"}, Leaves: []string{"l"}, Segments: []string{"s"}}, defs[0].References())
}
