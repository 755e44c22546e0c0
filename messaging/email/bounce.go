package email

import (
	"bytes"
	"net/mail"
	"regexp"
	"strings"

	"github.com/vefacrm/vefa/messaging"
)

// bounce reads a mail of a server about a message. It has no ID if it names no message of
// ours, and is none at all if bounce is false.
func (r *Reader) bounce(m *document) (report messaging.Report, bounce bool) {
	status := m.leaf("message/delivery-status", "message/global-delivery-status")
	switch {
	case status != nil:
		report = ofStatus(status.content(), m.all())
	case m.kind == "multipart/report" && m.params["report-type"] == "delivery-status", isBounce(m):
		report = ofText(m)
	default:
		return report, false
	}
	report.At = received(m.header)
	for _, to := range recipients(m.header) {
		if id, ok := r.VERP.Effect(to); ok {
			report.ID = id
			return report, true
		}
	}
	for _, l := range m.leaves {
		if id, ok := r.VERP.find(string(l.content())); ok {
			report.ID = id
			return report, true
		}
	}
	return report, true
}

// fieldGroups reads the groups of fields of a report: names in small letters, folded values
// in one line, of a field that is there twice the first.
func fieldGroups(data []byte) []map[string]string {
	var out []map[string]string
	var group map[string]string
	last := ""
	for _, raw := range bytes.Split(data, []byte("\n")) {
		line := strings.TrimRight(string(raw), "\r \t")
		if line == "" {
			group, last = nil, ""
			continue
		}
		if line[0] == ' ' || line[0] == '\t' {
			if group != nil && last != "" && len(group[last]) < 4096 {
				group[last] += " " + strings.TrimSpace(line)
			}
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			last = ""
			continue
		}
		if group == nil {
			if len(out) >= maxLeaves {
				return out
			}
			group = map[string]string{}
			out = append(out, group)
		}
		if last = strings.ToLower(strings.TrimSpace(name)); group[last] == "" {
			group[last] = strings.TrimSpace(value)
		} else {
			last = ""
		}
	}
	return out
}

// ofStatus reads RFC 3464. A message of ours has one recipient: of several groups, as
// servers make them that pass a mail on, the one that has come furthest counts.
func ofStatus(data []byte, text string) messaging.Report {
	var out messaging.Report
	for _, g := range fieldGroups(data) {
		action := strings.ToLower(strings.TrimSpace(g["action"]))
		if action == "" {
			continue
		}
		action, _, _ = strings.Cut(action, " ")
		diagnostic := g["diagnostic-code"]
		code := enhanced(g["status"])
		r := messaging.Report{State: messaging.Enroute, Code: code}
		switch action {
		case "delivered":
			r.State = messaging.Delivered
		case "failed":
			if exact := enhanced(diagnostic); code == "" || exact != "" && strings.HasSuffix(code, ".0.0") {
				code = exact
			}
			if code == "" {
				code = ofReply(diagnostic)
			}
			if strings.HasPrefix(code, "2.") {
				code = "5.0.0"
			}
			if diagnostic == "" {
				diagnostic = text
			}
			v := classify(code, diagnostic)
			r.State, r.Bounce, r.Reason, r.Code = v.state, v.bounce, v.reason, code
		case "delayed":
			r.Reason = "still tried"
		}
		if out.State == "" || r.State.After(out.State) {
			out = r
		}
	}
	if out.State == "" {
		out.State = messaging.Enroute
	}
	return out
}

// ofReply is the enhanced status that an answer's code alone says.
func ofReply(text string) string {
	m := replyForm.FindStringSubmatch(text)
	if m == nil {
		return "5.0.0"
	}
	return m[1][:1] + ".0.0"
}

var permanentForm = regexp.MustCompile(`(?:^|[^0-9.])(5\.[0-9]{1,3}\.[0-9]{1,3})(?:$|[^0-9.]|\.(?:$|[^0-9]))`)

