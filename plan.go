package vefa

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/segment"
)

// planBatch is how many customers with firings are written per transaction.
const planBatch = 200

// planned is what the rules of an evening did.
type planned struct {
	plan     PlanReport
	tripped  []rules.Trip
	unpriced int
}

// maxHeld is how many customers with firings are held in memory while Config.Breaker
// counts them. Where there are more, rules are asked twice.
const maxHeld = 10_000

// The jobs of asking the evening's rules.
const (
	jobPlan  = "plan"  // ask, and write what they want
	jobCount = "count" // ask, count, and keep what they want
	jobWrite = "write" // write what was kept, or ask again
)

// asking asks the rules of an evening about the customers of some parts, in the process
// that leads the evening and in those that help it.
type asking struct {
	e       *Engine
	now     time.Time
	closed  bool
	causes  map[string]bool // of rules that are left out
	held    map[crm.Part][]rules.Intent
	holds   int
	total   int                            // customers, where it is known
	done    int                            // of them
	members func() (*segmentReader, error) // of segments of all customers; nil: not read
	tags    []TagDef                       // where they are not read
}

// answers are what the rules say to some parts.
type answers struct {
	Matched  map[string]int `json:"matched,omitempty"` // customers by rule
	Plan     PlanReport     `json:"plan"`
	Unpriced int            `json:"unpriced,omitempty"`
	Profiles int            `json:"profiles,omitempty"`
	// Held is set if who asked has kept what they want.
	Held bool `json:"held,omitempty"`
}

// plan asks the rules of an evening about everybody and writes down what they want, but
// for what Config.Breaker leaves out.
func (a *asking) plan(ctx context.Context, day string) (out planned, err error) {
	e := a.e
	if a.members, err = e.eveningSegments(ctx, e.rules.Active(), a.now); err != nil {
		return out, err
	}
	profiles := 0
	matched := e.unmatched()
	var pieces []piece
	add := func(p piece, got answers) {
		if p.Done = false; !got.Held {
			p.Owner = ""
		}
		pieces = append(pieces, p)

		out.plan = sum(out.plan, got.Plan)
		out.unpriced += got.Unpriced
		profiles += got.Profiles
		for name, n := range got.Matched {
			matched[name] += n
		}
	}
	most := crm.Parts / 8
	if e.pop != nil { // they are in the memory of this process
		most = 0
	}
	if e.cfg.Breaker == nil || a.closed {
		err = divide(ctx, e, job{Name: jobPlan, Most: most, Open: everyPart()}, a.write, add)
		return out, a.asked(profiles, err)
	}
	err = divide(ctx, e, job{Name: jobCount, Most: most, Open: everyPart()}, a.count, add)
	if err := a.asked(profiles, err); err != nil {
		return out, err
	}
	var input writing
	if input.Causes, out.tripped, err = e.trip(ctx, day, matched); err != nil {
		return out, err
	}
	a.causes = input.Causes
	j := job{Name: jobWrite, Most: most, Open: pieces}
	if j.Input, err = json.Marshal(input); err != nil {
		return out, err
	}
	err = divide(ctx, e, j, a.write, func(_ piece, got answers) { out.plan = sum(out.plan, got.Plan) })
	return out, err
}

// asked notes how many profiles there were.
func (a *asking) asked(profiles int, err error) error {
	if err == nil && a.e.pop == nil {
		a.e.profiles = profiles
	}
	return err
}

// writing is the input of jobWrite.
type writing struct {
	Causes map[string]bool `json:"causes,omitempty"`
}

// jobs are those that a process that helps does.
func (a *asking) jobs() map[string]helping {
	prepared := false
	prepare := func(ctx context.Context) error {
		if prepared {
			return nil
		}
		prepared = true
		return a.e.cfg.Store.View(ctx, func(r crm.Reader) (err error) {
			if a.e.places, err = crm.LoadPlaces(ctx, r, a.e.cfg.Home); err == nil {
				a.tags, err = loadTags(ctx, r)
			}
			return err
		})
	}
	return map[string]helping{
		jobPlan: func(ctx context.Context, _ job, at *stretch) (any, error) {
			if err := prepare(ctx); err != nil {
				return nil, err
			}
			return a.write(ctx, at)
		},
		jobCount: func(ctx context.Context, _ job, at *stretch) (any, error) {
			if err := prepare(ctx); err != nil {
				return nil, err
			}
			return a.count(ctx, at)
		},
		jobWrite: func(ctx context.Context, j job, at *stretch) (any, error) {
			var input writing
			if err := json.Unmarshal(j.Input, &input); err != nil {
				return nil, err
			}
			if a.causes = input.Causes; a.held[at.Lo] == nil {
				if err := prepare(ctx); err != nil {
					return nil, err
				}
			}
			return a.write(ctx, at)
		},
	}
}

