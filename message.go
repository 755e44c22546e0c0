package vefa

import (
	"encoding/json"
	"fmt"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/consent"
	"github.com/vefacrm/vefa/rules"
)

// Class says what a message is to the law.
type Class = consent.Class

// The classes of messages.
const (
	Commercial    = consent.Commercial
	Transactional = consent.Transactional
)

// GuardAddress is the Record of the entry of Effect.Guards that holds the version
// of the destination's address when the message was claimed. Audit compares it
// with the address's history.
const GuardAddress = messaging.RecordAddress

// MessageData is the Data of an effect of kind message.
type MessageData struct {
	// Name is the message's: "campaign/…", "message/…" or "survey/…"; of answers to
	// customers "reply/desk" or "reply/auto".
	Name string `json:"name"`
	// Profile is whom it is about, where the effect hangs on an address.
	Profile crm.ProfileKey `json:"profile,omitzero"`
	// Variant is in which words of its campaign it goes out, or what it offers, by messaging.Variant.Name; empty
	// for the campaign's own.
	Variant string `json:"variant,omitempty"`
	// Choice says how that came about in a campaign with a messaging.Choice.
	Choice *Chosen `json:"choice,omitempty"`
	// Survey names the survey that it invites to.
	Survey string `json:"survey,omitempty"`
	Class  Class  `json:"class,omitempty"`
	// Ignores are red tags that its audience does not care about.
	Ignores []string `json:"ignores,omitempty"`
	// Answers is the ticket that the message answers; it does not silence it.
	Answers crm.FactRef `json:"answers,omitzero"`
	// Said is what it says, where that is no message of the configuration: an answer.
	Said *Said `json:"said,omitempty"`
	// After is a message that must have left before, such as the one that caused this: while
	// that is planned or being handed over, this one waits.
	After crm.EffectID `json:"after,omitempty"`
	// Reminds is set where it is a reminder of a survey; Link is then that of the invitation.
	Reminds *Reminds `json:"reminds,omitempty"`
	// Meta goes to the sender with the message, as messaging.Message.Meta.
	Meta map[string]string `json:"meta,omitempty"`
	// Link is the number of its tracked link and of its survey token.
	Link uint64 `json:"link,omitempty"`
	// Rule is what package rules keeps, to check the rule again.
	Rule json.RawMessage `json:"rule,omitempty"`
}

// messageName is the name of a message that rules send.
func messageName(action, name string) string { return action + "/" + name }

// decodeMessage returns the data of a message effect.
func decodeMessage(f *crm.Effect) (MessageData, error) {
	var d MessageData
	if err := json.Unmarshal(f.Data, &d); err != nil {
		return d, fmt.Errorf("vefa: effect %s: %w", f.ID, err)
	}
	return d, nil
}

// occasionOf returns the order, visit or answer that a message is about: of a rule with Each that
// is done once a day, and so has no row in the id of its effect, the row that it fired for.
func occasionOf(f *crm.Effect, d MessageData) crm.FactKey {
	if !f.About.IsZero() || len(d.Rule) == 0 {
		return f.About
	}
	return rules.RowOf(&crm.Effect{Cause: f.Cause, Data: d.Rule})
}

// MessageName returns the name of a message: "campaign/…", "message/…" or
// "survey/…".
func MessageName(f *crm.Effect) (string, error) {
	d, err := decodeMessage(f)
	return d.Name, err
}

// About returns whom a message is about.
func About(f *crm.Effect) (crm.ProfileKey, error) {
	if !f.Subject.Profile.IsZero() {
		return f.Subject.Profile, nil
	}
	d, err := decodeMessage(f)
	return d.Profile, err
}
