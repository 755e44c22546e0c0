package link

import (
	"cmp"
	"slices"
	"time"
)

// tallies count the clicks of links hour by hour, in bounded memory.
type tallies struct {
	of     map[linkHour]*tally
	open   map[linkHour]*tally // those whose surplus is not written
	hour   int64               // of the last click
	pruned int64               // the hour in which others were last forgotten
	serial uint64
	keep   int // clicks of one link and hour
	limit  int // links and hours
}

type linkHour struct {
	id   uint64
	hour int64 // since 1970
}

func hourOf(at time.Time) int64 { return at.Unix() / 3600 }

type tally struct {
	kept    int
	surplus uint64
	written uint64 // of surplus
	serial  uint64
}

// What becomes of a click.
type place uint8

const (
	kept   place = iota
	taken        // counted as surplus
	noRoom       // not even that
)

// surplus counts a click of which nothing is kept, and reports false where it
// may be kept.
func (t *tallies) surplus(k linkHour) bool {
	t.hour = k.hour
	n := t.of[k]
	if n == nil || n.kept < t.keep {
		return false
	}
	if n.surplus == n.written {
		t.open[k] = n
	}
	n.surplus++
	return true
}

// take decides about a click and counts it.
func (t *tallies) take(k linkHour) place {
	if t.surplus(k) {
		return taken
	}
	n := t.of[k]
	if n == nil {
		if len(t.of) >= t.limit && !t.evict() {
			return noRoom
		}
		t.serial++
		n = &tally{serial: t.serial}
		t.of[k] = n
	}
	n.kept++
	return kept
}

// evict forgets one tally of which everything is written, rather one of a link
// that is not clicked too often.
func (t *tallies) evict() bool {
	const tries = 64
	i, found := 0, false
	var victim linkHour
	for k, n := range t.of {
		if n.surplus == n.written {
			victim, found = k, true
			if n.kept < t.keep || k.hour != t.hour {
				break
			}
		}
		if i++; i == tries {
			break
		}
	}
	if found {
		delete(t.of, victim)
	}
	return found
}

// due returns the counts that are not written, in a fixed order.
func (t *tallies) due() []Surplus {
	out := make([]Surplus, 0, len(t.open))
	for k, n := range t.open {
		out = append(out, Surplus{ID: k.id, Hour: time.Unix(k.hour*3600, 0).UTC(), Serial: n.serial, Count: n.surplus})
	}
	slices.SortFunc(out, func(a, b Surplus) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), a.Hour.Compare(b.Hour))
	})
	return out
}

// wrote notes counts that were written; what came meanwhile stays open.
func (t *tallies) wrote(counts []Surplus) {
	for _, s := range counts {
		k := linkHour{s.ID, hourOf(s.Hour)}
		n := t.of[k]
		if n == nil || n.serial != s.Serial {
			continue
		}
		if n.written = s.Count; n.written == n.surplus {
			delete(t.open, k)
		}
	}
}

// prune forgets, once an hour, the hours that are over.
func (t *tallies) prune() {
	if t.hour == t.pruned {
		return
	}
	t.pruned = t.hour
	for k, n := range t.of {
		if k.hour != t.hour && n.surplus == n.written {
			delete(t.of, k)
		}
	}
}
