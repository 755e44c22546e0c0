package world

import (
	"math"

	"github.com/vefacrm/vefa/crm"
)

// A story is something that happens to one person and begins on one day: an
// order with its delivery, return and complaint, a visit to the service, a
// call. It follows from (seed, person, slot) alone, so any day can tell its
// share of it without the days before.
type story struct {
	person, slot, day int
	k                 int // the profile it hangs on
	source            uint8
	kind              uint8
	began             int64
	at                *spot
	r                 random // goes on where the beginning stopped
}

// The kinds of stories.
const (
	purchase = iota
	visit
	contact
	signUp
)

// Slots number the stories of a person: the meeting with each source, those of
// the past, and from recentSlot on one for each day since tail days before the
// first evening.
const (
	pastSlot   = 16
	recentSlot = 1024
	storySlots = 1 << slotBits
	slotBits   = 14
	storyBits  = 40
	maxPeople  = 1 << 24
)

func storyID(person, slot int) uint64 { return uint64(person)<<slotBits | uint64(slot) }

// perPast is the mean number of stories besides the first in the whole past.
const perPast = 4.9

// rate returns the chance that a story begins on a day.
func (w *World) rate(activity uint8, day int) float64 {
	return perPast * activities[activity] * w.calendar.pullOf(day) / w.calendar.sums[pastDays]
}

// past returns the days of the stories that began tail days or more before the
// first evening; the n-th has slot pastSlot+n.
func (w *World) past(l *life, buf []int) []int {
	buf = buf[:0]
	lo, hi := int(l.arrival[0])+1, -tail
	if lo >= hi {
		return buf
	}
	c := w.calendar
	mean := perPast * activities[l.activity] * (c.sums[hi+pastDays] - c.sums[lo+pastDays]) / c.sums[pastDays]
	r := w.random(streamPast, uint64(l.person), 0)
	for p, limit := r.unit(), math.Exp(-mean); p > limit && len(buf) < recentSlot-pastSlot; p *= r.unit() {
		buf = append(buf, c.drawDay(&r, lo, hi))
	}
	return buf
}

// dayOfSlot returns the day on which a story begins, or false if there is none.
func (w *World) dayOfSlot(l *life, slot int) (day int, ok bool) {
	switch {
	case slot < pastSlot:
		if slot >= l.profiles {
			return 0, false
		}
		return int(l.arrival[slot]), true
	case slot < recentSlot:
		days := w.past(l, make([]int, 0, 16))
		if slot-pastSlot >= len(days) {
			return 0, false
		}
		return days[slot-pastSlot], true
	}
	day = slot - recentSlot - tail
	if day <= int(l.arrival[0]) {
		return 0, false
	}
	return day, w.happens(w.dayKey(l.person), day, w.threshold(l.activity, day))
}

// dayKey and happens draw whether a story begins on a day; threshold is the
// day's chance as a share of 2^64.
func (w *World) dayKey(person int) uint64 {
	r := w.random(streamDay, uint64(person), 0)
	return r.state
}

func (w *World) happens(key uint64, day int, threshold uint64) bool {
	return mix(key+uint64(day+tail)*golden) < threshold
}

func (w *World) threshold(activity uint8, day int) uint64 {
	return uint64(min(w.rate(activity, day), 0.999) * (1 << 63) * 2)
}

// story begins the story of a slot.
func (w *World) story(l *life, d *dweller, slot, day int) story {
	s := story{person: l.person, slot: slot, day: day, r: w.random(streamStory, uint64(l.person), uint64(slot))}
	x := s.r.below(1000)
	if slot < pastSlot {
		s.k, s.source = slot, l.source[slot]
		switch {
		case s.source == service:
			s.kind = visit
		case s.source == callcentre && x < 500:
			s.kind = contact
		case s.source == web && x < 120:
			s.kind = signUp
		}
	} else {
		w.choose(&s, l, x)
	}
	hours := shopHours
	switch s.source {
	case pos:
		s.at = w.shops.pick(&s.r, 0, w.shops.stores, d)
	case dealer:
		s.at = w.shops.pick(&s.r, 1, w.shops.dealers, d)
	case kiosk:
		s.at = w.shops.pick(&s.r, 2, w.shops.kiosks, d)
	case web:
		s.at, hours = &w.shops.web, webHours
	case marketplace:
		s.at, hours = &w.shops.market, webHours
	case service:
		s.at, hours = &w.shops.service, officeHours
	default:
		s.at, hours = &w.shops.care, officeHours
	}
	zone := s.at.zone
	switch s.kind {
	case visit:
		zone, hours = zoneTurkey, officeHours
	case contact:
		zone, hours = zoneTurkey, officeHours
	}
	s.began = w.calendar.at(&s.r, zone, day, hours)
	return s
}

// choose picks the kind of a later story and one of the profiles that exist by
// then. Who is known to the service only goes to the service only.
func (w *World) choose(s *story, l *life, x int) {
	var known [maxProfiles]int
	n, atService, buyer := 0, -1, -1
	for k := range l.profiles {
		if int(l.arrival[k]) >= s.day {
			continue
		}
		known[n] = k
		n++
		if l.source[k] == service {
			atService = k
		} else if buyer < 0 {
			buyer = k
		}
	}
	s.k = known[s.r.below(n)]
	switch {
	case x < 40:
		s.kind = contact
	case x < 170 || buyer < 0:
		s.kind = visit
		if atService >= 0 {
			s.k = atService
		}
	case l.source[s.k] == service:
		s.k = buyer
	}
	s.source = l.source[s.k]
}

// trouble is what went wrong in a story.
type trouble uint8

const (
	fine trouble = iota
	late
	broken
	wrong
	rude
)

// troubleOf says what goes wrong in the story of a slot, if anything. It
// raises the chance of a return, of a complaint and of a bad answer.
func (w *World) troubleOf(person, slot int, source uint8) trouble {
	r := w.random(streamTrouble, uint64(person), uint64(slot))
	x := r.below(1000)
	shipped := source == web || source == marketplace || source == callcentre
	switch {
	case x < 30:
		return broken
	case x < 50 && !shipped:
		return rude
	case x < 50:
		return wrong
	case x < 120 && (shipped || source == service):
		return late
	}
	return fine
}

// id writes the number of a story's document: a letter and 13 digits.
func (w *World) id(letter byte, person, slot int) string {
	b := make([]byte, 1, 14)
	b[0] = letter
	return string(appendDigits(b, w.storyIDs.do(storyID(person, slot)), 13))
}

// storyOf is the inverse of id.
func (w *World) storyOf(id string) (person, slot int, ok bool) {
	if len(id) != 14 {
		return 0, 0, false
	}
	x, ok := readDigits(id[1:])
	if !ok || x >= 1<<storyBits {
		return 0, 0, false
	}
	x = w.storyIDs.undo(x)
	person, slot = int(x>>slotBits), int(x&(storySlots-1))
	return person, slot, person < w.people
}

// tell delivers what a story puts on the sink's day.
func (w *World) tell(out *sink, l *life, d *dweller, s *story) {
	switch s.kind {
	case purchase:
		w.tellPurchase(out, d, s)
	case visit:
		w.tellVisit(out, l, s)
	case contact:
		w.tellContact(out, s)
	}
}

// fact is a fact of the story's person.
func (s *story) fact(key crm.FactKey, subject crm.ProfileKey, at, version int64, place string, data crm.FactData) *crm.Fact {
	return &crm.Fact{Key: key, Subject: crm.OfProfile(subject), At: moment(at), Place: place, Version: version * 1_000_000, Data: data}
}
