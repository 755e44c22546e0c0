package messaging

import (
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/holiday"
)

// Jurisdiction says when people of a country may be written to, by law or by custom. It is
// data: a host adds its own, or replaces the library's of the same country.
type Jurisdiction struct {
	Country string `json:"country"` // ISO 3166-1 alpha-2
	// Prefixes are what its telephone numbers begin with, such as "+90".
	Prefixes []string `json:"prefixes,omitempty"`
	// Zones are the zones of the country by their IANA names. Of a person whose own zone is
	// not known every one counts: nothing is sent while the hours of any say no.
	Zones []string `json:"zones"`
	// Areas are the zones of parts of the country by what telephone numbers there begin with,
	// such as "+1212", the longest first: of a person with such a number these count instead.
	// People keep their numbers when they move: know their zones where it matters.
	Areas map[string][]string `json:"areas,omitempty"`
	// Open are the hours in which something may be sent, of Sunday first, seven of them;
	// none: at any hour. A day without hours is closed.
	Open []OpenHours `json:"open,omitempty"`
	// Holidays closes the public holidays that package holiday knows, whatever
	// QuietHours.Holidays says.
	Holidays bool `json:"holidays,omitempty"`
	// Law tells a law from a custom, and Source where it stands.
	Law    bool   `json:"law,omitempty"`
	Source string `json:"source,omitempty"`
}

