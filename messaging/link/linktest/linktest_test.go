package linktest

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/messaging/link"
)

// TestVerdicts holds the limits over mixes and seeds: of machines' requests 99 %
// are flagged, of people's clicks at most 0.5 % lost. Case C10.
func TestVerdicts(t *testing.T) {
	seeds := uint64(5)
	if testing.Short() {
		seeds = 2
	}
	for name, mix := range map[string]Mix{"evening": Evening, "scanned": Scanned, "no robots": NoRobots, "one carrier": {Carriers: 1, PerCarrier: 20_000}} {
		var worst, least = 0.0, 1.0
		for seed := range seeds {
			if seed > 1 && mix.PerCarrier > 10_000 {
				break // it takes long
			}
			m, err := New(seed, mix).Judge(t.Context(), link.Window{})
			require.NoError(t, err)
			assert.LessOrEqual(t, m.Lost(), 0.005, "%s, seed %d\n%s", name, seed, m)
			assert.GreaterOrEqual(t, m.Flagged(), 0.99, "%s, seed %d\n%s", name, seed, m)
			worst, least = max(worst, m.Lost()), min(least, m.Flagged())
		}
		t.Logf("%s: lost at most %.3f %%, flagged at least %.3f %%", name, 100*worst, 100*least)
	}
}

func TestMixes(t *testing.T) {
	share := func(m Mix) (machines float64, families map[Kind]int) {
		tr := New(3, m)
		families = map[Kind]int{}
		for _, kind := range tr.Families() {
			families[kind]++
		}
		for _, r := range tr.Requests {
			if r.Kind != Person {
				machines++
			}
		}
		return machines / float64(len(tr.Requests)), families
	}
	machines, families := share(Scanned)
	assert.InDelta(t, 0.9, machines, 0.02)
	assert.GreaterOrEqual(t, families[Machine], 12)
	machines, families = share(NoRobots)
	assert.Less(t, machines, 0.1, "the phones' own")
	assert.Equal(t, map[Kind]int{Person: 4, Machine: 2}, families)
	assert.Empty(t, New(1, Mix{}).Requests)
}

