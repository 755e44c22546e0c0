package messaging_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/consent"
)

func TestGap(t *testing.T) {
	c := messaging.Cadence{Every: time.Hour, Grow: 3, Most: 24 * time.Hour}
	for unanswered, want := range []time.Duration{1, 1, 3, 9, 24, 24} {
		require.Equal(t, want*time.Hour, c.Gap(unanswered))
	}
	require.Equal(t, 24*time.Hour, c.Gap(math.MaxInt32))
	require.Equal(t, time.Hour, messaging.Cadence{Every: time.Hour}.Gap(100))
}

// A later message is never refused where an earlier one was allowed, more unanswered messages never shorten
// the time, and a person who answered is asked for no more than Every.
func TestCadenceIsMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		every := time.Duration(rapid.IntRange(1, 100).Draw(t, "every")) * time.Hour
		c := messaging.Cadence{Every: every, Grow: rapid.Float64Range(1, 10).Draw(t, "grow"), Most: every * time.Duration(rapid.IntRange(1, 50).Draw(t, "most"))}
		var recent []time.Time
		for _, h := range rapid.SliceOfN(rapid.IntRange(0, 1000), 0, 8).Draw(t, "recent") {
			recent = append(recent, noon.Add(-time.Duration(h)*time.Hour))
		}
		answered := noon.Add(-time.Duration(rapid.IntRange(0, 1000).Draw(t, "answered")) * time.Hour)
		ask := func(recent []time.Time, answered, at time.Time) bool {
			v := messaging.Check(messaging.Candidate{Address: &crm.AddressState{}, Cadence: c, Recent: recent, Answered: answered}, at)
			for _, r := range v.Reasons {
				if r.Guard == messaging.GuardCadence {
					return r.Pass
				}
			}
			t.Fatal("it was not asked")
			return false
		}
		allowed := ask(recent, answered, noon)
		later := ask(recent, answered, noon.Add(time.Duration(rapid.IntRange(0, 5000).Draw(t, "later"))*time.Hour))
		require.True(t, later || !allowed)
		if ask(recent, time.Time{}, noon) {
			require.True(t, allowed, "silence allowed it")
		}
		require.True(t, ask(recent, noon.Add(1), noon.Add(every)), "he answered")
		require.True(t, ask(nil, time.Time{}, noon))
	})
}

func TestCadenceFaults(t *testing.T) {
	for want, change := range map[string]func(*messaging.Campaign){
		"cadence is negative":                     func(c *messaging.Campaign) { c.Cadence.Every = -1 },
		"cadence grows by 0.5":                    func(c *messaging.Campaign) { c.Cadence = messaging.Cadence{Every: 1, Grow: 0.5, Most: 2} },
		"cadence grows by NaN":                    func(c *messaging.Campaign) { c.Cadence = messaging.Cadence{Every: 1, Grow: math.NaN(), Most: 2} },
		"cadence has no every":                    func(c *messaging.Campaign) { c.Cadence = messaging.Cadence{Most: 2} },
		"cadence grows, and its most, 1ns, is le": func(c *messaging.Campaign) { c.Cadence = messaging.Cadence{Every: 2, Grow: 2, Most: 1} },
		"relevance 1.1 is not from 0 to 1":        func(c *messaging.Campaign) { c.Relevance = 1.1 },
		"relevance NaN is not from 0 to 1":        func(c *messaging.Campaign) { c.Relevance = math.NaN() },
	} {
		c := *spring()
		change(&c)
		require.ErrorContains(t, c.Validate(), want)
	}
}

// A message of which nobody says what it means is withheld where that is asked, and transactional
// ones are asked neither.
func TestRelevanceUnknown(t *testing.T) {
	a := &crm.AddressState{Address: crm.Address{Channel: crm.Phone, Value: "+905321234567"}}
	v := messaging.Check(messaging.Candidate{Address: a, Class: consent.Transactional, Relevance: 0.5, Cadence: messaging.Cadence{Every: time.Hour}, Recent: []time.Time{noon}}, noon)
	require.Equal(t, messaging.Send, v.Outcome)
	require.Len(t, v.Reasons, 8)
	v = messaging.Check(messaging.Candidate{Address: a, Relevance: 0.5}, noon)
	require.Equal(t, messaging.GuardRelevance, v.Reasons[6].Guard)
	require.False(t, v.Reasons[6].Pass)
}
