package web

import (
	"errors"
	"net/http"
)

// hearNotMe tells the store, in every state of the invitation, because a message can reach the
// wrong person late; after Invitation.NotMeUntil it says that it is too late.
func (h *Handler) hearNotMe(w http.ResponseWriter, r *http.Request, v visit) {
	err := ErrEnded
	switch {
	case v.hearsNotMe():
		err = h.notMe.NotMe(r.Context(), v.id, v.at)
	case v.inv.State == NotMe: // said in time, and now again
		err = nil
	}
	switch {
	case errors.Is(err, ErrEnded):
		t, lang := textsFor(v.lang)
		h.notice(w, r, notice{Lang: lang, T: t, Title: t.NotMeLate, Body: t.NotMeLateBody}, http.StatusGone)
		return
	case err != nil:
		h.unavailable(w, r, "not me", err)
		return
	}
	seeOther(w, v.up+v.token+"/heard"+langQuery(r))
}

// hearsNotMe reports whether it is not yet too late for "not me".
func (v *visit) hearsNotMe() bool {
	return v.inv.NotMeUntil.IsZero() || v.at.Before(v.inv.NotMeUntil)
}

// heard is where "not me" leads.
func (h *Handler) heard(w http.ResponseWriter, r *http.Request, v visit) {
	t, lang := textsFor(v.lang)
	h.notice(w, r, notice{Lang: lang, T: t, Title: t.Heard, Body: t.HeardBody, UndoAction: h.undoAction(v)}, http.StatusOK)
}

// takeBack takes "not me" back and leads to the page as it was before.
func (h *Handler) takeBack(w http.ResponseWriter, r *http.Request, v visit) {
	if v.inv.State == NotMe {
		err := ErrEnded
		if v.hearsNotMe() {
			err = h.notMeUndo.TakeBackNotMe(r.Context(), v.id, v.at)
		}
		switch {
		case errors.Is(err, ErrEnded):
			t, lang := textsFor(v.lang)
			h.notice(w, r, notice{Lang: lang, T: t, Title: t.NotMeLate, Body: t.NotMeUndoLate}, http.StatusGone)
			return
		case err != nil:
			h.unavailable(w, r, "not me, taken back", err)
			return
		}
	}
	h.backToQuestions(w, r, v)
}

// undoAction is the address of the button that takes "not me" back, or "" where it is not offered.
func (h *Handler) undoAction(v visit) string {
	if h.notMeUndo == nil || v.inv.State != NotMe || !v.hearsNotMe() {
		return ""
	}
	return v.up + v.token + "/mistake"
}

// notMeAction is the address of the button, or "" where it is not offered.
func (h *Handler) notMeAction(v visit) string {
	if h.notMe == nil || !v.hearsNotMe() {
		return ""
	}
	return v.up + v.token + "/not-me"
}
