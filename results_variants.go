package vefa

import (
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/experiment"
)

// variants measures each way of saying a campaign, by those who got it and the campaign's
// holdout, and by those who got the campaign's own words.
func variants(c *messaging.Campaign, whole experiment.Counts, ways map[string]*experiment.Counts, confidence float64) ([]VariantResult, error) {
	if len(c.Variants) == 0 || !c.Choice.IsZero() { // which is measured by arms that were drawn
		return nil, nil
	}
	of := func(name string) experiment.Counts {
		if n := ways[name]; n != nil {
			return *n
		}
		return experiment.Counts{}
	}
	rest := 1.0 // the share of the campaign's own words
	for _, v := range c.Variants {
		rest -= v.Share
	}
	own := of("")
	var out []VariantResult
	var ps []float64
	for _, v := range append([]messaging.Variant{{Share: rest}}, c.Variants...) {
		n, r := of(v.Name), VariantResult{Name: v.Name}
		n.HeldOut, n.HeldOutConverted = whole.HeldOut, whole.HeldOutConverted
		// Of the units of this way and the holdout so many are held out.
		share := c.Holdout / (c.Holdout + (1-c.Holdout)*v.Share)
		var err error
		if r.Report, err = experiment.Evaluate(n, share, confidence); err != nil {
			return nil, err
		}
		if v.Name != "" {
			n.HeldOut, n.HeldOutConverted = own.Assigned, own.Converted
			if r.Against, err = experiment.Evaluate(n, rest/(rest+v.Share), confidence); err != nil {
				return nil, err
			}
			p := 1.0 // nothing may be said
			if r.Against.Result != experiment.Unmeasured && r.Against.Result != experiment.Broken {
				p = r.Against.Incremental.P
			}
			ps = append(ps, p)
		}
		out = append(out, r)
	}
	adjusted, err := experiment.Holm(ps...)
	if err != nil {
		return nil, err
	}
	for i, p := range adjusted {
		out[1+i].Adjusted = p
	}
	return out, nil
}
