package crm

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// addressFacts writes ledger entries about addresses, each once and sorted, which
// have no guard: under each address's lock, with the version of the address that
// the entry makes.
func (w *writer) addressFacts(facts []*Fact) error {
	if len(facts) == 0 {
		return nil
	}
	var addrs []Address
	for _, f := range facts { // sorted
		if n := len(addrs); n == 0 || addrs[n-1] != f.Subject.Address {
			addrs = append(addrs, f.Subject.Address)
		}
	}
	states, err := w.lock(addrs)
	if err != nil {
		return err
	}
	// About an address of version 0 nothing was ever said.
	unknown := make(map[Address]bool)
	var refs []FactRef
	for _, a := range addrs {
		unknown[a] = states[a].Version == 0
	}
	for _, f := range facts {
		if !unknown[f.Subject.Address] {
			refs = append(refs, f.Ref())
		}
	}
	olds, err := w.tx.Facts(w.ctx, refs...)
	if err != nil {
		return err
	}
	have := make(map[FactRef]*Fact, len(facts))
	for i, old := range olds {
		if old != nil {
			have[refs[i]] = old
		}
	}
	var puts []*Fact
	var gone []FactRef
	var dirty []Subject
	for _, f := range facts {
		if old := have[f.Ref()]; old != nil {
			was := unguarded(old)
			won, err := w.pick(was, f, true)
			if err != nil {
				return err
			}
			if won == was {
				continue
			}
			gone = append(gone, f.Ref())
		}
		st := states[f.Subject.Address]
		if len(dirty) == 0 || dirty[len(dirty)-1] != f.Subject { // facts are sorted
			dirty = append(dirty, f.Subject)
			st.Version++
		}
		f = guarded(f, st.Version)
		if f.Version == 0 {
			f.Version = clockVersion(f)
		}
		puts = append(puts, f)
		w.rep.Facts++
	}
	if err := w.tx.DeleteFacts(w.ctx, gone...); err != nil {
		return err
	}
	if _, err := w.tx.PutFacts(w.ctx, puts...); err != nil {
		return err
	}
	var ledgers []Subject
	for _, d := range dirty {
		if !unknown[d.Address] {
			ledgers = append(ledgers, d)
		}
	}
	var said []*Fact
	for _, f := range puts {
		if unknown[f.Subject.Address] {
			said = append(said, f)
		}
	}
	if err := w.refold(dirty, ledgers, said, states); err != nil {
		return err
	}
	out := make([]*AddressState, len(dirty))
	for i, d := range dirty {
		out[i] = states[d.Address]
	}
	return w.tx.PutAddresses(w.ctx, out...)
}

// refold computes consents and suppressions of addresses: from the ledgers of
// some, and of the others from the facts said, which are all that there are.
func (w *writer) refold(dirty, ledgers []Subject, said []*Fact, states map[Address]*AddressState) error {
	if len(dirty) == 0 {
		return nil
	}
	type key struct {
		addr   Address
		reason string
	}
	stop := map[key]*Fact{}
	for _, d := range dirty {
		states[d.Address].Consents, states[d.Address].Suppressed = nil, nil
	}
	fold := func(f *Fact) {
		if c, ok := f.Data.(*Consent); ok {
			states[f.Subject.Address].foldConsent(c, f.At)
			return
		}
		k := key{f.Subject.Address, f.Data.(*Suppression).Reason}
		// At the same time the stricter one counts.
		if was := stop[k]; was == nil || f.At.After(was.At) || (f.At.Equal(was.At) && was.Data.(*Suppression).Off) {
			stop[k] = f
		}
	}
	for _, f := range said {
		fold(f)
	}
	if len(ledgers) > 0 {
		for f, err := range FactsOf(w.ctx, w.tx, ledgers, w.s.kinds.names(func(k *Kind) bool { return k.ledger })...) {
			if err != nil {
				return err
			}
			fold(f)
		}
	}
	for k, f := range stop {
		if !f.Data.(*Suppression).Off {
			states[k.addr].Suppressed = append(states[k.addr].Suppressed, k.reason)
		}
	}
	for _, d := range dirty {
		slices.Sort(states[d.Address].Suppressed)
	}
	return nil
}

