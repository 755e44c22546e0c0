package link

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

func verdicts(t *testing.T, clicks []Click, delivered func(uint64) time.Time) map[crm.Verdict]int {
	t.Helper()
	contexts, err := Contexts(t.Context(), clicks, delivered, Window{})
	require.NoError(t, err)
	out := map[crm.Verdict]int{}
	for i, c := range clicks {
		v, _ := Classify(c, contexts[i])
		out[v]++
	}
	return out
}

// Case C10: 40 people with 40 agents behind one carrier's address in a minute.
func TestCarrierMinute(t *testing.T) {
	agent := func(n int) string {
		return fmt.Sprintf("Mozilla/5.0 (Linux; Android %d; SM-A%d46B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Mobile Safari/537.36", 10+n%5, n, 120+n%12)
	}
	lost := 0
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 10))
		var clicks []Click
		for n := range 40 {
			clicks = append(clicks, Click{ID: rng.Uint64(), IP: 7, At: noon.Add(time.Duration(rng.Int64N(int64(time.Minute)))), RequestID: fmt.Sprint(n), Method: "GET",
				Agent: agent(n), Language: true, Fetch: true})
		}
		v := verdicts(t, clicks, func(uint64) time.Time { return noon.Add(-20 * time.Minute) })
		require.Zero(t, v[crm.Machine], "seed %d", seed)
		lost += v[crm.Suspected]
	}
	assert.LessOrEqual(t, lost, 200*40*5/1000)
	// Even at gaps of a second, in the order of sending, it is no certainty.
	var even []Click
	for n := range 40 {
		even = append(even, Click{ID: uint64(n), IP: 7, At: noon.Add(time.Duration(n) * time.Second), RequestID: fmt.Sprint(n), Method: "GET", Agent: agent(n), Language: true, Fetch: true})
	}
	assert.Equal(t, map[crm.Verdict]int{crm.Suspected: 40}, verdicts(t, even, nil))
	// The same by one agent is a farm.
	for n := range even {
		even[n].Agent = android
	}
	assert.Equal(t, map[crm.Verdict]int{crm.Machine: 40}, verdicts(t, even, nil))
}

// crowdSlowly is Crowd by its words, from all pairs of clicks.
func crowdSlowly(clicks []Click, i int, delivered func(uint64) time.Time, d time.Duration) (recipients int, out Crowd) {
	c := clicks[i]
	if c.IP == 0 {
		return 0, Crowd{}
	}
	earliest, links := map[uint64]Click{}, map[uint64]bool{}
	for _, o := range clicks {
		if o.IP != c.IP {
			continue
		}
		if o.At.Sub(c.At).Abs() <= d {
			links[o.ID] = true
		}
		if o.Prefetch || o.Method == "HEAD" || machineAgent(o.Agent) {
			continue
		}
		have, ok := earliest[o.ID]
		if !ok || o.At.Before(have.At) || o.At.Equal(have.At) && o.RequestID < have.RequestID {
			earliest[o.ID] = o
		}
	}
	var in []Click
	for _, o := range earliest {
		if o.At.Sub(c.At).Abs() <= d {
			in = append(in, o)
		}
	}
	n := len(in)
	if n < 9 {
		return len(links) - 1, Crowd{}
	}
	slices.SortFunc(in, func(a, b Click) int {
		if x := a.At.Compare(b.At); x != 0 {
			return x
		}
		return int(int64(a.ID) - int64(b.ID))
	})
	var sum, squares float64
	rises, prompt, agents := 0, 0, map[string]int{}
	for k, o := range in {
		agents[o.Agent]++
		if o.At.Sub(delivered(o.ID)) < 15*time.Second {
			prompt++
		}
		if k > 0 {
			gap := float64(o.At.Sub(in[k-1].At).Milliseconds())
			sum, squares = sum+gap, squares+gap*gap
			if x := delivered(in[k-1].ID).Compare(delivered(o.ID)); x < 0 || x == 0 && in[k-1].ID < o.ID {
				rises++
			}
		}
	}
	gaps := float64(n - 1)
	bound := 0.44
	for _, e := range [][2]float64{{64, 0.30}, {32, 0.25}, {24, 0.17}, {16, 0.12}, {12, 0.05}} {
		if gaps < e[0] {
			bound = e[1]
		}
	}
	out.Even = gaps*squares <= (1+bound)*sum*sum
	excess := max(float64(rises)-gaps/2, gaps/2-float64(rises))
	out.Ordered = excess*excess >= 16*float64(n+1)/12 && excess >= gaps/4
	out.Prompt = float64(prompt) >= 0.75*float64(n)
	share := 0
	for _, k := range agents {
		share += k * k
	}
	out.OneAgent = len(agents) == 1 && n >= 24 || n >= 64 && 100*share >= 92*n*n
	out.Varied = 2*len(agents) >= n
	return len(links) - 1, out
}

