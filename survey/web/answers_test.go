package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// An address to go on with that depends on an answer is on the page that thanks for it, also where the words are always the same.
func TestOnwardByAnswer(t *testing.T) {
	w := newWorld(t, definition(t, `{"navigateToUrl":"https://shop.example/thanks","navigateToUrlOnCondition":[{"expression":"{n} > 5","url":"https://shop.example/review"}],"elements":[{"type":"text","inputType":"number","name":"n"}]}`))
	rec := w.post("/s/"+w.token, url.Values{"_key": {"k"}, "_on.n": {"1"}, "q.n": {"9"}}.Encode())
	require.Equal(t, http.StatusOK, rec.Code)
	require.Contains(t, rec.Body.String(), `href="https://shop.example/review"`)
}

// A form cannot ask for more empty rows at a time than people add.
func TestEmptyRowsAreBounded(t *testing.T) {
	w := newWorld(t, definition(t, `{"elements":[{"type":"matrixdynamic","name":"m","rowCount":1,"columns":[{"name":"c","cellType":"text"}]},{"type":"text","name":"a","isRequired":true}]}`))
	rec := w.post("/s/"+w.token, url.Values{"_on.m": {"1"}, "_on.a": {"1"}, "_n.m": {"900"}}.Encode())
	require.Equal(t, http.StatusUnprocessableEntity, rec.Code)
	require.Equal(t, 51, strings.Count(rec.Body.String(), `name="q.m[`))
}

// What is written beside an answer has the same line ends as an answer.
func TestLinesOfRemarks(t *testing.T) {
	w := newWorld(t, definition(t, `{"elements":[{"type":"radiogroup","name":"r","choices":["a"],"showCommentArea":true}]}`))
	rec := w.post("/s/"+w.token, url.Values{"_on.r": {"1"}, "q.r": {"a"}, "c.r": {"bir\r\niki"}}.Encode())
	require.Equal(t, http.StatusSeeOther, rec.Code)
	require.Equal(t, "bir\niki", w.answers[7].Answers["r-Comment"])
}
