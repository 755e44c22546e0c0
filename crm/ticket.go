package crm

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// TicketState is the state of a ticket.
type TicketState string

// The states of a ticket. Open and pending tickets silence the customer.
const (
	TicketOpen    TicketState = "open"
	TicketPending TicketState = "pending" // waiting for the customer or a third party
	TicketSolved  TicketState = "solved"
)

// Ticket is a matter that somebody has to solve. While it is not solved nobody
// writes to any address of the customer, save to answer the matter itself or what the
// customer wrote.
//
// What a desk did (ChangeTicket, SetTicket) stays when the ticket's source delivers it
// again. Its entries remain in the log, and State and Solved remain those of the desk's
// last entry, Assignee, Priority and Level those of the last entry that set them, unless
// the delivery says of itself that it knows something later: that it was solved at a
// time (Solved), or an entry of its Log, after that entry. Then the field is the
// delivery's; where the State is, the log has an entry that says so. What a desk related
// to it (TicketChange.Related) stays so. The time of a
// desk's entry is never before what the ticket said until then. All other fields are
// those of the source's newest version; a desk does not change Fact.Version.
type Ticket struct {
	// Title is one line for the desk's list.
	Title string `json:"title"`
	// State is what the desk and the source last said; see above for who wins.
	State  TicketState `json:"state"`
	Reason string      `json:"reason,omitempty"` // "survey", "complaint", "not-me", …
	Cause  FactKey     `json:"cause,omitzero"`   // the answer or order that it is about
	// Assignee is who has it, by the host's own id; empty: not assigned yet.
	Assignee string `json:"assignee,omitempty"`
	Priority int    `json:"priority,omitempty"` // from 0, the default, to 9, the most urgent
	Level    int    `json:"level,omitempty"`    // of escalation, from 0, where it began, to 9
	// Opened must be set; OpenTicket sets it to now where it is zero. Of equal priority the ticket that was opened first comes first.
	Opened time.Time `json:"opened"`
	// Solved is when it became TicketSolved; zero in every other state.
	Solved time.Time `json:"solved,omitzero"`
	// Related are other facts that belong to the matter, which Cause is not.
	Related []FactRef `json:"related,omitempty"`
	// Log is the history; what a desk wrote stays in it.
	Log []TicketLog `json:"log,omitempty"`
}

// TicketLog is one entry of a ticket's history.
type TicketLog struct {
	// At of a desk's entry is never before what the ticket said until then.
	At    time.Time `json:"at"`
	Actor string    `json:"actor"`
	// State is the one after the entry, also where it did not change.
	State TicketState `json:"state"`
	Note  string      `json:"note,omitempty"`
	// Desk is set in entries that ChangeTicket or SetTicket wrote.
	Desk bool `json:"desk,omitempty"`
	// What the entry of a desk set besides the state; nil: it left that alone.
	Assignee *string `json:"assignee,omitempty"`
	Priority *int    `json:"priority,omitempty"`
	Level    *int    `json:"level,omitempty"`
	// Related are what it added to Ticket.Related.
	Related []FactRef `json:"related,omitempty"`
}

// equal reports whether two entries say the same.
func (l TicketLog) equal(o TicketLog) bool {
	return l.At.Equal(o.At) && l.Actor == o.Actor && l.State == o.State && l.Note == o.Note && l.Desk == o.Desk &&
		sameValue(l.Assignee, o.Assignee) && sameValue(l.Priority, o.Priority) && sameValue(l.Level, o.Level) &&
		slices.Equal(l.Related, o.Related)
}

func sameValue[T comparable](a, b *T) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// Unsolved reports whether the ticket still silences the customer.
func (t *Ticket) Unsolved() bool { return t.State != TicketSolved }

// Validate reports every fault of the ticket.
func (t *Ticket) Validate() error {
	var faults []error
	switch t.State {
	case TicketOpen, TicketPending, TicketSolved:
	default:
		faults = append(faults, fieldError("state", fmt.Sprintf("%q is not known", t.State)))
	}
	if t.Opened.IsZero() {
		faults = append(faults, fieldError("opened", "must be set"))
	}
	faults = append(faults, checkTime("opened", t.Opened), checkTime("solved", t.Solved))
	for i, l := range t.Log {
		if err := checkTime("at", l.At); err != nil {
			faults = append(faults, within("log", i, err))
		}
	}
	if t.Priority < 0 || t.Priority > 9 {
		faults = append(faults, fieldError("priority", "must be between 0 and 9"))
	}
	if t.Level < 0 || t.Level > 9 {
		faults = append(faults, fieldError("level", "must be between 0 and 9"))
	}
	return errors.Join(faults...)
}

