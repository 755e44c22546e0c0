package route

import (
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/vefacrm/vefa/messaging"
)

// TurkishLinks is the Rule that a message with a web address does not go to a Turkish
// number by a route from abroad: since 2026-04-01 operators drop it there, and nobody is told
// (BTK, as reported by sabah.com.tr on 2026-01-03; to be confirmed by counsel).
func TurkishLinks(m messaging.Message, r Route) string {
	if strings.HasPrefix(m.To.Value, "+90") && r.Country != "+90" && HasLink(m.Text) {
		return "operators in Turkey drop messages from abroad that have a web address"
	}
	return ""
}

// HasLink reports whether a text has what telephones and operators may take for a web
// address: a scheme, www., a name that ends in letters after a dot, an address of numbers
// with a port or path. It rather errs on that side: "Bitti.Yarin gel" is one, for there is a
// blank missing.
func HasLink(text string) bool {
	s := strings.Map(seen, text)
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '.':
			if name(s, i) {
				return true
			}
		case ':':
			if strings.HasPrefix(s[i:], "://") && i > 0 && (word(s[i-1]) || s[i-1] == '+' || s[i-1] == '-') {
				return true
			}
			fallthrough
		case '/':
			from := strings.LastIndexFunc(s[:i], func(r rune) bool { return (r < '0' || r > '9') && r != '.' }) + 1
			if a, err := netip.ParseAddr(s[from:i]); err == nil && a.Is4() {
				return true
			}
		}
	}
	return false
}

// seen writes forms of the dot and full-width letters plainly, and drops what is not seen.
func seen(r rune) rune {
	switch {
	case r < 0x250 && r != 0xAD: // Latin, which is most of a text; 0xAD is the soft hyphen
		return r
	case unicode.Is(unicode.Cf, r):
		return -1
	case r == '。' || r == '｡':
		return '.'
	case r >= '！' && r <= '～':
		return r - '！' + '!'
	}
	return r
}

func word(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// name reports whether the dot at i is within the name of a host.
func name(s string, i int) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:i])
	if !unicode.IsLetter(before) && !unicode.IsNumber(before) {
		return false
	}
	rest := s[i+1:]
	if i >= 3 && strings.EqualFold(s[i-3:i], "www") && (i == 3 || !word(s[i-4])) || len(rest) > 4 && strings.EqualFold(rest[:4], "xn--") {
		return true
	}
	letters, ascii := 0, true
	for k, r := range rest {
		if !unicode.IsLetter(r) {
			return letters >= 2 && (ascii && !unicode.IsNumber(r) || rest[k] == '/')
		}
		letters++
		ascii = ascii && r < utf8.RuneSelf
	}
	return ascii && letters >= 2
}
