package storetest

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

var refTests = []test{
	{"Refs/LookUp", "Refs returns per key the entries of one index, sorted by order, subject and target, up to the limit", testRefs},
	{"Refs/Scan", "ScanRefs returns the entries under one key in the same order, page by page, from any order on", testScanRefs},
	{"Refs/Idempotent", "PutRefs leaves entries alone that are there already, DeleteRefs ignores absent ones", testRefsIdempotent},
}

// refs looks keys up in one index.
func (e *env) refs(kind crm.RefKind, limit int, keys ...string) (out [][]crm.Ref) {
	e.Helper()
	e.view(func(r crm.Reader) (err error) {
		out, err = r.Refs(e.ctx, kind, limit, keys...)
		return err
	})
	require.Len(e, out, len(keys), "Refs returns one list per key")
	return out
}

// testRefs has keys that begin alike and indexes that share keys, looks absent ones up and one
// twice, and cuts at limits.
func testRefs(e *env) {
	var all []crm.Ref
	for i := range 30 {
		for _, k := range []string{"123", "1234", "123/x", "öz", fmt.Sprint(i % 4)} {
			all = append(all, crm.Ref{Kind: crm.RefPartial, Key: k, Subject: crm.OfProfile(key(i % 7)), Target: fmt.Sprintf("t-%d", i)})
			all = append(all, crm.Ref{Kind: crm.RefOrder, Key: k, Subject: crm.OfAddress(phone(i)), Target: ""})
		}
	}
	e.update(func(tx crm.Tx) error { return tx.PutRefs(e.ctx, all...) })
	want := func(kind crm.RefKind, k string) []crm.Ref {
		var out []crm.Ref
		for _, r := range all {
			if r.Kind == kind && r.Key == k && !slices.Contains(out, r) {
				out = append(out, r)
			}
		}
		slices.SortFunc(out, crm.Ref.Compare)
		return out
	}
	keys := []string{"123", "nothing", "1234", "öz", "12", "123", "", "2"}
	for _, kind := range []crm.RefKind{crm.RefPartial, crm.RefOrder, crm.RefSerial} {
		for i, got := range e.refs(kind, 1000, keys...) {
			same(e, want(kind, keys[i]), got, "%s %q", kind, keys[i])
		}
		for _, limit := range []int{1, 2, 5} {
			for i, got := range e.refs(kind, limit, keys...) {
				w := want(kind, keys[i])
				same(e, w[:min(limit, len(w))], got, "%s %q, the first %d", kind, keys[i], limit)
			}
		}
	}
	require.Empty(e, e.refs(crm.RefOrder, 10))
}

// testScanRefs uses orders at the ends of int64 and around 0 and 256, where an encoding of
// numbers as bytes goes wrong first.
func testScanRefs(e *env) {
	var all []crm.Ref
	for i, order := range []int64{0, 5, -1, math.MaxInt64, math.MinInt64, 256, -256, 255, -257, 1 << 40, -1 << 40, 5, 0, 65536} {
		all = append(all, crm.Ref{Kind: crm.RefSerial, Key: "s", Subject: crm.OfProfile(key(i % 3)), Target: fmt.Sprint(i % 2), Order: order},
			crm.Ref{Kind: crm.RefSerial, Key: "s1", Subject: crm.OfProfile(key(i)), Order: order}, // neighbours
			crm.Ref{Kind: crm.RefOrder, Key: "s", Subject: crm.OfAddress(phone(i)), Order: order})
	}
	e.update(func(tx crm.Tx) error { return tx.PutRefs(e.ctx, all...) })
	var want []crm.Ref
	for _, r := range all {
		if r.Kind == crm.RefSerial && r.Key == "s" && !slices.Contains(want, r) {
			want = append(want, r)
		}
	}
	slices.SortFunc(want, crm.Ref.Compare)
	for _, limit := range []int{0, 1, 3, 100, 0, -1, -3, -100} {
		var got []crm.Ref
		q := crm.RefQuery{Kind: crm.RefSerial, Key: "s", Limit: max(limit, -limit), Backward: limit < 0}
		e.view(func(r crm.Reader) error {
			for {
				page, err := r.ScanRefs(e.ctx, q)
				if err != nil || len(page) == 0 {
					return err
				}
				got = append(got, page...)
				q.After = page[len(page)-1]
			}
		})
		if q.Backward {
			slices.Reverse(got)
		}
		same(e, want, got, "by pages of %d", limit)
	}
	for _, from := range []int64{math.MinInt64, -256, 0, 5, 6, math.MaxInt64} {
		at, _ := slices.BinarySearchFunc(want, from, func(r crm.Ref, from int64) int { return cmp.Compare(r.Order, from) })
		var got []crm.Ref
		e.view(func(r crm.Reader) (err error) {
			got, err = r.ScanRefs(e.ctx, crm.RefQuery{Kind: crm.RefSerial, Key: "s", After: crm.Ref{Kind: crm.RefSerial, Order: from}})
			return err
		})
		same(e, want[at:], got, "from %d on", from)
	}
	for _, k := range []string{"", "nothing", "a\x00b"} {
		e.view(func(r crm.Reader) error {
			page, err := r.ScanRefs(e.ctx, crm.RefQuery{Kind: crm.RefSerial, Key: k})
			require.Empty(e, page)
			return err
		})
	}
	e.update(func(tx crm.Tx) error { return tx.DeleteRefs(e.ctx, want[0]) })
	require.Equal(e, want[1:], e.refs(crm.RefSerial, 100, "s")[0], "the order is part of what an entry is")
}

// testRefsIdempotent puts and deletes entries twice, in one call and in two.
func testRefsIdempotent(e *env) {
	ref := crm.Ref{Kind: crm.RefContact, Key: phone(1).String(), Subject: crm.OfProfile(key(1))}
	other := ref
	other.Target = "x"
	e.update(func(tx crm.Tx) error { return tx.PutRefs(e.ctx, ref, ref) })
	e.update(func(tx crm.Tx) error { return tx.PutRefs(e.ctx, ref, other) })
	require.Equal(e, []crm.Ref{ref, other}, e.refs(ref.Kind, 10, ref.Key)[0])
	e.update(func(tx crm.Tx) error { return tx.DeleteRefs(e.ctx, ref, ref) })
	e.update(func(tx crm.Tx) error { return tx.DeleteRefs(e.ctx, ref) })
	require.Equal(e, []crm.Ref{other}, e.refs(ref.Kind, 10, ref.Key)[0], "only the entry itself goes")
}
