package crm

import (
	"context"
	"slices"
)

// Grouping says that some profiles are one customer and who says so.
type Grouping struct {
	Profiles []ProfileKey
	Kind     LinkKind // LinkMatched, LinkManual or LinkSplit
	Actor    string
	Evidence Evidence
	// Each, if set, gives the evidence per profile.
	Each map[ProfileKey]Evidence
}

// Regroup makes each group exactly one customer. Profiles that shared a
// customer with a grouped profile and are in no group stay together. It only
// appends link decisions; facts, consents and tags stay where they hang. It
// returns how many profiles moved.
func (s *Service) Regroup(ctx context.Context, groups ...Grouping) (int, error) {
	var moved int
	err := s.update(ctx, func(tx Tx) error {
		w := &writer{s: s, ctx: ctx, tx: tx, now: s.Now(), touched: map[CustomerID]bool{}}
		n, err := w.regroupCount(groups)
		if err != nil {
			return err
		}
		moved = n
		return w.settleHolds()
	})
	return moved, err
}

// Merge makes the customers of all the given profiles one.
func (s *Service) Merge(ctx context.Context, actor string, ev Evidence, keys ...ProfileKey) error {
	return s.update(ctx, func(tx Tx) error {
		profiles, err := known(ctx, tx, "merge", keys)
		if err != nil {
			return err
		}
		var ids []CustomerID
		for _, p := range profiles {
			if !slices.Contains(ids, p.Customer) {
				ids = append(ids, p.Customer)
			}
		}
		members, err := tx.Members(ctx, ids...)
		if err != nil {
			return err
		}
		_, err = s.In(tx).Regroup(ctx, Grouping{Profiles: slices.Concat(members...), Kind: LinkManual, Actor: actor, Evidence: ev})
		return err
	})
}

// Split takes the profiles out of their customer; together they are another.
func (s *Service) Split(ctx context.Context, actor string, ev Evidence, keys ...ProfileKey) error {
	_, err := s.Regroup(ctx, Grouping{Profiles: keys, Kind: LinkSplit, Actor: actor, Evidence: ev})
	return err
}

// Undo takes decisions back: each profile returns to where it was before, by
// further decisions. Give all decisions of one merge together.
func (s *Service) Undo(ctx context.Context, actor string, decisions ...Link) error {
	return s.update(ctx, func(tx Tx) error {
		back := map[CustomerID][]ProfileKey{}
		undone := map[ProfileKey]bool{}
		var ids []CustomerID
		for _, d := range decisions {
			logs, err := tx.Links(ctx, d.Profile)
			if err != nil {
				return err
			}
			was := CustomerID("")
			for _, l := range logs[0] {
				if l.Seq < d.Seq && l.Kind != LinkNotMe {
					was = l.Customer
				}
			}
			if was == "" {
				return invalid("undo", "link", d.Profile.String(), fieldError("seq", "has no decision before it"))
			}
			if !undone[d.Profile] {
				undone[d.Profile] = true
				if back[was] == nil {
					ids = append(ids, was)
				}
				back[was] = append(back[was], d.Profile)
			}
		}
		slices.Sort(ids)
		homes, err := tx.Homes(ctx, ids...)
		if err != nil {
			return err
		}
		var groups []Grouping
		for i, id := range ids {
			keys := back[id]
			// Whoever is still where the old id means now, is joined.
			if !undone[homes[i]] {
				p, err := known(ctx, tx, "undo", homes[i:i+1])
				if err != nil {
					return err
				}
				m, err := tx.Members(ctx, p[0].Customer)
				if err != nil {
					return err
				}
				for _, k := range m[0] {
					if !undone[k] {
						keys = append(keys, k)
					}
				}
			}
			groups = append(groups, Grouping{Profiles: keys, Kind: LinkSplit, Actor: actor, Evidence: Evidence{Note: "undone"}})
		}
		_, err = s.In(tx).Regroup(ctx, groups...)
		return err
	})
}

// Links returns all decisions about a profile in the order they were taken.
func (s *Service) Links(ctx context.Context, k ProfileKey) ([]Link, error) {
	var out []Link
	err := s.store.View(ctx, func(r Reader) error {
		l, err := r.Links(ctx, k)
		if err == nil {
			out = l[0]
		}
		return err
	})
	return out, err
}

