package warning

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"
)

// Course is how long something took, such as a shipment until it was there, or the time from one repair of a watch to
// the next; where that has not happened, how long it has not.
type Course struct {
	Group  string  // whom it is like, such as the carrier or the model; may be empty
	Length float64 // 0 or more, in any unit
	Over   bool    // it happened at Length; else it was still going on then
}

// Running is something that is still going on.
type Running struct {
	ID      string // of the caller's
	Group   string
	Elapsed float64 // how long it has been, 0 or more
	Limit   float64 // until when it should be over, or should not: above 0
	// Bad says that it is bad if it happens by Limit, such as a second repair within the guarantee. Otherwise it is bad
	// if it does not, such as a shipment.
	Bad bool
}

// Problem is one that is likely to come.
type Problem struct {
	ID          string  `json:"id"`
	Probability float64 `json:"probability"`
	Low         float64 `json:"low"` // 95 %
	High        float64 `json:"high"`
	// Group is whose past it was told from, empty for all; N is how many of those took longer than this one has until now.
	Group string `json:"group"`
	N     int    `json:"n"`
	// Already says that a limit has gone by without what should have happened: it is no guess.
	Already bool `json:"already,omitempty"`
}

// Outlook tells problems to come from how long things took. It is immutable.
type Outlook struct {
	groups map[string][]Course // by length; what happened comes first
	all    []Course
	least  int
}

// NewOutlook returns what is known of the past, with what is still going on. Of a group of which fewer than least took as
// long as one that is asked about, the past of all is taken; least is 1 or more. The error is an ErrData
// that names the row; nothing at all is one, too.
func NewOutlook(past iter.Seq[Course], least int) (*Outlook, error) {
	if least < 1 {
		return nil, fmt.Errorf("%w: least is %d, not 1 or more", ErrData, least)
	}
	o := &Outlook{groups: map[string][]Course{}, least: least}
	for c := range past {
		if !(c.Length >= 0) || math.IsInf(c.Length, 0) {
			return nil, fmt.Errorf("%w: row %d: Length is %v, not 0 or more", ErrData, len(o.all), c.Length)
		}
		o.all = append(o.all, c)
		if c.Group != "" {
			o.groups[c.Group] = append(o.groups[c.Group], c)
		}
	}
	if len(o.all) == 0 {
		return nil, fmt.Errorf("%w: nothing has happened yet", ErrData)
	}
	order := func(a, b Course) int {
		if c := cmp.Compare(a.Length, b.Length); c != 0 || a.Over == b.Over {
			return c
		}
		if a.Over {
			return -1
		}
		return 1
	}
	slices.SortFunc(o.all, order)
	for _, g := range o.groups {
		slices.SortFunc(g, order)
	}
	return o, nil
}

// Problems returns those of what is going on that go wrong with at least a probability, the likeliest first, then by
// ID. The probability is that of Kaplan and Meier 1958 for what took longer than this one has, with the interval
// of Kalbfleisch and Prentice 1980. It is left out where it is not known: nothing took as long before. The
// error is an ErrData that names the row.
func (o *Outlook) Problems(running iter.Seq[Running], least float64) ([]Problem, error) {
	if !(least >= 0 && least <= 1) {
		return nil, fmt.Errorf("%w: least is %v, not from 0 to 1", ErrData, least)
	}
	var out []Problem
	row := 0
	for r := range running {
		switch {
		case !(r.Elapsed >= 0) || math.IsInf(r.Elapsed, 0):
			return nil, fmt.Errorf("%w: row %d: Elapsed is %v, not 0 or more", ErrData, row, r.Elapsed)
		case !(r.Limit > 0) || math.IsInf(r.Limit, 0):
			return nil, fmt.Errorf("%w: row %d: Limit is %v, not above 0", ErrData, row, r.Limit)
		}
		row++
		if r.Elapsed >= r.Limit {
			if !r.Bad {
				out = append(out, Problem{ID: r.ID, Probability: 1, Low: 1, High: 1, Already: true})
			}
			continue // a guarantee is over
		}
		p := Problem{ID: r.ID, Group: r.Group}
		longer := func(of []Course) []Course {
			i, _ := slices.BinarySearchFunc(of, r.Elapsed, func(c Course, at float64) int {
				if c.Length <= at {
					return -1
				}
				return 1
			})
			return of[i:]
		}
		of := longer(o.groups[r.Group])
		if len(of) < o.least {
			p.Group, of = "", longer(o.all)
		}
		if p.N = len(of); p.N == 0 {
			continue
		}
		ok := false
		if p.Probability, p.Low, p.High, ok = goesOn(of, r.Limit); !ok {
			continue
		}
		if r.Bad {
			p.Probability, p.Low, p.High = 1-p.Probability, 1-p.High, 1-p.Low
		}
		if p.Probability >= least {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(b.Probability, a.Probability), cmp.Compare(a.ID, b.ID), cmp.Compare(a.N, b.N), cmp.Compare(a.Low, b.Low))
	})
	return out, nil
}

// goesOn returns the share of sorted courses that is not over at a limit, with its interval; false where none was
// observed as long and one might go on.
func goesOn(of []Course, limit float64) (share, low, high float64, ok bool) {
	share = 1
	greenwood := 0.0
	ended := 0
	for i := 0; i < len(of) && of[i].Length <= limit; {
		at, over, left := of[i].Length, 0, len(of)-i
		for ; i < len(of) && of[i].Length == at; i++ {
			if of[i].Over {
				over++
			}
		}
		share *= float64(left-over) / float64(left)
		ended += over
		if over > 0 && over < left {
			greenwood += float64(over) / (float64(left) * float64(left-over))
		}
	}
	last := of[len(of)-1]
	if last.Length < limit && !last.Over {
		return 0, 0, 0, false
	}
	switch {
	case share == 1: // none has ended by then; those that were lost sight of before say nothing of it
		n := 0
		for _, c := range of {
			if c.Length >= limit {
				n++
			}
		}
		_, low, _ = wilson(n, n)
		return 1, low, 1, true
	case share == 0:
		_, _, high = wilson(0, ended)
		return 0, 0, high, true
	}
	half := 1.959963984540054 * math.Sqrt(greenwood) / math.Log(share) // below 0
	return share, math.Pow(share, math.Exp(-half)), math.Pow(share, math.Exp(half)), true
}
