package vefa

import (
	"context"
	"errors"
	"fmt"
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
// delivery.Kind about the address; an address that does not exist is not written to any
// more. Inbound messages are read as Reply reads them, and kept as interactions of their
// sender's address on the channel that they came by: one that the provider tells again
// changes nothing. What a program wrote (Inbound.Automatic) is kept and says nothing.
//
// The error names every report and message that is not valid, by its place from 0, and is
// then a messaging.ErrReport; all others are taken. Any other error is about the store: tell
// the provider that it failed, or poll from the same cursor again, which is harmless.
func (e *Engine) Feedback(ctx context.Context, f messaging.Feedback) (out FeedbackReport, err error) {
	defer e.took("feedback", time.Now(), &err)
	defer crm.Recover("feedback", &err)
	out.Replies = map[consent.Intent]int{}
	var receipts []crm.Receipt
	for _, r := range f.Reports {
		if r.Validate() != nil {
			continue // the log says so
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
