package storetest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
)

// The records that tests write. What matters to a test it sets itself.

// start is the day of the tests, with microseconds, so that a store that keeps milliseconds
// fails.
var start = time.Date(2025, 3, 1, 18, 30, 15, 123456000, time.UTC)

// key names the nth profile.
func key(n int) crm.ProfileKey { return crm.ProfileKey{Source: "till", ID: fmt.Sprintf("c-%d", n)} }

// someone is the nth profile; its letters are ones that a wrong collation or folding changes.
func someone(n int) *crm.Profile {
	return &crm.Profile{ProfileKey: key(n), Name: crm.Name{Given: "Işıl", Family: fmt.Sprintf("Çağrı %d", n)}, At: start, Since: start}
}

// newLink makes the nth profile a customer of its own.
func newLink(n int) *crm.Link {
	return &crm.Link{Profile: key(n), Customer: customer(n), Kind: crm.LinkNew, Actor: "import", At: start}
}

func customer(n int) crm.CustomerID { return crm.CustomerID(fmt.Sprintf("k-%d", n)) }

func phone(n int) crm.Address {
	return crm.Address{Channel: crm.Phone, Value: fmt.Sprintf("+90532%07d", n)}
}

func tl(kurus int64) crm.Money { return crm.Money{Amount: kurus, Currency: "TRY"} }

// order is an order of the nth profile in its first version.
func order(n int, number string) *crm.Fact {
	return &crm.Fact{
		Key: crm.FactKey{Kind: crm.KindOrder, Source: "till", ID: number}, Subject: crm.OfProfile(key(n)),
		At: start, Place: "kadıköy", Version: 1, Recorded: start,
		Data: &crm.Order{Number: number, Total: tl(99_90), Lines: []crm.OrderLine{{SKU: "W-1", Quantity: 1, Amount: tl(99_90)}}},
	}
}

// note is a note about anything in any version.
func note(s crm.Subject, id, text string, version int64) *crm.Fact {
	return &crm.Fact{
		Key: crm.FactKey{Kind: crm.KindNote, Source: "desk", ID: id}, Subject: s,
		At: start, Version: version, Recorded: start, Data: &crm.Note{Text: text},
	}
}

// effect is a message to the nth profile that is due at once.
func effect(n int, occurrence string) *crm.Effect {
	s := crm.OfProfile(key(n))
	return &crm.Effect{
		ID: crmtest.EffectID("rule/battery", s, crm.FactKey{}, occurrence), Kind: crm.EffectMessage, Cause: "rule/battery",
		Subject: s, Occurrence: occurrence, Due: start, State: crm.Planned, Created: start, Changed: start,
	}
}

// everyProfile has every field set.
func everyProfile() *crm.Profile {
	return &crm.Profile{
		ProfileKey: crm.ProfileKey{Source: "web shop", ID: "İ-42/ş"},
		Kind:       crm.Organisation,
		Name:       crm.Name{Given: "Ayşe", Family: "Yılmaz", Full: "Ayşe Nur Yılmaz", Title: "Dr."},
		Birth:      "1980-05", Gender: "f", Locale: "tr", Prefers: []crm.Channel{"whatsapp", crm.Email},
		Contacts: []crm.Contact{
			{Address: phone(1), Verified: true},
			{Address: crm.Address{Channel: crm.Email, Value: "x+y@relay.example"}, Masked: true},
		},
		Postal:     crm.Postal{Street: "Bağdat Cad. 1/2", District: "Kadıköy", City: "İstanbul", Postcode: "34710", Country: "TR"},
		Attributes: map[string]string{"size": "M", "colour": "kırmızı", "": "no name"},
		Since:      time.Date(2009, 1, 2, 3, 4, 5, 6000, time.UTC),
		At:         time.Date(2025, 2, 28, 23, 59, 59, 999999000, time.UTC), SourceVersion: -7,
		Disowned: []crm.Address{phone(2), phone(3)},
	}
}

