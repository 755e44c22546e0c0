package vefa

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/consent"
	"github.com/vefacrm/vefa/messaging/offer"
	"github.com/vefacrm/vefa/rules"
)

// EffectOffer is the kind of effects that are offers of a Campaign that is Live: what a customer
// was offered while he waited, and when. Nothing carries them out; Results counts them.
const EffectOffer crm.EffectKind = "offer"

// actionOffer is what rules write to have one.
const actionOffer = "offer"

// Chosen is how somebody came to what a campaign with a Choice offers him.
type Chosen struct {
	// Same is set for those who get the same for all, the campaign's own words.
	Same bool `json:"same,omitempty"`
	// Group is offer.Person.Group, by which results are counted.
	Group string `json:"group,omitempty"`
}

// Offered is what a rule offers a customer at an occasion.
type Offered struct {
	Effect   crm.EffectID
	Campaign string
	// Offer is the name of the messaging.Variant, "" for the campaign's own words, and Text what
	// those say.
	Offer string
	Text  string
	// Repeated is set for one that was made to him before: what his rule says once stays as it was.
	Repeated bool
}

// lessons are, by variant and by group, what came of what a campaign offered.
type lessons map[string]map[string]offer.Count

// taught holds the lessons of each campaign, by cause.
type taught struct {
	mu sync.RWMutex
	of map[string]lessons
}

func (t *taught) get(cause string) lessons {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.of[cause]
}

func (t *taught) put(of map[string]lessons) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil {
		t.of = map[string]lessons{}
	}
	maps.Copy(t.of, of)
}

// checkChoice reports why what a campaign offers cannot be chosen.
func (e *Engine) checkChoice(c *messaging.Campaign) error {
	if c.Choice.IsZero() {
		return nil
	}
	_, err := e.chooser(c)
	return err
}

func (e *Engine) chooser(c *messaging.Campaign) (offer.Chooser, error) {
	if by := e.cfg.Choosers[c.Choice.By]; by != nil {
		return by, nil
	}
	if c.Choice.By != "" {
		return nil, fmt.Errorf("Config.Choosers has no chooser %q", c.Choice.By)
	}
	return offer.Thompson{}, nil
}

// checkLive reports every fault of a campaign that is Live.
func (c *Campaign) checkLive(fault func(format string, args ...any)) {
	if !c.Live {
		return
	}
	for _, x := range []struct {
		has  bool
		what string
	}{{len(c.On) > 0, "evenings (On)"}, {c.Segment != "", "a segment"}, {c.URL != "", "a URL"}, {len(c.Fields) > 0, "fields"}, {len(c.Velocity) > 0 || c.Budget != (messaging.Budget{}), "a budget or a velocity"}, {len(c.Caps) > 0, "caps"},
		{c.Cadence != (messaging.Cadence{}), "a cadence (Cadence)"}, {c.Relevance != 0, "a least score (Relevance)"},
		{c.Quiet != (messaging.QuietHours{}), "quiet hours (Quiet)"}, {c.Policy != (consent.Policy{}), "a policy of consent (Policy)"}} {
		if x.has {
			fault("campaign %q is live and has %s: a rule says to whom and when, what is offered has the same text for everybody, and whoever waits for it is written to by nobody", c.Name, x.what)
		}
	}
}

// liveCampaign returns a campaign of the configuration that is offered to customers who wait.
func (e *Engine) liveCampaign(name string) *Campaign {
	i := slices.IndexFunc(e.cfg.Campaigns, func(c Campaign) bool { return c.Live && c.Name == name })
	if i < 0 {
		return nil
	}
	return &e.cfg.Campaigns[i]
}

// checkOffer reports why a rule cannot offer something.
func (e *Engine) checkOffer(r *rules.Rule, a rules.Action) error {
	switch {
	case e.liveCampaign(a.Name) == nil:
		return fmt.Errorf("there is no campaign %q that is Live", a.Name)
	case r.On.Kind != rules.OnEvent || !slices.Contains(e.cfg.Events, r.On.Event):
		return fmt.Errorf("an offer is made on an event of Config.Events alone: only Engine.Occur has somebody who waits for it")
	case a.After != "" || a.At != "":
		return fmt.Errorf("an offer is made at once, and cannot wait")
	}
	return nil
}

