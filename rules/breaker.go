package rules

import (
	"cmp"
	"slices"
)

// Breaker stops a rule that suddenly matches many times as many customers as it
// used to: a slip in a condition, a field that a source stopped filling. It is
// asked between evaluating an evening and carrying it out; what trips is left
// out until somebody has looked. The zero value means the defaults.
type Breaker struct {
	// Factor is how many times its usual population a rule may match. Usual is
	// the most of any evening in the window: rules that are quiet for weeks and
	// busy once a month are usual, too. Defaults to 5.
	Factor float64
	// Least is how many any rule may match. Defaults to 100.
	Least int
	// Window is how many evenings are remembered, at least 1. Defaults to 35.
	Window int
	// Warmup is how many evenings must be remembered before a rule is judged by
	// them. Defaults to 3.
	Warmup int
	// First is how many a rule may match before that; 0 means any number.
	First int
}

// withDefaults fills fields that are zero or below. First has no default: 0 is any number.
func (b Breaker) withDefaults() Breaker {
	if b.Factor <= 0 {
		b.Factor = 5
	}
	if b.Least <= 0 {
		b.Least = 100
	}
	if b.Window <= 0 {
		b.Window = 35
	}
	if b.Warmup <= 0 {
		b.Warmup = 3
	}
	return b
}

// Populations is how many customers each rule matched, evening by evening, the
// latest last. It is plain data, to be kept as JSON between evenings.
type Populations map[string][]int

// Trip says that a rule matches more than a Breaker lets pass.
type Trip struct {
	// Rule is the rule's name.
	Rule string `json:"rule"`
	// Matched is how many customers it matches tonight.
	Matched int `json:"matched"`
	Usual   int `json:"usual"` // the most of any evening remembered
	// Limit is the most that a Breaker would have let pass.
	Limit int `json:"limit"`
}

// Check returns the rules that matched too many this evening, by name. It
// changes nothing.
func (b Breaker) Check(past Populations, tonight map[string]int) []Trip {
	b = b.withDefaults()
	var out []Trip
	for rule, n := range tonight {
		t := Trip{Rule: rule, Matched: n}
		if evenings := past[rule]; len(evenings) >= b.Warmup {
			t.Usual = slices.Max(evenings)
			t.Limit = max(b.Least, int(min(b.Factor*float64(t.Usual), 1<<53)))
		} else if t.Limit = b.First; t.Limit == 0 {
			continue
		}
		if n > t.Limit {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b Trip) int { return cmp.Compare(a.Rule, b.Rule) })
	return out
}

// Learn remembers an evening and returns the new state; past is not changed. Of
// rules that tripped nothing is learnt: the same again trips again. To accept
// what a rule matches now, pass no trip for it. Rules that are in tonight by
// name with 0 are learnt, too; those that are not are kept as they were.
func (b Breaker) Learn(past Populations, tonight map[string]int, trips []Trip) Populations {
	b = b.withDefaults()
	next := make(Populations, len(past)+len(tonight))
	for rule, evenings := range past {
		next[rule] = slices.Clone(evenings)
	}
	for rule, n := range tonight {
		if slices.ContainsFunc(trips, func(t Trip) bool { return t.Rule == rule }) {
			continue
		}
		evenings := append(next[rule], n)
		next[rule] = evenings[max(0, len(evenings)-b.Window):]
	}
	return next
}