// lock locks those addresses that this transaction has not locked yet and returns
// all that are locked, as they are with what it wrote. All that a transaction
// needs are locked in one call: two that lock one after the other could wait for
// each other.
func (w *writer) lock(addrs []Address) (map[Address]*AddressState, error) {
	ask := make([]Address, 0, len(addrs))
	for _, a := range addrs {
		if w.states[a] == nil {
			ask = append(ask, a)
		}
	}
	if len(ask) == 0 {
		return w.states, nil
	}
	got, err := w.tx.LockAddresses(w.ctx, ask...)
	if err != nil {
		return nil, err
	}
	if w.states == nil {
		w.states = make(map[Address]*AddressState, len(got))
	}
	for _, st := range got {
		w.states[st.Address] = st.Clone()
	}
	return w.states, nil
}

// ledgerData is the content of the kinds of the ledger.
type ledgerData interface{ guardedBy(version int64) FactData }

func (c Consent) guardedBy(version int64) FactData {
	c.Guard = version
	return &c
}

func (s Suppression) guardedBy(version int64) FactData {
	s.Guard = version
	return &s
}

func guarded(f *Fact, version int64) *Fact {
	c := *f
	c.Data = f.Data.(ledgerData).guardedBy(version)
	return &c
}

func unguarded(f *Fact) *Fact { return guarded(f, 0) }

// refHold finds the addresses that a ticket silences.
const refHold RefKind = "hold"

// settleHolds lays and lifts the holds that unsolved tickets demand: every
// address of the customer whom the ticket is about is held, no other is.
func (w *writer) settleHolds() error {
	m, err := w.planHolds()
	if err != nil {
		return err
	}
	return w.moveHolds(m)
}

// holdMoves says which holds are to be laid and to be lifted.
type holdMoves struct {
	addrs  []Address // sorted
	moves  map[Address][]holdMove
	placed map[holdAt]string // the ids of the holds that there are
}

type holdMove struct {
	ticket FactRef
	lay    bool
}

type holdAt struct {
	ticket FactRef
	addr   Address
}

