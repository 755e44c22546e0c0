package people

import (
	"context"

	"github.com/vefacrm/vefa/dedup"
)

// Index answers "who is this?" and keeps clusters of persons up to date while records
// come, change and go; see [dedup.Index]. It is safe for concurrent use.
type Index struct {
	*dedup.Index // what it answers by the ids of records
	linker       *Linker
}

// NewIndex returns an empty index that scores with the model.
func (l *Linker) NewIndex(model *dedup.Model) (*Index, error) {
	x, err := l.linker.NewIndex(model)
	if err != nil {
		return nil, err
	}
	return &Index{Index: x, linker: l}, nil
}

// Apply removes, inserts or replaces records, adds decisions and reports every
// affected cluster; see [dedup.Index.Apply].
func (x *Index) Apply(ctx context.Context, upserts []Record, removes []string, decisions ...dedup.Decision) (dedup.Change, error) {
	n := x.linker.borrow()
	mine := n.values
	defer func() {
		n.values = mine
		x.linker.idle.Put(n)
	}()
	width := len(n.values)
	all, values := make([]dedup.Record, len(upserts)), make([]string, width*len(upserts))
	for i := range upserts {
		n.values = values[i*width : (i+1)*width : (i+1)*width]
		all[i] = n.record(&upserts[i])
	}
	return x.Index.Apply(ctx, all, removes, decisions...)
}

// Find returns the records that may be this person, the likeliest first; see [dedup.Index.Find].
func (x *Index) Find(ctx context.Context, r Record) ([]dedup.Match, error) {
	n := x.linker.borrow()
	defer x.linker.idle.Put(n)
	return x.Index.Find(ctx, n.record(&r))
}

// Join returns the cluster that a person's record would be in if it were added; see
// [dedup.Index.Join].
func (x *Index) Join(ctx context.Context, r Record) ([]string, error) {
	n := x.linker.borrow()
	defer x.linker.idle.Put(n)
	return x.Index.Join(ctx, n.record(&r))
}
