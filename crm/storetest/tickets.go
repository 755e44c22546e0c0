package storetest

import (
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
