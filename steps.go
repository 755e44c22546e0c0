package vefa

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// Step is one step of an evening. A host puts its own into Config.Steps.
//
// A step may be stopped anywhere and is then done again, with the same Evening.At:
// what it writes must have ids that are the same each time, or be committed
// together with what it came from. Where several processes share an evening each runs the
// host's steps. Of an evening that was closed before, steps run
// too, and plan nothing more: see Evening.Closed. A step must not call Night: it would
// wait for itself.
type Step struct {
	Name string // unique; it names the step in NightReport.Steps and in errors
	Run  func(ctx context.Context, ev *Evening) error
}

// The names of the steps that DefaultSteps returns, in their order.
const (
	StepImport    = "import"    // takes in what Night.Source delivers
	StepIdentify  = "identify"  // finds out who is who, and reads who changed
	StepClicks    = "clicks"    // writes down and judges clicks
	StepRules     = "rules"     // plans what rules want
	StepCarry     = "carry"     // carries out tags, tickets and tasks that are due
	StepOccasions = "occasions" // tells rules of events, tags and segments that they wait for; of none that were on record before the first evening
	StepCampaigns = "campaigns" // draws the campaigns of the day
	StepDeliver   = "deliver"   // sends what is due
	StepReport    = "report"    // counts what is left open
)

// DefaultSteps returns the steps of a night. A host inserts its own, replaces some
// or leaves some out:
//
//	steps := vefa.DefaultSteps()
//	at := slices.IndexFunc(steps, func(s vefa.Step) bool { return s.Name == vefa.StepRules })
//	cfg.Steps = slices.Insert(steps, at, vefa.Step{Name: "weather", Run: readWeather})
func DefaultSteps() []Step {
	return []Step{
		{StepImport, importStep},
		{StepIdentify, identifyStep},
		{StepClicks, clicksStep},
		{StepRules, rulesStep},
		{StepCarry, func(ctx context.Context, ev *Evening) (err error) {
			if leads, err := ev.leads(ctx, nil); err != nil || !leads {
				return err
			}
			if err = ev.population(ctx); err != nil {
				return err
			}
			got, err := ev.e.carry(ctx, ev.At)
			if ev.run.Carried.add(got); err != nil {
				return err
			}
			_, err = ev.e.refresh(ctx)
			return err
		}},
		{StepOccasions, occasionsStep},
		{StepCampaigns, func(ctx context.Context, ev *Evening) (err error) {
			if leads, err := ev.leads(ctx, nil); err != nil || !leads {
				return err
			}
			if err = ev.population(ctx); err != nil {
				return err
			}
			got, err := ev.e.campaigns(ctx, ev.Day, ev.At, ev.Closed)
			ev.run.Campaigns = sum(ev.run.Campaigns, got)
			return err
		}},
		{StepDeliver, func(ctx context.Context, ev *Evening) (err error) {
			if err = ev.reached(ctx); err != nil { // all deliver
				return err
			}
			_, err = ev.e.deliver(ctx, ev.run.delivered)
			return err
		}},
		{StepReport, reportStep},
	}
}

// Evening is the evening that a step is of.
type Evening struct {
	Day string // "2025-03-01", in Config.Home
	// At is the instant whose evening it is: what rules, due times and campaigns go
	// by, however late an evening that was stopped goes on.
	At time.Time
	// Closed is set if the evening was closed before: nothing may be planned any
	// more, whatever has become known since.
	Closed bool

	e      *Engine
	night  Night
	run    NightReport
	counts map[string]int // of the step that runs
	// first is set where everybody has yet to be read into memory
	first, loaded bool
	step          int    // that runs, in Config.Steps
	unanswered    string // the share whose leader did not answer
	imported      bool   // all that Night.Source delivers
}

// Service returns the record that the evening works on.
func (ev *Evening) Service() *crm.Service { return ev.e.svc }

// Count adds to a number in the report's row of the step that runs.
func (ev *Evening) Count(name string, n int) {
	if ev.counts == nil {
		ev.counts = map[string]int{}
	}
	ev.counts[name] += n
}

