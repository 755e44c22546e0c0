package smpp

import (
	"strconv"
	"strings"
	"time"
)

// The bits of esm_class that say what a deliver_sm is.
const (
	UDHI         byte = 0x40 // the text begins with a user data header
	classMask    byte = 0x3C
	classReceipt byte = 0x04
	classMiddle  byte = 0x20 // intermediate notification
)

// IDForm is how an SMSC writes a message id.
type IDForm uint8

// The forms of ids.
const (
	IDText    IDForm = iota // kept as it is
	IDDecimal               // a decimal number
	IDHex                   // a hexadecimal number
)

// Normal returns the id in the one form in which ids of a response and of a receipt
// can be compared: of a number of up to 64 bits its decimal digits without zeros in
// front, and anything else as it is.
func (f IDForm) Normal(id string) string {
	base := 10
	switch f {
	case IDHex:
		base = 16
		id = strings.TrimPrefix(strings.TrimPrefix(id, "0x"), "0X")
	case IDDecimal:
	default:
		return id
	}
	n, err := strconv.ParseUint(id, base, 64)
	if err != nil {
		return id
	}
	return strconv.FormatUint(n, 10)
}

// Receipt says what became of a message, or of one part of a long one.
type Receipt struct {
	ID    string // the SMSC's message id, in the form that ReceiptForm makes
	State State
	// Word is the state as the text has it, such as DELIVRD; "" without.
	Word string
	// Error is err of the text: the provider's code, not always a number.
	Error string
	// Network is network_error_code, 0 without: 1 ANSI-136, 2 IS-95, 3 GSM, and the code.
	Network     byte
	NetworkCode uint16
	Submitted   time.Time // submit date; zero without
	Done        time.Time // done date; zero without
	Text        string    // the beginning of the message, if the SMSC repeats it
	// Intermediate says that this is no final receipt but a notification before it.
	Intermediate bool
}

// ReceiptForm says how an SMSC writes its receipts. The zero value reads what the
// specification has.
type ReceiptForm struct {
	// Responses and Receipts are the forms of the message ids in responses (and in the
	// parameter receipted_message_id) and in the texts of receipts. Some SMSCs answer
	// with 10 and write A later: then they are IDDecimal and IDHex.
	Responses, Receipts IDForm
	// Location is where the dates are meant; nil means UTC.
	Location *time.Location
}

// IsReceipt reports whether a deliver_sm or data_sm is a receipt and no message of a
// subscriber.
func IsReceipt(m *Message) bool {
	if c := m.ESMClass & classMask; c == classReceipt || c == classMiddle {
		return true
	}
	// Some leave the class out; the two parameters together are in nothing else.
	_, id := m.TLVs.Get(TagReceiptedMessageID)
	_, state := m.TLVs.Get(TagMessageState)
	return id && state
}

// Parse reads a receipt. Parameters go before the text. Of the text the fields may
// come in any order and case, be missing, be written with _ for a space; what comes
// after "text:" is believed only for fields that are missing before it, for it may
// repeat what a customer was sent. It returns false if there is no id: then the
// receipt is of nothing.
func (f ReceiptForm) Parse(m *Message) (Receipt, bool) {
	r := f.text(string(m.UserData()))
	r.ID = f.Receipts.Normal(r.ID)
	r.Intermediate = m.ESMClass&classMask == classMiddle
	if id, ok := m.TLVs.Text(TagReceiptedMessageID); ok && id != "" {
		r.ID = f.Responses.Normal(id)
	}
	if s, ok := m.TLVs.Uint(TagMessageState); ok && s > 0 && s < 256 {
		r.State = State(s)
	}
	if v, ok := m.TLVs.Get(TagNetworkErrorCode); ok && len(v) == 3 {
		r.Network, r.NetworkCode = v[0], uint16(v[1])<<8|uint16(v[2])
	}
	return r, r.ID != ""
}

// keys are the names of the fields in a receipt's text, with _ for a space.
var keys = []string{"id", "sub", "dlvrd", "submit_date", "done_date", "stat", "err", "text"}

// text reads the text of a receipt.
func (f ReceiptForm) text(s string) Receipt {
	const limit = 1024 // longer than any that was seen
	if len(s) > limit {
		s = s[:limit]
	}
	found := map[string]string{}
	name, from := "", 0
	set := func(to int) {
		v := strings.Trim(s[from:to], " ,;\r\n\t\x00")
		if _, ok := found[name]; !ok && name != "" && (v != "" || name == "text") {
			found[name] = v
		}
	}
	for i := 0; i < len(s); i++ {
		if s[i] != ':' {
			continue
		}
		key, start := keyBefore(s, i)
		if key == "" || start < from {
			continue
		}
		set(start)
		name, from = key, i+1
	}
	set(len(s))
	r := Receipt{ID: word(found["id"]), Word: word(found["stat"]), Error: word(found["err"]), Text: found["text"]}
	r.State = ParseState(r.Word)
	r.Submitted, r.Done = f.date(found["submit_date"]), f.date(found["done_date"])
	return r
}

// keyBefore returns the field whose name ends before the colon at i, and where the
// name begins.
func keyBefore(s string, i int) (string, int) {
	for _, k := range keys {
		at := i - len(k)
		if at < 0 || at > 0 && letter(s[at-1]) {
			continue
		}
		if strings.ReplaceAll(strings.ToLower(s[at:i]), " ", "_") == k {
			return k, at
		}
	}
	return "", 0
}

// letter reports what a name of a field cannot follow.
func letter(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// word returns the first word.
func word(s string) string {
	if i := strings.IndexAny(s, " ,;\r\n\t\x00"); i >= 0 {
		return s[:i]
	}
	return s
}

// date reads YYMMDDhhmm, the same with seconds, and both with a year of four digits.
func (f ReceiptForm) date(s string) time.Time {
	where := f.Location
	if where == nil {
		where = time.UTC
	}
	digits := word(s)
	layout := map[int]string{10: "0601021504", 14: "20060102150405"}[len(digits)]
	if len(digits) == 12 {
		layout = "060102150405"
		if strings.HasPrefix(digits, "20") && digits[2:4] > "12" { // no such month: a year of four digits
			layout = "200601021504"
		}
	}
	if layout == "" {
		return time.Time{}
	}
	t, err := time.ParseInLocation(layout, digits, where)
	if err != nil {
		return time.Time{}
	}
	return t
}

// AppendText writes the text of a receipt as the specification has it, for servers.
func (r Receipt) AppendText(dst []byte) []byte {
	const layout = "0601021504"
	word := r.Word
	if word == "" {
		word = r.State.String()
	}
	delivered := "000"
	if r.State == Delivered {
		delivered = "001"
	}
	code := r.Error
	if code == "" {
		code = "000"
	}
	s := "id:" + r.ID + " sub:001 dlvrd:" + delivered + " submit date:" + r.Submitted.Format(layout) +
		" done date:" + r.Done.Format(layout) + " stat:" + word + " err:" + code + " text:" + r.Text
	return append(dst, s...)
}
