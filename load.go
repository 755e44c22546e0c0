package vefa

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/segment"
)

// load prepares what a night needs, once: segments and, of a record of at most
// Config.Resident profiles, everybody. Places may open at any time and are read each
// time.
func (e *Engine) load(ctx context.Context) error {
	if err := e.missed(ctx); err != nil {
		return err
	}
	err := e.cfg.Store.View(ctx, func(r crm.Reader) (err error) {
		if e.places, err = crm.LoadPlaces(ctx, r, e.cfg.Home); err != nil || e.loaded {
			return err
		}
		e.tags, err = loadTags(ctx, r)
		return err
	})
	if err != nil {
		return err
	}
	if e.loaded {
		if e.pop != nil {
			e.pop.places = e.places
		}
		return nil
	}
	if e.feed, err = newFeed(ctx, e.cfg.Store, e.svc.Now().Add(-2*neighbour)); err != nil {
		return err
	}
	if err := e.readEverybody(ctx); err != nil {
		return err
	}
	e.view.Store(e.seg.View())
	e.loaded = true
	return nil
}

// errLarge is how readEverybody is told that the record does not fit.
var errLarge = errors.New("more profiles than Config.Resident")

func (e *Engine) readEverybody(ctx context.Context) (err error) {
	if e.profiles <= e.cfg.Resident {
		p := e.newPopulation(e.rules.Active().Reads("Lines"))
		if err = e.keepEverybody(ctx, p); err == nil {
			now := e.svc.Now()
			if e.seg, err = e.index(p, e.tags, now); err == nil {
				e.pop, e.profiles, e.checked = p, len(p.homeOf), now.UnixMicro()
			}
			return err
		}
		if !errors.Is(err, errLarge) {
			return err
		}
	}
	return e.indexPages(ctx)
}

func (e *Engine) newPopulation(lines bool) *population {
	p := newPopulation(&e.cfg, e.places)
	p.withLines, p.feed = lines, e.feed
	return p
}

// keepEverybody reads everybody into a population. Changes committed meanwhile are met
// again by refresh.
func (e *Engine) keepEverybody(ctx context.Context, p *population) error {
	n, profiles := 0, 0
	return eachPage(ctx, e, wholly(everyPart()[0]), kinds, func() *population { return p }, func(_ context.Context, pg sheet) (sheet, error) { return pg, nil },
		func(pg sheet) error {
			if profiles += pg.profiles; profiles > e.cfg.Resident {
				return errLarge
			}
			for _, x := range pg.persons {
				p.keep(x)
			}
			n += len(pg.persons)
			e.progress("load", n, 0)
			return nil
		})
}

// indexPages fills the segment index from customers that are not kept.
func (e *Engine) indexPages(ctx context.Context) error {
	type row struct {
		home  crm.ProfileKey
		tags  []string
		turns int64
	}
	now := e.svc.Now().UnixMicro()
	e.turning = map[crm.ProfileKey]int64{}
	n, profiles := 0, 0
	var failed error
	seg, err := e.indexOf(e.tags, func(yield func(string, []string) bool) {
		type rows struct {
			list     []row
			profiles int
		}
		failed = eachPage(ctx, e, wholly(everyPart()[0]), []crm.FactKind{crm.KindTag, crm.KindClick}, func() *population { return e.newPopulation(false) },
			func(_ context.Context, pg sheet) (rows, error) {
				out := rows{profiles: pg.profiles}
				for _, x := range pg.persons {
					out.list = append(out.list, row{x.home, pg.p.tagNames(x, now), x.nextTurn(now)})
				}
				return out, nil
			}, func(got rows) error {
				for _, r := range got.list {
					if r.turns != 0 {
						e.turning[r.home] = r.turns
					}
					if !yield(segmentName(r.home), r.tags) {
						return errors.New("vefa: segments: a customer cannot be indexed")
					}
				}
				n, profiles = n+len(got.list), profiles+got.profiles
				e.progress("load", n, 0)
				return nil
			})
	})
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	e.pop, e.seg, e.profiles, e.checked = nil, seg, profiles, now
	return nil
}

// nextTurn is the first instant after another at which time alone changes a person's
// tags, 0 if none does: one runs out, or begins that was set ahead.
func (x *person) nextTurn(after int64) (next int64) {
	for _, t := range x.tags {
		for _, at := range []int64{t.at, t.expires} {
			if at > after && (next == 0 || at < next) {
				next = at
			}
		}
	}
	return next
}

// missed has everybody read again if the changes that the engine does not know of yet
// were pruned: by another process, of an engine that was idle long. So it does if rules
// read now what it did not keep, and if the record has outgrown Config.Resident.
func (e *Engine) missed(ctx context.Context) error {
	if !e.loaded {
		return nil
	}
	if p := e.pop; p != nil {
		lines := !p.withLines && e.rules.Active().Reads("Lines") // rules that were loaded since
		if e.profiles = len(p.homeOf); lines || e.profiles > e.cfg.Resident {
			e.forget()
			return nil
		}
	}
	err := e.cfg.Store.View(ctx, func(r crm.Reader) error {
		_, _, err := r.Changes(ctx, e.feed.at, 1)
		return err
	})
	if errors.Is(err, crm.ErrPruned) {
		e.forget()
		return nil
	}
	return err
}

