package web

import (
	"html/template"
	"strconv"
	"time"
)

// begunField is when the first page was shown, in seconds since 1970 to base 36.
const begunField = "_t"

// begun is when the respondent's first page was shown, by what the form says: now, for who has no form
// yet.
func (v *visit) begun() time.Time {
	n, err := strconv.ParseInt(v.form.Get(begunField), 36, 64)
	if err != nil || n <= 0 || n > v.at.Unix() {
		return v.at.Truncate(time.Second)
	}
	return time.Unix(n, 0).UTC()
}

// claimedBegun is what an answer says of it; zero where its form does not.
func (v *visit) claimedBegun() time.Time {
	if v.clock != nil { // zero where it was changed
		return v.clock.begun
	}
	if !v.form.Has(begunField) {
		return time.Time{}
	}
	return v.begun()
}

// hiddenBegun is the field of a form that says it, signed where time limits go by it.
func (h *Handler) hiddenBegun(v *visit) template.HTML {
	var m markup
	if v.clock != nil {
		m.hidden(begunField, h.clockText(v.id, v.clock))
		return m.html()
	}
	m.hidden(begunField, strconv.FormatInt(v.begun().Unix(), 36))
	return m.html()
}
