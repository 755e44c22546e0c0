package messaging

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/experiment"
)

// Plan turns an audience into effects, in its order: one per recipient, each
// planned, withheld or held out, with the reasons of every guard. A planned one
// is due at the campaign's start, or at at if that is later, or after the quiet
// hours. People are assigned after eligibility and before sending, so that both
// arms passed the same guards; whoever was withheld belongs to neither.
//
// Nothing is written: put the effects with crm.EffectWriter.PutEffects, which
// ignores those that are there already. Planning again therefore plans nobody
// twice. The channels are those that the caller describes himself, as for Validate; each
// recipient's Candidate says which of them its message goes by. The sequence ends with the first error of the audience, of the
// context or of a recipient.
func (c *Campaign) Plan(ctx context.Context, at time.Time, ids *crm.EffectIDs, assign *experiment.Assigner, audience iter.Seq2[Recipient, error], channels ...Channel) iter.Seq2[*crm.Effect, error] {
	return func(yield func(*crm.Effect, error) bool) {
		if err := c.Validate(channels...); err != nil {
			yield(nil, err)
			return
		}
		if ids == nil {
			yield(nil, fmt.Errorf("%w: the ids of effects need a key, see crm.NewEffectIDs", ErrCampaign))
			return
		}
		if c.Holdout > 0 && assign == nil {
			yield(nil, fmt.Errorf("%w: a holdout needs an assigner", ErrCampaign))
			return
		}
		for r, err := range audience {
			if err == nil {
				err = ctx.Err()
			}
			var e *crm.Effect
			if err == nil {
				e, err = c.effect(r, at, ids, assign)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

func (c *Campaign) effect(r Recipient, at time.Time, ids *crm.EffectIDs, assign *experiment.Assigner) (*crm.Effect, error) {
	in := c.candidate(r.Candidate)
	var to crm.Address
	if in.Address != nil {
		to = in.Address.Address
	}
	if r.Subject == (crm.Subject{}) {
		r.Subject = crm.OfAddress(to)
	}
	if r.Unit == "" {
		r.Unit = to.String()
	}
	in.Holdout = c.Holdout > 0 && assign.HeldOut(c.Cause(), r.Unit, c.Holdout)
	due := crm.Micros(at)
	if c.Start.After(due) {
		due = crm.Micros(c.Start)
	}
	e := &crm.Effect{
		ID: ids.ID(c.Cause(), r.Subject, r.About, r.Occurrence), Kind: crm.EffectMessage,
		Cause: c.Cause(), Version: c.Version, Subject: r.Subject, About: r.About, Occurrence: r.Occurrence,
		Due: due, State: crm.Planned, Created: crm.Micros(at), Changed: crm.Micros(at), Data: r.Data,
	}
	if name := in.Channel.Name; name != to.Channel {
		e.Via = name
	}
	v := Check(in, due)
	e.Reasons = v.Reasons
	switch v.Outcome {
	case Withhold:
		e.State = crm.Withheld
	case HoldOut:
		e.State = crm.HeldOut
	case Defer:
		e.Due = crm.Micros(v.NotBefore)
	}
	if e.State == crm.Planned && c.ended(e.Due) {
		e.State = crm.Withheld
		e.Reasons = append(e.Reasons, c.endedReason())
	}
	if err := e.Validate(); err != nil {
		return nil, fmt.Errorf("%w: recipient %s: %w", ErrCampaign, e.ID, err)
	}
	return e, nil
}

// GuardEnded is the Guard of the reason that a campaign was over.
const GuardEnded = "ended"

// ended reports whether nothing of the campaign may leave any more at an
// instant.
func (c *Campaign) ended(at time.Time) bool { return !c.End.IsZero() && !at.Before(c.End) }

// endedReason is the reason that an ended campaign's effects are withheld for.
func (c *Campaign) endedReason() crm.Reason {
	return crm.Reason{Guard: GuardEnded, Note: "the campaign ended on " + c.End.UTC().Format(time.RFC3339)}
}

// Again checks a candidate of the campaign at the moment of sending. It is
// Check with what the campaign says, plus its end; nobody is held out here:
// arms were assigned when the message was planned.
func (c *Campaign) Again(in Candidate, at time.Time) Verdict {
	in = c.candidate(in)
	in.Holdout = false
	v := Check(in, at)
	when := at
	if v.Outcome == Defer {
		when = v.NotBefore
	}
	if c.ended(when) {
		if v.Outcome != Withhold {
			v.Outcome, v.Guard, v.NotBefore = Withhold, GuardEnded, time.Time{}
		}
		v.Reasons = append(v.Reasons, c.endedReason())
	}
	return v
}