// OpenHours is a part of a day within one date, as "HH:MM": from From on, before To. To may
// be "24:00". The zero value is no part of it.
type OpenHours struct {
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

// Jurisdictions returns the library's own, sorted by country. Those without hours and
// holidays tell the zone of a number only. Have counsel confirm what you rely on.
func Jurisdictions() []Jurisdiction {
	each := func(o OpenHours) []OpenHours { return []OpenHours{o, o, o, o, o, o, o} }
	zone := func(country, prefix string, zones ...string) Jurisdiction {
		return Jurisdiction{Country: country, Prefixes: []string{prefix}, Zones: zones, Source: "zone only"}
	}
	day := OpenHours{"08:00", "22:00"}
	return []Jurisdiction{
		zone("AE", "+971", "Asia/Dubai"), zone("AT", "+43", "Europe/Vienna"), zone("AZ", "+994", "Asia/Baku"), zone("BE", "+32", "Europe/Brussels"),
		zone("BG", "+359", "Europe/Sofia"), zone("CH", "+41", "Europe/Zurich"), zone("DE", "+49", "Europe/Berlin"), zone("ES", "+34", "Europe/Madrid", "Atlantic/Canary"),
		{Country: "FR", Prefixes: []string{"+33"}, Zones: []string{"Europe/Paris"}, Holidays: true,
			Open:   []OpenHours{{}, day, day, day, day, day, {"10:00", "19:00"}},
			Source: "8 to 22, not on Sundays and public holidays; Saturdays 10 to 19 by the rules of providers (smspartner, kb.zap.co.uk)"},
		zone("GB", "+44", "Europe/London"), zone("GR", "+30", "Europe/Athens"), zone("IT", "+39", "Europe/Rome"), zone("NL", "+31", "Europe/Amsterdam"),
		zone("RO", "+40", "Europe/Bucharest"), zone("SA", "+966", "Asia/Riyadh"),
		{Country: "TR", Prefixes: []string{"+90"}, Zones: []string{"Europe/Istanbul"}, Open: each(OpenHours{"09:00", "20:30"}),
			Source: "no statutory hours are known; what providers advise"},
		{Country: "US", Prefixes: []string{"+1"}, Areas: areasOf1(), Law: true, Open: each(OpenHours{"08:00", "21:00"}),
			Zones:  []string{"America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles", "America/Anchorage", "Pacific/Honolulu"},
			Source: "47 CFR 64.1200(c)(1): 8 to 21 in the called party's local time; some states are stricter. Numbers of +1 are taken for those of the US, and their area codes for where people are"},
	}
}

// Hours are jurisdictions, ready to be asked. They are immutable and safe for concurrent
// use.
type Hours struct {
	of       map[string]*jurisdiction
	prefixes map[string]*jurisdiction
}

type jurisdiction struct {
	Jurisdiction
	zones    []*time.Location
	areas    map[string][]*time.Location
	open     [7][2]int // minutes
	calendar holiday.Calendar
	known    bool // the calendar
}

// NewHours checks jurisdictions and loads their zones. Of several for one country, or with
// one prefix, the last counts. The error reports every fault, each an ErrCampaign.
func NewHours(all ...Jurisdiction) (*Hours, error) {
	h := &Hours{of: map[string]*jurisdiction{}, prefixes: map[string]*jurisdiction{}}
	var faults []error
	for i, data := range all {
		j := &jurisdiction{Jurisdiction: data}
		fault := func(format string, args ...any) {
			faults = append(faults, fmt.Errorf("%w: jurisdiction %d (%s): %s", ErrCampaign, i, data.Country, fmt.Sprintf(format, args...)))
		}
		if len(data.Country) != 2 || strings.Trim(data.Country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			fault("country %q is no ISO 3166-1 code", data.Country)
		}
		if len(data.Zones) == 0 {
			fault("it has no zones")
		}
		loaded := map[string]*time.Location{}
		load := func(names []string) (zones []*time.Location) {
			for _, name := range names {
				zone, ok := loaded[name]
				if !ok {
					var err error
					if zone, err = time.LoadLocation(name); err != nil || name == "" || name == "Local" {
						fault("zone %q is not known here", name)
					}
					loaded[name] = zone
				}
				zones = append(zones, zone)
			}
			return zones
		}
		j.zones, j.areas = load(data.Zones), make(map[string][]*time.Location, len(data.Areas))
		for _, p := range slices.Sorted(maps.Keys(data.Areas)) {
			if len(p) > maxArea || !slices.ContainsFunc(data.Prefixes, func(own string) bool { return strings.HasPrefix(p, own) }) || strings.Trim(p[min(1, len(p)):], "0123456789") != "" {
				fault("area %q is not of digits after one of its prefixes, at most %d bytes", p, maxArea)
			}
			if len(data.Areas[p]) == 0 {
				fault("area %q has no zones", p)
			}
			j.areas[p] = load(data.Areas[p])
		}
		for _, p := range data.Prefixes {
			if len(p) < 2 || p[0] != '+' || strings.Trim(p[1:], "0123456789") != "" {
				fault("prefix %q is not a plus sign and digits", p)
			}
		}
		if n := len(data.Open); n != 0 && n != 7 {
			fault("there are hours of %d days, not of seven", n)
		}
		some := len(data.Open) == 0
		for d, o := range data.Open[:min(7, len(data.Open))] {
			var err error
			if j.open[d], err = o.minutes(); err != nil {
				fault("open[%d]: %v", d, err)
			}
			some = some || j.open[d][0] < j.open[d][1]
		}
		if !some {
			fault("no day has hours")
		}
		j.calendar, j.known = holiday.Of(data.Country)
		if data.Holidays && !j.known {
			fault("its public holidays are not known")
		}
		h.of[data.Country] = j
		for _, p := range data.Prefixes {
			h.prefixes[p] = j
		}
	}
	for p, j := range h.prefixes { // of one that was replaced
		if now := h.of[j.Country]; now != j {
			delete(h.prefixes, p)
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return h, nil
}

// maxArea bounds the prefixes of areas, in bytes.
const maxArea = 10

// areaOf returns the zones of the area of a number, the longest prefix first; none where it is of
// no area.
func (j *jurisdiction) areaOf(a crm.Address) []*time.Location {
	if a.Channel == crm.Phone && len(j.areas) > 0 {
		for n := min(len(a.Value), maxArea); n > 1; n-- {
			if zones := j.areas[a.Value[:n]]; zones != nil {
				return zones
			}
		}
	}
	return nil
}

// zonesOf returns the zones in which a person with an address may be.
func (j *jurisdiction) zonesOf(a crm.Address) []*time.Location {
	if zones := j.areaOf(a); zones != nil {
		return zones
	}
	return j.zones
}

// Zones returns the zones in which a person of a country with an address may be: those of the
// number's area where that is known, else of the country; none of a country that is not known. Do not
// change them.
func (h *Hours) Zones(country string, a crm.Address) []*time.Location {
	if !h.Knows(country) {
		return nil
	}
	return h.of[country].zonesOf(a)
}

// minutes returns both ends since midnight, equal where there are no hours.
func (o OpenHours) minutes() (out [2]int, err error) {
	if o == (OpenHours{}) {
		return out, nil
	}
	if out[0], err = clockMinutes(o.From); err != nil {
		return out, err
	}
	if out[1] = 24 * 60; o.To != "24:00" {
		if out[1], err = clockMinutes(o.To); err != nil {
			return out, err
		}
	}
	if out[0] >= out[1] {
		err = fmt.Errorf("%s is not before %s", o.From, o.To)
	}
	return out, err
}

// CountryOf returns the country of a telephone number by its prefix, the longest first; ""
// of other addresses and where no jurisdiction has it. A nil Hours knows none.
func (h *Hours) CountryOf(a crm.Address) string {
	if h == nil || !strings.HasPrefix(a.Value, "+") {
		return ""
	}
	for n := min(len(a.Value), 8); n > 1; n-- {
		if j := h.prefixes[a.Value[:n]]; j != nil {
			return j.Country
		}
	}
	return ""
}

// Knows reports whether there is a jurisdiction of a country. A nil Hours knows none.
func (h *Hours) Knows(country string) bool { return h != nil && h.of[country] != nil }

// closing says until when nothing is sent at an instant, and why; at itself where something
// may be.
type closing func(at time.Time) (until time.Time, why string)

// midnight is the first instant of the day after t.
func midnight(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, t.Location())
}

// atMinute is a minute of the day of t.
func atMinute(t time.Time, minute int) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, minute/60, minute%60, 0, 0, t.Location())
}

