package value

import (
	"cmp"
	"fmt"
	"slices"
)

// Tier is which treatment a customer asks for, after Peppers and Rogers, The One to One Future (1993) and Managing
// Customer Relationships (2004).
type Tier string

// The tiers. Each customer is in one.
const (
	// MostValuable brings most: keep him.
	MostValuable Tier = "most valuable"
	// MostGrowable could bring much more than he does: win more of what he spends.
	MostGrowable Tier = "most growable"
	// BelowZero costs more than he brings and will: serve him for less, or let him pay for it.
	BelowZero Tier = "below zero"
	// Migrating is everybody else.
	Migrating Tier = "migrating"
)

// TierDefinition says what the tiers mean. The zero value but for Version works.
type TierDefinition struct {
	Version string // is part of every answer; not empty
	// Top is the share of customers above zero that are most valuable, and Growth that of the others above zero whose
	// strategic value is above their own and above 0 that are most growable; 0 means 0.2 for either, at most 1.
	Top, Growth float64
	// Loyal and Cooperative let only those be most valuable of whom it is known: what Standing says.
	Loyal, Cooperative bool
}

// Standing is a customer who is put into a tier. Loyal and Cooperative are nil where it is not known, and are read where
// the definition asks for them.
type Standing struct {
	Valuation
	Loyal       *bool // such as lifecycle.Active
	Cooperative *bool // answers surveys, brings others, tells what he owns
}

// Tiered is the tier of a customer and why.
type Tiered struct {
	Version string `json:"version"`
	Tier    Tier   `json:"tier"`
	N       int    `json:"n"` // among how many
	// Own is Actual and Future, and Growth by how much Strategic is above it.
	Own    float64 `json:"own"`
	Growth float64 `json:"growth"`
	// Valuable is the least Own of the most valuable, and Growable the least Growth of the most growable, nil where
	// there are none.
	Valuable *float64 `json:"valuable,omitempty"`
	Growable *float64 `json:"growable,omitempty"`
	// Certain says that he is on the same side of zero, and if most valuable of Valuable, at both bounds of his future.
	Certain bool `json:"certain"`
}

// TierCuts are where the tiers of some customers begin: others, or the same with one more purchase, can be put into tiers by
// them.
type TierCuts struct {
	Definition TierDefinition `json:"definition"`
	N          int            `json:"n"`
	Valuable   *float64       `json:"valuable,omitempty"` // as in Tiered
	Growable   *float64       `json:"growable,omitempty"`
}

// Tiers puts each customer into one tier, in the order of the customers: below zero, who has brought nothing or less so far
// and will not make good for it; most valuable, the top of the others by what they have brought and will; most
// growable, of the rest, those with the largest potential beyond that. Customers of equal value are in the same tier, so
// that a tier may have some more than its share. The error is an ErrData about the definition.
func (d TierDefinition) Tiers(customers []Standing) ([]Tiered, error) {
	cuts, err := d.Cuts(customers)
	if err != nil {
		return nil, err
	}
	out := make([]Tiered, len(customers))
	for i := range customers {
		out[i] = cuts.Of(customers[i])
	}
	return out, nil
}

// Cuts returns where the tiers of customers begin. The error is an ErrData about the definition, or a *DataError about a
// customer.
func (d TierDefinition) Cuts(customers []Standing) (TierCuts, error) {
	d.Top, d.Growth = cmp.Or(d.Top, 0.2), cmp.Or(d.Growth, 0.2)
	cuts := TierCuts{Definition: d, N: len(customers)}
	switch {
	case d.Version == "":
		return cuts, fmt.Errorf("%w: TierDefinition.Version is empty", ErrData)
	case !(d.Top > 0 && d.Top <= 1):
		return cuts, fmt.Errorf("%w: TierDefinition.Top is %v, not above 0 and at most 1", ErrData, d.Top)
	case !(d.Growth > 0 && d.Growth <= 1):
		return cuts, fmt.Errorf("%w: TierDefinition.Growth is %v, not above 0 and at most 1", ErrData, d.Growth)
	}
	var above, growth []float64
	for i := range customers {
		t := cuts.Of(customers[i])
		if t.Own != t.Own || t.Growth != t.Growth {
			return cuts, &DataError{Row: i, Field: "Valuation", Reason: "is NaN"}
		}
		if t.Tier != BelowZero {
			above = append(above, t.Own)
		}
	}
	if v, ok := least(above, d.Top); ok {
		cuts.Valuable = &v
	}
	for i := range customers {
		if t := cuts.Of(customers[i]); t.Tier == Migrating && grows(t, customers[i]) {
			growth = append(growth, t.Growth)
		}
	}
	if v, ok := least(growth, d.Growth); ok {
		cuts.Growable = &v
	}
	return cuts, nil
}

// Of returns the tier of a customer.
func (c TierCuts) Of(s Standing) Tiered {
	d := c.Definition
	own := s.Actual.Expected + s.Future.Expected
	t := Tiered{Version: d.Version, Tier: Migrating, N: c.N, Own: own, Growth: s.Strategic.Expected - own, Valuable: c.Valuable, Growable: c.Growable}
	told := func(asked bool, v *bool) bool { return !asked || v != nil && *v }
	low, high := s.Actual.Low+s.Future.Low, s.Actual.High+s.Future.High
	t.Certain = low > 0
	switch {
	case s.Actual.Expected <= 0 && own <= 0:
		t.Tier, t.Certain = BelowZero, high <= 0
	case c.Valuable != nil && own >= *c.Valuable && own > 0 && told(d.Loyal, s.Loyal) && told(d.Cooperative, s.Cooperative):
		t.Tier, t.Certain = MostValuable, low > 0 && low >= *c.Valuable
	case c.Growable != nil && grows(t, s) && t.Growth >= *c.Growable:
		t.Tier = MostGrowable
	}
	return t
}

// grows reports whether a customer could bring more than now: a potential of nothing is above what some are worth who will
// cost more than they have brought.
func grows(t Tiered, s Standing) bool { return t.Growth > 0 && s.Strategic.Expected > 0 }

// least returns the smallest of the top share of values; false where there are none.
func least(values []float64, share float64) (float64, bool) {
	if len(values) == 0 {
		return 0, false
	}
	slices.SortFunc(values, func(a, b float64) int { return cmp.Compare(b, a) })
	n := int(share*float64(len(values)) + 0.5)
	return values[max(1, n)-1], true
}
