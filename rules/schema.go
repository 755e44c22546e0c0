package rules

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
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
	Limits Limits
	Tags   *Vocabulary // of TagSet fields; nil means a new one
}

// Schema is the typed shape of the facts that rules read: what NewSchema found
// in the struct F. It is immutable and may be shared.
type Schema[F any] struct{ s *schema }

// schema is Schema without the type parameter.
type schema struct {
	root   *rowType
	base   *rowType // of an Extended: the struct alone; else nil
	mark   uintptr  // of an Extended: where its facts say whose they are
	limits Limits
	tags   *Vocabulary
}

// Kind is the kind of value that a field holds, as rules see it.
type Kind uint8

// The kinds of values.
const (
	Bool   Kind = iota + 1
	Int         // every Go integer, held as int64
	Float       // float32 and float64
	String      // string, or a type that is one
	Time        // time.Time; the zero time is null
	Tags        // TagSet or []string
	Rows        // a slice of structs
	day         // a calendar day: date("2025-01-01"), today()
	list        // a constant list
	null        // nil
)

func (k Kind) String() string {
	names := [...]string{"nothing", "bool", "int", "float", "string", "time", "tags", "rows", "date", "list", "nil"}
	if int(k) < len(names) {
		return names[k]
	}
	return "Kind(" + strconv.Itoa(int(k)) + ")"
}

// Field describes one field of the facts, for documentation and editors.
type Field struct {
	Name     string // as rules spell it
	Kind     Kind
	Doc      string  // from the struct tag `doc:"…"`
	Unit     string  // from the struct tag `unit:"…"`; "days" where days counts
	Max      int     // of Rows, Tags and String: the declared largest length
	Scale    int     // of Int: digits behind the point; 0 for a plain integer
	Nullable bool    // may be null: a pointer, a Maybe or a time
	Fields   []Field // of Rows: the fields of a row
}

// rowType is a struct: the facts themselves or a child row.
type rowType struct {
	fields map[string]*field
	order  []*field
	size   uintptr
	typ    reflect.Type
}

func (t *rowType) names() []string {
	names := make([]string, len(t.order))
	for i, f := range t.order {
		names[i] = f.name
	}
	return names
}

// field is one readable field of a rowType.
type field struct {
	name     string
	scale    uint8 // of Int
	kind     Kind
	doc      string
	unit     string
	max      int
	nullable bool
	pointer  bool         // a pointer to the value
	valid    uintptr      // of a Maybe: how far behind the value its OK stands; else 0
	repr     reflect.Kind // of the value itself
	interned bool         // a TagSet, not a []string
	offset   uintptr
	pos      int          // in the order of its rowType
	typ      reflect.Type // of the Go field
	ages     aging
	row      *rowType // of Rows
}

// aging says what the passing of a day does to an integer that counts days.
type aging uint8

const (
	still  aging = iota
	since        // one more every day
	until        // one less every day
	yearly       // one less every day, after 0 comes 364
)

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
// Embedded structs are flattened. A field of another type is skipped, unless
// it has a rule tag: then it is an error, as are two fields of one name.
func NewSchema[F any](opts Options) (*Schema[F], error) {
	root, err := readStruct(reflect.TypeFor[F]())
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	return newSchema[F](root, opts), nil
}

// readStruct reads the struct that facts are.
func readStruct(t reflect.Type) (*rowType, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("facts must be a struct, %s is none", t)
	}
	b := schemaBuilder{}
	root := b.read(t, "", 1)
	if len(b.faults) == 0 && len(root.order) == 0 {
		b.fault("", "has no field that rules can read")
	}
	if len(b.faults) > 0 {
		name := t.String()
		if t.Name() == "" && len(name) > 60 {
			name = "struct" // of a DynamicSchema
		}
		return nil, fmt.Errorf("facts %s: %w", name, errors.Join(b.faults...))
	}
	return root, nil
}

func newSchema[F any](root *rowType, opts Options) *Schema[F] {
	tags := opts.Tags
	if tags == nil {
		tags = NewVocabulary()
	}
	return &Schema[F]{&schema{root: root, limits: opts.Limits.withDefaults(), tags: tags}}
}

// Tags returns the vocabulary of the schema's TagSet fields.
func (s *Schema[F]) Tags() *Vocabulary { return s.s.tags }

// Limits returns the limits in force, with the defaults filled in.
func (s *Schema[F]) Limits() Limits { return s.s.limits }

// Fields describes the readable fields in the order of the struct.
func (s *Schema[F]) Fields() []Field { return describe(s.s.root) }

