package vefa

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
)

// Said is the content of a message that is no configured one: what a member of staff
// wrote to answer a customer, or what Config.AutoReplies has.
type Said struct {
	// Channel is the one that it goes by, From the sender there; empty: the sender's own.
	Channel crm.Channel `json:"channel"`
	From    string      `json:"from,omitempty"`
	// Text and Parts are as in messaging.Content, and no templates.
	Text  string            `json:"text,omitempty"`
	Parts map[string]string `json:"parts,omitempty"`
	// By is who wrote it, by the host's own id; empty of a program.
	By string `json:"by,omitempty"`
	// Pruned says that Engine.Prune took Text and Parts away.
	Pruned bool `json:"pruned,omitempty"`
}

// The names and causes of messages that answer customers.
const (
	desk = "reply/desk"
	auto = "reply/auto"
)

// Response is what a member of staff answers a customer.
type Response struct {
	// ID is the host's own id of it: given again, nothing is sent a second time.
	ID string
	// Ticket is the matter that it is about, To the inbound message that it answers, as
	// Feedback keeps them: an interaction of an address. One of them must be set.
	Ticket, To crm.FactRef
	// Actor is who answers, by the host's own id; must be set.
	Actor string
	// From is the sender's name, number or mailbox; empty: the sender's own.
	From string
	// Text and Parts are what is said, as in messaging.Content, with no templates: mail
	// has a subject among its parts.
	Text  string
	Parts map[string]string
}

// ErrNoOrigin is the error of a response to what came by no channel that it could go back by.
var ErrNoOrigin = errors.New("vefa: nothing that the customer wrote is known, so there is no channel to answer by")

// Respond answers a customer by the channel and at the address that the customer wrote
// from: it plans a message, which leaves with the next delivery, and notes that in the
// ticket's log. The origin is the message To. Without one it is the latest of the inbound
// messages that the ticket is about (Cause, Related), or else, of a ticket about a survey's
// answer, how its invitation went out.
//
// The answer promotes nothing and needs no consent: it is stopped by a suppression of the
// address, but not by that of a reply which might be an opt-out (Engine.Reply), nor by
// tickets or caps, and at no hour. Given again with the same ID it returns
// the message that was planned then; with other words that is crm.ErrExists. A ticket or
// message that is not there is crm.ErrNotFound, one that came by no channel ErrNoOrigin, and
// what the channel cannot carry crm.ErrInvalid.
func (e *Engine) Respond(ctx context.Context, r Response) (out *crm.Effect, err error) {
	defer e.took("respond", time.Now(), &err)
	defer crm.Recover("respond", &err)
	var faults []error
	for field, missing := range map[string]bool{"id": r.ID == "", "actor": strings.TrimSpace(r.Actor) == "", "ticket": r.Ticket == crm.FactRef{} && r.To == crm.FactRef{}} {
		if missing {
			faults = append(faults, &crm.FieldError{Field: field, Msg: "must be set"})
		}
	}
	if len(faults) > 0 {
		slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
		return nil, unanswerable(errors.Join(faults...))
	}
	err = e.svc.Update(ctx, func(tx crm.Tx) error {
		out, err = e.respond(ctx, tx, r)
		return err
	})
	return out, err
}

func unanswerable(err error) error {
	return &crm.Error{Op: "respond", Entity: "message", Kind: crm.ErrInvalid, Err: err}
}

