package segment

import (
	"time"

	"github.com/vefacrm/vefa/internal/fold"
	"github.com/vefacrm/vefa/segment/bitset"
)

// Frozen is an audience as it was drawn, for a campaign: who was in it does not
// change with tags, polarity or definitions any more. It is safe for concurrent
// use.
type Frozen struct {
	// Definition is the segment's as it was then.
	Definition Definition
	Version    int            // of the definition, from 1
	At         time.Time      // when polarity and predicates were meant
	Red        []PolarityRule // in effect and not ignored, by tag
	Members    *bitset.Set    // dense ids; not to be changed
}

// Freeze draws a segment and keeps what it rested on. Errors are those of Audience.
func (v *View) Freeze(name string, at time.Time) (*Frozen, error) {
	members, err := v.Audience(name, at)
	if err != nil {
		return nil, err
	}
	d := v.defs[fold.Compose(name)]
	f := &Frozen{Definition: d.Definition, Version: d.version, At: v.when(at), Members: members}
	for _, r := range v.redsFor(d, f.At) {
		f.Red = append(f.Red, r.rule)
	}
	return f, nil
}

// Compare tells how the segment would be drawn differently now: whom it would
// gain and lose, and which of the lost have left the population.
func (f *Frozen) Compare(v *View, at time.Time) (gained, lost, gone *bitset.Set, err error) {
	now, err := v.Audience(f.Definition.Name, at)
	if err != nil {
		return nil, nil, nil, err
	}
	lost = bitset.Except(f.Members, now)
	return bitset.Except(now, f.Members), lost, bitset.Except(lost, v.pop), nil
}
