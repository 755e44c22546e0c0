package export

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vefacrm/vefa/survey"
)

// Row is one response and what the host knows of it.
type Row struct {
	// ID names the response. It should be no token and no address.
	ID string
	// At is when it was finished; zero: not known.
	At time.Time
	// Host has the values of Options.Columns, in their order; fewer are empty ones.
	Host []string
	// Response is what was answered.
	Response survey.Response
}

// Options say what a table looks like; the zero value works.
type Options struct {
	// Language is that of titles and choices where Texts is set; empty: the default texts.
	Language string
	// Texts writes titles instead of names and the texts of choices instead of their values.
	// Names stay in the header where two titles are alike.
	Texts bool
	// Separate gives each choice of a question with several a column of true and false.
	Separate bool
	// Repeats is how many rows of a dynamic matrix and panels of a dynamic panel get columns
	// of their own, beside the column that has all of them as JSON; 0: none, most 100.
	Repeats int
	// Columns are the host's own, such as "store" and "employee".
	Columns []string
	// Zone is that of the column at; nil: UTC.
	Zone *time.Location
}

// Kind is what the cells of a column are.
type Kind int

const (
	Text   Kind = iota // string
	Number             // float64
	Bool               // bool
	Time               // time.Time
)

// Column is one of a table.
type Column struct {
	// Name is unique, and the key in JSON and Parquet.
	Name string
	// Title is what a person reads: the name unless Options.Texts is set.
	Title string
	Kind  Kind

	of    func(r *Row, answers map[string]any) any
	parts bool // the cells are JSON
}

// nested reports whether a cell is JSON.
func (c Column) nested(s string) bool { return c.parts && json.Valid([]byte(s)) }

// Table is how responses become rows. It is safe for concurrent use.
type Table struct {
	Columns []Column
	opts    Options
	covered cover // the answers that a column has
}

// cover says what of an answer columns have: all of it, some of its parts, or of a list some values.
type cover struct {
	all    bool
	parts  map[string]*cover
	values map[string]bool
}

// at returns the cover of a part, which it makes. Places of lists are no parts: their lists are covered whole.
func (c *cover) at(path []any) *cover {
	for _, p := range path {
		name, ok := p.(string)
		if !ok {
			return &cover{}
		}
		if c.parts == nil {
			c.parts = map[string]*cover{}
		}
		if c.parts[name] == nil {
			c.parts[name] = &cover{}
		}
		c = c.parts[name]
	}
	return c
}

// rest is what no column has of an answer; nil: nothing.
func (c *cover) rest(v any) any {
	if c == nil {
		return v
	}
	switch v := v.(type) {
	case nil:
		return nil
	case map[string]any:
		if c.all || c.parts == nil {
			break
		}
		rest := map[string]any{}
		for k, x := range v {
			if x = c.parts[k].rest(x); x != nil {
				rest[k] = x
			}
		}
		if len(rest) == 0 {
			return nil
		}
		return rest
	case []any:
		if c.all || c.values == nil {
			break
		}
		var rest []any
		for _, x := range v {
			if !c.values[plain(x)] {
				rest = append(rest, x)
			}
		}
		if rest == nil {
			return nil
		}
		return rest
	}
	if c.all {
		return nil
	}
	return v
}

// NewTable makes the table of a definition.
func NewTable(def *survey.Definition, opts Options) *Table {
	if opts.Zone == nil {
		opts.Zone = time.UTC
	}
	opts.Repeats = min(max(opts.Repeats, 0), 100)
	t := &Table{opts: opts}
	t.add("id", "id", Text, func(r *Row, _ map[string]any) any { return r.ID })
	t.add("at", "at", Time, func(r *Row, _ map[string]any) any {
		if r.At.IsZero() {
			return nil
		}
		return r.At.In(opts.Zone)
	})
	t.add("version", "version", Text, func(r *Row, _ map[string]any) any { return r.Response.Version })
	t.add("language", "language", Text, func(r *Row, _ map[string]any) any { return r.Response.Language })
	for i, name := range opts.Columns {
		t.add(name, name, Text, func(r *Row, _ map[string]any) any {
			if i >= len(r.Host) {
				return nil
			}
			return r.Host[i]
		})
	}
	for q := range def.Questions() {
		t.question(q)
	}
	t.add("others", "others", Text, func(r *Row, answers map[string]any) any {
		rest := t.covered.rest(answers)
		if m, ok := rest.(map[string]any); !ok || len(m) == 0 {
			return nil
		}
		return asJSON(rest)
	})
	t.Columns[len(t.Columns)-1].parts = true
	t.titles()
	return t
}

