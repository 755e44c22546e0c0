package web_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/web"
	"github.com/vefacrm/vefa/survey/web/webtest"
)

// talking is a store that hears what is written after the answer, the first of each invitation.
type talking struct {
	hearing
	wrote map[uint64]string
	calls int
	err   error
}

func (s *talking) Invitation(ctx context.Context, id uint64) (web.Invitation, error) {
	inv, err := s.record.Invitation(ctx, id)
	inv.FollowUp = s.wrote[id] == ""
	return inv, err
}

func (s *talking) FollowUp(_ context.Context, id uint64, text string, _ time.Time) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls++; s.err != nil {
		return false, s.err
	}
	if s.wrote[id] == "" {
		s.wrote[id] = text
	}
	return s.wrote[id] == text, nil
}

func newTalk(t testing.TB, def *survey.Definition) (*world, *talking, *time.Time) {
	now := noon
	var s *talking
	w := newWorld(t, def, func(c *web.Config) {
		s = &talking{hearing: c.Store.(hearing), wrote: map[uint64]string{}}
		c.Store, c.Now = s, func() time.Time { return now }
	})
	return w, s, &now
}

// talk returns the form of a thank-you page.
func talk(t testing.TB, page []byte) webtest.Form {
	t.Helper()
	for _, f := range webtest.Forms(page) {
		if strings.Contains(f.Action, "/follow-up") {
			return f
		}
	}
	t.Fatalf("no form in %s", page)
	return webtest.Form{}
}

// What is written on the thank-you page is taken once; whatever is not taken shows again.
func TestFollowUp(t *testing.T) {
	w, s, now := newTalk(t, survey.Satisfaction())
	page := w.get("/s/" + w.token)
	assert.NotContains(t, page.Body.String(), "follow-up", "not before the answer")
	require.Equal(t, 303, w.post("/s/"+w.token+"/follow-up", "text=x").Code)
	require.Zero(t, s.calls, "not before the answer")

	out, err := webtest.Answer(t.Context(), w.srv.Client(), w.link(), map[string]any{"satisfaction": 1})
	require.NoError(t, err)
	require.True(t, out.Thanked())
	f := talk(t, out.Page)
	require.Equal(t, "../"+w.token+"/follow-up", f.Action)
	assert.Contains(t, string(out.Page), "Bizimle konuşmak")
	to := "/s/" + w.token + "/follow-up"

	// Nothing, and too much: both show again, the second with all of it.
	rec := w.post(to, "text=+%0d%0a")
	assert.Equal(t, 422, rec.Code)
	assert.Contains(t, rec.Body.String(), "bir şey yazın")
	long := strings.Repeat("ş", web.MaxFollowUp+1)
	rec = w.post(to, url.Values{"text": {long}}.Encode())
	assert.Equal(t, 422, rec.Code)
	assert.Contains(t, rec.Body.String(), long)
	require.Zero(t, s.calls)

	// A store that fails: the text is there, to be sent again.
	text := "Kayış <koptu> & \"kırıldı\"\nsonra"
	s.err = errors.New("down")
	rec = w.post(to, url.Values{"text": {strings.ReplaceAll(text, "\n", "\r\n")}}.Encode())
	assert.Equal(t, 503, rec.Code)
	assert.NotEmpty(t, rec.Header().Get("Retry-After"))
	assert.Contains(t, rec.Body.String(), "Kayış &lt;koptu&gt; &amp; &#34;kırıldı&#34;\nsonra")
	assert.Contains(t, rec.Body.String(), "mesajınız gönderilmedi")
	again := talk(t, rec.Body.Bytes())
	require.Equal(t, "../"+w.token+"/follow-up", again.Action)
	s.err = nil

	// Sent three times it is one; another is not taken, and not lost from sight.
	for range 3 {
		rec = w.post(to, url.Values{"text": {text}}.Encode())
		require.Equal(t, 303, rec.Code)
		require.Equal(t, "../"+w.token+"/taken", rec.Header().Get("Location"))
	}
	require.Equal(t, text, s.wrote[7])
	rec = w.post(to, "text=another")
	assert.Equal(t, 409, rec.Code)
	assert.Contains(t, rec.Body.String(), "another")
	assert.Contains(t, rec.Body.String(), "readonly")
	require.Equal(t, text, s.wrote[7])
	assert.Contains(t, w.get("/s/"+w.token+"/taken").Body.String(), "Mesajınızı aldık")
	assert.NotContains(t, w.get("/s/"+w.token+"/thanks").Body.String(), "follow-up", "it is written")

	// It ends with the invitation.
	delete(s.wrote, 7)
	calls := s.calls
	*now = noon.Add(time.Hour)
	assert.NotContains(t, w.get("/s/"+w.token+"/thanks").Body.String(), "follow-up")
	rec = w.post(to, "text=too+late")
	assert.Equal(t, http.StatusGone, rec.Code)
	assert.Contains(t, rec.Body.String(), "too late")
	require.Equal(t, calls, s.calls)
	*now = noon
	s.err = web.ErrEnded
	assert.Equal(t, http.StatusGone, w.post(to, "text=too+late").Code)
	s.err = nil
	w.inv[7].State = web.NotMe
	assert.Equal(t, http.StatusGone, w.post(to, "text=x").Code)
}

// The form is in the visitor's language, also below a definition's own words, and without a store
// that hears it there is none.
func TestFollowUpLanguages(t *testing.T) {
	def, err := survey.Parse([]byte(`{"completedHtml":{"default":"<p>Bye {n}</p>","tr":"<p>Güle güle {n}</p>","ar":"<p>مع السلامة {n}</p>"},"elements":[{"type":"text","name":"n"}]}`), survey.Limits{})
	require.NoError(t, err)
	for lang, want := range map[string]string{"tr": "Mesajınız", "en": "Your message", "ar": "رسالتك"} {
		w, s, _ := newTalk(t, def)
		w.inv[7].Language = ""
		rec := w.post("/s/"+w.token+"?lang="+lang, "_on.n=1&q.n=x")
		require.Equal(t, 200, rec.Code)
		f := talk(t, rec.Body.Bytes())
		require.Equal(t, w.token+"/follow-up?lang="+lang, f.Action)
		require.Contains(t, rec.Body.String(), want)
		rec = w.post("/s/"+w.token+"/follow-up?lang="+lang, "text=x")
		require.Equal(t, "../"+w.token+"/taken?lang="+lang, rec.Header().Get("Location"))
		require.Equal(t, "x", s.wrote[7])
	}
	w := newWorld(t, def)
	w.inv[7].State, w.inv[7].FollowUp = web.Answered, true
	assert.NotContains(t, w.get("/s/"+w.token+"/thanks").Body.String(), "follow-up")
	assert.Equal(t, 404, w.post("/s/"+w.token+"/follow-up", "text=x").Code)
}
