package things_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/things"
)

var ctx = context.Background()

func newLinker(t testing.TB, opt things.Options) *things.Linker {
	t.Helper()
	l, err := things.New(opt)
	require.NoError(t, err)
	return l
}

// catalogue returns products of a shop as two sources write them: variants of colour and
// size, codes in two notations, prices that differ, descriptions that only one has.
func catalogue(seed uint64, n int) ([]things.Record, map[string]string) {
	g := rand.New(rand.NewPCG(seed, 3))
	pick := func(words string) string { f := strings.Fields(words); return f[g.IntN(len(f))] }
	var out []things.Record
	truth := map[string]string{}
	for k := range n {
		maker, line := pick("Casio Seiko Citizen Fossil Swatch Tissot Orient Timex"), pick("Sport Classic Diver Chrono Solar Vintage Urban Marine")
		sort := pick("Kol Duvar Masa Cep") + " Saati"
		letters := string([]byte{byte('A' + g.IntN(26)), byte('A' + g.IntN(26))})
		number := 100 + g.IntN(900)
		price := 50 + g.IntN(3000)
		for v := range 1 + g.IntN(3) { // variants are products of their own
			size, colour := []int{38, 40, 42, 44}[v], []string{"Siyah", "Gümüş", "Mavi"}[v]
			entity := fmt.Sprintf("%d/%d", k, v)
			code := fmt.Sprintf("%s-%d%c", letters, number, 'A'+v)
			a := things.Record{ID: "a" + entity, Source: "shop", Maker: maker, Name: fmt.Sprintf("%s %s %s %s %d mm %s", maker, line, sort, colour, size, code),
				Price: fmt.Sprintf("%d,00 TL", price), Text: fmt.Sprintf("%s %s modeli, %s kadran, çelik kasa", line, sort, colour)}
			b := things.Record{ID: "b" + entity, Source: "market", Maker: strings.ToUpper(maker),
				Name: fmt.Sprintf("%s %s %s %s", strings.ToUpper(maker), strings.ReplaceAll(code, "-", ""), sort, strings.ToLower(colour)), Price: fmt.Sprint(price * (95 + g.IntN(10)) / 100)}
			if g.IntN(4) == 0 {
				b.Name = fmt.Sprintf("%s %s %s %dmm %s", maker, line, sort, size, colour) // without a code
			}
			truth[a.ID], truth[b.ID] = entity, entity
			out = append(out, a)
			if g.IntN(3) > 0 {
				out = append(out, b)
			}
		}
	}
	return out, truth
}

// Variants of a product are other products, and the notation of a code is nothing (E8).
func TestCatalogue(t *testing.T) {
	for seed := range uint64(3) {
		records, truth := catalogue(seed, 500)
		r, err := newLinker(t, things.Options{OnePerSource: []string{dedup.EverySource}}).Link(ctx, slices.Values(records), nil)
		require.NoError(t, err)
		m := dedup.Evaluate(r.Clusters, lookup(truth))
		require.GreaterOrEqual(t, m.F1, 0.8, "%+v", m)
		require.Empty(t, r.Stats.Warnings)
	}
}

// A model that was saved links as the one that was learnt, whatever the order of records and
// the number of threads; so does an index, record by record, and what it is asked at a till.
func TestModelIsKept(t *testing.T) {
	records, _ := catalogue(7, 300)
	learnt, err := newLinker(t, things.Options{Threads: 2}).Link(ctx, slices.Values(records), nil)
	require.NoError(t, err)
	var file bytes.Buffer
	_, err = learnt.Model.WriteTo(&file)
	require.NoError(t, err)
	require.NotContains(t, file.String(), "casio")
	text := file.String()
	saved, err := things.ReadModel(&file)
	require.NoError(t, err)
	var again bytes.Buffer
	_, err = saved.WriteTo(&again)
	require.NoError(t, err)
	require.Equal(t, text, again.String())

	shuffled := slices.Clone(records)
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	for _, m := range []*things.Model{nil, saved} {
		other, err := newLinker(t, things.Options{Threads: 5}).Link(ctx, slices.Values(shuffled), m)
		require.NoError(t, err)
		require.Equal(t, learnt.Clusters, other.Clusters)
	}

	l := newLinker(t, things.Options{})
	x, err := l.NewIndex(saved)
	require.NoError(t, err)
	for part := range slices.Chunk(shuffled, 40) {
		_, err := x.Apply(ctx, part, nil)
		require.NoError(t, err)
	}
	require.Equal(t, learnt.Clusters, slices.Collect(x.Clusters()))
	for _, c := range learnt.Clusters {
		if len(c.Members) != 2 {
			continue
		}
		asked := records[slices.IndexFunc(records, func(r things.Record) bool { return r.ID == c.Members[1] })]
		met, err := x.Find(ctx, asked)
		require.NoError(t, err)
		at := slices.IndexFunc(met, func(m dedup.Match) bool { return m.ID == c.Members[0] })
		require.GreaterOrEqual(t, at, 0, "%v", c.Members)
		require.InDelta(t, c.Edges[0].Weight, met[at].Weight, 1e-3, "the same weight at a till")
		other := records[slices.IndexFunc(records, func(r things.Record) bool { return r.ID == c.Members[0] })]
		e, err := l.Explain(saved, asked, other)
		require.NoError(t, err)
		require.InDelta(t, c.Edges[0].Weight, e.Weight, 1e-3)
	}
}

