package crm

import (
	"context"
	"iter"
	"strings"
	"time"
	"unicode/utf8"
)

// The keys of refTicket: all open tickets, and those of one assignee.
const openTickets = "open"

// ticketsOf returns the key under which the open tickets of an assignee are listed.
func ticketsOf(assignee string) string {
	if checkKeyText("", assignee, true) == nil {
		return RefKey("assignee " + assignee)
	}
	// Names that differ in what no key can hold share a list.
	return RefKey("assignee " + strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(assignee, string(utf8.RuneError))))
}

// urgency is the order of open tickets: the more urgent first, of those the older.
func (t *Ticket) urgency() int64 {
	const all = int64(10_000 * 366 * 24 * 3600 * 1_000_000) // microseconds, more than from year 1 to year 9999
	opened := t.Opened.UnixMicro() - time.Time{}.UnixMicro()
	return int64(9-t.Priority)*all + min(max(opened, 0), all-1) + 1
}

// TicketQuery asks for tickets that are not solved.
type TicketQuery struct {
	Assignee *string // only theirs; "" those without one. Nil: all
	// After is the last ticket of a page before, as it was then: where to go on. Nil:
	// from the start.
	After *Fact
}

// OpenTickets iterates over the tickets that are not solved, the most urgent first, of
// equally urgent ones the oldest. It reads page by page, each as it is at its moment, by
// an index: a desk with ten open tickets among a million reads ten.
func (s *Service) OpenTickets(ctx context.Context, q TicketQuery) iter.Seq2[*Fact, error] {
	return func(yield func(*Fact, error) bool) {
		scan := RefQuery{Kind: refTicket, Key: openTickets, Limit: pageSize}
		if q.Assignee != nil {
			scan.Key = ticketsOf(*q.Assignee)
		}
		if f := q.After; f != nil {
			t, ok := f.Data.(*Ticket)
			if !ok {
				yield(nil, invalid("find", "ticket", f.Key.String(), fieldError("after", "is no ticket")))
				return
			}
			scan.After = Ref{Subject: f.Subject, Target: RefKey(f.Key.String()), Order: t.urgency()}
		}
		for {
			var refs []Ref
			var facts []*Fact
			err := s.store.View(ctx, func(r Reader) (err error) {
				refs, facts, err = scanFacts(ctx, r, scan)
				return err
			})
			if err != nil {
				yield(nil, err)
				return
			}
			for _, f := range facts {
				if f == nil || q.Assignee != nil && f.Data.(*Ticket).Assignee != *q.Assignee {
					continue
				}
				if !yield(f, nil) {
					return
				}
			}
			if len(refs) < scan.Limit {
				return
			}
			scan.After = refs[len(refs)-1]
		}
	}
}

// UnsolvedTickets iterates over the tickets that are not solved as one transaction sees
// them, in the order of Service.OpenTickets and by the same index.
func UnsolvedTickets(ctx context.Context, r Reader) iter.Seq2[*Fact, error] {
	return func(yield func(*Fact, error) bool) {
		scan := RefQuery{Kind: refTicket, Key: openTickets, Limit: pageSize}
		for {
			refs, facts, err := scanFacts(ctx, r, scan)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, f := range facts {
				if f != nil && !yield(f, nil) {
					return
				}
			}
			if len(refs) < scan.Limit {
				return
			}
			scan.After = refs[len(refs)-1]
		}
	}
}

// scanFacts returns a page of entries and the facts that they name, nil where there is
// none.
func scanFacts(ctx context.Context, r Reader, scan RefQuery) ([]Ref, []*Fact, error) {
	refs, err := r.ScanRefs(ctx, scan)
	if err != nil {
		return nil, nil, err
	}
	facts, err := factsOfRefs(ctx, r, refs)
	return refs, facts, err
}

// factsOfRefs returns the facts that entries name, nil where there is none.
func factsOfRefs(ctx context.Context, r Reader, refs []Ref) ([]*Fact, error) {
	ask := make([]FactRef, len(refs))
	for i, ref := range refs {
		key, err := factOfTarget(ctx, r, ref)
		if err != nil {
			return nil, err
		}
		ask[i] = FactRef{ref.Subject, key}
	}
	return r.Facts(ctx, ask...)
}
