package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// table reads the rows of one file.
type table struct {
	file    *file
	ctx     context.Context
	records records
	header  []string
	cell    map[string]int // our field → index of the cell
	// attributes in a fixed order
	attributes []attribute
}

type attribute struct {
	name string
	cell int
}

// open opens a file, or the same with .gz behind its name, and returns the name that it has.
func open(files fs.FS, name string) (fs.File, string, error) {
	f, err := files.Open(path.Clean(name))
	if errors.Is(err, fs.ErrNotExist) {
		if f, err = files.Open(path.Clean(name) + ".gz"); errors.Is(err, fs.ErrNotExist) {
			return nil, name, errors.New("is not in the folder")
		}
		name += ".gz"
	}
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, name, fmt.Errorf("cannot be opened: %w", err)
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		f.Close()
		return nil, name, errors.New("is a folder")
	}
	return f, name, nil
}

// newTable reads the header. Its faults are those of the file as a whole.
func newTable(ctx context.Context, f *file, r io.Reader) (*table, []RowError) {
	whole := func(line int, field, format string, args ...any) []RowError {
		return []RowError{{File: f.name, Line: line, Field: field, Reason: fmt.Sprintf(format, args...)}}
	}
	in, err := unpack(r)
	if err != nil {
		return nil, whole(0, "", "%v", err)
	}
	t := &table{file: f, ctx: ctx, records: records{in: in, comma: f.delimiter}, cell: map[string]int{}}
	header, at, err := t.records.next(0)
	switch {
	case errors.Is(err, io.EOF):
		return nil, whole(0, "", "is empty; the first line must be the header")
	case err != nil:
		return nil, whole(at, "", "header: %v", err)
	}
	for i, h := range header {
		if strings.Contains(h, "\r") {
			return nil, whole(at, "", "header: lines end in CR alone; save it with LF or CRLF")
		}
		if !utf8.ValidString(h) {
			return nil, whole(at, "", "header: the name of column %d is not UTF-8; save the file as UTF-8", i+1)
		}
		header[i] = strings.TrimSpace(h)
	}
	t.header = header
	if faults := t.delimiter(at); faults != nil {
		return nil, faults
	}
	return t, t.columns(at)
}

// delimiter notices a file that is cut by another character than declared.
func (t *table) delimiter(at int) []RowError {
	if len(t.header) > 1 {
		return nil
	}
	for _, c := range ";\t|," {
		if c != t.file.delimiter && strings.ContainsRune(t.header[0], c) {
			name := string(c)
			if c == '\t' {
				name = "tab"
			}
			return []RowError{{File: t.file.name, Line: at, Reason: fmt.Sprintf(
				"header: is one column with the delimiter %q but contains %q; set delimiter: %q in %s", t.file.delimiter, c, name, mappingFile)}}
		}
	}
	return nil
}

// columns finds the mapped columns in the header.
func (t *table) columns(at int) []RowError {
	var faults []RowError
	first := map[string]int{}
	for i, h := range t.header {
		was, twice := first[h]
		if twice && h != "" {
			faults = append(faults, RowError{File: t.file.name, Line: at, Field: h, Reason: fmt.Sprintf(
				"header: the name stands twice, over column %d and column %d", was+1, i+1)})
			continue
		}
		first[h] = i
	}
	find := func(field, column string) int {
		i, ok := first[strings.TrimSpace(column)]
		if ok && column != "" {
			return i
		}
		names := slices.DeleteFunc(slices.Clone(t.header), func(h string) bool { return h == "" })
		reason := fmt.Sprintf("header: there is no column %s%s", quote(column), didYouMean(column, names))
		if p := t.file.positions[field]; p.line > 0 {
			reason += fmt.Sprintf(" (mapped in %s:%d:%d)", mappingFile, p.line, p.column)
		}
		faults = append(faults, RowError{File: t.file.name, Line: at, Field: field, Reason: reason})
		return -1
	}
	for _, name := range sorted(t.file.columns) {
		t.cell[name] = find(name, t.file.columns[name])
	}
	for _, name := range sorted(t.file.attributes) {
		t.attributes = append(t.attributes, attribute{name, find("attributes."+name, t.file.attributes[name])})
	}
	return faults
}

func sorted[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// next returns the next row; a row that cannot be read has faults. It returns
// io.EOF at the end, and other errors where the rest cannot be read.
func (t *table) next() (*row, error) {
	cells, at, err := t.records.next(len(t.header))
	r := &row{table: t, line: at, cells: cells}
	var bad errRow
	switch {
	case errors.As(err, &bad):
		r.fault("", "%s", bad)
		return r, nil
	case err != nil:
		return nil, err
	}
	if at%1024 == 0 && t.ctx.Err() != nil {
		return nil, t.ctx.Err()
	}
	for i, c := range cells {
		switch {
		case len(c) > maxCell:
			r.fault(t.name(i), "the field has more than %d MB", maxCell>>20)
		case !utf8.ValidString(c):
			r.fault(t.name(i), "%s is not UTF-8", quote(strings.ToValidUTF8(c, "�")))
		}
	}
	return r, nil
}

// column returns the column of a field or header as errors call it, from 1; 0 where it has none.
func (t *table) column(field string) int {
	for i := range t.header {
		if field != "" && t.name(i) == field {
			return i + 1
		}
	}
	return 0
}

// name returns what errors call a column: our field that it is mapped to, else
// its header.
func (t *table) name(cell int) string {
	for _, f := range sorted(t.cell) {
		if t.cell[f] == cell {
			return f
		}
	}
	return t.header[cell]
}
