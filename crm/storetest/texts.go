package storetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
)

var textTests = []test{
	{"Texts/Hostile", "any UTF-8 text without control characters can be part of a key, up to crm.MaxKeyLen bytes; texts are compared byte for byte", testHostileTexts},
	{"Texts/Refused", "stores call Validate on every write: what cannot be stored is ErrInvalid and leaves nothing behind", testRefusedTexts},
	{"Texts/Queries", "a query with a text that nothing can have finds nothing", testHostileQueries},
}

// hostile are texts that break statements, patterns, collations and lengths: quotes, wild
// cards, characters that normalise or compare alike, blanks at the ends, and what is as long as
// a key may be.
var hostile = []string{
	"'; DROP TABLE profiles; --", `"`, `\`, `\\`, `''`, "`", "%", "_", "%_%", "a%b", "axb", "a_b", "?", "$1", ":x", "@x", "{}", "[]", "NULL", "null", "0", "-1", "1e9",
	" ", "  ", "  lead", "lead", "trail ", "trail", "trail\u00a0", "a b", "/", "//", "a/b", ":", "\u00a0", "\u200b", "\ufeff", "\u202eRTL", "שלום", "مرحبا", "İ", "I", "ı", "i", "i̇", "Å", "A\u030a", "e\u0301", "é",
	"😀", "👩‍👩‍👧‍👦", "🇹🇷", "𝒜", "漢字", "ß", "ss", "SS", "\U0010ffff", "\ufffd", "A", "a", "Z", "z", "~", "aa", "aA", "Aa",
	strings.Repeat("x", crm.MaxKeyLen), strings.Repeat("ğ", crm.MaxKeyLen/2), strings.Repeat("😀", crm.MaxKeyLen/4), strings.Repeat("%", crm.MaxKeyLen),
}

// testHostileTexts writes each text wherever a text can stand, and reads all of it back, alone
// and by scans in byte order.
func testHostileTexts(e *env) {
	texts := slices.Clone(hostile)
	e.update(func(tx crm.Tx) error {
		for i, s := range texts {
			k := crm.ProfileKey{Source: s, ID: texts[len(texts)-1-i]}
			p := &crm.Profile{ProfileKey: k, Name: crm.Name{Given: s, Full: s}, Attributes: map[string]string{s: s}, Gender: s}
			if err := tx.PutProfiles(e.ctx, p); err != nil {
				return fmt.Errorf("profile %q: %w", s, err)
			}
			l := &crm.Link{Profile: k, Customer: crm.CustomerID(s), Kind: crm.LinkNew, Actor: s, At: start, Evidence: crm.Evidence{Note: s, Fields: []string{s}}}
			if err := tx.AppendLinks(e.ctx, l); err != nil {
				return fmt.Errorf("link %q: %w", s, err)
			}
			a := crm.Address{Channel: crm.Channel(s), Value: s}
			st := &crm.AddressState{Address: a, Version: 1, Suppressed: []string{s}, Consents: []crm.ConsentState{{ConsentKey: crm.ConsentKey{Brand: s}, Status: crm.Granted, At: start}}}
			if err := tx.PutAddresses(e.ctx, st); err != nil {
				return fmt.Errorf("address %q: %w", s, err)
			}
			if _, err := tx.PutFacts(e.ctx, textFact(s), note(crm.OfAddress(a), s, s, 1)); err != nil {
				return fmt.Errorf("fact %q: %w", s, err)
			}
			if err := tx.PutRefs(e.ctx, crm.Ref{Kind: crm.RefSerial, Key: s, Subject: crm.OfProfile(k), Target: s}); err != nil {
				return fmt.Errorf("ref %q: %w", s, err)
			}
			if err := tx.PutDocuments(e.ctx, &crm.Document{Kind: "text", ID: s, Data: mustJSON(s)}); err != nil {
				return fmt.Errorf("document %q: %w", s, err)
			}
			if _, err := tx.PutEffects(e.ctx, textEffect(s)); err != nil {
				return fmt.Errorf("effect %q: %w", s, err)
			}
		}
		return nil
	})
	for i, s := range texts {
		k := crm.ProfileKey{Source: s, ID: texts[len(texts)-1-i]}
		p := e.profile(k)
		require.NotNil(e, p, "%q", s)
		require.Equal(e, []string{s, s, s, s}, []string{p.Name.Given, p.Name.Full, p.Attributes[s], p.Gender})
		require.Equal(e, crm.CustomerID(s), p.Customer)
		require.Equal(e, []crm.ProfileKey{k}, e.members(crm.CustomerID(s)), "%q", s)
		require.Equal(e, s, e.links(k)[0].Evidence.Note)
		same(e, textFact(s), e.fact(textFact(s).Ref()), "%q", s)
		require.Equal(e, []string{s}, e.address(crm.Address{Channel: crm.Channel(s), Value: s}).Suppressed, "%q", s)
		require.Equal(e, []crm.Ref{{Kind: crm.RefSerial, Key: s, Subject: crm.OfProfile(k), Target: s}}, e.refs(crm.RefSerial, 10, s)[0], "%q", s)
		require.JSONEq(e, string(mustJSON(s)), string(e.document("text", s).Data), "%q", s)
		require.Equal(e, []string{s, s}, []string{e.effect(textEffect(s).ID).Occurrence, e.effect(textEffect(s).ID).Provider})
		e.view(func(r crm.Reader) error {
			fs, err := r.FactsOf(e.ctx, crm.FactQuery{Subjects: []crm.Subject{textFact(s).Subject}})
			require.Len(e, fs, 1, "%q", s)
			require.NoError(e, err)
			due, err := r.DueEffects(e.ctx, crm.DueQuery{State: crm.Planned, Before: start.AddDate(0, 0, 1), Kinds: []crm.EffectKind{crm.EffectKind(s)}})
			require.Len(e, due, 1, "%q", s)
			return err
		})
	}
	// Scans are in byte order, whatever the database's collation.
	e.view(func(r crm.Reader) error {
		var ids []string
		for after := ""; ; {
			ds, err := r.ScanDocuments(e.ctx, "text", after, 10)
			if err != nil {
				return err
			}
			if len(ds) == 0 {
				break
			}
			for _, d := range ds {
				ids, after = append(ids, d.ID), d.ID
			}
		}
		want := slices.Clone(texts)
		slices.Sort(want)
		require.Equal(e, want, ids)
		var last crm.FactRef
		seen := 0
		for {
			fs, err := r.ScanFacts(e.ctx, crm.AllParts(), crm.KindNote, last, 10)
			if err != nil {
				return err
			}
			if len(fs) == 0 {
				break
			}
			for _, f := range fs {
				require.True(e, last.IsZero() || f.Ref().Compare(last) > 0, "facts are not in byte order: %q after %q", f.Ref(), last)
				last = f.Ref()
				seen++
			}
		}
		require.Equal(e, len(texts)*2, seen)
		return nil
	})
}

