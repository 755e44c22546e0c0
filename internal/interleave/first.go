package interleave

import (
	"context"
	"fmt"
	"slices"

	"github.com/vefacrm/vefa/crm"
)

// firstTx is the first writer's transaction.
type firstTx struct {
	crm.Tx
	s     *Store
	locks *locks
	calls int
	wrote bool
	due   bool             // it looked for what is due
	left  []crm.ProfileKey // whose tickets were taken from them; locked by the end
}

func (t *firstTx) before(locking bool) error {
	if t.s.state != waits || t.wrote || t.s.Locking && !locking || t.s.Claims && !t.due {
		return nil
	}
	if t.calls++; t.calls != t.s.At {
		return nil
	}
	return t.s.meet(t)
}

func (t *firstTx) write() error {
	err := t.before(true)
	t.wrote = true
	return err
}

func (t *firstTx) fault(format string, args ...any) {
	t.s.faults = append(t.s.faults, fmt.Sprintf(format, args...))
}

func (t *firstTx) LockAnchors(ctx context.Context, keys ...crm.FactKey) ([]crm.Subject, error) {
	if len(keys) > 0 && !every(t.locks.anchors, keys) && len(t.locks.anchors)+len(t.locks.customers)+len(t.locks.addresses) > 0 {
		t.fault("anchors %v are locked after others", keys)
	}
	if err := t.before(true); err != nil {
		return nil, err
	}
	note(t.locks.anchors, keys)
	return t.Tx.LockAnchors(ctx, keys...)
}

func (t *firstTx) LockCustomers(ctx context.Context, ids ...crm.CustomerID) error {
	if len(ids) > 0 && !every(t.locks.customers, ids) && len(t.locks.customers)+len(t.locks.addresses) > 0 {
		t.fault("customers %v are locked after others", ids)
	}
	if err := t.before(true); err != nil {
		return err
	}
	note(t.locks.customers, ids)
	return t.Tx.LockCustomers(ctx, ids...)
}

func (t *firstTx) LockAddresses(ctx context.Context, addrs ...crm.Address) ([]*crm.AddressState, error) {
	if len(addrs) > 0 && !every(t.locks.addresses, addrs) && len(t.locks.addresses) > 0 {
		t.fault("addresses %v are locked after others", addrs)
	}
	if err := t.before(true); err != nil {
		return nil, err
	}
	note(t.locks.addresses, addrs)
	return t.Tx.LockAddresses(ctx, addrs...)
}

// locked notes a fault where a profile's customer is not locked.
func (t *firstTx) locked(ctx context.Context, what string, keys ...crm.ProfileKey) error {
	ids, err := t.Tx.CustomersOf(ctx, keys...)
	if err != nil {
		return err
	}
	for i, id := range ids {
		if id != "" && !t.locks.customers[id] {
			t.fault("%s of %s: its customer %s is not locked", what, keys[i], id)
		}
	}
	return nil
}

// PutProfiles changes where a customer is reached, and since when one is known,
// under the customer's lock.
func (t *firstTx) PutProfiles(ctx context.Context, profiles ...*crm.Profile) error {
	if err := t.write(); err != nil {
		return err
	}
	keys := make([]crm.ProfileKey, len(profiles))
	for i, p := range profiles {
		keys[i] = p.ProfileKey
	}
	old, err := t.Tx.Profiles(ctx, keys...)
	if err != nil {
		return err
	}
	for i, was := range old {
		p := profiles[i]
		if was != nil && (!was.Since.Equal(p.Since) || !slices.Equal(was.Contacts, p.Contacts) || !slices.Equal(was.Disowned, p.Disowned)) {
			if err := t.locked(ctx, "contacts", keys[i]); err != nil {
				return err
			}
		}
	}
	return t.Tx.PutProfiles(ctx, profiles...)
}

// AppendLinks decides about members of customers that are locked. An id that has
// no members can be reached through its profile's customer only.
func (t *firstTx) AppendLinks(ctx context.Context, links ...*crm.Link) error {
	if err := t.write(); err != nil {
		return err
	}
	for _, l := range links {
		if l.Kind == crm.LinkNew {
			t.locks.customers[l.Customer] = true
			continue
		}
		if err := t.locked(ctx, "decision", l.Profile); err != nil {
			return err
		}
		members, err := t.Tx.Members(ctx, l.Customer)
		if err != nil {
			return err
		}
		if len(members[0]) > 0 && !t.locks.customers[l.Customer] {
			t.fault("%s moves to %s, which is not locked", l.Profile, l.Customer)
		}
	}
	err := t.Tx.AppendLinks(ctx, links...)
	for _, l := range links {
		t.locks.customers[l.Customer] = true // through its members' lock
	}
	return err
}

