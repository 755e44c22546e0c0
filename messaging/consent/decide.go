package consent

import (
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// Class says what a message is to the law.
type Class string

// The classes of messages.
const (
	// Commercial promotes something. It needs consent.
	Commercial Class = "commercial"
	// Transactional is owed to the customer (an order, an appointment, a code)
	// and promotes nothing. It needs no consent, but a suppression stops it.
	Transactional Class = "transactional"
)

// Valid reports whether c is one of the known classes.
func (c Class) Valid() bool { return c == Commercial || c == Transactional }

// Merchant is the value of crm.ConsentKey.Recipient for a trader who is
// addressed as one. The empty value and "consumer" both mean a consumer.
const Merchant = "merchant"

// Decision is the answer to "may this address be written to?".
type Decision struct {
	Allowed bool
	// Ground is what the decision rests on: "suppressed" (the address is, whatever was
	// consented to), "refused" and "granted" (the holder said so), "not-granted" (nothing
	// was ever said for the key), "not-yet" (granted, but only after the instant asked
	// about) or "not-required" (the class or the recipient needs no prior consent).
	Ground string
	Since  time.Time // when the entry that decided was made; zero if none did
	Note   string    // one line for people, in English, without the address
}

// Policy holds what differs by jurisdiction. The zero value is the strictest.
type Policy struct {
	// MerchantOptOut lets commercial messages go to merchants (a key whose
	// Recipient is Merchant) that have not refused, as Turkish law 6563 art. 6
	// does.
	MerchantOptOut bool
	// OptOut lets commercial messages go to everybody who has not refused, as the law of
	// many countries does for post.
	OptOut bool
}

// Decide answers whether a message of a class may go to the address at an
// instant. In this order:
//
//   - a suppressed address is never written to;
//   - a transactional message may go, unless exactly its purpose was refused;
//   - a refusal of the key, or of everything (no purpose) by the same brand and
//     kind of recipient, wins unless a grant of the key is younger; a refusal
//     dated later than the instant counts too;
//   - a grant counts from its own time on.
//
// An empty brand in the ledger speaks for every brand when it refuses, and for
// the host's only brand when it grants. A nil state is an address about which
// nothing was ever said.
func (p Policy) Decide(s *crm.AddressState, key crm.ConsentKey, class Class, at time.Time) Decision {
	if s == nil {
		s = &crm.AddressState{}
	}
	if len(s.Suppressed) > 0 {
		return Decision{Ground: "suppressed", Note: "suppressed: " + strings.Join(s.Suppressed, ", ")}
	}
	var said, refusal crm.ConsentState // about the key itself, and the youngest refusal that covers it
	var spoke, refused bool
	for _, c := range s.Consents {
		if consumer(c.Recipient) != consumer(key.Recipient) || (c.Brand != key.Brand && (c.Brand != "" || c.Status != crm.Refused)) {
			continue
		}
		if c.Purpose == key.Purpose && c.Brand == key.Brand && (!spoke || outranks(c, said)) {
			said, spoke = c, true
		}
		covers := c.Purpose == key.Purpose || (c.Purpose == "" && class == Commercial)
		if class != Commercial && key.Purpose == "" {
			covers = false // a general refusal is one of marketing
		}
		if covers && c.Status == crm.Refused && (!refused || c.At.After(refusal.At)) {
			refusal, refused = c, true
		}
	}
	granted := spoke && said.Status == crm.Granted
	if refused && (!granted || !said.At.After(refusal.At) || said.At.After(at)) {
		return Decision{Ground: "refused", Since: refusal.At, Note: on("refused on ", refusal.At)}
	}
	switch {
	case class == Transactional:
		return Decision{Allowed: true, Ground: "not-required", Note: "transactional messages need no consent"}
	case granted && said.At.After(at):
		return Decision{Ground: "not-yet", Since: said.At, Note: on("granted only on ", said.At)}
	case granted:
		return Decision{Allowed: true, Ground: "granted", Since: said.At, Note: on("granted on ", said.At)}
	case p.MerchantOptOut && key.Recipient == Merchant:
		return Decision{Allowed: true, Ground: "not-required", Note: "merchants need no prior consent and have not refused"}
	case p.OptOut:
		return Decision{Allowed: true, Ground: "not-required", Note: "no prior consent is needed, and none was refused"}
	}
	return Decision{Ground: "not-granted", Note: "never granted"}
}

// outranks orders two entries about one key, which differ only in how a
// consumer is spelt: the younger counts, at the same time the refusal.
func outranks(a, b crm.ConsentState) bool {
	return a.At.After(b.At) || (a.At.Equal(b.At) && a.Status == crm.Refused)
}

func consumer(recipient string) string {
	if recipient == "consumer" {
		return ""
	}
	return recipient
}

// on writes a day behind words, in UTC as time.DateOnly has it. It is most of what a
// Decision costs.
func on(words string, t time.Time) string {
	var buf [40]byte
	b := append(buf[:0], words...)
	y, m, d := t.UTC().Date()
	if y < 1000 || y > 9999 {
		return string(t.UTC().AppendFormat(b, time.DateOnly))
	}
	two := func(n int) { b = append(b, byte('0'+n/10), byte('0'+n%10)) }
	two(y / 100)
	two(y % 100)
	b = append(b, '-')
	two(int(m))
	b = append(b, '-')
	two(d)
	return string(b)
}
