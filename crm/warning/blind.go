package warning

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
)

// Kept is a record of a source: a customer's profile, an order, a visit.
type Kept struct {
	Kind   string // "customer", "order"
	Source string // "store", "web"
	// Linked says that it is known whose record it is, and Person who; persons are numbered by the caller.
	Linked bool
	Person uint32
}

// Blindness is how much of what a firm records is out of sight of the rest of it, by kind of record.
type Blindness struct {
	Version string `json:"version"`
	// Index is the mean of the Share of all kinds, each counting alike, from 0 to 1.
	Index float64 `json:"index"`
	Kinds []Blind `json:"kinds"` // in the order of names
	// Silo is the share of persons whom one source alone knows; Silos is that of each source, by name. Customers who
	// do use one channel only are among them: compare it over time, or one source with another.
	Silo  Silo   `json:"silo"`
	Silos []Silo `json:"silos"`
}

// Blind is a kind of record.
type Blind struct {
	Kind    string `json:"kind"`
	N       int    `json:"n"`
	Nobody  int    `json:"nobody"` // without a customer that is known
	Apart   int    `json:"apart"`  // of a person whom its source alone knows
	Sources int    `json:"sources"`
	// Share is Nobody and Apart over N, with the interval of Wilson at 95 %.
	Share float64 `json:"share"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Silo is how many of the persons that a source knows no other does.
type Silo struct {
	Source  string  `json:"source"` // empty: all
	Persons int     `json:"persons"`
	Alone   int     `json:"alone"`
	Share   float64 `json:"share"`
	Low     float64 `json:"low"` // Wilson, 95 %
	High    float64 `json:"high"`
}

// blindVersion names how Blindness is counted.
const blindVersion = "blindness-1"

// Blinds returns the blindness index and the silo index of records. A person is known to a source if any record of it, of
// whatever kind, is linked to him. There must be two sources; the error is an ErrData that names the record.
func Blinds(records iter.Seq[Kept]) (Blindness, error) {
	type key struct{ kind, source string }
	type of struct {
		n, nobody int
		persons   map[uint32]int
	}
	count := map[key]*of{}
	sources := map[string]int{}
	known := map[uint32]int{} // which source knows a person: several where -1
	row := 0
	for k := range records {
		switch {
		case k.Kind == "":
			return Blindness{}, fmt.Errorf("%w: record %d: Kind is empty", ErrData, row)
		case k.Source == "":
			return Blindness{}, fmt.Errorf("%w: record %d: Source is empty", ErrData, row)
		}
		row++
		source, ok := sources[k.Source]
		if !ok {
			source = len(sources)
			sources[k.Source] = source
		}
		c := count[key{k.Kind, k.Source}]
		if c == nil {
			c = &of{persons: map[uint32]int{}}
			count[key{k.Kind, k.Source}] = c
		}
		c.n++
		if !k.Linked {
			c.nobody++
			continue
		}
		c.persons[k.Person]++
		if was, ok := known[k.Person]; !ok {
			known[k.Person] = source
		} else if was != source {
			known[k.Person] = -1
		}
	}
	if len(sources) < 2 {
		return Blindness{}, fmt.Errorf("%w: records of %d sources, not 2 or more", ErrData, len(sources))
	}
	out := Blindness{Version: blindVersion}
	kinds := map[string]*Blind{}
	persons := map[string]map[uint32]bool{}
	for k, c := range count {
		b := kinds[k.kind]
		if b == nil {
			b = &Blind{Kind: k.kind}
			kinds[k.kind] = b
		}
		b.N, b.Nobody, b.Sources = b.N+c.n, b.Nobody+c.nobody, b.Sources+1
		if persons[k.source] == nil {
			persons[k.source] = map[uint32]bool{}
		}
		for p, n := range c.persons {
			persons[k.source][p] = true
			if known[p] >= 0 {
				b.Apart += n
			}
		}
	}
	for _, b := range kinds {
		b.Share, b.Low, b.High = wilson(b.Nobody+b.Apart, b.N)
		out.Kinds = append(out.Kinds, *b)
	}
	slices.SortFunc(out.Kinds, func(a, b Blind) int { return cmp.Compare(a.Kind, b.Kind) })
	for _, b := range out.Kinds {
		out.Index += b.Share / float64(len(out.Kinds))
	}
	for source := range sources {
		s := Silo{Source: source, Persons: len(persons[source])}
		for p := range persons[source] {
			if known[p] >= 0 {
				s.Alone++
			}
		}
		out.Silo.Alone += s.Alone
		out.Silos = append(out.Silos, s.with())
	}
	slices.SortFunc(out.Silos, func(a, b Silo) int { return cmp.Compare(a.Source, b.Source) })
	out.Silo.Persons = len(known)
	out.Silo = out.Silo.with()
	return out, nil
}

func (s Silo) with() Silo {
	s.Share, s.Low, s.High = wilson(s.Alone, s.Persons)
	return s
}
