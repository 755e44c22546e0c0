package engage

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/rules"
)

// Deliver sends what is due now: between evenings, when delays end or quiet
// hours are over. A night does it, too.
func (e *Engine) Deliver(ctx context.Context) (_ messaging.Stats, err error) {
	if err = e.lock(ctx); err != nil {
		return messaging.Stats{}, err
	}
	defer e.release("deliver", &err)
	if err := e.load(ctx); err != nil {
		return messaging.Stats{}, err
	}
	if _, err := e.refresh(ctx); err != nil {
		return messaging.Stats{}, err
	}
	return e.deliver(ctx)
}

func (e *Engine) deliver(ctx context.Context) (messaging.Stats, error) {
	var total messaging.Stats
	for {
		s, err := e.outbox.RunOnce(ctx)
		total.Add(s)
		if err != nil || s.Due == 0 {
			return total, err
		}
		e.progress("deliver", total.Due, 0)
	}
}

// Resume looks into messages that were handed to the provider when the process
// was killed. Call it once when no other process delivers.
func (e *Engine) Resume(ctx context.Context) (_ messaging.Stats, err error) {
	if err = e.lock(ctx); err != nil {
		return messaging.Stats{}, err
	}
	defer e.release("resume", &err)
	if err := e.load(ctx); err != nil {
		return messaging.Stats{}, err
	}
	return e.outbox.Resume(ctx)
}

// Receive records answers of the provider that come outside of Config.Sender,
// such as delivery reports: they settle what became of a message whose answer
// was lost. It waits for no night and for no other delivery.
func (e *Engine) Receive(ctx context.Context, receipts ...messaging.Receipt) (messaging.Stats, error) {
	return e.outbox.Receive(ctx, receipts...)
}

// render turns an effect into the message that goes out. The guard looks at
// the record itself afterwards; what is known in memory is good enough here.
func (e *Engine) render(_ context.Context, _ crm.Tx, f *crm.Effect) (messaging.Message, error) {
	var m messaging.Message
	var d MessageData
	if err := json.Unmarshal(f.Data, &d); err != nil {
		return m, fmt.Errorf("%w: %w", messaging.ErrUnrenderable, err)
	}
	c, t := e.messages[d.Name], e.texts[d.Name]
	if c == nil {
		return m, fmt.Errorf("%w: there is no message %q", messaging.ErrUnrenderable, d.Name)
	}
	who := d.Profile
	if who.IsZero() {
		who = f.Subject.Profile
	}
	x := e.pop.of(who)
	if x == nil {
		return m, fmt.Errorf("%w: the source record is gone", messaging.ErrUnrenderable)
	}
	m.From, m.Class = c.From, c.Class
	switch {
	case !f.To.IsZero(): // sent before, under the same id: to the same address
		m.To = f.To
	case !f.Subject.Address.IsZero():
		m.To = f.Subject.Address
	default:
		if to, ok := x.reach(c.Channel); ok {
			m.To = to
		}
	}
	url, err := e.trackedURL(d.Link)
	if err != nil {
		return m, err
	}
	shop := ""
	if slices.ContainsFunc(c.Fields, func(f messaging.Field) bool { return f.Name == "shop" }) {
		shop = e.shop(x, f.About)
	}
	if m.Text, err = t.Render(fieldValues(c, url, shop)); err != nil {
		return m, fmt.Errorf("%w: %w", messaging.ErrUnrenderable, err)
	}
	return m, nil
}

// fieldValues are the values of a message's fields: "link", its tracked link,
// and "shop", the name of the place that it is about.
func fieldValues(c *messaging.Campaign, link, shop string) messaging.Values {
	values := messaging.Values{}
	for _, field := range c.Fields {
		switch field.Name {
		case "link":
			values["link"] = link
		case "shop":
			values["shop"] = shop
		}
	}
	return values
}

