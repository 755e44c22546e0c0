package dedup

import (
	"errors"
	"fmt"
)

// What can be wrong with a record, a model or a question; test with errors.Is.
var (
	ErrNoID        = errors.New("record has no id")
	ErrDuplicateID = errors.New("id occurs twice")
	ErrUnknownID   = errors.New("no record with this id")
	ErrFull        = errors.New("no room for more values")
	ErrModel       = errors.New("model does not fit")

	errLongID   = errors.New("id has more than 65,535 bytes")
	errValues   = errors.New("number of values differs from the schema's fields")
	errEntities = errors.New("dedup: entities do not fit together")
)

// RecordError says which record was refused; Row counts from 1 and is 0 for a question.
type RecordError struct {
	ID string // as given; may be empty, as that may be the fault
	// Row is the place in the batch or among the upserts, from 1; 0 for a question.
	Row int
	Err error // one of those above
}

// Error implements error.
func (e *RecordError) Error() string {
	if e.Row == 0 {
		return fmt.Sprintf("dedup: id %q: %v", e.ID, e.Err)
	}
	return fmt.Sprintf("dedup: row %d, id %q: %v", e.Row, e.ID, e.Err)
}

// Unwrap returns the cause.
func (e *RecordError) Unwrap() error { return e.Err }
