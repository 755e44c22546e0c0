package value

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
)

// maxCovariates is how many covariates customers may have.
const maxCovariates = 6

// Covariates is customers with what else is known of each, in numbers that do not change: 1 for members
// of the club and 0 for others, years of age more than 40. They are best near 0: what is said of R, Alpha and
// so on is said of customers with zeros. It is immutable.
type Covariates struct {
	names  []string
	groups []covariateGroup // sorted by z
	n      int
	spread []float64 // the standard deviation of each; 1 where it is 0
}

// covariateGroup is customers who are alike in covariates.
type covariateGroup struct {
	z []float64
	s *Sample
}

// CondenseCovariates returns customers with their covariates, which are called by names, 1 to 6. The error
// is a *DataError with the number of the customer, or an ErrData about the names; no customers are an
// error, too. What the sequence yields may change after each.
func CondenseCovariates(names []string, customers iter.Seq2[Purchases, []float64]) (*Covariates, error) {
	if len(names) < 1 || len(names) > maxCovariates {
		return nil, fmt.Errorf("%w: %d covariates, not 1 to %d", ErrData, len(names), maxCovariates)
	}
	for i, name := range names {
		if name == "" || slices.Contains(names[:i], name) {
			return nil, fmt.Errorf("%w: the name %q of a covariate is empty or there twice", ErrData, name)
		}
	}
	alike := map[[maxCovariates]float64][]Purchases{}
	row := 0
	for p, z := range customers {
		fault := p.fault()
		if fault == nil && len(z) != len(names) {
			fault = &DataError{Field: "covariates", Reason: fmt.Sprintf("are %d, not %d", len(z), len(names))}
		}
		var key [maxCovariates]float64
		for i, v := range z {
			if fault == nil && !(math.Abs(v) <= 1e6) {
				fault = &DataError{Field: names[i], Reason: fmt.Sprintf("is %v, not within a million of 0", v)}
			}
			if fault == nil {
				key[i] = v + 0 // -0 is 0
			}
		}
		if fault != nil {
			fault.Row = row
			return nil, fault
		}
		alike[key] = append(alike[key], p)
		row++
	}
	c := &Covariates{names: slices.Clone(names), n: row, spread: make([]float64, len(names))}
	for key, all := range alike {
		s, err := Condense(slices.Values(all))
		if err != nil {
			return nil, err
		}
		c.groups = append(c.groups, covariateGroup{slices.Clone(key[:len(names)]), s})
	}
	if len(c.groups) == 0 {
		return nil, fmt.Errorf("%w: no customers", ErrData)
	}
	slices.SortFunc(c.groups, func(a, b covariateGroup) int { return slices.Compare(a.z, b.z) })
	for i := range names {
		var sum, squares float64
		for _, g := range c.groups {
			sum += g.s.n * g.z[i]
		}
		for _, g := range c.groups {
			off := g.z[i] - sum/float64(c.n)
			squares += g.s.n * off * off
		}
		if c.spread[i] = math.Sqrt(squares / float64(c.n)); c.spread[i] == 0 {
			c.spread[i] = 1
		}
	}
	return c, nil
}

// Customers returns how many there are.
func (c *Covariates) Customers() int { return c.n }

// pooled returns the customers without their covariates.
func (c *Covariates) pooled() (*Sample, error) {
	return CondenseCounted(func(yield func(Purchases, int) bool) {
		for _, g := range c.groups {
			for p, n := range g.s.All() {
				if !yield(p, n) {
					return
				}
			}
		}
	})
}

// Effects are the coefficients of covariates, in the order of Names: customers whose covariates are z
// buy and leave as Fader and Hardie, "Incorporating time-invariant covariates into the Pareto/NBD and
// BG/NBD models" (2007), and CLVTools have it.
type Effects struct {
	Names []string `json:"names"`
	// Buying are those of the rate of buying, which is e^(Buying·z) times as large. CLVTools calls them trans.
	Buying []float64 `json:"buying"`
	// Leaving are those of leaving; see the model. CLVTools calls them life.
	Leaving []float64 `json:"leaving"`
}

// factors returns e^(Buying·z) and e^(Leaving·z).
func (e Effects) factors(z []float64) (buying, leaving float64, err error) {
	if len(z) != len(e.Buying) || len(z) != len(e.Leaving) {
		return 0, 0, fmt.Errorf("%w: %d covariates, not %d", ErrData, len(z), len(e.Names))
	}
	for i, v := range z {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return 0, 0, fmt.Errorf("%w: the covariate %q is %v", ErrData, e.Names[i], v)
		}
		buying += e.Buying[i] * v
		leaving += e.Leaving[i] * v
	}
	return math.Exp(buying), math.Exp(leaving), nil
}

// ParetoNBDEffects is Pareto/NBD with covariates. The rate of leaving is e^(Leaving·z) times as large.
type ParetoNBDEffects struct {
	Base ParetoNBD `json:"base"` // of customers whose covariates are all 0
	Effects
}

// Of returns the model of customers with covariates. The error is an ErrData about these.
func (m ParetoNBDEffects) Of(z []float64) (ParetoNBD, error) {
	buying, leaving, err := m.factors(z)
	return ParetoNBD{m.Base.R, m.Base.Alpha / buying, m.Base.S, m.Base.Beta / leaving}, err
}

// BGNBDEffects is BG/NBD with covariates. A and B are both e^(Leaving·z) times as large, as CLVTools has
// it: the mean probability of leaving stays, and customers differ less in it.
type BGNBDEffects struct {
	Base BGNBD `json:"base"` // of customers whose covariates are all 0
	Effects
}

