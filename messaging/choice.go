package messaging

import (
	"cmp"
	"slices"

	"github.com/vefacrm/vefa/messaging/experiment"
)

// Choice is one-to-one choice of what a campaign offers: its Variants, and its own words, are
// offers, of which a Chooser picks one for each person. A random part of the people gets the
// same for all instead, the campaign's own words: it is the measure of what choosing is worth.
type Choice struct {
	// Same is the share of the people who get the same for all, above 0 and below 1.
	Same float64 `json:"same"`
	// By names who chooses, one of those that the composition knows (Config.Choosers of package
	// vefa); empty: offer.Thompson.
	By string `json:"by,omitempty"`
}

// IsZero reports whether there is no choice.
func (c Choice) IsZero() bool { return c == Choice{} }

// SameForAll reports whether a unit is of those who get the same for all. It has nothing to do
// with whether it is held out. Keep it with the effect of the recipient, as Draw.
func (c *Campaign) SameForAll(assign *experiment.Assigner, unit string) bool {
	return assign.HeldOut(c.Cause()+"/same", unit, c.Choice.Same)
}

// About returns the categories of a variant by its name; "" is the campaign itself.
func (c *Campaign) About(variant string) []string {
	for i := range c.Variants {
		if v := &c.Variants[i]; v.Name == variant && len(v.Categories) > 0 {
			return v.Categories
		}
	}
	return c.Categories
}

// MarginOf returns the margin of a variant by its name, "" for the campaign itself, and whether
// it is known.
func (c *Campaign) MarginOf(variant string) (float64, bool) {
	margin := c.Margin
	for i := range c.Variants {
		if v := &c.Variants[i]; v.Name == variant {
			margin = cmp.Or(v.Margin, margin)
		}
	}
	return margin, margin > 0
}

// validateChoice reports every fault of what is offered.
func (c *Campaign) validateChoice(fault func(field, format string, args ...any)) {
	check := func(field string, categories []string, margin float64) {
		if slices.Contains(categories, "") {
			fault(field, "has a category without a name")
		}
		if !(margin >= 0 && margin <= 1) {
			fault(field, "has a margin of %v, which is not from 0 to 1", margin)
		}
	}
	check("margin", c.Categories, c.Margin)
	known := c.Margin > 0
	for i := range c.Variants {
		v := &c.Variants[i]
		check("variants", v.Categories, v.Margin)
		if v.Margin > 0 && !known {
			fault("margin", "must be set, for variant %q has one: else the two cannot be compared", v.Name)
		}
		if v.Share != 0 && !c.Choice.IsZero() {
			fault("variants", "%q has a share, and choice a chooser: who gets it is drawn or chosen", v.Name)
		}
	}
	if c.Choice.IsZero() {
		return
	}
	if !(c.Choice.Same > 0 && c.Choice.Same < 1) {
		fault("choice", "gives %v of the people the same for all, which is not between 0 and 1: without them nobody knows what choosing is worth", c.Choice.Same)
	}
	if len(c.Variants) == 0 {
		fault("choice", "needs variants to choose from")
	}
	if c.Window <= 0 {
		fault("choice", "needs a window in which its results are counted")
	}
}
