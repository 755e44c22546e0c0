package rules_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/rules"
)

var evening = rules.NewMoment(time.Date(2025, 3, 1, 20, 0, 0, 0, time.UTC), nil)

// twentyRules compiles the twenty expressions over a facts struct.
func twentyRules[F any](t testing.TB) *rules.Set[F] {
	t.Helper()
	schema, err := rules.NewSchema[F](rules.Options{})
	require.NoError(t, err)
	var book rules.Book
	for i, text := range twenty {
		book.Rules = append(book.Rules, rules.Rule{
			Name: fmt.Sprintf("r%02d", i+1), When: text,
			Then: []rules.Action{{Kind: rules.DoTag, Name: "x"}},
		})
	}
	set, err := schema.Compile(&book)
	require.NoError(t, err)
	return set
}

func TestTwentyRulesEqualHandWritten(t *testing.T) {
	people := population(20_000)
	set := twentyRules[customer](t)
	var firings []rules.Firing
	total := 0
	for i := range people {
		var err error
		firings, err = set.Evening(firings[:0], &people[i], evening)
		require.NoError(t, err)
		k := 0
		for r, rule := range byHand {
			if rule(&people[i]) {
				require.Greater(t, len(firings), k)
				require.Equal(t, fmt.Sprintf("r%02d", r+1), firings[k].Rule.Name)
				k++
			}
		}
		require.Len(t, firings, k)
		total += k
	}
	t.Logf("%d matches", total)
}

// BenchmarkTwenty runs the twenty rules over 1,000,000 customers by this
// package and by hand-written Go in turns; x-hand is the ratio of the best
// passes and must find the 723,351 matches of the specification.
func BenchmarkTwenty(b *testing.B) {
	people := population(1_000_000)
	set := twentyRules[customer](b)
	firings := make([]rules.Firing, 0, 64)
	ours, hand := time.Hour, time.Hour
	b.ReportAllocs()
	for b.Loop() {
		start, n := time.Now(), 0
		for i := range people {
			firings, _ = set.Evening(firings[:0], &people[i], evening)
			n += len(firings)
		}
		ours = min(ours, time.Since(start))
		start, m := time.Now(), 0
		for i := range people {
			for _, rule := range byHand {
				if rule(&people[i]) {
					m++
				}
			}
		}
		hand = min(hand, time.Since(start))
		if n != 723_351 || m != n {
			b.Fatalf("%d matches, by hand %d; 723351 are expected", n, m)
		}
	}
	evals := float64(len(people) * len(byHand))
	b.ReportMetric(float64(ours)/evals, "ns/rule")
	b.ReportMetric(float64(hand)/evals, "hand-ns/rule")
	b.ReportMetric(float64(ours)/float64(hand), "x-hand")
}
