package web

import (
	"context"
	"crypto/rand"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/vefacrm/vefa/internal/plainpage"
	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/invite"
)

// Config configures a Handler. Store and Tokens are needed; the zero value of
// every other field works.
type Config struct {
	Store Store
	// Tokens returns the id in the token of a link; the Parse of an invite.Codec does. A
	// token whose error is invite.ErrUnknownKey has expired, every other error means an
	// unknown one.
	Tokens func(token string) (id uint64, err error)
	// Brand says whose pages they are.
	Brand Brand
	// Path is where the handler is mounted. Defaults to "/s/".
	Path string
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// Key signs since when the time limits of a definition count: at least 32 random bytes, of
	// all processes the same. A form whose signature is another counts as late, so that
	// answers are kept as they are then. Defaults to a key of this Handler alone.
	Key []byte
	// MaxUpload bounds the bytes of a form of a survey that asks for files, which are part of
	// it on every page. Defaults to 8 MiB. Such a form counts as as many of MaxForms as it
	// may be times larger than MaxBody.
	MaxUpload int64
	// NewKey makes the idempotency key of a rendered page. Defaults to
	// crypto/rand.Text. Keys of two renders must differ.
	NewKey func() string
	// MaxBody bounds the bytes of a form. Defaults to 64 KiB.
	MaxBody int64
	// BodyTimeout is how long a form may take to arrive. Defaults to 10 seconds.
	// It and MaxForms are kept by deadlines of the connection: they have no
	// effect behind a middleware whose ResponseWriter has no Unwrap method.
	BodyTimeout time.Duration
	// MaxForms is how many forms may be arriving at a time; a form takes up to
	// MaxBody of memory. Of one invitation it is four at most; what is beyond is
	// answered 503. Defaults to 512.
	MaxForms int
	// PerMinute is how many forms of one invitation are taken within a minute; what is beyond is
	// answered 429 without a look at the store or at the form. Each page of a survey is one,
	// and so is each panel or row that is added. Defaults to 600.
	PerMinute int
	// CrossOrigin refuses forms that other sites send. Defaults to
	// http.NewCrossOriginProtection().
	CrossOrigin *http.CrossOriginProtection
	// Logger hears of errors of the Store, never of tokens or answers.
	// Defaults to no logging.
	Logger *slog.Logger
}

var errConfig = errors.New("survey/web: Store and Tokens are needed")

// errNoDefinition is a fault of the Store: only an invitation that is over may be without one.
var errNoDefinition = errors.New("an open invitation without a definition")

// Handler serves survey pages. It is safe for concurrent use.
type Handler struct {
	cfg       Config
	plain     look // of pages of simple questions
	rich      look // of all others
	brand     *brandView
	notMe     NotMeStore     // nil when the store does not hear it
	notMeUndo NotMeUndoStore // nil when it cannot be taken back
	drafts    DraftStore     // nil when the store keeps none
	bodies    bodies
	forms     meter

	followUps FollowUpStore // nil when the store hears none
}

// look is the pages with a style sheet, and the policy that names it.
type look struct {
	tmpl   *template.Template
	policy string
}

// newLook parses the pages.
func newLook(css string, pictures bool) (look, error) {
	tmpl, err := parseTemplates(css)
	return look{tmpl, plainpage.Policy(css, pictures)}, err
}

