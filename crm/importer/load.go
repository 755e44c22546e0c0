package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// loader puts the rows of all files together.
type loader struct {
	ctx     context.Context
	files   fs.FS
	data    *Data
	faults  []RowError // of files as a whole
	sources map[string]bool
	brands  map[string]bool

	places  []*place
	placeAt map[string]*place
	parties map[crm.ProfileKey]*party
	sales   map[crm.FactKey]*sale
	salesIn []*sale // in the order of the files
	facts   []*care
	cared   map[crm.FactKey]origin  // visits and tickets
	read    map[string]bool         // files that were read before, as another kind
	strange map[crm.ProfileKey]bool // referred to, in no file
}

// origin is the row that something was read from.
type origin struct {
	file string
	line int
}

func (o origin) String() string { return fmt.Sprintf("%s:%d", o.file, o.line) }

func (r *row) origin() origin { return origin{r.table.file.name, r.line} }

func newLoader(ctx context.Context, files fs.FS) *loader {
	return &loader{
		ctx: ctx, files: files, data: &Data{zone: time.UTC}, sources: map[string]bool{}, brands: map[string]bool{},
		placeAt: map[string]*place{}, parties: map[crm.ProfileKey]*party{}, sales: map[crm.FactKey]*sale{}, cared: map[crm.FactKey]origin{}, read: map[string]bool{}, strange: map[crm.ProfileKey]bool{},
	}
}

// csv reads the files of a mapping.
func (l *loader) csv(opt Options) error {
	text := []byte(opt.Mapping)
	if opt.Mapping == "" {
		var err error
		if text, err = l.mapping(); err != nil {
			return err
		}
	}
	m, err := parseMapping(text)
	if err != nil {
		return err
	}
	for _, f := range m.files {
		l.sources[f.source] = true
		if l.data.zone == time.UTC {
			l.data.zone = f.clock.zone
		}
	}
	read := map[kind]func(*row){
		places: l.place, profiles: l.profile, contacts: l.contact, consents: l.consent,
		orders: l.order, lines: l.line, visits: l.visit, tickets: l.ticket,
	}
	for _, k := range kinds {
		for _, f := range m.files {
			if f.kind != k {
				continue
			}
			if err := l.rows(f, read[k]); err != nil {
				return err
			}
		}
	}
	return joined(l.faults)
}

func (l *loader) mapping() ([]byte, error) {
	f, _, err := open(l.files, mappingFile)
	if err != nil {
		return nil, RowError{File: mappingFile, Reason: err.Error()}
	}
	defer f.Close()
	in, err := unpack(f)
	if err != nil {
		return nil, RowError{File: mappingFile, Reason: err.Error()}
	}
	text, err := io.ReadAll(io.LimitReader(in, maxMapping+1))
	if err != nil {
		return nil, RowError{File: mappingFile, Reason: err.Error()}
	}
	return text, nil
}

// rows hands each good row of a file to read and books what is wrong with it.
// It returns an error only when ctx is done.
func (l *loader) rows(f *file, read func(*row)) error {
	in, name, err := open(l.files, f.name)
	if err != nil {
		l.faults = append(l.faults, RowError{File: f.name, Reason: err.Error()})
		return nil
	}
	defer in.Close()
	f.name = name
	t, faults := newTable(l.ctx, f, in)
	if len(faults) > 0 {
		l.faults = append(l.faults, faults...)
		return nil
	}
	again := l.read[f.name]
	l.read[f.name] = true
	for {
		r, err := t.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && l.ctx.Err() != nil:
			return l.ctx.Err()
		case err != nil:
			l.faults = append(l.faults, RowError{File: f.name, Line: t.records.number, Reason: "cannot be read further: " + err.Error()})
			return nil
		}
		if !again {
			l.data.rows++
		}
		switch broken := len(r.faults) > 0; {
		case !broken:
			read(r)
			l.book(r)
		case !again:
			l.book(r)
		}
	}
}

// book writes down what is wrong with a row.
func (l *loader) book(r *row) {
	if len(r.faults) > 0 {
		l.reject(r.origin(), r.faults...)
		l.data.rejected[len(l.data.rejected)-1].Column = r.table.column(r.faults[0].field)
		return
	}
	for _, n := range r.notes {
		l.warn(r.origin(), n.field, n.reason)
		l.data.warnings[len(l.data.warnings)-1].Column = r.table.column(n.field)
	}
}

