package sms_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/messaging/sms"
)

// The capacities of reference/messaging.md section 1.
func TestCapacity(t *testing.T) {
	for _, c := range []struct {
		e             sms.Encoding
		one, eight, w int
	}{
		{sms.GSM7, 160, 153, 152}, {sms.TurkishSingle, 155, 149, 148}, {sms.TurkishLocking, 155, 149, 148},
		{sms.TurkishBoth, 152, 146, 145}, {sms.UCS2, 70, 67, 66},
	} {
		assert.Equal(t, c.one, c.e.Capacity(false, false), c.e)
		assert.Equal(t, c.eight, c.e.Capacity(true, false), c.e)
		assert.Equal(t, c.w, c.e.Capacity(true, true), c.e)
	}
}

// Verimor's published table (section 2), and the operator's " B0xx".
func TestBilling(t *testing.T) {
	for _, c := range []struct {
		e      sms.Encoding
		letter string
		limits map[int]int
	}{
		{sms.GSM7, "a", map[int]int{1: 160, 2: 306, 3: 459, 7: 1071}},
		{sms.TurkishLocking, "ş", map[int]int{1: 155, 2: 298, 3: 447, 7: 1043}},
		{sms.UCS2, "я", map[int]int{1: 70, 2: 134, 3: 201, 7: 469}},
	} {
		p := sms.Profile{Encodings: []sms.Encoding{c.e}}
		for n, limit := range c.limits {
			plan, err := p.Plan(strings.Repeat(c.letter, limit))
			require.NoError(t, err)
			assert.Equal(t, n, plan.Segments, "%s %d", c.e, limit)
			assert.Zero(t, plan.Left)
			plan, err = p.Plan(strings.Repeat(c.letter, limit+1))
			require.NoError(t, err)
			assert.Equal(t, n+1, plan.Segments, "%s %d", c.e, limit+1)
		}
	}
	suffixed := sms.Profile{Suffix: " B021"}
	for limit, n := range map[int]int{155: 1, 156: 2, 301: 2, 302: 3, 454: 3, 607: 4} {
		plan, err := suffixed.Plan(strings.Repeat("a", limit))
		require.NoError(t, err)
		assert.Equal(t, n, plan.Segments, "%d characters", limit)
	}
}

func TestPlanChoosesAndExplains(t *testing.T) {
	domestic := sms.Domestic()
	for _, c := range []struct {
		name, text string
		profile    sms.Profile
		encoding   sms.Encoding
		segments   int
	}{
		{"plain", "Merhaba", domestic, sms.GSM7, 1},
		{"default letters need no table", strings.Repeat("öüÇÖÜ", 31), domestic, sms.GSM7, 1},
		{"four Turkish letters in 147", "Sayın müşterimiz, İndirim ağı " + strings.Repeat("a", 117), domestic, sms.TurkishLocking, 1},
		{"the same abroad", "Sayın müşterimiz, İndirim ağı " + strings.Repeat("a", 117), sms.Profile{}, sms.UCS2, 3},
		{"single style costs two", strings.Repeat("ş", 76), sms.DomesticSingle(), sms.TurkishSingle, 2},
		{"extension costs two", strings.Repeat("€", 77), domestic, sms.GSM7, 1},
		{"locking has the euro", strings.Repeat("€", 78) + "ş", domestic, sms.TurkishLocking, 1},
		{"emoji", "😀", domestic, sms.UCS2, 1},
		{"empty", "", domestic, sms.GSM7, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan, err := c.profile.Plan(c.text)
			require.NoError(t, err)
			assert.Equal(t, c.encoding, plan.Encoding, plan)
			assert.Equal(t, c.segments, plan.Segments, plan)
		})
	}
	text := "Kampanyamız başladı, bu hafta her şey ’e kadar " + strings.Repeat("a", 100)
	plan, err := domestic.Plan(text)
	require.NoError(t, err)
	assert.Equal(t, "U+2019 at 38 forces UCS-2: 3 segments instead of 1", plan.String())
	domestic.Transliterate = true
	plan, err = domestic.Plan(text)
	require.NoError(t, err)
	assert.Equal(t, 1, plan.Segments)
	assert.True(t, plan.Changed)
	assert.Contains(t, plan.Text, "basladi")
}

