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
		return template.Must(template.New("").Funcs(template.FuncMap{"say": English.Say}).Parse(templates))
	})}
}

// Style returns the CSS rules of the kit's pictures.
func (k *Kit) Style() template.CSS { return k.style }

// Draw returns a picture of a template, in English.
func (k *Kit) Draw(name string, data any) Picture {
	return k.DrawIn(name, func(*Locale) any { return data })
}

// DrawIn returns a picture that is drawn in the language of its page, when the page is
// written. Templates are part of the program, so that an error is a fault of the package
// that gave them; the picture then says so instead of missing.
func (k *Kit) DrawIn(name string, data func(*Locale) any) Picture {
	return Picture{kit: k, draw: func(l *Locale) template.HTML {
		var b bytes.Buffer
		t, err := k.templates().Clone()
		if err == nil {
			err = t.Funcs(template.FuncMap{"say": l.Say}).ExecuteTemplate(&b, name, data(l))
		}
		if err != nil {
			b.Reset()
			b.WriteString("<p>" + template.HTMLEscapeString(err.Error()) + "</p>")
		}
		return template.HTML(b.String())
	}}
}

// Picture is one figure with its caption.
type Picture struct {
	draw func(*Locale) template.HTML
	kit  *Kit
}

// HTML returns the picture as a part of another page, which needs the rules of its kit, in
// a language: "tr", or else English. It has neither ids nor headings, so that it fits
// anywhere.
func (p Picture) HTML(locale string) template.HTML {
	if p.draw == nil {
		return ""
	}
	return p.draw(For(locale))
}
