package report

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

//go:embed page.html.tmpl
var pageTemplate string

//go:embed style.css
var pictureStyle string

//go:embed page.css
var pageStyle string

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
	html, err := render("page", struct {
		Page
		Base, Style template.CSS
	}{p, template.CSS(pageStyle), Style()})
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, string(html))
	return err
}

var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{"anchor": anchor}).Parse(pageTemplate))
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

// anchor is the id of a section; its number makes it unique.
func anchor(i int) string { return "section-" + strconv.Itoa(i+1) }

// thousands writes a number with separators.
func thousands(n int) string {
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

// percent writes a share of n in whole percent; what is little is not nothing.
func percent(n, of int) string {
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

// bar is a span of a row's track, in percent of its width.
type bar struct{ X, Width string }

func barOf(from, n, whole int) bar {
	if whole <= 0 || n <= 0 {
		return bar{"0", "0"}
	}
	width := max(100*float64(n)/float64(whole), 0.5) // a little is visible
	x := min(100*float64(from)/float64(whole), 100-width)
	return bar{short(max(x, 0)), short(min(width, 100))}
}

// short writes a coordinate with one digit after the point at most.
func short(v float64) string {
	s := strconv.FormatFloat(v, 'f', 1, 64)
	return strings.TrimSuffix(s, ".0")
}

// clip shortens a text for a place where it cannot wrap.
func clip(s string, runes int) string {
	r := []rune(s)
	if len(r) <= runes {
		return s
	}
	return strings.TrimRight(string(r[:runes-1]), " ") + "…"
}
