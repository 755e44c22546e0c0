package report

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/internal/page"
)

type level struct {
	Comparison, Level string
	M, U, Weight      string
	MWidth, UWidth    string // percent
	X, Width          string // of the weight's bar, percent
	Class             string
	First             int // rows of the comparison, on its first row
}

// Levels draws what was learnt: for each level of each comparison how often a match is on
// it (m), how often two random records are (u), and what the level is worth in bits,
// log2(m/u).
func Levels(title string, m *dedup.Model) Picture {
	most := 1.0
	weight := func(l dedup.LevelModel) float64 {
		return math.Log2(math.Max(l.M, 1e-12)) - math.Log2(math.Max(l.U, 1e-12))
	}
	for _, c := range m.Comparisons {
		for _, l := range c.Levels {
			if c.Assumed {
				break
			}
			most = max(most, math.Abs(weight(l)))
		}
	}
	return draw("levels", func(w words) any { return levels(w, title, m, weight, most) })
}

func levels(w words, title string, m *dedup.Model, weight func(dedup.LevelModel) float64, most float64) any {
	v := struct {
		Title, Caption string
		Rows           []level
		Notes          []string
	}{Title: title, Caption: w.Say("pair.once", w.Int(int(math.Round(1/math.Max(m.Match, 1e-15))))) + " " + w.Say("pair.learnt", m.Records)}
	var assumed []string
	for _, c := range m.Comparisons {
		if c.Assumed {
			assumed = append(assumed, w.Name("field", c.Name))
			continue
		}
		for i, l := range c.Levels {
			bits := weight(l)
			r := level{Level: w.Name("level", l.Name), M: w.share(l.M), U: w.share(l.U), Weight: w.bits(bits), MWidth: page.Short(100 * l.M), UWidth: page.Short(100 * l.U)}
			a, b := 50+50*min(bits, 0)/most, 50+50*max(bits, 0)/most
			r.X, r.Width, r.Class = page.Short(a), page.Short(max(b-a, 0.6)), "up"
			if bits < 0 {
				r.Class = "down"
			}
			if i == 0 {
				r.Comparison, r.First = w.Name("field", c.Name), len(c.Levels)
			}
			v.Rows = append(v.Rows, r)
		}
	}
	if len(assumed) > 0 {
		v.Notes = []string{w.Say("pair.assumed", strings.Join(assumed, ", "))}
	}
	return v
}

// bucket is a column of a histogram.
type bucket struct {
	X, Y, Width, Height string
	Label               string
}

type histogramView struct {
	Title, Caption, Axis string
	Bars                 []bucket
	Ticks                []tick
	Notes                []string
}

type tick struct{ X, Y, Label string }

// Weights draws how many pairs there are of each weight, in bits, as [dedup.Stats] counts
// them.
func Weights(title string, counts []dedup.WeightCount) Picture {
	byWeight := map[int]int{}
	for _, c := range counts {
		byWeight[c.Weight] = int(c.Pairs)
	}
	return draw("histogram", func(w words) any {
		return histogram(w, title, w.Say("pair.weights"), w.Say("pair.axis"), byWeight, 1)
	})
}

// SelfWeights draws what records would weigh against a copy of themselves. Those that do
// not reach even odds say so little that nothing can be linked to them (unlinkables).
func SelfWeights(title string, weights []float64) Picture {
	const step = 2
	n := 0
	counts := map[int]int{}
	for _, bits := range weights {
		if bits <= 0 {
			n++
		}
		if !math.IsNaN(bits) {
			counts[int(math.Floor(math.Max(-60, math.Min(bits, 120))/step))]++
		}
	}
	return draw("histogram", func(w words) any {
		return histogram(w, title, w.Say("pair.self", w.Part(n, len(weights)), w.Int(len(weights))), w.Say("pair.self.axis"), counts, step)
	})
}

// histogram draws counts by weight in steps of so many bits.
func histogram(w words, title, caption, axis string, counts map[int]int, step int) histogramView {
	v := histogramView{Title: title, Caption: caption, Axis: axis}
	low, high, most := math.MaxInt, math.MinInt, 0
	for k, n := range counts {
		if n > 0 {
			low, high, most = min(low, k), max(high, k), max(most, n)
		}
	}
	if most == 0 {
		v.Notes = []string{w.Say("pair.nothing")}
		return v
	}
	width := 600 / float64(high-low+1)
	for k := low; k <= high; k++ {
		if counts[k] == 0 {
			continue
		}
		h := max(160*float64(counts[k])/float64(most), 1)
		v.Bars = append(v.Bars, bucket{X: page.Short(20 + width*float64(k-low)), Y: page.Short(180 - h), Width: page.Short(max(width-1, 0.5)), Height: page.Short(h),
			Label: w.Say("pair.column", w.Int(k*step), w.Int(counts[k]))})
	}
	every := max(1, (high-low+1+7)/8)
	for k := low; k <= high; k += every {
		v.Ticks = append(v.Ticks, tick{page.Short(20 + width*float64(k-low)), "196", w.Int(k * step)})
	}
	v.Notes = []string{w.Say("pair.highest", w.Int(most))}
	return v
}

type curveView struct {
	Title, Path string
	Dots        []tick
	Rows        []struct{ Weight, Precision, Recall, F1 string }
}

// PrecisionRecall draws precision against recall of pairs as the threshold falls, where the
// truth is known: of counts as [dedup.Stats] has them, and of the number of all true pairs.
func PrecisionRecall(title string, counts []dedup.WeightCount, truePairs int64) Picture {
	return draw("curve", func(w words) any { return curve(w, title, counts, truePairs) })
}

func curve(w words, title string, counts []dedup.WeightCount, truePairs int64) curveView {
	v := curveView{Title: title}
	counts = slices.Clone(counts)
	slices.SortFunc(counts, func(a, b dedup.WeightCount) int { return cmp.Compare(b.Weight, a.Weight) })
	every := max(1, len(counts)/12)
	var found, right int64
	for i, c := range counts {
		found, right = found+c.Pairs, right+c.Right
		precision, recall := float64(right)/float64(max(found, 1)), float64(right)/float64(max(truePairs, 1))
		x, y := page.Short(40+280*clamp(recall)), page.Short(300-280*clamp(precision))
		if i == 0 {
			v.Path = "M" + x + " " + y
		} else {
			v.Path += " L" + x + " " + y
		}
		if i%every == 0 || i == len(counts)-1 {
			v.Dots = append(v.Dots, tick{x, y, w.Say("pair.from", w.bits(float64(c.Weight)))})
			f1 := 0.0
			if precision+recall > 0 {
				f1 = 2 * precision * recall / (precision + recall)
			}
			v.Rows = append(v.Rows, struct{ Weight, Precision, Recall, F1 string }{w.bits(float64(c.Weight)), w.share(precision), w.share(recall), w.share(f1)})
		}
	}
	return v
}

func clamp(v float64) float64 { return math.Max(0, math.Min(v, 1)) }
