package web

import (
	"context"
	"errors"
	"hash/fnv"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/vefacrm/vefa/internal/plainpage"
	"github.com/vefacrm/vefa/survey"
)

// PreviewConfig configures a Preview. Find is needed; the zero value of every other field works.
type PreviewConfig struct {
	// Find returns the definition of a name, which stands behind Path and has up to 64 letters
	// of ASCII, digits, ".", "-" and "_". It may be another one at each request, as while
	// it is being edited. The error is ErrNotFound for a name that it does not know; any other,
	// such as that of survey.Parse, is shown.
	Find func(ctx context.Context, name string) (*survey.Definition, error)
	// Brand, Place and Variables are those of the invitations that are to come.
	Brand     Brand
	Place     string
	Variables map[string]any
	// Path is where the handler is mounted. Defaults to "/preview/".
	Path string
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// Logger hears of pages that could not be rendered. Defaults to no logging.
	Logger *slog.Logger
}

// Preview shows editors the pages of a definition as respondents would see them, in each of its
// languages, with what survey.Definition.Findings has about it above them. Every page says that
// it is a preview and that nothing is kept: what is answered travels in the form alone. It is
// safe for concurrent use.
//
// It has no log-in: mount it where only editors get to.
type Preview struct {
	find  func(ctx context.Context, name string) (*survey.Definition, error)
	path  string
	pages *Handler
}

// NewPreview returns a preview. It starts nothing. It fails without Find, and on a Brand that cannot
// be shown (ErrBrand).
func NewPreview(cfg PreviewConfig) (*Preview, error) {
	if cfg.Find == nil {
		return nil, errors.New("survey/web: PreviewConfig.Find is needed")
	}
	p := &Preview{find: cfg.Find, path: cfg.Path}
	if p.path == "" {
		p.path = "/preview/"
	}
	if !strings.HasSuffix(p.path, "/") {
		p.path += "/"
	}
	var err error
	p.pages, err = New(Config{
		Store: previewed{place: cfg.Place, variables: cfg.Variables}, Tokens: previewName, Brand: cfg.Brand, Path: p.path,
		Now: cfg.Now, Logger: cfg.Logger, PerMinute: math.MaxInt,
	})
	if err != nil {
		return nil, err
	}
	css := style + cfg.Brand.style() + previewStyle
	if p.pages.plain, err = newLook(css, len(cfg.Brand.Logo) > 0); err != nil {
		return nil, err
	}
	p.pages.rich, err = newLook(css+richStyle, true)
	return p, err
}

// previewStyle is that of the banner.
const previewStyle = `.pv{border:3px dashed;padding:.5rem 1rem;margin:0 0 1.5rem}.pv a{display:inline-block;min-height:3rem;min-width:3rem;line-height:3rem;margin-right:1rem}.pv summary{min-height:3rem;line-height:3rem}`

// previewName is an id for a name: requests of different names do not wait for one another.
func previewName(name string) (uint64, error) {
	if name == "" || len(name) > 64 || name == "." || name == ".." {
		return 0, ErrNotFound
	}
	for _, c := range []byte(name) {
		if c != '-' && c != '_' && c != '.' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return 0, ErrNotFound
		}
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return h.Sum64(), nil
}

// underPreview is the key of the definition in the context of a request of a preview.
type underPreview struct{}

// ServeHTTP shows the pages of the definition that the address names.
func (p *Preview) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	plainpage.Headers(w, p.pages.plain.policy)
	name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, p.path), "/")
	if _, err := previewName(name); err != nil || !strings.HasPrefix(r.URL.Path, p.path) {
		plainpage.LeaveBody(w, r)
		p.pages.unknown(w, r)
		return
	}
	d, err := p.find(r.Context(), name)
	switch {
	case errors.Is(err, ErrNotFound), err == nil && d == nil:
		plainpage.LeaveBody(w, r)
		p.pages.unknown(w, r)
		return
	case err != nil:
		plainpage.LeaveBody(w, r)
		t, lang := textsFor(language(r.URL.Query().Get("lang"), Invitation{}, r.Header.Get("Accept-Language")))
		b := &banner{Title: t.Preview, Findings: []previewFinding{{Severity: "failure", Detail: err.Error()}}}
		p.pages.notice(w, r, notice{Lang: lang, T: t, Title: t.PreviewBroken, Body: t.PreviewBrokenBody, Preview: b}, http.StatusUnprocessableEntity)
		return
	}
	p.pages.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), underPreview{}, d)))
}

// previewed is the store of a preview: everything is open, and nothing is kept.
type previewed struct {
	place     string
	variables map[string]any
}

// Invitation implements Store.
func (s previewed) Invitation(ctx context.Context, _ uint64) (Invitation, error) {
	d, ok := ctx.Value(underPreview{}).(*survey.Definition)
	if !ok {
		return Invitation{}, ErrNotFound
	}
	return Invitation{Definition: d, Place: s.place, Variables: s.variables}, nil
}

// Submit implements Store.
func (previewed) Submit(context.Context, uint64, survey.Response, time.Time) (bool, error) {
	return true, nil
}

// banner is what a preview shows above its pages.
type banner struct {
	Title, Body string
	Languages   []previewLanguage
	Summary     string // how many findings there are
	Findings    []previewFinding
}

// previewLanguage is a link to the pages in another language.
type previewLanguage struct {
	Tag, URL string
	Shown    bool
}

// previewFinding is a survey.Finding as an editor reads it.
type previewFinding struct{ Severity, Path, Detail, Suggestion string }

// banner is that of a page; nil where it is no preview.
func (h *Handler) banner(v visit) *banner {
	if _, ok := h.cfg.Store.(previewed); !ok || v.inv.Definition == nil {
		return nil
	}
	t, _ := textsFor(v.lang)
	d := v.inv.Definition
	head := d.Head()
	b := &banner{Title: t.Preview, Body: t.PreviewBody}
	tags := head.Languages
	if own := firstOf(head.Language, "en"); !containsFold(tags, own) {
		tags = append([]string{own}, tags...)
	}
	for _, tag := range tags {
		if isTag(tag) {
			b.Languages = append(b.Languages, previewLanguage{tag, v.up + v.token + "?lang=" + tag, strings.EqualFold(tag, v.lang)})
		}
	}
	for _, f := range d.Findings() {
		b.Findings = append(b.Findings, previewFinding{f.Severity, f.Path, f.Kind + ": " + f.Detail, f.Suggestion})
	}
	b.Summary = strings.ReplaceAll(t.PreviewFindings, "{n}", strconv.Itoa(len(b.Findings)))
	return b
}

func containsFold(all []string, s string) bool {
	for _, x := range all {
		if strings.EqualFold(x, s) {
			return true
		}
	}
	return false
}
