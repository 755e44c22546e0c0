package chart

import (
	"encoding/xml"
	"strings"
	"unicode"
)

// escape returns a text as part of an element or attribute: markup is escaped, and what XML
// cannot hold, such as control characters and bytes that are no UTF-8, becomes U+FFFD.
func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder never fails
	return b.String()
}

// Width estimates how wide a text is in pixels in the font of Style, 12 px of the reader's system
// font. It is meant to be a little too much: what is measured here must not be cut. A mark that
// is drawn over another letter has no width, East Asian letters have twice that of Latin ones.
func Width(s string) float64 {
	w := 0.0
	for _, r := range s {
		w += runeWidth(r)
	}
	return w
}

func runeWidth(r rune) float64 {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case strings.ContainsRune("iıjl.,:;'|!()[]/· ", r):
		return 4
	case strings.ContainsRune("mwMW%@—…ŞĞÇÖÜ", r):
		return 11
	case r >= 0x1100 && unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana), r >= 0x1F000:
		return 13
	case unicode.IsUpper(r):
		return 8.7
	}
	return 7
}

// Fit returns a text that is no wider than so many pixels by Width: the text itself, or its
// beginning and "…". It cuts before a letter, never between a letter and its marks.
func Fit(s string, width float64) string {
	if Width(s) <= width {
		return s
	}
	left, cut := width-runeWidth('…'), 0
	for i, r := range s {
		w := runeWidth(r)
		if w > 0 {
			cut = i
		}
		if left -= w; left < 0 {
			break
		}
	}
	return strings.TrimRight(s[:cut], " ") + "…"
}
