package rules

import (
	"strings"
)

// place is where a value of a file stands.
type place struct {
	line, column int
	// verbatim says that the file's text from (line, column) on is the value
	// itself, so that a spot within the value can be found in the file. In a
	// block each line of the value begins in the column.
	verbatim bool
	block    bool
}

// at returns the place of a path, or of the nearest value around it.
func (b *Book) at(path string) (place, bool) {
	for path != "" {
		if p, ok := b.places[path]; ok {
			return p, true
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			break
		}
		path = path[:i]
	}
	return place{}, false
}

// locate fills in where the value at path stands.
func (b *Book) locate(f *Fault, path string) {
	f.File = b.name
	if p, ok := b.at(path); ok {
		f.Line, f.Column = p.line, p.column
		f.Snippet = b.text.snippet(spot{p.line, p.column})
	}
}

// locateIn fills in where the character at an offset within the text at path
// stands: in the file if it is known there, else in the text itself.
func (b *Book) locateIn(f *Fault, path, text string, at int) {
	s := locate(text, at)
	if b.places == nil {
		f.Line, f.Column = s.line, s.column
		f.Snippet = newFileText(text).snippet(s)
		return
	}
	b.locate(f, path)
	p, ok := b.places[path]
	if !ok || !p.verbatim {
		return
	}
	switch {
	case p.block || s.line == 1:
		f.Line, f.Column = p.line+s.line-1, p.column+s.column-1
	default:
		f.Line, f.Column = p.line+s.line-1, s.column
	}
	f.Snippet = b.text.snippet(spot{f.Line, f.Column})
}

// follows reports whether text stands in the file at the place, line by line.
func (p place) follows(file *fileText, text string) bool {
	if p.line > file.lines() {
		return false
	}
	n := 0
	for want := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		column := 1
		if n == 0 || p.block {
			column = p.column
		}
		if !strings.HasPrefix(file.from(p.line+n, column), want) {
			return false
		}
		n++
	}
	return true
}
