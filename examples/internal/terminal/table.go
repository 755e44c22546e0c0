package terminal

import (
	"io"
	"strings"
	"unicode/utf8"
)

// Table writes rows of cells in columns two blanks apart. On a terminal the widest
// columns are cut until a row fits; on a pipe nothing is. Columns of the numbers in
// right stand at the right.
type Table struct {
	Right map[int]bool
	rows  [][]string
}

// Row adds a row.
func (t *Table) Row(cells ...string) { t.rows = append(t.rows, cells) }

// leastColumn is what a column is cut to at most.
const leastColumn = 8

// Write writes the table; width is that of the terminal, 0 for none.
func (t *Table) Write(w io.Writer, width int) error {
	var columns []int
	for _, r := range t.rows {
		for i, c := range r {
			if i == len(columns) {
				columns = append(columns, 0)
			}
			columns[i] = max(columns[i], utf8.RuneCountInString(c))
		}
	}
	for width > 0 {
		total, widest := -2, 0
		for i, n := range columns {
			total += n + 2
			if n > columns[widest] {
				widest = i
			}
		}
		if total < width || columns[widest] <= leastColumn {
			break
		}
		columns[widest]--
	}
	var b strings.Builder
	for _, r := range t.rows {
		var line strings.Builder
		for i, c := range r {
			c = Cut(Printable(c), max(1, columns[i]))
			pad := strings.Repeat(" ", columns[i]-utf8.RuneCountInString(c))
			if i > 0 {
				line.WriteString("  ")
			}
			if t.Right[i] {
				line.WriteString(pad + c)
			} else {
				line.WriteString(c + pad)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
