package web_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/vefacrm/vefa/survey/web"
)

// A survey that had enough answers thanks, in the reader's language, and asks nothing; nothing of it sounds like a fault.
func TestFull(t *testing.T) {
	w := newWorld(t, definition(t, several))
	v := visit(t, w)
	w.inv[7].State = web.Full
	v.send(url.Values{"q.ad": {"Ayşe"}})
	assert.Equal(t, http.StatusOK, v.code)
	v.has("Katıldığınız için teşekkür ederiz")
	assert.Empty(t, w.answers)
	for lang, says := range map[string]string{"en": "Thank you for taking part", "ar": "شكرًا لمشاركتك", "de": "Thank you for taking part"} {
		w.inv[7].Language = lang
		page := w.get("/s/" + w.token)
		assert.Equal(t, http.StatusOK, page.Code)
		assert.Contains(t, page.Body.String(), says)
		assert.NotContains(t, page.Body.String(), "_on.")
	}
	assert.Equal(t, http.StatusSeeOther, w.get("/s/"+w.token+"/thanks").Code)
}

// An answer says when its first page was shown, if its form can be right about that.
func TestBegun(t *testing.T) {
	for said, want := range map[string]time.Time{
		"":                     noon,
		"?":                    noon,
		"-1":                   noon,
		"zzzzzzzzzzzzz":        noon, // far ahead
		"zzzzzzzzzzzzzzzzzzzz": noon,
		"1":                    time.Unix(1, 0).UTC(),
	} {
		w := newWorld(t, definition(t, several))
		v := visit(t, w)
		send := func(f url.Values) {
			if said != "" {
				f.Set("_t", said)
			}
			v.send(f)
		}
		send(url.Values{"q.ad": {"A"}})
		send(url.Values{"q.puan": {"5"}})
		send(url.Values{})
		assert.Equal(t, want, w.answers[7].Begun.UTC(), said)
	}
}
