package messaging

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/consent"
	"github.com/vefacrm/vefa/messaging/experiment"
	"github.com/vefacrm/vefa/messaging/link"
	"github.com/vefacrm/vefa/messaging/sms"
)

// Campaign is one message to many people, and how it will be known what it did.
// It is data: everything in it can be kept as JSON.
type Campaign struct {
	Name    string        `json:"name"`              // letters, digits, "-", "_", "."; with Cause the key of its effects
	Version int64         `json:"version,omitempty"` // recorded with each effect
	Channel crm.Channel   `json:"channel,omitempty"` // empty: crm.Phone
	From    string        `json:"from,omitempty"`    // the sender's name or number
	Class   consent.Class `json:"class,omitempty"`   // empty: Commercial

	// Text is a Template. Channel, Text, Route, Cost and MaxSegments are the short form of
	// one Content.
	Text string `json:"text,omitempty"`
	// Contents are what it says by channel, in the order of preference: a recipient gets
	// one of them. It goes by the first that he can be written to by, in the order of his
	// own preference first.
	Contents []Content `json:"contents,omitempty"`
	// Variants are other ways to say it, between which it is drawn who gets which: an A/B/n
	// test. See Draw.
	Variants []Variant `json:"variants,omitempty"`
	// Choice has a Chooser pick one of the variants, or the campaign's own words, for each
	// person, where it is set: they are offers then, which nobody draws.
	Choice Choice `json:"choice,omitzero"`
	// Categories are of the goods that it is about, as crm.OrderLine.Category has them; empty: of all.
	Categories []string `json:"categories,omitempty"`
	// Margin is the share of what customers pay that is earned, above 0 and at most 1; 0: it is
	// not known, and nothing is said about it.
	Margin float64 `json:"margin,omitempty"`
	// Locale says how numbers, amounts and dates are written: "tr", or anything else for the rest.
	Locale string  `json:"locale,omitempty"`
	Fields []Field `json:"fields,omitempty"`
	URL    string  `json:"url,omitempty"` // where its tracked link leads; empty: no link
	// Route is what the provider's route can do and bills, for text messages.
	Route sms.Profile `json:"route,omitzero"`
	// Cost is what one message costs, for the figures of the campaign alone.
	Cost crm.Money `json:"cost,omitzero"`
	// MaxSegments bounds the worst case of a text message over Route; 0 means
	// that it is not looked at.
	MaxSegments int `json:"max_segments,omitempty"`

	// Consent is what the holder must have granted, see consent.Policy.Decide.
	Consent crm.ConsentKey `json:"consent,omitzero"`
	Policy  consent.Policy `json:"policy,omitzero"`
	Exclude []string       `json:"exclude,omitempty"` // tags
	// Caps bound commercial messages to one person over all campaigns; each must hold.
	Caps []Cap `json:"caps,omitempty"`
	// Cadence is how soon after another commercial message this one may follow.
	Cadence Cadence `json:"cadence,omitzero"`
	// Relevance is the least score, above 0 and at most 1, that it must have for a person: see
	// offer.Relevance. A message to a person with less is withheld. 0 withholds nothing.
	Relevance float64    `json:"relevance,omitempty"`
	Quiet     QuietHours `json:"quiet,omitzero"`

	// Budget is what may be spent on the campaign; the zero value bounds nothing. Velocity is
	// how many of its messages may leave in an hour of UTC, by the calling code of the country
	// that they go to ("+90"; the longest that fits counts), or "" for all other addresses
	// together; a country that is not listed, without "", is not bounded. What is over the
	// budget is withheld until it has room again, what is over the velocity put off to an hour
	// that has room. Package
	// vefa counts both in the record, in the transaction that lets messages go; Plan and Again
	// do not look at them.
	Budget   Budget         `json:"budget,omitzero"`
	Velocity map[string]int `json:"velocity,omitempty"`

	Start time.Time `json:"start,omitzero"` // nothing leaves before; zero: at once
	End   time.Time `json:"end,omitzero"`   // nothing leaves from here on; zero: never ends

	// Holdout is the share of eligible people who get nothing (0 to 0.5), and
	// Window how long after assignment a purchase counts: together the plan by
	// which the campaign is measured. A commercial campaign without one must
	// say in Unmeasured why.
	Holdout    float64       `json:"holdout,omitempty"`
	Window     time.Duration `json:"window,omitempty"`
	Unmeasured string        `json:"unmeasured,omitempty"`
}

// Budget is what a campaign may spend. A zero field bounds nothing.
type Budget struct {
	Messages int64 `json:"messages,omitempty"`
	// Money is an amount in the currency of the prices of the campaign's contents (its Cost),
	// which all must have one: a message costs its price times its units, such as segments.
	Money crm.Money `json:"money,omitzero"`
}

