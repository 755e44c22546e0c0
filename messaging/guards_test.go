package messaging_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/consent"
)

// guards are all guards in the order in which they decide.
var guards = []string{messaging.GuardSuppressed, messaging.GuardConsent, messaging.GuardTicket, messaging.GuardTag,
	messaging.GuardAddress, messaging.GuardCap, messaging.GuardQuiet, messaging.GuardHoldout}

func reasonOf(t *testing.T, v messaging.Verdict, guard string) crm.Reason {
	t.Helper()
	for _, r := range v.Reasons {
		if r.Guard == guard {
			return r
		}
	}
	t.Fatalf("no reason of %s", guard)
	return crm.Reason{}
}

// TestNotesOfGuards states what each refusal says, word for word: people read
// it in the report and decide by it.
func TestNotesOfGuards(t *testing.T) {
	day := 24 * time.Hour
	recent := func(n int) (out []time.Time) {
		for i := range n {
			out = append(out, noon.Add(-time.Duration(i+1)*time.Minute))
		}
		return out
	}
	for name, c := range map[string]struct {
		guard string
		apply func(*messaging.Candidate)
		note  string
	}{
		"suppressed twice": {messaging.GuardSuppressed, func(c *messaging.Candidate) { c.Address.Suppressed = []string{"bounce", "not-me"} }, "bounce, not-me"},
		"one ticket":       {messaging.GuardTicket, func(c *messaging.Candidate) { c.Address.Holds = []crm.FactRef{ticket(1)} }, "1 unsolved ticket"},
		"two tickets":      {messaging.GuardTicket, func(c *messaging.Candidate) { c.Address.Holds = []crm.FactRef{ticket(1), ticket(2)} }, "2 unsolved tickets"},
		"three, one answered": {messaging.GuardTicket, func(c *messaging.Candidate) {
			c.Address.Holds, c.Answers = []crm.FactRef{ticket(1), ticket(2), ticket(3)}, ticket(2)
		}, "2 unsolved tickets"},
		"two, one answered": {messaging.GuardTicket, func(c *messaging.Candidate) {
			c.Address.Holds, c.Answers = []crm.FactRef{ticket(1), ticket(2)}, ticket(2)
		}, "1 unsolved ticket"},
		"two tags, sorted, each once": {messaging.GuardTag, func(c *messaging.Candidate) {
			c.Tags, c.Exclude = []string{"red", "staff"}, []string{"staff", "red", "staff", "blue"}
		},
			"red, staff"},
		"what the caller knows": {messaging.GuardAddress, func(c *messaging.Candidate) { c.Invalid = "bounced yesterday" }, "bounced yesterday"},
		"nothing allowed":       {messaging.GuardCap, func(c *messaging.Candidate) { c.Caps = []messaging.Cap{{Max: 0, Per: day}} }, "0 sent within 1 days, at most 0 allowed"},
		"a day":                 {messaging.GuardCap, func(c *messaging.Candidate) { c.Caps, c.Recent = []messaging.Cap{{Max: 1, Per: day}}, recent(1) }, "1 sent within 1 days, at most 1 allowed"},
		"a week":                {messaging.GuardCap, func(c *messaging.Candidate) { c.Caps, c.Recent = []messaging.Cap{{Max: 2, Per: 7 * day}}, recent(3) }, "3 sent within 7 days, at most 2 allowed"},
		"an hour":               {messaging.GuardCap, func(c *messaging.Candidate) { c.Caps, c.Recent = []messaging.Cap{{Max: 2, Per: time.Hour}}, recent(2) }, "2 sent within 1h0m0s, at most 2 allowed"},
		"a day and a half": {messaging.GuardCap, func(c *messaging.Candidate) {
			c.Caps, c.Recent = []messaging.Cap{{Max: 1, Per: 36 * time.Hour}}, recent(1)
		}, "1 sent within 36h0m0s, at most 1 allowed"},
		"the first cap that bites": {messaging.GuardCap, func(c *messaging.Candidate) {
			c.Caps, c.Recent = []messaging.Cap{{Max: 9, Per: 7 * day}, {Max: 2, Per: 30 * day}, {Max: 1, Per: day}}, recent(2)
		}, "2 sent within 30 days, at most 2 allowed"},
		"held out":                {messaging.GuardHoldout, func(c *messaging.Candidate) { c.Holdout = true }, "in the control group"},
		"quiet until the morning": {messaging.GuardQuiet, func(c *messaging.Candidate) { c.Quiet = messaging.QuietHours{From: "11:00", To: "13:00"} }, "until 2025-03-03T13:00:00Z"},
	} {
		in := eligible()
		in.Quiet = messaging.QuietHours{}
		c.apply(&in)
		at := time.Date(2025, 3, 3, 12, 0, 0, 0, time.UTC)
		if c.guard != messaging.GuardQuiet {
			at = noon
		}
		v := messaging.Check(in, at)
		r := reasonOf(t, v, c.guard)
		require.False(t, r.Pass, name)
		require.Equal(t, c.note, r.Note, name)
		require.Equal(t, c.guard, v.Guard, name)
		for _, other := range v.Reasons {
			require.Equal(t, other.Guard != c.guard, other.Pass, "%s: %s", name, other.Guard)
		}
	}
}

