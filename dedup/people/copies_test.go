package people_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/people"
)

// orders makes an export with a row for each order: most customers have a few, one has
// so many. The persons' columns of a customer are written alike but for slips.
func orders(seed uint64, customers, best int, slips float64) (out []people.Record, truth map[string]string) {
	r := rand.New(rand.NewPCG(seed, 5))
	w := newWorld(seed)
	truth = map[string]string{}
	for c := range customers {
		first := people.Record{Given: w.pick(w.given), Family: w.pick(w.family) + w.pick([]string{"", "er", "soy", "oğlu"}), City: w.pick(w.cities),
			Phones: []string{fmt.Sprintf("05%09d", r.IntN(1e9))}, Emails: []string{fmt.Sprintf("m%d@example.com", r.IntN(1e7))}, Street: fmt.Sprintf("Gül Sok. No %d", r.IntN(400))}
		n := 1 + r.IntN(4)
		if c == 0 {
			n = best
		}
		for range n {
			row := first
			if r.Float64() < slips {
				switch r.IntN(4) {
				case 0:
					row.Emails = nil
				case 1:
					row.Street = ""
				case 2:
					row.Street += fmt.Sprint(" D ", 1+r.IntN(9))
				case 3:
					b := []rune(row.Family)
					b[1+r.IntN(len(b)-1)] = 'x'
					row.Family = string(b)
				}
			}
			row.ID = fmt.Sprintf("o%06d", (len(out)*7919+13)%1000003)
			truth[row.ID] = fmt.Sprint(c)
			out = append(out, row)
		}
	}
	return out, truth
}

// A customer with many orders is one person, in a batch and in an index that they come to
// one after the other (case E2).
func TestManyRows(t *testing.T) {
	for _, k := range []struct {
		best  int
		slips float64
		least float64
	}{{200, 0, 1}, {1200, 0, 1}, {3000, 0, 1}, {800, 0.05, 0.99}, {3000, 0.02, 0.99}} {
		t.Run(fmt.Sprint(k.best, k.slips), func(t *testing.T) {
			records, truth := orders(uint64(k.best), 300, k.best, k.slips)
			l := newLinker(t, people.Options{})
			r, err := l.Link(ctx, slices.Values(records), nil)
			require.NoError(t, err)
			m := dedup.Evaluate(r.Clusters, lookup(truth))
			require.GreaterOrEqual(t, m.F1, k.least, "%+v", m)
			require.Equal(t, len(records), r.Stats.Records)
			require.Greater(t, r.Stats.Copies, k.best/2)
			if testing.Short() || raced && k.best > 200 { // .ci/run runs it without the race detector, too
				return
			}
			x, err := l.NewIndex(r.Model)
			require.NoError(t, err)
			for i := range records { // each by itself: no batch
				_, err := x.Apply(ctx, records[i:i+1], nil)
				require.NoError(t, err)
			}
			_, err = x.Settle(ctx)
			require.NoError(t, err)
			require.Equal(t, r.Clusters, slices.Collect(x.Index.Clusters()))
		})
	}
}

// Copies follow their row: the one that gives it its name may go, one may change or be told
// apart by a person, and a row that says too little has no copies at all.
func TestCopies(t *testing.T) {
	l := newLinker(t, people.Options{})
	base, _ := newWorld(7).population(300)
	model, err := l.Train(ctx, slices.Values(base))
	require.NoError(t, err)
	x, err := l.NewIndex(model)
	require.NoError(t, err)
	ada := func(id string) people.Record {
		return people.Record{ID: id, Given: "Ada", Family: "Karaca", Phones: []string{"0532 111 00 99"}}
	}
	_, err = x.Apply(ctx, []people.Record{ada("c"), ada("b"), ada("a")}, nil)
	require.NoError(t, err)
	members := func(id string) []string {
		c, ok := x.Cluster(id)
		require.True(t, ok)
		return c.Members
	}
	require.Equal(t, []string{"a", "b", "c"}, members("c"))
	c, _ := x.Cluster("a")
	require.Equal(t, 3, c.Quality.Links)
	require.Equal(t, 1.0, c.Quality.Density)
	require.Len(t, c.Edges, 2)
	change, err := x.Apply(ctx, nil, []string{"a"})
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, change.Removed)
	require.Equal(t, []string{"b", "c"}, members("b"))
	_, err = x.Apply(ctx, []people.Record{ada("d")}, nil, dedup.Decision{A: "b", B: "c"})
	require.NoError(t, err)
	require.NotContains(t, members("b"), "c")
	require.Equal(t, 3, x.Len())
	e, err := x.Explain("b", "c")
	require.NoError(t, err)
	require.Equal(t, "b", e.A)
	changed := ada("d")
	changed.Given, changed.Phones = "Deniz", []string{"0533 222 11 88"}
	_, err = x.Apply(ctx, []people.Record{changed}, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"d"}, members("d"))
}

