package ir

import (
	"reflect"
	"strconv"
)

// Layout is what facts look like in memory.
type Layout struct {
	Root *RowType
	Tags *TagNames
	Base *RowType // of facts that fields were added to: the struct alone; else nil
	Mark uintptr  // of them: where their Owner is
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
	Day         // a calendar day: date("2025-01-01"), today()
	List        // a constant list
	Null        // nil
)

// String returns the word that messages use.
func (k Kind) String() string {
	names := [...]string{"nothing", "bool", "int", "float", "string", "time", "tags", "rows", "date", "list", "nil"}
	if int(k) < len(names) {
		return names[k]
	}
	return "Kind(" + strconv.Itoa(int(k)) + ")"
}

// RowType is a struct: the facts themselves or a child row.
type RowType struct {
	Fields map[string]*Field
	Order  []*Field
	Size   uintptr
	Typ    reflect.Type
}

// Names returns the names of the fields in the order of the struct.
func (t *RowType) Names() []string {
	names := make([]string, len(t.Order))
	for i, f := range t.Order {
		names[i] = f.Name
	}
	return names
}

// Field is one readable field of a rowType.
type Field struct {
	Name     string
	Scale    uint8 // of Int
	Kind     Kind
	Doc      string
	Unit     string
	Max      int
	Nullable bool
	Pointer  bool         // a pointer to the value
	Valid    uintptr      // of a Maybe: how far behind the value its OK stands; else 0
	Repr     reflect.Kind // of the value itself
	Interned bool         // a TagSet, not a []string
	Offset   uintptr
	Pos      int          // in the order of its rowType
	Typ      reflect.Type // of the Go field
	Ages     Aging
	Names    bool     // of Tags: no tags, which rules set, but other names
	Row      *RowType // of Rows
}

// Ages reports whether a struct or any of its rows changes with the days.
func (t *RowType) Ages() bool {
	for _, f := range t.Order {
		if f.Ages != Still || f.Row != nil && f.Row.Ages() {
			return true
		}
	}
	return false
}

// Aging says what the passing of a day does to an integer that counts days.
type Aging uint8

const (
	Still  Aging = iota
	Since        // one more every day
	Until        // one less every day
	Yearly       // one less every day, after 0 comes 364
)
