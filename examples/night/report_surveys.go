package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/report"
	"github.com/vefacrm/vefa/survey/rollup"
)

// reply is one answer as the record has it.
type reply struct {
	at    time.Time
	place string
	score survey.Score
}

// reply takes in an answer that measures something.
func (g *gathered) reply(f *crm.Fact, a *crm.Answer) {
	if m := survey.Metric(a.Metric); m != "" {
		g.replies[a.Survey] = append(g.replies[a.Survey], reply{f.At, f.Place, survey.Score{Metric: m, Answered: true, Value: a.Score, Class: m.Class(a.Score), Bad: a.Bad}})
	}
}

// surveys shows each survey: the league of its places and their funnel plot, then its regions
// as management sees them, and the places of the region with most answers as its manager does.
func (l speaker) surveys(list []vefa.SurveyResult, g *gathered) ([]surveyView, error) {
	var out []surveyView
	for _, total := range list {
		v := surveyView{ID: "survey-" + slug(total.Survey), Name: total.Survey, Value: l.value(total.Result),
			Summary: l.Say("survey.total", l.Name("metric", string(total.Result.Metric)), l.around(total.Result), int(total.N), total.Sent)}
		replies := g.replies[total.Survey]
		if len(replies) == 0 {
			out = append(out, v)
			continue
		}
		var groups survey.Groups[string]
		for _, r := range replies {
			if err := groups.Add(r.place, r.score); err != nil {
				return nil, fmt.Errorf("survey %s: %w", total.Survey, err)
			}
		}
		named := func(id string) string {
			if p := g.places.Get(id); p != nil && p.Name != "" {
				return p.Name
			}
			return cmp.Or(id, l.Say("survey.nowhere"))
		}
		tree, err := g.along(total.Survey, replies)
		if err != nil {
			return nil, fmt.Errorf("survey %s: %w", total.Survey, err)
		}
		league := rollup.Keep(survey.League(&groups, 0), tree.Figures(rollup.Audience{}), "place") // the tree stands below
		shown := 0
		for _, s := range league {
			if !s.Suppressed {
				shown++
			}
		}
		if shown > 2 { // of fewer there is no cloud to stand out of
			v.Pictures = append(v.Pictures, report.Funnel(l.Say("survey.funnel"), groups.Total(), league, named))
		}
		if len(league) > 1 {
			v.Pictures = append(v.Pictures, report.League(l.Say("survey.league"), groups.Total(), league, named))
		}
		last := func(path []string) string { return named(path[len(path)-1]) }
		all := tree.Figures(rollup.Audience{Name: "management", Depth: 1})
		if len(all) > 2 {
			v.Pictures = append(v.Pictures, report.Tree(l.Say("survey.regions"), all, last))
		}
		if region, ok := g.largest(all); ok {
			v.Pictures = append(v.Pictures, report.Tree(l.Say("survey.region", named(region)),
				tree.Figures(rollup.Audience{Name: "region " + region, Under: []string{region}}), last))
		}
		out = append(out, v)
	}
	return out, nil
}

// along counts the answers of a survey by region and place. A place without a region stands under
// its country.
func (g *gathered) along(name string, replies []reply) (*rollup.Tree, error) {
	from, until := replies[0].at, replies[0].at
	for _, r := range replies {
		if r.at.Before(from) {
			from = r.at
		}
		if r.at.After(until) {
			until = r.at
		}
	}
	day := func(t time.Time) time.Time {
		t = t.In(g.home)
		return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, g.home)
	}
	tree, err := rollup.New(rollup.Definition{Name: name, Version: "1", Metric: replies[0].score.Metric, Levels: []string{"region", "place"}, From: day(from), Until: day(until).AddDate(0, 0, 1)})
	if err != nil {
		return nil, err
	}
	for _, r := range replies {
		path := []string{g.area(r.place), r.place}
		if path[0] == "" {
			path = nil
		}
		if err := tree.Add(r.at, r.score, path...); err != nil {
			return nil, err
		}
	}
	return tree, nil
}

// area is the region of a place, or else the root of its tree; "" for a place that is not known.
func (g *gathered) area(place string) string {
	up := g.places.Path(place)
	for _, id := range up {
		if g.places.Get(id).Kind == crm.Region {
			return id
		}
	}
	if len(up) == 0 {
		return ""
	}
	return up[len(up)-1]
}

// largest is the region that most answers came from.
func (g *gathered) largest(figures []rollup.Figure) (string, bool) {
	answers := map[string]int64{}
	for _, f := range figures {
		if len(f.Path) == 1 && f.Result.N > 0 {
			if p := g.places.Get(f.Path[0]); p != nil && p.Kind == crm.Region {
				answers[p.ID] = f.Result.N
			}
		}
	}
	if len(answers) == 0 {
		return "", false
	}
	return slices.MaxFunc(slices.Sorted(maps.Keys(answers)), func(a, b string) int { return cmp.Compare(answers[a], answers[b]) }), true
}

// value and around write a result and its interval.
func (l speaker) value(r survey.Result) string { return l.Decimal(r.Value, digitsOf(r.Metric)) }
func (l speaker) around(r survey.Result) string {
	n := digitsOf(r.Metric)
	return l.span(l.Decimal(r.Interval.Low, n), l.Decimal(r.Interval.High, n))
}

// digitsOf is how many digits behind the point a value of a metric is written with.
func digitsOf(m survey.Metric) int {
	if m == survey.CES {
		return 1
	}
	return 0
}
