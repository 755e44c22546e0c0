//go:build linux

package rules_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/rules/population"
)

func bookOf(texts []string, on rules.Trigger) *rules.Book {
	book := &rules.Book{}
	for i, text := range texts {
		book.Rules = append(book.Rules, rules.Rule{Name: fmt.Sprintf("r%05d", i+1), On: on, When: text, Then: tagX})
	}
	return book
}

func setOf[F any](t testing.TB, texts []string, on rules.Trigger) *rules.Set[F] {
	t.Helper()
	schema, err := rules.NewSchema[F](rules.Options{})
	require.NoError(t, err)
	set, err := schema.Compile(bookOf(texts, on))
	require.NoError(t, err)
	return set
}

// BenchmarkFullPass evaluates 20, 200 and 2,000 rules over 1,000,000 customers
// in columns, the twenty in turns with hand-written Go; s/load is what it takes
// to bring the customers into columns.
func BenchmarkFullPass(b *testing.B) {
	people, matches := million()
	runtime.LockOSThread()
	start := cpu()
	seed := setOf[customer](b, twenty, rules.Trigger{})
	pop := load(b, seed, people)
	loading := cpu() - start
	runtime.UnlockOSThread()
	for _, n := range []int{20, 200, 2000} {
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			set, err := seed.Schema().Compile(bookOf(manyRules(n), rules.Trigger{}))
			require.NoError(b, err)
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			ours, hand := time.Hour, time.Hour
			for b.Loop() {
				start := cpu()
				m, err := pop.Evaluate(b.Context(), set, evening)
				ours = min(ours, cpu()-start)
				if err != nil || n == 20 && allFirings(set, m) != matches {
					b.Fatalf("%v: %d matches; %d are expected", err, allFirings(set, m), matches)
				}
				b.ReportMetric(float64(allFirings(set, m)), "matches")
				if n > 20 {
					continue
				}
				start, k := cpu(), 0
				for i := range people {
					for _, rule := range byHand {
						if rule(&people[i]) {
							k++
						}
					}
				}
				hand = min(hand, cpu()-start)
				if k != matches {
					b.Fatal(k)
				}
			}
			b.ReportMetric(ours.Seconds()*1000, "ms/pass")
			b.ReportMetric(float64(ours)/float64(len(people)*n), "ns/rule")
			if n == 20 {
				b.ReportMetric(loading.Seconds(), "s/load")
				b.ReportMetric(float64(ours)/float64(hand), "x-hand")
			}
		})
	}
}

// allFirings counts the firings of all rules.
func allFirings[F any](set *rules.Set[F], m *population.Matches) (n int) {
	for _, r := range set.Rules() {
		_, firings := m.Count(r.Name)
		n += firings
	}
	return n
}

// BenchmarkEvent evaluates the rules of an event for one customer after the
// other, 20,000 of them, each once per round: by the index, and with the same
// rules in turns by closures alone. The quantiles are of single calls.
func BenchmarkEvent(b *testing.B) {
	people := drawn(20_000)
	for _, n := range []int{20, 200, 2000, 10_000} {
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			set := setOf[customer](b, manyRules(n), rules.Trigger{Event: "order"})
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			dst := make([]rules.Firing, 0, n)
			took := make([]time.Duration, len(people))
			for i := range took {
				took[i] = time.Hour
			}
			best, matches := time.Hour, 0
			b.ReportAllocs()
			for b.Loop() {
				start := cpu()
				for i := range people {
					dst, _ = set.On(dst[:0], rules.Trigger{Kind: rules.OnEvent, Event: "order"}, &people[i], evening, nil)
				}
				best = min(best, cpu()-start)
				matches = 0
				for i := range people { // single calls; the least of the rounds, other work on the machine apart
					start := time.Now()
					dst, _ = set.On(dst[:0], rules.Trigger{Kind: rules.OnEvent, Event: "order"}, &people[i], evening, nil)
					took[i] = min(took[i], time.Since(start))
					matches += len(dst)
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(best.Nanoseconds())/float64(len(people)), "ns/event")
			b.ReportMetric(float64(took[len(took)/2].Nanoseconds()), "p50-ns")
			b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds()), "p99-ns")
			b.ReportMetric(float64(matches)/float64(len(people)), "matches/event")
		})
	}
}

// BenchmarkPreview counts an edited rule over 1,000,000 customers, compiling
// included, for each of the twenty and with another number in each.
func BenchmarkPreview(b *testing.B) {
	people, _ := million()
	set := twentyRules[customer](b)
	pop := load(b, set, people)
	people = nil
	slowest, total := time.Duration(0), time.Duration(0)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for b.Loop() {
		slowest, total = 0, 0
		for i, text := range twenty {
			best := time.Hour
			for range 3 {
				start := cpu()
				p, err := pop.Preview(b.Context(), set, rules.Rule{Name: "edited", When: text + " && Orders != 7", Then: tagX}, evening, 20)
				best = min(best, cpu()-start)
				if err != nil || p.Subjects == 0 && i != 11 {
					b.Fatal(err, text)
				}
			}
			slowest, total = max(slowest, best), total+best
		}
	}
	b.ReportMetric(slowest.Seconds()*1000, "ms-slowest")
	b.ReportMetric(total.Seconds()*1000/float64(len(twenty)), "ms-mean")
}

// BenchmarkBacktest lets the twenty rules run for 365 evenings over 1,000,000
// customers; each rule tags, so that earlier evenings act on later ones.
func BenchmarkBacktest(b *testing.B) {
	people, _ := million()
	book := bookOf(twenty, rules.Trigger{})
	acts := []string{"", "", "battery", "", "", "vip", "churn-risk", "complaint"}
	for i := range book.Rules {
		tag := fmt.Sprintf("tag-%03d", 100+i)
		if i < len(acts) && acts[i] != "" {
			tag = acts[i]
		}
		book.Rules[i].Then = []rules.Action{{Kind: "tag", Name: tag}}
		if i%3 == 0 {
			book.Rules[i].Once, book.Rules[i].Then[0].For = "month", "30d"
		}
	}
	schema, err := rules.NewSchema[customer](rules.Options{})
	require.NoError(b, err)
	set, err := schema.Compile(book)
	require.NoError(b, err)
	pop := load(b, set, people)
	people = nil
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for b.Loop() {
		start, planned, effects, nights := cpu(), 0, 0, 0
		for night, err := range pop.Backtest(b.Context(), set, evening, 365, population.BacktestOptions[customer]{}) {
			if err != nil {
				b.Fatal(err)
			}
			for _, r := range night.Rules {
				planned, effects = planned+r.Planned, effects+r.Effects
			}
			nights++
		}
		b.ReportMetric((cpu() - start).Seconds(), "s/365-evenings")
		b.ReportMetric(float64(planned), "planned")
		b.ReportMetric(float64(effects), "effects")
		b.ReportMetric(float64(nights), "evenings")
	}
}
