package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/rules"
)

// story is one customer's page: who it is, and all that happened.
type story struct {
	Name, Locale string
	About        []string
	Profiles     []member
	Moments      []moment
	Earlier      int // moments before the first one shown
	Absent       []absence
}

// member is a source record that belongs to the customer.
type member struct{ Source, ID, Name, City, Contacts, Since string }

// moment is an entry of the timeline.
type moment struct {
	ISO, Date, Time string
	Class, Label    string
	Head            string
	Lines           []string
	Reasons         []reason
	Refused         int
	State           string
}

// reason is one step of a decision.
type reason struct {
	Guard, Note string
	Answer      string // "yes", "no" or "later"
}

// maxMoments bounds the timeline.
const maxMoments = 60

func (s *simulation) story(g *gathered) *story {
	c := g.sample
	out := &story{Name: c.Name.String(), Locale: c.Locale}
	if out.Name == "" {
		out.Name = "A customer without a name"
	}
	orders := map[crm.FactKey]string{}
	since := map[crm.ProfileKey]string{}
	for _, e := range g.events {
		switch {
		case e.Fact != nil:
			switch d := e.Fact.Data.(type) {
			case *crm.Order:
				orders[e.Fact.Key] = "order " + d.Number
			case *crm.Visit:
				orders[e.Fact.Key] = "service visit " + d.Number
			}
		case e.Link != nil && e.Link.Kind == crm.LinkNew:
			since[e.Link.Profile] = e.At.In(s.home).Format("2 January 2006")
		}
	}
	byRule := map[string]bool{} // tags that an effect explains
	for _, e := range g.events {
		if e.Effect != nil && e.Effect.Kind == crm.EffectTag {
			byRule[e.Effect.Cause+"\x00"+e.Effect.Changed.String()] = true
		}
	}
	for _, e := range g.events {
		if t, ok := factData[*crm.TagChange](e); ok && byRule[t.By+"\x00"+e.At.String()] {
			continue // told by its effect, with the reasons
		}
		out.Moments = append(out.Moments, s.moment(g, e, orders))
	}
	if n := len(out.Moments) - maxMoments; n > 0 {
		out.Earlier, out.Moments = n, out.Moments[n:]
	}
	if c.Postal.City != "" {
		out.About = append(out.About, strings.Trim(c.Postal.District+", "+c.Postal.City, ", "))
	}
	for _, a := range c.Contacts {
		if !a.Masked {
			out.About = append(out.About, hidden(a.Address))
		}
	}
	return out
}

func factData[T crm.FactData](e crm.Event) (T, bool) {
	var none T
	if e.Fact == nil {
		return none, false
	}
	d, ok := e.Fact.Data.(T)
	return d, ok
}

// members lists the customer's source records.
func members(home *time.Location, profiles []*crm.Profile) []member {
	var out []member
	for _, p := range profiles {
		if p == nil {
			continue
		}
		m := member{Source: p.Source, ID: p.ID, Name: p.Name.String(), City: p.Postal.City, Since: "unknown"}
		if !p.Since.IsZero() {
			m.Since = p.Since.In(home).Format("2 Jan 2006")
		}
		var contacts []string
		for _, c := range p.Contacts {
			switch {
			case c.Masked:
				contacts = append(contacts, "masked by the marketplace")
			case slices.Contains(p.Disowned, c.Address):
				contacts = append(contacts, hidden(c.Address)+" (somebody else's)")
			default:
				contacts = append(contacts, hidden(c.Address))
			}
		}
		m.Contacts = strings.Join(contacts, ", ")
		out = append(out, m)
	}
	return out
}

// hidden writes an address so that only its holder would know it.
func hidden(a crm.Address) string {
	v := []rune(a.Value)
	if a.Channel == crm.Email {
		name, host, _ := strings.Cut(a.Value, "@")
		first := []rune(name)
		return string(first[:min(1, len(first))]) + "…@" + host
	}
	if len(v) < 7 {
		return string(a.Channel)
	}
	return string(v[:len(v)-7]) + " ••• •• " + string(v[len(v)-2:])
}

