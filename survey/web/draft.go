package web

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// draftField is the revision of the draft that a page goes on with.
const draftField = "_draft"

// resume is the step that a draft was kept at; ok is false where there is none. A store that
// fails does not keep anybody from beginning anew.
func (h *Handler) resume(r *http.Request, v visit) (s step, ok bool) {
	d, ok, err := h.drafts.Draft(r.Context(), v.id)
	if err != nil {
		h.cfg.Logger.ErrorContext(r.Context(), "survey page", "op", "draft", "err", err)
		return step{}, false
	}
	if !ok {
		return step{}, false
	}
	if v.clock != nil && d.Clock != "" { // one that was kept before has none
		*v.clock = *h.readClock(v.id, d.Clock)
	}
	k, err := json.Marshal(kept{Answers: d.Answers, Variables: d.Variables})
	if err != nil {
		h.cfg.Logger.ErrorContext(r.Context(), "survey page", "op", "draft", "err", err)
		return step{}, false
	}
	f := form{Values: url.Values{keptField: {string(k)}, pageField: {strconv.Itoa(d.Page)}}}
	for name, all := range d.Typed {
		if entered(name) || strings.HasPrefix(name, countPrefix) {
			f.Values[name] = all
		}
	}
	s = nextStep(v, &f, true)
	s.faults, s.draft = nil, d.Revision // nothing was sent that could be wrong
	return s, true
}

// keep saves the draft of a page. The form has all that the draft has, so that nothing is lost when
// it cannot be kept, or when the survey is open twice and the other page was faster.
func (h *Handler) keep(r *http.Request, v visit, s *step) {
	was := v.form.Get(draftField)
	if len(was) > maxKey {
		was = ""
	}
	s.draft = was
	d := Draft{
		Revision: v.form.print(), Page: s.view.Index, Language: v.lang,
		Answers: s.session.Answers(), Variables: s.session.TriggerVariables(), Typed: map[string][]string{},
	}
	if v.clock != nil {
		d.Clock = h.clockText(v.id, v.clock)
	}
	for _, name := range s.carried() {
		d.Typed[name] = s.sent.Values[name]
	}
	for _, fields := range s.raw {
		for name, all := range fields {
			d.Typed[name] = all
		}
	}
	for path, text := range s.remarks {
		d.Typed[remarkPrefix+path] = []string{text}
	}
	for _, q := range views(s.view.Elements, nil) {
		if n := len(q.Panels) + len(q.Rows); q.Repeat != nil || q.Type == "matrixdynamic" {
			d.Typed[countPrefix+q.Path] = []string{strconv.Itoa(n)}
		}
	}
	saved, err := h.drafts.SaveDraft(r.Context(), v.id, d, was, v.at)
	if err != nil {
		h.cfg.Logger.ErrorContext(r.Context(), "survey page", "op", "save draft", "err", err)
	}
	if !saved { // It may have been this form, sent again when its page was loaded anew, or whose answer was lost.
		there, ok, err := h.drafts.Draft(r.Context(), v.id)
		saved = err == nil && ok && there.Revision == d.Revision
	}
	if saved {
		s.draft = d.Revision
	}
}

// print is the same of the same form, which has the revision that it follows, and of no other.
func (f *form) print() string {
	sum := sha256.New()
	_, _ = sum.Write([]byte(f.Encode()))
	for _, name := range slices.Sorted(maps.Keys(f.files)) {
		for _, u := range f.files[name] {
			_, _ = fmt.Fprintf(sum, "&%d %s %d %s %d %s", len(name), name, len(u.name), u.name, len(u.content), u.content)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// sooner takes the beginning of the draft, where there is one, for a form that says a later one.
func (h *Handler) sooner(r *http.Request, v visit) {
	d, ok, err := h.drafts.Draft(r.Context(), v.id)
	switch {
	case err != nil:
		h.cfg.Logger.ErrorContext(r.Context(), "survey page", "op", "draft", "err", err)
	case ok:
		v.clock.merge(h.readClock(v.id, d.Clock))
	}
}
