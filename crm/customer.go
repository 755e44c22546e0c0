package crm

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"time"
)

// Customer is one person, organisation or household: a view over the profiles
// that the link log places together. It is computed, never stored.
type Customer struct {
	ID         CustomerID
	Profiles   []ProfileKey // sorted; the earliest profile names the customer
	Kind       PartyKind
	Name       Name
	Birth      string
	Gender     string
	Locale     string
	Prefers    []Channel // by which the customer wants to be written to, the dearest first
	Postal     Postal
	Contacts   []Contact // best source first, each address once
	Attributes map[string]string
	Since      time.Time
	// Origin says which profile each field's value came from: "name", "birth",
	// "gender", "locale", "prefers", "postal", "kind", "attributes.x".
	Origin map[string]ProfileKey
}

// Survivorship decides which profile's value a customer shows where profiles
// differ: sources named in Sources first, in that order, then the newest
// version, then the smaller key.
type Survivorship struct {
	Sources []string
}

// Fold computes the customer that some profiles are. It does not depend on
// their order.
func (s Survivorship) Fold(profiles []*Profile) *Customer {
	if len(profiles) == 0 {
		return nil
	}
	ranked := slices.Clone(profiles)
	rank := func(p *Profile) int {
		if i := slices.Index(s.Sources, p.Source); i >= 0 {
			return i
		}
		return len(s.Sources)
	}
	slices.SortFunc(ranked, func(a, b *Profile) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), b.At.Compare(a.At), a.ProfileKey.Compare(b.ProfileKey))
	})
	c := &Customer{ID: profiles[0].Customer, Origin: map[string]ProfileKey{}}
	take := func(field string, p *Profile, set bool) bool {
		if _, have := c.Origin[field]; have || !set {
			return false
		}
		c.Origin[field] = p.ProfileKey
		return true
	}
	seen := map[Address]bool{}
	for _, p := range ranked {
		c.Profiles = append(c.Profiles, p.ProfileKey)
		if take("kind", p, p.Kind != "") {
			c.Kind = p.Kind
		}
		if take("name", p, p.Name != Name{}) {
			c.Name = p.Name
		}
		if take("birth", p, p.Birth != "") {
			c.Birth = p.Birth
		}
		if take("gender", p, p.Gender != "") {
			c.Gender = p.Gender
		}
		if take("locale", p, p.Locale != "") {
			c.Locale = p.Locale
		}
		if take("prefers", p, len(p.Prefers) > 0) {
			c.Prefers = slices.Clone(p.Prefers)
		}
		if take("postal", p, p.Postal != Postal{}) {
			c.Postal = p.Postal
		}
		for k, v := range p.Attributes {
			if take("attributes."+k, p, true) {
				if c.Attributes == nil {
					c.Attributes = map[string]string{}
				}
				c.Attributes[k] = v
			}
		}
		for _, a := range p.Contacts {
			if !seen[a.Address] && !slices.Contains(p.Disowned, a.Address) {
				seen[a.Address] = true
				c.Contacts = append(c.Contacts, a)
			}
		}
		if c.Since.IsZero() || (!p.Since.IsZero() && p.Since.Before(c.Since)) {
			c.Since = p.Since
		}
	}
	if c.Kind == "" {
		c.Kind = Person
	}
	slices.SortFunc(c.Profiles, ProfileKey.Compare)
	return c
}

// Reachable returns the customer's addresses of a channel that may be tried,
// best source first.
func (c *Customer) Reachable(ch Channel) []Address {
	var out []Address
	for _, a := range c.Contacts {
		if a.Channel == ch && !a.Masked {
			out = append(out, a.Address)
		}
	}
	return out
}

// CompareSeniority orders profiles by (first seen, source, id). The first of
// a customer's profiles gives the customer its id; one without a time is last.
func CompareSeniority(a, b *Profile) int {
	switch za, zb := a.Since.IsZero(), b.Since.IsZero(); {
	case za && !zb:
		return 1
	case zb && !za:
		return -1
	}
	return cmp.Or(a.Since.Compare(b.Since), a.ProfileKey.Compare(b.ProfileKey))
}

