package storetest

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

var scanTests = []test{
	{"Scans/Parts", "every scan returns each record exactly once, in order, for any cut into ranges of parts and any page", testScanParts},
	{"Scans/ReadWhileWriting", "a transaction may read and write between two pages: no cursor is open across them", testNestedReads},
	{"Scans/Large", "20,000 rows by pages of 100 come once each, in flat memory", testLargeScan},
}

// scanner reads everything of one sort by pages.
type scanner struct {
	name string
	page func(ctx context.Context, r crm.Reader, parts crm.PartRange, after string, limit int) (ids []string, at []crm.Part, err error)
}

// The scans with the keys of their records as texts; after is looked up again
// by its text, so that what a page hands on is just the key.
func scanners(refs map[string]crm.FactRef, keys map[string]crm.ProfileKey, addrs map[string]crm.Address) []scanner {
	return []scanner{
		{"profiles", func(ctx context.Context, r crm.Reader, parts crm.PartRange, after string, limit int) (ids []string, at []crm.Part, err error) {
			ps, err := r.ScanProfiles(ctx, parts, keys[after], limit)
			for _, p := range ps {
				ids, at = append(ids, p.ProfileKey.String()), append(at, p.Part())
			}
			return ids, at, err
		}},
		{"facts", func(ctx context.Context, r crm.Reader, parts crm.PartRange, after string, limit int) (ids []string, at []crm.Part, err error) {
			fs, err := r.ScanFacts(ctx, parts, crm.KindNote, refs[after], limit)
			for _, f := range fs {
				ids, at = append(ids, refText(f.Ref())), append(at, f.Subject.Part())
			}
			return ids, at, err
		}},
		{"addresses", func(ctx context.Context, r crm.Reader, parts crm.PartRange, after string, limit int) (ids []string, at []crm.Part, err error) {
			ss, err := r.ScanAddresses(ctx, parts, addrs[after], limit)
			for _, s := range ss {
				ids, at = append(ids, s.Address.String()), append(at, s.Address.Part())
			}
			return ids, at, err
		}},
		{"effects", func(ctx context.Context, r crm.Reader, parts crm.PartRange, after string, limit int) (ids []string, at []crm.Part, err error) {
			xs, err := r.ScanEffects(ctx, parts, crm.EffectID(after), limit)
			for _, x := range xs {
				ids, at = append(ids, string(x.ID)), append(at, x.ID.Part())
			}
			return ids, at, err
		}},
	}
}

func refText(r crm.FactRef) string { return r.Subject.String() + " " + r.Key.String() }

func testScanParts(e *env) {
	const n = 300
	keys, refs, addrs := map[string]crm.ProfileKey{}, map[string]crm.FactRef{}, map[string]crm.Address{}
	part := map[string]map[string]crm.Part{"profiles": {}, "facts": {}, "addresses": {}, "effects": {}}
	var sortedRefs []crm.FactRef
	var sortedKeys []crm.ProfileKey
	var sortedAddrs []crm.Address
	var effects []string
	e.update(func(tx crm.Tx) error {
		sortedRefs, sortedKeys, sortedAddrs, effects = nil, nil, nil, nil
		for i := range n {
			p := someone(i)
			if i%3 == 0 {
				p.Source = "a"
			}
			f := note(crm.OfProfile(p.ProfileKey), fmt.Sprint(i%7), "x", 1)
			if i%2 == 0 {
				f.Subject = crm.OfAddress(phone(i / 4))
			}
			x := effect(i, "a")
			if err := tx.PutProfiles(e.ctx, p); err != nil {
				return err
			}
			if _, err := tx.PutFacts(e.ctx, f); err != nil {
				return err
			}
			if err := tx.PutAddresses(e.ctx, &crm.AddressState{Address: phone(i), Version: 1}); err != nil {
				return err
			}
			if _, err := tx.PutEffects(e.ctx, x); err != nil {
				return err
			}
			if _, ok := refs[refText(f.Ref())]; !ok {
				sortedRefs = append(sortedRefs, f.Ref())
			}
			keys[p.ProfileKey.String()], refs[refText(f.Ref())], addrs[phone(i).String()] = p.ProfileKey, f.Ref(), phone(i)
			sortedKeys, sortedAddrs = append(sortedKeys, p.ProfileKey), append(sortedAddrs, phone(i))
			effects = append(effects, string(x.ID))
			part["profiles"][p.ProfileKey.String()], part["facts"][refText(f.Ref())] = p.Part(), f.Subject.Part()
			part["addresses"][phone(i).String()], part["effects"][string(x.ID)] = phone(i).Part(), x.ID.Part()
		}
		clear(refs)
		for _, r := range sortedRefs {
			refs[refText(r)] = r
		}
		return nil
	})
	slices.SortFunc(sortedRefs, crm.FactRef.Compare)
	slices.SortFunc(sortedKeys, func(a, b crm.ProfileKey) int { return cmp.Or(cmp.Compare(a.Part(), b.Part()), a.Compare(b)) })
	slices.SortFunc(sortedAddrs, func(a, b crm.Address) int { return cmp.Or(cmp.Compare(a.Part(), b.Part()), a.Compare(b)) })
	slices.Sort(effects)
	all := map[string][]string{"effects": effects}
	for _, r := range sortedRefs {
		all["facts"] = append(all["facts"], refText(r))
	}
	for _, k := range sortedKeys {
		all["profiles"] = append(all["profiles"], k.String())
	}
	for _, a := range sortedAddrs {
		all["addresses"] = append(all["addresses"], a.String())
	}
	for _, s := range scanners(refs, keys, addrs) {
		for _, cuts := range [][]crm.Part{{0, crm.Parts}, {0, 1, 2, 300, 301, 700, crm.Parts - 1, crm.Parts}, {0, 512, crm.Parts}, {100, 900}} {
			for _, limit := range []int{7, 1000} {
				var got []string
				e.view(func(r crm.Reader) error {
					for i := 1; i < len(cuts); i++ {
						parts := crm.PartRange{Lo: cuts[i-1], Hi: cuts[i]}
						for after := ""; ; {
							ids, at, err := s.page(e.ctx, r, parts, after, limit)
							if err != nil {
								return err
							}
							if len(ids) == 0 {
								break
							}
							require.LessOrEqual(e, len(ids), limit)
							for _, p := range at {
								require.True(e, parts.Contains(p), "%s: part %d is not in [%d, %d)", s.name, p, parts.Lo, parts.Hi)
							}
							got, after = append(got, ids...), ids[len(ids)-1]
						}
					}
					return nil
				})
				var want []string
				for _, id := range all[s.name] {
					if p := part[s.name][id]; p >= cuts[0] && p < cuts[len(cuts)-1] {
						want = append(want, id)
					}
				}
				require.Equal(e, strings.Join(want, "\n"), strings.Join(got, "\n"), "%s over the parts %v by pages of %d", s.name, cuts, limit)
			}
		}
	}
}

