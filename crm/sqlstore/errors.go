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

// fault is what an error of a database means.
type fault uint8

const (
	noFault  fault = iota // nothing that is known
	again                 // the transaction is to be run again: serialization failure, deadlock, lock not available
	locked                // the same of a file that others have locked
	taken                 // the key is there already: another writer was faster
	refused               // what was given, not the statement or the moment: a value out of range, a constraint, a row or an index entry that is too large
	missing               // there is no such table, schema or column
	exists                // there is such a table already
	denied                // the role has no right to it
	unopened              // the DSN names no database, or a variable that the server does not have
)

// retryable reports whether the transaction is to be run again.
func (g *grammar) retryable(err error) bool {
	if errors.Is(err, errAgain) {
		return true
	}
	f := g.d.fault(err)
	return f == again || f == locked
}

// raced marks an error of an insert that did not expect its row as one to try
// again after: somebody else added it meanwhile.
func (g *grammar) raced(o op, err error) error {
	if (o == opAdd || o == opMerge || o == opTakeNew || o == opTakeOneNew) && err != nil && g.d.fault(err) == taken {
		return fmt.Errorf("%w: %w", errAgain, err)
	}
	return err
}

// wrap gives an error of the database the package's form. Errors that have it
// pass unchanged.
func (g *grammar) wrap(op, entity string, err error) error {
	if err == nil {
		return nil
	}
	if e := (*crm.Error)(nil); errors.As(err, &e) {
		return err
	}
	out := &crm.Error{Op: op, Entity: entity, Err: err}
	switch f := g.d.fault(err); {
	case f == missing:
		// Not ErrInvalid: that is said of a record, which an import then leaves out.
		out.Err = fmt.Errorf("%w: %w", ErrNotMigrated, err)
	case f == locked:
		out.Kind, out.Err = crm.ErrBusy, g.hinted(err)
	case f == unopened:
		out.Err = fmt.Errorf("%w: %s; %w", err, g.dsn, ErrDSN)
	case f == again, errors.Is(err, errAgain):
		out.Kind = crm.ErrBusy
	case f == refused:
		out.Kind = crm.ErrInvalid
	}
	return out
}

// hinted adds how the database is opened to the error of one that others had locked
// until the attempts were used up, if it does not say so yet.
func (g *grammar) hinted(err error) error {
	if err == nil || errors.Is(err, ErrDSN) || g.d.fault(err) != locked {
		return err
	}
	return fmt.Errorf("%w; a transaction of your own that is open is joined by Store.Join; if it happens otherwise, %s; %w", err, g.dsn, ErrDSN)
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
