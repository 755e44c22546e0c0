package people

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/nyaruka/phonenumbers"

	"github.com/vefacrm/vefa/dedup"
)

// Options of a [Linker]; the zero value works.
type Options struct {
	// Region is the home country of phone numbers without a country code, as an
	// ISO 3166 code of two capital letters, such as "DE"; "" is "TR". New refuses
	// others. In TR the letters ð, þ and ý of a name or an address that has none which
	// Turkish lacks are ğ, ş and ı in a wrong encoding.
	Region string
	// Relays are further e-mail domains that stand between a shop and its customers
	// (marketplaces): addresses there identify nobody.
	Relays []string
	// Extra names attributes beyond those of [Record] that persons have, such as an
	// occupation or a number at an authority; up to five. With five, years in e-mail
	// addresses are not compared.
	Extra []string
	// Nicknames adds short forms of given names to those known: the name that each stands
	// for, both as people write them.
	Nicknames map[string]string
	// Normal replaces what makes values comparable.
	Normal Normalizers
	// Threads is the number of goroutines of batch work; 0 means GOMAXPROCS. It never
	// changes a result.
	Threads int
	// OnePerSource names the sources ([Record.Source]) that have every person once;
	// see [dedup.Options.OnePerSource].
	OnePerSource []string
	// Component is the number of connected records that an [Index] clusters anew during a
	// change; see [dedup.Options].
	Component int
	// Review is the number of questions that Link puts to a person, and Progress, if set,
	// is told how far a batch is; see [dedup.Options].
	Review int
	// Edge and Truth see and measure the pairs of a batch; see [dedup.Options].
	Edge     func(dedup.Edge)
	Truth    func(id string) (entity string, ok bool)
	Progress func(dedup.Progress)
}

// Normalizers turn a value as people write it into the form that is compared, or into ""
// for one that says nothing; a nil one is the package's own. They must be safe for
// concurrent use and leave what they made as it is. HTML entities and letters that were read
// in the wrong encoding are mended before Name and Street see them. After one is replaced, models must be
// learnt anew.
type Normalizers struct {
	Name   func(string) string // of given names, family names and full names
	Birth  func(string) string // to yyyy-mm-dd, yyyy-mm or yyyy
	Phone  func(string) string
	Email  func(string) string
	Street func(string) string
}

// Linker links records of persons. It is safe for concurrent use.
// mostExtra is the number of attributes that [Options.Extra] may name.
const mostExtra = 5

type Linker struct {
	opt    Options
	linker *dedup.Linker
	relays map[string]bool
	idle   *sync.Pool // normalizers

	assuming sync.Mutex   // guards assumed
	assumed  *dedup.Model // of no records, once it was asked for
}

// ErrRegion is wrapped by the error about a region that is no country.
var ErrRegion = errors.New("people: no such region")

// New returns a linker. It fails with ErrRegion, and if more than five extra
// attributes are named, or one by a name that the preset uses.
func New(opt Options) (*Linker, error) {
	if opt.Region != "" && !phonenumbers.GetSupportedRegions()[opt.Region] {
		known := slices.Sorted(maps.Keys(phonenumbers.GetSupportedRegions()))
		return nil, fmt.Errorf("%w: %q; the known ones are %s", ErrRegion, opt.Region, strings.Join(known, ", "))
	}
	short := make(map[string]string, len(opt.Nicknames))
	for s, name := range opt.Nicknames {
		short[key(s)] = key(name)
	}
	var own dedup.Schema
	if len(opt.Extra) > 0 {
		own = schema(nil, newShortNames(nil))
	}
	for i, name := range opt.Extra {
		switch {
		case name == "":
			return nil, fmt.Errorf("people: options: %w: extra attribute %d has no name", dedup.ErrSchema, i)
		case slices.Contains(opt.Extra[:i], name):
			return nil, fmt.Errorf("people: options: %w: extra attribute %q is named twice", dedup.ErrSchema, name)
		case slices.ContainsFunc(own.Comparisons, func(c dedup.Comparison) bool { return c.Name == name }),
			slices.ContainsFunc(own.Fields, func(f dedup.Field) bool { return f.Name == name }):
			return nil, fmt.Errorf("people: options: %w: %q is no extra attribute: the preset compares %q itself", dedup.ErrSchema, name, name)
		}
	}
	preset := schema(opt.Extra, newShortNames(short))
	if len(short) > 0 { // a model learnt with other nicknames is another one
		h := fnv.New32a()
		for _, s := range slices.Sorted(maps.Keys(short)) {
			fmt.Fprintf(h, "%s=%s\n", s, short[s])
		}
		preset.Name += fmt.Sprintf("+%08x", h.Sum32())
	}
	l, err := dedup.New(preset, dedup.Options{Threads: opt.Threads, OnePerSource: opt.OnePerSource, Component: opt.Component, Review: opt.Review, Progress: opt.Progress, Edge: opt.Edge, Truth: opt.Truth})
	if err != nil {
		return nil, fmt.Errorf("people: options: %w", err)
	}
	out := &Linker{opt: opt, linker: l, relays: map[string]bool{}, idle: &sync.Pool{}}
	for _, r := range opt.Relays {
		out.relays[r] = true
	}
	return out, nil
}

// borrow returns a normalizer for one goroutine, to be given back.
func (l *Linker) borrow() *normalizer {
	if n, ok := l.idle.Get().(*normalizer); ok {
		return n
	}
	return l.normalizer()
}

func (l *Linker) normalizer() *normalizer {
	n := &normalizer{Normalizers: l.opt.Normal, values: make([]string, fieldCount+len(l.opt.Extra))}
	region, relays := l.opt.Region, l.relays
	n.turkish = region == "" || region == "TR"
	if n.Name == nil {
		n.Name = name
	}
	if n.Birth == nil {
		n.Birth = birth
	}
	if n.Phone == nil {
		seen := memo{}
		n.Phone = func(s string) string { return seen.phone(s, region) }
		n.phonesIn = func(dst []string, s string) []string { return phonesIn(dst, s, region) }
	}
	if n.Email == nil {
		n.Email = func(s string) string { s, _ = email(s, relays); return s }
		n.emailsIn = func(dst []string, s string) []string { return emailsIn(dst, s, relays) }
	}
	if n.Street == nil {
		n.Street = street
	}
	return n
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

// Calibrate corrects a model's weights by a sample of labelled pairs; see [dedup.Linker.Calibrate].
func (l *Linker) Calibrate(ctx context.Context, m *dedup.Model, records iter.Seq[Record], labels ...dedup.Decision) (*dedup.Model, error) {
	return l.linker.Calibrate(ctx, m, l.normal(records), labels...)
}

// Explain scores two records with a model, outside of any index; see [dedup.Linker.Explain].
func (l *Linker) Explain(m *dedup.Model, a, b Record) (dedup.Explanation, error) {
	n := l.normalizer()
	first := n.record(&a)
	first.Values = slices.Clone(first.Values) // the second one uses the same memory
	return l.linker.Explain(m, first, n.record(&b))
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
