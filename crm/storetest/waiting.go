package storetest

import (
	"fmt"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

var waitingTests = []test{
	{"Records/AnyOrder", "a fact on a record waits until the record is there, in whatever order they come, and follows it", testRecordsAnyOrder},
	{"Records/Chain", "what hangs on a record that hangs on a record belongs to whom the last one belongs to", testRecordsChain},
	{"Records/Writers", "of those who deliver records and what hangs on them at once, none leaves a fact waiting for what is there", testRecordsWriters},
}

// about is a note on an order.
func about(number, id string) *crm.Fact {
	return note(crm.OfRecord(crm.FactKey{Kind: crm.KindOrder, Source: "till", ID: number}), id, "scratched", 1)
}

// waiting lists what waits, as texts.
func (e *env) waiting(svc *crm.Service, kinds ...crm.FactKind) (out []string) {
	e.Helper()
	for f, err := range svc.Waiting(e.ctx, kinds...) {
		require.NoError(e, err)
		out = append(out, f.Subject.Record+" "+f.Key.ID)
	}
	return out
}

// shown lists the keys of the facts in the timeline of a profile's customer.
func (e *env) shown(svc *crm.Service, k crm.ProfileKey) (out []string) {
	e.Helper()
	c, err := svc.CustomerOf(e.ctx, k)
	require.NoError(e, err)
	for event, err := range svc.Timeline(e.ctx, c.ID) {
		require.NoError(e, err)
		if event.Fact != nil {
			out = append(out, event.Fact.Key.String())
		}
	}
	return out
}

// take imports facts of which none may be rejected.
func (e *env) take(svc *crm.Service, facts ...*crm.Fact) crm.ImportReport {
	e.Helper()
	rep, err := svc.Import(e.ctx, crm.Batch{Facts: facts})
	require.NoError(e, err)
	require.Empty(e, rep.Rejected)
	return rep
}

// testRecordsAnyOrder delivers notes on orders before, with and after the orders, and then
// moves one.
func testRecordsAnyOrder(e *env) {
	svc := e.service()
	require.ErrorIs(e, svc.Record(e.ctx, about("1", "a")), crm.ErrNotFound, "what people enter about a mistyped number")
	// The record last.
	rep := e.take(svc, about("1", "a"), about("1", "b"), about("2", "c"))
	require.Equal(e, crm.ImportReport{Facts: 3, Waiting: 3}, rep)
	require.Equal(e, crm.ImportReport{Repeated: 1}, e.take(svc, about("1", "a")), "delivered again it is not counted again")
	require.Equal(e, []string{"order/till/1 a", "order/till/1 b", "order/till/2 c"}, e.waiting(svc))
	require.Empty(e, e.waiting(svc, crm.KindVisit))
	at := func(n int) (out []crm.Subject) {
		e.view(func(r crm.Reader) (err error) {
			out, err = crm.Owners(e.ctx, r, crm.OfRecord(crm.FactKey{Kind: crm.KindOrder, Source: "till", ID: fmt.Sprint(n)}), crm.OfAddress(phone(1)))
			return err
		})
		return out
	}
	require.Equal(e, []crm.Subject{{}, crm.OfAddress(phone(1))}, at(1))
	require.Equal(e, crm.ImportReport{Facts: 1, Attached: 2}, e.take(svc, order(1, "1")))
	require.Equal(e, crm.OfProfile(key(1)), at(1)[0])
	require.Equal(e, []string{"order/till/2 c"}, e.waiting(svc))
	require.ElementsMatch(e, []string{"note/desk/a", "note/desk/b", "order/till/1"}, e.shown(svc, key(1)))
	// The record first, and both at once.
	require.Equal(e, crm.ImportReport{Facts: 1}, e.take(svc, about("1", "d")))
	require.Equal(e, crm.ImportReport{Facts: 2}, e.take(svc, about("3", "e"), order(1, "3")))
	require.NoError(e, svc.Record(e.ctx, about("3", "f")))
	require.Equal(e, []string{"order/till/2 c"}, e.waiting(svc))
	require.ElementsMatch(e, []string{"note/desk/a", "note/desk/b", "note/desk/d", "note/desk/e", "note/desk/f", "order/till/1", "order/till/3"}, e.shown(svc, key(1)))
	// The record moves.
	moved := order(2, "1")
	moved.Version = 2
	require.Equal(e, crm.ImportReport{Facts: 1}, e.take(svc, moved))
	require.ElementsMatch(e, []string{"note/desk/e", "note/desk/f", "order/till/3"}, e.shown(svc, key(1)))
	require.ElementsMatch(e, []string{"note/desk/a", "note/desk/b", "note/desk/d", "order/till/1"}, e.shown(svc, key(2)))
	require.Equal(e, crm.OfProfile(key(2)), at(1)[0])
	e.requireConsistent()
}

// testRecordsChain also makes records hang on each other in a circle, which a search for the
// owner must leave.
func testRecordsChain(e *env) {
	svc := e.service()
	var far []*crm.Fact
	for i, on := range []crm.FactKey{{Kind: "x", Source: "a", ID: "1"}, {Kind: crm.KindNote, Source: "a", ID: "1"}} {
		far = append(far, note(crm.OfRecord(on), fmt.Sprint(i), "x", 1))
	}
	rep, err := svc.Import(e.ctx, crm.Batch{Facts: far})
	require.NoError(e, err)
	require.Len(e, rep.Rejected, len(far), "nothing hangs on what does not exist once in the world")
	require.ErrorContains(e, rep.Rejected[0].Err, "subject")
	// Ends however the records hang on each other.
	e.update(func(tx crm.Tx) error {
		a, b := orderKey(1), orderKey(2)
		return tx.PutAnchors(e.ctx, crm.FactRef{Subject: crm.OfRecord(b), Key: a}, crm.FactRef{Subject: crm.OfRecord(a), Key: b})
	})
	e.view(func(r crm.Reader) error {
		got, err := crm.Owners(e.ctx, r, crm.OfRecord(orderKey(1)), crm.OfProfile(key(1)))
		require.Equal(e, []crm.Subject{{}, crm.OfProfile(key(1))}, got)
		return err
	})
}

// Eight writers deliver the same orders and notes on them, each in an order of its
// own.
func testRecordsWriters(e *env) {
	const writers, orders = 8, 10
	svc := e.service()
	for round := range e.rounds(4) {
		number := func(n int) string { return fmt.Sprint("r", round, "-", n) }
		err := parallel(writers, func(w int) error {
			for i := range orders {
				n := (i*3 + w) % orders
				facts := []*crm.Fact{about(number(n), fmt.Sprint(number(n), "/", w)), about(number((n+1)%orders), fmt.Sprint(number(n), "+", w))}
				if w%2 == 0 {
					facts = []*crm.Fact{order(n, number(n)), order(n+1, number((n+1)%orders))}
					facts[0].Version, facts[1].Version = int64(w+1), int64(w+1)
				}
				if err := deliver(e.ctx, svc, crm.Batch{Facts: facts}); err != nil {
					return err
				}
			}
			return nil
		})
		require.NoError(e, err)
	}
	require.Empty(e, e.waiting(svc))
	seen := 0
	for n := range orders + 1 {
		for _, k := range e.shown(svc, key(n)) {
			if k[:5] == "note/" {
				seen++
			}
		}
	}
	require.Equal(e, e.rounds(4)*writers/2*orders*2, seen, "every note is in somebody's timeline, once")
	e.requireConsistent()
}
