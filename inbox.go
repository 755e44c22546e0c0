package vefa

import (
	"context"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/consent"
)

// Inbox brings what customers write to a desk: each inbound message (see Engine.Feedback) that
// says nothing clear about consent is filed in a ticket of the person who wrote it, in the
// transaction that keeps the message. One that is told again is filed once.
//
// It is added to the person's unsolved ticket that has a message from the same address by the same
// channel among its Related, the latest of several, also of one that a desk opened; a pending
// one is then open again. Else a ticket is opened, with the message as its Cause and the Reason
// "inbound". Engine.Respond answers it by the channel of origin. Of several who have the
// address it is the ticket of the one whom the last message to it was about; of an address
// without an owner, a profile of the source "inbound" is made, which linkage may find to be
// somebody's.
//
// What respondents write on the thank-you page of a survey that a message asked for is filed
// likewise, once for each message, as if they had written by its channel: in the ticket that the
// answer opened, while it is unsolved. Skip is not asked about it, and an opt-out is filed, too.
//
// What might be an opt-out is filed too: a person has to look at it, whose Engine.Respond
// leaves all the same, and who lifts the suppression by crm.Service.Suppress with the reason
// "reply" and Off if it was none. Opt-outs are not, nor is "not me",
// which has tickets of its own, nor what a program wrote. As every unsolved ticket does, those silence their
// customers, but not Config.AutoReplies to the message.
type Inbox struct {
	// Skip tells messages that are no matter for a desk, such as orders that the host takes
	// from the same webhook; nil skips none. It must always say the same of one message.
	Skip func(messaging.Inbound) bool
	// Title is that of tickets; "" is "A message by " and the channel.
	Title string
	// Assignee and Priority are those of tickets.
	Assignee string
	Priority int
}

// inboundReason is Ticket.Reason of the tickets that inbound messages open.
const inboundReason = "inbound"

// maxFiled bounds Ticket.Related of those: the next message opens another ticket.
const maxFiled = 200

// files reports whether a message is filed.
func (b *Inbox) files(m messaging.Inbound, intent consent.Intent) bool {
	return b != nil && !m.Automatic && intent != consent.OptOut && intent != consent.NotMe && (b.Skip == nil || !b.Skip(m))
}

// keepInbound keeps an inbound message as a fact, once, and files it where it is to be filed.
// It returns the key under which it is kept, and the ticket, also of one that was filed before;
// zero if there is none.
func (e *Engine) keepInbound(ctx context.Context, w *written, filed bool, out *FeedbackReport) (about crm.FactKey, ticket crm.FactRef, err error) {
	var did *int
	err = e.svc.Update(ctx, func(tx crm.Tx) (err error) {
		did = nil
		if filed {
			about, ticket, did, err = e.fileInbound(ctx, tx, w, out)
			return err
		}
		ticket = crm.FactRef{}
		if _, err := tx.LockAddresses(ctx, w.fact.Subject.Address); err != nil {
			return err
		}
		known, err := w.kept(ctx, tx)
		if err != nil {
			return err
		}
		if known != nil {
			about = known.Key
			return nil
		}
		about = w.fact.Key
		return deliver(ctx, e.svc.In(tx), w.fact)
	})
	if err == nil && did != nil {
		*did++
	}
	return about, ticket, err
}

// fileInbound is keepInbound of a message that is filed, in a transaction. did is the count of out
// that it is of; nil: it was filed before.
func (e *Engine) fileInbound(ctx context.Context, tx crm.Tx, w *written, out *FeedbackReport) (about crm.FactKey, ticket crm.FactRef, did *int, err error) {
	_, before, err := e.matterOf(ctx, tx, w)
	if err != nil {
		return about, ticket, nil, err
	}
	if before.ticket != nil {
		if _, err := tx.LockAnchors(ctx, before.ticket.Key); err != nil {
			return about, ticket, nil, err
		}
	}
	if _, err := tx.LockAddresses(ctx, w.fact.Subject.Address); err != nil { // of two who are told the same the second sees it
		return about, ticket, nil, err
	}
	fact, now, err := e.matterOf(ctx, tx, w)
	if err != nil {
		return about, ticket, nil, err
	}
	if now.key() != before.key() {
		return about, ticket, nil, &crm.Error{Op: "file", Entity: "interaction", ID: fact.Key.ID, Kind: crm.ErrConflict}
	}
	about = fact.Key
	if now.filed {
		return about, now.ticket.Ref(), nil, nil
	}
	svc := e.svc.In(tx)
	if err := deliver(ctx, svc, fact); err != nil {
		return about, ticket, nil, err
	}
	if t := now.ticket; t != nil {
		c := crm.TicketChange{Actor: inboundSource, Note: "written by " + fact.Data.(*crm.Interaction).Channel, Related: []crm.FactRef{fact.Ref()}}
		if t.Data.(*crm.Ticket).State == crm.TicketPending {
			c.State = crm.TicketOpen // what it waited for may have come
		}
		_, err := svc.ChangeTicket(ctx, t.Ref(), c)
		return about, t.Ref(), &out.Appended, err
	}
	ticket, err = e.openInbound(ctx, svc, now.who, fact, w.fact.Key.ID)
	return about, ticket, &out.Opened, err
}

