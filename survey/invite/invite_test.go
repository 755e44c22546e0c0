package invite_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/survey/invite"
)

var (
	secretA = []byte("\xc3\x9eQ7\xf1\x08\xaa\x5d\x1b\xe4\x90\x2f\x76\xb8\x4c\xd3\x65\x0e\xf7\x81\x39\xca\x12\x9d\x5b\xe0\x48\xa6\x27\x7f\xd1\x83")
	secretB = []byte("a secret of the tests, which all the world may know")
)

func codec(t testing.TB) *invite.Codec {
	c, err := invite.New("survey", secretA)
	require.NoError(t, err)
	return c
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &invite.Codec{Domain: rapid.String().Draw(t, "domain")}
		key := rapid.IntRange(0, invite.MaxKeys-1).Draw(t, "key")
		require.NoError(t, c.Add(key, sum(rapid.Uint64().Draw(t, "secret"))))
		require.NoError(t, c.Sign(key))
		id := rapid.Uint64().Draw(t, "id")
		token, err := c.Mint(id)
		require.NoError(t, err)
		require.Len(t, token, 22)
		got, err := c.Parse(token)
		require.NoError(t, err)
		require.Equal(t, id, got)
		again, err := c.Mint(id)
		require.NoError(t, err)
		require.Equal(t, token, again)
	})
}

func sum(n uint64) []byte {
	s := sha256.Sum256(binary.BigEndian.AppendUint64(nil, n))
	return s[:]
}

// Case H4: tokens of invitations that were numbered one after the other show
// neither the number nor the order, and share nothing that others do not.
func TestTokensHideTheirNumber(t *testing.T) {
	c := codec(t)
	const n = 5000
	lower, common := 0, 0
	previous := ""
	for id := range uint64(n) {
		token, err := c.Mint(id)
		require.NoError(t, err)
		if id > 0 {
			if token < previous {
				lower++
			}
			for i := 0; i < len(token) && token[i] == previous[i]; i++ {
				common++
			}
		}
		previous = token
	}
	assert.InDelta(t, n/2, lower, 150)
	// The first character takes one of eight values or fewer; the others are as
	// good as random.
	assert.Less(t, common, 2*n)
}

func TestGolden(t *testing.T) {
	// Tokens are in messages that were sent: their form must never change.
	// The values were computed with Python's hmac and big integers.
	c := codec(t)
	for id, want := range map[uint64]string{0: "7R4fJcypJfPwAPt6XlLjJr", 1: "3epwWPja4be6yaHrhsVinI", math.MaxUint64: "5TeGKr5JSmJz3YNHRUBukA"} {
		token, err := c.Mint(id)
		require.NoError(t, err)
		assert.Equal(t, want, token, "id %d", id)
	}
}

// Every change of one character is refused.
func TestAlteredTokenIsRefused(t *testing.T) {
	c := codec(t)
	token, err := c.Mint(42)
	require.NoError(t, err)
	for i := range len(token) {
		for _, ch := range []byte("0Zaz9") {
			if token[i] == ch {
				continue
			}
			b := []byte(token)
			b[i] = ch
			_, err := c.Parse(string(b))
			require.Error(t, err, string(b))
			assert.NotContains(t, err.Error(), string(b))
		}
	}
}

func TestParseErrors(t *testing.T) {
	c := codec(t)
	token, err := c.Mint(7)
	require.NoError(t, err)
	other, err := invite.New("unsubscribe", secretA)
	require.NoError(t, err)
	stranger, err := invite.New("survey", secretB)
	require.NoError(t, err)
	key3 := &invite.Codec{Domain: "survey"}
	require.NoError(t, key3.Add(3, secretA))
	require.NoError(t, key3.Sign(3))
	foreign, err := key3.Mint(7)
	require.NoError(t, err)
	mint := func(c *invite.Codec) string { s, err := c.Mint(7); require.NoError(t, err); return s }
	for _, tc := range []struct {
		name, token string
		want        error
	}{
		{"empty", "", invite.ErrMalformed},
		{"short", token[:21], invite.ErrMalformed},
		{"long", token + "0", invite.ErrMalformed},
		{"space", " " + token[1:], invite.ErrMalformed},
		{"non-ASCII", "ı" + token[2:], invite.ErrMalformed},
		{"percent", "%" + token[1:], invite.ErrMalformed},
		{"beyond the key ids", strings.Repeat("z", 22), invite.ErrMalformed},
		{"another domain", mint(other), invite.ErrForged},
		{"another secret", mint(stranger), invite.ErrForged},
		{"key not in use", foreign, invite.ErrUnknownKey},
		{"all zeros", strings.Repeat("0", 22), invite.ErrForged},
		{"case changed", strings.ToLower(token), invite.ErrForged},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := c.Parse(tc.token)
			require.Error(t, err)
			if tc.name == "case changed" {
				return // which of the three depends on the letters
			}
			require.ErrorIs(t, err, tc.want)
		})
	}
}

