package vefa

import (
	"context"
	"errors"
	"fmt"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/invite"
	"github.com/vefacrm/vefa/survey/web"
)

// answerTopic is the Topic of inbound messages that were the answer to a survey.
const answerTopic = "answer"

// replyScale returns the question that a reply answers, and its lowest and highest point.
func replyScale(d *survey.Definition) (q survey.Question, lowest, highest int, err error) {
	for q = range d.Questions() {
		break
	}
	if q.Type != "rating" || len(q.Choices) < 2 {
		return q, 0, 0, errors.New("its first question is no rating")
	}
	for i, c := range q.Choices {
		v, ok := c.Value.(float64)
		if n := int(v); !ok || float64(n) != v || n < 0 || n > 100 || i > 0 && n != highest+1 {
			return q, 0, 0, errors.New("the scale of its first question is not of whole numbers one after the other, within 0 to 100")
		} else if highest = n; i == 0 {
			lowest = n
		}
		if _, err := d.Check(survey.Response{Answers: map[string]any{q.Key(): v}}); err != nil {
			return q, 0, 0, fmt.Errorf("it needs more answers than that to its first question: %w", err)
		}
	}
	return q, lowest, highest, nil
}

// rated reports whether an inbound message is the answer to the survey that the address was asked
// last, and takes it: once, also if the provider tells of it again.
func (e *Engine) rated(ctx context.Context, w *written) (bool, error) {
	any := false
	for i := range e.cfg.Surveys {
		any = any || e.cfg.Surveys[i].Replies
	}
	if !any {
		return false, nil
	}
	var s *submission
	known := false
	look := func(r crm.Reader) error {
		s, known = nil, false
		kept, err := w.kept(ctx, r)
		if err != nil || kept != nil {
			known = kept != nil && kept.Data.(*crm.Interaction).Topic == answerTopic
			return err
		}
		s, known, err = e.rating(ctx, r, w)
		return err
	}
	if err := e.cfg.Store.View(ctx, look); err != nil || s == nil {
		return known, err
	}
	first, err := (*invitations)(e).Submit(ctx, s.n, s.r, s.at)
	if err != nil || first {
		return first, err
	}
	// Another call was faster, and that may have been with this reply.
	err = e.cfg.Store.View(ctx, look)
	return known, err
}

// rating reads a reply as an answer; known: it was taken before. Where neither, it is none.
func (e *Engine) rating(ctx context.Context, r crm.Reader, w *written) (s *submission, known bool, err error) {
	at := w.fact.At
	f, d, err := lastMessage(ctx, r, w.fact.Subject.Address)
	if err != nil || f == nil || d.Survey == "" || d.Link == 0 || at.Before(f.SentAt.Truncate(1e9)) { // providers tell seconds
		return nil, false, err
	}
	of := e.surveyOf(d.Survey)
	if of == nil || !of.Replies {
		return nil, false, nil
	}
	q, lowest, highest, err := replyScale(of.Definition)
	if err != nil {
		return nil, false, err // New refuses it
	}
	n, err := invite.ParseRating(w.Text, lowest, highest)
	if err != nil {
		return nil, false, nil // it is a message like others
	}
	found, err := e.askedBy(ctx, r, d.Link)
	if err != nil || found[0] == nil {
		return nil, false, err
	}
	key := w.fact.Key.ID
	switch asked := found[0]; {
	case asked.answer != nil:
		return nil, asked.form.Key == key, nil
	case asked.state() != web.Open || !at.Before(asked.ends):
		return nil, false, nil
	}
	resp, err := of.Definition.CheckAt(survey.Response{Answers: map[string]any{q.Key(): float64(n)}, Key: key}, at)
	return &submission{n: d.Link, r: resp, at: at}, false, err
}
