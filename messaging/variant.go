package messaging

import (
	"slices"

	"github.com/vefacrm/vefa/messaging/experiment"
)

// Variant is another way to say a campaign, on the same channels. Who gets which is drawn
// from those who get the campaign at all, so that nothing but the words differs between
// them, and the same holdout is the measure of all.
type Variant struct {
	Name string `json:"name"` // letters, digits, "-", "_", "."
	// Share is the part of the people who get it, above 0 and below 1. All shares together
	// are below 1: the rest gets the campaign's own words. With Campaign.Choice it is 0.
	Share float64 `json:"share,omitempty"`
	// Categories and Margin take the place of the campaign's, where they are set.
	Categories []string `json:"categories,omitempty"`
	Margin     float64  `json:"margin,omitempty"`
	// Text takes the place of Campaign.Text, or Contents that of Campaign.Contents, whose
	// channels it has in the same order.
	Text     string    `json:"text,omitempty"`
	Contents []Content `json:"contents,omitempty"`
}

// ways returns the campaign with each of its ways to say it, its own first.
func (c *Campaign) ways() []*Campaign {
	out := []*Campaign{c}
	for _, v := range c.Variants {
		way := *c
		way.Variants = nil
		if len(c.Contents) > 0 {
			way.Contents = v.Contents
			if len(v.Contents) == 0 { // else it would be the short form
				way.Contents = []Content{{}}
			}
		} else {
			way.Text = v.Text
		}
		out = append(out, &way)
	}
	return out
}

// validateVariants reports every fault of the variants that their texts do not show.
func (c *Campaign) validateVariants(fault func(field, format string, args ...any)) {
	total := 0.0
	seen := map[string]bool{}
	for _, v := range c.Variants {
		if !fieldName(v.Name) {
			fault("variants", "%q is no name of letters, digits, -, _ and . only", v.Name)
		}
		if seen[v.Name] {
			fault("variants", "%q is there twice", v.Name)
		}
		seen[v.Name] = true
		if c.Choice.IsZero() && !(v.Share > 0 && v.Share < 1) {
			fault("variants", "%q has a share of %v, which is not between 0 and 1", v.Name, v.Share)
		}
		total += v.Share
		switch {
		case len(c.Contents) == 0 && len(v.Contents) > 0:
			fault("variants", "%q has contents, and the campaign a text", v.Name)
		case len(c.Contents) > 0 && v.Text != "":
			fault("variants", "%q has a text, and the campaign contents", v.Name)
		case !slices.EqualFunc(c.Contents, v.Contents, func(a, b Content) bool { return a.Channel == b.Channel }):
			fault("variants", "%q has not the channels of the campaign, in its order", v.Name)
		}
	}
	if total >= 1 {
		fault("variants", "have a share of %v together, which leaves nobody the campaign's own words", total)
	}
}

// Draw returns which variant a unit gets, by its name; "" is the campaign's own words. A
// unit keeps its variant as long as the names, their order and the shares are kept, and it
// has nothing to do with whether it is held out. Keep it with the effect of the recipient, as
// package vefa does in MessageData.Variant: a later merge changes the unit.
func (c *Campaign) Draw(assign *experiment.Assigner, unit string) string {
	share := 0.0
	for _, v := range c.Variants {
		if share += v.Share; assign.HeldOut(c.Cause()+"/variants", unit, share) {
			return v.Name
		}
	}
	return ""
}

// Variant returns the script of a variant by its name, the script itself for "", or nil for a
// name that the campaign has not, or not any more.
func (s *Script) Variant(name string) *Script {
	if name == "" {
		return s
	}
	return s.variants[name]
}