// count asks the rules, counts whom they reach and keeps what they want, where that are few.
func (a *asking) count(ctx context.Context, at *stretch) (out answers, err error) {
	out.Matched = map[string]int{}
	held := []rules.Intent{}
	err = a.evaluate(ctx, at, &out, func(intents []rules.Intent) error {
		count(out.Matched, intents)
		if a.holds += len(intents); a.holds > maxHeld {
			held = nil
		}
		if held != nil {
			held = append(held, intents...)
		}
		return nil
	})
	if held == nil {
		a.holds = maxHeld + 1
	} else if err == nil {
		if a.held == nil {
			a.held = map[crm.Part][]rules.Intent{}
		}
		a.held[at.Lo] = held
	}
	out.Held = held != nil
	return out, err
}

// write writes what the rules want, as it was kept or as they are asked again.
func (a *asking) write(ctx context.Context, at *stretch) (out answers, err error) {
	write := func(intents []rules.Intent) error {
		n, err := a.e.write(ctx, without(intents, a.causes), a.closed)
		out.Plan = sum(out.Plan, n)
		return err
	}
	if held, ok := a.held[at.Lo]; ok {
		return out, write(held)
	}
	return out, a.evaluate(ctx, at, &out, write)
}

// evaluate asks the evening's rules about the customers of some parts and calls then with
// what they plan, batch by batch, customer by customer. It counts the customers that have an
// amount that there is no rate for.
func (a *asking) evaluate(ctx context.Context, at *stretch, out *answers, then func([]rules.Intent) error) error {
	e := a.e
	set := e.rules.Active()
	type batch struct {
		intents                     []rules.Intent
		persons, profiles, unpriced int
	}
	ask := func(ctx context.Context, w *evaluator, persons []*person) (b batch, err error) {
		b.persons = len(persons)
		for _, x := range persons {
			if slices.ContainsFunc(x.orders, func(r orderRow) bool { return r.flags&flagUnpriced != 0 }) {
				b.unpriced++
			}
		}
		b.intents, err = w.persons(ctx, persons)
		return b, err
	}
	take := func(b batch) error {
		a.done += b.persons
		out.Unpriced += b.unpriced
		out.Profiles += b.profiles
		e.progress("rules", a.done, a.total)
		return then(b.intents)
	}
	if e.pop == nil || a.members == nil {
		return eachPage(ctx, e, at, e.asked(set), func() *population { return e.newPopulation(e.reads(set, "Lines")) },
			func(ctx context.Context, pg sheet) (batch, error) {
				members := a.members
				if members == nil { // a segment is a matter of the tags of each
					now := e.svc.Now()
					members = e.segmentsAt(a.now, func() (*segment.Index, error) {
						for _, x := range pg.persons {
							pg.p.keep(x)
						}
						return e.index(ctx, nil, pg.p, a.tags, now)
					})
				}
				w, err := e.newEvaluator(pg.p, rules.Trigger{}, a.now, members)
				if err != nil {
					return batch{}, err
				}
				b, err := ask(ctx, w, pg.persons)
				b.profiles = pg.profiles
				return b, err
			}, take)
	}
	const block = 4096
	persons := e.pop.sorted()
	a.total, a.done = len(persons), 0
	workers := make([]*evaluator, threads())
	var err error
	for t := range workers {
		if workers[t], err = e.newEvaluator(e.pop, rules.Trigger{}, a.now, a.members); err != nil {
			return err
		}
	}
	at.end = at.Hi
	return ordered(ctx, len(workers), func(_ context.Context, yield func([]*person) bool) error {
		for chunk := range slices.Chunk(persons, block) {
			if !yield(chunk) {
				break
			}
		}
		return nil
	}, func(ctx context.Context, thread int, chunk []*person) (batch, error) {
		return ask(ctx, workers[thread], chunk)
	}, take)
}

