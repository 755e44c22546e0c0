package rules

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Fault is one mistake in a rule book: where it stands and what is wrong.
// Line and Column count from 1, Column in characters; they are those of the
// file if the rule came from one, else of the expression's own text. A fault
// without a place (of a rule written in Go) has line 0.
type Fault struct {
	File  string // name given to ReadYAML or ReadJSON; may be empty
	Rule  string // name of the rule, or "condition x", "group x"; may be empty
	Field string // "when", "then[1].after", …; may be empty
	// Line and Column are 0 where the place is not known.
	Line   int
	Column int
	// Msg is what is wrong, often with what was probably meant.
	Msg     string
	Snippet string // the line and, below it, a caret; may be empty
}

// Error returns file:line:column: rule: field: what is wrong, as far as they are known,
// and below it the snippet with its caret.
func (f *Fault) Error() string {
	var b strings.Builder
	if f.File != "" {
		b.WriteString(f.File + ":")
	}
	if f.Line > 0 {
		fmt.Fprintf(&b, "%d:%d:", f.Line, f.Column)
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	if f.Rule != "" {
		b.WriteString(f.Rule + ": ")
	}
	if f.Field != "" {
		b.WriteString(f.Field + ": ")
	}
	b.WriteString(f.Msg)
	if f.Snippet != "" {
		b.WriteString("\n" + f.Snippet)
	}
	return b.String()
}

// CompileError holds every fault that was found, in the order of the files
// given and of the lines in each. No rule of a faulty set is ever used.
type CompileError struct {
	// Faults are at least one.
	Faults []*Fault
}

// Error returns all faults, each as its own Error does, the number of them first if there
// are several.
func (e *CompileError) Error() string {
	if len(e.Faults) == 1 {
		return "rules: " + e.Faults[0].Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "rules: %d faults", len(e.Faults))
	for _, f := range e.Faults {
		b.WriteString("\n" + f.Error())
	}
	return b.String()
}

// Unwrap returns the faults, so that errors.As finds the first one.
func (e *CompileError) Unwrap() []error {
	errs := make([]error, len(e.Faults))
	for i, f := range e.Faults {
		errs[i] = f
	}
	return errs
}

// compileError returns the faults as an error, or nil when there are none.
func compileError(faults []*Fault) error {
	if len(faults) == 0 {
		return nil
	}
	return &CompileError{Faults: faults}
}

// exprFault is a mistake inside one expression, at a character offset.
type exprFault struct {
	at  int
	msg string
}

// spot is a place in a text: line and column count from 1.
type spot struct{ line, column int }

// locate returns the spot of a character offset within text, which is short: a
// file knows its places by its index.
func locate(text string, at int) spot {
	s := spot{1, 1}
	for _, r := range text {
		if at == 0 {
			break
		}
		at--
		if r == '\n' {
			s.line++
			s.column = 1
		} else {
			s.column++
		}
	}
	return s
}

// closest returns the candidate that name was probably meant to be, or "".
func closest(name string, candidates []string) string {
	best, bestDist := "", 1+min(3, utf8.RuneCountInString(name)/2)
	for _, c := range slices.Sorted(slices.Values(candidates)) {
		d := editDistance(strings.ToLower(name), strings.ToLower(c))
		if strings.EqualFold(name, c) {
			d = 0
		}
		if d < bestDist {
			best, bestDist = c, d
		}
	}
	return best
}

// didYouMean returns " (did you mean x?)" or "".
func didYouMean(name string, candidates []string) string {
	if c := closest(name, candidates); c != "" {
		return fmt.Sprintf(" (did you mean %s?)", c)
	}
	return ""
}

// editDistance is the optimal string alignment distance: insert, delete,
// replace or swap two neighbours. Texts over 64 characters are far from all.
func editDistance(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 64 || len(y) > 64 {
		return 64
	}
	var rows [3][65]int
	for j := range y {
		rows[0][j+1] = j + 1
	}
	for i := range x {
		prev2, prev, cur := &rows[(i+2)%3], &rows[i%3], &rows[(i+1)%3]
		cur[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			cur[j+1] = min(prev[j+1]+1, cur[j]+1, prev[j]+cost)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				cur[j+1] = min(cur[j+1], prev2[j-1]+1)
			}
		}
	}
	return rows[len(x)%3][len(y)]
}
