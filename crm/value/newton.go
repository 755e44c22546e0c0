package value

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
)

// maxParams is the largest number of parameters that are estimated at once: four, and two for each of
// maxCovariates.
const maxParams = 4 + 2*maxCovariates

// ErrNoFit is what a Fit function returns that found no stationary point in as many steps as it
// takes at most. It is not known to happen.
var ErrNoFit = errors.New("value: the likelihood has no maximum within reach")

// BoundaryError says that the likelihood grows as parameters go to the end of their range, or does
// not change with them, so that the data do not tell their value: the model that comes with it has
// them where the search ended, and predicts as the data allow.
type BoundaryError struct {
	Model  string
	Params []string // their names in the paper, such as "alpha"
	Values []float64
}

// Error names the parameters and where they went.
func (e *BoundaryError) Error() string {
	var at []string
	for i, p := range e.Params {
		at = append(at, fmt.Sprintf("%s at %.3g", p, e.Values[i]))
	}
	return "value: " + e.Model + ": the data do not tell " + strings.Join(at, ", ")
}

// Estimate is one parameter.
type Estimate struct {
	Name  string  `json:"name"` // as in the paper
	Value float64 `json:"value"`
	// StdErr is the standard error, from the curvature of the likelihood; 0 where the parameter
	// is at a boundary.
	StdErr float64 `json:"std_err"`
}

// Fit says how a model was fitted.
type Fit struct {
	Params        []Estimate `json:"params"`
	Customers     int        `json:"customers"`
	LogLikelihood float64    `json:"loglik"`
	// Gradient is the largest derivative of LogLikelihood by the logarithm of a parameter that is
	// not at a boundary.
	Gradient   float64 `json:"gradient"`
	Iterations int     `json:"iterations"`
	// Covariance is that of the logarithms of Params, and of coefficients of covariates themselves; rows and columns of parameters at a boundary
	// are 0, and so are all where the likelihood has no curvature.
	Covariance [][]float64 `json:"covariance"`
}

// problem is a likelihood of positive parameters and of coefficients, which have any sign.
type problem struct {
	model string
	names []string
	start []float64
	scale []float64 // the unit of each parameter; nil: all 1
	coefs int       // so many of the last are coefficients; they have a scale
	eval  likelihood
}

// likelihood returns the log-likelihood at the parameters and adds its derivatives, which are 0. It
// may return NaN or -Inf, which is out of range.
type likelihood func(at *[maxParams]float64, d *derivatives) float64

// fit maximises the likelihood of a sample. Of a large one it begins where that of a part of it
// is at its maximum, from where few steps are left.
func (p *problem) fit(ctx context.Context, s *Sample, of func(*Sample) likelihood) (at [maxParams]float64, fit Fit, err error) {
	if part := s.part(); part != nil {
		p.eval = of(part)
		if begin, _, err := p.maximise(ctx); err == nil {
			p.start = begin[:len(p.start)]
		}
	}
	p.eval = of(s)
	return p.maximise(ctx)
}

// derivatives are the first and second ones, by the parameters themselves. Of second only the
// lower triangle is used: row >= column.
type derivatives struct {
	first  [maxParams]float64
	second [maxParams][maxParams]float64
}

// reach is how far from its unit a parameter is searched, on both sides; coefReach is how many of its
// units a coefficient may be from 0.
const reach, coefReach = 1e5, 30

// The data tell a parameter if the likelihood falls by told where it is e times as large; a search
// ends that gains less than flat in 20 steps, and one that no step brings further has found all but what is
// untold where less than that is left to gain.
const told, flat, untold = 1e-3, 1e-5, 1e-2

