package email

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/vefacrm/vefa/messaging"
)

// statusForm is an enhanced status code (RFC 3463) that stands by itself, not within an
// address of a host or a version.
var statusForm = regexp.MustCompile(`(?:^|[^0-9.])([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:$|[^0-9.]|\.(?:$|[^0-9]))`)

// replyForm is the code of an answer of SMTP, in the words of those who quote one.
var replyForm = regexp.MustCompile(`(?:^|[^0-9.#-])([45][0-5][0-9])(?:[ -]|$)`)

// enhanced returns the first enhanced status code of a text, "" without one.
func enhanced(text string) string {
	m := statusForm.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	return m[1]
}

// cmpCode returns an enhanced status code, or what an answer's code says of one.
func cmpCode(code int, status string) string {
	if status != "" {
		return status
	}
	return strconv.Itoa(code/100) + ".0.0"
}

// verdict is what a status means.
type verdict struct {
	state  messaging.Delivery
	bounce bool
	reason string
}

// phrases are what servers write that say no more exact code. The first that fits counts:
// what passes or is the recipient's policy comes first, because a text about either often
// names an address that "does not exist", too.
var phrases = []struct {
	words  []string
	code   string
	reason string
}{
	{[]string{"quota", "mailbox full", "mailbox is full", "over quota", "insufficient storage", "not enough storage", "mailbox size limit", "kota", "kutusu dolu"}, "5.2.2", "the mailbox is full"},
	{[]string{"at a rate", "rate limit", "too many", "too quickly"}, "5.7.1", "too many messages"},
	{[]string{"spam", "blacklist", "blocklist", "block list", "blocked", "dnsbl", "spamhaus", "policy", "dmarc", "dkim", "spf ", "reputation", "not authorized", "not authorised",
		"access denied", "relay", "content rejected", "virus", "sender rejected", "sender address rejected", "sender denied", "restricted"}, "5.7.1", "the recipient's policy"},
	{[]string{"user unknown", "unknown user", "no such user", "no such recipient", "no such mailbox", "no such address", "no mailbox here", "mailbox unavailable", "mailbox not found",
		"user not found", "recipient not found", "recipnotfound", "recipientnotfound", "does not exist", "doesn't exist", "invalid recipient", "invalid mailbox", "unknown recipient",
		"recipient unknown", "unrouteable address", "not a valid mailbox", "no longer available", "account is disabled", "address couldn't be found", "address not found",
		"wasn't found at", "böyle bir kullanıcı", "bulunamadı"}, "5.1.1", "no such mailbox"},
}

// classify says what a permanent or temporary status means, with the text that it came
// with. Only a fault of the address itself is a bounce: 5.1.x but what is about the sender
// (5.1.7, 5.1.8), that it is valid (5.1.5) or nothing certain (5.1.0, 5.1.9), and 5.2.1, a
// mailbox that is closed.
func classify(status, text string) verdict {
	if strings.HasPrefix(status, "2.") {
		return verdict{state: messaging.Delivered}
	}
	lower := strings.ToLower(text)
	if strings.HasSuffix(status, ".0.0") || status == "5.1.0" || status == "5.2.0" {
		for _, p := range phrases {
			for _, w := range p.words {
				if strings.Contains(lower, w) {
					f := classify(status[:1]+p.code[1:], "")
					f.reason = p.reason
					return f
				}
			}
		}
	}
	f := verdict{state: messaging.Undelivered}
	if strings.HasPrefix(status, "4.") {
		f.reason = "given up for what may pass"
		if status == "4.4.7" {
			f.state, f.reason = messaging.Expired, "not reached while it was tried"
		}
		return f
	}
	switch status {
	case "5.1.1", "5.1.6", "5.1.10":
		f.bounce, f.reason = true, "no such mailbox"
	case "5.1.2":
		f.bounce, f.reason = true, "no such domain"
	case "5.1.3", "5.1.4":
		f.bounce, f.reason = true, "no address that can be written to"
	case "5.1.7", "5.1.8":
		f.reason = "the sender's address is refused"
	case "5.2.1":
		f.bounce, f.reason = true, "the mailbox is closed"
		if strings.Contains(lower, " rate") || strings.Contains(lower, "too quickly") || strings.Contains(lower, "too many") { // so Gmail says that it gets too much
			f.bounce, f.reason = false, "too many messages"
		}
	case "5.2.2":
		f.reason = "the mailbox is full"
	case "5.2.3", "5.3.4":
		f.reason = "the message is too large"
	case "5.4.7":
		f.state, f.reason = messaging.Expired, "not reached while it was tried"
	default:
		if strings.HasPrefix(status, "5.7.") {
			f.reason = "the recipient's policy"
		}
	}
	return f
}
