package rules

import (
	"context"
	"fmt"
	"slices"

	"github.com/vefacrm/vefa/crm"
)

// Journal is the storage that delayed actions need: effects, nothing else. A
// crm.Tx plays this role; a host without a record takes that of memstore.New(). What
// an implementation must do is in storetest.
type Journal interface {
	crm.EffectReader
	crm.EffectWriter
}

// Intent is what is planned for one customer.
type Intent struct {
	// Members are all profiles (and addresses) of the customer. What a rule has
	// done to one of them counts as done to the customer, so that once holds
	// after a merge and after a split.
	Members []crm.Subject
	// Effects are what Plan made for any of the Members.
	Effects []*crm.Effect
}

// Record stores the planned effects that the journal does not have yet and returns
// them. The journal has an effect if it has its id, or one of the same cause,
// occurrence and fact on any of the customer's members: what a rule did to one
// profile of a person is not done to another.
//
// Call it with a Tx, in the transaction in which the facts were read, or two
// processes may plan the same. Its error is the journal's.
//
// Of a rule with Rearm at most one effect of a customer waits: a later one cancels
// those that are due earlier.
func Record(ctx context.Context, j Journal, intents ...Intent) ([]*crm.Effect, error) {
	var subjects []crm.Subject
	for _, in := range intents {
		if len(in.Effects) > 0 {
			subjects = append(subjects, in.Members...)
		}
	}
	slices.SortFunc(subjects, crm.Subject.Compare)
	subjects = slices.Compact(subjects)
	type mark struct {
		cause, occurrence string
		about             crm.FactKey
	}
	markOf := func(e *crm.Effect) mark { return mark{e.Cause, e.Occurrence, e.About} }
	done := map[crm.Subject]map[mark]bool{}
	waiting := map[crm.Subject][]*crm.Effect{}
	if len(subjects) > 0 {
		old, err := j.EffectsOf(ctx, subjects...)
		if err != nil {
			return nil, fmt.Errorf("rules: record: %w", err)
		}
		for _, e := range old {
			if done[e.Subject] == nil {
				done[e.Subject] = map[mark]bool{}
			}
			done[e.Subject][markOf(e)] = true
			if e.State == crm.Planned {
				waiting[e.Subject] = append(waiting[e.Subject], e)
			}
		}
	}
	var news, replaced []*crm.Effect
	for _, in := range intents {
		planned := map[mark]bool{}
		first := len(news)
		for _, e := range in.Effects {
			k := markOf(e)
			seen := planned[k] || slices.ContainsFunc(in.Members, func(s crm.Subject) bool { return done[s][k] })
			if !seen {
				planned[k] = true
				news = append(news, e)
			}
		}
		replaced = append(replaced, rearm(in.Members, news[first:], waiting)...)
	}
	if len(replaced) > 0 {
		if err := j.UpdateEffects(ctx, replaced...); err != nil {
			return nil, fmt.Errorf("rules: record: %w", err)
		}
	}
	if len(news) == 0 {
		return nil, nil
	}
	created, err := j.PutEffects(ctx, news...)
	if err != nil {
		return nil, fmt.Errorf("rules: record: %w", err)
	}
	kept := news[:0]
	for i, e := range news {
		if created[i] {
			kept = append(kept, e)
		}
	}
	return kept, nil
}
