package segment

import "time"
import "github.com/vefacrm/vefa/segment/bitset"

// Counts returns the number of members of each segment. It is much faster than
// asking one by one: it walks the population once, chunk by chunk, and what many
// segments mention is read, laid out and computed once per chunk.
func (v *View) Counts(at time.Time, names ...string) ([]int, error) {
	b, err := v.batch(at, names)
	if err != nil {
		return nil, err
	}
	return b.Counts(v.pop), nil
}

// Audiences returns the members of each segment, evaluated together as by
// Counts. The sets belong to the caller.
func (v *View) Audiences(at time.Time, names ...string) ([]*bitset.Set, error) {
	b, err := v.batch(at, names)
	if err != nil {
		return nil, err
	}
	return b.Sets(v.pop), nil
}

// batch compiles the segments with one compiler, so that what several of them mention is
// one node and is computed once.
func (v *View) batch(at time.Time, names []string) (*bitset.Batch, error) {
	c := newCompiler(&v.state, v.when(at))
	b := new(bitset.Batch)
	for _, name := range names {
		d, err := v.definition(name)
		if err != nil {
			return nil, err
		}
		root, err := c.audience(d)
		if err != nil {
			return nil, err
		}
		b.Add(root)
	}
	return b, nil
}
