package vefa

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/consent"
)

// script returns what was said as the script of one channel.
func (e *Engine) script(s *Said) (*messaging.Script, error) {
	plain := strings.NewReplacer("{", "{{", "}", "}}")
	content := messaging.Content{Channel: s.Channel, From: s.From, Text: plain.Replace(s.Text)}
	for name, text := range s.Parts {
		if content.Parts == nil {
			content.Parts = map[string]string{}
		}
		content.Parts[name] = plain.Replace(text)
	}
	c := messaging.Campaign{Name: "reply", Class: Transactional, Contents: []messaging.Content{content}}
	return c.Script(e.cfg.Channels...)
}

// renderSaid turns an answer into the message that goes out.
func (e *Engine) renderSaid(f *crm.Effect, d MessageData) (messaging.Message, error) {
	var m messaging.Message
	s, err := e.script(d.Said)
	if err == nil {
		m, err = s.Render(d.Said.Channel, nil)
	}
	if err == nil {
		by, _ := s.Channel(d.Said.Channel)
		if m.To = f.Subject.Address; addressed(by) != m.To.Channel {
			err = fmt.Errorf("channel %s does not write to addresses of channel %s", by.Name, m.To.Channel)
		}
	}
	if err == nil {
		_, err = s.Measure(&m)
	}
	if err != nil {
		return m, fmt.Errorf("%w: %w", messaging.ErrUnrenderable, err)
	}
	m.Class, m.Meta = Transactional, maps.Clone(d.Meta)
	return m, nil
}

// isAnswer reports whether an effect is an answer to a customer: what is about nobody's
// record, and asks other guards.
func isAnswer(f *crm.Effect) bool {
	d, err := decodeMessage(f)
	return err == nil && d.Said != nil
}

// decide is guard for messages of the configuration, and guardSaid for answers.
func (e *Engine) decide(ctx context.Context, tx crm.Tx, effects []*crm.Effect) ([]messaging.Verdict, error) {
	var said, others []*crm.Effect
	for _, f := range effects {
		if isAnswer(f) {
			said = append(said, f)
		} else {
			others = append(others, f)
		}
	}
	out := make([]messaging.Verdict, 0, len(effects))
	var verdicts [2][]messaging.Verdict
	var err error
	if len(others) > 0 {
		if verdicts[0], err = e.guard(ctx, tx, others); err != nil {
			return nil, err
		}
	}
	if len(said) > 0 {
		if verdicts[1], err = e.guardSaid(ctx, tx, said); err != nil {
			return nil, err
		}
	}
	for _, f := range effects {
		which := 0
		if isAnswer(f) {
			which = 1
		}
		out = append(out, verdicts[which][0])
		verdicts[which] = verdicts[which][1:]
	}
	return out, nil
}

// guardSaid decides about answers. Their addresses are locked. One that a person wrote is
// stopped by a suppression alone, but not by that of an unclear reply: the customer has asked,
// whatever other tickets are open.
// One of a program is stopped by a refusal, too, and by any unsolved ticket but the one that
// the message which it answers was filed in.
func (e *Engine) guardSaid(ctx context.Context, tx crm.Tx, effects []*crm.Effect) ([]messaging.Verdict, error) {
	addrs := make([]crm.Address, len(effects))
	for i, f := range effects {
		addrs[i] = f.To
	}
	states, err := tx.Addresses(ctx, addrs...)
	if err != nil {
		return nil, err
	}
	causes, err := causesOf(ctx, tx, effects)
	if err != nil {
		return nil, err
	}
	now := e.svc.Now()
	out := make([]messaging.Verdict, len(effects))
	for i, f := range effects {
		d, err := decodeMessage(f)
		if err != nil {
			return nil, err
		}
		s, err := e.script(d.Said)
		if err != nil {
			return nil, err // it was rendered
		}
		by, _ := s.Channel(d.Said.Channel)
		in := messaging.Candidate{Address: states[i], Channel: by, Class: Transactional, Consent: e.cfg.Consent, Answers: d.Answers}
		if d.Said.By != "" {
			in.Address = in.Address.Clone()
			in.Address.Holds = nil
			// Who answers has read the message that might be an opt-out, see Engine.Reply.
			in.Address.Suppressed = slices.DeleteFunc(in.Address.Suppressed, func(reason string) bool { return reason == replyReason })
		} else if c := (consent.Policy{OptOut: true}).Decide(states[i], e.cfg.Consent, Commercial, now); c.Ground == "refused" {
			out[i] = messaging.Verdict{Outcome: messaging.Withhold, Guard: messaging.GuardConsent,
				Reasons: []crm.Reason{{Guard: messaging.GuardConsent, Note: c.Note}}}
			continue
		}
		out[i] = messaging.Check(in, now)
		if d.After != "" {
			object(&out[i], GuardOrder, inOrder(d, causes, now), now)
		}
	}
	return out, nil
}

// configured returns the effects that are no answers.
func configured(effects []*crm.Effect) []*crm.Effect {
	if !slices.ContainsFunc(effects, isAnswer) {
		return effects
	}
	return slices.DeleteFunc(slices.Clone(effects), isAnswer)
}
