package web

import (
	"strings"
)

// file writes a field for files, and what was sent before.
func (w *writer) file(q *asked) {
	var names []string
	switch t := q.Value.(type) {
	case string:
		names = []string{w.t.Signature}
	case []any:
		for _, it := range t {
			if m, ok := it.(map[string]any); ok {
				name, _ := m["name"].(string)
				names = append(names, name)
			}
		}
	}
	if len(names) > 0 {
		w.rich = true
		w.b.WriteString(`<p>`)
		w.text(w.t.Sent + " " + strings.Join(names, ", "))
		w.b.WriteString(`</p>`)
		if !q.ReadOnly {
			w.b.WriteString(`<div class="s">`)
			w.open("label")
			w.close()
			w.open("input")
			w.attr("type", "checkbox")
			w.attr("name", dropPrefix+q.Path)
			w.attr("value", "1")
			w.close()
			w.text(w.t.Drop)
			w.end("label")
			w.b.WriteString(`</div>`)
		}
	}
	w.open("input")
	w.field(q, fieldPrefix+q.Path)
	w.attr("type", "file")
	accept := q.Upload.Accept
	if q.Upload.Signature {
		accept = "image/*"
	}
	w.optional("accept", accept)
	w.flag("multiple", q.Upload.Multiple)
	if q.Upload.Camera {
		w.attr("capture", "environment")
	}
	w.flag("required", q.Required && !q.ReadOnly && len(names) == 0)
	w.flag("disabled", q.ReadOnly)
	w.flag("autofocus", q.focus)
	w.flag("aria-invalid", q.error != "")
	w.optional("aria-describedby", q.described)
	w.close()
}

// image writes a picture that is part of the page. What another server has is not loaded: its
// description stands for it.
func (w *writer) image(q *asked) {
	src, alt := w.step.session.Text(q.Image.Link), w.step.session.Text(q.Image.Alt)
	w.rich = true
	w.b.WriteString(`<div class="q">`)
	if strings.HasPrefix(src, "data:image/") {
		w.open("img")
		w.attr("src", src)
		w.attr("alt", alt)
		w.close()
	} else if alt != "" {
		w.b.WriteString(`<p>`)
		w.text(alt)
		w.b.WriteString(`</p>`)
	}
	w.b.WriteString(`</div>`)
}
