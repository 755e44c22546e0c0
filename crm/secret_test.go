package crm_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

// drawn is a secret as crypto/rand might give it; every byte is seen when
// printed in any base.
var drawn = []byte("\xc3\x9eQ7\xf1\x08\xaa\x5d\x1b\xe4\x90\x2f\x76\xb8\x4c\xd3\x65\x0e\xf7\x81\x39\xca\x12\x9d\x5b\xe0\x48\xa6\x27\x7f\xd1\x83")

// exposes reports whether a text shows a secret in one of the ways in which
// printers write bytes.
func exposes(text string, secret []byte) bool {
	var decimal []string
	for _, b := range secret[:8] {
		decimal = append(decimal, fmt.Sprint(b))
	}
	text = strings.ToLower(text)
	for _, shown := range []string{
		string(secret), hex.EncodeToString(secret), base64.StdEncoding.EncodeToString(secret),
		strings.Join(decimal, " "), strings.Join(decimal, ", "), strings.Join(decimal, ","),
		strings.Trim(fmt.Sprintf("%#v", secret[:8]), "[]byte{}"), fmt.Sprintf("% x", secret), strings.Trim(fmt.Sprintf("%q", secret), `"`),
	} {
		if strings.Contains(text, strings.ToLower(shown)) {
			return true
		}
	}
	return false
}

// Case H10: a secret that is printed, logged or marshalled, by itself, within
// exported and unexported fields, slices, maps and behind pointers.
func TestSecretsDoNotPrint(t *testing.T) {
	s := crm.NewSecret(drawn)
	type inner struct {
		Open   crm.Secret
		hidden crm.Secret
		list   []crm.Secret
		named  map[string]crm.Secret
		deep   *crm.Secret
	}
	in := inner{Open: s, hidden: s, list: []crm.Secret{s}, named: map[string]crm.Secret{"a": s}, deep: &s}
	require.True(t, exposes(fmt.Sprint(drawn), drawn), "the test sees what is exposed")
	for _, v := range []any{s, &s, in, &in, []any{in}, map[string]any{"x": in}, fmt.Errorf("with %v: %w", s, crm.ErrInvalid)} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b", "%c", "%U", "%t", "%p"} {
			require.False(t, exposes(fmt.Sprintf(verb, v), drawn), "%s of %T", verb, v)
		}
		var text bytes.Buffer
		for _, h := range []slog.Handler{slog.NewTextHandler(&text, nil), slog.NewJSONHandler(&text, nil)} {
			slog.New(h).With("with", v).WithGroup("g").Info("logged", slog.Any("cfg", v))
		}
		data, err := json.MarshalIndent(v, "", " ")
		require.NoError(t, err)
		require.False(t, exposes(text.String()+string(data), drawn), "logged or marshalled %T", v)
	}
	require.Equal(t, "[redacted]", fmt.Sprintf("%d", s))
	require.Equal(t, `{"s":"[redacted]"}`, fmt.Sprintf(`{"s":%q}`, s.String()))
}

// Case H3: 32 zero bytes and their like are refused.
func TestWeakSecrets(t *testing.T) {
	rise := make([]byte, 64)
	for i := range rise {
		rise[i] = byte(i * 3)
	}
	for name, b := range map[string][]byte{
		"none":              nil,
		"short":             drawn[:31],
		"zero":              make([]byte, 32),
		"one byte":          bytes.Repeat([]byte{0x5a}, 64),
		"a pattern":         bytes.Repeat([]byte("secret"), 8),
		"half a secret":     append(bytes.Clone(drawn[:16]), drawn[:16]...),
		"counting":          rise,
		"few bytes":         []byte("abacabadabacabaeabacabadabacabaf"),
		"zero but the last": append(make([]byte, 31), 1),
	} {
		require.ErrorIs(t, crm.NewSecret(b).Check(), crm.ErrWeakSecret, name)
	}
	for _, b := range [][]byte{drawn, []byte(hex.EncodeToString(drawn)), []byte(base64.StdEncoding.EncodeToString(drawn))} {
		require.NoError(t, crm.NewSecret(b).Check())
	}
	_, err := crm.NewEffectIDs(crm.NewSecret(make([]byte, 32)))
	require.ErrorIs(t, err, crm.ErrWeakSecret)
	require.ErrorIs(t, err, crm.ErrInvalid)
}

func TestParseSecret(t *testing.T) {
	for _, text := range []string{hex.EncodeToString(drawn), strings.ToUpper(hex.EncodeToString(drawn)),
		base64.StdEncoding.EncodeToString(drawn), base64.RawURLEncoding.EncodeToString(drawn)} {
		s, err := crm.ParseSecret(text)
		require.NoError(t, err)
		require.Equal(t, drawn, s.Reveal())
		var config struct{ Key crm.Secret }
		require.NoError(t, json.Unmarshal([]byte(`{"Key":"`+text+`"}`), &config))
		require.True(t, config.Key.Equal(s))
	}
	for _, text := range []string{"", "[redacted]", "no secret!", "abcde"} {
		_, err := crm.ParseSecret(text)
		require.ErrorIs(t, err, crm.ErrInvalid, text)
		if text != "" {
			require.NotContains(t, err.Error(), text)
		}
	}
	s := crm.NewSecret(drawn)
	s.Reveal()[0]++
	require.Equal(t, drawn, s.Reveal(), "a copy")
	require.False(t, s.Equal(crm.Secret{}))
}

// Keys of two tenants or purposes have nothing in common, also where the texts
// run into each other. The value is HKDF-SHA256 by another implementation.
func TestDerive(t *testing.T) {
	s := crm.NewSecret(drawn)
	seen := map[string]string{}
	for _, of := range [][2]string{{"", ""}, {"a", "b"}, {"ab", ""}, {"", "ab"}, {"b", "a"}, {"a", "link"}, {"a", "survey"}} {
		key := string(s.Derive(of[0], of[1]).Reveal())
		require.Len(t, key, 32)
		require.Empty(t, seen[key], "%q is %q", of, seen[key])
		seen[key] = fmt.Sprint(of)
	}
	require.Equal(t, "7b176a5c65b76fbcb837c46b25223ea6a2e82f25c67aa06c3ff7216f20a580d6", hex.EncodeToString(s.Derive("saat", "link").Reveal()))
	require.True(t, crm.Secret{}.Derive("a", "b").IsZero())
}
