package world

import (
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
)

const day = 86400

var channelNames = [sourceCount]string{"store", "web", "marketplace", "dealer", "kiosk", "service", "phone"}

// tellPurchase tells an order: placed, shipped and delivered or handed over at
// once, perhaps returned, perhaps complained about.
func (w *World) tellPurchase(out *sink, l *life, d *dweller, s *story) {
	r := s.r
	t := w.troubleOf(s.person, s.slot, s.source)
	var buf [4]stage
	stages, delivered := w.courseOf(&r, s, t, buf[:0])
	cancelled := stages[len(stages)-1].status == string(crm.OrderCancelled)

	returnShare := 0.022
	if t != fine {
		returnShare = 0.16
	}
	returned, whole := int64(0), r.chance(0.75)
	if back := r.chance(returnShare); back && !cancelled {
		returned = w.calendar.at(&r, s.at.zone, w.calendar.dayOf(delivered)+1+r.below(14), shopHours)
	}
	gift := r.chance(0.08)
	payer := r.chance(0.02)
	picked, employee := r.below(100), r.below(len(s.at.staff))
	complaint := r.chance(0.004)
	if t != fine {
		complaint = r.chance(0.36)
	}
	key := crm.FactKey{Kind: crm.KindOrder, Source: sourceNames[s.source]}
	slack := 0
	if s.source == dealer {
		slack = dealerLate
	}

	order := func(last stage) (*crm.Order, crm.ProfileKey) {
		key.ID = w.id('S', s.person, s.slot)
		o := &crm.Order{Number: key.ID, Channel: channelNames[s.source], Status: crm.OrderStatus(last.status), Gift: gift}
		o.Lines, o.Total = w.lines(s.person, s.slot, s.source, s.at.currency)
		if gift {
			w.giveTo(o, s)
		}
		if other, ok := w.partner(s.person); ok && payer {
			if m := w.life(other); int(m.arrival[0]) < s.day {
				o.Payer = w.profileKey(other, 0, m.source[0])
			}
		}
		if delivered > 0 && delivered != s.began && last.at >= delivered {
			o.Delivered = moment(delivered)
		}
		switch {
		case s.source == pos:
			o.Employee = s.at.staff[employee]
		case s.source == web && picked < 30:
			o.FulfilledAt = w.shops.stores[(picked*37+s.person)%len(w.shops.stores)].id
		case s.source == web && picked < 40:
			o.DeliverTo = w.shops.pick(&random{uint64(s.slot)}, 0, w.shops.stores, d).id
		}
		return o, w.profileKey(s.person, s.k, s.source)
	}

	id := storyID(s.person, s.slot) << 4
	all := stages
	if returned > 0 && (whole || w.lineCount(s) == 1) {
		all = append(all, stage{returned, string(crm.OrderReturned)})
	}
	out.versions(id, all, slack, func(i int) {
		o, buyer := order(all[i])
		out.fact(s.fact(key, buyer, s.began, all[i].at, s.at.id, o))
	})
	if returned > 0 {
		for range out.times(id+8, returned, false, slack) {
			o, buyer := order(stages[len(stages)-1])
			w.turnBack(o, key, whole)
			back := key
			back.ID = w.id('I', s.person, s.slot)
			o.Number, o.ReturnedAt = back.ID, s.at.id
			out.fact(s.fact(back, buyer, returned, returned, s.at.id, o))
		}
	}
	if complaint && !cancelled {
		opened := delivered + int64(r.between(2, 5*24))*3600
		if t == late {
			opened = max(s.began+2*day, delivered-int64(r.between(2, 72))*3600)
		}
		key.ID = w.id('S', s.person, s.slot)
		w.tellComplaint(out, l, s, &r, opened, t, key, gift)
	}
}

// courseOf returns the versions of an order up to its delivery, and when it is
// delivered; 0 if never.
func (w *World) courseOf(r *random, s *story, t trouble, stages []stage) ([]stage, int64) {
	switch s.source {
	case web, marketplace, callcentre:
	default:
		return append(stages, stage{s.began, string(crm.OrderDelivered)}), s.began
	}
	stages = append(stages, stage{s.began, string(crm.OrderPlaced)})
	if r.chance(0.02) {
		return append(stages, stage{s.began + int64(r.between(1, 30))*3600, string(crm.OrderCancelled)}), 0
	}
	from, slow := r.between(1, 2), r.between(1, 3)
	if t == late {
		slow += r.between(5, 11)
	}
	shipped := w.calendar.at(r, zoneTurkey, s.day+from, officeHours)
	delivered := w.calendar.at(r, zoneTurkey, s.day+from+slow, officeHours)
	return append(stages, stage{shipped, string(crm.OrderShipped)}, stage{delivered, string(crm.OrderDelivered)}), delivered
}

func (w *World) lineCount(s *story) int {
	lines, _ := w.lines(s.person, s.slot, s.source, s.at.currency)
	return len(lines)
}

// giveTo names who the present is for: the other one of the household, or
// somebody else whom the retailer knows by then. Strangers stay unnamed.
func (w *World) giveTo(o *crm.Order, s *story) {
	to, ok := w.recipient(s)
	if !ok {
		return
	}
	if len(o.Lines) > 1 {
		o.Lines[0].Recipient = to
		return
	}
	o.Recipient, o.Owner = to, to
}

func (w *World) recipient(s *story) (crm.ProfileKey, bool) {
	r := w.random(streamGoods, uint64(s.person), uint64(s.slot)|1<<32)
	other, ok := w.partner(s.person)
	for try := range 4 {
		if !ok || try > 0 {
			other = r.below(w.people)
		}
		if other == s.person {
			continue
		}
		if m := w.life(other); int(m.arrival[0]) < s.day {
			return w.profileKey(other, 0, m.source[0]), true
		}
	}
	return crm.ProfileKey{}, false
}

// turnBack makes a return of an order: all of it, or its first line.
func (w *World) turnBack(o *crm.Order, sold crm.FactKey, whole bool) {
	o.Returns, o.Status = sold, ""
	o.Gift, o.Recipient, o.Owner, o.Payer = false, crm.ProfileKey{}, crm.ProfileKey{}, crm.ProfileKey{}
	o.FulfilledAt, o.DeliverTo = "", ""
	o.Delivered = time.Time{}
	if !whole {
		o.Lines = slices.Clip(o.Lines[:1])
	}
	o.Total.Amount = 0
	for i := range o.Lines {
		line := &o.Lines[i]
		line.Quantity, line.Amount, line.Recipient = -line.Quantity, line.Amount.Neg(), crm.ProfileKey{}
		o.Total.Amount += line.Amount.Amount
	}
}
