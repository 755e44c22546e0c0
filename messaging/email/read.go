package email

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
)

// Reader reads the mail that comes to a retailer: to the return paths of VERP, to From and
// Config.UnsubscribeMail, and abuse reports. VERP must be set. It keeps nothing between
// mails and is safe for concurrent use.
type Reader struct {
	VERP *VERP
	// Unsubscribe is the mailbox of Config.UnsubscribeMail: mail to it, whatever it says, is
	// read as the word UNSUBSCRIBE of its sender.
	Unsubscribe string
	// Recipient returns whom a message was sent to, such as RecipientIn's, for abuse reports,
	// most of which keep back the address. Nil means that the report must name it.
	Recipient func(context.Context, crm.EffectID) (crm.Address, error)
	// MaxSize is how much of a mail is looked at, in bytes; 0 means 4 MiB. What is after it,
	// such as a large attachment, is not missed.
	MaxSize int64
}

// RecipientIn returns a Reader.Recipient that asks a record. A message that is not known is
// the zero address.
func RecipientIn(svc *crm.Service) func(context.Context, crm.EffectID) (crm.Address, error) {
	return func(ctx context.Context, id crm.EffectID) (a crm.Address, err error) {
		err = svc.Store().View(ctx, func(r crm.Reader) error {
			found, err := r.Effects(ctx, id)
			if err == nil && found[0] != nil {
				a = found[0].To
			}
			return err
		})
		return a, err
	}
}

// ReadMessage reads one mail as a server delivers it, from its first header line on:
//
//   - a delivery status notification, or another bounce, of a message that VERP made is a
//     messaging.Report;
//   - an abuse report about such a message is a Report that it was delivered, with the code
//     "abuse", and an Inbound of its recipient that says UNSUBSCRIBE;
//   - all else is an Inbound: its ID the Message-ID, its text what the sender wrote himself
//     (of HTML where there is nothing else), or the subject where that is nothing; Answers
//     is the Message-ID of ours that it is a reply to, as crm.Receipt.Provider had it. Automatic
//     is what RFC 3834 and common use say of a program, and a bounce that names no message of ours.
//
// Times are those at which the last server received the mail, never what the sender says.
// The error is a messaging.ErrReport if there is no mail to read, and otherwise one of in
// or of Recipient.
func (r *Reader) ReadMessage(ctx context.Context, in io.Reader) (messaging.Feedback, error) {
	var f messaging.Feedback
	most := r.MaxSize
	if most <= 0 {
		most = 4 << 20
	}
	data, err := io.ReadAll(io.LimitReader(in, most))
	if err != nil {
		return f, fmt.Errorf("email: read: %w", err)
	}
	m, err := parse(data)
	if err != nil {
		return f, err
	}
	report, bounce := r.bounce(m)
	if bounce && report.ID != "" {
		f.Reports = []messaging.Report{report}
		return f, nil
	}
	if leaf := m.leaf("message/feedback-report"); leaf != nil {
		known, err := r.complaint(ctx, m, leaf, &f)
		if known || err != nil {
			return f, err
		}
		bounce = true // of nothing that we know
	}
	inbound, err := r.inbound(m)
	if err != nil {
		return f, err
	}
	inbound.Automatic = inbound.Automatic || bounce
	f.Inbound = []messaging.Inbound{inbound}
	return f, nil
}

// received is when the last server took a mail, zero if none says so.
func received(h mail.Header) time.Time {
	_, date, ok := cutLast(h.Get("Received"), ";") // the first is the last server's
	if !ok {
		return time.Time{}
	}
	at, err := mail.ParseDate(strings.TrimSpace(date))
	if err != nil || at.Year() < 1990 || at.Year() > 9000 {
		return time.Time{}
	}
	return at.UTC()
}

func cutLast(s, sep string) (before, after string, ok bool) {
	at := strings.LastIndex(s, sep)
	if at < 0 {
		return s, "", false
	}
	return s[:at], s[at+len(sep):], true
}

// errMail is the kind of the error of what is no mail; it is a messaging.ErrReport.
var errMail = fmt.Errorf("%w: email: not a mail", messaging.ErrReport)

// inbound reads mail of a person, or of a program that is neither a bounce nor a report.
func (r *Reader) inbound(m *document) (messaging.Inbound, error) {
	h := m.header
	from := sender(h)
	if from == "" {
		return messaging.Inbound{}, fmt.Errorf("%w: nobody is named in From", errMail)
	}
	in := messaging.Inbound{From: crm.Address{Channel: crm.Email, Value: from}, To: crm.Address{Channel: crm.Email, Value: addressed(h)},
		Text: m.text(), Automatic: automatic(h, from), At: received(h)}
	if in.Text == "" {
		in.Text = clean(decodeWords(h.Get("Subject")), 1000)
	}
	if r.Unsubscribe != "" && !isDaemon(from) {
		for _, to := range recipients(h) {
			if strings.EqualFold(to, r.Unsubscribe) {
				in.Text, in.Automatic = optOut, false
			}
		}
	}
	in.Answers = r.answers(h)
	in.ID = strings.TrimSpace(h.Get("Message-Id"))
	in.ID = strings.TrimSuffix(strings.TrimPrefix(in.ID, "<"), ">")
	if !messageID.MatchString(in.ID) || !strings.Contains(in.ID, "@") {
		sum := sha256.Sum256([]byte(strings.Join([]string{from, h.Get("Date"), h.Get("Subject"), in.Text}, "\n")))
		in.ID = "made-" + hex.EncodeToString(sum[:16])
	}
	return in, nil
}

