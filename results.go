package vefa

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/delivery"
	"github.com/vefacrm/vefa/messaging/experiment"
	"github.com/vefacrm/vefa/survey"
)

// Results is what the evenings did, read from the record.
type Results struct {
	Customers int                       `json:"customers"`
	Profiles  int                       `json:"profiles"`
	Merges    int                       `json:"merges"`   // profiles that joined another customer
	Effects   map[string]map[string]int `json:"effects"`  // kind → state → number
	Withheld  []Count                   `json:"withheld"` // messages, by the first guard that refused
	Campaigns []CampaignResult          `json:"campaigns"`
	Surveys   []SurveyResult            `json:"surveys"`
	Tickets   map[crm.TicketState]int   `json:"tickets"`
	Clicks    map[crm.Verdict]int       `json:"clicks"` // requests; those beyond Config.ClicksPerLink are suspected
}

// Count is a named number.
type Count struct {
	Name string `json:"name"`
	N    int    `json:"n"`
}

// CampaignResult is one campaign, measured. Of one that is Live each customer counts once: from
// the first offer that was made to him, or kept from him by the holdout, for Window. Where its
// offers change, as by a new Choice, give it a new name.
type CampaignResult struct {
	Name     string            `json:"name"`
	Started  time.Time         `json:"started"`
	Until    time.Time         `json:"until"`    // the end of its window
	Withheld []Count           `json:"withheld"` // when it was planned, by guard
	Report   experiment.Report `json:"report"`
	// Anytime is the difference of Report so that it may be looked at every morning while
	// the campaign runs: its result holds at every look, where Report's holds at one.
	Anytime experiment.Sequence `json:"anytime"`
	// Deliveries counts the messages that left by what the provider reported, "" for
	// nothing.
	Deliveries map[messaging.Delivery]int `json:"deliveries"`
	Revenue    Revenue                    `json:"revenue"`
	// Visits are those of its customers to stores; nil where the record has none.
	Visits *VisitResult `json:"visits,omitempty"`
	// Variants are the ways in which it was said, the campaign's own words first, where it
	// has several.
	Variants []VariantResult `json:"variants,omitempty"`
	// Choice is what choosing for each person was worth, of a campaign with a Choice.
	Choice *ChoiceResult `json:"choice,omitempty"`
}

// VariantResult is one way of saying a campaign, measured. Effects of a variant that the
// campaign has not any more are counted in the campaign alone.
type VariantResult struct {
	Name string `json:"name"` // of messaging.Variant; empty: the campaign's own words
	// Report measures it by the holdout of the whole campaign.
	Report experiment.Report `json:"report"`
	// Against measures it by the campaign's own words, as if those were the holdout; of
	// these it is zero. Where there are several variants Adjusted is its p value by Holm's
	// method: below .05 it may be called a difference, whichever one looks at.
	Against  experiment.Report `json:"against,omitzero"`
	Adjusted float64           `json:"adjusted,omitempty"`
}

// Revenue is what the customers of a campaign bought within its window, what came back
// taken off, in Config.Currency.
type Revenue struct {
	// Total is of all who were addressed, reached or not. PerAddressed and PerHeldOut
	// are of one customer of either arm, those included who bought nothing.
	Total        crm.Money `json:"total"`
	PerAddressed crm.Money `json:"per_addressed"`
	PerHeldOut   crm.Money `json:"per_held_out"`
	// Measured says that both arms have customers enough for Extra: what the messages
	// brought from all who were addressed together, between Low and High with the
	// confidence of the report. A negative amount is what they cost.
	Measured bool      `json:"measured,omitempty"`
	Extra    crm.Money `json:"extra"`
	Low      crm.Money `json:"low"`
	High     crm.Money `json:"high"`
	// Cost is what the messages cost that left: for each one unit, such as a segment, at the
	// price of the content that it went out with, its variant's on its channel
	// (messaging.Content.Price), else the campaign's Cost. Uncosted counts those without a
	// price, or with one in a currency without a rate.
	Cost     crm.Money `json:"cost"`
	Uncosted int       `json:"uncosted,omitempty"`
	// Unpriced counts the customers with a purchase in a currency without a rate: they
	// are in none of the amounts.
	Unpriced int `json:"unpriced,omitempty"`
}

// SurveyResult is the answers to one survey.
type SurveyResult struct {
	Survey string        `json:"survey"`
	Sent   int           `json:"sent"` // invitations that went out, without reminders
	N      int64         `json:"n"`
	Result survey.Result `json:"result"` // of all answers, those without a place too
	// Places are by id. Small ones are hidden among all places: where figures of regions are shown
	// beside them, show what survey/rollup.Keep leaves, or a hidden one could be had by
	// subtraction.
	Places []PlaceResult `json:"places"`
}

