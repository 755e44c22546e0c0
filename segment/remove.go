package segment

import (
	"slices"
	"time"

	"github.com/vefacrm/vefa/segment/bitset"
)

// RemoveLeaf removes outside leaves; unknown ones are ignored. While a
// definition refers to one it is an *InUseError and nothing is removed.
func (x *Index) RemoveLeaf(at time.Time, names ...string) (Changes, error) {
	names = composed(names)
	x.mu.Lock()
	defer x.done()
	for _, name := range names {
		if by := x.mentions(func(d *defined) bool { return slices.Contains(d.refs.leaves, name) }); len(by) > 0 {
			return Changes{}, &InUseError{Name: name, By: by}
		}
	}
	if err := x.begin(at); err != nil {
		return Changes{}, err
	}
	x.touchMaps()
	for _, name := range names {
		delete(x.leaves, name)
	}
	x.plan = nil
	return x.report(), nil
}

// RemoveTag erases tags with their carriers and polarity rules; unknown ones are
// ignored. While a definition mentions one, be it to ignore its red, or while
// one is or will be red and so keeps its carriers out of audiences, it is an
// *InUseError and nothing is removed.
func (x *Index) RemoveTag(at time.Time, tags ...string) (Changes, error) {
	tags = composed(tags)
	x.mu.Lock()
	defer x.done()
	when := x.clock
	if !at.IsZero() {
		when = at.UTC()
	}
	for _, tag := range tags {
		by := x.mentions(func(d *defined) bool {
			return slices.Contains(d.refs.tags, tag) || slices.Contains(d.IgnoreRed, tag)
		})
		if i, ok := x.ord[tag]; ok && redFrom(x.polarity[i], when) {
			by = append(by, "its red polarity")
		}
		if len(by) > 0 {
			return Changes{}, &InUseError{Name: tag, By: by}
		}
	}
	if err := x.begin(at); err != nil {
		return Changes{}, err
	}
	x.touchMaps()
	for _, tag := range tags {
		if i, ok := x.ord[tag]; ok {
			delete(x.ord, tag)
			x.tags[i], x.polarity[i] = new(bitset.Set), nil
			x.dirty(i)
		}
	}
	x.plan = nil
	return x.report(), nil
}

// mentions lists the segments whose own definition uses something, by name.
func (s *state) mentions(direct func(*defined) bool) []string {
	var out []string
	for name, d := range s.defs {
		if direct(d) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// redFrom reports whether rules make a tag red at t or may do so later.
func redFrom(rules []PolarityRule, t time.Time) bool {
	if now, ok := polarityAt(rules, t); ok && now.Polarity == Red {
		return true
	}
	return slices.ContainsFunc(rules, func(r PolarityRule) bool { return r.Polarity == Red && r.From.After(t) })
}
