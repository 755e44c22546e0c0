package vefa

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
)

// The guards of what a campaign may spend and how fast, see messaging.Campaign.
const (
	GuardBudget   = "budget"   // messaging.Campaign.Budget is gone
	GuardVelocity = "velocity" // the hour of messaging.Campaign.Velocity is full
)

// The kinds of the counters of campaigns. Their ids begin with the name of the message, such
// as "campaign/spring"; that of money goes on with the currency, that of velocity with the
// calling code and the hour. Reservations bear the ids of effects.
const (
	counterMessages = "campaign-messages"
	counterMoney    = "campaign-money"
	counterVelocity = "campaign-velocity"
)

// velocityHours is how far ahead hours are looked for that have room: what finds none waits
// for the last of them and looks again.
const velocityHours = 72

// costsOf is under which a delivery's context keeps what the rendered messages cost.
type costsOf struct{}

// spending decides which messages of a batch their campaigns can pay, one after the other,
// and reserves it at the end: what another process took meanwhile makes the claim a conflict,
// which is done again.
type spending struct {
	now      time.Time
	costs    map[crm.EffectID]crm.Money
	effects  []*crm.Effect
	of       []*message // by effect; nil where there is nothing to count
	names    []string
	counters map[crm.CounterKey]*crm.Counter // as they are, with what this batch takes
	limits   map[crm.CounterKey]int64        // of the configuration
	standing map[crm.ReservationKey]crm.ReservationState
	takes    []crm.Take
	over     []crm.Ref // of messages of campaigns that the budget could not pay
}

func hourOf(at time.Time) time.Time { return at.UTC().Truncate(time.Hour) }

func velocityKey(name, code string, hour time.Time) crm.CounterKey {
	return crm.CounterKey{Kind: counterVelocity, ID: name + "/" + code + "/" + hour.Format(velocityHour)}
}

// velocityHour is how the id of a counter of velocity names its hour.
const velocityHour = "2006-01-02T15"

func messagesKey(name string) crm.CounterKey {
	return crm.CounterKey{Kind: counterMessages, ID: name}
}

func moneyKey(name, currency string) crm.CounterKey {
	return crm.CounterKey{Kind: counterMoney, ID: name + "/" + currency}
}

// budgetLimits are the counters of a campaign's budget.
func budgetLimits(name string, c *messaging.Campaign) (out []crm.Counter) {
	if n := c.Budget.Messages; n > 0 {
		out = append(out, crm.Counter{CounterKey: messagesKey(name), Limit: n})
	}
	if m := c.Budget.Money; m.Amount > 0 {
		out = append(out, crm.Counter{CounterKey: moneyKey(name, m.Currency), Limit: m.Amount})
	}
	return out
}

// counted reports whether anything of a message is counted.
func counted(c *messaging.Campaign) bool {
	return c.Budget != (messaging.Budget{}) || len(c.Velocity) > 0
}

// newSpending reads the counters of a batch; nil where nothing is counted.
func (e *Engine) newSpending(ctx context.Context, r crm.Reader, effects []*crm.Effect, all []claimed, now time.Time) (*spending, error) {
	costs, _ := ctx.Value(costsOf{}).(map[crm.EffectID]crm.Money)
	s := &spending{now: now, costs: costs, effects: effects, of: make([]*message, len(effects)), names: make([]string, len(effects)),
		counters: map[crm.CounterKey]*crm.Counter{}, limits: map[crm.CounterKey]int64{}, standing: map[crm.ReservationKey]crm.ReservationState{}}
	var ids []crm.ReservationKey
	any := false
	for i, f := range effects {
		m := e.message(ctx, all[i].data.Name)
		if m == nil || !counted(m.campaign) {
			continue
		}
		any = true
		s.of[i], s.names[i] = m, all[i].data.spends()
		for _, c := range budgetLimits(s.names[i], m.campaign) {
			s.limits[c.CounterKey] = c.Limit
			ids = append(ids, crm.ReservationKey{Counter: c.CounterKey, ID: string(f.ID)})
		}
		if code, ok := m.campaign.Country(f.To); ok {
			for h := range velocityHours {
				s.limits[velocityKey(s.names[i], code, hourOf(now).Add(time.Duration(h)*time.Hour))] = int64(m.campaign.Velocity[code])
			}
			ids = append(ids, crm.ReservationKey{Counter: velocityKey(s.names[i], code, hourOf(now)), ID: string(f.ID)})
		}
	}
	if !any {
		return nil, nil
	}
	keys := make([]crm.CounterKey, 0, len(s.limits))
	for k := range s.limits {
		keys = append(keys, k)
	}
	found, err := r.Counters(ctx, keys...)
	if err != nil {
		return nil, err
	}
	for _, c := range found {
		if c != nil {
			copied := *c
			s.counters[c.CounterKey] = &copied
		}
	}
	held, err := r.Reservations(ctx, ids...)
	if err != nil {
		return nil, err
	}
	for _, x := range held {
		if x != nil {
			s.standing[x.ReservationKey] = x.State
		}
	}
	return s, nil
}