// Progress tells Config.Progress how far the step is; total is 0 where it is not
// known.
func (ev *Evening) Progress(step string, done, total int) { ev.e.progress(step, done, total) }

// StepRow is what one step of an evening did.
type StepRow struct {
	Name    string         `json:"name"`
	Counts  map[string]int `json:"counts,omitempty"` // what Evening.Count was told, of all runs that came to their end
	Seconds float64        `json:"-"`                // how long it took, of this run only
}

// checkSteps reports what is wrong with the steps of a configuration.
func checkSteps(steps []Step) error {
	var faults []error
	seen := map[string]bool{}
	for i, s := range steps {
		switch {
		case s.Name == "":
			faults = append(faults, fmt.Errorf("vefa: Config.Steps[%d] has no name", i))
		case seen[s.Name]:
			faults = append(faults, fmt.Errorf("vefa: Config.Steps[%d]: two steps are named %q", i, s.Name))
		}
		if s.Run == nil {
			faults = append(faults, fmt.Errorf("vefa: Config.Steps[%d] %q does nothing: Run must be set", i, s.Name))
		}
		seen[s.Name] = true
	}
	return errors.Join(faults...)
}

// do runs one step and adds its row to the report.
func (ev *Evening) do(ctx context.Context, s Step) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	ev.counts = nil
	start := time.Now() // a duration for the report, not a time of the record
	defer ev.e.took("night/"+s.Name, start, &err)
	err = s.call(ctx, ev)
	ev.run.Steps = append(ev.run.Steps, StepRow{s.Name, ev.counts, time.Since(start).Seconds()})
	if err != nil {
		return fmt.Errorf("vefa: night %s: %s: %w", ev.Day, s.Name, err)
	}
	return nil
}

// call runs a step. A panic is its error; what is kept in memory is then read
// again, because a change of it may have been cut in half.
func (s Step) call(ctx context.Context, ev *Evening) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = crm.Panicked(s.Name, v)
			ev.e.forget()
		}
	}()
	return s.Run(ctx, ev)
}

// addSteps returns the rows of a run with the counts of what is on record added.
func addSteps(was, run []StepRow) []StepRow {
	out := slices.Clone(run)
	for _, w := range was {
		i := slices.IndexFunc(out, func(s StepRow) bool { return s.Name == w.Name })
		if i < 0 {
			out = append(out, StepRow{Name: w.Name, Counts: w.Counts})
			continue
		}
		counts := map[string]int{}
		for _, m := range []map[string]int{w.Counts, out[i].Counts} {
			for name, n := range m {
				counts[name] += n
			}
		}
		if len(counts) > 0 {
			out[i].Counts = counts
		}
	}
	return out
}

// population reads everybody into memory, once an evening.
func (ev *Evening) population(ctx context.Context) error {
	if ev.loaded {
		return nil
	}
	if err := ev.e.load(ctx); err != nil {
		return err
	}
	if err := ev.e.lookAtUnseen(ctx); err != nil {
		return err
	}
	ev.loaded = true
	_, err := ev.e.refresh(ctx)
	return err
}

func importStep(ctx context.Context, ev *Evening) error {
	if ev.imported {
		return nil
	}
	err := ev.e.importAll(ctx, ev.night, &ev.run)
	ev.imported = err == nil
	return err
}

// leads reports whether this process does a step of its own. Otherwise it has helped the
// one that does, with the jobs that it can do, until that one had ended the step.
func (ev *Evening) leads(ctx context.Context, can map[string]helping) (bool, error) {
	helps, err := ev.helps(ctx)
	if err != nil || !helps {
		return err == nil, err
	}
	return false, ev.e.share.help(ctx, ev.step, can)
}

// reached waits for the process that this one helps to come to the same step.
func (ev *Evening) reached(ctx context.Context) error {
	helps, err := ev.helps(ctx)
	if err != nil || !helps {
		return err
	}
	return ev.e.share.help(ctx, ev.step-1, nil)
}

