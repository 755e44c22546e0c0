package vefa

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/segment"
)

// Deliver sends what is due now, and carries out what Config.Effects does in the
// world: between evenings, when delays end or quiet hours are over. A night does it,
// too. It reads the customers that effects are about and no others, and waits for no
// night. The counts are of messages and other effects together.
func (e *Engine) Deliver(ctx context.Context) (_ crm.WorkStats, err error) {
	defer e.took("deliver", time.Now(), &err)
	defer crm.Recover("deliver", &err)
	if err := e.checkKeys(ctx); err != nil { // else every link that goes out leads nowhere
		return crm.WorkStats{}, err
	}
	return e.deliver(ctx, nil)
}

// deliver does until nothing is due what leaves, and tells observe of each kind.
func (e *Engine) deliver(ctx context.Context, observe func(crm.EffectKind, crm.WorkStats)) (crm.WorkStats, error) {
	var total crm.WorkStats
	ctx, err := e.delivering(ctx)
	if err != nil {
		return total, err
	}
	moved := true // since letGo last looked, something left or ended
	for w := e.outward(observe); ; e.progress("deliver", total.Due, 0) {
		s, err := w.RunOnce(ctx)
		total.Add(s)
		if err != nil {
			return total, err
		}
		moved = moved || s.Done+s.Failed+s.Withheld > 0
		if s.Due == 0 {
			if moved {
				n, err := e.letGo(ctx)
				if err != nil {
					return total, err
				}
				if moved = false; n > 0 {
					continue
				}
			}
			if _, err = e.deliveries.Settle(ctx); err != nil { // reports that came before the answers
				return total, err
			}
			return total, e.closeCampaigns(ctx)
		}
	}
}

// Resume looks into messages and other effects that were handed over when the process
// was killed. Call it once when no other process delivers.
func (e *Engine) Resume(ctx context.Context) (_ crm.WorkStats, err error) {
	defer e.took("resume", time.Now(), &err)
	defer crm.Recover("resume", &err)
	if err := e.checkKeys(ctx); err != nil { // else every link that goes out leads nowhere
		return crm.WorkStats{}, err
	}
	if ctx, err = e.delivering(ctx); err != nil {
		return crm.WorkStats{}, err
	}
	return e.outward(nil).Resume(ctx)
}

// Receive records answers of the provider that come outside of Config.Sender,
// such as delivery reports: they settle what became of a message, or another effect,
// whose answer was lost. A receipt without an ID is about what bears its Provider. It
// waits for no night and for no other delivery.
func (e *Engine) Receive(ctx context.Context, receipts ...crm.Receipt) (_ crm.WorkStats, err error) {
	defer e.took("receive", time.Now(), &err)
	return e.outward(nil).Receive(ctx, receipts...)
}

// A delivery's context carries the places, which are read once, and the customers
// of the batch that is being claimed with the values of their messages' fields.
type (
	placesOf struct{}
	waysOf   struct{}
	batchOf  struct{}
	valuesOf struct{}
)

// delivering returns a context for the outbox.
func (e *Engine) delivering(ctx context.Context) (context.Context, error) {
	var places *crm.Places
	err := e.cfg.Store.View(ctx, func(r crm.Reader) (err error) {
		places, err = crm.LoadPlaces(ctx, r, e.cfg.Home)
		return err
	})
	return context.WithValue(ctx, placesOf{}, places), err
}

// prepare locks the customers that messages are about, so that two processes
// never decide about one customer at once and none is merged or split meanwhile,
// and reads them.
func (e *Engine) prepare(ctx context.Context, tx crm.Tx, effects []*crm.Effect) (context.Context, error) {
	if effects = configured(effects); len(effects) == 0 {
		return ctx, nil
	}
	about := make([]crm.ProfileKey, 0, len(effects))
	for _, f := range effects {
		if d, err := decodeMessage(f); err == nil { // else it will not render
			about = append(about, e.about(f, d))
		}
	}
	ctx, err := e.deskMessages(ctx, tx, effects)
	if err != nil {
		return nil, err
	}
	p, err := e.lockAndRead(ctx, tx, about)
	if err != nil {
		return nil, err
	}
	ways, err := e.ways(ctx, tx, p, effects)
	if err != nil {
		return nil, err
	}
	values, err := e.personal(ctx, tx, p, effects)
	ctx = context.WithValue(ctx, renderedOf{}, map[crm.EffectID]*messaging.Message{})
	ctx = context.WithValue(ctx, costsOf{}, make(map[crm.EffectID]crm.Money))
	return context.WithValue(context.WithValue(context.WithValue(ctx, batchOf{}, p), waysOf{}, ways), valuesOf{}, values), err
}

