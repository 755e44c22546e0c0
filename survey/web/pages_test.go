package web_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"math"
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

const several = `{
 "title": "Anket", "firstPageIsStartPage": true, "startSurveyText": "Haydi",
 "completedHtml": "<h2>Sağ ol {ad}</h2>", "completedHtmlOnCondition": [{"expression": "{puan} <= 2", "html": "<p>Üzgünüz {ad}</p>"}],
 "navigateToUrl": "https://example.com/shop",
 "pages": [
  {"name": "s", "elements": [{"type": "html", "html": "<p onclick='x()'>Hoş geldiniz<script>alert(1)</script></p>"}, {"type": "text", "name": "ad", "title": "Ad", "isRequired": true}]},
  {"name": "a", "title": "Birinci", "elements": [
   {"type": "rating", "name": "puan", "title": "Puan, {ad}?", "isRequired": true},
   {"type": "text", "inputType": "number", "name": "yas", "title": "Yaş"}]},
  {"name": "b", "elements": [
   {"type": "panel", "title": "Çocuklar", "elements": [
    {"type": "paneldynamic", "name": "cocuk", "title": "Çocuk", "maxPanelCount": 3, "templateTitle": "Çocuk {panelIndex}", "templateElements": [
     {"type": "text", "name": "ad", "title": "Adı", "isRequired": true},
     {"type": "text", "inputType": "number", "name": "yas", "title": "Yaşı"}]}]},
   {"type": "matrixdynamic", "name": "alis", "rowCount": 0, "columns": [{"name": "ne", "cellType": "text"}]}]},
  {"name": "c", "visibleIf": "{puan} <= 2", "elements": [{"type": "comment", "name": "neden", "title": "Neden?"}]}]}`

// visitor goes through the pages of a survey by hand.
type visitor struct {
	t    *testing.T
	w    *world
	code int
	page string
}

func visit(t *testing.T, w *world) *visitor {
	v := &visitor{t: t, w: w}
	rec := w.get("/s/" + w.token)
	v.code, v.page = rec.Code, rec.Body.String()
	return v
}

// send posts the page as a browser would, with fields changed; "_do" presses a button.
func (v *visitor) send(change url.Values) {
	v.t.Helper()
	form := url.Values{}
	for _, f := range webtest.Forms([]byte(v.page))[0].Fields {
		if f.Disabled || f.Kind == "button" || (f.Kind == "radio" || f.Kind == "checkbox") && !f.Checked || f.Kind == "file" {
			continue
		}
		form.Add(f.Name, f.Value)
	}
	rec := v.w.post("/s/"+v.w.token, with(form, change).Encode())
	v.code, v.page = rec.Code, rec.Body.String()
	if v.code == http.StatusOK || v.code == http.StatusUnprocessableEntity {
		sound(v.t, v.page)
	}
}

func (v *visitor) has(texts ...string) {
	v.t.Helper()
	for _, s := range texts {
		assert.Contains(v.t, v.page, s)
	}
}

