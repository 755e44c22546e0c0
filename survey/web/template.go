package web

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"strings"
)

// style is the whole style sheet: system fonts and colours, so that dark mode,
// forced colours and zoom work by themselves; targets of 48 px and more.
const style = `:root{color-scheme:light dark}` +
	`body{font:1.125rem/1.5 system-ui,sans-serif;max-width:38rem;margin:0 auto;padding:1rem;overflow-wrap:break-word}` +
	`h1{font-size:1.5rem;line-height:1.25}` +
	`fieldset,.q{border:0;margin:0 0 2rem;padding:0;min-width:0}` +
	`legend,.l{display:block;font-weight:600;padding:0;margin:0 0 .5rem}` +
	`.s{display:flex;flex-wrap:wrap;gap:.5rem}` +
	`.s label{display:flex;align-items:center;justify-content:center;gap:.5rem;min-width:3rem;min-height:3rem;padding:.25rem .75rem;border:1px solid;border-radius:.5rem;box-sizing:border-box}` +
	`.s input{width:1.25rem;height:1.25rem;margin:0}` +
	`.t{font:inherit;width:100%;min-height:3rem;padding:.5rem;box-sizing:border-box}` +
	`button{font:inherit;min-height:3rem;padding:.5rem 1.5rem}` +
	`.e{color:#b00020;font-weight:600}` +
	`@media(prefers-color-scheme:dark){.e{color:#ff9c9c}}` +
	`:focus-visible{outline:3px solid;outline-offset:2px}` +
	`footer{margin-top:3rem;border-top:1px solid;padding-top:1rem}`

// policy is the Content-Security-Policy of every page: nothing is loaded, a logo is
// part of the page, the one style sheet is named by its hash, forms go back to where they came from.
func policy(style string, logo bool) string {
	sum := sha256.Sum256([]byte(style))
	pictures := ""
	if logo {
		pictures = "img-src data:; "
	}
	return "default-src 'none'; " + pictures + "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}

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
