package vefa

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/segment"
)

// In the segment index a customer is named by the earliest profile, which
// content decides; generated ids would make the order of audiences random.
func segmentName(home crm.ProfileKey) string { return home.String() }

// loadSegments builds the segment index from the population.
func (e *Engine) loadSegments() (err error) {
	if e.seg, err = e.index(e.pop, e.tags, e.svc.Now()); err == nil {
		e.view.Store(e.seg.View())
	}
	return err
}

// segmentsOf is an index of the customers of a population alone, with the tags as
// they are now.
func (e *Engine) segmentsOf(ctx context.Context, p *population, now time.Time) (idx *segment.Index, err error) {
	err = e.cfg.Store.View(ctx, func(r crm.Reader) error {
		tags, err := loadTags(ctx, r)
		if err != nil {
			return err
		}
		idx, err = e.index(p, tags, now)
		return err
	})
	return idx, err
}

func (e *Engine) index(p *population, defs []TagDef, at time.Time) (*segment.Index, error) {
	idx := segment.NewIndex(segment.Options{})
	micros := at.UnixMicro()
	rows := func(yield func(string, []string) bool) {
		for _, x := range p.sorted() {
			var tags []string
			x.tagsAt(micros, func(n uint32) { tags = append(tags, p.texts.text(n)) })
			if !yield(segmentName(x.home), tags) {
				return
			}
		}
	}
	if _, err := idx.Load(time.Time{}, iter.Seq2[string, []string](rows)); err != nil {
		return nil, fmt.Errorf("vefa: segments: %w", err)
	}
	if _, err := idx.Define(time.Time{}, e.defs...); err != nil {
		return nil, fmt.Errorf("vefa: segments: %w", err)
	}
	if _, err := idx.SetPolarity(time.Time{}, polarity(defs)...); err != nil {
		return nil, fmt.Errorf("vefa: segments: %w", err)
	}
	return idx, nil
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
	d, err := e.pop.refresh(ctx)
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
	e.view.Store(e.seg.View())
	return d, nil
}

func (e *Engine) refreshSegments(d delta) error {
	at := e.svc.Now().UnixMicro()
	view := e.seg.View()
	var gone, joined []string
	for _, k := range d.gone {
		gone = append(gone, segmentName(k))
	}
	seen := map[crm.ProfileKey]bool{}
	check := slices.Clone(d.persons)
	for _, x := range d.persons {
		seen[x.home] = true
		if _, known := e.seg.IDs().Lookup(segmentName(x.home)); !known {
			joined = append(joined, segmentName(x.home))
		}
	}
	if at != e.checked { // time takes tags away, too
		e.checked = at
		for _, x := range e.pop.sorted() {
			if !seen[x.home] && slices.ContainsFunc(x.tags, func(t tagRow) bool { return t.expires != 0 }) {
				check = append(check, x)
			}
		}
	}
	if len(check)+len(gone) == 0 {
		return nil
	}
	var changes []segment.TagChange
	for _, x := range check {
		name := segmentName(x.home)
		var want []string
		x.tagsAt(at, func(n uint32) { want = append(want, e.pop.texts.text(n)) })
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
	return nil
}

// drawn is the audience of a campaign: who is in it or would be but for red
// tags, which messaging excludes with a reason, in the order of home profiles.
type drawn struct {
	considered []*person
	ignores    []string // red tags that the segment does not care about
}

func (e *Engine) draw(name string, at time.Time) (drawn, error) {
	var d drawn
	view := e.seg.View()
	def, _, err := view.Definition(name)
	if err != nil {
		return d, fmt.Errorf("vefa: %w", err)
	}
	d.ignores = def.IgnoreRed
	careless := def
	careless.IgnoreRed = slices.Concat(def.IgnoreRed, redTags(e.tags, at, def.IgnoreRed))
	all, err := view.With(careless)
	if err != nil {
		return d, fmt.Errorf("vefa: %w", err)
	}
	considered, err := all.Members(name, at)
	if err != nil {
		return d, fmt.Errorf("vefa: %w", err)
	}
	may := map[string]bool{}
	for m := range considered {
		may[m] = true
	}
	for _, x := range e.pop.sorted() {
		name := segmentName(x.home)
		if may[name] {
			d.considered = append(d.considered, x)
		}
	}
	return d, nil
}

// recipients turns an audience into what messaging plans from. Each address
// counts once, however many people share it: its effect hangs on the address.
func (e *Engine) recipients(ctx context.Context, c *messaging.Campaign, d drawn, day string, persons []*person) iter.Seq2[messaging.Recipient, error] {
	return func(yield func(messaging.Recipient, error) bool) {
		now := e.svc.Now().UnixMicro()
		for chunk := range slices.Chunk(persons, loadBatch) {
			states, err := e.addressStates(ctx, chunk, c.Channel)
			if err != nil {
				yield(messaging.Recipient{}, err)
				return
			}
			for _, x := range chunk {
				data := MessageData{Profile: x.home, Name: c.Cause(), Class: Class(c.Class), Ignores: d.ignores}
				raw, err := json.Marshal(data)
				if err != nil {
					yield(messaging.Recipient{}, err)
					return
				}
				r := messaging.Recipient{Unit: x.home.String(), Occurrence: day, Data: raw}
				r.Candidate.Zone = e.pop.zone(x)
				x.tagsAt(now, func(n uint32) { r.Candidate.Tags = append(r.Candidate.Tags, e.pop.texts.text(n)) })
				if to, ok := x.reach(c.Channel); ok {
					r.Candidate.Address = states[to]
				} else {
					r.Subject = crm.OfProfile(x.home)
					r.Candidate.Invalid = "no address that could be tried"
				}
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}

// reach returns the address that a message to a person goes to.
func (x *person) reach(ch crm.Channel) (crm.Address, bool) {
	list, at := x.phones, x.phone
	if ch == crm.Email {
		list, at = x.emails, x.mailbox
	}
	if len(list) == 0 {
		return crm.Address{}, false
	}
	return list[at], true
}

func (e *Engine) addressStates(ctx context.Context, persons []*person, ch crm.Channel) (map[crm.Address]*crm.AddressState, error) {
	var addrs []crm.Address
	for _, x := range persons {
		if to, ok := x.reach(ch); ok {
			addrs = append(addrs, to)
		}
	}
	out := make(map[crm.Address]*crm.AddressState, len(addrs))
	err := e.cfg.Store.View(ctx, func(r crm.Reader) error {
		states, err := r.Addresses(ctx, addrs...)
		for _, st := range states {
			out[st.Address] = st
		}
		return err
	})
	return out, err
}
