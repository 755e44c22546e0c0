package crm

import (
	"cmp"
	"context"
	"slices"
	"time"
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
		if was := last[c.Tag]; was == nil || cmp.Or(f.At.Compare(was.At), f.Key.Compare(was.Key), f.Subject.Compare(was.Subject)) > 0 {
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

// Tag sets a tag on a profile now. Setting it twice at one time is one change.
func (s *Service) Tag(ctx context.Context, k ProfileKey, c TagChange) error {
	return s.tag(ctx, k, c, false)
}

// Untag clears a tag of a profile now.
func (s *Service) Untag(ctx context.Context, k ProfileKey, c TagChange) error {
	return s.tag(ctx, k, c, true)
}

func (s *Service) tag(ctx context.Context, k ProfileKey, c TagChange, off bool) error {
	c.Off = off
	at := s.Now()
	source := c.By
	if source == "" {
		source = "crm"
	}
	return s.Record(ctx, &Fact{
		Key:     FactKey{KindTag, source, RefKey(c.Tag + "@" + at.Format(time.RFC3339Nano))},
		Subject: OfProfile(k), At: at, Version: at.UnixMicro(), Data: &c,
	})
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