// evaluator evaluates persons; one goroutine uses one.
type evaluator struct {
	e       *Engine
	on      rules.Trigger // whose rules; zero: the evening's
	about   []crm.FactKey // the facts that the occasion is; empty: rules look at all rows
	set     *rules.Set[Facts]
	fill    *filler
	moments map[*time.Location]*rules.Moment
	now     time.Time
	firings []rules.Firing
}

func (e *Engine) newEvaluator(p *population, on rules.Trigger, now time.Time, segments func() (*segmentReader, error)) (*evaluator, error) {
	return e.evaluatorOf(p, e.rules.Active(), on, now, segments)
}

func (e *Engine) evaluatorOf(p *population, set *rules.Set[Facts], on rules.Trigger, now time.Time, segments func() (*segmentReader, error)) (*evaluator, error) {
	w := &evaluator{e: e, on: on, set: set, moments: map[*time.Location]*rules.Moment{}, now: now}
	var err error
	w.fill, err = e.newFiller(p, w.set, now, segments)
	return w, err
}

func (w *evaluator) moment(x *person) *rules.Moment {
	zone := w.fill.shop(x.place).loc
	m := w.moments[zone]
	if m == nil {
		m = rules.NewMoment(w.now, zone)
		w.moments[zone] = m
	}
	return m
}

// persons returns what the rules plan for those of whom they plan anything.
func (w *evaluator) persons(ctx context.Context, persons []*person) (out []rules.Intent, err error) {
	n := 1
	if w.fill.loads() {
		n = fillChunk
	}
	for chunk := range slices.Chunk(persons, n) {
		facts, err := w.fill.fillAll(ctx, chunk)
		if err != nil {
			return nil, err
		}
		for i, x := range chunk {
			in, err := w.person(x, facts[i])
			if err != nil {
				return nil, err
			}
			if len(in.Effects) > 0 {
				out = append(out, in)
			}
		}
	}
	return out, nil
}

func (w *evaluator) person(x *person, facts *Facts) (rules.Intent, error) {
	m := w.moment(x)
	var err error
	if w.firings, err = w.set.On(w.firings[:0], w.on, facts, m, w.rowsOf(x, facts)); err != nil {
		if w.tooMany(x, err) {
			err = nil
		}
		return rules.Intent{}, err
	}
	if len(w.firings) == 0 {
		return rules.Intent{}, nil
	}
	var in rules.Intent
	for _, f := range w.firings {
		if in.Effects, err = w.set.Plan(w.e.keys.ids, in.Effects, f, w.fill.p.target(x, facts, f), m); err != nil {
			return in, err
		}
	}
	for _, k := range x.profiles {
		in.Members = append(in.Members, crm.OfProfile(k))
	}
	in.Effects, err = w.e.dress(in.Effects)
	return in, err
}

// tooMany logs that a customer has more rows than rules may look at, if that is the error.
func (w *evaluator) tooMany(x *person, err error) bool {
	var bounds *rules.BoundsError
	if !errors.As(err, &bounds) {
		return false
	}
	w.e.cfg.Logger.Warn("vefa: a customer has more rows than rules may look at", "customer", x.id, "rows", bounds.Field, "len", bounds.Len)
	return true
}

// rowsOf tells the rows of the facts that an occasion is from others of their kind. It
// is nil where the occasion is no fact.
func (w *evaluator) rowsOf(x *person, facts *Facts) func(each string, row int) bool {
	if len(w.about) == 0 {
		return nil
	}
	return func(each string, row int) bool {
		key := w.fill.p.rowKey(x, facts, each, row) // zero: of no fact
		return slices.Contains(w.about, key) || !slices.ContainsFunc(w.about, func(a crm.FactKey) bool { return a.Kind == key.Kind })
	}
}

