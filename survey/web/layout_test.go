package web_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// GS5: points of a scale stand in rows of equal cells, three choices and more, or long ones, in a
// column, two short ones beside one another.
func TestShapesOfChoices(t *testing.T) {
	for name, tc := range map[string]struct{ src, class string }{
		"scale":          {`"type": "rating", "rateMax": 10`, "s n"},
		"scale of words": {`"type": "rating", "rateValues": ["Kötü", "Fena değil", "İyi"]`, "s"},
		"choices":        {`"type": "radiogroup", "choices": ["Elma", "Armut", "Kiraz"]`, "s c"},
		"two":            {`"type": "radiogroup", "choices": ["Elma", "Armut"]`, "s"},
		"two long":       {`"type": "radiogroup", "choices": ["Elma", "Çekoslovakyalılaştıramadıklarımızdan"]`, "s c"},
		"yes and no":     {`"type": "boolean"`, "s"},
		"matrix":         {`"type": "matrix", "columns": ["iyi değil", "orta karar", "çok iyi"], "rows": ["Kasa"]`, "s c"},
		"matrix scale":   {`"type": "matrix", "columns": [1, 2, 3, 4, 5], "rows": ["Kasa"]`, "s n"},
	} {
		w := newWorld(t, definition(t, `{"elements": [{"name": "x", `+tc.src+`}]}`))
		assert.Contains(t, w.get("/s/"+w.token).Body.String(), `<div class="`+tc.class+`"><label>`, name)
	}
}

// GS1: the heading of a survey without a title is its page's, or says what it is; it is never the
// text of the button, and nothing stands twice.
func TestHeadingOfSurveyWithoutTitle(t *testing.T) {
	const asked = `"elements": [{"type": "text", "name": "x"}]`
	for src, heading := range map[string]string{
		`{` + asked + `}`: "<h1>Anket</h1>",
		`{"pages": [{"title": "Kasa", ` + asked + `}, {` + asked[:len(asked)-4] + `y"}]}]}`: "<h1>Kasa</h1>",
	} {
		w := newWorld(t, definition(t, src))
		w.inv[7].Place = ""
		body := w.get("/s/" + w.token + "?lang=tr").Body.String()
		assert.Contains(t, body, heading)
		assert.NotContains(t, body, "<h2>")
	}
}

// GS6: what is out of range is told the bound that it passed.
func TestBoundsInWords(t *testing.T) {
	for src, tc := range map[string]struct{ entered, tr, en string }{
		`"inputType": "number", "min": 1, "max": 10`:                        {"11", "Lütfen en çok 10 yazın.", "Please enter 10 or less."},
		`"inputType": "number", "max": 10, "min": 1`:                        {"0", "Lütfen en az 1 yazın.", "Please enter 1 or more."},
		`"inputType": "date", "min": "2026-03-02"`:                          {"2026-03-01", "Lütfen 2026-03-02 ya da sonrasını seçin.", "Please choose 2026-03-02 or later."},
		`"inputType": "date", "min": "2026-03-02", "max": "2026-03-04"`:     {"2026-03-05", "Lütfen 2026-03-04 ya da öncesini seçin.", "Please choose 2026-03-04 or earlier."},
		`"inputType": "number", "maxValueExpression": "4 + 6"`:              {"11", "Değer izin verilen aralığın dışında (10).", "The value is outside what is allowed (10)."},
		`"inputType": "number", "max": 10, "maxErrorText": "Not that many"`: {"11", "Not that many", "Not that many"},
	} {
		for lang, want := range map[string]string{"tr": tc.tr, "en": tc.en} {
			w := newWorld(t, definition(t, `{"elements": [{"type": "text", "name": "x", `+src+`}]}`))
			path := "/s/" + w.token + "?lang=" + lang
			form := hidden(w.get(path).Body.Bytes())
			form.Set("q.x", tc.entered)
			assert.Contains(t, w.post(path, form.Encode()).Body.String(), want+"</p>", src)
		}
	}
}
