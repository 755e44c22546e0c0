package consent

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// History is one chain with its entries, the first first.
type History struct {
	Chain   Chain   `json:"chain"`
	Entries []Entry `json:"entries"`
}

// Fold returns what stood when something was said until an instant, as was known at
// another: entries that were recorded after known, or say something of after said, do not
// count. A zero time is no bound. Of entries with one origin the last one recorded counts;
// of those about one key the one said last, at the same time a refusal. The result is
// sorted as crm.AddressState.Consents, and is what the record itself has for the same facts.
func Fold(histories []History, said, known time.Time) []crm.ConsentState {
	var out []crm.ConsentState
	for i := range histories {
		h := &histories[i]
		corrected := make(map[Tag]bool, len(h.Entries))
		for n := len(h.Entries) - 1; n >= 0; n-- {
			e := &h.Entries[n]
			if !known.IsZero() && e.Recorded.After(known) || corrected[e.Origin] {
				continue
			}
			corrected[e.Origin] = true
			if e.Status != Withdrawn && (said.IsZero() || !e.Said.After(said)) {
				out = foldEntry(out, h.Chain.key(e), e)
			}
		}
	}
	return out
}

func foldEntry(states []crm.ConsentState, key crm.ConsentKey, e *Entry) []crm.ConsentState {
	next := crm.ConsentState{ConsentKey: key, Status: e.Status, At: e.Said}
	i, found := slices.BinarySearchFunc(states, key, func(a crm.ConsentState, k crm.ConsentKey) int {
		return cmp.Or(strings.Compare(a.Brand, k.Brand), strings.Compare(a.Recipient, k.Recipient), strings.Compare(a.Purpose, k.Purpose))
	})
	switch {
	case !found:
		return slices.Insert(states, i, next)
	case outranks(next, states[i]):
		states[i] = next
	}
	return states
}

// key returns what an entry of the chain is about.
func (c Chain) key(e *Entry) crm.ConsentKey {
	return crm.ConsentKey{Brand: c.Brand, Recipient: c.Recipient, Purpose: e.Purpose}
}