// target says what a firing is about in the record.
func (p *population) target(x *person, facts *Facts, f rules.Firing) rules.Target {
	if f.Row >= 0 {
		switch f.Rule.Each {
		case "Purchases":
			r := &x.orders[facts.Purchases[f.Row].index]
			return rules.Target{Subject: crm.OfProfile(x.profiles[r.profile]), About: p.orderKey(r)}
		case "Lines":
			r := &x.orders[facts.Lines[f.Row].index]
			return rules.Target{Subject: crm.OfProfile(x.profiles[r.profile]), About: p.orderKey(r)}
		case "Visits":
			r := &x.visits[facts.Visits[f.Row].index]
			return rules.Target{Subject: crm.OfProfile(x.profiles[r.profile]), About: p.visitKey(r)}
		case "Answers":
			r := &x.answers[facts.Answers[f.Row].index]
			return rules.Target{Subject: crm.OfProfile(x.profiles[r.profile]), About: p.answerKey(r)}
		}
	}
	return rules.Target{Subject: crm.OfProfile(x.home)}
}

// dress turns what rules say about messages into MessageData.
func (e *Engine) dress(effects []*crm.Effect) ([]*crm.Effect, error) {
	for _, f := range effects {
		if f.Kind != crm.EffectMessage {
			continue
		}
		p, err := rules.DecodePayload(f)
		if err != nil {
			return nil, err
		}
		d := MessageData{Name: messageName(p.Action, p.Name), Rule: f.Data, Profile: f.Subject.Profile}
		d.Survey = e.surveys[d.Name]
		if c := e.messages[d.Name]; c != nil { // Load refuses rules that send anything else
			d.Class = c.Class
		}
		if f.Data, err = json.Marshal(d); err != nil {
			return nil, err
		}
	}
	return effects, nil
}

// bare returns an effect of a rule as package rules planned it.
func bare(f *crm.Effect) (*crm.Effect, error) {
	if f.Kind != crm.EffectMessage {
		return f, nil
	}
	d, err := decodeMessage(f)
	if err != nil {
		return nil, err
	}
	c := *f
	c.Data = d.Rule
	return &c, nil
}

// PlanReport counts what became of plans.
type PlanReport struct {
	// Planned are effects that are new.
	Planned int `json:"planned"`
	// Repeated are effects that an earlier run of the evening, another process or an
	// earlier evening planned already: a rule that is once per customer repeats itself
	// each evening, and nothing is done twice.
	Repeated int `json:"repeated"`
	// Late are effects that would be new but are left out, because the evening was
	// closed before: its rules were run again with what has become known since.
	Late int `json:"late"`
}

// write stores the plans of rules. Of an evening that is closed nothing is
// stored any more.
func (e *Engine) write(ctx context.Context, intents []rules.Intent, closed bool) (PlanReport, error) {
	var total PlanReport
	done := 0
	for chunk := range slices.Chunk(intents, planBatch) {
		var n PlanReport
		err := e.svc.Update(ctx, func(tx crm.Tx) error {
			n = PlanReport{}
			if closed {
				news, err := rules.Record(ctx, unwritten{tx}, chunk...)
				n.Late = len(news)
				return err
			}
			var err error
			n, err = e.writeIn(ctx, tx, chunk)
			return err
		})
		if err != nil {
			return total, err
		}
		total.Planned += n.Planned
		total.Repeated += n.Repeated
		total.Late += n.Late
		done += len(chunk)
		e.progress("plan", done, len(intents))
	}
	return total, nil
}

// unwritten is a rules.Journal that says what is new and keeps none of it.
type unwritten struct{ crm.EffectReader }

func (u unwritten) PutEffects(ctx context.Context, effects ...*crm.Effect) ([]bool, error) {
	ids := make([]crm.EffectID, len(effects))
	for i, f := range effects {
		ids[i] = f.ID
	}
	stored, err := u.Effects(ctx, ids...)
	created := make([]bool, len(stored))
	for i, f := range stored {
		created[i] = f == nil
	}
	return created, err
}

func (unwritten) UpdateEffects(context.Context, ...*crm.Effect) error { return nil }

// missing counts the effects that are not on record.
func missing(ctx context.Context, r crm.Reader, effects []*crm.Effect) (n int, err error) {
	ids := make([]crm.EffectID, len(effects))
	for i, f := range effects {
		ids[i] = f.ID
	}
	stored, err := r.Effects(ctx, ids...)
	for _, f := range stored {
		if f == nil {
			n++
		}
	}
	return n, err
}

