package vefa

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/rules"
)

// EffectNotify is the kind of the effects of Notify.
const EffectNotify crm.EffectKind = "notify"

// Notify returns the effect by which rules tell members of staff of a ticket, a red
// customer or anything else that they fire for, for Config.Effects:
//
//	then: [{notify: care, with: {text: "A customer is unhappy"}}]
//
// The name is an address of the channel, of messaging/webhook the name of an endpoint; if
// the sender has Names, as that one does, New refuses rules with any other. The text goes out as the
// rule has it, with what the rule fired for (the key of the order, visit, answer or source
// record) as the part "about", and names nobody. It is about a customer and does not go to
// one, so no consent is asked and no ticket stops it; the rule is asked again before it
// leaves. A sender that recognises ids gets it at least once.
func Notify(sender messaging.Sender, channel crm.Channel) Effect {
	known := func(string) error { return nil }
	if s, ok := sender.(interface{ Names() []string }); ok {
		names := s.Names()
		known = func(name string) error {
			if !slices.Contains(names, name) {
				return fmt.Errorf("there is no %q to notify, only %s", name, strings.Join(names, ", "))
			}
			return nil
		}
	}
	h := crm.EffectHandler{Kind: EffectNotify}
	if s, ok := sender.(messaging.Idempotent); ok {
		h.Idempotent = s.Idempotent()
	}
	if s, ok := sender.(messaging.BatchLimiter); ok {
		h.MaxBatch = s.MaxBatch()
	}
	h.Do = func(ctx context.Context, claims []*crm.Claim) ([]crm.Receipt, error) {
		out := make([]crm.Receipt, len(claims))
		var batch []messaging.Message
		var of []int
		for i, c := range claims {
			out[i] = crm.Receipt{ID: c.Effect.ID, Status: crm.Uncertain}
			p, err := rules.DecodePayload(c.Effect)
			if err != nil {
				out[i] = crm.Receipt{ID: c.Effect.ID, Status: crm.Declined, Reason: "it is of no rule"}
				continue
			}
			about := rules.RowOf(c.Effect).String()
			if rules.RowOf(c.Effect) == (crm.FactKey{}) {
				about = c.Effect.Subject.Profile.String()
			}
			batch = append(batch, messaging.Message{ID: c.Effect.ID, To: crm.Address{Channel: channel, Value: p.Name}, Via: channel, Class: Transactional,
				Text: p.With["text"], Parts: map[string]string{"about": about}, Cause: c.Effect.Cause, At: c.At})
			of = append(of, i)
		}
		if len(batch) == 0 {
			return out, nil
		}
		got, err := sender.Send(ctx, batch)
		if err == nil && len(got) != len(batch) {
			err = fmt.Errorf("vefa: notify: the sender answered %d of %d messages", len(got), len(batch))
		}
		if err != nil && len(batch) == len(claims) {
			return nil, err
		}
		for k, i := range of {
			if err == nil && got[k].ID == claims[i].Effect.ID {
				out[i] = got[k]
			}
		}
		return out, nil
	}
	return Effect{EffectHandler: h, Actions: []rules.ActionType{{Kind: string(EffectNotify), Doc: "tells members of staff",
		Params: []rules.ActionParam{{Name: "text", Doc: "what is said, without names of customers", Required: true}},
		Check:  func(a rules.Action) error { return known(a.Name) }}}}
}
