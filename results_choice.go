package vefa

import (
	"math"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/experiment"
)

// ChoiceResult is what one-to-one choice of offers was worth: those for whom an offer was chosen
// beside those who got the same for all, drawn by lot, each with those among them who were not
// reached. That is causal; what is said of single offers is not.
type ChoiceResult struct {
	// Chosen and Same measure either arm by the holdout of the whole campaign.
	Chosen experiment.Report `json:"chosen"`
	Same   experiment.Report `json:"same"`
	// Against measures the chosen by the same for all, as if that were the holdout, and Anytime
	// does so that it may be looked at every morning.
	Against experiment.Report   `json:"against"`
	Anytime experiment.Sequence `json:"anytime"`
	// Revenue and Margin are amounts of one customer in either arm; Margin is measured only where
	// the campaign has one.
	Revenue Difference `json:"revenue"`
	Margin  Difference `json:"margin"`
	// Offers are what was chosen, the campaign's own words first. They describe: whoever was
	// chosen for an offer may have been likelier to buy anyway.
	Offers []OfferResult `json:"offers"`
}

// Difference is an amount per customer in two arms, and what lies between them. The zero value
// is one that is not measured.
type Difference struct {
	// Measured says that both arms have customers enough for Extra, which lies between Low and
	// High with the confidence of the report.
	Measured bool      `json:"measured"`
	Chosen   crm.Money `json:"chosen"`
	Same     crm.Money `json:"same"`
	Extra    crm.Money `json:"extra"` // Chosen less Same
	Low      crm.Money `json:"low"`
	High     crm.Money `json:"high"`
}

// OfferResult is one offer of a campaign, among those for whom one was chosen.
type OfferResult struct {
	Name   string          `json:"name"` // of messaging.Variant; empty: the campaign's own words
	Bought experiment.Rate `json:"bought"`
}

// choosing counts what came of the offers of a campaign.
type choosing struct {
	campaign *messaging.Campaign
	arms     [2]choosingArm // those chosen for, and the same for all
	offers   map[string]*experiment.Counts
}

type choosingArm struct {
	experiment.Counts
	revenue, margin experiment.Spend // in hundredths
}

func newChoosing(c *messaging.Campaign) *choosing {
	if c.Choice.IsZero() {
		return nil
	}
	return &choosing{campaign: c, offers: map[string]*experiment.Counts{}}
}

// add counts a customer who was assigned. One who is held out is in neither arm, and neither is
// who was assigned before the campaign had a Choice.
func (c *choosing) add(f *crm.Effect, d MessageData, spent purchases) {
	if c == nil || f.State == crm.HeldOut || d.Choice == nil {
		return
	}
	arm := &c.arms[0]
	if d.Choice.Same {
		arm = &c.arms[1]
	} else {
		n := c.offers[d.Variant]
		if n == nil {
			n = &experiment.Counts{}
			c.offers[d.Variant] = n
		}
		n.Assigned++
		if spent.any {
			n.Converted++
		}
	}
	arm.Assigned++
	if spent.any {
		arm.Converted++
	}
	if spent.unpriced {
		return
	}
	arm.revenue.Add(spent.amount)
	if margin, ok := c.campaign.MarginOf(d.Variant); ok {
		arm.margin.Add(int64(math.Round(float64(spent.amount) * margin)))
	}
}

func (c *choosing) result(e *Engine, whole experiment.Counts, confidence float64) (*ChoiceResult, error) {
	if c == nil {
		return nil, nil
	}
	out := &ChoiceResult{Offers: []OfferResult{}}
	chosen, same := &c.arms[0], &c.arms[1]
	var err error
	for _, arm := range []struct {
		of    *choosingArm
		share float64
		to    *experiment.Report
	}{{chosen, 1 - c.campaign.Choice.Same, &out.Chosen}, {same, c.campaign.Choice.Same, &out.Same}} {
		n := arm.of.Counts
		n.HeldOut, n.HeldOutConverted = whole.HeldOut, whole.HeldOutConverted
		h := c.campaign.Holdout
		if *arm.to, err = experiment.Evaluate(n, h/(h+(1-h)*arm.share), confidence); err != nil {
			return nil, err
		}
	}
	n := chosen.Counts
	n.HeldOut, n.HeldOutConverted = same.Assigned, same.Converted
	if out.Against, err = experiment.Evaluate(n, c.campaign.Choice.Same, confidence); err != nil {
		return nil, err
	}
	if out.Anytime, err = experiment.Anytime(n, 0, confidence); err != nil {
		return nil, err
	}
	if out.Revenue, err = e.difference(chosen.revenue, same.revenue, confidence); err != nil {
		return nil, err
	}
	if c.campaign.Margin > 0 {
		if out.Margin, err = e.difference(chosen.margin, same.margin, confidence); err != nil {
			return nil, err
		}
	}
	for _, v := range append([]messaging.Variant{{}}, c.campaign.Variants...) {
		got := c.offers[v.Name]
		if got == nil {
			got = &experiment.Counts{}
		}
		r, err := experiment.Evaluate(*got, 0, confidence)
		if err != nil {
			return nil, err
		}
		out.Offers = append(out.Offers, OfferResult{v.Name, r.Total})
	}
	return out, nil
}

// difference compares what customers of two arms spent.
func (e *Engine) difference(chosen, same experiment.Spend, confidence float64) (Difference, error) {
	d := Difference{Chosen: e.mean(chosen), Same: e.mean(same), Extra: e.home(0), Low: e.home(0), High: e.home(0)}
	if chosen.N < 2 || same.N < 2 {
		return d, nil
	}
	x, err := experiment.CompareSpend(chosen, same, confidence)
	if err != nil {
		return d, err
	}
	d.Measured = true
	d.Extra, d.Low, d.High = e.home(x.Difference), e.home(x.Interval.Lo), e.home(x.Interval.Hi)
	return d, nil
}
