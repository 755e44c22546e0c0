package email

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
)

// The slots of the channel beside messaging's "text".
const (
	Subject   = "subject"   // one line
	HTML      = "html"      // the same as the text in HTML
	Preheader = "preheader" // one line that mailboxes show beside the subject; HTML only
)

// MaxSize is the largest message in bytes as it is written here, before any encoding: few
// servers take more than 10 MiB, and texts are far below that.
const MaxSize = 1 << 20

// clipped is from how many bytes of HTML on Gmail cuts a message off.
const clipped = 102 * 1024

// Channel returns the channel of e-mail: crm.Email. A content has a subject and a text, and
// may have HTML, whose values are escaped for where they stand, and a preheader. A message
// is one unit.
func Channel() messaging.Channel {
	return messaging.Channel{
		Name: crm.Email,
		Slots: []messaging.Slot{
			{Name: Subject, Form: messaging.LineForm, Max: 900},
			{Name: "text", Form: messaging.PlainForm, Max: MaxSize},
			{Name: HTML, Form: messaging.HTMLForm, Optional: true, Max: MaxSize},
			{Name: Preheader, Form: messaging.LineForm, Optional: true, Max: 900},
		},
		Address: fault,
		Measure: measure,
	}
}

func measure(_ *messaging.Content, m *messaging.Message) (messaging.Size, error) {
	n := len(m.Text)
	for _, s := range m.Parts {
		n += len(s)
	}
	size := messaging.Size{Units: 1, Unit: "message", Note: fmt.Sprintf("%d bytes", n)}
	if len(m.Parts[HTML]) > clipped {
		size.Note += ", of which Gmail shows the first 102 kB"
	}
	if n > MaxSize {
		return size, fmt.Errorf("%w: %d bytes, at most %d are allowed", messaging.ErrSize, n, MaxSize)
	}
	return size, nil
}

// fault says why an address cannot be written to: it has forms that crm.NormalAddress takes
// and servers refuse, or that mean something else in a command. "" if it can.
func fault(value string) string {
	local, domain, ok := strings.Cut(value, "@")
	switch {
	case !ok || local == "" || domain == "":
		return "not an e-mail address"
	case len(local) > 64:
		return "more than 64 bytes before the @"
	case len(value) > 254:
		return "more than 254 bytes"
	case strings.ContainsFunc(value, func(r rune) bool { return r == unicode.ReplacementChar || unicode.IsControl(r) || unicode.IsSpace(r) }):
		return "a blank or a control character"
	case strings.ContainsAny(local, `"()[]\<>,;:`):
		return "a character that addresses are not written with"
	case strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, ".."):
		return "a dot where none can be"
	case !domainForm.MatchString(strings.ToLower(domain)):
		return "the domain is not of ASCII letters, digits, - and dots"
	}
	return ""
}
