package segment

import (
	"slices"
	"unicode"
	"unicode/utf8"
)

// Op is the operation of an Expr.
type Op uint8

// The operations. Everything is meant within the live population.
const (
	OpInvalid Op = iota // the zero Expr; refused everywhere
	OpTag               // customers that carry the tag Name
	OpLeaf              // customers for whom the outside leaf Name holds
	OpSegment           // customers that the definition of segment Name selects
	OpAll               // in all of Args; without Args everyone
	OpAny               // in any of Args; without Args nobody
	OpAtLeast           // in at least K of Args
	OpExcept            // in Args[0] and in none of the others
	OpXor               // in an odd number of Args
	OpNot               // everyone but Args[0]
)

// Expr is an expression of tag algebra. Build it with the functions of this
// package, with Parse, or from JSON; all three forms convert into each other
// without loss. An Expr is a value: do not change Args after sharing it.
type Expr struct {
	Op   Op
	Name string // OpTag, OpLeaf, OpSegment
	K    int    // OpAtLeast: 1 … len(Args)
	Args []Expr
}

// Tag selects the customers that carry the tag.
func Tag(name string) Expr { return Expr{Op: OpTag, Name: name} }

// Leaf selects the customers for whom a leaf supplied from outside holds; see
// Index.SetLeaf and Index.SetPredicate.
func Leaf(name string) Expr { return Expr{Op: OpLeaf, Name: name} }

// In selects what the definition of another segment selects. Polarity is not
// applied inside: it acts once, on the audience that is drawn.
func In(segment string) Expr { return Expr{Op: OpSegment, Name: segment} }

// All selects the customers that are in all of the operands.
func All(args ...Expr) Expr { return Expr{Op: OpAll, Args: args} }

// Any selects the customers that are in one or more of the operands.
func Any(args ...Expr) Expr { return Expr{Op: OpAny, Args: args} }

// AtLeast selects the customers that are in k or more of the operands.
func AtLeast(k int, args ...Expr) Expr { return Expr{Op: OpAtLeast, K: k, Args: args} }

// Without selects the customers that are in base and in none of the excluded.
func Without(base Expr, excluded ...Expr) Expr {
	return Expr{Op: OpExcept, Args: append([]Expr{base}, excluded...)}
}

// Odd selects the customers that are in an odd number of the operands; of
// two, those in exactly one.
func Odd(args ...Expr) Expr { return Expr{Op: OpXor, Args: args} }

// Not selects everyone in the live population who is not in the operand.
func Not(arg Expr) Expr { return Expr{Op: OpNot, Args: []Expr{arg}} }

// Everyone selects the live population.
func Everyone() Expr { return All() }

// Nobody selects no one.
func Nobody() Expr { return Any() }

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
	base := Everyone()
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

// Equal reports whether both expressions are the same, operand by operand.
func (e Expr) Equal(f Expr) bool {
	return e.Op == f.Op && e.Name == f.Name && e.K == f.K && slices.EqualFunc(e.Args, f.Args, Expr.Equal)
}

// Limits bound what is accepted as a definition. A zero field has the default.
type Limits struct {
	Bytes    int // of one text or JSON document; default 1 MiB
	Depth    int // levels of one expression, and of nested segments; default 100
	Nodes    int // operations and leaves of one document; default 10,000
	Segments int // definitions in one index; default 100,000
}

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

// Validate reports the first fault of an expression: a *LimitError or an
// *InvalidError. Parsed expressions are valid; built ones may not be.
func (e Expr) Validate(limits Limits) error {
	limits = limits.orDefault()
	nodes := 0
	return e.validate(limits, 1, &nodes)
}

func (e Expr) validate(limits Limits, depth int, nodes *int) error {
	if depth > limits.Depth {
		return &LimitError{What: "depth", Limit: int64(limits.Depth)}
	}
	if *nodes++; *nodes > limits.Nodes {
		return &LimitError{What: "nodes", Limit: int64(limits.Nodes)}
	}
	if err := e.checkShape(); err != nil {
		return err
	}
	for _, a := range e.Args {
		if err := a.validate(limits, depth+1, nodes); err != nil {
			return err
		}
	}
	return nil
}

func (e Expr) checkShape() error {
	switch e.Op {
	case OpTag, OpLeaf, OpSegment:
		if len(e.Args) != 0 || e.K != 0 {
			return &InvalidError{Field: e.Op.String(), Msg: "a leaf has a name only"}
		}
		return checkName(e.Op.String(), e.Name)
	case OpAll, OpAny:
	case OpXor:
		if len(e.Args) < 2 {
			return &InvalidError{Field: "xor", Msg: "needs two operands or more"}
		}
	case OpExcept:
		if len(e.Args) < 2 {
			return &InvalidError{Field: "except", Msg: "needs something to exclude"}
		}
	case OpNot:
		if len(e.Args) != 1 {
			return &InvalidError{Field: "not", Msg: "needs exactly one operand"}
		}
	case OpAtLeast:
		if e.K < 1 || e.K > len(e.Args) {
			return &InvalidError{Field: "at least", Msg: "the number must be from 1 to the number of operands"}
		}
	default:
		return &InvalidError{Field: "expression", Msg: "is empty"}
	}
	if e.Name != "" || e.K != 0 && e.Op != OpAtLeast {
		return &InvalidError{Field: e.Op.String(), Msg: "an operation has operands only"}
	}
	return nil
}

// maxName is the longest accepted name of a tag, leaf or segment, in bytes.
const maxName = 255

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
func (o Op) String() string {
	switch o {
	case OpTag:
		return "tag"
	case OpLeaf:
		return "leaf"
	case OpSegment:
		return "segment"
	case OpAll:
		return "and"
	case OpAny:
		return "or"
	case OpAtLeast:
		return "at least"
	case OpExcept:
		return "except"
	case OpXor:
		return "xor"
	case OpNot:
		return "not"
	default:
		return "invalid"
	}
}