// validateBudget reports every fault of the budget and the velocity.
func (c *Campaign) validateBudget(fault func(field, format string, args ...any)) {
	if b := c.Budget; b.Messages < 0 || b.Messages > crm.MaxAmount {
		fault("budget.messages", "is %d", b.Messages)
	}
	if m := c.Budget.Money; m != (crm.Money{}) {
		if m.Amount <= 0 || m.Amount > crm.MaxAmount {
			fault("budget.money", "is %s", m)
		}
		for _, way := range c.ways() {
			for _, x := range way.contents() {
				if x.Price.Amount <= 0 || x.Price.Currency != m.Currency {
					if x.Price == (crm.Money{}) {
						fault("budget.money", "needs a price of a message on channel %s: set Price of its content, or Cost of the configuration", x.Channel)
						continue
					}
					fault("budget.money", "is in %s, and what a message costs on channel %s is %s", m.Currency, x.Channel, x.Price)
				}
			}
		}
	}
	for code, n := range c.Velocity {
		if code != "" && (len(code) < 2 || len(code) > 8 || code[0] != '+' || code[1] == '0' || strings.Trim(code[1:], "0123456789") != "") {
			fault("velocity", "%q is no calling code, such as +90", code)
		}
		if n <= 0 {
			fault("velocity", "is %d for %q", n, code)
		}
	}
}

// Country returns which entry of Velocity an address counts against, and whether any.
func (c *Campaign) Country(to crm.Address) (code string, bounded bool) {
	if to.Channel == crm.Phone {
		for n := min(8, len(to.Value)); n > 1; n-- {
			if _, ok := c.Velocity[to.Value[:n]]; ok {
				return to.Value[:n], true
			}
		}
	}
	_, ok := c.Velocity[""]
	return "", ok
}

// Cause returns the cause of the campaign's effects, "campaign/" and its name.
func (c *Campaign) Cause() string { return "campaign/" + c.Name }

// ErrCampaign is the kind of every error about a campaign.
var ErrCampaign = errors.New("messaging: campaign")

// Validate reports every fault of the campaign, each an ErrCampaign or an
// ErrTemplate. The channels are those that the caller describes himself.
func (c *Campaign) Validate(channels ...Channel) error {
	var faults []error
	fault := func(field, format string, args ...any) {
		faults = append(faults, fmt.Errorf("%w: %s %s", ErrCampaign, field, fmt.Sprintf(format, args...)))
	}
	if !fieldName(c.Name) {
		fault("name", "%q is not of letters, digits, -, _ and . only", c.Name)
	}
	if c.Class != "" && !c.Class.Valid() {
		fault("class", "%q is not known", c.Class)
	}
	for _, ch := range channels {
		faults = append(faults, ch.Validate())
	}
	if _, err := c.Script(channels...); err != nil {
		faults = append(faults, err)
	}
	if c.URL != "" {
		if err := (link.Destinations{LoopbackHTTP: true}).Check(c.URL); err != nil {
			fault("url", "%v", err)
		}
	}
	for i, limit := range c.Caps {
		if limit.Max < 0 || limit.Per <= 0 {
			fault(fmt.Sprintf("caps[%d]", i), "allows %d per %s", limit.Max, limit.Per)
		}
	}
	if err := c.Quiet.validate(); err != nil {
		fault("quiet", "%v", err)
	}
	c.Cadence.validate(fault)
	if !(c.Relevance >= 0 && c.Relevance <= 1) {
		fault("relevance", "%v is not from 0 to 1", c.Relevance)
	}
	c.validateVariants(fault)
	c.validateChoice(fault)
	c.validateBudget(fault)
	if !c.End.IsZero() && !c.End.After(c.Start) {
		fault("end", "is not after start")
	}
	if !(c.Holdout >= 0 && c.Holdout <= 0.5) {
		fault("holdout", "%v is not from 0 to 0.5", c.Holdout)
	}
	if c.Window < 0 {
		fault("window", "is negative")
	}
	measured := c.Holdout > 0 && c.Window > 0
	if !measured && c.Unmeasured == "" && c.Class != consent.Transactional {
		fault("holdout", "and window are the measurement plan; without both, unmeasured must say why")
	}
	return errors.Join(faults...)
}

// Power answers before sending whether the campaign's holdout can show a lift
// among an audience: the sizes that a base conversion and a relative lift take,
// and whether the audience has them.
func (c *Campaign) Power(audience int64, base, lift float64) (experiment.Size, bool, error) {
	s, err := experiment.HoldoutSize(experiment.Question{Base: base, Lift: lift, Holdout: c.Holdout})
	return s, err == nil && audience >= s.Total, err
}

// Recipient is one member of a campaign's audience.
type Recipient struct {
	// Subject is what the effect hangs on. The zero value means the
	// Candidate's address, which makes one effect per address, however many
	// profiles share it.
	Subject crm.Subject
	About   crm.FactKey // what it is about, if not the subject as a whole
	// Occurrence tells one repetition of the campaign from the next, such as a
	// date; empty for a campaign that writes once.
	Occurrence string
	// Unit is who is assigned to an arm: the deduplicated person. Empty means
	// the address. Two recipients of one unit share its arm.
	Unit string
	// Candidate is what the guards look at. The campaign overrules its Class,
	// Consent, Policy, Exclude, Caps, Cadence, Relevance, Quiet and Holdout.
	Candidate Candidate
	// Data is what the host's Render will need, as JSON; may be nil.
	Data json.RawMessage
}

// candidate returns in with everything that the campaign says. It is what the
// guard of an Outbox checks again when the message is sent.
func (c *Campaign) candidate(in Candidate) Candidate {
	in.Class, in.Consent, in.Policy = c.Class, in.Channel.key(c.Consent), in.Channel.policy(c.Policy)
	if in.Class == "" {
		in.Class = consent.Commercial
	}
	in.Exclude, in.Caps, in.Quiet = c.Exclude, c.Caps, c.Quiet
	in.Cadence, in.Relevance = c.Cadence, c.Relevance
	return in
}
