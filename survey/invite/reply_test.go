package invite_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/survey/invite"
)

func TestParseRating(t *testing.T) {
	for text, want := range map[string]int{
		"9": 9, " 9 ": 9, "9.": 9, "9!": 9, "(9)": 9, "0": 0, "10": 10, "\"8\"": 8, "9\n": 9, "9️⃣": 9,
		"9/10": 9, "9 / 10": 9, "10/10": 10, "0/10": 0, "10 puan": 10, "9/10 puan": 9, "9 yıldız": 9, "8 points": 8, "1 star": 1,
		"on": 10, "ON": 10, "On.": 10, "dokuz": 9, "DOKUZ": 9, "Sıfır": 0, "SIFIR": 0, "sifir": 0, "üç": 3, "UC": 3, "dört puan": 4, "altı": 6, "YEDİ": 7, "sekiz": 8,
		"ten": 10, "Nine": 9, "zero": 0, "EIGHT points": 8, "SIX": 6, "FIVE": 5,
		"10 üzerinden 9": 9, "on üzerinden dokuz": 9, "9 out of 10": 9, "nine out of ten": 9, "7 of 10": 7, "10 ÜZERİNDEN 8 puan": 8,
	} {
		got, err := invite.ParseRating(text, 0, 10)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{
		"11", "100", "-3", "8,5", "8.5", "7-8", "7 8", "7 veya 8", "9 9", "on bir", "on iki", "09", "007", "1000", "99999999999999999999",
		"4/5", "9/100", "5 üzerinden 4", "4 out of 5", "9/", "/10", "9/10/10", "9//10", "9 puan 8", "puan 9", "9'u", "9a", "9+", "+9", "%90", "9 ama kargo geç geldi", "on numara",
		"bir daha asla", "3 gün bekledim", "no. 9", "9?", "*9*", "saat 9", "9 puan!!! rezalet",
	} {
		_, err := invite.ParseRating(text, 0, 10)
		require.ErrorIs(t, err, invite.ErrUnclear, text)
	}
	for _, text := range []string{"", " ", "teşekkürler", "İPTAL", "stop", "👍", "/", "puan", "-bir", "do'kuz", "٩", strings.Repeat("9", 101), "\xff"} {
		_, err := invite.ParseRating(text, 0, 10)
		require.ErrorIs(t, err, invite.ErrNoRating, text)
		if strings.TrimSpace(text) != "" && text != "/" {
			require.NotContains(t, err.Error(), text)
		}
	}
	got, err := invite.ParseRating("4/5", 1, 5)
	require.NoError(t, err)
	require.Equal(t, 4, got)
	for _, text := range []string{"0", "6", "4/10", "on"} {
		_, err = invite.ParseRating(text, 1, 5)
		require.ErrorIs(t, err, invite.ErrUnclear, text)
	}
	for _, scale := range [][2]int{{0, 0}, {5, 1}, {-1, 5}, {0, 101}} {
		_, err = invite.ParseRating("1", scale[0], scale[1])
		require.ErrorIs(t, err, invite.ErrNoRating)
	}
}

// Whatever is written, it is a point of the scale or an error, and the number itself is read as such.
func FuzzParseRating(f *testing.F) {
	for _, s := range []string{"9", "9/10", "on üzerinden dokuz", "9️⃣", "nine out of ten", "8,5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := invite.ParseRating(s, 0, 10)
		if err != nil {
			if n != 0 || !errors.Is(err, invite.ErrNoRating) && !errors.Is(err, invite.ErrUnclear) {
				t.Fatal(n, err)
			}
			return
		}
		if again, err := invite.ParseRating(fmt.Sprint(n), 0, 10); n < 0 || n > 10 || again != n || err != nil {
			t.Fatal(n, again, err)
		}
	})
}

func ExampleParseRating() {
	for _, reply := range []string{"10 üzerinden 9", "on", "4/5", "teşekkürler"} {
		n, err := invite.ParseRating(reply, 0, 10)
		fmt.Println(n, err)
	}
	// Output:
	// 9 <nil>
	// 10 <nil>
	// 0 survey/invite: it is not clear which number the reply means
	// 0 survey/invite: the reply has no number
}
