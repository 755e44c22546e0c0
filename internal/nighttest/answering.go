package nighttest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/web/webtest"
)

// Pages are a survey of three pages.
const Pages = `{"x-retail":{"name":"visit","version":"7"},"pages":[
	{"elements":[{"type":"rating","name":"nps","isRequired":true,"rateMin":0,"rateMax":10,"x-retail":{"metric":"nps"}}]},
	{"elements":[{"type":"comment","name":"why"}]},
	{"elements":[{"type":"radiogroup","name":"sex","choices":["f","m"]},{"type":"text","inputType":"number","name":"age"}]}]}`

// OnePage is a survey of one page.
func OnePage() *survey.Definition { return survey.Recommendation() }

// ThreePages is the definition of Pages.
func ThreePages(t TB) *survey.Definition {
	def, err := survey.Parse([]byte(Pages), survey.Limits{})
	require.NoError(t, err)
	return def
}

// Asked is people who were asked to answer Pages, by engines on one store.
type Asked struct {
	Store   crm.Store
	Clock   *crmtest.Clock
	Engines []*vefa.Engine
	Links   []string // of the surveys' pages
}

// Ask asks people, with as many engines on the store.
func Ask(t TB, ctx context.Context, store crm.Store, engines, people int, change func(*vefa.Config)) *Asked {
	t.Helper()
	def := ThreePages(t)
	w := &Asked{Store: store, Clock: &crmtest.Clock{}}
	for range engines {
		shop := New(t, store, w.Clock, func(c *vefa.Config) {
			c.Campaigns, c.TrainAt, c.Surveys[0].Definition = nil, -1, def
			if change != nil {
				change(c)
			}
		})
		w.Engines = append(w.Engines, shop.Engine)
	}
	for day := range 2 {
		w.Clock.Set(Start.AddDate(0, 0, day))
		n := vefa.Night{}
		if day == 0 && people > 0 {
			n.Source = Once(People(people))
		}
		_, err := w.Engines[0].Night(ctx, n)
		require.NoError(t, err)
	}
	w.Clock.Set(Start.AddDate(0, 0, 1).Add(time.Hour))
	require.NoError(t, store.View(ctx, func(r crm.Reader) error {
		w.Links = nil
		for f, err := range crm.AllEffects(ctx, r, crm.AllParts()) {
			if err != nil {
				return err
			}
			if name, err := vefa.MessageName(f); err == nil && name == "survey/visit" && !f.SentAt.IsZero() {
				_, page, err := w.Engines[0].Links(f)
				if err != nil {
					return err
				}
				w.Links = append(w.Links, page)
			}
		}
		return nil
	}))
	require.Len(t, w.Links, people)
	slices.Sort(w.Links)
	return w
}

// Client is a browser of what an engine serves.
func (w *Asked) Client(engine int) *http.Client {
	return &http.Client{Transport: within{w.Engines[engine].Handler()}}
}

// within is a handler without a network.
type within struct{ h http.Handler }

func (h within) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	webtest.Person(in)
	h.h.ServeHTTP(rec, in)
	res := rec.Result()
	res.Request = r
	return res, nil
}

// Open opens a link and answers nothing.
func Open(ctx context.Context, c *http.Client, link string) (webtest.Outcome, error) {
	return request(ctx, c, http.MethodGet, link)
}

// request asks for a page without a form.
func request(ctx context.Context, c *http.Client, method, to string) (o webtest.Outcome, err error) {
	r, err := http.NewRequestWithContext(ctx, method, to, nil)
	if err != nil {
		return o, err
	}
	res, err := c.Do(r)
	if err != nil {
		return o, err
	}
	defer res.Body.Close()
	o = webtest.Outcome{Status: res.StatusCode, URL: res.Request.URL.String()}
	o.Page, err = io.ReadAll(res.Body)
	return o, err
}

// Next answers the page of Pages that an outcome is at.
func Next(ctx context.Context, c *http.Client, o webtest.Outcome, answers map[string]any) (webtest.Outcome, error) {
	values, err := webtest.Fill(o.Page, answers)
	if err != nil {
		return o, err
	}
	return webtest.Send(ctx, c, o.URL, webtest.Form{}, values, nil)
}

