package web

import (
	"html/template"
	"strings"

	"github.com/vefacrm/vefa/internal/plainpage"
)

// style is the style sheet of the pages, which others of this project share.
const style = plainpage.Style

// layout has no markup that is not needed: a page with two questions is to fit in one packet.
const layout = `{{define "head"}}<!DOCTYPE html>
<html lang="{{.Lang}}"><head><meta charset="utf-8"><title>{{.HeadTitle}}</title><meta name="viewport" content="width=device-width,initial-scale=1"><style>` + styleMark + `</style></head><body>{{with .Brand}}{{if .Name}}<header class="b">{{if .Logo}}<img src="{{.Logo}}" alt="{{.Name}}">{{else}}{{.Name}}{{end}}</header>{{end}}{{end}}<main>{{end}}
{{define "foot"}}</main>{{if .Privacy}}<footer>{{if and .Brand .Brand.PrivacyURL}}<a href="{{.Brand.PrivacyURL}}">{{.Privacy}}</a>{{else}}{{.Privacy}}{{end}}</footer>{{end}}{{if .NotMeAction}}<footer><form method="post" action="{{.NotMeAction}}"><p id="nm">{{.T.NotMeHint}}</p><button type="submit" aria-describedby="nm">{{.T.NotMe}}</button></form></footer>{{end}}</body></html>
{{end}}
{{define "notice"}}{{template "head" .}}<h1>{{.Title}}</h1><p>{{.Body}}</p>{{template "foot" .}}{{end}}
{{define "form"}}{{template "head" .}}<h1>{{.Title}}</h1>{{with .Place}}<p>{{.}}</p>{{end}}{{with .About}}<p>{{.}}</p>{{end}}
{{- if .Faulty}}<div role="alert"><h2 class="e">{{.T.ErrorTitle}}</h2><ul>{{range .Questions}}{{if .Error}}<li><a href="#{{.Focus}}">{{.Title}}</a></li>{{end}}{{end}}</ul></div>{{end -}}
<form method="post">{{.Hidden}}
{{- range .Questions}}{{with .Heading}}<h2>{{.}}</h2>{{end}}
{{- if .Radios}}<fieldset {{.Attrs}}><legend>{{.Label}}</legend>{{.Notes}}<div class="s">{{.Radios}}</div></fieldset>
{{- else}}<div class="q"><label class="l" for="{{.ID}}">{{.Label}}</label>{{.Notes}}{{if .Long}}<textarea {{.Attrs}}>{{.Value}}</textarea>{{else}}<input {{.Attrs}}>{{end}}</div>{{end}}
{{- end}}<button type="submit">{{.Button}}</button></form>{{template "foot" .}}{{end}}`

// styleMark stands for the style sheet in the layout.
const styleMark = "/*style*/"

// parseTemplates parses the pages once per Handler, its style sheet with them: it is the
// same on every page, and a template checks what it inserts each time.
func parseTemplates(css string) (*template.Template, error) {
	return template.New("survey").Parse(strings.Replace(layout, styleMark, css, 1))
}
