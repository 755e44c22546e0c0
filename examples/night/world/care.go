package world

import "github.com/vefacrm/vefa/crm"

var complaintTitles = [...]string{
	fine:   "Genel memnuniyetsizlik",
	late:   "Siparişim hâlâ gelmedi",
	broken: "Kayışı ilk haftada koptu",
	wrong:  "Yanlış ürün gönderildi",
	rude:   "Mağazadaki görevli ilgilenmedi",
}

// tellComplaint tells a call to the call centre: the call, a ticket that is
// opened and mostly solved, and where the goods were a present sometimes the
// recipient's own ticket about the same story.
func (w *World) tellComplaint(out *sink, s *story, r *random, opened int64, t trouble, about crm.FactKey, gift bool) {
	var buf [3]stage
	opened = w.calendar.working(opened)
	stages := w.ticketCourse(r, opened, buf[:0])
	id := storyID(s.person, s.slot)<<4 | 9
	caller, title := w.profileKey(s.person, s.k, s.source), complaintTitles[t]

	if to, ok := w.recipient(s); gift && ok && t != fine && r.chance(0.4) {
		other := crm.FactKey{Kind: crm.KindTicket, Source: sourceNames[callcentre], ID: w.id('U', s.person, s.slot)}
		first := crm.FactKey{Kind: crm.KindTicket, Source: sourceNames[callcentre], ID: w.id('T', s.person, s.slot)}
		mates := []crm.FactRef{{Subject: crm.OfProfile(caller), Key: first}}
		var buf [3]stage
		later := w.ticketCourse(r, w.calendar.working(opened+int64(r.between(1, 48))*3600), buf[:0])
		out.versions(id+1<<60, later, 0, func(i int) {
			out.fact(w.ticket(s, other, to, later[:i+1], title, about, mates))
		})
	}
	for range out.times(id+3<<60, opened, false, 0) {
		key := crm.FactKey{Kind: crm.KindInteraction, Source: sourceNames[callcentre], ID: w.id('G', s.person, s.slot)}
		out.fact(s.fact(key, caller, opened, opened, placeCare, &crm.Interaction{Channel: "call", Direction: "in", Topic: "complaint", Text: title, Employee: w.shops.care.staff[s.person%5]}))
	}
	key := crm.FactKey{Kind: crm.KindTicket, Source: sourceNames[callcentre], ID: w.id('T', s.person, s.slot)}
	out.versions(id, stages, 0, func(i int) {
		out.fact(w.ticket(s, key, caller, stages[:i+1], title, about, nil))
	})
}

// ticketCourse returns the versions of a ticket that is opened at a moment.
func (w *World) ticketCourse(r *random, opened int64, stages []stage) []stage {
	stages = append(stages, stage{opened, string(crm.TicketOpen)})
	solved := opened + int64(r.between(3, 9*24))*3600
	switch x := r.below(1000); {
	case x < 5: // forgotten
		return stages
	case x < 110:
		solved += int64(r.between(3, 12)) * daySeconds
	}
	solved = w.calendar.working(solved)
	if pending := w.calendar.working(opened + (solved-opened)/3); r.chance(0.3) && pending < solved {
		stages = append(stages, stage{pending, string(crm.TicketPending)})
	}
	return append(stages, stage{solved, string(crm.TicketSolved)})
}

func (w *World) ticket(s *story, key crm.FactKey, subject crm.ProfileKey, course []stage, title string, about crm.FactKey, related []crm.FactRef) *crm.Fact {
	last := course[len(course)-1]
	agent := w.shops.care.staff[s.person%5]
	t := &crm.Ticket{
		Title: title, State: crm.TicketState(last.status), Reason: "complaint", Cause: about,
		Assignee: agent, Opened: moment(course[0].at), Related: related,
	}
	for _, c := range course {
		t.Log = append(t.Log, crm.TicketLog{At: moment(c.at), Actor: agent, State: crm.TicketState(c.status)})
	}
	if t.State == crm.TicketSolved {
		t.Solved = moment(last.at)
	}
	return s.fact(key, subject, course[0].at, last.at, placeCare, t)
}

