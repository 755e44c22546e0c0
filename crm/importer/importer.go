package importer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// Options say how a delivery is read. The zero value reads what its mapping.yaml maps.
type Options struct {
	// Mapping is the text of a mapping, which is then not looked for in the folder; its
	// faults are those of a file mapping.yaml. "": the folder has one.
	Mapping string
}

// Data is what a delivery holds. It is in memory, never changes and may be used
// by any number of goroutines.
type Data struct {
	timeline timeline
	places   []*crm.Place
	rejected []RowError
	warnings []RowError
	rows     int
	zone     *time.Location
	brands   []string
}

// Open reads the files that a mapping names, such as those of os.DirFS("exports"), or of
// os.OpenRoot where others write into the folder, whose links then lead nowhere. Rows that
// cannot be used are left out and listed by [Data.Rejected]. An error is returned only
// where a file as a whole cannot be understood (no mapping or a faulty one, a missing file,
// another encoding, delimiter or header than declared): it joins a [RowError] for each such
// fault. Where ctx is done its error is returned.
func Open(ctx context.Context, files fs.FS, opt Options) (*Data, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("importer: %w", err)
	}
	l := newLoader(ctx, files)
	if err := l.csv(opt); err != nil {
		return nil, fmt.Errorf("importer: %w", err)
	}
	data := l.finish()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("importer: %w", err)
	}
	return data, nil
}

// Faults returns the [RowError]s that an error of Open joins.
func Faults(err error) []RowError {
	var row RowError
	var many interface{ Unwrap() []error }
	switch {
	case err == nil:
		return nil
	case errors.As(err, &many):
		var out []RowError
		for _, e := range many.Unwrap() {
			out = append(out, Faults(e)...)
		}
		return out
	case errors.As(err, &row):
		return []RowError{row}
	}
	return nil
}

// Places returns the tree of locations, parents before children: those that the
// data declares, and a shop without a parent for each other one that it names.
// Each call returns new values.
func (d *Data) Places() []*crm.Place {
	out := make([]*crm.Place, len(d.places))
	for i, p := range d.places {
		q := *p
		out[i] = &q
	}
	return out
}

// Span returns when the first and the last dated record became known, in UTC;
// zero times where no record has a date.
func (d *Data) Span() (first, last time.Time) { return d.timeline.span() }

// Source returns the records that became known after one time and not after another, in
// batches of 1,000, profiles mostly before what hangs on them; each batch belongs to the
// receiver. It is a Source of an evening:
//
//	data.Source(time.Time{}, time.Time{})      // all of it, as for a full export each night
//	data.Source(yesterday, today)              // what came since, as for a replay
//
// A zero until is the end of the data. With a zero after each profile and fact comes once,
// as it was in the end; else a record that has a course, such as an order that is delivered
// days later, comes once for each of its states. A context that is done ends it with its
// error.
func (d *Data) Source(after, until time.Time) func(context.Context) iter.Seq2[crm.Batch, error] {
	t, start, end := d.timeline, 0, len(d.timeline)
	if !after.IsZero() {
		start = t.upTo(after.UnixMicro())
	}
	if !until.IsZero() {
		end = t.upTo(until.UnixMicro())
	}
	return func(ctx context.Context) iter.Seq2[crm.Batch, error] {
		return func(yield func(crm.Batch, error) bool) {
			var b crm.Batch
			for i := start; i < end; i++ {
				if next := int(t[i].next); after.IsZero() && next >= 0 && next < end {
					continue
				}
				t[i].addTo(&b)
				if b.Len() < batchSize {
					continue
				}
				if err := ctx.Err(); err != nil {
					yield(crm.Batch{}, err)
					return
				}
				if !yield(b, nil) {
					return
				}
				b = crm.Batch{}
			}
			if err := ctx.Err(); err != nil {
				yield(crm.Batch{}, err)
			} else if b.Len() > 0 {
				yield(b, nil)
			}
		}
	}
}

// batchSize is the number of records in a batch.
const batchSize = 1000

// Zone returns the zone of the retailer's head office, which evenings may be
// counted in.
func (d *Data) Zone() *time.Location { return d.zone }

// Brands returns the brands that consents were given to, sorted; a consent
// without one is to the brand "".
func (d *Data) Brands() []string { return slices.Clone(d.brands) }

// Rows returns the number of rows read, headers and blank lines left out,
// rejected rows counted in. A file that is read as several kinds counts once.
func (d *Data) Rows() int { return d.rows }

// Rejected returns one error for every row that was left out, in the order in
// which they were met. Of a file that is read as several kinds a row may be left
// out as one and not as the other.
func (d *Data) Rejected() []RowError { return slices.Clone(d.rejected) }

// Warnings returns what is odd about rows that were loaded: a contact that is
// none and was dropped, a text that is a formula to a spreadsheet, a reference
// to a profile that no file has.
func (d *Data) Warnings() []RowError { return slices.Clone(d.warnings) }
