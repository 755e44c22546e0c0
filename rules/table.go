package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/rules/internal/closure"
	"github.com/vefacrm/vefa/rules/internal/ir"
	"github.com/vefacrm/vefa/rules/internal/simplify"
)

// Table is a decision table: each row is one case, each input column one thing
// that cases differ by. Decide returns what a subject's case gives. A table
// with actions is also as many rules, one per row, named table/row: they are
// planned, explained, counted and replayed like any other.
//
//	tables:
//	  - name: welcome
//	    hit: first
//	    when: reachable
//	    inputs: [Tier, Orders, Tags]
//	    outputs: [template, percent]
//	    rows:
//	      - {name: best, when: ["gold, platinum", ">= 5", "-"], then: [best, 20]}
//	      - {name: rest, when: ["-", "-", not staff], then: [hello, 5]}
//	    then:
//	      - message: "{template}"
//	        with: {percent: "{percent}"}
//
// A cell is - (anything), a value, a list of values, a range (3..5), a
// comparison (>= 100, < 2025-01-31), nil, or not before any of these, which
// then holds for null too. In a column of tags a list means any of them. Texts
// need quotes only where they would read as something else. Numbers and dates
// may be parameters.
type Table struct {
	Rule // what the rows have in common; Group is not used

	// Hit says what happens where several rows match: "unique", the default, at most one
	// may; "any", several may if they give the same; "first", the first in the order of
	// the table counts; "priority", the one whose outputs come first in their Values;
	// "collect", all do.
	Hit string `json:"hit,omitempty"`
	// Inputs are at least one, with the Outputs at most 50.
	Inputs  []Column `json:"inputs"`
	Outputs []Column `json:"outputs,omitempty"`
	// Rows are 1 to 500 cases.
	Rows []TableRow `json:"rows"`
}

const (
	hitUnique   = "unique"
	hitAny      = "any"
	hitFirst    = "first"
	hitPriority = "priority"
	hitCollect  = "collect"
)

var hitPolicies = []string{hitUnique, hitAny, hitFirst, hitPriority, hitCollect}

// Column is an input of a table, that cases differ by, or an output, that they give.
type Column struct {
	// Name is what {name} in actions stands for, of an output; it must be a name of the
	// language there. Of an input it is for people; empty means Expr.
	Name string `json:"name,omitempty"`
	// Expr is what an input reads, such as Tier, Orders, fold(City) or
	// count(Purchases, .Gift). An output has none.
	Expr string `json:"expr,omitempty"`
	// Values are all texts that an input can be, for the analysis of gaps, or that an
	// output may give, best first under the hit policy "priority". Empty: any.
	Values []string `json:"values,omitempty"`
}

// TableRow is one case.
type TableRow struct {
	Name string `json:"name,omitempty"` // part of the ids of what it does; zero: row1, row2 …
	// Doc is for people, and of the rule that the row becomes.
	Doc  string   `json:"doc,omitempty"`
	When []string `json:"when"` // a cell per input
	Then []string `json:"then"` // a value per output
}

// tableRule ties a rule to the table's row that it is.
type tableRule struct {
	table string
	tie   string
}

// decisionTable is a Table that is ready to be evaluated.
type decisionTable struct {
	table *Table
	each  *ir.Field
	rows  []closure.BoolFunc // in the order of precedence
	order []int              // the rows' numbers in the table
	grid  *grid              // for the analysis; nil if it cannot be analysed
	place rulePlace
}

// Hit is a row of a table that matched.
type Hit struct {
	// Row is the row's name: row1, row2 … if it has none.
	Row    string
	Values map[string]string // by output
}

// HitsError says that rows of a table matched together which may not.
type HitsError struct {
	// Table is the table's name.
	Table string
	// Policy is "unique" or "any", the two that can be broken.
	Policy string
	// Rows are the names of those that matched.
	Rows []string
}

func (e *HitsError) Error() string {
	return fmt.Sprintf("rules: table %s: rows %s match together, its policy is %s", e.Table, strings.Join(e.Rows, ", "), e.Policy)
}

