package value

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// BenchmarkFit fits the sample of the papers; condensing it is part of it.
func BenchmarkFit(b *testing.B) {
	all := cdnow(b)
	b.Run("BGNBD", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := FitBGNBD(b.Context(), condensed(b, all)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("MBGNBD", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := FitMBGNBD(b.Context(), condensed(b, all)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("ParetoNBD", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := FitParetoNBD(b.Context(), condensed(b, all)); err != nil {
				b.Fatal(err)
			}
		}
	})
	spent := spenders(b)
	b.Run("GammaGamma", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := FitGammaGamma(b.Context(), slices.Values(spent)); err != nil {
				b.Fatal(err)
			}
		}
	})
	cells := donors(b)
	b.Run("BGBB", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := FitBGBB(b.Context(), maps.All(cells)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkCustomer is what is asked of each customer; the customers of the sample in turn.
func BenchmarkCustomer(b *testing.B) {
	all, bg, pareto := cdnow(b), goldenBG(b), goldenPareto(b)
	year := Terms{Periods: 12, Length: 4.345, Discount: .01}
	for _, ask := range []struct {
		name string
		f    func(Purchases) float64
	}{
		{"BGNBD/Alive+Expect", func(p Purchases) float64 { return bg.Alive(p) + bg.ExpectAfter(p, 39) }},
		{"BGNBD/Worth", func(p Purchases) float64 { return year.Worth(bg, p, 30) }},
		{"ParetoNBD/Alive+Expect", func(p Purchases) float64 { return pareto.Alive(p) + pareto.ExpectAfter(p, 39) }},
		{"ParetoNBD/Worth", func(p Purchases) float64 { return year.Worth(pareto, p, 30) }},
	} {
		b.Run(ask.name, func(b *testing.B) {
			b.ReportAllocs()
			var sum float64
			for i := 0; b.Loop(); i++ {
				sum += ask.f(all[i%len(all)])
			}
		})
	}
}

// BenchmarkForecast asks about each of many customers. Those of "alike" all leave with nearly the same probability, so
// that the fit ended at a boundary.
func BenchmarkForecast(b *testing.B) {
	all, bg, pareto := cdnow(b), goldenBG(b), goldenPareto(b)
	for name, m := range map[string]Model{"BGNBD": bg, "ParetoNBD": pareto, "alike": MBGNBD{1.7, 4.7, 14778, 1e5}} {
		for ask, terms := range map[string]Terms{"Alive+Expect": {Periods: 1, Length: 39}, "Worth": {Periods: 12, Length: 4.345, Discount: .01}} {
			b.Run(name+"/"+ask, func(b *testing.B) {
				f, err := NewForecast(m, terms)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				var sum float64
				for i := 0; b.Loop(); i++ {
					sum += f.Worth(all[i%len(all)], 30)
				}
			})
		}
	}
}

// BenchmarkMillion fits a million simulated customers whose purchases are known by the day, and asks
// about each: BG/NBD, from the slice of histories to the parameters, condensing included.
func BenchmarkMillion(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 6))
	all, _ := lives(r, 1_000_000, BGNBD{.24, 4.4, .8, 2.4}, 100, 0)
	for i := range all { // by the day, in weeks
		p := &all[i]
		p.Age = math.Ceil(p.Age*7) / 7
		if p.Repeats > 0 {
			p.Last = min(p.Age, math.Ceil(p.Last*7)/7)
		}
	}
	var m BGNBD
	b.Run("Fit", func(b *testing.B) {
		for b.Loop() {
			s := condensed(b, all)
			var err error
			if m, _, err = FitBGNBD(b.Context(), s); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(s.Cells()), "cells")
		}
	})
	for ask, terms := range map[string]Terms{"Alive+Expect": {Periods: 1, Length: 39}, "Worth": {Periods: 12, Length: 4.345, Discount: .01}} {
		b.Run(ask, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f, err := NewForecast(m, terms)
				if err != nil {
					b.Fatal(err)
				}
				var sum float64
				for _, p := range all {
					sum += f.Worth(p, 30)
				}
			}
		})
	}
}