// At tells how many of Pages were answered before a Turkish page: 3 where the answer is stored, 4
// where there were enough, -1 for any other page.
func At(o webtest.Outcome) int {
	for i, says := range []string{`name="q.nps"`, `name="q.why"`, `name="q.sex"`, "", "Katıldığınız için"} {
		if says != "" && strings.Contains(string(o.Page), says) {
			return i
		}
	}
	if o.Thanked() || strings.Contains(string(o.Page), "yanıtınız bizde") {
		return 3
	}
	return -1
}

// Stored returns the answers to the survey, by id, and fails where one is there twice.
func (w *Asked) Stored(t TB, ctx context.Context) map[string]vefa.SurveyAnswer {
	out := map[string]vefa.SurveyAnswer{}
	for a, err := range w.Engines[0].Answers(ctx, "visit") {
		require.NoError(t, err)
		require.NotContains(t, out, a.ID)
		out[a.ID] = a
	}
	return out
}

// Drafts counts those that are kept.
func (w *Asked) Drafts(t TB, ctx context.Context) int {
	n := 0
	require.NoError(t, w.Store.View(ctx, func(r crm.Reader) error {
		n = 0
		states, err := r.ScanStates(ctx, crm.AllParts(), "answer-key", crm.Subject{}, 1<<20)
		for _, st := range states {
			if strings.Contains(string(st.Data), `"draft"`) {
				n++
			}
		}
		return err
	}))
	return n
}

// Answering runs what respondents do at once. Open returns a fresh, empty store each time.
func Answering(t *testing.T, open func(t *testing.T) crm.Store) {
	t.Run("Tabs", func(t *testing.T) { tabs(t, open(t)) })
	t.Run("Quotas", func(t *testing.T) { Quotas(t, open(t), 4, 96, 20) })
	t.Run("Links", func(t *testing.T) { links(t, open(t)) })
	t.Run("Replies", func(t *testing.T) { replied(t, open(t)) })
	t.Run("Prune", func(t *testing.T) { pruned(t, open(t)) })
	t.Run("Mistakes", func(t *testing.T) { mistakes(t, open(t)) })
}

// tabs has eight writers on engines of their own open the survey of each person, go through its pages
// and send it, each from where the link is at: of each one answer is kept, that of the one writer who is
// thanked; no draft is left, and none comes back.
func tabs(t *testing.T, store crm.Store) {
	const people = 6
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	w := Ask(t, ctx, store, Writers, people, nil)
	var mu sync.Mutex
	thanked := map[string][]int{}
	resumed := 0
	AtOnce(t, func(n int) error {
		c := w.Client(n)
		for i := range people {
			link := w.Links[(i+n*3)%people]
			o, err := webtest.Answer(ctx, c, link, map[string]any{"nps": n, "why": fmt.Sprint("writer ", n), "age": n + 20})
			switch {
			case err != nil:
				return fmt.Errorf("%s: %w", o.Page, err)
			case o.Thanked():
				mu.Lock()
				thanked[link] = append(thanked[link], n)
				if o.Pages < 3 {
					resumed++
				}
				mu.Unlock()
			case o.Status != http.StatusConflict && o.Status != http.StatusOK:
				return fmt.Errorf("status %d: %s", o.Status, o.Page)
			}
		}
		return nil
	})
	stored := w.Stored(t, ctx)
	require.Len(t, stored, people)
	require.Len(t, thanked, people)
	for link, who := range thanked {
		require.Len(t, who, 1, link)
	}
	var last, by []int // the last page has no draft: it is of the writer who sent it
	for _, a := range stored {
		last = append(last, int(a.Values["age"].(float64))-20)
	}
	for _, who := range thanked {
		by = append(by, who[0])
	}
	require.ElementsMatch(t, by, last)
	require.Zero(t, w.Drafts(t, ctx))
	t.Logf("%d of %d finished what another page had begun", resumed, people)
}