// Tables returns the names of all tables, sorted.
func (s *Set[F]) Tables() []string {
	names := make([]string, 0, len(s.tables))
	for n := range s.tables {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Decide asks a table about a subject and returns the rows that count: none if the case
// is not in the table, more than one only under the policy "collect". row is the row's
// index for a table with Each, else -1. The error is a *HitsError if the policy does not
// allow what matched, a *BoundsError, or says that there is no such table or row.
func (s *Set[F]) Decide(table string, facts *F, row int, m *Moment) ([]Hit, error) {
	t := s.tables[table]
	if t == nil {
		return nil, fmt.Errorf("rules: there is no table %q", table)
	}
	e, err := s.env(facts, m)
	if err != nil {
		return nil, err
	}
	if t.each != nil {
		var found bool
		if e.Row, found = closure.RowAt(e, t.each, row); !found {
			return nil, fmt.Errorf("rules: table %s: there is no row %d of %s", table, row, t.each.Name)
		}
	}
	return t.decide(e)
}

// decide tests the rows in the order of precedence. Under "first" and "priority" it stops
// at the first that matches; "any" lets several pass that give the same.
func (t *decisionTable) decide(e closure.Env) (hits []Hit, err error) {
	for i, test := range t.rows {
		if !test(e) {
			continue
		}
		hits = append(hits, t.hit(t.order[i]))
		if t.table.Hit == hitFirst || t.table.Hit == hitPriority {
			return hits, nil
		}
	}
	if t.table.Hit == hitCollect || len(hits) < 2 {
		return hits, nil
	}
	same := true
	wrong := &HitsError{Table: t.table.Name, Policy: t.table.Hit}
	for _, h := range hits {
		wrong.Rows = append(wrong.Rows, h.Row)
		for name, v := range h.Values {
			same = same && hits[0].Values[name] == v
		}
	}
	if t.table.Hit == hitAny && same {
		return hits[:1], nil
	}
	return nil, wrong
}

func (t *decisionTable) hit(row int) Hit {
	h := Hit{Row: t.table.rowName(row), Values: map[string]string{}}
	for i, o := range t.table.Outputs {
		h.Values[o.Name] = t.table.Rows[row].Then[i]
	}
	return h
}

// rowName is the name of a row, by its number from 1 if it has none. It is part of the ids
// of effects, so that a row without a name must keep its place.
func (t *Table) rowName(i int) string {
	if n := t.Rows[i].Name; n != "" {
		return n
	}
	return fmt.Sprintf("row%d", i+1)
}

const (
	maxTableRows    = 500
	maxTableColumns = 50
)

// compileTables checks the tables of a book and makes rules of those that act.
func (c *compiler) compileTables() {
	for i := range c.book.Tables {
		c.table(fmt.Sprintf("tables[%d]", i), &c.book.Tables[i])
	}
}

// table checks a table in three stages, each only if the one before found nothing: its
// shape, its cells, and how its rows meet. Then every row becomes a test and, if the table
// acts, a rule.
func (c *compiler) table(path string, source *Table) {
	t := *source
	who := "table " + t.Name
	before := c.found
	fault := func(field, format string, args ...any) { c.fault(path+"."+field, who, field, format, args...) }
	if msg := checkText(t.Name, maxName); msg != "" {
		fault("name", "%s", msg)
	} else if c.tables[t.Name] != nil {
		fault("name", "the name is used twice")
	}
	if t.Hit == "" {
		t.Hit = hitUnique
	}
	if !slices.Contains(hitPolicies, t.Hit) {
		fault("hit", "must be unique, any, first, priority or collect, not %q", t.Hit)
	}
	if t.Group != "" {
		fault("group", "a table is a group of its own")
	}
	if len(t.Rows) == 0 || len(t.Rows) > maxTableRows {
		fault("rows", "there are %d rows: 1 to %d are allowed", len(t.Rows), maxTableRows)
	}
	if len(t.Inputs) == 0 || len(t.Inputs)+len(t.Outputs) > maxTableColumns {
		fault("inputs", "there are %d inputs and %d outputs: at least one input and at most %d columns are allowed", len(t.Inputs), len(t.Outputs), maxTableColumns)
	}
	for i, o := range t.Outputs {
		where := fmt.Sprintf("outputs[%d]", i)
		switch {
		case !isName(o.Name):
			fault(where, "%q is no name: letters, digits and _ are allowed", o.Name)
		case slices.ContainsFunc(t.Outputs[:i], func(p Column) bool { return p.Name == o.Name }):
			fault(where, "the name is used twice")
		case o.Expr != "":
			fault(where, "has an expression, which only an input reads")
		case t.Hit == hitPriority && len(o.Values) == 0 && len(t.Outputs) == 1:
			fault(where, "the policy priority needs the output's values, best first")
		}
	}
	each, ok := c.rowsField(path+".each", who, t.Each)
	if !ok || c.found > before {
		return
	}
	if len(t.Rows) > 0 && c.tableRows > c.schema.limits.Rules {
		return // said already
	}
	g := c.grid(path, who, &t, each)
	texts := make([]string, len(t.Rows))
	names := map[string]bool{}
	for i := range t.Rows {
		where := fmt.Sprintf("rows[%d]", i)
		row := &t.Rows[i]
		name := t.rowName(i)
		if msg := checkText(name, 100); msg != "" {
			fault(where, "the name %s", msg)
		}
		if names[name] {
			fault(where, "the name %q is used twice", name)
		}
		names[name] = true
		if len(row.When) != len(t.Inputs) || len(row.Then) != len(t.Outputs) {
			fault(where, "has %d cells and %d values, %d inputs and %d outputs are declared", len(row.When), len(row.Then), len(t.Inputs), len(t.Outputs))
			continue
		}
		texts[i] = g.row(c, path+"."+where, who, i, row)
		for j, v := range row.Then {
			if o := t.Outputs[j]; len(o.Values) > 0 && !slices.Contains(o.Values, v) {
				c.fault(fmt.Sprintf("%s.%s.then[%d]", path, where, j), who, where, "%q is none of the values of %s%s", v, o.Name, didYouMean(v, o.Values))
			}
		}
	}
	if c.found > before {
		return
	}
	d := &decisionTable{table: &t, each: each, grid: g, order: t.precedence(), place: rulePlace{c.book, c.bookNo, path}}
	c.checkHits(path, who, d)
	if c.tableRows += len(t.Rows); c.tableRows > c.schema.limits.Rules {
		fault("rows", "the tables have more than %d rows together", c.schema.limits.Rules)
	}
	if c.found > before {
		return
	}
	c.tables[t.Name] = d
	if t.When == "" {
		t.When = "true"
	}
	var group string
	if len(t.Then) > 0 {
		mode := groupFirst
		if t.Hit == hitCollect {
			mode = groupAll
		}
		group = "table " + t.Name
		c.addGroup(path, who, Group{Name: group, Mode: mode})
	}
	for at, i := range d.order {
		if !c.tableRow(path, d, i, at, texts[i], group) {
			return // what is wrong with one is probably wrong with all
		}
	}
}

// tableRow compiles one row, as a test and, if the table acts, as a rule.
func (c *compiler) tableRow(path string, d *decisionTable, i, at int, text, group string) bool {
	t := d.table
	when := text
	if t.When != "true" {
		when = "(" + t.When + ") and (" + text + ")"
	}
	if t.Unless != "" {
		when += " and not (" + t.Unless + ")"
	}
	before := c.found
	c.front.used = nameSet{}
	term, faults := c.front.compile(when, d.each)
	if len(faults) > 0 { // the cells are known to be good: it is when, unless or all together
		_, own := c.front.compile(t.When, d.each)
		c.exprFaults(path+".when", "table "+t.Name, "when", t.When, own)
		if t.Unless != "" {
			_, more := c.front.compile(t.Unless, d.each)
			c.exprFaults(path+".unless", "table "+t.Name, "unless", t.Unless, more)
		}
		if c.found == before {
			c.fault(fmt.Sprintf("%s.rows[%d]", path, i), "table "+t.Name, "rows", "%s", faults[0].msg)
		}
		return false
	}
	d.rows = append(d.rows, closure.Bool(simplify.Term(term)))
	if len(t.Then) == 0 {
		return true
	}
	r := t.Rule.clone()
	r.Name, r.Group = t.Name+"/"+t.rowName(i), group
	r.When, r.Unless = when, ""
	if doc := t.Rows[i].Doc; doc != "" {
		r.Doc = doc
	}
	r.row = &tableRule{t.Name, fmt.Sprintf("%s/%06d", t.Name, at)}
	r.Then = t.fill(r.Then, i)
	c.compileRule(path, r)
	return c.found == before
}

// fill puts a row's outputs into the actions. An action whose name becomes
// empty or - is left out.
func (t *Table) fill(actions []Action, row int) []Action {
	pairs := make([]string, 0, 2*len(t.Outputs))
	for i, o := range t.Outputs {
		v := t.Rows[row].Then[i]
		if v == "-" {
			v = ""
		}
		pairs = append(pairs, "{"+o.Name+"}", v)
	}
	put := strings.NewReplacer(pairs...)
	out := actions[:0]
	for _, a := range actions {
		for _, s := range []*string{&a.Name, &a.ID, &a.After, &a.At, &a.For} {
			*s = put.Replace(*s)
		}
		for k, v := range a.With {
			a.With[k] = put.Replace(v)
		}
		if a.Name != "" {
			out = append(out, a)
		}
	}
	return out
}

// precedence returns the rows in the order in which they win.
func (t *Table) precedence() []int {
	order := make([]int, len(t.Rows))
	for i := range order {
		order[i] = i
	}
	if t.Hit != hitPriority {
		return order
	}
	slices.SortStableFunc(order, func(a, b int) int {
		for i, o := range t.Outputs {
			if len(o.Values) == 0 {
				continue
			}
			if d := slices.Index(o.Values, t.Rows[a].Then[i]) - slices.Index(o.Values, t.Rows[b].Then[i]); d != 0 {
				return d
			}
		}
		return a - b
	})
	return order
}