// New returns a handler. It starts nothing. It fails without Store or Tokens, with a Key of
// less than 32 bytes, and on a Brand that cannot be shown (ErrBrand).
func New(cfg Config) (*Handler, error) {
	if cfg.Store == nil || cfg.Tokens == nil {
		return nil, errConfig
	}
	if cfg.Path == "" {
		cfg.Path = "/s/"
	}
	if !strings.HasSuffix(cfg.Path, "/") {
		cfg.Path += "/"
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.NewKey == nil {
		cfg.NewKey = rand.Text
	}
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = 64 << 10
	}
	if cfg.MaxUpload <= 0 {
		cfg.MaxUpload = 8 << 20
	}
	if cfg.BodyTimeout <= 0 {
		cfg.BodyTimeout = 10 * time.Second
	}
	if cfg.MaxForms <= 0 {
		cfg.MaxForms = 512
	}
	switch {
	case len(cfg.Key) == 0:
		cfg.Key = make([]byte, 32)
		_, _ = rand.Read(cfg.Key) // never fails
	case len(cfg.Key) < 32:
		return nil, errors.New("survey/web: Config.Key has less than 32 bytes")
	}
	if cfg.PerMinute <= 0 {
		cfg.PerMinute = 600
	}
	if cfg.CrossOrigin == nil {
		cfg.CrossOrigin = http.NewCrossOriginProtection()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if err := cfg.Brand.Validate(); err != nil {
		return nil, err
	}
	css := style + cfg.Brand.style()
	h := &Handler{cfg: cfg, brand: cfg.Brand.view(), bodies: bodies{of: map[uint64]int{}, max: cfg.MaxForms}, forms: meter{most: cfg.PerMinute}}
	var err error
	if h.plain, err = newLook(css, len(cfg.Brand.Logo) > 0); err != nil {
		return nil, err
	}
	if h.rich, err = newLook(css+richStyle, true); err != nil {
		return nil, err
	}
	h.notMe, _ = cfg.Store.(NotMeStore)
	h.notMeUndo, _ = cfg.Store.(NotMeUndoStore)
	h.drafts, _ = cfg.Store.(DraftStore)
	h.followUps, _ = cfg.Store.(FollowUpStore)
	return h, nil
}

// maxKey bounds the idempotency key that a form brings back, in bytes.
const maxKey = 64

// visit is one request that named a valid token.
type visit struct {
	token string
	id    uint64
	inv   Invitation
	lang  string
	at    time.Time
	form  form   // of a POST
	up    string // relative way from the requested page to the directory of the token
	clock *clock // nil: the survey has no time limits
	page  int    // index of the page that the form was shown on
	query string // that keeps the language that was chosen
	shown bool   // the thank-you page is the answer to the form: it is a preview, and nothing is kept
}

// ServeHTTP answers the five pages of the package documentation.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	plainpage.Headers(w, h.plain.policy)
	token, action, deeper := strings.Cut(strings.TrimPrefix(r.URL.Path, h.cfg.Path), "/")
	handle, allow := h.route(r.Method, action)
	id, err := h.cfg.Tokens(token)
	at := h.cfg.Now()
	var refuse func() // without a look at the store or at the body
	switch {
	case allow == "":
		refuse = func() { h.unknown(w, r) }
	case handle == nil:
		refuse = func() { w.Header().Set("Allow", allow); h.refuse(w, r, http.StatusMethodNotAllowed) }
	case errors.Is(err, invite.ErrUnknownKey):
		refuse = func() { h.gone(w, r) }
	case err != nil:
		refuse = func() { h.unknown(w, r) }
	case r.Method != http.MethodPost:
		plainpage.LeaveBody(w, r) // a page is asked for without one
	case h.cfg.CrossOrigin.Check(r) != nil:
		refuse = func() { h.refuse(w, r, http.StatusForbidden) }
	default:
		if wait := h.forms.enter(id, at); wait > 0 {
			refuse = func() { h.tooOften(w, r, wait) }
		}
	}
	if refuse != nil {
		plainpage.LeaveBody(w, r)
		refuse()
		return
	}
	v := visit{token: token, id: id, at: at}
	// A form with files is larger: it is read only where the survey asks for some.
	if r.Method == http.MethodPost && inParts(r) {
		files, err := h.asksForFiles(r.Context(), id)
		if err != nil || !files {
			plainpage.LeaveBody(w, r)
			if err != nil {
				h.unavailable(w, r, "invitation", err)
				return
			}
			h.refuse(w, r, http.StatusUnsupportedMediaType)
			return
		}
	}
	if r.Method == http.MethodPost && !h.readForm(w, r, &v) {
		return
	}
	if deeper { // also for the slash that some messengers append
		v.up = "../"
	}
	v.inv, err = h.cfg.Store.Invitation(r.Context(), id)
	switch {
	case errors.Is(err, ErrNotFound):
		h.unknown(w, r)
		return
	case err != nil:
		h.held(w, r, &v, err)
		return
	}
	if v.inv.Definition == nil && (v.inv.State == Open || v.inv.State == "") {
		h.held(w, r, &v, errNoDefinition)
		return
	}
	v.settle(r)
	if timed(v.inv.Definition) {
		v.clock = &clock{pages: map[int]time.Time{}, known: true}
		if r.Method == http.MethodPost {
			v.clock = h.readClock(id, v.form.Get(begunField))
		}
	}
	handle(w, r, v)
}

// page answers one of the paths below a token.
type page func(w http.ResponseWriter, r *http.Request, v visit)

