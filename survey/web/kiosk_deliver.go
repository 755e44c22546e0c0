package web

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/vefacrm/vefa/internal/plainpage"
	"github.com/vefacrm/vefa/survey"
)

// Bounds of what a kiosk delivers at a time.
const (
	maxDelivery = 4 << 20
	maxBatch    = 200
	bodyTime    = 30 * time.Second
)

// longestOffline is how long ago an answer may say that it was given.
const longestOffline = 366 * 24 * time.Hour

// delivery is what a device sends.
type delivery struct {
	Now     int64       `json:"now"` // by its clock, in milliseconds
	Answers []delivered `json:"answers"`
}

type delivered struct {
	ID   string `json:"id"`
	Form string `json:"form"` // as a form is sent
}

// deliveries is what is said to it: done may be forgotten by the device, refused is kept by the
// server, with the reason. What is in neither is to come again.
type deliveries struct {
	Done    []string          `json:"done"`
	Refused map[string]string `json:"refused,omitempty"`
}

// deliver takes what waited on a device.
func (h *KioskHandler) deliver(w http.ResponseWriter, r *http.Request, d device) {
	body, ok := h.read(w, r, d, maxDelivery)
	if !ok {
		return
	}
	var in delivery
	if err := json.Unmarshal(body, &in); err != nil || len(in.Answers) > maxBatch {
		h.notice(w, r, d, http.StatusBadRequest, func(t *texts) (string, string) { return t.Refused, t.RefusedBody })
		return
	}
	h.taken.more(d.id, max(0, len(in.Answers)-1))
	out := deliveries{Done: []string{}, Refused: map[string]string{}}
	now := h.cfg.Now()
	for _, x := range in.Answers {
		form, err := url.ParseQuery(x.Form)
		a := h.answer(d, x.ID, form, now, in.Now)
		if err != nil && a.Refused == "" {
			a.Refused = "the form cannot be read"
		}
		if a.Refused != "" && len(form) == 0 {
			a.Form = url.Values{"_raw": {x.Form}}
		}
		if err := h.keep(r.Context(), d, &a); err != nil {
			if !errors.Is(err, context.Canceled) {
				h.cfg.Logger.ErrorContext(r.Context(), "survey kiosk", "op", "keep", "err", err)
			}
			if r.Context().Err() != nil {
				break
			}
			continue // the others may be stored
		}
		out.Done = append(out.Done, x.ID)
		if a.Refused != "" {
			out.Refused[x.ID] = a.Refused
		}
	}
	if len(out.Done) == 0 && len(in.Answers) > 0 {
		h.unavailable(w, r, d, "keep", errNothingKept)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out) // a device that left sends them again
}

var errNothingKept = errors.New("no answer of a delivery was kept")

