package vefa

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/survey/web"
)

// Reminder is a message to those who were asked to answer a survey and have not. It has the link of
// the invitation, and all else of its message but the words: class, caps, quiet hours, budget.
type Reminder struct {
	// After is how long after the message before it, which is the invitation or another reminder,
	// it leaves at the earliest. All of a survey together must be shorter than
	// Config.AnswerWithin.
	After time.Duration
	// Text and Contents are what it says, as those of a messaging.Campaign; without both it
	// says what the invitation says.
	Text     string
	Contents []messaging.Content
}

// Reminds says what a message reminds of.
type Reminds struct {
	Invitation crm.EffectID `json:"invitation"`
	N          int          `json:"n"` // the first reminder is 1
}

// GuardReminder withholds a reminder of what was answered, has ended, did not go out or reached
// another person, or to one of whom a ticket was opened since he was asked.
const GuardReminder = "reminder"

const causeReminder = "reminder" // with the name of the survey

// reminder is the message of a survey's reminder, counted from 1.
func (c *Config) reminder(s *Survey, n int) *messaging.Campaign {
	m, r := s.Invitation, s.Reminders[n-1]
	if r.Text != "" {
		m.Text = r.Text
	}
	if len(r.Contents) > 0 { // of which these are the short form
		m.Contents, m.Channel, m.Text, m.MaxSegments = r.Contents, "", r.Text, 0
		m.Route, m.Cost = messaging.Campaign{}.Route, crm.Money{}
	}
	if r.Text != "" || len(r.Contents) > 0 {
		m.Fields = slices.DeleteFunc(slices.Clone(m.Fields), func(f messaging.Field) bool { return !m.Shows(f.Name) })
		c.declareLink(&m)
	}
	return &m
}

func reminderName(survey string, n int) string {
	return messageName(causeReminder, survey+"/"+strconv.Itoa(n))
}

// checkReminders reports every fault of the reminders of a survey.
func (c *Config) checkReminders(s *Survey) error {
	var faults []error
	all := time.Duration(0)
	for i, r := range s.Reminders {
		fault := func(format string, args ...any) {
			faults = append(faults, fmt.Errorf("vefa: survey %q: reminder %d: "+format, append([]any{s.Name, i + 1}, args...)...))
		}
		if r.After <= 0 || r.After >= c.AnswerWithin {
			fault("it comes %s after the message before it, and the survey takes answers for %s", r.After, c.AnswerWithin)
			continue
		}
		if all += r.After; all >= c.AnswerWithin {
			fault("it comes %s after the invitation, and the survey takes answers for %s", all, c.AnswerWithin)
		}
		if err := c.reminder(s, i+1).Validate(c.Channels...); err != nil && s.Invitation.Validate(c.Channels...) == nil {
			fault("%w", err)
		}
	}
	return errors.Join(faults...)
}

// spends is the name by which the budget of a message is counted: a reminder's is that of its
// invitation.
func (d *MessageData) spends() string {
	if d.Reminds != nil {
		return messageName("survey", d.Survey)
	}
	return d.Name
}

// nextReminder is the reminder that follows a message of a survey that leaves now; nil: none. Its id
// is that of the invitation and its number, so that it is planned once by all processes together.
func (e *Engine) nextReminder(f *crm.Effect, d MessageData, now time.Time) (*crm.Effect, error) {
	if d.Survey == "" || d.Link == 0 {
		return nil, nil
	}
	of := Reminds{Invitation: f.ID}
	if d.Reminds != nil {
		of = *d.Reminds
	}
	of.N++
	s := e.surveyOf(d.Survey)
	if s == nil || of.N > len(s.Reminders) {
		return nil, nil
	}
	next := &crm.Effect{Kind: crm.EffectMessage, Cause: messageName(causeReminder, s.Name), Version: f.Version, Subject: f.Subject, About: f.About,
		Occurrence: fmt.Sprintf("%s/%d", of.Invitation, of.N), Due: now.Add(s.Reminders[of.N-1].After), State: crm.Planned, Created: now, Changed: now}
	next.ID = e.keys.ids.ID(next.Cause, next.Subject, next.About, next.Occurrence)
	data := MessageData{Name: reminderName(s.Name, of.N), Profile: d.Profile, Survey: s.Name, Class: d.Class, Ignores: d.Ignores,
		After: f.ID, Meta: d.Meta, Link: d.Link, Reminds: &of}
	var err error
	next.Data, err = json.Marshal(data)
	return next, err
}

