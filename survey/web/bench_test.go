package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/web/webtest"
)

// BenchmarkRender is a GET of the first page, token and store included.
func BenchmarkRender(b *testing.B) {
	for name, def := range map[string]*survey.Definition{"csat": survey.Satisfaction(), "nps": survey.Recommendation()} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b, def)
			req := httptest.NewRequest(http.MethodGet, "/s/"+w.token, nil)
			b.ReportAllocs()
			for b.Loop() {
				rec := httptest.NewRecorder()
				w.h.ServeHTTP(rec, req)
				if rec.Code != http.StatusOK {
					b.Fatal(rec.Code)
				}
			}
		})
	}
}

// BenchmarkFill is the respondent's side: reading and filling in the page.
func BenchmarkFill(b *testing.B) {
	w := newWorld(b, survey.Satisfaction())
	page := w.get("/s/" + w.token).Body.Bytes()
	answers := map[string]any{"satisfaction": 4, "comment": "iyi"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := webtest.Fill(page, answers); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVisit is a whole visit over loopback HTTP: page, answer, thanks.
func BenchmarkVisit(b *testing.B) {
	w := newWorld(b, survey.Satisfaction())
	answers := map[string]any{"satisfaction": 4, "comment": "iyi"}
	b.ReportAllocs()
	for b.Loop() {
		w.inv[7].State, w.inv[7].Key = "", ""
		out, err := webtest.Answer(b.Context(), w.srv.Client(), w.link(), answers)
		if err != nil || !out.Thanked() {
			b.Fatal(err, out.Status)
		}
	}
}

// BenchmarkPost is a POST that a page of 21 questions answers with what is wrong on it.
func BenchmarkPost(b *testing.B) {
	var elements []string
	for i := range 21 {
		elements = append(elements, fmt.Sprintf(`{"name": "x%d", "isRequired": true, %s}`, i, types[i%len(types)].src))
	}
	w := newWorld(b, definition(b, `{"elements": [`+strings.Join(elements, ",")+`]}`))
	body := hidden(w.get("/s/" + w.token).Body.Bytes()).Encode()
	b.ReportAllocs()
	for b.Loop() {
		if rec := w.post("/s/"+w.token, body); rec.Code != http.StatusUnprocessableEntity {
			b.Fatal(rec.Code)
		}
	}
}
