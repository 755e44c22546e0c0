package value

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Bought is what a customer paid on a day, in minor units; below 0 for what came back. Days are counted from any
// day that is the same for all.
type Bought struct {
	Day    int
	Amount int64
}

// History is what a customer bought, and the complaint that he had.
type History struct {
	Bought []Bought // in any order
	// Raised and Solved are the days of the complaint. They are not read of customers without one.
	Raised, Solved int
}

// RecoveryOptions say what Recover compares. The zero value but for Until works.
type RecoveryOptions struct {
	// Until is the last day of which everything is known.
	Until int
	// Length is how many days the model's unit of time has; 0 means 7.
	Length float64
	// Within are the numbers of days after the solution within which customers return; nil means 30, 60 and 90.
	Within []int
	// Window is how many days before the complaint and after its solution spending is compared in, and after how many
	// P(alive) is; 0 means 90.
	Window int
	// Matches is how many customers without complaint each is compared with, 1 to 20; 0 means 1.
	Matches int
	// Far is how unlike they may be: the root of the mean square distance in standard deviations of the logarithms of
	// repeats, days since the last purchase, age and spending within Window before. 0 means 0.5.
	Far float64
	// Randomised says that a lot decided who is among the complaints and who among the others, such as which of those who
	// complained got a gift. The others then have complaints of their own, whose days are read.
	Randomised bool
}

// recoveryVersion names what Recover does; it changes where the same input comes to other figures.
const recoveryVersion = "recovery-1"

// Recovery is whether customers came back after their complaints were solved, beside customers like them who had none.
type Recovery struct {
	Version string `json:"version"`
	// Causal says that a lot decided who is compared with whom. Without it the figures say how much less those who
	// complained buy than those like them, which may have other causes than the complaint.
	Causal bool `json:"causal"`
	// Complaints are those that were given. Unmatched have bought nothing before, or no other customer is like them: no figure
	// counts them.
	Complaints int `json:"complaints"`
	Unmatched  int `json:"unmatched"`
	// Returned are the shares that bought again, by days. The intervals are those of Wilson 1927, of the difference that of
	// Newcombe 1998, which is wide where those who are matched do alike.
	Returned []Returned `json:"returned"`
	// Spent is what was spent within the window after the solution over what was before the complaint. It is nil where
	// fewer than two are known so long, or one of the four sums is not above 0.
	Spent *Compared `json:"spent,omitempty"`
	// GivenUp is the degree of giving up: 0 where the two ratios of Spent are equal, 1 where those who complained
	// buy nothing more, below 0 where they buy more than the others: 1 minus the one ratio over the other.
	GivenUp *Interval `json:"given_up,omitempty"`
	// Alive is by how much P(alive) changed from the complaint until the end of the window, in points: it falls more
	// slowly than customers leave, because a model is not sure before some purchases are missing. Nil for fewer than two.
	Alive *Compared `json:"alive,omitempty"`
}

// Compared is a figure of those who complained beside that of those like them; intervals are at 95 %.
type Compared struct {
	N          int      `json:"n"` // complaints; the others are Matches times as many
	Complaints Interval `json:"complaints"`
	Matched    Interval `json:"matched"`
	Difference Interval `json:"difference"` // Complaints minus Matched
}

// Returned is the share that bought within so many days after the solution, of complaints solved as long ago.
type Returned struct {
	Days int `json:"days"`
	Compared
}

const z95 = 1.959963984540054

