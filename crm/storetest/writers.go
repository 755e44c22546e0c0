package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/audit"
)

var writerTests = []test{
	{"Writers/Merge", "a merger of A and B and one of B and C make one customer, whichever comes first", testMergeRace},
	{"Writers/Tickets", "of several who move one ticket each is in its log", testTicketRace},
	{"Writers/TicketFields", "whom a desk gave a ticket to, how urgent it is and how high it went stays, until the source knows later", testTicketFields},
	{"Writers/TicketStale", "a change that was decided on a ticket as it is no longer is told so, of several at once one counts", testTicketStale},
	{"Writers/TicketQueue", "open tickets are read by how urgent they are, all or of one assignee, whatever was done about them", testTicketQueue},
	{"Writers/Deliveries", "a delivery that reaches a customer elsewhere, or knew them earlier, and a desk that decides meanwhile, both count", testDeliveredMeanwhile},
	{"Writers/Log", "a later version of a ticket keeps what was noted about it at a desk", testDeskLog},
	{"Writers/TicketSource", "a ticket's source that delivers it again does not undo what a desk did", testTicketSource},
	{"Writers/TicketSourceRace", "nor when both write at once", testTicketSourceRace},
	{"Writers/Desk", "whatever several people do at once, the record does not contradict itself and no call is lost", testDesk},
	{"Writers/Lives", "importers that deliver lives in orders of their own, orders changing hands, end with one record", testLives},
}

// service returns the record on the store, with a clock that goes on.
func (e *env) service() *crm.Service {
	var n atomic.Int64
	return crm.New(e.store, crm.Config{Now: func() time.Time { return start.Add(time.Duration(n.Add(1)) * time.Millisecond) }, Kinds: e.opt.Kinds})
}

// rounds scales a test: VEFA_ROUNDS says how many rounds of races to play.
func (e *env) rounds(usual int) int {
	if n, err := strconv.Atoi(os.Getenv("VEFA_ROUNDS")); err == nil && n > 0 {
		return n
	}
	if testing.Short() {
		return max(1, usual/4)
	}
	return usual
}

// requireConsistent audits the record.
func (e *env) requireConsistent(why ...any) {
	e.Helper()
	e.view(func(r crm.Reader) error {
		rep, err := audit.Record(e.ctx, r)
		require.Empty(e, rep.Findings, why...)
		require.Zero(e, rep.Violations, why...)
		return err
	})
}

// writerKey names the profiles of a round, so that rounds do not meet.
func writerKey(round, i int) crm.ProfileKey {
	return crm.ProfileKey{Source: "till", ID: fmt.Sprintf("%d-%d", round, i)}
}

// shoppers imports people of a round, the first the earliest.
func (e *env) shoppers(svc *crm.Service, round, n int) (out []crm.ProfileKey) {
	e.Helper()
	var b crm.Batch
	for i := range n {
		k := writerKey(round, i)
		out = append(out, k)
		b.Profiles = append(b.Profiles, &crm.Profile{ProfileKey: k, Name: crm.Name{Given: "A", Family: fmt.Sprint("B", i%3)}, Since: start.Add(time.Duration(i) * time.Hour), At: start,
			Contacts: []crm.Contact{{Address: crm.Address{Channel: crm.Phone, Value: fmt.Sprintf("+90555%03d%04d", round%1000, i%5)}}}})
	}
	rep, err := svc.Import(e.ctx, b)
	require.NoError(e, err)
	require.Empty(e, rep.Rejected)
	return out
}

// patient runs a verb until no other is in its way: that is the caller's business
// where the service has given up.
func patient(verb func() error) error {
	for {
		err := verb()
		if !errors.Is(err, crm.ErrBusy) && !errors.Is(err, crm.ErrConflict) {
			return err
		}
	}
}

// Case A1: all mergers were accepted, so all five are one customer.
func testMergeRace(e *env) {
	svc := e.service()
	for round := range e.rounds(12) {
		k := e.shoppers(svc, round, 5)
		err := parallel(4, func(i int) error {
			return patient(func() error {
				_, err := svc.Merge(e.ctx, "desk", crm.Evidence{}, k[i], k[i+1])
				return err
			})
		})
		require.NoError(e, err)
		c, err := svc.CustomerOf(e.ctx, k[2])
		require.NoError(e, err)
		require.Len(e, c.Profiles, 5, "round %d", round)
	}
	e.requireConsistent()
}