func TestPlanErrors(t *testing.T) {
	_, err := sms.Profile{}.Plan("\xff")
	require.ErrorIs(t, err, sms.ErrText)
	_, err = sms.Profile{Encodings: []sms.Encoding{sms.GSM7}}.Plan("ş")
	require.ErrorIs(t, err, sms.ErrUnencodable)
	var ce *sms.CharacterError
	require.ErrorAs(t, err, &ce)
	assert.Equal(t, 'ş', ce.Rune)
	plan, err := sms.Profile{MaxSegments: 1}.Plan(strings.Repeat("a", 161))
	require.ErrorIs(t, err, sms.ErrTooLong)
	assert.Equal(t, 2, plan.Segments)
	_, err = sms.Profile{Encodings: []sms.Encoding{9}}.Plan("a")
	require.ErrorIs(t, err, sms.ErrEncoding)
}

func TestProfileAsJSON(t *testing.T) {
	raw, err := json.Marshal(sms.DomesticSingle())
	require.NoError(t, err)
	assert.JSONEq(t, `{"name":"tr-domestic-single","encodings":["gsm7","tr-single","ucs2"],"suffix":" B000","max_segments":7}`, string(raw))
	var back sms.Profile
	require.NoError(t, json.Unmarshal(raw, &back))
	assert.Equal(t, sms.DomesticSingle(), back)
	require.ErrorIs(t, json.Unmarshal([]byte(`{"encodings":["utf8"]}`), &back), sms.ErrEncoding)
}

func TestHeaders(t *testing.T) {
	s, err := sms.Encode("Sayın Şişli", sms.TurkishSingle, sms.Reference{})
	require.NoError(t, err)
	assert.Equal(t, []byte{3, 0x24, 1, 1}, s[0].Header)
	s, err = sms.Encode("Sayın Şişli", sms.TurkishLocking, sms.Reference{})
	require.NoError(t, err)
	assert.Equal(t, []byte{3, 0x25, 1, 1}, s[0].Header)
	assert.Equal(t, []byte{'S', 'a', 'y', 0x07, 'n', ' ', 0x1C, 'i', 0x1D, 'l', 'i'}, s[0].Body)
	s, err = sms.Encode(strings.Repeat("ş", 150), sms.TurkishLocking, sms.Reference{Number: 0x1234, Wide: true})
	require.NoError(t, err)
	require.Len(t, s, 1)
	s, err = sms.Encode(strings.Repeat("ş", 156), sms.TurkishLocking, sms.Reference{Number: 0x1234, Wide: true})
	require.NoError(t, err)
	require.Len(t, s, 2)
	assert.Equal(t, []byte{9, 8, 4, 0x12, 0x34, 2, 1, 0x25, 1, 1}, s[0].Header)
	// "hellohello" packed, the textbook example of GSM 03.38.
	s, err = sms.Encode("hellohello", sms.GSM7, sms.Reference{})
	require.NoError(t, err)
	octets, n := s[0].UserData()
	assert.Equal(t, 10, n)
	assert.Equal(t, []byte{0xE8, 0x32, 0x9B, 0xFD, 0x46, 0x97, 0xD9, 0xEC, 0x37}, octets)
}

func TestNothingIsSplit(t *testing.T) {
	for _, c := range []struct {
		name, text string
		e          sms.Encoding
		whole      string
	}{
		{"escape pair", strings.Repeat("a", 152) + "€" + strings.Repeat("b", 20), sms.GSM7, "€"},
		{"surrogate pair", strings.Repeat("я", 66) + "😀" + strings.Repeat("я", 20), sms.UCS2, "😀"},
		{"flag", strings.Repeat("я", 65) + "🇹🇷" + strings.Repeat("я", 20), sms.UCS2, "🇹🇷"},
		{"combining mark", strings.Repeat("я", 66) + "s\u0327" + strings.Repeat("я", 20), sms.UCS2, "s\u0327"},
		{"web address", strings.Repeat("a", 140) + " https://s.tc/0123456789abcd son", sms.GSM7, "https://s.tc/0123456789abcd"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := sms.Encode(c.text, c.e, sms.Reference{Number: 7})
			require.NoError(t, err)
			require.Len(t, s, 2)
			found := false
			for _, one := range s {
				one.Header = nil
				text, err := sms.Decode([]sms.Segment{one})
				require.NoError(t, err)
				found = found || strings.Contains(text, c.whole)
			}
			assert.True(t, found)
			back, err := sms.Decode([]sms.Segment{s[1], s[0]})
			require.NoError(t, err)
			assert.Equal(t, c.text, back)
		})
	}
}

