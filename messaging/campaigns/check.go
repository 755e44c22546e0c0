package campaigns

import (
	"context"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
)

// Guard is the Guard of the reasons that Check gives.
const Guard = "campaign"

// Wait is how long a message is put off whose campaign is paused: it is looked at again then.
const Wait = time.Minute

// Check answers for each campaign, by name, whether its messages may leave at an instant: an
// Outbox's Guard asks it in the transaction that claims. One that is Sending may; one that is
// Paused, or has not begun, is put off by Wait; one that is over, or that is not known,
// withholds them.
func (d *Desk) Check(ctx context.Context, r crm.Reader, at time.Time, names ...string) (map[string]messaging.Verdict, error) {
	names = slices.Clone(names)
	slices.Sort(names)
	names = slices.Compact(names)
	docs, err := r.Documents(ctx, kind, names...)
	if err != nil {
		return nil, err
	}
	out := make(map[string]messaging.Verdict, len(names))
	for i, doc := range docs {
		v := messaging.Verdict{Outcome: messaging.Withhold, Guard: Guard, Reasons: []crm.Reason{{Guard: Guard, Note: "there is no such campaign"}}}
		if doc != nil {
			l, err := decode(doc)
			if err != nil {
				return nil, err
			}
			v.Reasons[0].Note = "the campaign is " + string(l.State)
			v.Reads = []crm.GuardRead{{Record: Guard, Version: doc.Rev}}
			switch {
			case l.State == Sending:
				v.Outcome, v.Guard, v.Reasons[0].Pass = messaging.Send, "", true
			case !l.State.Final():
				v.Outcome, v.NotBefore = messaging.Defer, crm.Micros(at.Add(Wait))
			}
		}
		out[names[i]] = v
	}
	return out, nil
}
