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
		{"some recipients of one network", person, Context{Recipients: 8}, crm.Human, nil},
		{"many of them", person, Context{Recipients: 9}, crm.Suspected, []string{reasonSpread}},
		{"far too many", person, Context{Recipients: 33}, crm.Machine, []string{reasonSpread}},
		{"beside a machine, with another agent", person, Context{Companion: true, Agents: 1}, crm.Machine, []string{reasonCompanion, reasonAgents}},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, reasons := Classify(c.click, c.context)
			assert.Equal(t, c.want, v)
			assert.Equal(t, c.reasons, reasons)
		})
	}
}

// crowd simulates clicks on delivered messages: who makes them is known.
type crowd struct {
	rng       *rand.Rand
	clicks    []Click
	family    []string
	delivered map[uint64]time.Time
	next      uint64
}

func (w *crowd) message() uint64 {
	w.next++
	w.delivered[w.next] = noon.Add(time.Duration(w.rng.IntN(3600)) * time.Second)
	return w.next
}

func (w *crowd) click(family string, c Click) {
	c.RequestID = fmt.Sprint("r", len(w.clicks))
	if c.Method == "" {
		c.Method = "GET"
	}
	w.clicks, w.family = append(w.clicks, c), append(w.family, family)
}

func (w *crowd) after(id uint64, from, to time.Duration) time.Time {
	return w.delivered[id].Add(from + time.Duration(w.rng.Int64N(int64(to-from))))
}

