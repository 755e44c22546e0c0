package crm

import (
	"context"
	"iter"
	"slices"
)

// FactsOf iterates over the facts of some kinds (none: all) of subjects, page
// by page, in the order of FactRef.Compare.
func FactsOf(ctx context.Context, r Reader, subjects []Subject, kinds ...FactKind) iter.Seq2[*Fact, error] {
	return func(yield func(*Fact, error) bool) {
		for chunk := range slices.Chunk(inFactOrder(subjects), scanSize) {
			q := FactQuery{Subjects: chunk, Kinds: kinds, Limit: scanSize}
			for {
				page, err := r.FactsOf(ctx, q)
				if err != nil {
					yield(nil, err)
					return
				}
				for _, f := range page {
					if !yield(f, nil) {
						return
					}
				}
				if len(page) < q.Limit {
					break
				}
				q.After = page[len(page)-1].Ref()
			}
		}
	}
}

// inFactOrder returns subjects as they are if one query can ask for all of
// them, else in the order of their facts, each once: a store looks at every
// subject of a query for every page.
func inFactOrder(subjects []Subject) []Subject {
	if len(subjects) <= scanSize {
		return subjects
	}
	type placed struct {
		part Part
		s    Subject
	}
	all := make([]placed, len(subjects))
	for i, s := range subjects {
		all[i] = placed{s.Part(), s}
	}
	slices.SortFunc(all, func(a, b placed) int {
		if a.part != b.part {
			return int(a.part) - int(b.part)
		}
		return a.s.Compare(b.s)
	})
	all = slices.Compact(all)
	out := make([]Subject, len(all))
	for i, p := range all {
		out[i] = p.s
	}
	return out
}

// Profiles iterates over all profiles of some parts, page by page.
func Profiles(ctx context.Context, r Reader, parts PartRange) iter.Seq2[*Profile, error] {
	return pages(func(last *Profile) ([]*Profile, error) {
		var after ProfileKey
		if last != nil {
			after = last.ProfileKey
		}
		return r.ScanProfiles(ctx, parts, after, scanSize)
	})
}

// FactsOfKind iterates over all facts of one kind in some parts, page by page.
func FactsOfKind(ctx context.Context, r Reader, parts PartRange, kind FactKind) iter.Seq2[*Fact, error] {
	return pages(func(last *Fact) ([]*Fact, error) {
		var after FactRef
		if last != nil {
			after = last.Ref()
		}
		return r.ScanFacts(ctx, parts, kind, after, scanSize)
	})
}

// AddressStates iterates over all address states of some parts, page by page.
func AddressStates(ctx context.Context, r Reader, parts PartRange) iter.Seq2[*AddressState, error] {
	return pages(func(last *AddressState) ([]*AddressState, error) {
		var after Address
		if last != nil {
			after = last.Address
		}
		return r.ScanAddresses(ctx, parts, after, scanSize)
	})
}

// AllEffects iterates over all effects of some parts, page by page.
func AllEffects(ctx context.Context, r EffectReader, parts PartRange) iter.Seq2[*Effect, error] {
	return pages(func(last *Effect) ([]*Effect, error) {
		var after EffectID
		if last != nil {
			after = last.ID
		}
		return r.ScanEffects(ctx, parts, after, scanSize)
	})
}

// scanSize is the page size of full scans.
const scanSize = 1000

// pages asks for page after page from the last value on, so that no cursor of a database is
// open while the caller works with a value.
func pages[T any](next func(last *T) ([]*T, error)) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		var last *T
		for {
			page, err := next(last)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, x := range page {
				if !yield(x, nil) {
					return
				}
				last = x
			}
			if len(page) < scanSize {
				return
			}
		}
	}
}
