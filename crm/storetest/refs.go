package storetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

var refTests = []test{
	{"Refs/LookUp", "Refs returns per key the entries of one index, sorted by subject and target, up to the limit", testRefs},
	{"Refs/Idempotent", "PutRefs leaves entries alone that are there already, DeleteRefs ignores absent ones", testRefsIdempotent},
}

func (e *env) refs(kind crm.RefKind, limit int, keys ...string) (out [][]crm.Ref) {
	e.Helper()
	e.view(func(r crm.Reader) (err error) {
		out, err = r.Refs(e.ctx, kind, limit, keys...)
		return err
	})
	require.Len(e, out, len(keys), "Refs returns one list per key")
	return out
}

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
		slices.SortFunc(out, compareRefs)
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

func compareRefs(a, b crm.Ref) int {
	if c := a.Subject.Compare(b.Subject); c != 0 {
		return c
	}
	return strings.Compare(a.Target, b.Target)
}

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
