package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/segment"
	"github.com/vefacrm/vefa/segment/report"
	"github.com/vefacrm/vefa/segment/rfm"
)

// sale is an order or a return, for the value of customers.
type sale struct {
	who    crm.CustomerID
	at     time.Time
	amount crm.Money
	place  string // where it was sold; may be empty
	back   bool   // a return, whose amount is negative or nothing
}

// segments draws whom the campaigns' segments select, how they and the tags
// overlap, and where customers stand by what they bought.
func (s *simulation) segments(ctx context.Context, p *page, g *gathered) error {
	view, err := s.eng.Segments(ctx)
	if err != nil {
		return err
	}
	at := s.clock.Now()
	var names []string
	for d := range view.Definitions() {
		names = append(names, d.Name)
		w, err := view.Waterfall(d.Name, at)
		if err != nil {
			return err
		}
		p.Audiences = append(p.Audiences, report.Waterfall(s.say.Say("segments.audience", d.Name), w))
	}
	picture, err := s.say.overlap(view, names, at)
	if err != nil {
		return err
	}
	p.Segments = append(p.Segments, picture)
	pictures, err := s.value(g.sales, at)
	p.Segments = append(p.Segments, pictures...)
	return err
}

// overlap compares segments with the carriers of the most frequent tags, red or not.
func (l speaker) overlap(view *segment.View, names []string, at time.Time) (report.Picture, error) {
	tags := slices.Collect(view.Tags())
	shown := slices.Clone(tags)
	slices.SortStableFunc(shown, func(a, b string) int { return cmp.Compare(view.Tag(b).Len(), view.Tag(a).Len()) })
	shown = shown[:min(len(shown), 30)]
	slices.Sort(shown)
	var drafts []segment.Definition
	for _, tag := range shown {
		if name := l.Say("segments.tag", tag); !slices.Contains(names, name) {
			drafts = append(drafts, segment.Definition{Name: name, Expr: segment.Tag(tag), IgnoreRed: tags})
			names = append(names, name)
		}
	}
	view, err := view.With(drafts...)
	if err != nil {
		return report.Picture{}, err
	}
	c, err := view.Compare(at, names...)
	if err != nil {
		return report.Picture{}, err
	}
	return report.Overlap(l.Say("segments.overlap"), c), nil
}

// value scores all who bought, on the day before the first evening and now.
func (s *simulation) value(sales []sale, now time.Time) ([]report.Picture, error) {
	unit := currency(sales)
	orders := func(yield func(rfm.Order) bool) {
		for _, x := range sales {
			if x.amount.Currency == unit && !yield(rfm.Order{Customer: string(x.who), At: x.at, Amount: x.amount.Amount}) {
				return
			}
		}
	}
	score := func(at time.Time) ([]rfm.Score, error) {
		rows, err := rfm.Summarise(orders, at, s.home)
		if err != nil {
			return nil, err
		}
		result, err := rfm.Config{}.Score(rows)
		return result.Scores, err
	}
	start := s.at(0, eveningStep-1).AddDate(0, 0, -1)
	before, err := score(start)
	if err != nil {
		return nil, err
	}
	after, err := score(now)
	if err != nil || len(after) == 0 {
		return nil, err
	}
	groups := rfm.RPackageGroups()
	return []report.Picture{
		report.RFM(s.say.Say("segments.value"), after),
		report.Migration(s.say.Say("segments.moves", s.say.Date(start.In(s.home))), rfm.Migrate(before, after, groups), groups),
	}, nil
}

// currency returns the currency of most sales, the first by name of several.
func currency(sales []sale) string {
	count := map[string]int{}
	for _, x := range sales {
		count[x.amount.Currency]++
	}
	best := ""
	for c, n := range count {
		if n > count[best] || n == count[best] && strings.Compare(c, best) < 0 {
			best = c
		}
	}
	return best
}