// chooseOffer returns which variant of a campaign a person gets, and how it came to that.
func (e *Engine) chooseOffer(ctx context.Context, p *population, x *person, c *messaging.Campaign, tags []string) (string, *Chosen, error) {
	unit := x.home.String()
	if c.Choice.IsZero() {
		return c.Draw(e.keys.assign, unit), nil, nil
	}
	known := e.lessons.get(c.Cause())
	offers := make([]offer.Offer, 1+len(c.Variants))
	for i := range offers {
		if i > 0 {
			offers[i].Name = c.Variants[i-1].Name
		}
		offers[i].Categories = c.About(offers[i].Name)
	}
	who := offer.Person{Unit: unit, Tags: tags, Bought: p.boughtOf(x)}
	who.Group = offer.Group(who.Bought, offers)
	how := &Chosen{Group: who.Group, Same: c.SameForAll(e.keys.assign, unit)}
	if how.Same {
		return "", how, nil
	}
	for i := range offers {
		r := &offers[i].Results
		for group, n := range known[offers[i].Name] {
			r.All.Tried += n.Tried
			r.All.Bought += n.Bought
			if group == who.Group {
				r.Group = n
			}
		}
	}
	by, err := e.chooser(c)
	if err != nil {
		return "", nil, err
	}
	at, err := choose(ctx, by, offer.Question{Campaign: c.Name, Person: who, Offers: offers,
		Random: rand.New(rand.NewPCG(e.keys.assign.Seed(c.Cause()+"/choice", unit), 0))})
	if err != nil {
		return "", nil, fmt.Errorf("vefa: campaign %q: choose: %w", c.Name, err)
	}
	if at < 0 || at >= len(offers) {
		return "", nil, fmt.Errorf("vefa: campaign %q: the chooser answered %d of %d offers", c.Name, at, len(offers))
	}
	return offers[at].Name, how, nil
}

// choose asks a chooser, whose panics are its errors.
func choose(ctx context.Context, by offer.Chooser, q offer.Question) (at int, err error) {
	defer crm.Recover("choose", &err)
	return by.Choose(ctx, q)
}

// boughtOf returns, by category of its dearest article, which share of the customer's
// purchases each has.
func (p *population) boughtOf(x *person) map[string]float64 {
	n := map[uint32]int{}
	all := 0
	for i := range x.orders {
		if o := &x.orders[i]; o.flags&(flagReturn|flagCancelled|flagReturned) == 0 {
			all++
			n[o.category]++
		}
	}
	out := make(map[string]float64, len(n))
	for category, k := range n {
		if name := p.texts.text(category); name != "" {
			out[name] = float64(k) / float64(all)
		}
	}
	return out
}

// Learn reads from the record what came of what campaigns of the configuration with a Choice
// offered, by which their choosers go from then on. Evenings do it before they draw; a process
// without any, which tells of occasions alone, calls it from time to time. It reads all effects. What it counts are those whose window is over,
// so that an offer is not thought poor for being young, and of a campaign that is Live the first
// of each customer.
func (e *Engine) Learn(ctx context.Context) (err error) {
	defer e.took("learn", time.Now(), &err)
	defer crm.Recover("learn", &err)
	var all []begunCampaign
	for i := range e.cfg.Campaigns {
		all = append(all, begunCampaign{Campaign: &e.cfg.Campaigns[i].Campaign})
	}
	return e.learn(ctx, all)
}