func (o RecoveryOptions) withDefaults() (RecoveryOptions, error) {
	o.Length, o.Window = cmp.Or(o.Length, 7), cmp.Or(o.Window, 90)
	o.Matches, o.Far = cmp.Or(o.Matches, 1), cmp.Or(o.Far, 0.5)
	if o.Within == nil {
		o.Within = []int{30, 60, 90}
	}
	fault := func(field string, v any, want string) error {
		return fmt.Errorf("%w: RecoveryOptions.%s is %v, not %s", ErrData, field, v, want)
	}
	switch {
	case o.Until < -maxDay || o.Until > maxDay:
		return o, fault("Until", o.Until, "a day within a million years")
	case !(o.Length > 0) || math.IsInf(o.Length, 0):
		return o, fault("Length", o.Length, "above 0")
	case o.Window < 1 || o.Window > maxDay:
		return o, fault("Window", o.Window, "1 day or more")
	case o.Matches < 1 || o.Matches > 20:
		return o, fault("Matches", o.Matches, "from 1 to 20")
	case !(o.Far > 0):
		return o, fault("Far", o.Far, "above 0")
	}
	for _, d := range o.Within {
		if d < 1 || d > maxDay {
			return o, fault("Within", o.Within, "1 day or more each")
		}
	}
	return o, nil
}

// maxDay bounds days, and maxAmount what is paid on one, so that no sum of them overflows.
const maxDay, maxAmount = 1 << 28, 1 << 40

// Recover says whether customers came back after complaints, all solved, and compares each with customers out of the
// others, who had none: those who at the day of the complaint had bought as often, as lately, for as long and for
// as much. None of the others is compared with two, so that the pairs are independent; many others are needed. A purchase on
// the day of the solution does not count as a return. m is fitted to all customers. Its time grows with the
// product of the numbers of complaints and others. The result is the same in any order of either.
//
// The error is a *DataError with the number of the complaint, or of the other with "others" as its field, or an ErrData
// about the options.
func Recover(m Model, complaints, others []History, o RecoveryOptions) (Recovery, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Recovery{}, err
	}
	r := Recovery{Version: recoveryVersion, Causal: o.Randomised, Complaints: len(complaints)}
	treated, err := pasts(complaints, o, true)
	if err != nil {
		return Recovery{}, err
	}
	controls, err := pasts(others, o, o.Randomised)
	if err != nil {
		return Recovery{}, err
	}
	treated = slices.DeleteFunc(treated, func(p *past) bool { _, ok := p.like(p.Raised, o.Window); return !ok })
	var pairs []pair
	for i, of := range match(treated, controls, o) {
		if of != nil {
			pairs = append(pairs, pair{treated[i], of})
		}
	}
	r.Unmatched = len(complaints) - len(pairs)
	for _, days := range o.Within {
		r.Returned = append(r.Returned, returned(pairs, days, o))
	}
	r.follow(m, pairs, o)
	return r, nil
}

// pair is a complaint and those it is compared with.
type pair struct {
	own *past
	of  []*past
}

// solved returns when what the other is compared from was solved.
func (p pair) solved(other *past, o RecoveryOptions) (raised, solved int) {
	if o.Randomised {
		return other.Raised, other.Solved
	}
	return p.own.Raised, p.own.Solved
}

// known reports whether everything is known of the days after the solution.
func (p pair) known(days int, o RecoveryOptions) bool {
	for _, other := range p.of {
		if _, solved := p.solved(other, o); solved+days > o.Until {
			return false
		}
	}
	return p.own.Solved+days <= o.Until
}

// returned counts who bought again.
func returned(pairs []pair, days int, o RecoveryOptions) Returned {
	var own, matched int
	out := Returned{Days: days}
	for _, p := range pairs {
		if !p.known(days, o) {
			continue
		}
		out.N++
		if p.own.bought(p.own.Solved, days) {
			own++
		}
		for _, other := range p.of {
			if _, solved := p.solved(other, o); other.bought(solved, days) {
				matched++
			}
		}
	}
	out.Complaints, out.Matched = wilson(own, out.N), wilson(matched, out.N*o.Matches)
	a, b := out.Complaints, out.Matched
	d := a.Expected - b.Expected
	out.Difference = Interval{d, d - math.Hypot(a.Expected-a.Low, b.High-b.Expected), d + math.Hypot(a.High-a.Expected, b.Expected-b.Low)}
	return out
}

