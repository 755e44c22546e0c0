package web

import (
	"html/template"
	"strconv"
	"strings"
)

// markup writes the attributes and small elements of a form. html/template
// walks the page as a whole; inside a field its reflection would cost more
// than everything else a request does. Every value is escaped here, for text
// and for quoted attributes alike; names are constants of this package.
type markup struct{ b strings.Builder }

// attr writes an attribute, its value escaped; optional leaves out an empty one.
func (m *markup) attr(name, value string) {
	m.b.WriteByte(' ')
	m.b.WriteString(name)
	m.b.WriteString(`="`)
	m.b.WriteString(template.HTMLEscapeString(value))
	m.b.WriteByte('"')
}

// optional writes an attribute that has a value.
func (m *markup) optional(name, value string) {
	if value != "" {
		m.attr(name, value)
	}
}

// number writes an attribute that is set, above 0.
func (m *markup) number(name string, value int) {
	if value > 0 {
		m.attr(name, strconv.Itoa(value))
	}
}

// flag writes an attribute without a value, or with one that says true.
func (m *markup) flag(name string, on bool) {
	switch {
	case !on:
	case strings.HasPrefix(name, "aria-"):
		m.attr(name, "true")
	default:
		m.b.WriteByte(' ')
		m.b.WriteString(name)
	}
}

// open begins a tag; close ends it, end writes its end tag.
func (m *markup) open(tag string) {
	m.b.WriteByte('<')
	m.b.WriteString(tag)
}

func (m *markup) close() { m.b.WriteByte('>') }

// text writes what a person reads, escaped.
func (m *markup) text(s string) { m.b.WriteString(template.HTMLEscapeString(s)) }

func (m *markup) end(tag string) {
	m.b.WriteString("</")
	m.b.WriteString(tag)
	m.b.WriteByte('>')
}

// html returns what was written as safe: all of it went through the methods above.
func (m *markup) html() template.HTML { return template.HTML(m.b.String()) }

// hidden writes a hidden field.
func (m *markup) hidden(name, value string) {
	m.open("input")
	m.attr("type", "hidden")
	m.attr("name", name)
	m.attr("value", value)
	m.close()
}

// paragraph writes a paragraph that other elements refer to by its id.
func (m *markup) paragraph(class, id, s string) {
	m.open("p")
	m.optional("class", class)
	m.attr("id", id)
	m.close()
	m.text(s)
	m.end("p")
}