func (t *firstTx) facts(ctx context.Context, refs []crm.FactRef) error {
	for _, r := range refs {
		switch r.Key.Kind {
		case crm.KindOrder, crm.KindVisit, crm.KindTicket:
			if !t.locks.anchors[r.Key] {
				t.fault("%s: its anchor is not locked", r.Key)
			}
		}
		if r.Key.Kind == crm.KindTicket && !r.Subject.Profile.IsZero() {
			if err := t.locked(ctx, "ticket", r.Subject.Profile); err != nil {
				return err
			}
		}
	}
	return nil
}

func refsOf(facts []*crm.Fact) []crm.FactRef {
	refs := make([]crm.FactRef, len(facts))
	for i, f := range facts {
		refs[i] = f.Ref()
	}
	return refs
}

func (t *firstTx) PutFacts(ctx context.Context, facts ...*crm.Fact) ([]crm.Put, error) {
	if err := t.write(); err != nil {
		return nil, err
	}
	if err := t.facts(ctx, refsOf(facts)); err != nil {
		return nil, err
	}
	return t.Tx.PutFacts(ctx, facts...)
}

func (t *firstTx) PutNewest(ctx context.Context, facts ...*crm.Fact) ([]crm.Put, error) {
	if err := t.write(); err != nil {
		return nil, err
	}
	if err := t.facts(ctx, refsOf(facts)); err != nil {
		return nil, err
	}
	return t.Tx.PutNewest(ctx, facts...)
}

func (t *firstTx) DeleteFacts(ctx context.Context, refs ...crm.FactRef) error {
	if err := t.write(); err != nil {
		return err
	}
	for _, r := range refs {
		if r.Key.Kind == crm.KindTicket && !r.Subject.Profile.IsZero() {
			t.left = append(t.left, r.Subject.Profile)
		}
	}
	return t.Tx.DeleteFacts(ctx, refs...)
}

// PutAnchors writes what only those look at who lock the same anchors: a second
// writer may still come after it.
func (t *firstTx) PutAnchors(ctx context.Context, anchors ...crm.FactRef) error {
	if err := t.before(true); err != nil {
		return err
	}
	for _, a := range anchors {
		if !t.locks.anchors[a.Key] {
			t.fault("%s: its anchor is not locked", a.Key)
		}
	}
	return t.Tx.PutAnchors(ctx, anchors...)
}

// PutAddresses says what is silent, under the address's lock.
func (t *firstTx) PutAddresses(ctx context.Context, states ...*crm.AddressState) error {
	for _, s := range states {
		if !t.locks.addresses[s.Address] {
			t.fault("address %s is not locked", s.Address)
		}
	}
	if err := t.write(); err != nil {
		return err
	}
	return t.Tx.PutAddresses(ctx, states...)
}

func (t *firstTx) PutRefs(ctx context.Context, refs ...crm.Ref) error {
	if err := t.write(); err != nil {
		return err
	}
	return t.Tx.PutRefs(ctx, refs...)
}

func (t *firstTx) DeleteRefs(ctx context.Context, refs ...crm.Ref) error {
	if err := t.write(); err != nil {
		return err
	}
	return t.Tx.DeleteRefs(ctx, refs...)
}

func (t *firstTx) PutDocuments(ctx context.Context, docs ...*crm.Document) error {
	if err := t.write(); err != nil {
		return err
	}
	return t.Tx.PutDocuments(ctx, docs...)
}

// UpdateEffects claims messages on profiles under the locks of their customers, and
// all messages under those of where they go.
func (t *firstTx) UpdateEffects(ctx context.Context, effects ...*crm.Effect) error {
	if err := t.write(); err != nil {
		return err
	}
	for _, e := range effects {
		if !t.due || e.State != crm.Sent {
			continue
		}
		if !t.locks.addresses[e.To] {
			t.fault("%s goes to %s, which is not locked", e.ID, e.To)
		}
		if !e.Subject.Profile.IsZero() {
			if err := t.locked(ctx, "a message", e.Subject.Profile); err != nil {
				return err
			}
		}
	}
	return t.Tx.UpdateEffects(ctx, effects...)
}

