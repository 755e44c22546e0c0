package crm

import (
	"context"
	"fmt"
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
	// Known, if not nil, says which decisions the group was computed from: per
	// profile the Seq of the last one by another actor than Actor, 1 where there
	// is no entry. It covers the members of all customers that the group takes
	// profiles from, and more. Regroup takes part only of groups about which
	// nothing else was decided since, see StaleError.
	Known map[ProfileKey]int64
}

// StaleError says that decisions were taken about the profiles of groups after
// those that the groups were computed from, see Grouping.Known.
type StaleError struct {
	Groups []int // numbers of the groups as given to Regroup, in order
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("of %d groups others decided about profiles meanwhile", len(e.Groups))
}

// Regroup makes each group exactly one customer. Profiles that shared a
// customer with a grouped profile and are in no group stay together. It only
// appends link decisions; facts, consents and tags stay where they hang. It
// returns the decisions taken, sorted by profile; groups that share no customer
// with each other are operations of their own (see Link.Op). It fails with a
// *StaleError, and changes nothing, if others decided about profiles of groups
// since what Known says: give the other groups again, and compute these anew. No
// groups are nothing to do; a group of no profiles is ErrInvalid.
func (s *Service) Regroup(ctx context.Context, groups ...Grouping) ([]Link, error) {
	return s.decide(ctx, func(w *writer) ([]*Link, error) { return w.regroup(groups, decided{}) })
}

// Merge makes the customers of all the given profiles one. It returns the
// decisions taken, which Undo takes back. Profiles that were one customer before,
// because linkage found them alike, are so by a person's word from now on. Where
// they are so already there is nothing to decide, and no link. Without keys it
// fails with ErrInvalid, and without actor, who is on record as having decided.
func (s *Service) Merge(ctx context.Context, actor string, ev Evidence, keys ...ProfileKey) ([]Link, error) {
	if len(keys) == 0 {
		return nil, noProfiles("merge")
	}
	if actor == "" {
		return nil, noActor("merge")
	}
	return s.decide(ctx, func(w *writer) ([]*Link, error) {
		profiles, err := w.lockKnown("merge", keys)
		if err != nil {
			return nil, err
		}
		members, err := w.tx.Members(w.ctx, customersOf(profiles)...)
		if err != nil {
			return nil, err
		}
		g := Grouping{Profiles: slices.Concat(members...), Kind: LinkManual, Actor: actor, Evidence: ev}
		return w.regroup([]Grouping{g}, decided{named: setOf(keys)})
	})
}

// Split takes the profiles out of their customers; together they are another.
// It returns the decisions taken, one about each profile of the customers
// concerned: they remember every pair that was parted. Without keys or actor it fails
// with ErrInvalid.
func (s *Service) Split(ctx context.Context, actor string, ev Evidence, keys ...ProfileKey) ([]Link, error) {
	if len(keys) == 0 {
		return nil, noProfiles("split")
	}
	if actor == "" {
		return nil, noActor("split")
	}
	g := Grouping{Profiles: keys, Kind: LinkSplit, Actor: actor, Evidence: ev}
	return s.decide(ctx, func(w *writer) ([]*Link, error) {
		return w.regroup([]Grouping{g}, decided{named: setOf(keys)})
	})
}

func noProfiles(op string) error {
	return invalid(op, "profile", "", fieldError("profiles", "must not be empty"))
}

func noActor(op string) error {
	return invalid(op, "link", "", fieldError("actor", "must not be empty: the record says who decided"))
}

// decide runs a verb that takes link decisions and returns them.
func (s *Service) decide(ctx context.Context, verb func(*writer) ([]*Link, error)) ([]Link, error) {
	var out []Link
	err := s.update(ctx, func(tx Tx) error {
		w := newWriter(ctx, s, tx)
		links, err := verb(w)
		if err != nil {
			return err
		}
		out = make([]Link, len(links))
		for i, l := range links {
			out[i] = *l
		}
		return w.settleHolds()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
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

// NotMe records that the holder of an address is not the person of a profile:
// the address is disowned on every profile of the customer that has it, so
// nothing about this person goes there again; the customer's other addresses
// stay. It asks for no further data. It returns how many profiles had it. Without actor,
// who said so, it fails with ErrInvalid.
func (s *Service) NotMe(ctx context.Context, k ProfileKey, a Address, actor string) (int, error) {
	return s.disown(ctx, "disown", k, a, actor, false)
}

// TakeBackNotMe takes NotMe back, where it was said by mistake: every profile of the
// customer that the address was disowned on has it again, as far as its source still says
// so. What was said of consent stays, and an unsolved ticket of the customer silences the address
// again. It returns how many profiles that concerns: none if nothing was said, or it was taken
// back before. Without actor, who is on record as having decided, it fails with ErrInvalid.
func (s *Service) TakeBackNotMe(ctx context.Context, k ProfileKey, a Address, actor string) (int, error) {
	return s.disown(ctx, "own", k, a, actor, true)
}

// disown is NotMe, and with off TakeBackNotMe.
func (s *Service) disown(ctx context.Context, op string, k ProfileKey, a Address, actor string, off bool) (int, error) {
	if actor == "" {
		return 0, noActor(op)
	}
	var n int
	a, err := s.normal(a)
	if err != nil {
		return 0, invalid(op, "address", "", err)
	}
	err = s.update(ctx, func(tx Tx) error {
		n = 0
		w := newWriter(ctx, s, tx)
		found, err := w.lockKnown(op, []ProfileKey{k})
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
		var add, del []Ref
		for _, p := range profiles {
			q := p.Clone()
			switch at := slices.Index(p.Disowned, a); {
			case off && at >= 0:
				q.Disowned = slices.Delete(q.Disowned, at, at+1)
			case !off && at < 0 && slices.ContainsFunc(p.Contacts, func(c Contact) bool { return c.Address == a }):
				q.Disowned = append(q.Disowned, a)
				slices.SortFunc(q.Disowned, Address.Compare)
			default:
				continue
			}
			puts = append(puts, q)
			links = append(links, &Link{Profile: p.ProfileKey, Customer: p.Customer, Kind: LinkNotMe, Address: a, At: w.now, Actor: actor, Off: off})
			more, less := diffRefs(contactRefs(p), contactRefs(q))
			add, del = append(add, more...), append(del, less...)
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
		if err := tx.PutRefs(ctx, add...); err != nil {
			return err
		}
		return w.settleHolds()
	})
	return n, err
}