// add makes a column; a name that is taken gets a number.
func (t *Table) add(name, title string, kind Kind, of func(*Row, map[string]any) any) {
	free := name
	for n := 2; slices.ContainsFunc(t.Columns, func(c Column) bool { return c.Name == free }); n++ {
		free = name + " " + strconv.Itoa(n)
	}
	if !t.opts.Texts || title == "" {
		title = free
	}
	t.Columns = append(t.Columns, Column{Name: free, Title: title, Kind: kind, of: of})
}

// titles gives columns whose titles are alike their names beside them.
func (t *Table) titles() {
	count := map[string]int{}
	for _, c := range t.Columns {
		count[c.Title]++
	}
	for i, c := range t.Columns {
		if count[c.Title] > 1 && c.Title != c.Name {
			t.Columns[i].Title = c.Title + " (" + c.Name + ")"
		}
	}
}

// at reads an answer by a path of keys of maps and places of lists.
func at(v any, path []any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			list, _ := v.([]any)
			if p >= len(list) {
				return nil
			}
			v = list[p]
		}
	}
	return v
}

// question makes the columns of a question.
func (t *Table) question(q survey.Question) {
	t.cells(q, []any{q.Key()}, q.Name, q.Title.In(t.opts.Language))
}

// cells makes the columns of a question whose answer is at a path.
func (t *Table) cells(q survey.Question, path []any, name, title string) {
	get := func(_ *Row, answers map[string]any) any { return at(answers, path) }
	join := func(p []any, more ...any) []any { return append(slices.Clone(p), more...) }
	lang := t.opts.Language
	switch {
	case q.Type == "html" || q.Type == "image":
		return
	case q.Type == "matrix":
		for _, row := range q.Matrix.Rows {
			of := join(path, row.Key())
			t.covered.at(of).all = true
			t.add(name+"/"+row.Key(), title+" / "+row.Text.In(lang), Text, func(_ *Row, answers map[string]any) any {
				return t.choice(q.Matrix.Columns, at(answers, of))
			})
		}
	case q.Type == "matrixdropdown":
		for _, row := range q.Matrix.Rows {
			for _, cell := range q.Matrix.Cells {
				t.cells(cell, join(path, row.Key(), cell.Key()), name+"/"+row.Key()+"/"+cell.Name, title+" / "+row.Text.In(lang)+" / "+cell.Title.In(lang))
			}
		}
	case q.Type == "matrixdynamic" || q.Type == "paneldynamic":
		t.covered.at(path).all = true
		t.add(name, title, Text, func(r *Row, answers map[string]any) any {
			if v := get(r, answers); v != nil {
				return asJSON(v)
			}
			return nil
		})
		t.Columns[len(t.Columns)-1].parts = true
		var inner []survey.Question
		if q.Matrix != nil {
			inner = q.Matrix.Cells
		} else if q.Repeat != nil {
			inner = q.Repeat.Questions
		}
		for n := range t.opts.Repeats {
			for _, c := range inner {
				place := "/" + strconv.Itoa(n+1) + "/"
				t.cells(c, join(path, n, c.Key()), name+place+c.Name, title+" / "+strconv.Itoa(n+1)+" / "+c.Title.In(lang))
			}
		}
	case len(q.Items) > 0:
		for _, it := range q.Items {
			t.cells(it, join(path, it.Key()), name+"/"+it.Name, title+" / "+it.Title.In(lang))
		}
	case q.Upload != nil:
		t.covered.at(path).all = true // names alone: a table holds no files
		t.add(name, title, Text, func(r *Row, answers map[string]any) any { return fileNames(get(r, answers)) })
	case q.Multiple && t.opts.Separate && len(q.Choices) > 0 && q.Type != "ranking":
		of := t.covered.at(path)
		of.values = map[string]bool{}
		for _, c := range q.Choices {
			if c.Special == survey.SelectAllItem {
				continue
			}
			of.values[c.Key()] = true
			t.add(name+"/"+c.Key(), title+" / "+cmp.Or(c.Text.In(lang), c.Key()), Bool, func(r *Row, answers map[string]any) any {
				list, ok := get(r, answers).([]any)
				if !ok {
					return nil
				}
				return slices.ContainsFunc(list, func(v any) bool { return plain(v) == c.Key() })
			})
		}
	default:
		t.covered.at(path).all = true
		kind := Text
		if number(q) && !t.opts.Texts {
			kind = Number
		}
		t.add(name, title, kind, func(r *Row, answers map[string]any) any {
			v := get(r, answers)
			if list, ok := v.([]any); ok {
				parts := make([]string, len(list))
				for i, x := range list {
					parts[i] = fmt.Sprint(t.choice(q.Choices, x))
				}
				return strings.Join(parts, "; ")
			}
			if kind == Number {
				if f, ok := asNumber(v); ok {
					return f
				}
			}
			return t.choice(q.Choices, v)
		})
	}
	if q.Comment || slices.ContainsFunc(q.Choices, func(c survey.Choice) bool { return c.Comment }) {
		beside := slices.Clone(path)
		if last, ok := beside[len(beside)-1].(string); ok {
			beside[len(beside)-1] = last + "-Comment"
			t.covered.at(beside).all = true
			t.add(name+"-Comment", title+" / "+cmp.Or(q.CommentText.In(lang), "Comment"), Text, func(_ *Row, answers map[string]any) any { return t.choice(nil, at(answers, beside)) })
		}
	}
}

