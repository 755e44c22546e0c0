package segment

import (
	"fmt"
)

// ParseError says where a text or JSON definition is wrong. In text it is where
// the offending word begins, in JSON where it ends.
type ParseError struct {
	Line   int // from 1
	Column int // from 1, in characters
	Msg    string
}

// Error returns line:column and what is wrong.
func (e *ParseError) Error() string {
	return fmt.Sprintf("segment: %d:%d: %s", e.Line, e.Column, e.Msg)
}

// LimitError says that a definition or an index is larger than its limits allow.
type LimitError struct {
	What string // "bytes", "depth", "nodes", "segments", "customers"
	// Limit is the most that is allowed.
	Limit int64
}

// Error names the limit and what there is too much of.
func (e *LimitError) Error() string {
	return fmt.Sprintf("segment: too large: more than %d %s", e.Limit, e.What)
}

// InvalidError says that a value handed to the package cannot be used, or not now: a time
// before the index's clock, a segment that refers to itself, a tag that is in use.
type InvalidError struct {
	Field string // what it is about: "customer", "tag", "k", "time", "segment"
	Msg   string // what is wrong, with the names that are involved
}

// Error names the field and what is wrong with it.
func (e *InvalidError) Error() string { return "segment: " + e.Field + ": " + e.Msg }

// UnknownError names something a definition or a question refers to and the
// index does not have.
type UnknownError struct {
	Kind string // "segment", "leaf", "tag", "customer"
	// Name is what was asked for.
	Name string
	In   string // the definition that refers to it; empty for a direct question
}

// Error names what is not there and, if a definition refers to it, which.
func (e *UnknownError) Error() string {
	if e.In != "" {
		return fmt.Sprintf("segment: %q: unknown %s %q", e.In, e.Kind, e.Name)
	}
	return fmt.Sprintf("segment: unknown %s %q", e.Kind, e.Name)
}
