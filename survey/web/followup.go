package web

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// FollowUpStore is implemented by a Store that brings what a respondent writes after the answer
// was stored to a person who reads it. Without it, and where Invitation.FollowUp is false, the
// thank-you page has no form for that.
type FollowUpStore interface {
	// FollowUp keeps a text of an answered invitation, once: taken is true where it is kept
	// now or was before, and false, without an error, where another text was kept before.
	// The text is not empty, has no more than MaxFollowUp characters and lines that end in
	// "\n". The error is, or wraps, ErrEnded where nothing is taken any more.
	FollowUp(ctx context.Context, id uint64, text string, at time.Time) (taken bool, err error)
}

// MaxFollowUp is how many characters a follow-up may have.
const MaxFollowUp = 2000

// followUpField is the field of the text.
const followUpField = "text"

// offersFollowUp reports whether a thank-you page has the form.
func (h *Handler) offersFollowUp(v visit) bool {
	return h.followUps != nil && v.inv.FollowUp && v.answerable()
}

// answerable reports whether it is before the end of an invitation.
func (v *visit) answerable() bool {
	return v.inv.ExpiresAt.IsZero() || v.at.Before(v.inv.ExpiresAt)
}

// followUp is the form, or with sent only the text that was not taken; fault stands at the field.
func (h *Handler) followUp(v visit, text, fault string, sent bool) template.HTML {
	t, lang := textsFor(v.lang)
	var m markup
	m.open("section")
	if lang != v.lang { // the page may be in the words of a definition of another language
		m.attr("lang", lang)
		if d := direction(lang); d != direction(v.lang) {
			m.attr("dir", firstOf(d, "ltr"))
		}
	}
	m.close()
	hint := t.FollowUpHint
	if sent {
		hint = ""
	} else {
		m.open("h2")
		m.close()
		m.text(t.FollowUp)
		m.end("h2")
		m.open("form")
		m.attr("method", "post")
		m.attr("action", v.up+v.token+"/follow-up"+v.query)
		m.close()
	}
	m.open("p")
	m.close()
	m.open("label")
	m.attr("class", "l")
	m.attr("for", "fu")
	m.close()
	m.text(t.FollowUpLabel)
	m.end("label")
	m.end("p")
	described := ""
	if hint != "" {
		m.paragraph("", "fh", hint)
		described = "fh"
	}
	if fault != "" {
		m.paragraph("e", "fe", fault)
		described = strings.TrimSpace(described + " fe")
	}
	m.open("textarea")
	m.attr("class", "t")
	m.attr("id", "fu")
	m.attr("name", followUpField)
	m.attr("rows", "4")
	m.optional("aria-describedby", described)
	if sent {
		m.flag("readonly", true)
	} else {
		m.attr("maxlength", strconv.Itoa(MaxFollowUp))
		m.flag("required", true)
		m.flag("aria-invalid", fault != "")
		m.flag("autofocus", fault != "")
	}
	m.close()
	m.b.WriteByte('\n') // the first line break is not part of a text
	m.text(text)
	m.end("textarea")
	if !sent {
		m.open("p")
		m.close()
		m.open("button")
		m.attr("type", "submit")
		m.close()
		m.text(t.Send)
		m.end("button")
		m.end("p")
		m.end("form")
	}
	m.end("section")
	return m.html()
}

// hearFollowUp brings what was written to the store. Whatever is not taken shows again.
func (h *Handler) hearFollowUp(w http.ResponseWriter, r *http.Request, v visit) {
	text := strings.ReplaceAll(strings.ReplaceAll(v.form.Get(followUpField), "\r\n", "\n"), "\r", "\n")
	text = strings.TrimSpace(strings.ToValidUTF8(text, "\ufffd"))
	t, lang := textsFor(v.lang)
	again := func(status int, title, body, fault string, sent bool) {
		n := notice{Lang: lang, T: t, Title: title, Body: body, FollowUp: h.followUp(v, text, fault, sent)}
		if status != http.StatusConflict {
			n.NotMeAction = h.notMeAction(v)
		}
		h.notice(w, r, n, status)
	}
	switch {
	case v.inv.State == Open:
		h.backToQuestions(w, r, v)
		return
	case v.inv.State != Answered || !v.answerable():
		again(http.StatusGone, t.FollowUpLate, t.FollowUpLateBody, "", true)
		return
	case text == "":
		again(http.StatusUnprocessableEntity, t.Thanks, t.ThanksBody, t.FollowUpEmpty, false)
		return
	case utf8.RuneCountInString(text) > MaxFollowUp:
		again(http.StatusUnprocessableEntity, t.Thanks, t.ThanksBody, strings.ReplaceAll(t.faults["too-long"], "{limit}", strconv.Itoa(MaxFollowUp)), false)
		return
	}
	taken, err := h.followUps.FollowUp(r.Context(), v.id, text, v.at)
	switch {
	case errors.Is(err, ErrEnded):
		again(http.StatusGone, t.FollowUpLate, t.FollowUpLateBody, "", true)
	case err != nil:
		if !errors.Is(err, context.Canceled) {
			h.cfg.Logger.ErrorContext(r.Context(), "survey page", "op", "follow up", "err", err)
		}
		w.Header().Set("Retry-After", "60")
		again(http.StatusServiceUnavailable, t.Thanks, t.ThanksBody, t.FollowUpNotStored, false)
	case !taken:
		again(http.StatusConflict, t.FollowUpTaken, t.FollowUpOther, "", true)
	default:
		seeOther(w, v.up+v.token+"/taken"+langQuery(r))
	}
}

// followUpTaken is where a follow-up leads.
func (h *Handler) followUpTaken(w http.ResponseWriter, r *http.Request, v visit) {
	if v.inv.State != Answered {
		h.backToQuestions(w, r, v)
		return
	}
	t, lang := textsFor(v.lang)
	h.notice(w, r, notice{Lang: lang, T: t, Title: t.FollowUpTaken, Body: t.FollowUpTakenBody, NotMeAction: h.notMeAction(v)}, http.StatusOK)
}
