package segment

import (
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/vefacrm/vefa/internal/fold"
)

// operation is the operation of an Expr.
type operation uint8

// The operations. Everything is meant within the live population.
const (
	isInvalid operation = iota // the zero Expr; refused everywhere
	isTag                      // customers that carry the tag Name
	isLeaf                     // customers for whom the outside leaf Name holds
	isSegment                  // customers that the definition of segment Name selects
	isAll                      // in all of Args; without Args everyone
	isAny                      // in any of Args; without Args no customer
	isAtLeast                  // in at least K of Args
	isExcept                   // in Args[0] and in none of the others
	isXor                      // in an odd number of Args
	isNot                      // everyone but Args[0]
)

// Expr is an expression of tag algebra. Build it with the functions of this
// package, with Parse, or from JSON; all three forms convert into each other
// without loss. An Expr is a value: do not change Args after sharing it.
type Expr struct {
	op   operation
	name string // isTag, isLeaf, isSegment
	k    int    // isAtLeast: 1 … len(Args)
	args []Expr
}

// Tag selects the customers that carry the tag.
func Tag(name string) Expr { return Expr{op: isTag, name: fold.Compose(name)} }

// Leaf selects the customers for whom a leaf supplied from outside holds; see
// Index.SetLeaf and Index.SetPredicate.
func Leaf(name string) Expr { return Expr{op: isLeaf, name: fold.Compose(name)} }

// In selects what the definition of another segment selects. Polarity is not
// applied inside: it acts once, on the audience that is drawn.
func In(segment string) Expr { return Expr{op: isSegment, name: fold.Compose(segment)} }

// All selects the customers that are in all of the operands, without operands the whole
// live population.
func All(args ...Expr) Expr { return Expr{op: isAll, args: args} }

// Any selects the customers that are in one or more of the operands, without operands
// nobody.
func Any(args ...Expr) Expr { return Expr{op: isAny, args: args} }

// AtLeast selects the customers that are in k or more of the operands.
func AtLeast(k int, args ...Expr) Expr { return Expr{op: isAtLeast, k: k, args: args} }

// Without selects the customers that are in base and in none of the excluded.
func Without(base Expr, excluded ...Expr) Expr {
	return Expr{op: isExcept, args: append([]Expr{base}, excluded...)}
}

// Odd selects the customers that are in an odd number of the operands; of
// two, those in exactly one.
func Odd(args ...Expr) Expr { return Expr{op: isXor, args: args} }

// Not selects everyone in the live population who is not in the operand.
func Not(arg Expr) Expr { return Expr{op: isNot, args: []Expr{arg}} }

// Marked builds the audience of a tri-state tag panel: green tags include (any
// of them; everyone if there is none), red tags exclude, neutral tags are
// ignored. Tags are taken in sorted order.
func Marked(marks map[string]Polarity) Expr {
	var green, red []Expr
	names := make([]string, 0, len(marks))
	for name := range marks {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		switch marks[name] {
		case Green:
			green = append(green, Tag(name))
		case Red:
			red = append(red, Tag(name))
		}
	}
	base := All()
	switch len(green) {
	case 0:
	case 1:
		base = green[0]
	default:
		base = Any(green...)
	}
	if len(red) == 0 {
		return base
	}
	return Without(base, red...)
}

// equal reports whether both expressions are the same, operand by operand.
func (e Expr) equal(f Expr) bool {
	return e.op == f.op && e.name == f.name && e.k == f.k && slices.EqualFunc(e.args, f.args, Expr.equal)
}

// Limits bound what is accepted as a definition. A zero field has the default.
type Limits struct {
	Bytes    int // of one text or JSON document; default 1 MiB
	Depth    int // levels of one expression, and of nested segments; default 100
	Nodes    int // operations and leaves of one document; default 10,000
	Segments int // definitions in one index; default 100,000
}

// orDefault fills fields that are zero or below.
func (l Limits) orDefault() Limits {
	set := func(v *int, def int) {
		if *v <= 0 {
			*v = def
		}
	}
	set(&l.Bytes, 1<<20)
	set(&l.Depth, 100)
	set(&l.Nodes, 10_000)
	set(&l.Segments, 100_000)
	return l
}

// validate reports the first fault of an expression: a *LimitError or an
// *InvalidError. Parsed expressions are valid; built ones may not be.
func (e Expr) validate(limits Limits) error {
	limits = limits.orDefault()
	nodes := 0
	return e.check(limits, 1, &nodes)
}

// check counts nodes and depth on the way down, so that a hostile expression is refused
// before anything walks it without bounds.
func (e Expr) check(limits Limits, depth int, nodes *int) error {
	if depth > limits.Depth {
		return &LimitError{What: "depth", Limit: int64(limits.Depth)}
	}
	if *nodes++; *nodes > limits.Nodes {
		return &LimitError{What: "nodes", Limit: int64(limits.Nodes)}
	}
	if err := e.checkShape(); err != nil {
		return err
	}
	for _, a := range e.args {
		if err := a.check(limits, depth+1, nodes); err != nil {
			return err
		}
	}
	return nil
}

// checkShape checks one node: its name, and how many operands it has.
func (e Expr) checkShape() error {
	switch e.op {
	case isTag, isLeaf, isSegment:
		if len(e.args) != 0 || e.k != 0 {
			return &InvalidError{Field: e.op.String(), Msg: "a leaf has a name only"}
		}
		return checkName(e.op.String(), e.name)
	case isAll, isAny:
	case isXor:
		if len(e.args) < 2 {
			return &InvalidError{Field: "xor", Msg: "needs two operands or more"}
		}
	case isExcept:
		if len(e.args) < 2 {
			return &InvalidError{Field: "except", Msg: "needs something to exclude"}
		}
	case isNot:
		if len(e.args) != 1 {
			return &InvalidError{Field: "not", Msg: "needs exactly one operand"}
		}
	case isAtLeast:
		if e.k < 1 || e.k > len(e.args) {
			return &InvalidError{Field: "at least", Msg: "the number must be from 1 to the number of operands"}
		}
	default:
		return &InvalidError{Field: "expression", Msg: "is empty"}
	}
	if e.name != "" || e.k != 0 && e.op != isAtLeast {
		return &InvalidError{Field: e.op.String(), Msg: "an operation has operands only"}
	}
	return nil
}

// maxName is the longest accepted name of a tag, leaf or segment, in bytes.
const maxName = 255

// checkName refuses names that no text or file could hold: empty, longer than 255 bytes,
// not UTF-8, with control characters.
func checkName(field, name string) error {
	switch {
	case name == "":
		return &InvalidError{Field: field, Msg: "the name is empty"}
	case len(name) > maxName:
		return &InvalidError{Field: field, Msg: "the name is longer than 255 bytes"}
	case !utf8.ValidString(name):
		return &InvalidError{Field: field, Msg: "the name is not valid UTF-8"}
	}
	for _, r := range name {
		if unicode.IsControl(r) {
			return &InvalidError{Field: field, Msg: "the name has a control character"}
		}
	}
	return nil
}

// String returns the word of the operation in the text syntax.
func (o operation) String() string {
	switch o {
	case isTag:
		return "tag"
	case isLeaf:
		return "leaf"
	case isSegment:
		return "segment"
	case isAll:
		return "and"
	case isAny:
		return "or"
	case isAtLeast:
		return "at least"
	case isExcept:
		return "except"
	case isXor:
		return "xor"
	case isNot:
		return "not"
	default:
		return "invalid"
	}
}
