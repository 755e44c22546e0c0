package invite_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/survey/invite"
)

func TestCode(t *testing.T) {
	seen := map[string]bool{}
	letters := map[rune]int{}
	for range 20000 {
		c := invite.NewCode()
		require.Len(t, c, 12)
		require.False(t, seen[c])
		seen[c] = true
		for _, r := range c {
			letters[r]++
		}
		got, err := invite.ParseCode(strings.ToLower(invite.FormatCode(c)))
		require.NoError(t, err)
		require.Equal(t, c, got)
	}
	require.Len(t, letters, 32)
	for r, n := range letters {
		require.InDelta(t, 7500, n, 500, string(r))
	}
}

func TestParseCode(t *testing.T) {
	for in, want := range map[string]string{
		"k7q2-9f3m-x2td":       "K7Q29F3MX2TD",
		" K7Q2 9F3M–X2TD ":     "K7Q29F3MX2TD",
		"oOiIlL00ıİ11":         "001111001111",
		"K7Q2\u00a09F3M\tX2TD": "K7Q29F3MX2TD",
	} {
		got, err := invite.ParseCode(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got)
	}
	for _, in := range []string{"", "K7Q29F3MX2T", "K7Q29F3MX2TDD", "U7Q29F3MX2TD", "K7Q29F3MX2T\x00", "K7Q29F3MX2T\xff", "K7Q29F3MX2Tş"} {
		_, err := invite.ParseCode(in)
		require.ErrorIs(t, err, invite.ErrCode, in)
		if in != "" {
			require.NotContains(t, err.Error(), in)
		}
	}
}

func FuzzParseCode(f *testing.F) {
	f.Add("K7Q2-9F3M-X2TD")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := invite.ParseCode(s)
		if err != nil {
			return
		}
		again, err := invite.ParseCode(invite.FormatCode(c))
		if err != nil || again != c {
			t.Fatal(c, again, err)
		}
	})
}

func ExampleParseCode() {
	code, err := invite.ParseCode("k7q2 9f3m x2td")
	fmt.Println(code, err)
	// Output: K7Q29F3MX2TD <nil>
}
