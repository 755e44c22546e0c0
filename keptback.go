package vefa

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/campaigns"
)

// The indexes of the messages of campaigns. Targets are the ids of effects.
const (
	// refCampaign lists all that a drawing planned, by campaignKey.
	refCampaign crm.RefKind = "campaign"
	// refPaused lists what was claimed while its campaign did not go on, by the name of the
	// message.
	refPaused crm.RefKind = "campaign-paused"
	// refOver lists what was withheld because the budget was gone, by the name of the
	// message; the order is what it takes of the budget of money, else 1.
	refOver crm.RefKind = "campaign-over"
	// refDoubt lists what is of unknown fate and has reserved something of a budget, by the name
	// of the message.
	refDoubt crm.RefKind = "campaign-doubt"
)

// campaignKey is the key of refCampaign.
func campaignKey(cause, occurrence string) string { return crm.RefKey(cause + " " + occurrence) }

// parked is how long a message of a paused campaign is left alone. It is looked at sooner
// where the campaign goes on: by its entry in refPaused.
const parked = 24 * time.Hour

// keptPage bounds the effects of one transaction.
const keptPage = 500

// pausedRef is the entry of a message that is left alone until its campaign goes on.
func pausedRef(name string, f *crm.Effect) crm.Ref {
	return crm.Ref{Kind: refPaused, Key: crm.RefKey(name), Subject: f.Subject, Target: string(f.ID)}
}

// overRef is the entry of a message that was over the budget by an amount.
func overRef(name string, f *crm.Effect, amount int64) crm.Ref {
	return crm.Ref{Kind: refOver, Key: crm.RefKey(name), Subject: f.Subject, Target: string(f.ID), Order: amount}
}

// letGo plans again, for now, what was kept back without cause any more: what waits for
// campaigns that go on, or are over, and, as far as there is room, what was withheld because
// a budget was gone that has room now. It returns how many messages these are.
func (e *Engine) letGo(ctx context.Context) (int, error) {
	all, err := e.begun(ctx)
	if err != nil {
		return 0, err
	}
	recent, total := e.svc.Now().Add(-2*parked), 0
	for i := range all {
		c := &all[i]
		if l := c.life; l != nil {
			if l.State != campaigns.Sending && !(l.State.Final() && l.Ended.After(recent)) {
				continue
			}
			n, err := e.unpark(ctx, c.Cause())
			if total += n; err != nil {
				return total, err
			}
			if l.State != campaigns.Sending {
				continue
			}
		}
		if len(budgetLimits(c.Cause(), c.Campaign)) == 0 {
			continue
		}
		if err := e.settleDoubts(ctx, c.Cause(), c.Campaign); err != nil {
			return total, err
		}
		n, err := e.fund(ctx, c)
		if total += n; err != nil {
			return total, err
		}
	}
	return total, nil
}

// doubtRef is the entry of a message of unknown fate.
func doubtRef(name string, f *crm.Effect) crm.Ref {
	return crm.Ref{Kind: refDoubt, Key: crm.RefKey(name), Subject: f.Subject, Target: string(f.ID)}
}

