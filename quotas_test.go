package vefa_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/export"
	"github.com/vefacrm/vefa/survey/web/webtest"
)

// Limits that cannot be kept, or that others make meaningless, are refused by name.
func TestLimitsThatContradict(t *testing.T) {
	def, err := survey.Parse([]byte(nighttest.Pages), survey.Limits{})
	require.NoError(t, err)
	all := vefa.Quota{Name: "all", Limit: 10}
	for name, c := range map[string]struct {
		quotas []vefa.Quota
		links  []vefa.SurveyLink
		at     string // the limit that is named
		says   string
	}{
		"none":                   {[]vefa.Quota{{Name: "a"}}, nil, "a", "would take none"},
		"negative":               {[]vefa.Quota{{Name: "a", Limit: -1}}, nil, "a", "would take none"},
		"too many":               {[]vefa.Quota{{Name: "a", Limit: crm.MaxAmount + 1}}, nil, "a", "limit"},
		"no name":                {[]vefa.Quota{{Limit: 1}}, nil, "", "name is empty"},
		"same name":              {[]vefa.Quota{all, {Name: "all", When: "{nps} > 8", Limit: 1}}, nil, "all", "that of another"},
		"same answers":           {[]vefa.Quota{all, {Name: "b", Limit: 9}}, nil, "b", `"all" limits the same answers`},
		"same cell":              {[]vefa.Quota{{Name: "a", When: "{nps} > 8", Limit: 2}, {Name: "b", When: "{nps} > 8", Limit: 1}}, nil, "b", `"a" limits the same`},
		"never full":             {[]vefa.Quota{all, {Name: "men", When: "{sex} = 'm'", Limit: 11}}, nil, "men", "never be full"},
		"no expression":          {[]vefa.Quota{{Name: "a", When: "{nps} >", Limit: 1}}, nil, "a", "expression at"},
		"no question":            {[]vefa.Quota{{Name: "a", When: "{npss} > 3", Limit: 1}}, nil, "a", `no answer "npss"`},
		"no function":            {[]vefa.Quota{{Name: "a", When: "foo({nps}) > 3", Limit: 1}}, nil, "a", "no function"},
		"link beyond":            {[]vefa.Quota{all}, []vefa.SurveyLink{{Code: "x", Limit: 11}}, "x", "never be reached"},
		"link negative":          {nil, []vefa.SurveyLink{{Code: "x", Limit: -1}}, "x", "-1 answers"},
		"link without a code":    {nil, []vefa.SurveyLink{{}}, "", "letters of ASCII"},
		"link with a slash":      {nil, []vefa.SurveyLink{{Code: "a/b"}}, "a/b", "letters of ASCII"},
		"two links":              {nil, []vefa.SurveyLink{{Code: "x"}, {Code: "x", Place: "s1"}}, "x", "choose another"},
		"no channel of a link's": {nil, []vefa.SurveyLink{{Code: "x", Channel: "personal"}}, "x", "not poster or kiosk"},
	} {
		t.Run(name, func(t *testing.T) {
			clock := new(crmtest.Clock)
			clock.Set(nighttest.Start)
			var cfg vefa.Config
			nighttest.New(t, memstore.New(), clock, func(c *vefa.Config) { c.Surveys[0].Definition = def; cfg = *c })
			cfg.Surveys[0].Quotas, cfg.Surveys[0].Links = c.quotas, c.links
			_, err := vefa.New(cfg)
			var limit *vefa.LimitError
			require.ErrorAs(t, err, &limit)
			require.Equal(t, "visit", limit.Survey)
			require.Equal(t, c.at, limit.Name)
			require.Equal(t, map[bool]string{true: "Links", false: "Quotas"}[strings.Contains(name, "link")], limit.Field)
			require.ErrorContains(t, err, c.says)
		})
	}
	clock := new(crmtest.Clock)
	nighttest.New(t, memstore.New(), clock, func(c *vefa.Config) {
		c.Surveys[0].Definition = def
		c.Surveys[0].Quotas = []vefa.Quota{{Name: "all", Limit: 10, Keep: true}, {Name: "men", When: "{sex} = 'm' and {age} <= 25", Limit: 10}}
		c.Surveys[0].Links = []vefa.SurveyLink{{Code: "x", Limit: 11}}
	})
}

