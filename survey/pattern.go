package survey

import (
	"errors"
	"fmt"
	"iter"
	"regexp"
	"strings"
)

// pattern is a regular expression of JavaScript. Look-ahead is possible where it stands at the
// beginning, as password rules write it: ^(?=.*[A-Z])(?=.*\d).{8,}$ asks for all of them. So a
// match takes time in proportion to the text; what would need backtracking is refused.
type pattern struct {
	all  []*regexp.Regexp // all match
	none []*regexp.Regexp // none matches
}

// errLookAround is why a regular expression is refused that Go cannot match in linear time.
var errLookAround = errors.New("look-around and back references are not possible here")

// maxPattern bounds the length of a regular expression.
const maxPattern = 1000

// compilePattern translates a regular expression.
func compilePattern(src string, fold bool) (*pattern, error) {
	if len(src) > maxPattern {
		return nil, fmt.Errorf("a regular expression of %d bytes: %w", len(src), ErrLimit)
	}
	p := &pattern{}
	body, anchored := strings.CutPrefix(src, "^")
	for {
		look, rest, ok := leadingLook(body)
		if !ok {
			break
		}
		if !anchored && (rest != "" || look[2] != '=') {
			return nil, errLookAround
		}
		if !anchored { // a look-ahead alone is the same as what it looks for
			body = look[3 : len(look)-1]
			break
		}
		re, err := compileRE("^(?:"+look[3:len(look)-1]+")", fold)
		if err != nil {
			return nil, err
		}
		if look[2] == '=' {
			p.all = append(p.all, re)
		} else {
			p.none = append(p.none, re)
		}
		body = rest
	}
	if anchored {
		body = "^" + body
		if len(p.all)+len(p.none) > 0 && hasAlternatives(body) {
			return nil, errLookAround // the look-ahead would belong to one alternative only
		}
	}
	re, err := compileRE(body, fold)
	if err != nil {
		return nil, err
	}
	p.all = append(p.all, re)
	return p, nil
}

// leadingLook cuts a look-ahead off the beginning.
func leadingLook(s string) (look, rest string, ok bool) {
	if !strings.HasPrefix(s, "(?=") && !strings.HasPrefix(s, "(?!") {
		return "", s, false
	}
	for i, depth := range bare(s) {
		if s[i] == ')' && depth == 0 {
			return s[:i+1], s[i+1:], true
		}
	}
	return "", s, false
}

// hasAlternatives tells a regular expression with a | outside of groups.
func hasAlternatives(s string) bool {
	for i, depth := range bare(s) {
		if s[i] == '|' && depth == 0 {
			return true
		}
	}
	return false
}

// bare yields where the bytes of a regular expression stand that are in no class and behind no
// backslash, and in how many groups each is; a closing parenthesis is outside of its own.
func bare(s string) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		depth, class := 0, false
		for i := 0; i < len(s); i++ {
			switch c := s[i]; {
			case c == '\\':
				i++
				continue
			case class:
				class = c != ']'
				continue
			case c == '[':
				class = true
				continue
			case c == '(':
				depth++
			case c == ')':
				depth--
			}
			if !yield(i, depth) {
				return
			}
		}
	}
}

// compileRE translates what JavaScript and Go write differently, and compiles.
func compileRE(src string, fold bool) (*regexp.Regexp, error) {
	out, err := translateRE(src)
	if err != nil {
		return nil, err
	}
	if fold {
		out = "(?i)" + out
	}
	re, err := regexp.Compile(out)
	if err != nil {
		return nil, fmt.Errorf("the regular expression %s cannot be used: %w", quote(src), err)
	}
	return re, nil
}

// spaces is JavaScript's \s inside a class.
const spaces = `\t\n\v\f\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`

// translateRE rewrites a regular expression for Go.
func translateRE(s string) (string, error) {
	var b strings.Builder
	class := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && i+1 < len(s):
			i++
			n, err := escape(&b, s[i:], class)
			if err != nil {
				return "", err
			}
			i += n
		case class:
			if c == '[' {
				b.WriteByte('\\')
			}
			b.WriteByte(c)
			class = c != ']'
		case c == '[':
			class = true
			switch rest := s[i+1:]; {
			case strings.HasPrefix(rest, "^]"):
				b.WriteString(`(?s:.)`)
				i, class = i+2, false
			case strings.HasPrefix(rest, "]"):
				b.WriteString(`[^\x{0}-\x{10ffff}]`)
				i, class = i+1, false
			case strings.HasPrefix(rest, "^"):
				b.WriteString("[^")
				i++
			default:
				b.WriteByte('[')
			}
		case c == '.':
			b.WriteString(`[^\n\r\x{2028}\x{2029}]`)
		case c == '(' && (strings.HasPrefix(s[i:], "(?=") || strings.HasPrefix(s[i:], "(?!") || strings.HasPrefix(s[i:], "(?<=") || strings.HasPrefix(s[i:], "(?<!")):
			return "", errLookAround
		case c == '{' && !quantifier(s[i:]):
			b.WriteString(`\{`)
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}

// quantifier tells {2}, {2,} and {2,3} from a brace.
func quantifier(s string) bool {
	end := strings.IndexByte(s, '}')
	if end < 2 {
		return false
	}
	lo, hi, _ := strings.Cut(s[1:end], ",")
	return lo != "" && strings.Trim(lo, "0123456789") == "" && strings.Trim(hi, "0123456789") == ""
}

// escape writes what follows a backslash, and returns how many bytes it read beyond the first.
func escape(b *strings.Builder, s string, class bool) (int, error) {
	switch c := s[0]; {
	case c == 's' && class:
		b.WriteString(spaces)
	case c == 's':
		b.WriteString("[" + spaces + "]")
	case c == 'S' && !class:
		b.WriteString("[^" + spaces + "]")
	case c >= '1' && c <= '9' && !class, c == 'k' && !class:
		return 0, errLookAround
	case c == '0':
		b.WriteString(`\x00`)
	case c == 'u' && len(s) >= 5 && hex(s[1:5]):
		b.WriteString(`\x{` + s[1:5] + `}`)
		return 4, nil
	case c == 'x' && len(s) >= 3 && hex(s[1:3]):
		b.WriteString(`\x{` + s[1:3] + `}`)
		return 2, nil
	case c == 'b' && class:
		b.WriteString(`\x08`)
	case strings.IndexByte("dDwWbBntrfvS", c) >= 0:
		b.WriteByte('\\')
		b.WriteByte(c)
	case c < 0x80 && (c|0x20 < 'a' || c|0x20 > 'z'):
		b.WriteByte('\\')
		b.WriteByte(c)
	default: // JavaScript takes the letter itself
		b.WriteByte(c)
	}
	return 0, nil
}

func hex(s string) bool { return strings.Trim(strings.ToLower(s), "0123456789abcdef") == "" }

// match tells whether a text is accepted.
func (p *pattern) match(s string) bool {
	for _, re := range p.all {
		if !re.MatchString(s) {
			return false
		}
	}
	for _, re := range p.none {
		if re.MatchString(s) {
			return false
		}
	}
	return true
}
