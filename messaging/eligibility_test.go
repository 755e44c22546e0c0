package messaging_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/consent"
)

var vefa = crm.ConsentKey{Brand: "vefa"}

// eligible is a candidate that every guard lets pass at noon.
func eligible() messaging.Candidate {
	return messaging.Candidate{
		Address: &crm.AddressState{Address: phone(1), Version: 3, Consents: []crm.ConsentState{{ConsentKey: vefa, Status: crm.Granted, At: noon.AddDate(-1, 0, 0)}}},
		Consent: vefa, Tags: []string{"vip"}, Exclude: []string{"red"}, Caps: []messaging.Cap{{Max: 2, Per: 7 * 24 * time.Hour}},
		Quiet: messaging.QuietHours{From: "20:00", To: "09:00"},
	}
}

// obstacles breaks one guard each, in their order.
var obstacles = []struct {
	guard string
	apply func(*messaging.Candidate)
}{
	{messaging.GuardSuppressed, func(c *messaging.Candidate) { c.Address.Suppressed = []string{"not-me"} }},
	{messaging.GuardConsent, func(c *messaging.Candidate) { c.Address.Consents = nil }},
	{messaging.GuardTicket, func(c *messaging.Candidate) { c.Address.Holds = []crm.FactRef{ticket(1)} }},
	{messaging.GuardTag, func(c *messaging.Candidate) { c.Tags = append(c.Tags, "red") }},
	{messaging.GuardAddress, func(c *messaging.Candidate) { c.Address.Address.Value = "0532" }},
	{messaging.GuardCap, func(c *messaging.Candidate) { c.Recent = []time.Time{noon.Add(-time.Hour), noon.AddDate(0, 0, -3)} }},
	{messaging.GuardQuiet, func(c *messaging.Candidate) { c.Quiet = messaging.QuietHours{From: "11:00", To: "13:00"} }},
	{messaging.GuardHoldout, func(c *messaging.Candidate) { c.Holdout = true }},
}

func ticket(i int) crm.FactRef {
	return crm.FactRef{Subject: crm.OfAddress(phone(1)), Key: crm.FactKey{Kind: crm.KindTicket, Source: "desk", ID: fmt.Sprint(i)}}
}

// Every subset of obstacles: the first one in the fixed order decides, and each
// guard is reported on its own.
func TestEverySetOfObstacles(t *testing.T) {
	for set := range 1 << len(obstacles) {
		c := eligible()
		first := ""
		for i, o := range obstacles {
			if set&(1<<i) != 0 {
				o.apply(&c)
				if first == "" {
					first = o.guard
				}
			}
		}
		v := messaging.Check(c, noon)
		require.Len(t, v.Reasons, len(obstacles))
		for i, r := range v.Reasons {
			require.Equal(t, guards[i], r.Guard)
			require.Equal(t, set&(1<<i) == 0, r.Pass, "%b: %s", set, r.Guard)
			require.True(t, r.Pass || r.Note != "", r.Guard)
		}
		want := messaging.Withhold
		switch {
		case set == 0:
			want = messaging.Send
		case set>>6 == 1 && set&63 == 0:
			want = messaging.Defer
			require.Equal(t, noon.Add(time.Hour), v.NotBefore)
		case set&63 == 0:
			want, first = messaging.HoldOut, messaging.GuardHoldout
		}
		require.Equal(t, want, v.Outcome, "%b", set)
		require.Equal(t, first, v.Guard, "%b", set)
		require.Equal(t, want == messaging.Defer, !v.NotBefore.IsZero())
	}
}

func TestCheckDetails(t *testing.T) {
	with := func(change func(*messaging.Candidate)) messaging.Verdict {
		c := eligible()
		change(&c)
		return messaging.Check(c, noon)
	}
	assert.Equal(t, messaging.Withhold, messaging.Check(messaging.Candidate{}, noon).Outcome, "nothing known is no consent")
	assert.Equal(t, messaging.GuardConsent, messaging.Check(messaging.Candidate{}, noon).Guard)
	v := with(func(c *messaging.Candidate) { c.Address.Holds = []crm.FactRef{ticket(1)}; c.Answers = ticket(1) })
	assert.Equal(t, messaging.Send, v.Outcome, "a message that answers the ticket")
	v = with(func(c *messaging.Candidate) {
		c.Address.Holds = []crm.FactRef{ticket(1), ticket(2)}
		c.Answers = ticket(1)
	})
	assert.Equal(t, messaging.GuardTicket, v.Guard, "there is another one")
	v = with(func(c *messaging.Candidate) {
		c.Class, c.Holdout, c.Recent, c.Address.Consents = consent.Transactional, true, []time.Time{noon, noon, noon}, nil
	})
	assert.Equal(t, messaging.Send, v.Outcome, "transactional: no consent, no cap, no control group")
	v = with(func(c *messaging.Candidate) {
		c.Recent = []time.Time{noon.AddDate(0, 0, -7), noon.AddDate(0, 0, -1), noon.Add(time.Hour)}
	})
	assert.Equal(t, messaging.Send, v.Outcome, "a week ago is outside the window, the future too")
	v = with(func(c *messaging.Candidate) { c.Caps = []messaging.Cap{{Max: 0, Per: time.Hour}} })
	assert.Equal(t, messaging.GuardCap, v.Guard)
	v = with(func(c *messaging.Candidate) { c.Invalid = "bounced" })
	assert.Equal(t, crm.Reason{Guard: messaging.GuardAddress, Note: "bounced"}, v.Reasons[4])
	v = with(func(c *messaging.Candidate) { c.Address.Suppressed = []string{"x"} })
	assert.True(t, v.Reasons[1].Pass, "suppression and consent are told apart")
}

