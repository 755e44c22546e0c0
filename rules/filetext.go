package rules

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// fileText is the text of a file that finds a line, a column and what stands
// there without counting from the start each time: a rule book may be one line
// of megabytes.
type fileText struct {
	text   string
	starts []int // offset at which each line begins
	marks  []int // offset of every markStep-th character
}

// markStep is how many characters there are between two marks.
const markStep = 256

// newFileText goes over the text once. A byte that is not UTF-8 counts as one
// character.
func newFileText(text string) *fileText {
	s := &fileText{text: text, starts: []int{0}}
	n := 0
	for i, r := range text {
		if n%markStep == 0 {
			s.marks = append(s.marks, i)
		}
		n++
		if r == '\n' {
			s.starts = append(s.starts, i+1)
		}
	}
	return s
}

// lines returns the number of lines, which is one more than that of newlines.
func (s *fileText) lines() int { return len(s.starts) }

// bounds returns where a line begins and where its newline or the end of the
// text is; a line behind the last is empty.
func (s *fileText) bounds(line int) (from, to int) {
	switch {
	case line > len(s.starts):
		return len(s.text), len(s.text)
	case line == len(s.starts):
		return s.starts[line-1], len(s.text)
	}
	return s.starts[line-1], s.starts[line] - 1
}

// from returns the rest of a line from a column on.
func (s *fileText) from(line, column int) string {
	from, to := s.bounds(line)
	return s.text[s.skip(from, to, column-1):to]
}

// skip returns the offset of the character n characters after the one at from,
// at most to.
func (s *fileText) skip(from, to, n int) int {
	if n >= 2*markStep {
		// Leave from for the last mark that is not too far.
		k := s.number(from) + n
		if i := k / markStep; i >= len(s.marks) {
			return to
		} else if s.marks[i] >= to {
			return to
		} else {
			from, n = s.marks[i], k%markStep
		}
	}
	for ; n > 0 && from < to; n-- {
		_, size := utf8.DecodeRuneInString(s.text[from:to])
		from += size
	}
	return from
}

// number returns how many characters come before an offset.
func (s *fileText) number(offset int) int {
	if len(s.marks) == 0 {
		return 0
	}
	i, found := slices.BinarySearch(s.marks, offset)
	if !found {
		i--
	}
	return i*markStep + utf8.RuneCountInString(s.text[s.marks[i]:offset])
}

// snippet returns the line at the spot with a caret below it, or "" when there
// is no such line. Long lines are cut around the caret.
func (s *fileText) snippet(at spot) string {
	if at.line > s.lines() {
		return ""
	}
	from, to := s.bounds(max(1, at.line))
	const width = 60
	col := at.column - 1
	var line []rune
	if text := strings.TrimRight(s.text[from:to], "\r"); utf8.ValidString(text) {
		// Only what is near the caret is looked at, and room for what is cut.
		to = from + len(text)
		if col > 4*width {
			col = min(col, s.number(to)-s.number(from))
			if gone := col - 2*width; gone > 0 {
				from = s.skip(from, to, gone)
				col -= gone
			}
		}
		line = []rune(s.text[from:s.skip(from, to, max(0, col)+2*width)])
	} else {
		line = []rune(strings.TrimRight(strings.ToValidUTF8(text, "\ufffd"), "\r"))
	}
	col = min(col, len(line))
	if col < 0 || len(line) == 0 {
		return ""
	}
	if cut := col - width; cut > 0 {
		line = append([]rune{'…'}, line[cut:]...)
		col -= cut - 1
	}
	if len(line) > col+width {
		line = append(line[:col+width:col+width], '…')
	}
	for i, r := range line {
		if r < ' ' || r == 0x7f {
			line[i] = ' '
		}
	}
	return " | " + string(line) + "\n | " + strings.Repeat(" ", col) + "^"
}
