package world

import "github.com/vefacrm/vefa/crm"

// Brand is the brand that all consents of the world are for.
const Brand = "saat"

// What happens to the consent of an address that a source brought, of 1,000.
const (
	grantedShare   = 665
	refusedShare   = 160 // the rest is never asked
	withdrawnShare = 70  // of the granted, over withdrawnDays
	withdrawnDays  = 1500
	conflictShare  = 30
)

var consentVia = [sourceCount]string{"HS_FIZIKSEL_ORTAM", "HS_WEB", "HS_EORTAM", "HS_ISLAK_IMZA", "HS_EORTAM", "HS_FIZIKSEL_ORTAM", "HS_CAGRI_MERKEZI"}

var consentChannels = [2]crm.Channel{crm.Phone, crm.Email}

// permission is the fate of the consent of one address of a profile. Days are
// counted from the first evening; -pastDays-1 and less means never.
type permission struct {
	status    crm.ConsentStatus // empty: never asked
	withdrawn int
	conflict  int // the day on which another system says the opposite
	sameTime  bool
}

const never = -1 << 30

func (w *World) permission(l *life, k, c int) permission {
	r := w.random(streamConsent, uint64(l.person), uint64(2*k+c))
	p := permission{withdrawn: never, conflict: never}
	if l.source[k] == marketplace {
		return p
	}
	switch x := r.below(1000); {
	case x < grantedShare:
		p.status = crm.Granted
	case x < grantedShare+refusedShare:
		p.status = crm.Refused
	default:
		return p
	}
	if r.below(1000) < withdrawnShare && p.status == crm.Granted {
		p.withdrawn = int(l.arrival[k]) + 1 + r.below(withdrawnDays)
	}
	if r.below(1000) < conflictShare {
		p.conflict = int(l.arrival[k]) + r.below(30)
		p.sameTime = r.chance(0.3)
	}
	return p
}

// tellConsents delivers the entries about the addresses of a profile. In one
// profile's life there are at most three per address. First is the profile's
// first version where it is at hand, else nil.
func (w *World) tellConsents(out *sink, l *life, d *dweller, k int, first *crm.Profile) {
	for c, channel := range consentChannels {
		p := w.permission(l, k, c)
		if p.status == "" || !out.past && !out.near(int(l.arrival[k])) && !out.near(p.withdrawn) && !out.near(p.conflict) {
			continue
		}
		if first == nil {
			first = w.profile(l, d, k, 1)
		}
		address, ok := addressOf(first, channel)
		if !ok {
			continue
		}
		id := storyID(l.person, k)<<4 | uint64(10+c)
		given := first.Since.Unix() + 40
		w.consent(out, id, address, k, l, "0", p.status, given)
		if p.conflict != never {
			at, status := given, crm.Refused
			if p.status == crm.Refused {
				status = crm.Granted
			}
			if !p.sameTime {
				r := random{id}
				at = max(given+60, w.calendar.at(&r, zoneTurkey, p.conflict, officeHours))
			}
			w.consent(out, id+1<<60, address, k, l, "iys", status, at)
		}
		if p.withdrawn != never {
			r := random{id + 1}
			w.consent(out, id+2<<60, address, k, l, "ret", crm.Refused, w.calendar.at(&r, zoneTurkey, p.withdrawn, webHours))
		}
	}
}

// near reports whether something of a day may come on the sink's day.
func (s *sink) near(day int) bool { return day <= s.day && day >= s.day-recordTail-2 }

func addressOf(p *crm.Profile, channel crm.Channel) (crm.Address, bool) {
	for _, c := range p.Contacts {
		if c.Channel == channel && !c.Masked {
			return c.Address, true
		}
	}
	return crm.Address{}, false
}

func (w *World) consent(out *sink, id uint64, to crm.Address, k int, l *life, what string, status crm.ConsentStatus, at int64) {
	for range out.times(id, at, false, 0) {
		data := &crm.Consent{ConsentKey: crm.ConsentKey{Brand: Brand}, Status: status, Via: consentVia[l.source[k]], Proof: "metin-v3"}
		key := crm.FactKey{Kind: crm.KindConsent, Source: sourceNames[l.source[k]]}
		switch what {
		case "iys":
			key.Source, data.Proof = "iys", ""
		case "ret":
			data.Via, data.Proof = "HS_MESAJ", ""
		}
		key.ID = w.profileKey(l.person, k, l.source[k]).ID + "-" + string(to.Channel[:1]) + what
		out.fact(&crm.Fact{Key: key, Subject: crm.OfAddress(to), At: moment(at), Version: at * 1_000_000, Data: data})
	}
}
