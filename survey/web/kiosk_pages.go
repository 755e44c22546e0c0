package web

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/internal/plainpage"
	"github.com/vefacrm/vefa/survey"
)

// The script of the pages, which is part of each, and the service worker.
var (
	//go:embed kiosk.js
	kioskScript string
	//go:embed kiosk_worker.js
	kioskWorker string
)

// kioskStyle makes targets large: 72 px and more.
const kioskStyle = `body{font-size:1.375rem;max-width:56rem}` +
	`.s label{min-width:4.5rem;min-height:4.5rem;font-size:1.25em}` +
	`.n{grid-template-columns:repeat(auto-fit,minmax(max(4.5rem,16%),1fr))}` +
	`.t,button,.k a{min-height:4.5rem;font-size:1.25em}` +
	`.k a{display:flex;align-items:center;justify-content:center;border:2px solid;border-radius:.5rem;padding:.5rem 1.5rem;margin:0 0 1rem}` +
	`form:not([action])>button{width:100%}` +
	`[data-on][hidden]{display:none}` +
	`#w{position:sticky;bottom:0;background:Canvas}#w:not(:empty){border:3px solid;padding:1rem}`

// kioskLayout is the pages of a kiosk between the head and foot of all pages.
const kioskLayout = `{{define "kiosk"}}{{template "head" .}}<h1>{{.Title}}</h1>{{with .Place}}<p>{{.}}</p>{{end}}{{with .About}}<p>{{.}}</p>{{end}}
{{- if .HTML}}<div class="h">{{.HTML}}</div>{{else}}{{with .Text}}<p>{{.}}</p>{{end}}{{end -}}
{{- range .Links}}<p class="k"><a href="{{.To}}" lang="{{.Lang}}"{{with .Dir}} dir="{{.}}"{{end}}>{{.Text}}</a></p>{{end -}}
{{- if .Body}}<form method="post" autocomplete="off">{{.Hidden}}{{.Body}}<button type="submit">{{.Send}}</button></form>{{end -}}
{{- if .Idle}}<div id="w" role="alert" data-idle="{{.Idle}}"></div><template id="t"><p>{{.K.Idle}}<span id="n"></span></p><button type="button">{{.K.Stay}}</button></template>{{end -}}
{{template "foot" .}}{{end}}`

// kioskLook parses the pages of kiosks.
func kioskLook(brand *Brand, script bool) (look, error) {
	css := style + brand.style() + richStyle + kioskStyle
	pages := layout
	policy := plainpage.Policy(css, true)
	if script {
		pages = strings.ReplaceAll(pages, "</head>", `<link rel="manifest" href="app.webmanifest"></head>`)
		pages = strings.ReplaceAll(pages, "</body>", "<script>"+kioskScript+"</script></body>")
		sum := sha256.Sum256([]byte(kioskScript))
		policy += "; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; worker-src 'self'; manifest-src 'self'"
	}
	tmpl, err := template.New("kiosk").Parse(strings.Replace(pages+kioskLayout, styleMark, css, 1))
	return look{tmpl, policy}, err
}

// kioskPage is a page of a kiosk.
type kioskPage struct {
	Brand        *brandView // as in notice
	Privacy      string
	Lang, Dir    string
	HeadTitle    string
	Title        string
	NotMeAction  string
	T            *texts
	K            *kioskTexts
	Place, About string
	Text         string
	HTML         template.HTML // in place of Text: safe markup
	Links        []kioskLink
	Hidden, Body template.HTML
	Send         string
	Idle         int // seconds; 0: it stays
}

// kioskLink leads to the questions in a language.
type kioskLink struct{ To, Lang, Dir, Text string }

// page prepares a page in the language of the request.
func (h *KioskHandler) page(d device) kioskPage {
	t, own := textsFor(d.lang)
	return kioskPage{Brand: h.brand, Privacy: h.cfg.Brand.privacy(d.lang), Lang: d.lang, Dir: direction(d.lang), T: t, K: kioskTextsFor(own)}
}

// write shows a page.
func (h *KioskHandler) write(w http.ResponseWriter, r *http.Request, l *look, p *kioskPage, status int) {
	p.HeadTitle = p.Title
	if p.Lang == "" {
		p.Lang = "en"
	}
	l.write(w, r, "kiosk", p, status, h.cfg.Logger)
}

// notice shows a page without a script, in the browser's language.
func (h *KioskHandler) notice(w http.ResponseWriter, r *http.Request, d device, status int, words func(*texts) (title, body string)) {
	_, d.lang = textsFor(language("", Invitation{}, r.Header.Get("Accept-Language")))
	p := h.page(d)
	p.Title, p.Text = words(p.T)
	h.write(w, r, &h.notices, &p, status)
}

