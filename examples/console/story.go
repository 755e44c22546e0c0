package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/rules"
)

// moment is an entry of a customer's story.
type moment struct {
	ISO, Time   string
	Class, Kind string
	Head        string
	Lines       []string
	Reasons     []reason
	Refused     bool
}

// reason is a check that a message had to pass.
type reason struct {
	Text string
	Pass bool
}

func (m *moment) line(text string) {
	if text != "" {
		m.Lines = append(m.Lines, text)
	}
}

// mostMoments is how much of a story a page shows, and mostReasons how many checks of a message.
const mostMoments = 60

// story reads what happened to a customer, the newest first, and what was decided about who it is.
func (c *console) story(ctx context.Context, w *words, x *crm.Customer, out *person) error {
	var events []crm.Event
	for e, err := range c.svc.Timeline(ctx, x.ID) {
		if err != nil {
			return err
		}
		events = append(events, e)
	}
	slices.Reverse(events)
	causes := map[string]bool{}
	undone := map[string]bool{}
	for _, e := range events {
		if l := e.Link; l != nil && l.Undoes != "" {
			undone[l.Undoes] = true
		}
		if f := e.Effect; f != nil {
			causes[f.Cause] = true
		}
	}
	at := map[string]int{}
	for _, e := range events {
		if l := e.Link; l != nil && l.Op != "" {
			i, ok := at[l.Op]
			if !ok {
				i = len(out.Decisions)
				at[l.Op] = i
				out.Decisions = append(out.Decisions, decision{Op: l.Op, Kind: w.Say("link." + string(l.Kind)), By: w.Who(l.Actor), At: w.At(l.At), Note: l.Evidence.Note,
					Undoable: !undone[l.Op], Undone: undone[l.Op]})
			}
			d := &out.Decisions[i]
			d.Profiles++
			if l.Evidence.Weight > d.Bits || d.Bits == 0 {
				d.Bits = l.Evidence.Weight
				d.Agreed = nil
				for _, f := range l.Evidence.Fields {
					d.Agreed = append(d.Agreed, w.Agreement(f))
				}
			}
			continue
		}
		if e.Fact != nil && toldElsewhere(e.Fact) {
			continue
		}
		if len(out.Moments) == mostMoments {
			out.Earlier++
			continue
		}
		out.Moments = append(out.Moments, w.moment(e))
	}
	for _, cause := range c.causes() {
		if causes[cause] || strings.HasPrefix(cause, "campaign/") {
			out.Causes = append(out.Causes, cause)
		}
	}
	return nil
}

// toldElsewhere reports whether a fact has another entry of the story that says the same: the
// silence of a ticket, and the tag of a rule, whose effect is told.
func toldElsewhere(f *crm.Fact) bool {
	d, ok := f.Data.(*crm.TagChange)
	return f.Key.Kind == crm.KindHold || ok && strings.HasPrefix(d.By, "rule/")
}

func (w *words) moment(e crm.Event) moment {
	m := moment{ISO: e.At.In(w.zone).Format(time.RFC3339), Time: w.At(e.At)}
	switch {
	case e.Link != nil:
		m.is(w, "link", "link")
		m.Head = w.Say("link."+string(e.Link.Kind)) + " · " + w.Name("source", e.Link.Profile.Source)
		if !e.Link.Address.IsZero() {
			m.line(e.Link.Address.Value)
		}
	case e.Fact != nil:
		m.fact(w, e.Fact)
	case e.Effect != nil:
		m.effect(w, e.Effect)
	}
	return m
}

func (m *moment) is(w *words, class, kind string) { m.Class, m.Kind = class, w.Say("moment."+kind) }

