package people

import (
	"context"

	"github.com/vefacrm/vefa/dedup"
)

// Index answers "who is this?" and keeps clusters of persons up to date while records
// come, change and go; see [dedup.Index]. It is safe for concurrent use.
type Index struct {
	linker *Linker
	index  *dedup.Index
}

// NewIndex returns an empty index that scores with the model.
func (l *Linker) NewIndex(model *dedup.Model) (*Index, error) {
	x, err := l.linker.NewIndex(model)
	if err != nil {
		return nil, err
	}
	return &Index{linker: l, index: x}, nil
}

// Apply removes, inserts or replaces records, adds decisions and reports every
// affected cluster; see [dedup.Index.Apply].
func (x *Index) Apply(ctx context.Context, upserts []Record, removes []string, decisions ...dedup.Decision) (dedup.Change, error) {
	n := x.linker.normalizer()
	width := len(n.values)
	all, values := make([]dedup.Record, len(upserts)), make([]string, width*len(upserts))
	for i := range upserts {
		n.values = values[i*width : (i+1)*width : (i+1)*width]
		all[i] = n.record(&upserts[i])
	}
	return x.index.Apply(ctx, all, removes, decisions...)
}

// Settle clusters what changes left waiting; see [dedup.Index.Settle].
func (x *Index) Settle(ctx context.Context) (dedup.Change, error) { return x.index.Settle(ctx) }

// Find returns the records that may be this person, the likeliest first; see [dedup.Index.Find].
func (x *Index) Find(ctx context.Context, r Record) ([]dedup.Match, error) {
	return x.index.Find(ctx, x.linker.normalizer().record(&r))
}

// Explain returns the waterfall of two records of the index.
func (x *Index) Explain(a, b string) (dedup.Explanation, error) { return x.index.Explain(a, b) }

// Cluster returns the cluster of a record.
func (x *Index) Cluster(id string) (dedup.Cluster, bool) { return x.index.Cluster(id) }

// Unwrap returns the generic index below, for its iterators.
func (x *Index) Unwrap() *dedup.Index { return x.index }
