package world

import (
	"strings"

	"github.com/vefacrm/vefa/crm"
)

// How often a source leaves a field empty, of 1,000 profiles: overall e-mail
// 46 %, phone 7 % or more, as in data/dedup/README.md.
var (
	noMail  = [sourceCount]int{560, 20, 0, 620, 700, 600, 650}
	noPhone = [sourceCount]int{70, 92, 1000, 90, 60, 50, 40}
)

const (
	noBirth  = 0.39
	noGender = 0.26
	noTown   = 0.21
)

// What a profile has of others.
const (
	lentShare      = 0.7   // of those whom another's phone or e-mail address serves
	giftShare      = 0.015 // profiles made for a present: the receiver's name and home, the giver's phone and e-mail address
	dealersOwn     = 40    // of 1,000 at dealers: the dealer's phone
	dealerPhones   = 3
	beforeMarriage = 0.3 // of those whom shops know from before
)

// What the second version of a profile brings.
const (
	changedNumber = iota
	changedMail
	movedAway
	corrected
	married
)

var changeKinds = newTable(15, 15, 35, 25, 10)

// profileBits is the length of the ids' number: 24 bits of person, 4 of
// profile, and room to hide them in.
const profileBits = 32

func (w *World) profileKey(person, k int, source uint8) crm.ProfileKey {
	b := make([]byte, 0, 12)
	b = append(b, "KWMDXSC"[source])
	b = appendDigits(b, w.profileIDs.do(uint64(person)<<4|uint64(k)), 10)
	return crm.ProfileKey{Source: sourceNames[source], ID: string(b)}
}

// owner is the inverse of profileKey.
func (w *World) owner(key crm.ProfileKey) (person, k int, ok bool) {
	if len(key.ID) != 11 {
		return 0, 0, false
	}
	x, ok := readDigits(key.ID[1:])
	if !ok || x >= 1<<profileBits {
		return 0, 0, false
	}
	x = w.profileIDs.undo(x)
	person, k = int(x>>4), int(x&15)
	if person >= w.people {
		return 0, 0, false
	}
	l := w.life(person)
	if k >= l.profiles || w.profileKey(person, k, l.source[k]) != key {
		return 0, 0, false
	}
	return person, k, true
}

func readDigits(s string) (x uint64, ok bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		x = x*10 + uint64(s[i]-'0')
	}
	return x, true
}

// Truth returns the number of the person behind a profile, and whether the
// world has such a profile. It tells who is who; no program under test may
// ask it.
func (w *World) Truth(k crm.ProfileKey) (person int, known bool) {
	person, _, known = w.owner(k)
	return person, known
}

// profile writes down what a source says about a person. The first profile of
// a person is mostly right, the others carry the errors of later entries; all
// have gaps and spellings of their own. Version 2 is what the source says after
// the day of the change.
func (w *World) profile(l *life, d *dweller, k, version int) *crm.Profile {
	source := l.source[k]
	r := w.random(streamProfile, uint64(l.person), uint64(k))
	p := &crm.Profile{
		ProfileKey: w.profileKey(l.person, k, source), Kind: crm.Person, Locale: "tr",
		Since: moment(w.metAt(l, d, k)), SourceVersion: int64(version),
	}
	p.At = p.Since
	faulty, change := k > 0, -1
	if version > 1 {
		u := w.random(streamUpdate, uint64(l.person), uint64(k))
		change = changeKinds.draw(&u)
		faulty = faulty && change != corrected
		p.At = moment(w.changedAt(l, k))
	}
	w.writeName(p, d, &r, faulty, change)
	gift := w.writeContacts(p, d, &r, k, source, faulty, change)

	born := d.born
	if faulty {
		switch x := r.below(100); {
		case x < 4 && born.day <= 12:
			born.day, born.month = born.month, born.day
		case x < 4:
			born.day = 1 + r.below(28)
		case x < 7:
			born.year = 1945 + r.below(62)
		case x < 9:
			born.month, born.day = 1, 1
		}
	} else {
		r.below(100)
	}
	if !r.chance(noBirth) && source != marketplace && !gift {
		p.Birth = born.String()
	}
	if !r.chance(noGender) {
		if p.Gender = "M"; d.female {
			p.Gender = "F"
		}
	}
	town, district := d.town, d.district
	if r.chance(0.12) && faulty || change == movedAway {
		town = uint8(w.shops.towns.draw(&r))
		district = uint8(w.words.districts[town].draw(&r))
	}
	p.Postal.Country = "TR"
	if !r.chance(noTown) {
		p.Postal.City, p.Postal.District = towns[town].name, towns[town].districts[district]
	}
	return p
}

