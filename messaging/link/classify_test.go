package link

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

const (
	iphone   = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
	android  = "Mozilla/5.0 (Linux; Android 14; SM-A546B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36"
	windows  = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
	firefox  = "Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0"
	samsung  = "Mozilla/5.0 (Linux; Android 13; SAMSUNG SM-G991B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36"
	oldphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 14_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/14.0.3 Mobile/15E148 Safari/604.1"
	cubot    = "Mozilla/5.0 (Linux; Android 12; CUBOT P60) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36"
)

func TestClassify(t *testing.T) {
	person := Click{At: noon, Method: "GET", Agent: android, Language: true, Fetch: true}
	with := func(change func(*Click)) Click { c := person; change(&c); return c }
	for _, c := range []struct {
		name    string
		click   Click
		context Context
		want    crm.Verdict
		reasons []string
	}{
		{"a person", person, Context{Delivered: noon.Add(-time.Minute)}, crm.Human, nil},
		{"an old phone sends no fetch headers", with(func(c *Click) { c.Agent, c.Fetch = oldphone, false }), Context{}, crm.Human, nil},
		{"a phone called Cubot", with(func(c *Click) { c.Agent = cubot }), Context{}, crm.Human, nil},
		{"HEAD with a browser's agent", with(func(c *Click) { c.Method = "HEAD" }), Context{}, crm.Machine, []string{reasonMethod}},
		{"prefetch", with(func(c *Click) { c.Prefetch = true }), Context{}, crm.Machine, []string{reasonPrefetch}},
		{"a preview", with(func(c *Click) { c.Agent = "WhatsApp/2.24.10 A" }), Context{}, crm.Machine, []string{reasonAgent}},
		{"no agent", with(func(c *Click) { c.Agent = "" }), Context{}, crm.Suspected, []string{reasonNoAgent}},
		{"nothing at all", Click{Method: "GET"}, Context{}, crm.Machine, []string{reasonNoAgent, reasonLanguage}},
		{"before delivery", person, Context{Delivered: noon.Add(time.Second)}, crm.Machine, []string{reasonEarly}},
		{"at delivery", person, Context{Delivered: noon.Add(-time.Second)}, crm.Suspected, []string{reasonFast}},
		{"a chrome without fetch headers", with(func(c *Click) { c.Fetch = false }), Context{}, crm.Suspected, []string{reasonNoFetch}},
		{"some recipients of one network", person, Context{Recipients: 8, Crowd: Crowd{Even: true, Ordered: true}}, crm.Human, nil},
		{"many of them, as people are", person, Context{Recipients: 1000}, crm.Human, nil},
		{"many of them with one sign of a farm", person, Context{Recipients: 9, Crowd: Crowd{OneAgent: true}}, crm.Suspected, []string{reasonSpread, reasonOneAgent}},
		{"with two signs", person, Context{Recipients: 9, Crowd: Crowd{Even: true, Ordered: true}}, crm.Machine, []string{reasonSpread, reasonEven, reasonOrder}},
		{"with two signs, but people's agents", person, Context{Recipients: 9, Crowd: Crowd{Even: true, Prompt: true, Varied: true}}, crm.Suspected, []string{reasonSpread, reasonEven, reasonPrompt}},
		{"one sign at a carrier's address", with(func(c *Click) { c.Network = NetworkCarrier }), Context{Recipients: 90, Crowd: Crowd{OneAgent: true}}, crm.Human, nil},
		{"more at a carrier's address", with(func(c *Click) { c.Network = NetworkCarrier }), Context{Recipients: 90, Crowd: Crowd{Even: true, Ordered: true, Prompt: true, OneAgent: true}}, crm.Suspected,
			[]string{reasonSpread, reasonEven, reasonOrder, reasonPrompt, reasonOneAgent}},
		{"a scanner's address", with(func(c *Click) { c.Network = NetworkScanner }), Context{}, crm.Machine, []string{reasonNetwork}},
		{"beside a machine, with another agent", person, Context{Companion: true, Agents: 1}, crm.Machine, []string{reasonCompanion, reasonAgents}},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, reasons := Classify(c.click, c.context)
			assert.Equal(t, c.want, v)
			assert.Equal(t, c.reasons, reasons)
		})
	}
}