func (e *Engine) respond(ctx context.Context, tx crm.Tx, r Response) (*crm.Effect, error) {
	if err := e.noteKeys(ctx, tx); err != nil {
		return nil, err
	}
	var ticket *crm.Fact
	if r.Ticket != (crm.FactRef{}) {
		var err error
		if ticket, err = lockTicket(ctx, tx, r.Ticket); err != nil { // of two with one ID the second sees the first
			return nil, err
		}
	}
	said := &Said{Channel: "", From: r.From, Text: r.Text, Parts: maps.Clone(r.Parts), By: r.Actor}
	key := crm.RefKey(r.ID)
	before, err := tx.Refs(ctx, refResponse, 1, key)
	if err != nil {
		return nil, err
	}
	if len(before[0]) > 0 {
		return sameResponse(ctx, tx, crm.EffectID(before[0][0].Target), said)
	}
	from, err := origin(ctx, tx, ticket, r.To)
	if err != nil {
		return nil, err
	}
	said.Channel = from.via
	if _, err := e.script(said); err != nil {
		return nil, unanswerable(err)
	}
	if by, ok := e.cfg.Sender.(messaging.ByChannel); ok && by[said.Channel] == nil {
		return nil, unanswerable(fmt.Errorf("Config.Sender has no sender for channel %q", said.Channel))
	}
	d := MessageData{Name: desk, Class: Transactional, Said: said, Meta: map[string]string{messaging.MetaAuto: messaging.ByPerson}}
	if from.ref != "" {
		d.Meta[messaging.MetaInReplyTo] = from.ref
	}
	if ticket != nil {
		d.Answers, d.Profile = ticket.Ref(), ticket.Subject.Profile
	}
	f, err := e.reply(ctx, tx, from.address, from.about, r.ID, d)
	if err != nil {
		return nil, err
	}
	if err := tx.PutRefs(ctx, crm.Ref{Kind: refResponse, Key: key, Subject: f.Subject, Target: string(f.ID)}); err != nil {
		return nil, err
	}
	if ticket != nil {
		_, err = e.svc.In(tx).ChangeTicket(ctx, ticket.Ref(), crm.TicketChange{Actor: r.Actor, Note: "answered by " + string(said.Channel)})
	}
	return f, err
}

// refResponse finds the message of a response by the host's id of it.
const refResponse crm.RefKind = "response"

// sameResponse returns what was planned under an ID, if it says the same.
func sameResponse(ctx context.Context, r crm.Reader, id crm.EffectID, said *Said) (*crm.Effect, error) {
	effects, err := r.Effects(ctx, id)
	if err != nil {
		return nil, err
	}
	if effects[0] == nil {
		return nil, &crm.Error{Op: "respond", Entity: "effect", ID: string(id), Kind: crm.ErrNotFound}
	}
	d, err := decodeMessage(effects[0])
	if err != nil {
		return nil, err
	}
	if was := d.Said; was != nil && was.Pruned {
		return effects[0], nil
	} else if was == nil || was.Text != said.Text || was.From != said.From || !maps.Equal(was.Parts, said.Parts) {
		return nil, &crm.Error{Op: "respond", Entity: "message", Kind: crm.ErrExists}
	}
	return effects[0], nil
}

// reply plans a message that answers. It leaves after those to the address that were planned
// before.
func (e *Engine) reply(ctx context.Context, tx crm.Tx, to crm.Address, about crm.FactKey, occurrence string, d MessageData) (*crm.Effect, error) {
	now := e.svc.Now()
	f := &crm.Effect{Kind: crm.EffectMessage, Cause: d.Name, Subject: crm.OfAddress(to), About: about, Occurrence: crm.RefKey(occurrence),
		Due: now, State: crm.Planned, Created: now, Changed: now}
	f.ID = e.keys.ids.ID(f.Cause, f.Subject, f.About, f.Occurrence)
	before, err := tx.EffectsOf(ctx, f.Subject)
	if err != nil {
		return nil, err
	}
	var last *crm.Effect // of the conversation, that has not left
	for _, g := range before {
		if g.ID != f.ID && !g.State.Final() && isAnswer(g) && (last == nil || g.Created.After(last.Created)) {
			last = g
		}
	}
	if last != nil {
		d.After = last.ID
	}
	if f.Data, err = json.Marshal(d); err != nil {
		return nil, unanswerable(err)
	}
	if _, err := tx.PutEffects(ctx, f); err != nil {
		return nil, err
	}
	kept, err := tx.Effects(ctx, f.ID)
	if err != nil {
		return nil, err
	}
	return kept[0], nil
}