// Resolve returns the customer that an id means now. The id of a merged
// customer resolves for ever.
func (s *Service) Resolve(ctx context.Context, id CustomerID) (CustomerID, error) {
	var out CustomerID
	err := s.store.View(ctx, func(r Reader) (err error) {
		out, err = resolve(ctx, r, id)
		return err
	})
	return out, err
}

func resolve(ctx context.Context, r Reader, id CustomerID) (CustomerID, error) {
	homes, err := r.Homes(ctx, id)
	if err != nil {
		return "", err
	}
	if homes[0].IsZero() {
		return "", &Error{Op: "find", Entity: "customer", ID: string(id), Kind: ErrNotFound}
	}
	profiles, err := r.Profiles(ctx, homes[0])
	if err != nil {
		return "", err
	}
	if profiles[0] == nil {
		return "", &Error{Op: "find", Entity: "customer", ID: string(id), Kind: ErrNotFound}
	}
	return profiles[0].Customer, nil
}

// Customer returns a customer by any id that it ever had, or ErrNotFound.
func (s *Service) Customer(ctx context.Context, id CustomerID) (*Customer, error) {
	var out *Customer
	err := s.store.View(ctx, func(r Reader) error {
		id, err := resolve(ctx, r, id)
		if err != nil {
			return err
		}
		profiles, err := membersOf(ctx, r, id)
		if err != nil {
			return err
		}
		out = s.cfg.Survivorship.Fold(profiles)
		return nil
	})
	return out, err
}

// CustomerOf returns the customer that a profile belongs to, or ErrNotFound.
func (s *Service) CustomerOf(ctx context.Context, k ProfileKey) (*Customer, error) {
	var out *Customer
	err := s.store.View(ctx, func(r Reader) error {
		p, err := r.Profiles(ctx, k)
		if err != nil {
			return err
		}
		if p[0] == nil {
			return &Error{Op: "find", Entity: "profile", ID: k.String(), Kind: ErrNotFound}
		}
		profiles, err := membersOf(ctx, r, p[0].Customer)
		if err != nil {
			return err
		}
		out = s.cfg.Survivorship.Fold(profiles)
		return nil
	})
	return out, err
}

func membersOf(ctx context.Context, r Reader, id CustomerID) ([]*Profile, error) {
	members, err := r.Members(ctx, id)
	if err != nil {
		return nil, err
	}
	return r.Profiles(ctx, members[0]...)
}

// FoldMany computes the customers with the given current ids, in their order;
// an id that has no profile gives nil. It reads in batches.
func (s *Service) FoldMany(ctx context.Context, r Reader, ids []CustomerID) ([]*Customer, error) {
	members, err := r.Members(ctx, ids...)
	if err != nil {
		return nil, err
	}
	var keys []ProfileKey
	for _, m := range members {
		keys = append(keys, m...)
	}
	profiles, err := r.Profiles(ctx, keys...)
	if err != nil {
		return nil, err
	}
	out := make([]*Customer, len(ids))
	for i, m := range members {
		out[i] = s.cfg.Survivorship.Fold(slices.DeleteFunc(slices.Clone(profiles[:len(m)]), func(p *Profile) bool { return p == nil }))
		profiles = profiles[len(m):]
	}
	return out, nil
}

// Customers iterates over all customers in the order of the profile that each
// id was made for. It holds no transaction open between customers.
func (s *Service) Customers(ctx context.Context) iter.Seq2[*Customer, error] {
	return func(yield func(*Customer, error) bool) {
		var after ProfileKey
		for {
			page, next, err := s.CustomerPage(ctx, after, scanSize)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, c := range page {
				if !yield(c, nil) {
					return
				}
			}
			if next.IsZero() {
				return
			}
			after = next
		}
	}
}