// free is how much of a counter there is left in this batch.
func (s *spending) free(k crm.CounterKey) int64 {
	if c := s.counters[k]; c != nil {
		return s.limits[k] - c.Reserved - c.Used
	}
	return s.limits[k]
}

// stand returns what an effect has at a counter already, Absent if it never asked.
func (s *spending) stand(k crm.CounterKey, f *crm.Effect) crm.ReservationState {
	return s.standing[crm.ReservationKey{Counter: k, ID: string(f.ID)}]
}

func holds(st crm.ReservationState) bool { return st == crm.Reserved || st == crm.Confirmed }

// decide lets a message that would leave go, or withholds it or puts it off.
func (s *spending) decide(i int, v *messaging.Verdict) {
	if s == nil || s.of[i] == nil {
		return
	}
	f, c, name := s.effects[i], s.of[i].campaign, s.names[i]
	refuse := func(outcome messaging.Outcome, guard, note string) {
		v.Outcome, v.Guard = outcome, guard
		v.Reasons = append(v.Reasons, crm.Reason{Guard: guard, Note: note})
	}
	var takes []crm.Take
	limits := budgetLimits(name, c)
	for _, l := range limits {
		st := s.stand(l.CounterKey, f)
		if holds(st) { // of an attempt before
			continue
		}
		amount := int64(1)
		if l.Kind == counterMoney {
			cost := s.costs[f.ID]
			if amount = cost.Amount; amount <= 0 || cost.Currency != c.Budget.Money.Currency {
				refuse(messaging.Withhold, GuardBudget, "what it costs is not known")
				return
			}
		}
		if free := s.free(l.CounterKey); st != crm.Absent || free < amount {
			refuse(messaging.Withhold, GuardBudget, fmt.Sprintf("%d are left of %d, and it takes %d", max(0, free), l.Limit, amount))
			if st == crm.Absent && f.Cause == name { // what rules plan is of its evening
				s.over = append(s.over, overRef(name, f, s.price(f, c)))
			}
			return
		}
		takes = append(takes, crm.Take{ReservationKey: crm.ReservationKey{Counter: l.CounterKey, ID: string(f.ID)}, Amount: amount, Limit: l.Limit})
	}
	if len(limits) > 0 {
		v.Reasons = append(v.Reasons, crm.Reason{Guard: GuardBudget, Pass: true})
	}
	if code, ok := c.Country(f.To); ok && !s.inHour(f, v, name, code, int64(c.Velocity[code]), &takes) {
		return
	}
	for _, t := range takes {
		s.take(t)
	}
}

// price is what a message takes of the budget of money, 1 where there is none.
func (s *spending) price(f *crm.Effect, c *messaging.Campaign) int64 {
	if c.Budget.Money == (crm.Money{}) {
		return 1
	}
	return s.costs[f.ID].Amount
}

// overRefs are the entries of refOver of the batch.
func (s *spending) overRefs() []crm.Ref {
	if s == nil {
		return nil
	}
	return s.over
}

// inHour reports whether there is room for a message in this hour, for which it then asks.
// Else it is put off to the next hour that has room, in which it gets its place now: so that
// each of many that wait is looked at a few times, and not every hour.
func (s *spending) inHour(f *crm.Effect, v *messaging.Verdict, name, code string, limit int64, takes *[]crm.Take) bool {
	this := hourOf(s.now)
	for h := range velocityHours {
		at := this.Add(time.Duration(h) * time.Hour)
		k := velocityKey(name, code, at)
		st := s.stand(k, f)
		if !holds(st) && (st != crm.Absent || s.free(k) < 1) && h < velocityHours-1 {
			continue
		}
		take := crm.Take{ReservationKey: crm.ReservationKey{Counter: k, ID: string(f.ID)}, Amount: 1, Limit: limit, For: at.Add(25 * time.Hour).Sub(s.now)}
		room := s.free(k) > 0
		if h == 0 {
			if !holds(st) {
				*takes = append(*takes, take)
			}
			v.Reasons = append(v.Reasons, crm.Reason{Guard: GuardVelocity, Pass: true})
			return true
		}
		if room {
			s.take(take)
		}
		v.Outcome, v.Guard, v.NotBefore = messaging.Defer, GuardVelocity, crm.Micros(at)
		v.Reasons = append(v.Reasons, crm.Reason{Guard: GuardVelocity, Note: fmt.Sprintf("%d an hour to %q are gone until %s", limit, code, at.Format(time.RFC3339))})
		return false
	}
	return true
}

