package messaging_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
)

func hours(t require.TestingT, more ...messaging.Jurisdiction) *messaging.Hours {
	h, err := messaging.NewHours(append(messaging.Jurisdictions(), more...)...)
	require.NoError(t, err)
	return h
}

// number is a candidate for a transactional message, which quiet hours alone can stop.
func number(value string, q messaging.QuietHours, h *messaging.Hours) messaging.Candidate {
	return messaging.Candidate{Class: "transactional", Address: &crm.AddressState{Address: crm.Address{Channel: crm.Phone, Value: value}}, Quiet: q, Hours: h}
}

func local(t *testing.T, zone, s string) time.Time {
	loc, err := time.LoadLocation(zone)
	require.NoError(t, err)
	at, err := time.ParseInLocation("2006-01-02 15:04", s, loc)
	require.NoError(t, err)
	return at
}

// When the next message may leave, by country, zone and feast.
func TestHours(t *testing.T) {
	h := hours(t)
	const turkish, french, american, german = "+905321234567", "+33612345678", "+12125550100", "+4915112345678"
	const anywhere, florida, hawaii, alaska, canadian = "+15005550100", "+18505550100", "+18085550100", "+19075550100", "+14165550100"
	place := func(name string) *time.Location {
		loc, err := time.LoadLocation(name)
		require.NoError(t, err)
		return loc
	}
	ny, la := place("America/New_York"), place("America/Los_Angeles")
	both := messaging.QuietHours{Local: true, Holidays: true, Spread: time.Second}
	law := messaging.QuietHours{Local: true, Spread: time.Second}
	for name, c := range map[string]struct {
		number   string
		zone     *time.Location
		quiet    messaging.QuietHours
		in       string // the zone that the times are in
		at, next string
		why      string
	}{
		"a Turkish noon":                          {turkish, nil, both, "Europe/Istanbul", "2025-03-03 12:00", "", ""},
		"a Turkish evening":                       {turkish, nil, both, "Europe/Istanbul", "2025-03-03 20:30", "2025-03-04 09:00", "hours of TR"},
		"the eve of Ramazan Bayramı, and 3 days":  {turkish, nil, both, "Europe/Istanbul", "2025-03-29 13:00", "2025-04-02 09:00", "public holiday in TR"},
		"the eve, in the morning":                 {turkish, nil, both, "Europe/Istanbul", "2025-03-29 12:59", "", ""},
		"a feast that the campaign does not ask":  {turkish, nil, law, "Europe/Istanbul", "2025-03-30 12:00", "", ""},
		"a French Sunday before Easter Monday":    {french, nil, law, "Europe/Paris", "2025-04-20 12:00", "2025-04-22 08:00", "hours of FR"},
		"a French Saturday evening":               {french, nil, law, "Europe/Paris", "2025-03-08 19:00", "2025-03-10 08:00", "hours of FR"},
		"New York, its zone known":                {american, ny, law, "America/New_York", "2025-03-03 08:00", "", ""},
		"Los Angeles at that time":                {american, la, law, "America/New_York", "2025-03-03 08:00", "2025-03-03 11:00", "hours of US"},
		"New York by its number":                  {american, nil, law, "America/New_York", "2025-03-03 08:00", "", ""},
		"New York by its number, too early":       {american, nil, law, "America/New_York", "2025-03-03 07:59", "2025-03-03 08:00", "hours of US"},
		"its zone is known and is another":        {american, la, law, "America/New_York", "2025-03-03 10:59", "2025-03-03 11:00", "hours of US"},
		"a number of two zones, in the morning":   {florida, nil, law, "America/New_York", "2025-03-03 08:00", "2025-03-03 09:00", "hours of US"},
		"a number of two zones, in the evening":   {florida, nil, law, "America/Chicago", "2025-03-03 20:00", "2025-03-04 08:00", "hours of US"},
		"seen in New York, from Hawaii":           {hawaii, ny, law, "Pacific/Honolulu", "2025-01-06 07:59", "2025-01-06 08:00", "hours of US"},
		"and not after 21:00 in New York":         {hawaii, ny, law, "America/New_York", "2025-01-06 21:00", "2025-01-07 13:00", "hours of US"},
		"the sender's hours alone, by the number": {hawaii, nil, messaging.QuietHours{From: "20:00", To: "09:00", Spread: time.Second}, "Pacific/Honolulu", "2025-01-06 08:00", "2025-01-06 09:00", ""},
		"Hawaii by its number":                    {hawaii, nil, law, "Pacific/Honolulu", "2025-03-03 20:59", "", ""},
		"Alaska with the Aleutians":               {alaska, nil, law, "America/Anchorage", "2025-03-03 08:59", "2025-03-03 09:00", "hours of US"},
		"Toronto by its number":                   {canadian, nil, law, "America/Toronto", "2025-03-03 08:00", "", ""},
		"somewhere in the US: Honolulu, too":      {anywhere, nil, law, "America/New_York", "2025-01-06 12:00", "2025-01-06 13:00", "hours of US"},
		"nor after 21:00 in New York":             {anywhere, nil, law, "America/New_York", "2025-01-06 21:00", "2025-01-07 13:00", "hours of US"},
		"the day that summer time begins":         {american, la, law, "America/Los_Angeles", "2025-03-09 01:30", "2025-03-09 08:00", "hours of US"},
		"Germany has no hours of its own":         {german, nil, both, "Europe/Berlin", "2025-03-03 03:00", "", ""},
		"and the sender's are in its zone":        {german, nil, messaging.QuietHours{From: "20:00", To: "09:00", Local: true, Spread: time.Second}, "Europe/Berlin", "2025-03-03 08:00", "2025-03-03 09:00", ""},
		"of both the stricter":                    {turkish, nil, messaging.QuietHours{From: "19:00", To: "11:00", Local: true, Spread: time.Second}, "Europe/Istanbul", "2025-03-03 20:40", "2025-03-04 11:00", ""},
	} {
		in := number(c.number, c.quiet, h)
		in.Zone = c.zone
		at := local(t, c.in, c.at)
		v := messaging.Check(in, at)
		if c.next == "" {
			require.Equal(t, messaging.Send, v.Outcome, name)
			continue
		}
		require.Equal(t, messaging.Defer, v.Outcome, name)
		require.Equal(t, local(t, c.in, c.next).UTC(), v.NotBefore, name)
		for _, r := range v.Reasons {
			if r.Guard == messaging.GuardQuiet && c.why != "" {
				require.Contains(t, r.Note, c.why, name)
			}
		}
	}
	in := number(turkish, both, h)
	in.Country = "FR" // of the profile, before that of the number
	require.Equal(t, messaging.Defer, messaging.Check(in, local(t, "Europe/Paris", "2025-03-09 12:00")).Outcome)
	require.Equal(t, messaging.Withhold, messaging.Check(number(turkish, both, nil), local(t, "Europe/Istanbul", "2025-03-03 12:00")).Outcome, "what cannot be looked up is not allowed")
	for value, want := range map[string]string{turkish: "TR", french: "FR", american: "US", "+4412": "GB", "+999123": "", "a@b.example": ""} {
		require.Equal(t, want, h.CountryOf(crm.Address{Value: value}), value)
	}
}