// shop names the place of the order or visit that a message is about.
func (e *Engine) shop(x *person, about crm.FactKey) string {
	place := x.place
	for i := range x.orders {
		if about.ID == x.orders[i].id && e.pop.orderKey(&x.orders[i]) == about {
			place = x.orders[i].place
		}
	}
	for i := range x.visits {
		if about.ID == x.visits[i].id && e.pop.visitKey(&x.visits[i]) == about {
			place = x.visits[i].place
		}
	}
	if p := e.places.Get(e.pop.texts.text(place)); p != nil {
		return p.Name
	}
	return ""
}

// The guards of this package, besides those of package messaging.
const (
	GuardRecipient = "recipient" // the address is still one of this customer's
	GuardDelivered = "delivered" // a survey comes after the goods
	GuardRepeated  = "repeated"  // the address or another profile of the customer got it
)

// claimed is what the guard reads about the customer of one effect.
type claimed struct {
	data     MessageData
	profiles []*crm.Profile
	tags     []string
	recent   []time.Time
	repeated bool
}

// guard decides at the moment of sending, in the transaction that claims, from
// the record itself. The addresses are locked: consent, suppression and
// tickets cannot change before the commit.
func (e *Engine) guard(ctx context.Context, tx crm.Tx, effects []*crm.Effect) ([]messaging.Decision, error) {
	now := e.svc.Now()
	defs, err := loadTags(ctx, tx)
	if err != nil {
		return nil, err
	}
	all, err := e.readClaims(ctx, tx, effects, now)
	if err != nil {
		return nil, err
	}
	addrs := make([]crm.Address, len(effects))
	for i, f := range effects {
		addrs[i] = f.To
	}
	states, err := tx.Addresses(ctx, addrs...)
	if err != nil {
		return nil, err
	}
	delivered, err := e.deliveredAt(ctx, tx, effects, all)
	if err != nil {
		return nil, err
	}
	fill := newFiller(e.pop, e.vocab, now)
	moments := map[*time.Location]*rules.Moment{}
	sentNow := map[crm.ProfileKey]int{} // by home, within this batch
	out := make([]messaging.Decision, len(effects))
	for i, f := range effects {
		c := &all[i]
		msg := *e.messages[c.data.Name]
		msg.Exclude = slices.Concat(msg.Exclude, redTags(defs, now, c.data.Ignores))
		x := e.pop.of(e.about(f, c.data))
		in := messaging.Candidate{Address: states[i], Tags: c.tags, Recent: c.recent, Answers: c.data.Answers, Zone: e.pop.zone(x)}
		for range sentNow[x.home] {
			in.Recent = append(in.Recent, now)
		}
		v := msg.Again(in, now)
		own := func(guard string, pass bool, note string) {
			v.Reasons = append(v.Reasons, crm.Reason{Guard: guard, Pass: pass, Note: note})
			if !pass && v.Outcome != messaging.Withhold {
				v.Outcome, v.Guard, v.NotBefore = messaging.Withhold, guard, time.Time{}
			}
		}
		own(GuardRecipient, usable(c.profiles, f.To), "")
		if c.data.Survey != "" && f.About.Kind == crm.KindOrder {
			at, ok := delivered[f.ID]
			own(GuardDelivered, ok && !at.After(now), "")
		}
		own(GuardRepeated, !c.repeated, "")
		if len(c.data.Rule) > 0 {
			g := f.Clone()
			ok := e.recheck(g, fill, moments, now)
			v.Reasons = append(v.Reasons, g.Reasons...)
			if !ok && v.Outcome != messaging.Withhold {
				v.Outcome, v.Guard, v.NotBefore = messaging.Withhold, "rule", time.Time{}
			}
		}
		if v.Outcome == messaging.Send && msg.Class != Transactional {
			sentNow[x.home]++
		}
		out[i].Verdict = v
	}
	return out, nil
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

// readClaims reads the customers of effects, in batches.
func (e *Engine) readClaims(ctx context.Context, tx crm.Tx, effects []*crm.Effect, now time.Time) ([]claimed, error) {
	all := make([]claimed, len(effects))
	keys := make([]crm.ProfileKey, len(effects))
	for i, f := range effects {
		if err := json.Unmarshal(f.Data, &all[i].data); err != nil {
			return nil, fmt.Errorf("engage: effect %s: %w", f.ID, err)
		}
		keys[i] = e.about(f, all[i].data)
	}
	profiles, err := tx.Profiles(ctx, keys...)
	if err != nil {
		return nil, err
	}
	ids := make([]crm.CustomerID, len(effects))
	for i, p := range profiles {
		if p == nil {
			return nil, &crm.Error{Op: "send", Entity: "profile", ID: keys[i].String(), Kind: crm.ErrNotFound}
		}
		ids[i] = p.Customer
	}
	members, err := tx.Members(ctx, ids...)
	if err != nil {
		return nil, err
	}
	flat := slices.Concat(members...)
	found, err := tx.Profiles(ctx, flat...)
	if err != nil {
		return nil, err
	}
	var subjects []crm.Subject
	for i := range all {
		all[i].profiles, found = found[:len(members[i])], found[len(members[i]):]
		for _, p := range all[i].profiles {
			subjects = append(subjects, crm.OfProfile(p.ProfileKey))
			for _, c := range p.Contacts {
				if !c.Masked {
					subjects = append(subjects, crm.OfAddress(c.Address))
				}
			}
		}
	}
	sharing, err := sharers(ctx, tx, effects)
	if err != nil {
		return nil, err
	}
	former, err := formerHomes(ctx, tx, sharing)
	if err != nil {
		return nil, err
	}
	for to, list := range sharing {
		for _, s := range list {
			sharing[to] = append(sharing[to], former[s]...)
		}
	}
	for _, list := range sharing {
		subjects = append(subjects, list...)
	}
	slices.SortFunc(subjects, crm.Subject.Compare)
	subjects = slices.Compact(subjects)
	tags := map[crm.ProfileKey][]*crm.Fact{}
	for f, err := range crm.FactsOf(ctx, tx, subjects, crm.KindTag) {
		if err != nil {
			return nil, err
		}
		tags[f.Subject.Profile] = append(tags[f.Subject.Profile], f)
	}
	before, err := tx.EffectsOf(ctx, subjects...)
	if err != nil {
		return nil, err
	}
	sent := map[crm.Subject][]*crm.Effect{}
	for _, f := range before {
		if f.Kind == crm.EffectMessage && !f.SentAt.IsZero() {
			sent[f.Subject] = append(sent[f.Subject], f)
		}
	}
	type thing struct {
		cause, occurrence string
		about             crm.FactKey
		to                crm.Address
	}
	batch := make(map[crm.EffectID]bool, len(effects))
	for _, f := range effects {
		batch[f.ID] = true
	}
	claims := map[thing]bool{} // within this batch
	for i := range all {
		c := &all[i]
		g := effects[i]
		this := thing{g.Cause, g.Occurrence, g.About, g.To}
		c.repeated = claims[this]
		claims[this] = true
		for _, s := range sharing[g.To] {
			for _, f := range sent[s] {
				c.repeated = c.repeated || f.ID != g.ID && this == thing{f.Cause, f.Occurrence, f.About, f.To}
			}
		}
		var facts []*crm.Fact
		seen := map[crm.Subject]bool{}
		look := func(s crm.Subject) {
			if seen[s] {
				return
			}
			seen[s] = true
			for _, f := range sent[s] {
				if f.ID == g.ID {
					continue // sent again under its own id
				}
				if !batch[f.ID] { // those are counted as they are decided
					c.recent = append(c.recent, f.SentAt)
				}
				if f.Cause == g.Cause && f.Occurrence == g.Occurrence && f.About == g.About {
					c.repeated = true
				}
			}
		}
		for _, p := range c.profiles {
			facts = append(facts, tags[p.ProfileKey]...)
			look(crm.OfProfile(p.ProfileKey))
			for _, a := range p.Contacts {
				look(crm.OfAddress(a.Address))
			}
		}
		for _, t := range crm.TagsAt(facts, now) {
			c.tags = append(c.tags, t.Name)
		}
	}
	return all, nil
}

// sharers returns the profiles of all customers who use each effect's address:
// one message reaches all of them.
func sharers(ctx context.Context, tx crm.Tx, effects []*crm.Effect) (map[crm.Address][]crm.Subject, error) {
	const most = 20 // a number that more people use is a switchboard
	keys := make([]string, len(effects))
	for i, f := range effects {
		keys[i] = f.To.String()
	}
	found, err := tx.Refs(ctx, crm.RefContact, most, keys...)
	if err != nil {
		return nil, err
	}
	var users []crm.ProfileKey
	for _, refs := range found {
		for _, r := range refs {
			users = append(users, r.Subject.Profile)
		}
	}
	profiles, err := tx.Profiles(ctx, users...)
	if err != nil {
		return nil, err
	}
	ids := make([]crm.CustomerID, len(profiles))
	for i, p := range profiles {
		if p != nil {
			ids[i] = p.Customer
		}
	}
	members, err := tx.Members(ctx, ids...)
	if err != nil {
		return nil, err
	}
	out := make(map[crm.Address][]crm.Subject, len(effects))
	for i, refs := range found {
		var list []crm.Subject
		for range refs {
			for _, k := range members[0] {
				if s := crm.OfProfile(k); !slices.Contains(list, s) {
					list = append(list, s)
				}
			}
			members = members[1:]
		}
		out[effects[i].To] = list
	}
	return out, nil
}

// formerHomes returns, for each profile that was once placed with others, the
// profiles that those customers are named after: what was sent to the customer
// as a whole hangs there, and stays there after a split.
func formerHomes(ctx context.Context, tx crm.Tx, sharing map[crm.Address][]crm.Subject) (map[crm.Subject][]crm.Subject, error) {
	var keys []crm.ProfileKey
	for _, list := range sharing {
		for _, s := range list {
			keys = append(keys, s.Profile)
		}
	}
	slices.SortFunc(keys, crm.ProfileKey.Compare)
	if keys = slices.Compact(keys); len(keys) == 0 {
		return nil, nil
	}
	logs, err := tx.Links(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var ids []crm.CustomerID
	var whose []crm.Subject
	for i, log := range logs {
		if len(log) < 2 {
			continue
		}
		for _, l := range log {
			if l.Kind != crm.LinkNotMe {
				ids, whose = append(ids, l.Customer), append(whose, crm.OfProfile(keys[i]))
			}
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	homes, err := tx.Homes(ctx, ids...)
	if err != nil {
		return nil, err
	}
	out := map[crm.Subject][]crm.Subject{}
	for i, h := range homes {
		if s := crm.OfProfile(h); !h.IsZero() && s != whose[i] && !slices.Contains(out[whose[i]], s) {
			out[whose[i]] = append(out[whose[i]], s)
		}
	}
	return out, nil
}

// deliveredAt reads when the goods of surveyed orders were handed over.
func (e *Engine) deliveredAt(ctx context.Context, tx crm.Tx, effects []*crm.Effect, all []claimed) (map[crm.EffectID]time.Time, error) {
	out := map[crm.EffectID]time.Time{}
	var keys []string
	var asked []*crm.Effect
	for i, f := range effects {
		if all[i].data.Survey != "" && f.About.Kind == crm.KindOrder {
			keys = append(keys, f.About.String())
			asked = append(asked, f)
		}
	}
	found, err := tx.Refs(ctx, crm.RefFact, 1, keys...)
	if err != nil {
		return nil, err
	}
	var refs []crm.FactRef
	var which []*crm.Effect
	for i, r := range found {
		if len(r) > 0 {
			refs = append(refs, crm.FactRef{Subject: r[0].Subject, Key: asked[i].About})
			which = append(which, asked[i])
		}
	}
	facts, err := tx.Facts(ctx, refs...)
	if err != nil {
		return nil, err
	}
	for i, f := range facts {
		if f == nil {
			continue
		}
		if at, ok := f.Data.(*crm.Order).DeliveredAt(f.At); ok {
			out[which[i].ID] = at
		}
	}
	return out, nil
}
