package report

import (
	_ "embed"
	"html/template"

	"github.com/vefacrm/vefa/internal/page"
)

//go:embed pictures.html.tmpl
var pictures string

//go:embed style.css
var style string

var kit = page.NewKit(pictures, style)

// Page is a report: a title and sections of pictures. Its fields are Title, Lead (a line below the title), Locale ("tr", or
// else English), Sections and Footer; its Write(io.Writer) error writes it as one HTML file.
type Page = page.Page

// Section is a part of a page with a heading of its own. Its fields are Title, Lead and Pictures.
type Section = page.Section

// Picture is one figure with its caption. The functions of this package draw it; its HTML
// is a part of any page that has the rules of Style.
type Picture = page.Picture

// Style returns the CSS rules of pictures, all for classes that begin with
// "seg-". They use the colours --card, --ink, --soft, --line, --first, --second,
// --good and --bad of the page, and its own styles of tables. Page.Write adds them by
// itself; a page of a host's own needs them once.
func Style() template.CSS { return kit.Style() }

// Text shows a text as it is, line by line.
func Text(title, text string) Picture {
	return kit.Draw("text", struct{ Title, Text string }{title, text})
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
