package rules

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"github.com/vefacrm/vefa/rules/internal/closure"
	"github.com/vefacrm/vefa/rules/internal/ir"
)

// Limits bound what a rule may ask for. The zero value means the defaults.
type Limits struct {
	Source  int   // characters of one expression; default 4,096
	Nodes   int   // nodes of one expression, conditions expanded; default 1,000
	Nesting int   // any, all, count … inside one another; default and maximum 2
	Cost    int64 // worst-case steps of one expression; default 200,000 (about 0.5 ms)
	Rules   int   // rules of one set; default 20,000
}

func (l Limits) withDefaults() Limits {
	set := func(p *int, d int) {
		if *p <= 0 {
			*p = d
		}
	}
	set(&l.Source, 4096)
	set(&l.Nodes, 1000)
	set(&l.Nesting, 2)
	set(&l.Rules, 20_000)
	l.Nesting = min(l.Nesting, 2)
	if l.Cost <= 0 {
		l.Cost = 200_000
	}
	return l
}

// Options configure a Schema. The zero value works.
type Options struct {
	// Limits bound what one rule may cost; zero fields have defaults.
	Limits Limits
	Tags   *Vocabulary // of TagSet fields; nil means a new one
	// Actions are the kinds of actions that rules may name; nil means BuiltInActions.
	Actions []ActionType
}

// Schema is the typed shape of the facts that rules read: what NewSchema found
// in the struct F. It is immutable and may be shared.
type Schema[F any] struct{ s *schema }

// schema is Schema without the type parameter.
type schema struct {
	ir.Layout
	limits  Limits
	words   *Vocabulary
	actions map[string]*ActionType
}

// Field describes one field of the facts, for documentation and editors.
type Field struct {
	Name string // as rules spell it
	// Kind is how rules see the field, whatever the Go type.
	Kind     ir.Kind
	Doc      string  // from the struct tag `doc:"…"`
	Unit     string  // from the struct tag `unit:"…"`; "days" where days counts
	Max      int     // of Rows, Tags and String: the declared largest length
	Scale    int     // of Int: digits behind the point; 0 for a plain integer
	Nullable bool    // may be null: a pointer, a Maybe or a time
	Fields   []Field // of Rows: the fields of a row
}

const (
	defaultMaxRows   = 1000
	defaultMaxTags   = 100
	defaultMaxString = 256
	maxSchemaDepth   = 3 // facts, rows, rows of rows
)

// NewSchema reads the struct F. Each exported field of a kind that rules know
// is readable under its Go name, or under the name given in its tag:
//
//	DaysSincePurchase int        `doc:"whole days since the last purchase"`
//	Purchases         []Purchase `rule:"purchases,max=64" doc:"newest first"`
//	Secret            string     `rule:"-"`
//
// An integer with scale, as in `rule:",scale=2"`, is a decimal: it holds
// hundredths and rules read it as 1250.50.
//
// max declares the largest length of rows (default 1,000), tags (100) and
// strings (256, in bytes); the worst-case cost of a rule is computed from it
// and facts with more rows than declared are refused when they are evaluated.
//
// days says that an integer counts days and so changes by itself: since grows
// by one every day, until shrinks by one, yearly shrinks and starts again at
// 364 after 0 (values outside 0..364 stay as they are). A Population and
// Backtest need to know; a time.Time with daysSince(…) says it by itself.
//
//	DaysToBirthday int `rule:",days=yearly"`
//
// A pointer, a Maybe and a time.Time may be null.
//
// Names of tags and segments in rules are kept in Unicode's form C, in which crm and
// segment keep them; what a []string holds is compared as it is.
//
// Tags with names, as in `rule:",names"`, hold names that no rule sets, such as
// the segments that a customer is in; only tags are tags to Chain, Backtest and Lint.
//
// Embedded structs are flattened. A field of another type is skipped, unless
// it has a rule tag: then it is an error, as are two fields of one name.
func NewSchema[F any](opts Options) (*Schema[F], error) {
	root, err := readStruct(reflect.TypeFor[F](), false)
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	return newSchema[F](root, opts)
}

