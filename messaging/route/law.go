package route

import (
	"regexp"
	"strings"
	"unicode"

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

// link finds what telephones and operators take for a web address: a scheme, www, a name
// that ends in letters after a dot, an address of numbers with a path.
var link = regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]*://|\bwww\.|[\p{L}\p{N}]\.(?:[a-z]{2,63}|xn--[a-z0-9-]+)(?:[^\p{L}\p{N}]|$)|[\p{L}\p{N}]\.\p{L}{2,63}/|\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}[/:]`)

// HasLink reports whether a text has what may be taken for a web address. It rather errs
// on that side: "Bitti.Yarin gel" is one, for there is a blank missing.
func HasLink(text string) bool {
	plain := strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cf, r): // not seen
			return -1
		case r == '。' || r == '．' || r == '｡':
			return '.'
		case r >= '！' && r <= '～': // full-width forms of ASCII
			return r - '！' + '!'
		}
		return r
	}, text)
	return link.MatchString(plain)
}
