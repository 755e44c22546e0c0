package things_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/things"
)

// watches returns a list of watches, two of three of them written twice: what tells them apart
// is a code in the name. They begin with a number.
func watches(n, first int) ([]things.Record, map[string]string) {
	var out []things.Record
	truth := map[string]string{}
	makers, sorts := []string{"Casio", "Seiko", "Citizen"}, []string{"Kol Saati", "Duvar Saati", "Masa Saati", "Cep Saati"}
	for k := range n {
		i := k + first
		maker, sort, price := makers[i%3], sorts[i%4], 100+i*91%2000
		code := fmt.Sprintf("%c%c-%d", 'A'+i%26, 'A'+i*7%26, 100+i*37%900)
		a := things.Record{ID: fmt.Sprint("a", k), Name: fmt.Sprintf("%s %s %s %d mm", maker, sort, code, 36+i%8), Maker: maker, Price: fmt.Sprintf("%d,00 TL", price)}
		b := things.Record{ID: fmt.Sprint("b", k), Name: fmt.Sprintf("%s %s %s", strings.ReplaceAll(code, "-", ""), strings.ToLower(sort), maker), Maker: strings.ToUpper(maker), Price: fmt.Sprint(price + k%5)}
		truth[a.ID], truth[b.ID] = fmt.Sprint(k), fmt.Sprint(k)
		if out = append(out, a); k%3 > 0 {
			out = append(out, b)
		}
	}
	return out, truth
}

// Of nine short lists in ten in which variants are joined it is told, and never of one in which
// they are not.
func TestFewAreDoubted(t *testing.T) {
	bad, told, trusted := 0, 0, 0
	for _, n := range []int{30, 40, 60, 80, 120} {
		for first := range 4 {
			for name, make := range map[string]func() ([]things.Record, map[string]string){
				"watches":   func() ([]things.Record, map[string]string) { return watches(n, 50*first) },
				"catalogue": func() ([]things.Record, map[string]string) { return catalogue(uint64(first), n) },
			} {
				records, truth := make()
				r, err := newLinker(t, things.Options{}).Link(ctx, slices.Values(records), nil)
				require.NoError(t, err)
				m := dedup.Evaluate(r.Clusters, lookup(truth))
				doubted := slices.Contains(r.Stats.Warnings, dedup.Contradicted)
				if m.Precision < 0.5 {
					bad++
					if doubted {
						told++
					} else {
						t.Logf("not told: %s, %d records: %+v", name, len(records), m)
					}
				}
				if m.Precision > 0.9 {
					require.Empty(t, r.Stats.Warnings, "%s, %d records: %+v", name, len(records), m)
					trusted++
				}
			}
		}
	}
	t.Logf("%d of %d told, %d trusted", told, bad, trusted)
	require.Greater(t, bad, 15)
	require.GreaterOrEqual(t, told, bad*9/10)
	require.Greater(t, trusted, 8)
	require.NotEmpty(t, dedup.Contradicted.String())
}

// Answers of a person help where the warning is told.
func TestAnswersHelpFew(t *testing.T) {
	records, truth := watches(40, 0)
	l := newLinker(t, things.Options{Review: 40})
	var answers []dedup.Decision
	var first, last float64
	for round := range 4 {
		r, err := l.Link(ctx, slices.Values(records), nil, answers...)
		require.NoError(t, err)
		last = dedup.Evaluate(r.Clusters, lookup(truth)).F1
		if round == 0 {
			first = last
		}
		for _, q := range r.Review {
			answers = append(answers, dedup.Decision{A: q.A, B: q.B, Same: truth[q.A] == truth[q.B]})
		}
	}
	t.Logf("F1 %.3f, %.3f after %d answers", first, last, len(answers))
	require.Greater(t, last, first+0.3)
}
