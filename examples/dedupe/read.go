package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// rowError says which row of a file cannot be used, and why.
type rowError struct {
	File string
	Line int
	Msg  string
}

func (e *rowError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg) }

// maxCell bounds one cell in bytes, maxColumns the columns of a row: what is larger is no
// list of people.
const (
	maxCell    = 1 << 20
	maxColumns = 4096
)

// table reads one CSV file, as often as it is asked to.
type table struct {
	path   string
	comma  rune
	open   func() (io.ReadCloser, error)
	header []string
	layout *layout
	dates  dateOrder
}

// file is a table on disk.
func file(path string) *table {
	return &table{path: path, open: func() (io.ReadCloser, error) { return os.Open(path) }}
}

// start opens the file and reads its header; close ends it.
func (t *table) start() (r *csv.Reader, closer func() error, err error) {
	f, err := t.open()
	if err != nil {
		return nil, nil, err
	}
	closer = f.Close
	defer func() {
		if err != nil {
			_ = f.Close()
		}
	}()
	b := bufio.NewReaderSize(f, 1<<18)
	if magic, _ := b.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", t.path, err)
		}
		b = bufio.NewReaderSize(z, 1<<18)
	}
	if start, _ := b.Peek(3); bytes.Equal(start, []byte("\ufeff")) {
		_, _ = b.Discard(3) // it was peeked at
	}
	if start, _ := b.Peek(2); bytes.Equal(start, []byte{0xff, 0xfe}) || bytes.Equal(start, []byte{0xfe, 0xff}) {
		return nil, nil, &rowError{t.path, 1, "this is UTF-16; save it as UTF-8"}
	}
	if t.comma == 0 {
		head, _ := b.Peek(1 << 16)
		t.comma = delimiter(head)
	}
	r = csv.NewReader(b)
	r.Comma, r.ReuseRecord, r.TrimLeadingSpace, r.FieldsPerRecord = t.comma, true, t.comma != '\t', -1
	row, err := r.Read()
	switch {
	case err == io.EOF:
		return nil, nil, &rowError{t.path, 1, "the file is empty"}
	case err != nil:
		return nil, nil, t.fault(err)
	case len(row) > maxColumns:
		return nil, nil, &rowError{t.path, 1, fmt.Sprintf("%d columns are more than %d", len(row), maxColumns)}
	}
	t.header = t.header[:0]
	for i, h := range row {
		h = strings.Clone(strings.TrimSpace(h))
		if !utf8.ValidString(h) {
			return nil, nil, &rowError{t.path, 1, fmt.Sprintf("the name of column %d is not UTF-8", i+1)}
		}
		t.header = append(t.header, h)
	}
	return r, closer, nil
}

func (t *table) fault(err error) *rowError {
	var syntax *csv.ParseError
	if errors.As(err, &syntax) {
		return &rowError{t.path, syntax.StartLine, syntax.Err.Error()}
	}
	return &rowError{t.path, 1, err.Error()}
}

// delimiter guesses what stands between cells from the first line: of comma, semicolon,
// tab and bar the one that stands there most often outside quotes.
func delimiter(head []byte) rune {
	counts := map[byte]int{}
	quoted := false
scan:
	for _, c := range head {
		switch c {
		case '"':
			quoted = !quoted
		case '\n':
			if !quoted {
				break scan
			}
		case ',', ';', '\t', '|':
			if !quoted {
				counts[c]++
			}
		}
	}
	best := byte(',')
	for _, c := range []byte{';', '\t', '|'} {
		if counts[c] > counts[best] {
			best = c
		}
	}
	return rune(best)
}

// rows calls use with every row and its number, from 1; cells are good until use returns.
// A row that cannot be used goes to bad, and keeps its number. The error is that of the
// file or of use.
func (t *table) rows(use func(n int, row []string) error, bad func(n int, e *rowError) error) error {
	r, closer, err := t.start()
	if err != nil {
		return err
	}
	defer closer()
	for n := 1; ; n++ {
		row, err := r.Read()
		if err == io.EOF {
			return nil
		}
		var syntax *csv.ParseError
		var fault *rowError
		switch {
		case errors.As(err, &syntax):
			fault = t.fault(err)
		case err != nil:
			return fmt.Errorf("%s: %w", t.path, err)
		case len(row) != len(t.header):
			line, _ := r.FieldPos(0)
			fault = &rowError{t.path, line, fmt.Sprintf("%d cells where the header has %d", len(row), len(t.header))}
		default:
			for i, cell := range row {
				if len(cell) > maxCell {
					line, _ := r.FieldPos(i)
					fault = &rowError{t.path, line, fmt.Sprintf("%s holds %d bytes, more than %d", t.header[i], len(cell), maxCell)}
					break
				}
				row[i] = strings.TrimSpace(cell)
			}
		}
		if fault != nil {
			err = bad(n, fault)
		} else {
			err = use(n, row)
		}
		if err != nil {
			return err
		}
	}
}
