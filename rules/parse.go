package rules

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/types"

	"github.com/vefacrm/vefa/rules/internal/ir"
)

// frontEnd parses and checks expressions over one schema. Parser and type
// checker are those of github.com/expr-lang/expr; its compiler and virtual
// machine are never used: they have no bound that would hold against a hostile
// text (one line of reduce and + ends the process).
type frontEnd struct {
	schema     *schema
	conditions map[string]*condition
	parameters map[string]*parameter
	configs    map[configKey]*conf.Config
	rows       map[*ir.Field]bool // gone over by any expression
	used       nameSet            // conditions and parameters expanded since it was last emptied
	deep       int                // how deep those use one another
	ever       map[string]bool    // that something else uses
}

// nameSet is a set of names in the order in which they came.
type nameSet struct {
	list []string
	has  map[string]bool
}

func (s *nameSet) add(name string) {
	if s.has[name] {
		return
	}
	if s.has == nil {
		s.has = map[string]bool{}
	}
	s.has[name] = true
	s.list = append(s.list, name)
}

// configKey says which settings of expr's parser and checker are meant.
type configKey struct {
	each        *ir.Field
	asCondition bool
}

// condition is a named expression that others may use.
type condition struct {
	name   string
	text   string
	each   *ir.Field
	term   *ir.Term
	done   bool     // lowered
	uses   []string // other conditions, theirs too
	size   int      // nodes of term
	deep   int      // how deep conditions use one another, this one included
	faults []exprFault
}

func newFrontEnd(s *schema) *frontEnd {
	return &frontEnd{schema: s, conditions: map[string]*condition{}, parameters: map[string]*parameter{}, configs: map[configKey]*conf.Config{}, rows: map[*ir.Field]bool{}, ever: map[string]bool{}}
}

// use notes that a condition was expanded.
func (f *frontEnd) use(name string) {
	f.ever[name] = true
	f.used.add(name)
}