// textFact is a fact of which every text is s.
func textFact(s string) *crm.Fact {
	return &crm.Fact{
		Key: crm.FactKey{Kind: crm.KindNote, Source: s, ID: s}, Subject: crm.OfProfile(crm.ProfileKey{Source: s, ID: s}),
		At: start, Place: s, Version: 1, Recorded: start, Data: &crm.Note{Text: s + "\n\t\u0001", Actor: s},
	}
}

// textEffect is an effect of which every text is s.
func textEffect(s string) *crm.Effect {
	subject := crm.OfProfile(crm.ProfileKey{Source: s, ID: s})
	return &crm.Effect{
		ID: crmtest.EffectID(s, subject, crm.FactKey{}, s), Kind: crm.EffectKind(s), Cause: s, Subject: subject, Occurrence: s,
		Due: start, State: crm.Planned, Created: start, Changed: start, Data: mustJSON(s), Reasons: []crm.Reason{{Guard: s, Note: s}}, Provider: s,
	}
}

func mustJSON(s string) []byte {
	b, err := json.Marshal(map[string]string{"text": s})
	if err != nil {
		return []byte(`{}`)
	}
	return b
}

// testRefusedTexts puts a good record before each bad one. What cannot be a key on one store
// must be refused by all, or a record could not move between them.
func testRefusedTexts(e *env) {
	bad := []string{"", "a\x00b", "\x00", "line\nbreak", "\x7f", "\xff\xfe", "caf\xe9", "\xed\xa0\x80", strings.Repeat("x", crm.MaxKeyLen+1)}
	for _, s := range bad {
		k := crm.ProfileKey{Source: "till", ID: s}
		a := crm.Address{Channel: crm.Phone, Value: s}
		for _, w := range []struct {
			what  string
			write func(tx crm.Tx) error
		}{
			{"profile", func(tx crm.Tx) error { return tx.PutProfiles(e.ctx, someone(1), &crm.Profile{ProfileKey: k}) }},
			{"contact", func(tx crm.Tx) error {
				return tx.PutProfiles(e.ctx, &crm.Profile{ProfileKey: key(1), Contacts: []crm.Contact{{Address: a}}})
			}},
			{"link", func(tx crm.Tx) error {
				return tx.AppendLinks(e.ctx, &crm.Link{Profile: k, Customer: "x", Kind: crm.LinkNew, At: start})
			}},
			{"fact", func(tx crm.Tx) error {
				f := order(1, s)
				_, err := tx.PutFacts(e.ctx, order(1, "good"), f)
				return err
			}},
			{"subject", func(tx crm.Tx) error {
				_, err := tx.PutFacts(e.ctx, note(crm.OfAddress(a), "1", "x", 1))
				return err
			}},
			{"address", func(tx crm.Tx) error {
				return tx.PutAddresses(e.ctx, &crm.AddressState{Address: phone(1), Version: 1}, &crm.AddressState{Address: a, Version: 1})
			}},
			{"ref", func(tx crm.Tx) error {
				return tx.PutRefs(e.ctx, crm.Ref{Kind: crm.RefOrder, Key: s, Subject: crm.OfProfile(key(1))})
			}},
			{"document", func(tx crm.Tx) error {
				return tx.PutDocuments(e.ctx, &crm.Document{Kind: "place", ID: s, Data: []byte(`1`)})
			}},
			{"effect", func(tx crm.Tx) error {
				x := effect(1, "a")
				x.Cause = s
				x.ID = crmtest.EffectID(s, x.Subject, x.About, x.Occurrence)
				_, err := tx.PutEffects(e.ctx, effect(1, "good"), x)
				return err
			}},
		} {
			err := e.store.Update(e.ctx, w.write)
			if w.what == "link" { // a link is of a profile that is there, and none can be there
				require.Error(e, err, "%s with %.20q", w.what, s)
				continue
			}
			require.ErrorIs(e, err, crm.ErrInvalid, "%s with %.20q", w.what, s)
		}
	}
	for what, write := range map[string]func(tx crm.Tx) error{
		"a document that is not JSON": func(tx crm.Tx) error {
			return tx.PutDocuments(e.ctx, &crm.Document{Kind: "place", ID: "1", Data: []byte(`{`)})
		},
		"custom content that is not JSON": func(tx crm.Tx) error {
			f := order(1, "1")
			f.Key.Kind, f.Data = "own", &crm.Custom{JSON: []byte(`{`)}
			_, err := tx.PutFacts(e.ctx, f)
			return err
		},
		"a fact without content": func(tx crm.Tx) error {
			f := order(1, "1")
			f.Data = nil
			_, err := tx.PutFacts(e.ctx, f)
			return err
		},
		"content of another kind": func(tx crm.Tx) error {
			f := order(1, "1")
			f.Key.Kind = crm.KindNote
			_, err := tx.PutFacts(e.ctx, f)
			return err
		},
		"an effect with the id of another part": func(tx crm.Tx) error {
			x := effect(1, "a")
			x.ID = effect(2, "a").ID
			_, err := tx.PutEffects(e.ctx, x)
			return err
		},
		"an effect in an unknown state": func(tx crm.Tx) error {
			x := effect(1, "a")
			x.State = "lost"
			_, err := tx.PutEffects(e.ctx, x)
			return err
		},
	} {
		e.refused(crm.ErrInvalid, what, write)
	}
	e.requireNothing("after writes that were refused")
}

