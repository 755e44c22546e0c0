package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/crm"
)

var machineTests = []test{
	{"Machine", "after any sequence of operations the store holds what a plain model does", testMachine},
}

// testMachine makes 100 operations on each of 100 stores (rapid's number of
// checks), a quarter of them under the race detector, which one goroutine shows nothing to, and
// one to five per transaction. Some transactions are rolled back, by
// an error of their own or because an operation was refused. Records are few,
// so that operations meet.
func testMachine(e *env) {
	operations, kinds, each := 0, e.kinds(), 100
	if raceEnabled {
		each = 25
	}
	rapid.Check(e.T, func(t *rapid.T) {
		m := &machine{T: t, ctx: e.ctx, store: e.open(e.T), kinds: kinds, model: newModel()}
		for m.done < each {
			m.transaction()
			if rapid.IntRange(0, 9).Draw(t, "compare") == 0 {
				m.compare()
			}
		}
		m.compare()
		operations += m.done
	})
	e.Logf("%d operations", operations)
}

// machine plays one store and one model.
type machine struct {
	*rapid.T
	ctx   context.Context
	store crm.Store
	kinds *crm.Kinds
	model *model
	done  int
}

// errRefused rolls back a transaction of which the model expected the refusal.
var errRefused = errors.New("an operation was refused, as it should")

// An operation is drawn before its transaction, so that the transaction may be
// run again; do draws nothing.
type operation struct {
	name string
	do   func(tx crm.Tx, next *model) error
}

// transaction plays one to five operations. The store may run the function again, so that the
// model is begun anew within it.
func (m *machine) transaction() {
	var ops []operation
	for range rapid.IntRange(1, 5).Draw(m.T, "size") {
		ops = append(ops, m.draw())
	}
	rollback := rapid.IntRange(0, 7).Draw(m.T, "rollback") == 0
	var next *model
	name := ""
	err := m.store.Update(m.ctx, func(tx crm.Tx) error {
		next = m.model.begin()
		for _, op := range ops {
			name = op.name
			if err := op.do(tx, next); err != nil {
				return err
			}
		}
		if rollback {
			return errMine
		}
		return nil
	})
	m.done += len(ops)
	switch {
	case errors.Is(err, errMine), errors.Is(err, errRefused):
	case err != nil:
		m.Fatalf("%s: %v", name, err)
	default:
		m.model = next
	}
}

// expect compares what a store made of a call with what it has to.
func expect(accepted bool, err error) error {
	switch {
	case accepted:
		return err
	case err == nil:
		return errors.New("the call should have been refused")
	case errors.Is(err, crm.ErrConflict), errors.Is(err, crm.ErrInvalid), errors.Is(err, crm.ErrExists), errors.Is(err, crm.ErrNotFound):
		return errRefused
	}
	return err
}

// int draws a number from 0 to n-1.
func (m *machine) int(n int, label string) int { return rapid.IntRange(0, n-1).Draw(m.T, label) }

// when draws one of five times, so that some are equal.
func (m *machine) when() time.Time {
	return start.Add(time.Duration(m.int(5, "when")) * time.Hour)
}

// rev returns what to add to a record's revision: mostly nothing.
func (m *machine) rev() int64 {
	return rapid.SampledFrom([]int64{0, 0, 0, 0, 0, 0, 0, -1, 1}).Draw(m.T, "rev")
}

// draw chooses the next operation; the more often one stands in the list, the more often it
// comes.
func (m *machine) draw() operation {
	return rapid.SampledFrom([]func() operation{
		m.arrive, m.arrive, m.putProfile, m.link, m.link, m.putFact, m.putFact, m.putFact, m.deleteFact,
		m.putAddress, m.putRef, m.deleteRef, m.putEffect, m.updateEffect, m.updateEffect, m.putDocument, m.setCursor,
	}).Draw(m.T, "operation")()
}

// people is how many customers there are: few, so that operations meet.
const people = 8

// arrive inserts a profile as a customer of its own, if it is not there.
func (m *machine) arrive() operation {
	n := m.int(people, "who")
	return operation{"arrive", func(tx crm.Tx, next *model) error {
		if next.profiles[key(n)] != nil {
			return nil
		}
		p := someone(n)
		next.putProfiles([]*crm.Profile{p})
		if err := tx.PutProfiles(m.ctx, p); err != nil {
			return err
		}
		next.profiles[key(n)].Rev = p.Rev
		l := newLink(n)
		return expect(next.appendLink(l), tx.AppendLinks(m.ctx, l))
	}}
}

