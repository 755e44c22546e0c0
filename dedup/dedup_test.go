package dedup_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/adrg/strutil/metrics"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/metric"
)

// shops is a small schema of one's own: shops with a name, a town and telephones.
func shops() dedup.Schema {
	return dedup.Schema{
		Name:   "shops/1",
		Fields: []dedup.Field{{Name: "name"}, {Name: "town"}, {Name: "phone", Set: true, Identifier: true, Holder: "name"}},
		Comparisons: []dedup.Comparison{
			{Name: "name", Field: "name", Frequency: true, Levels: []dedup.Level{
				{Name: "equal"}, {Name: "alike", Metric: metric.JaroWinkler{}, Min: 0.9}}},
			{Name: "town", Field: "town", Frequency: true, Levels: []dedup.Level{{Name: "equal", U: 0.1}}},
			{Name: "phone", Field: "phone", Frequency: true, Levels: []dedup.Level{{Name: "equal", U: 1e-4}, {Name: "typo", Metric: metric.Edits{Max: 1}, Min: 1, U: 1e-4}}},
		},
		Blocks: []dedup.Block{
			{Name: "name", Parts: []dedup.Part{{Field: "name", Prefix: 4}}, Learn: []string{"name"}},
			{Name: "phone", Parts: []dedup.Part{{Field: "phone"}}, Learn: []string{"phone"}},
			{Name: "town", Parts: []dedup.Part{{Field: "town"}}, Wide: true, Learn: []string{"town"}},
		},
	}
}