// ofText reads a bounce in a server's own words.
func ofText(m *document) messaging.Report {
	text := m.all()
	if own, _, ok := cutOriginal(text); ok {
		text = own
	}
	lower := strings.ToLower(decodeWords(m.header.Get("Subject")) + "\n" + text)
	code := enhanced(text)
	if p := permanentForm.FindStringSubmatch(text); p != nil {
		code = p[1]
	}
	if !strings.HasPrefix(code, "5.") {
		for _, w := range []string{"delayed", "will be retried", "will retry", "not yet been delivered", "still being tried", "could not send message for past", "gecikti", "gecikme"} {
			if strings.Contains(lower, w) {
				return messaging.Report{State: messaging.Enroute, Code: code, Reason: "still tried"}
			}
		}
	}
	if code == "" || strings.HasPrefix(code, "2.") {
		code = ofReply(text)
	}
	v := classify(code, text)
	return messaging.Report{State: v.state, Code: code, Bounce: v.bounce, Reason: v.reason}
}

// cutOriginal returns what a server says above the message that it quotes.
func cutOriginal(text string) (own, quoted string, ok bool) {
	lower := strings.ToLower(text)
	for _, mark := range []string{"--- below this line is a copy", "------ this is a copy of the message", "----- original message", "--- original message", "original message headers", "message header follows"} {
		if at := strings.Index(lower, mark); at > 0 && at < len(text) {
			return text[:at], text[at:], true
		}
	}
	return text, "", false
}

// isBounce recognises bounces that are no reports: a server's name, no return path, or the
// list of failed recipients that Exim gives, and words that tell them from answers of
// absent people, who have no return path either.
func isBounce(m *document) bool {
	h := m.header
	if h.Get("X-Failed-Recipients") != "" {
		return true
	}
	if auto := strings.ToLower(h.Get("Auto-Submitted")); strings.HasPrefix(auto, "auto-replied") && !isDaemon(sender(h)) {
		return false
	}
	if !isDaemon(sender(h)) && strings.TrimSpace(h.Get("Return-Path")) != "<>" {
		return false
	}
	subject := strings.ToLower(decodeWords(h.Get("Subject")))
	for _, w := range []string{"undeliver", "failure", "returned mail", "delivery status", "delivery problem", "mail delivery", "could not be delivered", "delayed", "rejected", "iletilemedi", "teslim edilemedi",
		"iletilemeyen", "недоставлен", "не доставлено", "unzustellbar", "non remis"} {
		if strings.Contains(subject, w) {
			return true
		}
	}
	return false
}

// isDaemon reports the names that servers write under.
func isDaemon(address string) bool {
	local, _, _ := strings.Cut(strings.ToLower(address), "@")
	switch local {
	case "mailer-daemon", "postmaster", "mail-daemon", "maildaemon", "mdaemon":
		return true
	}
	return strings.HasPrefix(local, "microsoftexchange")
}

// automatic reports mail that a program wrote, or that nobody is to answer.
func automatic(h mail.Header, from string) bool {
	auto, _, _ := strings.Cut(strings.ToLower(h.Get("Auto-Submitted")), ";")
	if auto = strings.TrimSpace(auto); auto != "" && auto != "no" {
		return true
	}
	switch strings.ToLower(strings.TrimSpace(h.Get("Precedence"))) {
	case "bulk", "junk", "list", "auto_reply":
		return true
	}
	if strings.TrimSpace(h.Get("Return-Path")) == "<>" {
		return true
	}
	for _, name := range []string{"List-Id", "List-Unsubscribe", "List-Post", "X-Auto-Response-Suppress", "X-Autoreply", "X-Autorespond", "X-Auto-Reply-From", "X-Mailer-Daemon", "Feedback-Id"} {
		if _, ok := h[name]; ok && !(name == "X-Auto-Response-Suppress" && strings.EqualFold(strings.TrimSpace(h.Get(name)), "none")) {
			return true
		}
	}
	if isDaemon(from) {
		return true
	}
	local, _, _ := strings.Cut(strings.ToLower(from), "@")
	local = strings.NewReplacer("-", "", "_", "", ".", "").Replace(local)
	for _, w := range []string{"noreply", "donotreply", "noresponse", "yanitlamayin", "yanıtlamayın", "cevaplamayiniz"} {
		if strings.Contains(local, w) {
			return true
		}
	}
	return strings.HasPrefix(local, "bounce") || strings.HasPrefix(local, "owner") && len(local) > 5 || strings.HasSuffix(local, "request") && len(local) > 7
}