func (m *moment) fact(w *words, f *crm.Fact) {
	switch d := f.Data.(type) {
	case *crm.Order:
		m.is(w, "order", "order")
		if d.IsReturn() {
			m.is(w, "order", "return")
		}
		m.Head = w.Cash(d.Total)
		var goods []string
		for _, x := range d.Lines {
			goods = append(goods, strings.TrimSpace(x.Brand+" "+w.Name("goods", x.Category)))
		}
		m.line(strings.Join(goods[:min(len(goods), 4)], ", "))
		m.line(w.Say("order.number", d.Number, w.Name("sold", d.Channel)))
	case *crm.Visit:
		m.is(w, "order", "visit")
		m.Head = strings.TrimSpace(d.Brand + " " + w.Name("goods", d.Service))
		if d.Price.Amount != 0 {
			m.line(w.Cash(d.Price))
		}
	case *crm.Ticket:
		m.is(w, "ticket", "ticket")
		m.Head = w.Name("ticket", d.Reason)
		m.line(w.Name("state", string(d.State)))
		for _, x := range d.Log {
			m.line(strings.Trim(w.At(x.At)+" · "+w.Who(x.Actor)+" · "+x.Note, " ·"))
		}
	case *crm.Answer:
		m.is(w, "answer", "answer")
		m.Head = w.Say("answer.score", d.Survey, d.Score)
		if d.Comment != "" {
			m.line("“" + d.Comment + "”")
		}
		if d.Bad {
			m.line(w.Say("answer.bad"))
		}
	case *crm.Click:
		m.is(w, "click", "click")
		m.Head = w.Say("click." + string(d.Verdict))
		m.line(w.Cause(d.Campaign))
	case *crm.Interaction:
		m.is(w, "note", "contact")
		m.Head = w.Name("channel", d.Channel)
		m.line(d.Text)
	case *crm.Note:
		m.is(w, "note", "note")
		m.Head = d.Text
		m.line(w.Who(d.Actor))
	case *crm.TagChange:
		m.is(w, "tag", "tag")
		m.Head = w.tagged(d.Tag, d.Off)
		m.line(w.Cause(w.Who(d.By)))
	case *crm.Consent:
		m.is(w, "consent", "consent")
		m.Head = w.Say("consent." + string(d.Status))
		m.line(f.Subject.Address.Value)
	case *crm.Suppression:
		m.is(w, "consent", "address")
		m.Head = w.Say("address.suppressed", w.Name("suppressed", d.Reason))
		if d.Off {
			m.Head = w.Say("address.free", w.Name("suppressed", d.Reason))
		}
		m.line(f.Subject.Address.Value)
	default:
		m.Class, m.Kind, m.Head = "note", w.Name("moment", string(f.Key.Kind)), f.Key.ID
	}
}

func (w *words) tagged(tag string, off bool) string {
	if off {
		return w.Say("tag.off", tag)
	}
	return w.Say("tag.on", tag)
}

func (m *moment) effect(w *words, f *crm.Effect) {
	state := w.Name("state", string(f.State))
	switch f.Kind {
	case crm.EffectMessage:
		m.is(w, "message", "message")
		name, err := vefa.MessageName(f)
		if err != nil {
			name = f.Cause
		}
		m.Head = w.Cause(name) + " · " + state
		if f.State == crm.Withheld || f.State == crm.HeldOut || f.State == crm.Cancelled {
			m.Class = "withheld"
		}
	case crm.EffectTag:
		m.is(w, "tag", "tag")
		m.Head = w.Cause(f.Cause)
		if p, err := rules.DecodePayload(f); err == nil {
			m.Head = w.tagged(p.Name, p.Action == "untag")
		}
	default:
		m.is(w, "note", "task")
		m.Head = w.Cause(f.Cause) + " · " + state
	}
	m.line(w.Say("effect.because", w.Cause(f.Cause), w.At(f.Created)))
	for _, r := range f.Reasons {
		if r.Pass {
			continue
		}
		text := w.Guard(r.Guard)
		if note := w.Note(r.Note, w.zone); note != "" && !strings.EqualFold(note, text) {
			text += " – " + note
		}
		m.Reasons = append(m.Reasons, reason{text, false})
		m.Refused = true
	}
}

// consent says what the holder of an address said, and silence why nothing goes there.
func (w *words) consent(s *crm.AddressState, key crm.ConsentKey) string {
	out := w.Say("consent.none")
	for _, k := range s.Consents {
		if k.Brand == key.Brand {
			out = w.Say("consent." + string(k.Status))
		}
	}
	return out
}

func (w *words) silence(s *crm.AddressState) string {
	var out []string
	for _, x := range s.Suppressed {
		out = append(out, w.Name("suppressed", x))
	}
	if len(s.Holds) > 0 {
		out = append(out, w.Say("address.held", len(s.Holds)))
	}
	return strings.Join(out, ", ")
}