// reminding says what is against the reminders of a batch; those that have no entry may go.
func (e *Engine) reminding(ctx context.Context, tx crm.Tx, effects []*crm.Effect, all []claimed, now time.Time) (map[crm.EffectID]Objection, error) {
	var ns []uint64
	var which []int
	var before []crm.EffectID
	for i := range effects {
		if d := &all[i].data; d.Reminds != nil {
			ns, which, before = append(ns, d.Link), append(which, i), append(before, d.After)
		}
	}
	if len(ns) == 0 {
		return nil, nil
	}
	found, err := e.askedBy(ctx, tx, ns...)
	if err != nil {
		return nil, err
	}
	previous, err := tx.Effects(ctx, before...)
	if err != nil {
		return nil, err
	}
	used := map[crm.CounterKey]int64{}
	for _, q := range found {
		if q != nil {
			keys, _ := e.closing(q)
			for _, k := range keys {
				used[k] = 0
			}
		}
	}
	if err := readUsed(ctx, tx, used); err != nil {
		return nil, err
	}
	out := map[crm.EffectID]Objection{}
	for j, q := range found {
		f, c := effects[which[j]], &all[which[j]]
		o := e.mayRemind(q, previous[j], c.data.Reminds, now)
		if !o.Against && q != nil {
			keys, limits := e.closing(q)
			for k := range keys {
				if used[keys[k]] >= limits[k] {
					o = Objection{Against: true, Note: "the survey has enough answers"}
				}
			}
		}
		if !o.Against && q != nil {
			complained, err := c.complained(ctx, tx, q.effect.SentAt)
			if err != nil {
				return nil, err
			}
			if complained {
				o = Objection{Against: true, Note: "a ticket was opened since"}
			}
		}
		out[f.ID] = o
	}
	return out, nil
}

// mayRemind says what is against a reminder of what was asked, after the message before it.
func (e *Engine) mayRemind(q *asked, previous *crm.Effect, of *Reminds, now time.Time) Objection {
	no := func(note string) Objection { return Objection{Against: true, Note: note} }
	if previous == nil {
		return no("the message before it is gone")
	}
	switch previous.State {
	case crm.Planned: // the provider took it back after it had been claimed
		return Objection{} // GuardOrder has it wait
	case crm.Sent, crm.Done, crm.Unknown:
	default:
		return no("the message before it did not go out")
	}
	if q == nil || q.effect == nil || q.effect.ID != of.Invitation {
		return no("the invitation is gone")
	}
	if of.N < 1 || of.N > len(q.survey.Reminders) {
		return no("the survey has no such reminder any more")
	}
	switch q.state() {
	case web.NotMe:
		return no("it reached somebody else")
	case web.Answered, web.Full:
		return no("it was answered")
	}
	if !now.Before(q.ends) {
		return no("the survey takes no answer any more")
	}
	if at := previous.SentAt.Add(q.survey.Reminders[of.N-1].After); now.Before(at) {
		return Objection{NotBefore: at, Note: "the message before it left " + previous.SentAt.UTC().Format(time.RFC3339)}
	}
	return Objection{}
}

// complained reports whether a ticket of the customer was opened after an instant, other than by a
// rule.
func (c *claimed) complained(ctx context.Context, r crm.Reader, since time.Time) (bool, error) {
	subjects := make([]crm.Subject, len(c.profiles))
	for i, p := range c.profiles {
		subjects[i] = crm.OfProfile(p.ProfileKey)
	}
	slices.SortFunc(subjects, crm.Subject.Compare)
	for f, err := range crm.FactsOf(ctx, r, subjects, crm.KindTicket) {
		if err != nil {
			return false, err
		}
		if t := f.Data.(*crm.Ticket); t.Opened.After(since) && t.Reason != "rule" {
			return true, nil
		}
	}
	return false, nil
}

// reminded returns the invitation of which a message is a reminder, and the message itself where it
// is none.
func reminded(ctx context.Context, r crm.Reader, f *crm.Effect, d MessageData) (*crm.Effect, error) {
	if d.Reminds == nil {
		return f, nil
	}
	found, err := r.Effects(ctx, d.Reminds.Invitation)
	if err != nil || found[0] == nil {
		return f, err
	}
	return found[0], nil
}
