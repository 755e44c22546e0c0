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
var pictureStyle string

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

// HTML returns the picture as a part of a page. It has neither ids nor headings,
// so it fits anywhere; the page needs the rules of Style.
func (p Picture) HTML() template.HTML { return p.html }

// Style returns the CSS rules of pictures, all for classes that begin with
// "seg-". They use the colours --card, --ink, --soft, --line, --first, --second,
// --good and --bad of the page, and its own styles of tables.
func Style() template.CSS { return template.CSS(pictureStyle) }

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

func render(name string, data any) (template.HTML, error) {
	var b bytes.Buffer
	if err := templates().ExecuteTemplate(&b, name, data); err != nil {
		return "", fmt.Errorf("report: %w", err)
	}
	return template.HTML(b.String()), nil
}

// draw renders a picture. The templates are ours and fixed, so an error is a
// fault of this package; the picture then says so instead of missing silently.
func draw(name string, data any) Picture {
	html, err := render(name, data)
	if err != nil {
		html = template.HTML("<p>" + template.HTMLEscapeString(err.Error()) + "</p>")
	}
	return Picture{html}
}

// Text shows a text as it is, line by line.
func Text(title, text string) Picture {
	return draw("text", struct{ Title, Text string }{title, text})
}

// bar is a span of a row's track, in percent of its width.
type bar struct{ X, Width string }

func barOf(from, n, whole int) bar {
	if whole <= 0 || n <= 0 {
		return bar{"0", "0"}
	}
	width := max(100*float64(n)/float64(whole), 0.5) // a little is visible
	x := min(100*float64(from)/float64(whole), 100-width)
	return bar{page.Short(max(x, 0)), page.Short(min(width, 100))}
}
