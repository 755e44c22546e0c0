package crm

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"time"
)

// Profile returns what a source said of somebody, or ErrNotFound.
func (s *Service) Profile(ctx context.Context, k ProfileKey) (*Profile, error) {
	var out *Profile
	err := s.store.View(ctx, func(r Reader) error {
		found, err := r.Profiles(ctx, k)
		if err != nil {
			return err
		}
		if out = found[0]; out == nil {
			return &Error{Op: "find", Entity: "profile", ID: k.String(), Kind: ErrNotFound}
		}
		return nil
	})
	return out, err
}

// Facts returns the facts of some kinds (none: all) of a customer, by any id that it
// ever had, the newest first: orders, tickets, answers, notes; and what was said about
// its addresses, such as consents. A customer that is not there is ErrNotFound.
func (s *Service) Facts(ctx context.Context, id CustomerID, kinds ...FactKind) ([]*Fact, error) {
	var out []*Fact
	err := s.store.View(ctx, func(r Reader) error {
		out = nil
		id, err := resolve(ctx, r, id)
		if err != nil {
			return err
		}
		profiles, err := membersOf(ctx, r, id)
		if err != nil {
			return err
		}
		var subjects []Subject
		for _, p := range profiles {
			subjects = append(subjects, OfProfile(p.ProfileKey))
		}
		for _, a := range addressesOf(profiles) {
			subjects = append(subjects, OfAddress(a))
		}
		for f, err := range FactsOf(ctx, r, subjects, kinds...) {
			if err != nil {
				return err
			}
			out = append(out, f)
		}
		return nil
	})
	slices.SortStableFunc(out, func(a, b *Fact) int { return cmp.Or(b.At.Compare(a.At), b.Key.Compare(a.Key)) })
	return out, err
}

// FactsAs yields the facts whose content is a D, with it, such as the orders of what
// Facts returned: for f, order := range crm.FactsAs[*crm.Order](facts).
func FactsAs[D FactData](facts []*Fact) iter.Seq2[*Fact, D] {
	return func(yield func(*Fact, D) bool) {
		for _, f := range facts {
			if d, ok := f.Data.(D); ok && !yield(f, d) {
				return
			}
		}
	}
}

// Address returns what is known of an address: consents, suppressions, holds. It is the
// state of the normal form; one of which nothing was ever said is empty.
func (s *Service) Address(ctx context.Context, a Address) (*AddressState, error) {
	a, err := s.normal(a)
	if err != nil {
		return nil, invalid("find", "address", a.String(), err)
	}
	var out *AddressState
	err = s.store.View(ctx, func(r Reader) error {
		found, err := r.Addresses(ctx, a)
		if err == nil {
			out = found[0]
		}
		return err
	})
	return out, err
}

// Consent notes what the holder of an address says now: that it may be written to, or
// may not. It is in force after all that was said before, also where the clock of a
// source was ahead of this one's.
func (s *Service) Consent(ctx context.Context, a Address, c Consent) error {
	c.Guard = 0
	what := c.Brand + "/" + c.Recipient + "/" + c.Purpose
	return s.say(ctx, a, KindConsent, c.Actor, what, &c, func(d FactData) (about, equal bool) {
		was := *d.(*Consent)
		was.Guard = 0
		return was.ConsentKey == c.ConsentKey, was == c
	})
}

// Suppress stops every message to an address from now on for a reason, whatever was
// consented to; with Off it takes that reason back.
func (s *Service) Suppress(ctx context.Context, a Address, c Suppression) error {
	c.Guard = 0
	return s.say(ctx, a, KindSuppression, c.Actor, c.Reason, &c, func(d FactData) (about, equal bool) {
		was := *d.(*Suppression)
		was.Guard = 0
		return was.Reason == c.Reason, was == c
	})
}

// say records an entry about an address after all earlier ones that are about the same
// thing. Saying it twice at one time is one entry: the answer to the first was lost.
func (s *Service) say(ctx context.Context, a Address, kind FactKind, actor, what string, d FactData, compare func(FactData) (about, equal bool)) error {
	a, err := s.normal(a)
	if err != nil {
		return invalid("record", string(kind), a.String(), err)
	}
	return s.update(ctx, func(tx Tx) error {
		at := s.Now()
		already := false
		for f, err := range FactsOf(ctx, tx, []Subject{OfAddress(a)}, kind) {
			if err != nil {
				return err
			}
			if about, equal := compare(f.Data); about && !f.At.Before(at) {
				at, already = f.At.Add(time.Microsecond), equal
			}
		}
		if already {
			return nil
		}
		return s.In(tx).Record(ctx, said(kind, actor, what+"/"+a.String(), OfAddress(a), at, d))
	})
}

// Note keeps a text about a profile. A profile that is not there is ErrNotFound.
func (s *Service) Note(ctx context.Context, k ProfileKey, n Note) error {
	return s.Record(ctx, said(KindNote, n.Actor, k.String()+"/"+n.Text, OfProfile(k), s.Now(), &n))
}

// said is a fact that a person states, under a key of its own.
func said(kind FactKind, actor, what string, of Subject, at time.Time, d FactData) *Fact {
	return &Fact{Key: FactKey{kind, cmp.Or(actor, "crm"), RefKey(what + "@" + at.Format(time.RFC3339Nano))}, Subject: of, At: at, Data: d}
}