func TestCheckIsPure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := eligible()
		for _, o := range obstacles {
			if rapid.Bool().Draw(t, o.guard) {
				o.apply(&c)
			}
		}
		at := noon.Add(time.Duration(rapid.IntRange(0, 7*24*60).Draw(t, "minutes")) * time.Minute)
		before := c.Address.Clone()
		a, b := messaging.Check(c, at), messaging.Check(c, at)
		if fmt.Sprint(a) != fmt.Sprint(b) || fmt.Sprint(before) != fmt.Sprint(c.Address) {
			t.Fatal("two answers, or a changed state")
		}
		if a.Outcome == messaging.Defer && messaging.Check(c, a.NotBefore).Guard == messaging.GuardQuiet {
			t.Fatalf("deferred to %s, which is quiet too", a.NotBefore)
		}
	})
}

func TestAddressFault(t *testing.T) {
	for value, ok := range map[string]bool{"+905321234567": true, "+4930123456": true, "05321234567": false, "+0532": false, "+90532": false, "+90532123456789012": false, "+90 532 123": false, "": false} {
		assert.Equal(t, ok, messaging.AddressFault(crm.Address{Channel: crm.Phone, Value: value}) == "", value)
	}
	for value, ok := range map[string]bool{"a@b.co": true, "a.b+c@d.e.f": true, "a@b": false, "@b.co": false, "a": false, "a@b@c.de": false, "a b@c.de": false, "a@.": false} {
		assert.Equal(t, ok, messaging.AddressFault(crm.Address{Channel: crm.Email, Value: value}) == "", value)
	}
	assert.Empty(t, messaging.AddressFault(crm.Address{Channel: crm.Post, Value: "Beyoğlu, İstanbul"}))
	assert.NotEmpty(t, messaging.AddressFault(crm.Address{}))
	assert.NotEmpty(t, messaging.AddressFault(crm.Address{Channel: crm.Post, Value: "a\nb"}))
}

func location(t testing.TB, name string) *time.Location {
	t.Helper()
	l, err := time.LoadLocation(name)
	if err != nil {
		t.Skipf("no time zones on this machine: %v", err)
	}
	return l
}

func TestQuietHours(t *testing.T) {
	istanbul, berlin := location(t, "Europe/Istanbul"), location(t, "Europe/Berlin")
	evening := messaging.QuietHours{From: "20:30", To: "09:00"}
	for _, c := range []struct {
		name     string
		q        messaging.QuietHours
		zone     *time.Location
		at, want time.Time
	}{
		{"open", evening, istanbul, time.Date(2025, 3, 3, 15, 0, 0, 0, istanbul), time.Date(2025, 3, 3, 15, 0, 0, 0, istanbul)},
		{"the last open minute", evening, istanbul, time.Date(2025, 3, 3, 20, 29, 59, 0, istanbul), time.Date(2025, 3, 3, 20, 29, 59, 0, istanbul)},
		{"the first quiet one", evening, istanbul, time.Date(2025, 3, 3, 20, 30, 0, 0, istanbul), time.Date(2025, 3, 4, 9, 0, 0, 0, istanbul)},
		{"after midnight", evening, istanbul, time.Date(2025, 3, 4, 0, 10, 0, 0, istanbul), time.Date(2025, 3, 4, 9, 0, 0, 0, istanbul)},
		{"on the recipient's clock", evening, berlin, time.Date(2025, 3, 3, 9, 30, 0, 0, istanbul), time.Date(2025, 3, 3, 9, 0, 0, 0, berlin)},
		{"UTC if there is none", evening, nil, time.Date(2025, 3, 3, 8, 0, 0, 0, time.UTC), time.Date(2025, 3, 3, 9, 0, 0, 0, time.UTC)},
		{"the end lies in the hour that spring takes", messaging.QuietHours{From: "22:00", To: "02:30"}, berlin, time.Date(2025, 3, 30, 1, 0, 0, 0, berlin), time.Date(2025, 3, 30, 1, 0, 0, 0, time.UTC)},
		{"the end comes twice in autumn", messaging.QuietHours{From: "22:00", To: "02:30"}, berlin, time.Date(2025, 10, 26, 0, 0, 0, 0, time.UTC), time.Date(2025, 10, 26, 0, 30, 0, 0, time.UTC)},
		{"within a day", messaging.QuietHours{From: "12:00", To: "13:00"}, nil, noon.Add(time.Minute), noon.Add(time.Hour)},
		{"none", messaging.QuietHours{}, istanbul, noon, noon},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.q.NotBefore(c.at, c.zone, "k")
			require.NoError(t, err)
			assert.True(t, c.want.Equal(got), "got %s, want %s", got, c.want.UTC())
		})
	}
	spread := messaging.EveningQuiet()
	require.NoError(t, spread.Validate())
	first, last, distinct := 30*time.Minute, time.Duration(0), map[time.Duration]bool{}
	for i := range 500 {
		next, err := spread.NotBefore(time.Date(2025, 3, 3, 3, 0, 0, 0, istanbul), istanbul, phone(i).Value)
		require.NoError(t, err)
		d := next.Sub(time.Date(2025, 3, 3, 9, 0, 0, 0, istanbul))
		first, last, distinct[d] = min(first, d), max(last, d), true
	}
	assert.GreaterOrEqual(t, first, time.Duration(0))
	assert.Less(t, last, 30*time.Minute)
	assert.Greater(t, len(distinct), 300)
	for _, clock := range []string{"24:00", "12:60", "9:00", "", "12.00", "1a:00", "-1:00"} {
		wrong := messaging.QuietHours{From: clock, To: "09:00"}
		assert.ErrorContains(t, wrong.Validate(), "is not a time of day", clock)
		in := eligible()
		in.Quiet = wrong
		v := messaging.Check(in, noon)
		assert.Equal(t, messaging.Withhold, v.Outcome, "hours that cannot be read let nothing out: %q", clock)
		assert.Equal(t, messaging.GuardQuiet, v.Guard)
	}
	assert.Error(t, messaging.QuietHours{From: "00:10", To: "00:05", Spread: time.Hour}.Validate())
}

