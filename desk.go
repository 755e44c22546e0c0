package vefa

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/campaigns"
)

// Desk returns where people make campaigns while the engine runs, or nil without
// Config.Desk. What they draft is checked as New checks Config.Campaigns: its audience is a
// segment of Config.Segments, and {link} in its text needs no Field. One that is scheduled is
// drawn by the next evening after its time, or by DrawDue; nobody joins afterwards. A pause
// and a cancellation hold for every message that has not been handed to Config.Sender; it is
// Closed when nothing of it waits any more.
func (e *Engine) Desk() *campaigns.Desk { return e.desk }

// engineActor is who begins and closes campaigns of the desk.
const engineActor = "engine"

// openDesk makes the desk of the configuration.
func (e *Engine) openDesk() error {
	if e.cfg.Desk == nil {
		return nil
	}
	cfg := *e.cfg.Desk
	own := cfg.Complete
	cfg.Service, cfg.Channels = e.svc, e.cfg.Channels
	cfg.Complete = func(audience string, c *messaging.Campaign) error {
		if own != nil {
			if err := own(audience, c); err != nil {
				return err
			}
		}
		return e.completeDraft(audience, c)
	}
	var err error
	if e.desk, err = campaigns.New(cfg); err != nil {
		err = fmt.Errorf("vefa: Config.Desk: %w", err)
	}
	return err
}

// completeDraft fills in what all campaigns have, and refuses what could not be sent.
func (e *Engine) completeDraft(segment string, c *messaging.Campaign) error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("%w: "+format, append([]any{messaging.ErrCampaign}, args...)...))
	}
	if c.Consent != (crm.ConsentKey{}) && c.Consent != e.cfg.Consent {
		fault("consent is Config.Consent's, not its own")
	}
	c.Consent = e.cfg.Consent
	e.cfg.declareLink(c)
	if e.messages[c.Cause()] != nil {
		fault("name %q is one of Config.Campaigns", c.Name)
	}
	if segment != "" && !e.defines(segment) {
		fault("Config.Segments does not define %q", segment)
	}
	if c.URL != "" {
		allowed := e.cfg.destinations()
		if err := allowed.Check(c.URL); err != nil {
			fault("url: Config.Destinations: %w", err)
		}
	}
	if e.hours == nil && (c.Quiet.Local || c.Quiet.Holidays) {
		fault("quiet: the zones of jurisdictions are not on this machine")
	}
	if s, err := c.Script(e.cfg.Channels...); err == nil { // else Draft says so
		if _, err := e.checkMessage(c.Cause(), c, s, true); err != nil {
			fault("%w", err)
		}
	}
	return errors.Join(faults...)
}

// message is something that may go out, and its texts.
type message struct {
	campaign *messaging.Campaign
	script   *messaging.Script
}

// deskOf is under which a delivery's context has the campaigns of the desk that a batch is
// of, by message name, as they were before anything was locked: what they say does not change
// once they have begun, and whether they have is asked after the locks.
type deskOf struct{}

type sealed struct {
	*message
	seal campaigns.Seal
}

// message returns what a message is, or nil where there is none of the name.
func (e *Engine) message(ctx context.Context, name string) *message {
	if c, s := e.messages[name], e.scripts[name]; c != nil && s != nil {
		return &message{c, s}
	}
	of, _ := ctx.Value(deskOf{}).(map[string]sealed)
	return of[name].message
}

// shownBy returns which fields messages of a delivery may show.
func (e *Engine) shownBy(ctx context.Context) map[string]bool {
	of, _ := ctx.Value(deskOf{}).(map[string]sealed)
	if len(of) == 0 {
		return e.shown
	}
	all := maps.Clone(e.shown)
	for _, m := range of {
		for _, f := range m.campaign.Fields {
			all[f.Name] = true
		}
	}
	return all
}

// deskName returns the name of a campaign that only the desk can know, from that of its
// message.
func (e *Engine) deskName(message string) (string, bool) {
	name, ok := strings.CutPrefix(message, "campaign/")
	return name, ok && e.desk != nil && e.messages[message] == nil
}

