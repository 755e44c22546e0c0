package vefa

import (
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// ordered: no message left before the one that it follows.
func (a *audit) ordered() error {
	sent := make(map[crm.EffectID]time.Time, len(a.sent))
	for _, e := range a.sent {
		sent[e.ID] = e.SentAt
	}
	for _, e := range a.sent {
		if at, ok := sent[a.data[e.ID].After]; ok && at.After(e.SentAt) {
			a.report.find(&a.report.SentBeforeCause, "effect %s left before %s", e.ID, a.data[e.ID].After)
		}
	}
	return nil
}

// contents: no customer was told the same within the time that was asked of the message.
func (a *audit) contents() error {
	type said struct {
		to      crm.CustomerID
		content int64
	}
	last := map[said]*crm.Effect{}
	inTime := slices.Clone(a.sent)
	slices.SortStableFunc(inTime, func(x, y *crm.Effect) int { return x.SentAt.Compare(y.SentAt) })
	for _, e := range inTime {
		of, ok := noted(e, recordContent)
		who := a.profile(e)
		if !ok || who.IsZero() {
			continue
		}
		k := said{a.placed(who, e.SentAt.Add(-inFlight)), of}
		within, _ := noted(e, recordWithin)
		if was := last[k]; was != nil && a.placed(who, e.SentAt) == a.placed(a.profile(was), e.SentAt) && was.SentAt.After(e.SentAt.Add(-time.Duration(within)*time.Microsecond)) {
			a.report.find(&a.report.ContentRepeated, "effect %s says what %s said", e.ID, was.ID)
		}
		last[k] = e
	}
	return nil
}