func known(ctx context.Context, r Reader, op string, keys []ProfileKey) ([]*Profile, error) {
	profiles, err := r.Profiles(ctx, keys...)
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

func (w *writer) regroup(groups []Grouping) error {
	_, err := w.regroupCount(groups)
	return err
}

func (w *writer) regroupCount(groups []Grouping) (int, error) {
	var keys []ProfileKey
	in := map[ProfileKey]int{} // group
	for i, g := range groups {
		for _, k := range g.Profiles {
			if _, twice := in[k]; twice {
				return 0, invalid("regroup", "profile", k.String(), fieldError("profiles", "is in two groups"))
			}
			in[k] = i
			keys = append(keys, k)
		}
	}
	profiles, err := known(w.ctx, w.tx, "regroup", keys)
	if err != nil {
		return 0, err
	}
	byKey := make(map[ProfileKey]*Profile, len(profiles))
	var ids []CustomerID
	for _, p := range profiles {
		byKey[p.ProfileKey] = p
		ids = append(ids, p.Customer)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	members, err := w.tx.Members(w.ctx, ids...)
	if err != nil {
		return 0, err
	}
	groups = slices.Clone(groups)
	for _, m := range members {
		taker := -1 // the group that took from this customer
		rest := slices.DeleteFunc(slices.Clone(m), func(k ProfileKey) bool {
			g, ok := in[k]
			if ok && taker < 0 {
				taker = g
			}
			return ok
		})
		if len(rest) > 0 {
			more, err := w.tx.Profiles(w.ctx, rest...)
			if err != nil {
				return 0, err
			}
			for _, p := range more {
				byKey[p.ProfileKey] = p
			}
			left := groups[taker]
			groups = append(groups, Grouping{Profiles: rest, Kind: LinkSplit, Actor: left.Actor,
				Evidence: Evidence{With: left.Profiles[0], Note: "what remains"}})
		}
	}
	all := make([]ProfileKey, 0, len(byKey))
	for k := range byKey {
		all = append(all, k)
	}
	slices.SortFunc(all, ProfileKey.Compare)
	homeIDs, err := w.tx.HomeIDs(w.ctx, all...)
	if err != nil {
		return 0, err
	}
	home := make(map[ProfileKey]CustomerID, len(all))
	for i, k := range all {
		home[k] = homeIDs[i]
	}
	var links []*Link
	for _, g := range groups {
		if len(g.Profiles) == 0 {
			continue
		}
		first := byKey[g.Profiles[0]]
		for _, k := range g.Profiles[1:] {
			if CompareSeniority(byKey[k], first) < 0 {
				first = byKey[k]
			}
		}
		target := home[first.ProfileKey]
		for _, k := range g.Profiles {
			if p := byKey[k]; p.Customer != target {
				ev := g.Evidence
				if e, ok := g.Each[k]; ok {
					ev = e
				}
				links = append(links, &Link{Profile: k, Customer: target, Kind: g.Kind, Actor: g.Actor, At: w.now, Evidence: ev})
				w.touched[p.Customer], w.touched[target] = true, true
			}
		}
	}
	slices.SortFunc(links, func(a, b *Link) int { return a.Profile.Compare(b.Profile) })
	return len(links), w.tx.AppendLinks(w.ctx, links...)
}

// NotMe records that the holder of an address is not the person of a profile:
// the address is disowned on every profile of the customer that has it, so
// nothing about this person goes there again; the customer's other addresses
// stay. It asks for no further data. It returns how many profiles had it.
func (s *Service) NotMe(ctx context.Context, k ProfileKey, a Address, actor string) (int, error) {
	var n int
	err := s.update(ctx, func(tx Tx) error {
		n = 0
		w := &writer{s: s, ctx: ctx, tx: tx, now: s.Now(), touched: map[CustomerID]bool{}}
		found, err := known(ctx, tx, "disown", []ProfileKey{k})
		if err != nil {
			return err
		}
		profiles, err := membersOf(ctx, tx, found[0].Customer)
		if err != nil {
			return err
		}
		// The address's version changes, so that whoever read it must look again.
		states, err := w.lock([]Address{a})
		if err != nil {
			return err
		}
		var puts []*Profile
		var links []*Link
		var del []Ref
		for _, p := range profiles {
			has := slices.ContainsFunc(p.Contacts, func(c Contact) bool { return c.Address == a })
			if !has || slices.Contains(p.Disowned, a) {
				continue
			}
			q := p.Clone()
			q.Disowned = append(q.Disowned, a)
			slices.SortFunc(q.Disowned, Address.Compare)
			puts = append(puts, q)
			links = append(links, &Link{Profile: p.ProfileKey, Customer: p.Customer, Kind: LinkNotMe, Address: a, At: w.now, Actor: actor})
			del = append(del, Ref{RefContact, a.String(), OfProfile(p.ProfileKey), ""})
		}
		if len(puts) == 0 {
			return nil
		}
		n = len(puts)
		w.touched[found[0].Customer] = true
		st := states[a]
		st.Version++
		if err := tx.PutAddresses(ctx, st); err != nil {
			return err
		}
		if err := tx.PutProfiles(ctx, puts...); err != nil {
			return err
		}
		if err := tx.AppendLinks(ctx, links...); err != nil {
			return err
		}
		if err := tx.DeleteRefs(ctx, del...); err != nil {
			return err
		}
		return w.settleHolds()
	})
	return n, err
}
