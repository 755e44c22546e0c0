package vefa

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/campaigns"
)

// Drawing is whom a campaign would reach if it were drawn at an instant.
type Drawing struct {
	Life *campaigns.Life `json:"life"` // what was asked about, as it was then
	At   time.Time       `json:"at"`
	// Considered are those in its segment, and those who would be but for red tags: the sum of the
	// following.
	Considered int `json:"considered"`
	Planned    int `json:"planned"`  // to be sent
	HeldOut    int `json:"held_out"` // to measure by
	// Withheld are by the first guard that refuses, the most first. What is asked only when a
	// message leaves, such as a budget, a velocity or Config.Guards, is not among them.
	Withheld []Count `json:"withheld,omitempty"`
	// Sample are some of those to whom it would be sent, spread over all of them.
	Sample []crm.CustomerID `json:"sample,omitempty"`
}

// Preview says whom a campaign of the desk would reach if it were drawn now, approved or not:
// for the page on which a campaign is decided about. It plans and writes nothing; at most sample customers
// are named. It reads the customers of the campaign's segment from the record, holds up no night and
// waits for none: while one runs, the segment is as Segments has it then. A campaign that is not
// there is crm.ErrNotFound; one that this configuration cannot send, and an engine without
// Config.Desk, is an error.
func (e *Engine) Preview(ctx context.Context, campaign string, sample int) (out Drawing, err error) {
	defer e.took("preview", time.Now(), &err)
	defer crm.Recover("preview", &err)
	if err = e.needDesk("preview"); err != nil {
		return out, err
	}
	if out.Life, err = e.desk.Get(ctx, campaign); err != nil {
		return out, err
	}
	m, err := e.sealedMessage(out.Life)
	if err != nil {
		return out, err
	}
	if !e.defines(out.Life.Audience) {
		return out, fmt.Errorf("%w: Config.Segments does not define %q", messaging.ErrCampaign, out.Life.Audience)
	}
	if err = e.checkKeys(ctx); err != nil {
		return out, err
	}
	view, err := e.frozen(ctx, "preview")
	if err != nil {
		return out, err
	}
	out.At = e.svc.Now()
	var places *crm.Places
	var tags []TagDef
	err = e.cfg.Store.View(ctx, func(r crm.Reader) (err error) {
		if places, err = crm.LoadPlaces(ctx, r, e.cfg.Home); err == nil {
			tags, err = loadTags(ctx, r)
		}
		return err
	})
	if err != nil {
		return out, err
	}
	d, err := drawFrom(view, tags, out.Life.Audience, out.At)
	if err != nil {
		return out, err
	}
	today := *m.campaign
	today.Exclude = slices.Concat(today.Exclude, redTags(tags, out.At, d.ignores))
	var names []crm.ProfileKey
	withheld := map[string]int{}
	for f, err := range today.Plan(ctx, out.At, e.keys.ids, e.keys.assign, e.recipients(ctx, e.theirs(places), &today, m.script, d, out.Life.Occurrence()), e.cfg.Channels...) {
		if err != nil {
			return out, err
		}
		out.Considered++
		switch f.State {
		case crm.Planned:
			who, err := About(f)
			if err != nil {
				return out, err
			}
			names = append(names, who)
			out.Planned++
		case crm.HeldOut:
			out.HeldOut++
		default:
			withheld[refusal(f)]++
		}
	}
	out.Withheld = counts(withheld)
	out.Sample, err = e.someOf(ctx, names, sample)
	return out, err
}

// someOf returns the customers of at most n profiles, spread over those given.
func (e *Engine) someOf(ctx context.Context, keys []crm.ProfileKey, n int) (out []crm.CustomerID, err error) {
	n = min(max(n, 0), len(keys))
	for i := range n {
		c, err := e.svc.CustomerOf(ctx, keys[i*len(keys)/n])
		if err != nil {
			return nil, err
		}
		out = append(out, c.ID)
	}
	return out, nil
}
