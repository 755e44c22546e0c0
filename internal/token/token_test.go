package token

import (
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Digits are those of math/big, which has them in the order 0-9, a-z, A-Z.
func TestDigitsAreThoseOfBig(t *testing.T) {
	swap := func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return r
	}
	rapid.Check(t, func(t *rapid.T) {
		n := Number{rapid.Uint64().Draw(t, "high"), rapid.Uint64().Draw(t, "middle"), rapid.Uint64().Draw(t, "low")}
		want := new(big.Int)
		for _, w := range n {
			want.Lsh(want, 64).Or(want, new(big.Int).SetUint64(w))
		}
		text := make([]byte, 33) // 62^33 is more than 2^192
		n.Put(text)
		require.Equal(t, want.Text(62), strings.TrimLeft(strings.Map(swap, string(text)), "0")+map[bool]string{true: "0"}[want.Sign() == 0])
		if text[0] == '0' {
			back, ok := Parse(string(text[1:]))
			require.True(t, ok)
			require.Equal(t, n, back)
		}
	})
	for _, bad := range []string{"ı", "-", "0 ", "\x00"} {
		_, ok := Parse(bad)
		require.False(t, ok, bad)
	}
}

func TestRing(t *testing.T) {
	var r Ring[string]
	_, key := r.Signer()
	require.Nil(t, key)
	require.Nil(t, r.Key(0))
	a, b := "a", "b"
	require.NoError(t, r.Add(0, &a))
	require.ErrorIs(t, r.Add(0, &b), ErrKey)
	for _, id := range []int{-1, MaxKeys} {
		require.ErrorIs(t, r.Add(id, &b), ErrKey)
		require.ErrorIs(t, r.Sign(id), ErrKey)
		require.ErrorIs(t, r.Retire(id), ErrKey)
		require.Nil(t, r.Key(id))
	}
	require.ErrorIs(t, r.Sign(1), ErrUnknownKey)
	_, key = r.Signer()
	require.Nil(t, key, "what was not added does not sign")
	require.NoError(t, r.Sign(0))
	require.ErrorIs(t, r.Retire(0), ErrKey)
	require.NoError(t, r.Add(15, &b))
	require.NoError(t, r.Sign(15))
	require.NoError(t, r.Retire(0))
	require.Nil(t, r.Key(0))
	id, key := r.Signer()
	require.Equal(t, 15, id)
	require.Same(t, &b, key)
	require.NoError(t, r.Retire(0), "it is gone already")
}
