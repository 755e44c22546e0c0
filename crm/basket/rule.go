package basket

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/vefacrm/vefa/internal/pvalue"
)

// Options say which rules are looked for. The zero value looks at everything that was bought
// together twice.
type Options struct {
	// Least is in how many baskets both must be; 0 means 2.
	Least int
	// Lift leaves out rules with less, such as 1 for those that are bought together less often than chance brings.
	Lift float64
	// FalseShare leaves out rules with a larger Rule.Q, such as 0.05. 0 keeps all.
	FalseShare float64
}

func (o Options) validate() error {
	switch {
	case o.Least < 0:
		return fmt.Errorf("%w: Options.Least is %d, not 0 or more", ErrData, o.Least)
	case !(o.Lift >= 0):
		return fmt.Errorf("%w: Options.Lift is %v, not 0 or more", ErrData, o.Lift)
	case !(o.FalseShare >= 0 && o.FalseShare <= 1):
		return fmt.Errorf("%w: Options.FalseShare is %v, not from 0 to 1", ErrData, o.FalseShare)
	}
	return nil
}

func (o Options) least() int { return max(1, cmp.Or(o.Least, 2)) }

// Rule is two items that are bought together. Agrawal, Imielinski and Swami, SIGMOD 1993.
type Rule struct {
	A uint32 `json:"a"`
	B uint32 `json:"b"` // above A
	// N is how many baskets there are, and NA, NB and NAB how many have A, B and both.
	N   int `json:"n"`
	NA  int `json:"n_a"`
	NB  int `json:"n_b"`
	NAB int `json:"n_ab"`
	// P is the probability of NAB or more by chance, of Fisher's exact test; Q is it adjusted for
	// all pairs of items of which each is in Options.Least baskets, looked at or not.
	P float64 `json:"p"`
	Q float64 `json:"q"`
}

// Support returns the share of baskets that have both.
func (r Rule) Support() float64 { return float64(r.NAB) / float64(r.N) }

// Confidence returns the share of baskets with A that have B, and of those with B that have A.
func (r Rule) Confidence() (ofA, ofB float64) {
	return float64(r.NAB) / float64(r.NA), float64(r.NAB) / float64(r.NB)
}

// Lift returns how many times as often they are together as if they had nothing to do with each other.
func (r Rule) Lift() float64 {
	return float64(r.NAB) * float64(r.N) / (float64(r.NA) * float64(r.NB))
}

// Leverage returns the share of baskets in which they are together beyond that.
func (r Rule) Leverage() float64 {
	return r.Support() - float64(r.NA)/float64(r.N)*(float64(r.NB)/float64(r.N))
}

// Pairs returns the rules, the one with the largest lift first; of equal lift the one that is more often,
// then by A and B. The error is an ErrData about the options, also where more than 2^23 pairs are in Options.Least
// baskets, as of a few baskets with thousands of items each: they would fill memory, and say nothing.
func (b *Baskets) Pairs(o Options) ([]Rule, error) { return b.pairs(o, mostPairs) }

func (b *Baskets) pairs(o Options, most int) ([]Rule, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	least := o.least()
	items := len(b.of) - 1
	counts, touched := make([]int32, items), []uint32(nil)
	frequent := 0
	fisher := newFisher(b.n)
	var out []Rule
	beyond := false
	for a := range uint32(items) {
		if b.Count(a) < least {
			continue
		}
		frequent++
		if beyond {
			return nil, tooMany(most, least)
		}
		touched = b.together(a, counts, touched, func(other uint32) bool { return other > a }, func(other uint32, n int) {
			if beyond = beyond || n >= least && len(out) == most; n >= least && !beyond {
				out = append(out, Rule{A: a, B: other, N: b.n, NA: b.Count(a), NB: b.Count(other), NAB: n})
			}
		})
	}
	if beyond {
		return nil, tooMany(most, least)
	}
	adjust(out, frequent*(frequent-1)/2, func(r *Rule) float64 { return fisher.tail(r.NAB, r.NA, r.NB) })
	return choose(out, o), nil
}

// mostPairs bounds how many pairs are looked at: half a gigabyte of them.
const mostPairs = 1 << 23

func tooMany(most, least int) error {
	return fmt.Errorf("%w: more than %d pairs are together %d times or more; Options.Least must be larger", ErrData, most, least)
}

// adjust fills in P and Q; so many tests were made.
func adjust(rules []Rule, tests int, p func(*Rule) float64) {
	ps := make([]float64, len(rules))
	for i := range rules {
		rules[i].P = p(&rules[i])
		ps[i] = rules[i].P
	}
	for i, q := range discoveries(ps, tests) {
		rules[i].Q = q
	}
}

// discoveries is pvalue.Discoveries of so many tests, of which those that are not among ps have a p of 1.
func discoveries(ps []float64, tests int) []float64 {
	out := pvalue.Discoveries(ps)
	for i, q := range out {
		out[i] = min(1, q*float64(max(tests, len(ps)))/float64(len(ps)))
	}
	return out
}

// choose leaves out and sorts.
func choose(rules []Rule, o Options) []Rule {
	out := rules[:0]
	for _, r := range rules {
		if r.Lift() >= o.Lift && (o.FalseShare == 0 || r.Q <= o.FalseShare) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(x, y Rule) int {
		return cmp.Or(cmp.Compare(y.Lift(), x.Lift()), cmp.Compare(y.NAB, x.NAB), cmp.Compare(x.A, y.A), cmp.Compare(x.B, y.B))
	})
	return out
}

// fisher computes tails of the hypergeometric distribution among n.
type fisher struct {
	n    int
	fact []float64 // ln k!, up to a bound
}

func newFisher(n int) *fisher {
	f := &fisher{n: n, fact: make([]float64, min(n, 1<<20)+1)}
	for k := 1; k < len(f.fact); k++ {
		f.fact[k] = f.fact[k-1] + math.Log(float64(k))
	}
	return f
}

func (f *fisher) ln(k int) float64 {
	if k < len(f.fact) {
		return f.fact[k]
	}
	v, _ := math.Lgamma(float64(k) + 1)
	return v
}

// tail returns the probability that at least k of na marked ones are among nb drawn.
func (f *fisher) tail(k, na, nb int) float64 {
	most := min(na, nb)
	if k <= max(0, na+nb-f.n) {
		return 1
	}
	if k > most {
		return 0
	}
	at := func(k int) float64 {
		return math.Exp(f.ln(na) - f.ln(k) - f.ln(na-k) + f.ln(f.n-na) - f.ln(nb-k) - f.ln(f.n-na-nb+k) - f.ln(f.n) + f.ln(nb) + f.ln(f.n-nb))
	}
	// From the side of k that is further from the mean, by the ratio of neighbours.
	if mean := float64(na) * float64(nb) / float64(f.n); float64(k) <= mean {
		term, sum := at(k-1), 0.0
		for j := k - 1; j >= 0 && term > 0; j-- {
			sum += term
			term *= float64(j) * float64(f.n-na-nb+j) / (float64(na-j+1) * float64(nb-j+1))
			if term < 1e-17*sum {
				break
			}
		}
		return max(0, 1-sum)
	}
	term, sum := at(k), 0.0
	for j := k; j <= most; j++ {
		sum += term
		if term < 1e-17*sum {
			break
		}
		term *= float64(na-j) * float64(nb-j) / (float64(j+1) * float64(f.n-na-nb+j+1))
	}
	return min(1, sum)
}
