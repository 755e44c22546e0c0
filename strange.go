package vefa

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// pair is two profiles in the order of their keys.
type pair [2]crm.ProfileKey

func pairOf(a, b crm.ProfileKey) pair {
	if b.Compare(a) < 0 {
		a, b = b, a
	}
	return pair{a, b}
}

// strange is what "this is not me" says about who is who: the holder of the address is not
// the person of the profile, so neither is whoever else has it.
type strange struct {
	// from are, by address, the profiles that it was disowned on, and when.
	from map[crm.Address]map[crm.ProfileKey]time.Time
	// pairs are those profiles with each that has the address.
	pairs map[pair]time.Time
}

func newStrange() *strange {
	return &strange{from: map[crm.Address]map[crm.ProfileKey]time.Time{}, pairs: map[pair]time.Time{}}
}

// disowned notes that the holder of an address is not the person of a profile.
func (s *strange) disowned(a crm.Address, k crm.ProfileKey, at time.Time) {
	if s.from[a] == nil {
		s.from[a] = map[crm.ProfileKey]time.Time{}
	}
	if at.After(s.from[a][k]) {
		s.from[a][k] = at
	}
}

// mostHolders is how many profiles that have an address are kept apart from one it was
// disowned on. Linkage takes what more than five have for nobody's; this many are a shop's.
const mostHolders = 1000

// meet pairs the profiles that an address was disowned on with those that have it: all
// (nil), or what concerns the given ones, which may have come to it since. It returns the
// pairs that concern them.
func (s *strange) meet(ctx context.Context, r crm.Reader, fresh *strange, keys []crm.ProfileKey) (map[pair]time.Time, error) {
	look := map[crm.Address]bool{}
	for a := range fresh.from {
		look[a] = true
	}
	if len(s.from) > 0 {
		for chunk := range slices.Chunk(keys, loadBatch) {
			profiles, err := r.Profiles(ctx, chunk...)
			if err != nil {
				return nil, err
			}
			for _, p := range profiles {
				if p == nil {
					continue
				}
				for _, c := range p.Contacts {
					if s.from[c.Address] != nil {
						look[c.Address] = true
					}
				}
			}
		}
	}
	for chunk := range slices.Chunk(slices.SortedFunc(maps.Keys(look), crm.Address.Compare), loadBatch) {
		names := make([]string, len(chunk))
		for i, a := range chunk {
			names[i] = crm.RefKey(a.String())
		}
		holders, err := r.Refs(ctx, crm.RefContact, mostHolders, names...)
		if err != nil {
			return nil, err
		}
		for i, a := range chunk {
			for k, at := range s.from[a] {
				for _, h := range holders[i] {
					if p := pairOf(k, h.Subject.Profile); p[0] != p[1] && at.After(s.pairs[p]) {
						s.pairs[p] = at
					}
				}
			}
		}
	}
	if keys == nil {
		return s.pairs, nil
	}
	out := map[pair]time.Time{}
	if len(s.pairs) > 0 {
		about := make(map[crm.ProfileKey]bool, len(keys))
		for _, k := range keys {
			about[k] = true
		}
		for p, at := range s.pairs {
			if about[p[0]] || about[p[1]] {
				out[p] = at
			}
		}
	}
	return out, nil
}
