package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"sync"

	"github.com/vefacrm/vefa/internal/page"
)

//go:embed pictures.html.tmpl
var pictures string

//go:embed style.css
var style string

// Page is a report: a title and sections of pictures.
type Page struct {
	Title    string
	Lead     string // what it is about, below the title
	Sections []Section
	Footer   string // how it came to be; no time of day, if pages are to be compared
}

// Section is a part of a page with a heading of its own.
type Section struct {
	Title    string
	Lead     string
	Pictures []Picture
}

// Picture is one figure with its caption. Functions of this package draw it.
type Picture struct{ html template.HTML }

// HTML returns the picture as a part of a page; the page needs the rules of Style.
func (p Picture) HTML() template.HTML { return p.html }

// Style returns the CSS rules of pictures, all for classes that begin with "dd-". They use
// the colours --card, --ink, --soft, --line, --first, --second, --good and --bad of the
// page, and its own styles of tables.
func Style() template.CSS { return template.CSS(style) }

// Write writes the page as one HTML file. The error is that of w.
func (p Page) Write(w io.Writer) error {
	out := page.Page{Title: p.Title, Lead: p.Lead, Footer: p.Footer, Style: Style()}
	for _, s := range p.Sections {
		parts := make([]template.HTML, len(s.Pictures))
		for i, x := range s.Pictures {
			parts[i] = x.html
		}
		out.Sections = append(out.Sections, page.Section{Title: s.Title, Lead: s.Lead, Parts: parts})
	}
	return out.Write(w)
}

var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Parse(pictures))
})

// draw renders a picture. The templates are ours and fixed, so an error is a fault of this
// package; the picture then says so instead of missing silently.
func draw(name string, data any) Picture {
	var b bytes.Buffer
	if err := templates().ExecuteTemplate(&b, name, data); err != nil {
		return Picture{template.HTML("<p>" + template.HTMLEscapeString(err.Error()) + "</p>")}
	}
	return Picture{template.HTML(b.String())}
}

// bits writes a weight.
func bits(v float64) string {
	s := page.English.Decimal(v, 1)
	if v > 0 && s != "0.0" {
		return "+" + s
	}
	return s
}

// share writes a probability in percent.
func share(p float64) string { return page.English.Probability(p) }

// Fact is a line of [Facts].
type Fact struct{ Name, Value, Note string }

// Facts shows figures with their names.
func Facts(title string, facts ...Fact) Picture {
	return draw("facts", struct {
		Title string
		Facts []Fact
	}{title, facts})
}

// Text shows a text as it is, line by line.
func Text(title, text string) Picture {
	return draw("text", struct{ Title, Text string }{title, text})
}

// Left says in a note how many of something are not shown.
func left(n int, what string) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf("%s more %s are not shown.", page.English.Int(n), what)
}
