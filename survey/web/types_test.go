package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/web/webtest"
)

// typed is a question of a type: what its author writes, what a respondent enters, and what is
// answered by it. Without a wrong answer of its own, an empty one is wrong.
type typed struct {
	name  string
	src   string     // members of the element besides name and isRequired
	enter url.Values // by field
	want  any
	wrong url.Values
	shown string // what a page with the answer has
}

const choices = `"choices": [{"value": "a", "text": "Elma"}, {"value": 2, "text": "Armut"}, {"value": "c", "text": "Kiraz"}]`

// types are all types of questions that are answered.
var types = []typed{
	{"text", `"type": "text"`, url.Values{"q.x": {"Ayşe"}}, "Ayşe", nil, `value="Ayşe"`},
	{"text number", `"type": "text", "inputType": "number", "min": 1, "max": 9`, url.Values{"q.x": {"7"}}, 7.0, url.Values{"q.x": {"10"}}, `value="7"`},
	{"text email", `"type": "text", "inputType": "email"`, url.Values{"q.x": {"a@b.com"}}, "a@b.com", url.Values{"q.x": {"a@"}}, `value="a@b.com"`},
	{"text tel", `"type": "text", "inputType": "tel"`, url.Values{"q.x": {"0532"}}, "0532", nil, `type="tel"`},
	{"text url", `"type": "text", "inputType": "url"`, url.Values{"q.x": {"https://a.com/"}}, "https://a.com/", url.Values{"q.x": {"a"}}, `type="url"`},
	{"text date", `"type": "text", "inputType": "date"`, url.Values{"q.x": {"2026-03-02"}}, "2026-03-02", url.Values{"q.x": {"2.3.26"}}, `value="2026-03-02"`},
	{"text datetime-local", `"type": "text", "inputType": "datetime-local"`, url.Values{"q.x": {"2026-03-02T10:00"}}, "2026-03-02T10:00", url.Values{"q.x": {"10"}}, `value="2026-03-02T10:00"`},
	{"text datetime", `"type": "text", "inputType": "datetime"`, url.Values{"q.x": {"2026-03-02T10:00"}}, "2026-03-02T10:00", nil, `type="datetime-local"`},
	{"text month", `"type": "text", "inputType": "month"`, url.Values{"q.x": {"2026-03"}}, "2026-03", url.Values{"q.x": {"3"}}, `value="2026-03"`},
	{"text week", `"type": "text", "inputType": "week"`, url.Values{"q.x": {"2026-W10"}}, "2026-W10", url.Values{"q.x": {"10"}}, `value="2026-W10"`},
	{"text time", `"type": "text", "inputType": "time"`, url.Values{"q.x": {"10:30"}}, "10:30", url.Values{"q.x": {"25:00"}}, `value="10:30"`},
	{"text range", `"type": "text", "inputType": "range", "min": 0, "max": 10`, url.Values{"q.x": {"3"}}, 3.0, url.Values{"q.x": {"11"}}, `value="3"`},
	{"text password", `"type": "text", "inputType": "password"`, url.Values{"q.x": {"s"}}, "s", nil, `type="password"`},
	{"text color", `"type": "text", "inputType": "color"`, url.Values{"q.x": {"#0b6770"}}, "#0b6770", nil, `value="#0b6770"`},
	{"text mask", `"type": "text", "maskType": "pattern", "maskSettings": {"pattern": "999-99"}`, url.Values{"q.x": {"123-45"}}, "12345", url.Values{"q.x": {"abc"}}, `value="12345"`},
	{"text list", `"type": "text", "dataList": ["Ankara", "İzmir"]`, url.Values{"q.x": {"Ankara"}}, "Ankara", nil, `<option value="İzmir">`},
	{"comment", `"type": "comment", "maxLength": 5`, url.Values{"q.x": {"a\r\nb"}}, "a\nb", url.Values{"q.x": {"123456"}}, ">a\nb</textarea>"},
	{"radiogroup", `"type": "radiogroup", ` + choices, url.Values{"q.x": {"2"}}, 2.0, url.Values{"q.x": {"9"}}, `value="2" checked`},
	{"radiogroup other", `"type": "radiogroup", "showOtherItem": true, ` + choices, url.Values{"q.x": {"other"}, "c.x": {"Erik"}}, "other", url.Values{"q.x": {"other"}}, `>Erik</textarea>`},
	{"radiogroup only said", `"type": "radiogroup", "showOtherItem": true, ` + choices, url.Values{"c.x": {"Erik"}}, "other", nil, `value="other" checked`},
	{"checkbox", `"type": "checkbox", "showNoneItem": true, ` + choices, url.Values{"q.x": {"a", "2"}}, []any{"a", 2.0}, nil, `value="a" checked`},
	{"checkbox all", `"type": "checkbox", "showSelectAllItem": true, ` + choices, url.Values{"q.x": {"all"}}, []any{"a", 2.0, "c"}, nil, `value="c" checked`},
	{"checkbox many", `"type": "checkbox", "maxSelectedChoices": 1, ` + choices, url.Values{"q.x": {"a"}}, []any{"a"}, url.Values{"q.x": {"a", "2"}}, `value="a" checked`},
	{"dropdown", `"type": "dropdown", ` + choices, url.Values{"q.x": {"2"}}, 2.0, url.Values{"q.x": {"9"}}, `value="2" selected`},
	{"tagbox", `"type": "tagbox", ` + choices, url.Values{"q.x": {"c"}}, []any{"c"}, nil, `value="c" checked`},
	{"boolean", `"type": "boolean"`, url.Values{"q.x": {"false"}}, false, nil, `value="false" checked`},
	{"rating", `"type": "rating", "minRateDescription": "Hiç"`, url.Values{"q.x": {"4"}}, 4.0, url.Values{"q.x": {"6"}}, `value="4" checked`},
	{"rating stars", `"type": "rating", "rateType": "stars"`, url.Values{"q.x": {"4"}}, 4.0, nil, `4 ★`},
	{"rating smileys", `"type": "rating", "rateType": "smileys"`, url.Values{"q.x": {"1"}}, 1.0, nil, `😍 5`},
	{"rating labels", `"type": "rating", "rateValues": [{"value": "x", "text": "Kötü"}, {"value": "y", "text": "İyi"}]`, url.Values{"q.x": {"y"}}, "y", nil, `>İyi<`},
	{"ranking", `"type": "ranking", ` + choices, url.Values{"r.x.a": {"2"}, "r.x.2": {"1"}, "r.x.c": {"3"}}, []any{2.0, "a", "c"}, url.Values{"r.x.a": {"1"}, "r.x.2": {"1"}}, `value="3" selected`},
	{"imagepicker", `"type": "imagepicker", "choices": [{"value": "a", "text": "Elma", "imageLink": "data:image/png;base64,iVBORw0KGgo="}, "b"]`, url.Values{"q.x": {"a"}}, "a", nil, `<img src="data:image/png`},
	{"imagepicker many", `"type": "imagepicker", "multiSelect": true, "choices": ["a", "b"]`, url.Values{"q.x": {"a", "b"}}, []any{"a", "b"}, nil, `type="checkbox"`},
	{"matrix", `"type": "matrix", "columns": ["iyi", "kötü"], "rows": ["Kasa", "Raf"], "eachRowRequired": true`, url.Values{"q.x.Kasa": {"iyi"}, "q.x.Raf": {"kötü"}}, map[string]any{"Kasa": "iyi", "Raf": "kötü"}, url.Values{"q.x.Kasa": {"iyi"}}, `value="kötü" checked`},
	{"matrix boxes", `"type": "matrix", "cellType": "checkbox", "columns": ["iyi", "kötü"], "rows": ["Kasa"]`, url.Values{"q.x.Kasa": {"iyi", "kötü"}}, map[string]any{"Kasa": []any{"iyi", "kötü"}}, nil, `value="kötü" checked`},
	{"matrixdropdown", `"type": "matrixdropdown", "columns": [{"name": "c", "cellType": "text"}, {"name": "d", "cellType": "dropdown", "choices": [1, 2]}], "rows": ["Kasa"]`, url.Values{"q.x.Kasa.c": {"hızlı"}, "q.x.Kasa.d": {"2"}}, map[string]any{"Kasa": map[string]any{"c": "hızlı", "d": 2.0}}, nil, `value="hızlı"`},
	{"matrixdynamic", `"type": "matrixdynamic", "rowCount": 1, "columns": [{"name": "c", "cellType": "text", "isRequired": true}]`, url.Values{"q.x[0].c": {"a"}}, []any{map[string]any{"c": "a"}}, nil, `value="a"`},
	{"multipletext", `"type": "multipletext", "items": [{"name": "ad", "isRequired": true}, {"name": "yaş", "inputType": "number"}]`, url.Values{"q.x.ad": {"Ayşe"}, "q.x.yaş": {"30"}}, map[string]any{"ad": "Ayşe", "yaş": 30.0}, url.Values{"q.x.yaş": {"on"}}, `value="Ayşe"`},
	{"paneldynamic", `"type": "paneldynamic", "panelCount": 1, "templateTitle": "Çocuk {panelIndex}", "templateElements": [{"type": "text", "name": "ad", "isRequired": true}]`, url.Values{"q.x[0].ad": {"Can"}}, []any{map[string]any{"ad": "Can"}}, nil, `value="Can"`},
	{"slider", `"type": "slider", "max": 50`, url.Values{"q.x": {"20"}}, 20.0, url.Values{"q.x": {"60"}}, `value="20"`},
	{"slider range", `"type": "slider", "sliderType": "range"`, url.Values{"q.x": {"20", "40"}}, []any{20.0, 40.0}, url.Values{"q.x": {"40"}}, `value="40"`},
	{"remark", `"type": "radiogroup", "showCommentArea": true, ` + choices, url.Values{"q.x": {"a"}, "c.x": {"olgun"}}, "a", nil, `>olgun</textarea>`},
}