// maximise finds the maximum by Newton's method in the logarithms of the parameters, and in the coefficients, within a box:
// where the likelihood is not concave, by the size of its curvatures in the directions in which
// it has them, damped as Levenberg and Marquardt do.
func (p *problem) maximise(ctx context.Context) (at [maxParams]float64, fit Fit, err error) {
	n := len(p.start)
	positive := n - p.coefs
	var theta, lo, hi, slope [maxParams]float64 // slope is the derivative of a parameter by its theta
	place := func(theta *[maxParams]float64) {
		for i := range n {
			if i < positive {
				at[i] = math.Exp(theta[i])
				slope[i] = at[i]
			} else {
				at[i], slope[i] = theta[i]*p.scale[i], p.scale[i]
			}
		}
	}
	for i := range n {
		if i >= positive {
			lo[i], hi[i], theta[i] = -coefReach, coefReach, p.start[i]/p.scale[i]
			continue
		}
		unit := 1.0
		if p.scale != nil {
			unit = p.scale[i]
		}
		lo[i], hi[i] = math.Log(unit/reach), math.Log(unit*reach)
		theta[i] = math.Log(p.start[i])
	}
	var d derivatives
	eval := func(theta *[maxParams]float64, d *derivatives) float64 {
		place(theta)
		*d = derivatives{}
		ll := p.eval(&at, d)
		// By the logarithms: d/dlog v = v d/dv.
		for i := range n {
			for j := range i + 1 {
				d.second[i][j] *= slope[i] * slope[j]
			}
			d.first[i] *= slope[i]
			if i < positive {
				d.second[i][i] += d.first[i]
			}
		}
		return ll
	}
	ll := eval(&theta, &d)
	if math.IsNaN(ll) || math.IsInf(ll, 0) {
		return at, fit, fmt.Errorf("%w: %s: it is %v where the search begins", ErrNoFit, p.model, ll)
	}
	damping, settled, before := 0.0, 0, ll
	var held [maxParams]bool
	for fit.Iterations = 0; ; fit.Iterations++ {
		if err := ctx.Err(); err != nil {
			return at, fit, err
		}
		// A parameter at an end of the box whose derivative leads outside stays there.
		for i := range n {
			held[i] = theta[i] <= lo[i] && d.first[i] <= 0 || theta[i] >= hi[i] && d.first[i] >= 0
		}
		step, gain := newtonStep(&d, n, &held, damping)
		if gain <= 1e-15*(1+math.Abs(ll)) {
			if settled++; settled > 1 || gain == 0 { // once more: what is left is rounding
				break
			}
		}
		if fit.Iterations%20 == 19 {
			if ll-before < flat { // steps along a ridge that rises by nothing
				break
			}
			before = ll
		}
		if fit.Iterations == 500 {
			return at, fit, fmt.Errorf("%w: %s: %d steps", ErrNoFit, p.model, fit.Iterations)
		}
		var next [maxParams]float64
		longest := 0.0
		for i := range n {
			longest = max(longest, math.Abs(step[i]))
		}
		shorten := 1.0
		if longest > 2 { // a factor of more than 7 at once
			shorten = 2 / longest
		}
		var nd derivatives
		take := func() float64 {
			for i := range n {
				next[i] = min(max(theta[i]+shorten*step[i], lo[i]), hi[i])
			}
			return eval(&next, &nd)
		}
		nll := take()
		// Along a curved ridge a part of the step gains what damping would gain in hundreds.
		for range 4 {
			if nll >= ll || damping > 0 || settled > 0 {
				break
			}
			shorten /= 2
			nll = take()
		}
		switch {
		case nll >= ll-1e-13*math.Abs(ll)*float64(settled):
			theta, ll, d = next, nll, nd
			if damping /= 8; damping < 1e-6 {
				damping = 0
			}
		case settled > 0: // no better point: this is it
			damping = math.Inf(1)
		default:
			damping = max(damping*4, 1e-3)
		}
		if damping > 1e20 {
			break
		}
	}
	place(&theta)
	fit.LogLikelihood = ll
	var bound BoundaryError
	loose := looseParams(&d, n, &held)
	// Where rounding hides what is left to gain, which is less than data can tell, a derivative may stay.
	tolerance := 1e-6 * (1 + math.Abs(ll))
	_, left := newtonStep(&d, n, &held, 0)
	for i := range n {
		e := Estimate{Name: p.names[i], Value: at[i]}
		if theta[i] <= lo[i] || theta[i] >= hi[i] || loose[i] || left < untold && math.Abs(d.first[i]) > tolerance {
			held[i] = true
			bound.Model, bound.Params, bound.Values = p.model, append(bound.Params, e.Name), append(bound.Values, e.Value)
		} else {
			held[i] = false
			fit.Gradient = max(fit.Gradient, math.Abs(d.first[i]))
		}
		fit.Params = append(fit.Params, e)
	}
	cov, _ := covariance(&d, n, &held)
	for i := range n {
		fit.Params[i].StdErr = slope[i] * math.Sqrt(cov[i][i]) // of a parameter from that of its logarithm
		for j := range n {
			if i >= positive {
				cov[i][j] *= p.scale[i]
			}
			if j >= positive {
				cov[i][j] *= p.scale[j]
			}
		}
		fit.Covariance = append(fit.Covariance, cov[i][:n:n])
	}
	if bound.Params != nil {
		return at, fit, &bound
	}
	if fit.Gradient > tolerance {
		return at, fit, fmt.Errorf("%w: %s: a derivative of %.3g is left", ErrNoFit, p.model, fit.Gradient)
	}
	return at, fit, nil
}