// ticketKind describes Ticket.
func ticketKind() Kind {
	return Kind{
		Name: KindTicket, New: func() FactData { return new(Ticket) }, Subject: OnProfile, Unique: true, Known: true,
		Table: "tickets",
		Columns: []Column{
			ColumnOf("state", func(t *Ticket) string { return string(t.State) }),
			ColumnOf("reason", func(t *Ticket) string { return t.Reason }),
			ColumnOf("assignee", func(t *Ticket) string { return t.Assignee }),
			ColumnOf("opened", func(t *Ticket) time.Time { return t.Opened }),
			ColumnOf("solved", func(t *Ticket) time.Time { return t.Solved }),
		},
		Index: func(f *Fact, add func(RefKind, string, int64)) {
			if t := f.Data.(*Ticket); t.Unsolved() {
				add(refTicket, openTickets, t.urgency())
				add(refTicket, ticketsOf(t.Assignee), t.urgency())
			}
		},
		Example: func() FactData {
			about := FactKey{KindOrder, "till", "TR/1"}
			return &Ticket{
				Title: "Kordon koptu", State: TicketPending, Reason: "survey", Cause: about, Assignee: "e-1", Priority: 3, Level: 1, Opened: exampleTime, Solved: exampleTime.Add(time.Hour),
				Related: []FactRef{{OfProfile(ProfileKey{"web", "1"}), about}, {OfAddress(Address{Phone, "+905320000001"}), about}},
				Log: []TicketLog{{At: exampleTime, Actor: "e-1", State: TicketOpen, Note: "arandı", Desk: true, Assignee: new("e-1"), Priority: new(3), Level: new(1)},
					{At: exampleTime.Add(time.Hour), Actor: "e-2", State: TicketPending}},
			}
		},
	}
}

// keepDesk puts into tickets that are delivered again what was done about them at
// a desk: the source, which did not do it, does not know of it.
func (w *writer) keepDesk(facts []*Fact) error {
	var refs []FactRef
	var tickets []*Fact
	for _, f := range facts {
		if at, ok := w.anchors[f.Key]; ok && f.Key.Kind == KindTicket {
			refs, tickets = append(refs, FactRef{at, f.Key}), append(tickets, f)
		}
	}
	if len(refs) == 0 {
		return nil
	}
	olds, err := w.tx.Facts(w.ctx, refs...)
	if err != nil {
		return err
	}
	for i, f := range tickets {
		if old := olds[i]; old != nil && (f.Version == 0 || f.Version >= old.Version) {
			f.Data = f.Data.(*Ticket).withDesk(old.Data.(*Ticket), f.Key.Source)
		}
	}
	return nil
}

// withDesk returns a delivered ticket with what a desk did about the stored one.
// Delivered again it comes out the same.
func (t *Ticket) withDesk(stored *Ticket, source string) *Ticket {
	out := *t
	out.Log = deskLog(stored.Log, t.Log)
	last := -1 // the desk's last entry
	for i, e := range out.Log {
		if e.Desk {
			last = i
		}
	}
	if last < 0 {
		return t
	}
	for _, e := range out.Log {
		if e.Desk {
			out.relate(e.Related)
		}
	}
	said := t.said()
	if said.After(out.Log[last].At) {
		if out.Log[len(out.Log)-1].State != t.State {
			out.Log = append(out.Log, TicketLog{At: said, Actor: source, State: t.State})
		}
		return &out
	}
	for _, e := range out.Log {
		if e.Desk && !said.After(e.At) {
			e.set(&out)
		}
	}
	out.State, out.Solved = out.Log[last].State, time.Time{}
	switch {
	case out.State != TicketSolved:
	case stored.State == TicketSolved:
		out.Solved = stored.Solved
	default:
		for i := last; i >= 0 && out.Log[i].State == TicketSolved; i-- {
			out.Solved = out.Log[i].At
		}
	}
	return &out
}

// set gives a ticket what an entry says besides the state.
func (l TicketLog) set(t *Ticket) {
	if l.Assignee != nil {
		t.Assignee = *l.Assignee
	}
	if l.Priority != nil {
		t.Priority = *l.Priority
	}
	if l.Level != nil {
		t.Level = *l.Level
	}
}

// relate adds to Related what is not there.
func (t *Ticket) relate(refs []FactRef) {
	t.Related = slices.Clip(t.Related)
	for _, r := range refs {
		if !slices.Contains(t.Related, r) {
			t.Related = append(t.Related, r)
		}
	}
}

// said returns the latest time at which the ticket's source says something about
// its state.
func (t *Ticket) said() time.Time {
	at := t.Opened
	if t.State == TicketSolved && t.Solved.After(at) {
		at = t.Solved
	}
	for _, e := range t.Log {
		if !e.Desk && e.At.After(at) {
			at = e.At
		}
	}
	return at
}

// deskLog returns the new log with the desk's entries of the old one, by time, of
// equal times the source's first.
func deskLog(was, is []TicketLog) []TicketLog {
	out := slices.Clone(is)
	for _, e := range was {
		count := func(log []TicketLog) (n int) {
			for _, x := range log {
				if x.equal(e) {
					n++
				}
			}
			return n
		}
		if e.Desk && count(out) < count(was) {
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b TicketLog) int {
		if c := a.At.Compare(b.At); c != 0 || a.Desk == b.Desk {
			return c
		}
		if a.Desk {
			return 1
		}
		return -1
	})
	return out
}
