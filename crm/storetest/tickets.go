package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

// Case B1: what a desk did about a ticket stays when its source delivers it
// again, without a version, with the same one or with a later one, unless the
// source says when it knew something later.
func testTicketSource(e *env) {
	svc := e.service()
	k := e.shoppers(svc, 0, 1)[0]
	n := 0
	for _, version := range []func(i int) int64{
		func(int) int64 { return 0 },
		func(i int) int64 { return int64(i) },
		func(i int) int64 { return start.Add(time.Duration(i) * time.Hour).UnixMicro() },
	} {
		n++
		at := func(h int) time.Time { return start.Add(time.Duration(h) * 24 * time.Hour) }
		deliver := func(v int, t crm.Ticket) crm.ImportReport {
			t.Opened = start
			rep, err := svc.Import(e.ctx, crm.Batch{Facts: []*crm.Fact{{Key: crm.FactKey{Kind: crm.KindTicket, Source: "cc", ID: fmt.Sprint(n)},
				Subject: crm.OfProfile(k), At: start, Version: version(v), Data: &t}}})
			require.NoError(e, err)
			require.Empty(e, rep.Rejected)
			require.Empty(e, rep.Conflicting)
			return rep
		}
		ref := crm.FactRef{Subject: crm.OfProfile(k), Key: crm.FactKey{Kind: crm.KindTicket, Source: "cc", ID: fmt.Sprint(n)}}
		is := func(state crm.TicketState, title string, entries int, why string) *crm.Ticket {
			t := e.fact(ref).Data.(*crm.Ticket)
			require.Equal(e, state, t.State, why)
			require.Equal(e, title, t.Title, why)
			require.Len(e, t.Log, entries, why)
			require.Equal(e, state == crm.TicketSolved, !t.Solved.IsZero(), why)
			return t
		}
		one := crm.Ticket{Title: "one", State: crm.TicketOpen}
		deliver(1, one)
		require.NoError(e, svc.SetTicket(e.ctx, ref, crm.TicketSolved, "desk", "a"))
		solved := is(crm.TicketSolved, "one", 1, "solved at the desk").Solved
		require.Equal(e, crm.ImportReport{Repeated: 1}, deliver(1, one), "the same delivery again")
		is(crm.TicketSolved, "one", 1, "delivered again")
		deliver(2, crm.Ticket{Title: "two", State: crm.TicketPending})
		require.Equal(e, solved, is(crm.TicketSolved, "two", 1, "a later version that does not say when").Solved)
		deliver(3, crm.Ticket{Title: "three", State: crm.TicketOpen, Log: []crm.TicketLog{{At: start, Actor: "cc", State: crm.TicketOpen}}})
		is(crm.TicketSolved, "three", 2, "what the source knew before")
		four := crm.Ticket{Title: "four", State: crm.TicketOpen, Log: []crm.TicketLog{{At: at(1), Actor: "cc", State: crm.TicketOpen, Note: "called again"}}}
		deliver(4, four)
		is(crm.TicketOpen, "four", 2, "the source reopens it later")
		require.Equal(e, crm.ImportReport{Repeated: 1}, deliver(4, four))
		// The service's clock is behind the source's.
		require.NoError(e, svc.SetTicket(e.ctx, ref, crm.TicketSolved, "desk", "b"))
		is(crm.TicketSolved, "four", 3, "the desk comes after what it saw")
		deliver(5, four)
		is(crm.TicketSolved, "four", 3, "delivered again after the desk")
		require.NoError(e, svc.SetTicket(e.ctx, ref, crm.TicketPending, "desk", "c"))
		deliver(6, crm.Ticket{Title: "six", State: crm.TicketSolved, Solved: start.Add(time.Minute)})
		is(crm.TicketPending, "six", 3, "solved before the desk looked")
		seven := crm.Ticket{Title: "seven", State: crm.TicketSolved, Solved: at(2)}
		deliver(7, seven)
		last := is(crm.TicketSolved, "seven", 4, "solved by the source later").Log[3]
		require.Equal(e, crm.TicketLog{At: at(2), Actor: "cc", State: crm.TicketSolved}, last, "the log says so")
		require.Equal(e, crm.ImportReport{Repeated: 1}, deliver(7, seven))
	}
	e.requireConsistent()
}