func definition(t testing.TB, src string) *survey.Definition {
	t.Helper()
	d, err := survey.Parse([]byte(src), survey.Limits{})
	require.NoError(t, err, src)
	require.NoError(t, d.Err(), src)
	return d
}

// sound checks what every page must have: labels, references that lead somewhere, ids of one
// owner, no script and no style of an element.
func sound(t *testing.T, page string) {
	t.Helper()
	ids := map[string]int{}
	for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		ids[m[1]]++
		assert.Equal(t, 1, ids[m[1]], "id %s", m[1])
	}
	for _, m := range regexp.MustCompile(` (?:for|aria-describedby|list)="([^"]*)"| href="#([^"]*)"`).FindAllStringSubmatch(page, -1) {
		for ref := range strings.FieldsSeq(m[1] + m[2]) {
			assert.Contains(t, ids, ref)
		}
	}
	for _, tag := range regexp.MustCompile(`<(?:input|select|textarea) [^>]*>`).FindAllString(page, -1) {
		if strings.Contains(tag, `type="hidden"`) || strings.Contains(tag, `type="radio"`) || strings.Contains(tag, `type="checkbox"`) {
			continue
		}
		id := regexp.MustCompile(` id="([^"]*)"`).FindStringSubmatch(tag)
		if assert.NotNil(t, id, tag) {
			assert.Contains(t, page, `for="`+id[1]+`"`, tag)
		}
	}
	boxes := strings.Count(page, `type="radio"`) + strings.Count(page, `type="checkbox"`)
	assert.Equal(t, boxes, strings.Count(page, `<label><input type="`), "every choice in its label")
	assert.Equal(t, strings.Count(page, "<fieldset"), strings.Count(page, "<legend"))
	assert.Equal(t, strings.Count(page, "<fieldset"), strings.Count(page, "</fieldset>"))
	assert.Equal(t, 1, strings.Count(page, "<h1>"))
	assert.NotContains(t, page, "<script")
	assert.NotContains(t, page, "style=")
}

