package vefa_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// meter is an observer that remembers.
type meter struct {
	mu     sync.Mutex
	took   map[string]int
	failed map[string]error
	counts map[string]int
	panics bool
}

func (m *meter) Took(name string, d time.Duration, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.took == nil {
		m.took, m.failed, m.counts = map[string]int{}, map[string]error{}, map[string]int{}
	}
	if d < 0 {
		panic("a negative duration")
	}
	m.took[name]++
	if err != nil {
		m.failed[name] = err
	}
	if m.panics {
		panic("the metrics are down")
	}
}

func (m *meter) Count(name string, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts[name] += n
}

// TestObserver: a host's metrics are told of each verb and step, of failures by name
// and of what became of records and messages, and nothing that names a person.
func TestObserver(t *testing.T) {
	clock, m := &crmtest.Clock{}, &meter{}
	clock.Set(nighttest.Start)
	store := crmtest.NewFaulty(memstore.New())
	shop := nighttest.New(t, store, clock, func(c *vefa.Config) { c.Observer = m })
	b := nighttest.People(3)
	b.Facts = append(b.Facts, &crm.Fact{Key: crm.FactKey{Kind: crm.KindOrder, Source: "pos", ID: "bad"}})
	rep, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
	require.NoError(t, err)
	require.Equal(t, 1, m.took["night"])
	for _, s := range rep.Steps {
		require.Equal(t, 1, m.took["night/"+s.Name], s.Name)
	}
	require.Empty(t, m.failed)
	require.Equal(t, map[string]int{"rows/accepted": rep.Accepted, "rows/rejected": 1, "planned/rules": rep.Rules.Planned, "planned/campaigns": 3,
		"tag/done": 3, "message/done": 3}, m.counts)

	c, err := shop.Engine.Service().CustomerOf(t.Context(), nighttest.Key(0))
	require.NoError(t, err)
	_, err = shop.Engine.Why(t.Context(), c.ID, "rule/none", vefa.WhyQuery{})
	require.ErrorIs(t, err, crm.ErrNotFound)
	require.ErrorIs(t, m.failed["why"], crm.ErrNotFound)
	store.Fail(crmtest.Fault{Where: crmtest.Before, N: 1})
	_, err = shop.Engine.Deliver(t.Context())
	require.Error(t, err)
	require.Error(t, m.failed["deliver"])
	ended, end := context.WithCancel(t.Context())
	end()
	_, err = shop.Engine.Night(ended, vefa.Night{})
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, m.failed["night"], context.Canceled)

	// Pages are told of by what they are, and fail with their status.
	tracked, _, err := shop.Engine.Links(anySent(effectsOf(t, store, "campaign/spring"), "campaign/spring"))
	require.NoError(t, err)
	get := func(url string) int {
		w := httptest.NewRecorder()
		shop.Engine.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path(url), nil))
		return w.Code
	}
	require.Equal(t, http.StatusFound, get(tracked))
	require.Equal(t, 1, m.took["page/link"])
	require.NotContains(t, m.failed, "page/link")
	require.Equal(t, http.StatusNotFound, get("/s/forged"))
	require.Equal(t, 1, m.took["page/survey"])
	require.NotContains(t, m.failed, "page/survey", "a forged link is no failure of ours")

	// An observer that panics changes nothing.
	m.panics = true
	clock.Advance(24 * time.Hour)
	_, err = shop.Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
}