// Of returns the model of customers with covariates. The error is an ErrData about these.
func (m BGNBDEffects) Of(z []float64) (BGNBD, error) {
	buying, leaving, err := m.factors(z)
	return BGNBD{m.Base.R, m.Base.Alpha / buying, m.Base.A * leaving, m.Base.B * leaving}, err
}

// FitParetoNBDEffects estimates the model by maximum likelihood. With a *BoundaryError, as where a covariate is
// the same for all or customers with it never came back, the model is usable. Coefficients are called
// by the covariate with "trans." or "life." before it, as CLVTools does.
func FitParetoNBDEffects(ctx context.Context, c *Covariates) (ParetoNBDEffects, Fit, error) {
	p := problem{model: "Pareto/NBD", names: []string{"r", "alpha", "s", "beta"}}
	at, e, fit, err := c.fit(ctx, p, paretoNBD, moves{buying: [4]float64{1: -1}, leaving: [4]float64{3: -1}}, func(s *Sample) ([]float64, error) {
		m, _, err := FitParetoNBD(ctx, s)
		return []float64{m.R, m.Alpha, m.S, m.Beta}, err
	})
	return ParetoNBDEffects{ParetoNBD{at[0], at[1], at[2], at[3]}, e}, fit, err
}

// FitBGNBDEffects estimates the model by maximum likelihood, as FitParetoNBDEffects does.
func FitBGNBDEffects(ctx context.Context, c *Covariates) (BGNBDEffects, Fit, error) {
	p := problem{model: "BG/NBD", names: betaNames}
	at, e, fit, err := c.fit(ctx, p, func(s *Sample) likelihood { return betaGeometric(s, 0) }, moves{buying: [4]float64{1: -1}, leaving: [4]float64{2: 1, 3: 1}}, func(s *Sample) ([]float64, error) {
		m, _, err := FitBGNBD(ctx, s)
		return []float64{m.R, m.Alpha, m.A, m.B}, err
	})
	return BGNBDEffects{BGNBD{at[0], at[1], at[2], at[3]}, e}, fit, err
}

// moves says by how much the logarithm of each parameter of a model moves with Buying·z and with Leaving·z.
type moves struct{ buying, leaving [4]float64 }

// fit maximises the likelihood of a model, beginning where that of customers without covariates is largest.
func (c *Covariates) fit(ctx context.Context, p problem, of func(*Sample) likelihood, m moves, begin func(*Sample) ([]float64, error)) (at [maxParams]float64, e Effects, fit Fit, err error) {
	pooled, err := c.pooled()
	if err != nil {
		return at, e, fit, err
	}
	start, err := begin(pooled)
	if bound := (*BoundaryError)(nil); err != nil && !errors.As(err, &bound) {
		return at, e, fit, err
	}
	unit := pooled.unit()
	k := len(c.names)
	p.coefs = 2 * k
	p.names = slices.Clone(p.names)
	p.scale = []float64{1, unit, 1, 1}
	if m.leaving[3] < 0 { // β is a time, too
		p.scale[3] = unit
	}
	for _, prefix := range []string{"trans.", "life."} {
		for i, name := range c.names {
			p.names, p.scale = append(p.names, prefix+name), append(p.scale, 1/c.spread[i])
		}
	}
	p.start = append(start, make([]float64, p.coefs)...)
	p.eval = c.likelihood(of, m)
	at, fit, err = p.maximise(ctx)
	fit.Customers = c.n
	e = Effects{slices.Clone(c.names), slices.Clone(at[4 : 4+k]), slices.Clone(at[4+k : 4+2*k])}
	return at, e, fit, err
}

// likelihood returns that of all groups. Each is that of a model whose parameters are the logarithms of
// the base's, moved by a sum over the coefficients, so that its derivatives by them are those by the logarithms times
// the covariates.
func (c *Covariates) likelihood(of func(*Sample) likelihood, m moves) likelihood {
	k := len(c.names)
	n := 4 + 2*k
	each := make([]likelihood, len(c.groups))
	for i, g := range c.groups {
		each[i] = of(g.s)
	}
	return func(at *[maxParams]float64, d *derivatives) float64 {
		var ll float64
		var first [maxParams]float64             // by the logarithms of the base's, and the coefficients
		var second [maxParams][maxParams]float64 // lower triangle
		for i, g := range c.groups {
			var by [4][maxParams]float64 // of the logarithm of each parameter
			var own [maxParams]float64
			for p := range 4 {
				by[p][p] = 1
				move := 0.0
				for q, z := range g.z {
					by[p][4+q], by[p][4+k+q] = m.buying[p]*z, m.leaving[p]*z
					move += float64(by[p][4+q]*at[4+q]) + float64(by[p][4+k+q]*at[4+k+q])
				}
				own[p] = at[p] * math.Exp(move)
			}
			var one derivatives
			ll += each[i](&own, &one)
			for p := range 4 {
				g1 := one.first[p] * own[p]
				for a := range n {
					first[a] += by[p][a] * g1
				}
				for q := range p + 1 {
					h := one.second[p][q] * own[p] * own[q]
					if p == q {
						h += g1
					}
					for a := range n {
						for b := range a + 1 {
							w := by[p][a] * by[q][b]
							if p != q {
								w += by[q][a] * by[p][b]
							}
							second[a][b] += w * h
						}
					}
				}
			}
		}
		// By the base's parameters themselves, as maximise has them.
		for a := range n {
			ia := 1.0
			if a < 4 {
				second[a][a] -= first[a]
				ia = 1 / at[a]
			}
			d.first[a] += first[a] * ia
			for b := range a + 1 {
				ib := 1.0
				if b < 4 {
					ib = 1 / at[b]
				}
				d.second[a][b] += second[a][b] * ia * ib
			}
		}
		return ll
	}
}