// lockAndRead locks the customers of profiles and reads them.
func (e *Engine) lockAndRead(ctx context.Context, tx crm.Tx, about []crm.ProfileKey) (*population, error) {
	slices.SortFunc(about, crm.ProfileKey.Compare)
	about = slices.Compact(about)
	ids, err := tx.CustomersOf(ctx, about...)
	if err != nil {
		return nil, err
	}
	if err := tx.LockCustomers(ctx, slices.DeleteFunc(slices.Clone(ids), func(id crm.CustomerID) bool { return id == "" })...); err != nil {
		return nil, err
	}
	now, err := tx.CustomersOf(ctx, about...)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(ids, now) { // merged or split before the lock was there
		return nil, &crm.Error{Op: "lock", Entity: "customer", Kind: crm.ErrConflict}
	}
	places, _ := ctx.Value(placesOf{}).(*crm.Places)
	set := e.rules.Active()
	read := e.asked(set)
	if e.anyMinds() { // of all that people respond by
		read = kinds
	}
	return e.few(ctx, tx, places, ids, set, read)
}

// render turns an effect into the message that goes out, of the customers that
// prepare has read.
func (e *Engine) render(ctx context.Context, _ crm.Tx, f *crm.Effect) (messaging.Message, error) {
	var m messaging.Message
	var d MessageData
	if err := json.Unmarshal(f.Data, &d); err != nil {
		return m, fmt.Errorf("%w: %w", messaging.ErrUnrenderable, err)
	}
	if d.Said != nil {
		return e.renderSaid(f, d)
	}
	p := ctx.Value(batchOf{}).(*population)
	known := e.message(ctx, d.Name)
	if known == nil {
		return m, fmt.Errorf("%w: there is no message %q", messaging.ErrUnrenderable, d.Name)
	}
	c, s := known.campaign, known.script.Variant(d.Variant)
	if s == nil {
		return m, fmt.Errorf("%w: message %q has no variant %q any more", messaging.ErrUnrenderable, d.Name, d.Variant)
	}
	who := d.Profile
	if who.IsZero() {
		who = f.Subject.Profile
	}
	x := p.of(who)
	if x == nil {
		return m, fmt.Errorf("%w: the source record is gone", messaging.ErrUnrenderable)
	}
	way, ok := ctx.Value(waysOf{}).(map[crm.EffectID]route)[f.ID]
	if to := cmp.Or(f.To, f.Subject.Address); !ok && !to.IsZero() {
		return m, fmt.Errorf("%w: it goes by %s, and would go to an address of channel %s", messaging.ErrUnrenderable, channelNames(s), cmp.Or(f.Via, to.Channel))
	}
	if !ok { // to nowhere: the outbox says so
		m.Class = c.Class
		return m, nil
	}
	url, err := e.trackedURL(d.Link)
	if err != nil {
		return m, err
	}
	values := messaging.Values{}
	if own, ok := ctx.Value(valuesOf{}).(map[crm.EffectID]messaging.Values)[f.ID]; ok {
		values = own
	}
	values["link"] = url
	if m, err = s.Render(way.by.Name, values); err != nil {
		return m, fmt.Errorf("%w: %w", messaging.ErrUnrenderable, err)
	}
	m.To, m.Class, m.Meta = way.to, c.Class, maps.Clone(d.Meta)
	size, err := s.Measure(&m)
	if err != nil { // longer than its route takes, or one that no route may carry
		return m, fmt.Errorf("%w: %w", messaging.ErrUnrenderable, err)
	}
	if all, ok := ctx.Value(renderedOf{}).(map[crm.EffectID]*messaging.Message); ok {
		said := m
		all[f.ID] = &said
	}
	if cost, ok := s.Price(way.by.Name, size); ok {
		ctx.Value(costsOf{}).(map[crm.EffectID]crm.Money)[f.ID] = cost
	}
	return m, nil
}

