package sms

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The capacities of reference/messaging.md section 1.
// domesticSingle is Domestic for providers that bill a Turkish letter as two.
func domesticSingle() Profile {
	p := Domestic()
	p.Name = "tr-domestic-single"
	p.Encodings = []Encoding{GSM7, TurkishSingle, UCS2}
	return p
}

func TestCapacity(t *testing.T) {
	for _, c := range []struct {
		e             Encoding
		one, eight, w int
	}{
		{GSM7, 160, 153, 152}, {TurkishSingle, 155, 149, 148}, {TurkishLocking, 155, 149, 148},
		{TurkishBoth, 152, 146, 145}, {UCS2, 70, 67, 66},
	} {
		assert.Equal(t, c.one, c.e.capacity(false, false), c.e)
		assert.Equal(t, c.eight, c.e.capacity(true, false), c.e)
		assert.Equal(t, c.w, c.e.capacity(true, true), c.e)
	}
}

// Verimor's published table (section 2), and the operator's " B0xx".
func TestBilling(t *testing.T) {
	for _, c := range []struct {
		e      Encoding
		letter string
		limits map[int]int
	}{
		{GSM7, "a", map[int]int{1: 160, 2: 306, 3: 459, 7: 1071}},
		{TurkishLocking, "ş", map[int]int{1: 155, 2: 298, 3: 447, 7: 1043}},
		{UCS2, "я", map[int]int{1: 70, 2: 134, 3: 201, 7: 469}},
	} {
		p := Profile{Encodings: []Encoding{c.e}}
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
	suffixed := Profile{Suffix: " B021"}
	for limit, n := range map[int]int{155: 1, 156: 2, 301: 2, 302: 3, 454: 3, 607: 4} {
		plan, err := suffixed.Plan(strings.Repeat("a", limit))
		require.NoError(t, err)
		assert.Equal(t, n, plan.Segments, "%d characters", limit)
	}
}

func TestPlanChoosesAndExplains(t *testing.T) {
	domestic := Domestic()
	for _, c := range []struct {
		name, text string
		profile    Profile
		encoding   Encoding
		segments   int
	}{
		{"plain", "Merhaba", domestic, GSM7, 1},
		{"default letters need no table", strings.Repeat("öüÇÖÜ", 31), domestic, GSM7, 1},
		{"four Turkish letters in 147", "Sayın müşterimiz, İndirim ağı " + strings.Repeat("a", 117), domestic, TurkishLocking, 1},
		{"the same abroad", "Sayın müşterimiz, İndirim ağı " + strings.Repeat("a", 117), Profile{}, UCS2, 3},
		{"single style costs two", strings.Repeat("ş", 76), domesticSingle(), TurkishSingle, 2},
		{"extension costs two", strings.Repeat("€", 77), domestic, GSM7, 1},
		{"locking has the euro", strings.Repeat("€", 78) + "ş", domestic, TurkishLocking, 1},
		{"emoji", "😀", domestic, UCS2, 1},
		{"empty", "", domestic, GSM7, 1},
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
	_, err := Profile{}.Plan("\xff")
	require.ErrorIs(t, err, ErrText)
	_, err = Profile{Encodings: []Encoding{GSM7}}.Plan("ş")
	require.ErrorAs(t, err, new(*CharacterError))
	var ce *CharacterError
	require.ErrorAs(t, err, &ce)
	assert.Equal(t, 'ş', ce.Rune)
	plan, err := Profile{MaxSegments: 1}.Plan(strings.Repeat("a", 161))
	require.ErrorIs(t, err, ErrTooLong)
	assert.Equal(t, 2, plan.Segments)
	_, err = Profile{Encodings: []Encoding{9}}.Plan("a")
	require.ErrorIs(t, err, ErrEncoding)
}

func TestProfileAsJSON(t *testing.T) {
	raw, err := json.Marshal(domesticSingle())
	require.NoError(t, err)
	assert.JSONEq(t, `{"name":"tr-domestic-single","encodings":["gsm7","tr-single","ucs2"],"suffix":" B000","max_segments":7}`, string(raw))
	var back Profile
	require.NoError(t, json.Unmarshal(raw, &back))
	assert.Equal(t, domesticSingle(), back)
	require.ErrorIs(t, json.Unmarshal([]byte(`{"encodings":["utf8"]}`), &back), ErrEncoding)
}

func TestHeaders(t *testing.T) {
	s, err := Encode("Sayın Şişli", TurkishSingle, Reference{})
	require.NoError(t, err)
	assert.Equal(t, []byte{3, 0x24, 1, 1}, s[0].Header)
	s, err = Encode("Sayın Şişli", TurkishLocking, Reference{})
	require.NoError(t, err)
	assert.Equal(t, []byte{3, 0x25, 1, 1}, s[0].Header)
	assert.Equal(t, []byte{'S', 'a', 'y', 0x07, 'n', ' ', 0x1C, 'i', 0x1D, 'l', 'i'}, s[0].Body)
	s, err = Encode(strings.Repeat("ş", 150), TurkishLocking, Reference{Number: 0x1234, Wide: true})
	require.NoError(t, err)
	require.Len(t, s, 1)
	s, err = Encode(strings.Repeat("ş", 156), TurkishLocking, Reference{Number: 0x1234, Wide: true})
	require.NoError(t, err)
	require.Len(t, s, 2)
	assert.Equal(t, []byte{9, 8, 4, 0x12, 0x34, 2, 1, 0x25, 1, 1}, s[0].Header)
	// "hellohello" packed, the textbook example of GSM 03.38.
	s, err = Encode("hellohello", GSM7, Reference{})
	require.NoError(t, err)
	octets, n := s[0].UserData()
	assert.Equal(t, 10, n)
	assert.Equal(t, []byte{0xE8, 0x32, 0x9B, 0xFD, 0x46, 0x97, 0xD9, 0xEC, 0x37}, octets)
}

func TestNothingIsSplit(t *testing.T) {
	for _, c := range []struct {
		name, text string
		e          Encoding
		whole      string
	}{
		{"escape pair", strings.Repeat("a", 152) + "€" + strings.Repeat("b", 20), GSM7, "€"},
		{"surrogate pair", strings.Repeat("я", 66) + "😀" + strings.Repeat("я", 20), UCS2, "😀"},
		{"flag", strings.Repeat("я", 65) + "🇹🇷" + strings.Repeat("я", 20), UCS2, "🇹🇷"},
		{"combining mark", strings.Repeat("я", 66) + "s\u0327" + strings.Repeat("я", 20), UCS2, "s\u0327"},
		{"web address", strings.Repeat("a", 140) + " https://s.tc/0123456789abcd son", GSM7, "https://s.tc/0123456789abcd"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Encode(c.text, c.e, Reference{Number: 7})
			require.NoError(t, err)
			require.Len(t, s, 2)
			found := false
			for _, one := range s {
				one.Header = nil
				text, err := Decode([]Segment{one})
				require.NoError(t, err)
				found = found || strings.Contains(text, c.whole)
			}
			assert.True(t, found)
			back, err := Decode([]Segment{s[1], s[0]})
			require.NoError(t, err)
			assert.Equal(t, c.text, back)
		})
	}
}

// check encodes a text in every encoding that can, and reads it back both from
// the segments and from the octets.
func check(text string) error {
	for e := GSM7; e <= UCS2; e++ {
		for _, ref := range []Reference{{Number: 5}, {Number: 777, Wide: true}} {
			count, countErr := e.count(text, ref.Wide)
			s, err := Encode(text, e, ref)
			if err != nil {
				if errors.Is(err, ErrTooLong) && count.Segments > 255 {
					continue
				}
				if (countErr == nil) != (err == nil) || !(errors.As(err, new(*CharacterError)) || errors.Is(err, ErrText)) {
					return fmt.Errorf("%s: %w", e, err)
				}
				continue
			}
			if len(s) != count.Segments {
				return fmt.Errorf("%s: %d segments, counted %d", e, len(s), count.Segments)
			}
			air := make([]Segment, len(s))
			for i, one := range s {
				octets, n := one.UserData()
				if len(octets) > 140 {
					return fmt.Errorf("%s: %d octets", e, len(octets))
				}
				if air[len(s)-1-i], err = ParseUserData(octets, n, e != UCS2, one.Header != nil); err != nil {
					return err
				}
			}
			for _, way := range [][]Segment{s, air} {
				back, err := Decode(way)
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
		p := Profile{Encodings: []Encoding{GSM7, TurkishSingle, TurkishLocking, TurkishBoth, UCS2}}
		plan, err := p.Plan(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range p.Encodings {
			if c, err := e.count(text, false); err == nil && c.Segments < plan.Segments {
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
		_, _ = Domestic().Plan(text)
	})
}

func FuzzParseUserData(f *testing.F) {
	f.Add([]byte{5, 0, 3, 1, 2, 1, 0x90, 0x65}, 8, true, true)
	f.Add([]byte{}, 0, false, false)
	f.Add([]byte{255}, 1, true, true)
	f.Fuzz(func(t *testing.T, octets []byte, length int, seven, headed bool) {
		s, err := ParseUserData(octets, length, seven, headed)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if _, err := Decode([]Segment{s}); err != nil && !errors.Is(err, ErrMalformed) {
			t.Fatal(err)
		}
	})
}

func TestDecodeRefuses(t *testing.T) {
	s, err := Encode(strings.Repeat("a", 200), GSM7, Reference{Number: 1})
	require.NoError(t, err)
	for name, bad := range map[string][]Segment{
		"none": {}, "missing": s[:1], "twice": {s[0], s[0]},
		"septet": {{Body: []byte{200}}}, "odd": {{Encoding: UCS2, Body: []byte{1}}}, "header": {{Header: []byte{9}}}, "element": {{Header: []byte{2, 0, 3}}},
	} {
		_, err := Decode(bad)
		assert.ErrorIs(t, err, ErrMalformed, name)
	}
}

func BenchmarkCount(b *testing.B) {
	text := strings.Repeat("Sayin musterimiz ", 9) + "abcdefg"
	b.ReportAllocs()
	for b.Loop() {
		if _, err := GSM7.count(text, false); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPlan(b *testing.B) {
	text, p := strings.Repeat("Sayın müşterimiz ", 9), Domestic()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Plan(text); err != nil {
			b.Fatal(err)
		}
	}
}
