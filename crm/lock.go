package crm

import (
	"context"
	"slices"
)

func newWriter(ctx context.Context, s *Service, tx Tx) *writer {
	return &writer{s: s, ctx: ctx, tx: tx, now: s.Now(), touched: map[CustomerID]bool{}, held: map[CustomerID]bool{}, policy: s.cfg.Conflicts}
}

// lockCustomers locks the customers that profiles belong to and returns the profiles as
// they are from then on, nil where there is no such profile. If one of them moved
// before its customer was locked the answer is ErrConflict: what is locked must
// be locked in one order.
//
// An id that has no members needs no lock of its own: the profile that it was
// made for is in another customer, and only who holds that one can make the id
// current again.
func (w *writer) lockCustomers(keys []ProfileKey) ([]*Profile, error) {
	ids, err := w.tx.CustomersOf(w.ctx, keys...)
	if err != nil {
		return nil, err
	}
	var ask []CustomerID
	for _, id := range ids {
		if id != "" && !w.held[id] {
			ask = append(ask, id)
		}
	}
	if len(ask) > 0 {
		if err := w.tx.LockCustomers(w.ctx, ask...); err != nil {
			return nil, err
		}
	}
	profiles, err := w.tx.Profiles(w.ctx, keys...)
	if err != nil {
		return nil, err
	}
	for _, id := range ask {
		w.held[id] = true
	}
	for _, p := range profiles {
		if p != nil && !w.held[p.Customer] {
			return nil, movedAway(p.ProfileKey)
		}
	}
	return profiles, nil
}

// movedAway starts the transaction again: what is to be locked must be known before the first
// lock.
func movedAway(k ProfileKey) error {
	return &Error{Op: "lock", Entity: "profile", ID: k.String(), Kind: ErrConflict}
}

// lockKnown is lockCustomers for profiles that must be there.
func (w *writer) lockKnown(op string, keys []ProfileKey) ([]*Profile, error) {
	profiles, err := w.lockCustomers(keys)
	if err != nil {
		return nil, err
	}
	for i, p := range profiles {
		if p == nil {
			return nil, &Error{Op: op, Entity: "profile", ID: keys[i].String(), Kind: ErrNotFound}
		}
	}
	return profiles, nil
}

// lockDelivered locks, before a delivery is judged, the customers whose addresses,
// age or surname it may change, those that its tickets and what is found by a
// surname are about, and with a policy of the host's those whose facts it must
// compare; it puts the profiles as they are from then on into old. The others are
// guarded by their Rev.
func (w *writer) lockDelivered(keys []ProfileKey, old []*Profile, delivered map[ProfileKey]*Profile, stubs map[ProfileKey]bool, facts []*Fact) error {
	var ask []ProfileKey
	for i, k := range keys {
		if was, p := old[i], delivered[k]; was != nil && !stubs[k] &&
			(!slices.Equal(was.Contacts, p.Contacts) || earlier(p, was) || was.Name != p.Name && surnameKey(was.Name) != surnameKey(p.Name)) {
			ask = append(ask, k)
		}
	}
	ask = append(ask, w.s.kinds.named(facts...)...)
	for _, f := range facts {
		// Of facts that have anchors these are locked.
		if f.Key.Kind != KindTicket && (w.policy == ConflictByContent || w.s.kinds.unique(f.Key.Kind)) {
			continue
		}
		for _, s := range []Subject{f.Subject, w.anchors[f.Key]} {
			ask = append(ask, s.Profile)
		}
	}
	ask = slices.DeleteFunc(slices.Compact(ask), func(k ProfileKey) bool {
		// What is new is inserted: of two writers who do so one starts again.
		at, ok := slices.BinarySearchFunc(keys, k, ProfileKey.Compare)
		return k.IsZero() || (ok && old[at] == nil)
	})
	if len(ask) == 0 {
		return nil
	}
	slices.SortFunc(ask, ProfileKey.Compare)
	ask = slices.Compact(ask)
	profiles, err := w.lockCustomers(ask)
	if err != nil {
		return err
	}
	for i, p := range profiles {
		if at, ok := slices.BinarySearchFunc(keys, ask[i], ProfileKey.Compare); ok && p != nil {
			old[at] = p
		}
	}
	return nil
}

// earlier reports whether a delivery says that its source knew the party earlier
// than was said before.
func earlier(p, was *Profile) bool {
	return !p.Since.IsZero() && (was.Since.IsZero() || p.Since.Before(was.Since))
}

// customersOf returns the ids of the customers of profiles, sorted, each once.
func customersOf(profiles []*Profile) []CustomerID {
	ids := make([]CustomerID, len(profiles))
	for i, p := range profiles {
		ids[i] = p.Customer
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func setOf(keys []ProfileKey) map[ProfileKey]bool {
	out := make(map[ProfileKey]bool, len(keys))
	for _, k := range keys {
		out[k] = true
	}
	return out
}