// shop names the place of the order or visit that a message is about.
func (p *population) shop(x *person, about crm.FactKey) string {
	place := x.place
	for i := range x.orders {
		if about.ID == x.orders[i].id && p.orderKey(&x.orders[i]) == about {
			place = x.orders[i].place
		}
	}
	for i := range x.visits {
		if about.ID == x.visits[i].id && p.visitKey(&x.visits[i]) == about {
			place = x.visits[i].place
		}
	}
	if at := p.places.Get(p.texts.text(place)); at != nil {
		return at.Name
	}
	return ""
}

// The guards of this package, besides those of package messaging.
const (
	GuardRecipient = "recipient" // the address is still one of this customer's
	GuardDelivered = "delivered" // a survey comes after the goods: it waits while they are on their way
	GuardRepeated  = "repeated"  // the address or another profile of the customer got it
)

// guard decides at the moment of sending, in the transaction that claims, from
// the record itself. Customers and addresses are locked: who is who, consent,
// suppression and tickets cannot change before the commit. The effects are
// decided one after the other, each as if those before it were in the record:
// how they are cut into batches changes nothing.
func (e *Engine) guard(ctx context.Context, tx crm.Tx, effects []*crm.Effect) ([]messaging.Verdict, error) {
	now := e.svc.Now()
	defs, err := loadTags(ctx, tx)
	if err != nil {
		return nil, err
	}
	p := ctx.Value(batchOf{}).(*population)
	all, got, err := e.readClaims(ctx, tx, effects, p, now)
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
	held, err := e.askDesk(ctx, tx, effects, all, now)
	if err != nil {
		return nil, err
	}
	goods, err := goodsOf(ctx, tx, effects, all)
	if err != nil {
		return nil, err
	}
	reminding, err := e.reminding(ctx, tx, effects, all, now)
	if err != nil {
		return nil, err
	}
	fill, err := e.newFiller(p, p.set, now, e.segmentsAt(now, func() (*segment.Index, error) { return e.index(ctx, tx, p, defs, now) }))
	if err != nil {
		return nil, err
	}
	fill.reader = tx
	ask := &asker{fill, map[*time.Location]*rules.Moment{}}
	more, err := e.further(ctx, tx, effects, now)
	if err != nil {
		return nil, err
	}
	spend, err := e.newSpending(ctx, tx, effects, all, now)
	if err != nil {
		return nil, err
	}
	var minding []*person
	for i, f := range effects {
		if known := e.message(ctx, all[i].data.Name); known != nil && minds(known.campaign) {
			minding = append(minding, p.of(e.about(f, all[i].data)))
		}
	}
	var replied map[*person]time.Time
	if len(minding) > 0 {
		if replied, err = e.repliesOf(ctx, tx, p.places, minding, now); err != nil {
			return nil, err
		}
	}
	var reminders []*crm.Effect
	out := make([]messaging.Verdict, len(effects))
	for i, f := range effects {
		c := &all[i]
		if v, ok := held[i]; ok && v.Outcome != messaging.Send {
			out[i] = v
			continue
		}
		known := e.message(ctx, c.data.Name)
		msg := *known.campaign
		msg.Exclude = slices.Concat(msg.Exclude, redTags(defs, now, c.data.Ignores))
		x := p.of(e.about(f, c.data))
		in := messaging.Candidate{Address: states[i], Channel: e.by(known, f), Tags: c.tags, Answers: c.data.Answers}
		e.local(p, x, &in)
		if err := e.heed(ctx, p, x, &msg, c.data.Variant, now, replied[x], &in); err != nil {
			return nil, err
		}
		if len(msg.Caps) > 0 || msg.Cadence.Every > 0 {
			if in.Recent, err = c.recent(f); err != nil {
				return nil, err
			}
		}
		v := msg.Again(in, now)
		if of, ok := held[i]; ok {
			v.Reasons, v.Reads = append(of.Reasons, v.Reasons...), of.Reads
		}
		own := func(guard string, pass bool, note string) {
			v.Reasons = append(v.Reasons, crm.Reason{Guard: guard, Pass: pass, Note: note})
			if !pass && v.Outcome != messaging.Withhold {
				v.Outcome, v.Guard, v.NotBefore = messaging.Withhold, guard, time.Time{}
			}
		}
		own(GuardRecipient, usable(c.profiles, f.To), "")
		if c.data.Survey != "" && f.About.Kind == crm.KindOrder {
			object(&v, GuardDelivered, e.afterGoods(f, goods[f.ID], now), now)
		}
		own(GuardRepeated, !got.repeated(f, c), "")
		if o, ok := reminding[f.ID]; ok {
			object(&v, GuardReminder, o, now)
		}
		if err := more.ask(ctx, f, c, states[i], &v); err != nil {
			return nil, err
		}
		if len(c.data.Rule) > 0 {
			fill.claim, fill.deciding = c, f
			d, err := e.recheck(ctx, f, ask)
			if err != nil {
				return nil, err
			}
			v.Reasons = append(v.Reasons, d.Reasons...)
			if d.State != "" && v.Outcome != messaging.Withhold {
				v.Outcome, v.Guard, v.NotBefore = messaging.Withhold, "rule", time.Time{}
			}
		}
		if v.Outcome == messaging.Send && f.SentAt.IsZero() {
			if spend.decide(i, &v); v.Outcome == messaging.Send {
				got.add(f, c, now)
				next, err := e.nextReminder(f, c.data, now)
				if err != nil {
					return nil, err
				}
				if next != nil {
					reminders = append(reminders, next)
				}
			}
		}
		out[i] = v
	}
	if len(reminders) > 0 {
		if _, err := tx.PutEffects(ctx, reminders...); err != nil {
			return nil, err
		}
	}
	refs := append(got.refs, spend.overRefs()...)
	for i := range held {
		if out[i].Outcome == messaging.Defer && out[i].NotBefore.Sub(now) >= parked-time.Minute { // not that of a seal
			refs = append(refs, pausedRef(all[i].data.Name, effects[i]))
		}
	}
	if err := tx.PutRefs(ctx, refs...); err != nil {
		return nil, err
	}
	return out, spend.write(ctx, tx, out) // the counters are locked last, for they are of many
}