func (e *Engine) learn(ctx context.Context, campaigns []begunCampaign) error {
	campaigns = slices.DeleteFunc(slices.Clone(campaigns), func(c begunCampaign) bool { return c.Choice.IsZero() })
	if len(campaigns) == 0 {
		return nil
	}
	of := map[string]*messaging.Campaign{}
	for _, c := range campaigns {
		of[c.Cause()] = c.Campaign
	}
	now := e.svc.Now()
	byCause, data := map[string][]*crm.Effect{}, map[crm.EffectID]MessageData{}
	var places *crm.Places
	err := e.cfg.Store.View(ctx, func(r crm.Reader) (err error) {
		clear(byCause)
		clear(data)
		if places, err = crm.LoadPlaces(ctx, r, e.cfg.Home); err != nil {
			return err
		}
		for f, err := range crm.AllEffects(ctx, r, crm.AllParts()) {
			if err != nil {
				return err
			}
			if f.Kind != EffectOffer && (f.Kind != crm.EffectMessage || of[f.Cause] == nil) {
				continue
			}
			d, err := decodeMessage(f)
			if err != nil {
				return err
			}
			if c := of[d.Name]; c != nil && !f.Created.Add(c.Window).After(now) {
				byCause[d.Name] = append(byCause[d.Name], f)
				data[f.ID] = d
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := e.units(ctx, byCause, data); err != nil {
		return err
	}
	for cause, list := range byCause { // what had no choice says nothing of one, nor who got nothing
		byCause[cause] = slices.DeleteFunc(list, func(f *crm.Effect) bool { return f.SentAt.IsZero() || data[f.ID].Choice == nil })
	}
	bought, err := e.whoBought(ctx, places, campaigns, byCause, data, now)
	if err != nil {
		return err
	}
	out := map[string]lessons{}
	for cause := range of {
		l := lessons{}
		for _, f := range byCause[cause] {
			d := data[f.ID]
			if l[d.Variant] == nil {
				l[d.Variant] = map[string]offer.Count{}
			}
			n := l[d.Variant][d.Choice.Group]
			n.Tried++
			if bought[f.ID].any {
				n.Bought++
			}
			l[d.Variant][d.Choice.Group] = n
		}
		out[cause] = l
	}
	e.lessons.put(out)
	return nil
}

// makeOffers decides about the offers among what rules plan for a customer who waits.
func (e *Engine) makeOffers(ctx context.Context, p *population, x *person, effects []*crm.Effect, now time.Time) error {
	if len(effects) == 0 {
		return nil
	}
	var red []string
	err := e.cfg.Store.View(ctx, func(r crm.Reader) error {
		defs, err := loadTags(ctx, r)
		red = redTags(defs, now, nil)
		return err
	})
	if err != nil {
		return err
	}
	tags := p.tagNames(x, now.UnixMicro())
	for _, f := range effects {
		pay, err := rules.DecodePayload(f)
		if err != nil {
			return err
		}
		c := e.liveCampaign(pay.Name)
		if c == nil { // Load refuses rules that offer anything else
			return fmt.Errorf("vefa: there is no campaign %q that is Live", pay.Name)
		}
		d := MessageData{Name: c.Cause(), Profile: x.home, Class: Class(c.Class)}
		if d.Variant, d.Choice, err = e.chooseOffer(ctx, p, x, &c.Campaign, tags); err != nil {
			return err
		}
		if f.Data, err = json.Marshal(d); err != nil {
			return err
		}
		f.Created, f.Changed, f.Due = crm.Micros(now), crm.Micros(now), crm.Micros(now)
		f.State = crm.Done
		refuse := func(guard, note string, state crm.EffectState) {
			f.Reasons = append(f.Reasons, crm.Reason{Guard: guard, Pass: note == "", Note: note})
			if note != "" && f.State == crm.Done {
				f.State = state
			}
		}
		note := ""
		if now.Before(c.Start) || !c.End.IsZero() && !now.Before(c.End) {
			note = "the campaign is from " + c.Start.UTC().Format(time.RFC3339) + " to " + c.End.UTC().Format(time.RFC3339)
		}
		refuse(messaging.GuardEnded, note, crm.Withheld)
		if note = ""; slices.ContainsFunc(x.tickets, func(t ticketRow) bool { return t.solved == 0 }) {
			note = "an unsolved ticket"
		}
		refuse(messaging.GuardTicket, note, crm.Withheld)
		excluded := slices.Concat(c.Exclude, red)
		if note = ""; slices.ContainsFunc(tags, func(t string) bool { return slices.Contains(excluded, t) }) {
			note = "a tag that the campaign excludes, or that is red"
		}
		refuse(messaging.GuardTag, note, crm.Withheld)
		if note = ""; e.keys.assign.HeldOut(c.Cause(), x.home.String(), c.Holdout) {
			note = "in the control group"
		}
		refuse(messaging.GuardHoldout, note, crm.HeldOut)
		if f.State == crm.Done {
			f.SentAt = f.Created
		}
	}
	return nil
}

// mark is what tells effects of a customer's rules apart, whichever of his profiles they hang on.
type mark struct {
	cause, occurrence string
	about             crm.FactKey
}

func markOf(f *crm.Effect) mark { return mark{f.Cause, f.Occurrence, f.About} }

// offersOf reads the offers that a customer has had.
func (e *Engine) offersOf(ctx context.Context, members []crm.Subject) (map[mark]*crm.Effect, error) {
	out := map[mark]*crm.Effect{}
	return out, e.cfg.Store.View(ctx, func(r crm.Reader) error {
		clear(out)
		stored, err := r.EffectsOf(ctx, members...)
		for _, f := range stored {
			if f.Kind != EffectOffer {
				continue
			}
			// Two that were made one has had it twice: the first counts.
			if o := out[markOf(f)]; o == nil || cmp.Or(f.Created.Compare(o.Created), cmp.Compare(f.ID, o.ID)) < 0 {
				out[markOf(f)] = f
			}
		}
		return err
	})
}

// offering makes what rules planned for a customer who waits into offers, except for those that
// he has had, and says after they were written which they are.
type offering struct {
	e       *Engine
	members []crm.Subject
	planned []*crm.Effect
	had     map[mark]*crm.Effect
}

func (e *Engine) newOffering(ctx context.Context, p *population, x *person, members []crm.Subject, in []rules.Intent, now time.Time) (*offering, error) {
	o := &offering{e: e, members: members}
	for _, i := range in {
		for _, f := range i.Effects {
			if f.Kind == EffectOffer {
				o.planned = append(o.planned, f)
			}
		}
	}
	if len(o.planned) == 0 {
		return o, nil
	}
	var err error
	if o.had, err = e.offersOf(ctx, members); err != nil {
		return nil, err
	}
	news := slices.DeleteFunc(slices.Clone(o.planned), func(f *crm.Effect) bool { return o.had[markOf(f)] != nil })
	return o, e.makeOffers(ctx, p, x, news, now)
}

// errMoved is that a customer was merged or split since he was read.
var errMoved = errors.New("vefa: the customer was merged or split meanwhile")

// write writes what rules planned. With offers the customer is locked first, and still has the
// records that he had when he was read, neither more nor fewer: what two processes, or two profiles that just became one customer, are offered at once is
// one offer.
func (o *offering) write(ctx context.Context, id crm.CustomerID, in []rules.Intent) (n PlanReport, err error) {
	if len(o.planned) == 0 {
		return o.e.write(ctx, in, false)
	}
	return n, o.e.svc.Update(ctx, func(tx crm.Tx) error {
		if err := tx.LockCustomers(ctx, id); err != nil {
			return err
		}
		now, err := tx.Members(ctx, id)
		if err != nil {
			return err
		}
		if !slices.EqualFunc(now[0], o.members, func(k crm.ProfileKey, m crm.Subject) bool { return k == m.Profile }) {
			return errMoved
		}
		n, err = o.e.writeIn(ctx, tx, in)
		return err
	})
}

// made returns the offers, as the record has them: what another process made at the same time
// stands.
func (o *offering) made(ctx context.Context, wrote PlanReport) (out []Offered, err error) {
	if len(o.planned) == 0 {
		return nil, nil
	}
	now := o.had
	if wrote.Repeated > 0 {
		if now, err = o.e.offersOf(ctx, o.members); err != nil {
			return nil, err
		}
	}
	for _, f := range o.planned {
		had := o.had[markOf(f)] != nil
		if is := now[markOf(f)]; is != nil {
			had = had || is.ID != f.ID || string(is.Data) != string(f.Data)
			f = is
		}
		if f.State != crm.Done {
			continue
		}
		d, err := decodeMessage(f)
		if err != nil {
			return nil, err
		}
		script := o.e.scripts[d.Name].Variant(d.Variant)
		if script == nil { // the configuration has it no more
			continue
		}
		m, err := script.Render(script.Channels()[0], messaging.Values{})
		if err != nil {
			return nil, err
		}
		out = append(out, Offered{f.ID, strings.TrimPrefix(d.Name, "campaign/"), d.Variant, m.Text, had})
	}
	return out, nil
}
