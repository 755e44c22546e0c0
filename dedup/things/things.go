package things

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/vefacrm/vefa/dedup"
)

// Kind says what is to be read out of a name beside codes and measures.
type Kind string

// The kinds of things.
const (
	// Any is everything that has a name: products, places, publications.
	Any Kind = ""
	// Companies have names with legal forms and branches, which are no part of the name.
	Companies Kind = "companies"
)

// Options of a [Linker]; the zero value works.
type Options struct {
	// Kind is what the records describe; the zero value is Any. New refuses others than those
	// named above.
	Kind Kind
	// Threads is the number of goroutines of batch work; 0 means GOMAXPROCS. It never
	// changes a result.
	Threads int
	// OnePerSource names the sources ([Record.Source]) that have every thing once;
	// see [dedup.Options].
	OnePerSource []string
	// Pairs is the number of pairs that a batch may compare; see [dedup.Options].
	Pairs int64
	// Component is the number of connected records that an [Index] clusters anew during a
	// change; see [dedup.Options].
	Component int
	// Review is the number of questions that Link puts to a person, and Progress, if set,
	// is told how far a batch is; see [dedup.Options]. Before its phases stands "words".
	Review   int
	Progress func(dedup.Progress)
	// Edge and Truth see and measure the pairs of a batch; see [dedup.Options].
	Edge  func(dedup.Edge)
	Truth func(id string) (entity string, ok bool)
}

// Linker links records of things. It is safe for concurrent use.
type Linker struct {
	opt  Options
	tune tuning
}

// ErrKind is wrapped by the error about a kind that there is not.
var ErrKind = errors.New("things: no such kind")

// New returns a linker. It fails with ErrKind.
func New(opt Options) (*Linker, error) {
	if opt.Kind != Any && opt.Kind != Companies {
		return nil, fmt.Errorf("%w: %q; there is %q, and none for all others", ErrKind, opt.Kind, Companies)
	}
	return &Linker{opt: opt, tune: usual()}, nil
}

// Result is a partition of the records, and the model that it was made with.
type Result struct {
	*dedup.Result
	// Model is the one given, or the one learnt; that of the dedup.Result is a part of it.
	Model *Model
}

// ErrChanged is returned when records are not the same when they are read again: the second
// time there was another number of them.
var ErrChanged = errors.New("things: the records changed between two readings")

// Link partitions the records into things; see [dedup.Linker.Link]. A nil model is learnt
// from the same records, which are then read twice: first their words are counted.
func (l *Linker) Link(ctx context.Context, records iter.Seq[Record], m *Model, decisions ...dedup.Decision) (*Result, error) {
	b, err := l.bind(ctx, records, m)
	if err != nil {
		return nil, err
	}
	r, err := b.linker.Link(ctx, b.records(records), b.scores, decisions...)
	if err != nil {
		return nil, err
	}
	if err := b.check(r.Stats.Records); err != nil {
		return nil, err
	}
	return &Result{Result: r, Model: b.model(r.Model)}, nil
}

// Train learns a model from records, without labels; they are read twice. Labels, such as
// past clerical decisions, refine it; see [dedup.Linker.Train].
func (l *Linker) Train(ctx context.Context, records iter.Seq[Record], labels ...dedup.Decision) (*Model, error) {
	b, err := l.bind(ctx, records, nil)
	if err != nil {
		return nil, err
	}
	scores, err := b.linker.Train(ctx, b.records(records), labels...)
	if err != nil {
		return nil, err
	}
	if err := b.check(scores.Records); err != nil {
		return nil, err
	}
	return b.model(scores), nil
}

// Explain scores two records with a model, outside of any index; see [dedup.Linker.Explain].
func (l *Linker) Explain(m *Model, a, b Record) (dedup.Explanation, error) {
	k, err := l.with(m)
	if err != nil {
		return dedup.Explanation{}, err
	}
	return k.linker.Explain(k.scores, k.record(&a), k.record(&b))
}

// bound is a linker whose metrics weigh words as a corpus says.
type bound struct {
	*Linker
	words  *words
	linker *dedup.Linker
	scores *dedup.Model // nil: to be learnt
	count  int          // of the records whose words were counted, -1 if they were not
}

// bind counts the words of the records, unless there is a model.
func (l *Linker) bind(ctx context.Context, records iter.Seq[Record], m *Model) (*bound, error) {
	if m != nil {
		return l.with(m)
	}
	c, n, err := l.countWords(ctx, records)
	if err != nil {
		return nil, err
	}
	return l.weigh(c, nil, n)
}

// with binds to the words of a model.
func (l *Linker) with(m *Model) (*bound, error) {
	if err := m.check(l.opt.Kind); err != nil {
		return nil, err
	}
	return l.weigh(&m.words, m.scores, -1)
}

func (l *Linker) weigh(c *words, scores *dedup.Model, count int) (*bound, error) {
	o := l.opt
	inner, err := dedup.New(schema(o.Kind, c, &l.tune), dedup.Options{Threads: o.Threads, OnePerSource: o.OnePerSource, Pairs: o.Pairs,
		Component: o.Component, Review: o.Review, Progress: o.Progress, Edge: o.Edge, Truth: o.Truth})
	if err != nil {
		return nil, fmt.Errorf("things: %w", err)
	}
	return &bound{Linker: l, words: c, linker: inner, scores: scores, count: count}, nil
}

// check compares the number of records with that of those whose words were counted.
func (b *bound) check(read int) error {
	if b.count >= 0 && b.count != read {
		return fmt.Errorf("%w: %d, then %d", ErrChanged, b.count, read)
	}
	return nil
}

func (b *bound) model(scores *dedup.Model) *Model {
	return &Model{kind: b.opt.Kind, words: *b.words, scores: scores}
}

// record returns a record as dedup compares it, with values of its own.
func (b *bound) record(r *Record) dedup.Record {
	return b.values(make([]string, fieldCount), r)
}

// records yields all records as dedup compares them.
func (b *bound) records(records iter.Seq[Record]) iter.Seq[dedup.Record] {
	return func(yield func(dedup.Record) bool) {
		values := make([]string, fieldCount)
		for r := range records {
			if !yield(b.values(values, &r)) {
				return
			}
		}
	}
}
