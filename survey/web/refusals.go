package web

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
)

// unavailable reports an error of the store. A request that its client gave up
// is not worth a log line.
func (h *Handler) unavailable(w http.ResponseWriter, r *http.Request, op string, err error) {
	if !errors.Is(err, context.Canceled) {
		h.cfg.Logger.ErrorContext(r.Context(), "survey page", "op", op, "err", err)
	}
	t, lang := textsFor(language(r.URL.Query().Get("lang"), Invitation{}, r.Header.Get("Accept-Language")))
	w.Header().Set("Retry-After", "60")
	h.notice(w, r, notice{Lang: lang, T: t, Title: t.Unavailable, Body: t.UnavailableBody}, http.StatusServiceUnavailable)
}

// held is unavailable for a form that was read: the page has all its fields, so that what was typed can be
// sent again when the store is back. Without the definition it cannot show them.
func (h *Handler) held(w http.ResponseWriter, r *http.Request, v *visit, err error) {
	if !errors.Is(err, context.Canceled) {
		h.cfg.Logger.ErrorContext(r.Context(), "survey page", "op", "invitation", "err", err)
	}
	t, lang := textsFor(language(r.URL.Query().Get("lang"), Invitation{}, r.Header.Get("Accept-Language")))
	n := notice{Lang: lang, T: t, Title: t.Unavailable, Body: t.UnavailableBody}
	if fields := v.form.Values; len(fields) > 0 {
		var m markup
		m.b.WriteString(`<form method="post">`)
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			for _, value := range fields[name] {
				m.hidden(name, value)
			}
		}
		m.paragraph("", "ag", t.Again)
		m.b.WriteString(`<button type="submit" aria-describedby="ag">`)
		m.text(t.Send)
		m.end("button")
		m.end("form")
		n.FollowUp = m.html()
	}
	w.Header().Set("Retry-After", "60")
	h.notice(w, r, n, http.StatusServiceUnavailable)
}

// later asks to send a form once more.
func (h *Handler) later(w http.ResponseWriter, r *http.Request, status int) {
	t, lang := textsFor(language("", Invitation{}, r.Header.Get("Accept-Language")))
	w.Header().Set("Retry-After", "5")
	h.notice(w, r, notice{Lang: lang, T: t, Title: t.Unavailable, Body: t.UnavailableBody}, status)
}

// unknown is the answer to every token that means nothing. It does not say why, which would
// help an attacker who tries tokens out.
func (h *Handler) unknown(w http.ResponseWriter, r *http.Request) {
	t, lang := textsFor(language("", Invitation{}, r.Header.Get("Accept-Language")))
	h.notice(w, r, notice{Lang: lang, T: t, Title: t.NotFound, Body: t.NotFoundBody}, http.StatusNotFound)
}

// gone answers a token whose key is no longer in use.
func (h *Handler) gone(w http.ResponseWriter, r *http.Request) {
	t, lang := textsFor(language("", Invitation{}, r.Header.Get("Accept-Language")))
	h.notice(w, r, notice{Lang: lang, T: t, Title: t.Expired, Body: t.ExpiredBody}, http.StatusGone)
}

// refuse answers what cannot be served, in the page's words for the status.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, status int) {
	t, lang := textsFor(language("", Invitation{}, r.Header.Get("Accept-Language")))
	n := notice{Lang: lang, T: t, Title: t.Refused, Body: t.RefusedBody}
	if status == http.StatusRequestEntityTooLarge {
		n.Title, n.Body = t.TooLarge, t.TooLargeBody
	}
	h.notice(w, r, n, status)
}
