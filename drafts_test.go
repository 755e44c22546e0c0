package vefa_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/web/webtest"
)

// respondent sends the pages of one survey.
type respondent struct {
	t    *testing.T
	c    *http.Client
	link string
	at   webtest.Outcome
}

func visit(t *testing.T, w *nighttest.Asked, link string) *respondent {
	r := &respondent{t: t, c: w.Client(0), link: link}
	r.open()
	return r
}

func (r *respondent) open() {
	r.t.Helper()
	var err error
	r.at, err = nighttest.Open(r.t.Context(), r.c, r.link)
	require.NoError(r.t, err)
}

func (r *respondent) send(answers map[string]any) {
	r.t.Helper()
	values, err := webtest.Fill(r.at.Page, answers)
	require.NoError(r.t, err)
	r.post(values)
}

func (r *respondent) post(values url.Values) {
	r.t.Helper()
	var err error
	r.at, err = webtest.Send(r.t.Context(), r.c, r.link, webtest.Form{}, values, nil)
	require.NoError(r.t, err)
}

func (r *respondent) asks(question string) {
	r.t.Helper()
	require.Equal(r.t, http.StatusOK, r.at.Status)
	require.Contains(r.t, string(r.at.Page), `name="q.`+question+`"`)
}

// What was answered page by page is there when the link is opened again, by another engine after the
// first was killed, with what triggers a database's escapes; the answer says when it was begun, and its draft
// goes. A tab that is behind keeps nothing over a newer draft, nor after the answer.
func TestDraftsOfMessages(t *testing.T) {
	w := nighttest.Ask(t, t.Context(), memstore.New(), 2, 2, nil)
	r := visit(t, w, w.Links[0])
	require.Zero(t, w.Drafts(t, t.Context()), "looking keeps nothing")
	begun := w.Clock.Now()
	r.send(map[string]any{"nps": 3})
	r.asks("why")
	w.Clock.Advance(24 * time.Hour)

	again := &respondent{t: t, c: w.Client(1), link: r.link} // another process
	again.open()
	again.asks("why")
	behind, err := webtest.Fill(r.at.Page, map[string]any{"why": "from a tab that is behind"})
	require.NoError(t, err)
	again.send(map[string]any{"why": "İyi değildi \x00 \\u0000 \"<b>\" 😡"})
	again.asks("sex")
	r.post(behind)
	r.asks("sex") // with what it has, and keeps nothing
	again.open()
	again.asks("sex")
	require.NotContains(t, string(again.at.Page), "behind")
	again.send(map[string]any{"sex": "f", "age": 30})
	require.True(t, again.at.Thanked(), "%s", again.at.Page)
	require.Zero(t, w.Drafts(t, t.Context()))
	r.post(behind)
	require.Equal(t, http.StatusConflict, r.at.Status)
	require.Zero(t, w.Drafts(t, t.Context()))

	stored := w.Stored(t, t.Context())
	require.Len(t, stored, 1)
	for _, a := range stored {
		require.WithinDuration(t, begun, a.Begun, time.Second)
		require.WithinDuration(t, w.Clock.Now(), a.At, time.Second)
		require.Equal(t, [4]string{"7", "tr", "personal", ""}, [4]string{a.Version, a.Language, a.Channel, a.Link})
		require.Contains(t, a.Comment, "İyi değildi")
	}
}

// A draft ends with its invitation, with "not me", with an erasure and by Prune; a page that is still open
// keeps none of those again.
func TestDraftsThatEnd(t *testing.T) {
	for name, end := range map[string]func(ctx context.Context, w *nighttest.Asked, r *respondent) error{
		"expired": func(ctx context.Context, w *nighttest.Asked, _ *respondent) error {
			w.Clock.Advance(30 * 24 * time.Hour)
			_, err := w.Engines[0].Prune(ctx, nighttest.Start)
			return err
		},
		"not me": func(ctx context.Context, w *nighttest.Asked, r *respondent) error {
			_, err := webtest.NotMe(ctx, r.c, r.link)
			return err
		},
		"erased": func(ctx context.Context, w *nighttest.Asked, _ *respondent) error {
			n, err := w.Engines[0].EraseDrafts(ctx, nighttest.Key(0), nighttest.Key(1))
			require.Equal(t, 1, n)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := nighttest.Ask(t, t.Context(), memstore.New(), 1, 2, nil)
			r := visit(t, w, w.Links[0])
			r.send(map[string]any{"nps": 3})
			require.Equal(t, 1, w.Drafts(t, t.Context()))
			open, err := webtest.Fill(r.at.Page, map[string]any{"why": "x"})
			require.NoError(t, err)
			require.NoError(t, end(t.Context(), w, r))
			require.Zero(t, w.Drafts(t, t.Context()))
			r.post(open)
			require.Zero(t, w.Drafts(t, t.Context()), "the open page brought it back")
		})
	}
	t.Run("of another", func(t *testing.T) {
		w := nighttest.Ask(t, t.Context(), memstore.New(), 1, 2, nil)
		visit(t, w, w.Links[0]).send(map[string]any{"nps": 3})
		n, err := w.Engines[0].EraseDrafts(t.Context(), nighttest.Key(7))
		require.NoError(t, err)
		require.Zero(t, n)
		require.Equal(t, 1, w.Drafts(t, t.Context()))
		_, err = w.Engines[0].Prune(t.Context(), nighttest.Start)
		require.NoError(t, err)
		require.Equal(t, 1, w.Drafts(t, t.Context()), "it can still become an answer")
	})
}

