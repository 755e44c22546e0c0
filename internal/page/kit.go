package page

import (
	"bytes"
	"html/template"
	"sync"
)

// Kit draws the pictures of one package.
type Kit struct {
	templates func() *template.Template
	style     template.CSS
}

// NewKit returns a kit of templates, which are parsed when the first picture is drawn, and
// of the CSS rules of their classes.
func NewKit(templates, style string) *Kit {
	return &Kit{style: template.CSS(style), templates: sync.OnceValue(func() *template.Template {
		return template.Must(template.New("").Parse(templates))
	})}
}

// Style returns the CSS rules of the kit's pictures.
func (k *Kit) Style() template.CSS { return k.style }

// Draw renders a template. Templates are part of the program, so that an error is a fault
// of the package that gave them; the picture then says so instead of missing.
func (k *Kit) Draw(name string, data any) Picture {
	var b bytes.Buffer
	if err := k.templates().ExecuteTemplate(&b, name, data); err != nil {
		b.Reset()
		b.WriteString("<p>" + template.HTMLEscapeString(err.Error()) + "</p>")
	}
	return Picture{template.HTML(b.String()), k}
}

// Picture is one figure with its caption.
type Picture struct {
	html template.HTML
	kit  *Kit
}

// HTML returns the picture as a part of another page, which needs the rules of its kit. It
// has neither ids nor headings, so that it fits anywhere.
func (p Picture) HTML() template.HTML { return p.html }