func (l *loader) reject(o origin, faults ...fault) {
	l.data.rejected = append(l.data.rejected, rowError(o.file, o.line, faults))
}

func (l *loader) warn(o origin, field, reason string) {
	l.data.warnings = append(l.data.warnings, RowError{File: o.file, Line: o.line, Field: field, Reason: reason})
}

// known notes a reference to a profile that no file has; the kernel makes a
// bare one of it.
func (l *loader) known(o origin, field string, k crm.ProfileKey) {
	if k.IsZero() || l.parties[k] != nil || l.strange[k] {
		return
	}
	l.strange[k] = true
	l.warn(o, field, fmt.Sprintf("%s is in no file of profiles or was rejected there; what hangs on it is kept", quote(k.String())))
}

// finish makes the records.
func (l *loader) finish() *Data {
	d := l.data
	l.finishSales()
	l.finishCare()
	l.finishParties()
	l.finishPlaces()
	d.timeline.settle()
	d.brands = sorted(l.brands)
	return d
}

// heard notes that something happened to a profile.
func (l *loader) heard(k crm.ProfileKey, at time.Time) {
	if p := l.parties[k]; p != nil && !at.IsZero() && (p.heard.IsZero() || at.Before(p.heard)) {
		p.heard = at
	}
}

// place is a location with the row that declares it.
type place struct {
	crm.Place
	from origin
}

func (l *loader) place(r *row) {
	p := &place{from: r.origin()}
	p.ID, p.Name, p.Kind, p.Parent = r.need("id"), r.text("name"), r.word("kind"), r.value("parent")
	p.Zone, p.Opened, p.Closed = r.value("zone"), r.time("opened"), r.time("closed")
	if p.Kind == "" {
		r.need("kind")
	}
	if p.Currency = r.value("currency"); p.Currency != "" && !isCurrency(p.Currency) {
		r.fault("currency", "%s is no ISO 4217 code such as TRY", quote(p.Currency))
	}
	if _, err := time.LoadLocation(p.Zone); err != nil || p.Zone == "Local" {
		r.fault("zone", "%s is no IANA zone such as Europe/Istanbul", quote(p.Zone))
	}
	one := p.Place
	one.Parent, one.Zone = "", ""
	if _, err := crm.NewPlaces(nil, &one); err != nil && p.ID != "" {
		r.fault("id", "%s is no id: too long or with control characters", quote(p.ID))
	}
	if was := l.placeAt[p.ID]; was != nil {
		r.fault("id", "%s is declared in %s already", quote(p.ID), was.from)
	}
	if len(r.faults) == 0 {
		l.addPlace(p)
	}
}

func (l *loader) addPlace(p *place) {
	l.places = append(l.places, p)
	l.placeAt[p.ID] = p
}

// placed notes a place that no file declares, once, and declares it.
func (l *loader) placed(o origin, field, id string) {
	if id == "" || l.placeAt[id] != nil {
		return
	}
	l.addPlace(&place{Place: crm.Place{ID: id, Kind: "store", Name: id}, from: o})
	l.warn(o, field, fmt.Sprintf("the place %s is in no file of places; kept as a store", quote(id)))
}

// finishPlaces cuts parents that lead nowhere or in a circle, and puts parents
// before their children.
func (l *loader) finishPlaces() {
	slices.SortFunc(l.places, func(a, b *place) int { return strings.Compare(a.ID, b.ID) })
	done := map[*place]bool{}
	for _, p := range l.places {
		var path []*place
		for q := p; q != nil && !done[q]; {
			path = append(path, q)
			up := l.placeAt[q.Parent]
			switch {
			case q.Parent == "":
			case up == nil:
				l.warn(q.from, "parent", fmt.Sprintf("%s is not a place; left without a parent", quote(q.Parent)))
				q.Parent = ""
			case slices.Contains(path, up):
				l.warn(q.from, "parent", fmt.Sprintf("%s closes a circle; left without a parent", quote(q.Parent)))
				q.Parent, up = "", nil
			}
			q = up
		}
		for _, q := range slices.Backward(path) {
			done[q] = true
			l.data.places = append(l.data.places, &q.Place)
		}
	}
}
