package engage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/rules"
)

// Night is one evening's work.
type Night struct {
	// Day is the evening's date in Config.Home; the zero value means today. An
	// evening that was missed is caught up by its date, as of the end of that
	// day; one that has not come yet is refused.
	Day string
	// Source yields what the sources deliver; nil means that nothing came. A
	// night that is run again takes the same delivery again: it changes nothing.
	Source func(ctx context.Context) iter.Seq2[crm.Batch, error]
}

// NightReport says what an evening did. It is kept in the record and grows
// when an evening goes on after it was stopped.
type NightReport struct {
	Day string `json:"day"`
	// At is the instant whose evening it is: when it was begun, or the end of a
	// day that was caught up. Rules, due times and campaigns go by it, however
	// late an evening that was stopped goes on.
	At         time.Time           `json:"at"`
	Closed     bool                `json:"closed"` // all of it was done
	Rows       int                 `json:"rows"`   // records delivered
	Accepted   int                 `json:"accepted"`
	Repeated   int                 `json:"repeated"`
	Rejected   int                 `json:"rejected"`
	Identified identified          `json:"identified"`
	Rules      planned             `json:"rules"`
	Tripped    []rules.Trip        `json:"tripped,omitempty"` // rules that Config.Breaker left out
	Campaigns  planned             `json:"campaigns"`
	Carried    carried             `json:"carried"`
	Delivered  messaging.Stats     `json:"delivered"`
	Clicks     map[crm.Verdict]int `json:"clicks,omitempty"`
	Tickets    int                 `json:"tickets"` // unsolved
	// Again counts how often the evening was run after it was closed.
	Again int `json:"again,omitempty"`
	// Seconds is how long each step took, of this run only.
	Seconds map[string]float64 `json:"-"`
	// Bad are the first records that were refused, of this run only.
	Bad []crm.Rejected `json:"-"`
}

// maxBad bounds NightReport.Bad.
const maxBad = 100

const nightKind = "night"

// Night does an evening: it imports what came, finds out who is who, refreshes
// tags and segments, runs the rules, carries out what is due, draws campaigns,
// sends, collects clicks and reports.
//
// Every step may be stopped anywhere and done again: what it plans has
// deterministic ids and what it writes is committed together with the effect
// that it comes from. An evening that was stopped is done again from its start
// and ends as if it had not been. An evening that is closed plans nothing more,
// whatever has become known since; running it again changes nothing.
func (e *Engine) Night(ctx context.Context, n Night) (NightReport, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	at, err := e.instant(&n)
	if err != nil {
		return NightReport{}, err
	}
	rep, rev, err := e.nightReport(ctx, n.Day)
	if err != nil {
		return rep, err
	}
	closed := rep.Closed
	if rep.At.IsZero() {
		rep.Day, rep.At = n.Day, at
		if rev, err = e.saveReport(ctx, rep, rev); err != nil {
			return rep, err
		}
	}
	now := rep.At
	rep.Day, rep.Seconds = n.Day, map[string]float64{}
	step := func(name string, do func() error) {
		if err != nil {
			return
		}
		if err = ctx.Err(); err != nil {
			return
		}
		start := time.Now() // a duration for the report, not a time of the record
		if err = do(); err != nil {
			err = fmt.Errorf("engage: night %s: %s: %w", n.Day, name, err)
		}
		rep.Seconds[name] += time.Since(start).Seconds()
	}
	step("import", func() error { return e.importAll(ctx, n, &rep) })
	// The first time, people are told apart before they are read into memory.
	first := !e.loaded
	var head crm.Position
	if first {
		step("identify", func() (err error) {
			if head, err = e.head(ctx); err == nil {
				rep.Identified, err = e.identify(ctx)
			}
			return err
		})
	}
	step("load", func() error { return e.load(ctx) })
	if first {
		step("identify", func() error { return e.changedSince(ctx, head) })
	}
	step("collect", func() (err error) {
		if closed { // its clicks were judged, and may have been again by later evenings
			return e.clicks.Flush(ctx)
		}
		rep.Clicks, err = e.collect(ctx, now)
		return err
	})
	step("refresh", func() (err error) { _, err = e.refresh(ctx); return err })
	if !first {
		step("identify", func() (err error) { rep.Identified, err = e.identify(ctx); return err })
		step("refresh", func() (err error) { _, err = e.refresh(ctx); return err })
	}
	step("rules", func() error {
		intents, err := e.evaluate(ctx, now)
		if err != nil {
			return err
		}
		intents, tripped, err := e.trip(ctx, n.Day, intents, closed)
		if err != nil {
			return err
		}
		if len(tripped) > 0 {
			rep.Tripped = tripped
		}
		got, err := e.write(ctx, intents, closed)
		rep.Rules = sum(rep.Rules, got)
		return err
	})
	step("carry", func() error {
		got, err := e.carry(ctx, now)
		rep.Carried.add(got)
		return err
	})
	step("refresh", func() (err error) { _, err = e.refresh(ctx); return err })
	step("campaigns", func() error {
		got, err := e.campaigns(ctx, n.Day, now, closed)
		rep.Campaigns = sum(rep.Campaigns, got)
		return err
	})
	step("deliver", func() error {
		got, err := e.deliver(ctx)
		rep.Delivered.Add(got)
		return err
	})
	step("report", func() error {
		rep.Tickets = 0
		for _, x := range e.pop.sorted() {
			for _, t := range x.tickets {
				if t.solved == 0 && t.opened <= now.UnixMicro() {
					rep.Tickets++
				}
			}
		}
		rep.Closed = true
		if closed {
			rep.Again++
		}
		_, err := e.saveReport(ctx, rep, rev)
		return err
	})
	return rep, err
}

