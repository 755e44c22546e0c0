package report

import (
	"github.com/vefacrm/vefa/internal/page"
	"github.com/vefacrm/vefa/survey/topic"
)

// bars is a table with a stack of bars in each row.
type bars struct {
	Title, Caption, Name, Count string
	Rows                        []stack
	Legend                      []key
	Notes                       []string
}

type stack struct {
	Label, Detail, N string
	Parts            []part
}

// part is a piece of a bar, in percent of the widest.
type part struct{ Class, X, Width string }

// Topics draws what comments are about, by what they say of it: topic.Counts.Results, those
// with the most complaints first. name gives the name of a topic; nil shows it as it is.
// Suppressed topics are counted and not named.
func Topics(title string, counts []topic.Count, name func(topic string) string) Picture {
	return kit.DrawIn("bars", func(l *page.Locale) any {
		w := words{Locale: l}
		out := bars{Title: title, Name: w.Say("score.topic"), Count: w.Say("score.comments")}
		most, hidden, of := int64(0), 0, int64(0)
		for _, c := range counts {
			of = max(of, c.Of)
			if c.Suppressed {
				hidden++
				continue
			}
			most = max(most, c.Comments)
		}
		if most == 0 {
			out.Caption = w.Say("score.few", least)
			return out
		}
		out.Caption = w.Say("score.topics", int(of))
		for _, c := range counts {
			if c.Suppressed || c.Comments == 0 {
				continue
			}
			s := stack{Label: named(name, c.Topic), N: w.Int(int(c.Comments)), Detail: w.Say("score.complain", w.Int(int(c.Negative+c.Mixed)), w.Say("score.span", w.Percent(c.Complaining.Low, 0), w.Percent(c.Complaining.High, 0)))}
			from := 0.0
			for _, p := range []struct {
				class string
				n     int64
			}{{"bad", c.Negative}, {"second", c.Mixed}, {"soft", c.Neutral}, {"good", c.Positive}} {
				if p.n > 0 {
					size := 100 * float64(p.n) / float64(most)
					s.Parts = append(s.Parts, part{p.class, page.Short(from), page.Short(size)})
					from += size
				}
			}
			out.Rows = append(out.Rows, s)
		}
		for _, c := range []struct{ class, word string }{{"bad", "negative"}, {"second", "mixed"}, {"soft", "neutral"}, {"good", "positive"}} {
			out.Legend = append(out.Legend, key{"sv-" + c.class, w.Say("score.sentiment." + c.word)})
		}
		if hidden > 0 {
			out.Notes = append(out.Notes, w.Say("score.hidden.topics", hidden))
		}
		return out
	})
}
