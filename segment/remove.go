package segment

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/segment/bitset"
)

// Remove removes segments, whose tracked members leave, outside leaves, and tags with
// their carriers and polarity rules; unknown ones are ignored. While a definition that
// stays mentions one, be it to ignore a tag's red, or while a tag is or will be red and so
// keeps its carriers out of audiences, it is an *InvalidError and nothing is removed.
func (x *Index) Remove(at time.Time, what References) (Changes, error) {
	what = what.composed()
	x.mu.Lock()
	defer x.done()
	if err := x.removable(at, what); err != nil {
		return Changes{}, err
	}
	if err := x.begin(at); err != nil {
		return Changes{}, err
	}
	x.touchMaps()
	for _, name := range what.Segments {
		d, ok := x.defs[name]
		if !ok {
			continue
		}
		if t, ok := x.tracked[name]; ok {
			x.emit(t, new(bitset.Set), Cause{Kind: causeDefinition, Name: name, Version: d.version})
			x.untrack(t)
		}
		delete(x.defs, name)
	}
	for _, name := range what.Leaves {
		delete(x.leaves, name)
	}
	for _, tag := range what.Tags {
		if i, ok := x.ord[tag]; ok {
			delete(x.ord, tag)
			x.tags[i], x.polarity[i] = new(bitset.Set), nil
			x.dirty(i)
		}
	}
	x.plan = nil
	return x.report(), nil
}

// removable names the first thing that must stay, and what needs it.
func (x *Index) removable(at time.Time, what References) error {
	when := x.clock
	if !at.IsZero() {
		when = at.UTC()
	}
	check := func(kind string, names []string, mentioned func(d *defined, name string) bool) error {
		for _, name := range names {
			var by []string
			for _, d := range x.defs {
				if !slices.Contains(what.Segments, d.Name) && mentioned(d, name) {
					by = append(by, d.Name)
				}
			}
			slices.Sort(by)
			if i, ok := x.ord[name]; ok && kind == "tag" && redFrom(x.polarity[i], when) {
				by = append(by, "its red polarity")
			}
			if len(by) > 0 {
				return &InvalidError{Field: kind, Msg: fmt.Sprintf("%q is used by %s", name, strings.Join(by, ", "))}
			}
		}
		return nil
	}
	return cmp.Or(
		check("segment", what.Segments, func(d *defined, name string) bool { return slices.Contains(d.refs.Segments, name) }),
		check("leaf", what.Leaves, func(d *defined, name string) bool { return slices.Contains(d.refs.Leaves, name) }),
		check("tag", what.Tags, func(d *defined, name string) bool {
			return slices.Contains(d.refs.Tags, name) || slices.Contains(d.IgnoreRed, name)
		}))
}

// redFrom reports whether rules make a tag red at t or may do so later.
func redFrom(rules []PolarityRule, t time.Time) bool {
	if now, ok := polarityAt(rules, t); ok && now.Polarity == Red {
		return true
	}
	return slices.ContainsFunc(rules, func(r PolarityRule) bool { return r.Polarity == Red && r.From.After(t) })
}
