package vefa

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/survey"
)

// Quota is how many answers a survey takes, of all or of those that a condition holds for. It counts
// answers from the first engine on that has it, in the counter "survey-quota" of the
// record: in all processes together there are never more. One that is larger or smaller
// than before is so for the next answer.
type Quota struct {
	// Name tells the quotas of a survey apart, and is what the record counts under.
	Name string
	// When is an expression over the answers, such as "{sex} = 'm' and {age} <= 25", in the
	// language of the definition. Empty: of all answers.
	When string
	// Limit is how many there may be, from 1 to crm.MaxAmount. Several may together be more than that
	// of all answers: they leave room for who comes, and each can still be full first.
	Limit int64
	// Keep stores what comes afterwards, marked by crm.Answer.OverQuota: it is in no figure of
	// Results. Without it such an answer is not stored, and a survey whose quota of all
	// answers is full is closed. Both say to the respondent that
	// there were enough, but a kiosk, which cannot know.
	Keep bool
}

// LimitError is a fault of the limits of a survey: one that cannot be kept, or that another one makes
// meaningless.
type LimitError struct {
	Survey string
	Field  string // of vefa.Survey: "Quotas" or "Links"
	Name   string // of the Quota, or Code of the SurveyLink
	Msg    string
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("vefa: survey %q: %s %q: %s", e.Survey, e.Field, e.Name, e.Msg)
}

const (
	counterQuota = "survey-quota" // survey/name
	counterLink  = "survey-link"  // code
)

// cell is a Quota that is ready to count.
type cell struct {
	Quota
	counter crm.CounterKey
	when    *survey.Condition // nil: all
}

// checkQuotas compiles the quotas of all surveys and reports every fault.
func (e *Engine) checkQuotas() error {
	e.cells = map[string][]cell{}
	var faults []error
	for i := range e.cfg.Surveys {
		s := &e.cfg.Surveys[i]
		if s.Definition == nil {
			continue // reported already
		}
		report := func(field, name, format string, args ...any) {
			faults = append(faults, &LimitError{s.Name, field, name, fmt.Sprintf(format, args...)})
		}
		fault := func(name, format string, args ...any) { report("Quotas", name, format, args...) }
		names, whens := map[string]bool{}, map[string]string{}
		for _, q := range s.Quotas {
			c := cell{Quota: q, counter: crm.CounterKey{Kind: counterQuota, ID: s.Name + "/" + q.Name}}
			counter := crm.Counter{CounterKey: c.counter, Limit: q.Limit}
			switch err := counter.Validate(); {
			case q.Name == "" || names[q.Name]:
				fault(q.Name, "its name is empty, or that of another")
			case q.Limit < 1:
				fault(q.Name, "%d answers: it would take none", q.Limit)
			case err != nil:
				fault(q.Name, "%v", err)
			}
			if other, twice := whens[q.When]; twice {
				fault(q.Name, "%q limits the same answers", other)
			}
			names[q.Name], whens[q.When] = true, q.Name
			if q.When != "" {
				var err error
				if c.when, err = s.Definition.Condition(q.When); err != nil {
					fault(q.Name, "when: %v", err)
				}
			}
			e.cells[s.Name] = append(e.cells[s.Name], c)
		}
		all := e.whole(s.Name)
		if all == nil {
			continue
		}
		for _, q := range s.Quotas {
			if q.When != "" && q.Limit > all.Limit {
				fault(q.Name, "%d of answers of which %q takes %d: it would never be full", q.Limit, all.Name, all.Limit)
			}
		}
		for _, l := range s.Links {
			if l.Limit > all.Limit && !all.Keep {
				report("Links", l.Code, "%d answers of a survey of which %q takes %d: it would never be reached", l.Limit, all.Name, all.Limit)
			}
		}
	}
	return errors.Join(faults...)
}

// whole returns the quota of all answers to a survey, nil without.
func (e *Engine) whole(name string) *cell {
	for i := range e.cells[name] {
		if c := &e.cells[name][i]; c.When == "" {
			return c
		}
	}
	return nil
}

