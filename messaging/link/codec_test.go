package link

import (
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
)

func secret(b byte) crm.Secret { return crmtest.Secret(string(rune(b))) }

func codec(t testing.TB) *Codec {
	t.Helper()
	c, err := NewCodec(Key{ID: 1, Secret: secret('a')})
	require.NoError(t, err)
	return c
}

func mint(t testing.TB, c *Codec, purpose string, id uint64) string {
	t.Helper()
	token, err := c.Mint(purpose, id)
	require.NoError(t, err)
	return token
}

var golden = crm.NewSecret([]byte("\xc3\x9eQ7\xf1\x08\xaa\x5d\x1b\xe4\x90\x2f\x76\xb8\x4c\xd3\x65\x0e\xf7\x81\x39\xca\x12\x9d\x5b\xe0\x48\xa6\x27\x7f\xd1\x83"))

// Tokens that are out in the world must stay readable: these never change.
func TestGoldenTokens(t *testing.T) {
	c, err := NewCodec(Key{ID: 1, Secret: golden})
	require.NoError(t, err)
	for id, want := range map[uint64]string{0: "O6evU48bmOIoLp", 1: "QXWZnLDwWsD5ov", maxID: "0Otgixvxh0FdZp"} {
		assert.Equal(t, want, mint(t, c, PurposeClick, id))
	}
}

func TestRoundTrip(t *testing.T) {
	c := codec(t)
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.Uint64Range(0, maxID).Draw(t, "id")
		purpose := rapid.StringN(1, 16, 63).Draw(t, "purpose")
		token, err := c.Mint(purpose, id)
		if err != nil {
			t.Fatal(err)
		}
		if len(token) != tokenLen || strings.Trim(token, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") != "" {
			t.Fatalf("token %q", token)
		}
		got, err := c.Parse(purpose, token)
		if err != nil || got != id {
			t.Fatalf("%d came back as %d, %v", id, got, err)
		}
		if _, err := c.Parse(purpose+"!", token); !errors.Is(err, ErrForged) {
			t.Fatalf("another purpose: %v", err)
		}
	})
}

func TestEveryChangeOfATokenIsRefused(t *testing.T) {
	c := codec(t)
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	token := mint(t, c, PurposeClick, 123456)
	for i := range token {
		for _, d := range alphabet {
			forged := token[:i] + string(d) + token[i+1:]
			if _, err := c.Parse(PurposeClick, forged); (err == nil) != (forged == token) {
				t.Fatalf("%d %c: %v", i, d, err)
			}
		}
	}
}

func TestTokensHideOrderAndVolume(t *testing.T) {
	c := codec(t)
	seen := map[string]bool{}
	lower := 0
	for id := range uint64(5000) {
		token := mint(t, c, PurposeClick, id)
		require.False(t, seen[token], "two ids share a token")
		seen[token] = true
		if id > 0 && token < mint(t, c, PurposeClick, id-1) {
			lower++
		}
	}
	assert.InDelta(t, 2500, lower, 150)
}

func TestKeysRotate(t *testing.T) {
	c := codec(t)
	old := mint(t, c, PurposeClick, 7)
	require.ErrorIs(t, c.Retire(1), ErrKey, "the signing key")
	require.ErrorIs(t, c.SignWith(2), ErrKey, "a key not known")
	require.NoError(t, c.Add(Key{ID: 2, Secret: secret('b')}))
	require.ErrorIs(t, c.Add(Key{ID: 2, Secret: secret('c')}), ErrKey, "an id in use")
	require.NoError(t, c.SignWith(2))
	young := mint(t, c, PurposeClick, 7)
	require.NotEqual(t, old, young)
	for _, token := range []string{old, young} {
		id, err := c.Parse(PurposeClick, token)
		require.NoError(t, err)
		assert.EqualValues(t, 7, id)
	}
	require.NoError(t, c.Retire(1))
	_, err := c.Parse(PurposeClick, old)
	require.ErrorIs(t, err, ErrUnknownKey)
	_, err = c.Parse(PurposeClick, young)
	require.NoError(t, err)
	require.ErrorIs(t, c.Retire(1), ErrKey)
}

// Keys change while others mint and parse: every token is whole.
func TestKeysRotateUnderLoad(t *testing.T) {
	c := codec(t)
	old := mint(t, c, PurposeClick, 3)
	var wg sync.WaitGroup
	for w := range uint64(4) {
		wg.Go(func() {
			for i := range uint64(300) {
				token, err := c.Mint(PurposeClick, w*1000+i)
				if !assert.NoError(t, err) {
					return
				}
				id, err := c.Parse(PurposeClick, token)
				assert.NoError(t, err)
				assert.Equal(t, w*1000+i, id)
			}
		})
	}
	for id := uint8(2); id < 16; id++ {
		require.NoError(t, c.Add(Key{ID: id, Secret: secret(id)}))
		require.NoError(t, c.SignWith(id))
	}
	wg.Wait()
	got, err := c.Parse(PurposeClick, old)
	require.NoError(t, err)
	assert.EqualValues(t, 3, got)
}

func TestCodecErrors(t *testing.T) {
	_, err := NewCodec()
	require.ErrorIs(t, err, ErrKey)
	_, err = NewCodec(Key{ID: 16, Secret: secret('a')})
	require.ErrorIs(t, err, ErrKey)
	_, err = NewCodec(Key{ID: 1, Secret: crm.NewSecret([]byte("short"))})
	require.ErrorIs(t, err, ErrKey)
	for _, weak := range [][]byte{nil, make([]byte, 32), []byte(strings.Repeat("a", 32))} { // Case H3
		_, err = NewCodec(Key{ID: 1, Secret: crm.NewSecret(weak)})
		require.ErrorIs(t, err, ErrKey)
		require.ErrorIs(t, err, crm.ErrWeakSecret)
	}
	c := codec(t)
	_, err = c.Mint(PurposeClick, maxID+1)
	require.ErrorIs(t, err, ErrRange)
	_, err = c.Mint("", 1)
	require.ErrorIs(t, err, ErrRange)
	_, err = c.Mint(strings.Repeat("x", 65), 1)
	require.ErrorIs(t, err, ErrRange)
	for _, junk := range []string{"", "0", strings.Repeat("0", 13), strings.Repeat("0", 15), "0123456789abc-", "0123456789abc\x00", strings.Repeat("z", 14)} {
		_, err = c.Parse(PurposeClick, junk)
		require.ErrorIs(t, err, ErrMalformed, junk)
	}
}

func FuzzParse(f *testing.F) {
	c := codec(f)
	f.Add(mint(f, c, PurposeClick, 1))
	f.Add("zzzzzzzzzzzzzz")
	f.Add("\xff\x00")
	f.Fuzz(func(t *testing.T, token string) {
		id, err := c.Parse(PurposeClick, token)
		if err == nil {
			if again, err := c.Mint(PurposeClick, id); err != nil || again != token {
				t.Fatalf("%q is a second token of %d", token, id)
			}
		}
	})
}

func BenchmarkMint(b *testing.B) {
	c := codec(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Mint(PurposeClick, 42); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	c := codec(b)
	token := mint(b, c, PurposeClick, rand.Uint64N(maxID))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Parse(PurposeClick, token); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "of-1µs")
}
