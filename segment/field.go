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

// fieldOf returns the field of which a leaf is a value: "city" of "city:Bursa",
// "" of a leaf without a colon.
func fieldOf(leaf string) string {
	field, _, ok := strings.Cut(leaf, ":")
	if !ok {
		return ""
	}
	return field
}

// SetField supplies or replaces a field of the customers, such as their city,
// tier or RFM cell, as the leaves "field:value", one for each value. Rows are
// (customer, value) and complete: who has no row, or an empty value, has no
// value. Further values can be named that definitions may refer to while nobody
// has them; those seen earlier stay known anyway. Unknown customers are
// skipped. Rows must not call the index. It is one step for readers. A customer with two values, a bad name or
// a colon in the field's name is an *InvalidError.
func (x *Index) SetField(at time.Time, field string, rows iter.Seq2[string, string], values ...string) (Changes, error) {
	if err := checkName("field", field+":"); err != nil || field == "" || strings.Contains(field, ":") {
		return Changes{}, &InvalidError{Field: "field", Msg: "needs a name without colon, at most 254 bytes long"}
	}
	field = fold.Compose(field)
	sets := make(map[string]*bitset.Set)
	for _, value := range values {
		sets[field+":"+fold.Compose(value)] = new(bitset.Set)
	}
	x.mu.Lock()
	defer x.done()
	var seen bitset.Set
	for customer, value := range rows {
		if value == "" {
			continue
		}
		id, ok := x.ids.Lookup(customer)
		if !ok {
			continue
		}
		if !seen.Add(id) {
			return Changes{}, &InvalidError{Field: "field " + field, Msg: "has two values for one customer"}
		}
		leaf := field + ":" + fold.Compose(value)
		if sets[leaf] == nil {
			sets[leaf] = new(bitset.Set)
		}
		sets[leaf].Add(id)
	}
	for leaf := range sets {
		if err := checkName("value of "+field, leaf); err != nil {
			return Changes{}, err
		}
	}
	for leaf := range x.leaves { // values that nobody has any more
		if fieldOf(leaf) == field && sets[leaf] == nil {
			sets[leaf] = new(bitset.Set)
		}
	}
	if err := x.begin(at); err != nil {
		return Changes{}, err
	}
	x.touchMaps()
	affected := make(map[*tracked]bool)
	for leaf, s := range sets {
		s.Compact()
		x.leaves[leaf] = outside{set: s}
		for _, t := range x.planned().byLeaf[leaf] {
			affected[t] = true
		}
	}
	x.plan = nil
	inOrder := slices.SortedFunc(maps.Keys(affected), func(a, b *tracked) int { return cmp.Compare(a.name, b.name) })
	x.recompute(inOrder, Cause{Kind: causeLeaf, Name: field})
	return x.report(), nil
}
