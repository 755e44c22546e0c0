package things

import (
	"context"

	"github.com/vefacrm/vefa/dedup"
)

// Index answers "which thing is this?" and keeps clusters up to date while records come,
// change and go; see [dedup.Index]. Words weigh as the model says, however many records come
// later. It is safe for concurrent use.
type Index struct {
	*dedup.Index // what it answers by the ids of records
	bound        *bound
}

// NewIndex returns an empty index that scores with the model.
func (l *Linker) NewIndex(m *Model) (*Index, error) {
	b, err := l.with(m)
	if err != nil {
		return nil, err
	}
	x, err := b.linker.NewIndex(b.scores)
	if err != nil {
		return nil, err
	}
	return &Index{Index: x, bound: b}, nil
}

// Apply removes, inserts or replaces records, adds decisions and reports every affected
// cluster; see [dedup.Index.Apply].
func (x *Index) Apply(ctx context.Context, upserts []Record, removes []string, decisions ...dedup.Decision) (dedup.Change, error) {
	all := make([]dedup.Record, len(upserts))
	for i := range upserts {
		all[i] = x.bound.record(&upserts[i])
	}
	return x.Index.Apply(ctx, all, removes, decisions...)
}

// Find returns the records that may be this thing, the likeliest first; see
// [dedup.Index.Find].
func (x *Index) Find(ctx context.Context, r Record) ([]dedup.Match, error) {
	return x.Index.Find(ctx, x.bound.record(&r))
}