// lockTicket locks a ticket and returns it.
func lockTicket(ctx context.Context, tx crm.Tx, ref crm.FactRef) (*crm.Fact, error) {
	missing := &crm.Error{Op: "respond", Entity: "ticket", ID: ref.Key.String(), Kind: crm.ErrNotFound}
	if ref.Key.Kind != crm.KindTicket {
		return nil, missing
	}
	at, err := tx.LockAnchors(ctx, ref.Key)
	if err != nil {
		return nil, err
	}
	facts, err := tx.Facts(ctx, crm.FactRef{Subject: at[0], Key: ref.Key})
	if err != nil {
		return nil, err
	}
	if facts[0] == nil {
		return nil, missing
	}
	return facts[0], nil
}

// source is where what is answered came from.
type source struct {
	address crm.Address
	via     crm.Channel
	about   crm.FactKey
	ref     string // the channel's own id of it
}

// origin finds out where an answer goes.
func origin(ctx context.Context, r crm.Reader, ticket *crm.Fact, to crm.FactRef) (source, error) {
	if to != (crm.FactRef{}) {
		facts, err := r.Facts(ctx, to)
		if err != nil {
			return source{}, err
		}
		if facts[0] == nil {
			return source{}, &crm.Error{Op: "respond", Entity: "interaction", ID: to.Key.String(), Kind: crm.ErrNotFound}
		}
		if s, ok := sourceOf(facts[0]); ok {
			return s, nil
		}
		return source{}, ErrNoOrigin
	}
	t := ticket.Data.(*crm.Ticket)
	refs := slices.Clone(t.Related)
	if t.Cause.Kind == crm.KindInteraction || t.Cause.Kind == crm.KindAnswer {
		subjects, err := subjectsOf(ctx, r, ticket.Subject.Profile)
		if err != nil {
			return source{}, err
		}
		for _, s := range subjects {
			refs = append(refs, crm.FactRef{Subject: s, Key: t.Cause})
		}
	}
	facts, err := r.Facts(ctx, refs...)
	if err != nil {
		return source{}, err
	}
	var last *crm.Fact
	for _, f := range facts {
		if f == nil {
			continue
		}
		if _, ok := sourceOf(f); ok && (last == nil || f.At.After(last.At)) {
			last = f
		}
	}
	if last != nil {
		s, _ := sourceOf(last)
		return s, nil
	}
	for _, f := range facts {
		if f == nil {
			continue
		}
		a, ok := f.Data.(*crm.Answer)
		if !ok || a.Effect == "" {
			continue
		}
		sent, err := r.Effects(ctx, a.Effect)
		if err != nil {
			return source{}, err
		}
		if g := sent[0]; g != nil && !g.SentAt.IsZero() {
			return source{g.To, orChannel(g.Via, g.To), f.Key, ""}, nil
		}
	}
	return source{}, ErrNoOrigin
}

func orChannel(via crm.Channel, to crm.Address) crm.Channel {
	if via == "" {
		return to.Channel
	}
	return via
}

// sourceOf returns where an inbound message came from.
func sourceOf(f *crm.Fact) (source, bool) {
	said, ok := f.Data.(*crm.Interaction)
	if !ok || said.Direction != "in" || f.Subject.Address.IsZero() {
		return source{}, false
	}
	return source{f.Subject.Address, crm.Channel(said.Channel), f.Key, said.Ref}, true
}

// subjectsOf returns what the facts of a customer hang on: the profiles and their addresses.
func subjectsOf(ctx context.Context, r crm.Reader, k crm.ProfileKey) ([]crm.Subject, error) {
	ids, err := r.CustomersOf(ctx, k)
	if err != nil {
		return nil, err
	}
	members, err := r.Members(ctx, ids...)
	if err != nil {
		return nil, err
	}
	profiles, err := r.Profiles(ctx, members[0]...)
	if err != nil {
		return nil, err
	}
	var out []crm.Subject
	for _, p := range profiles {
		out = append(out, crm.OfProfile(p.ProfileKey))
		for _, c := range p.Contacts {
			if !c.Masked {
				out = append(out, crm.OfAddress(c.Address))
			}
		}
	}
	slices.SortFunc(out, crm.Subject.Compare)
	return slices.Compact(out), nil
}