// Case A1: a source delivers a new address of a customer, or that it knew one of
// the customer's profiles earlier, while a desk opens a ticket or merges a customer
// else into the customer. The address is silent and the merger stands.
func testDeliveredMeanwhile(e *env) {
	svc := e.service()
	for round := range e.rounds(30) {
		k := e.shoppers(svc, round, 3)
		_, err := svc.Merge(e.ctx, "desk", crm.Evidence{}, k[0], k[1])
		require.NoError(e, err)
		p := &crm.Profile{ProfileKey: k[1], Name: crm.Name{Given: "A"}, At: start.Add(time.Second), Since: start.Add(time.Hour),
			Contacts: []crm.Contact{{Address: crm.Address{Channel: crm.Phone, Value: fmt.Sprintf("+90555%03d%04d", round%1000, 1)}}}}
		if round%2 == 0 {
			p.Contacts = append(p.Contacts, crm.Contact{Address: crm.Address{Channel: crm.Phone, Value: fmt.Sprintf("+90558%07d", round)}})
		} else {
			p.Since = start.Add(-time.Hour)
		}
		verbs := []func() error{
			func() error { return deliver(e.ctx, svc, crm.Batch{Profiles: []*crm.Profile{p}}) },
			func() error {
				if round%2 == 0 {
					_, err := svc.OpenTicket(e.ctx, k[0], "desk", fmt.Sprint(round), crm.Ticket{Title: "strap"})
					return err
				}
				_, err := svc.Merge(e.ctx, "desk", crm.Evidence{}, k[0], k[2])
				return err
			},
		}
		require.NoError(e, parallel(len(verbs), func(i int) error { return patient(verbs[i]) }))
		if round%2 == 1 {
			c, err := svc.CustomerOf(e.ctx, k[0])
			require.NoError(e, err)
			require.Len(e, c.Profiles, 3, "round %d: the merger is lost", round)
		}
	}
	e.requireConsistent()
}

