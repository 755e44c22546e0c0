package crm

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Region is the Place.Kind of the places by which rules and reports sum up what happens
// below them.
const Region = "region"

// Place is a node of the tree country → region → store, dealer, kiosk or web
// shop. Facts name the place that they happened at.
type Place struct {
	// ID is what facts name the place by, across all sources.
	ID string `json:"id"`
	// Parent is the ID of the place that it belongs to; empty: a root.
	Parent string `json:"parent,omitempty"`
	// Kind is what it is in the host's own words, such as country, store, dealer, kiosk,
	// web or service. Only Region means something to the library, and web: that says nothing
	// about where its customers are.
	Kind     string `json:"kind"`
	Name     string `json:"name"`
	Zone     string `json:"zone,omitempty"`     // IANA zone; empty: the parent's
	Currency string `json:"currency,omitempty"` // ISO 4217; empty: the parent's
	// Opened and Closed bound the time it did business; zero: not known, or not yet.
	Opened time.Time `json:"opened,omitzero"`
	Closed time.Time `json:"closed,omitzero"`
}

// Places is the tree of locations in memory.
type Places struct {
	byID map[string]*Place
	zone map[string]*time.Location
	home *time.Location
}

// NewPlaces builds the tree. A cycle, an unknown parent or zone and an id used
// twice are errors. Home is the zone of facts without a place; nil means UTC.
func NewPlaces(home *time.Location, places ...*Place) (*Places, error) {
	if home == nil {
		home = time.UTC
	}
	t := &Places{byID: make(map[string]*Place, len(places)), zone: map[string]*time.Location{}, home: home}
	for _, p := range places {
		if err := checkKeyText("id", p.ID, false); err != nil {
			return nil, invalid("place", "place", p.ID, err)
		}
		if t.byID[p.ID] != nil {
			return nil, &Error{Op: "place", Entity: "place", ID: p.ID, Kind: ErrExists}
		}
		t.byID[p.ID] = p
	}
	for _, p := range places {
		slow := p
		for q, n := p, 0; q.Parent != ""; n++ {
			up := t.byID[q.Parent]
			if up == nil {
				return nil, invalid("place", "place", p.ID, fieldError("parent", fmt.Sprintf("%q is not known", q.Parent)))
			}
			if q = up; n%2 == 1 {
				slow = t.byID[slow.Parent]
			}
			if q == slow {
				return nil, invalid("place", "place", p.ID, fieldError("parent", "closes a cycle"))
			}
		}
		if p.Zone == "" {
			continue
		}
		loc, err := time.LoadLocation(p.Zone)
		if err != nil {
			return nil, invalid("place", "place", p.ID, fieldError("zone", err.Error()))
		}
		t.zone[p.Zone] = loc
	}
	return t, nil
}

// PutPlaces adds places to the tree, or replaces those of the same id; the others
// stay. It refuses what NewPlaces refuses, of the whole tree, and then nothing is
// written. What is there already in the same words changes nothing.
func (s *Service) PutPlaces(ctx context.Context, places ...*Place) error {
	return s.update(ctx, func(tx Tx) error {
		all := map[string]*Place{}
		revs := map[string]*Document{}
		for d, err := range Documents(ctx, tx, placeKind) {
			if err != nil {
				return err
			}
			p := new(Place)
			if err := d.Decode(p); err != nil {
				return err
			}
			all[d.ID], revs[d.ID] = p, d
		}
		given := map[string]bool{}
		var puts []*Document
		for _, p := range places {
			if p == nil {
				return invalid("put", "place", "", fieldError("place", "is nil"))
			}
			if given[p.ID] {
				return &Error{Op: "put", Entity: "place", ID: p.ID, Kind: ErrExists}
			}
			given[p.ID], all[p.ID] = true, p
			d, err := NewDocument(placeKind, p.ID, p)
			if err != nil {
				return err
			}
			if was := revs[p.ID]; was != nil {
				if string(was.Data) == string(d.Data) {
					continue
				}
				d.Rev = was.Rev
			}
			puts = append(puts, d)
		}
		if _, err := NewPlaces(nil, slices.Collect(maps.Values(all))...); err != nil {
			return err
		}
		return tx.PutDocuments(ctx, puts...)
	})
}

// placeKind is the kind of the documents that places are kept in.
const placeKind = "place"

// LoadPlaces reads the tree that PutPlaces wrote.
func LoadPlaces(ctx context.Context, r Reader, home *time.Location) (*Places, error) {
	var all []*Place
	for d, err := range Documents(ctx, r, placeKind) {
		if err != nil {
			return nil, err
		}
		var p Place
		if err := d.Decode(&p); err != nil {
			return nil, err
		}
		all = append(all, &p)
	}
	return NewPlaces(home, all...)
}

// Get returns a place, or nil.
func (t *Places) Get(id string) *Place { return t.byID[id] }

// Path returns the ids from the place up to its root; nil if it is unknown.
func (t *Places) Path(id string) []string {
	var out []string
	for p := t.byID[id]; p != nil; p = t.byID[p.Parent] {
		out = append(out, p.ID)
	}
	return out
}

// Zone returns the zone that the place lives in: its own or the nearest
// ancestor's, else the home zone.
func (t *Places) Zone(id string) *time.Location {
	for p := t.byID[id]; p != nil; p = t.byID[p.Parent] {
		if p.Zone != "" {
			return t.zone[p.Zone]
		}
	}
	return t.home
}

// Currency returns the place's currency, its own or the nearest ancestor's.
func (t *Places) Currency(id string) string {
	for p := t.byID[id]; p != nil; p = t.byID[p.Parent] {
		if p.Currency != "" {
			return p.Currency
		}
	}
	return ""
}