// languages are those that a kiosk asks in: its definition's, with its own first.
func (d *device) languages() []string {
	head := d.kiosk.Definition.Head()
	var out []string
	for _, l := range append([]string{head.Language}, head.Languages...) {
		if l == "" && len(head.Languages) == 0 {
			l = "en"
		}
		if isTag(l) && !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	return out
}

// session begins the survey of the sheet.
func (d *device) session(s *sheet, def *survey.Definition, lang string) *survey.Session {
	v := visit{inv: Invitation{Place: d.kiosk.Place, Variables: d.kiosk.Variables}}
	return def.Begin(survey.SessionOptions{Language: lang, Variables: v.variables()})
}

// start shows what the kiosk is for and a button for each language.
func (h *KioskHandler) start(w http.ResponseWriter, r *http.Request, d device) {
	p := h.page(d)
	s := d.session(d.sheet, d.sheet.one, d.lang)
	p.Title = firstOf(s.Title(), d.kiosk.Place, p.K.Begin)
	if d.kiosk.Place != p.Title {
		p.Place = d.kiosk.Place
	}
	p.About = s.Text(d.kiosk.Definition.Head().Description)
	for _, lang := range d.languages() {
		_, own := textsFor(lang)
		text := firstOf(d.kiosk.Definition.Head().StartText.In(lang), kioskTextsFor(own).Begin)
		p.Links = append(p.Links, kioskLink{To: "ask?lang=" + lang, Lang: lang, Dir: direction(lang), Text: text})
	}
	h.write(w, r, &h.look, &p, http.StatusOK)
}

// ask shows all questions. Those that show only with some answers are marked for the script.
func (h *KioskHandler) ask(w http.ResponseWriter, r *http.Request, d device) {
	p := h.page(d)
	s := step{session: d.session(d.sheet, d.sheet.one, d.lang)}
	s.view = s.session.Page()
	head := d.kiosk.Definition.Head()
	p.Title = firstOf(s.session.Title(), d.kiosk.Place, p.K.Begin)
	p.Idle = int(h.cfg.Idle.Seconds())
	p.Send = firstOf(s.session.Text(head.CompleteText), p.T.Send)
	var m markup
	m.hidden("_id", "")
	m.hidden("_at", "")
	m.hidden("_def", d.sheet.print)
	m.hidden("_lang", d.lang)
	if !d.kiosk.AskCode {
		m.hidden("_x", "")
	}
	wr := &writer{t: p.T, lang: d.lang, step: &s, rules: d.sheet.rules}
	if d.kiosk.AskCode {
		wr.b.WriteString(`<div class="q">`)
		wr.open("label")
		wr.attr("class", "l")
		wr.attr("for", "x")
		wr.close()
		wr.text(p.K.Code + " (" + p.T.Optional + ")")
		wr.end("label")
		wr.b.WriteString(`<input class="t" id="x" name="_x" type="text" autocomplete="off" maxlength="64"></div>`)
	}
	wr.elements(s.view.Elements)
	p.Hidden, p.Body = m.html(), wr.html()
	h.write(w, r, &h.look, &p, http.StatusOK)
}

// thanks says what the survey says at its end, and leads to the start by itself.
func (h *KioskHandler) thanks(w http.ResponseWriter, r *http.Request, d device) {
	p := h.page(d)
	p.Title, p.Text = p.T.Thanks, p.T.ThanksBody
	if m := d.session(d.sheet, d.sheet.one, d.lang).Thanks(); m != "" {
		p.HTML = template.HTML(m) // SafeHTML wrote it
	}
	p.Idle = 20
	h.write(w, r, &h.look, &p, http.StatusOK)
}

// worker is the service worker, with the pages of the device to keep.
func (h *KioskHandler) worker(w http.ResponseWriter, r *http.Request, d device) {
	pages := []string{"./"}
	for _, lang := range d.languages() {
		pages = append(pages, "ask?lang="+lang, "thanks?lang="+lang)
	}
	_, own := textsFor(d.lang)
	k := kioskTextsFor(own)
	setup, err := json.Marshal(map[string]any{"pages": pages, "waiting": k.Waiting, "delivered": k.Delivered, "failed": k.Failed, "refused": k.RefusedOne})
	if err != nil {
		h.unavailable(w, r, d, "worker", err)
		return
	}
	hd := w.Header()
	hd.Set("Content-Type", "text/javascript; charset=utf-8")
	hd.Set("Content-Security-Policy", "default-src 'none'; connect-src 'self'")
	_, _ = fmt.Fprintf(w, "const SETUP = %s;\n%s", setup, kioskWorker)
}

// manifest lets a device open the kiosk full screen.
func (h *KioskHandler) manifest(w http.ResponseWriter, _ *http.Request, d device) {
	name := firstOf(h.cfg.Brand.Name, d.kiosk.Place, d.kiosk.Definition.Head().Title.In(d.lang), "Survey")
	w.Header().Set("Content-Type", "application/manifest+json")
	_ = json.NewEncoder(w).Encode(map[string]string{"name": name, "start_url": "./", "scope": "./", "display": "fullscreen", "lang": d.lang, "id": "./"})
}

// noWorker is what a browser without the service worker gets in place of its report.
func (h *KioskHandler) noWorker(w http.ResponseWriter, r *http.Request, d device) {
	h.notice(w, r, d, http.StatusNotFound, func(t *texts) (string, string) {
		return t.NotFound, "No service worker: nothing is kept on this device."
	})
}

// open begins what shows only with some answers.
func (ru rule) open(m *markup) {
	values, err := json.Marshal(ru.values)
	if err != nil { // texts always can
		values = []byte("[]")
	}
	m.open("div")
	m.attr("data-on", ru.on)
	m.attr("data-if", string(values))
	m.flag("hidden", !slices.Contains(ru.values, "")) // nothing moves when the script begins
	m.close()
}
