package importer

import (
	"fmt"
	"strings"
)

// RowError says what is wrong with one row of a file, or with one place in
// mapping.yaml or in a header.
type RowError struct {
	File   string // the name within the folder
	Line   int    // counted from 1; where the row begins. 0 where the file as a whole is meant
	Column int    // the cell of Field, counted from 1, or the character of mapping.yaml; 0 where the line as a whole is meant
	Field  string // our name of the field, or the column's where no field is mapped to it; may be empty
	Reason string
}

// Error returns "orders.csv:17: total: …".
func (e RowError) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	if e.Column > 0 && e.File == mappingFile { // of a row the field is told
		fmt.Fprintf(&b, ":%d", e.Column)
	}
	b.WriteString(": ")
	if e.Field != "" {
		b.WriteString(e.Field + ": ")
	}
	b.WriteString(e.Reason)
	return b.String()
}

// fault is what is wrong with one field of a row.
type fault struct{ field, reason string }

// rowError puts the faults of one row into one error: the field of the first,
// the reasons of all.
func rowError(file string, line int, faults []fault) RowError {
	e := RowError{File: file, Line: line, Field: faults[0].field, Reason: faults[0].reason}
	for _, f := range faults[1:] {
		e.Reason += "; "
		if f.field != "" {
			e.Reason += f.field + ": "
		}
		e.Reason += f.reason
	}
	return e
}

// quote shows a value in an error, cut to a length that one can read.
func quote(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
