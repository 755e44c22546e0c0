package storetest

import (
	"crypto/sha256"
	"reflect"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

var kindTests = []test{
	{"Kinds/Known", "the store has the descriptions that it was given", testKindsKnown},
	{"Kinds/Example", "the example of each kind has every field set and comes back from JSON and from the store; versions of it count as of any fact; the feed tells of it", testKindExamples},
	{"Kinds/Imported", "what a kind describes is imported, found by its keys in their order, and in timeline and digest", testKindsImported},
}

// testKindsKnown fails where the store was opened without the kinds that the suite was told of.
func testKindsKnown(e *env) {
	kinds := e.kinds()
	for _, k := range append(crm.BuiltIn().All(), of(e.opt.Kinds)...) {
		got := kinds.Of(k.Name)
		require.NotNil(e, got, "the store does not know %q", k.Name)
		require.Equal(e, reflect.TypeOf(k.New()), reflect.TypeOf(got.New()), "%q", k.Name)
	}
	require.Len(e, kinds.All(), len(crm.BuiltIn().All())+len(e.opt.Kinds), "the store has kinds that the suite was not given: set Options.Kinds")
}

// of returns pointers to the kinds of the options, as Kinds.All does of its own.
func of(kinds []crm.Kind) (out []*crm.Kind) {
	for i := range kinds {
		out = append(out, &kinds[i])
	}
	return out
}

// anExample is a fact of a kind with its example.
func anExample(k *crm.Kind, s crm.Subject, id string) *crm.Fact {
	return &crm.Fact{Key: crm.FactKey{Kind: k.Name, Source: "example", ID: id}, Subject: s, At: start, Place: "kadıköy", Version: 5, Recorded: start, Data: k.Example()}
}

// testKindExamples is what a new kind gets without a test of its own. The example must set
// every field, or a column or a codec that forgets one would not be seen.
func testKindExamples(e *env) {
	for _, k := range e.kinds().All() {
		for _, hole := range unset(string(k.Name), reflect.ValueOf(k.Example()).Elem()) {
			e.Errorf("the example of %q does not set %s", k.Name, hole)
		}
		data, err := crm.EncodeFactData(k.Example())
		require.NoError(e, err)
		back, err := e.kinds().Decode(k.Name, data)
		require.NoError(e, err)
		same(e, k.Example(), back, "%q as JSON", k.Name)
		for _, s := range subjectsOf(k) {
			f := anExample(k, s, "1")
			put := func(change func(*crm.Fact)) (out crm.Put) {
				g := anExample(k, s, "1")
				change(g)
				e.update(func(tx crm.Tx) error {
					puts, err := tx.PutFacts(e.ctx, g)
					if err == nil {
						out = puts[0]
					}
					return err
				})
				return out
			}
			require.Equal(e, crm.PutNew, put(func(*crm.Fact) {}), "%q", k.Name)
			same(e, f, e.fact(f.Ref()), "%q on %s", k.Name, s)
			require.Equal(e, crm.PutSame, put(func(*crm.Fact) {}), "%q", k.Name)
			require.Equal(e, crm.PutOlder, put(func(f *crm.Fact) { f.Version, f.Place = 4, "" }), "%q", k.Name)
			tie := put(func(f *crm.Fact) { f.Place = "izmir" })
			require.Contains(e, []crm.Put{crm.PutWon, crm.PutLost}, tie, "%q", k.Name)
			require.Equal(e, crm.PutNew, put(func(f *crm.Fact) { f.Version = 6 }), "%q", k.Name)
			f.Version = 6
			same(e, f, e.fact(f.Ref()), "%q on %s", k.Name, s)
			told, want := 0, 2
			if tie == crm.PutWon {
				want = 3
			}
			for _, c := range e.changes(100) {
				if f.Ref() == (crm.FactRef{Subject: c.Subject, Key: c.Fact}) {
					told++
				}
			}
			require.Equal(e, want, told, "the feed tells of a %q", k.Name)
			e.view(func(r crm.Reader) error {
				page, err := r.ScanFacts(e.ctx, crm.AllParts(), k.Name, crm.FactRef{}, 1000)
				require.True(e, slices.ContainsFunc(page, func(g *crm.Fact) bool { return g.Ref() == f.Ref() }), "%q", k.Name)
				return err
			})
		}
	}
}

// unset returns the fields that are not set.
func unset(path string, v reflect.Value) (out []string) {
	if v.Kind() != reflect.Struct || v.Type().PkgPath() == "time" || v.Type().Name() == "Subject" {
		if v.IsZero() {
			return []string{path}
		}
		return nil
	}
	for i := range v.NumField() {
		out = append(out, unset(path+"."+v.Type().Field(i).Name, v.Field(i))...)
	}
	return out
}

// foldedKinds are in a digest as what they come to; the kernel alone writes holds.
var foldedKinds = []crm.FactKind{crm.KindTag, crm.KindConsent, crm.KindSuppression, crm.KindHold}

// testKindsImported sends the examples through a Service, where their keys, moments and digests
// count.
func testKindsImported(e *env) {
	svc := e.service()
	here := key(1)
	p := someone(1)
	p.Contacts = []crm.Contact{{Address: phone(1)}}
	_, err := svc.Import(e.ctx, crm.Batch{Profiles: []*crm.Profile{p}, Facts: []*crm.Fact{order(1, "TR/1")}})
	require.NoError(e, err)
	digest := func() (out [sha256.Size]byte) {
		e.view(func(r crm.Reader) (err error) {
			out, err = crm.Digest(e.ctx, r, start.AddDate(9, 0, 0))
			return err
		})
		return out
	}
	for _, k := range e.kinds().All() {
		if k.Name == crm.KindHold {
			continue
		}
		for _, s := range subjectsOf(k) {
			f := anExample(k, s, "on "+s.String())
			was := digest()
			require.Equal(e, crm.ImportReport{Facts: 1}, e.take(svc, f), "%q", k.Name)
			require.Equal(e, crm.ImportReport{Repeated: 1}, e.take(svc, anExample(k, s, f.Key.ID)), "%q", k.Name)
			folded := slices.Contains(foldedKinds, k.Name)
			is := digest()
			require.True(e, folded || was != is, "a %q is in the digest", k.Name)
			later := anExample(k, s, f.Key.ID)
			later.Version, later.Place, later.At = 6, "izmir", start.Add(time.Hour)
			require.Equal(e, crm.ImportReport{Facts: 1}, e.take(svc, later), "%q", k.Name)
			require.True(e, folded || is != digest(), "a change of a %q is in the digest", k.Name)

			_, shown := start, true
			if k.Moment != nil {
				_, shown = k.Moment(later)
			}
			require.Equal(e, shown, slices.Contains(e.shown(svc, here), f.Key.String()), "a %q on %s in the timeline", k.Name, s)
			if k.Index != nil {
				e.lookUps(svc, k, later)
			}
		}
	}
	e.requireConsistent()
}

// lookUps checks that a fact, and a second one, are found by the keys of the kind.
func (e *env) lookUps(svc *crm.Service, k *crm.Kind, f *crm.Fact) {
	e.Helper()
	type entry struct {
		kind  crm.RefKind
		key   string
		order int64
	}
	entries := func(f *crm.Fact) (out []entry) {
		k.Index(f, func(kind crm.RefKind, key string, order int64) { out = append(out, entry{kind, key, order}) })
		return out
	}
	all := entries(f)
	require.NotEmpty(e, all, "the example of %q has a key", k.Name)
	require.Equal(e, all, entries(f), "the keys of a %q do not change", k.Name)
	second := anExample(k, f.Subject, f.Key.ID+" 2")
	second.At = start.Add(-time.Hour)
	e.take(svc, second)
	for _, x := range all {
		var hits []crm.FactKey
		for h, err := range svc.Find(e.ctx, crm.Query{Index: x.kind, Key: x.key}) {
			require.NoError(e, err)
			require.NotEmpty(e, h.Customer, "%q", k.Name)
			hits = append(hits, h.Fact)
		}
		require.Contains(e, hits, f.Key)
		require.Contains(e, hits, second.Key)
		e.view(func(r crm.Reader) error {
			got, err := r.ScanRefs(e.ctx, crm.RefQuery{Kind: x.kind, Key: x.key})
			require.NoError(e, err)
			require.True(e, slices.IsSortedFunc(got, crm.Ref.Compare), "%q", k.Name)
			require.True(e, slices.ContainsFunc(got, func(r crm.Ref) bool { return r.Order == x.order && r.Subject == f.Subject }), "%q", k.Name)
			return nil
		})
	}
}