func (s *simulation) moment(g *gathered, e crm.Event, about map[crm.FactKey]string) moment {
	at := e.At.In(s.home)
	m := moment{ISO: at.Format(time.RFC3339), Date: at.Format("2 January 2006"), Time: at.Format("15:04")}
	switch {
	case e.Link != nil:
		m.link(e.Link)
	case e.Fact != nil:
		m.fact(g, s.home, e.Fact, about)
	case e.Effect != nil:
		m.effect(s.home, e.Effect, about)
	}
	return m
}

func (m *moment) line(format string, args ...any) {
	m.Lines = append(m.Lines, fmt.Sprintf(format, args...))
}

func (m *moment) link(l *crm.Link) {
	m.Class, m.Label = "link", "Identity"
	switch l.Kind {
	case crm.LinkNew:
		m.Head = fmt.Sprintf("First seen as record %s of %s", l.Profile.ID, l.Profile.Source)
	case crm.LinkMatched:
		m.Head = fmt.Sprintf("Record %s of %s is the same person", l.Profile.ID, l.Profile.Source)
	case crm.LinkManual:
		m.Head = fmt.Sprintf("%s put record %s of %s here", l.Actor, l.Profile.ID, l.Profile.Source)
	case crm.LinkSplit:
		m.Head = fmt.Sprintf("Record %s of %s is somebody else after all", l.Profile.ID, l.Profile.Source)
	case crm.LinkUndo:
		m.Head = fmt.Sprintf("%s took back where record %s of %s belongs", l.Actor, l.Profile.ID, l.Profile.Source)
	case crm.LinkNotMe:
		m.Head = fmt.Sprintf("“Not me”: the holder of %s is not this person", hidden(l.Address))
	default:
		m.Head = string(l.Kind)
	}
	ev := l.Evidence
	if !ev.With.IsZero() {
		m.line("compared with record %s of %s", ev.With.ID, ev.With.Source)
	}
	if ev.Weight != 0 {
		m.line("%s", weight(ev.Weight))
	}
	if len(ev.Fields) > 0 {
		m.line("agree: %s", strings.Join(ev.Fields, ", "))
	}
	if ev.Note != "" {
		m.line("%s", ev.Note)
	}
	if l.Actor != "" && l.Kind != crm.LinkNew {
		m.line("decided by %s, and can be taken back", l.Actor)
	}
}

// weight says what bits of evidence are worth.
func weight(bits float64) string {
	s := fmt.Sprintf("evidence of %.1f bits", bits)
	if bits >= 1 && bits < 50 {
		s += fmt.Sprintf(": such agreement is %s times as likely for one person as for two", thousands(int(round2(math.Exp2(bits)))))
	}
	return s
}

// round2 keeps two digits of a number.
func round2(v float64) float64 {
	p := math.Pow(10, max(0, math.Floor(math.Log10(v))-1))
	return math.Round(v/p) * p
}

