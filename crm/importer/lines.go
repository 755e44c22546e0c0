package importer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Limits of what is read. Whatever is beyond is refused row by row, except that
// a file as a whole must not be longer than maxFile.
const (
	maxCell   = 1 << 20 // bytes of one field
	maxRecord = 4 << 20 // bytes of one row
	maxLines  = 1000    // lines of one row, by line breaks within quotes
	maxFile   = 8 << 30 // bytes of one file, after gunzip
)

// errRow marks an error of readers below as one of a row, not of the file.
type errRow string

func (e errRow) Error() string { return string(e) }

// unpack returns the text of a file: gunzipped, without a byte order mark. It
// refuses what is not UTF-8 as a whole.
func unpack(r io.Reader) (*bufio.Reader, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	if head, _ := in.Peek(2); string(head) == "\x1f\x8b" {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("gunzip: %w", err)
		}
		in = bufio.NewReaderSize(z, 64<<10)
	}
	head, _ := in.Peek(4)
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, err := in.Discard(3)
		return in, err
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		return nil, errors.New("is UTF-16; save it as UTF-8")
	case len(head) == 4 && (head[1] == 0 && head[3] == 0 || head[0] == 0 && head[2] == 0):
		return nil, errors.New("is full of NUL bytes, so probably UTF-16; save it as UTF-8")
	}
	return in, nil
}

// records cuts a file into rows. encoding/csv reads a single row well, but a
// quote that is never closed makes it swallow the rest of the file: so lines
// are put together here, and taken apart again where they make no row.
type records struct {
	in     *bufio.Reader
	comma  rune
	number int   // of the last line read from in
	read   int64 // bytes
	back   []line
}

type line struct {
	number int
	text   string
	long   bool // cut off
}

func (s *records) line() (line, error) {
	if n := len(s.back); n > 0 {
		l := s.back[n-1]
		s.back = s.back[:n-1]
		return l, nil
	}
	var l line
	var buf []byte
	for {
		part, err := s.in.ReadSlice('\n')
		s.read += int64(len(part))
		if s.read > maxFile {
			return l, fmt.Errorf("has more than %d GB", maxFile>>30)
		}
		if room := maxRecord - len(buf); len(part) > room {
			part, l.long = part[:room], true
		}
		buf = append(buf, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return l, err
		case err != nil && len(buf) == 0:
			return l, io.EOF
		}
		s.number++
		l.number = s.number
		l.text = string(bytes.TrimSuffix(bytes.TrimSuffix(buf, []byte("\n")), []byte("\r")))
		return l, nil
	}
}

// unread puts lines back, to be read again in their order.
func (s *records) unread(lines []line) {
	for i := len(lines) - 1; i >= 0; i-- {
		s.back = append(s.back, lines[i])
	}
}

// next returns the cells of the next row that is not blank and the line that it
// begins on. Want is the number of cells that it should have, 0 if any will do.
// An errRow concerns that line alone; io.EOF and others end the file.
func (s *records) next(want int) ([]string, int, error) {
	var l line
	var err error
	for l.text == "" {
		if l, err = s.line(); err != nil {
			return nil, 0, err
		}
		if l.long {
			return nil, l.number, errRow(fmt.Sprintf("the line has more than %d MB", maxRecord>>20))
		}
	}
	if strings.IndexByte(l.text, '"') < 0 {
		cells := strings.Split(l.text, string(s.comma))
		return cells, l.number, count(cells, want)
	}
	text, more, err := s.quoted(l)
	if err != nil {
		return nil, l.number, err
	}
	cells, err := parse(text, s.comma)
	if err == nil {
		err = count(cells, want)
	}
	if err != nil && len(more) > 0 {
		s.unread(more)
		err = errRow("unbalanced quotes: with the lines that its quotes enclose " + strings.TrimPrefix(err.Error(), "unbalanced quotes: "))
	}
	return cells, l.number, err
}

// quoted returns a line with those after it that its quotes reach over.
func (s *records) quoted(l line) (string, []line, error) {
	if strings.Count(l.text, `"`)%2 == 0 {
		return l.text, nil, nil
	}
	var more []line
	var b strings.Builder
	b.WriteString(l.text)
	for len(more) < maxLines {
		n, err := s.line()
		if err != nil && !errors.Is(err, io.EOF) {
			return "", nil, err
		}
		if err != nil {
			break
		}
		more = append(more, n)
		if n.long || b.Len()+len(n.text) > maxRecord {
			break
		}
		b.WriteString("\n" + n.text)
		if strings.Count(n.text, `"`)%2 == 1 {
			return b.String(), more, nil
		}
	}
	s.unread(more)
	return "", nil, errRow("unbalanced quotes: a quote is opened and never closed")
}

func parse(text string, comma rune) ([]string, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord = comma, -1
	cells, err := r.Read()
	var pe *csv.ParseError
	switch {
	case errors.As(err, &pe) && errors.Is(pe.Err, csv.ErrBareQuote):
		return nil, errRow(fmt.Sprintf("unbalanced quotes: a quote stands within an unquoted field, at byte %d", pe.Column))
	case errors.As(err, &pe):
		return nil, errRow(fmt.Sprintf("unbalanced quotes: a quoted field goes on after its end, at byte %d; a quote within quotes is doubled", pe.Column))
	case err != nil:
		return nil, errRow(err.Error())
	}
	if _, err := r.Read(); !errors.Is(err, io.EOF) {
		return nil, errRow("unbalanced quotes: there is more than one row")
	}
	return cells, nil
}

func count(cells []string, want int) error {
	if want > 0 && len(cells) != want {
		return errRow(fmt.Sprintf("has %d fields, the header has %d", len(cells), want))
	}
	return nil
}