// check encodes a text in every encoding that can, and reads it back both from
// the segments and from the octets.
func check(text string) error {
	for e := sms.GSM7; e <= sms.UCS2; e++ {
		for _, ref := range []sms.Reference{{Number: 5}, {Number: 777, Wide: true}} {
			count, countErr := e.Count(text, ref.Wide)
			s, err := sms.Encode(text, e, ref)
			if err != nil {
				if errors.Is(err, sms.ErrTooLong) && count.Segments > 255 {
					continue
				}
				if (countErr == nil) != (err == nil) || !(errors.Is(err, sms.ErrUnencodable) || errors.Is(err, sms.ErrText)) {
					return fmt.Errorf("%s: %w", e, err)
				}
				continue
			}
			if len(s) != count.Segments {
				return fmt.Errorf("%s: %d segments, counted %d", e, len(s), count.Segments)
			}
			air := make([]sms.Segment, len(s))
			for i, one := range s {
				octets, n := one.UserData()
				if len(octets) > 140 {
					return fmt.Errorf("%s: %d octets", e, len(octets))
				}
				if air[len(s)-1-i], err = sms.ParseUserData(octets, n, e != sms.UCS2, one.Header != nil); err != nil {
					return err
				}
			}
			for _, way := range [][]sms.Segment{s, air} {
				back, err := sms.Decode(way)
				if err != nil || back != text {
					return fmt.Errorf("%s: %q came back as %q, %v", e, text, back, err)
				}
			}
		}
	}
	return nil
}

func TestRoundTrip(t *testing.T) {
	letters := []rune("aZ09 @£èÇØΔΞß\r\n^{}[]~\\|€\fşŞğĞıİçöüÖÜ’“😀🇹🇷я\u0301漢")
	rapid.Check(t, func(t *rapid.T) {
		text := string(rapid.SliceOfN(rapid.SampledFrom(letters), 0, 400).Draw(t, "text"))
		if err := check(text); err != nil {
			t.Fatal(err)
		}
		// No allowed encoding may beat the plan.
		p := sms.Profile{Encodings: []sms.Encoding{sms.GSM7, sms.TurkishSingle, sms.TurkishLocking, sms.TurkishBoth, sms.UCS2}}
		plan, err := p.Plan(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range p.Encodings {
			if c, err := e.Count(text, false); err == nil && c.Segments < plan.Segments {
				t.Fatalf("%s takes %d, the plan %s", e, c.Segments, plan)
			}
		}
	})
}

func FuzzRoundTrip(f *testing.F) {
	for _, s := range []string{"", "a", "Sayın Şişli", "€uro ^{}", "😀", "\xff", strings.Repeat("€", 200), strings.Repeat("ş", 400), strings.Repeat("a\u0301", 90), "x\x00y"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if err := check(text); err != nil {
			t.Fatal(err)
		}
		_, _ = sms.Domestic().Plan(text)
	})
}

func FuzzParseUserData(f *testing.F) {
	f.Add([]byte{5, 0, 3, 1, 2, 1, 0x90, 0x65}, 8, true, true)
	f.Add([]byte{}, 0, false, false)
	f.Add([]byte{255}, 1, true, true)
	f.Fuzz(func(t *testing.T, octets []byte, length int, seven, headed bool) {
		s, err := sms.ParseUserData(octets, length, seven, headed)
		if err != nil {
			if !errors.Is(err, sms.ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if _, err := sms.Decode([]sms.Segment{s}); err != nil && !errors.Is(err, sms.ErrMalformed) {
			t.Fatal(err)
		}
	})
}

func TestDecodeRefuses(t *testing.T) {
	s, err := sms.Encode(strings.Repeat("a", 200), sms.GSM7, sms.Reference{Number: 1})
	require.NoError(t, err)
	for name, bad := range map[string][]sms.Segment{
		"none": {}, "missing": s[:1], "twice": {s[0], s[0]},
		"septet": {{Body: []byte{200}}}, "odd": {{Encoding: sms.UCS2, Body: []byte{1}}}, "header": {{Header: []byte{9}}}, "element": {{Header: []byte{2, 0, 3}}},
	} {
		_, err := sms.Decode(bad)
		assert.ErrorIs(t, err, sms.ErrMalformed, name)
	}
}

func ExampleProfile_Plan() {
	text := "Değerli müşterimiz, pil değişiminizin üzerinden iki yıl geçti. Randevu: https://s.tc/0123456789abcd RET 4609"
	for _, p := range []sms.Profile{sms.Domestic(), {Name: "abroad"}} {
		plan, err := p.Plan(text)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(plan)
	}
	// Output:
	// GSM-7 Turkish locking shift: 1 segment, 42 units free
	// U+011F at 2 forces UCS-2: 2 segments instead of 1 (and 3 more such characters)
}

func BenchmarkCount(b *testing.B) {
	text := strings.Repeat("Sayin musterimiz ", 9) + "abcdefg"
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sms.GSM7.Count(text, false); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPlan(b *testing.B) {
	text, p := strings.Repeat("Sayın müşterimiz ", 9), sms.Domestic()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Plan(text); err != nil {
			b.Fatal(err)
		}
	}
}