func (w *World) writeName(p *crm.Profile, d *dweller, r *random, faulty bool, change int) {
	list, last := w.givenWords(d), w.words.last[d.last]
	first, second := list[d.given], word{}
	if d.second >= 0 {
		x := r.below(100)
		switch second = list[d.second]; {
		case !faulty || x < 55:
		case x < 70:
			first, second = second, word{}
		default:
			second = word{}
		}
	}
	switch other, before := w.words.lastZipf.draw(r), r.chance(beforeMarriage); {
	case d.maiden >= 0 && before && change != married:
		last = w.words.last[d.maiden]
	case d.maiden < 0 && d.female && change == married:
		last = w.words.last[other]
	}
	spelling := w.words.spelled.draw(r)
	write := func(words ...word) string {
		if words[len(words)-1] == (word{}) {
			words = words[:len(words)-1]
		}
		if len(words) == 1 {
			return words[0][spelling]
		}
		return words[0][spelling] + " " + words[1][spelling]
	}
	p.Name.Given, p.Name.Family = write(first, second), write(last)
	if !faulty {
		return
	}
	if r.chance(0.12) {
		full := first[asIs]
		if second != (word{}) {
			full += " " + second[asIs]
		}
		p.Name.Given = spell(typo(r, full), spelling)
	}
	if r.chance(0.14) {
		p.Name.Family = spell(typo(r, last[asIs]), spelling)
	}
	if r.chance(0.04) {
		p.Name.Given, p.Name.Family = p.Name.Family, p.Name.Given
	}
}

// writeContacts writes how a source reaches a person: by what is the person's own, by what is
// another's of the household, or, of whom a present was sent to, by what is the giver's. It
// reports whether it was a present.
func (w *World) writeContacts(p *crm.Profile, d *dweller, r *random, k int, source uint8, faulty bool, change int) (gift bool) {
	number, gift, lent := w.number(d.person, 0), r.chance(giftShare) && source != marketplace, r.chance(lentShare)
	owner := *d // of the e-mail address
	if lent {
		number = w.number(d.numberOf, 0)
	}
	mistake, style := r.below(1000), r.below(8)
	switch {
	case source == dealer && r.below(1000) < dealersOwn:
		number = w.number(maxPeople+r.below(dealerPhones), 0)
	case !faulty:
	case mistake < 90:
		number = w.number(d.person, k)
	case mistake < 120:
		number[3+mistake%7] = byte('0' + style)
	case mistake < 130:
		copy(number[:], placeholder)
	}
	switch lentMail := r.chance(lentShare); {
	case gift:
		owner = w.dweller(r.below(w.people))
		number = w.number(owner.person, 0)
	case lentMail && d.mailOf != d.person:
		owner = w.dweller(d.mailOf)
	}
	phoneGap, mailGap := r.below(1000) < noPhone[source], r.below(1000) < noMail[source]
	p.Contacts = make([]crm.Contact, 0, 2)
	if change == changedNumber && source != marketplace { // the new one stands before the old one
		b := w.number(d.person, 8+k)
		p.Contacts = append(p.Contacts, crm.Contact{Address: crm.Address{Channel: crm.Phone, Value: "+90" + string(b[:])}, Verified: true})
	}
	if !phoneGap {
		var raw [20]byte
		e164 := readNumber(writeNumber(raw[:0], style, number[:]))
		p.Contacts = append(p.Contacts, crm.Contact{
			Address:  crm.Address{Channel: crm.Phone, Value: e164},
			Verified: (source == web || source == kiosk) && !gift,
			Masked:   string(number[:]) == placeholder,
		})
	}
	if source == marketplace {
		relay := appendDigits(append(make([]byte, 0, 40), 'r'), mix(w.numberKey^uint64(d.person)<<4^uint64(k))>>20, 14)
		p.Contacts = append(p.Contacts, crm.Contact{
			Address: crm.Address{Channel: crm.Email, Value: string(append(relay, "@relay.pazaryeri.example"...))}, Masked: true,
		})
		return gift
	}
	if mailGap {
		return gift
	}
	n := owner.mailNumber
	if change == changedMail {
		owner = *d
		n = (d.mailNumber + 31*k + 17) % 100000
	}
	mail := ""
	switch x := r.below(1000); {
	case !faulty:
		mail = w.mail(&owner, n)
	case x < 100:
		mail = w.mail(&owner, n)
		at := strings.IndexByte(mail, '@')
		mail = strings.ToLower(typo(r, mail[:at])) + mail[at:]
	case x < 208:
		mail = w.mail(&owner, (n+997*k)%100000)
	default:
		mail = w.mail(&owner, n)
	}
	p.Contacts = append(p.Contacts, crm.Contact{Address: crm.Address{Channel: crm.Email, Value: mail}, Verified: source == web && !gift})
	return gift
}

// reaches reports whether an address is one that the person really has, not a
// mistyped one of somebody else.
func (w *World) reaches(d *dweller, k int, a crm.Address) bool {
	switch a.Channel {
	case crm.Phone:
		if len(a.Value) != 13 {
			return false
		}
		own := func(person, n int) bool {
			b := w.number(person, n)
			return a.Value[3:] == string(b[:])
		}
		return own(d.numberOf, 0) || own(d.person, 0) || own(d.person, k) || own(d.person, 8+k)
	case crm.Email:
		own := func(d *dweller) bool {
			n := d.mailNumber
			return a.Value == w.mail(d, n) || a.Value == w.mail(d, (n+997*k)%100000) || a.Value == w.mail(d, (n+31*k+17)%100000)
		}
		of := w.dweller(d.mailOf)
		return own(d) || own(&of)
	}
	return true
}

// metAt returns when a source first met the person: at the story that day.
func (w *World) metAt(l *life, d *dweller, k int) int64 {
	s := w.story(l, d, k, int(l.arrival[k]))
	return s.began
}

func (w *World) changedAt(l *life, k int) int64 {
	r := w.random(streamUpdate, uint64(l.person), uint64(k)|1<<32)
	return w.calendar.at(&r, zoneTurkey, int(l.change[k]), officeHours)
}
