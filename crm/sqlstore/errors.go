package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vefacrm/vefa/crm"
)

// errAgain asks Update to roll back and run the function once more: a profile
// that was not there when it was looked for was made by somebody else.
var errAgain = errors.New("sqlstore: somebody else was faster")

// retryable reports whether the database asks for the transaction to be run
// again: serialization failure, deadlock, lock not available, file locked. The
// drivers' errors are told by the methods that they have, not by their types.
func retryable(err error) bool {
	if errors.Is(err, errAgain) {
		return true
	}
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		switch state.SQLState() {
		case "40001", "40P01", "55P03":
			return true
		}
		return false
	}
	var code interface{ Code() int }
	if errors.As(err, &code) {
		switch code.Code() & 0xff {
		case 5, 6: // SQLITE_BUSY, SQLITE_LOCKED
			return true
		}
	}
	return false
}

// raced marks an error of an insert that did not expect its row as one to try
// again after: somebody else added it meanwhile.
func raced(o op, err error) error {
	var state interface{ SQLState() string }
	if (o == opAdd || o == opMerge || o == opTakeNew || o == opTakeOneNew) && errors.As(err, &state) && state.SQLState() == "23505" {
		return fmt.Errorf("%w: %w", errAgain, err)
	}
	return err
}

// wrap gives an error of the database the package's form. Errors that have it
// pass unchanged.
func wrap(op, entity string, err error) error {
	if err == nil {
		return nil
	}
	if e := (*crm.Error)(nil); errors.As(err, &e) {
		return err
	}
	out := &crm.Error{Op: op, Entity: entity, Err: err}
	switch {
	case missing(err):
		// Not ErrInvalid: that is said of a record, which an import then leaves out.
		out.Err = fmt.Errorf("%w: %w", ErrNotMigrated, err)
	case locked(err):
		out.Kind, out.Err = crm.ErrBusy, fmt.Errorf("%w; if it happens often, %w", err, ErrDSN)
	case retryable(err):
		out.Kind = crm.ErrBusy
	case refused(err):
		out.Kind = crm.ErrInvalid
	}
	return out
}

// refused reports whether the database refuses what it was given, not the
// statement or the moment: a value out of range, a constraint, a row or an index
// entry that is too large. A key that is taken is not among them: another writer
// was faster.
func refused(err error) bool {
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		switch s := state.SQLState(); {
		case s == "23505":
		case strings.HasPrefix(s, "22"), strings.HasPrefix(s, "23"), strings.HasPrefix(s, "54"):
			return true
		}
		return false
	}
	var code interface{ Code() int }
	if errors.As(err, &code) {
		switch c := code.Code(); c & 0xff {
		case 18, 20: // SQLITE_TOOBIG, SQLITE_MISMATCH
			return true
		case 19: // SQLITE_CONSTRAINT, save ..._PRIMARYKEY and ..._UNIQUE
			return c != 1555 && c != 2067
		}
	}
	return false
}

// ended makes an error tell that the context has ended. When it does, database/sql takes the
// transaction away from those who work in it, who are told anything ("statement is closed").
func ended(ctx context.Context, err error) error {
	cause := ctx.Err()
	if err == nil || cause == nil || errors.Is(err, cause) {
		return err
	}
	return fmt.Errorf("%w: %w", cause, err)
}

func conflict(op, entity, id string) error {
	return &crm.Error{Op: op, Entity: entity, ID: id, Kind: crm.ErrConflict}
}

// valid reports whether every database can hold the text.
func valid(s string) bool {
	return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0
}

// seek returns a key text to look for. One that no database could hold becomes
// one that no row has.
func seek(s string) string {
	if valid(s) {
		return s
	}
	return "\x01"
}

// clean returns s for a plain column, without what a database would refuse. The
// JSON beside it has the original.
func clean(s string) string {
	if valid(s) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "")
}

func micros(t time.Time) int64 { return t.UnixMicro() }

func fromMicros(n int64) time.Time {
	if t := time.UnixMicro(n).UTC(); !t.IsZero() {
		return t
	}
	return time.Time{}
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
