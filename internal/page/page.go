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

// Thousands writes a number with separators.
func Thousands(n int) string {
	s := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, s = "−", s[1:]
	}
	var b strings.Builder
	for i, r := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	return sign + b.String()
}

// Percent writes a share of n in whole percent; what is little is not nothing.
func Percent(n, of int) string {
	switch {
	case of <= 0 || n <= 0:
		return "0 %"
	case 200*n < of:
		return "<1 %"
	case 200*(of-n) < of && n < of:
		return ">99 %"
	}
	return strconv.Itoa((200*n+of)/(2*of)) + " %"
}

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
