package vefa

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/segment"
)

// engineEvents are the events that evenings tell rules of by themselves. A fact that
// changes is told of again, which does nothing again that was to be done once. What lies
// after an evening's instant is kept for the next that it does not lie after.
var engineEvents = []string{"order", "return", "visit", "answer", "click", "ticket_opened", "ticket_solved"}

// checkTriggers reports occasions that rules wait for and that nothing raises.
func (e *Engine) checkTriggers(set *rules.Set[Facts]) error {
	var faults []error
	for _, r := range set.Rules() {
		for i, t := range append([]rules.Trigger{r.On}, r.CancelAt...) {
			field := "on"
			if i > 0 {
				field = fmt.Sprintf("cancel_at[%d]", i-1)
			}
			switch t.Kind {
			case rules.OnEvent:
				if !slices.Contains(engineEvents, t.Event) && !slices.Contains(e.cfg.Events, t.Event) {
					faults = append(faults, ruleFault(set, r, field, "nobody tells of the event %q: it is none of %v and not in Config.Events", t.Event, engineEvents))
				}
			case rules.OnSegmentEntered, rules.OnSegmentLeft:
				if !slices.ContainsFunc(e.defs, func(d segment.Definition) bool { return d.Name == t.Segment }) {
					faults = append(faults, ruleFault(set, r, field, "Config.Segments does not define segment %q", t.Segment))
				}
			}
		}
	}
	return errors.Join(faults...)
}

// occasionCursor names the position in the change feed up to which rules were told.
const occasionCursor = "vefa/occasions"

// longestTurn is how often inTurn tries: for a minute, and what the tries themselves take.
const longestTurn = int(time.Minute / sharePause)