// take notes what is to be reserved.
func (s *spending) take(t crm.Take) {
	c := s.counters[t.Counter]
	if c == nil {
		c = &crm.Counter{CounterKey: t.Counter, Limit: t.Limit}
		s.counters[t.Counter] = c
	}
	c.Reserved += t.Amount
	s.takes = append(s.takes, t)
}

// write reserves what was taken, and gives back what messages had reserved that never leave.
func (s *spending) write(ctx context.Context, tx crm.Tx, out []messaging.Verdict) error {
	if s == nil {
		return nil
	}
	var limits []crm.Counter
	for _, t := range s.takes {
		if c := s.counters[t.Counter]; c.Limit != t.Limit { // the configuration was changed
			c.Limit = t.Limit
			limits = append(limits, crm.Counter{CounterKey: t.Counter, Limit: t.Limit})
		}
	}
	if len(limits) > 0 {
		if err := tx.SetLimits(ctx, limits...); err != nil {
			return err
		}
	}
	states, err := tx.Reserve(ctx, s.takes...)
	if err != nil {
		return err
	}
	for i, st := range states {
		if st != crm.Reserved && st != crm.Confirmed { // another process took it
			return &crm.Error{Op: "reserve", Entity: "counter", ID: s.takes[i].Counter.String(), Kind: crm.ErrConflict}
		}
	}
	var back []crm.ReservationKey
	for i, f := range s.effects {
		if s.of[i] == nil || out[i].Outcome != messaging.Withhold || !f.SentAt.IsZero() {
			continue
		}
		for k, st := range s.standing {
			if k.ID == string(f.ID) && st == crm.Reserved {
				back = append(back, k)
			}
		}
	}
	_, err = tx.Release(ctx, back...)
	return err
}

// settled confirms what messages that left had reserved, and gives back what those had that
// certainly did not. Of unknown fate, and to come again, it stays reserved; of unknown fate it is
// noted, see settleDoubts.
func (e *Engine) settled(ctx context.Context, tx crm.Tx, effects []*crm.Effect) error {
	var deskNames []string
	type final struct {
		*crm.Effect
		name string
	}
	var ended []final
	for _, f := range effects {
		if f.State != crm.Done && f.State != crm.Failed && f.State != crm.Unknown {
			continue
		}
		d, err := decodeMessage(f)
		if err != nil {
			continue // it was never rendered
		}
		if name, ok := e.deskName(d.Name); ok && !slices.Contains(deskNames, name) {
			deskNames = append(deskNames, name)
		}
		ended = append(ended, final{f, d.spends()})
	}
	known := func(message string) *messaging.Campaign { return e.messages[message] }
	if len(deskNames) > 0 {
		lives, err := e.desk.Read(ctx, tx, deskNames...)
		if err != nil {
			return err
		}
		known = func(message string) *messaging.Campaign {
			if name, ok := e.deskName(message); ok {
				if l := lives[name]; l != nil {
					return &l.Campaign
				}
			}
			return e.messages[message]
		}
	}
	var keys []crm.ReservationKey
	var of []*crm.Effect
	var doubts []crm.Ref
	for _, f := range ended {
		c := known(f.name)
		if c == nil || !counted(c) {
			continue
		}
		if f.State == crm.Unknown {
			if c.Budget != (messaging.Budget{}) {
				doubts = append(doubts, doubtRef(f.name, f.Effect))
			}
			continue
		}
		for _, l := range budgetLimits(f.name, c) {
			keys, of = append(keys, crm.ReservationKey{Counter: l.CounterKey, ID: string(f.ID)}), append(of, f.Effect)
		}
		if code, ok := c.Country(f.To); ok && !f.SentAt.IsZero() {
			keys, of = append(keys, crm.ReservationKey{Counter: velocityKey(f.name, code, hourOf(f.SentAt)), ID: string(f.ID)}), append(of, f.Effect)
		}
	}
	if err := tx.PutRefs(ctx, doubts...); err != nil {
		return err
	}
	return endReservations(ctx, tx, keys, of)
}

// endReservations confirms the reservations of effects that left, and gives back those of others.
func endReservations(ctx context.Context, tx crm.Tx, keys []crm.ReservationKey, of []*crm.Effect) error {
	if len(keys) == 0 {
		return nil
	}
	held, err := tx.Reservations(ctx, keys...)
	if err != nil {
		return err
	}
	var used []crm.Take
	var back []crm.ReservationKey
	for i, x := range held {
		switch {
		case x == nil || x.State != crm.Reserved:
		case of[i].State == crm.Done:
			used = append(used, crm.Take{ReservationKey: x.ReservationKey, Amount: x.Amount})
		default:
			back = append(back, x.ReservationKey)
		}
	}
	if _, err := tx.Confirm(ctx, used...); err != nil {
		return err
	}
	_, err = tx.Release(ctx, back...)
	return err
}