// everyFact returns a fact of every kind, with the kind's example as its content,
// and some that no kind describes.
func everyFact(kinds *crm.Kinds) []*crm.Fact {
	p, a := crm.OfProfile(key(1)), crm.OfAddress(phone(1))
	about := crm.FactKey{Kind: crm.KindOrder, Source: "till", ID: "TR/1"}
	var out []*crm.Fact
	add := func(kind crm.FactKind, s crm.Subject, d crm.FactData) {
		n := len(out)
		out = append(out, &crm.Fact{
			Key: crm.FactKey{Kind: kind, Source: "kasa 1", ID: fmt.Sprintf("F/%d", n)}, Subject: s,
			At: start.Add(time.Duration(n) * time.Microsecond), Place: "kadıköy", Version: int64(n) + 1, Recorded: start.Add(24 * time.Hour), Data: d,
		})
	}
	for _, k := range kinds.All() {
		for _, s := range subjectsOf(k) {
			add(k.Name, s, k.Example())
		}
	}
	add(crm.KindAnswer, p, &crm.Answer{Survey: "after-sale", Effect: effect(1, "x").ID, About: about, Metric: "csat", Score: 5, Bad: true, Comment: "iyi"})
	add("loyalty", p, &crm.Custom{JSON: json.RawMessage(`{"points":12345678901234567,"tier":"altın","none":null}`)})
	add("lookup", a, &crm.Custom{JSON: json.RawMessage(`[1,2.5,"x"]`)})
	return out
}

// subjectsOf returns one of each that facts of a kind may hang on.
func subjectsOf(k *crm.Kind) []crm.Subject {
	var out []crm.Subject
	if k.Subject&crm.OnProfile != 0 {
		out = append(out, crm.OfProfile(key(1)))
	}
	if k.Subject&crm.OnAddress != 0 {
		out = append(out, crm.OfAddress(phone(1)))
	}
	if k.Subject&crm.OnRecord != 0 {
		out = append(out, crm.OfRecord(crm.FactKey{Kind: crm.KindOrder, Source: "till", ID: "TR/1"}))
	}
	return out
}

// everyLink has every field set but Seq.
func everyLink(k crm.ProfileKey, kind crm.LinkKind, to crm.CustomerID) *crm.Link {
	return &crm.Link{
		Profile: k, Customer: to, Kind: kind, Address: phone(1), Actor: "dedup", At: start,
		Evidence: crm.Evidence{With: key(9), Weight: 12.0625, Fields: []string{"phone", "given name"}, Note: "aynı adres",
			Steps: []crm.EvidenceStep{{What: "prior", Bits: -9.25}, {What: "phone equal", Bits: 21.3125}}},
		Op: "op-" + k.ID, OpLen: 7, Undoes: "öp", Stays: true, Off: true,
	}
}

// everyEffect has every field set but Rev.
func everyEffect() *crm.Effect {
	s := crm.OfAddress(phone(1))
	about := crm.FactKey{Kind: crm.KindOrder, Source: "till", ID: "TR/1"}
	day := 24 * time.Hour
	return &crm.Effect{
		ID: crmtest.EffectID("campaign/spring", s, about, "2025-03-01"), Kind: crm.EffectTicket, Cause: "campaign/spring", Version: 3,
		Subject: s, About: about, Occurrence: "2025-03-01", Due: start.Add(700 * day), State: crm.Sent, To: phone(1),
		Reasons: []crm.Reason{{Guard: "consent", Pass: true, Note: "v3"}, {Guard: "open-ticket"}},
		Guards:  []crm.GuardRead{{Record: "address", Version: 4}, {Record: "tags", Version: 2}},
		Created: start, Changed: start.Add(day), SentAt: start.Add(2 * day), Attempts: 2, Lease: start.Add(3 * day),
		Provider: "SM-ğ/42", Via: "whatsapp", Data: json.RawMessage(`{"text":"Merhaba","n":[1,2]}`),
	}
}

// everyAddressState has every field set.
func everyAddressState() *crm.AddressState {
	p := crm.OfProfile(key(1))
	return &crm.AddressState{
		Address: phone(1), Version: 1,
		Consents: []crm.ConsentState{
			{ConsentKey: crm.ConsentKey{}, Status: crm.Granted, At: start},
			{ConsentKey: crm.ConsentKey{Brand: "b", Recipient: "merchant", Purpose: "survey"}, Status: crm.Refused, At: start.Add(time.Microsecond)},
		},
		Suppressed: []string{"hard bounce", "not me"},
		Holds:      []crm.FactRef{{Subject: p, Key: crm.FactKey{Kind: crm.KindTicket, Source: "desk", ID: "1"}}, {Subject: crm.OfAddress(phone(2)), Key: crm.FactKey{Kind: crm.KindTicket, Source: "desk", ID: "2"}}},
	}
}
