package vefa

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/survey/web"
)

// asked is one survey that a person was asked to answer: by a message, or by a link that
// everybody may open.
type asked struct {
	survey *Survey
	effect *crm.Effect // the message; nil: a link
	link   *SurveyLink // nil: a message
	who    crm.Subject // whom the answer is about
	key    crm.FactKey // of the answer
	about  crm.FactKey // the order or visit that was asked about; zero: none
	place  string      // id; empty: without one
	ends   time.Time   // of answering; zero: never
	answer *crm.Fact   // nil: none yet
	notMe  bool        // it reached another person, whose answers are not the customer's
	form   answerForm
	was    *crm.State // that form was read from; nil: none yet
}

// state is what the pages are to know of it, apart from quotas that are full.
func (q *asked) state() web.State {
	switch {
	case q.notMe:
		return web.NotMe
	case q.form.Over != "":
		return web.Full
	case q.answer != nil:
		return web.Answered
	}
	return web.Open
}

// notMeUntil is when "this message was not for me" ends; it is over for who was written nothing.
func (q *asked) notMeUntil(e *Engine) time.Time {
	if q.effect == nil {
		return time.Unix(1, 0)
	}
	return q.effect.SentAt.Add(e.cfg.NotMeWithin)
}

func unknownLink() error {
	return &crm.Error{Op: "find", Entity: "link", Kind: crm.ErrNotFound}
}

// askedBy finds what survey tokens belong to: messages that were sent, and visitors of links. It
// returns one entry per number, nil where there is none.
func (e *Engine) askedBy(ctx context.Context, r crm.Reader, ns ...uint64) ([]*asked, error) {
	out := make([]*asked, len(ns))
	if err := e.askedByMessage(ctx, r, ns, out); err != nil {
		return nil, err
	}
	var facts []crm.FactRef
	var states []crm.StateKey
	var at []int
	for i, n := range ns {
		if isOpenLink(n) {
			out[i] = e.askedByLink(n)
		}
		q := out[i]
		if q == nil {
			continue
		}
		incident := q.key
		if q.effect != nil {
			incident = incidentKey(q.effect)
		}
		facts = append(facts, crm.FactRef{Subject: q.who, Key: q.key}, crm.FactRef{Subject: q.who, Key: incident})
		states, at = append(states, formOf(q.key)), append(at, i)
	}
	if len(at) == 0 {
		return out, nil
	}
	// The forms first: of an answer or a "not me" that comes between the two reads the facts tell, and of
	// one that comes after them the form's revision. The other way round neither would.
	forms, err := r.States(ctx, states...)
	if err != nil {
		return nil, err
	}
	found, err := r.Facts(ctx, facts...)
	if err != nil {
		return nil, err
	}
	for j, i := range at {
		q := out[i]
		q.answer, q.notMe = found[2*j], q.effect != nil && misdirected(found[2*j+1])
		if q.was = forms[j]; q.was != nil {
			if err := q.was.Decode(&q.form); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// askedByMessage fills in what messages asked.
func (e *Engine) askedByMessage(ctx context.Context, r crm.Reader, ns []uint64, out []*asked) error {
	var keys []string
	var at []int
	for i, n := range ns {
		if !isOpenLink(n) {
			keys, at = append(keys, linkKey(n)), append(at, i)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	refs, err := r.Refs(ctx, refLink, 1, keys...)
	if err != nil {
		return err
	}
	var ids []crm.EffectID
	var of []int
	for j, found := range refs {
		if len(found) > 0 {
			ids, of = append(ids, crm.EffectID(found[0].Target)), append(of, at[j])
		}
	}
	if len(ids) == 0 {
		return nil
	}
	effects, err := r.Effects(ctx, ids...)
	if err != nil {
		return err
	}
	var abouts []crm.FactKey
	var whose []*asked
	for j, f := range effects {
		if f == nil || f.SentAt.IsZero() {
			continue
		}
		var d MessageData
		if err := json.Unmarshal(f.Data, &d); err != nil {
			return fmt.Errorf("vefa: effect %s: %w", f.ID, err)
		}
		s := e.surveyOf(d.Survey)
		if s == nil {
			continue
		}
		q := &asked{survey: s, effect: f, who: answerSubject(f, d), key: answerKey(f), about: occasionOf(f, d), ends: f.SentAt.Add(e.cfg.AnswerWithin)}
		out[of[j]] = q
		if !q.about.IsZero() {
			abouts, whose = append(abouts, q.about), append(whose, q)
		}
	}
	facts, err := factsAbout(ctx, r, abouts)
	if err != nil {
		return err
	}
	for _, q := range whose {
		if f := facts[q.about]; f != nil {
			q.place = f.Place
		}
	}
	return nil
}

// surveyOf finds a survey of the configuration.
func (e *Engine) surveyOf(name string) *Survey {
	for i := range e.cfg.Surveys {
		if s := &e.cfg.Surveys[i]; s.Name == name {
			return s
		}
	}
	return nil
}