// Case B1: eight writers, half of them a source that says "open", and a desk that
// solves the ticket; nothing that the source says undoes what the desk did.
func testTicketSourceRace(e *env) {
	const writers, calls = 8, 10
	svc := e.service()
	k := e.shoppers(svc, 0, 1)[0]
	open := func(w, n int) crm.Batch {
		return crm.Batch{Facts: []*crm.Fact{{Key: crm.FactKey{Kind: crm.KindTicket, Source: "cc", ID: "1"}, Subject: crm.OfProfile(k), At: start,
			Version: int64(w%2) * int64(n+1), Data: &crm.Ticket{Title: fmt.Sprint(w, n), State: crm.TicketOpen, Opened: start}}}}
	}
	require.NoError(e, deliver(e.ctx, svc, open(0, 0)))
	ref := open(0, 0).Facts[0].Ref()
	require.NoError(e, svc.SetTicket(e.ctx, ref, crm.TicketSolved, "desk", "first"))
	err := parallel(writers, func(w int) error {
		for n := range calls {
			if w < writers/2 {
				if err := deliver(e.ctx, svc, open(w, n)); err != nil {
					return err
				}
				if state := e.fact(ref).Data.(*crm.Ticket).State; state != crm.TicketSolved {
					return fmt.Errorf("a delivery made the ticket %s", state)
				}
			} else if err := patient(func() error {
				return svc.SetTicket(e.ctx, ref, crm.TicketSolved, "desk", fmt.Sprint(w, n))
			}); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(e, err)
	t := e.fact(ref).Data.(*crm.Ticket)
	require.Equal(e, crm.TicketSolved, t.State)
	require.Len(e, t.Log, 1+writers/2*calls, "the log has every call of the desk")
	e.requireConsistent()
}

// Case A16: an assignee, a priority and an escalation are no last writer's: a delivery
// that knows nothing of them leaves them.
func testTicketFields(e *env) {
	svc := e.service()
	k := e.shoppers(svc, 0, 1)[0]
	version := int64(0)
	deliver := func(t crm.Ticket) {
		version++
		t.State, t.Opened = crm.TicketOpen, start
		f := &crm.Fact{Key: crm.FactKey{Kind: crm.KindTicket, Source: "cc", ID: "1"}, Subject: crm.OfProfile(k), At: start, Version: version, Data: &t}
		rep, err := svc.Import(e.ctx, crm.Batch{Facts: []*crm.Fact{f}})
		require.NoError(e, err)
		require.Empty(e, rep.Rejected)
	}
	ref := crm.FactRef{Subject: crm.OfProfile(k), Key: crm.FactKey{Kind: crm.KindTicket, Source: "cc", ID: "1"}}
	is := func(assignee string, priority, level int, why string) {
		e.Helper()
		t := e.fact(ref).Data.(*crm.Ticket)
		require.Equal(e, []any{assignee, priority, level}, []any{t.Assignee, t.Priority, t.Level}, why)
	}
	change := func(c crm.TicketChange) *crm.Ticket {
		e.Helper()
		c.Actor = "desk"
		t, err := svc.ChangeTicket(e.ctx, ref, c)
		require.NoError(e, err)
		require.Equal(e, e.fact(ref).Data.(*crm.Ticket).Mark(), t.Mark())
		return t
	}
	deliver(crm.Ticket{Assignee: "ali", Priority: 1})
	is("ali", 1, 0, "what the source says")
	name := "ayşe"
	t := change(crm.TicketChange{Assignee: &name, Note: "she knows straps"})
	name = "changed by the caller"
	require.Equal(e, crm.TicketOpen, t.State, "the state stays")
	require.Equal(e, "ayşe", *t.Log[0].Assignee)
	require.Nil(e, t.Log[0].Priority)
	is("ayşe", 1, 0, "assigned at the desk")
	deliver(crm.Ticket{Assignee: "ali", Priority: 2})
	is("ayşe", 2, 0, "the desk did not say how urgent it is")
	change(crm.TicketChange{Level: new(1), Priority: new(9), Note: "no answer for a day"})
	change(crm.TicketChange{State: crm.TicketPending})
	deliver(crm.Ticket{Assignee: "ali", Priority: 3})
	is("ayşe", 9, 1, "the last entry that set it counts")
	require.Equal(e, crm.TicketPending, e.fact(ref).Data.(*crm.Ticket).State)
	change(crm.TicketChange{Assignee: new("")})
	deliver(crm.Ticket{Assignee: "ali"})
	is("", 9, 1, "nobody is somebody, too")
	later := []crm.TicketLog{{At: start.AddDate(1, 0, 0), Actor: "cc", State: crm.TicketOpen}}
	wrote := []crm.FactRef{{Subject: crm.OfProfile(k), Key: crm.FactKey{Kind: crm.KindInteraction, Source: "in", ID: "1"}}, {Subject: crm.OfProfile(k), Key: crm.FactKey{Kind: crm.KindInteraction, Source: "in", ID: "2"}}}
	change(crm.TicketChange{Related: wrote[:1]})
	deliver(crm.Ticket{Related: wrote[1:]})
	change(crm.TicketChange{Related: wrote})
	require.ElementsMatch(e, wrote, e.fact(ref).Data.(*crm.Ticket).Related, "each once")
	deliver(crm.Ticket{Assignee: "veli", Level: 2, Log: later})
	is("veli", 0, 2, "the source knows later")
	require.ElementsMatch(e, wrote, e.fact(ref).Data.(*crm.Ticket).Related, "what was related stays so")
	change(crm.TicketChange{Priority: new(5)})
	deliver(crm.Ticket{Assignee: "veli", Level: 2, Log: later})
	is("veli", 5, 2, "and the desk again")
	require.Len(e, e.fact(ref).Data.(*crm.Ticket).Log, 8)
	_, err := svc.ChangeTicket(e.ctx, ref, crm.TicketChange{Actor: "desk", Priority: new(10)})
	require.ErrorIs(e, err, crm.ErrInvalid)
	_, err = svc.ChangeTicket(e.ctx, ref, crm.TicketChange{Actor: "desk", State: "closed"})
	require.ErrorIs(e, err, crm.ErrInvalid)
	require.ErrorIs(e, svc.SetTicket(e.ctx, ref, "", "desk", ""), crm.ErrInvalid)
	_, err = svc.ChangeTicket(e.ctx, ref, crm.TicketChange{Priority: new(1)})
	require.ErrorIs(e, err, crm.ErrInvalid, "nobody did it")
	_, err = svc.ChangeTicket(e.ctx, crm.FactRef{Key: crm.FactKey{Kind: crm.KindTicket, Source: "cc", ID: "2"}}, crm.TicketChange{Actor: "desk"})
	require.ErrorIs(e, err, crm.ErrNotFound)
	require.Len(e, e.fact(ref).Data.(*crm.Ticket).Log, 8, "what was refused is not in the log")
	e.requireConsistent()
}

// Case A16: eight people who escalate a ticket that they saw, and only that one.
func testTicketStale(e *env) {
	const people, rounds = 8, 9
	svc := e.service()
	k := e.shoppers(svc, 0, 1)[0]
	ref, err := svc.OpenTicket(e.ctx, k, "desk", "1", crm.Ticket{Title: "strap"})
	require.NoError(e, err)
	seen := e.fact(ref).Data.(*crm.Ticket)
	_, err = svc.ChangeTicket(e.ctx, ref, crm.TicketChange{Seen: seen.Mark(), Actor: "a", Note: "first"})
	require.NoError(e, err)
	_, err = svc.ChangeTicket(e.ctx, ref, crm.TicketChange{Seen: seen.Mark(), Actor: "b", Note: "second"})
	require.ErrorIs(e, err, crm.ErrStale)
	require.NotErrorIs(e, err, crm.ErrConflict, "it is not tried again")
	require.Len(e, e.fact(ref).Data.(*crm.Ticket).Log, 1)
	won, lost := [people]int{}, [people]int{}
	err = parallel(people, func(i int) error {
		for {
			t := e.fact(ref).Data.(*crm.Ticket)
			if t.Level == rounds {
				return nil
			}
			err := patient(func() error {
				_, err := svc.ChangeTicket(e.ctx, ref, crm.TicketChange{Seen: t.Mark(), Level: new(t.Level + 1), Actor: fmt.Sprint(i)})
				return err
			})
			switch {
			case errors.Is(err, crm.ErrStale):
				lost[i]++
			case err != nil:
				return err
			default:
				won[i]++
			}
		}
	})
	require.NoError(e, err)
	t := e.fact(ref).Data.(*crm.Ticket)
	require.Len(e, t.Log, 1+rounds, "each level was reached by one call: %v, %v were told", won, lost)
	for n, l := range t.Log[1:] {
		require.Equal(e, n+1, *l.Level)
	}
	for i, n := range won {
		for _, l := range t.Log[1:] {
			if l.Actor == fmt.Sprint(i) {
				n--
			}
		}
		require.Zero(e, n, "calls of %d", i)
	}
	e.requireConsistent()
}

// Open tickets are read in their order, whatever is done about them.
func testTicketQueue(e *env) {
	svc := e.service()
	people := e.shoppers(svc, 0, 4)
	var open []string
	list := func(q crm.TicketQuery) (ids []string) {
		e.Helper()
		for f, err := range svc.OpenTickets(e.ctx, q) {
			require.NoError(e, err)
			require.True(e, f.Data.(*crm.Ticket).Unsolved())
			ids = append(ids, f.Key.ID)
		}
		return ids
	}
	refs := map[string]crm.FactRef{}
	for i := range 12 {
		id := fmt.Sprint(i)
		t := crm.Ticket{Title: "strap", Opened: start.Add(-time.Duration(i) * time.Hour), Priority: i % 3}
		if i%2 == 0 {
			t.Assignee = "ayşe"
		}
		ref, err := svc.OpenTicket(e.ctx, people[i%4], "desk", id, t)
		require.NoError(e, err)
		refs[id] = ref
	}
	open = []string{"11", "8", "5", "2", "10", "7", "4", "1", "9", "6", "3", "0"}
	require.Equal(e, open, list(crm.TicketQuery{}), "the most urgent first, of those the oldest")
	require.Equal(e, []string{"8", "2", "10", "4", "6", "0"}, list(crm.TicketQuery{Assignee: new("ayşe")}))
	require.Equal(e, []string{"11", "5", "7", "1", "9", "3"}, list(crm.TicketQuery{Assignee: new("")}))
	require.Equal(e, []string{"7", "4", "1", "9", "6", "3", "0"}, list(crm.TicketQuery{After: e.fact(refs["10"])}))
	change := func(id string, c crm.TicketChange) {
		e.Helper()
		c.Actor = "desk"
		_, err := svc.ChangeTicket(e.ctx, refs[id], c)
		require.NoError(e, err)
	}
	change("11", crm.TicketChange{State: crm.TicketSolved})
	change("8", crm.TicketChange{Assignee: new("ali"), State: crm.TicketPending})
	change("0", crm.TicketChange{Priority: new(9)})
	require.Equal(e, []string{"0", "8", "5", "2", "10", "7", "4", "1", "9", "6", "3"}, list(crm.TicketQuery{}))
	require.Equal(e, []string{"0", "2", "10", "4", "6"}, list(crm.TicketQuery{Assignee: new("ayşe")}))
	require.Equal(e, []string{"8"}, list(crm.TicketQuery{Assignee: new("ali")}))
	change("11", crm.TicketChange{State: crm.TicketOpen})
	require.Equal(e, "11", list(crm.TicketQuery{})[2-1], "reopened")
	// A source that delivers its own again: solved, with another assignee, on another profile.
	deliver := func(version int64, k crm.ProfileKey, t crm.Ticket) {
		e.Helper()
		t.Title, t.Opened = "cc", start
		rep, err := svc.Import(e.ctx, crm.Batch{Facts: []*crm.Fact{{Key: crm.FactKey{Kind: crm.KindTicket, Source: "cc", ID: "x"}, Subject: crm.OfProfile(k), At: start, Version: version, Data: &t}}})
		require.NoError(e, err)
		require.Empty(e, rep.Rejected)
	}
	of := func(who string) []string { return list(crm.TicketQuery{Assignee: &who}) }
	deliver(1, people[0], crm.Ticket{State: crm.TicketOpen, Assignee: "veli"})
	require.Equal(e, []string{"x"}, of("veli"))
	deliver(2, people[0], crm.Ticket{State: crm.TicketOpen, Assignee: "can", Priority: 1})
	require.Empty(e, of("veli"))
	require.Equal(e, []string{"x"}, of("can"))
	deliver(3, people[1], crm.Ticket{State: crm.TicketOpen, Assignee: "cem"})
	require.Empty(e, of("can"))
	require.Equal(e, []string{"x"}, of("cem"))
	deliver(4, people[1], crm.Ticket{State: crm.TicketSolved, Assignee: "cem"})
	require.Empty(e, of("cem"))
	require.NotContains(e, list(crm.TicketQuery{}), "x")
	deliver(3, people[1], crm.Ticket{State: crm.TicketOpen, Assignee: "late"})
	require.Empty(e, of("late"), "an older version")
	e.requireConsistent()
}
