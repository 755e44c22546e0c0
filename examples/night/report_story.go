package main

import (
	"math"
	"slices"
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
	ISO, Time    string
	Class, Label string
	Head         string
	Lines        []string
	Reasons      []reason
	Refused      int
	Checks       string // how many passed
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
		out.Name = s.say.Say("story.nameless")
	}
	orders := map[crm.FactKey]string{}
	for _, e := range g.events {
		switch {
		case e.Fact != nil:
			switch d := e.Fact.Data.(type) {
			case *crm.Order:
				orders[e.Fact.Key] = s.say.Say("story.order", d.Number)
			case *crm.Visit:
				orders[e.Fact.Key] = s.say.Say("story.visit", d.Number)
			}
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
			out.About = append(out.About, s.say.hidden(a.Address))
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
func (l speaker) members(profiles []*crm.Profile) []member {
	var out []member
	for _, p := range profiles {
		if p == nil {
			continue
		}
		m := member{Source: l.Name("source", p.Source), ID: p.ID, Name: p.Name.String(), City: p.Postal.City, Since: l.Say("story.unknown")}
		if !p.Since.IsZero() {
			m.Since = l.Date(p.Since.In(l.home))
		}
		var contacts []string
		for _, c := range p.Contacts {
			switch {
			case c.Masked:
				contacts = append(contacts, l.Say("story.masked"))
			case slices.Contains(p.Disowned, c.Address):
				contacts = append(contacts, l.Say("story.disowned", l.hidden(c.Address)))
			default:
				contacts = append(contacts, l.hidden(c.Address))
			}
		}
		m.Contacts = strings.Join(contacts, ", ")
		out = append(out, m)
	}
	return out
}

// hidden writes an address so that only its holder would know it.
func (l speaker) hidden(a crm.Address) string {
	v := []rune(a.Value)
	if a.Channel == crm.Email {
		name, host, _ := strings.Cut(a.Value, "@")
		first := []rune(name)
		return string(first[:min(1, len(first))]) + "…@" + host
	}
	if len(v) < 7 {
		return l.Name("channel", string(a.Channel))
	}
	return string(v[:len(v)-7]) + " ••• •• " + string(v[len(v)-2:])
}

func (s *simulation) moment(g *gathered, e crm.Event, about map[crm.FactKey]string) moment {
	at := e.At.In(s.home)
	m := moment{ISO: at.Format(time.RFC3339), Time: s.say.Time(at)}
	switch {
	case e.Link != nil:
		m.link(s.say, e.Link)
	case e.Fact != nil:
		m.fact(g, s.say, e.Fact, about)
	case e.Effect != nil:
		m.effect(s.say, e.Effect, about)
	}
	return m
}

func (m *moment) line(text string) { m.Lines = append(m.Lines, text) }

// is names what a moment is: of which class it is, and what the reader calls that.
func (m *moment) is(l speaker, class, label string) { m.Class, m.Label = class, l.Say("moment."+label) }

func (m *moment) link(l speaker, k *crm.Link) {
	m.is(l, "link", "link")
	source := l.Name("source", k.Profile.Source)
	m.Head = l.Say("link."+string(k.Kind), k.Profile.ID, source, l.Name("actor", k.Actor), l.hidden(k.Address))
	ev := k.Evidence
	if !ev.With.IsZero() {
		m.line(l.Say("link.with", ev.With.ID, l.Name("source", ev.With.Source)))
	}
	if ev.Weight != 0 {
		m.line(l.weight(ev.Weight))
	}
	if len(ev.Fields) > 0 {
		m.line(l.Say("link.agree", l.agreements(ev.Fields)))
	}
	if ev.Note != "" {
		m.line(l.Note(ev.Note, l.home))
	}
	if k.Actor != "" && k.Kind != crm.LinkNew {
		m.line(l.Say("link.by", l.Name("actor", k.Actor)))
	}
}

// weight says what bits of evidence are worth.
func (l speaker) weight(bits float64) string {
	if bits >= 1 && bits < 50 {
		return l.Say("link.weight", l.Decimal(bits, 1), l.Int(int(round2(math.Exp2(bits)))))
	}
	return l.Say("link.bits", l.Decimal(bits, 1))
}

// round2 keeps two digits of a number.
func round2(v float64) float64 {
	p := math.Pow(10, max(0, math.Floor(math.Log10(v))-1))
	return math.Round(v/p) * p
}

func (m *moment) fact(g *gathered, l speaker, f *crm.Fact, about map[crm.FactKey]string) {
	where := ""
	if f.Place != "" {
		where = " · " + g.place(f.Place)
	}
	switch d := f.Data.(type) {
	case *crm.Order:
		m.order(l, f, d, about, where)
	case *crm.Visit:
		m.is(l, "visit", "visit")
		m.Head = strings.TrimSpace(d.Brand+" "+l.Name("goods", d.Service)) + where
		if d.Price.Amount != 0 {
			m.line(l.money(d.Price))
		}
	case *crm.Ticket:
		m.is(l, "ticket", "ticket")
		m.Head = l.ticket(d) + where
		m.line(l.Say("ticket.silence"))
		for _, x := range d.Log {
			m.line(l.Say("ticket.log", l.at(x.At), l.Name("ticket.state", string(x.State)), l.Name("actor", x.Actor)) + dashed(x.Note))
		}
	case *crm.Answer:
		m.is(l, "answer", "answer")
		m.Head = l.Say("answer.score", d.Survey, int(d.Score)) + where
		if d.Comment != "" {
			m.line("“" + d.Comment + "”")
		}
		if a := about[d.About]; a != "" {
			m.line(l.Say("answer.about", a))
		}
		if d.Bad {
			m.line(l.Say("answer.bad"))
		}
	case *crm.Click:
		m.is(l, "click", "click")
		m.Head = l.Say("click." + string(d.Verdict))
		m.line(l.Say("click.of", l.named("cause", d.Campaign)))
		if len(d.Reasons) > 0 {
			m.line(l.Say("click.reasons", l.codes("sign", d.Reasons)))
		}
	case *crm.Interaction:
		m.is(l, "note", "contact")
		m.Head = l.Name("contact", d.Channel+"-"+d.Direction) + dashed(l.Name("topic", d.Topic)) + where
		if d.Text != "" {
			m.line("“" + d.Text + "”")
		}
	case *crm.Note:
		m.is(l, "note", "note")
		m.Head = d.Text
	case *crm.TagChange:
		m.is(l, "tag", "tag")
		m.Head = l.tag(d.Tag, d.Off)
		m.line(l.Say("tag.by", l.named("cause", l.Name("actor", d.By))) + dashed(d.Why))
	case *crm.Consent:
		m.is(l, "consent", "consent")
		m.Head = l.Say("consent."+string(d.Status), l.hidden(f.Subject.Address))
		if d.Via != "" {
			m.line(l.Name("via", d.Via))
		}
	case *crm.Suppression:
		m.is(l, "consent", "address")
		key := "suppressed"
		if d.Off {
			key = "unsuppressed"
		}
		m.Head = l.Say(key, l.hidden(f.Subject.Address), l.Name("suppression", d.Reason))
	default:
		m.Class, m.Label, m.Head = "note", l.Name("moment", string(f.Key.Kind)), f.Key.ID+where
		if f.Key.Kind == "incident" { // its id is that of the message
			m.Head = l.Say("incident")
		}
	}
}

// ticket is the title of a ticket; the engine titles its own in English.
func (l speaker) ticket(d *crm.Ticket) string {
	if d.Reason == "survey" || d.Reason == "not-me" {
		return l.Say("ticket."+d.Reason, d.Title[strings.LastIndex(d.Title, " ")+1:])
	}
	return d.Title
}

func (m *moment) order(l speaker, f *crm.Fact, d *crm.Order, about map[crm.FactKey]string, where string) {
	m.is(l, "order", "order")
	if !d.Returns.IsZero() {
		m.is(l, "order", "return")
	}
	var lines []string
	for _, x := range d.Lines {
		what := strings.TrimSpace(x.Brand + " " + l.Name("goods", x.Category))
		if what == "" {
			what = x.SKU
		}
		lines = append(lines, what)
	}
	const most = 4
	if n := len(lines) - most; n > 0 {
		lines = append(lines[:most], l.Say("order.more", n))
	}
	if m.Head = strings.Join(lines, ", "); m.Head == "" {
		m.Head = l.Say("story.order", d.Number)
	}
	m.Head += where
	m.line(l.Say("order.total", l.money(d.Total), d.Number) + dashed(l.Name("sold", d.Channel)))
	if !d.Returns.IsZero() {
		m.line(l.Say("order.returns", about[d.Returns]))
	}
	if d.Gift {
		m.line(l.Say("order.gift"))
	}
	if at, ok := d.DeliveredAt(f.At); ok && at.Sub(f.At) > time.Minute {
		m.line(l.Say("order.delivered", l.Date(at.In(l.home))))
	}
}

// tag says what became of a tag.
func (l speaker) tag(name string, off bool) string {
	if off {
		return l.Say("tag.off", name)
	}
	return l.Say("tag.on", name)
}

func (m *moment) effect(l speaker, f *crm.Effect, about map[crm.FactKey]string) {
	m.Class = string(f.Kind)
	cause := l.named("cause", f.Cause)
	switch f.Kind {
	case crm.EffectMessage:
		m.is(l, m.Class, "message")
		name, err := vefa.MessageName(f)
		if err != nil {
			name = f.Cause
		}
		m.Head = l.Say("message."+string(f.State)+".head", l.named("message", name))
		if f.State == crm.Withheld || f.State == crm.HeldOut || f.State == crm.Cancelled {
			m.Class = "withheld"
		}
	case crm.EffectTag:
		m.is(l, m.Class, "tag")
		m.Head = l.Say("effect.tag", cause)
		if p, err := rules.DecodePayload(f); err == nil {
			m.Head = l.tag(p.Name, p.Action == "untag")
		}
		if f.State != crm.Done {
			m.Head += ": " + l.Name("state", string(f.State))
		}
	case crm.EffectTicket:
		m.is(l, m.Class, "ticket")
		m.Head = l.Say("effect.ticket", cause)
	default:
		m.is(l, m.Class, "task")
		m.Head = l.Say("effect.task", cause)
	}
	m.line(l.Say("effect.because", cause+dashed(about[f.About]), l.at(f.Created), l.at(f.Due)))
	if !f.SentAt.IsZero() && !f.To.IsZero() {
		m.line(l.Say("effect.to", l.hidden(f.To)))
	}
	for _, r := range f.Reasons {
		x := reason{l.guard("check", r.Guard), l.Note(r.Note, l.home), "yes"}
		switch {
		case r.Pass:
		case r.Guard == messaging.GuardQuiet: // it would only have waited
			x.Guard, x.Answer = l.Say("check.waits"), "later"
		default:
			x.Answer = "no"
			m.Refused++
		}
		m.Reasons = append(m.Reasons, x)
	}
	if n := len(m.Reasons); n > 0 {
		m.Checks = l.Say("checks.passed", n)
		if m.Refused > 0 {
			m.Checks = l.Say("checks.refused", m.Refused, n)
		}
	}
}
