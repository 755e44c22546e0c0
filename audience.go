package vefa

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/segment"
	"github.com/vefacrm/vefa/segment/bitset"
)

// In the segment index a customer is named by the earliest profile, which
// content decides; generated ids would make the order of audiences random.
func segmentName(home crm.ProfileKey) string { return home.String() }

func homeOfSegmentName(name string) crm.ProfileKey {
	source, id, _ := strings.Cut(name, "/")
	return crm.ProfileKey{Source: strings.NewReplacer("%2F", "/", "%25", "%").Replace(source), ID: id}
}

// segmentsOf is an index of the customers of a population alone, with the tags as
// they are now.
func (e *Engine) segmentsOf(ctx context.Context, p *population, now time.Time) (idx *segment.Index, err error) {
	err = e.cfg.Store.View(ctx, func(r crm.Reader) error {
		tags, err := loadTags(ctx, r)
		if err != nil {
			return err
		}
		idx, err = e.index(ctx, r, p, tags, now)
		return err
	})
	return idx, err
}

// index is the segment index of the customers of a population, with what is known of them
// at an instant. Fields of the host's read through r, or through transactions of their own.
func (e *Engine) index(ctx context.Context, r crm.Reader, p *population, defs []TagDef, at time.Time) (*segment.Index, error) {
	idx, err := e.indexTags(p, defs, at)
	if err != nil || e.conditions == nil {
		return idx, err
	}
	w, err := e.newLeaves(r, p, at)
	if err != nil {
		return nil, err
	}
	hits, err := w.hits(ctx, p.sorted())
	if err != nil {
		return nil, err
	}
	return idx, e.setLeaves(idx, hits)
}

// indexTags is index without conditions on fields, which hold for no customer.
func (e *Engine) indexTags(p *population, defs []TagDef, at time.Time) (*segment.Index, error) {
	return e.indexOf(defs, func(yield func(string, []string) bool) {
		for _, x := range p.sorted() {
			if !yield(segmentName(x.home), p.tagNames(x, at.UnixMicro())) {
				return
			}
		}
	})
}

// tagNames returns the tags that a person has at an instant.
func (p *population) tagNames(x *person, at int64) (tags []string) {
	x.tagsAt(at, func(n uint32) { tags = append(tags, p.texts.text(n)) })
	return tags
}

func (e *Engine) indexOf(defs []TagDef, rows iter.Seq2[string, []string]) (*segment.Index, error) {
	idx := segment.NewIndex(segment.Options{})
	if _, err := idx.Load(time.Time{}, rows); err != nil {
		return nil, fmt.Errorf("vefa: segments: %w", err)
	}
	if err := define(idx, e.defs); err != nil {
		return nil, fmt.Errorf("vefa: segments: %w", err)
	}
	if _, err := idx.SetPolarity(time.Time{}, polarity(defs)...); err != nil {
		return nil, fmt.Errorf("vefa: segments: %w", err)
	}
	return idx, nil
}

// define defines segments, whose leaves hold for no customer yet.
func define(idx *segment.Index, defs []segment.Definition) error {
	for _, d := range defs {
		for _, leaf := range d.References().Leaves {
			if _, err := idx.SetLeaf(time.Time{}, leaf, new(bitset.Set)); err != nil {
				return err
			}
		}
	}
	_, err := idx.Define(time.Time{}, defs...)
	return err
}

// drawn is the audience of a campaign: who is in it or would be but for red
// tags, which messaging excludes with a reason, in the order of home profiles.
type drawn struct {
	considered []crm.ProfileKey // homes
	ignores    []string         // red tags that the segment does not care about
}

func (e *Engine) draw(ctx context.Context, name string, at time.Time) (drawn, error) {
	if err := e.settle(ctx, at); err != nil {
		return drawn{}, err
	}
	return drawFrom(e.seg.View(), e.tags, name, at)
}

// drawFrom is draw of segments as a caller saw them.
func drawFrom(view *segment.View, tags []TagDef, name string, at time.Time) (drawn, error) {
	var d drawn
	def, _, err := view.Definition(name)
	if err != nil {
		return d, fmt.Errorf("vefa: %w", err)
	}
	d.ignores = def.IgnoreRed
	careless := def
	careless.IgnoreRed = slices.Concat(def.IgnoreRed, redTags(tags, at, def.IgnoreRed))
	all, err := view.With(careless)
	if err != nil {
		return d, fmt.Errorf("vefa: %w", err)
	}
	considered, err := all.Members(name, at)
	if err != nil {
		return d, fmt.Errorf("vefa: %w", err)
	}
	for m := range considered {
		d.considered = append(d.considered, homeOfSegmentName(m))
	}
	slices.SortFunc(d.considered, crm.ProfileKey.Compare)
	return d, nil
}

// reading is how the customers of some profiles are read.
type reading func(ctx context.Context, r crm.Reader, profiles iter.Seq[crm.ProfileKey]) (*population, error)

// recipients turns an audience into what messaging plans from. Each address
// counts once, however many people share it: its effect hangs on the address.
func (e *Engine) recipients(ctx context.Context, those reading, c *messaging.Campaign, script *messaging.Script, d drawn, day string) iter.Seq2[messaging.Recipient, error] {
	return func(yield func(messaging.Recipient, error) bool) {
		now := e.svc.Now().UnixMicro()
		for chunk := range slices.Chunk(d.considered, loadBatch) {
			var p *population
			var persons []*person
			var states map[crm.Address]*crm.AddressState
			var recent map[*person][]time.Time
			var replied map[*person]time.Time
			err := e.cfg.Store.View(ctx, func(r crm.Reader) (err error) {
				if p, err = those(ctx, r, slices.Values(chunk)); err != nil {
					return err
				}
				persons = persons[:0]
				for _, k := range chunk {
					if x := p.byHome[k]; x != nil {
						persons = append(persons, x)
					}
				}
				var addrs []crm.Address
				for _, x := range persons {
					addrs = append(addrs, p.wayAddresses(x, script)...)
				}
				if c.Cadence.Every > 0 {
					if recent, err = e.recentOf(ctx, r, persons); err != nil {
						return err
					}
				}
				if minds(c) {
					if replied, err = e.repliesOf(ctx, r, p.places, persons, e.svc.Now()); err != nil {
						return err
					}
				}
				states, err = statesOf(ctx, r, addrs)
				return err
			})
			if err != nil {
				yield(messaging.Recipient{}, err)
				return
			}
			for _, x := range persons {
				data := MessageData{Profile: x.home, Name: c.Cause(), Class: Class(c.Class), Ignores: d.ignores}
				tags := p.tagNames(x, now)
				var err error
				if data.Variant, data.Choice, err = e.chooseOffer(ctx, p, x, c, tags); err != nil {
					yield(messaging.Recipient{}, err)
					return
				}
				raw, err := json.Marshal(data)
				if err != nil {
					yield(messaging.Recipient{}, err)
					return
				}
				r := messaging.Recipient{Unit: x.home.String(), Occurrence: day, Data: raw}
				r.Candidate.Tags = tags
				if w, ok := e.choose(p, x, c, script, crm.FactRef{}, states, e.svc.Now()); ok {
					r.Candidate.Address, r.Candidate.Channel = states[w.to], w.by
				} else {
					r.Subject = crm.OfProfile(x.home)
					r.Candidate.Invalid = "no address that could be tried"
				}
				e.local(p, x, &r.Candidate)
				r.Candidate.Recent = recent[x]
				if err := e.heed(ctx, p, x, c, data.Variant, e.svc.Now(), replied[x], &r.Candidate); err != nil {
					yield(messaging.Recipient{}, err)
					return
				}
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}
