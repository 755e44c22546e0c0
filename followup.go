package vefa

import (
	"context"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/consent"
	"github.com/vefacrm/vefa/survey/web"
)

// followsUp reports whether the thank-you page lets its reader write to the desk. A visitor of a
// link has no address to which a desk could answer.
func (e *Engine) followsUp(q *asked) bool {
	return e.cfg.Inbox != nil && !q.survey.NoFollowUp && q.effect != nil
}

// FollowUp implements web.FollowUpStore. The form keeps a keyed id of the text, by whose revision one
// of several who write at once is first; with it, in one transaction, the text goes into a ticket as
// Config.Inbox says. A clear opt-out is recorded, too.
func (v *invitations) FollowUp(ctx context.Context, n uint64, text string, at time.Time) (bool, error) {
	e := (*Engine)(v)
	var taken bool
	err := e.svc.Update(ctx, func(tx crm.Tx) error {
		taken = false
		found, err := e.askedBy(ctx, tx, n)
		if err != nil {
			return err
		}
		q := found[0]
		if q == nil {
			return unknownLink()
		}
		if !e.followsUp(q) || q.state() != web.Answered || !at.Before(q.ends) {
			return web.ErrEnded
		}
		said := string(e.keys.ids.ID("follow-up", q.who, q.key, text))
		if q.form.Said != "" {
			taken = q.form.Said == said
			return nil
		}
		f := q.form
		f.Said = said
		st, err := q.formState(f)
		if err != nil {
			return err
		}
		if err := tx.PutStates(ctx, st); err != nil {
			return err
		}
		if err := e.fileFollowUp(ctx, tx, q, text, at); err != nil {
			return err
		}
		taken = true
		return nil
	})
	return taken && err == nil, err
}

// fileFollowUp files what a respondent wrote.
func (e *Engine) fileFollowUp(ctx context.Context, tx crm.Tx, q *asked, text string, at time.Time) error {
	by := orChannel(q.effect.Via, q.effect.To)
	w := written{
		Inbound: messaging.Inbound{ID: "follow-up/" + string(q.effect.ID)},
		fact: &crm.Fact{Subject: crm.OfAddress(q.effect.To), At: crm.Micros(at), Version: 1,
			Data: &crm.Interaction{Channel: string(by), Direction: "in", Text: clipLines(strings.ToValidUTF8(text, "\ufffd"), 10_000)}},
		who:    q.who.Profile,
		ticket: crm.FactRef{Subject: q.who, Key: crm.FactKey{Kind: crm.KindTicket, Source: answerSource, ID: q.key.ID}},
	}
	w.key(e.keys.ids)
	if _, _, _, err := e.fileInbound(ctx, tx, &w, &FeedbackReport{}); err != nil {
		return err
	}
	var parser consent.Parser
	if parser.Parse(text).Intent != consent.OptOut {
		return nil
	}
	return deliver(ctx, e.svc.In(tx), &crm.Fact{Key: crm.FactKey{Kind: crm.KindConsent, Source: "follow-up", ID: string(q.effect.ID)}, Subject: w.fact.Subject, At: w.fact.At, Version: 1,
		Data: &crm.Consent{ConsentKey: e.cfg.Consent, Status: crm.Refused, Via: "HS_WEB", Actor: "recipient", Proof: "follow-up " + string(q.effect.ID)}})
}
