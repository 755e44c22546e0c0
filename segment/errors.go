package segment

import (
	"fmt"
	"strings"
	"time"
)

// ParseError says where a text or JSON definition is wrong. In text it is where
// the offending word begins, in JSON where it ends.
type ParseError struct {
	Line   int // from 1
	Column int // from 1, in characters
	Msg    string
}

func (e *ParseError) Error() string {
	return fmt.Sprintf("segment: %d:%d: %s", e.Line, e.Column, e.Msg)
}

// LimitError says that a definition or an index is larger than its limits allow.
type LimitError struct {
	What  string // "bytes", "depth", "nodes", "segments", "customers"
	Limit int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("segment: too large: more than %d %s", e.Limit, e.What)
}

// InvalidError says that a value handed to the package cannot be used.
type InvalidError struct {
	Field string // e.g. "customer", "tag", "k"
	Msg   string
}

func (e *InvalidError) Error() string { return "segment: " + e.Field + ": " + e.Msg }

// UnknownError names something a definition or a question refers to and the
// index does not have.
type UnknownError struct {
	Kind string // "segment", "leaf", "tag", "customer"
	Name string
	In   string // the definition that refers to it; empty for a direct question
}

func (e *UnknownError) Error() string {
	if e.In != "" {
		return fmt.Sprintf("segment: %q: unknown %s %q", e.In, e.Kind, e.Name)
	}
	return fmt.Sprintf("segment: unknown %s %q", e.Kind, e.Name)
}

// CycleError says that segments refer to each other in a circle.
type CycleError struct {
	Path []string // begins and ends with the same segment
}

func (e *CycleError) Error() string {
	return "segment: definitions form a cycle: " + strings.Join(e.Path, " -> ")
}

// InUseError says that a segment cannot be removed while others refer to it.
type InUseError struct {
	Name string
	By   []string // direct users, sorted
}

func (e *InUseError) Error() string {
	return fmt.Sprintf("segment: %q is used by %s", e.Name, strings.Join(e.By, ", "))
}

// ClockError says that a change is dated before one the index already has.
type ClockError struct {
	At, Clock time.Time
}

func (e *ClockError) Error() string {
	return fmt.Sprintf("segment: change at %s is before the index's clock %s",
		e.At.Format(time.RFC3339), e.Clock.Format(time.RFC3339))
}
