package vefa

import (
	"fmt"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/experiment"
)

// VisitResult is what a campaign did to visits of its customers to stores, within its window.
// Several facts of one customer at one place on one day, in the zone of the place, are one visit.
type VisitResult struct {
	// Report is about who came at all: its conversions are people who came.
	Report experiment.Report `json:"report"`
	// Mean is how often a customer of either arm came, those included who did not. It is zero
	// where an arm has fewer than two.
	Mean experiment.Extra `json:"mean,omitzero"`
	// Extra is how many visits the messages brought from all who were addressed together, between
	// Low and High with the confidence of the report.
	Extra float64 `json:"extra"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// AtStore is what Config.StoreVisit means where it is not set: an order or a return whose Channel
// is "store", a visit to the technical service, and an interaction of the channel "store" that
// did not go out from us: what a door, a till or an adviser saw of a customer who bought nothing.
func AtStore(f *crm.Fact, _ *crm.Place) bool {
	switch d := f.Data.(type) {
	case *crm.Order:
		return d.Channel == "store" && d.Status != crm.OrderCancelled
	case *crm.Visit:
		return true
	case *crm.Interaction:
		return d.Channel == "store" && d.Direction != "out"
	}
	return false
}

// visitKinds are the kinds of facts that may be visits to stores.
func (e *Engine) visitKinds() []crm.FactKind {
	out := []crm.FactKind{crm.KindOrder, crm.KindVisit, crm.KindInteraction}
	if e.cfg.StoreVisit != nil {
		for _, k := range e.cfg.Kinds {
			out = append(out, k.Name)
		}
	}
	return out
}

// storeVisit asks whether a fact is a visit, and where and when.
func (e *Engine) storeVisit(places *crm.Places, f *crm.Fact) (v storeVisit, ok bool, err error) {
	defer crm.Recover("store visit", &err)
	is := e.cfg.StoreVisit
	if is == nil {
		is = AtStore
	}
	return storeVisit{f.At.UnixMicro(), dayNumber(f.At, places.Zone(f.Place)), f.Place}, is(f, places.Get(f.Place)), nil
}

// storeVisit is when and where somebody came.
type storeVisit struct {
	at    int64
	day   int
	place string
}

// visits counts the visits after one instant and not after another.
func visits(all []storeVisit, after, until time.Time) int {
	type once struct {
		day   int
		place string
	}
	seen := map[once]bool{}
	lo, hi := after.UnixMicro(), until.UnixMicro()
	for _, v := range all {
		if v.at > lo && v.at <= hi {
			seen[once{v.day, v.place}] = true
		}
	}
	return len(seen)
}

// visiting counts the visits of a campaign's customers.
type visiting struct {
	experiment.Counts
	addressed, heldOut experiment.Spend // visits
}

func (v *visiting) add(heldOut bool, n int) {
	arm, units, came := &v.addressed, &v.Assigned, &v.Converted
	if heldOut {
		arm, units, came = &v.heldOut, &v.HeldOut, &v.HeldOutConverted
	}
	arm.Add(int64(n))
	*units++
	if n > 0 {
		*came++
	}
}

// result is nil where nobody came: then visits are not recorded, or there is nothing to say.
func (v *visiting) result(whole experiment.Counts, share, confidence float64) (*VisitResult, error) {
	if v.Converted+v.HeldOutConverted == 0 {
		return nil, nil
	}
	v.Delivered = whole.Delivered
	out := &VisitResult{}
	var err error
	if out.Report, err = experiment.Evaluate(v.Counts, share, confidence); err != nil {
		return nil, fmt.Errorf("visits: %w", err)
	}
	if v.addressed.N < 2 || v.heldOut.N < 2 {
		return out, nil
	}
	if out.Mean, err = experiment.CompareSpend(v.addressed, v.heldOut, confidence); err != nil {
		return nil, fmt.Errorf("visits: %w", err)
	}
	n := float64(v.addressed.N)
	out.Extra, out.Low, out.High = n*out.Mean.Difference, n*out.Mean.Interval.Lo, n*out.Mean.Interval.Hi
	return out, nil
}
