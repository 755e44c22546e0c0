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
// Outbox's Guard asks it in the transaction that claims.
func (d *Desk) Check(ctx context.Context, r crm.Reader, at time.Time, names ...string) (map[string]messaging.Verdict, error) {
	lives, err := d.Read(ctx, r, names...)
	if err != nil {
		return nil, err
	}
	out := make(map[string]messaging.Verdict, len(names))
	for _, name := range names {
		out[name] = lives[name].Verdict(at)
	}
	return out, nil
}

// Read returns campaigns by name, as they are in a transaction; those that are not there are
// left out.
func (d *Desk) Read(ctx context.Context, r crm.Reader, names ...string) (map[string]*Life, error) {
	names = slices.Clone(names)
	slices.Sort(names)
	docs, err := r.Documents(ctx, kind, slices.Compact(names)...)
	if err != nil {
		return nil, err
	}
	out := make(map[string]*Life, len(docs))
	for _, doc := range docs {
		if doc == nil {
			continue
		}
		if out[doc.ID], err = decode(doc); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Verdict says whether messages of the campaign may leave at an instant. Those of one that is
// Sending may; of one that is Paused, or has not begun, they are put off by Wait; of one that
// is over, or that is not known (nil), they are withheld.
func (l *Life) Verdict(at time.Time) messaging.Verdict {
	v := messaging.Verdict{Outcome: messaging.Withhold, Guard: Guard, Reasons: []crm.Reason{{Guard: Guard, Note: "there is no such campaign"}}}
	if l == nil {
		return v
	}
	v.Reasons[0].Note = "the campaign is " + string(l.State)
	v.Reads = []crm.GuardRead{{Record: Guard, Version: l.Rev}}
	switch {
	case l.State == Sending:
		v.Outcome, v.Guard, v.Reasons[0].Pass = messaging.Send, "", true
	case !l.State.Final():
		v.Outcome, v.NotBefore = messaging.Defer, crm.Micros(at.Add(Wait))
	}
	return v
}

// Keep reports whether a campaign of an occurrence is sending. What tx writes besides is then
// undone by crm.ErrConflict where somebody pauses, cancels or closes it at the same time: whoever
// plans messages of it again asks in that transaction.
func (d *Desk) Keep(ctx context.Context, tx crm.Tx, name, occurrence string) (bool, error) {
	docs, err := tx.Documents(ctx, kind, name)
	if err != nil || docs[0] == nil {
		return false, err
	}
	l, err := decode(docs[0])
	if err != nil || l.State != Sending || l.Occurrence() != occurrence {
		return false, err
	}
	return true, tx.PutDocuments(ctx, docs[0])
}

// Hold reports whether a campaign can still be drawn for an occurrence (see Life.Occurrence):
// it is scheduled as it was, and has not begun. What tx writes besides is then undone by
// crm.ErrConflict where somebody changes the campaign or begins it at the same time: whoever
// plans its effects asks in each transaction, so that nobody joins an audience that is drawn.
func (d *Desk) Hold(ctx context.Context, tx crm.Tx, name, occurrence string) (bool, error) {
	docs, err := tx.Documents(ctx, kind, name)
	if err != nil || docs[0] == nil {
		return false, err
	}
	l, err := decode(docs[0])
	if err != nil || l.State != Scheduled || l.Occurrence() != occurrence {
		return false, err
	}
	return true, tx.PutDocuments(ctx, docs[0])
}
