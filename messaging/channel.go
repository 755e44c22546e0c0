package messaging

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/consent"
	"github.com/vefacrm/vefa/messaging/sms"
)

// Channel describes one way to write to people: what addresses it takes, what a content
// says, what a message takes up, what its holder must have agreed to. It is a value: a
// package below messaging returns its own, and a host may make others. A sender of the
// same name in ByChannel carries its messages.
//
// A channel without a description has one text, writes to addresses of its own name and
// takes them all.
type Channel struct {
	// Name is what contents, senders and the record call it, such as "whatsapp".
	Name crm.Channel
	// To is the channel of the addresses that it writes to, where several channels share
	// them as calls, text messages and WhatsApp share phone numbers; empty: Name.
	To crm.Channel
	// Slots are the texts of a content; nil means one, the text. Open lets a content
	// have parts beside them, each of one line, such as the parameters of a template
	// that the provider keeps.
	Slots []Slot
	Open  bool
	// Address returns why an address that is in normal form cannot be written to, for
	// people and without the address itself; "" if it can. Nil takes all.
	Address func(value string) string
	// Measure returns what a rendered message takes up, or why it cannot be sent; nil
	// means one unit, the message.
	Measure func(c *Content, m *Message) (Size, error)
	// Purpose is the Purpose of the consent that is asked for where the campaign's names
	// none; empty: none.
	Purpose string
	// OptOut says that commercial messages need no prior consent on this channel, as
	// with post in many countries: a refusal still binds.
	OptOut bool
}

// Slot is one text of a content.
type Slot struct {
	Name string // "text" is Content.Text, others are in Content.Parts
	Form Form
	// Optional slots may be left out.
	Optional bool
	// Max is the largest number of bytes that a rendered text may have; 0: any.
	Max int
}

// Form says how a slot is written, and how values are put in.
type Form string

// The forms of slots. Values never have line feeds or control characters.
const (
	PlainForm Form = ""     // lines of text
	LineForm  Form = "line" // one line, such as a subject
	HTMLForm  Form = "html" // HTML: values are escaped for where they stand
)

// Size is what a message takes up.
type Size struct {
	Units int    // what is billed: segments, sheets, messages
	Unit  string // "segment", "sheet", "message"
	Note  string // one line for people: what made it so large; may be empty
}

// ErrSize marks the error of a message that is longer than its content allows.
var ErrSize = errors.New("messaging: too long")

// SMS returns the channel of text messages: crm.Phone. It is known without being
// configured. Its texts are planned by package sms over Content.Route, in segments.
func SMS() Channel {
	return Channel{Name: crm.Phone, Slots: []Slot{{Name: textSlot, Max: maxTemplate}}, Measure: smsSize}
}

func smsSize(c *Content, m *Message) (Size, error) {
	p := c.Route
	if c.MaxUnits > 0 && (p.MaxSegments == 0 || c.MaxUnits < p.MaxSegments) {
		p.MaxSegments = c.MaxUnits
	}
	plan, err := p.Plan(m.Text)
	size := Size{Units: plan.Segments, Unit: "segment", Note: plan.String()}
	if err != nil {
		err = fmt.Errorf("%w: %s: %w", ErrSize, plan, err)
	}
	return size, err
}

// textSlot is the name of the slot of Content.Text.
const textSlot = "text"

// Validate reports every fault of a channel, each an ErrCampaign.
func (ch Channel) Validate() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("%w: channel %q: %s", ErrCampaign, ch.Name, fmt.Sprintf(format, args...)))
	}
	if !fieldName(string(ch.Name)) {
		fault("the name is not of letters, digits, -, _ and . only")
	}
	if ch.To != "" && !fieldName(string(ch.To)) {
		fault("the name of its addresses is %q", ch.To)
	}
	for i, s := range ch.Slots {
		if !fieldName(s.Name) || slices.ContainsFunc(ch.Slots[:i], func(o Slot) bool { return o.Name == s.Name }) {
			fault("slot %q has no usable name, or is there twice", s.Name)
		}
		if s.Form != PlainForm && s.Form != LineForm && s.Form != HTMLForm {
			fault("slot %q has the unknown form %q", s.Name, s.Form)
		}
		if s.Max < 0 {
			fault("slot %q has the maximum %d", s.Name, s.Max)
		}
	}
	return errors.Join(faults...)
}

// slot returns the slot of a name.
func (ch Channel) slot(name string) (Slot, bool) {
	for _, s := range ch.slots() {
		if s.Name == name {
			return s, true
		}
	}
	return Slot{Name: name, Form: LineForm}, ch.Open
}

func (ch Channel) slots() []Slot {
	if len(ch.Slots) == 0 && !ch.Open {
		return []Slot{{Name: textSlot}}
	}
	return ch.Slots
}

// measure is Measure, or one message.
func (ch Channel) measure(c *Content, m *Message) (Size, error) {
	size, err := Size{Units: 1, Unit: "message"}, error(nil)
	if ch.Measure != nil {
		size, err = ch.Measure(c, m)
	}
	if err == nil && c.MaxUnits > 0 && size.Units > c.MaxUnits {
		err = fmt.Errorf("%w: %d %ss, at most %d are allowed", ErrSize, size.Units, size.Unit, c.MaxUnits)
	}
	return size, err
}

// channelOf returns the description of a channel: the caller's, the library's, or the
// plainest.
func channelOf(name crm.Channel, own []Channel) Channel {
	for _, ch := range own {
		if ch.Name == name {
			return ch
		}
	}
	if name == crm.Phone {
		return SMS()
	}
	return Channel{Name: name}
}

// key is the consent that a message on the channel needs.
func (ch Channel) key(k crm.ConsentKey) crm.ConsentKey {
	if k.Purpose == "" {
		k.Purpose = ch.Purpose
	}
	return k
}

func (ch Channel) policy(p consent.Policy) consent.Policy {
	p.OptOut = p.OptOut || ch.OptOut
	return p
}

// Content is what a message says on one channel. It is data.
type Content struct {
	Channel crm.Channel `json:"channel"`
	// From is the sender's name, number or address there; empty: the campaign's.
	From string `json:"from,omitempty"`
	// Text is the channel's text, Parts the others that it has, by the names of its
	// slots, such as "subject" and "html". Each is a Template over the campaign's Fields.
	Text  string            `json:"text,omitempty"`
	Parts map[string]string `json:"parts,omitempty"`
	// Route is what the provider's route can do and bills, for text messages.
	Route sms.Profile `json:"route,omitzero"`
	// MaxUnits bounds the worst case of a message in what its channel bills by; 0 means
	// that it is not looked at.
	MaxUnits int `json:"max_units,omitempty"`
	// Price is what one unit costs; the zero value: not known.
	Price crm.Money `json:"price,omitzero"`
}

// texts returns the texts of a content by slot, in the order of their names.
func (c *Content) texts() (names []string, of map[string]string) {
	of = make(map[string]string, 1+len(c.Parts))
	for name, text := range c.Parts {
		of[name] = text
	}
	if c.Text != "" {
		of[textSlot] = c.Text
	}
	for name := range of {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, of
}

// blank reports whether nothing can be seen of a text.
func blank(s string) bool { return strings.TrimSpace(s) == "" }