// AutoReply is what a program answers to those who write by a channel, once in a while; see
// messaging.AutoReply. What a program wrote gets no answer, nor does what is, or might be,
// an opt-out or "not me".
type AutoReply struct {
	// Content is what is said. Its Channel must be set, and its texts have no fields.
	messaging.Content
	// Every is how long a sender gets no second answer by any channel; 0 means 7 days.
	Every time.Duration
	// Own are our numbers and mailboxes, and domains as in "@shop.example", to which no
	// answer goes.
	Own []string
}

// checkAutoReplies reports every fault of Config.AutoReplies.
func (e *Engine) checkAutoReplies() error {
	var faults []error
	seen := map[crm.Channel]bool{}
	for i := range e.cfg.AutoReplies {
		a := &e.cfg.AutoReplies[i]
		fault := func(err error) { faults = append(faults, fmt.Errorf("vefa: Config.AutoReplies[%d]: %w", i, err)) }
		if a.Channel == "" || seen[a.Channel] {
			fault(fmt.Errorf("channel %q is not set, or has two", a.Channel))
			continue
		}
		seen[a.Channel] = true
		if a.Every < 0 {
			fault(fmt.Errorf("every %s is negative", a.Every))
		}
		c := messaging.Campaign{Name: "auto", Class: Transactional, Contents: []messaging.Content{a.Content}}
		s, err := c.Script(e.cfg.Channels...)
		if err == nil {
			_, err = s.Render(a.Channel, nil)
		}
		if err != nil {
			fault(err)
		}
		if by, ok := e.cfg.Sender.(messaging.ByChannel); ok && by[a.Channel] == nil {
			fault(fmt.Errorf("Config.Sender has no sender for channel %q", a.Channel))
		}
	}
	return errors.Join(faults...)
}

// autoReply plans the answer of a program to an inbound message, where there is one, and
// reports whether there is. The decision and the answer are one transaction.
func (e *Engine) autoReply(ctx context.Context, m messaging.Inbound, from crm.Address, via crm.Channel, about crm.FactKey, ticket crm.FactRef) (planned bool, err error) {
	i := slices.IndexFunc(e.cfg.AutoReplies, func(a AutoReply) bool { return a.Channel == via })
	if i < 0 {
		return false, nil
	}
	a := &e.cfg.AutoReplies[i]
	c := messaging.Campaign{Name: "auto", Class: Transactional, Contents: []messaging.Content{a.Content}}
	s, err := c.Script(e.cfg.Channels...)
	if err != nil {
		return false, err
	}
	said, err := s.Render(via, nil)
	if err != nil {
		return false, err
	}
	asked := m
	asked.From, asked.ID = from, about.ID // which tells counters of two days apart
	err = e.svc.Update(ctx, func(tx crm.Tx) error {
		planned = false
		why, err := (&messaging.AutoReply{Service: e.svc.In(tx), Own: a.Own, Every: a.Every}).Allow(ctx, asked)
		if err != nil || why != "" {
			return err
		}
		if err := e.noteKeys(ctx, tx); err != nil {
			return err
		}
		planned = true
		_, err = e.reply(ctx, tx, from, about, "", MessageData{Name: auto, Class: Transactional, Answers: ticket, Profile: ticket.Subject.Profile,
			Said: &Said{Channel: via, From: said.From, Text: said.Text, Parts: said.Parts},
			Meta: map[string]string{messaging.MetaAuto: messaging.AutoReplied, messaging.MetaInReplyTo: m.ID}})
		return err
	})
	return planned, err
}
