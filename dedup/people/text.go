package people

import (
	"html"
	"strings"
	"unicode/utf8"
)

// text returns a value with HTML entities decoded and letters mended that were read in
// another encoding than they were written in, where it is certain what they were. Nearly
// all values are returned as they are.
func (n *normalizer) text(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c == '&' || c == 0xC3 && suspicious(s[i+1:]) {
			return mend(s, n.turkish)
		}
	}
	return s
}

// suspicious reports whether what follows the byte 0xC3 makes it a letter with which the
// UTF-8 of other letters begins in Windows-1252 and 1254, or one that stands in their place
// for ğ, ı, ş.
func suspicious(rest string) bool {
	if rest == "" {
		return false
	}
	switch rest[0] {
	case 0x82, 0x83, 0x84, 0x85, 0x90, 0x9D, 0x9E, 0xB0, 0xBD, 0xBE: // Â Ã Ä Å Ð Ý Þ ð ý þ
		return true
	}
	return false
}

func mend(s string, turkish bool) string {
	if len(s) > 1<<12 {
		return s // no name or address
	}
	for { // "&amp;#351;" was encoded twice; each round leaves less to be decoded
		was := s
		if strings.IndexByte(s, '&') >= 0 && strings.IndexByte(s, ';') >= 0 {
			s = html.UnescapeString(s)
		}
		if s = utf8As1252(s); s == was {
			break
		}
	}
	if turkish {
		s = turkishAsLatin1(s)
	}
	return s
}

// utf8As1252 mends UTF-8 that was read as Windows-1252 or 1254: "Ä°" is İ, "ÅŸ" is ş. A
// lead byte with as many continuation bytes as it announces is met nowhere else.
func utf8As1252(s string) string {
	if !strings.ContainsAny(s, "ÂÃÄÅ") {
		return s
	}
	runes := []rune(s)
	var b strings.Builder
	b.Grow(len(s))
	changed := false
	for i := 0; i < len(runes); i++ {
		lead, ok := byteOf(runes[i])
		n := 0
		switch {
		case !ok:
		case lead >= 0xC2 && lead <= 0xDF:
			n = 2
		case lead >= 0xE0 && lead <= 0xEF:
			n = 3
		}
		var code [3]byte
		if n > 0 && i+n <= len(runes) {
			code[0] = lead
			for k := 1; k < n; k++ {
				if c, ok := byteOf(runes[i+k]); ok {
					code[k] = c
				}
			}
			if r, size := utf8.DecodeRune(code[:n]); r != utf8.RuneError && size == n {
				b.WriteRune(r)
				i += n - 1
				changed = true
				continue
			}
		}
		b.WriteRune(runes[i])
	}
	if !changed {
		return s
	}
	return b.String()
}

// high1252 are the characters of the bytes 0x80 to 0x9F in Windows-1252, and in 1254 but for
// the ones that it has not; a blank stands for a byte that neither has.
var high1252 = []rune("€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ")

// byteOf returns the byte that Windows-1252 or 1254 reads as the character.
func byteOf(r rune) (byte, bool) {
	switch {
	case r < 0x100:
		return byte(r), true
	case r >= 0x152 && r <= 0x2122:
		for i, c := range high1252 {
			if c == r {
				return byte(0x80 + i), true
			}
		}
	}
	switch r { // of 1254
	case 'Ğ':
		return 0xD0, true
	case 'İ':
		return 0xDD, true
	case 'Ş':
		return 0xDE, true
	case 'ğ':
		return 0xF0, true
	case 'ı':
		return 0xFD, true
	case 'ş':
		return 0xFE, true
	}
	return 0, false
}

// turkishAsLatin1 mends Windows-1254 that was read as Latin-1: ð, þ and ý for ğ, ş and ı.
// A value with letters that Turkish lacks is of another language, and an ý that breaks the
// harmony of vowels ("Novotný") is one.
func turkishAsLatin1(s string) string {
	if !strings.ContainsAny(s, "ÐÝÞðýþ") || strings.ContainsAny(s, "áéíóúàèìòùæåøñãõäëïÿßÁÉÍÓÚÀÈÌÒÙÆÅØÑÃÕÄËÏ") {
		return s
	}
	vowel := ' ' // the last one of the word
	return strings.Map(func(r rune) rune {
		switch r {
		case 'Ð':
			return 'Ğ'
		case 'ð':
			return 'ğ'
		case 'Þ':
			return 'Ş'
		case 'þ':
			return 'ş'
		case 'Ý':
			vowel = 'i'
			return 'İ'
		case 'ý':
			if strings.ContainsRune("oöuüeiOÖUÜEİ", vowel) {
				return r
			}
			vowel = 'ı'
			return 'ı'
		case ' ', '-', '.':
			vowel = ' '
		default:
			if strings.ContainsRune("aıoöuüeiAIOÖUÜEİâîû", r) {
				vowel = r
			}
		}
		return r
	}, s)
}