// What was kept of answers before there were drafts was the key of the page alone: that page sent again is still
// the same answer.
func TestKeysOfAnswersBeforeDrafts(t *testing.T) {
	w := nighttest.Ask(t, t.Context(), memstore.New(), 1, 1, nil)
	r := visit(t, w, w.Links[0])
	r.send(map[string]any{"nps": 9})
	r.send(nil)
	last, err := webtest.Fill(r.at.Page, map[string]any{"sex": "m"})
	require.NoError(t, err)
	r.post(last)
	require.True(t, r.at.Thanked())
	require.NoError(t, w.Store.Update(t.Context(), func(tx crm.Tx) error {
		states, err := tx.ScanStates(t.Context(), crm.AllParts(), "answer-key", crm.Subject{}, 10)
		require.NoError(t, err)
		require.Len(t, states, 1)
		old, err := crm.NewState("answer-key", states[0].Subject, last.Get("_key"))
		require.NoError(t, err)
		old.Rev = states[0].Rev
		return tx.PutStates(t.Context(), old)
	}))
	r.post(last)
	require.True(t, r.at.Thanked())
	last.Set("_key", "another")
	r.post(last)
	require.Equal(t, http.StatusConflict, r.at.Status)
	require.Len(t, w.Stored(t, t.Context()), 1)
}

// The drafts of a link that everybody may open end by themselves, and the key of an answer with them.
func TestDraftsOfLinks(t *testing.T) {
	w := nighttest.Ask(t, t.Context(), memstore.New(), 1, 0, func(c *vefa.Config) {
		c.Surveys[0].Links = []vefa.SurveyLink{{Code: "till"}}
	})
	o, err := nighttest.Open(t.Context(), w.Client(0), "https://s.example/q/till")
	require.NoError(t, err)
	visit(t, w, o.URL).send(map[string]any{"nps": 10})
	visit(t, w, o.URL).asks("why")
	require.Equal(t, 1, w.Drafts(t, t.Context()), "of one visitor")
	states := func() (n int) {
		require.NoError(t, w.Store.View(t.Context(), func(r crm.Reader) error {
			all, err := r.ScanStates(t.Context(), crm.AllParts(), "answer-key", crm.Subject{}, 100)
			n = len(all)
			return err
		}))
		return n
	}
	_, err = webtest.Answer(t.Context(), w.Client(0), "https://s.example/q/till", map[string]any{"nps": 10})
	require.NoError(t, err)
	require.Equal(t, 2, states())
	w.Clock.Advance(31 * 24 * time.Hour)
	_, err = w.Engines[0].Prune(t.Context(), w.Clock.Now())
	require.NoError(t, err)
	require.Zero(t, states())
	require.Len(t, w.Stored(t, t.Context()), 1)
	// A link that ends long after keeps a draft no longer than one without an end, and one that ends before until then.
	for days, want := range map[int]int{90: 1, 10: 1} {
		w := nighttest.Ask(t, t.Context(), memstore.New(), 1, 0, func(c *vefa.Config) {
			c.Surveys[0].Links = []vefa.SurveyLink{{Code: "till", Until: nighttest.Start.AddDate(0, 0, days)}}
		})
		o, err := nighttest.Open(t.Context(), w.Client(0), "https://s.example/q/till")
		require.NoError(t, err)
		visit(t, w, o.URL).send(map[string]any{"nps": 10})
		prune := func(day int) int {
			w.Clock.Set(nighttest.Start.AddDate(0, 0, day))
			_, err := w.Engines[0].Prune(t.Context(), w.Clock.Now())
			require.NoError(t, err)
			return w.Drafts(t, t.Context())
		}
		require.Equal(t, want, prune(9))
		if days > 30 {
			require.Equal(t, want, prune(30))
		}
		require.Zero(t, prune(32))
	}
	for _, bad := range []string{"/q/other", "/q/", "/q/TILL"} {
		o, err := nighttest.Open(t.Context(), w.Client(0), "https://s.example"+bad)
		require.NoError(t, err)
		require.Equal(t, http.StatusNotFound, o.Status, bad)
		require.NotContains(t, strings.ToLower(string(o.Page)), "panic")
	}
}

// afterView does something once, between what a page reads and what it writes.
type afterView struct {
	crm.Store
	then func()
}

