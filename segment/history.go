package segment

import (
	"fmt"
	"slices"
	"time"

	"github.com/vefacrm/vefa/internal/fold"
	"github.com/vefacrm/vefa/segment/bitset"
)

// HistoryError says that an index does not know a segment's members at a time.
type HistoryError struct {
	// Segment is the name of the segment.
	Segment string
	// At is the time that was asked about.
	At time.Time
	// Msg is why nothing is known: no history is kept, the segment was not tracked, the time
	// is to come.
	Msg string
}

// Error names the segment, the time and why nothing is known.
func (e *HistoryError) Error() string {
	return fmt.Sprintf("segment: %q: members at %s are not known: %s", e.Segment, e.At.Format(time.RFC3339), e.Msg)
}

// MembersAt returns who was in a tracked segment at a time, as it was known then,
// after all changes of that moment. The index must be made with Options.History
// and the segment tracked at that time; otherwise it is a *HistoryError.
func (x *Index) MembersAt(name string, at time.Time) (*bitset.Set, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	at = x.moment(at)
	e, err := x.epochAt(name, at)
	if err != nil {
		return nil, err
	}
	return e.membersAt(at), nil
}

// MembersBetween compares a tracked segment at two times, as MembersAt knows
// them: who entered is in it at the later time only, who left at the earlier.
// Who came and went in between is in neither.
func (x *Index) MembersBetween(name string, from, to time.Time) (entered, left *bitset.Set, err error) {
	before, err := x.MembersAt(name, from)
	if err != nil {
		return nil, nil, err
	}
	after, err := x.MembersAt(name, to)
	if err != nil {
		return nil, nil, err
	}
	return bitset.Except(after, before), bitset.Except(before, after), nil
}

// Since tells since when and by which cause a customer has been in a tracked
// segment, or out of it, as things stood at a time: it returns the latest change
// up to then. It is false if nothing changed since the segment was tracked or
// since ForgetHistory's time. Errors are those of MembersAt, and an *UnknownError for the customer.
func (x *Index) Since(name, customer string, at time.Time) (MembershipChange, bool, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	at = x.moment(at)
	if _, err := x.epochAt(name, at); err != nil {
		return MembershipChange{}, false, err
	}
	id, ok := x.ids.Lookup(customer)
	if !ok {
		return MembershipChange{}, false, &UnknownError{Kind: "customer", Name: customer}
	}
	epochs := x.histories[name].epochs
	for i := len(epochs) - 1; i >= 0; i-- {
		e := &epochs[i]
		if e.from.After(at) {
			continue
		}
		if e.touched.Contains(id) {
			for j := len(e.changes) - 1; j >= 0; j-- {
				if c := &e.changes[j]; !c.at.After(at) && c.has(id) {
					return c.member(id, customer), true, nil
				}
			}
		}
		if e.fresh { // nobody looked before it
			break
		}
	}
	return MembershipChange{}, false, nil
}

// member returns the change as it concerns one of its customers.
func (c *change) member(id uint32, customer string) MembershipChange {
	m := MembershipChange{Seq: c.seq, Segment: c.segment, Customer: customer, ID: id, Entered: c.entered, At: c.at, Cause: c.cause}
	if c.ids != nil {
		m.Seq += uint64(c.ids.Rank(id) - 1)
	}
	return m
}

// ForgetHistory drops what is known about members before a time, to free memory.
func (x *Index) ForgetHistory(before time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	before = before.UTC()
	for name, h := range x.histories {
		h.forget(before)
		if len(h.epochs) == 0 {
			delete(x.histories, name)
		}
	}
}

// moment returns the time that is asked for; the zero time means now.
func (x *Index) moment(at time.Time) time.Time {
	if at.IsZero() {
		return x.clock
	}
	return at.UTC()
}