// direct takes an answer that no service worker took.
func (h *KioskHandler) direct(w http.ResponseWriter, r *http.Request, d device) {
	body, ok := h.read(w, r, d, 64<<10)
	if !ok {
		return
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || !uuid.MatchString(strings.ToLower(form.Get("_id"))) {
		h.notice(w, r, d, http.StatusBadRequest, func(t *texts) (string, string) { return t.Refused, t.RefusedBody })
		return
	}
	at, _ := strconv.ParseInt(form.Get("_at"), 10, 64)
	a := h.answer(d, form.Get("_id"), form, h.cfg.Now(), at)
	if err := h.keep(r.Context(), d, &a); err != nil {
		h.unavailable(w, r, d, "keep", err)
		return
	}
	seeOther(w, "thanks"+langQuery(r))
}

// read reads a body within bounds of size, time and number, or answers why it does not.
func (h *KioskHandler) read(w http.ResponseWriter, r *http.Request, d device, most int64) ([]byte, bool) {
	if !h.bodies.enter(d.id, 1) {
		plainpage.LeaveBody(w, r)
		h.unavailable(w, r, d, "read", errors.New("too many at a time"))
		return nil, false
	}
	defer h.bodies.leave(d.id, 1)
	conn := http.NewResponseController(w)
	_ = conn.SetReadDeadline(time.Now().Add(bodyTime)) // by the machine's clock, not by Now
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if err == nil {
		_ = conn.SetReadDeadline(time.Time{})
		return body, true
	}
	plainpage.LeaveBody(w, r)
	tooLarge := (*http.MaxBytesError)(nil)
	status := http.StatusBadRequest
	switch {
	case errors.As(err, &tooLarge):
		status = http.StatusRequestEntityTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		status = http.StatusRequestTimeout
	}
	h.notice(w, r, d, status, func(t *texts) (string, string) { return t.Refused, t.RefusedBody })
	return nil, false
}

// keep finds out what the answer is about and stores it.
func (h *KioskHandler) keep(ctx context.Context, d device, a *KioskAnswer) error {
	if a.Code != "" && h.experiences != nil {
		began, err := h.experiences.Experience(ctx, d.id, a.Code)
		switch {
		case errors.Is(err, ErrNotFound):
		case err != nil:
			return err
		default:
			dwell := d.kiosk.Dwell
			if dwell == 0 {
				dwell = 45 * time.Minute
			}
			a.Began, a.Outside = began, a.At.Before(began) || a.At.After(began.Add(dwell))
		}
	}
	_, err := h.cfg.Store.Keep(ctx, d.id, *a)
	return err
}

// uuid is the form that crypto.randomUUID gives.
var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// maxCode bounds the number of an experience, in bytes.
const maxCode = 64

// answer reads a form as the survey that it says it was. deviceNow is what the clock of the device
// shows now, in milliseconds; 0: not told.
func (h *KioskHandler) answer(d device, id string, form url.Values, now time.Time, deviceNow int64) KioskAnswer {
	a := KioskAnswer{ID: id, At: now, Received: now, Code: strings.TrimSpace(form.Get("_x"))}
	if at, err := strconv.ParseInt(form.Get("_at"), 10, 64); err == nil && at > 0 && at < 1<<53 {
		a.DeviceAt = time.UnixMilli(at).In(now.Location())
		// Else its clock was set back meanwhile, or set at all: tablets begin in the past when they start.
		if ago := deviceNow - at; deviceNow > 0 && ago >= 0 && ago <= longestOffline.Milliseconds() {
			a.At = now.Add(-time.Duration(ago) * time.Millisecond)
		}
	}
	refuse := func(format string, args ...any) KioskAnswer {
		a.Refused, a.Form = fmt.Sprintf(format, args...), form
		return a
	}
	a.Response.Key = id
	if a.Response.Language = form.Get("_lang"); !isTag(a.Response.Language) {
		a.Response.Language = ""
	}
	if !uuid.MatchString(id) {
		sum := sha256.Sum256([]byte(id + "\x00" + form.Encode()))
		a.ID = fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
		a.Response.Key = a.ID
		return refuse("the id is no UUID")
	}
	if len(a.Code) > maxCode {
		a.Code = ""
		return refuse("the number of the experience is too long")
	}
	var s *sheet
	for _, def := range append([]*survey.Definition{d.kiosk.Definition}, d.kiosk.Earlier...) {
		if x := h.sheetOf(def); x != nil && x.print == form.Get("_def") {
			s = x
			break
		}
	}
	if s == nil {
		return refuse("it answers a definition that is not known any more")
	}
	a.Definition = s.def
	return s.check(a, d, form, refuse)
}

// check reads the answers of a form by what the page asked and checks them by the definition.
func (s *sheet) check(a KioskAnswer, d device, sent url.Values, refuse func(string, ...any) KioskAnswer) KioskAnswer {
	f := &form{Values: sent}
	in := map[string]any{}
	page := d.session(s, s.one, a.Response.Language).Page()
	var faults survey.Faults
	for _, q := range views(page.Elements, nil) {
		if shows(q) {
			continue
		}
		v, ok := answer(q, f.fields(q))
		if !ok {
			faults = append(faults, survey.Fault{Question: q.Name, Code: "wrong-type"})
			continue
		}
		if v != nil {
			in[q.Key()] = v
		}
		if text := strings.ReplaceAll(f.Get(remarkPrefix+q.Path), "\r\n", "\n"); strings.TrimSpace(text) != "" {
			in[q.Key()+"-Comment"] = text
		}
	}
	v := visit{inv: Invitation{Place: d.kiosk.Place, Variables: d.kiosk.Variables}}
	r, err := s.def.CheckAt(survey.Response{Language: a.Response.Language, Answers: in, Variables: v.variables(), Key: a.ID}, a.At)
	a.Response = r
	var wrong survey.Faults
	if errors.As(err, &wrong) {
		faults = append(faults, wrong...)
	}
	if len(faults) > 0 {
		x := refuse("%s", strings.ReplaceAll(faults.Error(), "\n", "; "))
		x.Response = r
		return x
	}
	return a
}