// TestCapsAtTheirBorders counts what lies in the window and nothing beside it.
func TestCapsAtTheirBorders(t *testing.T) {
	per := 24 * time.Hour
	for name, c := range map[string]struct {
		caps   []messaging.Cap
		recent []time.Time
		sends  bool
	}{
		"just inside":                 {[]messaging.Cap{{Max: 1, Per: per}}, []time.Time{noon.Add(-per + 1)}, false},
		"as long ago as the window":   {[]messaging.Cap{{Max: 1, Per: per}}, []time.Time{noon.Add(-per)}, true},
		"now":                         {[]messaging.Cap{{Max: 1, Per: per}}, []time.Time{noon}, false},
		"still to come":               {[]messaging.Cap{{Max: 1, Per: per}}, []time.Time{noon.Add(1)}, true},
		"one of two":                  {[]messaging.Cap{{Max: 2, Per: per}}, []time.Time{noon}, true},
		"a cap without a window":      {[]messaging.Cap{{Max: 0}}, []time.Time{noon, noon, noon}, true},
		"one without beside one with": {[]messaging.Cap{{Max: 0}, {Max: 1, Per: per}}, []time.Time{noon}, false},
		"no cap":                      {nil, []time.Time{noon, noon, noon}, true},
		"negative":                    {[]messaging.Cap{{Max: 0, Per: -per}}, []time.Time{noon}, true},
		"nothing allowed":             {[]messaging.Cap{{Max: 0, Per: 1}}, nil, false},
	} {
		in := eligible()
		in.Caps, in.Recent = c.caps, c.recent
		require.Equal(t, c.sends, messaging.Check(in, noon).Outcome == messaging.Send, name)
		in.Class = consent.Transactional
		require.Equal(t, messaging.Send, messaging.Check(in, noon).Outcome, name)
	}
}

// TestFaultsOfAddresses goes along the borders of numbers and e-mail addresses.
func TestFaultsOfAddresses(t *testing.T) {
	long := func(n int) string { return strings.Repeat("a", n-len("@shop.example")) + "@shop.example" }
	for value, ok := range map[string]bool{
		"+12345678": true, "+1234567": false, "+123456789012345": true, "+1234567890123456": false, "+02345678": false, "+10345678": true, "12345678": false, "123456789": false,
		"+1234567a": false, "+1234 5678": false, "++12345678": false, "+90532123456７": false, "+905321234567": true,
	} {
		fault := messaging.AddressFault(crm.Address{Channel: crm.Phone, Value: value})
		require.Equal(t, ok, fault == "", "%q: %s", value, fault)
		if !ok {
			require.Equal(t, "not an E.164 number", fault)
		}
	}
	for value, ok := range map[string]bool{
		"ada@shop.example": true, "ada+shop@corp.example": true, "a@b.c": true, long(254): true, long(255): false, "ada": false, "@shop.example": false, "ada@": false, "ada@shop": false, "ada@.shop": false,
		"ada@shop.": false, "ada@a@shop.example": false, "ada@shop .example": false, "a da@shop.example": false, "<ada@shop.example": false, "a,da@shop.example": false, "a;da@shop.example": false, "ada@.a.b.": true,
	} {
		fault := messaging.AddressFault(crm.Address{Channel: crm.Email, Value: value})
		require.Equal(t, ok, fault == "", "%q: %s", value, fault)
		if !ok {
			require.Equal(t, "not an e-mail address", fault)
		}
	}
	require.Empty(t, messaging.AddressFault(crm.Address{Channel: "app", Value: "x"}))
	require.Equal(t, "no address", messaging.AddressFault(crm.Address{}))
	require.Equal(t, "malformed address", messaging.AddressFault(crm.Address{Channel: crm.Phone}))
	require.Equal(t, "malformed address", messaging.AddressFault(crm.Address{Channel: "app", Value: "\x00"}))
	require.Equal(t, "no address", reasonOf(t, messaging.Check(messaging.Candidate{}, noon), messaging.GuardAddress).Note, "nothing is known, not even the address")
}

// TestQuietHoursAreSpread sends what waited not all at once: by the key of the
// candidate, or by the address where there is none, and always at the same
// moment for the same.
func TestQuietHoursAreSpread(t *testing.T) {
	at := time.Date(2025, 3, 3, 22, 0, 0, 0, time.UTC)
	when := func(n int, key string) time.Time {
		in := eligible()
		in.Address.Address = phone(n)
		in.Quiet, in.SpreadKey = messaging.EveningQuiet(), key
		v := messaging.Check(in, at)
		require.Equal(t, messaging.Defer, v.Outcome)
		require.Equal(t, messaging.GuardQuiet, v.Guard)
		open := time.Date(2025, 3, 4, 9, 0, 0, 0, time.UTC)
		require.False(t, v.NotBefore.Before(open))
		require.True(t, v.NotBefore.Before(open.Add(30*time.Minute)))
		return v.NotBefore
	}
	byAddress, byKey := map[time.Time]bool{}, map[time.Time]bool{}
	for n := range 20 {
		byAddress[when(n, "")] = true
		byKey[when(n, "household")] = true
		require.Equal(t, when(n, ""), when(n, phone(n).Value))
	}
	require.Greater(t, len(byAddress), 10)
	require.Len(t, byKey, 1)
}
