package rules

import (
	"fmt"
	"unsafe"

	"github.com/vefacrm/vefa/rules/internal/closure"
)

// RuleStats is what one rule did over many subjects.
type RuleStats struct {
	Rule      string         `json:"rule"`
	Evaluated int64          `json:"evaluated"`         // subjects that it was asked about
	Matched   int64          `json:"matched"`           // subjects whose condition held
	Fired     int64          `json:"fired"`             // firings: one per row of a rule with Each
	Stopped   map[string]int `json:"stopped,omitempty"` // matches that did not fire and actions that did not proceed, by guard
	Timed     int64          `json:"timed,omitempty"`   // subjects that Nanos is of
	Nanos     int64          `json:"nanos,omitempty"`
}

// Stats counts per rule what an evening's evaluations did. One goroutine uses
// one; Merge joins them. Get it from Set.NewStats.
type Stats struct {
	// Clock, if set, is read before and after each rule for every 64th subject:
	// nanoseconds of any steady clock.
	Clock func() int64

	rules    []RuleStats
	subjects int64
}

// NewStats returns counters for the rules of the set.
func (s *Set[F]) NewStats() *Stats {
	st := &Stats{rules: make([]RuleStats, len(s.rules))}
	for i, c := range s.rules {
		st.rules[i].Rule = c.rule.Name
	}
	return st
}

// Rules returns the counters in the order of the set.
func (st *Stats) Rules() []RuleStats { return st.rules }

// Matched returns how many subjects each rule matched, for a Breaker. Rules
// that were not asked are left out.
func (st *Stats) Matched() map[string]int {
	out := map[string]int{}
	for i := range st.rules {
		if r := &st.rules[i]; r.Evaluated > 0 {
			out[r.Rule] = int(r.Matched)
		}
	}
	return out
}

// Merge adds the counters of other, which must be of the same set.
func (st *Stats) Merge(other *Stats) error {
	if len(st.rules) != len(other.rules) {
		return fmt.Errorf("rules: the statistics are of different sets")
	}
	for i := range st.rules {
		a, b := &st.rules[i], &other.rules[i]
		if a.Rule != b.Rule {
			return fmt.Errorf("rules: the statistics are of different sets: %q and %q", a.Rule, b.Rule)
		}
		a.Evaluated += b.Evaluated
		a.Matched += b.Matched
		a.Fired += b.Fired
		a.Timed += b.Timed
		a.Nanos += b.Nanos
		for guard, n := range b.Stopped {
			a.stop(guard, n)
		}
	}
	st.subjects += other.subjects
	return nil
}

func (r *RuleStats) stop(guard string, n int) {
	if r.Stopped == nil {
		r.Stopped = map[string]int{}
	}
	r.Stopped[guard] += n
}

// Decided counts what Recheck decided about an action of a rule.
func (st *Stats) Decided(rule string, d Decision) {
	if d.Proceed {
		return
	}
	for i := range st.rules {
		if r := &st.rules[i]; r.Rule == rule {
			for _, why := range d.Reasons {
				if !why.Pass {
					r.stop(why.Guard, 1)
					return
				}
			}
		}
	}
}

// EveningStats is Evening with counting: the same firings, a little slower.
func (s *Set[F]) EveningStats(dst []Firing, facts *F, m *Moment, st *Stats) ([]Firing, error) {
	e := closure.Env{Facts: unsafe.Pointer(facts), M: &m.c}
	if err := checkBounds(s.bounds, e.Facts); err != nil {
		return dst, err
	}
	timed := st.Clock != nil && st.subjects%64 == 0
	st.subjects++
	var decided uint64
	for _, r := range s.evening {
		count := &st.rules[r.Index]
		count.Evaluated++
		var start int64
		if timed {
			start = st.Clock()
		}
		if r.Matches(e) {
			before := len(dst)
			dst = r.fire(dst, e, &decided, nil)
			if n := len(dst) - before; n > 0 {
				count.Matched++
				count.Fired += int64(n)
			} else if guard := r.stopped(e); guard != "" {
				count.Matched++
				count.stop(guard, 1)
			}
		}
		if timed {
			count.Timed++
			count.Nanos += st.Clock() - start
		}
	}
	return dst, nil
}

// stopped says what keeps a rule whose facts match from firing, or "" if no row
// does.
func (r *compiled) stopped(e closure.Env) string {
	matched := r.Each == nil
	if !matched {
		for i := range rowsOf(e, r.Each) {
			e.Row, _ = closure.RowAt(e, r.Each, i)
			if matched = r.PerRow == nil || r.PerRow(e); matched {
				break
			}
		}
	}
	switch {
	case !matched:
		return ""
	case e.M.Today < r.From || e.M.Today > r.To:
		return string(blockedDates)
	}
	return string(blockedGroup)
}
