package report

import (
	"slices"

	"github.com/vefacrm/vefa/internal/chart"
	"github.com/vefacrm/vefa/internal/page"
	"github.com/vefacrm/vefa/survey"
)

// mostRows is how many rows of a league are shown; of a longer one its two ends are.
const mostRows = 400

// rows is a table with an interval drawn in each row.
type rows struct {
	Title, Caption, Name, Score string
	Lo, Hi                      string // the ends of the axis
	Rows                        []row
	Notes                       []string
}

// row is one line of rows. Coordinates are percent of the width of the axis.
type row struct {
	Label, Detail, Value, Flag, Class string
	Depth                             int
	Mean, Lo, Width, At               string
	Band, BandWidth                   string // where chance alone would put it; empty: none
	Hidden                            bool
}

// League draws what survey.League returned, the worst first: the value of each group with its
// interval, where chance alone would put it, and who differs from the others after adjustment
// for their number. total is that of all groups, survey.Groups.Total. name gives a key's name;
// nil shows keys. Suppressed groups are counted and not named.
func League(title string, total survey.Tally, league []survey.Standing[string], name func(key string) string) Picture {
	return kit.DrawIn("rows", func(l *page.Locale) any {
		w := words{l, total.Metric}
		out := rows{Title: title, Name: w.Say("score.name"), Score: w.Say("score.score")}
		shown, hidden := split(league)
		if len(shown) == 0 {
			out.Caption = w.Say("score.few", least)
			return out
		}
		mean := total.Result().Value
		axis := axisOf(shown, mean)
		out.Caption = w.all(total) + " " + w.Say("score.league")
		out.ends(w, axis)
		left := 0
		if left = len(shown) - mostRows; left > 0 {
			shown = slices.Concat(shown[:mostRows/2], shown[len(shown)-mostRows/2:])
		}
		for _, s := range shown {
			r := rowOf(w, axis, s.Result)
			r.Label, r.Mean = named(name, s.Key), page.Short(axis.At(mean))
			low, high := axis.At(s.Funnel.Low), axis.At(s.Funnel.High)
			r.Band, r.BandWidth = page.Short(low), page.Short(high-low)
			if s.Q <= .05 {
				r.Class, r.Flag = "good", w.Say("score.above")
				if s.Result.Value < mean {
					r.Class, r.Flag = "bad", w.Say("score.below")
				}
			}
			out.Rows = append(out.Rows, r)
		}
		if left > 0 {
			out.Notes = append(out.Notes, w.Say("score.left", left))
		}
		if hidden > 0 {
			out.Notes = append(out.Notes, w.Say("score.hidden", hidden))
		}
		return out
	})
}

// ends writes the ends of the axis.
func (r *rows) ends(w words, axis chart.Scale) {
	lo, hi := axis.Ends()
	r.Lo, r.Hi = w.tick(lo, axis.Decimals()), w.tick(hi, axis.Decimals())
}

// rowOf lays a result out on an axis of 0 to 100.
func rowOf(w words, axis chart.Scale, r survey.Result) row {
	lo, hi := axis.At(r.Interval.Low), axis.At(r.Interval.High)
	return row{
		Detail: w.Say("score.detail", w.span(r.Interval), w.Int(int(r.N))), Value: w.value(r.Value),
		Lo: page.Short(lo), Width: page.Short(max(hi-lo, .5)), At: page.Short(min(max(axis.At(r.Value), .7), 99.3)),
	}
}

// split returns the groups that may be shown and have answers, and how many are hidden.
func split(league []survey.Standing[string]) (shown []survey.Standing[string], hidden int) {
	for _, s := range league {
		switch {
		case s.Suppressed:
			hidden++
		case s.Result.N > 0:
			shown = append(shown, s)
		}
	}
	return shown, hidden
}

// axisOf is the axis on which all intervals lie.
func axisOf(shown []survey.Standing[string], mean float64) chart.Scale {
	lo, hi := mean, mean
	for _, s := range shown {
		lo, hi = min(lo, s.Result.Interval.Low), max(hi, s.Result.Interval.High)
	}
	return scale(lo, hi, 0, 100, 8)
}

// scale is chart.NewScale for values of package survey, which are finite; of others it is 0 to 1.
func scale(lo, hi, from, to float64, most int) chart.Scale {
	s, err := chart.NewScale(lo, hi, from, to, most)
	if err != nil {
		s, _ = chart.NewScale(0, 1, from, to, most)
	}
	return s
}
