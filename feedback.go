package vefa

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/consent"
	"github.com/vefacrm/vefa/messaging/delivery"
)

// FeedbackReport counts what became of what a provider told.
type FeedbackReport struct {
	// Effects are messages whose fate was unknown and was settled by a report, and Known
	// counts the reports about messages whose fate was known, as of most.
	Effects crm.WorkStats
	Known   int
	// Answered counts inbound messages that a program answers, see Config.AutoReplies.
	Answered int
	// Rated counts those that were the answer to a survey, see Survey.Replies, also when they are
	// told again.
	Rated int
	// Opened and Appended count inbound messages that opened a ticket, or were added to one
	// that was not solved, see Config.Inbox.
	Opened, Appended int
	// Reports are the delivery reports.
	Reports delivery.Stats
	// Replies counts inbound messages by what they say about consent, "" for nothing.
	Replies map[consent.Intent]int
}

// Feedback takes what a provider told: a webhook's handler calls it, or what polls a
// messaging.Poller.
//
// Delivery reports settle messages whose answer was lost, and are kept as facts of
// delivery.Kind about the address; one about a part of a message settles it only together with
// those about all the others, and as refused only if all were. An address that does not exist is not written to any
// more. Inbound messages are read as Reply reads them, and kept as interactions of their
// sender's address on the channel that they came by: one that the provider tells again
// changes nothing. One that rates answers the survey that the address was asked last (Survey.Replies); what else
// comes is filed where Config.Inbox is set. What a program wrote (Inbound.Automatic) is kept and says nothing.
//
// The error names every report and message that is not valid, by its place from 0, and is
// then a messaging.ErrReport; all others are taken. Any other error is about the store: tell
// the provider that it failed, or poll from the same cursor again, which is harmless.
func (e *Engine) Feedback(ctx context.Context, f messaging.Feedback) (out FeedbackReport, err error) {
	defer e.took("feedback", time.Now(), &err)
	defer crm.Recover("feedback", &err)
	out.Replies = map[consent.Intent]int{}
	var receipts []crm.Receipt
	var parts []messaging.Report
	for _, r := range f.Reports {
		if r.Validate() != nil {
			continue // the log says so
		}
		if r.Part > 0 {
			parts = append(parts, r)
			continue
		}
		status := crm.Accepted
		if r.State == messaging.Rejected {
			status = crm.Declined
		}
		receipts = append(receipts, crm.Receipt{ID: r.ID, Provider: r.Provider, Status: status, Reason: r.Reason})
	}
	if out.Effects, err = e.outward(nil).Receive(ctx, receipts...); err != nil {
		return out, err
	}
	out.Known, out.Effects.Conflicts = out.Effects.Conflicts, 0 // reports of a known fate are no conflicts
	var faults []error
	if out.Reports, err = e.deliveries.Take(ctx, f.Reports...); err != nil {
		if !errors.Is(err, messaging.ErrReport) {
			return out, err
		}
		faults = append(faults, err)
	}
	if err = e.settleParts(ctx, parts, &out); err != nil {
		return out, errors.Join(append(faults, err)...)
	}
	for i, m := range f.Inbound {
		if err := m.Validate(); err != nil {
			faults = append(faults, fmt.Errorf("inbound message %d: %w", i, err))
			continue
		}
		intent, err := e.inbound(ctx, m, &out)
		if errors.Is(err, crm.ErrInvalid) {
			faults = append(faults, fmt.Errorf("%w: inbound message %d: %w", messaging.ErrReport, i, err))
			continue
		}
		if err != nil {
			return out, errors.Join(append(faults, err)...)
		}
		out.Replies[intent]++
	}
	return out, errors.Join(faults...)
}

// settleParts settles messages of unknown fate by what was reported about all their parts, this
// time and before: one that no part of left was refused, any other left.
func (e *Engine) settleParts(ctx context.Context, reports []messaging.Report, out *FeedbackReport) error {
	if len(reports) == 0 {
		return nil
	}
	var receipts []crm.Receipt
	known, unmatched := 0, 0
	err := e.cfg.Store.View(ctx, func(r crm.Reader) error {
		receipts, known, unmatched = nil, 0, 0
		ids := make([]crm.EffectID, len(reports))
		var keys []string
		var of []int
		for i, p := range reports {
			if ids[i] = p.ID; p.ID == "" {
				keys, of = append(keys, crm.ProviderKey(crm.EffectMessage, p.Provider)), append(of, i)
			}
		}
		refs, err := r.Refs(ctx, crm.RefProvider, 2, keys...)
		if err != nil {
			return err
		}
		for n, found := range refs {
			if len(found) > 0 && found[0].Target == found[len(found)-1].Target { // else nobody knows of which
				ids[of[n]] = crm.EffectID(found[0].Target)
			}
		}
		asked := slices.Clone(ids)
		slices.Sort(asked)
		asked = slices.DeleteFunc(slices.Compact(asked), func(id crm.EffectID) bool { return id.Validate() != nil })
		effects, err := r.Effects(ctx, asked...)
		if err != nil {
			return err
		}
		fates, err := delivery.Fates(ctx, r, effects...)
		if err != nil {
			return err
		}
		for i, id := range ids {
			at, ok := slices.BinarySearch(asked, id)
			if !ok || effects[at] == nil || effects[at].Kind != crm.EffectMessage {
				unmatched++
				continue
			}
			if s := effects[at].State; s == crm.Done || s == crm.Failed {
				known++
				continue
			}
			receipt, ok := ofParts(fates[at])
			if !ok || slices.ContainsFunc(receipts, func(o crm.Receipt) bool { return o.ID == id }) {
				continue
			}
			receipt.ID, receipt.Provider = id, reports[i].Provider
			receipts = append(receipts, receipt)
		}
		return nil
	})
	if err != nil {
		return err
	}
	stats, err := e.outward(nil).Receive(ctx, receipts...)
	out.Known += known + stats.Conflicts
	stats.Conflicts = 0
	out.Effects.Add(stats)
	out.Effects.Unmatched += unmatched
	return err
}

// ofParts returns what is known of a message all of whose parts were reported.
func ofParts(f *delivery.Fate) (crm.Receipt, bool) {
	if f == nil || f.Count == 0 || len(f.Parts) < f.Count {
		return crm.Receipt{}, false
	}
	for _, p := range f.Parts {
		if p.State != messaging.Rejected {
			return crm.Receipt{Status: crm.Accepted}, true
		}
	}
	return crm.Receipt{Status: crm.Declined, Reason: f.Parts[0].Reason}, true
}
