package messaging

import (
	"fmt"
	"hash/fnv"
	"time"
)

// Clock is a time of day in minutes since midnight, from 0 to 1439.
type Clock int16

// ParseClock reads "HH:MM".
func ParseClock(s string) (Clock, error) {
	if len(s) == 5 && s[2] == ':' {
		h, m := int(s[0]-'0')*10+int(s[1]-'0'), int(s[3]-'0')*10+int(s[4]-'0')
		digits := true
		for _, i := range [...]int{0, 1, 3, 4} {
			digits = digits && s[i] >= '0' && s[i] <= '9'
		}
		if digits && h < 24 && m < 60 {
			return Clock(h*60 + m), nil
		}
	}
	return 0, fmt.Errorf("messaging: %q is not a time of day such as 20:30", s)
}

// String writes "HH:MM".
func (c Clock) String() string { return fmt.Sprintf("%02d:%02d", c/60, c%60) }

// MarshalText writes "HH:MM".
func (c Clock) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads "HH:MM".
func (c *Clock) UnmarshalText(b []byte) error {
	v, err := ParseClock(string(b))
	if err == nil {
		*c = v
	}
	return err
}

// QuietHours is the part of each day, on the recipient's own clock, in which
// nothing is sent. It crosses midnight when From is after To. The zero value,
// or any with From equal to To, has no quiet hours. They are a policy of the
// sender unless a law says so.
type QuietHours struct {
	From Clock `json:"from"` // first quiet minute
	To   Clock `json:"to"`   // first minute that is not quiet any more
	// Spread spreads what waited over this long after To, by a hash of the
	// recipient, so that not everything leaves in the same second.
	Spread time.Duration `json:"spread,omitempty"`
}

// EveningQuiet is from 20:30 to 09:00, spread over half an hour: what Turkish
// providers advise.
func EveningQuiet() QuietHours {
	return QuietHours{From: 20*60 + 30, To: 9 * 60, Spread: 30 * time.Minute}
}

// IsZero reports whether there are no quiet hours.
func (q QuietHours) IsZero() bool { return q.From == q.To }

// Validate reports every fault: clocks outside the day, and a spread that is
// negative or longer than the open part of the day.
func (q QuietHours) Validate() error {
	if q.From < 0 || q.From > 1439 || q.To < 0 || q.To > 1439 {
		return fmt.Errorf("quiet hours from %d to %d minutes are outside the day", q.From, q.To)
	}
	open := time.Duration((int(q.From)-int(q.To)+1440)%1440) * time.Minute
	if q.Spread < 0 || (!q.IsZero() && q.Spread > open) {
		return fmt.Errorf("the spread %s does not fit into the open hours (%s)", q.Spread, open)
	}
	return nil
}

// Quiet reports whether an instant lies in the quiet hours of a zone (nil: UTC).
func (q QuietHours) Quiet(at time.Time, zone *time.Location) bool {
	if q.IsZero() {
		return false
	}
	if zone == nil {
		zone = time.UTC
	}
	t := at.In(zone)
	m := Clock(t.Hour()*60 + t.Minute())
	if q.From < q.To {
		return m >= q.From && m < q.To
	}
	return m >= q.From || m < q.To
}

// NotBefore returns at itself where it is not quiet, and otherwise the first
// instant after the quiet hours, plus the key's share of the spread. Where a
// clock change swallows or repeats the end of the quiet hours, the first
// instant counts that is both after at and not quiet.
func (q QuietHours) NotBefore(at time.Time, zone *time.Location, key string) time.Time {
	if !q.Quiet(at, zone) {
		return at
	}
	if zone == nil {
		zone = time.UTC
	}
	t := at.In(zone)
	wait := (int(q.To) - t.Hour()*60 - t.Minute() + 1440) % 1440
	minute := t.Add(-time.Duration(t.Second())*time.Second - time.Duration(t.Nanosecond()))
	next := minute.Add(time.Duration(wait) * time.Minute)
	_, before := t.Zone()
	if _, after := next.Zone(); after != before { // a clock change: look for it
		for next = minute; q.Quiet(next, zone); {
			next = next.Add(time.Minute)
		}
	}
	if q.Spread > 0 {
		h := fnv.New64a()
		h.Write([]byte(key))
		late := next.Add(time.Duration(h.Sum64() % uint64(q.Spread)).Truncate(time.Second))
		if !q.Quiet(late, zone) {
			next = late
		}
	}
	return next.UTC()
}
