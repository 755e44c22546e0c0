package world

import (
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
)

var channelNames = [sourceCount]string{"store", "web", "marketplace", "dealer", "kiosk", "service", "phone"}

// sale is all that happens with one order, before any of it is delivered.
type sale struct {
	*story
	trouble   trouble
	stages    []stage // its versions
	delivered int64   // 0: cancelled
	returned  int64   // 0: kept
	whole     bool    // all of it comes back
	complaint int64   // when somebody calls; 0: never
	gift      bool
	paidByTwo bool // the other one of the household pays
	employee  string
	from, to  string // the store that ships a web order, the one that it is sent to
	rest      random
}

func (w *World) sale(s *story, d *dweller) sale {
	r := s.r
	x := sale{story: s, trouble: w.troubleOf(s.person, s.slot, s.source)}
	x.stages, x.delivered = w.courseOf(&r, s, x.trouble)
	returnShare, complaintShare := 0.022, 0.004
	if x.trouble != fine {
		returnShare, complaintShare = 0.16, 0.36
	}
	kept := x.delivered != 0
	if x.whole = r.chance(0.75); r.chance(returnShare) && kept {
		x.returned = w.calendar.at(&r, s.at.zone, w.calendar.dayOf(x.delivered)+1+r.below(14), shopHours)
	}
	x.gift, x.paidByTwo = r.chance(0.08), r.chance(0.02)
	switch how := r.below(100); {
	case s.source == pos:
		x.employee = s.at.staff[how%len(s.at.staff)]
	case s.source == web && how < 30:
		x.from = w.shops.stores[r.below(len(w.shops.stores))].id
	case s.source == web && how < 40:
		x.to = w.shops.pick(&r, 0, w.shops.stores, d).id
	}
	if r.chance(complaintShare) && kept {
		x.complaint = x.delivered + int64(r.between(2, 5*24))*3600
		if x.trouble == late { // they call while they wait
			x.complaint = max(s.began+2*daySeconds, x.delivered-int64(r.between(2, 72))*3600)
		}
	}
	if x.returned > 0 && (x.whole || w.lineCount(s) == 1) {
		x.stages = append(x.stages, stage{x.returned, string(crm.OrderReturned)})
	}
	x.rest = r
	return x
}

// tellPurchase tells an order: placed, shipped and delivered or handed over at
// once, perhaps returned, perhaps complained about.
func (w *World) tellPurchase(out *sink, d *dweller, s *story) {
	x := w.sale(s, d)
	slack := 0
	if s.source == dealer {
		slack = dealerLate
	}
	id := storyID(s.person, s.slot) << 4
	out.versions(id, x.stages, slack, func(i int) {
		o := w.order(&x, x.stages[i])
		key := crm.FactKey{Kind: crm.KindOrder, Source: sourceNames[s.source], ID: o.Number}
		out.fact(s.fact(key, w.profileKey(s.person, s.k, s.source), s.began, x.stages[i].at, s.at.id, o))
	})
	if x.returned > 0 {
		for range out.times(id+8, x.returned, false, slack) {
			o := w.order(&x, stage{x.delivered, ""})
			sold := crm.FactKey{Kind: crm.KindOrder, Source: sourceNames[s.source], ID: o.Number}
			back := sold
			back.ID = w.id('I', s.person, s.slot)
			turnBack(o, sold, x.whole)
			o.Number, o.ReturnedAt = back.ID, s.at.id
			out.fact(s.fact(back, w.profileKey(s.person, s.k, s.source), x.returned, x.returned, s.at.id, o))
		}
	}
	if x.complaint > 0 {
		about := crm.FactKey{Kind: crm.KindOrder, Source: sourceNames[s.source], ID: w.id('S', s.person, s.slot)}
		w.tellComplaint(out, s, &x.rest, x.complaint, x.trouble, about, x.gift)
	}
}

// order returns the order as it stands in a version.
func (w *World) order(x *sale, version stage) *crm.Order {
	o := &crm.Order{
		Number: w.id('S', x.person, x.slot), Channel: channelNames[x.source], Status: crm.OrderStatus(version.status),
		Gift: x.gift, Employee: x.employee, FulfilledAt: x.from, DeliverTo: x.to,
	}
	o.Lines, o.Total = w.lines(x.person, x.slot, x.source, x.at.currency)
	if x.gift {
		w.giveTo(o, x.story)
	}
	if x.paidByTwo {
		if other, ok := w.partner(x.person); ok {
			if l := w.life(other); int(l.arrival[0]) < x.day {
				o.Payer = w.profileKey(other, 0, l.source[0])
			}
		}
	}
	if x.delivered > x.began && version.at >= x.delivered {
		o.Delivered = moment(x.delivered)
	}
	return o
}

// courseOf returns the versions of an order up to its delivery, and when it is
// delivered; 0 if never.
func (w *World) courseOf(r *random, s *story, t trouble) ([]stage, int64) {
	switch s.source {
	case web, marketplace, callcentre:
	default:
		return []stage{{s.began, string(crm.OrderDelivered)}}, s.began
	}
	stages := append(make([]stage, 0, 4), stage{s.began, string(crm.OrderPlaced)})
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
func turnBack(o *crm.Order, sold crm.FactKey, whole bool) {
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
		line.Quantity, line.Amount, line.Recipient = -line.Quantity, crm.Money{Amount: -line.Amount.Amount, Currency: line.Amount.Currency}, crm.ProfileKey{}
		o.Total.Amount += line.Amount.Amount
	}
}
