package survey

import (
	"html"
	"slices"
	"strings"
	"unicode"
)

// SafeHTML makes of markup that an author wrote, perhaps a hostile one, markup that can stand
// on a page: elements of text, lists, tables, links and pictures, closed in order, without
// scripts, styles, forms or frames. Every element is written anew from a list of names, so
// nothing that is not on it comes through.
func SafeHTML(src string) string {
	if len(src) > maxHTML {
		src = strings.ToValidUTF8(src[:maxHTML], "")
	}
	var w htmlWriter
	for src != "" {
		open := strings.IndexByte(src, '<')
		if open < 0 {
			break
		}
		w.text(src[:open])
		src = w.tag(src[open:])
	}
	w.text(src)
	for len(w.open) > 0 {
		w.pop()
	}
	return w.b.String()
}

// maxHTML bounds the markup of one question.
const maxHTML = 256 << 10

// htmlTags are the elements that are kept.
var htmlTags = strings.Fields(`a abbr b blockquote br caption code dd del div dl dt em figcaption figure h1 h2 h3 h4 h5
	h6 hr i img ins kbd li mark ol p pre q s samp small span strong sub sup table tbody td tfoot th thead tr u ul var wbr`)

// htmlVoid are those without an end, htmlHidden those whose content goes with them.
var (
	htmlVoid   = strings.Fields("br hr img wbr")
	htmlHidden = strings.Fields("script style iframe object embed template noscript title textarea select svg math xmp noembed noframes plaintext")
)

// maxOpen bounds how deep elements stand in one another.
const maxOpen = 64

// htmlWriter writes markup and knows which elements are open.
type htmlWriter struct {
	b    strings.Builder
	open []string
}

// text writes text. Character references in it are resolved and what must be is escaped.
func (w *htmlWriter) text(s string) { w.b.WriteString(html.EscapeString(html.UnescapeString(s))) }

// pop closes the innermost element.
func (w *htmlWriter) pop() {
	last := len(w.open) - 1
	w.b.WriteString("</" + w.open[last] + ">")
	w.open = w.open[:last]
}

// tag reads what begins with <, and returns what follows it.
func (w *htmlWriter) tag(s string) string {
	if strings.HasPrefix(s, "<!--") {
		if end := strings.Index(s[4:], "-->"); end >= 0 {
			return s[4+end+3:]
		}
		return ""
	}
	rest := s[1:]
	closing := strings.HasPrefix(rest, "/")
	rest = strings.TrimPrefix(rest, "/")
	name := tagName(rest)
	if name == "" {
		if strings.HasPrefix(s, "<!") || strings.HasPrefix(s, "<?") {
			if end := strings.IndexByte(s, '>'); end >= 0 {
				return s[end+1:]
			}
			return ""
		}
		w.text("<")
		return s[1:]
	}
	attrs, after, ok := attributes(rest[len(name):])
	if !ok {
		return ""
	}
	name = strings.ToLower(name)
	switch {
	case slices.Contains(htmlHidden, name):
		if closing {
			return after
		}
		return afterEnd(after, name)
	case !slices.Contains(htmlTags, name):
	case closing:
		if at := slices.Index(w.open, name); at >= 0 {
			for len(w.open) > slices.Index(w.open, name) && at >= 0 {
				stop := w.open[len(w.open)-1] == name
				w.pop()
				if stop {
					break
				}
			}
		}
	case len(w.open) < maxOpen:
		w.start(name, attrs)
	}
	return after
}

// start writes the beginning of an element.
func (w *htmlWriter) start(name string, attrs [][2]string) {
	var b strings.Builder
	b.WriteString("<" + name)
	add := func(k, v string) { b.WriteString(" " + k + `="` + html.EscapeString(v) + `"`) }
	src := false
	for _, a := range attrs {
		switch k, v := a[0], a[1]; {
		case k == "href" && name == "a" && safeLink(v, false):
			add("href", v)
			add("rel", "noopener noreferrer nofollow")
		case k == "src" && name == "img" && safeLink(v, true):
			add("src", v)
			src = true
		case k == "alt" && name == "img", k == "title", k == "lang" && len(v) < 40, k == "dir" && (v == "ltr" || v == "rtl" || v == "auto"):
			add(k, v)
		case (k == "colspan" || k == "rowspan" || name == "img" && (k == "width" || k == "height")) && v != "" && len(v) < 5 && strings.Trim(v, "0123456789") == "":
			add(k, v)
		}
	}
	if name == "img" && !src {
		return
	}
	b.WriteByte('>')
	w.b.WriteString(b.String())
	if !slices.Contains(htmlVoid, name) {
		w.open = append(w.open, name)
	}
}

// tagName is the name that a tag begins with.
func tagName(s string) string {
	i := 0
	for i < len(s) && (s[i]|0x20 >= 'a' && s[i]|0x20 <= 'z' || i > 0 && isDigit(s[i])) {
		i++
	}
	return s[:i]
}

// attributes reads up to the end of a tag. ok is false when there is none.
func attributes(s string) (attrs [][2]string, rest string, ok bool) {
	for {
		s = strings.TrimLeft(s, " \t\r\n\f/")
		if s == "" {
			return nil, "", false
		}
		if s[0] == '>' {
			return attrs, s[1:], true
		}
		end := strings.IndexAny(s, " \t\r\n\f/>=")
		if end < 0 {
			return nil, "", false
		}
		if end == 0 { // a stray =
			end = 1
		}
		name := strings.ToLower(s[:end])
		s = strings.TrimLeft(s[end:], " \t\r\n\f")
		value := ""
		if strings.HasPrefix(s, "=") {
			s = strings.TrimLeft(s[1:], " \t\r\n\f")
			if s == "" {
				return nil, "", false
			}
			if s[0] == '"' || s[0] == '\'' {
				close := strings.IndexByte(s[1:], s[0])
				if close < 0 {
					return nil, "", false
				}
				value, s = s[1:1+close], s[close+2:]
			} else {
				end := strings.IndexAny(s, " \t\r\n\f>")
				if end < 0 {
					return nil, "", false
				}
				value, s = s[:end], s[end:]
			}
		}
		if len(attrs) < 50 {
			attrs = append(attrs, [2]string{name, html.UnescapeString(value)})
		}
	}
}

// afterEnd is what follows the end of an element whose content is dropped.
func afterEnd(s, name string) string {
	for {
		at := strings.Index(s, "</")
		if at < 0 {
			return ""
		}
		s = s[at+2:]
		if strings.EqualFold(tagName(s), name) {
			if end := strings.IndexByte(s, '>'); end >= 0 {
				return s[end+1:]
			}
			return ""
		}
	}
}

// safeLink tells an address that a page may lead to, or show: http, https, mailto, tel, or
// relative; of a picture also data: of an image that is no document.
func safeLink(s string, picture bool) bool {
	s = strings.TrimFunc(s, unicode.IsSpace)
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == '\\' }) {
		return false
	}
	scheme, rest, has := strings.Cut(s, ":")
	if !has || strings.ContainsAny(scheme, "/?#") {
		return true
	}
	switch strings.ToLower(scheme) {
	case "http", "https":
		return true
	case "mailto", "tel":
		return !picture
	case "data":
		for _, t := range []string{"image/png", "image/jpeg", "image/gif", "image/webp"} {
			if picture && strings.HasPrefix(strings.ToLower(rest), t) {
				return true
			}
		}
	}
	return false
}