// Case A16: eight people, twenty calls each, one ticket.
func testTicketRace(e *env) {
	const people, calls = 8, 20
	svc := e.service()
	k := e.shoppers(svc, 0, 1)[0]
	ref, err := svc.OpenTicket(e.ctx, k, "desk", "1", crm.Ticket{Title: "broken strap"})
	require.NoError(e, err)
	states := []crm.TicketState{crm.TicketOpen, crm.TicketPending, crm.TicketSolved}
	err = parallel(people, func(i int) error {
		for n := range calls {
			if err := patient(func() error {
				return svc.SetTicket(e.ctx, ref, states[(i+n)%3], fmt.Sprint("p", i), fmt.Sprint(n))
			}); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(e, err)
	log := map[string]int{}
	for _, l := range e.fact(ref).Data.(*crm.Ticket).Log {
		log[l.Actor+" "+l.Note]++
	}
	require.Len(e, log, people*calls, "calls that returned nil are not in the log")
	for call, n := range log {
		require.Equal(e, 1, n, call)
	}
	e.requireConsistent()
}

// Case A16: the source of a ticket does not know what was noted at a desk. Its
// later versions keep it, also those that hang elsewhere, and do not double it.
func testDeskLog(e *env) {
	svc := e.service()
	k := e.shoppers(svc, 0, 2)
	said := crm.TicketLog{At: start.Add(-time.Hour), Actor: "agent", State: crm.TicketOpen, Note: "called"}
	version := func(n int64, on crm.ProfileKey, log ...crm.TicketLog) *crm.Fact {
		return &crm.Fact{Key: crm.FactKey{Kind: crm.KindTicket, Source: "cc", ID: "1"}, Subject: crm.OfProfile(on), At: start, Version: n,
			Data: &crm.Ticket{Title: "strap", State: crm.TicketOpen, Opened: start, Log: log}}
	}
	first := version(1, k[0], said)
	require.NoError(e, svc.Record(e.ctx, first))
	for _, note := range []string{"looked", "looked", "sent back"} {
		require.NoError(e, svc.SetTicket(e.ctx, first.Ref(), crm.TicketPending, "ayse", note))
	}
	desk := e.fact(first.Ref()).Data.(*crm.Ticket).Log[1:]
	require.Len(e, desk, 3)
	later := crm.TicketLog{At: start.AddDate(1, 0, 0), Actor: "agent", State: crm.TicketOpen, Note: "called again"}
	want := []crm.TicketLog{said, desk[0], desk[1], desk[2], later}
	for _, f := range []*crm.Fact{
		version(10, k[0], said, later), version(10, k[0], said, later), // twice
		version(11, k[1], said, later), // on another profile
		version(12, k[1], want...),     // the source took them over
	} {
		require.NoError(e, svc.Record(e.ctx, f))
		got := e.fact(f.Ref()).Data.(*crm.Ticket)
		require.Len(e, got.Log, len(want), "version %d", f.Version)
		for i, l := range got.Log {
			require.True(e, want[i].At.Equal(l.At), "version %d, entry %d", f.Version, i)
			l.At = want[i].At
			require.Equal(e, want[i], l, "version %d, entry %d", f.Version, i)
		}
	}
	e.requireConsistent()
}

// did is what the people of a round were told.
type did struct {
	mu    sync.Mutex
	links map[string][]crm.Link // decisions by operation
	order []string              // operations as they were answered
	log   map[crm.FactRef]map[string]bool
	open  []crm.FactRef
	notMe map[crm.ProfileKey]int
}

// Case A1: random mergers, splits, undos, not-mes, tickets and deliveries by
// eight writers.
func testDesk(e *env) {
	svc := e.service()
	for round := range e.rounds(6) {
		keys := e.shoppers(svc, round, 10)
		d := &did{links: map[string][]crm.Link{}, log: map[crm.FactRef]map[string]bool{}, notMe: map[crm.ProfileKey]int{}}
		err := parallel(8, func(w int) error {
			r := rand.New(rand.NewPCG(uint64(round), uint64(w)))
			for n := range 6 {
				call := fmt.Sprintf("%d.%d.%d", round, w, n)
				if err := patient(func() error { return d.act(e.ctx, svc, r, keys, call) }); err != nil {
					return fmt.Errorf("%s: %w", call, err)
				}
			}
			return nil
		})
		require.NoError(e, err)
		d.check(e, keys)
	}
	e.requireConsistent()
}

func (d *did) act(ctx context.Context, svc *crm.Service, r *rand.Rand, keys []crm.ProfileKey, call string) error {
	some := func() crm.ProfileKey { return keys[r.IntN(len(keys))] }
	keep := func(links []crm.Link, err error) error {
		d.mu.Lock()
		defer d.mu.Unlock()
		if err == nil && len(links) > 0 {
			d.links[links[0].Op] = links
			d.order = append(d.order, links[0].Op)
		}
		return err
	}
	switch r.IntN(9) {
	case 0, 1:
		return keep(svc.Merge(ctx, call, crm.Evidence{}, some(), some()))
	case 7:
		links, err := svc.KeepApart(ctx, call, crm.Evidence{}, some(), some())
		if errors.Is(err, crm.ErrStale) || errors.Is(err, crm.ErrInvalid) { // they are one
			return nil
		}
		return keep(links, err)
	case 2:
		return keep(svc.Split(ctx, call, crm.Evidence{}, some()))
	case 3:
		d.mu.Lock()
		var links []crm.Link
		if n := len(d.order); n > 0 {
			links = d.links[d.order[r.IntN(n)]]
		}
		d.mu.Unlock()
		if len(links) == 0 {
			return nil
		}
		return keep(svc.Undo(ctx, call, links...))
	case 4:
		k := some()
		say := svc.NotMe
		if r.IntN(3) == 0 {
			say = svc.TakeBackNotMe
		}
		n, err := say(ctx, k, crm.Address{Channel: crm.Phone, Value: fmt.Sprintf("+90555000%04d", r.IntN(5))}, call)
		if err == nil && n > 0 {
			d.mu.Lock()
			d.notMe[k] += n
			d.mu.Unlock()
		}
		return err
	case 5:
		ref, err := svc.OpenTicket(ctx, some(), "desk", call, crm.Ticket{Title: call})
		if err == nil {
			d.mu.Lock()
			d.open, d.log[ref] = append(d.open, ref), map[string]bool{}
			d.mu.Unlock()
		}
		return err
	case 6:
		d.mu.Lock()
		var ref crm.FactRef
		if n := len(d.open); n > 0 {
			ref = d.open[r.IntN(n)]
		}
		d.mu.Unlock()
		if ref.IsZero() {
			return nil
		}
		err := svc.SetTicket(ctx, ref, []crm.TicketState{crm.TicketPending, crm.TicketSolved}[r.IntN(2)], "desk", call)
		if err == nil {
			d.mu.Lock()
			d.log[ref][call] = true
			d.mu.Unlock()
		}
		return err
	}
	// The source says that it knew the party earlier, or reaches them elsewhere.
	p := &crm.Profile{ProfileKey: some(), Name: crm.Name{Given: "A", Family: call}, At: start.Add(time.Duration(r.IntN(1e6)) * time.Second), Since: start.AddDate(1, 0, 0)}
	if r.IntN(2) == 0 {
		p.Since = start.Add(-time.Duration(r.IntN(100)) * time.Hour)
	}
	for i := range r.IntN(3) {
		p.Contacts = append(p.Contacts, crm.Contact{Address: crm.Address{Channel: crm.Phone, Value: fmt.Sprintf("+90556%07d", i)}})
	}
	rep, err := svc.Import(ctx, crm.Batch{Profiles: []*crm.Profile{p}})
	if err == nil && len(rep.Rejected) > 0 {
		err = rep.Rejected[0].Err
	}
	return err
}

// check looks for what people were told in the record.
func (d *did) check(e *env, keys []crm.ProfileKey) {
	e.Helper()
	got := map[string][]crm.Link{}
	disowned := 0
	for _, k := range keys {
		for _, l := range e.links(k) {
			if l.Op != "" {
				got[l.Op] = append(got[l.Op], l)
			}
			if l.Kind == crm.LinkNotMe {
				disowned++
			}
		}
	}
	for op, links := range d.links {
		if links[0].Kind == crm.LinkApart {
			sides := map[crm.CustomerID]bool{}
			for _, l := range links {
				sides[l.Customer] = true
			}
			require.Len(e, sides, 2, "who is kept apart from whom")
			require.Len(e, links, links[0].OpLen)
		}
		same(e, links, got[op], "operation %s", op)
	}
	told := 0
	for _, n := range d.notMe {
		told += n
	}
	require.Equal(e, told, disowned, "not-me decisions")
	for ref, calls := range d.log {
		f := e.fact(ref)
		require.NotNil(e, f)
		notes := map[string]bool{}
		for _, l := range f.Data.(*crm.Ticket).Log {
			notes[l.Note] = true
		}
		require.Equal(e, calls, notes, "the log of ticket %s", ref.Key)
	}
}

// Case A4: lives are delivered by several importers at once, each in an order of
// its own; the newest version of an order decides whose it is.
func testLives(e *env) {
	const importers = 6
	lives := 200
	if testing.Short() || raceEnabled {
		lives = 40
	}
	var batches []crm.Batch
	for i := range lives {
		who := func(v int) crm.Subject { return crm.OfProfile(writerKey(0, (i*7+v*3)%lives)) }
		b := crm.Batch{Profiles: []*crm.Profile{{ProfileKey: writerKey(0, i), Name: crm.Name{Given: "A", Family: fmt.Sprint("B", i)}, At: start, Since: start.Add(time.Duration(i) * time.Minute),
			Contacts: []crm.Contact{{Address: crm.Address{Channel: crm.Phone, Value: fmt.Sprintf("+90557%07d", i)}}}}}}
		for v := range 3 { // each version on another profile
			id := fmt.Sprint("o", i)
			b.Facts = append(b.Facts,
				&crm.Fact{Key: crm.FactKey{Kind: crm.KindOrder, Source: "erp", ID: id}, Subject: who(v), At: start, Version: int64(v + 1), Data: &crm.Order{Number: id, Total: crm.Money{Amount: int64(100 + v), Currency: "TRY"}}},
				&crm.Fact{Key: crm.FactKey{Kind: crm.KindVisit, Source: "erp", ID: id}, Subject: who(v), At: start, Version: int64(v + 1), Data: &crm.Visit{Number: id, Service: "battery"}})
		}
		b.Facts = append(b.Facts, &crm.Fact{Key: crm.FactKey{Kind: crm.KindTicket, Source: "cc", ID: fmt.Sprint(i)}, Subject: who(i % 3), At: start, Version: int64(i%3 + 1),
			Data: &crm.Ticket{Title: "x", State: crm.TicketOpen, Opened: start}})
		batches = append(batches, b)
	}
	var first [32]byte
	for round := range e.rounds(2) {
		store := e.store
		if round > 0 {
			store = e.open(e.T)
		}
		svc := crm.New(store, crm.Config{Now: func() time.Time { return start }, ChunkSize: 20})
		err := parallel(importers, func(w int) error {
			r := rand.New(rand.NewPCG(uint64(round), uint64(w)))
			var all crm.Batch
			for _, i := range r.Perm(len(batches)) {
				all.Profiles = append(all.Profiles, batches[i].Profiles...)
				facts := batches[i].Facts
				for _, j := range r.Perm(len(facts)) {
					all.Facts = append(all.Facts, facts[j])
				}
				if all.Len() >= 40 || i == len(batches)-1 {
					if err := deliver(e.ctx, svc, all); err != nil {
						return err
					}
					all = crm.Batch{}
				}
			}
			return deliver(e.ctx, svc, all)
		})
		require.NoError(e, err)
		require.NoError(e, store.View(e.ctx, func(r crm.Reader) error {
			rep, err := audit.Record(e.ctx, r)
			require.Empty(e, rep.Findings)
			if err != nil {
				return err
			}
			d, err := crm.Digest(e.ctx, r, start)
			if round == 0 {
				first = d
			}
			require.Equal(e, first, d, "round %d ends with another record", round)
			return err
		}))
	}
}

func deliver(ctx context.Context, svc *crm.Service, b crm.Batch) error {
	return patient(func() error {
		rep, err := svc.Import(ctx, b)
		if err == nil && len(rep.Rejected) > 0 {
			return rep.Rejected[0].Err
		}
		return err
	})
}