// closing returns the counters that close what was asked when they are full, and their limits.
func (e *Engine) closing(q *asked) (keys []crm.CounterKey, limits []int64) {
	if all := e.whole(q.survey.Name); all != nil && !all.Keep {
		keys, limits = append(keys, all.counter), append(limits, all.Limit)
	}
	if q.link != nil && q.link.Limit > 0 {
		keys, limits = append(keys, q.link.counter()), append(limits, q.link.Limit)
	}
	return keys, limits
}

// limits returns the quotas that an answer counts for.
func (e *Engine) limits(g *given) []cell {
	var out []cell
	for _, c := range e.cells[g.survey.Name] {
		if c.when == nil || c.when.Holds(g.sent.r, g.sent.at) {
			out = append(out, c)
		}
	}
	if g.link != nil && g.link.Limit > 0 {
		out = append(out, cell{Quota: Quota{Name: "link/" + g.link.Code, Limit: g.link.Limit}, counter: g.link.counter()})
	}
	return out
}

// takeQuotas takes of its quotas what each answer needs, of all or of none, and notes which are over.
func (e *Engine) takeQuotas(ctx context.Context, tx crm.Tx, all []*given) error {
	wants := make([][]cell, len(all))
	asks := make([]int, 0, len(all))
	limits := map[crm.CounterKey]int64{}
	for i, g := range all {
		if wants[i] = e.limits(g); len(wants[i]) > 0 {
			asks = append(asks, i)
		}
		for _, c := range wants[i] {
			limits[c.counter] = c.Limit
		}
	}
	if err := setLimits(ctx, tx, limits); err != nil {
		return err
	}
	for len(asks) > 0 {
		var takes []crm.Take
		for _, i := range asks {
			for _, c := range wants[i] {
				takes = append(takes, crm.Take{ReservationKey: crm.ReservationKey{Counter: c.counter, ID: all[i].key.ID}, Amount: 1, Limit: c.Limit})
			}
		}
		states, err := tx.Reserve(ctx, takes...)
		if err != nil {
			return err
		}
		var confirm []crm.Take
		var release []crm.ReservationKey
		var again []int
		at := 0
		for _, i := range asks {
			mine, got := takes[at:at+len(wants[i])], states[at:at+len(wants[i])]
			at += len(wants[i])
			all[i].over = nil
			var held []crm.ReservationKey
			for j, st := range got {
				if st == crm.Reserved {
					held = append(held, mine[j].ReservationKey)
				} else if all[i].over == nil {
					all[i].over = &wants[i][j].Quota
				}
			}
			switch {
			case all[i].over == nil:
				confirm = append(confirm, mine...)
			case len(held) > 0:
				release = append(release, held...)
			default:
				again = append(again, i)
			}
		}
		if len(confirm) > 0 {
			if _, err := tx.Confirm(ctx, confirm...); err != nil {
				return err
			}
		}
		if len(release) == 0 {
			break
		}
		if _, err := tx.Release(ctx, release...); err != nil {
			return err
		}
		asks = again // there may be room for what was given back
	}
	return nil
}

// setLimits makes the counters of quotas have the limits of the configuration.
func setLimits(ctx context.Context, tx crm.Tx, limits map[crm.CounterKey]int64) error {
	if len(limits) == 0 {
		return nil
	}
	keys := slices.SortedFunc(maps.Keys(limits), crm.CounterKey.Compare)
	counters, err := tx.Counters(ctx, keys...)
	if err != nil {
		return err
	}
	var change []crm.Counter
	for i, c := range counters {
		if c != nil && c.Limit != limits[keys[i]] {
			change = append(change, crm.Counter{CounterKey: keys[i], Limit: limits[keys[i]]})
		}
	}
	if len(change) == 0 {
		return nil
	}
	return tx.SetLimits(ctx, change...)
}