func Example() {
	linker, err := dedup.New(shops(), dedup.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	records := []dedup.Record{
		{ID: "1", Values: []string{"saat dunyasi", "izmir", "2324441122"}},
		{ID: "2", Values: []string{"saat dunyasi", "izmir", "2324441122" + dedup.Sep + "2324441123"}},
		{ID: "3", Values: []string{"altin saat", "izmir", "2325550000"}},
		{ID: "4", Values: []string{"kuyumcu ali", "bursa", ""}},
	}
	result, err := linker.Link(context.Background(), slices.Values(records), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range result.Clusters {
		fmt.Println(c.Members)
	}
	// Output:
	// [1 2]
	// [3]
	// [4]
}

func TestSchemaFaults(t *testing.T) {
	for name, spoil := range map[string]func(*dedup.Schema){
		"unknown field":         func(s *dedup.Schema) { s.Comparisons[0].Field = "nome" },
		"field twice":           func(s *dedup.Schema) { s.Fields[1].Name = "name" },
		"no levels":             func(s *dedup.Schema) { s.Comparisons[0].Levels = nil },
		"first is not equality": func(s *dedup.Schema) { s.Comparisons[0].Levels[0].Metric = metric.JaroWinkler{} },
		"crossed equality":      func(s *dedup.Schema) { s.Comparisons[0].Crossed = true },
		"crossed and frequent": func(s *dedup.Schema) {
			s.Comparisons[0].Crossed, s.Comparisons[0].Frequency = true, true
			s.Comparisons[0].Levels[0].Metric = metric.JaroWinkler{}
		},
		"second has no metric":   func(s *dedup.Schema) { s.Comparisons[0].Levels[1].Metric = nil },
		"no blocks":              func(s *dedup.Schema) { s.Blocks = nil },
		"block without parts":    func(s *dedup.Schema) { s.Blocks[0].Parts = nil },
		"prefix of a set":        func(s *dedup.Schema) { s.Blocks[1].Parts[0].Prefix = 3 },
		"learn about nothing":    func(s *dedup.Schema) { s.Blocks[0].Learn = []string{"nome"} },
		"implied by a later one": func(s *dedup.Schema) { s.Comparisons[0].ImpliedBy = "phone" },
		"unknown relation":       func(s *dedup.Schema) { s.Relations = []dedup.Relation{{Name: "chain", Shared: []string{"x"}}} },
		"unknown swap":           func(s *dedup.Schema) { s.Swaps = []dedup.Swap{{A: "name", B: "x"}} },
		"unknown veto":           func(s *dedup.Schema) { s.Vetoes = []dedup.Veto{{Comparison: "x"}} },
		"unknown holder":         func(s *dedup.Schema) { s.Fields[2].Holder = "x" },
	} {
		s := shops()
		spoil(&s)
		_, err := dedup.New(s, dedup.Options{})
		require.ErrorIs(t, err, dedup.ErrSchema, name)
	}
	s := shops()
	s.Comparisons[0].Field, s.Blocks[0].Parts = "x", nil
	_, err := dedup.New(s, dedup.Options{})
	require.Equal(t, 2, strings.Count(err.Error(), "bad schema"), "every fault is reported: %v", err)
}

// Wholes name a field and two comparisons of text that have frequencies.
func TestWholes(t *testing.T) {
	for name, w := range map[string]dedup.Whole{
		"field":     {Field: "x", Parts: []string{shops().Comparisons[0].Name, shops().Comparisons[1].Name}},
		"parts":     {Field: shops().Fields[0].Name, Parts: []string{shops().Comparisons[0].Name}},
		"no part":   {Field: shops().Fields[0].Name, Parts: []string{"x", "y"}},
		"frequency": {Field: shops().Fields[0].Name, Parts: []string{"city", "city"}},
	} {
		s := shops()
		s.Comparisons[1].Frequency = false
		s.Wholes = []dedup.Whole{w}
		_, err := dedup.New(s, dedup.Options{})
		require.ErrorIs(t, err, dedup.ErrSchema, name)
	}
}

func TestModelFile(t *testing.T) {
	l, err := dedup.New(shops(), dedup.Options{})
	require.NoError(t, err)
	m, err := l.Train(t.Context(), slices.Values([]dedup.Record{{ID: "1", Values: []string{"a", "b", ""}}, {ID: "2", Values: []string{"a", "", ""}}}))
	require.NoError(t, err)
	var first, second bytes.Buffer
	_, err = m.WriteTo(&first)
	require.NoError(t, err)
	again, err := dedup.ReadModel(bytes.NewReader(first.Bytes()))
	require.NoError(t, err)
	require.Equal(t, m, again)
	_, err = again.WriteTo(&second)
	require.NoError(t, err)
	require.Equal(t, first.String(), second.String())

	_, err = dedup.ReadModel(strings.NewReader("{"))
	require.Error(t, err)
	for name, spoil := range map[string]func(*dedup.Model){
		"schema":      func(m *dedup.Model) { m.Schema = "other" },
		"match":       func(m *dedup.Model) { m.Match = 0 },
		"levels":      func(m *dedup.Model) { m.Comparisons[0].Levels = nil },
		"probability": func(m *dedup.Model) { m.Comparisons[0].Levels[0].U = 2 },
		"comparisons": func(m *dedup.Model) { m.Comparisons = nil },
		"caps":        func(m *dedup.Model) { m.WideCap = 1 << 40 },
		"parent":      func(m *dedup.Model) { m.Comparisons[0].Given = "nothing" },
		"no levels":   func(m *dedup.Model) { m.Comparisons[0].Given = m.Comparisons[1].Name },
		"no parent":   func(m *dedup.Model) { m.Comparisons[0].GivenLevels = [][]dedup.LevelModel{m.Comparisons[0].Levels} },
		"itself": func(m *dedup.Model) {
			for c := range m.Comparisons {
				k, other := &m.Comparisons[c], m.Comparisons[(c+1)%len(m.Comparisons)]
				k.Given = other.Name
				for range other.Levels {
					k.GivenLevels = append(k.GivenLevels, k.Levels)
				}
			}
		},
		"together": func(m *dedup.Model) {
			m.Relations = append(m.Relations, dedup.RelationModel{Name: "x", Share: 0.1, Together: []dedup.TogetherModel{{Levels: map[string]string{"x": "y"}}}})
		},
	} {
		bad, err := dedup.ReadModel(bytes.NewReader(first.Bytes()))
		require.NoError(t, err)
		spoil(bad)
		_, err = l.NewIndex(bad)
		require.ErrorIs(t, err, dedup.ErrModel, name)
		_, err = l.Link(t.Context(), slices.Values([]dedup.Record{}), bad)
		require.ErrorIs(t, err, dedup.ErrModel, name)
	}
}

func FuzzReadModel(f *testing.F) {
	f.Add([]byte(`{"schema":"x","match":0.1}`))
	f.Add([]byte(`{"comparisons":[{"levels":null}]}`))
	l, err := dedup.New(shops(), dedup.Options{})
	require.NoError(f, err)
	m, err := l.Train(f.Context(), slices.Values([]dedup.Record{}))
	require.NoError(f, err)
	var b bytes.Buffer
	_, err = m.WriteTo(&b)
	require.NoError(f, err)
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := dedup.ReadModel(bytes.NewReader(b)); err == nil {
			if x, err := l.NewIndex(m); err == nil {
				_, err := x.Apply(t.Context(), []dedup.Record{{ID: "1", Values: []string{"a", "b", "c"}}, {ID: "2", Values: []string{"a", "b", "c"}}}, nil)
				require.NoError(t, err)
			}
		}
	})
}