// Case C9: the browsers of apps are people's, the previews of the same companies
// are not, whatever headers they send.
func TestApps(t *testing.T) {
	assert.GreaterOrEqual(t, len(Apps()), 12)
	for _, app := range Apps() {
		for _, agent := range app.Agents() {
			v, reasons := link.Classify(link.Click{Method: http.MethodGet, Agent: agent, Language: true, Fetch: true}, link.Context{})
			assert.Equal(t, crm.Human, v, "%s: %v: %s", app.Name, reasons, agent)
			_, reasons = link.Classify(link.Click{Method: http.MethodGet, Agent: agent}, link.Context{})
			assert.Contains(t, reasons, "no-language")
		}
	}
	v, _ := link.Classify(link.Click{Method: http.MethodGet, Language: true, Fetch: true,
		Agent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Snapchat/12.89 (Phone; iOS 17.5)"}, link.Context{})
	assert.Equal(t, crm.Human, v)
	for _, m := range named {
		v, _ := link.Classify(link.Click{Method: http.MethodGet, Agent: m.agent, Language: true, Fetch: true}, link.Context{})
		assert.Equal(t, crm.Machine, v, m.family)
	}
}

func TestTrafficIsOfItsSeed(t *testing.T) {
	a, b, other := New(9, Evening), New(9, Evening), New(10, Evening)
	assert.Equal(t, a.Requests, b.Requests)
	assert.Equal(t, a.Delivered, b.Delivered)
	assert.NotEqual(t, a.Requests, other.Requests)
	assert.True(t, slices.IsSortedFunc(a.Requests, func(a, b Request) int { return a.Click.At.Compare(b.Click.At) }))
}

// TestOrderDoesNotMatter judges the same requests in other orders.
func TestOrderDoesNotMatter(t *testing.T) {
	tr := New(4, Mix{People: 300, Offices: 2, PerOffice: 30, Carriers: 1, PerCarrier: 500, Machines: 40})
	want, err := tr.Judge(t.Context(), link.Window{})
	require.NoError(t, err)
	contexts := func() map[string]link.Context {
		clicks := make([]link.Click, len(tr.Requests))
		for i, r := range tr.Requests {
			clicks[i] = r.Click
		}
		all, err := link.Contexts(t.Context(), clicks, func(id uint64) time.Time { return tr.Delivered[id] }, link.Window{})
		require.NoError(t, err)
		out := map[string]link.Context{}
		for i, x := range all {
			out[clicks[i].RequestID] = x
		}
		return out
	}
	sorted := contexts()
	rng := rand.New(rand.NewPCG(1, 1))
	for range 3 {
		rng.Shuffle(len(tr.Requests), func(i, j int) { tr.Requests[i], tr.Requests[j] = tr.Requests[j], tr.Requests[i] })
		require.Equal(t, sorted, contexts())
		got, err := tr.Judge(t.Context(), link.Window{})
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

// TestThroughAHandler sends a traffic's requests to a handler and compares what it
// recorded with what was simulated.
func TestThroughAHandler(t *testing.T) {
	tr := New(5, Mix{People: 40, Machines: 4})
	codec, err := link.NewCodec(link.Key{ID: 1, Secret: crmtest.Secret("1")})
	require.NoError(t, err)
	var got []link.Click
	log, err := link.NewLog(link.LogConfig{Sink: func(_ context.Context, clicks []link.Click) error { got = append(got, clicks...); return nil }})
	require.NoError(t, err)
	var now time.Time
	h, err := link.NewHandler(link.Config{Codec: codec, Log: log, Now: func() time.Time { return now },
		Allow: link.Destinations{Hosts: []string{"shop.example"}}, Resolver: func(context.Context, uint64) (string, error) { return "https://shop.example/", nil }})
	require.NoError(t, err)
	served := 0
	for _, r := range tr.Requests {
		token, err := codec.Mint(link.PurposeClick, r.Click.ID)
		require.NoError(t, err)
		req, err := r.HTTP("https://s.example/l/" + token + "/") // Case C14: with the slash that some append
		require.NoError(t, err)
		now = r.Click.At
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		if r.Click.Method == http.MethodOptions {
			require.Equal(t, http.StatusMethodNotAllowed, w.Code)
			continue
		}
		require.Equal(t, http.StatusFound, w.Code)
		served++
	}
	require.NoError(t, log.Flush(t.Context()))
	require.Len(t, got, served)
	k, addresses := 0, map[uint64]uint64{}
	for _, r := range tr.Requests {
		if r.Click.Method == http.MethodOptions {
			continue
		}
		want, have := r.Click, got[k]
		addresses[want.IP] = have.IP
		want.RequestID, want.IP, want.Network = have.RequestID, have.IP, have.Network
		require.Equal(t, want, have)
		k++
	}
	require.Len(t, maps.Collect(inverse(addresses)), len(addresses), "each address has its own hash")
}

func inverse(m map[uint64]uint64) func(func(uint64, uint64) bool) {
	return func(yield func(uint64, uint64) bool) {
		for k, v := range m {
			if !yield(v, k) {
				return
			}
		}
	}
}

// TestTableOfTheReadme: the figures that the README shows are those of today.
func TestTableOfTheReadme(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	m, err := New(1, Evening).Judge(t.Context(), link.Window{})
	require.NoError(t, err)
	require.Contains(t, string(readme), m.String(), "put this into messaging/link/README.md:\n%s", m)
	require.Contains(t, string(readme), fmt.Sprintf("%.2f %% of people's clicks are lost, %.2f %% of machines' requests flagged", 100*m.Lost(), 100*m.Flagged()))
}