func TestErrors(t *testing.T) {
	_, err := things.New(things.Options{Kind: "persons"})
	require.ErrorIs(t, err, things.ErrKind)

	l := newLinker(t, things.Options{})
	records, _ := catalogue(1, 20)
	var once iter.Seq[things.Record] = func(yield func(things.Record) bool) {
		for len(records) > 0 {
			r := records[0]
			records = records[1:]
			if !yield(r) {
				return
			}
		}
	}
	_, err = l.Link(ctx, once, nil)
	require.ErrorIs(t, err, things.ErrChanged)

	records, _ = catalogue(1, 20)
	m, err := l.Train(ctx, slices.Values(records))
	require.NoError(t, err)
	_, err = newLinker(t, things.Options{Kind: things.Companies}).Link(ctx, slices.Values(records), m)
	require.ErrorIs(t, err, dedup.ErrModel)
	_, err = l.NewIndex(nil)
	require.ErrorIs(t, err, dedup.ErrModel)
	for _, bad := range []string{`{}`, `{"format":1}`, `{"format":1,"scores":{"format":1}}`, `{"format":2}`} {
		m, err := things.ReadModel(strings.NewReader(bad))
		if err == nil {
			_, err = l.NewIndex(m)
		}
		require.ErrorIs(t, err, dedup.ErrModel, bad)
	}
	_, err = things.ReadModel(strings.NewReader(`{`))
	require.Error(t, err)

	_, err = l.Link(ctx, slices.Values([]things.Record{{ID: "1", Name: "a"}, {Name: "b"}}), nil)
	require.ErrorIs(t, err, dedup.ErrNoID)
	var r things.Record
	require.Error(t, r.Set("colour", "red"))
	for _, c := range things.Columns() {
		require.NoError(t, r.Set(c, c))
	}
	require.Equal(t, things.Record{ID: "id", Source: "source", Name: "name", Maker: "maker", Code: "code", Price: "price", Text: "text", Category: "category",
		Year: "year", Authors: "authors", Street: "street", City: "city", Postcode: "postcode", Phone: "phone"}, r)
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	_, err = l.Link(stopped, slices.Values(records), nil)
	require.ErrorIs(t, err, context.Canceled)
}

// A person's word counts, and labels train.
func TestDecisions(t *testing.T) {
	records, truth := catalogue(4, 200)
	l := newLinker(t, things.Options{})
	free, err := l.Link(ctx, slices.Values(records), nil)
	require.NoError(t, err)
	c := free.Clusters[slices.IndexFunc(free.Clusters, func(c dedup.Cluster) bool { return len(c.Members) == 2 })]
	r, err := l.Link(ctx, slices.Values(records), free.Model, dedup.Decision{A: c.Members[0], B: c.Members[1]})
	require.NoError(t, err)
	require.False(t, slices.ContainsFunc(r.Clusters, func(k dedup.Cluster) bool {
		return slices.Contains(k.Members, c.Members[0]) && slices.Contains(k.Members, c.Members[1])
	}))
	var labels []dedup.Decision
	for _, k := range free.Clusters {
		if len(k.Members) == 2 && len(labels) < 30 {
			labels = append(labels, dedup.Decision{A: k.Members[0], B: k.Members[1], Same: truth[k.Members[0]] == truth[k.Members[1]]})
		}
	}
	m, err := l.Train(ctx, slices.Values(records), labels...)
	require.NoError(t, err)
	require.Nil(t, m.Scores().Calibration, "labels that are no sample correct no weights")
}

// Files of any bytes are linked: every record is in one cluster.
func TestAnything(t *testing.T) {
	l := newLinker(t, things.Options{})
	cell := rapid.OneOf(rapid.Just(""), rapid.String(), rapid.StringMatching(`[a-c]{1,3}( [a-c]{1,3}){0,4}( [A-B][0-9]{3})?`))
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 12).Draw(t, "n")
		var records []things.Record
		for i := range n {
			r := things.Record{}
			for _, c := range things.Columns() {
				if err := r.Set(c, cell.Draw(t, c)); err != nil {
					t.Fatal(err)
				}
			}
			r.ID = fmt.Sprint(i)
			records = append(records, r)
		}
		out, err := l.Link(ctx, slices.Values(records), nil)
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		for _, c := range out.Clusters {
			count += len(c.Members)
		}
		if count != n {
			t.Fatalf("%d of %d records", count, n)
		}
	})
}

// A cell without end costs no more than its row.
func TestLongCells(t *testing.T) {
	long := strings.Repeat("gmbh şubesi a 1 l &amp; x", 20_000)
	var records []things.Record
	for i := range 30 {
		r := things.Record{ID: fmt.Sprint(i)}
		for _, c := range things.Columns()[2:] {
			require.NoError(t, r.Set(c, long))
		}
		records = append(records, r)
	}
	r, err := newLinker(t, things.Options{Kind: things.Companies}).Link(ctx, slices.Values(records), nil)
	require.NoError(t, err)
	require.NotEmpty(t, r.Clusters)
}
