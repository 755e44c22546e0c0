package vefa

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// thing is what must not reach anybody twice: a message of one cause, about one
// fact, for one occurrence.
type thing struct {
	cause, occurrence string
	about             crm.FactKey
}

func thingOf(f *crm.Effect) thing { return thing{f.Cause, f.Occurrence, f.About} }

// hash is a short name of a thing, and of where it went, under the key of ids: a
// number that was deleted everywhere else is not to be found here by trial. What
// it is made of may be longer than a key.
func (t thing) hash(ids *crm.EffectIDs, to crm.Address) string {
	return string(ids.ID(t.cause, crm.OfAddress(to), t.about, t.occurrence))
}

// handed is a thing that went to an address.
type handed struct {
	thing
	to crm.Address
}

// A message is found by its address and thing, and by each profile that it
// reached besides what it hangs on: the one that it is about and those of the
// same customer that bore the address. An entry of a profile names the thing, so
// that others need not be read.
func (d handed) key(ids *crm.EffectIDs) string { return "a/" + d.hash(ids, d.to) }
func sentKey(ids *crm.EffectIDs, k crm.ProfileKey) string {
	return "p/" + string(ids.ID("sent", crm.OfProfile(k), crm.FactKey{}, ""))
}
func (t thing) target(ids *crm.EffectIDs, id crm.EffectID) string {
	return t.hash(ids, crm.Address{}) + "/" + string(id)
}
func cutTarget(s string) (string, crm.EffectID) {
	hash, id, _ := strings.Cut(s, "/")
	return hash, crm.EffectID(id)
}

// receipt is a message that was claimed, and when.
type receipt struct {
	*crm.Effect
	at time.Time
}

// counts reports whether a message stands against another one. One that is
// looked into again was let go in the claim that bears its time, together with
// what else was claimed then: neither that nor itself stands against it. One that
// was not claimed yet is no receipt, so its id needs no look.
func (r receipt) counts(against *crm.Effect) bool {
	return against.SentAt.IsZero() || !r.at.Equal(against.SentAt)
}

// recipient is one customer to whom effects of a batch go, and what was sent to
// them before, in the record and in the batch.
type recipient struct {
	profiles []*crm.Profile
	tags     []string
	things   map[thing][]receipt // that this customer got
	sent     []receipt           // what hangs on the customer's profiles and addresses
	// capped: caps or a cadence ask for what reached the customer's profiles at addresses that are theirs
	// no more, which is in earlier then
	capped  bool
	earlier []receipt
}

// claimed is what the guard reads for one effect.
type claimed struct {
	data MessageData
	*recipient
}

// receipts are the messages of before and of the batch that is being decided.
type receipts struct {
	to   map[handed][]receipt
	on   map[crm.Subject][]*recipient // to whom messages count that hang on a subject
	refs []crm.Ref                    // to put for those of the batch
	ids  *crm.EffectIDs
}

// repeated reports whether the address or the customer of an effect has got the
// same thing before.
func (g *receipts) repeated(f *crm.Effect, c *claimed) bool {
	counts := func(r receipt) bool { return r.counts(f) }
	t := thingOf(f)
	return slices.ContainsFunc(g.to[handed{t, f.To}], counts) || slices.ContainsFunc(c.things[t], counts)
}

// recent returns when the customer of an effect got commercial messages, at whatever
// address. What the provider refused nobody got.
func (c *claimed) recent(f *crm.Effect) ([]time.Time, error) {
	var out []time.Time
	for _, r := range slices.Concat(c.sent, c.earlier) {
		if !r.counts(f) || r.State == crm.Failed {
			continue
		}
		d, err := decodeMessage(r.Effect)
		if err != nil {
			return nil, err
		}
		if d.Class != Transactional {
			out = append(out, r.at)
		}
	}
	return out, nil
}

// add notes a message of the batch that goes out now.
func (g *receipts) add(f *crm.Effect, c *claimed, now time.Time) {
	r, t := receipt{f, now}, thingOf(f)
	for _, who := range g.on[f.Subject] {
		who.sent = append(who.sent, r)
	}
	d := handed{t, f.To}
	g.to[d] = append(g.to[d], r)
	g.refs = append(g.refs, crm.Ref{Kind: refSent, Key: d.key(g.ids), Subject: f.Subject, Target: string(f.ID)})
	c.things[t] = append(c.things[t], r)
	for _, p := range c.profiles {
		if crm.OfProfile(p.ProfileKey) == f.Subject {
			continue // found by what it hangs on
		}
		if p.ProfileKey == c.data.Profile || slices.Contains(p.Reachable(f.To.Channel), f.To) {
			g.refs = append(g.refs, crm.Ref{Kind: refSent, Key: sentKey(g.ids, p.ProfileKey), Subject: f.Subject, Target: t.target(g.ids, f.ID)})
		}
	}
}

// about returns whom a message is about.
func (e *Engine) about(f *crm.Effect, d MessageData) crm.ProfileKey {
	if !f.Subject.Profile.IsZero() {
		return f.Subject.Profile
	}
	return d.Profile
}

// usable reports whether an address is still one that the customer can be
// reached at.
func usable(profiles []*crm.Profile, to crm.Address) bool {
	for _, p := range profiles {
		if slices.Contains(p.Reachable(to.Channel), to) {
			return true
		}
	}
	return false
}

