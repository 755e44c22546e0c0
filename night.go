package vefa

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/rules"
)

// Night is one evening's work.
type Night struct {
	// Day is the evening's date in Config.Home; the zero value means today. An
	// evening that was missed is caught up by its date, as of the end of that
	// day; one that has not come yet is refused.
	Day string
	// Source yields what the sources deliver; nil means that nothing came. A
	// night that is run again takes the same delivery again, which changes nothing
	// where records have versions (see crm.Fact.Version).
	Source func(ctx context.Context) iter.Seq2[crm.Batch, error]
}

// NightReport says what an evening did. It is kept in the record. Its counts are of
// the runs that came to their end: what a run did that was stopped before is in the
// record, and counts as repeated by the one that goes on.
type NightReport struct {
	Day string `json:"day"`
	// At is the instant whose evening it is: when it was begun, or the end of a
	// day that was caught up. Rules, due times and campaigns go by it, however
	// late an evening that was stopped goes on.
	At         time.Time     `json:"at"`
	Closed     bool          `json:"closed"` // all of it was done
	Rows       int           `json:"rows"`   // records delivered
	Accepted   int           `json:"accepted"`
	Repeated   int           `json:"repeated"`
	Rejected   int           `json:"rejected"`
	Identified LinkageReport `json:"identified"`
	Rules      PlanReport    `json:"rules"`
	Tripped    []rules.Trip  `json:"tripped,omitempty"` // rules that Config.Breaker left out
	Campaigns  PlanReport    `json:"campaigns"`
	Carried    CarryReport   `json:"carried"`
	Delivered  crm.WorkStats `json:"delivered"` // messages
	// Effects are what was done with the host's effects that leave, by kind: those of
	// Config.Effects with Do.
	Effects map[crm.EffectKind]crm.WorkStats `json:"effects,omitempty"`
	Clicks  map[crm.Verdict]int              `json:"clicks,omitempty"`
	Tickets int                              `json:"tickets"` // unsolved
	// Unpriced counts customers with an amount that Config.Rate has no rate for, as the
	// rules met them: they read it, and sums with it, as null.
	Unpriced int `json:"unpriced,omitempty"`
	// Again counts how often the evening was run after it was closed.
	Again int `json:"again,omitempty"`
	// Steps are what the steps did, in their order.
	Steps []StepRow `json:"steps,omitempty"`
	// Bad are the first records that were refused, of this run only.
	Bad []crm.Rejected `json:"-"`
}

// maxBad bounds NightReport.Bad.
const maxBad = 100

const nightKind = "night"

// Night does the steps of an evening, those of Config.Steps: it imports what came,
// finds out who is who, collects clicks, runs the rules, carries out what is due,
// draws campaigns, sends and reports.
//
// Every step may be stopped anywhere and done again: what it plans has
// deterministic ids and what it writes is committed together with the effect
// that it comes from. An evening that was stopped is done again from its start
// and ends as if it had not been. Engines that do one evening at the same time, in other
// processes too, share it: the first does it, the others do parts of what is read page by
// page and return its report. While none comes that costs one small transaction. An evening that is closed plans nothing more,
// whatever has become known since; running it again changes nothing.
func (e *Engine) Night(ctx context.Context, n Night) (rep NightReport, err error) {
	defer e.took("night", time.Now(), &err)
	if err = e.lock(ctx); err != nil {
		return rep, err
	}
	defer e.release("night", &err)
	at, err := e.instant(&n)
	if err == nil {
		err = e.checkKeys(ctx)
	}
	if err != nil {
		return rep, err
	}
	e.checkStore(ctx)
	was, err := e.begin(ctx, n.Day, at)
	if err != nil {
		return rep, fmt.Errorf("vefa: night %s: begin: %w", n.Day, err)
	}
	ev := &Evening{Day: n.Day, At: was.At, Closed: was.Closed, e: e, night: n, first: !e.loaded, run: NightReport{Day: n.Day, At: was.At}}
	defer e.countNight(&ev.run)
	for {
		rep, err = ev.all(ctx)
		if err != nil && !errors.Is(err, errUnshared) {
			return was.with(ev.run), err
		}
		if err == nil {
			return rep, nil
		}
		// The process that this one helped has ended the evening, or is gone.
		if rep, err = e.nightReport(ctx, n.Day); err != nil {
			return was.with(ev.run), fmt.Errorf("vefa: night %s: %w", n.Day, err)
		}
		if rep.Closed {
			rep.Bad = ev.run.Bad
			for i := range rep.Steps {
				for _, s := range ev.run.Steps {
					if s.Name == rep.Steps[i].Name {
						rep.Steps[i].Seconds = s.Seconds
					}
				}
			}
			return rep, nil
		}
	}
}

// all does the steps of an evening, alone or together with other processes, and closes it.
// It is errUnshared where this process helped another.
func (ev *Evening) all(ctx context.Context) (rep NightReport, err error) {
	e := ev.e
	if !ev.Closed {
		if e.share, err = e.join(ctx, ev.Day, ev.night.Source != nil && !ev.imported); err != nil {
			return rep, fmt.Errorf("vefa: night %s: begin: %w", ev.Day, err)
		}
	}
	defer func() {
		if e.share != nil { // it has not come to its end
			e.share.leave(ctx)
			e.share = nil
		}
	}()
	ev.run.Steps, ev.step = nil, 0
	for _, s := range e.cfg.Steps {
		if err = ev.do(ctx, s); err == nil {
			ev.step++
			err = e.share.pass(ctx, ev.step)
		}
		if err != nil {
			return rep, err
		}
	}
	s := e.share
	if s != nil && !s.leads {
		return rep, s.end(ctx, ev.run)
	}
	helpers, err := s.await(ctx, func(h helper) bool { return h.Ended != nil })
	if err == nil {
		for _, h := range helpers {
			if h.Ended != nil {
				ev.run.helped(*h.Ended)
			}
		}
		rep, err = e.saveReport(ctx, ev.Day, func(r *NightReport) {
			done := ev.run
			done.Closed = true
			*r = r.with(done)
		}, ev.unshare)
	}
	if err != nil {
		return rep, fmt.Errorf("vefa: night %s: close: %w", ev.Day, err)
	}
	if s != nil {
		s.quiet()
		e.share = nil
	}
	return rep, nil
}

