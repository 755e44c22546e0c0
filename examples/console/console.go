package main

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/survey/web"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed assets/console.css assets/console.js
var assets embed.FS

// console are the pages.
type console struct {
	o       options
	town    *town
	eng     *vefa.Engine
	svc     *crm.Service
	say     map[string]*words
	zone    *time.Location
	pages   map[string]*template.Template
	jobs    *jobs
	last    lastFigures
	kept    kept
	said    answered
	preview http.Handler
	log     *slog.Logger
	version string // of the assets
}

func newConsole(o options, t *town, log *slog.Logger) (*console, error) {
	c := &console{o: o, town: t, eng: t.eng, svc: t.eng.Service(), jobs: newJobs(), log: log, pages: map[string]*template.Template{}}
	t.watcher = c.jobs.step
	var err error
	if c.zone, err = time.LoadLocation(o.zone); err != nil {
		return nil, err
	}
	if c.say, err = speak(c.zone); err != nil {
		return nil, err
	}
	layout, err := template.ParseFS(templates, "templates/layout.html", "templates/parts.html")
	if err != nil {
		return nil, err
	}
	files, err := templates.ReadDir("templates")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		name := strings.TrimSuffix(f.Name(), ".html")
		p, err := layout.Clone()
		if err == nil {
			p, err = p.ParseFS(templates, "templates/"+f.Name())
		}
		if err != nil {
			return nil, err
		}
		c.pages[name] = p
	}
	sum := sha256.New()
	for _, name := range []string{"console.css", "console.js"} {
		data, err := assets.ReadFile("assets/" + name)
		if err != nil {
			return nil, err
		}
		sum.Write(data)
	}
	c.version = hex.EncodeToString(sum.Sum(nil)[:6])
	c.preview, err = web.NewPreview(web.PreviewConfig{Find: c.definition, Brand: t.cfg.Brand, Now: t.clock.Now, Logger: log})
	return c, err
}

// policy lets a page load the style sheet and the script of this program, and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// handler returns all pages, behind the password, and for what changes something behind a look at
// where the request comes from.
func (c *console) handler() http.Handler {
	mux := http.NewServeMux()
	c.routes(mux)
	mux.HandleFunc("GET /assets/{version}/{file}", c.asset)
	mux.HandleFunc("GET /events", c.events)
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.Handle("/preview/", c.preview) // has a policy of its own
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { c.fail(w, r, errNoPage) })
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.fail(w, r, errForeign) }))
	return guarded(c.o.password, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "same-origin") // without a referrer a form would have no origin either
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, 256<<10)
		cross.Handler(mux).ServeHTTP(w, r)
	}))
}

func (c *console) asset(w http.ResponseWriter, r *http.Request) {
	data, err := assets.ReadFile("assets/" + r.PathValue("file"))
	if err != nil || r.PathValue("version") != c.version {
		c.fail(w, r, errNoPage)
		return
	}
	kind := "text/css; charset=utf-8"
	if strings.HasSuffix(r.PathValue("file"), ".js") {
		kind = "text/javascript; charset=utf-8"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	_, _ = w.Write(data)
}

// The errors that are pages.
var (
	errNoPage  = errors.New("there is no such page")
	errForeign = errors.New("the request came from another site")
	errGone    = errors.New("the list is not kept any more")
)

// view is what templates get.
type view struct {
	*words
	Section string // of the menu
	Title   string
	Here    string // the page's address, for what comes back to it
	Version string
	Actor   string
	Asks    bool   // there is a password, so Actor is who logged in
	Other   string // the other language
	Switch  string // the page in it
	Done    string // what the request before did
	Work    progress
	Follow  bool // without script: the page comes again by itself
	At      time.Time
	D       any
}

// Menu are the sections.
func (v *view) Menu() []string {
	return []string{"today", "customers", "duplicates", "segments", "rules", "campaigns", "surveys"}
}

// Says is the progress in a line.
func (v *view) Says() string { return v.progress(v.Work) }

// wordsOf returns the words of who asks.
func (c *console) wordsOf(r *http.Request) *words {
	if k, err := r.Cookie("lang"); err == nil && c.say[k.Value] != nil {
		return c.say[k.Value]
	}
	return c.say[c.o.lang]
}

// people are those who may act where there is no login.
var people = []string{"ayse", "mehmet"}

// actor returns who acts.
func (c *console) actor(r *http.Request) string {
	if c.o.password != "" {
		name, _, _ := r.BasicAuth()
		return name
	}
	if k, err := r.Cookie("who"); err == nil && slices.Contains(people, k.Value) {
		return k.Value
	}
	return people[0]
}

// cookie remembers a choice of who looks.
func cookie(w http.ResponseWriter, name, value string) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteStrictMode})
}

