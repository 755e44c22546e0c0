package people

import (
	"strings"

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
	if at < 1 || at == len(s)-1 || strings.ContainsAny(s, " *,;:\t\r\n\x1f\"()<>\\") {
		return "", false
	}
	local, domain := s[:at], strings.TrimRight(s[at+1:], ".")
	if strings.IndexByte(domain, '.') < 1 || relays[domain] || more[domain] || strings.Contains(local, "@") {
		return "", false
	}
	if domain == "googlemail.com" {
		domain = "gmail.com"
	}
	if i := strings.IndexByte(local, '+'); i > 0 {
		local = local[:i]
	}
	if domain == "gmail.com" {
		local = strings.ReplaceAll(local, ".", "")
	}
	switch local {
	case "", "info", "noreply", "no-reply", "none", "yok", "test", "mail", "musteri", "customer", "unknown":
		return "", false
	}
	if len(local)+1+len(domain) == len(s) {
		return s, true
	}
	return local + "@" + domain, true
}
