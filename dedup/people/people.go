package people

import (
	"context"
	"fmt"
	"iter"

	"github.com/vefacrm/vefa/dedup"
)

// Options of a [Linker]; the zero value works.
type Options struct {
	// Region is the home country of phone numbers without a country code, as an
	// ISO 3166 code; "" is "TR".
	Region string
	// Relays are further e-mail domains that stand between a shop and its customers
	// (marketplaces): addresses there identify nobody.
	Relays []string
	// Extra names attributes beyond those of [Record] that persons have, such as an
	// occupation or a number at an authority; up to six.
	Extra []string
	// Threads is the number of goroutines of batch work; 0 means GOMAXPROCS. It never
	// changes a result.
	Threads int
	// OnePerSource names the sources ([Record.Source]) that have every person once;
	// see [dedup.Options.OnePerSource].
	OnePerSource []string
	// Review is the number of questions that Link puts to a person, and Progress, if set,
	// is told how far a batch is; see [dedup.Options].
	Review   int
	Progress func(dedup.Progress)
	// Compared, if set, is told of every pair that Link compares; see [dedup.Options].
	Compared func(a, b string, weight float64)
}

// Linker links records of persons. It is safe for concurrent use.
type Linker struct {
	opt    Options
	linker *dedup.Linker
	relays map[string]bool
}

// New returns a linker; it fails if more than six extra attributes are named, or one
// by a name that the preset uses.
func New(opt Options) (*Linker, error) {
	l, err := dedup.New(schema(opt.Extra), dedup.Options{Threads: opt.Threads, OnePerSource: opt.OnePerSource, Review: opt.Review, Progress: opt.Progress, Compared: opt.Compared})
	if err != nil {
		return nil, fmt.Errorf("people: options: %w", err)
	}
	out := &Linker{opt: opt, linker: l, relays: map[string]bool{}}
	for _, r := range opt.Relays {
		out.relays[r] = true
	}
	return out, nil
}

func (l *Linker) normalizer() *normalizer {
	return &normalizer{region: l.opt.Region, relays: l.relays, values: make([]string, fieldCount+len(l.opt.Extra))}
}

func (l *Linker) normal(records iter.Seq[Record]) iter.Seq[dedup.Record] {
	return func(yield func(dedup.Record) bool) {
		n := l.normalizer()
		for r := range records {
			if !yield(n.record(&r)) {
				return
			}
		}
	}
}

// Train learns a model from records of the population, without labels. A few
// thousand records make a good one; below that, assumptions about customer data fill in.
// Labels, such as past clerical decisions, refine it; see [dedup.Linker.Train].
func (l *Linker) Train(ctx context.Context, records iter.Seq[Record], labels ...dedup.Decision) (*dedup.Model, error) {
	return l.linker.Train(ctx, l.normal(records), labels...)
}

// Count says what a Link of the records would compare; see [dedup.Linker.Count].
func (l *Linker) Count(ctx context.Context, records iter.Seq[Record]) (dedup.Stats, error) {
	return l.linker.Count(ctx, l.normal(records))
}

// Link partitions the records into persons; see [dedup.Linker.Link]. A nil model
// is learnt from the same records.
func (l *Linker) Link(ctx context.Context, records iter.Seq[Record], model *dedup.Model, decisions ...dedup.Decision) (*dedup.Result, error) {
	return l.linker.Link(ctx, l.normal(records), model, decisions...)
}