// wilson returns a share with its interval at 95 %; of nothing it is anything from 0 to 1.
func wilson(k, of int) Interval {
	if of == 0 {
		return Interval{0, 0, 1}
	}
	n := float64(of)
	p := float64(k) / n
	mid, half := p+z95*z95/(2*n), z95*math.Sqrt(p*(1-p)/n+z95*z95/(4*n*n))
	return Interval{p, min(p, max(0, (mid-half)/(1+z95*z95/n))), max(p, min(1, (mid+half)/(1+z95*z95/n)))}
}

// follow compares spending and P(alive) before and after.
func (r *Recovery) follow(m Model, pairs []pair, o RecoveryOptions) {
	var spent, alive [4][]float64 // before and after of those who complained, before and after of the others
	for _, p := range pairs {
		if !p.known(o.Window, o) {
			continue
		}
		var s, a [4]float64
		s[0], s[1] = p.own.around(p.own.Raised, p.own.Solved, o.Window)
		a[0], a[1] = m.Alive(p.own.purchases(p.own.Raised, o.Length)), m.Alive(p.own.purchases(p.own.Solved+o.Window, o.Length))
		for _, other := range p.of {
			raised, solved := p.solved(other, o)
			before, after := other.around(raised, solved, o.Window)
			s[2], s[3] = s[2]+before, s[3]+after
			a[2] += m.Alive(other.purchases(raised, o.Length))
			a[3] += m.Alive(other.purchases(solved+o.Window, o.Length))
		}
		for i := range 4 {
			if i > 1 {
				s[i], a[i] = s[i]/float64(len(p.of)), a[i]/float64(len(p.of))
			}
			spent[i], alive[i] = append(spent[i], s[i]), append(alive[i], a[i])
		}
	}
	n := len(spent[0])
	if n < 2 {
		return
	}
	change := func(i int) float64 { return alive[1][i] - alive[0][i] }
	matched := func(i int) float64 { return alive[3][i] - alive[2][i] }
	r.Alive = &Compared{N: n, Complaints: meanOf(n, change), Matched: meanOf(n, matched), Difference: meanOf(n, func(i int) float64 { return change(i) - matched(i) })}
	var mean [4]float64
	for i := range mean {
		if mean[i] = meanOf(n, func(j int) float64 { return spent[i][j] }).Expected; mean[i] <= 0 {
			return
		}
	}
	own, other := mean[1]/mean[0], mean[3]/mean[2]
	// How much each customer moves the logarithm of a ratio of sums: its mean is 0, its variance that of the ratio.
	move := func(from, i int) float64 { return spent[from+1][i]/mean[from+1] - spent[from][i]/mean[from] }
	around := func(at float64, f func(i int) float64) Interval {
		m := meanOf(n, f)
		half := (m.High - m.Low) / 2
		return Interval{at, at - half, at + half}
	}
	factor := func(at float64, f func(i int) float64) Interval {
		m := around(math.Log(at), f)
		return Interval{at, math.Exp(m.Low), math.Exp(m.High)}
	}
	r.Spent = &Compared{
		N:          n,
		Complaints: factor(own, func(i int) float64 { return move(0, i) }),
		Matched:    factor(other, func(i int) float64 { return move(2, i) }),
		Difference: around(own-other, func(i int) float64 { return own*move(0, i) - other*move(2, i) }),
	}
	both := factor(own/other, func(i int) float64 { return move(0, i) - move(2, i) })
	r.GivenUp = &Interval{1 - both.Expected, 1 - both.High, 1 - both.Low}
}

// meanOf returns a mean of n >= 2 with the interval of a normal mean at 95 %.
func meanOf(n int, f func(i int) float64) Interval {
	var mean, squares float64
	for i := range n {
		mean += f(i)
	}
	mean /= float64(n)
	for i := range n {
		off := f(i) - mean
		squares += float64(off * off)
	}
	half := z95 * math.Sqrt(squares/float64(n-1)/float64(n))
	return Interval{mean, mean - half, mean + half}
}
