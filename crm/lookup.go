package crm

import (
	"context"
	"iter"
	"strings"

	"github.com/vefacrm/vefa/internal/fold"
)

// Query asks who somebody is by what is known of them. Fields that are set are
// alternatives, save Suffix and Surname, which belong together. An address may
// be written in any way that Config.Normalise understands; another is ErrInvalid.
type Query struct {
	Address     Address
	External    ProfileKey
	OrderNumber string
	Serial      string // of a product instance
	// Index and Key look a fact up in an index of its kind, see Kind.Index.
	Index RefKind
	Key   string
	// Suffix is the last three digits of an order number and Surname a name of
	// the buyer or the recipient, however it is written.
	Suffix, Surname string
}

// Hit is a record that a Query found.
type Hit struct {
	Customer CustomerID // that the profile belongs to now
	Profile  ProfileKey
	Fact     FactKey // the order or visit that was found; zero where a profile was
}

// A fact that was found by its index and hangs on no profile, or waits for its
// record, has neither Customer nor Profile.

// maxHits bounds what one look-up reads per index.
const maxHits = 1000

// Find looks records up. A look-up that finds more than a thousand entries in
// one index yields the first thousand.
func (s *Service) Find(ctx context.Context, q Query) iter.Seq2[Hit, error] {
	return func(yield func(Hit, error) bool) {
		var hits []Hit
		if !q.Address.IsZero() {
			a, err := s.normal(q.Address)
			if err != nil {
				yield(Hit{}, invalid("find", "address", "", err))
				return
			}
			q.Address = a
		}
		err := s.store.View(ctx, func(r Reader) (err error) {
			hits, err = find(ctx, r, q)
			return err
		})
		if err != nil {
			yield(Hit{}, err)
			return
		}
		for _, h := range hits {
			if !yield(h, nil) {
				return
			}
		}
	}
}

func find(ctx context.Context, r Reader, q Query) ([]Hit, error) {
	var hits []Hit
	seen := map[Hit]bool{}
	add := func(kind RefKind, key string) error {
		if len(key) > MaxKeyLen { // longer than any that is kept
			return nil
		}
		refs, err := r.Refs(ctx, kind, maxHits, key)
		if err != nil {
			return err
		}
		for _, ref := range refs[0] {
			fact, err := factOfTarget(ctx, r, ref)
			if err != nil {
				return err
			}
			owner, err := Owners(ctx, r, ref.Subject)
			if err != nil {
				return err
			}
			h := Hit{Profile: owner[0].Profile, Fact: fact}
			if !seen[h] {
				seen[h] = true
				hits = append(hits, h)
			}
		}
		return nil
	}
	if !q.External.IsZero() {
		hits = append(hits, Hit{Profile: q.External})
		seen[hits[0]] = true
	}
	if !q.Address.IsZero() {
		if err := add(RefContact, RefKey(q.Address.String())); err != nil {
			return nil, err
		}
	}
	if q.OrderNumber != "" {
		if err := add(RefOrder, q.OrderNumber); err != nil {
			return nil, err
		}
	}
	if q.Serial != "" {
		if err := add(RefSerial, q.Serial); err != nil {
			return nil, err
		}
	}
	if q.Index != "" && q.Key != "" {
		if err := add(q.Index, q.Key); err != nil {
			return nil, err
		}
	}
	if q.Suffix != "" && q.Surname != "" {
		if err := add(RefPartial, RefKey(q.Suffix+" "+fold.Key(q.Surname))); err != nil {
			return nil, err
		}
	}
	keys := make([]ProfileKey, len(hits))
	for i, h := range hits {
		keys[i] = h.Profile
	}
	profiles, err := r.Profiles(ctx, keys...)
	if err != nil {
		return nil, err
	}
	out := hits[:0]
	for i, p := range profiles {
		if p != nil {
			hits[i].Customer = p.Customer
		}
		if p != nil || (hits[i].Profile.IsZero() && !hits[i].Fact.IsZero()) {
			out = append(out, hits[i])
		}
	}
	return out, nil
}

// factOfTarget returns the fact that an entry names. Of a key that is too long
// to be kept whole the entry has a hash, which is looked for among the facts of
// its subject.
func factOfTarget(ctx context.Context, r Reader, ref Ref) (FactKey, error) {
	if len(ref.Target) < MaxKeyLen {
		return parseFactKey(ref.Target), nil
	}
	for f, err := range FactsOf(ctx, r, []Subject{ref.Subject}) {
		if err != nil {
			return FactKey{}, err
		}
		if RefKey(f.Key.String()) == ref.Target {
			return f.Key, nil
		}
	}
	return FactKey{}, nil
}

// parseFactKey is the inverse of FactKey.String.
func parseFactKey(s string) FactKey {
	kind, rest, ok := strings.Cut(s, "/")
	if !ok {
		return FactKey{}
	}
	source, id, ok := strings.Cut(rest, "/")
	if !ok {
		return FactKey{}
	}
	return FactKey{FactKind(unescapeSource(kind)), unescapeSource(source), id}
}