// unused returns the conditions and parameters that nothing uses, sorted.
func (f *frontEnd) unused() []string {
	var out []string
	for name := range f.conditions {
		if !f.ever[name] {
			out = append(out, name)
		}
	}
	for name := range f.parameters {
		if !f.ever[name] {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// compile turns a text into a term of kind bool, as written, or says what is
// wrong with it. each is the field whose rows the rule fires for, or nil.
func (f *frontEnd) compile(text string, each *ir.Field) (*ir.Term, []exprFault) {
	t, faults := f.lower(text, each, nil)
	if len(faults) > 0 {
		return nil, faults
	}
	if limit := f.schema.limits.Cost; t.Cost > limit {
		return nil, []exprFault{{t.At, fmt.Sprintf("may take %d steps, at most %d are allowed: declare smaller maxima or go over fewer rows", t.Cost, limit)}}
	}
	return t, nil
}

// lower parses and checks a condition. path holds the conditions being expanded.
func (f *frontEnd) lower(text string, each *ir.Field, path []string) (t *ir.Term, faults []exprFault) {
	return f.lowerAs(text, each, path, true)
}

// lowerAs is lower for a condition or for an expression of any kind.
func (f *frontEnd) lowerAs(text string, each *ir.Field, path []string, asCondition bool) (t *ir.Term, faults []exprFault) {
	defer func() {
		// The parser is not ours and its input is hostile. It is not known to
		// panic; if it does, that is a faulty rule and not a dead process.
		if r := recover(); r != nil {
			t, faults = nil, []exprFault{{0, fmt.Sprintf("cannot be read (%v)", r)}}
		}
	}()
	limits := f.schema.limits
	switch n := utf8.RuneCountInString(text); {
	case strings.TrimSpace(text) == "":
		return nil, []exprFault{{0, "must not be empty"}}
	case n > limits.Source:
		return nil, []exprFault{{0, fmt.Sprintf("has %d characters, at most %d are allowed", n, limits.Source)}}
	case !utf8.ValidString(text):
		return nil, []exprFault{{0, "is not valid UTF-8"}}
	}
	config := f.config(each, asCondition)
	parsed, over := f.overRows(text)
	tree, err := parser.ParseWithConfig(parsed, config)
	if err != nil {
		return nil, []exprFault{hinted(text, parseFault(err))}
	}
	l := &lowerer{front: f, each: each, path: path, over: over, source: []rune(parsed)}
	if asCondition {
		t = l.expr(tree.Node)
	} else {
		t = l.node(tree.Node) // a bare fold(…) too
	}
	if asCondition && t != nil && t.Kind != ir.Bool {
		l.fault(t.At, "must be true or false, not a value of kind %s", t.Kind)
	}
	if len(l.faults) > 0 {
		return nil, l.faults
	}
	if len(over) > 0 {
		return t, nil // expr has no such functions; ours have looked at everything
	}
	if _, err := checker.Check(tree, config); err != nil {
		return nil, []exprFault{parseFault(err)}
	}
	return t, nil
}

// parseFault turns an error of expr into a fault.
func parseFault(err error) exprFault {
	var fe *file.Error
	if !errors.As(err, &fe) {
		return exprFault{0, err.Error()}
	}
	msg := strings.TrimPrefix(fe.Message, "compilation failed: ")
	return exprFault{fe.From, msg}
}

// config returns the settings of expr's parser and checker for rules on each.
func (f *frontEnd) config(each *ir.Field, asCondition bool) *conf.Config {
	key := configKey{each, asCondition}
	if c := f.configs[key]; c != nil {
		return c
	}
	env := envTypes(f.schema.Root)
	for name := range f.conditions {
		if _, taken := env[name]; !taken {
			env[name] = types.Bool
		}
	}
	for name := range f.parameters {
		if _, taken := env[name]; !taken {
			env[name] = types.Any
		}
	}
	if each != nil {
		env["row"] = envTypes(each.Row)
	}
	c := conf.CreateNew()
	c.WithEnv(env)
	c.Strict = true
	c.Optimize = false
	if asCondition {
		c.Expect = reflect.Bool
		c.ExpectAny = true
	}
	c.MaxNodes = uint(f.schema.limits.Nodes)
	for name := range c.Builtins {
		if _, ok := functions[name]; !ok {
			c.Disabled[name] = true
			delete(c.Builtins, name)
		}
	}
	for name, fn := range functions {
		if fn.sample != nil {
			// The checker needs the type alone; the function is never called.
			expr.Function(name, func(...any) (any, error) { return nil, nil }, fn.sample)(c)
		}
	}
	f.configs[key] = c
	return c
}

// envTypes describes a row to expr's checker. Nullable fields are of any type
// there: our own checker has looked at them already.
func envTypes(t *ir.RowType) types.Map {
	m := types.Map{}
	for _, f := range t.Order {
		switch {
		case f.Kind == ir.Rows:
			m[f.Name] = types.Array(envTypes(f.Row))
		case f.Kind == ir.Tags:
			m[f.Name] = types.TypeOf([]string(nil))
		case f.Nullable && f.Kind != ir.Time:
			m[f.Name] = types.Any
		case f.Kind == ir.Time || f.Scale > 0:
			m[f.Name] = types.Any
		case f.Kind == ir.Bool:
			m[f.Name] = types.Bool
		case f.Kind == ir.Int:
			m[f.Name] = types.Int
		case f.Kind == ir.Float:
			m[f.Name] = types.Float64
		default:
			m[f.Name] = types.String
		}
	}
	return m
}

// function is one function that rules may call. Everything that expr knows and
// this table does not is refused.
type function struct {
	min, max int    // number of arguments
	loop     bool   // goes over rows, second argument is a predicate
	sample   any    // type for expr's checker; nil if expr knows the function
	usage    string // shown when it is called wrongly
}

var functions = map[string]function{
	"any":               {2, 2, true, nil, "any(Rows, condition)"},
	"all":               {2, 2, true, nil, "all(Rows, condition)"},
	"none":              {2, 2, true, nil, "none(Rows, condition)"},
	"one":               {2, 2, true, nil, "one(Rows, condition)"},
	"count":             {2, 2, true, nil, "count(Rows, condition)"},
	"sum":               {2, 2, true, nil, "sum(Rows, .Field) or sum(filter(Rows, condition), .Field)"},
	"filter":            {2, 2, true, nil, "filter(Rows, condition) within any, all, count, sum or len"},
	"avg":               {2, 2, true, nil, "avg(Rows, .Field) or avg(filter(Rows, condition), .Field)"},
	"first":             {1, 2, false, new(func(any, ...int) any), "first(Rows).Field, or first(Rows, 2).Field for the second"},
	"last":              {1, 2, false, new(func(any, ...int) any), "last(Rows).Field, or last(Rows, 2).Field for the one before"},
	"len":               {1, 1, false, nil, "len(Rows), len(Tags) or len(text)"},
	"abs":               {1, 1, false, nil, "abs(number)"},
	"min":               {2, 8, false, nil, "min(number, number) or min(Rows, .Field)"},
	"max":               {2, 8, false, nil, "max(number, number) or max(Rows, .Field)"},
	"date":              {1, 1, false, new(func(string) time.Time), `date("2025-01-31")`},
	"today":             {0, 0, false, new(func() time.Time), "today()"},
	"fold":              {1, 1, false, new(func(string) string), `fold(Name) == "istanbul"`},
	"daysSince":         {1, 1, false, new(func(time.Time) int), "daysSince(Time)"},
	"daysUntil":         {1, 1, false, new(func(time.Time) int), "daysUntil(Time)"},
	"daysToAnniversary": {1, 1, false, new(func(time.Time) int), "daysToAnniversary(Time)"},
	"year":              {1, 1, false, new(func(time.Time) int), "year(Time)"},
	"month":             {1, 1, false, new(func(time.Time) int), "month(Time)"},
	"monthDay":          {1, 1, false, new(func(time.Time) int), "monthDay(Time)"},
	"weekday":           {1, 1, false, new(func(time.Time) int), "weekday(Time): 1 is Monday, 7 Sunday"},
}

// at returns the character offset of a node of expr's tree.
func at(n ast.Node) int { return n.Location().From }