// A million equal values in a key cost nothing, and the report names the key.
func TestHotKeys(t *testing.T) {
	l, err := dedup.New(shops(), dedup.Options{})
	require.NoError(t, err)
	const n = 100_000
	r, err := l.Link(t.Context(), func(yield func(dedup.Record) bool) {
		for i := range n {
			if !yield(dedup.Record{ID: fmt.Sprint(i), Values: []string{"", "istanbul", "5555555555"}}) {
				return
			}
		}
	}, nil)
	require.NoError(t, err)
	require.Len(t, r.Clusters, n)
	require.Zero(t, r.Stats.Pairs)
	require.Equal(t, []dedup.HotKey{{Rule: "town", Values: []string{"istanbul"}, Records: n}}, r.Stats.HotKeys)
	require.Equal(t, 1, r.Stats.Ignored, "a phone of a hundred thousand is nobody's")
}

func TestEvaluate(t *testing.T) {
	truth := func(id string) (string, bool) { return id[:1], id != "x" }
	m := dedup.Evaluate([]dedup.Cluster{{Members: []string{"a1", "a2", "b1", "x"}}, {Members: []string{"b2"}}, {Members: []string{"c1"}}}, truth)
	require.Equal(t, int64(2), m.TruePairs)
	require.Equal(t, int64(3), m.FoundPairs)
	require.Equal(t, int64(1), m.RightPairs)
	require.InDelta(t, 0.4, m.F1, 1e-12)
	// precision (2/3+2/3+1/3+1+1)/5, recall (1+1+.5+.5+1)/5
	require.InDelta(t, 2*(11./15)*.8/(11./15+.8), m.BCubed, 1e-12)
	require.Zero(t, dedup.Evaluate(nil, truth).F1)
}

// Scores are symmetric and the waterfall adds up, whatever the values.
func TestExplainIsSymmetric(t *testing.T) {
	l, err := dedup.New(shops(), dedup.Options{})
	require.NoError(t, err)
	m, err := l.Train(t.Context(), slices.Values([]dedup.Record{{ID: "1", Values: []string{"a", "b", ""}}}))
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		record := func(id string) dedup.Record {
			word := rapid.StringMatching(`[a-cçğı ]{0,8}`)
			return dedup.Record{ID: id, Values: []string{word.Draw(t, "name"), word.Draw(t, "town"),
				strings.Join(rapid.SliceOfN(rapid.StringMatching(`[0-3]{0,4}`), 0, 3).Draw(t, "phones"), dedup.Sep)}}
		}
		a, b := record("a"), record("b")
		x, err := l.Explain(m, a, b)
		require.NoError(t, err)
		y, err := l.Explain(m, b, a)
		require.NoError(t, err)
		require.Equal(t, x.Weight, y.Weight)
		sum := x.Prior + x.Relations
		for _, r := range x.Reasons {
			sum += r.Weight
		}
		require.InDelta(t, x.Weight, sum, 1e-9)
	})
}

// angry is a metric of a host's own that has a fault.
type angry struct{}