// route gives the page for a method and the rest of the path. allow is empty
// for a path that does not exist, and page nil for a method it does not have.
func (h *Handler) route(method, action string) (p page, allow string) {
	get := method == http.MethodGet || method == http.MethodHead
	pick := func(onGet, onPost page) (page, string) {
		switch {
		case get && onGet != nil:
			return onGet, "GET, HEAD, POST"
		case method == http.MethodPost && onPost != nil:
			return onPost, "GET, HEAD, POST"
		case onPost == nil:
			return nil, "GET, HEAD"
		case onGet == nil:
			return nil, "POST"
		}
		return nil, "GET, HEAD, POST"
	}
	switch {
	case action == "":
		return pick(h.questions, h.answer)
	case action == "thanks":
		return pick(h.thanks, nil)
	case action == "not-me" && h.notMe != nil:
		return pick(h.backToQuestions, h.hearNotMe)
	case action == "heard" && h.notMe != nil:
		return pick(h.heard, nil)
	case action == "mistake" && h.notMeUndo != nil:
		return pick(h.backToQuestions, h.takeBack)
	case action == "follow-up" && h.followUps != nil:
		return pick(h.thanks, h.hearFollowUp)
	case action == "taken" && h.followUps != nil:
		return pick(h.followUpTaken, nil)
	}
	return nil, ""
}

// settle decides state and language once for the request.
func (v *visit) settle(r *http.Request) {
	if v.inv.State == "" {
		v.inv.State = Open
	}
	if v.inv.State == Open && !v.inv.ExpiresAt.IsZero() && !v.at.Before(v.inv.ExpiresAt) {
		v.inv.State = Expired
	}
	v.lang = language(r.URL.Query().Get("lang"), v.inv, r.Header.Get("Accept-Language"))
	v.query = langQuery(r)
	v.shown = r.Context().Value(underPreview{}) != nil
}

// questions shows the first page. It changes nothing, for people and for machines.
func (h *Handler) questions(w http.ResponseWriter, r *http.Request, v visit) {
	if v.inv.State != Open {
		h.closed(w, r, v, http.StatusOK)
		return
	}
	if h.drafts != nil {
		if s, ok := h.resume(r, v); ok {
			v.clock.show(&s, v.at)
			h.form(w, r, v, s, h.cfg.NewKey(), http.StatusOK)
			return
		}
	}
	s, ok := preset(v, r.URL.Query())
	if !ok {
		s = firstStep(v)
	}
	v.clock.show(&s, v.at)
	h.form(w, r, v, s, h.cfg.NewKey(), http.StatusOK)
}

// answer takes a form: it shows the next page, the same page with its faults, or stores the
// response when nothing is left to ask.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request, v visit) {
	key := v.form.Get(keyField)
	if v.inv.State != Open {
		h.late(w, r, v, key)
		return
	}
	switch {
	case len(key) > maxKey:
		h.refuse(w, r, http.StatusBadRequest)
		return
	case key == "":
		key = h.cfg.NewKey()
	}
	if v.clock != nil && h.drafts != nil {
		h.sooner(r, v)
	}
	s := nextStep(v, &v.form, false)
	v.clock.show(&s, v.at)
	if !s.done && h.drafts != nil {
		h.keep(r, v, &s)
	}
	switch {
	case !s.done && len(s.faults) > 0:
		h.form(w, r, v, s, key, http.StatusUnprocessableEntity)
		return
	case !s.done:
		h.form(w, r, v, s, key, http.StatusOK)
		return
	}
	head := v.inv.Definition.Head()
	first, err := h.cfg.Store.Submit(r.Context(), v.id, survey.Response{
		Survey: head.Name, Version: head.Version, Language: v.lang, Answers: s.session.Answers(), Variables: v.variables(), Key: key, Begun: v.claimedBegun(),
	}, v.at)
	if err != nil {
		h.notStored(w, r, v, key, err)
		return
	}
	if first && s.says(v) {
		if h.followUps != nil { // now that it is answered
			if now, err := h.cfg.Store.Invitation(r.Context(), v.id); err == nil {
				v.inv.FollowUp = now.FollowUp
			}
		}
		// What is said at the end depends on the answers, which only this request has.
		w.Header().Set("Content-Location", v.up+v.token+"/thanks"+langQuery(r))
		h.thank(w, r, v, s.session)
		return
	}
	if first {
		seeOther(w, v.up+v.token+"/thanks"+langQuery(r))
		return
	}
	// Somebody was faster, perhaps the same page sent twice.
	now, err := h.cfg.Store.Invitation(r.Context(), v.id)
	if err != nil {
		h.held(w, r, &v, err)
		return
	}
	v.inv = now
	if v.inv.State == Open || v.inv.State == "" {
		v.inv.State = Answered
	}
	h.late(w, r, v, key)
}

