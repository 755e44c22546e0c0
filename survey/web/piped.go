package web

import (
	"unicode/utf8"

	"github.com/vefacrm/vefa/survey"
)

// What a text shows of answers, and what all texts of a page show of them, in bytes: texts may
// repeat an answer that is as long as a form.
const (
	maxPiped    = 600
	maxPipedAll = 64 << 10
)

// piped shortens a text that answers in it have made long.
func (w *writer) piped(s string, from survey.Text) string {
	if more := len(s) - len(from.In(w.lang)); more > 0 {
		left := max(min(maxPiped, maxPipedAll-w.extra), 0)
		s = shorten(s, len(s)-more+left)
		w.extra += min(more, left)
	}
	return s
}

// shorten returns s, or its first n bytes at most without half a character and
// an ellipsis.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n = max(n, 0); n > 0 && !utf8.RuneStart(s[n]); n-- {
	}
	return s[:n] + "…"
}
