package fold

import (
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

func TestCompose(t *testing.T) {
	for r := range rune(unicode.MaxRune + 1) {
		if s := string(r); norm.NFC.String(s) != Compose(s) || norm.NFC.String(s) != Compose(norm.NFD.String(s)) {
			t.Fatalf("%U: %+q, decomposed %+q, by x/text %+q", r, Compose(s), Compose(norm.NFD.String(s)), norm.NFC.String(s))
		}
	}
	require.Equal(t, "İzmir é", Compose("I\u0307zmir e\u0301"))
	require.Equal(t, "e\xff\u0301", Compose("e\xff\u0301"), "no letter stands before the accent")
	plain := "Çok güzel, istanbul"
	require.Zero(t, testing.AllocsPerRun(10, func() { Compose(plain) }))
}

// TestComposeTexts compares texts of letters, accents of all classes and Hangul with
// what x/text makes of them.
func TestComposeTexts(t *testing.T) {
	of := rapid.SampledFrom([]rune("aeouiI\u00e9\u00ea\u1ec7\u0130\u0131c\u00e7\u0301\u0302\u0307\u0308\u0323\u0327\u0328\u0345\u093c\u0915\u0958\u0f71\u0f72\u0f73\u1100\u1161\u11a8\uac00\uac01\u212b\u2126 \u05d9\u05b4\ufb1d\u0344x"))
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(of).Draw(t, "text")
		require.Equal(t, norm.NFC.String(s), Compose(s))
		require.Equal(t, Compose(s), Compose(norm.NFD.String(s)))
	})
}