// Quotas has 8 writers on some engines answer for people who are men or women; the survey takes no
// more than limit of all and half of it of men, and keeps men who are over. Where engines die
// between two calls of the store (kill), others answer again.
func Quotas(t *testing.T, store crm.Store, engines, people int, limit int64) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	quotas := []vefa.Quota{{Name: "all", Limit: limit}, {Name: "men", When: "{sex} = 'm' and {age} <= 25", Limit: limit / 2, Keep: true}}
	w := Ask(t, ctx, store, engines, people, func(c *vefa.Config) { c.Surveys[0].Quotas = quotas })
	var thanked, full atomic.Int64
	// Half of all are men before there are women, so that some men are over, however writers run.
	for _, first := range []bool{true, false} {
		AtOnce(t, func(n int) error {
			c := w.Client(n % engines)
			for i := n; i < people; i += Writers {
				sex := "m"
				if i%4 == 0 {
					sex = "f"
				}
				if first != (sex == "m" && int64(i) < limit) {
					continue
				}
				o, err := webtest.Answer(ctx, c, w.Links[i], map[string]any{"nps": 9, "sex": sex, "age": 18 + i%8})
				switch {
				case err != nil:
					return fmt.Errorf("%s: %w", o.Page, err)
				case o.Thanked():
					thanked.Add(1)
				case o.Status == http.StatusOK && strings.Contains(string(o.Page), "heard from enough") || strings.Contains(string(o.Page), "yeterince"):
					full.Add(1)
				default:
					return fmt.Errorf("status %d: %s", o.Status, o.Page)
				}
			}
			return nil
		})
	}
	within, over, of := 0, 0, map[string]int{}
	for _, a := range w.Stored(t, ctx) {
		if a.OverQuota == "" {
			within++
			of[a.Values["sex"].(string)]++
		} else {
			require.Equal(t, "men", a.OverQuota)
			require.Equal(t, "m", a.Values["sex"])
			over++
		}
	}
	require.EqualValues(t, limit, within, "what there is room for is taken")
	require.EqualValues(t, limit/2, of["m"])
	require.EqualValues(t, within, thanked.Load())
	require.EqualValues(t, people-within, full.Load())
	require.Positive(t, over)
	for name, used := range map[string]int64{"all": limit, "men": limit / 2} {
		c, err := w.Engines[0].Service().Counter(ctx, crm.CounterKey{Kind: "survey-quota", ID: "visit/" + name})
		require.NoError(t, err)
		require.Equal(t, [2]int64{used, 0}, [2]int64{c.Used, c.Reserved}, "%+v", c)
	}
	results, err := w.Engines[0].Results(ctx)
	require.NoError(t, err)
	require.EqualValues(t, limit, results.Surveys[0].N)
	t.Logf("%d people over %d engines: %d within the quotas, %d kept over them, %d told that there are enough", people, engines, within, over, full.Load())
}

// links has eight writers open the links that everybody may open: each visitor answers once, and no
// link has more answers than its limit.
func links(t *testing.T, store crm.Store) {
	const visitors = 6 // of each link, by each writer
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	limits := map[string]int64{"till-1": 20, "ONCE": 1, "kiosk_2": 0}
	w := Ask(t, ctx, store, 2, 0, func(c *vefa.Config) {
		c.Surveys[0].Links = []vefa.SurveyLink{{Code: "till-1", Place: "s1", Limit: 20}, {Code: "ONCE", Limit: 1}, {Code: "kiosk_2", Channel: "kiosk"}}
	})
	AtOnce(t, func(n int) error {
		c := w.Client(n % 2)
		for range visitors {
			for code := range limits {
				o, err := webtest.Answer(ctx, c, "https://s.example/q/"+code, map[string]any{"nps": 2, "why": fmt.Sprint("writer ", n)})
				if err != nil || o.Status != http.StatusOK {
					return fmt.Errorf("status %d: %s: %w", o.Status, o.Page, err)
				}
			}
		}
		return nil
	})
	count := map[string]int64{}
	for _, a := range w.Stored(t, ctx) {
		count[a.Link]++
		require.Equal(t, map[bool]string{true: "kiosk", false: "poster"}[a.Link == "kiosk_2"], a.Channel)
		require.Equal(t, map[bool]string{true: "s1"}[a.Link == "till-1"], a.Place)
		require.EqualValues(t, "survey-link", a.Who.Address.Channel)
		require.Equal(t, "7", a.Version)
		require.False(t, a.Begun.IsZero())
	}
	require.Equal(t, map[string]int64{"till-1": 20, "ONCE": 1, "kiosk_2": Writers * visitors}, count)
	rep, err := vefa.Audit(ctx, store, Brand)
	require.NoError(t, err)
	require.True(t, rep.Clean(), "a bad answer of nobody's has its ticket: %+v", rep)
}
