package messaging

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/consent"
)

// The guards, in the order in which they decide. They are the Guard of the
// crm.Reason values that Check gives.
const (
	GuardSuppressed = "suppressed"
	GuardConsent    = "consent"
	GuardTicket     = "open-ticket"
	GuardTag        = "excluded-tag"
	GuardAddress    = "invalid-address"
	GuardCap        = "cap"
	GuardCadence    = "cadence"   // asked where the campaign has one
	GuardRelevance  = "relevance" // likewise
	GuardQuiet      = "quiet-hours"
	GuardHoldout    = "holdout"
)

// Outcome is what is to be done with a message.
type Outcome string

// The outcomes of a check.
const (
	Send     Outcome = "send"
	Defer    Outcome = "defer"    // not before Verdict.NotBefore
	Withhold Outcome = "withhold" // a guard refused
	HoldOut  Outcome = "holdout"  // the recipient is in the control group
)

// Verdict is one explained decision.
type Verdict struct {
	Outcome Outcome
	// Guard is the first guard that refused, in their order; "" for
	// Send.
	Guard string
	// NotBefore is the earliest admissible instant; set for Defer only.
	NotBefore time.Time
	// Reasons has one entry per guard that was asked in the order of the constants above, also
	// for those after the first refusal.
	Reasons []crm.Reason
	// Reads are the versions of what an Outbox's guard read besides the destination,
	// which the outbox records itself. Check leaves it empty.
	Reads []crm.GuardRead
}

// Candidate is one message that might go to one address, with everything that
// the guards look at.
type Candidate struct {
	Address *crm.AddressState // nil: nothing is known, not even the address
	Channel Channel           // that the message goes by; the zero value: text messages, or one without a description
	Class   consent.Class     // zero: Commercial
	Consent crm.ConsentKey
	Policy  consent.Policy
	Tags    []string    // of the customer, now
	Exclude []string    // tags that exclude from this message
	Answers crm.FactRef // the ticket that the message answers: it does not silence it
	Recent  []time.Time // when commercial messages were sent to this person before, in any order
	Caps    []Cap       // commercial messages only
	// Cadence is of commercial messages; the zero value asks nothing. Answered is when the person
	// last reacted to anything: clicked, bought, answered, wrote, came; zero: never.
	Cadence  Cadence
	Answered time.Time
	// Relevance is the least Score that a commercial message needs; 0 asks nothing. Score is how
	// much it means to the person, from 0 to 1; nil: not known, and Unscored may say why.
	Relevance float64
	Score     *float64
	Unscored  string
	Quiet     QuietHours // the zero value has none
	// Zone is that of the recipient; nil means those of the jurisdiction, or UTC. Where the number is of
	// an area (Jurisdiction.Areas) the area's count, too: nothing is sent while the hours of any say no.
	Zone *time.Location
	// Hours are the jurisdictions that Quiet.Local and Quiet.Holidays ask; without them
	// such a message is withheld. Country is the recipient's, see Hours.Country; empty, or one
	// that they do not know: that of the number.
	Hours     *Hours
	Country   string
	Holdout   bool   // assigned to the control group; commercial messages only
	Invalid   string // why the address cannot be used, if the caller knows
	SpreadKey string // spreads messages after quiet hours; empty: the address
}

// Cap is the largest number of messages in any window of a length. A zero Max
// with a positive Per lets nothing through; a Cap without Per caps nothing.
type Cap struct {
	// Max is how many fit; 0 lets nothing through. Per is the length of the window; 0 caps
	// nothing.
	Max int           `json:"max"`
	Per time.Duration `json:"per"`
}

// Check decides whether a message may go out at an instant. It is a pure
// function, used when a message is planned and again when it is sent, and it
// runs every guard in their order, so that a refusal always has all its
// reasons. The first refusal decides. Quiet hours do not refuse: they defer,
// unless the recipient is held out, which is final at once.
func Check(in Candidate, at time.Time) Verdict {
	if in.Address == nil {
		in.Address = &crm.AddressState{}
	}
	if in.Class == "" {
		in.Class = consent.Commercial
	}
	v := Verdict{Outcome: Send, Reasons: make([]crm.Reason, 0, 8)}
	guard := func(name, refusal string, pass string) {
		r := crm.Reason{Guard: name, Pass: refusal == "", Note: pass}
		if refusal != "" {
			r.Note = refusal
			if v.Guard == "" {
				v.Guard, v.Outcome = name, Withhold
			}
		}
		v.Reasons = append(v.Reasons, r)
	}
	guard(GuardSuppressed, strings.Join(in.Address.Suppressed, ", "), "")
	c := in.consentGuard(at)
	if c.Allowed {
		guard(GuardConsent, "", c.Note)
	} else {
		guard(GuardConsent, c.Note, "")
	}
	guard(GuardTicket, in.openTickets(), "")
	guard(GuardTag, in.excludedTags(), "")
	guard(GuardAddress, in.invalid(), "")
	guard(GuardCap, in.overCap(at), "")
	if in.Class == consent.Commercial && in.Cadence.Every > 0 {
		guard(GuardCadence, in.tooSoon(at), "")
	}
	if in.Class == consent.Commercial && in.Relevance > 0 {
		pass := ""
		if in.Score != nil {
			pass = fmt.Sprintf("scored %.2f", *in.Score)
		}
		guard(GuardRelevance, in.irrelevant(), pass)
	}
	in.quietGuard(&v, at)
	refusal := ""
	if in.Holdout && in.Class == consent.Commercial {
		refusal = "in the control group"
	}
	deferred := v.Outcome == Defer
	if deferred && refusal != "" {
		v.Guard = "" // held out for good, whatever the hour
	}
	guard(GuardHoldout, refusal, "")
	if v.Guard == GuardHoldout {
		v.Outcome, v.NotBefore = HoldOut, time.Time{}
	}
	return v
}