// settleDoubts confirms or gives back what messages have reserved of a budget whose fate was not
// known when they were handed over and is known now: a person who settles one (see
// crm.Service.SettleEffect) does not know of budgets. What reports settled is done already.
func (e *Engine) settleDoubts(ctx context.Context, name string, c *messaging.Campaign) error {
	page := crm.RefQuery{Kind: refDoubt, Key: crm.RefKey(name), Limit: keptPage}
	for {
		var refs []crm.Ref
		var ids []crm.EffectID
		open := map[crm.EffectID]bool{}
		if err := e.cfg.Store.View(ctx, func(r crm.Reader) (err error) {
			if refs, err = r.ScanRefs(ctx, page); err != nil {
				return err
			}
			ids = ids[:0]
			for _, x := range refs {
				ids = append(ids, crm.EffectID(x.Target))
			}
			found, err := r.Effects(ctx, ids...)
			clear(open)
			for i, f := range found {
				open[ids[i]] = f != nil && f.State != crm.Done && f.State != crm.Failed
			}
			return err
		}); err != nil || len(refs) == 0 {
			return err
		}
		page.After = refs[len(refs)-1]
		ended := slices.DeleteFunc(refs, func(x crm.Ref) bool { return open[crm.EffectID(x.Target)] })
		ids = slices.DeleteFunc(ids, func(id crm.EffectID) bool { return open[id] })
		if len(ids) == 0 {
			continue
		}
		if err := e.svc.Update(ctx, func(tx crm.Tx) error {
			effects, err := tx.Effects(ctx, ids...)
			if err != nil {
				return err
			}
			var left []crm.Ref
			effects = slices.DeleteFunc(effects, func(f *crm.Effect) bool { return f == nil || f.State != crm.Done && f.State != crm.Failed })
			for _, x := range ended {
				if slices.ContainsFunc(effects, func(f *crm.Effect) bool { return string(f.ID) == x.Target }) {
					left = append(left, x)
				}
			}
			if err := tx.DeleteRefs(ctx, left...); err != nil {
				return err
			}
			return giveBack(ctx, tx, effects, budgetLimits(name, c))
		}); err != nil {
			return err
		}
	}
}

// giveBack confirms what messages that left have reserved of counters, and gives back what those
// have that certainly did not.
func giveBack(ctx context.Context, tx crm.Tx, effects []*crm.Effect, limits []crm.Counter) error {
	var keys []crm.ReservationKey
	var of []*crm.Effect
	for _, f := range effects {
		for _, l := range limits {
			keys, of = append(keys, crm.ReservationKey{Counter: l.CounterKey, ID: string(f.ID)}), append(of, f)
		}
	}
	return endReservations(ctx, tx, keys, of)
}

// unpark lets go what waits for a campaign.
func (e *Engine) unpark(ctx context.Context, name string) (total int, err error) {
	for {
		n := 0
		page := crm.RefQuery{Kind: refPaused, Key: crm.RefKey(name), Limit: keptPage}
		var refs []crm.Ref
		if err := e.cfg.Store.View(ctx, func(r crm.Reader) error {
			refs, err = r.ScanRefs(ctx, page)
			return err
		}); err != nil || len(refs) == 0 {
			return total, err
		}
		err := e.svc.Update(ctx, func(tx crm.Tx) error {
			if refs, err = tx.ScanRefs(ctx, page); err != nil {
				return err
			}
			n, err = e.planNow(ctx, tx, refs, func(f *crm.Effect) bool { return f.State == crm.Planned })
			return err
		})
		if total += n; err != nil {
			return total, err
		}
	}
}

// fund lets go what was over a budget, the cheapest first, as far as there is room now.
func (e *Engine) fund(ctx context.Context, c *begunCampaign) (total int, err error) {
	name := c.Cause()
	page := crm.RefQuery{Kind: refOver, Key: crm.RefKey(name), Limit: keptPage}
	var left *room // of what there was at first: what is planned takes nothing yet
	for {
		n, spent := 0, room{}
		try := func(r crm.Reader) (fits []crm.Ref, err error) {
			refs, err := r.ScanRefs(ctx, page)
			if err != nil || len(refs) == 0 {
				return nil, err
			}
			now, err := roomOf(ctx, r, name, c.Campaign)
			if err != nil {
				return nil, err
			}
			if left == nil {
				left = &now
			}
			now = room{min(left.messages, now.messages), min(left.money, now.money)}
			spent = room{}
			for i, x := range refs {
				if spent.messages == now.messages || spent.money+x.Order > now.money {
					return refs[:i], nil
				}
				spent.messages, spent.money = spent.messages+1, spent.money+x.Order
			}
			return refs, nil
		}
		var some []crm.Ref
		if err := e.cfg.Store.View(ctx, func(r crm.Reader) error {
			some, err = try(r)
			return err
		}); err != nil || len(some) == 0 {
			return total, err
		}
		over := false
		err := e.svc.Update(ctx, func(tx crm.Tx) error {
			n, over = 0, false
			fits, err := try(tx)
			if err != nil {
				return err
			}
			if c.life != nil { // it is not closed meanwhile
				ok, err := e.desk.Keep(ctx, tx, c.Name, c.occurrence)
				if over = !ok; err != nil || over {
					return err
				}
			}
			n, err = e.planNow(ctx, tx, fits, func(f *crm.Effect) bool {
				d, err := decodeMessage(f)
				return err == nil && f.State == crm.Withheld && refusal(f) == GuardBudget && f.Occurrence == c.occurrence &&
					(d.Link != 0 || c.URL == "") // else it was pruned
			})
			return err
		})
		if total += n; err != nil || over || spent.messages == 0 {
			return total, err
		}
		left.messages, left.money = left.messages-spent.messages, left.money-spent.money
	}
}