// looseParams returns which parameters the likelihood is flat along.
func looseParams(d *derivatives, n int, held *[maxParams]bool) (loose [maxParams]bool) {
	var a [maxParams][maxParams]float64
	for i := range n {
		for j := range i + 1 {
			if !held[i] && !held[j] {
				a[i][j], a[j][i] = d.second[i][j], d.second[i][j]
			}
		}
	}
	vectors := eigen(&a, n)
	for i := range n {
		var along float64
		for j := range n {
			if a[j][j] > -told {
				along += vectors[i][j] * vectors[i][j]
			}
		}
		loose[i] = !held[i] && along > 0.1
	}
	return loose
}

// newtonStep returns the step to the maximum of the quadratic model that has the size of every
// curvature and damping as its curvature, and what it gains.
func newtonStep(d *derivatives, n int, held *[maxParams]bool, damping float64) (step [maxParams]float64, gain float64) {
	var a [maxParams][maxParams]float64
	for i := range n {
		for j := range i + 1 {
			if !held[i] && !held[j] {
				a[i][j], a[j][i] = d.second[i][j], d.second[i][j]
			}
		}
	}
	vectors := eigen(&a, n)
	largest := 0.0
	for i := range n {
		largest = max(largest, math.Abs(a[i][i]))
	}
	for i := range n {
		var along float64
		for k := range n {
			if !held[k] {
				along += vectors[k][i] * d.first[k]
			}
		}
		curvature := max(math.Abs(a[i][i]), 1e-14*largest, math.SmallestNonzeroFloat64*reach) + damping*(1+largest)
		gain += along * along / curvature / 2
		for k := range n {
			if !held[k] {
				step[k] += vectors[k][i] * along / curvature
			}
		}
	}
	return step, gain
}

// eigen makes a symmetric matrix diagonal by Jacobi's rotations, and returns its eigenvectors as
// columns.
func eigen(a *[maxParams][maxParams]float64, n int) (v [maxParams][maxParams]float64) {
	for i := range n {
		v[i][i] = 1
	}
	for range 50 {
		var off, on float64
		for i := range n {
			on += a[i][i] * a[i][i]
			for j := range i {
				off += a[i][j] * a[i][j]
			}
		}
		if off <= 1e-34*on {
			break
		}
		for p := range n {
			for q := p + 1; q < n; q++ {
				if a[p][q] == 0 {
					continue
				}
				theta := (a[q][q] - a[p][p]) / (2 * a[p][q])
				t := 1 / (math.Abs(theta) + math.Hypot(theta, 1))
				if theta < 0 {
					t = -t
				}
				c := 1 / math.Hypot(t, 1)
				s := t * c
				for k := range n {
					a[k][p], a[k][q] = c*a[k][p]-s*a[k][q], s*a[k][p]+c*a[k][q]
				}
				for k := range n {
					a[p][k], a[q][k] = c*a[p][k]-s*a[q][k], s*a[p][k]+c*a[q][k]
				}
				for k := range n {
					v[k][p], v[k][q] = c*v[k][p]-s*v[k][q], s*v[k][p]+c*v[k][q]
				}
			}
		}
	}
	return v
}

// covariance inverts the negative curvature; of parameters that are held it is 0.
func covariance(d *derivatives, n int, held *[maxParams]bool) (cov [maxParams][maxParams]float64, ok bool) {
	var a [maxParams][maxParams]float64
	for i := range n {
		for j := range i + 1 {
			if !held[i] && !held[j] {
				a[i][j] = -d.second[i][j]
			}
		}
		if held[i] {
			a[i][i] = 1
		}
	}
	if !cholesky(&a, n) {
		return cov, false
	}
	for i := range n {
		if held[i] {
			continue
		}
		var unit [maxParams]float64
		unit[i] = 1
		cov[i] = solve(&a, n, unit)
	}
	return cov, true
}

// cholesky replaces the lower triangle by its root, if it is positive definite.
func cholesky(a *[maxParams][maxParams]float64, n int) bool {
	for j := range n {
		v := a[j][j]
		for k := range j {
			v -= a[j][k] * a[j][k]
		}
		if !(v > 1e-14*math.Abs(a[j][j])) || math.IsInf(v, 0) {
			return false
		}
		a[j][j] = math.Sqrt(v)
		for i := j + 1; i < n; i++ {
			w := a[i][j]
			for k := range j {
				w -= a[i][k] * a[j][k]
			}
			a[i][j] = w / a[j][j]
		}
	}
	return true
}

// solve returns x of a·aᵀ·x = b.
func solve(a *[maxParams][maxParams]float64, n int, b [maxParams]float64) [maxParams]float64 {
	for i := range n {
		for k := range i {
			b[i] -= a[i][k] * b[k]
		}
		b[i] /= a[i][i]
	}
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			b[i] -= a[k][i] * b[k]
		}
		b[i] /= a[i][i]
	}
	return b
}
