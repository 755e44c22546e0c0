package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/things"
	"github.com/vefacrm/vefa/examples/internal/output"
)

// Columns of a file of questions, beside the cells of both rows. The check tells whether the rows
// are still those that were asked about.
const (
	answerColumn = "answer"
	checkColumn  = "check"
)

var (
	placeColumns = [2]string{"row_a", "row_b"}
	fileColumns  = [2]string{"file_a", "file_b"} // where there are two files
)

// answer is what one row of a file of answers says, or what is wrong with it.
type answer struct {
	file   string
	line   int
	tables [2]int // from 0
	rows   [2]int // of the table, from 1
	check  string
	same   bool
}

func (a *answer) fault(format string, args ...any) *rowError {
	return &rowError{a.file, a.line, fmt.Sprintf(format, args...)}
}

// said reads an answer in English or Turkish, whatever its case; none is no answer.
func said(cell string) (same, none bool, err error) {
	switch strings.TrimSpace(things.Fold(cell)) {
	case "yes", "y", "evet", "e", "true", "1":
		return true, false, nil
	case "no", "n", "hayir", "h", "false", "0":
		return false, false, nil
	case "":
		if strings.Trim(cell, " ?\t") == "" {
			return false, true, nil
		}
	}
	return false, false, fmt.Errorf("the answer %q is neither yes nor no (evet, hayır)", cell)
}

// scanAnswers reads a file of answers row by row; what cannot be read goes to bad. Columns may
// stand in any order, and those of the cells are not looked at.
func scanAnswers(path string, files int, use func(*answer), bad func(*rowError)) error {
	t := file(path)
	r, _, closer, err := t.start()
	if err != nil {
		return err
	}
	defer closer()
	r.LazyQuotes = false
	at := map[string]int{}
	for i, h := range t.header {
		if _, twice := at[strings.ToLower(h)]; !twice {
			at[strings.ToLower(h)] = i
		}
	}
	needed := []string{answerColumn, placeColumns[0], placeColumns[1], checkColumn}
	if files > 1 {
		needed = append(needed, fileColumns[0], fileColumns[1])
	}
	for _, name := range needed {
		if _, ok := at[name]; !ok {
			return &rowError{path, t.line, fmt.Sprintf("there is no column %q; it is no file that -questions wrote for %d files", name, files)}
		}
	}
	for {
		row, err := r.Read()
		if err == io.EOF {
			return nil
		}
		var syntax *csv.ParseError
		var fault *rowError
		switch {
		case errors.As(err, &syntax):
			bad(t.fault(err))
			continue
		case errors.As(err, &fault):
			return fault
		case err != nil:
			return fmt.Errorf("%s: %w", path, err)
		}
		line, _ := r.FieldPos(0)
		a := &answer{file: path, line: line + t.hints}
		cell := func(name string) string {
			if i := at[name]; i < len(row) {
				return strings.TrimSpace(row[i])
			}
			return ""
		}
		if text := cell(answerColumn); !utf8.ValidString(text) {
			bad(a.fault("the answer is not UTF-8"))
			continue
		}
		same, none, err := said(cell(answerColumn))
		if err != nil {
			bad(a.fault("%v", err))
			continue
		}
		if none {
			continue
		}
		a.same, a.check = same, cell(checkColumn)
		for i := range a.rows {
			if a.rows[i], err = strconv.Atoi(cell(placeColumns[i])); err != nil || a.rows[i] < 1 {
				fault = a.fault("%s: %q is no number of a row", placeColumns[i], cell(placeColumns[i]))
			}
			if files > 1 {
				n, err := strconv.Atoi(cell(fileColumns[i]))
				if err != nil || n < 1 || n > files {
					fault = a.fault("%s: %q is no number of a file", fileColumns[i], cell(fileColumns[i]))
				}
				a.tables[i] = n - 1
			}
		}
		if fault != nil {
			bad(fault)
			continue
		}
		use(a)
	}
}

// readAnswers reads the files of -answers. A row that is no answer to a question about these
// files is named with its line, and the others count.
func (j *job) readAnswers(ctx context.Context) error {
	if len(j.o.answers) == 0 {
		return nil
	}
	faults := 0
	bad := func(e *rowError) {
		if faults++; faults <= maxBad {
			j.show.Say("%v", e)
		}
	}
	var list []*answer
	for _, path := range j.o.answers {
		if err := scanAnswers(path, len(j.tables), func(a *answer) { list = append(list, a) }, bad); err != nil {
			return err
		}
	}
	wanted := map[[2]int]string{}
	for _, a := range list {
		for i := range a.rows {
			wanted[[2]int{a.tables[i], a.rows[i]}] = ""
		}
	}
	bases, err := j.prints(ctx, wanted)
	if err != nil {
		return err
	}
	first := map[[2]int]*answer{}
	for _, a := range list {
		x, y := wanted[[2]int{a.tables[0], a.rows[0]}], wanted[[2]int{a.tables[1], a.rows[1]}]
		key := [2]int{bases[a.tables[0]] + a.rows[0], bases[a.tables[1]] + a.rows[1]}
		if key[0] > key[1] {
			key[0], key[1] = key[1], key[0]
		}
		before := first[key]
		switch {
		case key[0] == key[1]:
			bad(a.fault("a row is asked about itself"))
		case x == "" || y == "" || a.check != checkOf(x, y):
			bad(a.fault("rows %d and %d are not those that were asked about: the file has changed since", a.rows[0], a.rows[1]))
		case before != nil && before.same != a.same:
			bad(a.fault("says otherwise of the pair than line %d of %s, which counts", before.line, before.file))
		case before == nil:
			first[key] = a
			j.answers = append(j.answers, dedup.Decision{A: strconv.Itoa(key[0]), B: strconv.Itoa(key[1]), Same: a.same})
		}
	}
	if faults > 0 {
		j.show.Say("%d rows of answers could not be used", faults)
	}
	j.show.Say("%d answers", len(j.answers))
	j.refused = faults
	return nil
}

