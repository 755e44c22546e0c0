package experiment

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Mode says which campaigns are credited with a purchase. None of them is causal: only the
// holdout tells what a campaign brought. They say who may claim what, and differ with the
// window where the increment does not.
type Mode string

// The modes of attribution. All but AnyInWindow credit a purchase once over all campaigns.
const (
	AnyInWindow    Mode = "any-in-window"    // each campaign that touched the customer within the window, in full
	LastTouch      Mode = "last-touch"       // the campaign of the last message or click
	LastHumanClick Mode = "last-human-click" // the campaign of the last click by a person; none without one
	Fractional     Mode = "fractional"       // all of them, in equal parts
)

// Touch is a campaign's message to a customer, or the customer's click on its link. Clicks
// of machines are no touches: leave them out.
type Touch struct {
	Campaign string
	At       time.Time
	Click    bool
}

// Purchase is what the customer bought or, with Returns, brought back.
type Purchase struct {
	ID     string
	At     time.Time
	Amount int64 // in minor units of one currency; of a return negative
	// Returns is the ID of the purchase that is taken back. Its campaigns are debited as
	// they were credited, however late it comes back.
	Returns string
}

// Credit is what a campaign is credited with of a purchase.
type Credit struct {
	Campaign string
	Purchase string // its ID, or that of the return
	Amount   int64  // of a return negative
	// Share is the campaign's part of the purchase: 1, or less in Fractional.
	Share float64
}

// Attribute credits campaigns with the purchases of one customer. A touch counts for
// purchases from its own instant until the window is over. The order of the arguments does
// not matter; credits come by purchase and campaign. In the modes that credit once, the
// credits of a purchase add up to exactly its amount, or there are none. Errors are
// ErrInput: an unknown mode, a window that is not positive, purchases of one ID.
func Attribute(mode Mode, window time.Duration, touches []Touch, purchases []Purchase) ([]Credit, error) {
	var faults []error
	switch mode {
	case AnyInWindow, LastTouch, LastHumanClick, Fractional:
	default:
		faults = append(faults, fmt.Errorf("%w: attribution mode %q is not known", ErrInput, mode))
	}
	if window <= 0 {
		faults = append(faults, fmt.Errorf("%w: attribution window %s", ErrInput, window))
	}
	bought := make(map[string]Purchase, len(purchases))
	for _, p := range purchases {
		if _, twice := bought[p.ID]; twice {
			faults = append(faults, fmt.Errorf("%w: two purchases are %q", ErrInput, p.ID))
		}
		bought[p.ID] = p
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	touches = slices.Clone(touches)
	slices.SortFunc(touches, func(a, b Touch) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Campaign, b.Campaign), compareBool(a.Click, b.Click))
	})
	var out []Credit
	for _, p := range purchases {
		of := p
		if p.Returns != "" {
			original, known := bought[p.Returns]
			if !known || original.Returns != "" {
				continue // of an unknown purchase no campaign was credited
			}
			of = original
		}
		out = append(out, split(p, credited(mode, window, touches, of.At))...)
	}
	slices.SortFunc(out, func(a, b Credit) int {
		return cmp.Or(strings.Compare(a.Purchase, b.Purchase), strings.Compare(a.Campaign, b.Campaign))
	})
	if mode == AnyInWindow {
		for i := range out {
			out[i].Amount, out[i].Share = bought[out[i].Purchase].Amount, 1
		}
	}
	return out, nil
}

// credited returns the campaigns that share what was bought at an instant, sorted.
func credited(mode Mode, window time.Duration, touches []Touch, at time.Time) []string {
	var in []string
	for _, t := range touches {
		if t.At.After(at) || !t.At.After(at.Add(-window)) || mode == LastHumanClick && !t.Click {
			continue
		}
		if mode == LastTouch || mode == LastHumanClick {
			in = in[:0]
		}
		in = append(in, t.Campaign)
	}
	slices.Sort(in)
	return slices.Compact(in)
}

// split gives each campaign an equal part of a purchase, the first of them what is left.
func split(p Purchase, among []string) []Credit {
	out := make([]Credit, len(among))
	n := int64(len(among))
	for i, c := range among {
		part := p.Amount / n
		if left := p.Amount % n; int64(i) < max(left, -left) {
			part += sign(left)
		}
		out[i] = Credit{Campaign: c, Purchase: p.ID, Amount: part, Share: 1 / float64(n)}
	}
	return out
}

func sign(n int64) int64 {
	if n < 0 {
		return -1
	}
	return 1
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
