package people_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/people"
)

// town is how a file with two columns about one thing, town and postcode, is made.
type town struct {
	seed    uint64
	persons int
	depend  float64 // share of persons whose postcode is that of their town; the others' is any
	zipf    float64 // how unequal the towns are: 0 all alike
	exact   float64 // share of copies without an error
	errors  int     // in a copy with errors, each in another column
}

func (k town) String() string {
	return fmt.Sprintf("depend=%.2f,zipf=%.1f,exact=%.2f,errors=%d", k.depend, k.zipf, k.exact, k.errors)
}

// records makes the file, with the truth.
func (k town) records() (out []people.Record, truth map[string]string) {
	r := rand.New(rand.NewPCG(k.seed, 7))
	word := func(syllables int) string {
		s := ""
		for range syllables {
			s += string("bcdfghklmnprstvyz"[r.IntN(17)]) + string("aeiou"[r.IntN(5)])
		}
		return s
	}
	list := func(n, syllables int) (out []string) {
		for range n {
			out = append(out, word(syllables))
		}
		return out
	}
	given, family, towns := list(120, 2), list(400, 3), list(60, 4)
	postcodes := make([]string, len(towns))
	sums, sum := make([]float64, len(towns)), 0.0
	for i := range towns {
		postcodes[i] = fmt.Sprintf("%05d", 10000+r.IntN(80000))
		sum += math.Pow(float64(i+1), -k.zipf)
		sums[i] = sum
	}
	pickTown := func() int {
		i, _ := slices.BinarySearch(sums, r.Float64()*sum)
		return min(i, len(towns)-1)
	}
	typo := func(s string) string {
		b := []byte(s)
		b[r.IntN(len(b))] = "abcdefghijklmnoprstuvyz0123456789"[r.IntN(33)]
		return string(b)
	}
	truth = map[string]string{}
	for p := range k.persons {
		at := pickTown()
		code := at
		if r.Float64() >= k.depend {
			code = pickTown()
		}
		first := [4]string{given[r.IntN(len(given))], family[r.IntN(len(family))], towns[at], postcodes[code]}
		for n := 0; n == 0 || n < 4 && r.Float64() < 0.4; n++ {
			row := first
			if n > 0 && r.Float64() >= k.exact {
				for _, column := range r.Perm(4)[:k.errors] {
					row[column] = typo(row[column])
				}
			}
			id := fmt.Sprint(len(out))
			truth[id] = fmt.Sprint(p)
			out = append(out, people.Record{ID: id, Given: row[0], Family: row[1], City: row[2], Postcode: row[3]})
		}
	}
	return out, truth
}

// A true column more never costs more than .01 of F1, however much it depends on another,
// whatever the sizes of towns and the share of exact copies (case E1).
func TestDependentColumns(t *testing.T) {
	var kinds []town
	for _, depend := range []float64{1, 0.9, 0.5, 0} {
		for _, zipf := range []float64{0, 1} {
			for _, exact := range []float64{0, 0.5, 0.8} {
				kinds = append(kinds, town{seed: uint64(len(kinds) + 1), persons: 2500, depend: depend, zipf: zipf, exact: exact, errors: 1 + len(kinds)%2})
			}
		}
	}
	if every := 3; os.Getenv("VEFA_LONG") == "" { // .ci/long runs all 24
		if testing.Short() {
			every = 7
		}
		if raced { // one: the sizes show nothing to the race detector, and .ci/run runs eight without it
			every = len(kinds)
		}
		kept := kinds[:0]
		for i := 0; i < len(kinds); i += every {
			kept = append(kept, kinds[i])
		}
		kinds = kept
	}
	for _, k := range kinds {
		t.Run(k.String(), func(t *testing.T) {
			records, truth := k.records()
			f1 := func(city, postcode bool) float64 {
				kept := slices.Clone(records)
				for i := range kept {
					if !city {
						kept[i].City = ""
					}
					if !postcode {
						kept[i].Postcode = ""
					}
				}
				r, err := newLinker(t, people.Options{}).Link(ctx, slices.Values(kept), nil)
				require.NoError(t, err)
				return dedup.Evaluate(r.Clusters, lookup(truth)).F1
			}
			both, city, postcode := f1(true, true), f1(true, false), f1(false, true)
			t.Logf("both %.4f, city %.4f, postcode %.4f", both, city, postcode)
			require.GreaterOrEqual(t, both, max(city, postcode)-0.01)
		})
	}
}

