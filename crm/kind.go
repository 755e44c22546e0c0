package crm

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vefacrm/vefa/internal/rowjson"
)

// Kind describes a kind of fact: everything that a store and a Service must know
// about it. The library's own kinds are described in the same way as a host's or
// an engine's, which are given to the store, to Config.Kinds and to the suite of
// crm/storetest.
//
// A fact of a kind that is not described has its content as Custom: it may hang on
// anything, is kept in the common table and is found by its subject alone.
type Kind struct {
	// Name is the kind of the facts' keys. A name of the library's own is refused.
	Name FactKind
	// New returns an empty content: a pointer to a struct that encoding/json
	// writes and reads back unchanged, of a type that no other kind has.
	New func() FactData
	// Example returns a content with every field set, which Validate accepts. The
	// suites use it.
	Example func() FactData
	// Subject says what a fact of the kind may hang on; at least one.
	Subject SubjectKinds
	// Unique says that a fact of the kind exists once in the world, under its key:
	// the newest version decides what it hangs on, and other facts may hang on it.
	// Without it the same key under another subject is another fact.
	Unique bool
	// Known says that people enter such facts: Service.Record refuses one about a
	// profile or a record that is not there, with ErrNotFound.
	Known bool
	// Table names the table that sqlstore keeps the kind in, which has Columns
	// besides those of every fact; sqlstore.Config.Migrations makes it. Empty:
	// the common table of facts, without Columns. Small letters, digits and _.
	Table   string
	Columns []Column
	// Index calls add with each key by which a fact is looked up, see Query.Index.
	// Of what has one key the larger order comes later; 0 where there is none. It
	// must give the same for the same fact. Only a Unique kind may have one.
	Index func(f *Fact, add func(kind RefKind, key string, order int64))
	// Names calls add with a number of the fact and a profile whose surname people
	// give with the number's last three digits, see Query.Suffix. Only a Unique
	// kind may have it.
	Names func(f *Fact, add func(number string, who ProfileKey))
	// Moment returns the time of the fact in its customer's timeline, and whether
	// it is there at all. Nil: Fact.At, and it is.
	Moment func(*Fact) (time.Time, bool)
	// Digest returns what the fact has in a Digest besides its subject and key.
	// Nil: place, time, version and content.
	Digest func(*Fact) []string

	kernel bool // written by the kernel alone
	ledger bool // entries about an address, of which AddressState is the fold
	folded bool // in a digest as what the facts come to
	hosts  bool // described outside of this package

	typ   reflect.Type
	shape *shape
}

// SubjectKinds is a set of what facts may hang on.
type SubjectKinds uint8

// What facts may hang on.
const (
	OnProfile SubjectKinds = 1 << iota
	OnAddress
	OnRecord // a fact of a Unique kind
)

var subjectNames = [...]string{"a profile", "an address", "a record"}