// matterOf returns the fact as which a message is kept, or will be, and its matter.
func (e *Engine) matterOf(ctx context.Context, r crm.Reader, w *written) (*crm.Fact, matter, error) {
	fact, err := w.kept(ctx, r)
	if err != nil {
		return nil, matter{}, err
	}
	known := fact != nil
	if !known {
		fact = w.fact
	}
	m, err := e.ticketOf(ctx, r, fact, w.who)
	if err == nil && !m.filed && w.ticket != (crm.FactRef{}) {
		var own []*crm.Fact
		if own, err = r.Facts(ctx, w.ticket); err == nil && own[0] != nil {
			if t := own[0].Data.(*crm.Ticket); t.Unsolved() && len(t.Related) < maxFiled {
				m.ticket = own[0]
			}
		}
	}
	m.filed = m.filed && known
	return fact, m, err
}

// openInbound opens a ticket of an id about an inbound message.
func (e *Engine) openInbound(ctx context.Context, svc *crm.Service, who crm.ProfileKey, fact *crm.Fact, id string) (crm.FactRef, error) {
	said, from := fact.Data.(*crm.Interaction), fact.Subject.Address
	if who.IsZero() {
		who = crm.ProfileKey{Source: inboundSource, ID: string(e.keys.ids.ID(inboundSource, crm.OfAddress(from), crm.FactKey{}, ""))}
		rep, err := svc.Import(ctx, crm.Batch{Profiles: []*crm.Profile{{ProfileKey: who, Since: fact.At, At: fact.At, Contacts: []crm.Contact{{Address: from}}}}})
		if err == nil && len(rep.Rejected) > 0 {
			err = rep.Rejected[0].Err
		}
		if err != nil {
			return crm.FactRef{}, err
		}
	}
	t := crm.Ticket{Title: e.cfg.Inbox.Title, Reason: inboundReason, Cause: fact.Key, Related: []crm.FactRef{fact.Ref()},
		Assignee: e.cfg.Inbox.Assignee, Priority: e.cfg.Inbox.Priority, Opened: crm.Micros(e.svc.Now())}
	if t.Title == "" {
		t.Title = "A message by " + said.Channel
	}
	return svc.OpenTicket(ctx, who, inboundSource, id, t)
}

// matter is where a message from an address by a channel belongs.
type matter struct {
	who    crm.ProfileKey // the person; zero: nobody has the address
	ticket *crm.Fact      // the unsolved one that it belongs to; nil: none
	filed  bool           // the message is in it
}

// key tells one matter from another.
func (m *matter) key() crm.FactKey {
	if m.ticket == nil {
		return crm.FactKey{}
	}
	return m.ticket.Key
}

// ticketOf finds the matter of an inbound message; of one that was filed before its ticket,
// solved or not. Where several have the address it is of the one who is named, or of whom the last
// message to it was about.
func (e *Engine) ticketOf(ctx context.Context, r crm.Reader, fact *crm.Fact, named crm.ProfileKey) (m matter, err error) {
	from, channel := fact.Subject.Address, fact.Data.(*crm.Interaction).Channel
	refs, err := r.Refs(ctx, crm.RefContact, maxFiled, crm.RefKey(from.String()))
	if err != nil {
		return m, err
	}
	var whose []crm.ProfileKey
	for _, ref := range refs[0] {
		whose = append(whose, ref.Subject.Profile)
	}
	if len(whose) == 0 {
		return m, nil
	}
	slices.SortFunc(whose, crm.ProfileKey.Compare)
	m.who = whose[0]
	_, last, err := lastMessage(ctx, r, from)
	if err != nil {
		return m, err
	}
	switch {
	case slices.Contains(whose, named):
		m.who = named
	case slices.Contains(whose, last.Profile):
		m.who = last.Profile
	}
	var subjects []crm.Subject
	for _, k := range whose { // also of those who share it: the conversation goes on
		some, err := subjectsOf(ctx, r, k)
		if err != nil {
			return m, err
		}
		subjects = append(subjects, some...)
	}
	slices.SortFunc(subjects, crm.Subject.Compare)
	for f, err := range crm.FactsOf(ctx, r, slices.Compact(subjects), crm.KindTicket) {
		if err != nil {
			return m, err
		}
		t := f.Data.(*crm.Ticket)
		if slices.Contains(t.Related, fact.Ref()) {
			m.ticket, m.filed = f, true
			return m, nil
		}
		if !t.Unsolved() || len(t.Related) >= maxFiled || m.ticket != nil && !t.Opened.After(m.ticket.Data.(*crm.Ticket).Opened) {
			continue
		}
		wrote, err := r.Facts(ctx, t.Related...)
		if err != nil {
			return m, err
		}
		if slices.ContainsFunc(wrote, func(g *crm.Fact) bool {
			if g == nil || g.Subject != fact.Subject {
				return false
			}
			said, ok := g.Data.(*crm.Interaction)
			return ok && said.Direction == "in" && strings.EqualFold(said.Channel, channel)
		}) {
			m.ticket = f
		}
	}
	return m, nil
}

// checkInbox reports the faults of Config.Inbox.
func (c *Config) checkInbox(fault func(bad bool, format string, args ...any)) {
	if b := c.Inbox; b != nil {
		fault(b.Priority < 0 || b.Priority > 9, "Inbox.Priority is %d, not from 0 to 9", b.Priority)
		fault(len(b.Title) > 200, "Inbox.Title has %d bytes, at most 200 are possible", len(b.Title))
	}
}