// A limit that is raised makes room again; one that keeps what is over never closes; a link that has ended takes
// nothing; the export says all of it.
func TestLimitsThatChange(t *testing.T) {
	store := memstore.New()
	limit, keep := int64(2), false
	ask := func(people int) *nighttest.Asked {
		return nighttest.Ask(t, t.Context(), store, 1, people, func(c *vefa.Config) {
			c.Surveys[0].Quotas = []vefa.Quota{{Name: "all", Limit: limit, Keep: keep}}
			c.Surveys[0].Links = []vefa.SurveyLink{{Code: "x", Channel: "kiosk", Place: "s1", Until: nighttest.Start.AddDate(0, 0, 2)}}
		})
	}
	w := ask(6)
	send := func(i int) bool {
		o, err := webtest.Answer(t.Context(), w.Client(0), w.Links[i], map[string]any{"nps": i, "why": fmt.Sprintf("=%d", i)})
		require.NoError(t, err)
		require.Equal(t, 200, o.Status)
		return o.Thanked()
	}
	require.Equal(t, []bool{true, true, false}, []bool{send(0), send(1), send(2)})
	limit = 3
	links := w.Links
	w = ask(6)
	require.Equal(t, links, w.Links)
	require.Equal(t, []bool{true, false}, []bool{send(2), send(3)}, "he was not asked before")
	keep = true
	w = ask(6)
	require.False(t, send(3))
	require.False(t, send(3), "once")
	stored := w.Stored(t, t.Context())
	require.Len(t, stored, 4)
	over := 0
	for _, a := range stored {
		if a.OverQuota == "all" {
			over++
			require.EqualValues(t, 3, a.Values["nps"])
		}
	}
	require.Equal(t, 1, over)

	o, err := webtest.Answer(t.Context(), w.Client(0), "https://s.example/q/x", map[string]any{"nps": 10})
	require.NoError(t, err)
	require.Equal(t, 200, o.Status)
	w.Clock.Advance(24 * time.Hour)
	o, err = webtest.Answer(t.Context(), w.Client(0), "https://s.example/q/x", map[string]any{"nps": 10})
	require.NoError(t, err)
	require.Equal(t, 410, o.Status)

	def, err := survey.Parse([]byte(nighttest.Pages), survey.Limits{})
	require.NoError(t, err)
	var out strings.Builder
	n, err := export.CSV(&out, export.NewTable(def, export.Options{Columns: vefa.ExportColumns()}), vefa.ExportRows(w.Engines[0].Answers(t.Context(), "visit")))
	require.NoError(t, err)
	require.Equal(t, 5, n)
	require.Contains(t, out.String(), "id,at,version,language,begun,place,channel,link,over quota,nps,why,sex,age,others")
	require.Contains(t, out.String(), ",7,tr,2025-03-04T13:00:00Z,s1,kiosk,x,all,10,")
	require.Equal(t, 2, strings.Count(out.String(), ",all,"))
	require.Contains(t, out.String(), ",'=1,")
	var told []error
	for _, err := range w.Engines[0].Answers(t.Context(), "vist") {
		told = append(told, err)
	}
	require.Len(t, told, 1)
	require.ErrorIs(t, told[0], crm.ErrNotFound)
	require.ErrorContains(t, told[0], "vist")
	faulty := crmtest.NewFaulty(store)
	shop := nighttest.New(t, faulty, w.Clock, nil)
	faulty.Fail(crmtest.Fault{Where: crmtest.Before, N: 1, Stays: true})
	_, err = export.CSV(&out, export.NewTable(def, export.Options{}), vefa.ExportRows(shop.Engine.Answers(t.Context(), "visit")))
	require.ErrorIs(t, err, crmtest.ErrFault)
}

// A limit that is lowered is so for the next answer.
func TestLimitThatIsLowered(t *testing.T) {
	store := memstore.New()
	limit := int64(5)
	ask := func() *nighttest.Asked {
		return nighttest.Ask(t, t.Context(), store, 1, 4, func(c *vefa.Config) { c.Surveys[0].Quotas = []vefa.Quota{{Name: "all", Limit: limit}} })
	}
	w := ask()
	send := func(i int) bool {
		o, err := webtest.Answer(t.Context(), w.Client(0), w.Links[i], map[string]any{"nps": 9})
		require.NoError(t, err)
		return o.Thanked()
	}
	require.True(t, send(0))
	limit = 2
	w = ask()
	require.Equal(t, []bool{true, false}, []bool{send(1), send(2)})
	require.Len(t, w.Stored(t, t.Context()), 2)
}