// putProfile replaces two profiles, or one twice, which must be refused; now and then under a
// wrong revision.
func (m *machine) putProfile() operation {
	n, k, rev := m.int(people, "who"), m.int(people, "and"), m.rev()
	contact := crm.Contact{Address: phone(m.int(3, "phone")), Verified: true}
	return operation{"put profiles", func(tx crm.Tx, next *model) error {
		var ps []*crm.Profile
		for i, n := range []int{n, k} {
			p := someone(n)
			if old := next.profiles[key(n)]; old != nil {
				p = old.Clone()
			}
			p.Contacts = append(p.Contacts, contact)
			if i == 0 {
				p.Rev += rev
			}
			ps = append(ps, p)
		}
		ok := next.putProfiles(ps)
		err := tx.PutProfiles(m.ctx, ps...)
		if ok {
			for _, p := range ps {
				next.profiles[p.ProfileKey].Rev = p.Rev
			}
		}
		return expect(ok, err)
	}}
}

// link appends any decision, also one that must be refused.
func (m *machine) link() operation {
	n, to := m.int(people, "who"), m.int(people, "to")
	kind := rapid.SampledFrom([]crm.LinkKind{crm.LinkMatched, crm.LinkMatched, crm.LinkManual, crm.LinkSplit, crm.LinkApart, crm.LinkNotMe, crm.LinkNew}).Draw(m.T, "kind")
	return operation{"append link", func(tx crm.Tx, next *model) error {
		if _, ok := next.homes[customer(to)]; !ok && kind != crm.LinkNew {
			return nil // to where nobody ever was: not for a store to judge
		}
		l := everyLink(key(n), kind, customer(to))
		ok := next.appendLink(l)
		err := tx.AppendLinks(m.ctx, l)
		if ok && err == nil && l.Seq != int64(len(next.links[key(n)])) {
			return fmt.Errorf("seq is %d, want %d", l.Seq, len(next.links[key(n)]))
		}
		return expect(ok, err)
	}}
}

// drawFact makes one of few facts in one of few versions, so that versions tie.
func (m *machine) drawFact() *crm.Fact {
	n, id := m.int(people, "who"), fmt.Sprint(m.int(3, "id"))
	var f *crm.Fact
	switch m.int(4, "fact") {
	case 0:
		f = order(n, id)
		o := f.Data.(*crm.Order)
		o.Total.Amount = int64(m.int(3, "total"))
		f.Place = rapid.SampledFrom([]string{"", "kadıköy", "izmir"}).Draw(m.T, "place")
	case 1:
		f = note(crm.OfAddress(phone(n)), id, fmt.Sprint(m.int(3, "text")), 0)
	case 2:
		all := everyFact(m.kinds)
		f = all[m.int(len(all), "every")]
	default:
		f = note(crm.OfProfile(key(n)), id, fmt.Sprint(m.int(3, "text")), 0)
	}
	f.Version = int64(m.int(4, "version"))
	f.At = f.At.Add(time.Duration(m.int(2, "later")) * time.Hour)
	return f
}

// putFact puts up to three facts by either verb and compares what became of each.
func (m *machine) putFact() operation {
	fs := make([]*crm.Fact, 1+m.int(3, "facts"))
	for i := range fs {
		fs[i] = m.drawFact()
	}
	newest := m.int(3, "newest") == 0
	return operation{"put facts", func(tx crm.Tx, next *model) error {
		var want []crm.Put
		for _, f := range fs {
			put, err := next.putFact(f, newest)
			if err != nil {
				return err
			}
			want = append(want, put)
		}
		put := tx.PutFacts
		if newest {
			put = tx.PutNewest
		}
		got, err := put(m.ctx, fs...)
		if err == nil && !slices.Equal(got, want) {
			return fmt.Errorf("what became of facts is %v, want %v", got, want)
		}
		return err
	}}
}

// deleteFact removes two facts, which may be one, or not there.
func (m *machine) deleteFact() operation {
	a, b := m.drawFact().Ref(), m.drawFact().Ref()
	return operation{"delete facts", func(tx crm.Tx, next *model) error {
		next.deleteFact(a)
		next.deleteFact(b)
		return tx.DeleteFacts(m.ctx, a, b)
	}}
}

// putAddress locks an address and writes its next version, now and then a wrong one.
func (m *machine) putAddress() operation {
	a, rev, at := phone(m.int(people, "phone")), m.rev(), m.when()
	more := rapid.Bool().Draw(m.T, "more")
	return operation{"put address", func(tx crm.Tx, next *model) error {
		states, err := tx.LockAddresses(m.ctx, a)
		if err != nil {
			return err
		}
		s := states[0].Clone()
		s.Version += 1 + rev
		s.Consents = []crm.ConsentState{{Status: crm.Granted, At: at}}
		if s.Holds = nil; more {
			s.Holds = everyAddressState().Holds
		}
		ok := next.putAddress(s)
		return expect(ok, tx.PutAddresses(m.ctx, s))
	}}
}