// TestCrowdAgreesWithItsWords compares the sliding sums with the definition, for
// farms and crowds, with repeats, probes, previews and clicks of one instant, in
// any order.
func TestCrowdAgreesWithItsWords(t *testing.T) { // Cases C10, H1
	rng := rand.New(rand.NewPCG(7, 8))
	agents := []string{iphone, android, windows, "WhatsApp/2.24", firefox}
	found := map[string]int{}
	for round := range 80 {
		var clicks []Click
		gap, kinds, shuffled := 1+rng.IntN(6000), 1+rng.IntN(len(agents)), rng.IntN(2) == 0
		n := 1 + rng.IntN(160)
		ids := rng.Perm(n)
		if !shuffled {
			slices.Sort(ids)
		}
		at := noon
		for k := range n {
			step := gap
			if round%3 == 0 {
				step = int(float64(gap) * rng.ExpFloat64())
			}
			at = at.Add(time.Duration(step) * time.Millisecond)
			c := Click{ID: uint64(ids[k]), IP: uint64(1 + rng.IntN(8)/7), At: at, Agent: agents[rng.IntN(kinds)], Method: "GET", RequestID: fmt.Sprint("r", len(clicks)), Language: true}
			if round%5 == 0 {
				c.Agent = fmt.Sprint(android, k)
			}
			switch rng.IntN(20) {
			case 0:
				c.Method = "HEAD"
			case 1:
				c.Prefetch = true
			case 2:
				c.IP = 0
			}
			clicks = append(clicks, c)
			if rng.IntN(8) == 0 {
				clicks = append(clicks, c)
			}
		}
		late := time.Duration(rng.IntN(40)) * time.Second
		delivered := func(id uint64) time.Time {
			if round%4 == 0 {
				return noon.Add(time.Duration(id)*time.Duration(gap)*time.Millisecond - late)
			}
			return noon.Add(-late)
		}
		rng.Shuffle(len(clicks), func(i, j int) { clicks[i], clicks[j] = clicks[j], clicks[i] })
		contexts, err := Contexts(t.Context(), clicks, delivered, Window{})
		require.NoError(t, err)
		for i, x := range contexts {
			recipients, crowd := crowdSlowly(clicks, i, delivered, time.Minute)
			require.Equal(t, recipients, x.Recipients, "%+v", clicks[i])
			require.Equal(t, crowd, x.Crowd, "round %d: %+v", round, clicks[i])
			for sign, on := range map[string]bool{"even": crowd.Even, "ordered": crowd.Ordered, "prompt": crowd.Prompt, "one agent": crowd.OneAgent, "varied": crowd.Varied} {
				if on {
					found[sign]++
				}
			}
		}
	}
	assert.Len(t, found, 5, "every sign was seen: %v", found)
}

// manyLinks is a farm's burst: n links by one address within minutes.
func manyLinks(n int) []Click {
	out := flood(n)
	for i := range out {
		out[i].ID = uint64(i)
	}
	return out
}

func TestJudgingManyLinksIsLinear(t *testing.T) { // Case H1
	for _, n := range []int{1000, 4000, 16000} {
		clicks := manyLinks(n)
		per := testing.AllocsPerRun(1, func() {
			_, err := Contexts(t.Context(), clicks, nil, Window{})
			require.NoError(t, err)
		}) / float64(n)
		assert.Less(t, per, 1.0, "allocations a click, of %d clicks", n)
	}
}

// BenchmarkContextsOfManyLinks judges 100,000 requests of one address for as many links.
func BenchmarkContextsOfManyLinks(b *testing.B) {
	clicks := manyLinks(100_000)
	for b.Loop() {
		_, err := Contexts(b.Context(), clicks, nil, Window{})
		require.NoError(b, err)
	}
}
