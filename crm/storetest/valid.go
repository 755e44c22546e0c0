package storetest

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vefacrm/vefa/crm"
)

// ValidRecord returns a batch of one profile or one fact of any kind that its
// Validate accepts, made from a seed: texts of every length up to the limits,
// times from the year 1 to 9999, amounts to the ends of int64, and free texts
// with what is not UTF-8. Whatever Validate accepts, an import must.
func ValidRecord(seed uint64) crm.Batch {
	g := &maker{rand.New(rand.NewPCG(seed, 1))}
	if g.IntN(4) == 0 {
		return crm.Batch{Profiles: []*crm.Profile{g.profile()}}
	}
	return crm.Batch{Facts: []*crm.Fact{g.fact()}}
}

// maker makes one record. It is no generator of rapid's: long texts would be
// drawn letter by letter.
type maker struct{ *rand.Rand }

// letters are what texts are made of besides ASCII: some compare alike to others, some cannot
// be seen, some are part of escapes.
var letters = []string{"a", "Z", "0", "/", "%", ":", "~", "'", `"`, `\`, " ", "ğ", "İ", "漢", "😀", "\u0301", "\u202e", "\u00a0", "\ufffd"}

// text returns a printable text of about n bytes.
func (g *maker) text(n int) string {
	var b strings.Builder
	for b.Len() < n {
		// Most of it must not be compressible: indexes of databases have limits.
		l := string(rune('!' + g.IntN(90)))
		if g.IntN(4) == 0 {
			l = letters[g.IntN(len(letters))]
		}
		if b.Len()+len(l) > n {
			l = "x"
		}
		b.WriteString(l)
	}
	return b.String()
}

// key returns a text that can be part of a key.
func (g *maker) key() string {
	switch g.IntN(8) {
	case 0:
		return g.text(crm.MaxKeyLen)
	case 1:
		return strings.Repeat("/", crm.MaxKeyLen-12) + g.text(12)
	case 2:
		return strings.Repeat("%", crm.MaxKeyLen-12-g.IntN(3)) + g.text(12)
	case 3:
		return g.text(crm.MaxKeyLen - 1 - g.IntN(4))
	case 4:
		return g.text(150 + g.IntN(60)) // three of them are about as long as a key may be
	}
	return g.text(1 + g.IntN(12))
}

// free returns a text that nothing is asked of.
func (g *maker) free() string {
	switch g.IntN(8) {
	case 0:
		return ""
	case 1:
		return "nul\x00 bell\x07 line\nend"
	case 2:
		return "not UTF-8 \xff\xfe \xed\xa0\x80"
	case 3:
		return g.text(3000 + g.IntN(5000))
	}
	return g.text(g.IntN(40))
}

// time returns times at the ends of what is allowed, in zones with offsets that JSON cannot
// write.
func (g *maker) time() time.Time {
	zones := []*time.Location{time.UTC, time.FixedZone("", 3*3600), time.FixedZone("LMT", 6976), time.FixedZone("", -14*3600), time.FixedZone("", 26*3600)}
	all := []time.Time{
		time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC), time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
		time.Unix(0, 0), time.Unix(-1, 1), start, start.Add(time.Duration(g.Int64N(1e15))), time.Date(1880+g.IntN(200), 5, 1, 0, 0, 0, 123456789, time.UTC),
	}
	return all[g.IntN(len(all))].In(zones[g.IntN(len(zones))])
}

// maybeTime is time, or now and then none.
func (g *maker) maybeTime() time.Time {
	if g.IntN(3) == 0 {
		return time.Time{}
	}
	return g.time()
}

// versionTime is a time that a version of a profile may be from.
func (g *maker) versionTime() time.Time {
	last := time.Date(9999, 12, 30, 23, 59, 59, 999999999, time.UTC)
	if t := g.maybeTime(); t.Before(last) {
		return t
	}
	return last
}

// int returns numbers at the ends of int64, and around 2^53, above which JSON readers lose
// digits.
func (g *maker) int() int64 {
	all := []int64{math.MinInt64, math.MinInt64 + 1, -1, 1, math.MaxInt64, math.MaxInt64 - 1, g.Int64(), 1 << 53, 1<<53 + 1}
	return all[g.IntN(len(all))]
}

// money returns amounts at the ends of int64, in a currency of two, of no and of unknown
// decimals.
func (g *maker) money() crm.Money {
	if g.IntN(4) == 0 {
		return crm.Money{}
	}
	return crm.Money{Amount: g.int(), Currency: []string{"TRY", "JPY", "XAU"}[g.IntN(3)]}
}

func (g *maker) profileKey() crm.ProfileKey { return crm.ProfileKey{Source: g.key(), ID: g.key()} }

// address returns an address that its own normal form is, or one of a host's own channel.
func (g *maker) address() crm.Address {
	switch g.IntN(3) {
	case 0:
		return crm.Address{Channel: crm.Phone, Value: fmt.Sprintf("+%d", 10_000_000+g.Int64N(1e14))}
	case 1:
		return crm.Address{Channel: crm.Email, Value: fmt.Sprintf("a%d@example.com", g.IntN(1000))}
	}
	return crm.Address{Channel: crm.Channel("x-" + g.text(1+g.IntN(509))), Value: g.key()}
}

func (g *maker) profile() *crm.Profile {
	p := &crm.Profile{
		ProfileKey: g.profileKey(), Kind: []crm.PartyKind{"", crm.Person, crm.Organisation, crm.Household}[g.IntN(4)],
		Name:  crm.Name{Given: g.free(), Family: g.free(), Full: g.free(), Title: g.free()},
		Birth: []string{"", "0000", "9999-12-31", "1980-02"}[g.IntN(4)], Gender: g.free(), Locale: g.free(),
		Postal: crm.Postal{Street: g.free(), District: g.free(), City: g.free(), Postcode: g.free(), Country: g.free()},
		Since:  g.maybeTime(), At: g.versionTime(), SourceVersion: g.int(),
	}
	for range g.IntN(4) {
		p.Contacts = append(p.Contacts, crm.Contact{Address: g.address(), Verified: g.IntN(2) == 0, Masked: g.IntN(4) == 0})
	}
	for range g.IntN(3) {
		if p.Attributes == nil {
			p.Attributes = map[string]string{}
		}
		p.Attributes[g.free()] = g.free()
	}
	return p
}

func (g *maker) fact() *crm.Fact {
	f := &crm.Fact{Key: crm.FactKey{Source: g.key(), ID: g.key()}, Subject: crm.OfProfile(g.profileKey()), At: g.time(), Version: min(g.int(), crm.MaxVersion)}
	if g.IntN(2) == 0 {
		f.Place = g.key()
	}
	if f.At.UnixMicro() == (time.Time{}).UnixMicro() {
		f.At = start
	}
	switch g.IntN(11) {
	case 0:
		o := &crm.Order{Number: g.key(), Status: []crm.OrderStatus{"", crm.OrderPlaced, crm.OrderCancelled}[g.IntN(3)], Channel: g.free(), Total: g.money(),
			Gift: g.IntN(2) == 0, FulfilledAt: g.free(), Delivered: g.maybeTime(), Employee: g.free(), Returns: crm.FactKey{Kind: "order", Source: g.free(), ID: g.free()}}
		if g.IntN(2) == 0 {
			o.Returns = crm.FactKey{}
		}
		if !o.Returns.IsZero() && o.Total.Amount > 0 {
			o.Total.Amount = -o.Total.Amount
		}
		if g.IntN(2) == 0 {
			o.Recipient, o.Payer = g.profileKey(), g.profileKey()
		}
		for range g.IntN(3) {
			l := crm.OrderLine{SKU: g.key(), Category: g.free(), Quantity: g.int(), Amount: g.money()}
			if g.IntN(2) == 0 {
				l.Serial, l.Recipient = g.key(), g.profileKey()
			}
			o.Lines = append(o.Lines, l)
		}
		f.Data = o
	case 1:
		v := &crm.Visit{Number: g.key(), Service: g.key(), SKU: g.free(), Status: g.free(), Done: g.maybeTime(), Price: g.money()}
		if g.IntN(2) == 0 {
			v.Serial = g.key()
		}
		f.Data = v
	case 2:
		t := &crm.Ticket{Title: g.free(), State: []crm.TicketState{crm.TicketOpen, crm.TicketPending, crm.TicketSolved}[g.IntN(3)], Reason: g.free(),
			Assignee: g.free(), Priority: g.IntN(10), Level: g.IntN(10), Opened: g.time(), Solved: g.maybeTime()}
		if t.Opened.IsZero() {
			t.Opened = start
		}
		for range g.IntN(3) {
			t.Log = append(t.Log, crm.TicketLog{At: g.maybeTime(), Actor: g.free(), State: crm.TicketOpen, Note: g.free(), Assignee: new(g.free()), Level: new(g.IntN(3))})
		}
		f.Data = t
	case 3:
		f.Data = &crm.Answer{Survey: g.key(), Metric: g.free(), Score: int(g.int()), Comment: g.free(), Values: map[string]any{g.free(): g.free(), "n": 1e300, "l": []any{nil, true, g.free()}}}
	case 4:
		f.Data = &crm.Click{Effect: crm.EffectID(g.free()), Campaign: g.free(), Agent: g.free(), Verdict: crm.Human, Reasons: []string{g.free()}, Signals: g.free(),
			Earlier: []crm.ClickVerdict{{Verdict: crm.Machine, Reasons: []string{g.free()}, Classifier: g.free()}}}
	case 5:
		f.Data = &crm.Interaction{Channel: g.key(), Direction: g.free(), Topic: g.free(), Text: g.free()}
	case 6:
		f.Data = &crm.Note{Text: g.free() + ".", Actor: g.free()}
	case 7:
		f.Data = &crm.TagChange{Tag: g.key(), Off: g.IntN(2) == 0, By: g.free(), Why: g.free(), Expires: g.maybeTime()}
	case 8:
		f.Data = &crm.Consent{ConsentKey: crm.ConsentKey{Brand: g.text(g.IntN(9)), Purpose: g.text(g.IntN(9))}, Status: []crm.ConsentStatus{crm.Granted, crm.Refused}[g.IntN(2)], Via: g.free(), Proof: g.free()}
		f.Subject = crm.OfAddress(g.address())
	case 9:
		f.Data = &crm.Suppression{Reason: g.key(), Off: g.IntN(3) == 0, Actor: g.free()}
		f.Subject = crm.OfAddress(g.address())
	default:
		f.Data = &crm.Custom{JSON: mustText(g.free())}
		if g.IntN(3) == 0 {
			f.Subject = crm.OfAddress(g.address())
		}
	}
	f.Key.Kind = crm.FactKind("x-" + g.text(1+g.IntN(509)))
	if k := crm.BuiltIn().OfData(f.Data); k != nil {
		f.Key.Kind = k.Name
	}
	if k := crm.BuiltIn().Of(f.Key.Kind); (k == nil || k.Subject&crm.OnRecord != 0) && g.IntN(4) == 0 {
		f.Subject = crm.OfRecord(crm.FactKey{Kind: crm.KindOrder, Source: g.text(1 + g.IntN(crm.MaxKeyLen/3-6)), ID: g.key()})
	}
	return f
}

// mustText is a JSON string with the bytes of s as they are, where JSON allows.
func mustText(s string) json.RawMessage {
	if !utf8.ValidString(s) {
		return json.RawMessage(`{"text": "` + s + `"}`)
	}
	return mustJSON(s)
}
