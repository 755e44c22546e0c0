package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/survey/invite"
	"github.com/vefacrm/vefa/survey/web"
)

const limited = `{"timeLimit":600,"timeLimitPerPage":120,"pages":[
	{"elements":[{"type":"text","name":"a","isRequired":true}]},
	{"timeLimit":300,"elements":[{"type":"text","name":"b"}]},
	{"elements":[{"type":"text","name":"c","isRequired":true}]}]}`

// timedWorld is a world whose clock a test moves, with drafts or without.
func timedWorld(t *testing.T, def string, drafts bool) (*world, *time.Time) {
	now := noon
	return newWorld(t, definition(t, def), func(c *web.Config) {
		c.Now = func() time.Time { return now }
		if drafts {
			c.Store = &remembering{record: c.Store.(hearing).record}
		}
	}), &now
}

// remembering keeps one draft.
type remembering struct {
	*record
	draft *web.Draft
}

func (s *remembering) Draft(context.Context, uint64) (web.Draft, bool, error) {
	if s.draft == nil {
		return web.Draft{}, false, nil
	}
	return *s.draft, true, nil
}

func (s *remembering) SaveDraft(_ context.Context, _ uint64, d web.Draft, was string, _ time.Time) (bool, error) {
	if s.draft != nil && s.draft.Revision != was {
		return false, nil
	}
	s.draft = &d
	return true, nil
}

// Time limits end pages and the survey when a page is sent, by the server's clock; what is there is
// kept, and the page says how long there is.
func TestTimeLimits(t *testing.T) {
	type post struct {
		after  int // seconds since noon
		fields string
		shows  string // in the page that follows; empty: it is stored
	}
	for name, c := range map[string]struct {
		posts []post
		want  map[string]any
	}{
		"in time":           {[]post{{60, "a=1", `"q.b"`}, {120, "b=2", `"q.c"`}, {180, "c=3", ""}}, map[string]any{"a": "1", "b": "2", "c": "3"}},
		"a page is over":    {[]post{{500, "a=1", `"q.b"`}, {550, "b=2", `"q.c"`}, {560, "c=3", ""}}, map[string]any{"a": "1", "b": "2", "c": "3"}},
		"the survey is":     {[]post{{60, "a=1", `"q.b"`}, {600, "b=2", ""}}, map[string]any{"a": "1", "b": "2"}},
		"what is missing":   {[]post{{700, "a=", `"q.a"`}, {900, "a=1", ""}}, map[string]any{"a": "1"}},
		"back is over, too": {[]post{{60, "a=1", `"q.b"`}, {900, "b=2&_do=back", ""}}, map[string]any{"a": "1", "b": "2"}},
		"the clock is set back": {[]post{{-3600, "a=1", `"q.b"`}, {-3500, "b=2", `"q.c"`}, {-3400, "c=3", ""}},
			map[string]any{"a": "1", "b": "2", "c": "3"}},
	} {
		for _, drafts := range []bool{false, true} {
			w, now := timedWorld(t, limited, drafts)
			rec := w.get("/s/" + w.token)
			require.Contains(t, rec.Body.String(), "Kalan süre (dakika): 2", name)
			for _, p := range c.posts {
				*now = noon.Add(time.Duration(p.after) * time.Second)
				form := hidden(rec.Body.Bytes())
				for k, all := range parsed(url.ParseQuery(p.fields)) {
					if !strings.HasPrefix(k, "_") {
						k = "q." + k
					}
					form[k] = all
				}
				rec = w.post("/s/"+w.token, form.Encode())
				if p.shows == "" {
					require.Equal(t, http.StatusSeeOther, rec.Code, "%s: %s", name, rec.Body)
					continue
				}
				require.Contains(t, rec.Body.String(), p.shows, name)
			}
			assert.Equal(t, c.want, w.answers[7].Answers, name)
			if name != "the clock is set back" {
				assert.Equal(t, noon, w.answers[7].Begun.UTC(), name)
			}
		}
	}
}

func parsed(v url.Values, err error) url.Values {
	if err != nil {
		panic(err)
	}
	return v
}