// A country is understood however exports write it, and one that is not known switches nothing off.
func TestCountry(t *testing.T) {
	h := hours(t)
	for s, want := range map[string]string{"TR": "TR", "tr": "TR", " Tr ": "TR", "TUR": "TR", "Türkiye": "TR", "TÜRKİYE": "TR", "Turkiye": "TR", "türkıye": "TR", "Turkey": "TR", "T.C.": "TR",
		"Tu\u0308rkiye": "TR", "Fransa": "FR", "U.S.A.": "US", "Österreich": "AT", "JP": "", "Japan": "", "": "", "Türkiye Pazarı": "", "🇹🇷": "", "\xff": ""} {
		require.Equal(t, want, h.Country(s), "%q", s)
	}
	require.Empty(t, (*messaging.Hours)(nil).Country("TR"))
	for _, country := range []string{"", "TR", "Türkiye", "tr", "JP", "?"} {
		in := number("+905321234567", messaging.QuietHours{Local: true}, h)
		in.Country = country
		require.Equal(t, messaging.Defer, messaging.Check(in, local(t, "Europe/Istanbul", "2025-03-04 03:00")).Outcome, country)
	}
	only, err := messaging.NewHours(messaging.Jurisdiction{Country: "JP", Prefixes: []string{"+81"}, Zones: []string{"Asia/Tokyo"}})
	require.NoError(t, err)
	require.Equal(t, "JP", only.Country("jp"))
	require.Empty(t, only.Country("Türkiye"))
}

// Ten thousand messages that wait for the end of a feast leave evenly over the opening, each at
// the same instant whenever it is asked.
func TestNoBurstAtOpening(t *testing.T) {
	h := hours(t)
	q := messaging.EveningQuiet()
	q.Local, q.Holidays = true, true
	const people = 10_000
	minutes := map[time.Time]int{}
	for i := range people {
		in := number(fmt.Sprintf("+90532%07d", i), q, h)
		at := local(t, "Europe/Istanbul", "2025-03-29 13:00").Add(time.Duration(i) * 90 * time.Hour / people)
		v := messaging.Check(in, at)
		require.Equal(t, messaging.Defer, v.Outcome)
		require.Equal(t, v.NotBefore, messaging.Check(in, at).NotBefore)
		require.Equal(t, messaging.Send, messaging.Check(in, v.NotBefore).Outcome)
		minutes[v.NotBefore.Truncate(time.Minute)]++
	}
	open := local(t, "Europe/Istanbul", "2025-04-02 09:00")
	most := 0
	for m, n := range minutes {
		require.False(t, m.Before(open))
		require.True(t, m.Before(open.Add(2*time.Hour)), "%s", m) // half an hour for each day
		most = max(most, n)
	}
	require.Less(t, most, people/30, "no more than if all had waited one night")
}

