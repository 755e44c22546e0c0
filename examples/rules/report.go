package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/vefacrm/vefa/examples/internal/output"
	"github.com/vefacrm/vefa/examples/internal/speak"
	"github.com/vefacrm/vefa/internal/page"
	"github.com/vefacrm/vefa/rules"
)

//go:embed languages/*.json
var languages embed.FS

// kit draws what a preview has to show; a host's editor would show the same beside its text.
var kit = page.NewKit(`
{{define "file"}}<figure class="ru-tall"><figcaption>{{.Title}}</figcaption>
<div class="ru-scroll" tabindex="0" role="group" aria-label="{{.Title}}"><ol class="ru-file">{{range .Lines}}<li{{if .Faults}} class="ru-bad"{{end}} value="{{.N}}"><code>{{.Text}}</code>{{range .Faults}}<p class="ru-fault">{{with .Caret}}<code aria-hidden="true">{{.}}</code>{{end}}{{.Says}}</p>{{end}}</li>
{{end}}</ol></div></figure>{{end}}
{{define "reach"}}<figure class="ru-tall"><div class="ru-scroll" tabindex="0" role="group" aria-label="{{say "page.table"}}"><table><caption>{{.Caption}}</caption>
<thead><tr>{{range .Head}}<th scope="col"{{if .Right}} class="ru-n"{{end}}>{{.Text}}</th>{{end}}</tr></thead>
<tbody>{{range .Rows}}<tr><th scope="row">{{.Name}}{{with .Doc}}<span class="ru-small">{{.}}</span>{{end}}</th>{{range .Cells}}<td{{if .Right}} class="ru-n"{{end}}>{{range .Lines}}<span class="ru-line">{{.}}</span>{{end}}</td>{{end}}</tr>
{{end}}</tbody></table></div></figure>{{end}}
{{define "why"}}<figure><figcaption>{{.Title}}</figcaption><p>{{.Says}}</p>{{template "steps" .Steps}}</figure>{{end}}
{{define "steps"}}<ul class="ru-why">{{range .}}<li>{{.Says}}{{with .Steps}}{{template "steps" .}}{{end}}</li>
{{end}}</ul>{{end}}
{{define "none"}}<p>{{.}}</p>{{end}}`, `
.ru-file{font-size:.9rem;padding-left:3.2rem;margin:.5rem 0}
.ru-file code{font-family:ui-monospace,monospace;white-space:pre}
.ru-why{overflow-wrap:anywhere;padding-left:1.2rem;margin:0 0 .3rem}
.ru-file li::marker{color:var(--soft)}
.ru-bad>code{text-decoration:underline;text-decoration-color:var(--bad);text-decoration-thickness:2px}
.ru-fault{margin:.1rem 0 .5rem;color:var(--bad)}.ru-fault code{display:block}
.ru-n{text-align:right;white-space:nowrap}
.ru-small{display:block;color:var(--soft);font-size:.86rem;font-weight:400}
.ru-line{display:block}
.ru-scroll{overflow-x:auto}
figcaption{font-weight:600}
@media print{.ru-scroll{overflow:visible}.ru-file code{white-space:pre-wrap}.ru-tall,.ru-tall table{break-inside:auto}.ru-scroll td,.ru-scroll th{overflow-wrap:anywhere;white-space:normal}}
`)

type cell struct {
	Lines []string
	Right bool
}

type ruleRow struct {
	Name, Doc string
	Cells     []cell
}

type headCell struct {
	Text  string
	Right bool
}

// sheetView is a table of rules.
type sheetView struct {
	Caption string
	Head    []headCell
	Rows    []ruleRow
}

// fileLine is a line of a rule file with what is wrong in it.
type fileLine struct {
	N      int
	Text   string
	Faults []struct{ Caret, Says string }
}

// faultsOf returns the faults in an error, in its order.
func faultsOf(err error) []*rules.Fault {
	var f *rules.Fault
	switch x := err.(type) {
	case nil:
		return nil
	case interface{ Unwrap() []error }:
		var out []*rules.Fault
		for _, e := range x.Unwrap() {
			out = append(out, faultsOf(e)...)
		}
		return out
	default:
		if errors.As(err, &f) {
			return []*rules.Fault{f}
		}
		return nil
	}
}

// writeFaults writes a page of the rule files with each mistake at its place.
func (p *program) writeFaults(l *speak.Locale, faults []*rules.Fault) error {
	s := page.Section{Title: l.Say("faults"), Lead: l.Say("faults.lead", len(faults))}
	for _, name := range p.rules {
		f, err := open(name)
		if err != nil {
			return err
		}
		data, err := io.ReadAll(io.LimitReader(f, 8<<20))
		f.Close()
		if err != nil {
			return err
		}
		var lines []fileLine
		for i, text := range strings.Split(strings.TrimRight(string(data), "\n"), "\n") {
			line := fileLine{N: i + 1, Text: text}
			for _, x := range faults {
				if x.File != name || max(1, x.Line) != line.N {
					continue
				}
				caret := ""
				if x.Column > 0 {
					caret = strings.Repeat(" ", x.Column-1) + "^"
				}
				says := x.Msg
				if x.Rule != "" {
					says = x.Rule + ": " + says
				}
				line.Faults = append(line.Faults, struct{ Caret, Says string }{caret, says})
			}
			lines = append(lines, line)
		}
		s.Pictures = append(s.Pictures, kit.Draw("file", struct {
			Title string
			Lines []fileLine
		}{l.Say("faults.text", name), lines}))
	}
	return p.write(l, s)
}

// write writes the page of -report.
func (p *program) write(l *speak.Locale, sections ...page.Section) error {
	out := page.Page{Title: l.Say("title"), Lead: l.Say("lead", l.Date(p.moment.Now().In(p.zone)), l.Int(len(p.facts.customers))), Locale: l.Tag, Footer: l.Say("footer"), Sections: sections}
	return output.Write(p.report, output.Private, func(w io.Writer) error { return out.Write(w) })
}

