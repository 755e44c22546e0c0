package topic

import (
	"unicode"
	"unicode/utf8"

	"github.com/vefacrm/vefa/internal/fold"
)

// foldRune appends the letter in a to z, or nothing. Letters of other scripts become what
// their transliteration is, if there is one.
func foldRune(dst []byte, r rune) []byte {
	switch {
	case r >= 'a' && r <= 'z':
		return append(dst, byte(r))
	case r >= 'A' && r <= 'Z':
		return append(dst, byte(r)+'a'-'A')
	case r < utf8.RuneSelf:
		return dst
	}
	switch r {
	case 'ş', 'Ş':
		return append(dst, 's')
	case 'ı', 'İ', 'î', 'Î':
		return append(dst, 'i')
	case 'ğ', 'Ğ':
		return append(dst, 'g')
	case 'ç', 'Ç':
		return append(dst, 'c')
	case 'ö', 'Ö':
		return append(dst, 'o')
	case 'ü', 'Ü', 'û', 'Û':
		return append(dst, 'u')
	case 'â', 'Â':
		return append(dst, 'a')
	}
	if unicode.IsLetter(r) {
		for _, c := range []byte(fold.Key(string(r))) {
			if c >= 'a' && c <= 'z' {
				dst = append(dst, c)
			}
		}
	}
	return dst
}

// token is a word of a text: where it stands in the text, and in the folded letters.
type token struct {
	start, end int
	from, to   int
	stop       bool // a clause ends before it
}

// split appends the words of a text. An apostrophe joins ("Instagram'dan", "didn't"); other
// signs end a word, and all but spaces, quotes and dashes end a clause. What repeats a letter
// three times or more is read with it twice ("çooook").
func split(text string, words []token, letters []byte) ([]token, []byte) {
	var now token
	in, stop := false, true
	var last rune
	run := 0
	flush := func(at int) {
		if in && len(letters) > now.from {
			now.end, now.to = at, len(letters)
			words = append(words, now)
			stop = false
		}
		in = false
	}
	for i, r := range text {
		if unicode.IsLetter(r) || unicode.IsMark(r) {
			if !in {
				in, now, last, run = true, token{start: i, from: len(letters), stop: stop}, 0, 0
			}
			if r == last {
				run++
			} else {
				last, run = r, 1
			}
			before := len(letters)
			letters = foldRune(letters, r)
			if run > 2 {
				letters = letters[:before]
			}
			continue
		}
		if in && (r == '\'' || r == '’' || r == '`' || r == 0xad) {
			continue
		}
		flush(i)
		switch r {
		case ' ', '\t', '"', '-', '“', '”', '*', '\u00a0':
		default:
			stop = true
		}
	}
	flush(len(text))
	return words, letters
}