func (m *moment) fact(g *gathered, home *time.Location, f *crm.Fact, about map[crm.FactKey]string) {
	where := ""
	if f.Place != "" {
		where = " · " + g.place(f.Place)
	}
	switch d := f.Data.(type) {
	case *crm.Order:
		m.order(g, home, f, d, about, where)
	case *crm.Visit:
		m.Class, m.Label = "visit", "Service"
		m.Head = strings.TrimSpace(d.Brand+" "+d.Service) + where
		if d.Price.Amount != 0 {
			m.line("%s", money(d.Price))
		}
	case *crm.Ticket:
		m.Class, m.Label = "ticket", "Ticket"
		m.Head = d.Title + where
		m.State = string(d.State)
		m.line("while it is open, no message goes to any address of this customer")
		for _, l := range d.Log {
			m.line("%s: %s by %s%s", l.At.In(home).Format("2 Jan 15:04"), l.State, l.Actor, dash(l.Note))
		}
	case *crm.Answer:
		m.Class, m.Label = "answer", "Answer"
		m.Head = fmt.Sprintf("Survey %s: %d", d.Survey, d.Score) + where
		if d.Comment != "" {
			m.line("“%s”", d.Comment)
		}
		if a := about[d.About]; a != "" {
			m.line("about %s", a)
		}
		if d.Bad {
			m.line("below the threshold: a ticket was opened in the same transaction")
		}
	case *crm.Click:
		m.Class, m.Label = "click", "Click"
		m.Head = map[crm.Verdict]string{crm.Human: "Clicked, judged a person", crm.Suspected: "Clicked, perhaps a machine", crm.Machine: "Link opened by a machine: does not count"}[d.Verdict]
		m.line("of %s", strings.Replace(d.Campaign, "/", " ", 1))
		if len(d.Reasons) > 0 {
			m.line("told by: %s", strings.Join(d.Reasons, ", "))
		}
	case *crm.Interaction:
		m.Class, m.Label = "note", "Contact"
		m.Head = strings.TrimSpace(d.Channel+" "+d.Direction) + dash(d.Topic) + where
		if d.Text != "" {
			m.line("“%s”", d.Text)
		}
	case *crm.Note:
		m.Class, m.Label, m.Head = "note", "Note", d.Text
	case *crm.TagChange:
		m.Class, m.Label, m.Head = "tag", "Tag", tagHead(d.Tag, d.Off)
		m.line("by %s%s", d.By, dash(d.Why))
	case *crm.Consent:
		m.Class, m.Label = "consent", "Consent"
		m.Head = fmt.Sprintf("%s for %s", d.Status, hidden(f.Subject.Address))
		if d.Via != "" {
			m.line("via %s", d.Via)
		}
	case *crm.Suppression:
		m.Class, m.Label = "consent", "Address"
		m.Head = fmt.Sprintf("No message to %s any more: %s", hidden(f.Subject.Address), d.Reason)
		if d.Off {
			m.Head = fmt.Sprintf("%s may be written to again: %s", hidden(f.Subject.Address), d.Reason)
		}
	default:
		m.Class, m.Label, m.Head = "note", string(f.Key.Kind), f.Key.ID+where
	}
}

func (m *moment) order(g *gathered, home *time.Location, f *crm.Fact, d *crm.Order, about map[crm.FactKey]string, where string) {
	m.Class, m.Label = "order", "Purchase"
	if !d.Returns.IsZero() {
		m.Label = "Return"
	}
	var lines []string
	for _, l := range d.Lines {
		what := strings.TrimSpace(l.Brand + " " + l.Category)
		if what == "" {
			what = l.SKU
		}
		lines = append(lines, what)
	}
	const most = 4
	if n := len(lines) - most; n > 0 {
		lines = append(lines[:most], fmt.Sprintf("%d more", n))
	}
	if m.Head = strings.Join(lines, ", "); m.Head == "" {
		m.Head = "Order " + d.Number
	}
	m.Head += where
	m.line("%s, number %s%s", money(d.Total), d.Number, dash(d.Channel))
	if !d.Returns.IsZero() {
		m.line("takes back %s", about[d.Returns])
	}
	if d.Gift {
		m.line("a gift: no survey is sent about it")
	}
	if d.Status != "" && d.Returns.IsZero() {
		m.State = string(d.Status)
	}
	if at, ok := d.DeliveredAt(f.At); ok && at.Sub(f.At) > time.Minute {
		m.line("handed over on %s", at.In(home).Format("2 January 2006"))
	}
}

// money writes an amount with separators.
func money(m crm.Money) string {
	s := m.String()
	whole, rest, _ := strings.Cut(s, ".")
	n, err := strconv.Atoi(whole)
	switch {
	case err != nil || rest == "":
		return s
	case n == 0 && m.Amount < 0:
		return "−0." + rest
	}
	return thousands(n) + "." + rest
}

func dash(s string) string {
	if s == "" {
		return ""
	}
	return " – " + s
}