// TestHoursStepByStep compares with a reader that looks at each half hour by itself: the first
// open one is found, and the spread stays within its opening.
func TestHoursStepByStep(t *testing.T) {
	base := hours(t)
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.SampledFrom([]string{"+905321234567", "+33612345678", "+12125550100", "+4915112345678"}).Draw(t, "number")
		clock := rapid.SampledFrom([]string{"", "00:00", "07:30", "12:00", "20:30", "23:30"})
		q := messaging.QuietHours{Local: rapid.Bool().Draw(t, "local"), Holidays: rapid.Bool().Draw(t, "holidays"), Spread: time.Minute}
		if q.From = clock.Draw(t, "from"); q.From != "" {
			q.To = rapid.SampledFrom([]string{"00:00", "07:30", "12:00", "20:30", "23:30"}).Draw(t, "to")
		}
		at := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 2*365*48).Draw(t, "half hour")) * 30 * time.Minute)
		in := number(value, q, base)
		v := messaging.Check(in, at)
		first := at
		closed := messaging.Closed(in)
		for n := 0; closed(first); n++ {
			if n > 12*48 {
				if v.Outcome == messaging.Send {
					t.Fatalf("never open, and sent")
				}
				return
			}
			first = first.Add(30 * time.Minute) // nothing here opens or closes in between
		}
		if first.Equal(at) {
			return
		}
		if v.Outcome != messaging.Defer {
			t.Fatalf("%s, open at %s", v.Outcome, first)
		}
		if d := v.NotBefore.Sub(first); d < 0 || d >= 13*time.Minute {
			t.Fatalf("deferred to %s, open at %s", v.NotBefore, first)
		}
		if messaging.Check(in, v.NotBefore).Outcome != messaging.Send {
			t.Fatalf("not open at %s", v.NotBefore)
		}
	})
}

// Of the areas that a number begins with the longest counts.
func TestLongestArea(t *testing.T) {
	h := hours(t, messaging.Jurisdiction{Country: "CA", Prefixes: []string{"+1999"}, Zones: []string{"America/Toronto"},
		Areas: map[string][]string{"+1999": {"America/Toronto"}, "+19995": {"America/Vancouver"}, "+1999555": {"America/Halifax"}}})
	for number, want := range map[string]string{"+19994440100": "America/Toronto", "+19995440100": "America/Vancouver", "+19995550100": "America/Halifax"} {
		zones := h.Zones("CA", crm.Address{Channel: crm.Phone, Value: number})
		require.Len(t, zones, 1)
		require.Equal(t, want, zones[0].String(), number)
	}
}

// NewHours names every fault; a host's jurisdiction replaces the library's, with its numbers.
func TestNewHours(t *testing.T) {
	_, err := messaging.NewHours(messaging.Jurisdiction{Country: "tr", Prefixes: []string{"90"}, Zones: []string{"Mars"}, Open: []messaging.OpenHours{{}}},
		messaging.Jurisdiction{Country: "US", Holidays: true, Open: make([]messaging.OpenHours, 7)},
		messaging.Jurisdiction{Country: "GB", Zones: []string{"Europe/London"}, Open: []messaging.OpenHours{{From: "9", To: "10:00"}, {From: "09:00", To: "08:00"}, {}, {}, {}, {}, {From: "09:00", To: "24:00"}}})
	for _, want := range []string{`"tr" is no ISO`, `prefix "90"`, `zone "Mars"`, "hours of 1 days", "jurisdiction 1 (US): it has no zones", "no day has hours", "holidays are not known", `open[0]: messaging: "9"`, "open[1]: 09:00 is not before 08:00"} {
		require.ErrorContains(t, err, want)
	}
	require.ErrorIs(t, err, messaging.ErrCampaign)
	own := hours(t, messaging.Jurisdiction{Country: "TR", Zones: []string{"Europe/Istanbul"}})
	require.Empty(t, own.CountryOf(crm.Address{Value: "+905321234567"}))
	for i, j := range messaging.Jurisdictions() {
		require.NotEmpty(t, j.Source)
		require.True(t, i == 0 || messaging.Jurisdictions()[i-1].Country < j.Country)
	}
}