func describe(t *rowType) []Field {
	out := make([]Field, len(t.order))
	for i, f := range t.order {
		out[i] = Field{Name: f.name, Kind: f.kind, Doc: f.doc, Unit: f.unit, Max: f.max, Scale: int(f.scale), Nullable: f.nullable}
		if f.row != nil {
			out[i].Fields = describe(f.row)
		}
	}
	return out
}

type schemaBuilder struct{ faults []error }

func (b *schemaBuilder) fault(path, format string, args ...any) {
	b.faults = append(b.faults, fmt.Errorf("field %s: %s", path, fmt.Sprintf(format, args...)))
}

func (b *schemaBuilder) read(t reflect.Type, path string, depth int) *rowType {
	row := &rowType{fields: map[string]*field{}, size: t.Size(), typ: t}
	b.readInto(row, t, 0, path, depth)
	return row
}

func (b *schemaBuilder) readInto(row *rowType, t reflect.Type, base uintptr, path string, depth int) {
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
		f := &field{name: name, doc: sf.Tag.Get("doc"), unit: sf.Tag.Get("unit"), offset: base + sf.Offset, typ: sf.Type}
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
		if row.fields[name] != nil {
			b.fault(where, "the name %s is used twice", name)
			continue
		}
		row.fields[name] = f
		f.pos = len(row.order)
		row.order = append(row.order, f)
	}
}

// typed sets the kind of f from its Go type.
func (b *schemaBuilder) typed(f *field, t reflect.Type, path string, depth int) bool {
	if t.Kind() == reflect.Pointer {
		f.pointer, f.nullable = true, true
		t = t.Elem()
	}
	if v, ok, is := maybeOf(t); is {
		if f.pointer {
			return false
		}
		f.valid, f.nullable, t = ok, true, v
	}
	f.repr = t.Kind()
	switch {
	case t == reflect.TypeFor[time.Time]():
		f.kind, f.nullable = Time, true
		return true
	case t == reflect.TypeFor[TagSet]():
		f.kind, f.interned, f.max = Tags, true, defaultMaxTags
		return !f.pointer
	}
	switch t.Kind() {
	case reflect.Bool:
		f.kind = Bool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint8, reflect.Uint16, reflect.Uint32:
		f.kind = Int
	case reflect.Float32, reflect.Float64:
		f.kind = Float
	case reflect.String:
		f.kind, f.max = String, defaultMaxString
	case reflect.Slice:
		if f.pointer {
			return false
		}
		switch e := t.Elem(); {
		case e.Kind() == reflect.String:
			f.kind, f.max = Tags, defaultMaxTags
		case e.Kind() == reflect.Struct && e != reflect.TypeFor[time.Time]() && depth < maxSchemaDepth:
			f.kind, f.max = Rows, defaultMaxRows
			f.row = b.read(e, path+"[].", depth+1)
			return len(f.row.order) > 0 && f.row.size > 0
		default:
			return false
		}
	default:
		return false
	}
	return true
}

func (b *schemaBuilder) params(f *field, params, path string) {
	for p := range strings.SplitSeq(params, ",") {
		if p == "" {
			continue
		}
		key, value, _ := strings.Cut(p, "=")
		if key == "days" {
			b.days(f, value, path)
			continue
		}
		n, err := strconv.Atoi(value)
		if key == "scale" {
			if f.kind != Int || err != nil || n < 1 || n > maxScale {
				b.fault(path, "scale belongs to integers and is a number from 1 to %d", maxScale)
				continue
			}
			f.scale = uint8(n)
			continue
		}
		switch {
		case key != "max":
			b.fault(path, "the tag's parameter %q is not known", key)
		case !slices.Contains([]Kind{Rows, Tags, String}, f.kind):
			b.fault(path, "max is of no use for a %s", f.kind)
		case err != nil || n < 1 || n > 1_000_000:
			b.fault(path, "max must be a number from 1 to 1000000, not %q", value)
		default:
			f.max = n
		}
	}
}

func (b *schemaBuilder) days(f *field, value, path string) {
	ages := map[string]aging{"since": since, "until": until, "yearly": yearly}[value]
	switch {
	case f.kind != Int || f.repr == reflect.Int8 || f.repr == reflect.Uint8:
		b.fault(path, "days is of no use for a %s", f.typ)
	case ages == still:
		b.fault(path, "days must be since, until or yearly, not %q", value)
	}
	f.ages = ages
	if f.unit == "" {
		f.unit = "days"
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
