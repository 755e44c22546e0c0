package main

import (
	"cmp"
	"math"
	"slices"
)

// Charts are drawn 360 units wide, the width of a telephone: there their text
// has its natural size, and on a desk two stand side by side.
const (
	chartWidth  = 360
	chartHeight = 150
	plotLeft    = 40.0
	plotRight   = chartWidth - 8.0
	plotTop     = 14.0
	plotBottom  = chartHeight - 22.0
	maxBars     = 100
)

// bars is a chart over the evenings: one or two series of bars, stacked.
type bars struct {
	ID, Title, Desc string
	First, Second   string // names of the series, where there are two
	Bars            []bar
	Grid            []tick // horizontal lines
	Marks           []tick // dates below
	Notes           []string
}

// bar is one evening, or some where there are too many for one each.
type bar struct {
	X, Width  float64
	Y, Height float64 // of the first series
	Y2        float64 // of the second, above the first
	Height2   float64
	Cut       bool // higher than the chart
}

// tick is a labelled position on an axis.
type tick struct {
	At    float64
	Label string
}

// series are the values of a chart, evening by evening.
type series struct {
	dates         []string
	first, second []int
	level         bool // a level, of which the last of some evenings counts, and no amount
}

// draw lays the bars of a chart out.
func (s series) draw(l speaker, id string) bars {
	c := bars{ID: id, Title: l.Say("chart." + id)}
	per := max(1, (len(s.dates)+maxBars-1)/maxBars)
	type value struct {
		date          string
		first, second int
	}
	var values []value
	for i, date := range s.dates {
		if i%per == 0 {
			values = append(values, value{date: date})
		}
		v := &values[len(values)-1]
		if s.level {
			v.first, v.second = 0, 0
		}
		v.first += s.first[i]
		if s.second != nil {
			v.second += s.second[i]
		}
	}
	c.Desc = s.describe(l, id)
	tops := make([]int, len(values))
	for i, v := range values {
		tops[i] = v.first + v.second
	}
	slices.Sort(tops)
	if len(tops) == 0 || tops[len(tops)-1] == 0 {
		return c // nothing to draw
	}
	most := tops[len(tops)-1]
	if len(tops) > 2 {
		// One evening may be unlike all others: the first, which finds who is
		// who among everybody. Its bar is cut, or the others would be flat.
		if next := tops[len(tops)-2]; next > 0 && most > 6*next {
			most = next
		}
	}
	limit, step := axis(float64(most), true)
	for v := 0.0; v <= limit+step/2; v += step {
		c.Grid = append(c.Grid, tick{coord(plotBottom - v/limit*(plotBottom-plotTop)), l.Int(int(v))})
	}
	width := (plotRight - plotLeft) / float64(len(values))
	scale := (plotBottom - plotTop) / limit
	marks := max(1, (len(values)+3)/4)
	for i, v := range values {
		b := bar{X: coord(plotLeft + float64(i)*width + width*0.1), Width: coord(width * 0.8)}
		if v.first+v.second > most {
			b.Cut = true
			c.Notes = append(c.Notes, l.Say("chart.cut", l.day(v.date), v.first+v.second))
			whole := float64(v.first + v.second)
			b.Height = coord(float64(v.first) / whole * (plotBottom - plotTop))
			b.Height2 = coord(float64(v.second) / whole * (plotBottom - plotTop))
		} else {
			b.Height, b.Height2 = coord(float64(v.first)*scale), coord(float64(v.second)*scale)
		}
		b.Y = coord(plotBottom - b.Height)
		b.Y2 = coord(b.Y - b.Height2)
		c.Bars = append(c.Bars, b)
		if i%marks == 0 {
			c.Marks = append(c.Marks, tick{coord(plotLeft + float64(i)*width), l.day(v.date)})
		}
	}
	if per > 1 {
		c.Notes = append(c.Notes, l.Say("chart.per", per))
	}
	return c
}