// hours closes what the jurisdiction's hours do, in one of its zones.
func (j *jurisdiction) hours(zone *time.Location) closing {
	return func(at time.Time) (time.Time, string) {
		if len(j.Open) == 0 {
			return at, ""
		}
		t := at.In(zone)
		day := j.open[t.Weekday()]
		switch m := t.Hour()*60 + t.Minute(); {
		case day[0] < day[1] && m < day[0]:
			return atMinute(t, day[0]), "hours of " + j.Country
		case m >= day[1]:
			return midnight(t), "hours of " + j.Country
		}
		return at, ""
	}
}

// holidays closes public holidays, in one of the zones.
func (j *jurisdiction) holidays(zone *time.Location) closing {
	return func(at time.Time) (time.Time, string) {
		t := at.In(zone)
		if t.Hour() < j.calendar.Until(t) {
			return at, ""
		}
		return midnight(t), "public holiday in " + j.Country
	}
}

// defaultSpread is how long the messages that a jurisdiction postponed are spread over.
const defaultSpread = 30 * time.Minute

// closings returns everything that closes hours for a candidate.
func (in *Candidate) closings() ([]closing, error) {
	from, to, err := in.Quiet.minutes()
	if err != nil {
		return nil, err
	}
	var j *jurisdiction
	if in.Quiet.Local || in.Quiet.Holidays {
		if in.Hours == nil {
			return nil, errors.New("the hours of jurisdictions are asked for and not known")
		}
	}
	if in.Hours != nil {
		country := in.Hours.Country(in.Country)
		if country == "" {
			country = in.Hours.CountryOf(in.Address.Address)
		}
		j = in.Hours.of[country]
	}
	zones := []*time.Location{time.UTC}
	switch {
	case in.Zone != nil: // where the customer was seen, and where the number is from
		zones = []*time.Location{in.Zone}
		if j != nil {
			for _, zone := range j.areaOf(in.Address.Address) {
				if zone.String() != in.Zone.String() {
					zones = append(zones, zone)
				}
			}
		}
	case j != nil:
		zones = j.zonesOf(in.Address.Address)
	}
	var out []closing
	for _, zone := range zones {
		if from != to {
			out = append(out, func(at time.Time) (time.Time, string) {
				if !quiet(from, to, at, zone) {
					return at, ""
				}
				next, _ := QuietHours{From: in.Quiet.From, To: in.Quiet.To}.notBefore(at, zone, "")
				return next, ""
			})
		}
		if j == nil {
			continue
		}
		if in.Quiet.Local {
			out = append(out, j.hours(zone))
		}
		if j.known && (in.Quiet.Holidays || in.Quiet.Local && j.Holidays) {
			out = append(out, j.holidays(zone))
		}
	}
	return out, nil
}

// opens returns at itself where something may be sent, and else the first instant at which
// nothing closes any more, plus the key's share of the spread. Who waited for days is
// spread over as many times the spread: all of them open at once. It fails where nothing is
// ever open.
func (in *Candidate) opens(at time.Time, key string) (next time.Time, why string, err error) {
	if q := &in.Quiet; q.From == q.To && q.From == "" && !q.Local && !q.Holidays {
		return at, "", nil
	}
	closings, err := in.closings()
	if err != nil {
		return at, "", err
	}
	next, why, err = passAll(closings, at)
	if err != nil || !next.After(at) {
		return at, "", err
	}
	spread := in.Quiet.Spread
	if spread == 0 && (in.Quiet.Local || in.Quiet.Holidays) {
		spread = defaultSpread
	}
	spread *= time.Duration(1 + next.Sub(at)/(24*time.Hour))
	h := fnv.New64a()
	h.Write([]byte(key))
	for ; spread > time.Second; spread /= 2 { // less where the opening is short
		late := next.Add(time.Duration(h.Sum64() % uint64(spread)).Truncate(time.Second))
		if end := next.Add(spread); closed(closings, end.Add(-time.Second)) || closed(closings, late) || closed(closings, next.Add(spread/2)) {
			continue
		}
		return late.UTC(), why, nil
	}
	return next.UTC(), why, nil
}

// passAll returns the first instant from at on at which nothing closes.
func passAll(closings []closing, at time.Time) (next time.Time, why string, err error) {
	next = at
	for range 2000 { // some steps for each day of half a year
		moved := false
		for _, c := range closings {
			until, reason := c(next)
			if until.Equal(next) {
				continue
			}
			if !until.After(next) { // a clock that jumped over midnight
				until = next.Add(time.Minute)
			}
			next, moved = until, true
			if why == "" {
				why = reason
			}
		}
		if !moved {
			return next, why, nil
		}
	}
	return at, "", errors.New("no hour is open to all that must be heeded")
}

func closed(closings []closing, at time.Time) bool {
	for _, c := range closings {
		if until, _ := c(at); !until.Equal(at) {
			return true
		}
	}
	return false
}