// Whatever the zone, the clock change and the hours: the answer is not quiet,
// not before the question, and at most a day and a clock change later.
func TestQuietHoursAlwaysEnd(t *testing.T) {
	zones := []*time.Location{time.UTC, location(t, "Europe/Berlin"), location(t, "America/New_York"), location(t, "Australia/Lord_Howe"), location(t, "Asia/Kathmandu"), location(t, "Pacific/Apia"), location(t, "Africa/Cairo")}
	rapid.Check(t, func(t *rapid.T) {
		clock := func(name string) string {
			m := rapid.IntRange(0, 1439).Draw(t, name)
			return fmt.Sprintf("%02d:%02d", m/60, m%60)
		}
		q := messaging.QuietHours{From: clock("from"), To: clock("to")}
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		at := time.Unix(rapid.Int64Range(1262304000, 1893456000).Draw(t, "at"), 0)
		next := func(at time.Time) time.Time {
			got, err := q.NotBefore(at, zone, "")
			require.NoError(t, err)
			return got
		}
		quiet := func(at time.Time) bool { // by the text of the clock, which orders as the times do
			c := at.In(zone).Format("15:04")
			if q.From < q.To {
				return c >= q.From && c < q.To
			}
			return q.From != q.To && (c >= q.From || c < q.To)
		}
		got := next(at)
		if got.Before(at) || quiet(got) || got.Sub(at) > 27*time.Hour {
			t.Fatalf("%s in %s: %s for %s", q.From, zone, got, at)
		}
		if !quiet(at) && !got.Equal(at) {
			t.Fatal("deferred although it was not quiet")
		}
		for m := at.Truncate(time.Minute).Add(time.Minute); quiet(at) && m.Before(got); m = m.Add(time.Minute) {
			if !quiet(m) {
				t.Fatalf("%s was free before %s", m, got)
			}
		}
	})
}

func FuzzClock(f *testing.F) {
	f.Add("20:30")
	f.Add("24:00")
	f.Fuzz(func(t *testing.T, s string) {
		at, err := time.Parse("15:04", s)
		good := err == nil && at.Format("15:04") == s
		if got := (messaging.QuietHours{From: s, To: "00:00"}).Validate() == nil; got != good {
			t.Fatalf("%q: %v, not %v", s, got, good)
		}
	})
}

func ExampleCheck() {
	at := time.Date(2025, 3, 3, 12, 0, 0, 0, time.UTC)
	key := crm.ConsentKey{Brand: "vefa"}
	v := messaging.Check(messaging.Candidate{
		Address: &crm.AddressState{
			Address:  crm.Address{Channel: crm.Phone, Value: "+905321234567"},
			Consents: []crm.ConsentState{{ConsentKey: key, Status: crm.Granted, At: at.AddDate(-1, 0, 0)}},
		},
		Consent: key, Tags: []string{"red", "vip"}, Exclude: []string{"red"},
	}, at)
	fmt.Println(v.Outcome, v.Guard)
	for _, r := range v.Reasons {
		fmt.Println(strings.TrimSpace(fmt.Sprint(r.Guard, " ", r.Pass, " ", r.Note)))
	}
	// Output:
	// withhold excluded-tag
	// suppressed true
	// consent true granted on 2024-03-03
	// open-ticket true
	// excluded-tag false red
	// invalid-address true
	// cap true
	// quiet-hours true
	// holdout true
}

func BenchmarkCheck(b *testing.B) {
	c := eligible()
	b.ReportAllocs()
	for b.Loop() {
		messaging.Check(c, noon)
	}
}
