package segment

import (
	"fmt"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// tokenKind is what a token is.
type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenWord
	tokenQuoted
	tokenPunct
)

// token is a piece of the text with its place.
type token struct {
	kind tokenKind
	text string // the word, the unquoted string or the punctuation
	key  string // the word in lower case if it is a keyword
	at   int    // byte offset
}

// scanner cuts a text into words, quoted names and punctuation. A # begins a
// comment to the end of the line.
type scanner struct {
	src string
	at  int
}

// next returns the next token. It looks at a quoted name only as far as a name may be
// long, so that a quote that never ends is cheap.
func (s *scanner) next() (token, error) {
	s.skipSpace()
	start := s.at
	if start == len(s.src) {
		return token{kind: tokenEnd, at: start}, nil
	}
	switch c := s.src[start]; c {
	case '(', ')', ',', '=':
		s.at++
		return token{kind: tokenPunct, text: s.src[start:s.at], at: start}, nil
	case '"':
		quoted, err := strconv.QuotedPrefix(s.src[start:min(len(s.src), start+8*maxName)])
		if err != nil {
			return token{}, s.fail(start, "the quoted name does not end or is too long")
		}
		name, err := strconv.Unquote(quoted)
		if err != nil {
			return token{}, s.fail(start, "the quoted name is malformed")
		}
		if r := invisible(name); r != 0 {
			return token{}, s.fail(start, fmt.Sprintf("the quoted name has the invisible character %U: it would read as another name", r))
		}
		s.at += len(quoted)
		return token{kind: tokenQuoted, text: name, at: start}, nil
	}
	for s.at < len(s.src) {
		r, size := utf8.DecodeRuneInString(s.src[s.at:])
		if !isWordRune(r) {
			break
		}
		s.at += size
	}
	if s.at == start {
		r, _ := utf8.DecodeRuneInString(s.src[start:])
		return token{}, s.fail(start, "unexpected "+strconv.QuoteRune(r))
	}
	t := token{kind: tokenWord, text: s.src[start:s.at], at: start}
	if isKeyword(t.text) {
		t.key = lowerASCII(t.text)
	}
	return t, nil
}

// invisible returns a character of a name that changes how the rest of the line reads or
// cannot be seen at all, or 0.
func invisible(name string) rune {
	for _, r := range name {
		if unicode.Is(unicode.Bidi_Control, r) || r == '\u200b' || r == '\u2060' || r == '\ufeff' {
			return r
		}
	}
	return 0
}

// skipSpace skips blanks and comments.
func (s *scanner) skipSpace() {
	for s.at < len(s.src) {
		r, size := utf8.DecodeRuneInString(s.src[s.at:])
		switch {
		case unicode.IsSpace(r) || s.at == 0 && r == '\ufeff':
			s.at += size
		case r == '#':
			for s.at < len(s.src) && s.src[s.at] != '\n' {
				s.at++
			}
		default:
			return
		}
	}
}

func (s *scanner) fail(at int, msg string) error { return parseErrorAt(s.src, at, msg) }

// parseErrorAt turns a byte offset into line and column. It reads the text from its start,
// which happens once: the first error ends parsing.
func parseErrorAt(src string, at int, msg string) error {
	line, column := 1, 1
	for _, r := range src[:min(at, len(src))] {
		if r == '\n' {
			line, column = line+1, 1
		} else {
			column++
		}
	}
	return &ParseError{Line: line, Column: column, Msg: msg}
}