// inTurn runs fn again while another process holds the position: one that does the same
// evening by itself.
func inTurn(ctx context.Context, fn func() error) error {
	for n := 1; ; n++ {
		err := fn()
		var held *crm.Error
		if n == longestTurn || !errors.As(err, &held) || held.Kind != crm.ErrBusy || held.Err != nil {
			return err
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// listener tells rules of what happened.
type listener struct {
	e       *Engine
	now     time.Time
	hears   map[rules.Trigger]bool // what rules wait for or are cancelled by
	feeds   bool                   // some of it comes from the change feed
	expires bool                   // some of it comes from tags that expire
	seg     bool                   // or from segments
}

func (e *Engine) newListener(now time.Time) *listener {
	l := &listener{e: e, now: now, hears: map[rules.Trigger]bool{}}
	for _, t := range e.rules.Active().Occasions() {
		l.hears[t] = true
		switch t.Kind {
		case rules.OnEvent:
			l.feeds = l.feeds || slices.Contains(engineEvents, t.Event)
		case rules.OnTagAdded, rules.OnTagRemoved:
			l.feeds, l.expires = true, l.expires || t.Kind == rules.OnTagRemoved
		case rules.OnSegmentEntered, rules.OnSegmentLeft:
			l.seg = true
		}
	}
	return l
}

// begin starts at the head of the feed where nothing was told before: what was there
// already is no occasion.
func (l *listener) begin(ctx context.Context, tx crm.Tx) error {
	if !l.feeds {
		return nil
	}
	at, err := tx.Cursor(ctx, occasionCursor)
	if err != nil || at != "" {
		return err
	}
	head, err := tx.Head(ctx)
	if err != nil {
		return err
	}
	return tx.SetCursor(ctx, occasionCursor, head)
}

// maxRounds bounds how often occasions of one evening may lead to others.
const maxRounds = 5

// occasions tells the rules what happened since the evening before, until nothing
// more comes of it: tags that they set are occasions, too. It returns what was
// planned and cancelled, and what was carried out of it.
func (e *Engine) occasions(ctx context.Context, day string, now time.Time) (plan PlanReport, cancelled int, done CarryReport, err error) {
	l := e.newListener(now)
	if len(l.hears) == 0 {
		return plan, 0, done, nil
	}
	var before time.Time
	if l.expires || l.seg {
		if before, err = e.eveningBefore(ctx, day); err != nil {
			return plan, 0, done, err
		}
	}
	for round := range maxRounds {
		var got Occurred
		for more := l.feeds; more; {
			var n Occurred
			err = inTurn(ctx, func() error {
				n, more, err = l.feed(ctx)
				return err
			})
			if err != nil {
				return plan, cancelled, done, err
			}
			got.add(n)
		}
		for more, after := l.feeds && round == 0, (crm.Subject{}); more; more = after != (crm.Subject{}) {
			var n Occurred
			var next crm.Subject
			err = inTurn(ctx, func() (err error) {
				n, next, err = l.wasAhead(ctx, after)
				return err
			})
			if after = next; err != nil {
				return plan, cancelled, done, err
			}
			got.add(n)
		}
		if !before.IsZero() {
			n, err := l.compare(ctx, before)
			if err != nil {
				return plan, cancelled, done, err
			}
			got.add(n)
		}
		plan.Planned, plan.Repeated, cancelled = plan.Planned+got.Planned, plan.Repeated+got.Repeated, cancelled+got.Cancelled
		if got.Planned == 0 {
			break
		}
		carried, err := e.carry(ctx, now)
		done.add(carried)
		if err == nil {
			_, err = e.refresh(ctx)
		}
		if err != nil {
			return plan, cancelled, done, err
		}
	}
	return plan, cancelled, done, nil
}

func (o *Occurred) add(n Occurred) {
	o.Planned += n.Planned
	o.Repeated += n.Repeated
	o.Cancelled += n.Cancelled
}

// eveningBefore returns the instant of the last evening before a day, or zero.
func (e *Engine) eveningBefore(ctx context.Context, day string) (at time.Time, err error) {
	err = e.cfg.Store.View(ctx, func(r crm.Reader) error {
		at = time.Time{}
		for rep, err := range Nights(ctx, r) {
			if err != nil {
				return err
			}
			if rep.Day < day && rep.At.After(at) {
				at = rep.At
			}
		}
		return nil
	})
	return at, err
}

// feed tells of a batch of the change feed, in the transaction that moves on; more
// says that there may be another.
func (l *listener) feed(ctx context.Context) (out Occurred, more bool, err error) {
	err = l.e.svc.Update(ctx, func(tx crm.Tx) error {
		out, more = Occurred{}, false
		at, err := tx.Cursor(ctx, occasionCursor)
		if err != nil {
			return err
		}
		changes, next, err := tx.Changes(ctx, at, loadBatch)
		if errors.Is(err, crm.ErrPruned) {
			l.e.cfg.Logger.Warn("vefa: occasions that were pruned before rules were told of them")
			if next, err = tx.Head(ctx); err != nil {
				return err
			}
			return tx.SetCursor(ctx, occasionCursor, next)
		}
		if err != nil || len(changes) == 0 {
			return err
		}
		more = true
		now, err := l.changed(ctx, tx, changes)
		if err != nil {
			return err
		}
		if out, err = l.tell(ctx, tx, now); err != nil {
			return err
		}
		return tx.SetCursor(ctx, occasionCursor, next)
	})
	return out, more, err
}

// occasion is what happened to one customer.
type occasion struct {
	who   *person
	on    rules.Trigger
	about crm.FactKey // the fact that it is, if it is one
}

// changed returns the facts that changed and are not after the evening, and keeps
// those that are.
func (l *listener) changed(ctx context.Context, tx crm.Tx, changes []crm.Change) ([]*crm.Fact, error) {
	var refs []crm.FactRef
	for _, c := range changes {
		if c.Kind == crm.ChangedFact && !c.Subject.Profile.IsZero() && slices.Contains(kinds, c.Fact.Kind) {
			refs = append(refs, crm.FactRef{Subject: c.Subject, Key: c.Fact})
		}
	}
	if len(refs) == 0 {
		return nil, nil
	}
	facts, err := tx.Facts(ctx, refs...)
	if err != nil {
		return nil, err
	}
	return l.part(ctx, tx, refs, facts)
}

// tell tells rules of facts that are not after the evening.
func (l *listener) tell(ctx context.Context, tx crm.Tx, facts []*crm.Fact) (out Occurred, err error) {
	if len(facts) == 0 {
		return out, nil
	}
	keys := make([]crm.ProfileKey, len(facts))
	for i, f := range facts {
		keys[i] = f.Subject.Profile
	}
	places, err := crm.LoadPlaces(ctx, tx, l.e.cfg.Home)
	if err != nil {
		return out, err
	}
	ids, err := tx.CustomersOf(ctx, keys...)
	if err != nil {
		return out, err
	}
	p, err := l.e.few(ctx, tx, places, ids, l.e.rules.Active(), kinds)
	if err != nil {
		return out, err
	}
	var list []occasion
	for _, f := range facts {
		x := p.of(f.Subject.Profile)
		if x == nil {
			continue
		}
		if t := l.of(p, x, f); l.hears[t] {
			list = append(list, occasion{x, t, f.Key})
		}
	}
	w, err := l.e.newEvaluator(p, rules.Trigger{}, l.now, l.e.segmentsAt(l.now, func() (*segment.Index, error) {
		defs, err := loadTags(ctx, tx)
		if err != nil {
			return nil, err
		}
		return l.e.index(ctx, tx, p, defs, l.now)
	}))
	if err != nil {
		return out, err
	}
	w.fill.reader = tx
	return l.raise(ctx, tx, w, list)
}

func eventOf(name string) rules.Trigger { return rules.Trigger{Kind: rules.OnEvent, Event: name} }

// of returns the occasion that a fact is at the evening, or the zero Trigger.
func (l *listener) of(p *population, x *person, f *crm.Fact) rules.Trigger {
	switch d := f.Data.(type) {
	case *crm.Order:
		if d.IsReturn() {
			return eventOf("return")
		}
		return eventOf("order")
	case *crm.Visit:
		return eventOf("visit")
	case *crm.Answer:
		return eventOf("answer")
	case *crm.Click:
		if d.Verdict == crm.Human {
			return eventOf("click")
		}
	case *crm.Ticket:
		if at := solvedAt(f, d); at == 0 || at > l.now.UnixMicro() {
			return eventOf("ticket_opened")
		}
		return eventOf("ticket_solved")
	case *crm.TagChange:
		has := func(at int64) (yes bool) {
			x.tagsAt(at, func(n uint32) { yes = yes || p.texts.text(n) == d.Tag })
			return yes
		}
		at := f.At.UnixMicro()
		switch was, is := has(at-1), has(l.now.UnixMicro()); {
		case is && !was && !d.Off:
			return rules.Trigger{Kind: rules.OnTagAdded, Tag: d.Tag}
		case was && !is && d.Off:
			return rules.Trigger{Kind: rules.OnTagRemoved, Tag: d.Tag}
		}
	}
	return rules.Trigger{}
}

// compare tells of what time alone brought since the evening before: tags that
// expired, and segments whose tags changed.
func (l *listener) compare(ctx context.Context, before time.Time) (out Occurred, err error) {
	e := l.e
	from, to := before.UnixMicro(), l.now.UnixMicro()
	var list []event
	if l.expires {
		expired, err := l.expired(ctx, from, to)
		if err != nil {
			return out, err
		}
		list = append(list, expired...)
	}
	if l.seg {
		moved, err := l.moved(ctx, before)
		if err != nil {
			return out, err
		}
		list = append(list, moved...)
	}
	segments, err := e.eveningSegments(ctx, e.rules.Active(), l.now)
	if err != nil {
		return out, err
	}
	for chunk := range slices.Chunk(list, planBatch) {
		var n Occurred
		err := e.svc.Update(ctx, func(tx crm.Tx) error {
			p, err := e.those(ctx, tx, func(yield func(crm.ProfileKey) bool) {
				for _, v := range chunk {
					if !yield(v.home) {
						return
					}
				}
			})
			if err != nil {
				return err
			}
			var told []occasion
			for _, v := range chunk {
				if x := p.of(v.home); x != nil {
					told = append(told, occasion{x, v.on, crm.FactKey{}})
				}
			}
			w, err := e.newEvaluator(p, rules.Trigger{}, l.now, segments)
			if err != nil {
				return err
			}
			w.fill.reader = tx
			n, err = l.raise(ctx, tx, w, told)
			return err
		})
		if err != nil {
			return out, err
		}
		out.add(n)
	}
	return out, nil
}

// event is what happened to the customer of a home profile.
type event struct {
	home crm.ProfileKey
	on   rules.Trigger
}

// expired lists tags that ran out after one instant and until another.
func (l *listener) expired(ctx context.Context, from, to int64) (list []event, err error) {
	return list, everybody(ctx, l.e, []crm.FactKind{crm.KindTag}, func(pg sheet) (out []event) {
		for _, x := range pg.persons {
			for i := range x.tags {
				t := &x.tags[i]
				if t.expires <= from || t.expires > to || t.off {
					continue
				}
				set := false
				x.tagsAt(to, func(n uint32) { set = set || n == t.name })
				on := rules.Trigger{Kind: rules.OnTagRemoved, Tag: pg.p.texts.text(t.name)}
				if !set && l.hears[on] {
					out = append(out, event{x.home, on})
				}
			}
		}
		return out
	}, func(got []event) { list = append(list, got...) })
}

// moved lists who entered or left a segment since the evening before, by the tags
// and fields of then as they are known now. Those whom no source knew then were in none.
func (l *listener) moved(ctx context.Context, before time.Time) ([]event, error) {
	e := l.e
	type member struct {
		home  crm.ProfileKey
		tags  []string
		known bool // then
	}
	var all []member
	err := everybody(ctx, e, []crm.FactKind{crm.KindTag}, func(pg sheet) (out []member) {
		for _, x := range pg.persons {
			out = append(out, member{x.home, pg.p.tagNames(x, before.UnixMicro()), x.since <= before.UnixMicro()})
		}
		return out
	}, func(got []member) { all = append(all, got...) })
	if err != nil {
		return nil, err
	}
	old, err := e.indexOf(e.tags, func(yield func(string, []string) bool) {
		for i := range all {
			if !yield(segmentName(all[i].home), all[i].tags) {
				return
			}
		}
	})
	if err != nil {
		return nil, err
	}
	if e.conditions != nil {
		if err := e.askEverybody(ctx, old, before); err != nil {
			return nil, err
		}
		if err := e.settle(ctx, l.now); err != nil {
			return nil, err
		}
	}
	was, err := e.readSegments(old, before)
	if err != nil {
		return nil, err
	}
	is, err := e.readSegments(e.seg, l.now)
	if err != nil {
		return nil, err
	}
	var list []event
	for _, m := range all {
		a, known := was.idx.ID(segmentName(m.home))
		known = known && m.known
		b, there := is.idx.ID(segmentName(m.home))
		for i, name := range is.names {
			in, out := there && is.in[i].Contains(b), known && was.in[i].Contains(a)
			on := rules.Trigger{Kind: rules.OnSegmentEntered, Segment: name}
			if out {
				on.Kind = rules.OnSegmentLeft
			}
			if in != out && l.hears[on] {
				list = append(list, event{m.home, on})
			}
		}
	}
	return list, nil
}

// raise cancels what waits for occasions and plans what rules do at them.
func (l *listener) raise(ctx context.Context, tx crm.Tx, w *evaluator, list []occasion) (out Occurred, err error) {
	facts := map[occasion][]crm.FactKey{} // what happened to one customer several times is asked about once
	var once []occasion
	for _, o := range list {
		k := occasion{who: o.who, on: o.on}
		if _, ok := facts[k]; !ok {
			facts[k], once = nil, append(once, k)
		}
		if !o.about.IsZero() {
			facts[k] = append(facts[k], o.about)
		}
	}
	var intents []rules.Intent
	for _, o := range once {
		members := make([]crm.Subject, len(o.who.profiles))
		for i, k := range o.who.profiles {
			members[i] = crm.OfProfile(k)
		}
		cancelled, err := w.set.Cancel(ctx, tx, o.on, crm.FactKey{}, w.moment(o.who), members...)
		if err != nil {
			return out, err
		}
		out.Cancelled += len(cancelled)
		w.on, w.about = o.on, facts[o]
		in, err := w.persons(ctx, []*person{o.who})
		if err != nil {
			return out, err
		}
		intents = append(intents, in...)
	}
	n, err := l.e.writeIn(ctx, tx, intents)
	out.Planned, out.Repeated = n.Planned, n.Repeated
	return out, err
}