// writeIn stores plans of rules in a transaction.
func (e *Engine) writeIn(ctx context.Context, tx crm.Tx, intents []rules.Intent) (n PlanReport, err error) {
	var all []*crm.Effect
	for _, in := range intents {
		all = append(all, in.Effects...)
	}
	if len(all) == 0 {
		return n, nil
	}
	if err := e.noteKeys(ctx, tx); err != nil {
		return n, err
	}
	refs, err := number(ctx, tx, all)
	if err != nil {
		return n, err
	}
	news, err := rules.Record(ctx, tx, intents...)
	if err != nil {
		return n, err
	}
	n.Planned, n.Repeated = len(news), len(all)-len(news)
	var put []crm.Ref
	for _, f := range news {
		if ref, ok := refs[f.ID]; ok {
			put = append(put, ref)
		}
	}
	return n, tx.PutRefs(ctx, put...)
}

// campaigns draws the campaigns of an evening, and those of the desk that are due.
func (e *Engine) campaigns(ctx context.Context, day string, now time.Time, closed bool) (PlanReport, error) {
	var total PlanReport
	if !closed {
		var choosing []begunCampaign
		for i := range e.cfg.Campaigns {
			if c := &e.cfg.Campaigns[i]; c.Live || slices.Contains(c.On, day) {
				choosing = append(choosing, begunCampaign{Campaign: &c.Campaign})
			}
		}
		if err := e.learn(ctx, choosing); err != nil {
			return total, err
		}
	}
	for i := range e.cfg.Campaigns {
		c := &e.cfg.Campaigns[i]
		if !slices.Contains(c.On, day) {
			continue
		}
		a := &audience{message: &message{&c.Campaign, e.scripts[c.Cause()]}, segment: c.Segment, closed: closed}
		err := e.campaign(ctx, a, now)
		total = sum(total, a.plan)
		if err != nil {
			return total, fmt.Errorf("vefa: campaign %q: %w", c.Name, err)
		}
	}
	if closed {
		return total, nil
	}
	n, err := e.drawDue(ctx)
	return sum(total, n), err
}

// audience is a campaign that is drawn, and what became of it.
type audience struct {
	*message
	segment    string
	occurrence string
	closed     bool // nothing is written
	// hold is asked in each transaction that plans effects; nil: nothing
	hold       func(ctx context.Context, tx crm.Tx) error
	plan       PlanReport
	considered int
	states     map[crm.EffectState]int // of the effects as they were planned, also by others
}

// campaign plans the effects of a campaign as of an instant.
func (e *Engine) campaign(ctx context.Context, a *audience, now time.Time) error {
	d, err := e.draw(ctx, a.segment, now)
	if err != nil {
		return err
	}
	// What excludes beside the campaign's own tags is what is red today.
	today := *a.campaign
	today.Exclude = slices.Concat(today.Exclude, redTags(e.tags, now, d.ignores))
	a.considered, a.states = len(d.considered), map[crm.EffectState]int{}
	var batch []*crm.Effect
	flush := func() error {
		var n PlanReport
		err := e.svc.Update(ctx, func(tx crm.Tx) (err error) {
			n = PlanReport{}
			if a.hold != nil {
				if err := a.hold(ctx, tx); err != nil {
					return err
				}
			}
			if a.closed {
				n.Late, err = missing(ctx, tx, batch)
				return err
			}
			refs, err := number(ctx, tx, batch)
			if err != nil {
				return err
			}
			created, err := tx.PutEffects(ctx, batch...)
			if err != nil {
				return err
			}
			var put []crm.Ref
			for i, f := range batch {
				put = append(put, crm.Ref{Kind: refCampaign, Key: campaignKey(f.Cause, f.Occurrence), Subject: f.Subject, Target: string(f.ID)})
				if !created[i] {
					n.Repeated++
					continue
				}
				n.Planned++
				if ref, ok := refs[f.ID]; ok {
					put = append(put, ref)
				}
			}
			return tx.PutRefs(ctx, put...)
		})
		a.plan = sum(a.plan, n)
		batch = batch[:0]
		return err
	}
	for f, err := range today.Plan(ctx, now, e.keys.ids, e.keys.assign, e.recipients(ctx, e.those, &today, a.script, d, a.occurrence), e.cfg.Channels...) {
		if err != nil {
			return err
		}
		a.states[f.State]++
		if batch = append(batch, f); len(batch) == loadBatch {
			if err := flush(); err != nil {
				return err
			}
			e.progress("campaign "+a.campaign.Name, a.plan.Planned+a.plan.Repeated, len(d.considered))
		}
	}
	return flush()
}