func (s *afterView) View(ctx context.Context, fn func(crm.Reader) error) error {
	err := s.Store.View(ctx, fn)
	if then := s.then; then != nil {
		s.then = nil
		then()
	}
	return err
}

// Between what a page reads and what it writes, another process stores the answer, or says "not me": nothing is
// stored over it, neither an answer nor a draft.
func TestAnsweredMeanwhile(t *testing.T) {
	for name, sends := range map[string]int{"first draft": 0, "draft": 1, "answer": 2} {
		for other, act := range map[string]func(*testing.T, *nighttest.Asked){
			"answer": func(t *testing.T, w *nighttest.Asked) {
				o, err := webtest.Answer(t.Context(), w.Client(1), w.Links[0], map[string]any{"nps": 9, "age": 40})
				require.NoError(t, err)
				require.True(t, o.Thanked())
			},
			"not me": func(t *testing.T, w *nighttest.Asked) {
				_, err := webtest.NotMe(t.Context(), w.Client(1), w.Links[0])
				require.NoError(t, err)
			},
		} {
			t.Run(name+" after "+other, func(t *testing.T) {
				first := &afterView{Store: memstore.New()}
				engines := 0
				w := nighttest.Ask(t, t.Context(), first.Store, 2, 1, func(c *vefa.Config) {
					if engines++; engines == 1 {
						c.Store = first
					}
				})
				r := visit(t, w, w.Links[0])
				for n := range sends + 1 {
					if n == sends {
						first.then = func() { act(t, w) }
					}
					r.send([]map[string]any{{"nps": 3}, {"why": "x"}, {"age": 20}}[n])
				}
				require.Nil(t, first.then)
				require.False(t, r.at.Thanked())
				require.Zero(t, w.Drafts(t, t.Context()))
				stored := w.Stored(t, t.Context())
				require.Len(t, stored, map[bool]int{true: 1}[other == "answer"])
				for _, a := range stored {
					require.EqualValues(t, 40, a.Values["age"])
				}
				require.Equal(t, map[bool]int{true: 409, false: 200}[sends == 2], r.at.Status, "the next page shows with what it has")
			})
		}
	}
}

// A time limit counts in every process since the first page was shown in any of them, and so many
// forms and visitors are taken within a minute as the host says.
func TestSurveyLimits(t *testing.T) {
	ctx := t.Context()
	def, err := survey.Parse([]byte(`{"timeLimit":600,`+nighttest.Pages[1:]), survey.Limits{})
	require.NoError(t, err)
	w := nighttest.Ask(t, ctx, memstore.New(), 2, 1, func(c *vefa.Config) {
		c.Surveys[0].Definition, c.FormsPerMinute, c.VisitorsPerMinute = def, 3, 2
		c.Surveys[0].Links = []vefa.SurveyLink{{Code: "till"}}
	})
	a, b := w.Client(0), w.Client(1)
	first, err := nighttest.Open(ctx, a, w.Links[0])
	require.NoError(t, err)
	require.Contains(t, string(first.Page), "Kalan süre (dakika): 10")
	w.Clock.Advance(4 * time.Minute)
	second, err := nighttest.Next(ctx, b, first, map[string]any{"nps": 9})
	require.NoError(t, err)
	require.Contains(t, string(second.Page), "Kalan süre (dakika): 6", "in another process")
	again, err := nighttest.Open(ctx, a, w.Links[0])
	require.NoError(t, err)
	require.Contains(t, string(again.Page), "Kalan süre (dakika): 6", "opened again")
	w.Clock.Advance(6 * time.Minute)
	last, err := nighttest.Next(ctx, a, second, map[string]any{"why": "slow"})
	require.NoError(t, err)
	require.True(t, last.Thanked(), "%s", last.Page)
	for _, got := range w.Stored(t, ctx) {
		require.Equal(t, map[string]any{"nps": 9., "why": "slow"}, got.Values)
	}
	require.Len(t, w.Stored(t, ctx), 1)

	statuses := func(c *http.Client, method, to string, n int) (out []int) {
		for range n {
			r, err := http.NewRequestWithContext(ctx, method, to, nil)
			require.NoError(t, err)
			res, err := c.Transport.RoundTrip(r)
			require.NoError(t, err)
			out = append(out, res.StatusCode)
		}
		return out
	}
	require.Equal(t, []int{409, 409, 429}, statuses(a, "POST", w.Links[0], 3), "with the one above")
	poster := w.Links[0][:strings.Index(w.Links[0], "/s/")] + "/q/till"
	require.Equal(t, []int{303, 303, 429}, statuses(a, "GET", poster, 3))
	_, err = vefa.New(vefa.Config{FormsPerMinute: -1, VisitorsPerMinute: -1})
	require.ErrorContains(t, err, "FormsPerMinute is -1")
	require.ErrorContains(t, err, "VisitorsPerMinute is -1")
}