// A respondent cannot move the beginning: a changed one, that of another link, none, and one of a
// page that was shown again count as late.
func TestTimeLimitsCannotBeMoved(t *testing.T) {
	send := func(w *world, rec *httptest.ResponseRecorder, change func(url.Values)) *httptest.ResponseRecorder {
		form := hidden(rec.Body.Bytes())
		form.Set("q.a", "1")
		change(form)
		return w.post("/s/"+w.token, form.Encode())
	}
	for name, change := range map[string]func(url.Values){
		"none":    func(f url.Values) { f.Del("_t") },
		"plain":   func(f url.Values) { f.Set("_t", "t0e0e0") },
		"changed": func(f url.Values) { f.Set("_t", "z"+f.Get("_t")[1:]) },
		"rubbish": func(f url.Values) { f.Set("_t", "..__--") },
	} {
		w, now := timedWorld(t, limited, false)
		rec := w.get("/s/" + w.token)
		*now = noon.Add(time.Second)
		require.Equal(t, http.StatusSeeOther, send(w, rec, change).Code, name)
		require.Equal(t, map[string]any{"a": "1"}, w.answers[7].Answers, "%s: what is there is kept", name)
		require.Zero(t, w.answers[7].Begun, name)
	}
	// With drafts a page that is sent again has no more time, nor has the link that is opened again.
	w, now := timedWorld(t, limited, true)
	first := w.get("/s/" + w.token)
	*now = noon.Add(100 * time.Second)
	require.Contains(t, send(w, first, func(url.Values) {}).Body.String(), "Kalan süre (dakika): 5")
	*now = noon.Add(220 * time.Second)
	again := send(w, first, func(url.Values) {})
	require.Contains(t, again.Body.String(), "Kalan süre (dakika): 3", "since it was shown first")
	require.Contains(t, w.get("/s/"+w.token).Body.String(), "Kalan süre (dakika): 3")
	*now = noon.Add(590 * time.Second)
	require.Contains(t, w.get("/s/"+w.token).Body.String(), "Süre doldu")
	*now = noon.Add(600 * time.Second)
	require.Equal(t, http.StatusSeeOther, send(w, again, func(f url.Values) { f.Set("q.b", "2") }).Code)
	require.Equal(t, map[string]any{"a": "1", "b": "2"}, w.answers[7].Answers)
	_, err := web.New(web.Config{Store: w.record, Tokens: func(string) (uint64, error) { return 0, nil }, Key: []byte("short")})
	require.Error(t, err)
}

// The time of a survey with a start page counts since that was left.
func TestTimeLimitsAfterAStartPage(t *testing.T) {
	w, now := timedWorld(t, `{"firstPageIsStartPage":true,"timeLimit":60,"pages":[{"elements":[{"type":"html","name":"h","html":"Hello"}]},{"elements":[{"type":"text","name":"a"}]}]}`, false)
	rec := w.get("/s/" + w.token)
	require.NotContains(t, rec.Body.String(), `id="tl"`)
	*now = noon.Add(time.Hour - 2*time.Minute)
	rec = w.post("/s/"+w.token, hidden(rec.Body.Bytes()).Encode())
	require.Contains(t, rec.Body.String(), "Kalan süre (dakika): 1")
	form := hidden(rec.Body.Bytes())
	form.Set("q.a", "xxx")
	require.Equal(t, http.StatusSeeOther, w.post("/s/"+w.token, form.Encode()).Code)
	require.Equal(t, *now, w.answers[7].Begun.UTC())
}

// The beginning of one link says nothing of another, though one key signs both.
func TestTimeLimitsOfAnotherLink(t *testing.T) {
	now := noon
	codec, err := invite.New("survey", []byte("32 bytes from crypto/rand in earnest"))
	require.NoError(t, err)
	w := newWorld(t, definition(t, limited), func(c *web.Config) { c.Now, c.Tokens = func() time.Time { return now }, codec.Parse })
	w.inv[8] = &web.Invitation{Definition: w.inv[7].Definition, Language: "tr"}
	other, err := codec.Mint(8)
	require.NoError(t, err)
	form := hidden(w.get("/s/" + w.token).Body.Bytes())
	now = noon.Add(590 * time.Second)
	later := hidden(w.get("/s/" + other).Body.Bytes())
	now = noon.Add(610 * time.Second)
	form.Set("q.a", "1")
	form.Set("_t", later.Get("_t"))
	require.Equal(t, http.StatusSeeOther, w.post("/s/"+w.token, form.Encode()).Code, "it counts as late")
	require.Zero(t, w.answers[7].Begun)
}

// Of a page that was opened twice before anything was answered the earlier opening counts, whichever is sent.
func TestTimeLimitsOfTwoPages(t *testing.T) {
	w, now := timedWorld(t, limited, true)
	open := func(after time.Duration) url.Values {
		*now = noon.Add(after)
		form := hidden(w.get("/s/" + w.token).Body.Bytes())
		form.Set("q.a", "1")
		return form
	}
	one, two := open(0), open(30*time.Second)
	*now = noon.Add(40 * time.Second)
	require.Contains(t, w.post("/s/"+w.token, one.Encode()).Body.String(), `"q.b"`)
	*now = noon.Add(610 * time.Second)
	require.Equal(t, http.StatusSeeOther, w.post("/s/"+w.token, two.Encode()).Code)
	require.Equal(t, noon, w.answers[7].Begun.UTC())
}