// afterGoods says what is against a survey about an order now. It waits for goods that are on their way,
// a day at a time and as long as Config.AnswerWithin since it was planned: what carriers tell comes late,
// and the night does not plan it a second time.
func (e *Engine) afterGoods(f *crm.Effect, of *crm.Fact, now time.Time) Objection {
	if of == nil {
		return Objection{Against: true, Note: "the order is gone"}
	}
	o := of.Data.(*crm.Order)
	switch at, ok := o.DeliveredAt(of.At); {
	case ok && !at.After(now):
		return Objection{}
	case ok && at.Before(f.Created.Add(e.cfg.AnswerWithin)):
		return Objection{NotBefore: at, Note: "the goods come " + at.UTC().Format(time.RFC3339)}
	case ok || o.IsReturn() || o.Status != crm.OrderPlaced && o.Status != crm.OrderShipped || !now.Before(f.Created.Add(e.cfg.AnswerWithin)):
		return Objection{Against: true, Note: "the goods were not handed over"}
	}
	return Objection{NotBefore: now.Add(24 * time.Hour), Note: "the goods are on their way"}
}

// goodsOf reads the orders that surveys are about.
func goodsOf(ctx context.Context, tx crm.Tx, effects []*crm.Effect, all []claimed) (map[crm.EffectID]*crm.Fact, error) {
	out := map[crm.EffectID]*crm.Fact{}
	var keys []crm.FactKey
	var asked []*crm.Effect
	for i, f := range effects {
		if all[i].data.Survey != "" && f.About.Kind == crm.KindOrder {
			keys = append(keys, f.About)
			asked = append(asked, f)
		}
	}
	found, err := tx.Anchors(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var refs []crm.FactRef
	var which []*crm.Effect
	for i, at := range found {
		if at != (crm.Subject{}) {
			refs = append(refs, crm.FactRef{Subject: at, Key: asked[i].About})
			which = append(which, asked[i])
		}
	}
	facts, err := tx.Facts(ctx, refs...)
	for i, f := range facts {
		out[which[i].ID] = f
	}
	return out, err
}
