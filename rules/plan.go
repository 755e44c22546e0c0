package rules

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/rules/internal/closure"
)

// CausePrefix begins the Cause of every effect of a rule; the rule's name
// follows.
const CausePrefix = "rule/"

// Target is what a firing is about in the record.
type Target struct {
	// Subject is the profile (or address) that the triggering record hangs on:
	// of a rule with Each that of the row's order, visit or answer, else the
	// profile that the customer was first seen as.
	Subject crm.Subject
	// About is the fact that the row came from. It may be zero for a rule
	// without Each.
	About crm.FactKey
}

// Payload is what an effect of a rule carries as Data.
type Payload struct {
	// Action is the kind of the action: "tag", "message", or one of the host's.
	Action string `json:"action"`
	Name   string `json:"name"` // what the action names: tag, survey, template, queue or task
	// With are the parameters as the rule has them.
	With    map[string]string `json:"with,omitempty"`
	Row     crm.FactKey       `json:"row,omitzero"`     // of a rule with Each: the fact it fired for
	Planned string            `json:"planned"`          // local day of the firing, such as 2025-03-01
	Expires time.Time         `json:"expires,omitzero"` // of tag: when it ends
}

// DecodePayload returns what an effect of a rule carries.
func DecodePayload(e *crm.Effect) (Payload, error) {
	var p Payload
	if !strings.HasPrefix(e.Cause, CausePrefix) {
		return p, fmt.Errorf("rules: effect %s is of %q, not of a rule", e.ID, e.Cause)
	}
	if err := json.Unmarshal(e.Data, &p); err != nil {
		return p, fmt.Errorf("rules: effect %s: %w", e.ID, err)
	}
	return p, nil
}

// BuiltInActions returns the kinds of actions that a schema knows where
// Options.Actions names none. Append your own.
func BuiltInActions() []ActionType {
	return []ActionType{
		{Kind: "tag", Doc: "sets a tag, for as long as for says", Effect: crm.EffectTag, SetsTag: true},
		{Kind: "untag", Doc: "takes a tag away", Effect: crm.EffectTag, ClearsTag: true},
		{Kind: "survey", Doc: "invites to a survey", Effect: crm.EffectMessage},
		{Kind: "message", Doc: "sends a message", Effect: crm.EffectMessage},
		{Kind: "ticket", Doc: "opens a ticket in a queue", Effect: crm.EffectTicket},
		{Kind: "task", Doc: "has the host do something", Effect: crm.EffectTask},
	}
}

// ask calls Check, whose panics are its answer.
func (t *ActionType) ask(a Action) (err error) {
	defer crm.Recover("check action", &err)
	return t.Check(a)
}

// Plan appends the effects of a firing to dst: one per action, in order, with
// deterministic ids, so that planning the same firing again gives the same
// effects. The id is made under the installation's key of
//
//   - the cause, "rule/" and the rule's name;
//   - the subject;
//   - with once per row, the fact it is about;
//   - the occurrence: the action's id (kind:name if it has none) and, with once
//     per day, week, month, year or version, "@" and which one.
//
// Everything else (condition, delay, parameters) may be edited without anybody
// being written to twice. An effect is due after the delay, see Action, in the
// zone of the moment. Give the effects to Record, or to a Tx of the record.
func (s *Set[F]) Plan(ids *crm.EffectIDs, dst []*crm.Effect, f Firing, t Target, m *Moment) ([]*crm.Effect, error) {
	if ids == nil {
		return dst, errors.New("rules: plan: the ids of effects need a key, see crm.NewEffectIDs")
	}
	c := s.byName[f.Rule.Name]
	if c == nil || c.rule != f.Rule {
		return dst, fmt.Errorf("rules: the firing of %q is of another set", f.Rule.Name)
	}
	r := c.rule
	if err := t.Subject.Validate(); err != nil {
		return dst, fmt.Errorf("rules: plan %s: %w", r.Name, err)
	}
	var about crm.FactKey
	if r.Once == oncePerRow {
		if about = t.About; about.IsZero() {
			return dst, fmt.Errorf("rules: plan %s: once per row needs the row's fact", r.Name)
		}
	}
	planned := len(dst)
	for i := range r.Then {
		a, ca := &r.Then[i], &c.Actions[i]
		p := Payload{Action: a.Kind, Name: a.Name, With: a.With, Planned: m.Date()}
		if c.Each != nil {
			p.Row = t.About
		}
		due := crm.Micros(ca.Delay.Due(&m.c, ca.Clock))
		if ca.Lasts {
			p.Expires = crm.Micros(ca.Last.Due(m.c.At(due), -1))
		}
		data, err := json.Marshal(p)
		if err != nil {
			return dst[:planned], fmt.Errorf("rules: plan %s: %w", r.Name, err)
		}
		e := &crm.Effect{
			Kind: s.schema.s.actions[a.Kind].Effect, Cause: CausePrefix + r.Name, Version: r.Version,
			Subject: t.Subject, About: about, Occurrence: occurrence(r, a, m),
			Due: due, State: crm.Planned, Created: crm.Micros(m.c.Now), Changed: crm.Micros(m.c.Now), Data: data,
			Reasons: []crm.Reason{{Guard: "when", Pass: true}},
		}
		if r.Rearm && a.After != "" {
			e.Reasons = append(e.Reasons, crm.Reason{Guard: guardRearm, Pass: true})
		}
		e.ID = ids.ID(e.Cause, e.Subject, e.About, e.Occurrence)
		dst = append(dst, e)
	}
	return dst, nil
}

