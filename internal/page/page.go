// Package page is the shell of this project's HTML reports: one file that loads nothing
// and runs no script, for a desk and a telephone, by day and by night. The pictures in
// its sections are drawn by Kits, one of each package that has something to show; a page
// may hold pictures of several.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

//go:embed page.css
var base string

//go:embed page.html.tmpl
var shell string

// Page is a report: a title and sections of pictures.
type Page struct {
	Title    string
	Lead     string // what it is about, below the title; empty: no such line
	Locale   string // the language of its pictures and of its own words: "tr", or else English
	Sections []Section
	Footer   string // how it came to be; no time of day, if pages are to be compared
}

// Section is a part of a page with a heading of its own.
type Section struct {
	Title    string
	Lead     string // below the heading; empty: no such line
	Pictures []Picture
}

var parsed = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{"anchor": anchor, "say": English.Say}).Parse(shell))
})

// Write writes the page as one HTML file, with the rules of its pictures. The error is
// that of w. The same page gives the same bytes.
func (p Page) Write(w io.Writer) error {
	var b bytes.Buffer
	rules, seen := template.CSS(base), map[*Kit]bool{nil: true}
	for _, s := range p.Sections {
		for _, x := range s.Pictures {
			if !seen[x.kit] {
				seen[x.kit] = true
				rules += x.kit.style
			}
		}
	}
	l := For(p.Locale)
	t, err := parsed().Clone()
	if err == nil {
		err = t.Funcs(template.FuncMap{"say": l.Say}).Execute(&b, struct {
			Page
			Tag    string
			Style  template.CSS
			Policy string
		}{p, l.Tag, rules, policy(rules)})
	}
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	// Names come from outside: what is no UTF-8, or a control character, is no text of HTML.
	_, err = w.Write(bytes.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r >= 0x7f && r < 0xa0 {
			return utf8.RuneError
		}
		return r
	}, b.Bytes()))
	return err
}

// policy is the Content-Security-Policy of a page, which it carries itself, because it is opened
// as a file: nothing is loaded or run, and the one style sheet is named by its hash.
func policy(rules template.CSS) string {
	sum := sha256.Sum256([]byte("\n" + string(rules)))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
}

// anchor is the id of a section; its number makes it unique.
func anchor(i int) string { return "section-" + strconv.Itoa(i+1) }

// Short writes a coordinate with one digit after the point at most.
func Short(v float64) string {
	s := strconv.FormatFloat(v, 'f', 1, 64)
	if s == "-0.0" {
		s = "0"
	}
	return strings.TrimSuffix(s, ".0")
}

// Clip shortens a text for a place where it cannot wrap.
func Clip(s string, runes int) string {
	r := []rune(s)
	if len(r) <= runes {
		return s
	}
	return strings.TrimRight(string(r[:runes-1]), " ") + "…"
}
