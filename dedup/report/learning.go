package report

import (
	"math"
	"slices"

	"github.com/vefacrm/vefa/internal/page"
)

// LearningPoint is how good a result is after so many answers of a person.
type LearningPoint struct {
	Answers int     `json:"answers"`
	F1      float64 `json:"f1"` // 0 to 1
	// Estimated says that F1 is what the model expects of itself, as the truth is not known.
	Estimated bool `json:"estimated,omitempty"`
}

// Learning draws what answers did to the result. Points are in the order of their answers; one
// whose F1 is not a number is left out.
func Learning(title string, points ...LearningPoint) Picture {
	return draw("learning", func(w words) any { return learning(w, title, points) })
}

func learning(w words, title string, points []LearningPoint) any {
	type row struct{ Answers, F1, Gain string }
	v := struct {
		Title, Path, Low, High, Last string
		Dots                         []tick
		Rows                         []row
		Notes                        []string
	}{Title: title}
	points = slices.DeleteFunc(slices.Clone(points), func(p LearningPoint) bool { return math.IsNaN(p.F1) })
	low, high, last := 1.0, 0.0, 1
	for _, p := range points {
		low, high, last = min(low, clamp(p.F1)), max(high, clamp(p.F1)), max(last, p.Answers)
		if p.Estimated && len(v.Notes) == 0 {
			v.Notes = []string{w.Say("pair.estimated")}
		}
	}
	low, high = math.Floor(20*low)/20, math.Ceil(20*high)/20 // steps of .05
	if len(points) == 0 || high <= low {
		low, high = max(0, high-0.05), max(high, 0.05)
	}
	v.Low, v.High, v.Last = w.Decimal(low, 2), w.Decimal(high, 2), w.Int(last)
	for i, p := range points {
		x, y := page.Short(40+280*float64(p.Answers)/float64(last)), page.Short(300-280*(clamp(p.F1)-low)/(high-low))
		if v.Path += " L"; i == 0 {
			v.Path = "M"
		}
		v.Path += x + " " + y
		v.Dots = append(v.Dots, tick{x, y, w.Say("pair.after", p.Answers)})
		r := row{Answers: w.Int(p.Answers), F1: w.Decimal(p.F1, 4)}
		if i > 0 {
			r.Gain = w.Decimal(p.F1-points[0].F1, 4)
		}
		v.Rows = append(v.Rows, r)
	}
	if len(points) == 0 {
		v.Notes = []string{w.Say("pair.nothing")}
	}
	return v
}
