package rules

import "github.com/vefacrm/vefa/rules/internal/ir"

// Kind is the kind of value that a field holds, as rules see it. Its String is
// the word that messages use: "int", "string", "rows".
type Kind = ir.Kind

// The kinds of values that facts have.
const (
	Bool   = ir.Bool
	Int    = ir.Int    // every Go integer, held as int64
	Float  = ir.Float  // float32 and float64
	String = ir.String // string, or a type that is one
	Time   = ir.Time   // time.Time; the zero time is null
	Tags   = ir.Tags   // TagSet or []string
	Rows   = ir.Rows   // a slice of structs
)