var visitKinds = newTable(52, 22, 18, 8)
var visitNames = [4]string{"battery", "strap", "repair", "polish"}
var visitPrices = [4]int64{24_990, 59_900, 189_900, 39_900} // kuruş

// tellVisit tells a watch that is brought to the service. Repairs take days.
func (w *World) tellVisit(out *sink, l *life, s *story) {
	r := s.r
	kind := visitKinds.draw(&r)
	t := w.troubleOf(s.person, s.slot, service)
	stages := [2]stage{{s.began, "done"}}
	course := stages[:1]
	if kind == 2 {
		days := r.between(3, 12)
		if t == late {
			days += r.between(8, 14)
		}
		stages[0].status, stages[1] = "open", stage{w.calendar.at(&r, zoneTurkey, s.day+days, officeHours), "done"}
		course = stages[:2]
	}
	complaint := r.chance(0.004)
	if t != fine {
		complaint = r.chance(0.36)
	}
	key := crm.FactKey{Kind: crm.KindVisit, Source: sourceNames[service]}
	pick := r.next()
	out.versions(storyID(s.person, s.slot)<<4, course, 0, func(i int) {
		key.ID = w.id('V', s.person, s.slot)
		v := &crm.Visit{Number: key.ID, Service: visitNames[kind], Status: course[i].status}
		if v.Status == "done" {
			v.Done = moment(course[i].at)
			v.Price = crm.Money{Amount: visitPrices[kind], Currency: "TRY"}
		}
		v.Serial, v.SKU, v.Brand = w.ownWatch(l, s, pick)
		out.fact(s.fact(key, w.profileKey(s.person, s.k, s.source), s.began, course[i].at, placeService, v))
	})
	if complaint {
		key.ID = w.id('V', s.person, s.slot)
		w.tellComplaint(out, s, &r, course[len(course)-1].at+int64(r.between(2, 5*24))*3600, t, key, false)
	}
}

// ownWatch returns a watch that the person bought here before; if there is
// none, one that was bought elsewhere.
func (w *World) ownWatch(l *life, s *story, pick uint64) (serial, sku, brand string) {
	d := w.dweller(l.person)
	tried := func(slot, on int) bool {
		if on >= s.day || slot == s.slot {
			return false
		}
		old := w.story(l, &d, slot, on)
		if old.kind != purchase {
			return false
		}
		a, category := w.firstArticle(l.person, slot, old.source)
		if category != watch && category != smartwatch {
			return false
		}
		serial, sku, brand = w.serial(a, l.person, slot, 0), a.sku, a.brand
		return true
	}
	days := w.past(l, make([]int, 0, 16))
	for n := range min(len(days), 4) {
		i := (int(pick>>40) + n) % len(days)
		if tried(pastSlot+i, days[i]) {
			return serial, sku, brand
		}
	}
	for k := range l.profiles {
		if tried(k, int(l.arrival[k])) {
			return serial, sku, brand
		}
	}
	b := appendDigits([]byte("XX-"), w.storyIDs.do(storyID(l.person, 0)), 13)
	return string(append(b, '-', byte('1'+pick%2))), "", brandNames[pick>>8%uint64(len(brandNames))]
}

var contactTopics = []string{"question", "abandoned", "opening-hours", "stock", "instagram", "warranty"}

// tellContact tells a call or a post that has no order behind it; some of them
// are complaints.
func (w *World) tellContact(out *sink, s *story) {
	r := s.r
	topic := contactTopics[r.below(len(contactTopics))]
	if r.chance(0.12) {
		w.tellComplaint(out, s, &r, s.began, fine, crm.FactKey{}, false)
		return
	}
	channel := "call"
	if topic == "instagram" {
		channel = "social"
	}
	for range out.times(storyID(s.person, s.slot)<<4, s.began, false, 0) {
		key := crm.FactKey{Kind: crm.KindInteraction, Source: sourceNames[callcentre], ID: w.id('G', s.person, s.slot)}
		out.fact(s.fact(key, w.profileKey(s.person, s.k, s.source), s.began, s.began, placeCare,
			&crm.Interaction{Channel: channel, Direction: "in", Topic: topic}))
	}
}
