// Package fold holds the text folding that several packages need and no user
// should see: Turkish-aware lower case, transliteration of Latin letters to
// ASCII, and the comparison keys made from both. It is driven by a table of one
// byte per letter, allocates once per call at most, and knows no locale but what
// its arguments say.
package fold

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// latin maps U+00C0..U+017F (Latin-1 letters and Latin Extended-A) and extended
// maps U+1E00..U+1EFF (Latin Extended Additional) to the lower-case ASCII letter
// that remains when the diacritics are gone; '?' means that the table has no
// single letter for it. Both were made from the compatibility decomposition of
// Unicode 15, with đ, ħ, ı, ĸ, ł, ŋ, ø, ŧ and ð added by hand: they do not decompose.
const (
	latin = "aaaaaa?ceeeeiiiidnooooo?ouuuuy??aaaaaa?ceeeeiiiidnooooo?ouuuuy?y" +
		"aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiii??jjkkklllllll" +
		"lllnnnnnnnnnoooooo??rrrrrrsssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs"
	extended = "aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmm" +
		"mmmmnnnnnnnnoooooooopppprrrrrrrrssssssssssttttttttuuuuuuuuuuvvvv" +
		"wwwwwwwwwwxxxxyyzzzzzzhtwyas????aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeee" +
		"eeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyy??????"
)

// ascii gives the lower-case ASCII spelling of r, or "" when r is no letter or
// digit that has one.
func ascii(r rune) string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	one := func(c byte) string {
		switch {
		case c >= 'a' && c <= 'z':
			return letters[c-'a' : c-'a'+1]
		case c >= '0' && c <= '9':
			return letters[26+c-'0' : 27+c-'0']
		}
		return ""
	}
	switch {
	case r < utf8.RuneSelf:
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return one(byte(r))
	case r >= 0xC0 && r <= 0x17F:
		if s := one(latin[r-0xC0]); s != "" {
			return s
		}
		switch r {
		case 'Æ', 'æ':
			return "ae"
		case 'Œ', 'œ':
			return "oe"
		case 'Þ', 'þ':
			return "th"
		case 'ß':
			return "ss"
		case 'Ĳ', 'ĳ':
			return "ij"
		}
	case r >= 0x1E00 && r <= 0x1EFF:
		if r == 'ẞ' {
			return "ss"
		}
		return one(extended[r-0x1E00])
	case r >= 0xFF10 && r <= 0xFF5A: // full-width forms
		return ascii(r - 0xFEE0)
	case r == 'Ș' || r == 'ș':
		return "s"
	case r == 'Ț' || r == 'ț':
		return "t"
	case r == 'Ə' || r == 'ə': // Azerbaijani schwa
		return "e"
	case r >= 0x1CD && r <= 0x1DC:
		return one("aaiioouuuuuuuuuu"[r-0x1CD])
	}
	return ""
}

// joins reports characters that stand inside a word: Key drops them without
// leaving a blank, so that "O'Neil" and "ONeil" share a key. Combining marks
// are dropped too, which makes the key the same for composed and decomposed text.
func joins(r rune) bool {
	switch r {
	case '\'', '`', '´', '‘', '’', 'ʼ', 'ʹ', '\u00ad', '\u200c', '\u200d', '\ufeff', utf8.RuneError:
		return true
	}
	return unicode.Is(unicode.M, r)
}

// Key returns the comparison key of s: lower-case, Latin letters without
// diacritics as ASCII (so that İ, I, ı and i are all "i"), words separated by
// single blanks, letters and digits only. Letters of other scripts are kept in
// lower case. Bytes that are not UTF-8 are dropped. Key(Key(s)) == Key(s).
func Key(s string) string {
	if isKey(s) {
		return s
	}
	var buf [64]byte
	return string(AppendKey(buf[:0], s))
}

// isKey reports, without allocating, that s already is an ASCII key.
func isKey(s string) bool {
	blank := true
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			blank = false
		case c == ' ' && !blank:
			blank = true
		default:
			return false
		}
	}
	return !blank || s == ""
}

// AppendKey appends Key(s) to dst.
func AppendKey(dst []byte, s string) []byte {
	start, blank := len(dst), false
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			i++
			switch {
			case c >= 'A' && c <= 'Z':
				c += 'a' - 'A'
			case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			case c == '\'' || c == '`':
				continue
			default:
				blank = len(dst) > start
				continue
			}
			if blank {
				dst, blank = append(dst, ' '), false
			}
			dst = append(dst, c)
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n
		t := ascii(r)
		if t == "" {
			if joins(r) {
				continue
			}
			r = unicode.ToLower(r)
			if t = ascii(r); t == "" && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
				blank = len(dst) > start
				continue
			}
		}
		if blank {
			dst, blank = append(dst, ' '), false
		}
		if t != "" {
			dst = append(dst, t...)
		} else {
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}

// Lower returns s in lower case, keeping diacritics, punctuation and blanks.
// With turkish, I becomes ı and İ becomes i, as in Turkish and Azerbaijani;
// without it both become i. The combining dot that Unicode's own lower case
// leaves behind İ is dropped. Bytes that are not UTF-8 are kept as they are.
func Lower(s string, turkish bool) string {
	changed := -1
	for i, r := range s {
		if lower(r, turkish) != r || r == '\u0307' {
			changed = i
			break
		}
	}
	if changed < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 4)
	b.WriteString(s[:changed])
	for i := changed; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b.WriteByte(s[i])
		case r == 'I' && strings.HasPrefix(s[i+n:], "\u0307"): // decomposed İ
			b.WriteByte('i')
		case r == '\u0307' && b.Len() > 0 && strings.HasSuffix(b.String(), "i"):
		default:
			b.WriteRune(lower(r, turkish))
		}
		i += n
	}
	return b.String()
}

func lower(r rune, turkish bool) rune {
	switch {
	case r == 'İ':
		return 'i'
	case r == 'I' && turkish:
		return 'ı'
	}
	return unicode.ToLower(r)
}

// Digit returns the ASCII digit that r writes, of ASCII, full-width, Arabic-Indic,
// Persian and Devanagari digits.
func Digit(r rune) (byte, bool) {
	for _, zero := range [...]rune{'0', 0xFF10, 0x0660, 0x06F0, 0x0966} {
		if r >= zero && r <= zero+9 {
			return byte('0' + r - zero), true
		}
	}
	return 0, false
}