// A column of what belongs to the row and not to the person, as when it was written, tells
// nothing of anybody, and takes nothing away from what the others tell: matches that differ
// in it are still seen among random pairs.
func TestTimesOfRows(t *testing.T) {
	records, truth := town{seed: 31, persons: 1000, depend: 1, zipf: 1, exact: 0.5, errors: 1}.records()
	f1 := func() float64 {
		r, err := newLinker(t, people.Options{Extra: []string{"written"}}).Link(ctx, slices.Values(records), nil)
		require.NoError(t, err)
		return dedup.Evaluate(r.Clusters, lookup(truth)).F1
	}
	without := f1()
	r := rand.New(rand.NewPCG(31, 8))
	for i := range records {
		records[i].Extra = []string{fmt.Sprintf("2026-%02d-%02d %02d:%02d:%02d", 1+r.IntN(11), 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60))}
	}
	with := f1()
	t.Logf("with %.4f, without %.4f", with, without)
	require.GreaterOrEqual(t, with, without-0.02)
}

// The hour of the row repeats by chance and says nothing of the person: with few columns, one
// of which is birth, it must not hide the matches.
func TestHoursOfRows(t *testing.T) {
	records, truth := town{seed: 35, persons: 1000, errors: 1}.records()
	r := rand.New(rand.NewPCG(35, 8))
	births := map[string]string{}
	birth := func() string {
		return time.Date(1940, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, r.IntN(65*365)).Format(time.DateOnly)
	}
	for i := range records {
		who := truth[records[i].ID]
		if births[who] == "" {
			births[who] = birth()
		}
		records[i].City, records[i].Postcode, records[i].Birth = "", "", births[who]
		if r.IntN(10) == 0 {
			records[i].Birth = birth()
		}
		records[i].Extra = []string{fmt.Sprintf("2026-%02d-%02d %02d", 1+r.IntN(11), 1+r.IntN(28), r.IntN(24))}
	}
	f1 := func(opt people.Options) float64 {
		r, err := newLinker(t, opt).Link(ctx, slices.Values(records), nil)
		require.NoError(t, err)
		return dedup.Evaluate(r.Clusters, lookup(truth)).F1
	}
	with := f1(people.Options{Extra: []string{"written"}})
	for i := range records {
		records[i].Extra = nil
	}
	without := f1(people.Options{})
	t.Logf("with %.4f, without %.4f", with, without)
	require.GreaterOrEqual(t, with, without-0.02)
}

// Of three columns about one thing two are bound closest, and that is what the third hangs on:
// a region that is the beginning of the postcode.
func TestRegionOfPostcode(t *testing.T) {
	records, truth := town{seed: 33, persons: 1200, depend: 0.9, zipf: 1, errors: 1}.records()
	f1 := func() float64 {
		r, err := newLinker(t, people.Options{Extra: []string{"region"}}).Link(ctx, slices.Values(records), nil)
		require.NoError(t, err)
		return dedup.Evaluate(r.Clusters, lookup(truth)).F1
	}
	without := f1()
	regions := map[string]string{}
	for i := range records {
		who := truth[records[i].ID]
		if regions[who] == "" { // the first row of a person has no error
			regions[who] = "R" + records[i].Postcode[:1]
		}
		records[i].Extra = []string{regions[who]}
	}
	with := f1()
	t.Logf("with %.4f, without %.4f", with, without)
	require.GreaterOrEqual(t, with, without-0.01)
}
