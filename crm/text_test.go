package crm

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestPartsAreTheDesigns holds the definition of a part: the first ten bits of
// SHA-256(a, 0, b), here as another program computes them.
func TestPartsAreTheDesigns(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want Part
	}{ // python: int.from_bytes(hashlib.sha256(b"a\0b").digest()[:2], "big") >> 6
		{"", "", 440}, {"pos", "1", 915}, {"web", "ş", 213}, {"phone", "+905320000001", 247},
	} {
		require.Equal(t, c.want, PartOf(c.a, c.b), "%q %q", c.a, c.b)
		part, _ := PartHash(c.a, c.b)
		require.Equal(t, c.want, part)
	}
	_, h := PartHash("pos", "1")
	require.Equal(t, int64(-6100334824703945152), h, "bytes 8 to 15, as a signed number")
	_, long := PartHash("pos", strings.Repeat("x", 300)) // more than the buffer on the stack
	require.Equal(t, int64(7530314040187630687), long)
	require.Equal(t, PartOf("pos", "1"), ProfileKey{"pos", "1"}.Part())
	require.Equal(t, PartOf("phone", "+905320000001"), Address{Phone, "+905320000001"}.Part())
	require.Equal(t, PartOf("customer", "c"), CustomerID("c").Part())
	require.Equal(t, PartOf("pos", "1"), OfProfile(ProfileKey{"pos", "1"}).Part())
	require.Equal(t, PartOf("phone", "1"), OfAddress(Address{Phone, "1"}).Part())
}

func TestPartRanges(t *testing.T) {
	all := PartRange{}
	require.Equal(t, PartRange{0, Parts}, all.Bounds())
	require.Equal(t, AllParts(), all.Bounds())
	require.True(t, all.Contains(0))
	require.True(t, all.Contains(Parts-1))
	require.False(t, all.Contains(Parts))
	some := PartRange{3, 5}
	require.Equal(t, some, some.Bounds())
	for p, want := range map[Part]bool{2: false, 3: true, 4: true, 5: false, 6: false} {
		require.Equal(t, want, some.Contains(p), p)
	}
}

// TestTextsOfKeys goes along the borders of what a key may be made of.
func TestTextsOfKeys(t *testing.T) {
	for _, c := range []struct {
		text  string
		empty bool
		fault string
	}{
		{"a", false, ""}, {" ", false, ""}, {"~", false, ""}, {"ş", false, ""}, {"\u0080", false, ""}, {"日本", false, ""},
		{"", true, ""}, {"", false, "must not be empty"},
		{strings.Repeat("a", MaxKeyLen), false, ""}, {strings.Repeat("a", MaxKeyLen+1), false, "has 513 bytes"},
		{strings.Repeat("ş", MaxKeyLen/2), false, ""}, {strings.Repeat("ş", MaxKeyLen/2) + "a", false, "has 513 bytes"},
		{strings.Repeat("a", MaxKeyLen+1), true, "has 513 bytes"},
		{"\x1f", false, "control character"}, {"a\x00b", false, "control character"}, {"a\tb", false, "control character"}, {"a\x7f", false, "control character"},
		{"a\xff", false, "not valid UTF-8"}, {"ş\x80", false, "not valid UTF-8"}, {"ş\n", false, "control character"},
	} {
		err := checkKeyText("field", c.text, c.empty)
		if c.fault == "" {
			require.NoError(t, err, "%q", c.text)
			continue
		}
		require.ErrorContains(t, err, c.fault, "%q", c.text)
		var fe *FieldError
		require.ErrorAs(t, err, &fe)
		require.Equal(t, "field", fe.Field)
	}
	for text, want := range map[string]bool{"": true, "abc ~": true, "\x1f": false, "\x7f": false, "ş": false, strings.Repeat("a", MaxKeyLen): true, strings.Repeat("a", MaxKeyLen+1): false} {
		require.Equal(t, want, plainText(text), "%q", text)
	}
}

// TestKeysReadBack writes keys and subjects and reads them back.
func TestKeysReadBack(t *testing.T) {
	text := rapid.StringMatching(`[ab/%25F.ş]{1,6}`)
	rapid.Check(t, func(t *rapid.T) {
		k := FactKey{FactKind(text.Draw(t, "kind")), text.Draw(t, "source"), text.Draw(t, "id")}
		require.Equal(t, k, parseFactKey(k.String()))
		p := ProfileKey{text.Draw(t, "profile source"), text.Draw(t, "profile id")}
		require.Equal(t, p.Source, unescapeSource(escapeSource(p.Source)))
		for _, s := range []Subject{OfProfile(p), OfAddress(Address{Channel(p.Source), p.ID})} {
			kind, a, b := s.Flat()
			require.Equal(t, s, SubjectOf(kind, a, b))
		}
	})
	require.Equal(t, FactKey{}, parseFactKey(""))
	require.Equal(t, FactKey{}, parseFactKey("order"))
	require.Equal(t, FactKey{}, parseFactKey("order/pos"))
	require.Equal(t, FactKey{"order", "pos", "a/b"}, parseFactKey("order/pos/a/b"))
	require.Equal(t, "order/erp%2Ftr/a%b", FactKey{"order", "erp/tr", "a%b"}.String())
	require.Equal(t, "50%25/a", ProfileKey{"50%", "a"}.String())
}