// readStruct reads the struct that facts are; bare says that it may have no field that
// rules read, because others are added.
func readStruct(t reflect.Type, bare bool) (*ir.RowType, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("facts must be a struct, %s is none", t)
	}
	b := schemaBuilder{}
	root := b.read(t, "", 1)
	if len(b.faults) == 0 && len(root.Order) == 0 && !bare {
		b.fault("", "has no field that rules can read")
	}
	if len(b.faults) > 0 {
		return nil, fmt.Errorf("facts %s: %w", t, errors.Join(b.faults...))
	}
	return root, nil
}

// newSchema makes a schema of a row type that was read from F or, by Extend, from F and
// more.
func newSchema[F any](root *ir.RowType, opts Options) (*Schema[F], error) {
	actions, err := actionTypes(opts.Actions)
	if err != nil {
		return nil, err
	}
	tags := opts.Tags
	if tags == nil {
		tags = NewVocabulary()
	}
	return &Schema[F]{&schema{Layout: ir.Layout{Root: root, Tags: &tags.names}, limits: opts.Limits.withDefaults(), words: tags, actions: actions}}, nil
}

// Tags returns the vocabulary of the schema's TagSet fields.
func (s *Schema[F]) Tags() *Vocabulary { return s.s.words }

// Layout returns what the facts look like in memory, for the packages below
// rules.
func (s *Schema[F]) Layout() *ir.Layout { return &s.s.Layout }

// Age returns a copy of the facts as they are a number of days later if nothing happens
// until then: integers whose tag says days=since, until or yearly have changed.
// Rows that change are copied, the rest is shared with f. days may be negative. It is
// ErrForeign for facts of another Extended, and for nil.
func (s *Schema[F]) Age(f *F, days int) (*F, error) {
	if !s.s.Made(unsafe.Pointer(f)) {
		return nil, ErrForeign
	}
	p := s.s.New()
	s.s.Assign(p, unsafe.Pointer(f))
	closure.Age(&s.s.Layout, p, int64(days))
	return (*F)(p), nil
}

// Fields describes the readable fields in the order of the struct.
func (s *Schema[F]) Fields() []Field { return describe(s.s.Root) }

// describe is what an editor may know of the fields; offsets and Go types stay inside.
func describe(t *ir.RowType) []Field {
	out := make([]Field, len(t.Order))
	for i, f := range t.Order {
		out[i] = Field{Name: f.Name, Kind: f.Kind, Doc: f.Doc, Unit: f.Unit, Max: f.Max, Scale: int(f.Scale), Nullable: f.Nullable}
		if f.Row != nil {
			out[i].Fields = describe(f.Row)
		}
	}
	return out
}

// schemaBuilder reads Go structs and collects every fault of them.
type schemaBuilder struct{ faults []error }

func (b *schemaBuilder) fault(path, format string, args ...any) {
	b.faults = append(b.faults, fmt.Errorf("field %s: %s", path, fmt.Sprintf(format, args...)))
}

func (b *schemaBuilder) read(t reflect.Type, path string, depth int) *ir.RowType {
	row := &ir.RowType{Fields: map[string]*ir.Field{}, Size: t.Size(), Typ: t}
	b.readInto(row, t, 0, path, depth)
	return row
}

// readInto adds the fields of a struct that begins base bytes into the row, those of
// embedded structs as if they were its own. depth counts rows within rows.
func (b *schemaBuilder) readInto(row *ir.RowType, t reflect.Type, base uintptr, path string, depth int) {
	for sf := range t.Fields() {
		tag, tagged := sf.Tag.Lookup("rule")
		if tag == "-" {
			continue
		}
		if sf.Anonymous && sf.Type.Kind() == reflect.Struct && sf.Type != reflect.TypeFor[time.Time]() && !tagged {
			b.readInto(row, sf.Type, base+sf.Offset, path, depth)
			continue
		}
		where := path + sf.Name
		if !sf.IsExported() {
			if tagged {
				b.fault(where, "is not exported")
			}
			continue
		}
		name, params, _ := strings.Cut(tag, ",")
		if name == "" {
			name = sf.Name
		}
		f := &ir.Field{Name: name, Doc: sf.Tag.Get("doc"), Unit: sf.Tag.Get("unit"), Offset: base + sf.Offset, Typ: sf.Type}
		if !b.typed(f, sf.Type, where, depth) {
			if tagged {
				b.fault(where, "rules cannot read a %s", sf.Type)
			}
			continue
		}
		b.params(f, params, where)
		if !isName(name) {
			b.fault(where, "%q is no name that a rule could use", name)
		}
		if _, reserved := functions[name]; reserved || name == "row" {
			b.fault(where, "the name %s is taken by the language", name)
		}
		if row.Fields[name] != nil {
			b.fault(where, "the name %s is used twice", name)
			continue
		}
		row.Fields[name] = f
		f.Pos = len(row.Order)
		row.Order = append(row.Order, f)
	}
}

