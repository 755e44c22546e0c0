package messaging

import (
	"fmt"
	"hash/fnv"
	"time"
)

// QuietHours is the part of each day, on the recipient's own clock, in which
// nothing is sent. It crosses midnight when From is after To. The zero value,
// or any with From equal to To, has no quiet hours. They are a policy of the
// sender unless a law says so.
type QuietHours struct {
	From string `json:"from"` // first quiet minute, "HH:MM"
	To   string `json:"to"`   // first minute that is not quiet any more, "HH:MM"
	// Spread spreads what waited over this long after To, by a hash of the
	// recipient, so that not everything leaves in the same second. What waited for days is
	// spread over as many times this, or as long as the opening lasts. 0 with Local or
	// Holidays is half an hour.
	Spread time.Duration `json:"spread,omitempty"`
	// Local adds the hours of the recipient's jurisdiction, and Holidays the public holidays
	// there, those that move among them: whichever is stricter. See Candidate.Hours.
	Local    bool `json:"local,omitempty"`
	Holidays bool `json:"holidays,omitempty"`
}

// EveningQuiet is from 20:30 to 09:00, spread over half an hour: what Turkish
// providers advise.
func EveningQuiet() QuietHours {
	return QuietHours{From: "20:30", To: "09:00", Spread: 30 * time.Minute}
}

// minutes returns the hours in minutes since midnight, equal where there are none. It
// fails on a time that is not from "00:00" to "23:59".
func (q QuietHours) minutes() (from, to int, err error) {
	if q.From == q.To && q.From == "" {
		return 0, 0, nil
	}
	if from, err = clockMinutes(q.From); err == nil {
		to, err = clockMinutes(q.To)
	}
	return from, to, err
}

func clockMinutes(s string) (int, error) {
	digits := len(s) == 5 && s[2] == ':'
	for i := 0; digits && i < 5; i++ {
		digits = i == 2 || s[i] >= '0' && s[i] <= '9'
	}
	if digits {
		h, m := int(s[0]-'0')*10+int(s[1]-'0'), int(s[3]-'0')*10+int(s[4]-'0')
		if h < 24 && m < 60 {
			return h*60 + m, nil
		}
	}
	return 0, fmt.Errorf("messaging: %q is not a time of day such as 20:30", s)
}

// validate reports every fault: what is no time of day, and a spread that is negative
// or longer than the open part of the day.
func (q QuietHours) validate() error {
	from, to, err := q.minutes()
	if err != nil {
		return err
	}
	open := time.Duration((from-to+24*60)%(24*60)) * time.Minute
	if q.Spread < 0 || (from != to && q.Spread > open) {
		return fmt.Errorf("the spread %s does not fit into the open hours (%s)", q.Spread, open)
	}
	return nil
}

// quiet reports whether an instant lies in quiet hours from one minute of the day to
// another, in a zone.
func quiet(from, to int, at time.Time, zone *time.Location) bool {
	t := at.In(zone)
	m := t.Hour()*60 + t.Minute()
	if from <= to {
		return m >= from && m < to
	}
	return m >= from || m < to
}

// notBefore returns at itself where it is not quiet, and otherwise the first
// instant after the quiet hours, plus the key's share of the spread. Where a
// clock change swallows or repeats the end of the quiet hours, the first
// instant counts that is both after at and not quiet. A nil zone is UTC. It fails where
// the hours cannot be read.
func (q QuietHours) notBefore(at time.Time, zone *time.Location, key string) (time.Time, error) {
	from, to, err := q.minutes()
	if zone == nil {
		zone = time.UTC
	}
	if err != nil || !quiet(from, to, at, zone) {
		return at, err
	}
	t := at.In(zone)
	wait := (to - t.Hour()*60 - t.Minute() + 1440) % 1440
	minute := t.Add(-time.Duration(t.Second())*time.Second - time.Duration(t.Nanosecond()))
	next := minute.Add(time.Duration(wait) * time.Minute)
	_, before := t.Zone()
	if _, after := next.Zone(); after != before { // a clock change: look for it
		for next = minute; quiet(from, to, next, zone); {
			next = next.Add(time.Minute)
		}
	}
	if q.Spread > 0 {
		h := fnv.New64a()
		h.Write([]byte(key))
		late := next.Add(time.Duration(h.Sum64() % uint64(q.Spread)).Truncate(time.Second))
		if !quiet(from, to, late, zone) {
			next = late
		}
	}
	return next.UTC(), nil
}