// planNow plans those of the effects of entries for now that may be, and deletes the entries.
func (e *Engine) planNow(ctx context.Context, tx crm.Tx, refs []crm.Ref, may func(*crm.Effect) bool) (int, error) {
	if len(refs) == 0 {
		return 0, nil
	}
	ids := make([]crm.EffectID, len(refs))
	for i, r := range refs {
		ids[i] = crm.EffectID(r.Target)
	}
	found, err := tx.Effects(ctx, ids...)
	if err != nil {
		return 0, err
	}
	now := e.svc.Now()
	var again []*crm.Effect
	for _, f := range found {
		if f == nil || !may(f) {
			continue
		}
		c := f.Clone()
		if c.State, c.Changed = crm.Planned, now; c.Due.After(now) || f.State != crm.Planned {
			c.Due = now
		}
		again = append(again, c)
	}
	if err := tx.UpdateEffects(ctx, again...); err != nil {
		return 0, err
	}
	return len(again), tx.DeleteRefs(ctx, refs...)
}

// settleByHand confirms or gives back what messages have reserved of a budget that a person
// settled: who does that does not know of budgets.
func (e *Engine) settleByHand(ctx context.Context, name string, c *messaging.Campaign) error {
	for _, l := range budgetLimits(name, c) {
		part := l.CounterKey.Part()
		after := crm.ReservationKey{Counter: l.CounterKey}
		for more := true; more; {
			more = false
			err := e.svc.Update(ctx, func(tx crm.Tx) error {
				page, err := tx.ScanReservations(ctx, crm.PartRange{Lo: part, Hi: part + 1}, after, keptPage)
				if err != nil {
					return err
				}
				var held []*crm.Reservation
				var ids []crm.EffectID
				for _, x := range page {
					if x.Counter == l.CounterKey && x.State == crm.Reserved {
						held, ids = append(held, x), append(ids, crm.EffectID(x.ID))
					}
				}
				found, err := tx.Effects(ctx, ids...)
				if err != nil {
					return err
				}
				var used []crm.Take
				var back []crm.ReservationKey
				for i, f := range found {
					switch {
					case f == nil || !settledByHand(f):
					case f.State == crm.Done:
						used = append(used, crm.Take{ReservationKey: held[i].ReservationKey, Amount: held[i].Amount})
					case f.State == crm.Failed:
						back = append(back, held[i].ReservationKey)
					}
				}
				if _, err := tx.Confirm(ctx, used...); err != nil {
					return err
				}
				if _, err := tx.Release(ctx, back...); err != nil {
					return err
				}
				if n := len(page); n == keptPage && page[n-1].Counter == l.CounterKey {
					after, more = page[n-1].ReservationKey, true
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// room is how much of a budget there is left; what is not bounded is very much.
type room struct{ messages, money int64 }

// roomOf reads the counters of a budget.
func roomOf(ctx context.Context, r crm.Reader, name string, c *messaging.Campaign) (room, error) {
	out := room{math.MaxInt64, math.MaxInt64}
	for _, l := range budgetLimits(name, c) {
		found, err := r.Counters(ctx, l.CounterKey)
		if err != nil {
			return out, err
		}
		free := l.Limit
		if x := found[0]; x != nil {
			free -= x.Reserved + x.Used
		}
		if free = max(0, free); l.Kind == counterMoney {
			out.money = free
		} else {
			out.messages = free
		}
	}
	return out, nil
}
