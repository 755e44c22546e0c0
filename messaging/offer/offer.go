// Package offer chooses one of several offers for one person, and learns from what came of
// earlier choices.
//
// A Chooser is asked about each person. Thompson is the one that is built in: it goes by what
// the person bought and by what persons like him did with each offer, and leaves to chance what
// it does not know yet. Whether choosing is worth anything is not its to say: a part of the
// people gets the same for all, and package experiment compares the two. The package imports
// the standard library only.
package offer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// ErrInput is the kind of every error of this package.
var ErrInput = errors.New("offer: input")

// Chooser picks an offer for a person. It is used by many goroutines.
type Chooser interface {
	// Choose returns the index of one of the offers of a question, of which there is at
	// least one. An error withholds nothing: the caller stops, and asks again later.
	Choose(ctx context.Context, q Question) (int, error)
}

// Question is what a Chooser is asked. Nothing of it must be changed or kept.
type Question struct {
	Campaign string
	Person   Person
	Offers   []Offer
	// Random is seeded by the campaign and the person: the same question gives the same
	// choice, on every machine.
	Random *rand.Rand
}

// Person is what is known of whom an offer is for.
type Person struct {
	Unit string   // who it is, by the key of the person
	Tags []string // that are set
	// Bought is, by category, the share of the person's purchases that were of it, each above
	// 0 and all together at most 1.
	Bought map[string]float64
	// Group is that of the offers' categories that he bought most often, of several the first by
	// name, or "" for none: results are counted by it.
	Group string
}

// Offer is what may be offered.
type Offer struct {
	Name       string   // "" is what everybody would get
	Categories []string // of goods that it is about; none: of all
	Results    Results
}

// Results count people who got an offer and had their time to buy.
type Results struct {
	All, Group Count // Group: of All, those of the same Person.Group
}

// Count counts people, and those of them who bought.
type Count struct {
	Tried  int64 `json:"tried"`
	Bought int64 `json:"bought"`
}

// Affinity is the share of a person's purchases that are of the offer's categories, from 0 to
// 1; 0 where the offer has none.
func Affinity(p Person, o Offer) float64 {
	share := 0.0
	for i, c := range o.Categories {
		if !slices.Contains(o.Categories[:i], c) {
			share += p.Bought[c]
		}
	}
	return min(share, 1)
}

// Group is the Group of a person who bought by category as bought says.
func Group(bought map[string]float64, offers []Offer) string {
	best, most := "", 0.0
	for _, o := range offers {
		for _, c := range o.Categories {
			if n := bought[c]; n > most || n == most && n > 0 && c < best {
				best, most = c, n
			}
		}
	}
	return best
}

// Thompson draws, for each offer, a rate of purchase from what is known of it and picks the
// highest: what is better is picked more often, and what is hardly known still has its turn
// (Thompson, Biometrika 25, 1933). What is known of an offer is, in this order, what people of
// the person's group did with it; what all others did, which counts as Prior people of the
// group; and, as long as there is neither, whether the person buys such goods. Its zero value
// works.
type Thompson struct {
	// Prior is how many people of the group what is known of the others weighs as much as; 0
	// means 20.
	Prior float64
	// Affinity is how many times as high the odds of a purchase are taken to be where all of
	// the person's purchases are of the offer's categories, before anything is known of the
	// group; 0 means 3, 1 leaves purchases out, and more than a million is refused.
	Affinity float64
	// Explore is the share of people whose offer is drawn with equal chances, whatever is
	// known; 0 means none, 1 all.
	Explore float64
}

// Validate reports every fault of the settings, each an ErrInput.
func (t Thompson) Validate() error {
	var faults []error
	if !(t.Prior >= 0) || math.IsInf(t.Prior, 0) {
		faults = append(faults, fmt.Errorf("%w: a prior of %v people", ErrInput, t.Prior))
	}
	if !(t.Affinity >= 0 && t.Affinity <= 1e6) {
		faults = append(faults, fmt.Errorf("%w: affinity multiplies odds by %v", ErrInput, t.Affinity))
	}
	if !(t.Explore >= 0 && t.Explore <= 1) {
		faults = append(faults, fmt.Errorf("%w: a share of %v is explored", ErrInput, t.Explore))
	}
	return errors.Join(faults...)
}

// Choose implements Chooser. Counts that cannot be (more bought than were tried) are an
// ErrInput.
func (t Thompson) Choose(_ context.Context, q Question) (int, error) {
	if err := t.Validate(); err != nil {
		return 0, err
	}
	if len(q.Offers) == 0 || q.Random == nil {
		return 0, fmt.Errorf("%w: %d offers, or no random numbers", ErrInput, len(q.Offers))
	}
	prior, times := t.Prior, t.Affinity
	if prior == 0 {
		prior = 20
	}
	if times == 0 {
		times = 3
	}
	var others Count
	for i := range q.Offers {
		r := &q.Offers[i].Results
		if !r.All.valid() || !r.Group.valid() || r.Group.Tried > r.All.Tried || r.Group.Bought > r.All.Bought {
			return 0, fmt.Errorf("%w: offer %q: %+v", ErrInput, q.Offers[i].Name, *r)
		}
		others.Tried += r.All.Tried - r.Group.Tried
		others.Bought += r.All.Bought - r.Group.Bought
	}
	if q.Random.Float64() < t.Explore {
		return q.Random.IntN(len(q.Offers)), nil
	}
	usual := float64(others.Bought+1) / float64(others.Tried+2)
	best, highest := 0, -1.0
	for i := range q.Offers {
		o := &q.Offers[i]
		r := &o.Results
		// The rate elsewhere, drawn towards the usual one, and moved by affinity.
		p := (float64(r.All.Bought-r.Group.Bought) + prior*usual) / (float64(r.All.Tried-r.Group.Tried) + prior)
		odds := p / (1 - p) * math.Pow(times, Affinity(q.Person, *o))
		p = odds / (1 + odds)
		if x := beta(q.Random, prior*p+float64(r.Group.Bought), prior*(1-p)+float64(r.Group.Tried-r.Group.Bought)); x > highest {
			best, highest = i, x
		}
	}
	return best, nil
}

func (c Count) valid() bool { return c.Bought >= 0 && c.Bought <= c.Tried }

// beta draws from the beta distribution, as the share of one of two gamma variables.
func beta(r *rand.Rand, a, b float64) float64 {
	x, y := logGamma(r, a), logGamma(r, b)
	return 1 / (1 + math.Exp(y-x))
}

// logGamma draws the logarithm of a gamma variable of a shape above 0 (Marsaglia and Tsang, ACM
// Transactions on Mathematical Software 26, 2000): of a small shape the variable itself may be
// nothing that a float64 can hold.
func logGamma(r *rand.Rand, shape float64) float64 {
	boost := 0.0
	if shape < 1 {
		boost = math.Log(1-r.Float64()) / shape
		shape++
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := r.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(1-r.Float64()) < x*x/2+d-d*v+d*math.Log(v) {
			return boost + math.Log(d) + math.Log(v)
		}
	}
}
