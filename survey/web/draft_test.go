package web_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/web"
)

// drafting is a record that keeps drafts.
type drafting struct {
	hearing
	drafts map[uint64]web.Draft
	saves  int
	err    error
	lose   bool // the next is saved and its answer lost
}

func (s *drafting) Draft(_ context.Context, id uint64) (web.Draft, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.drafts[id]
	return d, ok, s.err
}

func (s *drafting) SaveDraft(_ context.Context, id uint64, d web.Draft, was string, _ time.Time) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return false, s.err
	}
	if s.drafts[id].Revision != was || s.inv[id].State != web.Open && s.inv[id].State != "" {
		return false, nil
	}
	d.Answers = maps.Clone(d.Answers)
	s.drafts[id] = d
	s.saves++
	if s.lose {
		s.lose = false
		return false, errors.New("lost")
	}
	return true, nil
}

func (s *drafting) Submit(ctx context.Context, id uint64, r survey.Response, at time.Time) (bool, error) {
	first, err := s.record.Submit(ctx, id, r, at)
	if first {
		s.mu.Lock()
		delete(s.drafts, id)
		s.mu.Unlock()
	}
	return first, err
}

func newDrafting(t *testing.T) (*world, *drafting) {
	w := newWorld(t, definition(t, several))
	d := &drafting{hearing: hearing{w.record}, drafts: map[uint64]web.Draft{}}
	w.h = must(web.New(web.Config{Store: d, Tokens: tokens{w.token: 7}.Parse, Now: func() time.Time { return noon }}))
	return w, d
}

// A link that is opened again goes on where its respondent stopped, with what he entered, also what could
// not be read; the draft goes with the answer.
func TestDrafts(t *testing.T) {
	w, d := newDrafting(t)
	v := visit(t, w)
	assert.Empty(t, d.drafts, "looking keeps nothing")
	v.send(url.Values{"q.ad": {"Ayşe"}})
	v.send(url.Values{"q.puan": {"5"}})
	v.send(url.Values{"_do": {"add:cocuk"}})
	v.send(url.Values{"q.cocuk[0].ad": {"Can"}, "q.cocuk[0].yas": {"beş"}, "_do": {"add:alis"}})
	assert.Equal(t, 4, d.saves)

	saved := d.saves
	v = visit(t, w) // another day, another device
	v.has(`value="Can"`, `value="beş"`, `name="q.alis[0].ne"`, "Sayfa 2 / 2")
	assert.NotContains(t, v.page, `role="alert"`)
	assert.Equal(t, saved, d.saves)
	v.send(url.Values{"_do": {"back"}})
	v.has(`value="5" checked`)
	v = visit(t, w)
	v.has("<h2>Birinci</h2>")
	v.send(nil)
	v.has(`value="beş"`)
	v.send(url.Values{"q.cocuk[0].yas": {"5"}})
	v.has("Sağ ol Ayşe")
	assert.Empty(t, d.drafts)
	assert.Equal(t, []any{map[string]any{"ad": "Can", "yas": 5.0}}, w.answers[7].Answers["cocuk"])
	assert.Equal(t, 1, w.submits)
}

// A page that is loaded anew sends its form again, as does a browser whose answer was lost on the way, and a draft that the store could
// not take comes with the next page: what is answered afterwards is kept all the same.
func TestDraftsSentAgain(t *testing.T) {
	for _, lost := range []string{"sent again", "answer lost", "not stored"} {
		t.Run(lost, func(t *testing.T) {
			w, d := newDrafting(t)
			v := visit(t, w)
			switch lost {
			case "sent again":
				first := *v
				first.send(url.Values{"q.ad": {"Ayşe"}})
				v.send(url.Values{"q.ad": {"Ayşe"}})
				assert.Equal(t, 1, d.saves)
			case "answer lost":
				d.lose = true
				v.send(url.Values{"q.ad": {"Ayşe"}})
				assert.Equal(t, 1, d.saves)
			case "not stored":
				d.err = errors.New("away")
				v.send(url.Values{"q.ad": {"Ayşe"}})
				assert.Zero(t, d.saves)
				d.err = nil
			}
			v.send(url.Values{"q.puan": {"5"}})
			assert.Equal(t, 5.0, d.drafts[7].Answers["puan"])
			v.send(url.Values{"_do": {"back"}})
			v.send(url.Values{"q.puan": {"4"}})
			assert.Equal(t, 4.0, d.drafts[7].Answers["puan"])
			visit(t, w).has("Sayfa 2 / 2")
		})
	}
}

// The survey is open twice: the page that was faster has the draft, the other goes on with what
// it has and overwrites nothing; one answer is stored.
func TestDraftsOfTwoPages(t *testing.T) {
	w, d := newDrafting(t)
	one, two := visit(t, w), visit(t, w)
	one.send(url.Values{"q.ad": {"Ayşe"}})
	one.send(url.Values{"q.puan": {"5"}})
	two.send(url.Values{"q.ad": {"Fatma"}})
	two.has("Puan, Fatma?")
	assert.Equal(t, "Ayşe", d.drafts[7].Answers["ad"])
	two.send(url.Values{"q.puan": {"4"}})
	two.send(nil)
	two.has("Sağ ol Fatma")
	one.send(nil)
	assert.Equal(t, http.StatusConflict, one.code)
	assert.Equal(t, "Fatma", w.answers[7].Answers["ad"])
	assert.Empty(t, d.drafts)
}

// A store that fails to keep drafts does not stop the survey.
func TestDraftsThatCannotBeKept(t *testing.T) {
	w, d := newDrafting(t)
	d.err = errors.New("secret")
	v := visit(t, w)
	for _, page := range []url.Values{{"q.ad": {"Ayşe"}}, {"q.puan": {"5"}}, nil} {
		assert.Equal(t, http.StatusOK, v.code)
		assert.NotContains(t, v.page, "secret")
		v.send(page)
	}
	v.has("Sağ ol Ayşe")
}

// A draft of an older definition, or a damaged one, is gone on with as far as it can be.
func TestDraftOfAnotherDefinition(t *testing.T) {
	w, d := newDrafting(t)
	d.drafts[7] = web.Draft{Revision: "r", Page: 17, Answers: map[string]any{"ad": "Ayşe", "puan": "many", "gone": 1}, Typed: map[string][]string{"q.ad": {"x"}, "_do": {"add:cocuk"}, "_n.cocuk": {"-5"}}}
	v := visit(t, w)
	require.Equal(t, http.StatusOK, v.code)
	v.has("Puan")
}

// Eight pages of one survey save and send at once: one answer, and no draft is left.
func TestDraftsAtOnce(t *testing.T) {
	w, d := newDrafting(t)
	var pages []*visitor
	for range 8 {
		pages = append(pages, visit(t, w))
	}
	var wg sync.WaitGroup
	for _, v := range pages {
		wg.Go(func() {
			v.send(url.Values{"q.ad": {"A"}})
			v.send(url.Values{"q.puan": {"5"}})
			v.send(nil)
		})
	}
	wg.Wait()
	thanked := 0
	for _, v := range pages {
		if v.code == http.StatusOK {
			thanked++
		} else {
			assert.Equal(t, http.StatusConflict, v.code)
		}
	}
	assert.Equal(t, 1, thanked)
	assert.Len(t, w.answers, 1)
	assert.Empty(t, d.drafts)
}
