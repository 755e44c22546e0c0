package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/segment"
)

// figures are what needs a look at everybody: they are made after each evening, or when somebody
// asks, and pages show them with the instant that they are of. No page waits for them.
type figures struct {
	At        time.Time
	Segments  *segment.View
	Columns   *vefa.Columns
	Questions []vefa.Question
	Results   vefa.Results
	Progress  map[string]vefa.CampaignProgress // of the campaigns that have begun
}

// lastFigures are those in force; nil before the first.
type lastFigures struct{ p atomic.Pointer[figures] }

// Get returns the figures, never nil.
func (l *lastFigures) Get() *figures {
	if f := l.p.Load(); f != nil {
		return f
	}
	return &figures{}
}

// mostQuestions is how many pairs are laid out to answer.
const mostQuestions = 50

// count makes the figures anew, as a part of a work.
func (c *console) count(ctx context.Context) error {
	eng, f := c.town.eng, &figures{}
	for i, x := range []struct {
		name string
		do   func() error
	}{
		{"segments", func() (err error) { f.Segments, err = eng.Segments(ctx); return err }},
		{"columns", func() (err error) { f.Columns, err = eng.Columns(ctx); return err }},
		{"questions", func() (err error) {
			f.Questions, err = eng.Questions(ctx, mostQuestions)
			if errors.Is(err, errors.ErrUnsupported) {
				return nil
			}
			return err
		}},
		// The first question of a process reads everybody: this one is it.
		{"identify", func() error {
			_, err := eng.Identify(ctx, &crm.Profile{ProfileKey: crm.ProfileKey{Source: "console", ID: "x"}, Name: crm.Name{Given: "x"}})
			if errors.Is(err, errors.ErrUnsupported) {
				return nil
			}
			return err
		}},
		{"results", func() (err error) { f.Results, err = eng.Results(ctx); return err }},
		{"campaigns", func() (err error) { f.Progress, err = c.progressOf(ctx, f.Results.Campaigns); return err }},
	} {
		c.jobs.step(x.name, i, 6)
		if err := x.do(); err != nil {
			return fmt.Errorf("%s: %w", x.name, err)
		}
	}
	f.At = eng.Service().Now()
	c.last.p.Store(f)
	return nil
}

// progressOf reads how far the campaigns are that have begun: a page that did would read as many
// messages as a campaign has.
func (c *console) progressOf(ctx context.Context, in []vefa.CampaignResult) (map[string]vefa.CampaignProgress, error) {
	var names []string
	for _, x := range in {
		names = append(names, x.Name)
	}
	lives, err := c.eng.Desk().All(ctx)
	if err != nil {
		return nil, err
	}
	for _, l := range lives {
		if !l.Began.IsZero() && !slices.Contains(names, l.Campaign.Name) {
			names = append(names, l.Campaign.Name)
		}
	}
	out := map[string]vefa.CampaignProgress{}
	for _, name := range names {
		if out[name], err = c.eng.Progress(ctx, name); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// begin starts the work that a record needs before there is something to see.
func (c *console) begin() {
	_ = c.jobs.start("seed", func(ctx context.Context) error { // nothing runs yet
		if err := c.town.history(ctx); err != nil {
			return err
		}
		for c.town.far().Day < c.o.evenings {
			c.jobs.change(func(p *progress) { p.Name, p.Day = "night", c.town.date(c.town.far().Day).Format(time.DateOnly) })
			if err := c.town.day(ctx); err != nil {
				return err
			}
		}
		c.jobs.change(func(p *progress) { p.Name, p.Day = "count", "" })
		return c.count(ctx)
	})
}

// night starts the next evening.
func (c *console) night() error {
	return c.jobs.start("night", func(ctx context.Context) error {
		c.jobs.change(func(p *progress) { p.Day = c.town.date(c.town.far().Day).Format(time.DateOnly) })
		if err := c.town.day(ctx); err != nil {
			return err
		}
		c.jobs.change(func(p *progress) { p.Name, p.Day = "count", "" })
		return c.count(ctx)
	})
}
