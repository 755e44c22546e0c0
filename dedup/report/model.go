package report

import (
	"math"

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
			most = max(most, math.Abs(weight(l)))
		}
	}
	v := struct {
		Title, Caption string
		Rows           []level
	}{Title: title, Caption: "Two random records are one entity once in " + page.Thousands(int(math.Round(1/math.Max(m.Match, 1e-15)))) + ". Learnt from " + page.Thousands(m.Records) + " records."}
	for _, c := range m.Comparisons {
		for i, l := range c.Levels {
			w := weight(l)
			r := level{Level: l.Name, M: share(l.M), U: share(l.U), Weight: bits(w), MWidth: page.Short(100 * l.M), UWidth: page.Short(100 * l.U)}
			a, b := 50+50*min(w, 0)/most, 50+50*max(w, 0)/most
			r.X, r.Width, r.Class = page.Short(a), page.Short(max(b-a, 0.6)), "up"
			if w < 0 {
				r.Class = "down"
			}
			if i == 0 {
				r.Comparison, r.First = c.Name, len(c.Levels)
			}
			v.Rows = append(v.Rows, r)
		}
	}
	return draw("levels", v)
}

// bucket is a column of a histogram.
type bucket struct {
	X, Y, Width, Height string
	Label, N            string
}

type histogramView struct {
	Title, Caption, Axis string
	Bars                 []bucket
	Ticks                []tick
	Notes                []string
}

type tick struct{ X, Y, Label string }

// Weights draws how many pairs there are of each weight, in bits.
func Weights(title string, weights []float64) Picture {
	return histogram(title, "Pairs by weight", "weight in bits", weights, 1)
}

// SelfWeights draws what records would weigh against a copy of themselves. Those that do
// not reach even odds say so little that nothing can be linked to them (unlinkables).
func SelfWeights(title string, weights []float64) Picture {
	n := 0
	for _, w := range weights {
		if w <= 0 {
			n++
		}
	}
	return histogram(title, page.Percent(n, len(weights))+" of "+page.Thousands(len(weights))+" records say too little to be linked to a copy of themselves.", "weight of a record against its copy, in bits", weights, 2)
}

func histogram(title, caption, axis string, values []float64, step int) Picture {
	v := histogramView{Title: title, Caption: caption, Axis: axis}
	counts := map[int]int{}
	low, high, most := math.MaxInt, math.MinInt, 0
	for _, w := range values {
		if math.IsNaN(w) || math.IsInf(w, 0) {
			continue
		}
		k := int(math.Floor(math.Max(-60, math.Min(w, 120)) / float64(step)))
		counts[k]++
		low, high, most = min(low, k), max(high, k), max(most, counts[k])
	}
	if most == 0 {
		v.Notes = []string{"There is nothing to show."}
		return draw("histogram", v)
	}
	width := 600 / float64(high-low+1)
	for k := low; k <= high; k++ {
		if counts[k] == 0 {
			continue
		}
		h := max(160*float64(counts[k])/float64(most), 1)
		v.Bars = append(v.Bars, bucket{X: page.Short(20 + width*float64(k-low)), Y: page.Short(180 - h), Width: page.Short(max(width-1, 0.5)), Height: page.Short(h),
			Label: page.Short(float64(k * step)), N: page.Thousands(counts[k])})
	}
	every := max(1, (high-low+1+7)/8)
	for k := low; k <= high; k += every {
		v.Ticks = append(v.Ticks, tick{page.Short(20 + width*float64(k-low)), "196", page.Short(float64(k * step))})
	}
	v.Notes = []string{"The highest column is " + page.Thousands(most) + "."}
	return draw("histogram", v)
}

// Point is the quality of all pairs at and above a weight.
type Point struct {
	Weight    float64 // bits
	Precision float64
	Recall    float64
}

type curveView struct {
	Title, Path string
	Dots        []tick
	Rows        []struct{ Weight, Precision, Recall, F1 string }
}

// PrecisionRecall draws precision against recall as the threshold falls, where the truth
// is known. Points come in the order of falling weights.
func PrecisionRecall(title string, points []Point) Picture {
	v := curveView{Title: title}
	every := max(1, len(points)/12)
	for i, p := range points {
		x, y := page.Short(40+280*clamp(p.Recall)), page.Short(300-280*clamp(p.Precision))
		if i == 0 {
			v.Path = "M" + x + " " + y
		} else {
			v.Path += " L" + x + " " + y
		}
		if i%every == 0 || i == len(points)-1 {
			v.Dots = append(v.Dots, tick{x, y, bits(p.Weight)})
			f1 := 0.0
			if p.Precision+p.Recall > 0 {
				f1 = 2 * p.Precision * p.Recall / (p.Precision + p.Recall)
			}
			v.Rows = append(v.Rows, struct{ Weight, Precision, Recall, F1 string }{bits(p.Weight), share(p.Precision), share(p.Recall), share(f1)})
		}
	}
	return draw("curve", v)
}

func clamp(v float64) float64 { return math.Max(0, math.Min(v, 1)) }