// epochAt returns the epoch that holds a time, or a *HistoryError that says why none does.
// Callers hold the lock.
func (x *Index) epochAt(name string, at time.Time) (*epoch, error) {
	name = fold.Compose(name)
	fail := func(msg string) error { return &HistoryError{Segment: name, At: at, Msg: msg} }
	switch {
	case !x.keep:
		return nil, fail("the index keeps no history")
	case at.After(x.clock):
		return nil, fail("the time is still to come")
	case x.histories[name] == nil:
		return nil, fail("the segment was not tracked")
	}
	epochs := x.histories[name].epochs
	for i := len(epochs) - 1; i >= 0; i-- {
		if e := &epochs[i]; !e.from.After(at) {
			if e.closed && e.until.Before(at) {
				break
			}
			return e, nil
		}
	}
	return nil, fail("the segment was not tracked")
}

// history is what happened to one tracked segment, in epochs: each begins with
// the members of then, which share their chunks with the living ones, and holds
// the changes since. A question about the past starts at its epoch.
type history struct {
	epochs []epoch
	budget int // changes that the present epoch may still take
}

// epoch is a stretch of the history of one segment: who was in it when it began, and what
// changed since.
type epoch struct {
	from    time.Time
	start   *bitset.Set
	changes []change
	touched *bitset.Set // customers in changes
	fresh   bool        // nothing is known about the time before it
	closed  bool        // the segment is not tracked after until
	until   time.Time
}

// remember begins the history of a segment that is tracked from now on.
func (x *Index) remember(t *tracked) {
	if !x.keep {
		return
	}
	if x.histories == nil {
		x.histories = make(map[string]*history)
	}
	h := x.histories[t.name]
	if h == nil {
		h = new(history)
		x.histories[t.name] = h
	}
	t.history = h
	h.open(x.clock, t.members, true)
}

// open begins an epoch. Its members share their chunks with the living ones until those
// change.
func (h *history) open(now time.Time, members *bitset.Set, fresh bool) {
	h.epochs = append(h.epochs, epoch{from: now, start: members.Clone(), touched: new(bitset.Set), fresh: fresh})
	// A new epoch costs up to a copy of the set; so much may be replayed instead.
	h.budget = max(256, members.Bytes()/64)
}

// close ends the present epoch: the segment is not kept up to date any more.
func (h *history) close(now time.Time) {
	e := &h.epochs[len(h.epochs)-1]
	e.closed, e.until = true, now
}

// add takes a change in that has just been applied to members.
func (h *history) add(members *bitset.Set, c change) {
	e := &h.epochs[len(h.epochs)-1]
	c.customer = "" // the dense id says who it was, as long as that may be known
	e.changes = append(e.changes, c)
	if c.ids == nil {
		e.touched.Add(c.id)
		h.budget--
	} else {
		e.touched = bitset.Union(e.touched, c.ids)
		h.budget -= 16 // sets are merged chunk by chunk
	}
	if h.budget < 0 {
		h.open(c.at, members, false)
	}
}

// membersAt replays the changes of the epoch up to a time, included. A budget bounds how
// many there are; see open.
func (e *epoch) membersAt(at time.Time) *bitset.Set {
	s := e.start.Clone()
	for i := range e.changes {
		c := &e.changes[i]
		switch {
		case c.at.After(at):
			return s
		case c.ids == nil && c.entered:
			s.Add(c.id)
		case c.ids == nil:
			s.Remove(c.id)
		case c.entered:
			s = bitset.Union(s, c.ids)
		default:
			s = bitset.Except(s, c.ids)
		}
	}
	return s
}

// forget makes the epoch that holds at the given time the first one, beginning then.
func (h *history) forget(before time.Time) {
	first := 0
	for i := range h.epochs {
		if e := &h.epochs[i]; !e.from.After(before) {
			first = i
		}
	}
	h.epochs = slices.Clone(h.epochs[first:])
	e := &h.epochs[0]
	if !e.from.Before(before) {
		e.fresh = true
		return
	}
	if e.closed && e.until.Before(before) {
		h.epochs = h.epochs[1:]
		return
	}
	e.start = e.membersAt(before)
	e.changes = slices.DeleteFunc(slices.Clone(e.changes), func(c change) bool { return !c.at.After(before) })
	e.touched = new(bitset.Set)
	for i := range e.changes {
		if c := &e.changes[i]; c.ids == nil {
			e.touched.Add(c.id)
		} else {
			e.touched = bitset.Union(e.touched, c.ids)
		}
	}
	e.from, e.fresh = before, true
}
