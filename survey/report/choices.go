package report

import (
	"github.com/vefacrm/vefa/internal/page"
	"github.com/vefacrm/vefa/survey"
)

// Choice is one possible answer and how many respondents gave it.
type Choice struct {
	Label string
	N     int64
}

// Choices draws how many of the respondents who were asked chose what, in the order given, each
// share with its interval. Where several may be chosen the shares add up to more than all. Fewer
// than five respondents are not shown; an N above of is drawn as of.
func Choices(title string, of int64, choices []Choice) Picture {
	return kit.DrawIn("bars", func(l *page.Locale) any {
		w := words{Locale: l}
		out := bars{Title: title, Name: w.Say("score.answer"), Count: w.Say("score.n")}
		if of < least || len(choices) == 0 {
			out.Caption = w.Say("score.few", least)
			return out
		}
		most := int64(1)
		for _, c := range choices {
			most = max(most, min(c.N, of))
		}
		out.Caption = w.Say("score.asked", int(of))
		for _, c := range choices {
			n := min(max(c.N, 0), of)
			rate := survey.NewRate(n, of)
			s := stack{Label: c.Label, N: w.Int(int(n)), Detail: w.Percent(rate.Value/100, 0) + " · " + w.Say("score.span", w.Percent(rate.Interval.Low/100, 0), w.Percent(rate.Interval.High/100, 0))}
			if n > 0 {
				s.Parts = []part{{"first", "0", page.Short(100 * float64(n) / float64(most))}}
			}
			out.Rows = append(out.Rows, s)
		}
		return out
	})
}
