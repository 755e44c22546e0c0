// Package page is the shell of this project's HTML reports: one file that loads nothing
// and runs no script, for a desk and a telephone, by day and by night. What stands in its
// sections the packages draw themselves.
package page

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"
	"sync"
)

//go:embed page.css
var base string

//go:embed page.html.tmpl
var shell string

// Page is a report.
type Page struct {
	Title    string
	Lead     string // what it is about, below the title
	Sections []Section
	Footer   string
	Style    template.CSS // rules of the parts
}

// Section is a part of a page with a heading of its own.
type Section struct {
	Title string
	Lead  string
	Parts []template.HTML
}

var parsed = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{"anchor": anchor}).Parse(shell))
})

// Write writes the page. The same page gives the same bytes.
func (p Page) Write(w io.Writer) error {
	var b bytes.Buffer
	err := parsed().Execute(&b, struct {
		Page
		Base template.CSS
	}{p, template.CSS(base)})
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	_, err = w.Write(b.Bytes())
	return err
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