// text names the members of the set: "a profile or an address".
func (s SubjectKinds) text() string {
	var names []string
	for i, n := range subjectNames {
		if s&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return strings.Join(names, " or ")
}

// Column is a column of a kind's table, by which hosts query it; the library reads
// the content instead. ColumnOf makes one.
type Column struct {
	Name string     // small letters, digits and _
	Type ColumnType // which of the two functions below is set
	Text func(FactData) string
	Int  func(FactData) int64
}

// ColumnType is the type of a column.
type ColumnType uint8

// The types of columns.
const (
	TextType ColumnType = iota + 1
	IntType             // 64 bits, signed
	BoolType            // 0 or 1, 16 bits
	TimeType            // microseconds since 1970; -62135596800000000 for the zero time
)

// ColumnOf returns a column with what value reads from a content of the kind's type.
func ColumnOf[T FactData, V string | int64 | bool | time.Time](name string, value func(T) V) Column {
	c := Column{Name: name}
	switch value := any(value).(type) {
	case func(T) string:
		c.Type, c.Text = TextType, func(d FactData) string { return value(d.(T)) }
	case func(T) int64:
		c.Type, c.Int = IntType, func(d FactData) int64 { return value(d.(T)) }
	case func(T) bool:
		c.Type, c.Int = BoolType, func(d FactData) int64 {
			if value(d.(T)) {
				return 1
			}
			return 0
		}
	case func(T) time.Time:
		c.Type, c.Int = TimeType, func(d FactData) int64 { return value(d.(T)).UnixMicro() }
	}
	return c
}

// Kinds is a set of described kinds. It does not change and is safe for concurrent
// use.
type Kinds struct {
	all   []*Kind // sorted by name
	slots [64][]*Kind
}

// slot is where a kind of the name is: a look at a few letters, because every fact of
// an import is looked up often.
func slot(name FactKind) int {
	n := len(name)
	if n == 0 {
		return 0
	}
	return (n*7 + int(name[0])*3 + int(name[n/2])) & 63
}

// builtIn is made at its first use, because it reflects on every type.
var builtIn = sync.OnceValue(func() *Kinds {
	return newKinds([]Kind{
		orderKind(), visitKind(), ticketKind(), answerKind(), clickKind(), interactionKind(), noteKind(), tagKind(),
		consentKind(), suppressionKind(), holdKind(),
	})
})

// BuiltIn returns the library's own kinds.
func BuiltIn() *Kinds { return builtIn() }

// newKinds indexes kinds that are known to be good.
func newKinds(list []Kind) *Kinds {
	s := new(Kinds)
	for i := range list {
		k := list[i]
		k.typ = reflect.TypeOf(k.New())
		k.shape = shapeOf(k.typ.Elem())
		s.all = append(s.all, &k)
		n := slot(k.Name)
		s.slots[n] = append(s.slots[n], &k)
	}
	slices.SortFunc(s.all, func(a, b *Kind) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return s
}

// NewKinds returns the library's own kinds and the given ones, or ErrInvalid with
// every fault of these.
func NewKinds(more ...Kind) (*Kinds, error) {
	if len(more) == 0 {
		return BuiltIn(), nil
	}
	list := make([]Kind, 0, len(builtIn().all)+len(more))
	types, tables := map[reflect.Type]FactKind{}, map[string]FactKind{}
	for _, k := range builtIn().all {
		list = append(list, *k)
		types[k.typ], tables[k.Table] = k.Name, k.Name
	}
	delete(tables, "")
	var faults []error
	for i := range more {
		k := more[i]
		k.kernel, k.ledger, k.folded, k.hosts = false, false, false, true
		if err := k.check(); err != nil {
			faults = append(faults, within("kinds", i, err))
			continue
		}
		if slices.ContainsFunc(list, func(o Kind) bool { return o.Name == k.Name }) {
			faults = append(faults, within("kinds", i, fieldError("name", fmt.Sprintf("%q is there already", k.Name))))
		}
		if typ := reflect.TypeOf(k.New()); types[typ] != "" {
			faults = append(faults, within("kinds", i, fieldError("new", fmt.Sprintf("returns the type of kind %q", types[typ]))))
		} else {
			types[typ] = k.Name
		}
		if of, taken := tables[k.Table]; taken && k.Table != "" {
			faults = append(faults, within("kinds", i, fieldError("table", fmt.Sprintf("is that of kind %q", of))))
		}
		tables[k.Table] = k.Name
		list = append(list, k)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, &Error{Op: "configure", Entity: "kinds", Kind: ErrInvalid, Err: err}
	}
	return newKinds(list), nil
}

// check reports every fault of a description.
func (k *Kind) check() (err error) {
	defer Recover("describe "+string(k.Name), &err)
	if err := checkKeyText("name", string(k.Name), false); err != nil {
		return err
	}
	var faults []error
	fault := func(field, msg string) {
		faults = append(faults, fieldError(field, fmt.Sprintf("of kind %q %s", k.Name, msg)))
	}
	if k.Subject == 0 || k.Subject.text() == "" {
		fault("subject", "says nothing that its facts may hang on")
	}
	if (k.Index != nil || k.Names != nil) && !k.Unique {
		fault("index", "needs a kind whose facts exist once: set Unique")
	}
	if k.Table == "" && len(k.Columns) > 0 {
		fault("columns", "needs a table: set Table")
	}
	if k.Table != "" && !isLower(k.Table) {
		fault("table", "may have small letters, digits and _ only, and at most 48 of them")
	}
	if k.New == nil || k.Example == nil {
		fault("new", "and example must be set")
		return errors.Join(faults...)
	}
	empty, example := k.New(), k.Example()
	typ := reflect.TypeOf(empty)
	switch {
	case typ == nil || typ.Kind() != reflect.Pointer || typ.Elem().Kind() != reflect.Struct || reflect.ValueOf(empty).IsNil():
		fault("new", "must return a pointer to a struct")
	case reflect.TypeOf(example) != typ:
		fault("example", fmt.Sprintf("is a %T, not a %T", example, empty))
	case reflect.ValueOf(example).IsNil():
		fault("example", "is nil")
	default:
		if err := example.Validate(); err != nil {
			fault("example", "is not valid: "+err.Error())
			break
		}
		seen := map[string]bool{}
		for _, c := range k.Columns {
			if !isLower(c.Name) || seen[c.Name] || slices.Contains(factColumns, c.Name) {
				fault("columns", fmt.Sprintf("has no usable name %q", c.Name))
			}
			seen[c.Name] = true
			switch {
			case c.Type == TextType && c.Text != nil:
				c.Text(example)
			case c.Type > TextType && c.Type <= TimeType && c.Int != nil:
				c.Int(example)
			default:
				fault("columns", fmt.Sprintf("has a column %q that ColumnOf did not make", c.Name))
			}
		}
	}
	return errors.Join(faults...)
}

// factColumns are the columns that the table of every kind has.
var factColumns = []string{"part", "tenant", "subject_kind", "subject_a", "subject_b", "kind", "source", "id", "at", "version", "hash", "recorded", "place", "data"}

// isLower reports whether a text can be a name in a database.
func isLower(s string) bool {
	return s != "" && len(s) <= 48 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// Of returns the description of a kind, or nil where it has none.
func (s *Kinds) Of(name FactKind) *Kind {
	for _, k := range s.slots[slot(name)] {
		if k.Name == name {
			return k
		}
	}
	return nil
}

// All returns the descriptions, sorted by name.
func (s *Kinds) All() []*Kind { return slices.Clone(s.all) }

// names returns the kinds for which keep is true.
func (s *Kinds) names(keep func(*Kind) bool) []FactKind {
	var out []FactKind
	for _, k := range s.all {
		if keep(k) {
			out = append(out, k.Name)
		}
	}
	return out
}

// unique reports whether a fact of the kind exists once in the world, so that a
// later version may hang on another subject.
func (s *Kinds) unique(name FactKind) bool {
	k := s.Of(name)
	return k != nil && k.Unique
}

// OfData returns the kind whose facts have contents of the type of d, or nil for a Custom
// and for a type that no kind has.
func (s *Kinds) OfData(d FactData) *Kind {
	typ := reflect.TypeOf(d)
	for _, k := range s.all {
		if k.typ == typ {
			return k
		}
	}
	return nil
}

// Decode is the inverse of EncodeFactData. Of a kind without a description it
// returns a Custom.
func (s *Kinds) Decode(kind FactKind, data []byte) (FactData, error) {
	k := s.Of(kind)
	if k == nil {
		return &Custom{slices.Clone(data)}, nil
	}
	d := k.New()
	if rowjson.Read(data, d) {
		return d, nil
	}
	d = k.New() // without what was read of it
	if err := json.Unmarshal(data, d); err != nil {
		return nil, &Error{Op: "decode", Entity: string(kind), Kind: ErrInvalid, Err: err}
	}
	return d, nil
}

// Validate reports every fault of a fact. A fact without one can be imported.
func (s *Kinds) Validate(f *Fact) error {
	faults := append(make([]error, 0, 8), // stays on the stack
		f.Subject.Validate(),
		checkKeyText("kind", string(f.Key.Kind), false),
		checkKeyText("source", f.Key.Source, false),
		checkKeyText("id", f.Key.ID, false),
		checkKeyText("place", f.Place, true),
	)
	if Micros(f.At).IsZero() {
		faults = append(faults, fieldError("at", "must be set"))
	}
	faults = append(faults, checkTime("at", f.At))
	if f.Version > MaxVersion {
		faults = append(faults, fieldError("version", fmt.Sprintf("is above %d", MaxVersion)))
	}
	k := s.Of(f.Key.Kind)
	typ := customType
	if k != nil {
		typ = k.typ
	}
	switch {
	case f.Data == nil:
		faults = append(faults, fieldError("data", "must be set"))
	case reflect.TypeOf(f.Data) != typ:
		faults = append(faults, s.wrongType(f, typ))
	case reflect.ValueOf(f.Data).IsNil():
		faults = append(faults, fieldError("data", "must be set"))
	case k != nil && k.hosts:
		faults = append(faults, k.try(f))
	default:
		faults = append(faults, f.Data.Validate())
	}
	if f.Data != nil && reflect.TypeOf(f.Data) == typ {
		if k != nil && k.Subject&f.Subject.kind() == 0 {
			faults = append(faults, fieldError("subject", "must be "+k.Subject.text()))
		}
		if f.Subject.Record != "" {
			if on := f.Subject.recordKey(); !s.unique(on.Kind) || on == f.Key {
				faults = append(faults, fieldError("subject", fmt.Sprintf("must be another fact that exists once in the world, not %s", on)))
			}
		}
	}
	return errors.Join(faults...)
}

// try calls all functions of a host's kind on a fact: one that panics is the fault of
// this record, and stops no other of its batch.
func (k *Kind) try(f *Fact) (err error) {
	defer Recover("describe "+string(k.Name), &err)
	if err := f.Data.Validate(); err != nil {
		return err
	}
	for _, c := range k.Columns {
		if c.Text != nil {
			c.Text(f.Data)
		} else {
			c.Int(f.Data)
		}
	}
	if k.Index != nil {
		k.Index(f, func(RefKind, string, int64) {})
	}
	if k.Names != nil {
		k.Names(f, func(string, ProfileKey) {})
	}
	if k.Moment != nil {
		k.Moment(f)
	}
	if k.Digest != nil {
		k.Digest(f)
	}
	_, err = EncodeFactData(f.Data)
	return err
}

var customType = reflect.TypeFor[*Custom]()

// wrongType says of a content why it is not what its key asks for.
func (s *Kinds) wrongType(f *Fact, want reflect.Type) error {
	if k := s.OfData(f.Data); k != nil {
		return fieldError("data", fmt.Sprintf("is of kind %q, the key says %q", k.Name, f.Key.Kind))
	}
	if want == customType {
		return fieldError("data", fmt.Sprintf("is a %T, and kind %q is not described: give its crm.Kind to the store and to Config.Kinds", f.Data, f.Key.Kind))
	}
	return fieldError("data", fmt.Sprintf("is a %T, must have the type that kind %q has: %s", f.Data, f.Key.Kind, want))
}
