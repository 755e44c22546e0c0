package export

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"
)

// CSV writes a table as comma-separated values (RFC 4180) with a byte order mark, which
// spreadsheets need to read UTF-8, and a header. It returns how many rows were written, also
// with an error, which names the row when it is one of rows.
func CSV(w io.Writer, t *Table, rows iter.Seq2[Row, error]) (n int, err error) {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return 0, err
	}
	out := csv.NewWriter(w)
	line := make([]string, len(t.Columns))
	for i, h := range t.Header() {
		line[i] = inertParts(h)
	}
	if err := out.Write(line); err != nil {
		return 0, err
	}
	for row, err := range rows {
		if err != nil {
			out.Flush()
			return n, fmt.Errorf("row %d: %w", n+1, err)
		}
		for i, v := range t.Cells(row) {
			switch v := v.(type) {
			case time.Time:
				line[i] = v.Format(time.RFC3339)
			case string:
				line[i] = inertParts(v)
			default:
				line[i] = plain(v)
			}
		}
		if err := out.Write(line); err != nil {
			return n, fmt.Errorf("row %d: %w", n+1, err)
		}
		n++
	}
	out.Flush()
	return n, out.Error()
}

// inertParts is Inert of a text and of each part of it that a program takes for a cell where it has another
// separator: a spreadsheet in Turkish, as in most of Europe, opens such a file by semicolons, and then quotes
// within a line mean nothing to it. A number behind one is no exception: the next column goes on with it.
func inertParts(s string) string {
	const ends = ";\t\n\r"
	s = Inert(s)
	if !strings.ContainsAny(s, ends) {
		return s
	}
	var out strings.Builder
	for {
		end := strings.IndexAny(s, ends) + 1
		out.WriteString(s[:end])
		if s = s[end:]; end == 0 {
			out.WriteString(s)
			return out.String()
		}
		cell := strings.TrimLeft(s, ` "'`)
		out.WriteString(s[:len(s)-len(cell)])
		if s = cell; s != "" && runs(s) && !strings.ContainsAny(s[:1], ends) {
			out.WriteByte('\'')
		}
	}
}

// JSON writes a table as one JSON object a line. The keys are the columns' names; cells
// without a value are left out. What has parts is written as JSON here, and not as a text
// that holds JSON. Errors are as of CSV.
func JSON(w io.Writer, t *Table, rows iter.Seq2[Row, error]) (n int, err error) {
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for row, err := range rows {
		if err != nil {
			return n, errFlush(out, fmt.Errorf("row %d: %w", n+1, err))
		}
		object := map[string]any{}
		for i, v := range t.Cells(row) {
			if s, ok := v.(string); ok && t.Columns[i].nested(s) {
				v = json.RawMessage(s)
			}
			if v != nil {
				object[t.Columns[i].Name] = v
			}
		}
		if err := enc.Encode(object); err != nil {
			return n, errFlush(out, fmt.Errorf("row %d: %w", n+1, err))
		}
		n++
	}
	return n, out.Flush()
}

// errFlush flushes what was written before an error.
func errFlush(w *bufio.Writer, err error) error {
	_ = w.Flush()
	return err
}
