package segment

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/internal/fold"
	"github.com/vefacrm/vefa/segment/bitset"
)

// Panel is a stratified sample, hold-out or control group that is kept as two
// tags, so that it can be used, seen and explained like everything else: Tag
// for those drawn, Rest for those who were considered and not drawn. A decision
// about a customer is made once. As the population grows only newcomers are
// decided about, so that the share of each stratum stays within one customer of
// what it should be.
type Panel struct {
	Segment string // whom it is drawn from
	// Tag is set for those who are drawn and Rest for those who are not; they must differ.
	Tag, Rest   string
	Salt        []byte // another one draws another sample; e.g. the panel's name
	Part, Whole int    // the share to draw: Part of Whole
	// Strata is a field supplied by SetField whose values are drawn from one by
	// one; customers without a value are a stratum of their own. Empty: no strata.
	Strata string
}

// Draw decides about the members of the panel's segment who carry neither tag
// and returns the changes that Index.Apply makes true; By is the segment's name.
// Without newcomers there are none. Members of a stratum are decided about in
// the order of their lottery numbers. An unknown segment or field is an
// *UnknownError, an unusable Panel an *InvalidError.
func (v *View) Draw(p Panel, at time.Time) ([]TagChange, error) {
	p.Segment, p.Tag, p.Rest, p.Strata = fold.Compose(p.Segment), fold.Compose(p.Tag), fold.Compose(p.Rest), fold.Compose(p.Strata)
	switch {
	case p.Part < 0 || p.Whole <= 0 || p.Part > p.Whole:
		return nil, &InvalidError{Field: "part", Msg: "must be from 0 to whole"}
	case p.Tag == p.Rest:
		return nil, &InvalidError{Field: "rest", Msg: "must be another tag than that of the panel"}
	}
	for _, tag := range []string{p.Tag, p.Rest} {
		if err := checkName("tag", tag); err != nil {
			return nil, err
		}
	}
	members, err := v.considered(p, at)
	if err != nil {
		return nil, err
	}
	strata, err := v.strata(p.Strata, members)
	if err != nil {
		return nil, err
	}
	lot := newLottery(p.Salt)
	drawn, rest := v.tag(p.Tag), v.tag(p.Rest)
	var out []TagChange
	for _, s := range strata {
		before := bitset.Intersect(s, drawn).Len()
		fresh := bitset.Except(s, drawn, rest)
		all := before + fresh.Len() + bitset.Except(bitset.Intersect(s, rest), drawn).Len()
		take := min(max(share(all, p.Part, p.Whole)-before, 0), fresh.Len())
		for i, customer := range lot.order(v.Customers(fresh)) {
			change := TagChange{Customer: customer, Tag: p.Rest, By: p.Segment}
			if i < take {
				change.Tag = p.Tag
			}
			out = append(out, change)
		}
	}
	return out, nil
}

// considered draws the panel's segment, those included whom the panel itself
// takes out because its tag is red.
func (v *View) considered(p Panel, at time.Time) (*bitset.Set, error) {
	d, err := v.definition(p.Segment)
	if err != nil {
		return nil, err
	}
	below := make(map[string]bool)
	v.reach(p.Segment, below)
	for name := range below {
		if refs := v.defs[name].refs; slices.Contains(refs.Tags, p.Tag) || slices.Contains(refs.Tags, p.Rest) {
			return nil, &InvalidError{Field: "segment", Msg: "rests on the panel's own tags"}
		}
	}
	whole := d.Definition
	whole.IgnoreRed = append(slices.Clip(whole.IgnoreRed), p.Tag, p.Rest)
	root, err := newCompiler(&v.state, v.when(at)).audience(&defined{Definition: whole.sorted()})
	if err != nil {
		return nil, err
	}
	return root.Set(), nil
}

// strata divides members by the values of a field, in sorted order; last come
// those without a value.
func (v *View) strata(field string, members *bitset.Set) ([]*bitset.Set, error) {
	if field == "" {
		return []*bitset.Set{members}, nil
	}
	var values []*bitset.Set
	for _, leaf := range slices.Sorted(maps.Keys(v.leaves)) {
		if strings.HasPrefix(leaf, field+":") && v.leaves[leaf].set != nil {
			values = append(values, v.leaves[leaf].set)
		}
	}
	if len(values) == 0 {
		return nil, &UnknownError{Kind: "field", Name: field}
	}
	var out []*bitset.Set
	for _, s := range values {
		out = append(out, bitset.Intersect(members, s))
	}
	return append(out, bitset.Except(members, values...)), nil
}

// order returns customers by their numbers, lowest first.
func (l *lottery) order(customers iter.Seq[string]) []string {
	type ticket struct {
		number   uint64
		customer string
	}
	var tickets []ticket
	for customer := range customers {
		tickets = append(tickets, ticket{l.number(customer), customer})
	}
	slices.SortFunc(tickets, func(a, b ticket) int {
		return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.customer, b.customer))
	})
	out := make([]string, len(tickets))
	for i, t := range tickets {
		out[i] = t.customer
	}
	return out
}
