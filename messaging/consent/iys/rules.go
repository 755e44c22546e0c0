package iys

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Rule names a rule of the registry.
type Rule string

// The rules, in the order in which Rules.Check lists what they refuse.
const (
	RuleRecipient Rule = "recipient"    // there is one: a number or an e-mail address as the channel asks for
	RuleType      Rule = "type"         // the channel is known
	RuleAs        Rule = "recipient-as" // BIREYSEL or TACIR
	RuleStatus    Rule = "status"       // ONAY or RET
	RuleSource    Rule = "source"       // known, and none of the registry's own
	RuleDate      Rule = "date"         // there is one
	RuleFuture    Rule = "future"       // the date is not in the future
	Rule2015      Rule = "before-2015"  // nothing before 2015-05-01 00:00:00, and HS_2015 exactly that
	RuleOld       Rule = "too-old"      // at most three business days ago
	RuleFirst     Rule = "first-refused"
	RuleRepeated  Rule = "repeated" // no ONAY after ONAY, no RET after RET
	RuleLater     Rule = "not-later"
)

// Refusal is one rule that refuses a consent.
type Refusal struct {
	Rule  Rule
	Field string // of the registry's JSON
	// Code is the registry's error code; empty where its public pages do not name one.
	Code string
	Note string // one line for people, without the recipient
}

func (r Refusal) Error() string {
	if r.Code == "" {
		return fmt.Sprintf("iys: %s: %s", r.Rule, r.Note)
	}
	return fmt.Sprintf("iys: %s (%s): %s", r.Rule, r.Code, r.Note)
}

// The registry's error codes that its public pages name.
const (
	codeType      = "H111"
	codeSource    = "H113"
	codeRecipient = "H114"
	code2015      = "H155"
	codeFirst     = "H175"
)

// oldest is the date before which nothing is accepted.
var oldest = time.Date(2015, 5, 1, 0, 0, 0, 0, zone)

// Rules are the registry's rules about one consent. The zero value is for senders whose
// activation date has passed, as that of everybody who starts now has.
type Rules struct {
	Calendar Calendar
	// Activation is the day until which consents of any age may be entered; zero if it has
	// passed. What was given before May 2015 (HS_2015) can be entered until then only.
	Activation time.Time
}

// Check returns every rule that refuses a consent at a time, in the order of the rules. was
// is what the registry has about the consent's Key, nil if nothing. It reads nothing else.
func (r Rules) Check(c Consent, was *Consent, now time.Time) []Refusal {
	var out []Refusal
	refuse := func(rule Rule, field, code, note string) { out = append(out, Refusal{rule, field, code, note}) }
	switch {
	case c.Recipient == "":
		refuse(RuleRecipient, "recipient", codeRecipient, "there is none")
	case c.Channel == Emails && !emailLike(c.Recipient):
		refuse(RuleRecipient, "recipient", "", "is no e-mail address")
	case (c.Channel == Texts || c.Channel == Calls) && !turkish(c.Recipient):
		refuse(RuleRecipient, "recipient", "", "is no number of the form +90 and ten digits")
	}
	if c.Channel != Calls && c.Channel != Texts && c.Channel != Emails {
		refuse(RuleType, "type", codeType, "is not ARAMA, MESAJ or EPOSTA")
	}
	if c.As != Consumer && c.As != Merchant {
		refuse(RuleAs, "recipientType", "", "is not BIREYSEL or TACIR")
	}
	if c.Status != Granted && c.Status != Refused {
		refuse(RuleStatus, "status", "", "is not ONAY or RET")
	}
	switch {
	case c.Source == "" && c.As == Merchant:
	case slices.Contains(incoming, c.Source):
		refuse(RuleSource, "source", codeSource, "is one of the registry's own")
	case !slices.Contains(sources, c.Source):
		refuse(RuleSource, "source", codeSource, "is not known")
	}
	out = append(out, r.date(c, now)...)
	switch {
	case was == nil:
		if c.Status == Refused {
			refuse(RuleFirst, "status", codeFirst, "nothing was granted that could be refused")
		}
		return out
	case c.Status == was.Status:
		refuse(RuleRepeated, "status", "", "the registry has it as "+string(was.Status)+" already")
	}
	if at := seconds(dateOr(c, now)); !at.After(seconds(was.Date)) {
		refuse(RuleLater, "consentDate", "", "is not later than that of the registry")
	}
	return out
}

// date checks the date alone.
func (r Rules) date(c Consent, now time.Time) []Refusal {
	const field = "consentDate"
	if c.Date.IsZero() {
		if c.As == Merchant {
			return nil
		}
		return []Refusal{{RuleDate, field, "", "there is none"}}
	}
	at := seconds(c.Date)
	var out []Refusal
	if at.After(now) {
		out = append(out, Refusal{RuleFuture, field, "", "is in the future"})
	}
	switch {
	case at.Before(oldest):
		out = append(out, Refusal{Rule2015, field, code2015, "is before 2015-05-01"})
	case c.Source == Before2015 && !at.Equal(oldest):
		out = append(out, Refusal{Rule2015, field, "", "must be 2015-05-01 00:00:00 for HS_2015"})
	}
	if now.After(r.Activation) && now.After(r.Calendar.Deadline(at)) {
		out = append(out, Refusal{RuleOld, field, "", "is more than three business days ago"})
	}
	return out
}

// dateOr is the date of a consent; one without counts as given now.
func dateOr(c Consent, now time.Time) time.Time {
	if c.Date.IsZero() {
		return now
	}
	return c.Date
}

// seconds cuts a time to the registry's resolution.
func seconds(t time.Time) time.Time { return t.Truncate(time.Second) }

// Later reports whether consent a counts rather than b: the later date wins, at the same
// second a refusal.
func Later(a, b Consent) bool {
	x, y := seconds(a.Date), seconds(b.Date)
	return x.After(y) || x.Equal(y) && a.Status == Refused && b.Status != Refused
}

// turkish reports a number of +90 and ten digits that do not begin with 0.
func turkish(s string) bool {
	return len(s) == 13 && strings.HasPrefix(s, "+90") && s[3] != '0' && strings.Trim(s[3:], "0123456789") == ""
}

func emailLike(s string) bool {
	user, host, ok := strings.Cut(s, "@")
	return ok && user != "" && len(s) <= 254 && strings.Contains(strings.Trim(host, "."), ".") && !strings.ContainsAny(s, " <>,;") && !strings.Contains(host, "@")
}
