package web

import (
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Brand says whose pages they are. The zero value shows nothing of it.
type Brand struct {
	// Name is who asks; it stands at the top of every page.
	Name string
	// Logo is a picture in place of the name, which is then read out for it: PNG, JPEG,
	// GIF, WebP or SVG of at most 32 KiB. It is part of the page, so that nothing is
	// loaded from elsewhere.
	Logo []byte
	// Accent is the colour of the button that leads on, Ink of the text on it, as #rrggbb; Ink is
	// white by default. Their contrast must be 4.5:1 or more, which WCAG asks of text.
	// Without an Accent that button has the colours of the text, the other way round.
	Accent, Ink string
	// Privacy is a line at the foot of every page, such as how answers are used, by
	// language: "tr", "en"; "" is for all others. PrivacyURL (https) makes it a link.
	Privacy    map[string]string
	PrivacyURL string
}

// ErrBrand is the kind of every error about a Brand.
var ErrBrand = errors.New("survey/web: brand")

// maxLogo bounds a logo: it is part of every page.
const maxLogo = 32 << 10

// Validate reports every fault of the brand, each an ErrBrand.
func (b *Brand) Validate() error {
	var faults []error
	fault := func(field, format string, args ...any) {
		faults = append(faults, fmt.Errorf("%w: %s %s", ErrBrand, field, fmt.Sprintf(format, args...)))
	}
	if len(b.Logo) > 0 {
		if b.Name == "" {
			fault("Name", "must be set: it is read out for the logo")
		}
		if len(b.Logo) > maxLogo {
			fault("Logo", "has %d bytes, at most %d are possible", len(b.Logo), maxLogo)
		}
		if logoType(b.Logo) == "" {
			fault("Logo", "is no PNG, JPEG, GIF, WebP or SVG")
		}
	}
	accent, okAccent := luminance(b.Accent)
	ink, okInk := luminance(b.ink())
	switch {
	case b.Accent == "" && b.Ink != "":
		fault("Ink", "needs an Accent")
	case b.Accent != "" && !okAccent:
		fault("Accent", "%q is no colour, such as #0b6770", b.Accent)
	case b.Accent != "" && !okInk:
		fault("Ink", "%q is no colour, such as #ffffff", b.Ink)
	case b.Accent != "":
		if c := contrast(accent, ink); c < 4.5 {
			fault("Accent", "%s under %s has a contrast of %.2f:1, 4.5:1 is needed to be read", b.Accent, b.ink(), math.Floor(100*c)/100)
		}
	}
	for _, lang := range slices.Sorted(maps.Keys(b.Privacy)) {
		if base, _, _ := strings.Cut(lang, "-"); lang != "" && (!isTag(lang) || len(base) < 2 || len(base) > 3) {
			fault("Privacy", "%q is no language, such as tr or pt-br", lang)
		}
	}
	if b.PrivacyURL != "" {
		if u, err := url.Parse(b.PrivacyURL); err != nil || u.Scheme != "https" || u.Host == "" {
			fault("PrivacyURL", "%q is no https address", b.PrivacyURL)
		}
		if len(b.Privacy) == 0 {
			fault("Privacy", "must be set: it is the text of the link")
		}
	}
	return errors.Join(faults...)
}

// ink is Ink with its default.
func (b *Brand) ink() string {
	if b.Ink == "" {
		return "#ffffff"
	}
	return b.Ink
}

// style is what the style sheet has for the brand.
func (b *Brand) style() string {
	css := ""
	if b.Name != "" {
		css += `.b{font-weight:600;margin:0 0 1.5rem}.b img{display:block;max-width:100%;height:auto;max-height:4rem}`
	}
	if b.Accent != "" {
		css += mainButton + `{background:` + b.Accent + `;color:` + b.ink() + `;border:2px solid ` + b.ink() + `;border-radius:.5rem}`
	}
	return css
}

// logoType returns the media type of a picture, or "" for what is none.
func logoType(data []byte) string {
	switch t := http.DetectContentType(data); {
	case t == "image/png", t == "image/jpeg", t == "image/gif", t == "image/webp":
		return t
	case strings.HasPrefix(t, "text/"):
		head := strings.TrimSpace(string(data[:min(len(data), 512)]))
		if strings.HasPrefix(head, "<svg") || strings.HasPrefix(head, "<?xml") && strings.Contains(string(data), "<svg") {
			return "image/svg+xml"
		}
	}
	return ""
}

// privacy returns the line about privacy in a language.
func (b *Brand) privacy(lang string) string {
	base, _, _ := strings.Cut(lang, "-")
	return firstOf(b.Privacy[lang], b.Privacy[base], b.Privacy[""])
}

// brandView is the brand as the templates show it.
type brandView struct {
	Name, PrivacyURL string
	Logo             template.URL
}

// view prepares the brand once: a logo in base64 is the same on every page. It is nil
// where there is nothing to show.
func (b *Brand) view() *brandView {
	if b.Name == "" && b.PrivacyURL == "" {
		return nil
	}
	v := &brandView{Name: b.Name, PrivacyURL: b.PrivacyURL}
	if len(b.Logo) > 0 { // bytes of a known type in base64: no markup
		v.Logo = template.URL("data:" + logoType(b.Logo) + ";base64," + base64.StdEncoding.EncodeToString(b.Logo))
	}
	return v
}

// luminance is the relative luminance of a colour as WCAG 2 defines it.
func luminance(colour string) (float64, bool) {
	hex, ok := strings.CutPrefix(colour, "#")
	n, err := strconv.ParseUint(hex, 16, 32)
	if !ok || len(hex) != 6 || err != nil {
		return 0, false
	}
	linear := func(c uint64) float64 {
		v := float64(c&0xff) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(n>>16) + 0.7152*linear(n>>8) + 0.0722*linear(n), true
}

// contrast is the ratio of two luminances, 1 to 21.
func contrast(a, b float64) float64 { return (max(a, b) + 0.05) / (min(a, b) + 0.05) }
