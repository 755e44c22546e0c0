package activity

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vefacrm/vefa/segment"
)

// Log keeps when each customer did what. It is safe for concurrent use.
type Log struct {
	in *time.Location

	mu        sync.RWMutex
	kinds     map[string]int
	customers map[string][]moments // by customer and kind
}

// moments are instants in microseconds, ascending.
type moments []int64

// NewLog returns an empty log whose days are those of the location; nil: UTC.
func NewLog(in *time.Location) *Log {
	if in == nil {
		in = time.UTC
	}
	return &Log{in: in, kinds: make(map[string]int), customers: make(map[string][]moments)}
}

// Add notes that a customer did something, in any order of time. The same
// instant twice counts twice. A nameless customer, a zero time or a kind that
// a condition cannot name is a *segment.InvalidError.
func (l *Log) Add(customer, kind string, at time.Time) error {
	switch msg := checkKind(kind); {
	case customer == "":
		return &segment.InvalidError{Field: "customer", Msg: "has no name"}
	case at.IsZero():
		return &segment.InvalidError{Field: "time", Msg: "is zero"}
	case msg != "":
		return &segment.InvalidError{Field: "kind " + shorten(kind), Msg: msg}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	k, ok := l.kinds[kind]
	if !ok {
		k = len(l.kinds)
		l.kinds[kind] = k
	}
	list := l.customers[customer]
	for len(list) <= k {
		list = append(list, nil)
	}
	m, t := list[k], at.UnixMicro()
	i := len(m)
	if i > 0 && m[i-1] > t {
		i, _ = slices.BinarySearch(m, t)
	}
	list[k] = slices.Insert(m, i, t)
	l.customers[customer] = list
	return nil
}

// Forget erases what a customer did.
func (l *Log) Forget(customer string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.customers, customer)
}

// holds returns the condition as a predicate for segment.Index.SetPredicate.
func (l *Log) holds(c condition) func(customer string, at time.Time) bool {
	return func(customer string, at time.Time) bool {
		l.mu.RLock()
		defer l.mu.RUnlock()
		var did moments
		if k, ok := l.kinds[c.Kind]; ok {
			if list := l.customers[customer]; k < len(list) {
				did = list[k]
			}
		}
		return c.holds(did, at, l.in)
	}
}

func (c condition) holds(did moments, at time.Time, in *time.Location) bool {
	did = did[:did.before(at.UnixMicro()+1)]
	if c.Weeks == 0 {
		n := len(did) - did.before(midnight(at, c.From, in))
		if c.To > 0 {
			n -= len(did) - did.before(midnight(at, c.To-1, in))
		}
		return n >= c.Min && n <= c.Max
	}
	busy := 0
	for week := range c.Weeks {
		if len(did) == 0 || busy >= c.Min || busy+c.Weeks-week < c.Min {
			break
		}
		first := did.before(midnight(at, 7*week+6, in))
		if first < len(did) {
			busy++
		}
		did = did[:first]
	}
	return busy >= c.Min
}

// before returns how many moments are before t.
func (m moments) before(t int64) int {
	i, _ := slices.BinarySearch(m, t)
	return i
}

// midnight is when the day began that was some days ago.
func midnight(at time.Time, daysAgo int, in *time.Location) int64 {
	y, m, d := at.In(in).Date()
	return time.Date(y, m, d-daysAgo, 0, 0, 0, 0, in).UnixMicro()
}

// Supply makes the log answer for all conditions that the definitions mention as
// leaves, and returns who entered and left the tracked segments by that. A leaf is a
// condition if its name has a space and no colon, which fields have. The syntax:
//
//	purchase >= 2 in 90d         two or more within the last ninety days
//	purchase = 0 in 30d          none; also <=
//	service >= 1 in 1095d..730d  between three and two years ago
//	purchase in 6 of 8 weeks     in at least six of the last eight weeks
//
// A condition that cannot be read is a *segment.InvalidError, and nothing is supplied then. Call it
// before Index.Define.
func Supply(idx *segment.Index, log *Log, at time.Time, defs ...segment.Definition) ([]segment.MembershipChange, error) {
	type leaf struct {
		name  string
		holds func(string, time.Time) bool
	}
	var leaves []leaf
	seen := make(map[string]bool)
	for _, d := range defs {
		for _, name := range d.References().Leaves {
			if seen[name] || !strings.Contains(name, " ") || strings.Contains(name, ":") {
				continue
			}
			seen[name] = true
			c, err := parseCondition(name)
			if err != nil {
				return nil, err
			}
			leaves = append(leaves, leaf{name, log.holds(c)})
		}
	}
	var out []segment.MembershipChange
	for _, l := range leaves {
		changes, err := idx.SetPredicate(at, l.name, l.holds)
		if err != nil {
			return out, err
		}
		out = slices.AppendSeq(out, changes.All())
	}
	return out, nil
}