// planHolds finds out which holds are to be moved, from what is read under the
// customers' locks. All touched customers are locked: opening a ticket, moving a
// profile and changing an address lock the customers concerned before they read,
// and lockCustomers starts again where a profile has moved meanwhile. So of two
// that do so at once the second sees what the first did. The suite of the stores
// checks it with package interleave.
func (w *writer) planHolds() (*holdMoves, error) {
	if len(w.touched) == 0 && len(w.lapsed) == 0 {
		return &holdMoves{}, nil
	}
	ids := make([]CustomerID, 0, len(w.touched))
	for id := range w.touched {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	members, err := w.tx.Members(w.ctx, ids...)
	if err != nil {
		return nil, err
	}
	var subjects []Subject
	for _, m := range members {
		for _, k := range m {
			subjects = append(subjects, OfProfile(k))
		}
	}
	want := map[FactRef][]Address{} // unsolved ticket → addresses to hold
	byProfile := map[ProfileKey][]FactRef{}
	if len(subjects) > 0 {
		for f, err := range FactsOf(w.ctx, w.tx, subjects, KindTicket) {
			if err != nil {
				return nil, err
			}
			if f.Data.(*Ticket).Unsolved() {
				want[f.Ref()] = nil
				byProfile[f.Subject.Profile] = append(byProfile[f.Subject.Profile], f.Ref())
			}
		}
	}
	for _, ref := range w.lapsed {
		if want[ref] == nil {
			want[ref] = nil
		}
	}
	if len(want) == 0 {
		return &holdMoves{}, nil
	}
	for _, m := range members {
		var tickets []FactRef
		for _, k := range m {
			tickets = append(tickets, byProfile[k]...)
		}
		if len(tickets) == 0 {
			continue
		}
		profiles, err := w.tx.Profiles(w.ctx, m...)
		if err != nil {
			return nil, err
		}
		addrs := addressesOf(profiles)
		for _, t := range tickets {
			want[t] = addrs
		}
	}
	return w.movesTo(want)
}

// addressesOf returns all addresses by which profiles can be reached, sorted.
func addressesOf(profiles []*Profile) []Address {
	var out []Address
	for _, p := range profiles {
		for _, c := range p.Contacts {
			if !c.Masked && !slices.Contains(p.Disowned, c.Address) {
				out = append(out, c.Address)
			}
		}
	}
	slices.SortFunc(out, Address.Compare)
	return slices.Compact(out)
}

func ticketKey(t FactRef) string { return RefKey(t.Subject.String() + " " + t.Key.String()) }

// movesTo compares the addresses that tickets should hold with those that they do.
func (w *writer) movesTo(want map[FactRef][]Address) (*holdMoves, error) {
	tickets := make([]FactRef, 0, len(want))
	for t := range want {
		tickets = append(tickets, t)
	}
	slices.SortFunc(tickets, FactRef.Compare)
	keys := make([]string, len(tickets))
	for i, t := range tickets {
		keys[i] = ticketKey(t)
	}
	have, err := w.tx.Refs(w.ctx, refHold, math.MaxInt32, keys...)
	if err != nil {
		return nil, err
	}
	out := &holdMoves{moves: map[Address][]holdMove{}, placed: map[holdAt]string{}}
	for i, t := range tickets {
		held := map[Address]bool{}
		for _, r := range have[i] {
			a := r.Subject.Address
			held[a] = true
			out.placed[holdAt{t, a}] = r.Target
			if _, ok := slices.BinarySearchFunc(want[t], a, Address.Compare); !ok {
				out.moves[a] = append(out.moves[a], holdMove{t, false})
			}
		}
		for _, a := range want[t] {
			if !held[a] {
				out.moves[a] = append(out.moves[a], holdMove{t, true})
			}
		}
	}
	for a := range out.moves {
		out.addrs = append(out.addrs, a)
	}
	slices.SortFunc(out.addrs, Address.Compare)
	return out, nil
}

// moveHolds locks the addresses whose holds move and moves them.
func (w *writer) moveHolds(m *holdMoves) error {
	if len(m.addrs) == 0 {
		return nil
	}
	states, err := w.lock(m.addrs)
	if err != nil {
		return err
	}
	var puts []*AddressState
	var facts []*Fact
	var lifts []FactRef
	var versions []int64
	var add, del []Ref
	for _, a := range m.addrs {
		st := states[a]
		st.Version++
		for _, move := range m.moves[a] {
			i, found := slices.BinarySearchFunc(st.Holds, move.ticket, FactRef.Compare)
			if move.lay {
				if !found {
					st.Holds = slices.Insert(st.Holds, i, move.ticket)
				}
				h := w.hold(a, w.now, &Hold{Ticket: move.ticket, Placed: st.Version})
				facts = append(facts, h)
				add = append(add, Ref{refHold, ticketKey(move.ticket), OfAddress(a), h.Key.ID, 0})
				continue
			}
			if found {
				st.Holds = slices.Delete(st.Holds, i, i+1)
			}
			id := m.placed[holdAt{move.ticket, a}]
			del = append(del, Ref{refHold, ticketKey(move.ticket), OfAddress(a), id, 0})
			lifts = append(lifts, FactRef{OfAddress(a), FactKey{KindHold, "crm", id}})
			versions = append(versions, st.Version)
		}
		puts = append(puts, st)
	}
	lifted, err := w.lift(lifts, versions)
	if err != nil {
		return err
	}
	facts = append(facts, lifted...)
	if err := w.tx.PutAddresses(w.ctx, puts...); err != nil {
		return err
	}
	if _, err := w.tx.PutFacts(w.ctx, facts...); err != nil {
		return err
	}
	if err := w.tx.DeleteRefs(w.ctx, del...); err != nil {
		return err
	}
	return w.tx.PutRefs(w.ctx, add...)
}

// hold is the fact of a hold that was placed at a time.
func (w *writer) hold(a Address, at time.Time, h *Hold) *Fact {
	version := h.Placed
	if h.Lifted > 0 {
		version = h.Lifted
	}
	return &Fact{
		Key:     FactKey{KindHold, "crm", fmt.Sprintf("%016x-%d", uint64(ContentHash([]byte(ticketKey(h.Ticket)))), h.Placed)},
		Subject: OfAddress(a), At: at, Version: version, Recorded: w.now, Data: h,
	}
}

// lift returns the new versions of holds, each lifted at a version of its
// address.
func (w *writer) lift(refs []FactRef, versions []int64) ([]*Fact, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	facts, err := w.tx.Facts(w.ctx, refs...)
	if err != nil {
		return nil, err
	}
	out := make([]*Fact, 0, len(facts))
	for i, f := range facts {
		if f != nil {
			h := *f.Data.(*Hold)
			h.Lifted = versions[i]
			out = append(out, w.hold(refs[i].Subject.Address, f.At, &h))
		}
	}
	return out, nil
}
