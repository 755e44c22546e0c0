package people

import (
	"strings"
	"unicode"

	"github.com/vefacrm/vefa/dedup/metric"
	"github.com/vefacrm/vefa/internal/fold"
)

// relays are domains that stand between a shop and its customer: an address there
// belongs to an order or a service, and several people may share one. Hosts add
// theirs in [Options.Relays].
var relays = map[string]bool{
	"marketplace.amazon.com": true, "marketplace.amazon.com.tr": true, "marketplace.amazon.de": true,
	"marketplace.amazon.co.uk": true, "members.ebay.com": true,
	"relay.trendyol.com": true, "mail.trendyol.com": true, "hepsiburada.net": true, "n11.net": true,
}

// Email returns the normal form of an address and whether it identifies anybody:
// lower case, without a display name, tag ("+news") or, at Google, dots. Masked
// addresses ("a***@example.com"), relays of marketplaces and role addresses such
// as info@ are refused.
//
// A domain one typing error away from that of a provider which many people use is taken
// for it: gmial.com and gmail.con are gmail.com.
func Email(raw string) (normal string, ok bool) {
	return email(raw, nil)
}

func email(raw string, more map[string]bool) (string, bool) {
	if len(raw) > 320 {
		return "", false
	}
	s := strings.TrimSpace(raw)
	if i := strings.LastIndexByte(s, '<'); i >= 0 && strings.HasSuffix(s, ">") {
		s = s[i+1 : len(s)-1]
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 'A' && c <= 'Z' || c >= 0x80 {
			s = strings.ReplaceAll(fold.Lower(s, false), "ı", "i")
			break
		}
	}
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at == len(s)-1 {
		return "", false
	}
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ' ', '*', ',', ';', ':', '\t', '\r', '\n', '\x1f', '"', '(', ')', '<', '>', '\\':
			return "", false
		}
	}
	local, domain := s[:at], s[at+1:]
	if domain[len(domain)-1] == '.' {
		domain = strings.TrimRight(domain, ".")
	}
	if strings.IndexByte(domain, '.') < 1 || relays[domain] || more[domain] || strings.IndexByte(local, '@') >= 0 {
		return "", false
	}
	if domain = provider(domain); domain == "googlemail.com" {
		domain = "gmail.com"
	}
	if i := strings.IndexByte(local, '+'); i > 0 {
		local = local[:i]
	}
	if domain == "gmail.com" && strings.IndexByte(local, '.') >= 0 {
		local = strings.ReplaceAll(local, ".", "")
	}
	switch local {
	case "", "info", "noreply", "no-reply", "none", "yok", "test", "mail", "musteri", "customer", "unknown":
		return "", false
	}
	if len(local)+1+len(domain) == len(s) && s[len(s)-len(domain):] == domain {
		return s, true
	}
	return local + "@" + domain, true
}

// provider returns the domain of the provider that is meant, or the domain itself. Those are
// domains at which many people have their addresses and whose neighbours, one typing error
// away with the same first letter, are hardly anybody's. Short ones (web.de, gmx.net,
// live.com) have neighbours of their own.
func provider(domain string) string {
	var meant [4]string
	switch domain[0] {
	case 'g':
		meant = [4]string{"gmail.com", "googlemail.com"}
	case 'h':
		meant = [4]string{"hotmail.com", "hotmail.com.tr"}
	case 'o':
		meant = [4]string{"outlook.com", "outlook.com.tr"}
	case 'y':
		meant = [4]string{"yahoo.com", "yahoo.com.tr", "yandex.com"}
	case 'i':
		meant = [4]string{"icloud.com"}
	case 'w':
		meant = [4]string{"windowslive.com", "wanadoo.fr"}
	case 'm':
		meant = [4]string{"mynet.com"}
	case 's':
		meant = [4]string{"superonline.com"}
	case 'p':
		meant = [4]string{"protonmail.com"}
	case 't':
		meant = [4]string{"t-online.de"}
	case 'f':
		meant = [4]string{"freenet.de"}
	case 'l':
		meant = [4]string{"laposte.net"}
	case 'c':
		meant = [4]string{"comcast.net"}
	}
	for _, p := range meant {
		if d := len(p) - len(domain); d >= -1 && d <= 1 && p != domain && (metric.Edits{Max: 1}).Compare(p, domain) == 1 {
			return p
		}
	}
	return domain
}

// emailsIn appends the addresses of a cell that is not one address: "mailto:a@b.example",
// "a@b.example, c@d.example", "a@gmail,com".
func emailsIn(dst []string, raw string, relays map[string]bool) []string {
	if len(raw) > mostCell || strings.IndexByte(raw, '@') < 0 {
		return dst
	}
	for _, blank := range [...]string{" @", "@ "} {
		raw = strings.ReplaceAll(raw, blank, "@")
	}
	for word := range strings.FieldsFuncSeq(raw, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`;|/<>()[]"`, r) }) {
		held := ""
		for piece := range strings.SplitSeq(word, ",") {
			// "a@gmail,com": a comma where the dot of the domain should be
			if _, domain, ok := strings.Cut(held, "@"); ok && domain != "" && strings.IndexByte(domain, '.') < 0 && isTopDomain(piece) {
				held += "." + piece
				continue
			}
			dst = appendEmail(dst, held, relays)
			held = piece
		}
		dst = appendEmail(dst, held, relays)
	}
	return dst
}

// isTopDomain reports whether a word may end a domain: "com", "com.tr".
func isTopDomain(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i] | 0x20; (c < 'a' || c > 'z') && (s[i] != '.' || i == 0) {
			return false
		}
	}
	return len(s) >= 2 && len(s) <= 7
}

func appendEmail(dst []string, s string, relays map[string]bool) []string {
	s = strings.Trim(s[strings.LastIndexByte(s, ':')+1:], ".'’`") // "mailto:", "e-posta:"
	if e, ok := email(strings.ReplaceAll(s, "@@", "@"), relays); ok {
		dst = append(dst, e)
	}
	return dst
}