// does says in words what a rule does.
func does(l *speak.Locale, r *rules.Rule) []string {
	var out []string
	for _, a := range r.Then {
		key := "do." + a.Kind
		if l.Say(key) == key {
			key = "do.other"
		}
		text := l.Say(key, a.Name, a.Kind)
		if a.After != "" {
			text = l.Say("do.after", text, span(l, a.After))
		}
		if a.At != "" {
			text = l.Say("do.at", text, a.At)
		}
		out = append(out, text)
	}
	return out
}

// writePreview writes the page of a preview: whom each rule reaches, what it does to them, why the
// first of them, and what is probably not meant. before is of -was, nil without.
func (p *program) writePreview(ctx context.Context, l *speak.Locale, now, before reach) error {
	v := sheetView{Caption: l.Say("reach.caption"), Head: []headCell{{l.Say("rule"), false}, {l.Say("customers"), true}, {l.Say("share"), true}}}
	if before != nil {
		v.Head = append(v.Head, headCell{l.Say("gains"), true}, headCell{l.Say("loses"), true})
	}
	v.Head = append(v.Head, headCell{l.Say("does"), false}, headCell{l.Say("owner"), false})
	why := page.Section{Title: l.Say("why"), Lead: l.Say("why.lead")}
	for _, r := range p.set.Rules() {
		if p.rule != "" && p.rule != r.Name {
			continue
		}
		list := now[r.Name]
		row := ruleRow{Name: r.Name, Doc: r.Doc}
		number := func(n int) { row.Cells = append(row.Cells, cell{[]string{l.Int(n)}, true}) }
		number(len(list))
		row.Cells = append(row.Cells, cell{[]string{l.Percent(float64(len(list))/float64(max(1, len(p.facts.customers))), 1)}, true})
		if before != nil {
			number(len(minus(list, before[r.Name])))
			number(len(minus(before[r.Name], list)))
		}
		deeds := does(l, r)
		if r.Disabled {
			deeds = append([]string{l.Say("off")}, deeds...)
		}
		owner := r.Owner
		if owner == "" {
			owner = l.Say("nobody")
		}
		row.Cells = append(row.Cells, cell{deeds, false}, cell{[]string{owner}, false})
		v.Rows = append(v.Rows, row)
		if len(list) == 0 {
			continue
		}
		s, err := p.facts.at(list[0], p.moment.Now(), nil)
		if err != nil {
			return err
		}
		x, err := p.set.Explain(r.Name, s.record, p.moment)
		if err != nil {
			return err
		}
		why.Pictures = append(why.Pictures, kit.Draw("why", struct {
			Title string
			step
		}{l.Say("why.one", r.Name, p.facts.customers[list[0]].key), stepsOf(x.Text(l.Tag))}))
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	sections := []page.Section{{Title: l.Say("reach"), Pictures: []page.Picture{kit.Draw("reach", v)}}}
	if len(why.Pictures) > 0 {
		sections = append(sections, why)
	}
	look := page.Section{Title: l.Say("look"), Lead: l.Say("look.lead")}
	found := sheetView{Caption: l.Say("look"), Head: []headCell{{l.Say("rule"), false}, {l.Say("place"), false}, {l.Say("finding"), false}}}
	for _, f := range p.set.Lint(p.knownTags()) {
		found.Rows = append(found.Rows, ruleRow{Name: f.Rule, Cells: []cell{{[]string{fmt.Sprintf("%s:%d:%d", f.File, f.Line, f.Column)}, false}, {[]string{f.Kind + ": " + f.Msg}, false}}})
	}
	look.Pictures = []page.Picture{kit.Draw("reach", found)}
	if len(found.Rows) == 0 {
		look.Lead, look.Pictures = "", []page.Picture{kit.Draw("none", l.Say("look.none"))}
	}
	return p.write(l, append(sections, look)...)
}

// step is a line of an explanation, with what it is made of.
type step struct {
	Says  string
	Steps []step
}

// stepsOf returns the first line of an explanation, with the lines below it as they are indented.
func stepsOf(text string) step {
	first, rest, _ := strings.Cut(strings.TrimSpace(text), "\n")
	lines := strings.Split(rest, "\n")
	depth := func(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }
	var below func(least int) []step
	below = func(least int) (out []step) {
		for len(lines) > 0 && depth(lines[0]) >= least {
			line := lines[0]
			lines = lines[1:]
			if says := strings.TrimSpace(line); says != "" {
				out = append(out, step{says, below(depth(line) + 1)})
			}
		}
		return out
	}
	return step{first, below(0)}
}

// knownTags are the tags that rules set and that customers have.
func (p *program) knownTags() []string {
	known := map[string]bool{}
	for _, r := range p.set.Rules() {
		for _, a := range r.Then {
			if a.Kind == "tag" {
				known[a.Name] = true
			}
		}
	}
	for k, c := range p.facts.main.columns {
		if c.kind != rules.Tags {
			continue
		}
		for _, line := range p.facts.main.lines {
			for _, t := range strings.Fields(strings.ReplaceAll(line[k], "|", " ")) {
				known[t] = true
			}
		}
	}
	out := sorted(known)
	return slices.Clip(out)
}

// span says a span of a rule, such as 2y or 7d, in words; one of another form stays as it is.
func span(l *speak.Locale, text string) string {
	unit := strings.TrimLeft(text, "0123456789")
	n, err := strconv.Atoi(strings.TrimSuffix(text, unit))
	if key := "span." + unit; err == nil && l.Say(key) != key {
		return l.Say(key, n)
	}
	return text
}
