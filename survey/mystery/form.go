package mystery

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/vefacrm/vefa/survey"
)

// ErrInvalid is wrapped by the errors about criteria, visits and schedules that make no sense.
var ErrInvalid = errors.New("survey/mystery: invalid")

// Criterion is something that a visit passes or fails, such as "staff greeted with a smile".
type Criterion struct {
	Name string // unique in its form
	// Pass is an expression over the answers that holds where it is passed, such as "{smile} = true";
	// see survey.Definition.Condition.
	Pass string
	// Applies is an expression that holds where the criterion can be judged, such as "{smile} notempty".
	// A visit of which it does not hold neither passes nor fails. Empty: always.
	Applies string
	// Weight is above 0; 0 means 1.
	Weight float64
	// Critical fails the whole visit where the criterion is failed.
	Critical bool
	// KPI is the store's figure that it counts for, such as "greeting"; empty: none.
	KPI string
}

// Form is a definition's criteria. It is safe for concurrent use.
type Form struct {
	criteria []Criterion
	pass     []*survey.Condition
	applies  []*survey.Condition // nil: always
}

// New compiles criteria. It reports every fault, joined, as ErrInvalid.
func New(def *survey.Definition, criteria ...Criterion) (*Form, error) {
	if def == nil || len(criteria) == 0 {
		return nil, fmt.Errorf("%w: a form needs a definition and criteria", ErrInvalid)
	}
	f := &Form{criteria: slices.Clone(criteria), pass: make([]*survey.Condition, len(criteria)), applies: make([]*survey.Condition, len(criteria))}
	var faults []error
	seen := map[string]bool{}
	for i := range f.criteria {
		c := &f.criteria[i]
		fault := func(format string, args ...any) {
			faults = append(faults, fmt.Errorf("%w: criterion %d %q: "+format, append([]any{ErrInvalid, i, c.Name}, args...)...))
		}
		if c.Name == "" || seen[c.Name] {
			fault("its name is empty or there twice")
		}
		seen[c.Name] = true
		if c.Weight == 0 {
			c.Weight = 1
		}
		if !(c.Weight > 0) || c.Weight > 1e6 {
			fault("its weight is %v, not above 0 and at most 1e6", c.Weight)
		}
		var err error
		if f.pass[i], err = def.Condition(c.Pass); err != nil {
			fault("pass: %w", err)
		}
		if c.Applies == "" {
			continue
		}
		if f.applies[i], err = def.Condition(c.Applies); err != nil {
			fault("applies: %w", err)
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return f, nil
}

// Visit is what a shopper noted.
type Visit struct {
	Place    string
	At       time.Time
	Response survey.Response
}

// Score is what a visit, or all visits of a place, came to.
type Score struct {
	// Passed of Judged criteria; those that do not apply are in neither.
	Passed, Judged int
	// Value is the weighted share of criteria passed, 0 to 1; 0 and nothing said where none was judged.
	Value float64
	// Interval is that of Value at 95 %: Wilson's, with as many criteria as their weights are worth
	// (Kish 1965: the square of the sum of weights by the sum of their squares). It is 0 to 1 where none
	// was judged.
	Interval survey.Interval
	// Failed are the names of the criteria that were failed, Critical those of them that fail the visit, in
	// the order of the form.
	Failed, Critical []string
}

// Fails reports whether the visit is failed, whatever its Value.
func (s Score) Fails() bool { return len(s.Critical) > 0 }

// Score scores a visit. The answers are of survey.Definition.Check or a Session.
func (f *Form) Score(v Visit) Score {
	var t weights
	var s Score
	f.judge(v, func(c *Criterion, pass bool) {
		t.add(c.Weight, pass)
		if pass {
			return
		}
		if s.Failed = append(s.Failed, c.Name); c.Critical {
			s.Critical = append(s.Critical, c.Name)
		}
	})
	s.Passed, s.Judged, s.Value, s.Interval = t.passed, t.n, t.value(), t.interval()
	return s
}

// judge calls do for each criterion that applies to a visit.
func (f *Form) judge(v Visit, do func(c *Criterion, pass bool)) {
	for i := range f.criteria {
		if f.applies[i] == nil || f.applies[i].Holds(v.Response, v.At) {
			do(&f.criteria[i], f.pass[i].Holds(v.Response, v.At))
		}
	}
}

// Store is what the visits of a place came to.
type Store struct {
	Place string
	// Visits counts those that judged something; Failed of them failed a critical criterion.
	Visits int64
	Failed survey.Rate
	// Value is the mean of the visits' values, 0 to 1.
	Value float64
	// KPIs are the shares of criteria passed by Criterion.KPI, in percent, over all visits.
	KPIs map[string]survey.Rate
}

// Stores sums visits up by place, sorted by place. Visits that judged nothing are left out.
func (f *Form) Stores(visits ...Visit) []Store {
	type sums struct {
		visits, failed int64
		values         []float64
		passed, judged map[string]int64
	}
	all := map[string]*sums{}
	var places []string
	for _, v := range visits {
		s := f.Score(v)
		if s.Judged == 0 {
			continue
		}
		x := all[v.Place]
		if x == nil {
			x = &sums{passed: map[string]int64{}, judged: map[string]int64{}}
			all[v.Place], places = x, append(places, v.Place)
		}
		x.visits++
		x.values = append(x.values, s.Value)
		if s.Fails() {
			x.failed++
		}
		f.judge(v, func(c *Criterion, pass bool) {
			if c.KPI == "" {
				return
			}
			if x.judged[c.KPI]++; pass {
				x.passed[c.KPI]++
			}
		})
	}
	slices.Sort(places)
	out := make([]Store, len(places))
	for i, place := range places {
		x := all[place]
		slices.Sort(x.values) // so that the sum is the same whatever the order
		out[i] = Store{Place: place, Visits: x.visits, Failed: survey.NewRate(x.failed, x.visits), KPIs: map[string]survey.Rate{}}
		for _, v := range x.values {
			out[i].Value += v / float64(x.visits)
		}
		for kpi, n := range x.judged {
			out[i].KPIs[kpi] = survey.NewRate(x.passed[kpi], n)
		}
	}
	return out
}

// weights sums up weighted criteria.
type weights struct {
	passed, n         int
	sum, squares, yes float64
}

func (t *weights) add(w float64, pass bool) {
	t.n++
	t.sum += w
	t.squares += w * w
	if pass {
		t.passed++
		t.yes += w
	}
}

func (t *weights) value() float64 {
	switch t.passed {
	case 0:
		return 0
	case t.n:
		return 1 // which the sums may miss
	}
	return t.yes / t.sum
}

// interval is Wilson's (1927) of value, of the effective number of criteria.
func (t *weights) interval() survey.Interval {
	if t.n == 0 {
		return survey.Interval{Low: 0, High: 1}
	}
	const z2 = z95 * z95
	n, p := t.sum*t.sum/t.squares, t.value()
	centre := (p + z2/(2*n)) / (1 + z2/n)
	half := z95 / (1 + z2/n) * math.Sqrt(p*(1-p)/n+z2/(4*n*n))
	out := survey.Interval{Low: max(centre-half, 0), High: min(centre+half, 1)}
	if p == 0 {
		out.Low = 0
	}
	if p == 1 {
		out.High = 1
	}
	return out
}

// z95 is the two-sided 95 % point of the normal distribution.
const z95 = 1.959963984540054
