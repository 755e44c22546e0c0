package segment_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/segment"
)

// TestNamesThatReadAsOthers refuses what cannot be seen in a name. Case D11.
func TestNamesThatReadAsOthers(t *testing.T) {
	for _, bad := range []string{"\u202evip", "vip\u200b", "a\u2066b\u2069", "\ufeffvip", "vi\u2060p"} {
		_, err := segment.ParseDefinitions(fmt.Sprintf("segment a = %q", bad), segment.Limits{})
		require.ErrorContains(t, err, "invisible character", bad)
		_, err = segment.ParseDefinitions(fmt.Sprintf("segment %q = vip", bad), segment.Limits{})
		require.ErrorContains(t, err, "invisible character", bad)
	}
	_, err := segment.ParseDefinitions("segment a = \"می\u200cخواهم\"", segment.Limits{}) // letters that a joiner keeps apart
	require.NoError(t, err)
}

// TestNamesInOneForm writes names composed and decomposed at every door. Case D11.
func TestNamesInOneForm(t *testing.T) {
	const one, two = "caf\u00e9", "cafe\u0301"
	at := time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)
	x := segment.NewIndex(segment.Options{History: true})
	_, err := x.Load(at, maps.All(map[string][]string{"a": {one}, "b": {two}, "c": nil, "d": nil}))
	require.NoError(t, err)
	_, err = x.Apply(at, []segment.TagChange{{Customer: "c", Tag: two}, {Customer: "d", Tag: one}, {Customer: "d", Tag: two, Clear: true}})
	require.NoError(t, err)
	_, err = x.SetField(at, "t\u0308own", maps.All(map[string]string{"a": one, "b": two}))
	require.NoError(t, err)
	parsed, err := segment.ParseDefinitions("segment \""+two+"\" = \""+two+"\" ignoring red \""+two+"\"\nsegment s2 = \""+one+"\"", segment.Limits{})
	require.NoError(t, err)
	var read segment.Definition
	require.NoError(t, json.Unmarshal([]byte(`{"name": "s3", "members": {"all": ["`+two+`", {"segment": "`+two+`"}]}}`), &read))
	_, err = x.Define(at, append(parsed, read, segment.Definition{Name: "s4", Expr: segment.All(segment.Tag(two), segment.In(two), segment.Leaf("t\u0308own:"+two))},
		segment.Definition{Name: "s5e\u0301", Expr: segment.Marked(map[string]segment.Polarity{two: segment.Green}), IgnoreRed: []string{two}})...)
	require.NoError(t, err)
	require.NoError(t, x.Track(two, "s5\u00e9"))
	v := x.View()
	require.Equal(t, []string{one}, slices.Collect(v.Tags()))
	require.Equal(t, []string{one}, v.TagsOf("b"))
	for name, want := range map[string]int{one: 3, two: 3, "s2": 3, "s3": 3, "s4": 2, "s5\u00e9": 3} {
		n, err := v.Counts(at, name)
		require.NoError(t, err, name)
		require.Equal(t, []int{want}, n, name)
	}
	require.Equal(t, 3, v.Tag(two).Len())
	require.Len(t, v.Users(segment.References{Tags: []string{two}}), 5)
	for _, name := range []string{one, two} {
		members, ok := x.Tracked(name)
		require.True(t, ok)
		require.Equal(t, 3, members.Len())
		past, err := x.MembersAt(name, at)
		require.NoError(t, err)
		require.Equal(t, 3, past.Len())
	}
	changes, err := x.SetPolarity(at, segment.PolarityRule{Tag: two, Polarity: segment.Red})
	require.NoError(t, err)
	require.Zero(t, changes.Len(), "the tracked ones ignore it")
	require.Equal(t, segment.Red, x.View().Polarity(one, at).Polarity)
	n, err := x.View().Counts(at, "s2")
	require.NoError(t, err)
	require.Equal(t, []int{0}, n)
	_, err = x.Remove(at, segment.References{Segments: []string{"s3", "s4", "s5e\u0301", two}})
	require.NoError(t, err)
	require.Equal(t, 1, len(slices.Collect(x.View().Definitions())))
}