// people click minutes later, some twice, some from one office or one carrier.
func (w *crowd) people(n int) {
	agents := []string{iphone, android, windows, firefox, samsung, oldphone, cubot}
	for range n {
		id, agent := w.message(), agents[w.rng.IntN(len(agents))]
		c := Click{ID: id, At: w.after(id, 8*time.Second, 10*time.Hour), Agent: agent, Language: true, Fetch: agent != oldphone, IP: w.rng.Uint64() | 1}
		if w.rng.IntN(4) == 0 {
			c.IP = 100 + w.rng.Uint64N(50) // behind a shared address
		}
		switch { // what a handset does by itself just before
		case agent == iphone && w.rng.IntN(3) == 0:
			own := Click{ID: id, At: c.At.Add(-4 * time.Second), IP: c.IP, Agent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0"}
			w.click("own preview", own)
		case agent == android && w.rng.IntN(5) == 0:
			own := c
			own.At, own.Prefetch = c.At.Add(-time.Second), true
			w.click("own prefetch", own)
		}
		w.click("person", c)
		if w.rng.IntN(5) == 0 {
			c.At = c.At.Add(time.Duration(20+w.rng.IntN(4000)) * time.Second)
			w.click("person", c)
		}
	}
}

// machines are the families of scanners and previews that links meet.
func (w *crowd) machines(n int) {
	browser := func(id uint64, at time.Time, agent string, ip uint64) Click {
		return Click{ID: id, At: at, Agent: agent, Language: true, Fetch: true, IP: ip}
	}
	agent := func(name, ua string) {
		for range n {
			id := w.message()
			w.click(name, Click{ID: id, At: w.after(id, 0, time.Hour), Agent: ua, IP: w.rng.Uint64() | 1, Language: w.rng.IntN(2) == 0})
		}
	}
	agent("bitlybot", "bitlybot/3.0 (+http://bit.ly/)")
	agent("whatsapp preview", "WhatsApp/2.24.20.89 A")
	agent("facebook preview", "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)")
	agent("telegram preview", "TelegramBot (like TwitterBot)")
	agent("android messages preview", "Mozilla/5.0 (Windows NT 6.1; rv:6.0) Gecko/20110814 Firefox/6.0 Google (+https://developers.google.com/+/web/snippet/) Google-PageRenderer")
	agent("apple preview", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0")
	agent("script", "python-requests/2.32.3")
	agent("headless", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/130.0.0.0 Safari/537.36")
	for range n {
		// X: a GET and three HEADs with browsers' agents, within seconds, from
		// changing addresses.
		id := w.message()
		at := w.after(id, time.Minute, time.Hour)
		w.click("x", Click{ID: id, At: at, Agent: windows, IP: w.rng.Uint64() | 1})
		for k := range 3 {
			head := browser(id, at.Add(time.Duration(k+1)*time.Second), []string{iphone, windows, android}[k], w.rng.Uint64()|1)
			head.Method = "HEAD"
			w.click("x", head)
		}
		// Safe Links: a whole browser with JavaScript, at once, from a farm.
		id = w.message()
		c := browser(id, w.after(id, -2*time.Second, 1500*time.Millisecond), windows, 1<<40+w.rng.Uint64N(20))
		c.Fetch = false
		w.click("safelinks", c)
		// Proofpoint: before the handset has it.
		id = w.message()
		w.click("proofpoint", browser(id, w.after(id, -30*time.Second, -time.Millisecond), windows, w.rng.Uint64()|1))
		// Prefetching browser.
		id = w.message()
		c = browser(id, w.after(id, 10*time.Second, time.Hour), android, w.rng.Uint64()|1)
		c.Prefetch = true
		w.click("prefetch", c)
		// A client without headers.
		id = w.message()
		w.click("bare", Click{ID: id, At: w.after(id, 0, time.Hour), IP: w.rng.Uint64() | 1})
		// A probe of what the server allows.
		id = w.message()
		c = browser(id, w.after(id, 0, time.Hour), windows, w.rng.Uint64()|1)
		c.Method = "OPTIONS"
		w.click("options", c)
		// An old browser farm: a Chrome that sends none of Chrome's headers.
		id = w.message()
		w.click("fake chrome", Click{ID: id, At: w.after(id, 0, time.Hour), Agent: windows, IP: w.rng.Uint64() | 1})
	}
	// What nobody can tell from a person: a patient browser on a home network.
	for range n {
		id := w.message()
		w.click(undecidable, browser(id, w.after(id, time.Minute, 8*time.Hour), iphone, w.rng.Uint64()|1))
	}
	// A carrier's gateway scans everybody's links in a burst, with a perfect
	// browser.
	start := noon.Add(2 * time.Hour)
	for k := range n {
		w.click("burst", browser(w.message(), start.Add(time.Duration(k)*100*time.Millisecond), iphone, 7))
	}
}

// undecidable is the family that bounds what any verdict can promise.
const undecidable = "patient browser (undecidable)"

func TestSimulatedCrowd(t *testing.T) {
	w := &crowd{rng: rand.New(rand.NewPCG(1, 2)), delivered: map[uint64]time.Time{}}
	w.people(6000)
	w.machines(300)
	contexts, err := Contexts(t.Context(), w.clicks, func(id uint64) time.Time { return w.delivered[id] }, Window{})
	require.NoError(t, err)
	matrix := map[string]map[crm.Verdict]int{}
	var machines, flagged, people, lost int
	for i, c := range w.clicks {
		v, reasons := Classify(c, contexts[i])
		assert.Equal(t, v == crm.Human, len(reasons) == 0)
		f := w.family[i]
		if matrix[f] == nil {
			matrix[f] = map[crm.Verdict]int{}
		}
		matrix[f][v]++
		if f == "person" {
			people++
			if v != crm.Human {
				lost++
			}
			continue
		}
		if f == undecidable {
			continue
		}
		machines++
		if v != crm.Human {
			flagged++
		}
	}
	var families []string
	for f := range matrix {
		families = append(families, f)
	}
	slices.Sort(families)
	t.Logf("%-30s %7s %9s %7s", "family", "human", "suspected", "machine")
	for _, f := range families {
		t.Logf("%-30s %7d %9d %7d", f, matrix[f][crm.Human], matrix[f][crm.Suspected], matrix[f][crm.Machine])
	}
	assert.GreaterOrEqual(t, len(families)-2, 12)
	assert.GreaterOrEqual(t, float64(flagged)/float64(machines), 0.99)
	assert.LessOrEqual(t, float64(lost)/float64(people), 0.005)
}

func TestContextsDoNotDependOnOrder(t *testing.T) {
	w := &crowd{rng: rand.New(rand.NewPCG(3, 4)), delivered: map[uint64]time.Time{}}
	w.people(300)
	w.machines(40)
	want := map[string]Context{}
	delivered := func(id uint64) time.Time { return w.delivered[id] }
	contexts, err := Contexts(t.Context(), w.clicks, delivered, Window{})
	require.NoError(t, err)
	for i, x := range contexts {
		want[w.clicks[i].RequestID] = x
	}
	w.rng.Shuffle(len(w.clicks), func(i, j int) { w.clicks[i], w.clicks[j] = w.clicks[j], w.clicks[i] })
	contexts, err = Contexts(t.Context(), w.clicks, delivered, Window{})
	require.NoError(t, err)
	for i, x := range contexts {
		assert.Equal(t, want[w.clicks[i].RequestID], x)
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

func BenchmarkClassify(b *testing.B) {
	c := Click{At: noon, Method: "GET", Agent: android, Language: true, Fetch: true}
	b.ReportAllocs()
	for b.Loop() {
		Classify(c, Context{})
	}
}