// TestOrders checks that every order of keys is one: the same way round from
// both sides, equal for the same alone, and by the first text that differs.
func TestOrders(t *testing.T) {
	texts := []string{"", "a", "b", "ab"}
	var profiles []ProfileKey
	var facts []FactKey
	var addresses []Address
	for _, a := range texts {
		for _, b := range texts {
			profiles = append(profiles, ProfileKey{a, b})
			addresses = append(addresses, Address{Channel(a), b})
			for _, c := range texts {
				facts = append(facts, FactKey{FactKind(a), b, c})
			}
		}
	}
	lexical := func(a, b []string) int {
		for i := range a {
			if c := strings.Compare(a[i], b[i]); c != 0 {
				return c
			}
		}
		return 0
	}
	for _, a := range profiles {
		for _, b := range profiles {
			require.Equal(t, lexical([]string{a.Source, a.ID}, []string{b.Source, b.ID}), a.Compare(b))
		}
	}
	for _, a := range addresses {
		for _, b := range addresses {
			require.Equal(t, lexical([]string{string(a.Channel), a.Value}, []string{string(b.Channel), b.Value}), a.Compare(b))
		}
	}
	for _, a := range facts {
		for _, b := range facts {
			require.Equal(t, lexical([]string{string(a.Kind), a.Source, a.ID}, []string{string(b.Kind), b.Source, b.ID}), a.Compare(b))
		}
	}
	var subjects []Subject
	for _, k := range profiles[5:9] {
		subjects = append(subjects, OfProfile(k), OfAddress(Address{Channel(k.Source), k.ID}))
	}
	sign := func(n int) int {
		switch {
		case n < 0:
			return -1
		case n > 0:
			return 1
		}
		return 0
	}
	for _, a := range subjects {
		for _, b := range subjects {
			k1, a1, b1 := a.Flat()
			k2, a2, b2 := b.Flat()
			require.Equal(t, lexical([]string{k1, a1, b1}, []string{k2, a2, b2}), a.Compare(b))
			for _, f := range facts[40:44] {
				for _, g := range facts[40:44] {
					x, y := FactRef{a, f}, FactRef{b, g}
					want := sign(int(a.Part()) - int(b.Part()))
					if want == 0 {
						want = a.Compare(b)
					}
					if want == 0 {
						want = f.Compare(g)
					}
					require.Equal(t, want, sign(x.Compare(y)))
					want = a.Compare(b)
					if want == 0 {
						want = f.Compare(g)
					}
					require.Equal(t, want, sign(x.compareText(y)))
				}
			}
		}
	}
}

func TestSubjects(t *testing.T) {
	p, a := ProfileKey{"pos", "1"}, Address{Phone, "+905320000001"}
	require.NoError(t, OfProfile(p).Validate())
	require.NoError(t, OfAddress(a).Validate())
	require.ErrorContains(t, Subject{}.Validate(), "must name a profile, an address or a record")
	require.ErrorContains(t, Subject{Profile: p, Address: a}.Validate(), "must not name both")
	for _, k := range []FactKey{{KindOrder, "pos", "1"}, {"a/b", "c%d", "e/f"}, {KindVisit, "ş/", "/"}} {
		s := OfRecord(k)
		require.NoError(t, s.Validate(), "%s", k)
		require.Equal(t, k, s.recordKey())
		require.Equal(t, k.Part(), s.Part())
		require.Equal(t, s, SubjectOf(s.Flat()))
	}
	for _, bad := range []Subject{{Record: "x"}, {Record: "order/pos"}, {Record: "order/pos/"}, {Record: "/pos/1"}, {Record: "a%/b/c"}, {Record: "order/pos/1", Profile: p}, {Record: "order/pos/1", Address: a},
		OfRecord(FactKey{KindOrder, strings.Repeat("x", MaxKeyLen), "1"})} {
		require.Error(t, bad.Validate(), "%+v", bad)
	}
	require.ErrorContains(t, OfProfile(ProfileKey{"pos", ""}).Validate(), "id must not be empty")
	require.ErrorContains(t, OfProfile(ProfileKey{"", "1"}).Validate(), "source must not be empty")
	require.ErrorContains(t, OfAddress(Address{Phone, ""}).Validate(), "value must not be empty")
	require.ErrorContains(t, OfAddress(Address{"", "x"}).Validate(), "channel must not be empty")
	require.Equal(t, "pos/1", OfProfile(p).String())
	require.Equal(t, "phone:+905320000001", OfAddress(a).String())
	require.True(t, ProfileKey{}.IsZero() && Address{}.IsZero() && FactKey{}.IsZero() && FactRef{}.IsZero())
	require.False(t, p.IsZero() || a.IsZero() || FactKey{ID: "x"}.IsZero() || FactRef{Subject: OfProfile(p)}.IsZero())
}

// TestRefsAreChecked reports each fault of an entry of an index.
func TestRefsAreChecked(t *testing.T) {
	good := Ref{RefOrder, "1", OfProfile(ProfileKey{"pos", "1"}), "", 0}
	require.NoError(t, good.Validate())
	for field, change := range map[string]func(*Ref){
		"kind": func(r *Ref) { r.Kind = "" }, "key": func(r *Ref) { r.Key = "" }, "subject": func(r *Ref) { r.Subject = Subject{} }, "target": func(r *Ref) { r.Target = "\x01" },
	} {
		r := good
		change(&r)
		require.ErrorContains(t, r.Validate(), field)
	}
}

// TestContentHashes tells apart what is cut in another place.
func TestContentHashes(t *testing.T) {
	seen := map[int64]string{}
	for _, parts := range [][]string{{}, {""}, {"", ""}, {"a"}, {"a", ""}, {"", "a"}, {"a", "b"}, {"ab"}, {"ab", ""}, {"b", "a"}} {
		var in [][]byte
		for _, p := range parts {
			in = append(in, []byte(p))
		}
		h := ContentHash(in...)
		require.NotContains(t, seen, h, "%q and %q", seen[h], parts)
		seen[h] = fmt.Sprintf("%q", parts)
		require.Equal(t, h, ContentHash(in...))
	}
}