// A survey with a start page, pages, a panel that repeats and a way back.
func TestSeveralPages(t *testing.T) {
	w := newWorld(t, definition(t, several))
	v := visit(t, w)
	v.has("Haydi", "<p>Hoş geldiniz</p>", `name="q.ad"`)
	assert.NotContains(t, v.page, "onclick")
	v.send(nil)
	assert.Equal(t, http.StatusUnprocessableEntity, v.code)
	v.send(url.Values{"q.ad": {"Ayşe"}})
	assert.Equal(t, http.StatusOK, v.code)
	v.has("<h2>Birinci</h2>", "Puan, Ayşe?", "Devam et", "Sayfa 1 / 2")

	// What cannot be read stays, also when somebody goes on without noticing.
	v.send(url.Values{"q.puan": {"2"}, "q.yas": {"otuz"}})
	assert.Equal(t, http.StatusUnprocessableEntity, v.code)
	v.has(`value="otuz"`, `value="2" checked`)
	v.send(url.Values{"q.yas": {"30"}})
	v.has("Çocuklar", "Henüz bir kayıt yok.", "Sayfa 2 / 3", `value="add:cocuk"`, "Geri")

	// Panels are added and removed; nothing is checked by that, and nothing lost.
	v.send(url.Values{"_do": {"add:cocuk"}})
	v.has("Çocuk 1")
	assert.Regexp(t, `name="q\.cocuk\[0\]\.ad"[^>]* autofocus`, v.page)
	v.send(url.Values{"_do": {"add:cocuk"}, "q.cocuk[0].yas": {"üç"}})
	v.send(url.Values{"_do": {"add:cocuk"}, "q.cocuk[0].ad": {"Can"}, "q.cocuk[1].ad": {"Ece"}, "q.cocuk[1].yas": {"beş"}})
	v.has(`value="Can"`, `value="Ece"`, `value="beş"`, `value="üç"`, "Çocuk 3")
	assert.NotContains(t, v.page, "add:cocuk", "three are enough")
	v.send(url.Values{"_do": {"remove:cocuk[0]"}})
	v.has("Çocuk 2", `value="Ece"`, `value="beş"`)
	assert.NotContains(t, v.page, "Çocuk 3")
	assert.NotContains(t, v.page, `value="Can"`)
	v.send(url.Values{"_do": {"add:alis"}})
	v.has(`name="q.alis[0].ne"`)
	v.send(url.Values{"q.alis[0].ne": {"süt"}})
	assert.Equal(t, http.StatusUnprocessableEntity, v.code, "a name is missing, an age is no number")
	v.has(`value="süt"`, `value="beş"`)

	// Back, and on again: what was entered is there, what could not be read, too.
	v.send(url.Values{"_do": {"back"}})
	v.has("<h2>Birinci</h2>", `value="30"`, `value="2" checked`)
	v.send(nil)
	assert.Equal(t, http.StatusOK, v.code)
	v.has(`value="süt"`, `value="beş"`, `value="Ece"`, "Çocuk 2")
	v.send(url.Values{"q.cocuk[0].yas": {"5"}, "_do": {"remove:cocuk[1]"}})
	v.send(nil)
	v.has("Neden?", "Gönder")
	assert.Zero(t, w.submits)
	v.send(url.Values{"q.neden": {"Kasa\r\nyavaş"}})
	assert.Equal(t, http.StatusOK, v.code)
	v.has("Üzgünüz Ayşe", `href="https://example.com/shop"`)
	assert.Equal(t, map[string]any{
		"ad": "Ayşe", "puan": 2.0, "yas": 30.0, "neden": "Kasa\nyavaş",
		"cocuk": []any{map[string]any{"ad": "Ece", "yas": 5.0}}, "alis": []any{map[string]any{"ne": "süt"}},
	}, w.answers[7].Answers)
}

// A required question is asked whatever page the form says it is.
func TestPagesAreNotSkipped(t *testing.T) {
	w := newWorld(t, definition(t, several))
	rec := w.post("/s/"+w.token, url.Values{"_page": {"2"}, "_kept": {`{"a":{"ad":"x"}}`}, "_on.cocuk": {"1"}, "_on.alis": {"1"}}.Encode())
	assert.Contains(t, rec.Body.String(), "Puan, x?")
	rec = w.post("/s/"+w.token, url.Values{"_page": {"99"}, "_kept": {`{"a":{"ad":"x","puan":77,"zzz":1,"yas":"<b>"}}`}}.Encode())
	assert.Contains(t, rec.Body.String(), "Puan, x?")
	assert.NotContains(t, rec.Body.String(), "zzz")
	for _, kept := range []string{"x", "{}", `{"a":[]}`, `{"a":{"ad":{"b":1},"cocuk":[[[]]]}}`, `{"v":{"place":"evil"}}`} {
		rec = w.post("/s/"+w.token, url.Values{"_page": {"1"}, "_kept": {kept}}.Encode())
		assert.NotContains(t, rec.Body.String(), "evil")
		assert.Contains(t, rec.Body.String(), `name="q.ad"`, kept)
	}
	assert.Zero(t, w.submits)
}

// What shows because of an answer on the same page is asked before the next page; the rest of the
// page is not asked again, and what was entered stays.
func TestQuestionsThatFollow(t *testing.T) {
	w := newWorld(t, definition(t, `{"elements": [
		{"type": "boolean", "name": "a", "isRequired": true},
		{"type": "text", "name": "b", "visibleIf": "{a} = true", "isRequired": true},
		{"type": "text", "name": "c", "enableIf": "{a} = true", "defaultValue": "d"},
		{"type": "text", "name": "sum", "readOnly": true, "defaultValue": "r"}]}`))
	v := visit(t, w)
	assert.NotContains(t, v.page, `name="q.b"`)
	v.send(url.Values{"q.a": {"true"}})
	assert.Equal(t, http.StatusOK, v.code)
	v.has(`name="q.b"`, `name="q.c"`)
	assert.NotContains(t, v.page, `name="q.a"`)
	assert.NotContains(t, v.page, `role="alert"`)
	v.send(url.Values{"_do": {"back"}}) // to the page as a whole
	v.has(`name="q.a" value="true" checked`, `name="q.b"`)
	v.send(nil)
	assert.Equal(t, http.StatusUnprocessableEntity, v.code)
	v.send(url.Values{"q.b": {"x"}})
	assert.Equal(t, http.StatusSeeOther, v.code, v.page)
	assert.Equal(t, map[string]any{"a": true, "b": "x", "c": "d", "sum": "r"}, w.answers[7].Answers)
}