// number reports whether all answers of a question are numbers.
func number(q survey.Question) bool {
	switch q.Type {
	case "rating", "slider":
		return !q.Multiple && !slices.ContainsFunc(q.Choices, func(c survey.Choice) bool {
			_, ok := c.Value.(float64)
			return !ok
		})
	}
	return q.Type == "text" && (q.InputType == "number" || q.InputType == "range")
}

func asNumber(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, !math.IsNaN(v) && !math.IsInf(v, 0)
	case int:
		return float64(v), true
	case string:
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
	}
	return 0, false
}

// choice writes one value: the text of a choice, if texts are asked for.
func (t *Table) choice(choices []survey.Choice, v any) any {
	if v == nil {
		return nil
	}
	s := plain(v)
	if t.opts.Texts {
		for _, c := range choices {
			if c.Key() == s {
				return c.Text.In(t.opts.Language)
			}
		}
	}
	return s
}

// plain writes a value as a text: numbers without an exponent where they have few digits.
func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1e15 {
			return strconv.FormatFloat(v, 'f', -1, 64)
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	case int:
		return strconv.Itoa(v)
	}
	return asJSON(v)
}

// asJSON writes what has parts; its keys are in order.
func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil { // what JSON cannot say, such as NaN
		return fmt.Sprint(v)
	}
	return string(b)
}

// fileNames are those of an upload, without their content.
func fileNames(v any) any {
	list, ok := v.([]any)
	if !ok {
		if v == nil {
			return nil
		}
		list = []any{v}
	}
	var names []string
	for _, x := range list {
		if m, ok := x.(map[string]any); ok {
			names = append(names, plain(m["name"]))
		} else {
			names = append(names, "1") // a signature has no name
		}
	}
	return strings.Join(names, "; ")
}

// Cells gives the cells of a row: nil for none, else what the Kind of the column says, or a
// string where an answer is not of it.
func (t *Table) Cells(r Row) []any {
	out := make([]any, len(t.Columns))
	for i, c := range t.Columns {
		out[i] = c.of(&r, r.Response.Answers)
		if s, ok := out[i].(string); ok && s == "" {
			out[i] = nil
		}
	}
	return out
}

// Header gives the titles.
func (t *Table) Header() []string {
	out := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		out[i] = c.Title
	}
	return out
}

// Inert returns a text as a spreadsheet takes it for a text: with an apostrophe before what
// would be a formula, "=1+1", "+90…", "-…", "@…" and what begins with a tab or a line break.
// A plain number stays as it is.
func Inert(s string) string {
	if !runs(s) {
		return s
	}
	if s[0] == '-' {
		if _, err := strconv.ParseFloat(s, 64); err == nil && strings.Trim(s, "-.0123456789") == "" {
			return s
		}
	}
	return "'" + s
}

// runs tells a text that begins as a formula does.
func runs(s string) bool {
	return s != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(s)[0])
}