// PlaceResult is the answers to one survey at one place.
type PlaceResult struct {
	Place  string        `json:"place"` // id; empty: without a place
	Name   string        `json:"name"`
	N      int64         `json:"n"`
	Hidden bool          `json:"hidden,omitempty"` // too few answers to show
	Result survey.Result `json:"result"`
}

// Results reads the record and sums up what the evenings did until now. It waits
// for no night and keeps in memory only those whose purchases it counts, a
// few hundred at a time.
func (e *Engine) Results(ctx context.Context) (_ Results, err error) {
	defer e.took("results", time.Now(), &err)
	defer crm.Recover("results", &err)
	out := Results{Campaigns: []CampaignResult{}, Surveys: []SurveyResult{}, Effects: map[string]map[string]int{}, Tickets: map[crm.TicketState]int{}, Clicks: map[crm.Verdict]int{}}
	var places *crm.Places
	clicked := map[crm.EffectID]bool{}
	fates := map[crm.EffectID]messaging.Delivery{}
	surveys := map[string]*survey.Groups[string]{}
	asked := map[string]int{}
	var effects []*crm.Effect
	err = e.cfg.Store.View(ctx, func(r crm.Reader) (err error) {
		if places, err = crm.LoadPlaces(ctx, r, e.cfg.Home); err != nil {
			return err
		}
		if err := out.countCustomers(ctx, r); err != nil {
			return err
		}
		for f, err := range crm.AllEffects(ctx, r, crm.AllParts()) {
			if err != nil {
				return err
			}
			effects = append(effects, f)
		}
		for f, err := range crm.FactsOfKind(ctx, r, crm.AllParts(), crm.KindClick) {
			if err != nil {
				return err
			}
			c := f.Data.(*crm.Click)
			out.Clicks[c.Verdict] += int(c.Requests())
			if c.Verdict == crm.Human {
				clicked[c.Effect] = true
			}
		}
		for f, err := range crm.FactsOfKind(ctx, r, crm.AllParts(), delivery.Kind) {
			if err != nil {
				return err
			}
			fate, err := delivery.FateOf(f)
			if err != nil {
				return fmt.Errorf("vefa: %w", err)
			}
			fates[fate.Effect] = fate.State()
		}
		for f, err := range crm.FactsOfKind(ctx, r, crm.AllParts(), crm.KindTicket) {
			if err != nil {
				return err
			}
			out.Tickets[f.Data.(*crm.Ticket).State]++
		}
		for f, err := range crm.FactsOfKind(ctx, r, crm.AllParts(), crm.KindAnswer) {
			if err != nil {
				return err
			}
			a := f.Data.(*crm.Answer)
			if a.OverQuota != "" {
				continue
			}
			if surveys[a.Survey] == nil {
				surveys[a.Survey] = &survey.Groups[string]{}
			}
			s := survey.Score{Metric: survey.Metric(a.Metric), Answered: a.Metric != "", Value: a.Score, Class: survey.Metric(a.Metric).Class(a.Score), Bad: a.Bad}
			if err := surveys[a.Survey].Add(f.Place, s); err != nil {
				return fmt.Errorf("vefa: answer %s: %w", f.Key, err)
			}
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	byCause := map[string][]*crm.Effect{}
	withheld := map[string]int{}
	data := map[crm.EffectID]MessageData{}
	for _, f := range effects {
		kind := out.Effects[string(f.Kind)]
		if kind == nil {
			kind = map[string]int{}
			out.Effects[string(f.Kind)] = kind
		}
		kind[string(f.State)]++
		if f.Kind == EffectOffer {
			d, err := decodeMessage(f)
			if err != nil {
				return out, err
			}
			data[f.ID] = d
			byCause[d.Name] = append(byCause[d.Name], f) // its cause is the rule
		}
		if f.Kind != crm.EffectMessage {
			continue
		}
		d, err := decodeMessage(f)
		if err != nil {
			continue // a host's own; it was never sent and is counted by its state
		}
		data[f.ID] = d
		byCause[f.Cause] = append(byCause[f.Cause], f)
		if f.State == crm.Withheld {
			withheld[refusal(f)]++
		}
		if d.Survey != "" && d.Reminds == nil && !f.SentAt.IsZero() {
			asked[d.Survey]++
		}
	}
	out.Withheld = counts(withheld)
	if err := e.units(ctx, byCause, data); err != nil {
		return out, err
	}
	now := e.svc.Now()
	all, err := e.begun(ctx)
	if err != nil {
		return out, err
	}
	bought, err := e.whoBought(ctx, places, all, byCause, data, now)
	if err != nil {
		return out, err
	}
	for i := range all {
		c := &all[i]
		if list := c.of(byCause[c.Cause()]); len(list) > 0 {
			res, err := e.measure(c.Campaign, list, data, bought, clicked, fates)
			if err != nil {
				return out, err
			}
			out.Campaigns = append(out.Campaigns, res)
		}
	}
	for name := range asked { // also those without an answer yet
		if surveys[name] == nil {
			surveys[name] = &survey.Groups[string]{}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(surveys)) {
		g := surveys[name]
		total := g.Total()
		all := SurveyResult{Survey: name, N: total.N(), Sent: asked[name], Result: total.Result(), Places: []PlaceResult{}}
		for _, r := range g.Results(0) {
			s := PlaceResult{Place: r.Key, N: r.Result.N, Hidden: r.Suppressed}
			if p := places.Get(r.Key); p != nil {
				s.Name = p.Name
			}
			if !r.Suppressed {
				s.Result = r.Result
			}
			all.Places = append(all.Places, s)
		}
		out.Surveys = append(out.Surveys, all)
	}
	return out, nil
}

// refusal names the first guard that refused.
func refusal(f *crm.Effect) string {
	for _, r := range f.Reasons {
		if !r.Pass {
			return r.Guard
		}
	}
	return "unknown"
}

func counts(m map[string]int) []Count {
	out := make([]Count, 0, len(m))
	for name, n := range m {
		out = append(out, Count{name, n})
	}
	slices.SortFunc(out, func(a, b Count) int { return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Name, b.Name)) })
	return out
}

// measure counts conversions: customers who bought within the window after
// they were assigned. Those who were withheld when the campaign was planned
// belong to neither arm; those who were withheld later stay in theirs. Of offers the effects are
// those of Engine.units.
func (e *Engine) measure(c *messaging.Campaign, effects []*crm.Effect, data map[crm.EffectID]MessageData, bought map[crm.EffectID]purchases, clicked map[crm.EffectID]bool, fates map[crm.EffectID]messaging.Delivery) (CampaignResult, error) {
	out := CampaignResult{Name: c.Name, Deliveries: map[messaging.Delivery]int{}}
	withheld := map[string]int{}
	var n experiment.Counts
	ways := map[string]*experiment.Counts{}
	var addressed, heldOut experiment.Spend
	left := map[wayOf]int64{}
	choice := newChoosing(c)
	var came visiting
	for _, f := range effects {
		if out.Started.IsZero() || f.Created.Before(out.Started) {
			out.Started = f.Created
		}
		if f.State == crm.Withheld && f.Changed.Equal(f.Created) {
			withheld[refusal(f)]++
			continue
		}
		spent := bought[f.ID]
		bought := spent.any
		arm := &addressed
		if f.State == crm.HeldOut {
			arm = &heldOut
		}
		if spent.unpriced {
			out.Revenue.Unpriced++
		} else {
			arm.Add(spent.amount)
		}
		choice.add(f, data[f.ID], spent)
		came.add(f.State == crm.HeldOut, spent.visits)
		if !f.SentAt.IsZero() && f.Kind == crm.EffectMessage { // an offer costs nothing
			left[wayOf{data[f.ID].Variant, orChannel(f.Via, f.To)}]++
		}
		if f.State == crm.HeldOut {
			n.HeldOut++
			if bought {
				n.HeldOutConverted++
			}
			continue
		}
		way := ways[data[f.ID].Variant]
		if way == nil {
			way = &experiment.Counts{}
			ways[data[f.ID].Variant] = way
		}
		n.Assigned++
		way.Assigned++
		if bought {
			n.Converted++
			way.Converted++
		}
		if f.State != crm.Done {
			continue
		}
		fate := fates[f.ID]
		if f.Kind == crm.EffectMessage {
			out.Deliveries[fate]++
		}
		if fate.Final() && !fate.After(messaging.Rejected) {
			continue // the provider took it, and it did not arrive
		}
		n.Delivered++
		way.Delivered++
		if clicked[f.ID] {
			n.Clicked++
			way.Clicked++
			if bought {
				n.ClickedConverted++
				way.ClickedConverted++
			}
		}
	}
	out.Until = out.Started.Add(c.Window)
	out.Withheld = counts(withheld)
	var err error
	if out.Report, err = experiment.Evaluate(n, c.Holdout, 0.95); err != nil {
		return out, fmt.Errorf("vefa: campaign %q: %w", c.Name, err)
	}
	if out.Anytime, err = experiment.Anytime(n, 0, out.Report.Confidence); err != nil {
		return out, fmt.Errorf("vefa: campaign %q: %w", c.Name, err)
	}
	if out.Variants, err = variants(c, n, ways, out.Report.Confidence); err != nil {
		return out, fmt.Errorf("vefa: campaign %q: %w", c.Name, err)
	}
	if out.Visits, err = came.result(n, c.Holdout, out.Report.Confidence); err != nil {
		return out, fmt.Errorf("vefa: campaign %q: %w", c.Name, err)
	}
	if out.Choice, err = choice.result(e, n, out.Report.Confidence); err != nil {
		return out, fmt.Errorf("vefa: campaign %q: %w", c.Name, err)
	}
	return out, e.revenue(&out.Revenue, addressed, heldOut, out.Report.Confidence, c, left, out.Started)
}

// wayOf is with which words and by which channel a message left.
type wayOf struct {
	variant string
	channel crm.Channel
}

// revenue fills in the amounts, which were counted in hundredths.
func (e *Engine) revenue(r *Revenue, addressed, heldOut experiment.Spend, confidence float64, c *messaging.Campaign, left map[wayOf]int64, on time.Time) error {
	home, mean := e.home, e.mean
	r.Total, r.PerAddressed, r.PerHeldOut = home(float64(addressed.Sum)), mean(addressed), mean(heldOut)
	r.Extra, r.Low, r.High = home(0), home(0), home(0)
	if r.Measured = addressed.N >= 2 && heldOut.N >= 2; r.Measured {
		x, err := experiment.CompareSpend(addressed, heldOut, confidence)
		if err != nil {
			return err
		}
		n := float64(addressed.N)
		r.Extra, r.Low, r.High = home(n*x.Difference), home(n*x.Interval.Lo), home(n*x.Interval.Hi)
	}
	script, err := c.Script(e.cfg.Channels...)
	if err != nil { // of a draft of another configuration
		script = nil
	}
	r.Cost = home(0)
	for way, n := range left {
		cost := c.Cost
		if script != nil {
			if v := script.Variant(way.variant); v != nil {
				if price, ok := v.Price(way.channel, messaging.Size{Units: 1}); ok {
					cost = price
				}
			}
		}
		if cost.Currency != e.cfg.Currency && e.cfg.Rate != nil && cost.Amount != 0 {
			if at, ok := e.cfg.Rate(cost, on); ok {
				cost = at
			}
		}
		if cost.Currency != e.cfg.Currency {
			r.Uncosted += int(n)
			continue
		}
		r.Cost.Amount += n * cost.Amount
	}
	return nil
}

// home is an amount in hundredths as money of the home currency.
func (e *Engine) home(hundredths float64) crm.Money {
	return crm.Money{Amount: ofHundredths(int64(math.Round(hundredths)), crm.Decimals(e.cfg.Currency)), Currency: e.cfg.Currency}
}

// mean is what one unit of an arm spent.
func (e *Engine) mean(s experiment.Spend) crm.Money {
	if s.N == 0 {
		return e.home(0)
	}
	return e.home(float64(s.Sum) / float64(s.N))
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// countCustomers counts profiles, and customers by the profile that each is named
// after.
func (r *Results) countCustomers(ctx context.Context, rd crm.Reader) error {
	for after := (crm.ProfileKey{}); ; {
		page, err := rd.ScanProfiles(ctx, crm.AllParts(), after, 2*loadBatch)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			r.Merges = r.Profiles - r.Customers
			return nil
		}
		keys := make([]crm.ProfileKey, len(page))
		for i, p := range page {
			keys[i] = p.ProfileKey
		}
		made, err := rd.HomeIDs(ctx, keys...)
		if err != nil {
			return err
		}
		for i, p := range page {
			r.Profiles++
			if made[i] == p.Customer {
				r.Customers++
			}
		}
		after = keys[len(keys)-1]
	}
}

// purchases is what a customer did within a window.
type purchases struct {
	any      bool  // something was kept
	amount   int64 // what came back taken off, in hundredths of the home currency
	unpriced bool  // some of it has no rate
	visits   int   // to stores
}

// whoBought returns what the customers of campaign messages bought within the
// window of the campaign, and how often they came to a store.
func (e *Engine) whoBought(ctx context.Context, places *crm.Places, campaigns []begunCampaign, byCause map[string][]*crm.Effect, data map[crm.EffectID]MessageData, now time.Time) (map[crm.EffectID]purchases, error) {
	type asked struct {
		about crm.ProfileKey
		id    crm.EffectID
		after time.Time
		until time.Time
	}
	var all []asked
	for i := range campaigns {
		c := &campaigns[i]
		for _, f := range c.of(byCause[c.Cause()]) {
			all = append(all, asked{data[f.ID].Profile, f.ID, f.Created, minTime(f.Created.Add(c.Window), now)})
		}
	}
	slices.SortFunc(all, func(a, b asked) int { return cmp.Or(a.about.Compare(b.about), cmp.Compare(a.id, b.id)) })
	out := map[crm.EffectID]purchases{}
	for chunk := range slices.Chunk(all, loadBatch) {
		keys := make([]crm.ProfileKey, len(chunk))
		for i, a := range chunk {
			keys[i] = a.about
		}
		var p *population
		err := e.cfg.Store.View(ctx, func(r crm.Reader) (err error) {
			ids, err := r.CustomersOf(ctx, keys...)
			if err != nil {
				return err
			}
			p, err = e.buyers(ctx, r, places, ids)
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, a := range chunk {
			if x := p.of(a.about); x != nil {
				got := x.bought(a.after, a.until)
				got.visits = visits(p.came[x], a.after, a.until)
				out[a.id] = got
			}
		}
	}
	return out, nil
}

// bought returns what a customer bought after one instant and not after another, and
// kept.
func (x *person) bought(after, until time.Time) (sum purchases) {
	lo, hi := after.UnixMicro(), until.UnixMicro()
	for i := range x.orders {
		o := &x.orders[i]
		if o.at <= lo || o.at > hi || o.flags&(flagReturn|flagCancelled|flagReturned) != 0 {
			continue
		}
		kept := x.kept(o)
		if kept <= 0 {
			continue
		}
		sum.any = true
		if o.flags&flagUnpriced != 0 {
			sum.unpriced = true
		} else {
			sum.amount += kept
		}
	}
	return sum
}

// kept is the amount of an order less what its returns took back. Of one in a
// currency without a rate it is 1 if nothing came back, else 0.
func (x *person) kept(o *orderRow) int64 {
	if o.flags&flagUnpriced != 0 {
		if o.flags&flagTakenBack != 0 {
			return 0
		}
		return 1
	}
	left := o.amount
	if o.flags&flagTakenBack == 0 {
		return left
	}
	for i := range x.orders {
		if r := &x.orders[i]; r.flags&(flagReturn|flagCancelled) == flagReturn && r.returns == o.id && r.returnsSource == o.source {
			left -= max(r.amount, -r.amount)
		}
	}
	return left
}

// Unsolved is a ticket that is not solved.
type Unsolved struct {
	Ref    crm.FactRef
	Opened time.Time
}

// Unsolved returns the tickets that are not solved, sorted by what they hang on. It
// reads them by an index and nothing else, and waits for no night.
func (e *Engine) Unsolved(ctx context.Context) (_ []Unsolved, err error) {
	defer e.took("unsolved", time.Now(), &err)
	defer crm.Recover("unsolved", &err)
	var out []Unsolved
	err = e.cfg.Store.View(ctx, func(r crm.Reader) error {
		out = nil
		for f, err := range crm.UnsolvedTickets(ctx, r) {
			if err != nil {
				return err
			}
			if !f.Subject.Profile.IsZero() {
				out = append(out, Unsolved{f.Ref(), f.Data.(*crm.Ticket).Opened})
			}
		}
		return nil
	})
	slices.SortFunc(out, func(a, b Unsolved) int { return a.Ref.Compare(b.Ref) })
	return out, err
}

// Links returns where a message's tracked link and its survey (if it has one)
// are reached. It is crm.ErrPruned for one whose link ended and was pruned.
func (e *Engine) Links(f *crm.Effect) (tracked, page string, err error) {
	d, err := decodeMessage(f)
	if err != nil {
		return "", "", err
	}
	if d.Link == 0 {
		return "", "", &crm.Error{Op: "link", Entity: "effect", ID: string(f.ID), Kind: crm.ErrPruned}
	}
	if tracked, err = e.trackedURL(d.Link); err != nil || d.Survey == "" {
		return tracked, "", err
	}
	token, err := e.keys.surveys.Mint(d.Link)
	return tracked, e.cfg.BaseURL + "/s/" + token, err
}
