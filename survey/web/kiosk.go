package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/vefacrm/vefa/internal/plainpage"
	"github.com/vefacrm/vefa/survey"
)

// Kiosk is a device at a place that asks everybody who stands before it.
type Kiosk struct {
	// Definition is what it asks. KioskFindings of it must be empty.
	Definition *survey.Definition
	// Earlier are definitions that it asked before: an answer is checked by the one that was
	// asked, also when it comes weeks later. What was asked and is not among them is refused.
	Earlier   []*survey.Definition
	Place     string         // as its customers know it; shown on the page, {place} in texts
	Variables map[string]any // further values for expressions and texts of the definition
	// AskCode asks for the number of what the customer is there for, such as that on a receipt.
	// Without it the page takes the number that it is opened with, ?x=NUMBER, as a till does.
	AskCode bool
	// Dwell is how long after the beginning of an experience answers count as given at it; 0
	// means 45 minutes.
	Dwell time.Duration
}

// KioskAnswer is an answer that a kiosk delivered.
type KioskAnswer struct {
	// ID is the UUID that the device gave it: the same answer comes again with the same one.
	ID string
	// At is when it was given, by the clock of this machine: what the clock of the device was
	// wrong by when it delivered is put right. It is never later than Received, and Received where the
	// device says that it was given more than a year ago, which is what a clock that was not set says.
	At       time.Time
	DeviceAt time.Time // when it was given, by the clock of the device
	Received time.Time
	Response survey.Response // Key is ID; of a refused one without what is wrong
	// Definition is what was asked, by which the answer was checked; nil where it is not known
	// any more.
	Definition *survey.Definition
	// Code is the number of the experience as typed or opened with; empty: none is known.
	Code string
	// Began is when the experience began; zero where none is known. Outside says that the answer
	// was given before, or later than Kiosk.Dwell after it.
	Began   time.Time
	Outside bool
	// Refused says why the answer is in no order, such as faults by question; empty: it is in
	// order. Form is then what was sent, for a person to look at.
	Refused string
	Form    url.Values
}

// KioskStore keeps kiosks and what they deliver. Methods are called concurrently.
type KioskStore interface {
	// Kiosk finds a kiosk. The error is ErrNotFound when there is none, and ErrEnded when it may
	// deliver no more; what it has not delivered stays on it.
	Kiosk(ctx context.Context, id uint64) (Kiosk, error)
	// Keep stores an answer, durably when it returns. An answer with an ID that this kiosk
	// delivered before, refused or not, changes nothing and returns first false and no error.
	// One that is refused must be kept for a person to look at, and counted nowhere.
	Keep(ctx context.Context, id uint64, a KioskAnswer) (first bool, err error)
}

// ExperienceStore is implemented by a KioskStore that knows what the codes of answers stand for.
type ExperienceStore interface {
	// Experience returns when what a code stands for began, such as the visit of a receipt. The
	// error is ErrNotFound for a code that means nothing.
	Experience(ctx context.Context, id uint64, code string) (began time.Time, err error)
}

// KioskConfig configures a KioskHandler. Store and Tokens are needed; the zero value of every
// other field works.
type KioskConfig struct {
	Store KioskStore
	// Tokens returns the id in the token of a device's address; the Parse of an invite.Codec of
	// its own does. Retire no key while a device may be offline with it.
	Tokens func(token string) (id uint64, err error)
	Brand  Brand
	// Path is where the handler is mounted. Defaults to "/k/".
	Path string
	// Idle is after how long without a touch the page goes back to its start; for the last 20
	// seconds it says so. Defaults to 90 seconds; at least 30.
	Idle time.Duration
	// PerMinute is how many answers of one kiosk are taken within a minute, so that who has its address does
	// not fill the record; what is beyond is answered 429 and waits on the device. Of a delivery that
	// begins within the limit all are taken. Defaults to 3,000.
	PerMinute int
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// Logger hears of errors of the Store, never of tokens or answers. Defaults to no logging.
	Logger *slog.Logger
}

// KioskHandler serves the pages of kiosks and takes what they deliver. It is safe for concurrent use.
type KioskHandler struct {
	cfg         KioskConfig
	brand       *brandView
	look        look
	notices     look            // without the script
	experiences ExperienceStore // nil when the store knows none
	cross       *http.CrossOriginProtection
	bodies      bodies
	taken       meter

	mu     sync.Mutex
	sheets map[*survey.Definition]*sheet // those that were asked for; nil: it cannot be asked
}

const (
	warnIdle  = 20 * time.Second
	idleLeast = 30 * time.Second
)

// maxSheets bounds the definitions that a handler keeps ready.
const maxSheets = 64

