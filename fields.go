package vefa

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/segment"
	"github.com/vefacrm/vefa/segment/bitset"
)

// Field is something of the host's own that rules read beside Facts: a cart, the
// stock of a shop, a dealer's tier. It is looked up as those are, in conditions,
// guards, triggers of dates and Why, and may always be null.
type Field struct {
	// Name is what rules call it.
	Name string
	// Rows names the rows of Facts that it belongs to, one value for each: Purchases,
	// Lines, Visits or Answers. "" is a field of the customer.
	Rows string
	Kind rules.Kind // Bool, Int, Float, String, Time, Tags or Rows
	// Scale is the number of digits behind the point of an Int that is a decimal,
	// Max the largest length of a String, of Tags or Rows (256, 100, 1,000).
	Scale, Max int
	Unit, Doc  string
	// Fields are the fields of a row, of Kind Rows; they need no Fill.
	Fields []Field
	// Fill returns the value of each subject, as of an instant, in their order:
	// bool, int or int64, float64, string, time.Time, []string (Tags), []map[string]any
	// (Rows) or nil for null. It is asked for many customers at once, by several
	// goroutines, and only while some rule reads the field. It may read the record
	// through r, in whose transaction messages are claimed: it must not be slow, and
	// must not open a transaction of its own there, nor ask a
	// database with one connection. What it is given is not its to change. A value of
	// another type is an error. An error ends an evening or
	// a Deliver, as an error of the store
	// does.
	Fill func(ctx context.Context, r crm.Reader, at time.Time, of []FieldSubject) ([]any, error)
	// Reads names what of FieldSubject.Facts Fill looks at of that which is read only on
	// demand: "Lines", "Sent" or "Segments". Without it they are there while
	// some rule reads them, and empty otherwise.
	Reads []string

	group *group // of a module, whose fields are filled together and have no Fill
}

// FieldSubject is whom or what a Field is asked about. It is good until Fill
// returns.
type FieldSubject struct {
	Customer crm.CustomerID
	Profiles []crm.ProfileKey
	// Facts are those of the customer, without fields of the host's, and without Lines,
	// Sent and Segments where neither a rule nor Field.Reads asks for them.
	Facts *Facts
	// Row is the row of Facts that the field is asked for, Fact what it was made of.
	// They are -1 and zero for a field of the customer.
	Row  int
	Fact crm.FactKey
}

// Schema returns what the rules of a configuration may read and do: Facts and
// Config.Fields, the library's actions and those of Config.Effects, and those of Config.Modules. Nothing else of the configuration need be set; compile a book
// with it to check it against the evening's facts.
func Schema(cfg Config) (*rules.Schema[Facts], error) {
	cfg.Steps = nil
	if err := cfg.takeModules(); err != nil {
		return nil, err
	}
	s, _, err := schemaOf(&cfg, rules.NewVocabulary())
	return s, err
}

// ruleCost is how many steps a rule may take for one customer at most: enough to compare
// folded texts of all purchases and of all their articles.
const ruleCost = 2_000_000

// schemaOf returns the schema, and with fields of the host's what fills them.
func schemaOf(cfg *Config, vocabulary *rules.Vocabulary) (*rules.Schema[Facts], *rules.Extended[Facts], error) {
	opts, fields := rules.Options{Tags: vocabulary, Actions: cfg.actions(), Limits: rules.Limits{Cost: ruleCost}}, cfg.Fields
	if len(fields) == 0 {
		s, err := rules.NewSchema[Facts](opts)
		return s, nil, err
	}
	var faults []error
	fault := func(i int, format string, args ...any) {
		faults = append(faults, fmt.Errorf("vefa: Config.Fields[%d] %q: %s", i, fields[i].Name, fmt.Sprintf(format, args...)))
	}
	var out []rules.Field
	for i, f := range fields {
		if f.Fill == nil && f.group == nil {
			fault(i, "Fill must be set")
		}
		for _, name := range f.Reads {
			if !slices.Contains([]string{"Lines", "Sent", "Segments"}, name) {
				fault(i, "Reads names %q: it is Lines, Sent or Segments; all else of Facts is always there", name)
			}
		}
		d := f.describe()
		if f.Rows == "" {
			out = append(out, d)
			continue
		}
		if !slices.Contains([]string{"Purchases", "Lines", "Visits", "Answers"}, f.Rows) {
			fault(i, "%q are no rows that fields can be added to", f.Rows)
			continue
		}
		if f.Kind == rules.Rows || f.Kind == rules.Tags {
			fault(i, "a row cannot hold %s", f.Kind)
			continue
		}
		k := slices.IndexFunc(out, func(o rules.Field) bool { return o.Name == f.Rows })
		if k < 0 {
			k, out = len(out), append(out, rules.Field{Name: f.Rows, Kind: rules.Rows})
		}
		out[k].Fields = append(out[k].Fields, d)
	}
	x, err := rules.Extend[Facts](out, opts)
	if err != nil {
		faults = append(faults, fmt.Errorf("vefa: Config.Fields: %w", err))
	}
	if len(faults) > 0 {
		return nil, nil, errors.Join(faults...)
	}
	return x.Schema, x, nil
}