// consentGuard looks at consent alone: a suppression has its own guard before.
func (in *Candidate) consentGuard(at time.Time) consent.Decision {
	s := in.Address
	if len(s.Suppressed) > 0 {
		bare := *s
		bare.Suppressed = nil
		s = &bare
	}
	return in.Policy.Decide(s, in.Consent, in.Class, at)
}

func (in *Candidate) openTickets() string {
	n := 0
	for _, h := range in.Address.Holds {
		if in.Answers.IsZero() || h != in.Answers {
			n++
		}
	}
	switch n {
	case 0:
		return ""
	case 1:
		return "1 unsolved ticket"
	}
	return fmt.Sprintf("%d unsolved tickets", n)
}

func (in *Candidate) excludedTags() string {
	var found []string
	for _, t := range in.Exclude {
		if slices.Contains(in.Tags, t) {
			found = append(found, t)
		}
	}
	if len(found) == 0 {
		return ""
	}
	slices.Sort(found)
	return strings.Join(slices.Compact(found), ", ")
}

func (in *Candidate) invalid() string {
	if in.Invalid != "" {
		return in.Invalid
	}
	if fault := addressFault(in.Address.Address); fault != "" || in.Channel.Address == nil {
		return fault
	}
	return in.Channel.Address(in.Address.Address.Value)
}

// overCap names the first cap that one more message would exceed.
func (in *Candidate) overCap(at time.Time) string {
	if in.Class != consent.Commercial {
		return ""
	}
	for _, c := range in.Caps {
		if c.Per <= 0 {
			continue
		}
		n := 0
		for _, t := range in.Recent {
			if t.After(at.Add(-c.Per)) && !t.After(at) {
				n++
			}
		}
		if n >= c.Max {
			return fmt.Sprintf("%d sent within %s, at most %d allowed", n, span(c.Per), c.Max)
		}
	}
	return ""
}

func (in *Candidate) quietGuard(v *Verdict, at time.Time) {
	r := crm.Reason{Guard: GuardQuiet, Pass: true}
	next, why, err := in.opens(at, cmp.Or(in.SpreadKey, in.Address.Address.Value))
	switch {
	case err != nil: // nothing leaves under a policy that cannot be read
		r.Pass, r.Note = false, err.Error()
		if v.Guard == "" {
			v.Guard, v.Outcome = GuardQuiet, Withhold
		}
	case next.After(at):
		r.Pass, r.Note = false, "until "+next.UTC().Format(time.RFC3339)
		if why != "" {
			r.Note += ": " + why
		}
		if v.Guard == "" {
			v.Guard, v.Outcome, v.NotBefore = GuardQuiet, Defer, next
		}
	}
	v.Reasons = append(v.Reasons, r)
}

// addressFault says why nothing can be sent to an address, or "". A phone
// number must be E.164 (a plus sign and 8 to 15 digits, no leading zero), an
// e-mail address must have one @ with text around it, any other channel just a
// value.
func addressFault(a crm.Address) string {
	if a.IsZero() {
		return "no address"
	}
	if a.Validate() != nil {
		return "malformed address"
	}
	switch v := a.Value; a.Channel {
	case crm.Phone:
		if len(v) < 9 || len(v) > 16 || v[0] != '+' || v[1] == '0' || strings.Trim(v[1:], "0123456789") != "" {
			return "not an E.164 number"
		}
	case crm.Email:
		user, host, ok := strings.Cut(v, "@")
		if !ok || user == "" || len(v) > 254 || !strings.Contains(strings.Trim(host, "."), ".") || strings.ContainsAny(host, "@ ") || strings.ContainsAny(user, " <>,;") {
			return "not an e-mail address"
		}
	}
	return ""
}

func span(d time.Duration) string {
	if d >= 24*time.Hour && d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	}
	return d.String()
}
