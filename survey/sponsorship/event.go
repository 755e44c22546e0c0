// Package sponsorship says what an event or a sponsored channel brought: what a contact cost, what people
// answered, what they then bought, whether it paid, and how one year was against another. Everything
// is arithmetic with intervals at 95 %; nothing is stored.
package sponsorship

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/survey"
)

// ErrInvalid is wrapped by the errors about figures that make no sense.
var ErrInvalid = errors.New("survey/sponsorship: invalid")

// leastFollowed is of how many people an interval of what they brought is given.
const leastFollowed = 10

// Answers are to a question that is answered with yes or no.
type Answers struct{ Yes, N int64 }

// Event is what is known of an event.
type Event struct {
	Name string
	Year int
	Cost crm.Money // above 0
	// Contacts is how many people it reached, at least 1.
	Contacts int64
	// Again are the answers to whether one would come again, Knew to whether one knew the brand before.
	Again, Knew Answers
	// Followed is what each contact brought whose purchases could be followed, 0 of who bought nothing:
	// the margin, not the turnover, in the smallest unit of Cost's currency. They are taken for a sample
	// of the contacts.
	Followed []int64
	// Without is the same of people like them who were not there; empty: they are not known, and what
	// contacts would have bought anyway is counted for the event.
	Without []int64
}

// Estimate is a figure with its interval.
type Estimate struct {
	Value float64
	// Interval is Student's, of Welch's degrees of freedom where Without is known. Purchases are
	// skewed, so that of a few dozen people it is rather too narrow.
	Interval survey.Interval
	// Known is false, and the rest 0, where fewer than ten people were followed.
	Known bool
}

// Outcome is what an event came to. Money is in the smallest unit of the currency of the cost.
type Outcome struct {
	Again, Knew survey.Rate
	// CostPerContact is also what a contact must bring for the event to pay.
	CostPerContact float64
	ValuePerContact,
	// ROI is what came back beyond the cost, as a share of it: 0 where it just paid, -1 where nothing
	// came back.
	ROI Estimate
	// Controlled says that what would have been bought anyway is taken off.
	Controlled bool
}

// Outcome does the arithmetic. The error is ErrInvalid, and names every fault.
func (e Event) Outcome() (Outcome, error) {
	if err := e.check(); err != nil {
		return Outcome{}, err
	}
	out := Outcome{Again: survey.NewRate(e.Again.Yes, e.Again.N), Knew: survey.NewRate(e.Knew.Yes, e.Knew.N),
		CostPerContact: float64(e.Cost.Amount) / float64(e.Contacts), Controlled: len(e.Without) > 0}
	out.ValuePerContact = e.value()
	if v := out.ValuePerContact; v.Known {
		roi := func(perContact float64) float64 { return perContact/out.CostPerContact - 1 }
		out.ROI = Estimate{roi(v.Value), survey.Interval{Low: roi(v.Interval.Low), High: roi(v.Interval.High)}, true}
	}
	return out, nil
}

func (e Event) check() error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf("%w: event %q of %d: "+format, append([]any{ErrInvalid, e.Name, e.Year}, args...)...))
		}
	}
	fault(e.Cost.Amount <= 0 || e.Cost.Currency == "", "it cost %s", e.Cost)
	fault(e.Contacts < 1, "%d contacts", e.Contacts)
	fault(int64(len(e.Followed)) > e.Contacts, "%d of %d contacts were followed", len(e.Followed), e.Contacts)
	for _, a := range []Answers{e.Again, e.Knew} {
		fault(a.Yes < 0 || a.N < a.Yes, "%d of %d said yes", a.Yes, a.N)
	}
	return errors.Join(faults...)
}

// value is what a contact brought.
func (e Event) value() Estimate {
	n := float64(len(e.Followed))
	if n < leastFollowed || len(e.Without) > 0 && len(e.Without) < leastFollowed {
		return Estimate{}
	}
	mean, variance := moments(e.Followed)
	if len(e.Without) == 0 { // about these contacts, of whom a part was seen
		se := math.Sqrt(variance / n * (1 - n/float64(e.Contacts)))
		return around(mean, se, n-1)
	}
	m := float64(len(e.Without))
	other, otherVariance := moments(e.Without)
	a, b := variance/n, otherVariance/m
	df := n + m - 2
	if a+b > 0 {
		df = (a + b) * (a + b) / (a*a/(n-1) + b*b/(m-1))
	}
	return around(mean-other, math.Sqrt(a+b), df)
}

func around(value, se, df float64) Estimate {
	half := quantile(df) * se
	return Estimate{value, survey.Interval{Low: value - half, High: value + half}, true}
}

// moments are the mean and the variance of a sample; sorted, so that they do not depend on its order.
func moments(v []int64) (mean, variance float64) {
	v = slices.Sorted(slices.Values(v))
	for _, x := range v {
		mean += float64(x)
	}
	mean /= float64(len(v))
	for _, x := range v {
		variance += (float64(x) - mean) * (float64(x) - mean)
	}
	return mean, variance / float64(len(v)-1)
}

// quantile is the 97.5 % point of Student's t by the expansion of Abramowitz and Stegun (26.7.5), right to
// 0.0001 for 9 degrees of freedom and more.
func quantile(df float64) float64 {
	const z = 1.959963984540054
	const z2 = z * z
	return z * (1 + (z2+1)/4/df + ((5*z2+16)*z2+3)/96/(df*df) + (((3*z2+19)*z2+17)*z2-15)/384/(df*df*df) +
		((((79*z2+776)*z2+1482)*z2-1920)*z2-945)/92160/(df*df*df*df))
}

// Change is how an event was against another, such as that of the year before.
type Change struct {
	// Again and Knew are in percentage points, with the hybrid score interval of Newcombe (1998, method
	// 10); not Known without answers.
	Again, Knew Estimate
	// ValuePerContact and ROI have intervals from those of both events (Zou and Donner 2008).
	ValuePerContact, ROI Estimate
}

// Since returns how the event was against an earlier one. It is ErrInvalid for events whose figures make
// no sense, or whose costs are in different currencies.
func (e Event) Since(earlier Event) (Change, error) {
	is, err := e.Outcome()
	was, other := earlier.Outcome()
	if err = errors.Join(err, other); err != nil {
		return Change{}, err
	}
	if e.Cost.Currency != earlier.Cost.Currency {
		return Change{}, fmt.Errorf("%w: the costs are in %s and %s", ErrInvalid, earlier.Cost.Currency, e.Cost.Currency)
	}
	share := func(r survey.Rate) Estimate { return Estimate{r.Value, r.Interval, r.N > 0} }
	return Change{less(share(is.Again), share(was.Again)), less(share(is.Knew), share(was.Knew)),
		less(is.ValuePerContact, was.ValuePerContact), less(is.ROI, was.ROI)}, nil
}

// less is the difference of two independent figures, from their intervals.
func less(a, b Estimate) Estimate {
	if !a.Known || !b.Known {
		return Estimate{}
	}
	d := a.Value - b.Value
	return Estimate{d, survey.Interval{
		Low:  d - math.Hypot(a.Value-a.Interval.Low, b.Interval.High-b.Value),
		High: d + math.Hypot(a.Interval.High-a.Value, b.Value-b.Interval.Low),
	}, true}
}
