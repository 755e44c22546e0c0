package vefa_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging/link"
)

// Case C9: clicks in apps that an older version took for machines are judged again,
// from what was kept of them, weeks later; the results count by the new verdicts,
// and the old ones are kept.
func TestJudgeClicksAgain(t *testing.T) {
	w := newTown(t)
	const (
		app   = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Snapchat/12.89 (Phone; iOS 17.5)"
		other = "WhatsApp/2.24.20.89 A"
	)
	begin := nighttest.Start.AddDate(0, 0, 1).Add(time.Hour)
	for i, f := range w.surveys {
		tracked, _, err := w.Engine.Links(f)
		require.NoError(t, err)
		w.Clock.Set(begin.Add(time.Duration(i) * time.Hour))
		visitLink(t, w.Engine, tracked, "app", app)
		w.Clock.Set(begin.Add(time.Duration(i)*time.Hour + time.Minute))
		visitLink(t, w.Engine, tracked, "preview", other)
	}
	require.NoError(t, w.Engine.Clicks().Flush(t.Context()))
	// What an older version made of them: it took Snapchat for a preview.
	var old []*crm.Fact
	for _, f := range w.facts(t, crm.KindClick) {
		d := *f.Data.(*crm.Click)
		d.Verdict, d.Reasons, d.Classifier = crm.Machine, []string{"agent"}, "vefa-2026.11"
		f := *f
		f.Data = &d
		f.Version++
		old = append(old, &f)
	}
	require.Len(t, old, 8)
	_, err := w.Engine.Service().Import(t.Context(), crm.Batch{Facts: old})
	require.NoError(t, err)
	w.Clock.Set(nighttest.Start.AddDate(0, 1, 0))
	res, err := w.Engine.Results(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[crm.Verdict]int{crm.Machine: 8}, res.Clicks)

	again, err := w.Engine.JudgeClicksAgain(t.Context())
	require.NoError(t, err)
	assert.Equal(t, vefa.JudgedAgain{Clicks: 8, Changed: 4, Before: map[crm.Verdict]int{crm.Machine: 8}, After: map[crm.Verdict]int{crm.Machine: 4, crm.Human: 4}}, again)
	res, err = w.Engine.Results(t.Context())
	require.NoError(t, err)
	assert.Equal(t, map[crm.Verdict]int{crm.Machine: 4, crm.Human: 4}, res.Clicks)
	for _, f := range w.facts(t, crm.KindClick) {
		d := f.Data.(*crm.Click)
		assert.Equal(t, link.Classifier, d.Classifier)
		assert.Equal(t, []crm.ClickVerdict{{Verdict: crm.Machine, Reasons: []string{"agent"}, Classifier: "vefa-2026.11"}}, d.Earlier)
		want := crm.Human
		if d.Agent == other {
			want = crm.Machine
		}
		assert.Equal(t, want, d.Verdict)
	}
	before := w.facts(t, crm.KindClick)
	again, err = w.Engine.JudgeClicksAgain(t.Context())
	require.NoError(t, err)
	assert.Zero(t, again.Clicks, "nothing is left")
	assert.Equal(t, before, w.facts(t, crm.KindClick))
}

// TestAnEveningKeepsEarlierVerdicts: an evening after an upgrade judges the last
// day by the new version and keeps what the old one said, though it is the same.
func TestAnEveningKeepsEarlierVerdicts(t *testing.T) {
	w := newTown(t)
	tracked, _, err := w.Engine.Links(w.surveys[0])
	require.NoError(t, err)
	w.Clock.Set(nighttest.Start.AddDate(0, 0, 1).Add(time.Hour))
	visitLink(t, w.Engine, tracked, "x", "curl/8.5.0")
	require.NoError(t, w.Engine.Clicks().Flush(t.Context()))
	f := *w.facts(t, crm.KindClick)[0]
	d := *f.Data.(*crm.Click)
	d.Classifier = "vefa-2026.11"
	f.Data, f.Version = &d, f.Version+1
	_, err = w.Engine.Service().Import(t.Context(), crm.Batch{Facts: []*crm.Fact{&f}})
	require.NoError(t, err)
	w.Clock.Set(nighttest.Start.AddDate(0, 0, 2))
	_, err = w.Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	got := w.facts(t, crm.KindClick)[0].Data.(*crm.Click)
	assert.Equal(t, link.Classifier, got.Classifier)
	require.Len(t, got.Earlier, 1)
	assert.Equal(t, "vefa-2026.11", got.Earlier[0].Classifier)
}

// TestNetworkOfAVisitor: what the host knows of an address is kept with the click
// and judged by again.
func TestNetworkOfAVisitor(t *testing.T) {
	ranges, err := link.NewNetworks(map[link.Network][]netip.Prefix{link.NetworkScanner: {netip.MustParsePrefix("192.0.2.0/24")}})
	require.NoError(t, err)
	w := newTownWith(t, memstore.New(), "", func(c *vefa.Config) { c.Network = ranges.Of })
	tracked, _, err := w.Engine.Links(w.surveys[0])
	require.NoError(t, err)
	w.Clock.Set(nighttest.Start.AddDate(0, 0, 1).Add(time.Hour))
	visitLink(t, w.Engine, tracked, "x", "Mozilla/5.0 (iPhone; CPU iPhone OS 16_5 like Mac OS X)") // httptest comes from 192.0.2.1
	w.Clock.Set(nighttest.Start.AddDate(0, 0, 2))
	rep, err := w.Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	assert.Equal(t, map[crm.Verdict]int{crm.Machine: 1}, rep.Clicks)
	d := w.facts(t, crm.KindClick)[0].Data.(*crm.Click)
	assert.Equal(t, []string{"scanner-network"}, d.Reasons)
	assert.Contains(t, d.Signals, " net=scanner")
}
