package crm

import (
	"context"
	"iter"
)

// FactsOf iterates over the facts of some kinds (none: all) of subjects, page
// by page, in the order of FactRef.Compare.
func FactsOf(ctx context.Context, r FactReader, subjects []Subject, kinds ...FactKind) iter.Seq2[*Fact, error] {
	return func(yield func(*Fact, error) bool) {
		q := FactQuery{Subjects: subjects, Kinds: kinds, Limit: 1000}
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
				return
			}
			q.After = page[len(page)-1].Ref()
		}
	}
}

// Profiles iterates over all profiles of some parts, page by page.
func Profiles(ctx context.Context, r ProfileReader, parts PartRange) iter.Seq2[*Profile, error] {
	return pages(func(last *Profile) ([]*Profile, error) {
		var after ProfileKey
		if last != nil {
			after = last.ProfileKey
		}
		return r.ScanProfiles(ctx, parts, after, scanSize)
	})
}

// FactsOfKind iterates over all facts of one kind in some parts, page by page.
func FactsOfKind(ctx context.Context, r FactReader, parts PartRange, kind FactKind) iter.Seq2[*Fact, error] {
	return pages(func(last *Fact) ([]*Fact, error) {
		var after FactRef
		if last != nil {
			after = last.Ref()
		}
		return r.ScanFacts(ctx, parts, kind, after, scanSize)
	})
}

// AddressStates iterates over all address states of some parts, page by page.
func AddressStates(ctx context.Context, r AddressReader, parts PartRange) iter.Seq2[*AddressState, error] {
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
