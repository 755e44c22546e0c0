package fold_test

import (
	"fmt"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/internal/fold"
)

func TestKey(t *testing.T) {
	for in, want := range map[string]string{
		"":                             "",
		"IŞIL İPEK ılgaz":              "isil ipek ilgaz",
		"  Çağlar   ŞÜKRÜ-ÖZGÜR ":      "caglar sukru ozgur",
		"O'Neil, D’Arcy":               "oneil darcy",
		"Müller-Lüdenscheidt Straße 5": "muller ludenscheidt strasse 5",
		"i\u0307stanbul":               "istanbul", // what ToLower makes of İSTANBUL
		"Ya\xfevuz":                    "yavuz",
		"ĐORĐE Łukasz Øystein Æsa":     "dorde lukasz oystein aesa",
		"Əliyev":                       "eliyev",
		"ＡＢＣ １２":                       "abc 12",
		"Иван ПЕТРОВ":                  "иван петров",
		"Nguyễn Thị":                   "nguyen thi",
		"*** --":                       "",
		"K\u212Aelvin":                 "kkelvin",
	} {
		require.Equal(t, want, fold.Key(in), "Key(%q)", in)
	}
}

func TestLower(t *testing.T) {
	for _, c := range []struct {
		in      string
		turkish bool
		want    string
	}{
		{"ISPARTA İzmir", true, "ısparta izmir"},
		{"ISPARTA İzmir", false, "isparta izmir"},
		{"I\u0307ZMIR", true, "izmır"},
		{"ÇĞÖŞÜ", true, "çğöşü"},
		{"plain", true, "plain"},
		{"A\xffB", false, "a\xffb"},
	} {
		require.Equal(t, c.want, fold.Lower(c.in, c.turkish), "Lower(%q, %v)", c.in, c.turkish)
	}
}

func TestKeyAllocates(t *testing.T) {
	require.Zero(t, testing.AllocsPerRun(100, func() { fold.Key("mehmet yilmaz") }))
	var buf [64]byte
	require.Zero(t, testing.AllocsPerRun(100, func() { fold.AppendKey(buf[:0], "ŞÜKRÜ Yılmaz") }))
}

func FuzzKey(f *testing.F) {
	for _, s := range []string{"", "İIıi", "Ağa  Bey", "\xff\xfe", "i\u0307", "ẞ", "\u0130\u0307", "ﬀ", "ΑΣ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		k := fold.Key(s)
		require.Equal(t, k, fold.Key(k), "a key is its own key")
		require.True(t, utf8.ValidString(k))
		for _, turkish := range []bool{false, true} {
			l := fold.Lower(s, turkish)
			require.Equal(t, l, fold.Lower(l, turkish), "lower case is its own lower case")
		}
	})
}

func BenchmarkKey(b *testing.B) {
	for b.Loop() {
		fold.Key("ŞÜKRÜ YILMAZOĞLU")
	}
}

func ExampleKey() {
	fmt.Println(fold.Key("IŞIL İpek-ÇELİK"))
	// Output: isil ipek celik
}