// helps reports whether this process helps another with the evening. One that leads has
// then waited for those who were importing.
func (ev *Evening) helps(ctx context.Context) (bool, error) {
	s := ev.e.share
	if s == nil || s.leads {
		return false, s.seal(ctx)
	}
	helps, err := s.accepted(ctx)
	if err == nil && !helps {
		if s.leave(ctx); s.deaf {
			ev.unanswered = s.id
		}
		ev.e.share = nil
	}
	return helps, err
}

func identifyStep(ctx context.Context, ev *Evening) (err error) {
	e := ev.e
	if leads, err := ev.leads(ctx, map[string]helping{jobSaid: e.helpSaid, jobIndex: e.helpIndex}); err != nil || !leads {
		return err
	}
	e.offered = nil
	if err := e.offerSaid(ctx); err != nil {
		return err
	}
	if ev.first { // people are told apart before they are read into memory
		e.people, e.looked = nil, nil // of an evening that ended before it had read everybody
		head, err := e.head(ctx)
		if err != nil {
			return err
		}
		e.unseen = &head
		if err := e.offerIndex(ctx); err != nil {
			return err
		}
		if ev.run.Identified, err = e.identify(ctx); err != nil {
			return err
		}
		return ev.population(ctx)
	}
	if err := ev.population(ctx); err != nil {
		return err
	}
	if ev.run.Identified, err = e.identify(ctx); err != nil {
		return err
	}
	_, err = e.refresh(ctx)
	return err
}

func clicksStep(ctx context.Context, ev *Evening) (err error) {
	if leads, err := ev.leads(ctx, nil); err != nil || !leads {
		return err
	}
	if err := ev.population(ctx); err != nil {
		return err
	}
	if ev.Closed { // its clicks were judged, and may have been again by later evenings
		return ev.e.clicks.Flush(ctx)
	}
	if ev.run.Clicks, err = ev.e.collect(ctx, ev.At); err != nil {
		return err
	}
	_, err = ev.e.refresh(ctx)
	return err
}

func rulesStep(ctx context.Context, ev *Evening) error {
	a := &asking{e: ev.e, now: ev.At, closed: ev.Closed}
	if leads, err := ev.leads(ctx, a.jobs()); err != nil || !leads {
		return err
	}
	if err := ev.population(ctx); err != nil {
		return err
	}
	got, err := a.plan(ctx, ev.Day)
	ev.run.Rules, ev.run.Unpriced = got.plan, got.unpriced
	if len(got.tripped) > 0 {
		ev.run.Tripped = got.tripped
	}
	return err
}

func occasionsStep(ctx context.Context, ev *Evening) error {
	if ev.Closed {
		return nil
	}
	if leads, err := ev.leads(ctx, nil); err != nil || !leads {
		return err
	}
	if err := ev.population(ctx); err != nil {
		return err
	}
	plan, cancelled, done, err := ev.e.occasions(ctx, ev.Day, ev.At)
	ev.run.Rules = sum(ev.run.Rules, plan)
	ev.run.Carried.add(done)
	ev.run.Carried.Cancelled += cancelled
	return err
}

func reportStep(ctx context.Context, ev *Evening) error {
	if leads, err := ev.leads(ctx, nil); err != nil || !leads {
		return err
	}
	if err := ev.population(ctx); err != nil {
		return err
	}
	ev.run.Tickets = 0
	if e := ev.e; e.pop == nil {
		for f, err := range e.svc.OpenTickets(ctx, crm.TicketQuery{}) {
			if err != nil {
				return err
			}
			if !f.Data.(*crm.Ticket).Opened.After(ev.At) {
				ev.run.Tickets++
			}
		}
		return nil
	}
	for _, x := range ev.e.pop.sorted() {
		for _, t := range x.tickets {
			if t.solved == 0 && t.opened <= ev.At.UnixMicro() {
				ev.run.Tickets++
			}
		}
	}
	return nil
}
