package vefa

import (
	"context"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/web"
)

// submission is an answer that waits to be stored.
type submission struct {
	n     uint64
	r     survey.Response
	at    time.Time
	first bool  // it was stored, within its quotas
	err   error // of this one alone
}

// Submit implements web.Store: the answer, what it takes of quotas, its ticket if it is bad, and the
// silence that follows are one transaction, which those of others who answer at the same
// moment may share. The first answer wins.
func (v *invitations) Submit(ctx context.Context, n uint64, r survey.Response, at time.Time) (bool, error) {
	e := (*Engine)(v)
	s := &submission{n: n, r: r, at: at}
	err := e.submits.do(ctx, s, e.submit)
	if err == nil {
		err = s.err
	}
	return s.first && err == nil, err
}

// submit stores answers in one transaction.
func (e *Engine) submit(ctx context.Context, batch []*submission) error {
	return e.svc.Update(ctx, func(tx crm.Tx) error {
		ns := make([]uint64, len(batch))
		for i, s := range batch {
			s.first, s.err, ns[i] = false, nil, s.n
		}
		found, err := e.askedBy(ctx, tx, ns...)
		if err != nil {
			return err
		}
		var given []*given
		var forms []*crm.State
		seen := map[crm.FactKey]bool{}
		for i, q := range found {
			if q == nil {
				batch[i].err = unknownLink()
				continue
			}
			if q.state() != web.Open || seen[q.key] {
				continue
			}
			seen[q.key] = true
			given = append(given, e.give(q, batch[i]))
		}
		if len(given) == 0 {
			return nil
		}
		// The forms first: who was faster with one of them, with a draft, an answer or "not me", is
		// seen by its revision.
		for _, g := range given {
			st, err := g.formState(answerForm{Key: g.sent.r.Key, Until: g.forget(e)})
			if err != nil {
				return err
			}
			forms = append(forms, st)
		}
		if err := tx.PutStates(ctx, forms...); err != nil {
			return err
		}
		if err := e.takeQuotas(ctx, tx, given); err != nil {
			return err
		}
		var facts []*crm.Fact
		var over []*crm.State
		svc := e.svc.In(tx)
		for i, g := range given {
			if g.over != nil {
				forms[i], err = newForm(g.key, forms[i], answerForm{Key: g.sent.r.Key, Over: g.over.Name, Until: g.forget(e)})
				if err != nil {
					return err
				}
				over = append(over, forms[i])
				if !g.over.Keep {
					continue
				}
				g.answer.OverQuota = g.over.Name
			}
			g.sent.first = g.over == nil
			mine, err := g.facts(ctx, svc)
			if err != nil {
				return err
			}
			facts = append(facts, mine...)
		}
		if len(over) > 0 {
			if err := tx.PutStates(ctx, over...); err != nil {
				return err
			}
		}
		if len(facts) == 0 {
			return nil
		}
		return svc.Record(ctx, facts...)
	})
}

// given is an answer to what was asked.
type given struct {
	*asked
	sent   *submission
	answer *crm.Answer
	over   *Quota // the first that is full; nil: none
}

// give makes the answer of a response.
func (e *Engine) give(q *asked, sent *submission) *given {
	a := e.answerTo(q.survey.Name, q.survey.Definition, sent.r)
	a.Channel = "personal"
	if q.effect != nil {
		a.Effect, a.About = q.effect.ID, q.about
	} else {
		a.Channel, a.Link = q.link.Channel, q.link.Code
	}
	a.Begun = q.begun(sent.r.Begun, sent.at)
	return &given{asked: q, sent: sent, answer: a}
}

// answerTo is what the record keeps of a response to a definition of a survey.
func (e *Engine) answerTo(name string, def *survey.Definition, r survey.Response) *crm.Answer {
	a := &crm.Answer{Survey: name, Score: -1, Bad: def.Bad(r, survey.ScoreOptions{}), Values: r.Answers, Version: e.versions[def], Language: r.Language}
	if score, ok := def.Score(r, survey.ScoreOptions{}); ok && score.Answered {
		a.Metric, a.Score = string(score.Metric), score.Value
	}
	var said []string
	for _, w := range def.Written(r) {
		said = append(said, w.Text)
	}
	a.Comment = strings.Join(said, "\n")
	return a
}

// begun is when the answer was begun: when its first draft was kept, or what its page says, which
// anybody can change, where that can be.
func (q *asked) begun(said, at time.Time) time.Time {
	if q.form.Draft != nil && (said.IsZero() || said.After(q.form.Begun)) {
		said = q.form.Begun
	}
	if said.IsZero() || said.After(at) || q.effect != nil && said.Before(q.effect.SentAt.Truncate(time.Second)) {
		return time.Time{}
	}
	return crm.Micros(said)
}

// forget is when the form of an answer by a link is not needed any more.
func (g *given) forget(e *Engine) time.Time {
	if g.effect != nil {
		return time.Time{}
	}
	return g.sent.at.Add(e.cfg.AnswerWithin)
}

// facts are the answer and, of a bad one, its ticket.
func (g *given) facts(ctx context.Context, svc *crm.Service) ([]*crm.Fact, error) {
	at := g.sent.at
	facts := []*crm.Fact{{Key: g.key, Subject: g.who, At: at, Place: g.place, Version: 1, Data: g.answer}}
	if !g.answer.Bad {
		return facts, nil
	}
	about := g.who
	if g.effect == nil {
		if err := g.link.known(ctx, svc, at); err != nil {
			return nil, err
		}
		about = g.link.subject()
	}
	return append(facts, &crm.Fact{
		Key: crm.FactKey{Kind: crm.KindTicket, Source: answerSource, ID: g.key.ID}, Subject: about, At: at, Place: g.place, Version: 1,
		Data: &crm.Ticket{Title: "A bad answer to " + g.survey.Name, State: crm.TicketOpen, Reason: "survey", Cause: g.key, Assignee: g.place, Opened: crm.Micros(at)},
	}), nil
}