func (angry) Compare(a, b string) float64 { panic("no comparison") }

// What a caller's metric does wrong happens where the caller can see it.
func TestMetricPanics(t *testing.T) {
	s := shops()
	s.Comparisons[0].Levels[1].Metric = angry{}
	l, err := dedup.New(s, dedup.Options{Threads: 2})
	require.NoError(t, err)
	records := func(yield func(dedup.Record) bool) {
		for i := range 5000 {
			if !yield(dedup.Record{ID: fmt.Sprint(i), Values: []string{fmt.Sprint("shop", i), "town", ""}}) {
				return
			}
		}
	}
	require.PanicsWithValue(t, "no comparison", func() { _, _ = l.Link(t.Context(), records, nil) })
}

// Any StringMetric will do as a level of one's own.
func TestStringMetricAsLevel(t *testing.T) {
	s := shops()
	s.Comparisons[0].Levels = append(s.Comparisons[0].Levels, dedup.Level{Name: "overlap", Metric: metrics.NewOverlapCoefficient(), Min: 0.8})
	l, err := dedup.New(s, dedup.Options{})
	require.NoError(t, err)
	m, err := l.Train(t.Context(), slices.Values([]dedup.Record{{ID: "1", Values: []string{"a", "b", ""}}}))
	require.NoError(t, err)
	e, err := l.Explain(m, dedup.Record{ID: "1", Values: []string{"saat", "izmir", ""}}, dedup.Record{ID: "2", Values: []string{"yeni saat dunyasi", "izmir", ""}})
	require.NoError(t, err)
	require.Equal(t, "overlap", e.Reasons[0].Level)
}

func TestIDs(t *testing.T) {
	l, err := dedup.New(shops(), dedup.Options{})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		record dedup.Record
		err    error
	}{
		"endless": {dedup.Record{ID: strings.Repeat("x", 1<<16), Values: make([]string, 3)}, dedup.ErrLongID},
		"empty":   {dedup.Record{Values: make([]string, 3)}, dedup.ErrNoID},
		"narrow":  {dedup.Record{ID: "1", Values: make([]string, 2)}, dedup.ErrValues},
		"twice":   {dedup.Record{ID: "0", Values: make([]string, 3)}, dedup.ErrDuplicateID},
	} {
		for _, threads := range []int{1, 2} {
			l, err := dedup.New(shops(), dedup.Options{Threads: threads})
			require.NoError(t, err)
			_, err = l.Link(t.Context(), slices.Values([]dedup.Record{{ID: "0", Values: make([]string, 3)}, c.record}), nil)
			require.ErrorIs(t, err, c.err, name)
			var re *dedup.RecordError
			require.ErrorAs(t, err, &re)
			require.Equal(t, 2, re.Row)
		}
	}
	long := dedup.Record{ID: strings.Repeat("x", 1<<16-1), Values: []string{"a", "b", ""}}
	r, err := l.Link(t.Context(), slices.Values([]dedup.Record{long}), nil)
	require.NoError(t, err)
	require.Equal(t, []string{long.ID}, r.Clusters[0].Members)
}

func ExampleLinker_Count() {
	linker, _ := dedup.New(shops(), dedup.Options{})
	stats, err := linker.Count(context.Background(), slices.Values([]dedup.Record{
		{ID: "1", Values: []string{"saat dunyasi", "izmir", "2324441122"}},
		{ID: "2", Values: []string{"saat evi", "izmir", ""}},
		{ID: "3", Values: []string{"altin saat", "izmir", ""}},
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, b := range stats.Blocks {
		fmt.Println(b.Rule, b.Blocks, b.Pairs)
	}
	// Output:
	// name 1 1
	// phone 0 0
	// town 1 3
}

func ExamplePrepared() {
	var query metric.Prepared
	query.Set("yilmaz")
	for _, s := range []string{"yilmaz", "yilmza", "kaya"} {
		fmt.Printf("%s %.3f %d\n", s, query.JaroWinkler(s), query.OSA(s))
	}
	// Output:
	// yilmaz 1.000 0
	// yilmza 0.967 1
	// kaya 0.611 5
}
