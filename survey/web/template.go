package web

import (
	"html/template"
	"strings"

	"github.com/vefacrm/vefa/internal/plainpage"
)

// style is the style sheet of the pages: what others of this project share, the points of a scale in
// rows of equal cells, choices in a column, what is chosen framed, and the button that leads on filled.
const style = plainpage.Style +
	`.s label:has(:checked){outline:2px solid}` +
	`.n{display:grid;gap:0;grid-template-columns:repeat(auto-fit,minmax(max(3rem,16%),1fr))}` +
	`.n label{flex-direction:column;gap:0;padding:.25rem 0;margin:0 -1px -1px 0}` +
	`@media(min-width:40rem){.n{grid-template-columns:repeat(auto-fit,minmax(3rem,1fr))}}` +
	`.c label{width:100%;justify-content:flex-start}` +
	mainButton + `{background:CanvasText;color:Canvas;border:2px solid CanvasText;border-radius:.5rem}`

// mainButton selects the button that leads on: all others of a form of questions have a name.
const mainButton = `form:not([action]) button:not([name])`

// richStyle is what pages have besides that ask more than one line, one text or one scale.
const richStyle = `.v{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap;margin:0;padding:0;border:0;min-height:0}` +
	`.g{border:1px solid;border-radius:.5rem;padding:1rem}` +
	`.g>legend{padding:0 .5rem}` +
	`.g button,.g~button{margin:0 .5rem .5rem 0}` +
	`img{max-width:100%;height:auto}` +
	`.q a,main>p a,li a,.h a{display:inline-block;min-height:3rem;min-width:3rem}`

// layout has no markup that is not needed: a page with two questions is to fit in one packet.
const layout = `{{define "head"}}<!DOCTYPE html>
<html lang="{{.Lang}}"{{with .Dir}} dir="{{.}}"{{end}}><head><meta charset="utf-8"><title>{{.HeadTitle}}</title><meta name="viewport" content="width=device-width,initial-scale=1"><style>` + styleMark + `</style></head><body>{{with .Brand}}{{if .Name}}<header class="b">{{if .Logo}}<img src="{{.Logo}}" alt="{{.Name}}">{{else}}{{.Name}}{{end}}</header>{{end}}{{end}}<main>{{end}}
{{define "preview"}}<section class="pv" aria-label="{{.Title}}"><p><strong>{{.Title}}</strong> {{.Body}}</p>{{if .Languages}}<p>{{range .Languages}}<a href="{{.URL}}" hreflang="{{.Tag}}"{{if .Shown}} aria-current="true"{{end}}>{{.Tag}}</a> {{end}}</p>{{end}}{{if .Findings}}<details>{{with .Summary}}<summary>{{.}}</summary>{{end}}<ul lang="en" dir="ltr">{{range .Findings}}<li>{{.Severity}}{{with .Path}} <code>{{.}}</code>{{end}}: {{.Detail}}{{with .Suggestion}} (did you mean {{.}}?){{end}}</li>{{end}}</ul></details>{{else}}<p>{{.Summary}}</p>{{end}}</section>{{end}}
{{define "foot"}}</main>{{if .Privacy}}<footer>{{if and .Brand .Brand.PrivacyURL}}<a href="{{.Brand.PrivacyURL}}">{{.Privacy}}</a>{{else}}{{.Privacy}}{{end}}</footer>{{end}}{{if .NotMeAction}}<footer><form method="post" action="{{.NotMeAction}}"><button type="submit" aria-describedby="nm">{{.T.NotMe}}</button><p id="nm">{{.T.NotMeHint}}</p></form></footer>{{end}}</body></html>
{{end}}
{{define "notice"}}{{template "head" .}}{{with .Preview}}{{template "preview" .}}{{end}}<h1>{{.Title}}</h1>{{if .HTML}}<div class="h">{{.HTML}}</div>{{else}}<p>{{.Body}}</p>{{end}}{{with .Onward}}<p><a href="{{.}}" rel="noopener noreferrer">{{$.T.Next}}</a></p>{{end}}{{with .UndoAction}}<form method="post" action="{{.}}"><p><button type="submit">{{$.T.NotMeUndo}}</button></p></form>{{end}}{{.FollowUp}}{{template "foot" .}}{{end}}
{{define "form"}}{{template "head" .}}{{with .Preview}}{{template "preview" .}}{{end}}<h1>{{.Title}}</h1>{{with .Place}}<p>{{.}}</p>{{end}}{{with .About}}<p>{{.}}</p>{{end}}
{{- .Summary}}<form method="post"{{if .Files}} enctype="multipart/form-data"{{end}}>{{.Hidden}}{{.Body}}{{.Buttons}}</form>{{template "foot" .}}{{end}}`

// styleMark stands for the style sheet in the layout.
const styleMark = "/*style*/"

// parseTemplates parses the pages once per Handler, its style sheet with them: it is the
// same on every page, and a template checks what it inserts each time.
func parseTemplates(css string) (*template.Template, error) {
	return template.New("survey").Parse(strings.Replace(layout, styleMark, css, 1))
}
