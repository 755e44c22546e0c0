package iys

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// Source is the code of how a consent was given.
type Source string

// The sources that a sender may enter.
const (
	Paper       Source = "HS_FIZIKSEL_ORTAM"
	Signed      Source = "HS_ISLAK_IMZA"
	Web         Source = "HS_WEB"
	CallCentre  Source = "HS_CAGRI_MERKEZI"
	SocialMedia Source = "HS_SOSYAL_MEDYA"
	Mail        Source = "HS_EPOSTA"
	Message     Source = "HS_MESAJ"
	Mobile      Source = "HS_MOBIL"
	Electronic  Source = "HS_EORTAM"
	Event       Source = "HS_ETKINLIK"
	Before2015  Source = "HS_2015" // of what was given before May 2015
	ATM         Source = "HS_ATM"
	Decision    Source = "HS_KARAR"
)

// sources are those that a sender may enter, and incoming those of people's own changes at
// the registry, which a sender may not.
var (
	sources  = []Source{Paper, Signed, Web, CallCentre, SocialMedia, Mail, Message, Mobile, Electronic, Event, Before2015, ATM, Decision}
	incoming = []Source{"IYS_WEB", "IYS_MOBIL", "IYS_CM", "IYS_KISA_LINK", "IYS_3338"}
)

// Channel is the way of reaching somebody that a consent is about, the registry's type.
type Channel string

// The channels.
const (
	Calls  Channel = "ARAMA"
	Texts  Channel = "MESAJ"
	Emails Channel = "EPOSTA"
)

// Recipient says as what somebody is addressed.
type Recipient string

// The kinds of recipients. Each address may have a record of either kind.
const (
	Consumer Recipient = "BIREYSEL"
	Merchant Recipient = "TACIR"
)

// Status is what the holder said.
type Status string

// The states.
const (
	Granted Status = "ONAY"
	Refused Status = "RET"
)

// Zone is the registry's time zone, GMT+3 all year.
var zone = time.FixedZone("+03", 3*60*60)

// stampLayout is how the registry writes times.
const stampLayout = time.DateTime

// Consent is one consent as it is entered.
type Consent struct {
	// Date is when it was given, in whole seconds; zero, for a Merchant only, if not known.
	Date      time.Time
	Source    Source // may be empty for a Merchant
	Recipient string // +90… in E.164, or an e-mail address
	As        Recipient
	Status    Status
	Channel   Channel
	// Retailer is the registry's number of the dealer who took the consent, 0 for none;
	// Access are those of the dealers who may use it.
	Retailer int64
	Access   []int64
}

// Key is what the registry has one record of in each brand.
type Key struct {
	Recipient string
	As        Recipient
	Channel   Channel
}

// Key returns what the consent is about.
func (c Consent) Key() Key { return Key{c.Recipient, c.As, c.Channel} }

// wire is a consent as the registry writes it.
type wire struct {
	Date      string    `json:"consentDate,omitempty"`
	Source    Source    `json:"source,omitempty"`
	Recipient string    `json:"recipient"`
	As        Recipient `json:"recipientType"`
	Status    Status    `json:"status"`
	Channel   Channel   `json:"type"`
	Retailer  int64     `json:"retailerCode,omitempty"`
	Access    []int64   `json:"retailerAccess,omitempty"`
}

// MarshalJSON writes the consent as the registry reads it.
func (c Consent) MarshalJSON() ([]byte, error) {
	w := wire{"", c.Source, c.Recipient, c.As, c.Status, c.Channel, c.Retailer, c.Access}
	if !c.Date.IsZero() {
		w.Date = c.Date.In(zone).Format(stampLayout)
	}
	return json.Marshal(w)
}

// UnmarshalJSON is the inverse of MarshalJSON.
func (c *Consent) UnmarshalJSON(data []byte) error {
	var w wire
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	at, err := parseStamp("consentDate", w.Date)
	if err != nil {
		return err
	}
	*c = Consent{at, w.Source, w.Recipient, w.As, w.Status, w.Channel, w.Retailer, w.Access}
	return nil
}

// parseStamp reads a time of the registry; an empty text is the zero time.
func parseStamp(field, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.ParseInLocation(stampLayout, text, zone)
	if err != nil {
		return at, fmt.Errorf("%w: %s is no date and time such as 2025-03-03 09:30:00", ErrAnswer, field)
	}
	return at.UTC(), nil
}

// channelOf returns the registry's channel of an address and a purpose: consent to be called
// has the purpose "call".
func channelOf(a crm.Address, purpose string) (Channel, bool) {
	switch {
	case a.Channel == crm.Email && purpose == "":
		return Emails, true
	case a.Channel == crm.Phone && purpose == "":
		return Texts, true
	case a.Channel == crm.Phone && purpose == Call:
		return Calls, true
	}
	return "", false
}

// Call is the purpose of consents to be called, the registry's ARAMA; those to be written to
// have none. To consent.Policy a refusal of everything refuses calls, too, which is stricter
// than the registry.
const Call = "call"