// shown is a page: the name of its template, its section and what it shows.
type shown struct {
	page, section, title string
	data                 any
	status               int // 0: 200
}

// get answers with a page. ?lang= chooses the language of all pages from then on.
func (c *console) get(mux *http.ServeMux, pattern string, h func(r *http.Request, w *words) (shown, error)) {
	mux.HandleFunc("GET "+pattern, func(w http.ResponseWriter, r *http.Request) {
		say := c.wordsOf(r)
		if tag := r.URL.Query().Get("lang"); c.say[tag] != nil {
			cookie(w, "lang", tag)
			say = c.say[tag]
		}
		s, err := h(r, say)
		if err != nil {
			c.fail(w, r, err)
			return
		}
		c.write(w, r, say, s)
	})
}

// post does something and leads to the page that shows it.
func (c *console) post(mux *http.ServeMux, pattern string, h func(r *http.Request) (to string, err error)) {
	mux.HandleFunc("POST "+pattern, func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			c.fail(w, r, fmt.Errorf("%w: %w", crm.ErrInvalid, err))
			return
		}
		to, err := h(r)
		if err != nil {
			c.fail(w, r, err)
			return
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
	})
}

// write renders a page at once, so that one that fails is not half a page.
func (c *console) write(w http.ResponseWriter, r *http.Request, say *words, s shown) {
	v := &view{words: say, Section: s.section, Title: s.title, Here: r.URL.Path, Version: c.version, Actor: c.actor(r), Asks: c.o.password != "", D: s.data, At: c.last.Get().At}
	v.Work, _ = c.jobs.far()
	for _, tag := range tongues() {
		if tag != say.Tag {
			q := r.URL.Query()
			q.Set("lang", tag)
			v.Other, v.Switch = tag, "?"+q.Encode()
		}
	}
	if key := "done." + r.URL.Query().Get("done"); say.Has(key) {
		v.Done = say.Say(key)
	}
	if v.Follow = r.URL.Query().Has("follow") && v.Work.Running; v.Follow {
		w.Header().Set("Refresh", "2")
	}
	var b bytes.Buffer
	if err := c.pages[s.page].ExecuteTemplate(&b, "layout.html", v); err != nil {
		c.log.Error("console: a page could not be written", "page", s.page, "err", err)
		http.Error(w, "500", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if s.status != 0 {
		w.WriteHeader(s.status)
	}
	_, _ = w.Write(b.Bytes())
}

// fail answers with what is the matter, in words; what only we can mend is logged.
func (c *console) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, key := http.StatusInternalServerError, "error.ours"
	var limit *http.MaxBytesError
	for _, x := range []struct {
		is     error
		status int
		key    string
	}{
		{errNoPage, 404, "error.page"}, {errGone, 410, "error.gone"}, {errForeign, 403, "error.foreign"}, {errBusy, 409, "error.busy"},
		{crm.ErrNotFound, 404, "error.absent"}, {crm.ErrStale, 409, "error.stale"}, {crm.ErrConflict, 409, "error.stale"}, {crm.ErrInvalid, 422, "error.invalid"},
	} {
		if errors.Is(err, x.is) {
			status, key = x.status, x.key
			break
		}
	}
	if errors.As(err, &limit) {
		status, key = http.StatusRequestEntityTooLarge, "error.large"
	}
	if key == "error.ours" && r.Context().Err() == nil {
		c.log.Error("console: a request failed", "path", r.URL.Path, "err", err)
	}
	say := c.wordsOf(r)
	detail := ""
	if status == 422 || status == 409 && key != "error.busy" {
		detail = err.Error()
	}
	c.write(w, r, say, shown{page: "error", title: say.Say(key), status: status, data: struct{ Text, Detail string }{say.Say(key + ".text"), detail}})
}
