package warning

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"
)

// Held is what is held of one attribute of one customer, such as his address.
type Held struct {
	Attribute string
	// Known says that there is a value, and Age how many days ago it was last confirmed, 0 or more.
	Known bool
	Age   float64
}

// Freshness is how current one attribute is.
type Freshness struct {
	Attribute string  `json:"attribute"`
	Limit     float64 `json:"limit"` // days after which a value is stale
	N         int     `json:"n"`     // customers
	Known     int     `json:"known"`
	Fresh     int     `json:"fresh"` // known and at most Limit old
	// Share is Fresh over N, with the interval of Wilson at 95 %.
	Share float64 `json:"share"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	// Median and Ninth are the ages, in days, that a half and nine tenths of the known values are at most; nil where none
	// is known.
	Median *float64 `json:"median,omitempty"`
	Ninth  *float64 `json:"ninth,omitempty"`
}

// Fresh returns how current each attribute is, in the order of names. limits says after how many days a value of an
// attribute is stale: a phone number is believed longer than a size of clothes. What is not known is not fresh. The
// error is an ErrData that names the attribute.
func Fresh(held iter.Seq[Held], limits map[string]float64) ([]Freshness, error) {
	ages := map[string][]float64{}
	of := map[string]*Freshness{}
	for name, limit := range limits {
		if !(limit > 0) || math.IsInf(limit, 0) {
			return nil, fmt.Errorf("%w: the limit of %q is %v days, not above 0", ErrData, name, limit)
		}
		of[name] = &Freshness{Attribute: name, Limit: limit}
	}
	row := 0
	for h := range held {
		f := of[h.Attribute]
		switch {
		case f == nil:
			return nil, fmt.Errorf("%w: row %d: Attribute is %q, which has no limit", ErrData, row, h.Attribute)
		case h.Known && (!(h.Age >= 0) || math.IsInf(h.Age, 0)):
			return nil, fmt.Errorf("%w: row %d: Age of %q is %v, not 0 days or more", ErrData, row, h.Attribute, h.Age)
		}
		row++
		f.N++
		if !h.Known {
			continue
		}
		f.Known++
		if h.Age <= f.Limit {
			f.Fresh++
		}
		ages[h.Attribute] = append(ages[h.Attribute], h.Age)
	}
	var out []Freshness
	for name, f := range of {
		f.Share, f.Low, f.High = wilson(f.Fresh, f.N)
		if a := ages[name]; len(a) > 0 {
			slices.Sort(a)
			half, ninth := a[(len(a)-1)/2], a[(9*len(a)+9)/10-1]
			f.Median, f.Ninth = &half, &ninth
		}
		out = append(out, *f)
	}
	slices.SortFunc(out, func(a, b Freshness) int { return cmp.Compare(a.Attribute, b.Attribute) })
	return out, nil
}

// wilson returns a share with its interval at 95 % (Wilson 1927); of nothing it is anything from 0 to 1.
func wilson(k, of int) (share, low, high float64) {
	if of == 0 {
		return 0, 0, 1
	}
	const z = 1.959963984540054
	n := float64(of)
	p := float64(k) / n
	mid, half := p+z*z/(2*n), z*math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return p, min(p, max(0, (mid-half)/(1+z*z/n))), max(p, min(1, (mid+half)/(1+z*z/n)))
}