// besideSlowly is what companions computes, looking at every pair of clicks.
func besideSlowly(clicks []Click, i int, d time.Duration) (companion bool, agents int) {
	machine := func(agent string) bool {
		if agent == "" {
			return false
		}
		_, reasons := Classify(Click{Agent: agent}, Context{})
		return slices.Contains(reasons, reasonAgent)
	}
	c, others := clicks[i], map[string]bool{}
	for _, o := range clicks {
		if o.ID != c.ID || o.At.Sub(c.At).Abs() > d {
			continue
		}
		if (o.RequestID != c.RequestID || o.Method != c.Method) && o.Method != "GET" && o.Method != "POST" && o.Method != "" {
			companion = true
		}
		if o.IP == c.IP && o.IP != 0 && o.Agent != c.Agent && !machine(o.Agent) {
			others[o.Agent] = true
		}
	}
	return companion, len(others)
}

// TestContextsAgreeWithEveryPair compares the sliding windows with what looking
// at all pairs gives, repeats and clicks of one instant among them.
func TestContextsAgreeWithEveryPair(t *testing.T) { // Case H1
	rng := rand.New(rand.NewPCG(5, 6))
	agents := []string{iphone, android, windows, "", "WhatsApp/2.24", "curl/8"}
	methods := []string{"GET", "GET", "GET", "HEAD", "OPTIONS", "POST", ""}
	for range 60 {
		var clicks []Click
		for range 1 + rng.IntN(120) {
			c := Click{ID: rng.Uint64N(3), IP: rng.Uint64N(4), At: noon.Add(time.Duration(rng.IntN(60)) * 2 * time.Second),
				Agent: agents[rng.IntN(len(agents))], Method: methods[rng.IntN(len(methods))], RequestID: fmt.Sprint(rng.IntN(40))}
			clicks = append(clicks, c)
			if rng.IntN(6) == 0 {
				clicks = append(clicks, c)
			}
		}
		contexts, err := Contexts(t.Context(), clicks, nil, Window{})
		require.NoError(t, err)
		for i, x := range contexts {
			companion, others := besideSlowly(clicks, i, 15*time.Second)
			require.Equal(t, companion, x.Companion, "%+v", clicks[i])
			require.Equal(t, others, x.Agents, "%+v", clicks[i])
		}
	}
}

// flood is n requests for one link within seconds, each of another agent.
func flood(n int) []Click {
	out := make([]Click, n)
	for i := range out {
		out[i] = Click{ID: 7, IP: 9, At: noon.Add(time.Duration(i) * time.Millisecond), RequestID: fmt.Sprint(i), Method: "GET",
			Agent: fmt.Sprintf("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Number/%d Safari/604.1", i), Language: true}
	}
	return out
}

// TestJudgingAFloodIsLinear counts allocations, which stand for the work: one
// agent in lower case for a click, not for each of its neighbours.
func TestJudgingAFloodIsLinear(t *testing.T) { // Case H1
	per := func(n int) float64 {
		clicks := flood(n)
		return testing.AllocsPerRun(1, func() {
			_, err := Contexts(t.Context(), clicks, nil, Window{})
			require.NoError(t, err)
		}) / float64(n)
	}
	for _, n := range []int{1000, 4000, 16000} {
		assert.Less(t, per(n), 4.0, "allocations a click, of %d clicks", n)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Contexts(ended, flood(3), nil, Window{})
	require.ErrorIs(t, err, context.Canceled)
}

// BenchmarkContextsOfAFlood judges 100,000 requests for one link.
func BenchmarkContextsOfAFlood(b *testing.B) {
	clicks := flood(100_000)
	for b.Loop() {
		_, err := Contexts(b.Context(), clicks, nil, Window{})
		require.NoError(b, err)
	}
}

func FuzzClassify(f *testing.F) {
	f.Add("GET", windows, true, false, int64(5))
	f.Add("", "\xff", false, true, int64(-1))
	f.Fuzz(func(t *testing.T, method, agent string, language, fetch bool, since int64) {
		c := Click{At: noon, Method: method, Agent: agent, Language: language, Fetch: fetch}
		v, reasons := Classify(c, Context{Delivered: noon.Add(-time.Duration(since))})
		if (v == crm.Human) != (len(reasons) == 0) {
			t.Fatalf("%s for %v", v, reasons)
		}
	})
}

// BenchmarkClassify judges a person's click, and reports how many of the 2 µs that
// a verdict may take it used.
func BenchmarkClassify(b *testing.B) {
	c := Click{At: noon, Method: "GET", Agent: android, Language: true, Fetch: true}
	b.ReportAllocs()
	for b.Loop() {
		Classify(c, Context{})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2000, "of-2µs")
}