// optOut is a word that package consent reads as a refusal.
const optOut = "UNSUBSCRIBE"

// answers returns the Message-ID of ours that mail replies to.
func (r *Reader) answers(h mail.Header) string {
	ids := strings.Fields(h.Get("References"))
	if len(ids) > 50 {
		ids = ids[len(ids)-50:]
	}
	ids = append(ids, strings.Fields(h.Get("In-Reply-To"))...)
	for i := len(ids) - 1; i >= max(0, len(ids)-60); i-- {
		if _, ok := r.VERP.Effect(ids[i]); ok {
			return strings.ToLower(strings.Trim(ids[i], "<>"))
		}
	}
	return ""
}

// sender returns the address of From, of what can be read of it.
func sender(h mail.Header) string {
	raw := h.Get("From")
	parser := mail.AddressParser{WordDecoder: &words}
	if list, err := parser.ParseList(raw); err == nil && len(list) > 0 {
		return clip(list[0].Address)
	}
	if _, rest, ok := strings.Cut(raw, "<"); ok {
		raw, _, _ = strings.Cut(rest, ">")
	}
	if raw = strings.TrimSpace(raw); fault(raw) != "" {
		return ""
	}
	return clip(raw)
}

// clip bounds an address that another wrote; "" for one that is none.
func clip(s string) string {
	if len(s) > 254 || !printable(s) || !strings.Contains(s, "@") {
		return ""
	}
	return s
}

// recipients returns whom a mail was for, as servers on the way noted it, then as it says.
func recipients(h mail.Header) []string {
	var out []string
	for _, name := range []string{"Delivered-To", "X-Original-To", "Envelope-To", "To", "Cc"} {
		for _, line := range h[name] {
			list, err := mail.ParseAddressList(line)
			if err != nil {
				list = []*mail.Address{{Address: strings.TrimSpace(line)}}
			}
			for _, a := range list {
				if a := clip(a.Address); a != "" && len(out) < 50 {
					out = append(out, a)
				}
			}
		}
	}
	return out
}

// addressed is the mailbox of ours that mail says it is for.
func addressed(h mail.Header) string {
	list, err := mail.ParseAddressList(h.Get("To"))
	if err == nil && len(list) > 0 {
		return clip(list[0].Address)
	}
	if all := recipients(h); len(all) > 0 {
		return all[0]
	}
	return ""
}

// complaint reads an abuse report. It is not known if it is about no message of ours.
func (r *Reader) complaint(ctx context.Context, m *document, leaf *leaf, f *messaging.Feedback) (known bool, err error) {
	groups := fieldGroups(leaf.content())
	if len(groups) == 0 {
		return false, nil
	}
	told := groups[0]
	id, ok := r.VERP.Effect(told["original-mail-from"])
	for i := 0; i < len(m.leaves) && !ok; i++ {
		id, ok = r.VERP.find(string(m.leaves[i].content()))
	}
	if !ok {
		return false, nil
	}
	kind := strings.ToLower(told["feedback-type"])
	at := received(m.header)
	f.Reports = []messaging.Report{{ID: id, State: messaging.Delivered, Code: crm.Clip(kind, 40), Reason: "reported by its recipient", At: at}}
	switch kind {
	case "abuse", "fraud", "opt-out", "opt-out-list", "miscategorized", "other", "":
	default: // "not-spam", "virus", "auth-failure"
		return true, nil
	}
	var to crm.Address
	if r.Recipient != nil {
		if to, err = r.Recipient(ctx, id); err != nil {
			return true, fmt.Errorf("email: recipient: %w", err)
		}
	} else if rcpt := strings.Trim(told["original-rcpt-to"], "<> "); fault(rcpt) == "" {
		to = crm.Address{Channel: crm.Email, Value: rcpt}
	}
	if to.Value != "" {
		f.Inbound = []messaging.Inbound{{ID: "complaint-" + string(id), From: to, To: crm.Address{Channel: crm.Email, Value: addressed(m.header)}, Text: optOut, At: at}}
	}
	return true, nil
}

// parse reads a mail.
func parse(data []byte) (*document, error) {
	if bytes.HasPrefix(data, []byte("From ")) { // the first line of an mbox
		if _, rest, ok := bytes.Cut(data, []byte("\n")); ok {
			data = rest
		}
	}
	m, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: the header cannot be read", errMail)
	}
	body, err := io.ReadAll(m.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("%w: the body cannot be read", errMail)
	}
	d := &document{header: m.Header}
	d.walk(m.Header, body, 0)
	return d, nil
}
