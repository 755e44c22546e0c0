package main

import (
	"context"
	"io"
	"strings"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/people"
	"github.com/vefacrm/vefa/dedup/people/columns"
	"github.com/vefacrm/vefa/dedup/things"
)

// entry is a row as a record: of a person, or of a thing.
type entry struct {
	person people.Record
	thing  things.Record
}

// name gives the record its id and its source.
func (e *entry) name(id, source string) {
	e.person.ID, e.person.Source = id, source
	e.thing.ID, e.thing.Source = id, source
}

// entry fills an entry from a row.
func (l *layout) entry(row []string, e *entry) {
	if l.thing != nil {
		l.fill(row, &e.thing)
	} else {
		l.Record(row, &e.person)
	}
}

// ids are the columns of the id.
func (l *layout) ids() []int {
	if l.thing != nil {
		return l.thing["id"]
	}
	return l.Columns(columns.ID)
}

// describe tells how the columns are read, as -map has it.
func (l *layout) describe(header []string) string {
	if l.thing == nil {
		return l.reading.String()
	}
	var parts []string
	for _, field := range things.Columns() {
		for _, c := range l.thing[field] {
			parts = append(parts, field+"="+header[c])
		}
	}
	return strings.Join(parts, ",")
}

// engine links entries of one sort. A model is read before it links, and written after.
type engine interface {
	load(r io.Reader) error
	save(w io.Writer) error
	// link learns a model from the rows and the answers, unless one was loaded, and keeps it.
	link(ctx context.Context, rows func(yield func(*entry) bool), answers []dedup.Decision) (*dedup.Result, error)
	explain(a, b *entry) (dedup.Explanation, error)
	describe(e *entry) string // for people
}

// persons is the engine of dedup/people.
type persons struct {
	linker *people.Linker
	loaded *dedup.Model
	model  *dedup.Model // of the last link
}

func (p *persons) load(r io.Reader) error {
	m, err := dedup.ReadModel(r)
	if err == nil {
		_, err = p.linker.NewIndex(m) // says whether it fits
	}
	p.loaded = m
	return err
}

func (p *persons) save(w io.Writer) error {
	_, err := p.model.WriteTo(w)
	return err
}

func (p *persons) link(ctx context.Context, rows func(yield func(*entry) bool), answers []dedup.Decision) (*dedup.Result, error) {
	r, err := p.linker.Link(ctx, func(yield func(people.Record) bool) {
		rows(func(e *entry) bool { return yield(e.person) })
	}, p.loaded, answers...)
	if err == nil {
		p.model = r.Model
	}
	return r, err
}

func (p *persons) explain(a, b *entry) (dedup.Explanation, error) {
	return p.linker.Explain(p.model, a.person, b.person)
}

func (p *persons) describe(e *entry) string {
	rec := &e.person
	name := strings.TrimSpace(rec.Given + " " + rec.Family)
	if name == "" {
		name = rec.FullName
	}
	return join(name, rec.Birth, strings.Join(rec.Phones, " "), strings.Join(rec.Emails, " "), rec.City)
}

// join puts what is known side by side.
func join(first string, rest ...string) string {
	for _, s := range rest {
		if s != "" {
			first += ", " + s
		}
	}
	return first
}

// objects is the engine of dedup/things.
type objects struct {
	linker *things.Linker
	loaded *things.Model
	model  *things.Model
}

func (o *objects) load(r io.Reader) error {
	m, err := things.ReadModel(r)
	if err == nil {
		_, err = o.linker.NewIndex(m)
	}
	o.loaded = m
	return err
}

func (o *objects) save(w io.Writer) error {
	_, err := o.model.WriteTo(w)
	return err
}

func (o *objects) link(ctx context.Context, rows func(yield func(*entry) bool), answers []dedup.Decision) (*dedup.Result, error) {
	r, err := o.linker.Link(ctx, func(yield func(things.Record) bool) {
		rows(func(e *entry) bool { return yield(e.thing) })
	}, o.loaded, answers...)
	if err != nil {
		return nil, err
	}
	o.model = r.Model
	return r.Result, nil
}

func (o *objects) explain(a, b *entry) (dedup.Explanation, error) {
	return o.linker.Explain(o.model, a.thing, b.thing)
}

func (o *objects) describe(e *entry) string {
	return join(e.thing.Name, e.thing.Maker, e.thing.Code, e.thing.Authors, e.thing.Year, e.thing.Street, e.thing.City, e.thing.Price)
}