func (f *Field) describe() rules.Field {
	d := rules.Field{Name: f.Name, Kind: f.Kind, Doc: f.Doc, Unit: f.Unit, Scale: f.Scale, Max: f.Max, Nullable: f.Kind < rules.Tags}
	for i := range f.Fields {
		d.Fields = append(d.Fields, f.Fields[i].describe())
	}
	return d
}

// reads reports whether rules, or segments, read some of Facts that is not always there, or
// fields of the host's do that they, or messages, read.
func (e *Engine) reads(set *rules.Set[Facts], name string) bool {
	return set.Reads(name) || e.conditions.reads(name) || slices.ContainsFunc(e.cfg.Fields, func(d Field) bool {
		return slices.Contains(d.Reads, name) && (d.readBy(set) || e.conditions != nil && d.readBy(e.conditions.set) || e.shows(d.Name))
	})
}

// fillChunk is how many customers fields of the host's are asked for at once.
const fillChunk = 256

// fillAll computes the facts of several persons, fields of the host's included.
// They are good until the next call.
func (f *filler) fillAll(ctx context.Context, persons []*person) ([]*Facts, error) {
	for len(f.many) < len(persons) {
		f.many = append(f.many, f.newFacts())
	}
	out := f.many[:len(persons)]
	for i, x := range persons {
		f.facts = out[i]
		f.fill(x)
		if f.ext != nil {
			if err := f.ext.Clear(f.facts); err != nil {
				return nil, err
			}
		}
	}
	if len(persons) > 0 && (f.all || f.e.reads(f.set, "Sent")) {
		if err := f.sent(ctx, persons, out); err != nil {
			return nil, fmt.Errorf("vefa: field Sent: %w", err)
		}
	}
	if f.ext == nil || len(persons) == 0 {
		return out, nil
	}
	for i := 0; i < len(f.fields); i++ {
		d := &f.fields[i]
		if d.group != nil { // those of a module stand together
			var names []string
			for ; i < len(f.fields) && f.fields[i].group == d.group; i++ {
				if f.reads(&f.fields[i]) {
					names = append(names, f.fields[i].Name)
				}
			}
			i--
			if len(names) > 0 {
				if err := f.askGroup(ctx, d.group, names, persons, out); err != nil {
					return nil, fmt.Errorf("vefa: module %s: %w", d.group.module.Name, err)
				}
			}
			continue
		}
		if !f.reads(d) {
			continue
		}
		if err := f.ask(ctx, d, persons, out); err != nil {
			return nil, fmt.Errorf("vefa: field %s: %w", d.Name, err)
		}
	}
	return out, nil
}

func (f *filler) reads(d *Field) bool {
	return f.all || d.readBy(f.set) || d.Rows == "" && f.also[d.Name]
}

func (d *Field) readBy(set *rules.Set[Facts]) bool {
	if d.Rows != "" {
		return set.Reads(d.Rows + "." + d.Name)
	}
	return set.Reads(d.Name)
}