// late answers a form that came when the invitation was no longer open.
func (h *Handler) late(w http.ResponseWriter, r *http.Request, v visit, key string) {
	if v.inv.State == Answered && key != "" && key == v.inv.Key {
		seeOther(w, v.up+v.token+"/thanks"+langQuery(r))
		return
	}
	h.closed(w, r, v, http.StatusConflict)
}

// closed shows why there is nothing to answer. An answered survey is status
// for a reader and conflict for a second answer; an expired one is gone. One that had enough
// answers thanks for this one.
func (h *Handler) closed(w http.ResponseWriter, r *http.Request, v visit, status int) {
	t, lang := textsFor(v.lang)
	n := notice{Lang: lang, T: t, NotMeAction: h.notMeAction(v)}
	switch v.inv.State {
	case Answered:
		n.Title, n.Body = t.Already, t.AlreadyBody
	case NotMe:
		n.Title, n.Body, n.NotMeAction, n.UndoAction = t.Heard, t.HeardBody, "", h.undoAction(v)
	case Full: // no fault of who answers
		n.Title, n.Body, status = t.Full, t.FullBody, http.StatusOK
	default:
		n.Title, n.Body, status = t.Expired, t.ExpiredBody, http.StatusGone
	}
	h.notice(w, r, n, status)
}

// thanks is where a stored answer leads, by a redirect, so that a reload sends nothing again.
func (h *Handler) thanks(w http.ResponseWriter, r *http.Request, v visit) {
	if v.inv.State != Answered {
		h.backToQuestions(w, r, v)
		return
	}
	if v.inv.Definition == nil {
		t, lang := textsFor(v.lang)
		n := notice{Lang: lang, T: t, Title: t.Thanks, Body: t.ThanksBody, NotMeAction: h.notMeAction(v)}
		if h.offersFollowUp(v) {
			n.FollowUp = h.followUp(v, "", "", false)
		}
		h.notice(w, r, n, http.StatusOK)
		return
	}
	h.thank(w, r, v, v.begin(kept{}, true))
}

// thank shows what the survey says at its end.
func (h *Handler) thank(w http.ResponseWriter, r *http.Request, v visit, s *survey.Session) {
	t, lang := textsFor(v.lang)
	n := notice{Lang: lang, T: t, Title: t.Thanks, Body: t.ThanksBody, NotMeAction: h.notMeAction(v), Onward: s.NavigateTo()}
	if markup := s.Thanks(); markup != "" {
		n.Lang, n.HTML = v.lang, template.HTML(markup) // SafeHTML wrote it
	}
	if h.offersFollowUp(v) {
		n.FollowUp = h.followUp(v, "", "", false)
	}
	n.Preview = h.banner(v)
	h.notice(w, r, n, http.StatusOK)
}

// says tells whether the thank-you page depends on the answers.
func (s *step) says(v visit) bool {
	if v.shown {
		return true
	}
	without := v.begin(kept{}, true)
	return s.session.Thanks() != without.Thanks() || s.session.NavigateTo() != without.NavigateTo()
}

// notStored shows the page again with what was entered: the store is asked again when it is sent
// again, with the same key.
func (h *Handler) notStored(w http.ResponseWriter, r *http.Request, v visit, key string, err error) {
	if !errors.Is(err, context.Canceled) {
		h.cfg.Logger.ErrorContext(r.Context(), "survey page", "op", "submit", "err", err)
	}
	t, _ := textsFor(v.lang)
	s := nextStep(v, &v.form, true)
	w.Header().Set("Retry-After", "60")
	p := h.formPage(v, &s, key, t.NotStored)
	h.render(w, r, "form", p, http.StatusServiceUnavailable, p.rich)
}

// backToQuestions redirects to where the invitation begins.
func (h *Handler) backToQuestions(w http.ResponseWriter, r *http.Request, v visit) {
	seeOther(w, v.up+v.token+langQuery(r))
}

// seeOther redirects to a relative place, so that it holds when the host
// mounts the handler below a prefix that it strips.
func seeOther(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// langQuery keeps the language that was chosen over a redirect.
func langQuery(r *http.Request) string {
	if l := r.URL.Query().Get("lang"); isTag(l) {
		return "?lang=" + l
	}
	return ""
}