// A copy finds its row among many that agree on all that rules look at, also where the last
// rule looks at an attribute that is unknown.
func TestCopyAmongMany(t *testing.T) {
	l := newLinker(t, people.Options{Extra: []string{"job"}})
	base, _ := newWorld(8).population(300)
	model, err := l.Train(ctx, slices.Values(base))
	require.NoError(t, err)
	x, err := l.NewIndex(model)
	require.NoError(t, err)
	var records []people.Record
	for i := range 40 {
		records = append(records, people.Record{ID: fmt.Sprintf("a%02d", i), Given: "Ada", Family: "Karaca", FullName: fmt.Sprintf("Ada Karaca%c", 'a'+i%20), Phones: []string{"0532 111 00 99"}})
		_, err := x.Apply(ctx, records[i:], nil)
		require.NoError(t, err)
	}
	r, err := l.Link(ctx, slices.Values(records), model)
	require.NoError(t, err)
	require.Equal(t, 20, r.Stats.Copies)
	require.Equal(t, r.Clusters, slices.Collect(x.Index.Clusters()))
}

// A row that says too little joins nothing, its copies neither: a counter's number and a
// common name, or a number alone, identify no person, however often they were written.
func TestCopiesOfNobody(t *testing.T) {
	records, _ := newWorld(7).population(300)
	var nobody []string
	for i, family := range []string{"Yılmaz", "Kaya", "Demir", "Şahin", "Çelik", "Öztürk", "Aydın"} {
		for k := range 3 {
			id := fmt.Sprintf("n%d%d", i, k)
			nobody = append(nobody, id)
			records = append(records, people.Record{ID: id, Family: family, Phones: []string{"0532 111 00 99"}})
		}
	}
	l := newLinker(t, people.Options{})
	r, err := l.Link(ctx, slices.Values(records), nil)
	require.NoError(t, err)
	require.GreaterOrEqual(t, r.Stats.Copies, 14)
	for _, c := range r.Clusters {
		require.False(t, len(c.Members) > 1 && slices.ContainsFunc(nobody, func(id string) bool { return slices.Contains(c.Members, id) }), "%v", c.Members)
	}
	x, err := l.NewIndex(r.Model)
	require.NoError(t, err)
	for i := range records {
		_, err := x.Apply(ctx, records[i:i+1], nil)
		require.NoError(t, err)
	}
	require.Equal(t, r.Clusters, slices.Collect(x.Index.Clusters()))

	counter := make([]people.Record, 3)
	for i := range counter {
		counter[i] = people.Record{ID: fmt.Sprint("p", i), Phones: []string{"0532 111 00 99"}}
	}
	r, err = l.Link(ctx, slices.Values(counter), r.Model)
	require.NoError(t, err)
	require.Zero(t, r.Stats.Copies)
}

// What is said of a copy teaches as what is said of its row does.
func TestLabelsOfCopies(t *testing.T) {
	records, _ := newWorld(9).population(200)
	ada := people.Record{Given: "Ada", Family: "Karaca", Phones: []string{"0532 111 00 99"}}
	for _, id := range []string{"x1", "x2", "x3"} {
		ada.ID = id
		records = append(records, ada)
	}
	records = append(records, people.Record{ID: "y", Given: "Ada", Family: "Karaca", Emails: []string{"ada@example.com"}})
	l := newLinker(t, people.Options{})
	learn := func(labels ...dedup.Decision) *dedup.Model {
		m, err := l.Train(ctx, slices.Values(records), labels...)
		require.NoError(t, err)
		return m
	}
	ofRow := learn(dedup.Decision{A: "x1", B: "y"})
	require.NotEqual(t, learn(), ofRow)
	require.Equal(t, ofRow, learn(dedup.Decision{A: "x3", B: "y"}))
}