// occurrence tells the repetitions of an action apart: within one period, or one version
// of the rule, it is the same text and so the same effect id.
func occurrence(r *Rule, a *Action, m *Moment) string {
	switch r.Once {
	case oncePerDay, oncePerWeek, oncePerMonth, oncePerYear:
		return a.key() + "@" + m.Period(r.Once)
	case oncePerVersion:
		return fmt.Sprintf("%s@v%d", a.key(), r.Version)
	}
	return a.key()
}

// Decision is the answer of Recheck.
type Decision struct {
	// Proceed says that the effect may be carried out.
	Proceed bool
	State   crm.EffectState // if it must not proceed: Withheld or Cancelled
	Reasons []crm.Reason    // every check, in a fixed order
}

// Recheck decides whether an effect that is due should still happen: whether
// its rule is there, enabled and in effect, whether none of its cancel_on
// conditions holds and whether its guard does, all by the facts of now and the
// active version of the rule. row is the index of the row that the effect is
// about (RowOf tells which) in the rule's Each field, or -1 if there is none
// any more. A failing guard withholds, everything else cancels. It decides
// nothing about consent, tickets and silence: those are the sender's checks.
//
// The error is a *BoundsError or says that the effect is not of a rule.
func (s *Set[F]) Recheck(e *crm.Effect, facts *F, row int, m *Moment) (Decision, error) {
	name, ok := strings.CutPrefix(e.Cause, CausePrefix)
	if !ok {
		return Decision{}, fmt.Errorf("rules: effect %s is of %q, not of a rule", e.ID, e.Cause)
	}
	d := Decision{Proceed: true, State: crm.Planned}
	check := func(guard string, pass bool, state crm.EffectState, note string) {
		d.Reasons = append(d.Reasons, crm.Reason{Guard: guard, Pass: pass, Note: note})
		if !pass && d.Proceed {
			d.Proceed, d.State = false, state
		}
	}
	c := s.byName[name]
	switch {
	case c == nil:
		check("rule", false, crm.Cancelled, "the rule is gone")
		return d, nil
	case c.rule.Disabled:
		check("rule", false, crm.Cancelled, "the rule is disabled")
		return d, nil
	case c.rule.Version != e.Version:
		check("rule", true, "", "changed since it was planned")
	default:
		check("rule", true, "", "")
	}
	if m.c.Today < c.From || m.c.Today > c.To {
		check("effective", false, crm.Cancelled, "the rule is in effect "+c.rule.From+".."+c.rule.To)
	}
	v, err := s.env(facts, m)
	if err != nil {
		return Decision{}, err
	}
	if c.Each != nil {
		var found bool
		if v.Row, found = closure.RowAt(v, c.Each, row); !found {
			check("row", false, crm.Cancelled, "the "+c.rule.Each+" row that it is about is gone")
			return d, nil
		}
	}
	for _, k := range c.CancelOn {
		holds := k.Test(v)
		check("cancel_on "+k.Name, !holds, crm.Cancelled, "")
	}
	if c.Guard != nil {
		check("guard", c.Guard(v), crm.Withheld, "")
	}
	return d, nil
}

// RowOf returns the fact that an effect of a rule with Each is about, or the
// zero key.
func RowOf(e *crm.Effect) crm.FactKey {
	if !e.About.IsZero() {
		return e.About
	}
	p, err := DecodePayload(e)
	if err != nil {
		return crm.FactKey{}
	}
	return p.Row
}
