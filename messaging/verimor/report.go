package verimor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/internal/gateway"
)

// istanbul is where Verimor's times without a zone are; Turkey has had no other since 2016.
var istanbul = time.FixedZone("+03", 3*3600)

// text is a JSON string or number, which the guide uses for the same field; null is "".
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		*t = ""
		return nil
	}
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, (*string)(t))
	}
	var n json.Number
	if err := json.Unmarshal(b, &n); err != nil {
		return err
	}
	*t = text(n)
	return nil
}

// item is an entry of a push or of an answer, of either direction.
type item struct {
	Type      string `json:"type"`
	MessageID text   `json:"message_id"`
	// outbound
	Campaign text `json:"campaign_id"`
	Custom   text `json:"message_custom_id"`
	Status   text `json:"status"`
	GSMError text `json:"gsm_error"`
	DoneAt   text `json:"done_at"`
	// inbound
	From       text `json:"source_addr"`
	To         text `json:"destination_addr"`
	Keyword    text `json:"keyword"`
	Content    text `json:"content"`
	ReceivedAt text `json:"received_at"`
}

// parse reads a list of entries. Those that name no message are a fault of the list.
func parse(data []byte) ([]item, error) {
	var items []item
	if err := json.Unmarshal(data, &items); err != nil {
		return nil, fmt.Errorf("verimor: the list of messages %w", gateway.ErrBody)
	}
	for i, it := range items {
		if n, err := strconv.ParseInt(string(it.MessageID), 10, 64); err != nil || n < 0 {
			return nil, fmt.Errorf("verimor: message_id of entry %d %w", i, gateway.ErrBody)
		}
		switch {
		case it.inbound() && it.From == "":
			return nil, fmt.Errorf("verimor: source_addr of entry %d %w", i, gateway.ErrBody)
		case !it.inbound() && (it.Campaign == "" || it.Status == ""):
			return nil, fmt.Errorf("verimor: campaign_id or status of entry %d %w", i, gateway.ErrBody)
		}
	}
	return items, nil
}

func (it item) inbound() bool {
	return it.Type == "inbound" || it.Type == "" && it.From != "" && it.Status == ""
}

func (it item) number() int64 {
	n, _ := strconv.ParseInt(string(it.MessageID), 10, 64) // parse has seen to it
	return n
}

// state is what a word of Verimor's means.
type state struct {
	delivery messaging.Delivery
	bounce   bool
	reason   string
}

var states = map[text]state{
	"SENDING":                         {delivery: messaging.Enroute},
	"WAITING":                         {delivery: messaging.Enroute},
	"SENT":                            {delivery: messaging.Enroute, reason: "the operator confirms no delivery"},
	"DELIVERED":                       {delivery: messaging.Delivered},
	"NOT_DELIVERED":                   {delivery: messaging.Undelivered, reason: "not delivered"},
	"EXPIRED":                         {delivery: messaging.Expired, reason: "not reached while it was valid"},
	"INVALID_DESTINATION_ADDRESS":     {delivery: messaging.Undelivered, bounce: true, reason: "no operator has the number"},
	"REJECTED":                        {delivery: messaging.Rejected, reason: "the operator refused it"},
	"DOUBLE_SEND_ERROR":               {delivery: messaging.Rejected, reason: "the same was sent that day"},
	"MUKERRER_RAPORLAMA":              {delivery: messaging.Rejected, reason: "the same was sent that day"},
	"BLACKLISTED_DESTINATION_ADDRESS": {delivery: messaging.Rejected, reason: "the number is on the account's black list"},
	"NOT_ALLOWED_BY_IYS":              {delivery: messaging.Rejected, reason: "the consent registry has no consent"},
	"FORBIDDEN_MESSAGE":               {delivery: messaging.Rejected, reason: "the text has forbidden words"},
	"INSUFFICIENT_CREDITS":            {delivery: messaging.Rejected, reason: "the account has no credit"},
	"MISSING_TARIFF":                  {delivery: messaging.Rejected, reason: "there is no price for the operator"},
	"ROUTE_NOT_AVAILABLE":             {delivery: messaging.Rejected, reason: "the account may not send there"},
	"NETWORK_NOTCOVERED":              {delivery: messaging.Rejected, reason: "the account may not send there"},
	"INTERNATIONAL_DENIED":            {delivery: messaging.Rejected, reason: "the account may not send abroad"},
	"SEND_ERROR":                      {delivery: messaging.Undelivered, reason: "an error while sending"},
}

// gsmErrors are the operators' codes that say more than the word.
var gsmErrors = map[text]state{
	"1":    {bounce: true, reason: "unknown subscriber"},
	"6":    {reason: "absent subscriber"},
	"11":   {reason: "service stopped by the operator"},
	"13":   {reason: "barred by the subscriber"},
	"27":   {reason: "absent subscriber"},
	"31":   {reason: "operator busy"},
	"32":   {reason: "delivery failure"},
	"34":   {reason: "system failure"},
	"256":  {reason: "memory full"},
	"257":  {reason: "equipment error"},
	"258":  {reason: "equipment error"},
	"502":  {reason: "no response"},
	"2048": {reason: "time-out"},
	"2049": {reason: "card on the operator's black list"},
	"2050": {reason: "number on a black list"},
	"2051": {reason: "text on a black list"},
	"2053": {reason: "the header needs approval"},
	"4100": {reason: "validity expired"},
	"4101": {reason: "validity expired"},
	"4103": {reason: "flooding of the subscriber"},
	"4104": {reason: "flooding of the subscriber with one text"},
}

// report reads an outbound entry. A word that is not known leaves the message on its way.
func (it item) report() messaging.Report {
	s, known := states[it.Status]
	if !known {
		s = state{delivery: messaging.Enroute, reason: "a status that is not known"}
	}
	r := messaging.Report{ID: crm.EffectID(crm.Clip(string(it.Custom), 64)), Provider: crm.Clip(string(it.Campaign)+"/"+string(it.Custom), 200),
		State: s.delivery, Bounce: s.bounce, Reason: s.reason, At: when(it.DoneAt)}
	if it.Status != "DELIVERED" {
		r.Code = crm.Clip(string(it.Status), 40)
	}
	if e := it.GSMError; e != "" && e != "0" && s.delivery != messaging.Delivered {
		r.Code += "/" + crm.Clip(string(e), 10)
		if g, ok := gsmErrors[e]; ok && (it.Status == "NOT_DELIVERED" || it.Status == "EXPIRED" || it.Status == "REJECTED") {
			r.Reason, r.Bounce = g.reason, g.bounce
		}
	}
	return r
}

// over reports whether nothing further will be said about an outbound entry.
func (it item) over() bool { return it.Status == "SENT" || states[it.Status].delivery.Final() }

// message reads an inbound entry. Where a keyword tells whose message it is, To has it
// after the short number and a blank.
func (it item) message() messaging.Inbound {
	to := string(it.To)
	if it.Keyword != "" {
		to += " " + string(it.Keyword)
	}
	return messaging.Inbound{ID: string(it.MessageID), From: crm.Address{Channel: crm.Phone, Value: gateway.From(string(it.From))},
		To: crm.Address{Channel: crm.Phone, Value: to}, Text: strings.ToValidUTF8(string(it.Content), "\ufffd"), At: when(it.ReceivedAt)}
}

// when reads either form of the guide's times; zero for others.
func when(s text) time.Time {
	for _, layout := range []string{"2006-01-02 15:04:05", time.RFC3339Nano} {
		if t, err := time.ParseInLocation(layout, string(s), istanbul); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
