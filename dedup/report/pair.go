package report

import (
	"math"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/internal/page"
)

// step is a line of a waterfall.
type step struct {
	Name, Level, Values string
	M, U                string
	Weight              string
	X, Width            string // of the bar, in percent
	Class               string // up, down, none, total
}

type waterfallView struct {
	Title, Verdict string
	Steps          []step
	Zero           string // where even odds are, in percent
	Notes          []string
}

// Waterfall draws why two records are one entity or not: from the odds of two random
// records, step by step, to the odds of these two, in bits (log2 of the odds).
func Waterfall(title string, e dedup.Explanation) Picture {
	at := e.Prior
	low, high := min(at, 0), max(at, 0)
	type move struct {
		step
		from, to float64
	}
	moves := []move{{step{Name: "two records at random", Weight: bits(e.Prior), Class: "down"}, 0, e.Prior}}
	add := func(s step, w float64) {
		s.Weight, s.Class = bits(w), "up"
		switch {
		case math.Abs(w) < 0.05:
			s.Class = "none"
		case w < 0:
			s.Class = "down"
		}
		moves = append(moves, move{s, at, at + w})
		at += w
		low, high = min(low, at), max(high, at)
	}
	var silent []string
	for _, r := range e.Reasons {
		s := step{Name: r.Field, Level: r.Level}
		if r.Given != "" {
			s.Level += ", given " + r.Given
		}
		if r.A == "" && r.B == "" && r.Weight == 0 {
			silent = append(silent, r.Field)
			continue
		}
		switch {
		case r.A == r.B:
			s.Values = page.Clip(r.A, 60)
		default:
			s.Values = page.Clip(or(r.A, "–"), 40) + " | " + page.Clip(or(r.B, "–"), 40)
		}
		if r.M > 0 || r.U > 0 {
			s.M, s.U = share(r.M), share(r.U)
		}
		add(s, r.Weight)
	}
	if math.Abs(e.Relations) >= 0.005 {
		add(step{Name: "household or namesakes", Level: "explains some of it away"}, e.Relations)
	}
	if math.Abs(e.Calibration) >= 0.005 {
		add(step{Name: "what labels showed"}, e.Calibration)
	}
	if e.Veto != "" {
		add(step{Name: "veto", Level: e.Veto + " forbids it"}, e.Weight-at)
	}
	low, high = min(low, e.Weight), max(high, e.Weight)
	scale := func(v float64) float64 { return 100 * (v - low) / max(high-low, 1e-9) }
	total := step{Name: "these two", Weight: bits(e.Weight), Class: "total", Level: share(e.Probability) + " probable"}
	moves = append(moves, move{total, 0, e.Weight})
	v := waterfallView{Title: title, Zero: page.Short(scale(0)), Verdict: "They are one entity with a probability of " + share(e.Probability) + "."}
	for _, m := range moves {
		a, b := scale(min(m.from, m.to)), scale(max(m.from, m.to))
		m.X, m.Width = page.Short(a), page.Short(max(b-a, 0.6))
		v.Steps = append(v.Steps, m.step)
	}
	v.Notes = []string{"A bit doubles the odds. The line is even odds; left of it the records are more probably two."}
	if len(silent) > 0 {
		v.Notes = append(v.Notes, "Neither record says anything about: "+fields(silent)+".")
	}
	return kit.Draw("waterfall", v)
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
	v := struct {
		Title string
		Rows  []question
	}{Title: title}
	for _, q := range list {
		v.Rows = append(v.Rows, question{page.Clip(name(q.A), 120), page.Clip(name(q.B), 120), fields(q.Fields), bits(q.Weight), share(q.Probability), page.English.Int(q.Pairs)})
	}
	return kit.Draw("questions", v)
}

func fields(list []string) string {
	out := ""
	for i, f := range list {
		if i > 0 {
			out += ", "
		}
		out += f
	}
	return page.Clip(out, 200)
}
