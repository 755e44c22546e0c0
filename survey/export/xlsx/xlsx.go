// Package xlsx writes survey responses as a workbook of Excel. It is a package of its own so
// that hosts that do not need it do not link github.com/xuri/excelize.
package xlsx

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"time"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"

	"github.com/vefacrm/vefa/survey/export"
)

// The limits of a sheet.
const (
	maxRows    = 1 << 20
	maxColumns = 1 << 14
	maxCell    = 32767 // units of UTF-16
)

// ErrSize is returned for more rows or columns than a sheet holds.
var ErrSize = errors.New("survey/export/xlsx: more than a sheet holds")

// Write writes a table to one sheet, "responses", with a header that stays in sight and a
// filter. Numbers and times are cells of their kind; a text that would be a formula is inert,
// see export.Inert. A text of more than 32,767 characters, which Excel refuses, is cut and
// ends with "…". It returns how many rows were written, also with an error, which names the
// row when it is one of rows; with an error nothing is written to w.
func Write(w io.Writer, t *export.Table, rows iter.Seq2[export.Row, error]) (n int, err error) {
	if len(t.Columns) > maxColumns {
		return 0, fmt.Errorf("%w: %d columns", ErrSize, len(t.Columns))
	}
	f := excelize.NewFile()
	defer func() { err = errors.Join(err, f.Close()) }()
	const sheet = "responses"
	if err := f.SetSheetName("Sheet1", sheet); err != nil {
		return 0, err
	}
	clock, err := f.NewStyle(&excelize.Style{NumFmt: 22}) // date and time in the reader's way
	if err != nil {
		return 0, err
	}
	bold, err := f.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if err != nil {
		return 0, err
	}
	out, err := f.NewStreamWriter(sheet)
	if err != nil {
		return 0, err
	}
	if err := out.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return 0, err
	}
	line := make([]any, len(t.Columns))
	for i, h := range t.Header() {
		line[i] = excelize.Cell{StyleID: bold, Value: fits(h)}
	}
	if err := out.SetRow("A1", line); err != nil {
		return 0, err
	}
	for row, err := range rows {
		if err != nil {
			return 0, fmt.Errorf("row %d: %w", n+1, err)
		}
		if n+2 > maxRows {
			return 0, fmt.Errorf("%w: more than %d rows", ErrSize, maxRows-1)
		}
		for i, v := range t.Cells(row) {
			switch v := v.(type) {
			case time.Time:
				// A cell has no zone: the time is that of the table's.
				line[i] = excelize.Cell{StyleID: clock, Value: time.Date(v.Year(), v.Month(), v.Day(), v.Hour(), v.Minute(), v.Second(), 0, time.UTC)}
			case string:
				line[i] = fits(v)
			default:
				line[i] = v
			}
		}
		cell, err := excelize.CoordinatesToCellName(1, n+2)
		if err != nil {
			return 0, err
		}
		if err := out.SetRow(cell, line); err != nil {
			return 0, fmt.Errorf("row %d: %w", n+1, err)
		}
		n++
	}
	if err := out.Flush(); err != nil {
		return 0, err
	}
	if n > 0 {
		last, err := excelize.CoordinatesToCellName(len(t.Columns), n+1)
		if err != nil {
			return 0, err
		}
		if err := f.AutoFilter(sheet, "A1:"+last, nil); err != nil {
			return 0, err
		}
	}
	if _, err := f.WriteTo(w); err != nil {
		return 0, err
	}
	return n, nil
}

// fits makes a text that a cell takes: inert, and not too long in the units of UTF-16 that Excel counts by, of
// which an emoji has two. Control characters that XML refuses are replaced by the writer.
func fits(s string) string {
	s = export.Inert(s)
	units, cut := 0, 0
	for i, r := range s {
		if units < maxCell {
			cut = i
		}
		if units += utf16.RuneLen(r); units > maxCell {
			return s[:cut] + "…"
		}
	}
	return s
}