// Triggers end a survey, lead past a page and set values, on whatever page they are asked of.
func TestTriggersOnPages(t *testing.T) {
	src := `{"triggers": [
		{"type": "complete", "expression": "{a} = 1"},
		{"type": "skip", "expression": "{a} = 2", "gotoName": "d"},
		{"type": "setvalue", "expression": "{a} = 3", "setToName": "b", "setValue": "set"},
		{"type": "setvalue", "expression": "{a} = 3", "setToName": "v", "setValue": "var", "isVariable": true}],
		"pages": [{"elements": [{"type": "text", "name": "a", "inputType": "number", "isRequired": true}]},
		{"elements": [{"type": "text", "name": "b", "isRequired": true}]},
		{"elements": [{"type": "text", "name": "d", "title": "D {v}"}]}]}`
	for a, want := range map[string]map[string]any{
		"1": {"a": 1.0}, "2": {"a": 2.0, "d": "D"}, "3": {"a": 3.0, "b": "set", "d": "D"}, "4": {"a": 4.0, "b": "B", "d": "D"},
	} {
		w := newWorld(t, definition(t, src))
		v := visit(t, w)
		v.send(url.Values{"q.a": {a}})
		for n := 0; n < 4 && v.code != http.StatusSeeOther; n++ {
			switch {
			case strings.Contains(v.page, `name="q.b"`):
				require.Contains(t, []string{"3", "4"}, a)
				if a == "4" {
					v.send(url.Values{"q.b": {"B"}})
				} else {
					v.has(`value="set"`)
					v.send(nil)
				}
			case strings.Contains(v.page, `name="q.d"`):
				if a == "3" {
					v.has("D var")
				}
				v.send(url.Values{"_do": {"back"}})
				assert.Equal(t, a == "2", strings.Contains(v.page, `name="q.a"`), "back past the page that was skipped")
				v.send(nil)
				v.send(url.Values{"q.d": {"D"}})
			}
		}
		require.Equal(t, http.StatusSeeOther, v.code, a)
		assert.Equal(t, want, w.answers[7].Answers, a)
	}
}

// Ways of a survey: without a way back, checked at its end only. One that asks for one page, or a
// page for each question, is asked by its pages.
func TestPageModes(t *testing.T) {
	const questions = `"pages": [{"elements": [{"type": "text", "name": "a", "isRequired": true}, {"type": "text", "name": "b"}]}, {"elements": [{"type": "text", "name": "c", "isRequired": true}]}]`
	for mode, pages := range map[string]string{`"questionsOnPageMode": "singlePage"`: "", `"questionsOnPageMode": "questionPerPage"`: "", `"showPrevButton": false`: " / 2", `"checkErrorsMode": "onComplete"`: " / 2"} {
		w := newWorld(t, definition(t, `{`+mode+`, `+questions+`}`))
		v := visit(t, w)
		v.send(url.Values{"q.a": {""}})
		v.has(pages)
		if late := strings.Contains(mode, "onComplete"); !late {
			assert.Equal(t, http.StatusUnprocessableEntity, v.code, mode)
		}
		if strings.Contains(mode, "onComplete") {
			v.has(`name="q.c"`)
			v.send(url.Values{"q.c": {"3"}})
			assert.Equal(t, http.StatusUnprocessableEntity, v.code)
			v.has(`name="q.a"`, `role="alert"`)
			v.send(url.Values{"q.a": {"1"}})
		}
		for n := 0; n < 5 && v.code != http.StatusSeeOther; n++ {
			v.send(url.Values{"q.a": {"1"}, "q.b": {"2"}, "q.c": {"3"}})
			if strings.Contains(mode, "showPrevButton") {
				assert.NotContains(t, v.page, `value="back"`)
			}
		}
		assert.Equal(t, http.StatusSeeOther, v.code, mode)
		assert.Equal(t, "1", w.answers[7].Answers["a"], mode)
		assert.Equal(t, "3", w.answers[7].Answers["c"], mode)
	}
}