// printOf is a fingerprint of a row.
func printOf(row []string) string {
	h := fnv.New64a()
	for _, cell := range row {
		_, _ = fmt.Fprintf(h, "%d:%s", len(cell), cell) // a hash never fails
	}
	return strconv.FormatUint(h.Sum64(), 16)
}

// checkOf is what stands in the column of that name: it begins with a letter, so that no
// spreadsheet takes it for a number.
func checkOf(a, b string) string {
	h := fnv.New64a()
	_, _ = io.WriteString(h, a+" "+b)
	return fmt.Sprintf("c%016x", h.Sum64())
}

// prints fills in the fingerprints of rows, named by table and row, and returns how many rows
// stand before each table.
func (j *job) prints(ctx context.Context, wanted map[[2]int]string) (bases []int, err error) {
	base := 0
	for i, t := range j.tables {
		bases = append(bases, base)
		last := 0
		err := t.rows(func(n int, row []string) error {
			last = n
			if _, ok := wanted[[2]int{i, n}]; ok {
				wanted[[2]int{i, n}] = printOf(row)
			}
			return ctx.Err()
		}, func(n int, _ *rowError) error { last = n; return nil })
		if err != nil {
			return nil, err
		}
		base += last
	}
	return bases, nil
}

// checkQuestions refuses to write questions over answers.
func checkQuestions(o options) error {
	path := o.questions
	if path == "" {
		return nil
	}
	for _, a := range o.answers {
		if same(a, path) {
			return fmt.Errorf("%s is a file of answers; name another one", path)
		}
	}
	if _, err := os.Stat(path); err != nil {
		return nil // it is made
	}
	var answered error
	found := func(*answer) {
		answered = fmt.Errorf("%s holds answers; give it with -answers and name another one", path)
	}
	err := scanAnswers(path, 1, found, func(*rowError) { found(nil) })
	var fault *rowError
	if errors.As(err, &fault) {
		return nil // it is none of ours, and is overwritten as other outputs are
	}
	return errors.Join(err, answered)
}

// same reports whether two paths name one file.
func same(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	return filepath.Clean(a) == filepath.Clean(b) || errA == nil && errB == nil && os.SameFile(x, y)
}

// writeQuestions writes the pairs about which an answer would say most, with the cells of both
// rows side by side, but for that of -truth.
func (j *job) writeQuestions(ctx context.Context) error {
	list := j.result.Review[:min(len(j.result.Review), j.o.ask)]
	cells := map[int32][]string{}
	for _, q := range list {
		cells[rowOf(q.A)], cells[rowOf(q.B)] = nil, nil
	}
	base := 0
	for i, t := range j.tables {
		err := t.rows(func(n int, row []string) error {
			if at := int32(base + n - 1); n <= j.lengths[i] {
				if _, ok := cells[at]; ok {
					own := make([]string, len(row))
					for c := range row {
						own[c] = strings.Clone(row[c])
					}
					cells[at] = own
				}
			}
			return ctx.Err()
		}, func(int, *rowError) error { return nil })
		if err != nil {
			return err
		}
		base += j.lengths[i]
	}
	// A column of each name, of whichever file has it.
	var names []string
	places := make([]map[string]int, len(j.tables))
	for i, t := range j.tables {
		places[i] = map[string]int{}
		for c, h := range t.header {
			if c == t.layout.truth {
				continue
			}
			places[i][h] = c
			if !slices.Contains(names, h) {
				names = append(names, h)
			}
		}
	}
	head := []string{answerColumn}
	if len(j.tables) > 1 {
		head = append(head, fileColumns[0], placeColumns[0], fileColumns[1], placeColumns[1])
	} else {
		head = append(head, placeColumns[0], placeColumns[1])
	}
	head = append(head, "probability")
	for _, n := range names {
		head = append(head, safe(n+" a"), safe(n+" b"))
	}
	head = append(head, checkColumn)
	err := output.Write(j.o.questions, output.Private, func(w io.Writer) error {
		out := csv.NewWriter(w)
		if err := out.Write(head); err != nil {
			return err
		}
		for _, q := range list {
			line := []string{""}
			rows := [2]int32{rowOf(q.A), rowOf(q.B)}
			var tables [2]int
			for k, row := range rows {
				n := int(row)
				for tables[k] < len(j.lengths)-1 && n >= j.lengths[tables[k]] {
					n -= j.lengths[tables[k]]
					tables[k]++
				}
				if len(j.tables) > 1 {
					line = append(line, strconv.Itoa(tables[k]+1))
				}
				line = append(line, strconv.Itoa(n+1))
			}
			line = append(line, strconv.FormatFloat(q.Probability, 'f', 3, 64))
			for _, n := range names {
				for k, row := range rows {
					value := ""
					if c, ok := places[tables[k]][n]; ok {
						value = safe(cells[row][c])
					}
					line = append(line, value)
				}
			}
			if err := out.Write(append(line, checkOf(printOf(cells[rows[0]]), printOf(cells[rows[1]])))); err != nil {
				return err
			}
		}
		out.Flush()
		return out.Error()
	})
	if err == nil && len(list) < j.o.ask {
		j.show.Say("there are %d questions, fewer than the %d asked for", len(list), j.o.ask)
	}
	j.questions = len(list)
	return err
}