// ask fills one field of the host's.
func (f *filler) ask(ctx context.Context, d *Field, persons []*person, facts []*Facts) (err error) {
	defer crm.Recover("fill", &err)
	var of []FieldSubject
	var who []int
	for i, x := range persons {
		s := FieldSubject{Customer: x.id, Profiles: x.profiles, Facts: facts[i], Row: -1}
		if d.Rows == "" {
			of, who = append(of, s), append(who, i)
			continue
		}
		for row := range facts[i].rows(d.Rows) {
			s.Row, s.Fact = row, f.p.rowKey(x, facts[i], d.Rows, row)
			of, who = append(of, s), append(who, i)
		}
	}
	if len(of) == 0 {
		return nil
	}
	var values []any
	ask := func(r crm.Reader) (err error) {
		values, err = d.Fill(ctx, r, f.now, of)
		return err
	}
	if err := f.read(ctx, ask); err != nil {
		return err
	}
	if len(values) != len(of) {
		return fmt.Errorf("%d values for %d subjects", len(values), len(of))
	}
	for i, v := range values {
		if v == nil {
			continue // as Clear left it
		}
		if d.Rows == "" {
			err = f.ext.Set(facts[who[i]], d.Name, v)
		} else {
			err = f.ext.SetRow(facts[who[i]], d.Rows, of[i].Row, d.Name, v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// read reads the record, in the transaction that facts are filled in if there is one.
func (f *filler) read(ctx context.Context, fn func(crm.Reader) error) error {
	if f.reader != nil {
		return fn(f.reader)
	}
	return f.store.View(ctx, fn)
}

// sent fills what went to each person: what hangs on a profile, and what hangs on
// an address and is about the person. Within a claim it is what the claim knows,
// which the record does not hold yet: see filler.deciding.
func (f *filler) sent(ctx context.Context, persons []*person, facts []*Facts) error {
	owner := map[crm.ProfileKey]int{}
	for i, x := range persons {
		facts[i].Sent = facts[i].Sent[:0]
		for _, k := range x.profiles {
			owner[k] = i
		}
	}
	note := func(r receipt) {
		data, err := decodeMessage(r.Effect)
		if err != nil {
			return // of the host's own, and no message of this package
		}
		k := r.Subject.Profile
		if k.IsZero() {
			k = data.Profile
		}
		i, ok := owner[k]
		if !ok { // of another customer with the same phone
			return
		}
		if a := r.Subject.Address; !a.IsZero() && !persons[i].bears(a) {
			return // read because it is an address of another one of persons, or disowned
		}
		facts[i].Sent = append(facts[i].Sent, Sent{At: r.at, DaysAgo: f.shop(persons[i].place).ago(r.at.UnixMicro()), Name: data.Name, Channel: string(cmp.Or(r.Via, r.To.Channel))})
	}
	var err error
	if f.claim != nil {
		for _, r := range f.claim.sent {
			if r.counts(f.deciding) && !r.at.After(f.now) {
				note(r)
			}
		}
	} else {
		err = f.readSent(ctx, persons, note)
	}
	for _, o := range facts {
		slices.SortFunc(o.Sent, func(a, b Sent) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Name, b.Name)) })
	}
	return err
}

// readSent calls note with the messages on record that hang on persons and on
// their addresses.
func (f *filler) readSent(ctx context.Context, persons []*person, note func(receipt)) error {
	var subjects []crm.Subject
	seen := map[crm.Address]bool{}
	for _, x := range persons {
		for _, k := range x.profiles {
			subjects = append(subjects, crm.OfProfile(k))
		}
		for _, a := range x.addresses() {
			if !seen[a] {
				seen[a] = true
				subjects = append(subjects, crm.OfAddress(a))
			}
		}
	}
	return f.read(ctx, func(r crm.Reader) error {
		effects, err := r.EffectsOf(ctx, subjects...)
		if err != nil {
			return err
		}
		for _, e := range effects {
			if e.Kind == crm.EffectMessage && !e.SentAt.IsZero() && !e.SentAt.After(f.now) && e.State != crm.Planned {
				note(receipt{e, e.SentAt})
			}
		}
		return nil
	})
}

// segmentReader knows who is in which segment.
type segmentReader struct {
	idx   *segment.Index
	names []string
	in    []*bitset.Set
}

// segmentsAt returns a function that reads the segments of an index as of an instant, when
// it is called first; it may be called by several goroutines.
func (e *Engine) segmentsAt(now time.Time, index func() (*segment.Index, error)) func() (*segmentReader, error) {
	return sync.OnceValues(func() (*segmentReader, error) {
		idx, err := index()
		if err != nil {
			return nil, err
		}
		return e.readSegments(idx, now)
	})
}

// eveningSegments is segmentsAt of everybody, for what reads facts. It is called outside of
// a transaction.
func (e *Engine) eveningSegments(ctx context.Context, set *rules.Set[Facts], now time.Time) (func() (*segmentReader, error), error) {
	if e.reads(set, "Segments") {
		if err := e.settle(ctx, now); err != nil {
			return nil, err
		}
	}
	return e.segmentsAt(now, func() (*segment.Index, error) { return e.seg, nil }), nil
}

// readSegments counts everybody into the segments, as of an instant.
func (e *Engine) readSegments(idx *segment.Index, now time.Time) (*segmentReader, error) {
	s, view := &segmentReader{idx: idx}, idx.View()
	for _, d := range e.defs {
		in, err := view.Audience(d.Name, now)
		if err != nil {
			return nil, fmt.Errorf("vefa: segments: %w", err)
		}
		s.names, s.in = append(s.names, d.Name), append(s.in, in)
	}
	return s, nil
}

func (s *segmentReader) fill(x *person, into *rules.TagSet, vocabulary *rules.Vocabulary) {
	id, ok := s.idx.ID(segmentName(x.home))
	if !ok {
		return
	}
	for i, in := range s.in {
		if in.Contains(id) {
			vocabulary.Add(into, s.names[i])
		}
	}
}

// rows returns how many rows of a name the facts have.
func (o *Facts) rows(name string) int {
	switch name {
	case "Purchases":
		return len(o.Purchases)
	case "Lines":
		return len(o.Lines)
	case "Visits":
		return len(o.Visits)
	case "Answers":
		return len(o.Answers)
	}
	return 0
}

// rowKey returns the fact that a row of facts was made of.
func (p *population) rowKey(x *person, o *Facts, rows string, row int) crm.FactKey {
	switch rows {
	case "Purchases":
		return p.orderKey(&x.orders[o.Purchases[row].index])
	case "Lines":
		return p.orderKey(&x.orders[o.Lines[row].index])
	case "Visits":
		return p.visitKey(&x.visits[o.Visits[row].index])
	case "Answers":
		return p.answerKey(&x.answers[o.Answers[row].index])
	}
	return crm.FactKey{}
}