// describe says in words what the chart shows.
func (s series) describe(l speaker, id string) string {
	if len(s.dates) == 0 {
		return l.Say("chart.none")
	}
	sum, high := 0, 0
	for i := range s.first {
		sum += s.first[i]
		if s.first[i] > s.first[high] {
			high = i
		}
	}
	if sum == 0 {
		return l.Say("chart."+id+".zero", len(s.dates))
	}
	if s.level {
		return l.Say("chart."+id+".sum", len(s.dates), s.first[high], l.date(s.dates[high]), s.first[len(s.first)-1])
	}
	return l.Say("chart."+id+".sum", len(s.dates), sum, l.date(s.dates[high]), s.first[high])
}

// axis returns a round upper end of an axis from 0 and the step of its lines,
// of which there are at most four.
func axis(most float64, whole bool) (limit, step float64) {
	if most <= 0 {
		return 1, 1
	}
	step = math.Pow(10, math.Floor(math.Log10(most)))
	for _, f := range []float64{0.5, 1, 2, 2.5, 5} {
		if n := math.Ceil(most/(step*f) - 1e-9); n <= 4 && (!whole || step*f == math.Trunc(step*f)) {
			return n * step * f, step * f
		}
	}
	return 10 * step, 5 * step
}

// whiskers is a chart of shares with their intervals, one above the other.
type whiskers struct {
	ID, Title, Desc string
	Height          float64
	Axis            float64 // y of the axis
	Zero            float64 // x of zero, where it lies inside
	HasZero         bool
	Rows            []whisker
	Grid            []tick // vertical lines
}

// whisker is a point with its interval.
type whisker struct {
	Class, Label string
	LabelY, Y    float64
	Lo, At, Hi   float64
}

// estimate is a value with its interval, to be drawn.
type estimate struct {
	class, label string
	lo, at, hi   float64
}

// drawWhiskers lays estimates out on one axis; write writes a value at its ticks.
func drawWhiskers(id, title, desc string, write func(v float64, decimals int) string, list []estimate) whiskers {
	const rowHeight, left, right = 38.0, 12.0, chartWidth - 12.0
	c := whiskers{ID: id, Title: title, Desc: desc}
	lo, hi := 0.0, 0.0
	for _, e := range list {
		lo, hi = min(lo, e.lo), max(hi, e.hi)
	}
	_, step := axis(max(hi-lo, 1e-9), false)
	lo, hi = math.Floor(lo/step)*step, math.Ceil(hi/step)*step
	if hi <= lo {
		hi = lo + step
	}
	x := func(v float64) float64 { return coord(left + (v-lo)/(hi-lo)*(right-left)) }
	for i, e := range list {
		top := float64(i) * rowHeight
		c.Rows = append(c.Rows, whisker{Class: e.class, Label: e.label, LabelY: coord(top + 13), Y: coord(top + 26), Lo: x(e.lo), At: x(e.at), Hi: x(e.hi)})
	}
	c.Axis = float64(len(list)) * rowHeight
	c.Height = c.Axis + 18
	for n, v := 0, lo; v <= hi+step/2 && n < 32; n, v = n+1, v+step {
		if math.Abs(v) < step/1e6 {
			v = 0
		}
		c.Grid = append(c.Grid, tick{x(v), write(v, decimals(step))})
	}
	c.Zero, c.HasZero = x(0), lo < 0
	return c
}

func decimals(step float64) int {
	for n := range 4 {
		if f := step * math.Pow10(n); math.Abs(f-math.Round(f)) < 1e-6 {
			return n
		}
	}
	return 4
}

// coord rounds a coordinate: pages are for reading, too.
func coord(v float64) float64 { return math.Round(v*10) / 10 }

// spark is a bar of a table row, from 0 to 100 units.
type spark struct{ X, Width float64 }

func sparkOf(from, n, whole int) spark {
	if whole <= 0 {
		return spark{}
	}
	w := coord(100 * float64(n) / float64(whole))
	if n > 0 {
		w = max(w, 0.5)
	}
	return spark{min(coord(100*float64(from)/float64(whole)), 99.5), w}
}

// byCount orders named numbers, largest first.
func byCount(m map[string]int) []named {
	out := make([]named, 0, len(m))
	for k, n := range m {
		out = append(out, named{k, n})
	}
	slices.SortFunc(out, func(a, b named) int { return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Name, b.Name)) })
	return out
}

type named struct {
	Name string
	N    int
}