// begin writes down that an evening has begun, unless it had.
func (e *Engine) begin(ctx context.Context, day string, at time.Time) (rep NightReport, err error) {
	err = inTurn(ctx, func() error {
		rep, err = e.nightReport(ctx, day)
		if err != nil || !rep.At.IsZero() {
			return err
		}
		rep, err = e.saveReport(ctx, day, func(r *NightReport) {
			if r.At.IsZero() { // another process may have begun it meanwhile
				r.Day, r.At = day, at
			}
		}, e.newListener(at).begin)
		return err
	})
	return rep, err
}

// checkStore logs what a store that can check itself says, when a process begins:
// an evening may still be done on a file that is opened as no host should.
func (e *Engine) checkStore(ctx context.Context) {
	c, ok := e.cfg.Store.(interface{ Check(context.Context) error })
	if !ok || e.loaded {
		return
	}
	if err := c.Check(ctx); err != nil && ctx.Err() == nil {
		e.cfg.Logger.Warn("vefa: the store is not ready as it should be", "err", err)
	}
}

// with returns what is on record about an evening together with what one more
// run of it did.
func (r NightReport) with(run NightReport) NightReport {
	out := run
	if r.Closed && run.Closed {
		out.Again = r.Again + 1
	} else {
		out.Again = r.Again
	}
	out.Closed = r.Closed || run.Closed
	out.Rules, out.Campaigns = sum(r.Rules, run.Rules), sum(r.Campaigns, run.Campaigns)
	out.Carried, out.Delivered = r.Carried, r.Delivered
	out.Carried.add(run.Carried)
	out.Delivered.Add(run.Delivered)
	out.Effects = maps.Clone(r.Effects)
	for kind, s := range run.Effects {
		out.addEffects(kind, s)
	}
	out.Steps = addSteps(r.Steps, run.Steps)
	if out.Tripped == nil {
		out.Tripped = r.Tripped
	}
	if out.Clicks == nil {
		out.Clicks = r.Clicks
	}
	return out
}

// delivered notes what a run of a kind of effects that leave did.
func (r *NightReport) delivered(kind crm.EffectKind, s crm.WorkStats) {
	if kind == crm.EffectMessage {
		r.Delivered.Add(s)
	} else if s != (crm.WorkStats{}) {
		r.addEffects(kind, s)
	}
}

func (r *NightReport) addEffects(kind crm.EffectKind, s crm.WorkStats) {
	if r.Effects == nil {
		r.Effects = map[crm.EffectKind]crm.WorkStats{}
	}
	s.Add(r.Effects[kind])
	r.Effects[kind] = s
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
		err = errors.New("it is no day: write it as " + today)
	case n.Day > today:
		err = errors.New("it has not come yet; today is " + today)
	case n.Day < today:
		return day.AddDate(0, 0, 1).Add(-time.Microsecond).UTC(), nil
	default:
		return now, nil
	}
	return now, &crm.Error{Op: "run", Entity: nightKind, ID: n.Day, Kind: crm.ErrInvalid, Err: err}
}

func sum(a, b PlanReport) PlanReport {
	return PlanReport{a.Planned + b.Planned, a.Repeated + b.Repeated, a.Late + b.Late}
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

// nightReport reads what is on record about an evening.
func (e *Engine) nightReport(ctx context.Context, day string) (rep NightReport, err error) {
	err = e.cfg.Store.View(ctx, func(r crm.Reader) error {
		var rev int64
		rep, rev, err = reportOf(ctx, r, day)
		if err != nil || rev != 0 { // one that was begun and not closed stays
			return err
		}
		return checkPruned(ctx, r, day)
	})
	return rep, err
}

func reportOf(ctx context.Context, r crm.Reader, day string) (rep NightReport, rev int64, err error) {
	docs, err := r.Documents(ctx, nightKind, day)
	if err != nil || docs[0] == nil {
		return rep, 0, err
	}
	return rep, docs[0].Rev, docs[0].Decode(&rep)
}

// saveReport changes what is on record about an evening, whichever process runs it at
// the same time, and returns it. What else is to be done in the same transaction
// follows.
func (e *Engine) saveReport(ctx context.Context, day string, change func(*NightReport), also ...func(context.Context, crm.Tx) error) (NightReport, error) {
	var out NightReport
	err := e.svc.Update(ctx, func(tx crm.Tx) error {
		if err := e.noteKeys(ctx, tx); err != nil {
			return err
		}
		rep, rev, err := reportOf(ctx, tx, day)
		if err != nil {
			return err
		}
		change(&rep)
		data, err := json.Marshal(rep)
		if err != nil {
			return err
		}
		out = rep
		for _, do := range also {
			if err := do(ctx, tx); err != nil {
				return err
			}
		}
		return tx.PutDocuments(ctx, &crm.Document{Kind: nightKind, ID: day, Data: data, Rev: rev})
	})
	return out, err
}

// Nights returns the reports of all evenings, by date.
func Nights(ctx context.Context, r crm.Reader) iter.Seq2[NightReport, error] {
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
