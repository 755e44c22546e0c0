package main

import (
	"context"
	"fmt"
	"iter"
	"os"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/importer"
	"github.com/vefacrm/vefa/examples/internal/terminal"
	"github.com/vefacrm/vefa/examples/night/world"
)

// source is where customers come from: the simulated world or a folder.
type source interface {
	Places() []*crm.Place
	History(ctx context.Context) iter.Seq[crm.Batch]
	Day(n int) crm.Batch
	Evening(n int) time.Time
}

var (
	_ source = (*world.World)(nil)
	_ source = (*folder)(nil)
)

// folder is an imported folder as a source that comes evening by evening.
type folder struct {
	*importer.Data
	rejected []importer.RowError
	from     time.Time // midnight of the first evening's date, local
}

// openFolder reads a folder of a format of -import.
func openFolder(ctx context.Context, format, dir string) (_ *folder, err error) {
	if err := terminal.OneOf("import", format, "csv", "adventureworks"); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("-import: %w", err)
	}
	defer root.Close()
	out, files := &folder{}, root.FS()
	if format == "adventureworks" {
		made, err := os.MkdirTemp("", "vefa-adventureworks-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(made)
		if out.rejected, err = openAdventureWorks(files, made); err != nil {
			return nil, fmt.Errorf("-import: %w", err)
		}
		files = os.DirFS(made)
	}
	if out.Data, err = importer.Open(ctx, files, importer.Options{}); err != nil {
		return nil, fmt.Errorf("-import: %s: %w", dir, err)
	}
	return out, nil
}

// Rejected returns what was left out of the folder.
func (f *folder) Rejected() []importer.RowError { return slices.Concat(f.rejected, f.Data.Rejected()) }

// Evening returns 22:00 of day n, when the sources have delivered.
func (f *folder) Evening(n int) time.Time {
	y, m, d := f.from.Date()
	return time.Date(y, m, d+n, steps[eveningStep].hour, steps[eveningStep].minute, 0, 0, f.from.Location()).UTC()
}

// History is what was known on the evening before the first; it ends early when ctx is done.
func (f *folder) History(ctx context.Context) iter.Seq[crm.Batch] {
	return func(yield func(crm.Batch) bool) {
		for b, err := range f.Source(time.Time{}, f.Evening(-1))(ctx) {
			if err != nil || !yield(b) {
				return
			}
		}
	}
}

// Day is what became known after the evening of day n-1 and not after that of day n.
func (f *folder) Day(n int) crm.Batch {
	var all crm.Batch
	for b := range f.Source(f.Evening(n-1), f.Evening(n))(context.Background()) {
		all.Profiles, all.Facts = append(all.Profiles, b.Profiles...), append(all.Facts, b.Facts...)
	}
	return all
}
