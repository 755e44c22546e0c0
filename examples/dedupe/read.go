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
	begun  bool // what follows is known
	enc    encoding
	above  int    // lines above the header: titles
	line   int    // of the header
	hints  int    // lines of "sep=;" before all others
	first  string // of the header, as it stands in the file
	header []string
	layout *layout
}

// file is a table on disk.
func file(path string) *table {
	return &table{path: path, open: func() (io.ReadCloser, error) { return os.Open(path) }}
}

// start opens the file and reads its header; r reads from b, and closer ends it.
func (t *table) start() (r *csv.Reader, b *bufio.Reader, closer func() error, err error) {
	f, err := t.open()
	if err != nil {
		return nil, nil, nil, err
	}
	closer = f.Close
	defer func() {
		if err != nil {
			_ = f.Close()
		}
	}()
	b = bufio.NewReaderSize(f, 1<<18)
	if magic, _ := b.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, nil, nil, fmt.Errorf("%s: %w", t.path, err)
		}
		b = bufio.NewReaderSize(z, 1<<18)
	}
	d := &decoder{path: t.path, src: b}
	b = bufio.NewReaderSize(d, 1<<18)
	head, err := b.Peek(1 << 16)
	if err != nil && err != io.EOF {
		return nil, nil, nil, t.fault(err)
	}
	err = nil
	if comma, n := hint(head); n > 0 { // a line that Excel reads and does not show
		_, _ = b.Discard(n) // it was peeked at
		head, t.hints = head[n:], 1
		if t.comma == 0 {
			t.comma = comma
		}
	}
	if t.comma == 0 {
		t.comma = delimiter(head)
	}
	r = csv.NewReader(b)
	r.Comma, r.ReuseRecord, r.TrimLeadingSpace, r.FieldsPerRecord = t.comma, true, t.comma != '\t', -1
	if !t.begun {
		t.begun, t.above, t.enc = true, titles(head, t.comma), d.enc
	}
	var row []string
	for n := 0; n <= t.above; n++ {
		row, err = r.Read()
		switch {
		case err == io.EOF:
			return nil, nil, nil, &rowError{t.path, 1, "the file is empty"}
		case err != nil:
			return nil, nil, nil, t.fault(err)
		}
	}
	if len(row) > maxColumns {
		return nil, nil, nil, &rowError{t.path, 1, fmt.Sprintf("%d columns are more than %d", len(row), maxColumns)}
	}
	t.line, _ = r.FieldPos(0)
	t.line += t.hints
	t.first = strings.Clone(row[0])
	t.header = t.header[:0]
	for i, h := range row {
		h = strings.Clone(strings.TrimSpace(h))
		if !utf8.ValidString(h) {
			return nil, nil, nil, &rowError{t.path, t.line, fmt.Sprintf("the name of column %d is not UTF-8", i+1)}
		}
		t.header = append(t.header, h)
	}
	t.header = distinct(t.header)
	return r, b, closer, nil
}

// distinct tells columns of one name apart: the second "phone" is "phone (2)".
func distinct(header []string) []string {
	used := map[string]bool{}
	for _, h := range header {
		used[h] = true
	}
	seen := map[string]int{}
	for i, h := range header {
		if seen[h]++; seen[h] == 1 || h == "" {
			continue
		}
		for n := seen[h]; ; n++ {
			if name := fmt.Sprintf("%s (%d)", h, n); !used[name] {
				header[i], used[name] = name, true
				break
			}
		}
	}
	return header
}

// hint returns what a first line "sep=;" says and its length, 0 where there is none.
func hint(head []byte) (comma rune, n int) {
	line, _, ok := bytes.Cut(head, []byte{'\n'})
	if !ok || len(line) > 10 {
		return 0, 0
	}
	text, found := strings.CutPrefix(strings.ToLower(strings.Trim(string(line), "\"\r ")), "sep=")
	if text == "\\t" || text == "tab" {
		text = "\t"
	}
	if c, size := utf8.DecodeRuneInString(text); found && size == len(text) && size > 0 {
		return c, len(line) + 1
	}
	return 0, 0
}

