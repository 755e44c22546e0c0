package vefa

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/offer"
)

// minds reports whether a message asks how its recipient responded to earlier ones.
func minds(c *messaging.Campaign) bool { return c.Cadence.Every > 0 || c.Relevance > 0 }

// anyMinds reports whether any message of the configuration does. Of those of the desk nobody
// needs to know: with one everything is read anyway (Engine.asked).
func (e *Engine) anyMinds() bool {
	for _, c := range e.messages {
		if minds(c) {
			return true
		}
	}
	return false
}

// heed tells a candidate what its message's cadence and relevance ask about the person, who came
// or wrote last as repliesOf says.
func (e *Engine) heed(ctx context.Context, p *population, x *person, c *messaging.Campaign, variant string, at, replied time.Time, in *messaging.Candidate) error {
	if !minds(c) {
		return nil
	}
	interest := offer.Interest{Campaign: c.Name, Categories: c.About(variant), At: at,
		Person: offer.Person{Unit: x.home.String(), Tags: in.Tags, Bought: p.boughtOf(x)}, Responded: replied}
	p.responses(x, &interest)
	in.Answered = interest.Responded
	if c.Relevance <= 0 {
		return nil
	}
	score, err := e.score(ctx, interest)
	if err != nil && ctx.Err() != nil { // the call has ended: the error is not the scorer's
		return fmt.Errorf("vefa: message %q: Config.Relevance: %w", c.Name, err)
	}
	if err == nil && !(score >= 0 && score <= 1) {
		err = fmt.Errorf("a score of %v is not from 0 to 1", score)
	}
	if err != nil { // of this message alone
		in.Unscored = crm.Clip("Config.Relevance: "+err.Error(), maxNote)
		return nil
	}
	in.Score = &score
	return nil
}

// score asks the host's scorer, whose panics are its errors, or the library's.
func (e *Engine) score(ctx context.Context, in offer.Interest) (score float64, err error) {
	if e.cfg.Relevance == nil {
		return offer.Relevance(in), nil
	}
	defer crm.Recover("score", &err)
	return e.cfg.Relevance(ctx, in)
}

// responses fills in when a customer did what, as of an instant.
func (p *population) responses(x *person, in *offer.Interest) {
	until := in.At.UnixMicro()
	last := func(to *time.Time, at int64) {
		if at != 0 && at <= until {
			if t := time.UnixMicro(at).UTC(); t.After(*to) {
				*to = t
			}
		}
	}
	last(&in.Responded, x.since)
	last(&in.Clicked, x.clicked)
	last(&in.Responded, x.clicked)
	for i := range x.orders {
		o := &x.orders[i]
		if o.flags&(flagReturn|flagCancelled) != 0 {
			continue
		}
		last(&in.Responded, o.at)
		if len(in.Categories) == 0 || slices.Contains(in.Categories, p.texts.text(o.category)) {
			last(&in.Purchased, o.at)
		}
	}
	for i := range x.visits {
		last(&in.Responded, x.visits[i].at)
	}
	for i := range x.answers {
		last(&in.Responded, x.answers[i].at)
	}
}

// heardAt returns the customers' profiles and addresses, and whose each is.
func heardAt(persons []*person) ([]crm.Subject, map[crm.Subject][]*person) {
	on := map[crm.Subject][]*person{}
	var subjects []crm.Subject
	add := func(s crm.Subject, x *person) {
		if len(on[s]) == 0 {
			subjects = append(subjects, s)
		}
		if !slices.Contains(on[s], x) {
			on[s] = append(on[s], x)
		}
	}
	for _, x := range persons {
		for _, k := range x.profiles {
			add(crm.OfProfile(k), x)
		}
		for _, a := range x.addresses() {
			add(crm.OfAddress(a), x)
		}
	}
	slices.SortFunc(subjects, crm.Subject.Compare)
	return subjects, on
}

// repliesOf returns when customers last wrote or called, or came to a store without buying
// (Config.StoreVisit), of which persons keep nothing, up to an instant. What a machine answered
// for them is no reply.
func (e *Engine) repliesOf(ctx context.Context, r crm.Reader, places *crm.Places, persons []*person, until time.Time) (map[*person]time.Time, error) {
	kinds := []crm.FactKind{crm.KindInteraction}
	if e.cfg.StoreVisit != nil {
		for _, k := range e.cfg.Kinds {
			kinds = append(kinds, k.Name)
		}
	}
	subjects, on := heardAt(persons)
	out := map[*person]time.Time{}
	for f, err := range crm.FactsOf(ctx, r, subjects, kinds...) {
		if err != nil {
			return nil, err
		}
		if f.At.After(until) {
			continue
		}
		said, _ := f.Data.(*crm.Interaction)
		is := said != nil && said.Direction == "in" && !(f.Key.Source == inboundSource && said.Topic == automaticTopic)
		if !is {
			_, came, err := e.storeVisit(places, f)
			is = came && err == nil // Results says what is wrong with Config.StoreVisit
		}
		if !is {
			continue
		}
		for _, x := range on[f.Subject] {
			if f.At.After(out[x]) {
				out[x] = f.At
			}
		}
	}
	return out, nil
}

// recentOf returns when commercial messages left to customers, for each of them: what hangs on
// their profiles and addresses, and what reached the profiles at addresses that are theirs no
// more, as the guard counts them when a message leaves.
func (e *Engine) recentOf(ctx context.Context, r crm.Reader, persons []*person) (map[*person][]time.Time, error) {
	subjects, on := heardAt(persons)
	effects, err := r.EffectsOf(ctx, subjects...)
	if err != nil {
		return nil, err
	}
	out := map[*person][]time.Time{}
	got := map[*person]map[crm.EffectID]bool{}
	add := func(x *person, f *crm.Effect) error {
		if f.Kind != crm.EffectMessage || f.SentAt.IsZero() || f.State == crm.Failed || got[x][f.ID] {
			return nil
		}
		d, err := decodeMessage(f)
		if err != nil || d.Class == Transactional {
			return err
		}
		if got[x] == nil {
			got[x] = map[crm.EffectID]bool{}
		}
		got[x][f.ID] = true
		out[x] = append(out[x], f.SentAt)
		return nil
	}
	for _, f := range effects {
		for _, x := range on[f.Subject] {
			if err := add(x, f); err != nil {
				return nil, err
			}
		}
	}
	var of []*person
	var keys []string
	for _, x := range persons {
		for _, k := range x.profiles {
			of, keys = append(of, x), append(keys, sentKey(e.keys.ids, k))
		}
	}
	found, err := r.Refs(ctx, refSent, math.MaxInt32, keys...)
	if err != nil {
		return nil, err
	}
	var whose []*person
	var ids []crm.EffectID
	for i, refs := range found {
		for _, ref := range refs {
			if _, id := cutTarget(ref.Target); !got[of[i]][id] {
				whose, ids = append(whose, of[i]), append(ids, id)
			}
		}
	}
	effects, err = r.Effects(ctx, ids...)
	if err != nil {
		return nil, err
	}
	for i, f := range effects {
		if f != nil {
			if err := add(whose[i], f); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}