// When the store fails, the page shows again with what was entered, and the same key.
func TestNothingIsLostWhenTheStoreFails(t *testing.T) {
	w := newWorld(t, definition(t, `{"elements": [{"type": "comment", "name": "a"}, {"type": "text", "name": "b"}]}`))
	failing := &failingSubmit{record: w.record, err: errors.New("the disk is full: secret")}
	w.h = must(web.New(web.Config{Store: failing, Tokens: tokens{w.token: 7}.Parse, Now: func() time.Time { return noon }}))
	v := visit(t, w)
	key := hidden([]byte(v.page)).Get("_key")
	v.send(url.Values{"q.a": {"çok\r\nuzun"}, "q.b": {"kısa"}})
	assert.Equal(t, http.StatusServiceUnavailable, v.code)
	v.has(`role="alert"`, ">çok\nuzun</textarea>", `value="kısa"`, "yeniden gönderin", `value="`+key+`"`)
	assert.NotContains(t, v.page, "secret")
	failing.err = nil
	v.send(nil)
	assert.Equal(t, http.StatusSeeOther, v.code)
	assert.Equal(t, map[string]any{"a": "çok\nuzun", "b": "kısa"}, w.answers[7].Answers)
}

type failingSubmit struct {
	*record
	err error
}

func (s *failingSubmit) Submit(ctx context.Context, id uint64, r survey.Response, at time.Time) (bool, error) {
	if s.err != nil {
		return false, s.err
	}
	return s.record.Submit(ctx, id, r, at)
}

// Files travel with the form, within a bound of their own; other surveys take none.
func TestUploads(t *testing.T) {
	w := newWorld(t, definition(t, `{"pages": [
		{"elements": [{"type": "file", "name": "f", "allowMultiple": true, "acceptedTypes": "image/*", "maxSize": 100, "isRequired": true},
		 {"type": "signaturepad", "name": "s"}]},
		{"elements": [{"type": "text", "name": "t", "isRequired": true}]}]}`), func(c *web.Config) { c.MaxUpload = 4 << 10; c.MaxBody = 1 << 10 })
	c := w.srv.Client()
	open := func() webtest.Form {
		rec := w.get("/s/" + w.token)
		sound(t, rec.Body.String())
		f := webtest.Forms(rec.Body.Bytes())[0]
		require.True(t, f.Multipart)
		return f
	}
	png := func(n int) []byte { return append([]byte("\x89PNG\r\n\x1a\n"), bytes.Repeat([]byte("x"), n)...) }
	send := func(f webtest.Form, values url.Values, files ...webtest.File) webtest.Outcome {
		o, err := webtest.Send(t.Context(), c, w.link(), f, values, files)
		require.NoError(t, err)
		return o
	}
	f := open()
	first := hidden(w.get("/s/" + w.token).Body.Bytes())
	assert.Equal(t, http.StatusUnprocessableEntity, send(f, first).Status, "required")
	assert.Equal(t, http.StatusUnprocessableEntity, send(f, first, webtest.File{Field: "q.f", Name: "a.exe", Type: "application/x-msdownload", Content: png(1)}).Status)
	assert.Equal(t, http.StatusUnprocessableEntity, send(f, first, webtest.File{Field: "q.f", Name: "a.png", Type: "image/png", Content: png(100)}).Status)
	large := send(f, first, webtest.File{Field: "q.f", Name: "a.png", Type: "image/png", Content: png(5 << 10)})
	assert.Equal(t, http.StatusRequestEntityTooLarge, large.Status)
	assert.Contains(t, string(large.Page), "geri düğmesiyle")

	o := send(f, first, webtest.File{Field: "q.f", Name: "../a.png", Type: "image/png", Content: png(1)}, webtest.File{Field: "q.f", Name: "b.png", Type: "image/png", Content: png(2)},
		webtest.File{Field: "q.s", Name: "s.png", Type: "image/png", Content: png(3)})
	require.Equal(t, http.StatusOK, o.Status, string(o.Page))
	back := send(f, with(hidden(o.Page), url.Values{"_do": {"back"}}))
	assert.Contains(t, string(back.Page), "Alındı: a.png, b.png")
	assert.Contains(t, string(back.Page), `name="_del.f"`)
	sound(t, string(back.Page))
	again := send(f, hidden(back.Page)) // no file chosen again: those that were sent stay
	require.Equal(t, http.StatusOK, again.Status)
	done := send(f, with(hidden(again.Page), url.Values{"q.t": {"x"}}))
	require.True(t, done.Thanked(), string(done.Page))
	files := w.answers[7].Answers["f"].([]any)
	require.Len(t, files, 2)
	assert.Equal(t, "data:image/png;base64,iVBORw0KGgp4", files[0].(map[string]any)["content"])
	assert.True(t, strings.HasPrefix(w.answers[7].Answers["s"].(string), "data:image/png;base64,"))
}