func TestRotation(t *testing.T) {
	c := codec(t)
	old, err := c.Mint(9)
	require.NoError(t, err)
	require.ErrorIs(t, c.Sign(1), invite.ErrUnknownKey, "not added yet")
	require.NoError(t, c.Add(1, secretB))
	require.NoError(t, c.Add(1, secretB), "again is fine")
	require.ErrorIs(t, c.Add(1, secretA), invite.ErrKey)
	require.ErrorIs(t, c.Retire(0), invite.ErrKey)
	require.NoError(t, c.Sign(1))
	fresh, err := c.Mint(9)
	require.NoError(t, err)
	require.NotEqual(t, old, fresh)
	for _, token := range []string{old, fresh} {
		id, err := c.Parse(token)
		require.NoError(t, err)
		require.EqualValues(t, 9, id)
	}
	require.NoError(t, c.Retire(0))
	require.NoError(t, c.Retire(0))
	_, err = c.Parse(old)
	require.ErrorIs(t, err, invite.ErrUnknownKey)
	_, err = c.Parse(fresh)
	require.NoError(t, err)
}

func TestKeyErrors(t *testing.T) {
	c := &invite.Codec{}
	_, err := c.Mint(1)
	require.ErrorIs(t, err, invite.ErrKey)
	require.ErrorIs(t, c.Add(-1, secretA), invite.ErrKey)
	require.ErrorIs(t, c.Add(invite.MaxKeys, secretA), invite.ErrKey)
	require.ErrorIs(t, c.Sign(7), invite.ErrKey)
	require.ErrorIs(t, c.Retire(7), invite.ErrKey)
	for _, weak := range [][]byte{make([]byte, 32), secretA[:31], bytes.Repeat(secretA[:8], 4)} { // Case H3
		require.ErrorIs(t, c.Add(0, weak), invite.ErrKey)
	}
	_, err = invite.New("x", nil)
	require.ErrorIs(t, err, invite.ErrKey)
}

// The codec keeps its own copy of the secret.
func TestSecretIsCopied(t *testing.T) {
	secret := bytes.Clone(secretA)
	c, err := invite.New("survey", secret)
	require.NoError(t, err)
	before, err := c.Mint(1)
	require.NoError(t, err)
	clear(secret)
	after, err := c.Mint(1)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func TestConcurrentRotation(t *testing.T) {
	c := codec(t)
	token, err := c.Mint(5)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 200 {
				if id, err := c.Parse(token); err != nil || id != 5 {
					t.Errorf("%d %v", id, err)
				}
				if _, err := c.Mint(uint64(i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 100 {
		require.NoError(t, c.Add(1, secretB))
		require.NoError(t, c.Sign(1))
		require.NoError(t, c.Sign(0))
		require.NoError(t, c.Retire(1))
	}
	wg.Wait()
}

func FuzzParse(f *testing.F) {
	c := codec(f)
	token, err := c.Mint(1 << 40)
	require.NoError(f, err)
	for _, s := range []string{token, "", strings.Repeat("0", 22), strings.Repeat("z", 22), strings.ToUpper(token)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := c.Parse(s)
		if err != nil {
			if !errors.Is(err, invite.ErrMalformed) && !errors.Is(err, invite.ErrUnknownKey) && !errors.Is(err, invite.ErrForged) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		again, err := c.Mint(id)
		if err != nil || again != s {
			t.Fatalf("accepted %q, but %d is %q", s, id, again)
		}
	})
}

func BenchmarkMint(b *testing.B) {
	c := codec(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		_, _ = c.Mint(uint64(i))
	}
}

func BenchmarkParse(b *testing.B) {
	c := codec(b)
	token, _ := c.Mint(123456789)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = c.Parse(token)
	}
}
