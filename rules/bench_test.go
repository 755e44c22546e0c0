//go:build linux

package rules_test

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/rules"
)

// cpu returns the processor time of this thread so far. Unlike the wall clock
// it means something on a machine with other work.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(threadUsage, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano())
}

const threadUsage = 1 // RUSAGE_THREAD

// million returns the population of the specification and how many matches it
// has; with -short a tenth of it.
func million() ([]customer, int) {
	if testing.Short() {
		return drawn(100_000), 72_177
	}
	return drawn(1_000_000), 723_351
}

// BenchmarkTwentyTagSets is BenchmarkTwenty with tags as a TagSet.
func BenchmarkTwentyTagSets(b *testing.B) {
	set := twentyRules[tagged](b)
	all, matches := million()
	people := tag(all, set.Schema().Tags())
	firings := make([]rules.Firing, 0, 64)
	best := time.Hour
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	b.ReportAllocs()
	for b.Loop() {
		start, n := cpu(), 0
		for i := range people {
			firings, _ = set.Evening(firings[:0], &people[i], evening)
			n += len(firings)
		}
		best = min(best, cpu()-start)
		if n != matches {
			b.Fatalf("%d matches; %d are expected", n, matches)
		}
	}
	b.ReportMetric(float64(best)/float64(len(people)*len(byHand)), "ns/rule")
}

// BenchmarkTwenty runs the twenty rules over 1,000,000 customers by this
// package and by hand-written Go in turns; x-hand is the ratio of the best
// passes and must find the 723,351 matches of the specification.
func BenchmarkTwenty(b *testing.B) {
	people, matches := million()
	set := twentyRules[customer](b)
	firings := make([]rules.Firing, 0, 64)
	ours, hand := time.Hour, time.Hour
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	b.ReportAllocs()
	for b.Loop() {
		start, n := cpu(), 0
		for i := range people {
			firings, _ = set.Evening(firings[:0], &people[i], evening)
			n += len(firings)
		}
		ours = min(ours, cpu()-start)
		start, m := cpu(), 0
		for i := range people {
			for _, rule := range byHand {
				if rule(&people[i]) {
					m++
				}
			}
		}
		hand = min(hand, cpu()-start)
		if n != matches || m != n {
			b.Fatalf("%d matches, by hand %d; %d are expected", n, m, matches)
		}
	}
	evals := float64(len(people) * len(byHand))
	b.ReportMetric(float64(ours)/evals, "ns/rule")
	b.ReportMetric(float64(hand)/evals, "hand-ns/rule")
	b.ReportMetric(float64(ours)/float64(hand), "x-hand")
}

// BenchmarkOneRule evaluates one rule for customers that stay in cache, by a
// set and by hand.
func BenchmarkOneRule(b *testing.B) {
	people := drawn(2000)
	schema, err := rules.NewSchema[customer](rules.Options{})
	require.NoError(b, err)
	for _, i := range []int{0, 3, 8, 11, 16} {
		set, err := schema.Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", When: twenty[i], Then: tagX}}})
		require.NoError(b, err)
		b.Run(fmt.Sprintf("r%02d/closure", i+1), func(b *testing.B) {
			b.ReportAllocs()
			dst, k := make([]rules.Firing, 0, 4), 0
			for b.Loop() {
				dst, _ = set.Evening(dst[:0], &people[k], evening)
				if k++; k == len(people) {
					k = 0
				}
			}
		})
		b.Run(fmt.Sprintf("r%02d/hand", i+1), func(b *testing.B) {
			k, n := 0, 0
			for b.Loop() {
				if byHand[i](&people[k]) {
					n++
				}
				if k++; k == len(people) {
					k = 0
				}
			}
		})
	}
}

// BenchmarkCompile compiles the twenty rules; rules/s is per core.
func BenchmarkCompile(b *testing.B) {
	schema, err := rules.NewSchema[customer](rules.Options{})
	require.NoError(b, err)
	var book rules.Book
	for i, text := range twenty {
		book.Rules = append(book.Rules, rules.Rule{Name: fmt.Sprint(i), When: text, Then: tagX})
	}
	for b.Loop() {
		if _, err := schema.Compile(&book); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(twenty)), "µs/rule")
}

// BenchmarkExplain explains one rule for one customer, with its text.
func BenchmarkExplain(b *testing.B) {
	people := drawn(100)
	set := twentyRules[customer](b)
	for b.Loop() {
		x, err := set.Explain("r17", &people[3], evening)
		if err != nil || x.Text("en") == "" {
			b.Fatal(err)
		}
	}
}

// BenchmarkSwap puts one compiled set of 10,000 rules in the place of another
// while somebody else evaluates.
func BenchmarkSwap(b *testing.B) {
	schema, err := rules.NewSchema[customer](rules.Options{})
	require.NoError(b, err)
	var sets [2]*rules.Set[customer]
	for i := range sets {
		var book rules.Book
		for k := range 10_000 {
			book.Rules = append(book.Rules, rules.Rule{Name: fmt.Sprint("r", k), When: fmt.Sprintf("DaysSincePurchase == %d and Orders > %d", k%365, i), Then: tagX})
		}
		sets[i], err = schema.Compile(&book)
		require.NoError(b, err)
	}
	e := rules.NewEngine(schema)
	n := 0
	for b.Loop() {
		e.Swap(sets[n&1])
		n++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N), "ns/swap")
}
