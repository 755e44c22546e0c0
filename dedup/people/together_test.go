package people_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/people"
)

// namesakes makes persons, some of whom have a name whose parts go together (a title), and
// all of whom choose an e-mail address made of their names, numbered by few.
func namesakes(seed uint64, persons, names int, titles, mails float64) (out []people.Record, truth map[string]string) {
	r := rand.New(rand.NewPCG(seed, 3))
	var given, family []string
	for range names {
		given = append(given, fmt.Sprintf("%c%ca%cu", 'b'+r.IntN(20), 'a'+r.IntN(20), 'c'+r.IntN(20)))
	}
	for range 2 * names {
		family = append(family, fmt.Sprintf("%ce%ci%co%c", 'b'+r.IntN(20), 'a'+r.IntN(20), 'c'+r.IntN(20), 'a'+r.IntN(20)))
	}
	truth = map[string]string{}
	for p := range persons {
		g, f := given[int(float64(len(given))*r.Float64()*r.Float64())], family[int(float64(len(family))*r.Float64()*r.Float64())]
		if r.Float64() < titles {
			g, f = "hacı", "bektaş"
		}
		birth := fmt.Sprintf("%d-%02d-%02d", 1940+r.IntN(65), 1+r.IntN(12), 1+r.IntN(28))
		city := fmt.Sprint("şehir ", r.IntN(40))
		phone := fmt.Sprintf("05%09d", r.IntN(1e9))
		mail := ""
		if r.Float64() < mails {
			mail = g + "." + f
			if r.IntN(3) == 0 {
				mail += fmt.Sprint(r.IntN(100))
			}
			mail += "@" + []string{"example.com", "example.net"}[r.IntN(2)]
		}
		for n := 1 + r.IntN(3); n > 0; n-- {
			rec := people.Record{ID: fmt.Sprint(len(out)), Given: g, Family: f, City: city}
			if r.IntN(3) > 0 {
				rec.Birth = birth
			}
			if r.IntN(3) > 0 {
				rec.Phones = []string{phone}
			}
			if mail != "" && r.IntN(4) > 0 {
				rec.Emails = []string{mail}
			}
			if r.IntN(5) == 0 {
				rec.City = ""
			}
			if r.IntN(6) == 0 {
				b := []rune(rec.Family)
				b[r.IntN(len(b))] = 'x'
				rec.Family = string(b)
			}
			truth[rec.ID] = fmt.Sprint(p)
			out = append(out, rec)
		}
	}
	return out, truth
}

// Names that go together, as the words of a title, are one piece of evidence and not two:
// agreement on both is worth what agreement on the title is.
func TestNamesThatGoTogether(t *testing.T) {
	records, _ := namesakes(1, 4000, 150, 0.03, 0)
	l := newLinker(t, people.Options{})
	m, err := l.Train(ctx, slices.Values(records))
	require.NoError(t, err)
	e, err := l.Explain(m, people.Record{ID: "1", Given: "Hacı", Family: "Bektaş"}, people.Record{ID: "2", Given: "HACI", Family: "BEKTAŞ"})
	require.NoError(t, err)
	bits, apart := 0.0, 0.0
	for _, r := range e.Reasons {
		bits += r.Weight
		if r.Level == "equal" {
			apart += math.Log2(r.M)
		}
	}
	require.InDelta(t, math.Log2(1/0.03)+apart, bits, 1, "%v", e)
}

// An e-mail address that follows from the names is no evidence beside them. The million
// records of BenchmarkMillion, where whole addresses coincide, show more of it.
func TestMailsMadeOfNames(t *testing.T) {
	records, truth := namesakes(2, 12000, 40, 0, 1)
	r, err := newLinker(t, people.Options{}).Link(ctx, slices.Values(records), nil)
	require.NoError(t, err)
	m := dedup.Evaluate(r.Clusters, lookup(truth))
	require.Greater(t, m.F1, 0.915, "%+v", m)
	require.Greater(t, m.Precision, 0.97, "%+v", m)
}

// Customers of a test, who are numbered, are not each other's typing errors: what is an
// error in a match is rarer than equality, and here nothing is equal.
func TestNumberedNames(t *testing.T) {
	for _, n := range []int{200, 600, 3000} {
		var records []people.Record
		for i := range n {
			records = append(records, people.Record{ID: fmt.Sprint(i), Given: "Ada", Family: fmt.Sprint("Kaya", i), Phones: []string{fmt.Sprintf("+90532%07d", i)}})
		}
		r, err := newLinker(t, people.Options{}).Link(ctx, slices.Values(records), nil)
		require.NoError(t, err)
		require.Equal(t, n, len(r.Clusters))
	}
}