// drawRef draws from few keys, subjects and orders, so that entries meet.
func (m *machine) drawRef() crm.Ref {
	return crm.Ref{
		Kind: rapid.SampledFrom([]crm.RefKind{crm.RefOrder, crm.RefPartial}).Draw(m.T, "index"), Key: fmt.Sprint(m.int(4, "key")),
		Subject: crm.OfProfile(key(m.int(people, "who"))), Target: rapid.SampledFrom([]string{"", "x", "y"}).Draw(m.T, "target"),
		Order: int64(m.int(3, "order")) - 1,
	}
}

func (m *machine) putRef() operation {
	rs := []crm.Ref{m.drawRef(), m.drawRef(), m.drawRef()}
	return operation{"put refs", func(tx crm.Tx, next *model) error {
		for _, r := range rs {
			next.refs[r] = true
		}
		return tx.PutRefs(m.ctx, rs...)
	}}
}

func (m *machine) deleteRef() operation {
	rs := []crm.Ref{m.drawRef(), m.drawRef()}
	return operation{"delete refs", func(tx crm.Tx, next *model) error {
		for _, r := range rs {
			delete(next.refs, r)
		}
		return tx.DeleteRefs(m.ctx, rs...)
	}}
}

// putEffect plans an effect that may be there already with another due time, which must stay.
func (m *machine) putEffect() operation {
	n, id, due := m.int(people, "who"), fmt.Sprint(m.int(4, "occurrence")), m.when()
	return operation{"put effects", func(tx crm.Tx, next *model) error {
		x := effect(n, id)
		x.Due = due
		isNew := next.effects[x.ID] == nil
		created, err := tx.PutEffects(m.ctx, x)
		if err != nil {
			return err
		}
		if len(created) != 1 || created[0] != isNew {
			return fmt.Errorf("created is %v, want %v", created, isNew)
		}
		if isNew {
			next.effects[x.ID] = x
		}
		return nil
	}}
}

// updateEffect moves an effect to any state; what follows what is for crm to say, not for a
// store.
func (m *machine) updateEffect() operation {
	n, id, rev, due := m.int(people, "who"), fmt.Sprint(m.int(4, "occurrence")), m.rev(), m.when()
	state := rapid.SampledFrom([]crm.EffectState{crm.Planned, crm.Sent, crm.Sent, crm.Unknown, crm.Done, crm.Cancelled}).Draw(m.T, "state")
	return operation{"update effects", func(tx crm.Tx, next *model) error {
		x, ok := effect(n, id), false
		if old := next.effects[x.ID]; old != nil {
			x, ok = old.Clone(), rev == 0
		}
		x.Rev += rev
		x.State, x.Due, x.Lease, x.Attempts = state, due, due.Add(time.Minute), x.Attempts+1
		x.Reasons = append(x.Reasons, crm.Reason{Guard: "consent", Pass: true})
		err := tx.UpdateEffects(m.ctx, x)
		if ok {
			next.effects[x.ID] = x
		}
		return expect(ok, err)
	}}
}

// putDocument inserts or replaces one of four documents, now and then under a wrong revision.
func (m *machine) putDocument() operation {
	id, rev, data := fmt.Sprint(m.int(4, "id")), m.rev(), fmt.Sprintf(`{"n":%d}`, m.int(4, "data"))
	return operation{"put documents", func(tx crm.Tx, next *model) error {
		d, was := &crm.Document{Kind: "k", ID: id, Data: []byte(data)}, int64(0)
		if old := next.documents[[2]string{"k", id}]; old != nil {
			was = old.Rev
		}
		d.Rev = was + rev
		err := tx.PutDocuments(m.ctx, d)
		if rev == 0 {
			next.documents[[2]string{"k", id}] = d
		}
		return expect(rev == 0, err)
	}}
}

// setCursor reads where a consumer is and moves it.
func (m *machine) setCursor() operation {
	name := fmt.Sprint("consumer ", m.int(2, "consumer"))
	var at crm.PartPositions
	at[m.int(crm.Parts, "part")] = uint64(1 + m.int(9, "n"))
	return operation{"set cursor", func(tx crm.Tx, next *model) error {
		was, err := tx.Cursor(m.ctx, name)
		if err != nil {
			return err
		}
		if was != next.cursors[name] {
			return fmt.Errorf("cursor is %q, want %q", was, next.cursors[name])
		}
		next.cursors[name] = at.Position()
		return tx.SetCursor(m.ctx, name, at.Position())
	}}
}