// C17: every type is asked, says what is wrong with it, keeps what was entered, shows an answer
// that cannot be changed, and is stored.
func TestTypes(t *testing.T) {
	for _, tc := range types {
		t.Run(tc.name, func(t *testing.T) {
			element := `{"name": "x", "title": "Soru", "isRequired": true, ` + tc.src + `}`
			def := definition(t, `{"elements": [`+element+`]}`)
			w := newWorld(t, def)
			path := "/s/" + w.token

			empty := w.get(path)
			require.Equal(t, http.StatusOK, empty.Code)
			sound(t, empty.Body.String())
			assert.Contains(t, empty.Body.String(), "Soru")
			assert.Contains(t, empty.Body.String(), "(zorunlu)")
			base := hidden(empty.Body.Bytes())

			wrong := w.post(path, with(base, tc.wrong).Encode())
			body := wrong.Body.String()
			require.Equal(t, http.StatusUnprocessableEntity, wrong.Code, body)
			sound(t, body)
			assert.Contains(t, body, `role="alert" tabindex="-1" autofocus`)
			assert.Regexp(t, `<p class="e" id="q\d+e">`, body)
			assert.Contains(t, body, `<li><a href="#q`)
			for name, all := range tc.wrong { // nothing that was entered is lost
				again := with(nil, nil)
				for _, f := range webtest.Forms(wrong.Body.Bytes())[0].Fields {
					if f.Kind == "hidden" || (f.Kind == "radio" || f.Kind == "checkbox") && !f.Checked {
						continue
					}
					again.Add(f.Name, f.Value)
				}
				if tc.name != "radiogroup" && tc.name != "dropdown" && tc.name != "rating" { // no browser sends those
					assert.Equal(t, all, compact(again[name]), name)
				}
			}
			assert.Zero(t, w.submits)

			// Mended on the page that complained.
			done := w.post(path, with(hidden(wrong.Body.Bytes()), tc.enter).Encode())
			require.Equal(t, http.StatusSeeOther, done.Code, done.Body.String())
			assert.Equal(t, tc.want, w.answers[7].Answers["x"])
			assert.Equal(t, http.StatusOK, w.get(path+"/thanks").Code)

			// The answer as a default: it shows, and on a read-only question stays.
			value, err := json.Marshal(tc.want)
			require.NoError(t, err)
			remark := ""
			if s := tc.enter.Get("c.x"); s != "" {
				remark = s
			}
			for _, readOnly := range []bool{false, true} {
				src := fmt.Sprintf(`{"elements": [{"name": "x", "title": "Soru", "defaultValue": %s, "readOnly": %v, %s}]}`, value, readOnly, tc.src)
				w := newWorld(t, definition(t, src))
				page := w.get(path)
				sound(t, page.Body.String())
				form := with(hidden(page.Body.Bytes()), nil)
				if remark == "" {
					assert.Contains(t, page.Body.String(), tc.shown)
				}
				if readOnly {
					assert.Regexp(t, ` (readonly|disabled)`, page.Body.String())
					form = with(form, tc.wrong) // of no effect
				} else {
					form = with(form, tc.enter)
				}
				rec := w.post(path, form.Encode())
				require.Equal(t, http.StatusSeeOther, rec.Code, rec.Body.String())
				assert.Equal(t, tc.want, w.answers[7].Answers["x"], "read-only: %v", readOnly)
			}
		})
	}
}

// compact leaves out empty texts.
func compact(all []string) []string {
	var out []string
	for _, s := range all {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// hidden are the hidden fields of the first form of a page.
func hidden(page []byte) url.Values {
	out := url.Values{}
	for _, f := range webtest.Forms(page)[0].Fields {
		if f.Kind == "hidden" {
			out.Add(f.Name, f.Value)
		}
	}
	return out
}

// with adds fields to a form.
func with(a, b url.Values) url.Values {
	out := url.Values{}
	for _, v := range []url.Values{a, b} {
		for k, all := range v {
			out[k] = all
		}
	}
	return out
}
