package main

import (
	"bufio"
	"bytes"
	"strings"
	"unicode/utf8"
)

// plain reads the rows that most files consist of, those without quotes, in a third of the time
// that a csv.Reader takes, with which it shares the buffer. What is not plain, or at fault, it
// leaves to that.
type plain struct {
	b     *bufio.Reader
	comma byte   // 0: no row is plain
	first string // cell of the header
	row   []string
	lines int // that were read here
}

func newPlain(b *bufio.Reader, comma rune, header []string, first string) *plain {
	p := &plain{b: b, first: strings.TrimSpace(first), row: make([]string, len(header))}
	if strings.ContainsRune(",;\t|", comma) {
		p.comma = byte(comma)
	}
	return p
}

// next returns the next row, its cells trimmed, if it is plain: a line that is whole in the
// buffer, without quotes, in UTF-8, of as many cells as the header and not the header once more.
// It is good until next is called again.
func (p *plain) next() (row []string, ok bool) {
	if p.comma == 0 {
		return nil, false
	}
	for {
		buf, _ := p.b.Peek(p.b.Buffered()) // no more than there is
		end := bytes.IndexByte(buf, '\n')
		if end < 0 {
			return nil, false
		}
		line := bytes.TrimSuffix(buf[:end], []byte{'\r'})
		if len(line) > 0 {
			if bytes.IndexByte(line, '"') >= 0 || !utf8.Valid(line) || !p.split(string(line)) || p.row[0] == p.first {
				return nil, false
			}
		}
		_, _ = p.b.Discard(end + 1) // it was peeked at
		p.lines++
		if len(line) > 0 {
			return p.row, true
		}
	}
}

// split fills the row, and reports whether the line has as many cells.
func (p *plain) split(line string) bool {
	last := len(p.row) - 1
	for i := range p.row[:last] {
		end := strings.IndexByte(line, p.comma)
		if end < 0 {
			return false
		}
		p.row[i], line = strings.TrimSpace(line[:end]), line[end+1:]
	}
	p.row[last] = strings.TrimSpace(line)
	return strings.IndexByte(line, p.comma) < 0
}
