package report

import (
	"html/template"
	"math"
	"strings"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/internal/chart"
	"github.com/vefacrm/vefa/internal/page"
)

// step is a line of a waterfall.
type step struct {
	Name, Level, Values string
	M, U                string
	Weight, Sum, Odds   string // of this step, of all until it, and that as a probability
	Class               string // up, down, none, total
	from, to            float64
}

type waterfallView struct {
	Title, Verdict string
	Drawing        template.HTML
	Steps          []step
	Notes          []string
}

// Waterfall draws why two records are one entity or not: from the odds of two random
// records, step by step, to the odds of these two, in bits (log2 of the odds), on an axis. The
// table beside it has each step's weight and what all until it weigh together.
func Waterfall(title string, e dedup.Explanation) Picture {
	return draw("waterfall", func(w words) any { return waterfall(w, title, e) })
}

func waterfall(w words, title string, e dedup.Explanation) waterfallView {
	at := 0.0
	var steps []step
	add := func(s step, weight float64) {
		s.Class = "up"
		switch {
		case math.Abs(weight) < 0.05:
			s.Class = "none"
		case weight < 0:
			s.Class = "down"
		}
		s.from, s.to = at, at+weight
		at += weight
		s.Weight, s.Sum, s.Odds = w.bits(weight), w.bits(at), w.share(probability(at))
		steps = append(steps, s)
	}
	add(step{Name: w.Say("pair.random")}, e.Prior)
	var silent []string
	for _, r := range e.Reasons {
		s := step{Name: w.Name("field", r.Field), Level: w.Name("level", r.Level)}
		if r.Given != "" {
			s.Level += ", " + w.Say("pair.given", w.Name("field", r.Given))
		}
		if r.A == "" && r.B == "" && r.Weight == 0 {
			silent = append(silent, s.Name)
			continue
		}
		switch {
		case r.A == r.B:
			s.Values = page.Clip(r.A, 60)
		default:
			s.Values = page.Clip(or(r.A, "–"), 40) + " | " + page.Clip(or(r.B, "–"), 40)
		}
		if r.M > 0 || r.U > 0 {
			s.M, s.U = w.share(r.M), w.share(r.U)
		}
		add(s, r.Weight)
	}
	if math.Abs(e.Relations) >= 0.005 {
		add(step{Name: w.Say("pair.relations"), Level: w.Say("pair.relations.level")}, e.Relations)
	}
	if math.Abs(e.Calibration) >= 0.005 {
		add(step{Name: w.Say("pair.calibration")}, e.Calibration)
	}
	if e.Veto != "" {
		add(step{Name: w.Say("pair.veto"), Level: w.Say("pair.veto.level", w.Name("field", e.Veto))}, e.Weight-at)
	}
	total := step{Name: w.Say("pair.these"), Class: "total", Weight: w.bits(e.Weight), Sum: w.bits(e.Weight), Odds: w.share(e.Probability), to: e.Weight}
	v := waterfallView{Title: title, Steps: append(steps, total), Verdict: w.Say("pair.verdict", w.share(e.Probability))}
	v.Drawing = bridge(w, title, v.Verdict, v.Steps)
	v.Notes = []string{w.Say("pair.bit")}
	if len(silent) > 0 {
		v.Notes = append(v.Notes, w.Say("pair.silent", page.Clip(strings.Join(silent, ", "), 200)))
	}
	return v
}

// probability is the probability of odds in bits.
func probability(bits float64) float64 { return 1 / (1 + math.Exp2(-bits)) }

// bridge draws the steps as bars that hang where the one before ended, over an axis of bits.
func bridge(w words, title, about string, steps []step) template.HTML {
	const width, left, right, row = 360.0, 8.0, 352.0, 30.0
	low, high := 0.0, 0.0
	for _, s := range steps {
		low, high = min(low, s.from, s.to), max(high, s.from, s.to)
	}
	scale, err := chart.NewScale(low, high, left, right, 6)
	if err != nil {
		return "" // a weight that is not finite: the table has it
	}
	bottom := row*float64(len(steps)) + 4
	d := chart.New("dd-bridge", width, bottom+34, title, about)
	for _, v := range scale.Ticks() {
		x := scale.At(v)
		d.Line("ch-line ch-thin", chart.Point{X: x, Y: 0}, chart.Point{X: x, Y: bottom})
		at := "ch-mid"
		switch {
		case x < left+12:
			at = ""
		case x > right-12:
			at = "ch-end"
		}
		d.Text(at, chart.Point{X: x, Y: bottom + 14}, w.Signed(v, scale.Decimals()), 0)
	}
	zero := scale.At(0)
	d.Line("ch-ink ch-thin ch-dash", chart.Point{X: zero, Y: 0}, chart.Point{X: zero, Y: bottom})
	d.Text("", chart.Point{X: left, Y: bottom + 30}, w.Say("pair.axis"), right-left)
	classes := map[string]string{"up": "ch-good", "down": "ch-bad", "none": "ch-soft", "total": "ch-first"}
	for i, s := range steps {
		top := row * float64(i)
		name := s.Name
		if s.Level != "" {
			name += ": " + s.Level
		}
		d.Text("ch-label", chart.Point{X: left, Y: top + 12}, name, 250)
		d.Text("ch-end", chart.Point{X: right, Y: top + 12}, s.Weight, 0)
		from, to := scale.At(min(s.from, s.to)), scale.At(max(s.from, s.to))
		d.Box(classes[s.Class], chart.Point{X: from, Y: top + 17}, max(to-from, 1), 10, name+": "+s.Weight+" = "+s.Sum)
		if i+1 < len(steps) && steps[i+1].Class != "total" {
			x := scale.At(s.to)
			d.Line("ch-soft ch-thin", chart.Point{X: x, Y: top + 27}, chart.Point{X: x, Y: top + row + 17})
		}
	}
	return template.HTML(d.String())
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

type question struct {
	A, B, Fields, Weight, Probability, Pairs string
}

// Questions lists the pairs about which a person's word would say most. Name says how a
// record is called; nil means by its id.
func Questions(title string, list []dedup.Question, name func(id string) string) Picture {
	if name == nil {
		name = func(id string) string { return id }
	}
	return draw("questions", func(w words) any {
		v := struct {
			Title string
			Rows  []question
		}{Title: title}
		for _, q := range list {
			v.Rows = append(v.Rows, question{page.Clip(name(q.A), 120), page.Clip(name(q.B), 120), w.fields(q.Fields), w.bits(q.Weight), w.share(q.Probability), w.Int(q.Pairs)})
		}
		return v
	})
}