// testHostileQueries asks for what cannot be there. A query must not fail by what its caller
// typed.
func testHostileQueries(e *env) {
	e.update(func(tx crm.Tx) error { return everything(e.ctx, tx) })
	for _, s := range []string{"", "a\x00b", "1001\x00p", "\xff", strings.Repeat("x", 2*crm.MaxKeyLen), "%", "c-_", "c-%"} {
		e.view(func(r crm.Reader) error {
			k := crm.ProfileKey{Source: "till", ID: s}
			ps, err := r.Profiles(e.ctx, k)
			require.NoError(e, err, "%.20q", s)
			require.Equal(e, []*crm.Profile{nil}, ps)
			fs, err := r.FactsOf(e.ctx, crm.FactQuery{Subjects: []crm.Subject{crm.OfProfile(k)}})
			require.NoError(e, err, "%.20q", s)
			require.Empty(e, fs)
			ls, err := r.Links(e.ctx, k)
			require.NoError(e, err, "%.20q", s)
			require.Empty(e, ls[0])
			ms, err := r.Members(e.ctx, crm.CustomerID(s))
			require.NoError(e, err, "%.20q", s)
			require.Empty(e, ms[0])
			rs, err := r.Refs(e.ctx, crm.RefOrder, 10, s)
			require.NoError(e, err, "%.20q", s)
			require.Empty(e, rs[0])
			xs, err := r.Effects(e.ctx, crm.EffectID(s))
			require.NoError(e, err, "%.20q", s)
			require.Equal(e, []*crm.Effect{nil}, xs)
			ds, err := r.Documents(e.ctx, "place", s)
			require.NoError(e, err, "%.20q", s)
			require.Equal(e, []*crm.Document{nil}, ds)
			ss, err := r.Addresses(e.ctx, crm.Address{Channel: crm.Phone, Value: s})
			require.NoError(e, err, "%.20q", s)
			require.Zero(e, ss[0].Version)
			return nil
		})
	}
}
