package importer

import (
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// sale is an order with the lines that other files have of it.
type sale struct {
	from    origin
	fact    crm.Fact
	order   crm.Order
	updated time.Time
	total   bool // given; else it is the sum of the lines
}

func (l *loader) order(r *row) {
	f := r.table.file
	s := &sale{from: r.origin(), updated: r.time("updated")}
	currency := r.currency()
	o := &s.order
	*o = crm.Order{
		Number: r.need("number"), Status: crm.OrderStatus(r.word("status")), Channel: r.value("channel"), Employee: r.text("employee"),
		Payer: r.profile("payer", l.sources), Recipient: r.profile("recipient", l.sources), Owner: r.profile("owner", l.sources),
		Gift: r.yes("gift"), FulfilledAt: r.value("fulfilled_at"), DeliverTo: r.value("deliver_to"), ReturnedAt: r.value("returned_at"),
		Delivered: r.time("delivered"),
	}
	r.need("profile")
	r.need("at")
	buyer := r.profile("profile", l.sources)
	for _, k := range [...]*crm.ProfileKey{&o.Payer, &o.Recipient, &o.Owner} {
		if *k == buyer {
			*k = crm.ProfileKey{}
		}
	}
	o.Total, s.total = r.money("total", currency)
	o.Total.Currency = currency
	if back := r.value("returns"); back != "" {
		o.Returns = crm.FactKey{Kind: crm.KindOrder, Source: f.source, ID: back}
	}
	s.fact = crm.Fact{
		Key:     crm.FactKey{Kind: crm.KindOrder, Source: f.source, ID: o.Number},
		Subject: crm.OfProfile(buyer), At: r.time("at"), Place: r.value("place"), Data: o,
	}
	r.dates(&o.Delivered, "delivered", s.fact.At, "at")
	if len(r.faults) == 0 {
		r.valid(s.fact.Validate())
	}
	if was := l.sales[s.fact.Key]; was != nil && o.Number != "" {
		r.fault("number", "%s stands in %s already", quote(o.Number), was.from)
	}
	if len(r.faults) == 0 {
		l.addSale(s)
		l.known(s.from, "profile", buyer)
	}
}

// dates holds that a later time is not before an earlier one. A day without a
// time of day is read as its beginning, so on the same day the earlier counts.
func (r *row) dates(later *time.Time, field string, earlier time.Time, than string) {
	if later.IsZero() || !later.Before(earlier) {
		return
	}
	zone := r.table.file.clock.zone
	if later.In(zone).Format(time.DateOnly) != earlier.In(zone).Format(time.DateOnly) {
		r.fault(field, "%s is before %s, %s", quote(r.value(field)), than, quote(r.value(than)))
		return
	}
	*later = earlier
}

func (l *loader) addSale(s *sale) {
	l.sales[s.fact.Key] = s
	l.salesIn = append(l.salesIn, s)
	o := &s.order
	for _, x := range [...]struct{ field, id string }{{"place", s.fact.Place}, {"fulfilled_at", o.FulfilledAt}, {"deliver_to", o.DeliverTo}, {"returned_at", o.ReturnedAt}} {
		l.placed(s.from, x.field, x.id)
	}
	for _, k := range [...]crm.ProfileKey{s.fact.Subject.Profile, o.Payer, o.Recipient, o.Owner} {
		l.heard(k, s.fact.At)
	}
}

func (l *loader) line(r *row) {
	f := r.table.file
	number := r.need("order")
	s := l.sales[crm.FactKey{Kind: crm.KindOrder, Source: f.source, ID: number}]
	if s == nil && number != "" {
		r.fault("order", "%s is in no file of orders of %s or was rejected there", quote(number), quote(f.source))
	}
	line := crm.OrderLine{
		SKU: r.need("sku"), Category: r.text("category"), Brand: r.text("brand"), Serial: r.value("serial"),
		Recipient: r.profile("recipient", l.sources), Quantity: 1,
	}
	if q := r.value("qty"); q != "" {
		n, err := f.number.whole(q)
		if err != nil {
			r.fault("qty", "%v", err)
		}
		line.Quantity = n
	}
	r.need("amount")
	if s == nil || len(r.faults) > 0 {
		return
	}
	line.Amount, _ = r.money("amount", s.order.Total.Currency)
	one := crm.Order{Number: "1", Lines: []crm.OrderLine{line}}
	check := crm.Fact{Key: crm.FactKey{Kind: crm.KindOrder, Source: "1", ID: "1"}, Subject: crm.OfProfile(crm.ProfileKey{Source: "1", ID: "1"}), At: time.Unix(0, 0), Data: &one}
	r.valid(check.Validate())
	for i := range r.faults {
		r.faults[i].field = strings.TrimPrefix(r.faults[i].field, "lines[0].")
	}
	if !s.total && len(r.faults) == 0 {
		sum, err := s.order.Total.Add(line.Amount)
		if err != nil {
			r.fault("amount", "the order's total overflows")
		} else {
			s.order.Total.Amount = sum.Amount
		}
	}
	if len(r.faults) == 0 {
		s.order.Lines = append(s.order.Lines, line)
		l.heard(line.Recipient, s.fact.At)
	}
}

// finishSales makes the states of each order.
func (l *loader) finishSales() {
	for _, s := range l.salesIn {
		if !s.total && len(s.order.Lines) == 0 {
			l.reject(s.from, fault{"total", "is empty, and there are no lines to sum up"})
			continue
		}
		if !s.total { // it was summed up after the row was looked at
			if err := s.fact.Validate(); err != nil {
				l.reject(s.from, fault{"total", "is the sum of the lines, with which the order is none: " + err.Error()})
				continue
			}
		}
		for _, st := range s.course() {
			l.data.timeline.addFact(st.at, st.fact)
		}
	}
}

// course returns the states that an order went through, as far as its row lets
// tell: placed, delivered, and what became of it then. The last is as the row
// has it.
func (s *sale) course() []stage {
	o, sold := s.order, s.fact.At
	if o.Status == "" && !o.Delivered.IsZero() {
		o.Status = crm.OrderDelivered
	}
	delivered := o.Delivered
	if !o.Delivered.After(sold) {
		o.Delivered = time.Time{}
	}
	var out []stage
	add := func(at time.Time, status crm.OrderStatus, delivered time.Time) {
		v := o
		v.Status, v.Delivered = status, delivered
		if at.Before(sold) {
			at = sold
		}
		// A later state of the same moment replaces the earlier.
		if n := len(out); n > 0 && !at.After(out[n-1].at) {
			at = out[n-1].at
			out = out[:n-1]
		}
		f := s.fact
		f.Version, f.Data = at.UnixMicro(), &v
		out = append(out, stage{at, &f})
	}
	last := sold
	switch o.Status {
	case "", crm.OrderPlaced:
	case crm.OrderDelivered:
		last = delivered
	default:
		if last = s.updated; delivered.After(last) {
			last = delivered
		}
	}
	if o.Status != crm.OrderPlaced && last.After(sold) {
		add(sold, crm.OrderPlaced, time.Time{})
	}
	if o.Status == crm.OrderReturned && last.After(delivered) && !delivered.IsZero() {
		add(delivered, crm.OrderDelivered, o.Delivered)
	}
	add(last, o.Status, o.Delivered)
	return out
}

// stage is a fact as it stood from a moment on.
type stage struct {
	at   time.Time
	fact *crm.Fact
}

// care is a visit, a ticket or a consent.
type care struct {
	from   origin
	stages []stage
}

func (l *loader) finishCare() {
	for _, c := range l.facts {
		for _, s := range c.stages {
			l.data.timeline.addFact(s.at, s.fact)
		}
	}
}

func (l *loader) visit(r *row) {
	f := r.table.file
	currency := r.currency()
	v := crm.Visit{
		Number: r.need("number"), Service: r.need("service"), Serial: r.value("serial"), SKU: r.value("sku"), Brand: r.text("brand"),
		Status: r.word("status"), Done: r.time("done"),
	}
	v.Price, _ = r.money("price", currency)
	r.need("profile")
	r.need("at")
	who := r.profile("profile", l.sources)
	fact := crm.Fact{Key: crm.FactKey{Kind: crm.KindVisit, Source: f.source, ID: v.Number}, Subject: crm.OfProfile(who), At: r.time("at"), Place: r.value("place")}
	r.dates(&v.Done, "done", fact.At, "at")
	if v.Status == "open" && !v.Done.IsZero() {
		r.fault("done", "is given although the visit is open")
	}
	var stages []stage
	if v.Done.After(fact.At) {
		open := v
		open.Status, open.Done = "open", time.Time{}
		if v.Status == "" {
			v.Status = "done"
		}
		stages = append(stages, stageOf(fact, fact.At, &open), stageOf(fact, v.Done, &v))
	} else {
		stages = append(stages, stageOf(fact, fact.At, &v))
	}
	l.addCare(r, stages)
}

func stageOf(f crm.Fact, at time.Time, d crm.FactData) stage {
	f.Version, f.Data = at.UnixMicro(), d
	return stage{at, &f}
}

func (l *loader) ticket(r *row) {
	f := r.table.file
	t := crm.Ticket{
		Title: r.text("title"), State: crm.TicketState(r.word("state")), Reason: r.value("reason"), Assignee: r.text("assignee"),
		Opened: r.time("opened"), Solved: r.time("solved"),
	}
	id := r.need("id")
	r.need("profile")
	r.need("opened")
	who := r.profile("profile", l.sources)
	if n := r.value("order"); n != "" {
		t.Cause = crm.FactKey{Kind: crm.KindOrder, Source: f.source, ID: n}
	}
	if t.State == "" {
		t.State = crm.TicketOpen
		if !t.Solved.IsZero() {
			t.State = crm.TicketSolved
		}
	}
	updated := r.time("updated")
	r.dates(&t.Solved, "solved", t.Opened, "opened")
	r.dates(&updated, "updated", t.Opened, "opened")
	changed := t.Opened
	switch {
	case t.State == crm.TicketSolved && t.Solved.IsZero():
		if t.Solved = t.Opened; updated.After(t.Opened) {
			t.Solved = updated
		}
		changed = t.Solved
	case t.State == crm.TicketSolved:
		changed = t.Solved
	case !t.Solved.IsZero():
		r.fault("solved", "is given although the ticket is %s", t.State)
	case t.State == crm.TicketPending && updated.After(t.Opened):
		changed = updated
	}
	fact := crm.Fact{Key: crm.FactKey{Kind: crm.KindTicket, Source: f.source, ID: id}, Subject: crm.OfProfile(who), At: t.Opened, Place: r.value("place")}
	entry := func(at time.Time, s crm.TicketState) crm.TicketLog {
		return crm.TicketLog{At: at, Actor: "import", State: s}
	}
	var stages []stage
	if changed.After(t.Opened) {
		open := t
		open.State, open.Solved, open.Log = crm.TicketOpen, time.Time{}, []crm.TicketLog{entry(t.Opened, crm.TicketOpen)}
		stages = append(stages, stageOf(fact, t.Opened, &open))
		t.Log = slices.Concat(open.Log, []crm.TicketLog{entry(changed, t.State)})
	} else {
		t.Log = []crm.TicketLog{entry(t.Opened, t.State)}
	}
	l.addCare(r, append(stages, stageOf(fact, changed, &t)))
}

// addCare adds a visit or a ticket that is in order.
func (l *loader) addCare(r *row, stages []stage) {
	f := stages[0].fact
	if len(r.faults) == 0 {
		r.valid(f.Validate())
	}
	if was, twice := l.cared[f.Key]; twice && len(r.faults) == 0 {
		r.fault("", "the %s %s stands in %s already", f.Key.Kind, quote(f.Key.ID), was)
	}
	if len(r.faults) > 0 {
		return
	}
	c := &care{from: r.origin(), stages: stages}
	l.cared[f.Key] = c.from
	l.facts = append(l.facts, c)
	l.known(c.from, "profile", f.Subject.Profile)
	l.placed(c.from, "place", f.Place)
	l.heard(f.Subject.Profile, f.At)
}
