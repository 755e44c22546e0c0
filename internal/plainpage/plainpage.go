// Package plainpage is what the plain pages of this project share that people open from a
// message: their style sheet, their policy, and how they leave a request's body alone. They
// have no script and no cookie and load nothing.
package plainpage

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"time"
)

// Style is the whole style sheet: system fonts and colours, so that dark mode,
// forced colours and zoom work by themselves; targets of 48 px and more.
const Style = `:root{color-scheme:light dark;background:Canvas}` +
	`body{font:1.125rem/1.5 system-ui,sans-serif;max-width:38rem;margin:0 auto;padding:1rem;overflow-wrap:anywhere}` +
	`h1,h2{font-size:1.5rem;line-height:1.25}h2{font-size:1.25rem}` +
	`fieldset,.q{border:0;margin:0 0 2rem;padding:0;min-width:0}` +
	`legend,.l{display:block;font-weight:600;padding:0;margin:0 0 .5rem}` +
	`.s{display:flex;flex-wrap:wrap;gap:.5rem}` +
	`.s label{display:flex;align-items:center;justify-content:center;gap:.5rem;min-width:3rem;min-height:3rem;padding:.25rem .75rem;border:1px solid;border-radius:.5rem;box-sizing:border-box}` +
	`.s input{flex:none;width:1.25rem;height:1.25rem;margin:0}` +
	`.t{font:inherit;width:100%;min-height:3rem;padding:.5rem;box-sizing:border-box}` +
	`button{font:inherit;min-height:3rem;padding:.5rem 1.5rem}` +
	`.e{color:#b00020;font-weight:600}` +
	`@media(prefers-color-scheme:dark){.e{color:#ff9c9c}}` +
	`:focus-visible{outline:3px solid;outline-offset:2px}` +
	`footer{margin-top:3rem;border-top:1px solid;padding-top:1rem}`

// Policy is the Content-Security-Policy of every page: nothing is loaded, a logo is
// part of the page, the one style sheet is named by its hash, forms go back to where they came from.
func Policy(style string, logo bool) string {
	sum := sha256.Sum256([]byte(style))
	pictures := ""
	if logo {
		pictures = "img-src data:; "
	}
	return "default-src 'none'; " + pictures + "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}

// Headers sets what every answer has: it is neither stored, indexed nor sniffed, and other
// sites are not told the token.
func Headers(w http.ResponseWriter, policy string) {
	hd := w.Header()
	hd.Set("Content-Type", "text/html; charset=utf-8")
	hd.Set("Content-Security-Policy", policy)
	hd.Set("Cache-Control", "no-store")
	// Not "no-referrer": it would turn the Origin header of our own forms into
	// "null", which looks like another site to cross-origin protection.
	hd.Set("Referrer-Policy", "same-origin")
	hd.Set("X-Content-Type-Options", "nosniff")
	hd.Set("X-Robots-Tag", "noindex, nofollow")
}

// LeaveBody answers without waiting for the body of a request, and ends the
// connection after it. Otherwise net/http reads the body first, for as long as
// the client takes. Call it before the answer is written.
func LeaveBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength == 0 {
		return
	}
	w.Header().Set("Connection", "close")
	_ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0)) // what cannot be set is the host's to bound
}