// instant fills the day of an evening and returns the instant to take it at.
func (e *Engine) instant(n *Night) (time.Time, error) {
	now := e.svc.Now()
	today := now.In(e.cfg.Home).Format(time.DateOnly)
	if n.Day == "" {
		n.Day = today
	}
	day, err := time.ParseInLocation(time.DateOnly, n.Day, e.cfg.Home)
	switch {
	case err != nil:
	case n.Day > today:
		err = errors.New("it has not come yet; today is " + today)
	case n.Day < today:
		return day.AddDate(0, 0, 1).Add(-time.Microsecond).UTC(), nil
	default:
		return now, nil
	}
	return now, &crm.Error{Op: "run", Entity: nightKind, ID: n.Day, Kind: crm.ErrInvalid, Err: err}
}

func sum(a, b planned) planned {
	return planned{a.Planned + b.Planned, a.Repeated + b.Repeated, a.Late + b.Late}
}

func (e *Engine) importAll(ctx context.Context, n Night, rep *NightReport) error {
	rep.Rows, rep.Accepted, rep.Repeated, rep.Rejected = 0, 0, 0, 0
	if n.Source == nil {
		return nil
	}
	for b, err := range n.Source(ctx) {
		if err != nil {
			return err
		}
		got, err := e.svc.Import(ctx, b)
		rep.Rows += b.Len()
		rep.Accepted += got.Profiles + got.Facts
		rep.Repeated += got.Repeated
		rep.Rejected += len(got.Rejected)
		if room := maxBad - len(rep.Bad); room > 0 {
			rep.Bad = append(rep.Bad, got.Rejected[:min(room, len(got.Rejected))]...)
		}
		if err != nil {
			return err
		}
		e.progress("import", rep.Rows, 0)
	}
	return nil
}

func (e *Engine) nightReport(ctx context.Context, day string) (NightReport, int64, error) {
	var rep NightReport
	var rev int64
	err := e.cfg.Store.View(ctx, func(r crm.Reader) error {
		docs, err := r.Documents(ctx, nightKind, day)
		if err != nil || docs[0] == nil {
			return err
		}
		rev = docs[0].Rev
		return docs[0].Decode(&rep)
	})
	return rep, rev, err
}

// saveReport stores a report over revision rev and returns its new one.
func (e *Engine) saveReport(ctx context.Context, rep NightReport, rev int64) (int64, error) {
	data, err := json.Marshal(rep)
	if err != nil {
		return rev, err
	}
	var doc *crm.Document
	err = e.cfg.Store.Update(ctx, func(tx crm.Tx) error {
		doc = &crm.Document{Kind: nightKind, ID: rep.Day, Data: data, Rev: rev}
		return tx.PutDocuments(ctx, doc)
	})
	return doc.Rev, err
}

// Nights returns the reports of all evenings, by date.
func Nights(ctx context.Context, r crm.DocumentReader) iter.Seq2[NightReport, error] {
	return func(yield func(NightReport, error) bool) {
		for d, err := range crm.Documents(ctx, r, nightKind) {
			var rep NightReport
			if err == nil {
				err = d.Decode(&rep)
			}
			if !yield(rep, err) || err != nil {
				return
			}
		}
	}
}