// NewKiosk returns a handler of kiosks. It starts nothing. It fails without Store or Tokens, with an
// Idle below 30 seconds, and on a Brand that cannot be shown (ErrBrand).
func NewKiosk(cfg KioskConfig) (*KioskHandler, error) {
	if cfg.Store == nil || cfg.Tokens == nil {
		return nil, errConfig
	}
	if cfg.Path == "" {
		cfg.Path = "/k/"
	}
	if !strings.HasSuffix(cfg.Path, "/") {
		cfg.Path += "/"
	}
	if cfg.Idle == 0 {
		cfg.Idle = 90 * time.Second
	}
	if cfg.Idle < idleLeast {
		return nil, errors.New("survey/web: KioskConfig.Idle is below 30 seconds")
	}
	if cfg.PerMinute <= 0 {
		cfg.PerMinute = 3000
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if err := cfg.Brand.Validate(); err != nil {
		return nil, err
	}
	h := &KioskHandler{cfg: cfg, brand: cfg.Brand.view(), cross: http.NewCrossOriginProtection(),
		bodies: bodies{of: map[uint64]int{}, max: 64}, taken: meter{most: cfg.PerMinute}, sheets: map[*survey.Definition]*sheet{}}
	h.experiences, _ = cfg.Store.(ExperienceStore)
	var err error
	if h.look, err = kioskLook(&cfg.Brand, true); err != nil {
		return nil, err
	}
	h.notices, err = kioskLook(&cfg.Brand, false)
	return h, err
}

// sheetOf returns the sheet of a definition, nil where it cannot be one.
func (h *KioskHandler) sheetOf(d *survey.Definition) *sheet {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, ok := h.sheets[d]
	if !ok {
		if s, _ = newSheet(d); len(h.sheets) >= maxSheets {
			clear(h.sheets)
		}
		h.sheets[d] = s
	}
	return s
}

// device is one request of a kiosk.
type device struct {
	id    uint64
	kiosk Kiosk
	sheet *sheet // of its definition; nil where that cannot be asked
	lang  string
}

var errSheet = errors.New("the definition has KioskFindings")

// ServeHTTP answers the pages of a kiosk and takes answers:
//
//	GET  /k/{token}/                     where it begins
//	GET  /k/{token}/ask                  the questions
//	POST /k/{token}/ask                  an answer, where no service worker took it
//	GET  /k/{token}/thanks               thank you
//	GET  /k/{token}/sw.js                the service worker
//	GET  /k/{token}/app.webmanifest      lets a device open it full screen
//	GET  /k/{token}/queue                answered by the worker: what waits on the device
//	POST /k/{token}/answers              what waited
func (h *KioskHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	plainpage.Headers(w, h.notices.policy)
	token, rest, inside := strings.Cut(strings.TrimPrefix(r.URL.Path, h.cfg.Path), "/")
	post := r.Method == http.MethodPost
	get := r.Method == http.MethodGet || r.Method == http.MethodHead
	var serve func(http.ResponseWriter, *http.Request, device)
	allow := "GET, HEAD"
	switch rest {
	case "":
		serve = h.start
	case "ask":
		if serve, allow = h.ask, "GET, HEAD, POST"; post {
			serve = h.direct
		}
	case "thanks":
		serve = h.thanks
	case "sw.js":
		serve = h.worker
	case "app.webmanifest":
		serve = h.manifest
	case "queue":
		serve = h.noWorker
	case "answers":
		serve, allow = h.deliver, "POST"
	}
	id, err := h.cfg.Tokens(token)
	if !post || serve == nil || err != nil {
		plainpage.LeaveBody(w, r)
	}
	switch {
	case serve == nil || err != nil:
		h.notice(w, r, device{}, http.StatusNotFound, func(t *texts) (string, string) { return t.NotFound, t.NotFoundBody })
		return
	case !strings.Contains(allow, r.Method) || !post && !get:
		plainpage.LeaveBody(w, r)
		w.Header().Set("Allow", allow)
		h.notice(w, r, device{}, http.StatusMethodNotAllowed, func(t *texts) (string, string) { return t.Refused, t.RefusedBody })
		return
	case post && h.cross.Check(r) != nil:
		plainpage.LeaveBody(w, r)
		h.notice(w, r, device{}, http.StatusForbidden, func(t *texts) (string, string) { return t.Refused, t.RefusedBody })
		return
	case !inside: // relative addresses need it
		seeOther(w, token+"/"+langQuery(r))
		return
	}
	if post {
		if wait := h.taken.enter(id, h.cfg.Now()); wait > 0 { // without a look at the store or at the body
			plainpage.LeaveBody(w, r)
			retryAfter(w, wait)
			h.notice(w, r, device{}, http.StatusTooManyRequests, func(t *texts) (string, string) { return t.TooOften, t.TooOftenBody })
			return
		}
	}
	d := device{id: id}
	d.kiosk, err = h.cfg.Store.Kiosk(r.Context(), id)
	if err == nil && d.kiosk.Definition == nil {
		err = errNoDefinition
	}
	if err == nil {
		if d.sheet = h.sheetOf(d.kiosk.Definition); d.sheet == nil && !post {
			err = errSheet
		}
	}
	switch {
	case errors.Is(err, ErrNotFound):
		plainpage.LeaveBody(w, r)
		h.notice(w, r, d, http.StatusNotFound, func(t *texts) (string, string) { return t.NotFound, t.NotFoundBody })
		return
	case errors.Is(err, ErrEnded):
		plainpage.LeaveBody(w, r)
		h.notice(w, r, d, http.StatusGone, func(t *texts) (string, string) { return t.Expired, t.ExpiredBody })
		return
	case err != nil:
		plainpage.LeaveBody(w, r)
		h.unavailable(w, r, d, "kiosk", err)
		return
	}
	d.lang = language(r.URL.Query().Get("lang"), Invitation{Definition: d.kiosk.Definition}, r.Header.Get("Accept-Language"))
	serve(w, r, d)
}

// unavailable reports an error of the store.
func (h *KioskHandler) unavailable(w http.ResponseWriter, r *http.Request, d device, op string, err error) {
	if !errors.Is(err, context.Canceled) {
		h.cfg.Logger.ErrorContext(r.Context(), "survey kiosk", "op", op, "err", err)
	}
	w.Header().Set("Retry-After", "60")
	h.notice(w, r, d, http.StatusServiceUnavailable, func(t *texts) (string, string) { return t.Unavailable, t.UnavailableBody })
}