// Any page of five questions has 4 KB at most, compressed, the first and with faults (reference G1).
func TestFiveQuestionsWeight(t *testing.T) {
	heaviest := map[string]int{}
	for i := range types {
		var elements []string
		for j := range 5 {
			elements = append(elements, fmt.Sprintf(`{"name": "x%d", "title": "Bu konuda ne düşünüyorsunuz, %d?", "isRequired": true, %s}`, j, j, types[(i+j)%len(types)].src))
		}
		w := newWorld(t, definition(t, `{"title": "Mağazamız", "pages": [{"elements": [`+strings.Join(elements, ",")+`]}, {"elements": [{"type": "text", "name": "y"}]}]}`))
		page := w.get("/s/" + w.token).Body.Bytes()
		wrong := w.post("/s/"+w.token, hidden(page).Encode()).Body.Bytes()
		for state, p := range map[string][]byte{"first": page, "faults": wrong} {
			n := compressed(t, p)
			assert.LessOrEqual(t, n, 4096, "%s, %s", types[i].name, state)
			heaviest[state] = max(heaviest[state], n)
		}
	}
	t.Logf("the heaviest of %d pages: %v bytes", 2*len(types), heaviest)
}

func compressed(t testing.TB, page []byte) int {
	t.Helper()
	var buf bytes.Buffer
	z, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	require.NoError(t, err)
	_, err = z.Write(page)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return buf.Len()
}

// Arabic reads from the right, in the page's own words and the survey's.
func TestArabic(t *testing.T) {
	w := newWorld(t, definition(t, `{"title": {"default": "Survey", "ar": "استبيان"}, "elements": [{"type": "boolean", "name": "a", "title": {"default": "A", "ar": "هل"}, "isRequired": true}]}`))
	w.inv[7].Language = ""
	rec := w.do("GET", "/s/"+w.token, nil, "Accept-Language", "ar-EG,ar;q=0.9,tr;q=0.5")
	body := rec.Body.String()
	assert.Contains(t, body, `<html lang="ar" dir="rtl">`)
	assert.Contains(t, body, "استبيان")
	assert.Contains(t, body, "نعم")
	rec = w.post("/s/"+w.token+"?lang=ar", hidden(rec.Body.Bytes()).Encode())
	assert.Contains(t, rec.Body.String(), "يرجى الإجابة عن هذا السؤال.")
	// A survey without Arabic is not asked in it.
	w = newWorld(t, definition(t, `{"elements": [{"type": "boolean", "name": "a"}]}`))
	w.inv[7].Language = ""
	assert.NotContains(t, w.do("GET", "/s/"+w.token, nil, "Accept-Language", "ar").Body.String(), "rtl")
}

// FuzzForm posts forms to a survey of every type: they are answered, no page has a script in it,
// and what is stored is of this survey.
func FuzzForm(f *testing.F) {
	f.Add("_page=0&_kept=%7B%22a%22%3A%7B%22x0%22%3A1%7D%7D&_on.x0=1&q.x0=1")
	f.Add("_page=1&_on.last=1&q.last=%3Cscript%3E")
	f.Add("_do=add%3Ax37&_n.x37=99999&_on.x37%5B0%5D.ad=1")
	f.Add("_do=remove%3Ax36%5B0%5D&q.x36%5B0%5D.c=%22")
	f.Add("_do=back&_was.x0=1&r.x30.a=1&r.x30.2=1&c.x18=%00")
	f.Add("_page=-1&_kept=%7B%22a%22%3A%7B%22x37%22%3A%5B%5B%5D%5D%7D%2C%22v%22%3A%7B%7D%7D")
	w := newWorld(f, definition(f, everyType(f, "", false)), func(c *web.Config) { c.PerMinute = math.MaxInt })
	w.srv.Close()
	names := map[string]bool{}
	for q := range w.inv[7].Definition.Questions() {
		names[q.Key()], names[q.Key()+"-Comment"] = true, true
	}
	f.Fuzz(func(t *testing.T, body string) {
		w.mu.Lock()
		w.inv[7].State, w.inv[7].Key = "", ""
		delete(w.answers, 7)
		w.mu.Unlock()
		rec := w.post("/s/"+w.token, body)
		assert.Contains(t, []int{200, 303, 400, 413, 422}, rec.Code)
		assert.NotContains(t, rec.Body.String(), "<script")
		for name := range w.answers[7].Answers {
			assert.True(t, names[name], name)
		}
	})
}
