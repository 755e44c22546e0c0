package crm

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/vefacrm/vefa/internal/fold"
)

// Tag is the current state of a tag that is set.
type Tag struct {
	Name    string
	Since   time.Time
	Expires time.Time // zero: never
	By, Why string
	Profile ProfileKey // that it hangs on
}

// TagsAt folds tag facts to the tags that are set at a time: per tag the
// latest change by (time, key) counts, unless it has expired. Facts of other
// kinds are passed over. The result is sorted by name.
func TagsAt(facts []*Fact, at time.Time) []Tag {
	last := map[string]*Fact{}
	for _, f := range facts {
		c, ok := f.Data.(*TagChange)
		if !ok || f.At.After(at) {
			continue
		}
		if was := last[c.Tag]; was == nil || laterTag(f, was) {
			last[c.Tag] = f
		}
	}
	var out []Tag
	for name, f := range last {
		c := f.Data.(*TagChange)
		if c.Off || (!c.Expires.IsZero() && !c.Expires.After(at)) {
			continue
		}
		out = append(out, Tag{name, f.At, c.Expires, c.By, c.Why, f.Subject.Profile})
	}
	slices.SortFunc(out, func(a, b Tag) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// Tag sets a tag on a profile now, after every earlier change of the tag on its
// customer, also where the clock was set back. Setting it twice at one time is one
// change. A profile that is not there is ErrNotFound.
func (s *Service) Tag(ctx context.Context, k ProfileKey, c TagChange) error {
	return s.tag(ctx, k, c, false)
}

// Untag clears a tag of a profile now, as Tag sets it.
func (s *Service) Untag(ctx context.Context, k ProfileKey, c TagChange) error {
	return s.tag(ctx, k, c, true)
}

func (s *Service) tag(ctx context.Context, k ProfileKey, c TagChange, off bool) error {
	c.Off, c.Tag = off, fold.Compose(c.Tag)
	source := c.By
	if source == "" {
		source = "crm"
	}
	return s.update(ctx, func(tx Tx) error {
		last, err := s.lockTag(ctx, tx, k, c.Tag)
		if err != nil {
			return err
		}
		at := s.Now()
		if last != nil && !last.At.Before(at) {
			if *last.Data.(*TagChange) == c && last.Subject.Profile == k {
				return nil
			}
			at = last.At.Add(time.Microsecond)
		}
		return s.In(tx).Record(ctx, &Fact{
			Key:     FactKey{KindTag, source, RefKey(c.Tag + "@" + at.Format(time.RFC3339Nano))},
			Subject: OfProfile(k), At: at, Data: &c,
		})
	})
}

// lockTag locks the customer of a profile and returns the last change of a tag
// of the customer, or nil.
func (s *Service) lockTag(ctx context.Context, tx Tx, k ProfileKey, tag string) (*Fact, error) {
	w := newWriter(ctx, s, tx)
	found, err := w.lockKnown("tag", []ProfileKey{k})
	if err != nil {
		return nil, err
	}
	members, err := tx.Members(ctx, found[0].Customer)
	if err != nil {
		return nil, err
	}
	var last *Fact
	for f, err := range FactsOf(ctx, tx, profileSubjects(members[0]), KindTag) {
		if err != nil {
			return nil, err
		}
		if f.Data.(*TagChange).Tag == tag && (last == nil || laterTag(f, last)) {
			last = f
		}
	}
	return last, nil
}

// laterTag orders changes of a tag as TagsAt does.
func laterTag(f, was *Fact) bool {
	return cmp.Or(f.At.Compare(was.At), f.Key.Compare(was.Key), f.Subject.Compare(was.Subject)) > 0
}

// Tags returns a customer's tags now.
func (s *Service) Tags(ctx context.Context, id CustomerID) ([]Tag, error) {
	facts, err := s.customerFacts(ctx, id, KindTag)
	if err != nil {
		return nil, err
	}
	return TagsAt(facts, s.Now()), nil
}

func (s *Service) customerFacts(ctx context.Context, id CustomerID, kinds ...FactKind) ([]*Fact, error) {
	var out []*Fact
	err := s.store.View(ctx, func(r Reader) error {
		out = nil
		id, err := resolve(ctx, r, id)
		if err != nil {
			return err
		}
		members, err := r.Members(ctx, id)
		if err != nil {
			return err
		}
		for f, err := range FactsOf(ctx, r, profileSubjects(members[0]), kinds...) {
			if err != nil {
				return err
			}
			out = append(out, f)
		}
		return nil
	})
	return out, err
}

func profileSubjects(keys []ProfileKey) []Subject {
	out := make([]Subject, len(keys))
	for i, k := range keys {
		out[i] = OfProfile(k)
	}
	return out
}