// titles returns how many rows stand above the header: those in which a third of the cells of
// the others is filled at most, "Customers of March" and the day of the report. A row with as
// many cells as the others, of which it fills more than two, is a header without all names.
func titles(head []byte, comma rune) int {
	r := csv.NewReader(bytes.NewReader(head))
	r.Comma, r.TrimLeadingSpace, r.FieldsPerRecord, r.LazyQuotes = comma, comma != '\t', -1, true
	const most = 20
	var filled, cells []int
	largest, widest := 0, 0
	for len(filled) < 2*most {
		row, err := r.Read()
		if err != nil {
			break
		}
		n := 0
		for _, cell := range row {
			if strings.TrimSpace(cell) != "" {
				n++
			}
		}
		filled, cells = append(filled, n), append(cells, len(row))
		largest, widest = max(largest, n), max(widest, len(row))
	}
	for i, n := range filled[:min(most, len(filled))] {
		if 3*n > largest || n > 2 && cells[i] == widest {
			return i
		}
	}
	return 0
}

// fault says where the file cannot be read.
func (t *table) fault(err error) *rowError {
	var syntax *csv.ParseError
	var fault *rowError
	switch {
	case errors.As(err, &fault):
		return fault
	case errors.As(err, &syntax):
		return &rowError{t.path, syntax.StartLine + t.hints, syntax.Err.Error()}
	}
	return &rowError{t.path, 1, err.Error()}
}

// delimiter guesses what stands between cells: of comma, semicolon, tab and bar the one that
// stands outside quotes equally often in most of the first lines, and most often of those.
func delimiter(head []byte) rune {
	const most = 30
	candidates := []byte{',', ';', '\t', '|'}
	counts := make([][]int, len(candidates)) // by line
	lines := 0
	quoted := false
	begin := func() {
		for i := range counts {
			counts[i] = append(counts[i], 0)
		}
		lines++
	}
	begin()
	for _, c := range head {
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '\n':
			if lines < most {
				begin()
				continue
			}
		default:
			if i := bytes.IndexByte(candidates, c); i >= 0 {
				counts[i][lines-1]++
			}
		}
		if lines == most {
			break
		}
	}
	best, score := byte(','), [2]int{}
	for i, c := range candidates {
		same := map[int]int{}
		for _, n := range counts[i][:max(1, lines-1)] { // the last one may be cut off
			if n > 0 {
				same[n]++
			}
		}
		for n, times := range same {
			if s := [2]int{times, n}; s[0] > score[0] || s[0] == score[0] && s[1] > score[1] {
				best, score = c, s
			}
		}
	}
	return rune(best)
}

// rows calls use with every row and its number, from 1; cells are good until use returns.
// A row that cannot be used goes to bad, and keeps its number. The error is that of the
// file or of use.
func (t *table) rows(use func(n int, row []string) error, bad func(n int, e *rowError) error) error {
	r, b, closer, err := t.start()
	if err != nil {
		return err
	}
	defer closer()
	easy := newPlain(b, t.comma, t.header, t.first)
	for n := 1; ; n++ {
		if row, ok := easy.next(); ok {
			if err := use(n, row); err != nil {
				return err
			}
			continue
		}
		row, err := r.Read()
		if err == io.EOF {
			return nil
		}
		var syntax *csv.ParseError
		var fault *rowError
		switch {
		case errors.As(err, &syntax):
			fault = t.fault(err)
		case errors.As(err, &fault): // of the encoding: nothing can be read from here on
			return fault
		case err != nil:
			return fmt.Errorf("%s: %w", t.path, err)
		case len(row) != len(t.header):
			fault = t.at(r, 0, fmt.Sprintf("%d cells where the header has %d", len(row), len(t.header)))
		case row[0] == t.first && t.again(row):
			fault = t.at(r, 0, "the header stands here once more")
		default:
			for i, cell := range row {
				if len(cell) > maxCell {
					fault = t.at(r, i, fmt.Sprintf("%s holds %d bytes, more than %d", t.header[i], len(cell), maxCell))
					break
				}
				if !utf8.ValidString(cell) {
					fault = t.at(r, i, fmt.Sprintf("%s is not UTF-8, as most of the file is", t.header[i]))
					break
				}
				row[i] = strings.TrimSpace(cell)
			}
		}
		if fault != nil {
			fault.Line += easy.lines
			err = bad(n, fault)
		} else {
			err = use(n, row)
		}
		if err != nil {
			return err
		}
	}
}

// at is a fault in a cell of the row that was read last.
func (t *table) at(r *csv.Reader, cell int, msg string) *rowError {
	line, _ := r.FieldPos(cell)
	return &rowError{t.path, line + t.hints, msg}
}

// again reports whether a row is the header, as in files that were put together.
func (t *table) again(row []string) bool {
	for i, cell := range row {
		if name := strings.TrimSpace(cell); name != t.header[i] && !strings.HasPrefix(t.header[i], name+" (") {
			return false
		}
	}
	return true
}