// deskNames lists the campaigns of the desk that effects are of.
func (e *Engine) deskNames(effects []*crm.Effect) (names []string) {
	for _, f := range effects {
		if d, err := decodeMessage(f); err == nil {
			if name, ok := e.deskName(d.Name); ok && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// deskMessages returns a context with the campaigns of the desk that effects are of.
func (e *Engine) deskMessages(ctx context.Context, r crm.Reader, effects []*crm.Effect) (context.Context, error) {
	names := e.deskNames(effects)
	if len(names) == 0 {
		return ctx, nil
	}
	lives, err := e.desk.Read(ctx, r, names...)
	if err != nil {
		return ctx, err
	}
	of := make(map[string]sealed, len(lives))
	for _, l := range lives {
		m, err := e.sealedMessage(l)
		if err != nil {
			e.cfg.Logger.Error("vefa: a campaign of the desk cannot go out with this configuration", "campaign", l.Campaign.Name, "err", err)
			continue
		}
		of[l.Campaign.Cause()] = sealed{m, l.Seal}
	}
	return context.WithValue(ctx, deskOf{}, of), nil
}

// sealedMessage returns what a campaign of the desk says. It fails where this configuration
// cannot send it: it may be another one than that under which it was drafted.
func (e *Engine) sealedMessage(l *campaigns.Life) (*message, error) {
	c := l.Campaign
	c.Consent = e.cfg.Consent
	if err := c.Validate(e.cfg.Channels...); err != nil {
		return nil, err
	}
	s, err := c.Script(e.cfg.Channels...)
	if err != nil {
		return nil, err
	}
	if _, err = e.checkMessage(c.Cause(), &c, s, true); err != nil {
		return nil, err
	}
	return &message{&c, s}, nil
}

// askDesk returns, by the index of the effect, what the desk says about those of its
// campaigns, after all locks. What does not go on is left alone for as long as that is so: see
// refPaused.
func (e *Engine) askDesk(ctx context.Context, r crm.Reader, effects []*crm.Effect, all []claimed, now time.Time) (map[int]messaging.Verdict, error) {
	of, _ := ctx.Value(deskOf{}).(map[string]sealed)
	if len(of) == 0 {
		return nil, nil
	}
	lives, err := e.desk.Read(ctx, r, e.deskNames(effects)...)
	if err != nil {
		return nil, err
	}
	out := map[int]messaging.Verdict{}
	for i, f := range effects {
		name, ok := e.deskName(all[i].data.Name)
		if !ok {
			continue
		}
		l := lives[name]
		v := l.Verdict(now)
		switch {
		case l != nil && l.State == campaigns.Closed && settledByHand(f):
			v.Outcome, v.Guard = messaging.Send, ""
			v.Reasons = []crm.Reason{{Guard: crm.GuardDesk, Pass: true, Note: "a person settled that it is to be handed over again"}}
		case v.Outcome == messaging.Defer:
			v.NotBefore = crm.Micros(now.Add(parked))
		}
		if v.Outcome == messaging.Send && f.Occurrence != l.Occurrence() {
			v.Outcome, v.Guard = messaging.Withhold, campaigns.Guard
			v.Reasons = []crm.Reason{{Guard: campaigns.Guard, Note: "it was drawn before the campaign was changed"}}
		} else if v.Outcome == messaging.Send && l.Seal != of[all[i].data.Name].seal { // it began since it was rendered
			v.Outcome, v.Guard, v.NotBefore = messaging.Defer, campaigns.Guard, crm.Micros(now.Add(time.Second))
		}
		out[i] = v
	}
	return out, nil
}

// settledByHand reports whether a person found out that a message of unknown fate never
// arrived: the campaign may have been closed since it was handed over.
func settledByHand(f *crm.Effect) bool {
	return slices.ContainsFunc(f.Reasons, func(r crm.Reason) bool { return r.Guard == crm.GuardDesk })
}

// recall tells which claims are of campaigns that do not go on: what was claimed before a
// pause or a cancellation and has not left is planned again, and the guard says what becomes
// of it.
func (e *Engine) recall(ctx context.Context, r crm.Reader, claims []*crm.Claim) ([]bool, error) {
	effects := make([]*crm.Effect, len(claims))
	for i, c := range claims {
		effects[i] = c.Effect
	}
	names := e.deskNames(effects)
	if len(names) == 0 {
		return nil, nil
	}
	lives, err := e.desk.Read(ctx, r, names...)
	if err != nil {
		return nil, err
	}
	back := make([]bool, len(claims))
	for i, f := range effects {
		d, err := decodeMessage(f)
		if err != nil {
			return nil, err
		}
		if name, ok := e.deskName(d.Name); ok {
			l := lives[name]
			back[i] = l == nil || l.State != campaigns.Sending && !(l.State == campaigns.Closed && settledByHand(f))
		}
	}
	return back, nil
}

// campaignOf returns a message by its name, from the record where it is the desk's; nil if
// there is none.
func (e *Engine) campaignOf(ctx context.Context, r crm.Reader, message string) (*messaging.Campaign, error) {
	name, ok := e.deskName(message)
	if !ok {
		return e.messages[message], nil
	}
	lives, err := e.desk.Read(ctx, r, name)
	if l := lives[name]; l != nil {
		return &l.Campaign, err
	}
	return nil, err
}

// begun returns the campaigns of the configuration and those of the desk that have begun,
// which then have an occurrence.
func (e *Engine) begun(ctx context.Context) ([]begunCampaign, error) {
	var out []begunCampaign
	for i := range e.cfg.Campaigns {
		c := &e.cfg.Campaigns[i]
		out = append(out, begunCampaign{Campaign: &c.Campaign, segment: c.Segment})
	}
	if e.desk == nil {
		return out, nil
	}
	all, err := e.desk.All(ctx)
	for _, l := range all {
		if l.Drawn != nil && e.messages[l.Campaign.Cause()] == nil {
			out = append(out, begunCampaign{&l.Campaign, l.Audience, l.Occurrence(), l})
		}
	}
	return out, err
}

type begunCampaign struct {
	*messaging.Campaign
	segment    string
	occurrence string
	life       *campaigns.Life // nil of one of the configuration
}

// of returns those effects that are the campaign's, and not of a drawing that was given up.
func (c *begunCampaign) of(effects []*crm.Effect) []*crm.Effect {
	if c.occurrence == "" {
		return effects
	}
	return slices.DeleteFunc(slices.Clone(effects), func(f *crm.Effect) bool { return f.Occurrence != c.occurrence })
}

// DrawDue draws the campaigns of the desk whose time has come, as the evening does: it plans
// their messages, which Deliver then sends, and begins them. A campaign that this
// configuration cannot send is logged and left. It waits for a night that runs. Stopped
// anywhere it may be called again, also by another process, and plans nobody twice. Without
// Config.Desk it is crm.ErrInvalid.
func (e *Engine) DrawDue(ctx context.Context) (_ PlanReport, err error) {
	defer e.took("draw", time.Now(), &err)
	if err = e.needDesk("draw"); err != nil {
		return PlanReport{}, err
	}
	if err = e.lock(ctx); err != nil {
		return PlanReport{}, err
	}
	defer e.release("draw", &err)
	if err = e.checkKeys(ctx); err != nil {
		return PlanReport{}, err
	}
	if err = e.load(ctx); err != nil {
		return PlanReport{}, err
	}
	if _, err = e.refresh(ctx); err != nil {
		return PlanReport{}, err
	}
	return e.drawDue(ctx)
}

func (e *Engine) needDesk(op string) error {
	if e.desk != nil {
		return nil
	}
	return &crm.Error{Op: op, Entity: "campaign", Kind: crm.ErrInvalid, Err: errors.New("Config.Desk is not set")}
}

// drawDue draws campaigns of the desk; the engine is locked and has read everybody.
func (e *Engine) drawDue(ctx context.Context) (PlanReport, error) {
	var total PlanReport
	if e.desk == nil {
		return total, nil
	}
	due, err := e.desk.Due(ctx)
	if err != nil {
		return total, err
	}
	for _, l := range due {
		name := l.Campaign.Name
		m, err := e.sealedMessage(l)
		if err == nil && !e.defines(l.Audience) {
			err = fmt.Errorf("%w: Config.Segments does not define %q", messaging.ErrCampaign, l.Audience)
		}
		if err == nil && e.messages[l.Campaign.Cause()] != nil {
			err = fmt.Errorf("%w: name %q is one of Config.Campaigns", messaging.ErrCampaign, name)
		}
		if err != nil {
			e.cfg.Logger.Error("vefa: a campaign of the desk cannot go out with this configuration", "campaign", name, "err", err)
			continue
		}
		n, err := e.drawLife(ctx, l, m)
		if total = sum(total, n); err != nil {
			return total, fmt.Errorf("vefa: campaign %q: %w", name, err)
		}
	}
	return total, nil
}

// errBegun ends a drawing of a campaign that was changed, cancelled or begun by another
// process meanwhile.
var errBegun = errors.New("vefa: it is not to be drawn any more")

func (e *Engine) drawLife(ctx context.Context, l *campaigns.Life, m *message) (PlanReport, error) {
	a := &audience{message: m, segment: l.Audience, occurrence: l.Occurrence()}
	a.hold = func(ctx context.Context, tx crm.Tx) error {
		ok, err := e.desk.Hold(ctx, tx, l.Campaign.Name, a.occurrence)
		if err == nil && !ok {
			err = errBegun
		}
		return err
	}
	err := e.campaign(ctx, a, e.svc.Now())
	if err == nil {
		drawn := campaigns.Audience{Considered: a.considered, Planned: a.states[crm.Planned], Withheld: a.states[crm.Withheld], HeldOut: a.states[crm.HeldOut]}
		err = e.svc.Update(ctx, func(tx crm.Tx) error {
			if err := a.hold(ctx, tx); err != nil {
				return err
			}
			_, err := e.desk.In(tx).Begin(ctx, l.Campaign.Name, engineActor, l.Seal, drawn)
			return err
		})
	}
	if errors.Is(err, errBegun) {
		err = nil
	}
	return a.plan, err
}

// doubtful is how long a message of unknown fate keeps its campaign open where the provider
// cannot be asked: delivery reports, which tell, come within days.
const doubtful = 72 * time.Hour

// closeCampaigns closes campaigns of the desk of which nothing waits any more. A message of
// unknown fate waits as long as the provider can be asked again, and else for a while.
func (e *Engine) closeCampaigns(ctx context.Context) error {
	if e.desk == nil {
		return nil
	}
	sending, err := e.desk.All(ctx, campaigns.Sending)
	if err != nil || len(sending) == 0 {
		return err
	}
	open := map[string]string{} // what may still leave of a message: its occurrence
	for _, l := range sending {
		open[l.Campaign.Cause()] = l.Occurrence()
	}
	h := e.outbox.Handler()
	asks, since := h.Ask != nil || h.Idempotent, e.svc.Now().Add(-doubtful)
	waits := func(f *crm.Effect) bool { return f.State != crm.Unknown || asks || f.Changed.After(since) }
	err = e.cfg.Store.View(ctx, func(r crm.Reader) error {
		left := maps.Clone(open)
		for _, state := range openStates {
			for f, err := range openMessages(ctx, r, state) {
				if err != nil {
					return err
				}
				if occurrence, ok := left[f.Cause]; ok && occurrence == f.Occurrence && waits(f) {
					if delete(left, f.Cause); len(left) == 0 {
						open = left
						return nil
					}
				}
			}
		}
		open = left
		return nil
	})
	if err != nil {
		return err
	}
	for _, l := range sending {
		if _, all := open[l.Campaign.Cause()]; !all {
			continue
		}
		if err := e.settleByHand(ctx, l.Campaign.Cause(), &l.Campaign); err != nil {
			return err
		}
		if _, err := e.fund(ctx, &begunCampaign{&l.Campaign, l.Audience, l.Occurrence(), l}); err != nil {
			return err
		}
		if err := e.closeCampaign(ctx, l, waits); err != nil {
			return err
		}
	}
	return nil
}

// openStates are those of messages that may still leave, or arrive.
var openStates = []crm.EffectState{crm.Planned, crm.Sent, crm.Unknown}

// errWaiting ends the closing of a campaign of which something was planned again meanwhile.
var errWaiting = errors.New("vefa: something of it waits")

// closeCampaign closes a campaign of which nothing waited a moment ago. It is looked at once
// more after the campaign is locked: what plans its messages again asks Desk.Keep.
func (e *Engine) closeCampaign(ctx context.Context, l *campaigns.Life, waits func(*crm.Effect) bool) error {
	err := e.svc.Update(ctx, func(tx crm.Tx) error {
		if _, err := e.desk.In(tx).Close(ctx, l.Campaign.Name, engineActor); err != nil {
			return err
		}
		for _, state := range openStates {
			for f, err := range openMessages(ctx, tx, state) {
				if err != nil {
					return err
				}
				if f.Cause == l.Campaign.Cause() && f.Occurrence == l.Occurrence() && waits(f) {
					return errWaiting
				}
			}
		}
		return nil
	})
	if errors.Is(err, campaigns.ErrState) || errors.Is(err, errWaiting) { // somebody paused or cancelled it
		return nil
	}
	return err
}

// openMessages iterates over messages in a state that waits: those that are due first where
// there are few, else part by part.
func openMessages(ctx context.Context, r crm.Reader, state crm.EffectState) iter.Seq2[*crm.Effect, error] {
	return func(yield func(*crm.Effect, error) bool) {
		const few = 1000
		parts := []crm.PartRange{crm.AllParts()}
		for limit := few; len(parts) > 0; {
			found, err := r.DueEffects(ctx, crm.DueQuery{Parts: parts[0], State: state, Kinds: []crm.EffectKind{crm.EffectMessage}, Before: farAhead, Limit: limit})
			if err != nil {
				yield(nil, err)
				return
			}
			for _, f := range found { // those that come again tell nothing new
				if !yield(f, nil) {
					return
				}
			}
			switch {
			case len(found) < limit:
				parts, limit = parts[1:], few
			case len(parts) == 1 && parts[0] == crm.AllParts():
				parts = nil
				for p := range crm.Part(crm.Parts) {
					parts = append(parts, crm.PartRange{Lo: p, Hi: p + 1})
				}
			default: // in the order of due times, by which no page can go on
				limit *= 4
			}
		}
	}
}

// farAhead is after every due time and every lease.
var farAhead = time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)

// CampaignProgress is how far a campaign is. What a drawing planned that was given up is not
// counted.
type CampaignProgress struct {
	// Life is what the desk knows of it; nil of one of Config.Campaigns.
	Life     *campaigns.Life `json:"life,omitempty"`
	Planned  int             `json:"planned"`  // those whom it was planned for: all of the following
	Waiting  int             `json:"waiting"`  // to be sent, or put off
	Leaving  int             `json:"leaving"`  // claimed, not answered yet
	Sent     int             `json:"sent"`     // taken by the provider
	Failed   int             `json:"failed"`   // refused by the provider, or not to be sent at all
	Unknown  int             `json:"unknown"`  // the provider's answer was lost
	HeldOut  int             `json:"held_out"` // to measure by
	Withheld []Count         `json:"withheld"` // by the first guard that refused, the most first
	// Budget are the counters of what it may spend: of messages, and of money in minor units.
	// What was handed over and is not known to have arrived at the provider is reserved. What a
	// person settles (crm.Service.SettleEffect) is counted when the campaign would be closed.
	Budget []crm.Counter `json:"budget,omitempty"`
}

// Progress returns how far a campaign is, of the desk or of Config.Campaigns, by its name;
// crm.ErrNotFound if there is none. It reads the campaign's effects by an index, page by page,
// and keeps none of them; it waits for nothing. Of a campaign of the desk that was drawn by a version
// without that index it reads all effects of the record; of one of Config.Campaigns it counts what was planned
// since there is an index.
func (e *Engine) Progress(ctx context.Context, campaign string) (_ CampaignProgress, err error) {
	defer e.took("progress", time.Now(), &err)
	defer crm.Recover("progress", &err)
	var out CampaignProgress
	cause := (&messaging.Campaign{Name: campaign}).Cause()
	err = e.cfg.Store.View(ctx, func(r crm.Reader) error {
		out = CampaignProgress{}
		occurrence := ""
		if _, of := e.deskName(cause); of {
			lives, err := e.desk.Read(ctx, r, campaign)
			if err != nil {
				return err
			}
			if out.Life = lives[campaign]; out.Life != nil {
				occurrence = out.Life.Occurrence()
			}
		}
		c := e.messages[cause]
		if out.Life != nil {
			c = &out.Life.Campaign
		}
		if c == nil {
			return &crm.Error{Op: "find", Entity: "campaign", ID: campaign, Kind: crm.ErrNotFound}
		}
		for _, l := range budgetLimits(cause, c) {
			found, err := r.Counters(ctx, l.CounterKey)
			if err != nil {
				return err
			}
			if x := found[0]; x != nil {
				l.Reserved, l.Used = x.Reserved, x.Used
			}
			out.Budget = append(out.Budget, l)
		}
		withheld := map[string]int{}
		for f, err := range e.effectsOf(ctx, r, cause, occurrence, out.Life) {
			if err != nil {
				return err
			}
			out.Planned++
			switch f.State {
			case crm.Planned:
				out.Waiting++
			case crm.Sent:
				out.Leaving++
			case crm.Done:
				out.Sent++
			case crm.Unknown:
				out.Unknown++
			case crm.HeldOut:
				out.HeldOut++
			case crm.Withheld, crm.Cancelled:
				withheld[refusal(f)]++
			default:
				out.Failed++
			}
		}
		out.Withheld = counts(withheld)
		return nil
	})
	return out, err
}

// effectsOf iterates over the effects of a drawing, in no order that means anything. It goes
// by refCampaign; where that lacks some of one of the desk, because an earlier version drew it, by
// the whole record.
func (e *Engine) effectsOf(ctx context.Context, r crm.Reader, cause, occurrence string, l *campaigns.Life) iter.Seq2[*crm.Effect, error] {
	return func(yield func(*crm.Effect, error) bool) {
		page := crm.RefQuery{Kind: refCampaign, Key: campaignKey(cause, occurrence), Limit: loadBatch}
		whole, err := listed(ctx, r, page, l)
		if err != nil {
			yield(nil, err)
			return
		}
		if !whole {
			for f, err := range crm.AllEffects(ctx, r, crm.AllParts()) {
				if err != nil {
					yield(nil, err)
					return
				}
				if f.Cause == cause && f.Occurrence == occurrence && !yield(f, nil) {
					return
				}
			}
			return
		}
		for {
			refs, err := r.ScanRefs(ctx, page)
			if err != nil {
				yield(nil, err)
				return
			}
			ids := make([]crm.EffectID, len(refs))
			for i, ref := range refs {
				ids[i] = crm.EffectID(ref.Target)
			}
			found, err := r.Effects(ctx, ids...)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, f := range found {
				if f != nil && !yield(f, nil) {
					return
				}
			}
			if len(refs) < page.Limit {
				return
			}
			page.After = refs[len(refs)-1]
		}
	}
}

// listed reports whether refCampaign lists all of a drawing of the desk: all that was planned when
// it began. One that has not begun, and a campaign of the configuration, of which it is not known how many
// there should be, is listed as far as it is planned.
func listed(ctx context.Context, r crm.Reader, page crm.RefQuery, l *campaigns.Life) (bool, error) {
	if l == nil || l.Drawn == nil {
		return true, nil
	}
	want := l.Drawn.Planned + l.Drawn.Withheld + l.Drawn.HeldOut
	for n := 0; ; {
		refs, err := r.ScanRefs(ctx, page)
		if n += len(refs); err != nil || n >= want {
			return err == nil, err
		}
		if len(refs) < page.Limit {
			return false, nil
		}
		page.After = refs[len(refs)-1]
	}
}