func testNestedReads(e *env) {
	var ns []int
	for i := range 100 {
		ns = append(ns, i)
	}
	arrive(e, ns...)
	visited := 0
	e.update(func(tx crm.Tx) error {
		visited = 0
		var after crm.ProfileKey
		for {
			page, err := tx.ScanProfiles(e.ctx, crm.AllParts(), after, 9)
			if err != nil || len(page) == 0 {
				return err
			}
			for _, p := range page {
				visited++
				after = p.ProfileKey
				if _, err := tx.Links(e.ctx, p.ProfileKey); err != nil {
					return err
				}
				q := p.Clone()
				q.Gender = "x"
				if err := tx.PutProfiles(e.ctx, q); err != nil {
					return err
				}
				if _, err := tx.PutFacts(e.ctx, &crm.Fact{
					Key: crm.FactKey{Kind: crm.KindNote, Source: "s", ID: "1"}, Subject: crm.OfProfile(p.ProfileKey),
					At: start, Recorded: start, Data: &crm.Note{Text: "x"},
				}); err != nil {
					return err
				}
				if _, err := tx.FactsOf(e.ctx, crm.FactQuery{Subjects: []crm.Subject{crm.OfProfile(p.ProfileKey)}}); err != nil {
					return err
				}
			}
		}
	})
	require.Equal(e, 100, visited, "a scan with writes in between visits every record once")
	e.view(func(r crm.Reader) error {
		fs, err := r.ScanFacts(e.ctx, crm.AllParts(), crm.KindNote, crm.FactRef{}, 1000)
		require.Len(e, fs, 100)
		return err
	})
}

func testLargeScan(e *env) {
	const n, batch = 20_000, 1000
	text := strings.Repeat("x", 200)
	for from := 0; from < n; from += batch {
		e.update(func(tx crm.Tx) error {
			var fs []*crm.Fact
			for i := from; i < from+batch; i++ {
				fs = append(fs, note(crm.OfProfile(key(i/4)), fmt.Sprint(i%4), text, 1))
			}
			_, err := tx.PutFacts(e.ctx, fs...)
			return err
		})
	}
	runtime.GC()
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	seen, worst := 0, uint64(0)
	e.view(func(r crm.Reader) error {
		var after crm.FactRef
		for pages := 1; ; pages++ {
			page, err := r.ScanFacts(e.ctx, crm.AllParts(), crm.KindNote, after, 100)
			if err != nil || len(page) == 0 {
				return err
			}
			for _, f := range page {
				if seen++; seen > 1 && f.Ref().Compare(after) <= 0 {
					require.Fail(e, "out of order", "%v after %v", f.Ref(), after)
				}
				after = f.Ref()
			}
			if pages%50 == 0 {
				runtime.GC()
				runtime.ReadMemStats(&now)
				if now.HeapAlloc > before.HeapAlloc {
					worst = max(worst, now.HeapAlloc-before.HeapAlloc)
				}
			}
		}
	})
	require.Equal(e, n, seen)
	require.Less(e, worst, uint64(8<<20), "a scan holds on to what it has returned")
}