func tagHead(tag string, off bool) string {
	if off {
		return "Tag " + tag + " cleared"
	}
	return "Tag " + tag + " set"
}

func (m *moment) effect(home *time.Location, f *crm.Effect, about map[crm.FactKey]string) {
	m.Class, m.Label, m.State = string(f.Kind), "Decision", string(f.State)
	cause := strings.Replace(f.Cause, "/", " ", 1)
	switch f.Kind {
	case crm.EffectMessage:
		m.Label = "Message"
		name, err := vefa.MessageName(f)
		if err != nil {
			name = f.Cause
		}
		m.Head = messageLabel(name) + " " + messageStates[f.State]
		if f.State == crm.Withheld || f.State == crm.HeldOut || f.State == crm.Cancelled {
			m.Class = "withheld"
		}
	case crm.EffectTag:
		m.Label, m.Head = "Tag", "Tag decision of "+cause
		if p, err := rules.DecodePayload(f); err == nil {
			m.Head = tagHead(p.Name, p.Action == "untag")
		}
		if f.State != crm.Done {
			m.Head += ": " + string(f.State)
		}
	case crm.EffectTicket:
		m.Label, m.Head = "Ticket", "Ticket of "+cause
	default:
		m.Label, m.Head = "Task", "Task of "+cause
	}
	because := "because of " + cause
	if a := about[f.About]; a != "" {
		because += ", about " + a
	}
	m.line("%s; planned %s, due %s", because, f.Created.In(home).Format("2 Jan 15:04"), f.Due.In(home).Format("2 Jan 2006 15:04"))
	if !f.SentAt.IsZero() && !f.To.IsZero() {
		m.line("to %s", hidden(f.To))
	}
	for _, r := range f.Reasons {
		x := reason{guardLabel(r.Guard), r.Note, "yes"}
		switch {
		case r.Pass:
		case r.Guard == messaging.GuardQuiet: // it would only have waited
			x = reason{"Quiet hours: would have waited", quietNote(home, r.Note), "later"}
		default:
			x.Answer = "no"
			m.Refused++
		}
		m.Reasons = append(m.Reasons, x)
	}
}

// quietNote writes the end of quiet hours in the time of home.
func quietNote(home *time.Location, note string) string {
	at, err := time.Parse(time.RFC3339, strings.TrimPrefix(note, "until "))
	if err != nil {
		return note
	}
	return "until " + at.In(home).Format("2 Jan 15:04")
}

var messageStates = map[crm.EffectState]string{
	crm.Planned: "planned", crm.Sent: "handed to the provider", crm.Done: "sent", crm.Withheld: "not sent", crm.HeldOut: "held out for comparison",
	crm.Cancelled: "cancelled", crm.Failed: "refused by the provider", crm.Unknown: "of unknown fate at the provider",
}

// messageLabel turns "survey/after-purchase" into words.
func messageLabel(name string) string {
	kind, rest, ok := strings.Cut(name, "/")
	if !ok {
		return name
	}
	return strings.ToUpper(kind[:min(1, len(kind))]) + kind[min(1, len(kind)):] + " " + rest
}

// guardLabel names a guard by what it asks.
func guardLabel(guard string) string {
	if l, ok := map[string]string{
		"suppressed": "Address not suppressed", "consent": "Consent", "open-ticket": "No open ticket", "excluded-tag": "No excluding tag",
		"invalid-address": "Usable address", "cap": "Not too many messages", "quiet-hours": "Outside quiet hours", "holdout": "Not in the control group",
		"provider": "Provider accepts", "render": "Text complete", "ended": "Campaign still runs", "recipient": "Still this customer's address",
		"delivered": "Goods handed over", "repeated": "Not sent to this person before", "rule": "Rule still holds", "when": "Rule matches",
		"unless": "No exception of the rule", "guard": "Guard of the rule", "customer": "Customer is there", "task": "Task is known",
	}[guard]; ok {
		return l
	}
	if name, ok := strings.CutPrefix(guard, "cancel_on "); ok {
		return "Not “" + name + "” meanwhile"
	}
	return guard
}