// typed sets the kind of f from its Go type.
func (b *schemaBuilder) typed(f *ir.Field, t reflect.Type, path string, depth int) bool {
	if t.Kind() == reflect.Pointer {
		f.Pointer, f.Nullable = true, true
		t = t.Elem()
	}
	if v, ok, is := maybeOf(t); is {
		if f.Pointer {
			return false
		}
		f.Valid, f.Nullable, t = ok, true, v
	}
	f.Repr = t.Kind()
	switch {
	case t == reflect.TypeFor[time.Time]():
		f.Kind, f.Nullable = ir.Time, true
		return true
	case t == reflect.TypeFor[TagSet]():
		f.Kind, f.Interned, f.Max = ir.Tags, true, defaultMaxTags
		return !f.Pointer
	}
	switch t.Kind() {
	case reflect.Bool:
		f.Kind = ir.Bool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint8, reflect.Uint16, reflect.Uint32:
		f.Kind = ir.Int
	case reflect.Float32, reflect.Float64:
		f.Kind = ir.Float
	case reflect.String:
		f.Kind, f.Max = ir.String, defaultMaxString
	case reflect.Slice:
		if f.Pointer {
			return false
		}
		switch e := t.Elem(); {
		case e.Kind() == reflect.String:
			f.Kind, f.Max = ir.Tags, defaultMaxTags
		case e.Kind() == reflect.Struct && e != reflect.TypeFor[time.Time]() && depth < maxSchemaDepth:
			f.Kind, f.Max = ir.Rows, defaultMaxRows
			f.Row = b.read(e, path+"[].", depth+1)
			return len(f.Row.Order) > 0 && f.Row.Size > 0
		default:
			return false
		}
	default:
		return false
	}
	return true
}

// params reads what stands behind the name in a tag. A parameter that the kind of the
// field has no use for is a fault, not ignored.
func (b *schemaBuilder) params(f *ir.Field, params, path string) {
	for p := range strings.SplitSeq(params, ",") {
		if p == "" {
			continue
		}
		key, value, _ := strings.Cut(p, "=")
		if key == "days" {
			b.days(f, value, path)
			continue
		}
		if key == "names" {
			if f.Kind != ir.Tags {
				b.fault(path, "names is of no use for a %s", f.Typ)
			}
			f.Names = true
			continue
		}
		n, err := strconv.Atoi(value)
		if key == "scale" {
			if f.Kind != ir.Int || err != nil || n < 1 || n > maxScale {
				b.fault(path, "scale belongs to integers and is a number from 1 to %d", maxScale)
				continue
			}
			f.Scale = uint8(n)
			continue
		}
		switch {
		case key != "max":
			b.fault(path, "the tag's parameter %q is not known", key)
		case !slices.Contains([]ir.Kind{ir.Rows, ir.Tags, ir.String}, f.Kind):
			b.fault(path, "max is of no use for a %s", f.Kind)
		case err != nil || n < 1 || n > 1_000_000:
			b.fault(path, "max must be a number from 1 to 1000000, not %q", value)
		default:
			f.Max = n
		}
	}
}

// days reads how an integer changes as days pass. 8-bit integers are refused: they would
// overflow within the year.
func (b *schemaBuilder) days(f *ir.Field, value, path string) {
	ages := map[string]ir.Aging{"since": ir.Since, "until": ir.Until, "yearly": ir.Yearly}[value]
	switch {
	case f.Kind != ir.Int || f.Repr == reflect.Int8 || f.Repr == reflect.Uint8:
		b.fault(path, "days is of no use for a %s", f.Typ)
	case ages == ir.Still:
		b.fault(path, "days must be since, until or yearly, not %q", value)
	}
	f.Ages = ages
	if f.Unit == "" {
		f.Unit = "days"
	}
}

// isName reports whether s can stand in an expression as an identifier.
func isName(s string) bool {
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	switch s {
	case "", "and", "or", "not", "in", "let", "if", "else", "matches", "contains", "startsWith", "endsWith", "true", "false", "nil":
		return false
	}
	return true
}