// readClaims reads what the customers of a batch got before, each customer once.
func (e *Engine) readClaims(ctx context.Context, tx crm.Tx, effects []*crm.Effect, p *population, now time.Time) ([]claimed, *receipts, error) {
	each := make([]*person, len(effects))
	for i, f := range effects {
		d, err := decodeMessage(f)
		if err != nil {
			return nil, nil, err
		}
		if each[i] = p.of(e.about(f, d)); each[i] == nil {
			return nil, nil, &crm.Error{Op: "send", Entity: "profile", ID: e.about(f, d).String(), Kind: crm.ErrNotFound}
		}
	}
	ids := slices.Clone(each)
	byID := func(a, b *person) int { return cmp.Compare(a.id, b.id) }
	slices.SortFunc(each, byID)
	each = slices.Compact(each)
	g := &receipts{ids: e.keys.ids, to: map[handed][]receipt{}, on: map[crm.Subject][]*recipient{}}
	who := make([]*recipient, len(each))
	var subjects []crm.Subject
	on := func(s crm.Subject, x *recipient) {
		list := g.on[s]
		if len(list) > 0 && list[len(list)-1] == x {
			return
		}
		if len(list) == 0 {
			subjects = append(subjects, s)
		}
		g.on[s] = append(list, x)
	}
	for i := range each {
		x := &recipient{profiles: p.recordsOf(each[i]), things: map[thing][]receipt{}}
		who[i] = x
		for _, p := range x.profiles {
			on(crm.OfProfile(p.ProfileKey), x)
			for _, c := range p.Contacts {
				if !c.Masked {
					on(crm.OfAddress(c.Address), x)
				}
			}
		}
	}
	slices.SortFunc(subjects, crm.Subject.Compare)
	if err := readTags(ctx, tx, subjects, who, now); err != nil {
		return nil, nil, err
	}
	all := make([]claimed, len(effects))
	for i, x := range ids {
		at, _ := slices.BinarySearchFunc(each, x, byID)
		d, err := decodeMessage(effects[i])
		if err != nil {
			return nil, nil, err
		}
		all[i] = claimed{d, who[at]}
		if m := e.message(ctx, d.Name); m != nil && (len(m.campaign.Caps) > 0 || m.campaign.Cadence.Every > 0) {
			who[at].capped = true
		}
	}
	return all, g, g.read(ctx, tx, effects, subjects, who)
}

// readTags reads the tags that customers bear at an instant.
func readTags(ctx context.Context, tx crm.Tx, subjects []crm.Subject, who []*recipient, now time.Time) error {
	tags := map[crm.ProfileKey][]*crm.Fact{}
	for f, err := range crm.FactsOf(ctx, tx, subjects, crm.KindTag) {
		if err != nil {
			return err
		}
		tags[f.Subject.Profile] = append(tags[f.Subject.Profile], f)
	}
	for _, x := range who {
		var facts []*crm.Fact
		for _, p := range x.profiles {
			facts = append(facts, tags[p.ProfileKey]...)
		}
		for _, t := range crm.TagsAt(facts, now) {
			x.tags = append(x.tags, t.Name)
		}
	}
	return nil
}

// read reads what was sent before: the messages that hang on the subjects, and
// those by which the addresses and the profiles got the same things, however many use
// the addresses and whatever became of who is who.
func (g *receipts) read(ctx context.Context, tx crm.Tx, effects []*crm.Effect, subjects []crm.Subject, who []*recipient) error {
	before, err := tx.EffectsOf(ctx, subjects...)
	if err != nil {
		return err
	}
	for _, f := range before {
		if f.Kind != crm.EffectMessage || f.SentAt.IsZero() {
			continue
		}
		for _, x := range g.on[f.Subject] {
			r := receipt{f, f.SentAt}
			x.sent = append(x.sent, r)
			if !f.Subject.Profile.IsZero() {
				t := thingOf(f)
				x.things[t] = append(x.things[t], r)
			}
		}
	}
	var keys []string
	asked := map[handed]bool{}
	wanted := map[string]bool{} // things, by their hash
	var deliveries []handed
	for _, f := range effects {
		d := handed{thingOf(f), f.To}
		wanted[d.thing.hash(g.ids, crm.Address{})] = true
		if !asked[d] {
			asked[d] = true
			deliveries, keys = append(deliveries, d), append(keys, d.key(g.ids))
		}
	}
	var of []*recipient
	for _, x := range who {
		for _, p := range x.profiles {
			of, keys = append(of, x), append(keys, sentKey(g.ids, p.ProfileKey))
		}
	}
	found, err := tx.Refs(ctx, refSent, math.MaxInt32, keys...)
	if err != nil {
		return err
	}
	known := map[crm.EffectID][]*recipient{} // to whom it counts already
	for _, f := range before {
		known[f.ID] = g.on[f.Subject]
	}
	var ids []crm.EffectID
	var note []func(receipt)
	for i, refs := range found {
		for _, r := range refs {
			if i < len(deliveries) {
				d := deliveries[i]
				ids = append(ids, crm.EffectID(r.Target))
				note = append(note, func(r receipt) {
					if r.To == d.to { // else it was claimed for the address once and went elsewhere
						g.to[d] = append(g.to[d], r)
					}
				})
				continue
			}
			hash, id := cutTarget(r.Target)
			x := of[i-len(deliveries)]
			if x.capped && !slices.Contains(known[id], x) {
				ids = append(ids, id)
				note = append(note, func(r receipt) {
					if !slices.ContainsFunc(x.earlier, func(o receipt) bool { return o.ID == r.ID }) { // found by another profile
						x.earlier = append(x.earlier, r)
					}
				})
			}
			if wanted[hash] {
				ids = append(ids, id)
				note = append(note, func(r receipt) { x.things[thingOf(r.Effect)] = append(x.things[thingOf(r.Effect)], r) })
			}
		}
	}
	sent, err := tx.Effects(ctx, ids...)
	if err != nil {
		return err
	}
	for i, f := range sent {
		if f != nil && !f.SentAt.IsZero() {
			note[i](receipt{f, f.SentAt})
		}
	}
	return nil
}
