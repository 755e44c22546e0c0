package chart

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

// wellFormed reads a text as XML to its end.
func wellFormed(t require.TestingT, s string) {
	d := xml.NewDecoder(strings.NewReader(s))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err, s)
	}
}

func TestScale(t *testing.T) {
	for _, c := range []struct {
		lo, hi   float64
		most     int
		ticks    []float64
		decimals int
	}{
		{0, 100, 4, []float64{0, 25, 50, 75, 100}, 0},
		{-37, 81, 4, []float64{-50, 0, 50, 100}, 0},
		{0, 0.3, 3, []float64{0, 0.1, 0.2, 0.3}, 1},
		{5, 5, 4, []float64{4, 4.5, 5, 5.5, 6}, 1},
		{100, 0, 4, []float64{0, 25, 50, 75, 100}, 0},
		{0, 1, 1, []float64{0, 1}, 0},
		{-1, 1, 1, []float64{-1, 0, 1}, 0},
		{1e12, 3e12, 4, []float64{1e12, 1.5e12, 2e12, 2.5e12, 3e12}, 0},
	} {
		s, err := NewScale(c.lo, c.hi, 0, 100, c.most)
		require.NoError(t, err)
		require.InDeltaSlice(t, c.ticks, s.Ticks(), 1e-12, "%v", c)
		require.Equal(t, c.decimals, s.Decimals(), "%v", c)
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e300} {
		_, err := NewScale(0, bad, 0, 1, 4)
		require.ErrorIs(t, err, ErrNotFinite)
		_, err = NewScale(0, 1, bad, 1, 4)
		require.ErrorIs(t, err, ErrNotFinite)
	}
	require.Empty(t, Scale{}.Ticks())
	require.True(t, math.IsNaN(Scale{}.At(1)))
}

// A scale holds what it was made for, has no more steps than asked, and keeps the order.
func TestScaleHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lo, hi := rapid.Float64Range(-1e9, 1e9).Draw(t, "lo"), rapid.Float64Range(-1e9, 1e9).Draw(t, "hi")
		most := rapid.IntRange(1, 12).Draw(t, "most")
		s, err := NewScale(lo, hi, 300, 10, most)
		require.NoError(t, err)
		from, to := s.Ends()
		slack := 1e-6 * (to - from)
		require.LessOrEqual(t, from, min(lo, hi)+slack)
		require.GreaterOrEqual(t, to, max(lo, hi)-slack)
		ticks := s.Ticks()
		require.LessOrEqual(t, len(ticks)-1, max(most, 2))
		require.GreaterOrEqual(t, len(ticks), 2)
		for i, v := range ticks {
			if i > 0 {
				require.Greater(t, v, ticks[i-1])
				require.Less(t, s.At(v), s.At(ticks[i-1]))
			}
		}
		require.InDelta(t, 300, s.At(ticks[0]), 0.01)
		require.InDelta(t, 10, s.At(ticks[len(ticks)-1]), 0.01)
		require.True(t, math.IsNaN(s.At(math.NaN())))
		require.InDelta(t, 10, s.At(math.Inf(1)), 1e-9)
	})
}

func TestFit(t *testing.T) {
	require.Equal(t, "İstanbul", Fit("İstanbul", 200))
	require.Equal(t, "İst…", Fit("İstinye Park Mağazası", 36))
	require.Equal(t, "…", Fit("İstanbul", 1))
	require.Equal(t, "é…", Fit("ééé", 20), "a letter keeps its mark")
	rapid.Check(t, func(t *rapid.T) {
		s, w := rapid.String().Draw(t, "text"), rapid.Float64Range(0, 300).Draw(t, "width")
		got := Fit(s, w)
		require.LessOrEqual(t, Width(got), max(w, Width("…")))
		if Width(s) <= w {
			require.Equal(t, s, got)
		}
	})
}

// everything uses each function with a text and a number from outside.
func everything(text string, v float64) string {
	d := New("x", 320, 100, text, text)
	d.Line("ch-line", Point{0, v}, Point{10, 1})
	d.Curve("ch-first", Point{0, 1}, Point{1, 2}, Point{2, v}, Point{3, 1}, Point{4, 2})
	d.Area("ch-band", []Point{{0, 1}, {1, 2}, {2, v}, {3, 1}, {4, 2}}, []Point{{0, 3}, {1, 3}, {2, 3}, {3, 3}, {4, 3}})
	d.Box("ch-good", Point{1, v}, 3, 4, text)
	for _, s := range []Shape{Circle, Up, Down} {
		d.Mark("ch-bad", s, Point{v, 5}, 4, text)
	}
	d.Text("ch-label", Point{4, v}, text, 40)
	d.Text("", Point{4, 5}, text, 0)
	return d.String()
}

// TestGolden: the same drawing is the same bytes; a gap where there is no number.
func TestGolden(t *testing.T) {
	got := everything("Şişli & <Çarşı> שלום uzun bir mağaza adı", math.NaN()) + "\n" + everything("Iğdır", 12.34) + "\n"
	wellFormed(t, "<a>"+got+"</a>")
	require.NotContains(t, got, "NaN")
	if *update {
		require.NoError(t, os.WriteFile("testdata/golden.svg.txt", []byte(got), 0o600))
	}
	want, err := os.ReadFile("testdata/golden.svg.txt")
	require.NoError(t, err)
	require.Equal(t, string(want), got)
	require.Contains(t, New("", math.NaN(), math.Inf(1), "t", "").String(), `viewBox="0 0 1 100000"`)
}

func TestCurveGaps(t *testing.T) {
	d := New("", 10, 10, "t", "")
	d.Curve("", Point{1, 1}, Point{math.NaN(), 1}, Point{3, 1}, Point{4, 1}, Point{math.Inf(1), 0}, Point{5, 5})
	require.Contains(t, d.String(), `d="M3 1L4 1"`)
	empty := New("", 10, 10, "t", "")
	empty.Curve("", Point{1, 1})
	empty.Curve("")
	empty.Area("", []Point{{1, 1}}, []Point{{1, 2}})
	empty.Box("", Point{1, 1}, 0, -1, "")
	empty.Text("", Point{1, 1}, "", 5)
	require.Equal(t, `<svg class="ch" viewBox="0 0 10 10" role="img" aria-label="t"><title>t</title></svg>`, empty.String())
}

// FuzzDrawing: whatever a label or a value is, the drawing is well-formed and has no element that
// was not drawn.
func FuzzDrawing(f *testing.F) {
	for _, s := range []string{"", "Kadıköy", "</text><script>alert(1)</script>", "]]>", "\x00\xff\ufffe", "\u202eabc", "a\"b'c&", "مرحبا"} {
		f.Add(s, 1.5)
	}
	f.Add("x", math.NaN())
	f.Add("x", math.Inf(-1))
	f.Add("x", -1e308)
	f.Fuzz(func(t *testing.T, text string, v float64) {
		got := everything(text, v)
		wellFormed(t, got)
		for _, bad := range []string{"<script", "NaN", "Inf", "e+"} {
			if !strings.Contains(text, bad) && strings.Contains(got, bad) {
				t.Fatal(bad, got)
			}
		}
	})
}
