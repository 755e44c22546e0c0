package export

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"iter"
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
		line[i] = Inert(h)
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
				line[i] = Inert(v)
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