// DueEffects begins a claim.
func (t *firstTx) DueEffects(ctx context.Context, q crm.DueQuery) ([]*crm.Effect, error) {
	t.due = true
	return t.Tx.DueEffects(ctx, q)
}

// What follows reads.

func (t *firstTx) Profiles(ctx context.Context, keys ...crm.ProfileKey) ([]*crm.Profile, error) {
	if err := t.before(false); err != nil {
		return nil, err
	}
	return t.Tx.Profiles(ctx, keys...)
}

func (t *firstTx) Members(ctx context.Context, ids ...crm.CustomerID) ([][]crm.ProfileKey, error) {
	if err := t.before(false); err != nil {
		return nil, err
	}
	return t.Tx.Members(ctx, ids...)
}

func (t *firstTx) CustomersOf(ctx context.Context, keys ...crm.ProfileKey) ([]crm.CustomerID, error) {
	if err := t.before(false); err != nil {
		return nil, err
	}
	return t.Tx.CustomersOf(ctx, keys...)
}

func (t *firstTx) Homes(ctx context.Context, ids ...crm.CustomerID) ([]crm.ProfileKey, error) {
	if err := t.before(false); err != nil {
		return nil, err
	}
	return t.Tx.Homes(ctx, ids...)
}

func (t *firstTx) HomeIDs(ctx context.Context, keys ...crm.ProfileKey) ([]crm.CustomerID, error) {
	if err := t.before(false); err != nil {
		return nil, err
	}
	return t.Tx.HomeIDs(ctx, keys...)
}

func (t *firstTx) Links(ctx context.Context, keys ...crm.ProfileKey) ([][]crm.Link, error) {
	if err := t.before(false); err != nil {
		return nil, err
	}
	return t.Tx.Links(ctx, keys...)
}

func (t *firstTx) Facts(ctx context.Context, refs ...crm.FactRef) ([]*crm.Fact, error) {
	if err := t.before(false); err != nil {
		return nil, err
	}
	return t.Tx.Facts(ctx, refs...)
}

func (t *firstTx) FactsOf(ctx context.Context, q crm.FactQuery) ([]*crm.Fact, error) {
	if err := t.before(false); err != nil {
		return nil, err
	}
	return t.Tx.FactsOf(ctx, q)
}

func (t *firstTx) Anchors(ctx context.Context, keys ...crm.FactKey) ([]crm.Subject, error) {
	if err := t.before(false); err != nil {
		return nil, err
	}
	return t.Tx.Anchors(ctx, keys...)
}

func (t *firstTx) Addresses(ctx context.Context, addrs ...crm.Address) ([]*crm.AddressState, error) {
	if err := t.before(false); err != nil {
		return nil, err
	}
	return t.Tx.Addresses(ctx, addrs...)
}

func (t *firstTx) Refs(ctx context.Context, kind crm.RefKind, limit int, keys ...string) ([][]crm.Ref, error) {
	if err := t.before(false); err != nil {
		return nil, err
	}
	return t.Tx.Refs(ctx, kind, limit, keys...)
}

func (t *firstTx) ScanRefs(ctx context.Context, q crm.RefQuery) ([]crm.Ref, error) {
	if err := t.before(false); err != nil {
		return nil, err
	}
	return t.Tx.ScanRefs(ctx, q)
}

func (t *firstTx) Effects(ctx context.Context, ids ...crm.EffectID) ([]*crm.Effect, error) {
	if err := t.before(false); err != nil {
		return nil, err
	}
	return t.Tx.Effects(ctx, ids...)
}

func (t *firstTx) EffectsOf(ctx context.Context, subjects ...crm.Subject) ([]*crm.Effect, error) {
	if err := t.before(false); err != nil {
		return nil, err
	}
	return t.Tx.EffectsOf(ctx, subjects...)
}

func (t *firstTx) Documents(ctx context.Context, kind string, ids ...string) ([]*crm.Document, error) {
	if err := t.before(false); err != nil {
		return nil, err
	}
	return t.Tx.Documents(ctx, kind, ids...)
}
