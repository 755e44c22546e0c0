package mystery

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/vefacrm/vefa/survey"
)

// ErrTooFew is wrapped by the error of Compare for fewer places than it takes: of four, even those
// that agree entirely agree by chance in one of twelve cases.
var ErrTooFew = errors.New("survey/mystery: too few places to compare")

// ErrAlike is wrapped by the error of Compare where all places have the same value, which have no order.
var ErrAlike = errors.New("survey/mystery: all places are alike")

const (
	leastPlaces  = 5
	exactPlaces  = 9 // of which all orders are tried, 362,880
	permutations = 20_000
)

// Pair is a place as shoppers and as customers see it.
type Pair struct {
	Place string
	// Shoppers is what its visits came to, such as Store.Value; of no visits leave the place out.
	Shoppers float64
	// Customers is what its customers' answers came to, such as survey.Result.Value, of Answers.
	Customers float64
	Answers   int64
}

// Agreement says how far two orders of places agree.
type Agreement struct {
	Places int
	Left   []string // places that were left out, for too few answers, sorted
	// Rho is Spearman's rank correlation, -1 to 1; equal values share their mean rank.
	Rho float64
	// Interval is that of Rho at 95 %, by Fisher's z with the error of Bonett and Wright (2000).
	Interval survey.Interval
	// P is the two-sided p value of no connection: of all orders of up to 9 places, else of 20,000 drawn
	// ones, always the same, and then at least 1 in 20,001 (Phipson and Smyth 2010).
	P     float64
	Exact bool
}

// Compare says whether the places that shoppers find good are those that customers do. Places with fewer
// answers than least are left out; 0 means 5. It is ErrTooFew for fewer than five places, ErrAlike
// where shoppers or customers see no difference, and ErrInvalid for a value that is no number or a place
// that is there twice.
func Compare(pairs []Pair, least int64) (Agreement, error) {
	if least <= 0 {
		least = 5
	}
	var out Agreement
	all := slices.Clone(pairs)
	slices.SortFunc(all, func(a, b Pair) int { return cmp.Compare(a.Place, b.Place) })
	var x, y []float64
	for i, p := range all {
		if math.IsNaN(p.Shoppers) || math.IsInf(p.Shoppers, 0) || math.IsNaN(p.Customers) || math.IsInf(p.Customers, 0) || i > 0 && all[i-1].Place == p.Place {
			return out, fmt.Errorf("%w: place %q is there twice, or has no numbers", ErrInvalid, p.Place)
		}
		if p.Answers < least {
			out.Left = append(out.Left, p.Place)
			continue
		}
		x, y = append(x, p.Shoppers), append(y, p.Customers)
	}
	if out.Places = len(x); out.Places < leastPlaces {
		return out, fmt.Errorf("%w: %d, at least %d are needed", ErrTooFew, out.Places, leastPlaces)
	}
	// Twice the ranks less their mean: whole numbers, whose sums of products are exact.
	a, b := ranks(x), ranks(y)
	va, vb := dot(a, a), dot(b, b)
	if va == 0 || vb == 0 {
		return out, fmt.Errorf("%w: %d of them", ErrAlike, out.Places)
	}
	is := dot(a, b)
	out.Rho = max(-1, min(1, float64(is)/math.Sqrt(float64(va)*float64(vb))))
	out.Interval = around(out.Rho, out.Places)
	out.P, out.Exact = chance(a, b, is)
	return out, nil
}

// ranks returns twice the rank of each value less n+1, equal ones sharing their mean.
func ranks(v []float64) []int64 {
	order := make([]int, len(v))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(v[i], v[j]) })
	out := make([]int64, len(v))
	for lo := 0; lo < len(v); {
		hi := lo
		for hi < len(v) && v[order[hi]] == v[order[lo]] {
			hi++
		}
		for _, i := range order[lo:hi] {
			out[i] = int64(lo+hi+1) - int64(len(v)+1) // the ranks lo+1 to hi
		}
		lo = hi
	}
	return out
}

func dot(a, b []int64) (sum int64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// around is the interval of a rank correlation of n places. That of an entire agreement ends at it.
func around(rho float64, n int) survey.Interval {
	if math.Abs(rho) == 1 { // where Fisher's z has no end: as if one pair of neighbours were in disorder
		near := 1 - 12/(float64(n)*(float64(n)*float64(n)-1))
		i := around(math.Copysign(near, rho), n)
		if rho > 0 {
			return survey.Interval{Low: i.Low, High: 1}
		}
		return survey.Interval{Low: -1, High: i.High}
	}
	half := z95 * math.Sqrt((1+rho*rho/2)/float64(n-3))
	z := math.Atanh(rho)
	return survey.Interval{Low: math.Tanh(z - half), High: math.Tanh(z + half)}
}

// chance is the share of orders of b that agree, or disagree, with a at least as much.
func chance(a, b []int64, is int64) (p float64, exact bool) {
	is = max(is, -is)
	b = slices.Clone(b)
	if n := len(a); n > exactPlaces {
		r := rand.New(rand.NewPCG(uint64(n), 1))
		hits := 1
		for range permutations {
			r.Shuffle(n, func(i, j int) { b[i], b[j] = b[j], b[i] })
			if s := dot(a, b); s >= is || -s >= is {
				hits++
			}
		}
		return float64(hits) / (permutations + 1), false
	}
	hits, all := 0, 0
	var try func(k int, sum int64)
	try = func(k int, sum int64) {
		if k == len(b) {
			if all++; sum >= is || -sum >= is {
				hits++
			}
			return
		}
		for i := k; i < len(b); i++ {
			b[k], b[i] = b[i], b[k]
			try(k+1, sum+a[k]*b[k])
			b[k], b[i] = b[i], b[k]
		}
	}
	try(0, 0)
	return float64(hits) / float64(all), true
}
