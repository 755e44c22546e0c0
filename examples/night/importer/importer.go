package importer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// The formats that Open reads.
const (
	CSV            = "csv"
	AdventureWorks = "adventureworks"
)

// Data is what a folder holds. It is in memory, never changes and may be used
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

// Open reads a whole folder; format is CSV or AdventureWorks. Rows that cannot
// be used are left out and listed by [Data.Rejected]. An error is returned only
// where a file as a whole cannot be understood (no mapping.yaml or a faulty
// one, a missing file, another encoding, delimiter or header than declared): it
// joins a [RowError] for each such fault. Where ctx is done its error is returned.
func Open(ctx context.Context, format, dir string) (*Data, error) {
	read := map[string]func(*loader) error{CSV: (*loader).csv, AdventureWorks: (*loader).adventureWorks}[format]
	if read == nil {
		return nil, fmt.Errorf("importer: format %s is not known%s", quote(format), didYouMean(format, []string{CSV, AdventureWorks}))
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("importer: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("importer: %w", err)
	}
	defer root.Close()
	l := newLoader(ctx, root)
	if err := read(l); err != nil {
		return nil, fmt.Errorf("importer: %s: %w", dir, err)
	}
	return l.finish(), nil
}

// Faults returns the [RowError]s that an error of Open or ParseMapping joins.
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
