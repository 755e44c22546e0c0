package worth

import (
	"fmt"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/lifecycle"
)

// Stage is a stage of a life that shows in what is bought, such as a child at home in nappies and baby food.
type Stage struct {
	Name       string   // what LifeStage calls it; at most 64 bytes, of each stage another
	Categories []string // of articles, as sources name them; one or more, none in two stages
}

// checkStages reports the first fault.
func checkStages(stages []Stage) error {
	names, seen := map[string]bool{}, map[string]string{}
	for i, s := range stages {
		switch {
		case s.Name == "" || len(s.Name) > 64:
			return fmt.Errorf("[%d].Name is %q, not 1 to 64 bytes", i, s.Name)
		case names[s.Name]:
			return fmt.Errorf("[%d].Name: there is another %q", i, s.Name)
		case len(s.Categories) == 0:
			return fmt.Errorf("[%d].Categories of %q is empty: nothing would show it", i, s.Name)
		}
		names[s.Name] = true
		for _, c := range s.Categories {
			if other, is := seen[c]; is || c == "" {
				return fmt.Errorf("[%d].Categories of %q: %q is empty, or is one of %q", i, s.Name, c, other)
			}
			seen[c] = s.Name
		}
	}
	return nil
}

// stageFields are there where stages are defined.
var stageFields = []field{
	{crm.Field{Name: "LifeStage", Type: crm.FieldString, Max: 64, Doc: "stage of the customer's life, by what he began to buy more of; of several the last that began, for as long as it may be believed", Lines: true},
		func(a *asked) (any, error) { c, err := a.stage(); return only(c.name != "", c.name), err }},
	{crm.Field{Name: "LifeStageAt", Type: crm.FieldTime, Doc: "when it began", Lines: true},
		func(a *asked) (any, error) {
			c, err := a.stage()
			return only(c.name != "", noon(c.day, a.s.Zone)), err
		}},
	{crm.Field{Name: "LifeStageUntil", Type: crm.FieldTime, Doc: "until when it may be believed at the latest, if nothing more is seen of it", Lines: true},
		func(a *asked) (any, error) {
			c, err := a.stage()
			return only(c.name != "", noon(c.until, a.s.Zone)), err
		}},
	{crm.Field{Name: "LifeStageConfidence", Type: crm.FieldFloat, Doc: "that it is none by chance, 0 to 1", Lines: true},
		func(a *asked) (any, error) { c, err := a.stage(); return only(c.name != "", c.confidence), err }},
}

// begun is something that a customer began to buy more of.
type begun struct {
	name       string
	day, until int
	confidence float64
}

// change returns the last change that may still be believed: of a category that is bought more often.
func (a *asked) change() (begun, error) {
	return a.began(func(category string) string { return category }, 0)
}

// stage returns the last stage that may still be believed.
func (a *asked) stage() (begun, error) {
	return a.began(func(category string) string { return a.m.stages[category] }, len(a.m.cfg.Stages))
}

// began returns what the customer last began to buy more of and may still be believed: categories go by what of says, "" is
// left out. among is how many could have been seen; 0 stands for as many as he bought of.
func (a *asked) began(of func(category string) string, among int) (out begun, err error) {
	days := map[string][]int{}
	for i := range a.s.Lines {
		p := &a.s.Lines[i]
		if !p.Sale() || p.Category == "" {
			continue
		}
		if name := of(p.Category); name != "" {
			days[name] = append(days[name], p.Day)
		}
	}
	from := int(a.first)
	last := (a.s.Today - from) * 12 / 365 // the month that runs
	if len(days) == 0 || last < 1 || last > 10_000 {
		return out, nil
	}
	if among == 0 {
		among = len(days)
	}
	alpha := a.m.cfg.Alpha / float64(among)
	begins := func(month int) int { return from + (month*365+11)/12 }
	for name, at := range days {
		counts := make([]int, last+1)
		for _, day := range at {
			counts[max(0, min(last, (day-from)*12/365))]++
		}
		shifts, err := lifecycle.Shifts(counts, months, alpha)
		if err != nil || len(shifts) == 0 {
			if err != nil {
				return out, err
			}
			continue
		}
		s, seen := shifts[len(shifts)-1], last
		for counts[seen] == 0 {
			seen--
		}
		// After it was last seen it is believed for as long as it was seen for, at most a year.
		believed := seen + min(seen+1-s.At, months)
		if s.After <= s.Before || believed < last {
			continue
		}
		c := begun{name, begins(s.At), begins(believed+1) - 1, 1 - s.P*float64(among)}
		if out.name == "" || c.day > out.day || c.day == out.day && (c.confidence > out.confidence || c.confidence == out.confidence && name < out.name) {
			out = c
		}
	}
	return out, nil
}
