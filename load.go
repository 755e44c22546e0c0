package vefa

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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
	at := e.offered // those who help read from there on
	if e.offered = nil; at == nil {
		if at, err = e.newIndexing(ctx); err != nil {
			return err
		}
	}
	e.feed = at.feed
	if err := e.readEverybody(ctx, at); err != nil {
		return err
	}
	e.unsettle(true)
	e.show()
	e.loaded = true
	return nil
}

// errLarge is how readEverybody is told that the record does not fit.
var errLarge = errors.New("more profiles than Config.Resident")

func (e *Engine) readEverybody(ctx context.Context, at *indexing) (err error) {
	if e.profiles <= e.cfg.Resident {
		p := e.newPopulation(e.reads(e.rules.Active(), "Lines"))
		if err = e.keepEverybody(ctx, p); err == nil {
			now := e.svc.Now()
			if e.seg, err = e.indexTags(p, e.tags, now); err == nil {
				e.pop, e.profiles, e.checked = p, len(p.homeOf), now.UnixMicro()
			}
			return err
		}
		if !errors.Is(err, errLarge) {
			return err
		}
	}
	return e.indexPages(ctx, at)
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

// jobIndex is the job of reading what the segment index is made of.
const jobIndex = "index"

// indexing is how everybody is read for it.
type indexing struct {
	feed *feed // that begins before they are read
	in   indexInput
}

// indexInput is the input of jobIndex.
type indexInput struct {
	Now    int64     `json:"now"`    // whose tags
	Clicks time.Time `json:"clicks"` // those after are told
}

// indexed is what it comes to.
type indexed struct {
	Rows     []indexRow    `json:"rows,omitempty"` // of those who help
	Clicks   []crm.FactRef `json:"clicks,omitempty"`
	Profiles int           `json:"profiles"`
}

// indexRow is a customer.
type indexRow struct {
	Name  string   `json:"n"`
	Tags  []string `json:"t,omitempty"`
	Turns int64    `json:"u,omitempty"` // person.nextTurn
}

func (e *Engine) newIndexing(ctx context.Context) (*indexing, error) {
	now := e.svc.Now()
	at := &indexing{in: indexInput{Now: now.UnixMicro(), Clicks: now.Add(-2 * neighbour)}}
	var err error
	at.feed, err = newFeed(ctx, e.cfg.Store, at.in.Clicks)
	return at, err
}

func indexJob(in indexInput) (j job, err error) {
	j = job{Name: jobIndex, Most: crm.Parts / 64, Open: everyPart()}
	j.Input, err = json.Marshal(in)
	return j, err
}

// offerIndex offers those who help to read what the segment index is made of while this
// process is at record linkage: once it is known that everybody will not be kept in memory.
// Linkage changes who is who meanwhile, which the change feed tells.
func (e *Engine) offerIndex(ctx context.Context) error {
	if e.share == nil || e.loaded || e.offered != nil || e.profiles <= e.cfg.Resident && e.cfg.Resident > 0 {
		return nil
	}
	at, err := e.newIndexing(ctx)
	if err != nil {
		return err
	}
	j, err := indexJob(at.in)
	if err != nil {
		return err
	}
	e.offered = at
	return e.share.open(ctx, j)
}

// indexPages fills the segment index from customers that are not kept.
func (e *Engine) indexPages(ctx context.Context, at *indexing) error {
	j, err := indexJob(at.in)
	if err != nil {
		return err
	}
	e.turning = map[crm.ProfileKey]int64{}
	n, profiles := 0, 0
	var failed error
	seg, err := e.indexOf(e.tags, func(yield func(string, []string) bool) {
		row := func(r indexRow) error {
			if r.Turns != 0 {
				e.turning[homeOfSegmentName(r.Name)] = r.Turns
			}
			if n++; !yield(r.Name, r.Tags) {
				return errors.New("vefa: segments: a customer cannot be indexed")
			}
			return nil
		}
		var fault error
		failed = divide(ctx, e, j, func(ctx context.Context, part *stretch) (out indexed, err error) {
			err = e.indexRows(ctx, part, at.feed, at.in, &out, func(r indexRow) error {
				if n%loadBatch == 0 {
					e.progress("load", n, 0)
				}
				return row(r)
			})
			return out, err
		}, func(_ piece, got indexed) {
			profiles += got.Profiles
			for _, ref := range got.Clicks {
				at.feed.clicks[ref] = true
			}
			for _, r := range got.Rows {
				if fault == nil {
					fault = row(r)
				}
			}
			e.progress("load", n, 0)
		})
		failed = errors.Join(failed, fault)
	})
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	e.pop, e.seg, e.profiles, e.checked = nil, seg, profiles, at.in.Now
	return nil
}

// indexRows calls each for the customers of some parts, and notes their clicks.
func (e *Engine) indexRows(ctx context.Context, at *stretch, clicks *feed, in indexInput, out *indexed, each func(indexRow) error) error {
	into := func() *population {
		p := e.newPopulation(false)
		p.feed = clicks
		return p
	}
	type rows struct {
		list     []indexRow
		profiles int
	}
	return eachPage(ctx, e, at, []crm.FactKind{crm.KindTag, crm.KindClick}, into, func(_ context.Context, pg sheet) (rows, error) {
		got := rows{profiles: pg.profiles}
		for _, x := range pg.persons {
			got.list = append(got.list, indexRow{segmentName(x.home), pg.p.tagNames(x, in.Now), x.nextTurn(in.Now)})
		}
		return got, nil
	}, func(got rows) error {
		out.Profiles += got.profiles
		for _, r := range got.list {
			if err := each(r); err != nil {
				return err
			}
		}
		return nil
	})
}

// helpIndex is indexRows for the process that leads the evening.
func (e *Engine) helpIndex(ctx context.Context, j job, at *stretch) (any, error) {
	var out indexed
	var in indexInput
	if err := json.Unmarshal(j.Input, &in); err != nil {
		return nil, err
	}
	if err := e.readPlaces(ctx); err != nil {
		return nil, err
	}
	f := &feed{clicks: map[crm.FactRef]bool{}, clicksFrom: in.Clicks}
	err := e.indexRows(ctx, at, f, in, &out, func(r indexRow) error {
		out.Rows = append(out.Rows, r)
		return nil
	})
	out.Clicks = slices.SortedFunc(maps.Keys(f.clicks), crm.FactRef.Compare)
	return out, err
}

func (e *Engine) readPlaces(ctx context.Context) error {
	return e.cfg.Store.View(ctx, func(r crm.Reader) (err error) {
		e.places, err = crm.LoadPlaces(ctx, r, e.cfg.Home)
		return err
	})
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
		lines := !p.withLines && e.reads(e.rules.Active(), "Lines") // rules that were loaded since
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
	if !e.feed.pending.empty() || len(d.persons) > 0 {
		e.unsettle(false)
	}
	e.feed.pending = newNews()
	e.show()
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
