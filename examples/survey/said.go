package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vefacrm/vefa/examples/internal/speak"
	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/report"
	"github.com/vefacrm/vefa/survey/topic"
)

// said is what all answers together say.
type said struct {
	n         int
	questions []*measured // in the order in which they were first answered
	choices   []*chosen   // of the questions that offer some, in their order
	counts    topic.Counts
	comments  []comment
}

// measured is one question that measures something.
type measured struct {
	name   string
	all    survey.Tally
	months map[string]*survey.Tally // by year and month
}

// chosen is one question with what was chosen of what it offers.
type chosen struct {
	question survey.Question
	of       int64 // answered it
	n        []int64
}

// offers lists the questions that measure nothing and offer choices.
func offers(def *survey.Definition) []*chosen {
	var out []*chosen
	for q := range def.Questions() {
		if q.Extension.Metric == "" && len(q.Choices) > 0 && q.Type != "ranking" {
			out = append(out, &chosen{question: q, n: make([]int64, len(q.Choices))})
		}
	}
	return out
}

// add counts an answer: one value or a list of them.
func (c *chosen) add(answer any) {
	list, several := answer.([]any)
	if !several {
		list = []any{answer}
	}
	if answer == nil || len(list) == 0 {
		return
	}
	c.of++
	for i, choice := range c.question.Choices {
		if slices.ContainsFunc(list, func(v any) bool { return fmt.Sprint(v) == fmt.Sprint(choice.Value) }) {
			c.n[i]++
		}
	}
}

// picture draws it, in a language of the definition.
func (c *chosen) picture(lang string) report.Picture {
	var list []report.Choice
	for i, choice := range c.question.Choices {
		list = append(list, report.Choice{Label: choice.Text.In(lang), N: c.n[i]})
	}
	return report.Choices(c.question.Title.In(lang), c.of, list)
}

type comment struct {
	text string
	read topic.Reading
}

// said reads the answers and sums them up.
func (s *store) said(ctx context.Context) (*said, error) {
	find, err := topic.New(topic.Retail(), topic.Options{})
	if err != nil {
		return nil, err
	}
	out := &said{choices: offers(s.def)}
	for row, err := range s.rows(ctx) {
		if err != nil {
			return nil, err
		}
		out.n++
		for _, score := range s.def.Scores(row.Response, survey.ScoreOptions{}) {
			if err := out.question(score.Question).add(row.At, score); err != nil {
				return nil, err
			}
		}
		for _, c := range out.choices {
			c.add(row.Response.Answers[c.question.Key()])
		}
		for _, w := range s.def.Written(row.Response) {
			read := find.Read(w.Text)
			out.counts.Add(read)
			out.comments = append(out.comments, comment{w.Text, read})
		}
	}
	slices.SortStableFunc(out.comments, func(x, y comment) int { return topic.Compare(x.read, y.read) })
	return out, nil
}

func (s *said) question(name string) *measured {
	for _, q := range s.questions {
		if q.name == name {
			return q
		}
	}
	q := &measured{name: name, months: map[string]*survey.Tally{}}
	s.questions = append(s.questions, q)
	return q
}

func (m *measured) add(at time.Time, score survey.Score) error {
	month := at.Format("2006-01")
	if m.months[month] == nil {
		m.months[month] = &survey.Tally{}
	}
	return errors.Join(m.all.Add(score), m.months[month].Add(score))
}

// periods are the months from the first to the last, those without an answer too.
func (m *measured) periods() []report.Period {
	first, last := "", ""
	for month := range m.months {
		if first == "" || month < first {
			first = month
		}
		last = max(last, month)
	}
	var out []report.Period
	at, err := time.Parse("2006-01", first)
	for ; err == nil && at.Format("2006-01") <= last && len(out) < 120; at = at.AddDate(0, 1, 0) {
		p := report.Period{Name: at.Format("01/2006"), Tally: survey.Tally{Metric: m.all.Metric}}
		if t := m.months[at.Format("2006-01")]; t != nil {
			p.Tally = *t
		}
		out = append(out, p)
	}
	return out
}

// results prints what was said: scores with intervals, then what the comments are about,
// those to be read first at the top. With the name of a file it writes a page of pictures, too.
func (s *store) results(ctx context.Context, out io.Writer, file string, l *speak.Locale) error {
	all, err := s.said(ctx)
	if err != nil {
		return err
	}
	var b strings.Builder
	line := func(text string) { b.WriteString(text + "\n") }
	line(l.Say("results.answers", all.n))
	for _, q := range all.questions {
		r := q.all.Result()
		line(l.Say("results.score", q.name, l.Name("score", string(r.Metric)), l.Decimal(r.Value, 1), l.Decimal(r.Interval.Low, 1), l.Decimal(r.Interval.High, 1), l.Int(int(r.N)), l.Int(int(r.Unanswered))))
	}
	if len(all.comments) > 0 {
		line(l.Say("results.comments", int(all.counts.Total().Comments), int(all.counts.Without())))
		for _, t := range all.counts.Results(0) {
			if !t.Suppressed {
				line("  " + l.Say("results.topic", t.Topic, l.Int(int(t.Comments)), l.Int(int(t.Negative+t.Mixed))))
			}
		}
		line(l.Say("results.first"))
		for _, c := range all.comments[:min(len(all.comments), 10)] {
			line("  " + l.Say("results.comment", l.Name("score.sentiment", fmt.Sprint(c.read.Sentiment)), strconv.Quote(c.text)))
		}
	}
	if file != "" {
		if err := writePage(all, file, l); err != nil {
			return err
		}
		line("wrote " + file)
	}
	_, err = io.WriteString(out, b.String())
	return err
}

// writePage writes the page of pictures.
func writePage(all *said, file string, l *speak.Locale) (err error) {
	page := report.Page{Title: l.Say("page.title"), Locale: l.Tag, Lead: l.Say("page.lead", all.n)}
	for _, q := range all.questions {
		section := report.Section{Title: q.name, Pictures: []report.Picture{report.Distribution(l.Say("page.answers"), q.all)}}
		if periods := q.periods(); len(periods) > 1 {
			trend, err := report.Trend(l.Say("page.months"), periods)
			if err != nil {
				return err
			}
			section.Pictures = append(section.Pictures, trend)
		}
		page.Sections = append(page.Sections, section)
	}
	for _, c := range all.choices {
		page.Sections = append(page.Sections, report.Section{Title: c.question.Name, Pictures: []report.Picture{c.picture(l.Tag)}})
	}
	if len(all.comments) > 0 {
		page.Sections = append(page.Sections, report.Section{Title: l.Say("page.comments"), Pictures: []report.Picture{report.Topics(l.Say("page.topics"), all.counts.Results(0), nil)}})
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return page.Write(f)
}
