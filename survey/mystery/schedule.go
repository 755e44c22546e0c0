package mystery

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Schedule is how many visits places are to have: each Visits in every period of Months.
type Schedule struct {
	// Places are the ids of the places; each once.
	Places []string
	// Visits is the quota of a place in a period, at least 1.
	Visits int
	// Months is the length of a period: 1 to 12.
	Months int
	// Begin is when the first period begins, in the zone that days are counted in.
	Begin time.Time
}

// Progress is how far a place is in a period.
type Progress struct {
	Place    string
	From, To time.Time // the period, To excluded
	Quota    int
	Done     int // visits within the period until now, also those beyond the quota
	// Due is how many should have been done by now, were they spread evenly: the last by the end of the
	// period.
	Due int
	// Overdue is what is missing of Due, Left what is missing of the quota.
	Overdue, Left int
	// Missed is what was missing at the end of earlier periods; visits beyond the quota of one do not
	// make up for another.
	Missed int
}

// Progress says how far each place is at an instant, in the order of Places. Visits of other places,
// before Begin or after now are not counted. The error is ErrInvalid, also for an instant before Begin and
// for one of more than 1,200 periods later.
func (s Schedule) Progress(visits []Visit, now time.Time) ([]Progress, error) {
	at := map[string]int{}
	for i, p := range s.Places {
		if _, twice := at[p]; p == "" || twice {
			return nil, fmt.Errorf("%w: place %q is empty or there twice", ErrInvalid, p)
		}
		at[p] = i
	}
	if s.Visits < 1 || s.Months < 1 || s.Months > 12 || s.Begin.IsZero() || now.Before(s.Begin) {
		return nil, fmt.Errorf("%w: %d visits in each %d months from %s, at %s", ErrInvalid, s.Visits, s.Months, s.Begin.Format(time.DateOnly), now.Format(time.DateOnly))
	}
	ends := []time.Time{}
	for k := 1; ; k++ {
		if k > 1200 {
			return nil, fmt.Errorf("%w: %s is more than 1200 periods after %s", ErrInvalid, now.Format(time.DateOnly), s.Begin.Format(time.DateOnly))
		}
		if ends = append(ends, s.begin(k)); now.Before(ends[k-1]) {
			break
		}
	}
	done := make([][]int, len(s.Places))
	for i := range done {
		done[i] = make([]int, len(ends))
	}
	for _, v := range visits {
		if i, ok := at[v.Place]; ok && !v.At.Before(s.Begin) && !v.At.After(now) {
			k, found := slices.BinarySearchFunc(ends, v.At, time.Time.Compare)
			if found { // it begins the next
				k++
			}
			done[i][k]++
		}
	}
	last := len(ends) - 1
	from, to := s.begin(last), ends[last]
	due := int(math.Floor(float64(s.Visits) * (float64(now.Sub(from)) / float64(to.Sub(from)))))
	out := make([]Progress, len(s.Places))
	for i, p := range s.Places {
		x := Progress{Place: p, From: from, To: to, Quota: s.Visits, Done: done[i][last], Due: due}
		x.Overdue, x.Left = max(0, due-x.Done), max(0, s.Visits-x.Done)
		for _, n := range done[i][:last] {
			x.Missed += max(0, s.Visits-n)
		}
		out[i] = x
	}
	return out, nil
}

// begin is when a period begins, the first is 0. A day that a month does not have is its last.
func (s Schedule) begin(k int) time.Time {
	y, m, d := s.Begin.Date()
	month := time.Date(y, m+time.Month(k*s.Months), 1, 0, 0, 0, 0, s.Begin.Location())
	length := month.AddDate(0, 1, -1).Day()
	h, mi, sec := s.Begin.Clock()
	return time.Date(month.Year(), month.Month(), min(d, length), h, mi, sec, s.Begin.Nanosecond(), s.Begin.Location())
}
