package rules

import (
	"context"
	"fmt"
	"slices"

	"github.com/vefacrm/vefa/crm"
)

// guardRearm marks the effects of rules with Rearm, and names why one that
// waited was cancelled.
const guardRearm = "rearm"

// rearm decides which of a customer's effects of one action stays, where the
// rule says that a later row takes the place of earlier ones: that which is due
// last. It changes the new ones that do not stay and returns the old ones that
// are to be cancelled, changed.
func rearm(members []crm.Subject, news []*crm.Effect, waiting map[crm.Subject][]*crm.Effect) (replaced []*crm.Effect) {
	type action struct{ cause, occurrence string }
	last := map[action]*crm.Effect{}
	for _, e := range news {
		if slices.ContainsFunc(e.Reasons, func(r crm.Reason) bool { return r.Guard == guardRearm }) {
			k := action{e.Cause, e.Occurrence}
			if l := last[k]; l == nil || e.Due.After(l.Due) || e.Due.Equal(l.Due) && e.ID < l.ID {
				last[k] = e
			}
		}
	}
	if len(last) == 0 {
		return nil
	}
	members = slices.Clone(members)
	slices.SortFunc(members, crm.Subject.Compare)
	var old []*crm.Effect
	for _, s := range slices.Compact(members) {
		for _, e := range waiting[s] {
			if l := last[action{e.Cause, e.Occurrence}]; l != nil && e.About != l.About {
				old = append(old, e)
			}
		}
	}
	for _, e := range old { // one that waits longer stays
		if k := (action{e.Cause, e.Occurrence}); e.Due.After(last[k].Due) {
			last[k] = e
		}
	}
	cancel := func(e *crm.Effect, by *crm.Effect) {
		e.State, e.Changed = crm.Cancelled, by.Created
		e.Reasons = append(e.Reasons, crm.Reason{Guard: guardRearm, Note: fmt.Sprintf("%s %s takes its place", by.About.Kind, by.About.ID)})
	}
	for _, e := range old {
		if by := last[action{e.Cause, e.Occurrence}]; by != e {
			e = e.Clone()
			cancel(e, by)
			replaced = append(replaced, e)
		}
	}
	for _, e := range news {
		if by := last[action{e.Cause, e.Occurrence}]; by != nil && by != e && e.Due.Compare(by.Due) <= 0 {
			cancel(e, by)
			e.Changed = e.Created
		}
	}
	return replaced
}

// Cancel cancels what is waiting for a customer, whose members are given, of
// the rules that say so in CancelAt: when an occasion t comes to pass, such as
// {Kind: OnTagAdded, Tag: "red"}. With about, a fact such as the order that was
// returned, actions of rules with Each are cancelled only if they are about it.
// It returns what was cancelled. Call it in the transaction of the occasion.
func (s *Set[F]) Cancel(ctx context.Context, j Journal, t Trigger, about crm.FactKey, m *Moment, members ...crm.Subject) ([]*crm.Effect, error) {
	t = t.occasion()
	causes := map[string]*Rule{}
	for _, c := range s.rules {
		if slices.ContainsFunc(c.rule.CancelAt, func(k Trigger) bool { return k.occasion() == t }) {
			causes[CausePrefix+c.rule.Name] = c.rule
		}
	}
	if len(causes) == 0 || len(members) == 0 {
		return nil, nil
	}
	effects, err := j.EffectsOf(ctx, members...)
	if err != nil {
		return nil, fmt.Errorf("rules: cancel: %w", err)
	}
	var out []*crm.Effect
	for _, e := range effects {
		r := causes[e.Cause]
		if r == nil || e.State != crm.Planned || !about.IsZero() && r.Each != "" && RowOf(e) != about {
			continue
		}
		e = e.Clone()
		e.State, e.Changed = crm.Cancelled, crm.Micros(m.c.Now)
		e.Reasons = append(e.Reasons, crm.Reason{Guard: "cancel_at " + t.String()})
		out = append(out, e)
	}
	if len(out) == 0 {
		return nil, nil
	}
	if err := j.UpdateEffects(ctx, out...); err != nil {
		return nil, fmt.Errorf("rules: cancel: %w", err)
	}
	return out, nil
}