// refresh brings population, tags and segments up to what is committed.
func (e *Engine) refresh(ctx context.Context) (delta, error) {
	// The store is asked before anything is taken in: from there on nothing may
	// fail that can be tried again, or segments would miss what persons know.
	var tags []TagDef
	err := e.cfg.Store.View(ctx, func(r crm.Reader) (err error) {
		tags, err = loadTags(ctx, r)
		return err
	})
	if err != nil {
		return delta{}, err
	}
	d, err := e.catchUp(ctx)
	if errors.Is(err, crm.ErrPruned) { // it is far behind: everybody is read again
		e.forget()
		return delta{}, e.load(ctx)
	}
	if err != nil {
		return d, err
	}
	for _, k := range d.profiles {
		e.look(k)
	}
	if _, err := e.seg.SetPolarity(time.Time{}, polarity(newTurns(e.tags, tags))...); err != nil {
		return d, fmt.Errorf("vefa: segments: %w", err)
	}
	e.tags = tags
	if err := e.refreshSegments(d); err != nil {
		return d, err
	}
	e.feed.pending = newNews()
	e.view.Store(e.seg.View())
	return d, nil
}

// catchUp reads the feed and returns who changed.
func (e *Engine) catchUp(ctx context.Context) (delta, error) {
	if err := e.feed.read(ctx, e.cfg.Store); err != nil {
		return delta{}, err
	}
	n := e.feed.pending
	switch {
	case e.pop == nil:
		return e.follow(ctx, n)
	case n.empty():
		return delta{p: e.pop}, nil
	}
	return e.pop.take(ctx, e.cfg.Store, n)
}

// follow returns who changed of customers that are not kept, with their tags: those
// whose own profiles or tags changed, by time too. A decision that
// parts people is about those that stay, too, so that the feed has them.
func (e *Engine) follow(ctx context.Context, n news) (delta, error) {
	d := delta{p: e.newPopulation(false)}
	keys := map[crm.ProfileKey]bool{}
	for k := range n.own {
		keys[k] = true
		d.profiles = append(d.profiles, k)
	}
	slices.SortFunc(d.profiles, crm.ProfileKey.Compare)
	for ref := range n.facts {
		if ref.Key.Kind == crm.KindTag {
			keys[ref.Subject.Profile] = true
		}
	}
	for k, at := range e.turning {
		if at <= e.svc.Now().UnixMicro() {
			keys[k] = true
		}
	}
	list := make([]crm.ProfileKey, 0, len(keys))
	for k := range keys {
		list = append(list, k)
	}
	slices.SortFunc(list, crm.ProfileKey.Compare)
	seen := map[crm.ProfileKey]bool{}
	for chunk := range slices.Chunk(list, loadBatch) {
		err := e.cfg.Store.View(ctx, func(r crm.Reader) error {
			ids, err := r.CustomersOf(ctx, chunk...)
			if err != nil {
				return err
			}
			slices.Sort(ids)
			ids = slices.DeleteFunc(slices.Compact(ids), func(id crm.CustomerID) bool { return id == "" })
			persons, err := d.p.read(ctx, r, ids, []crm.FactKind{crm.KindTag}, nil)
			if err != nil {
				return err
			}
			for _, x := range persons {
				if !seen[x.home] {
					seen[x.home] = true
					d.persons = append(d.persons, x)
				}
			}
			return nil
		})
		if err != nil {
			return delta{}, err
		}
	}
	for _, k := range d.profiles {
		if _, was := e.seg.ID(segmentName(k)); was && !seen[k] {
			d.gone = append(d.gone, k)
		}
	}
	slices.SortFunc(d.persons, func(a, b *person) int { return a.home.Compare(b.home) })
	return d, nil
}

// refreshSegments takes a delta into the segments, and what time alone took away.
func (e *Engine) refreshSegments(d delta) error {
	at := e.svc.Now().UnixMicro()
	view := e.seg.View()
	var gone, joined []string
	for _, k := range d.gone {
		gone = append(gone, segmentName(k))
		delete(e.turning, k)
	}
	seen := map[crm.ProfileKey]bool{}
	check := slices.Clone(d.persons)
	for _, x := range d.persons {
		seen[x.home] = true
		if _, known := e.seg.ID(segmentName(x.home)); !known {
			joined = append(joined, segmentName(x.home))
		}
		if e.pop == nil {
			if next := x.nextTurn(at); next != 0 {
				e.turning[x.home] = next
			} else {
				delete(e.turning, x.home)
			}
		}
	}
	if e.pop != nil && at != e.checked { // time changes tags, too; a clock may be put back
		from, to := min(e.checked, at), max(e.checked, at)
		for _, x := range e.pop.sorted() {
			if next := x.nextTurn(from); !seen[x.home] && next != 0 && next <= to {
				check = append(check, x)
			}
		}
	}
	if len(check)+len(gone) == 0 {
		e.checked = at
		return nil
	}
	var changes []segment.TagChange
	for _, x := range check {
		name := segmentName(x.home)
		want := d.p.tagNames(x, at)
		slices.Sort(want)
		have := view.TagsOf(name)
		for _, t := range want {
			if !slices.Contains(have, t) {
				changes = append(changes, segment.TagChange{Customer: name, Tag: t})
			}
		}
		for _, t := range have {
			if !slices.Contains(want, t) {
				changes = append(changes, segment.TagChange{Customer: name, Tag: t, Clear: true})
			}
		}
	}
	for _, step := range []func() error{
		func() error { _, err := e.seg.Forget(time.Time{}, gone...); return err },
		func() error { _, err := e.seg.Join(time.Time{}, joined...); return err },
		func() error { _, err := e.seg.Apply(time.Time{}, changes); return err },
	} {
		if err := step(); err != nil {
			return fmt.Errorf("vefa: segments: %w", err)
		}
	}
	e.checked = at
	return nil
}
