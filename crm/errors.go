package crm

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
)

// The kinds of errors. Match them with errors.Is.
var (
	ErrNotFound      = errors.New("not found")
	ErrExists        = errors.New("already exists")
	ErrConflict      = errors.New("changed by somebody else") // a stale Rev; Retry runs the transaction again
	ErrInvalid       = errors.New("invalid")
	ErrBusy          = errors.New("busy, try again")           // others are at the same records; nothing was written
	ErrStale         = errors.New("changed since it was read") // what the caller decided on is no longer so
	ErrExhausted     = errors.New("not enough left")           // of what a counter guards
	ErrPruned        = errors.New("pruned")                    // what was asked for is gone by Prune
	ErrUnimplemented = errors.New("not implemented by this store")
)

// Error is what the package's verbs return: what was tried on which record,
// the kind (one of the sentinels above) and the cause, if there is one.
type Error struct {
	Op     string // the verb, such as "put order"
	Entity string // "profile", "order", …
	ID     string // the record's key; never a name or an address
	Kind   error
	Err    error
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("crm: ")
	b.WriteString(e.Op)
	if e.Entity != "" {
		b.WriteString(" " + e.Entity)
	}
	if e.ID != "" {
		fmt.Fprintf(&b, " %q", e.ID)
	}
	if e.Kind != nil {
		b.WriteString(": " + e.Kind.Error())
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap makes errors.Is work on the kind and errors.As on the cause.
func (e *Error) Unwrap() []error {
	var errs []error
	if e.Kind != nil {
		errs = append(errs, e.Kind)
	}
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	return errs
}

// PanicError is a panic of a function that the host gave, as an error.
type PanicError struct {
	Value any    // what was given to panic
	Stack []byte // of the goroutine that panicked, for a log
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the value where it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Recover turns a panic into an Error that wraps a PanicError. Defer it around
// functions that the host gave: defer crm.Recover("send", &err). Without a panic
// it does nothing.
func Recover(op string, err *error) {
	if v := recover(); v != nil {
		*err = Panicked(op, v)
	}
}

// Panicked returns the error for what recover returned, for deferred functions
// that have more to do than Recover.
func Panicked(op string, value any) error {
	return &Error{Op: op, Err: &PanicError{Value: value, Stack: debug.Stack()}}
}

// FieldError is one fault of one field of an input.
type FieldError struct {
	Field string // path of the field, such as "lines[2].amount"
	Msg   string
}

func (e *FieldError) Error() string { return e.Field + " " + e.Msg }

func fieldError(field, msg string) error { return &FieldError{Field: field, Msg: msg} }

// invalid wraps every fault of one record, or returns nil when there is none.
func invalid(op, entity, id string, faults ...error) error {
	err := errors.Join(faults...)
	if err == nil {
		return nil
	}
	return &Error{Op: op, Entity: entity, ID: id, Kind: ErrInvalid, Err: err}
}
